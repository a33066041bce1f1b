//! P11: an installation that is copied once, and a configuration with random keys that is written once.

use crate::support::root::{Outcome, Root, Start};

const SOURCE: &str = "/usr/src/wordpress";
const TARGET: &str = "/var/www/html";
const PHRASE: &str = "put your unique phrase here";

/// What the image has, with the mode of each.
const FILES: [(&str, &str, u32); 6] = [
    ("index.php", "<?php // index", 0o644),
    (".htaccess", "Options -Indexes", 0o640),
    ("wp-includes/version.php", "<?php // 6", 0o600),
    (
        "wp-config-docker.php",
        "<?php\r\ndefine('AUTH_KEY', getenv_docker('A', 'put your unique phrase here'));\n\
         define('BOTH', 'put your unique phrase here put your unique phrase here');\n$x = '{{ \\n';\n\
         define('SALT', 'put your unique phrase here');\n",
        0o644,
    ),
    ("wp-content/plugins/akismet/a.php", "<?php // akismet", 0o755),
    ("wp-content/themes/tt/s.css", "s{}", 0o644),
];

fn wordpress() -> Root {
    let root = Root::example("wordpress")
        .programs(["apache2-foreground", "php-fpm", "foo"])
        .passwd("www-data:x:33:33::/var/www:/none")
        .group("www-data:x:33:")
        .dir(TARGET);
    FILES.into_iter().fold(root, |root, (name, text, mode)| {
        let path = format!("{SOURCE}/{name}");
        root.file(&path, text).mode(&path, mode)
    })
}

fn start<'r>(root: &'r Root, args: &[&str]) -> Start<'r> {
    root.start(args).cwd(TARGET)
}

fn at(name: &str) -> String {
    format!("{TARGET}/{name}")
}

/// That all of it is there, as it is in the image, and whose it is.
#[track_caller]
fn assert_installed(root: &Root, owner: &str) {
    for (name, text, mode) in FILES {
        assert_eq!((root.text(&at(name)).as_str(), root.mode_of(&at(name))), (text, mode), "{name}");
    }
    for name in FILES.map(|(name, ..)| name).into_iter().chain(["", "wp-includes", "wp-content/plugins/akismet"]) {
        assert_eq!(root.owner_of(&at(name)), owner, "{name}");
    }
}

fn warnings(outcome: &Outcome) -> Vec<String> {
    let notices = outcome.events("notice");
    notices.iter().map(|notice| notice["message"].as_str().unwrap_or_default().to_owned()).collect()
}

promise!(p11_1_the_installation_is_copied_and_given_to_the_web_server, {
    let root = wordpress();
    let outcome = start(&root, &["apache2-foreground", "-x"]).run();
    assert_eq!(outcome.app().argv(), ["apache2-foreground", "-x"]);
    assert_eq!(outcome.app().identity(), "0:0");
    assert_installed(&root, "33:33");
    assert!(!root.exists(&at("wp-config.php")));
    assert_eq!(warnings(&outcome), [""; 0]);
    assert_eq!((outcome.app().text("OWNER"), outcome.app().text("NEEDS_CONFIGURATION")), (None, None));
});

/// The random strings of the configuration, and the text with the phrase for each.
fn keys(text: &str) -> (Vec<String>, String) {
    let mut keys = Vec::new();
    let mut line_by_line = String::new();
    for line in text.split_inclusive('\n') {
        let hex = |part: &&str| part.len() == 40 && part.bytes().all(|byte| b"0123456789abcdef".contains(&byte));
        let key = line.split(|c: char| !c.is_ascii_alphanumeric()).find(hex).map(str::to_owned);
        line_by_line += &key.as_ref().map_or_else(|| line.to_owned(), |key| line.replace(key, PHRASE));
        keys.extend(key);
    }
    (keys, line_by_line)
}

promise!(p11_2_a_configuration_in_which_each_line_has_a_key_of_its_own, {
    let root = wordpress();
    let outcome = start(&root, &["php-fpm"]).env(["WORDPRESS_DB_HOST=db"]).run();
    assert_eq!(outcome.app().argv(), ["php-fpm"]);
    assert_installed(&root, "33:33");
    let (mut keys, text) = keys(&root.text(&at("wp-config.php")));
    assert_eq!(text, FILES[3].1);
    assert_eq!(keys.len(), 3, "{keys:?}");
    keys.dedup();
    assert_eq!(keys.len(), 3, "{keys:?}");
    assert_eq!((root.owner_of(&at("wp-config.php")), root.mode_of(&at("wp-config.php"))), ("33:33".into(), 0o644));
    for key in keys {
        outcome.assert_never_says(&[&key]);
    }
});

promise!(p11_3_a_plug_in_that_is_there_is_kept_as_it_is, {
    let root = wordpress().file(&at("wp-content/plugins/akismet/own.php"), "own");
    let before = root.snapshot(&at("wp-content/plugins/akismet"));
    let outcome = start(&root, &["apache2-foreground"]).run();
    outcome.app();
    let akismet = at("wp-content/plugins/akismet");
    assert_eq!(root.snapshot(&akismet), before);
    assert_eq!(warnings(&outcome), [format!("step `wordpress`: `{akismet}` is there already, and left as it is")]);
    assert_eq!(root.text(&at("wp-content/themes/tt/s.css")), "s{}");
    assert_eq!(root.owner_of(&at("wp-content/themes/tt/s.css")), "33:33");
    assert!(root.exists(&at("index.php")));
});

promise!(p11_4_a_second_start_copies_nothing, {
    let root = wordpress();
    start(&root, &["apache2-foreground"]).env(["WORDPRESS_DB_HOST=db"]).run().app();
    std::fs::remove_file(root.path(&at("wp-includes/version.php"))).unwrap();
    std::fs::remove_file(root.path(&at(".htaccess"))).unwrap();
    let first = root.snapshot(TARGET);
    let outcome = start(&root, &["apache2-foreground"]).env(["WORDPRESS_DB_HOST=other", "WORDPRESS_DEBUG=1"]).run();
    outcome.app();
    assert_eq!(root.snapshot(TARGET), first);
    assert_eq!(warnings(&outcome), [""; 0]);
});

promise!(p11_4_a_configuration_that_is_there_is_kept_and_an_empty_one_is_none, {
    let root = wordpress().file(&at("wp-config.php"), "mine");
    let before = root.snapshot(&at("wp-config.php"));
    start(&root, &["apache2-foreground"]).env(["WORDPRESS_DB_HOST=db"]).run().app();
    assert_eq!(root.snapshot(&at("wp-config.php")), before);
    root.put(&at("wp-config.php"), "");
    start(&root, &["apache2-foreground"]).env(["WORDPRESS_DB_HOST="]).run().app();
    assert_eq!(keys(&root.text(&at("wp-config.php"))).0.len(), 3);
});

promise!(p11_5_a_folder_that_is_not_empty_is_a_warning, {
    let root = wordpress().file(&at("other"), "other");
    let outcome = start(&root, &["apache2-foreground"]).run();
    outcome.app();
    let warnings = warnings(&outcome);
    assert!(warnings.len() == 1 && warnings[0].contains("is not empty! (copying anyhow)"), "{warnings:?}");
    assert_installed(&root, "33:33");
    assert_eq!((root.text(&at("other")), root.owner_of(&at("other"))), ("other".into(), "0:0".into()));
});

promise!(p11_6_the_user_apache_runs_as_and_for_php_fpm_always_www_data, {
    let env = ["APACHE_RUN_USER=#1000", "APACHE_RUN_GROUP=#1000", "WORDPRESS_X="];
    for (program, owner) in [("apache2-foreground", "1000:1000"), ("php-fpm", "33:33")] {
        let root = wordpress();
        start(&root, &[program]).env(env).run().app();
        assert_installed(&root, owner);
        assert_eq!(root.owner_of(&at("wp-config.php")), owner);
    }
});

promise!(p11_7_who_is_not_root_copies_for_itself, {
    let root = wordpress().owner(TARGET, 1234, 1234).mode(TARGET, 0o711);
    for name in ["wp-includes/version.php", ".htaccess"] {
        root.set_mode(&format!("{SOURCE}/{name}"), 0o644);
    }
    let outcome = start(&root, &["apache2-foreground"]).user(1234, 1234).env(["WORDPRESS_DB_HOST=db"]).run();
    assert_eq!(outcome.app().identity(), "1234:1234");
    for (name, text, _) in FILES {
        assert_eq!((root.text(&at(name)).as_str(), root.owner_of(&at(name))), (text, "1234:1234".into()), "{name}");
    }
    assert_eq!((root.mode_of(TARGET), root.owner_of(&at("wp-config.php"))), (0o711, "1234:1234".into()));
    assert_eq!(warnings(&outcome), [""; 0]);
});

promise!(p11_8_another_command_copies_nothing, {
    let root = wordpress();
    let before = root.snapshot(TARGET);
    let outcome = start(&root, &["foo"]).env(["WORDPRESS_DB_HOST=db"]).run();
    assert_eq!(outcome.app().argv(), ["foo"]);
    assert_eq!(root.snapshot(TARGET), before);
});

promise!(p11_9_a_configuration_that_cannot_be_given_away_is_a_warning, {
    const CAP_CHOWN: libc::c_ulong = 0;
    let root = wordpress();
    start(&root, &["apache2-foreground"]).run().app();
    let outcome =
        start(&root, &["apache2-foreground"]).without_capability(CAP_CHOWN).env(["WORDPRESS_DB_HOST=db"]).run();
    outcome.app();
    assert_eq!(outcome.code(), 0);
    outcome.assert_says(&["step `give the configuration to the web server`", "wp-config.php"]);
    assert_eq!(root.owner_of(&at("wp-config.php")), "0:0");
});

promise!(a_copy_that_was_killed_goes_on, {
    let root = wordpress().file(&at("index.php"), FILES[0].1).file(&at(".onset-incomplete"), "");
    start(&root, &["apache2-foreground"]).run().app();
    assert_eq!(root.text(&at("wp-includes/version.php")), FILES[2].1);
    assert!(!root.exists(&at(".onset-incomplete")));
});
