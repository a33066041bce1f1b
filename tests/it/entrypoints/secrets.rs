//! Where entrypoint scripts break on secrets: FILESECRET, FILEBULK, LOG, DEBUG, UNSET.

use crate::support::root::{Outcome, Root};
use std::os::unix::net::UnixListener;

const NONE: [&str; 0] = [];
const SECRET: &str = "hunter2-s3cr3t";
const DB: &str = "version = 1\napp.command = ['app']\n[env.DB_PASSWORD]\nrequired = true\nsecret = true\nfile = true\n";

fn app(config: &str) -> Root {
    Root::config(config).programs(["app"]).file("/run/secrets/db", SECRET)
}

fn run(root: &Root, env: &[&str]) -> Outcome {
    let outcome = root.start(NONE).env(env).debug().run();
    outcome.assert_never_says(&[SECRET]);
    outcome
}

promise!(a_secret_comes_from_its_file_without_the_newlines_at_its_end, {
    let root = app(DB);
    for (content, value) in [
        (SECRET.to_owned(), SECRET.to_owned()),
        (format!("{SECRET}\n\n"), SECRET.to_owned()),
        (format!(" {SECRET} \n"), format!(" {SECRET} ")),
        (format!("\n{SECRET}\nb\n"), format!("\n{SECRET}\nb")),
    ] {
        root.put("/run/secrets/db", &content);
        let outcome = run(&root, &["DB_PASSWORD_FILE=/run/secrets/db"]);
        assert_eq!(outcome.app().text("DB_PASSWORD"), Some(value));
        assert_eq!(outcome.app().text("DB_PASSWORD_FILE"), None, "the pointer is not left behind");
    }
});

promise!(a_secret_of_any_bytes, {
    let root = app(DB);
    root.put("/run/secrets/db", b"\xff\x80=$X\\\n");
    assert_eq!(
        run(&root, &["DB_PASSWORD_FILE=/run/secrets/db"]).app().var("DB_PASSWORD").as_deref(),
        Some(&b"\xff\x80=$X\\"[..])
    );
});

promise!(other_ends_can_be_trimmed, {
    let trimmed = |how: &str| {
        let root = app(&format!("{DB}trim = '{how}'\n")).file("/run/secrets/db", format!(" {SECRET}\t\n"));
        run(&root, &["DB_PASSWORD_FILE=/run/secrets/db"]).app().text("DB_PASSWORD")
    };
    assert_eq!(trimmed("space"), Some(SECRET.to_owned()));
    assert_eq!(trimmed("none"), Some(format!(" {SECRET}\t\n")));
});

promise!(a_variable_and_its_file_together_are_an_error, {
    let root = app(DB);
    let secret = format!("DB_PASSWORD={SECRET}");
    run(&root, &[&secret, "DB_PASSWORD_FILE=/run/secrets/db"])
        .assert_refused(125, &["`DB_PASSWORD`", "`DB_PASSWORD_FILE`"]);
    let outcome = run(&root, &["DB_PASSWORD=", "DB_PASSWORD_FILE=/run/secrets/db"]);
    assert_eq!(outcome.app().text("DB_PASSWORD").as_deref(), Some(SECRET), "empty is not set");
    let outcome = run(&root, &[&secret, "DB_PASSWORD_FILE="]);
    assert_eq!(outcome.app().text("DB_PASSWORD").as_deref(), Some(SECRET), "empty is not set");
});

promise!(a_secret_that_cannot_be_read_names_variable_and_path, {
    let root = app(DB).dir("/run/folder").file("/run/big", vec![b'x'; (1 << 20) + 1]).mode("/run/secrets/db", 0o600);
    let said = ["DB_PASSWORD", "DB_PASSWORD_FILE"];
    for path in ["/none", "/run/folder", "/run/big"] {
        let outcome = run(&root, &[&format!("DB_PASSWORD_FILE={path}")]);
        outcome.assert_refused(125, &said);
        outcome.assert_says(&[path]);
    }
    let outcome = root.start(NONE).user(1234, 1234).env(["DB_PASSWORD_FILE=/run/secrets/db"]).run();
    outcome.assert_refused(125, &["DB_PASSWORD", "/run/secrets/db", "ermission denied"]);
    outcome.assert_never_says(&[SECRET]);
});

promise!(an_empty_secret_is_none, {
    let root = app(DB).file("/run/secrets/db", "\n");
    let why = "`DB_PASSWORD` is required, and /run/secrets/db, which DB_PASSWORD_FILE names, is empty";
    run(&root, &["DB_PASSWORD_FILE=/run/secrets/db"]).assert_refused(125, &[why]);
});

promise!(what_is_no_file_is_no_secret, {
    let root = app(DB);
    let _socket = UnixListener::bind(root.path("/run/secrets/s")).expect("a new socket");
    let why = "from /run/secrets/s, which DB_PASSWORD_FILE names: it is no file that can be read";
    run(&root, &["DB_PASSWORD_FILE=/run/secrets/s"]).assert_refused(125, &[why]);
});

promise!(a_secret_is_read_before_root_is_left, {
    let config = DB.replace("app.command = ['app']", "app = { command = ['app'], user = '7:8' }");
    let root = app(&config).mode("/run/secrets/db", 0o400);
    let outcome = run(&root, &["DB_PASSWORD_FILE=/run/secrets/db"]);
    assert_eq!((outcome.app().identity(), outcome.app().text("DB_PASSWORD")), ("7:8".into(), Some(SECRET.into())));
});

promise!(other_patterns_of_names, {
    let root = app(&DB.replace("file = true", "file = ['FILE__{}', '{}__FILE']"));
    for pointer in ["FILE__DB_PASSWORD", "DB_PASSWORD__FILE"] {
        let outcome = run(&root, &[&format!("{pointer}=/run/secrets/db")]);
        assert_eq!(outcome.app().text("DB_PASSWORD").as_deref(), Some(SECRET));
        assert_eq!(outcome.app().text(pointer), None);
    }
});

promise!(a_prefix_makes_secrets_of_all_that_bear_it, {
    let root = app("version = 1\napp.command = ['app']\nenvironment.secret_files = ['GF_', 'APP_']\n");
    let env = ["GF_A_FILE=/run/secrets/db", "APP_B_FILE=", "SSL_CERT_FILE=/etc/ca.pem", "GF_PROFILE=x"];
    let outcome = run(&root, &env);
    let app = outcome.app();
    assert_eq!(app.text("GF_A").as_deref(), Some(SECRET));
    assert_eq!(app.text("GF_A_FILE"), None);
    assert_eq!((app.text("APP_B_FILE").as_deref(), app.text("APP_B")), (Some(""), None));
    assert_eq!(app.text("SSL_CERT_FILE").as_deref(), Some("/etc/ca.pem"));
    assert_eq!(app.text("GF_PROFILE").as_deref(), Some("x"));
    run(&root, &["GF_A_FILE=/none"]).assert_refused(125, &["GF_A", "/none"]);
    run(&root, &["GF_A_FILE=/run/secrets/db", "GF_A=x"]).assert_refused(125, &["`GF_A`", "`GF_A_FILE`"]);
});

promise!(a_file_with_a_secret_is_for_its_owner_alone, {
    let config = format!("{DB}[[steps]]\ntemplate = {{ content = 'p=${{DB_PASSWORD}}', target = '/etc/app.conf' }}\n");
    let root = app(&config);
    run(&root, &["DB_PASSWORD_FILE=/run/secrets/db"]).app();
    assert_eq!(root.text("/etc/app.conf"), format!("p={SECRET}"));
    assert_eq!(root.mode_of("/etc/app.conf"), 0o600);
});

promise!(a_file_with_a_secret_is_for_its_owner_alone_unless_asked, {
    for (with, mode) in [("", 0o600), (", with = { mode = '0640' }", 0o640)] {
        let root = app(&format!(
            "{DB}[[steps]]\ntemplate = {{ content = 'p=${{DB_PASSWORD}}', target = '/etc/app.conf'{with} }}\n"
        ));
        run(&root, &["DB_PASSWORD_FILE=/run/secrets/db"]).app();
        assert_eq!(root.mode_of("/etc/app.conf"), mode);
    }
});

promise!(what_is_made_of_a_secret_is_one, {
    let steps = "[env.URL]\ndefault = 'pg://u:${DB_PASSWORD}@db'\n[[steps]]\ntemplate = { content = '${URL}', target = '/etc/app.conf' }\n";
    let root = app(&format!("{DB}{steps}"));
    run(&root, &["DB_PASSWORD_FILE=/run/secrets/db"]).app();
    assert_eq!((root.text("/etc/app.conf"), root.mode_of("/etc/app.conf")), (format!("pg://u:{SECRET}@db"), 0o600));
});

promise!(a_jinja_file_with_a_secret_is_for_its_owner_alone_however_it_comes_there, {
    for content in [
        "{{ env.DB_PASSWORD }}",
        "{% for name, value in env | items %}{{ name }}={{ value }}\n{% endfor %}",
        "{{ env['DB_' ~ 'PASSWORD'] }}",
        "{{ env }}",
    ] {
        let step = format!(
            "[[steps]]\ntemplate = {{ content = \"\"\"{content}\"\"\", target = '/a', with = {{ language = 'jinja' }} }}\n"
        );
        let root = app(&format!("{DB}{step}"));
        run(&root, &["DB_PASSWORD_FILE=/run/secrets/db"]).app();
        assert!(root.text("/a").contains(SECRET), "{content}");
        assert_eq!(root.mode_of("/a"), 0o600, "{content}");
    }
});

/// All faces of onset, with a secret in the arguments.
#[track_caller]
fn assert_hidden(arg: &str, variable: &str, value: &str, parts: &[&str]) {
    let root =
        app(&format!("version = 1\napp.command = ['app']\n[env.{variable}]\nsecret = true\n[[app.arg]]\n{arg}\n"));
    let env = [format!("{variable}={value}")];
    let outcome = root.start(NONE).env(&env).debug().run();
    outcome.app();
    outcome.assert_never_says(parts);
    root.start(NONE).env(&env).options(["--log-format", "text"]).run().assert_never_says(parts);
    for words in [&["plan"][..], &["plan", "--format", "json"], &["check", "--env"], &["render"]] {
        root.onset(words).env(&env).run().assert_never_says(parts);
    }
}

promise!(a_secret_of_several_lines_is_in_no_output, {
    assert_hidden("value = '-p=${TOKEN}'", "TOKEN", "first-\"line\nsecond-\\line\ttab", &["first-", "second-", "line"]);
});

promise!(the_words_of_a_secret_are_in_no_output, {
    assert_hidden("value = '${TOKEN}'\nsplit = true", "TOKEN", "hunter2-one 'hunter2 two'", &["hunter2"]);
});

promise!(the_parts_of_a_secret_list_are_in_no_output, {
    assert_hidden(
        "each = '${TOKEN}'\nseparator = ','\nvalue = '-t=${item}'",
        "TOKEN",
        "hunter2-one,hunter2-two",
        &["hunter2"],
    );
});

promise!(a_secret_under_its_old_name_is_in_no_output, {
    let config = "version = 1\napp.command = ['app']\n[env.TOKEN]\nsecret = true\naliases = ['OLD_TOKEN']\n[[app.arg]]\nvalue = '-p=${OLD_TOKEN}'\n";
    let root = app(config);
    let env = [format!("OLD_TOKEN={SECRET}")];
    let outcome = run(&root, &[&env[0]]);
    assert_eq!(outcome.app().argv()[1], format!("-p={SECRET}"));
    for words in [&["plan"][..], &["plan", "--format", "json"], &["check", "--env"]] {
        root.onset(words).env(&env).run().assert_never_says(&[SECRET]);
    }
});

promise!(a_secret_among_the_container_s_arguments_is_in_no_output, {
    let root = app(DB);
    let env = ["DB_PASSWORD_FILE=/run/secrets/db"];
    let outcome = root.start(["-p", SECRET]).env(env).debug().run();
    assert_eq!(outcome.app().argv(), ["app", "-p", SECRET]);
    outcome.assert_never_says(&[SECRET]);
    root.onset(["plan", "--", "-p", SECRET]).env(env).run().assert_never_says(&[SECRET]);
});

promise!(a_secret_is_in_no_output_whatever_happens, {
    let config = format!(
        concat!(
            "{DB}type = 'string'\nmatches = '.+'\n",
            "[env.URL]\ndefault = 'pg://u:${{DB_PASSWORD}}@db'\n",
            "[env.PORT]\ntype = 'port'\nsecret = true\n",
            "[env.LIST]\ntype = 'enum'\none_of = ['a']\n",
            "[[app.arg]]\nvalue = ['--password=${{DB_PASSWORD}}', '--url', '${{URL}}']\n",
        ),
        DB = DB
    );
    let root = app(&config);
    let pointer = ["DB_PASSWORD_FILE=/run/secrets/db"];
    let secret = format!("DB_PASSWORD={SECRET}");
    for env in
        [&pointer[..], &[secret.as_str()], &[&secret, &format!("PORT={SECRET}")], &[&secret, &format!("LIST={SECRET}")]]
    {
        run(&root, env);
        let text = root.start(NONE).env(env).options(["--log-format", "text", "--log-level", "debug"]).run();
        text.assert_never_says(&[SECRET]);
        for words in [&["check"][..], &["check", "--env"], &["plan"], &["plan", "--format", "json"], &["render"]] {
            root.onset(words).env(env).run().assert_never_says(&[SECRET]);
        }
    }
    let outcome = run(&root, &pointer);
    assert_eq!(
        outcome.app().argv()[1..],
        [format!("--password={SECRET}"), "--url".into(), format!("pg://u:{SECRET}@db")]
    );
});

promise!(a_secret_program_that_is_not_found_is_not_named, {
    let root = app(&DB.replace("['app']", "['/opt/${DB_PASSWORD}/app', '${DB_PASSWORD}']"));
    let outcome = run(&root, &["DB_PASSWORD_FILE=/run/secrets/db"]);
    outcome.assert_refused(127, &["/opt/"]);
});

promise!(a_secret_is_no_text_of_a_broken_configuration, {
    // What the plan says, and the problems of a configuration with a secret typed into it.
    let root = app(
        "version = 1\napp.command = ['app']\n[env.TOKEN]\nsecret = true\ndefault = 'hunter2-s3cr3t'\ntype = 'port'\n",
    );
    run(&root, &[]).assert_refused(125, &["`TOKEN`"]);
    for words in [&["check"][..], &["check", "--env"], &["plan"]] {
        root.onset(words).run().assert_never_says(&[SECRET]);
    }
});

promise!(a_failed_step_does_not_tell_a_secret, {
    let steps = [
        "directory = { path = '/etc/passwd/${DB_PASSWORD}' }",
        "symlink = { path = '/etc/group', target = '/${DB_PASSWORD}' }",
        "owner = { path = '/none/${DB_PASSWORD}', owner = '0' }",
        "remove = { paths = ['/etc/${DB_PASSWORD}'] }",
        "copy = { from = '/none/${DB_PASSWORD}', to = '/x' }",
        "template = { source = '/none/${DB_PASSWORD}', target = '/x' }",
        "template = { content = 'x', target = '/etc/passwd/${DB_PASSWORD}' }",
    ];
    let told: Vec<&str> = steps
        .into_iter()
        .filter(|step| {
            let root = app(&format!("{DB}[[steps]]\n{step}\n")).dir(&format!("/etc/{SECRET}"));
            let outcome = root.start(NONE).env(["DB_PASSWORD_FILE=/run/secrets/db"]).debug().run();
            outcome.stderr().contains(SECRET)
        })
        .collect();
    assert!(told.is_empty(), "told by {told:#?}");
});

/// A configuration with the secret in this place, and whether a start with it succeeds.
const PLACES: [(&str, bool); 52] = [
    // Values of other variables.
    ("[env.A]\nvalue = '${DB_PASSWORD}'\ntype = 'port'", false),
    ("[env.A]\ndefault = 'x${DB_PASSWORD}'\nmatches = 'y'", false),
    ("[env.A]\nprepend = '${DB_PASSWORD}'\nappend = '${DB_PASSWORD}'\ntype = 'bool'", false),
    ("[env.A]\nrequired = 'say ${DB_PASSWORD}'", false),
    ("[env.A]\nexpr = 'env.DB_PASSWORD'\ntype = 'enum'\none_of = ['x']", false),
    ("[env.A]\nexpr = 'env.DB_PASSWORD ~ 1'", true),
    ("[env.A]\nexpr = 'env.DB_PASSWORD + 1'", false),
    ("[env.A]\nexpr = 'env[env.DB_PASSWORD]'", false),
    ("[env.A]\nexpr = 'env.DB_PASSWORD.no.such'", false),
    ("[env.A]\nexpr = 'env.DB_PASSWORD | int'", false),
    ("[env.A]\nvalue = '${NONE:?${DB_PASSWORD}}'", false),
    // Conditions.
    ("[[app.arg]]\nwhen = 'env.DB_PASSWORD > 1'\nvalue = 'x'", true),
    ("[[app.arg]]\nwhen = 'env.DB_PASSWORD'\nvalue = '${DB_PASSWORD}'", true),
    ("[[steps]]\nwhen = 'exists(env.DB_PASSWORD)'\nremove.paths = []", true),
    ("[[steps]]\nwhen = 'contains(\"/etc\", env.DB_PASSWORD)'\nremove.paths = []", false),
    ("[[steps]]\nwhen = 'env.DB_PASSWORD()'\nremove.paths = []", false),
    ("[[steps]]\nwhen = 'env.DB_PASSWORD | no_such'\nremove.paths = []", false),
    ("[[steps]]\nwhen = '[1][env.DB_PASSWORD]'\nremove.paths = []", true),
    ("[[steps]]\nwhen = '{env.DB_PASSWORD: 1}[1] > 0'\nremove.paths = []", false),
    // Arguments.
    ("[app]\ncommand = ['app', '${DB_PASSWORD}']\nlast = ['-${DB_PASSWORD}-']", true),
    (
        "[app]\ncommand = ['app']\nrole.app = { command = ['app', '${DB_PASSWORD}'], env = { R = '${DB_PASSWORD}' } }",
        true,
    ),
    ("[[app.arg]]\neach_prefix = 'DB_'\nvalue = '--${name}=${item}'", true),
    ("[[app.arg]]\nvalue = \"'${DB_PASSWORD}\"\nsplit = true", false),
    // The process.
    ("[app]\ncommand = ['app']\nuser = '${DB_PASSWORD}'", false),
    ("[app]\ncommand = ['app']\nuser = '1:${DB_PASSWORD}'", false),
    ("[app]\ncommand = ['app']\ngroups = ['${DB_PASSWORD}']", false),
    ("[app]\ncommand = ['app']\nworkdir = '/${DB_PASSWORD}'", false),
    ("[app]\ncommand = ['app']\numask = '${DB_PASSWORD}'", false),
    ("[app]\ncommand = ['app']\nlimits.nofile = '${DB_PASSWORD}'", false),
    ("[app]\ncommand = ['app']\nlimits.nofile = { soft = '${DB_PASSWORD}' }", false),
    // Files with variables.
    ("[environment]\nfiles = [{ path = '/env' }]", false),
    ("[environment]\nfiles = [{ path = '/env.d', format = 'directory' }]", true),
    ("[environment]\nfiles = [{ path = '/env', format = 'directory' }]", false),
    ("[env.GF_PASS]\nfile = true\ntype = 'int'", false),
    ("[environment]\nforbidden = { DB_PASSWORD = 'not here' }", false),
    ("[environment]\nat_most_one_of = [['DB_PASSWORD', 'PATH']]", false),
    // Steps.
    ("[[steps]]\ndirectory = { path = '/d/${DB_PASSWORD}', mode = '0700', owner = '1' }", true),
    ("[[steps]]\ndirectory = { path = '/d', owner = '${DB_PASSWORD}' }", false),
    ("[[steps]]\nowner = { path = '/secret', owner = '${DB_PASSWORD}:${DB_PASSWORD}' }", false),
    ("[[steps]]\ncopy = { from = '/secret', to = '/d/${DB_PASSWORD}', marker = '/d/${DB_PASSWORD}.m' }", true),
    ("[[steps]]\ncopy = { from = '/secret', to = '/etc/passwd/${DB_PASSWORD}' }", false),
    ("[[steps]]\nsymlink = { path = '/d/l', target = '${DB_PASSWORD}' }", true),
    ("[[steps]]\nremove = { paths = ['/${DB_PASSWORD}*'] }", true),
    // Templates.
    ("[[steps]]\ntemplate = { content = '${DB_PASSWORD}', target = '/o', with = { check = 'json' } }", false),
    ("[[steps]]\ntemplate = { content = 'a = ${DB_PASSWORD}', target = '/o', with = { check = 'toml' } }", false),
    (
        "[[steps]]\ntemplate = { content = '${DB_PASSWORD}', target = '/o', with = { must_match = '^x${DB_PASSWORD}$' } }",
        false,
    ),
    ("[[steps]]\ntemplate = { content = '${DB_PASSWORD}', target = '/o', with = { owner = '${DB_PASSWORD}' } }", false),
    ("[[steps]]\ntemplate = { content = '${DB_PASSWORD}', target = '/o', with = { max_size = 3 } }", false),
    (
        "[[steps]]\ntemplate = { content = '{{ env.DB_PASSWORD / 2 }}', target = '/o', with = { language = 'jinja' } }",
        false,
    ),
    (
        "[[steps]]\ntemplate = { content = '{{ env.DB_PASSWORD | tojson | nosuch }}', target = '/o', with = { language = 'jinja' } }",
        false,
    ),
    (
        "[[steps]]\ntemplate = { content = '{{ range(env.DB_PASSWORD) }}', target = '/o', with = { language = 'jinja' } }",
        false,
    ),
    ("[[steps]]\ntemplates = { source = '/secret.d', target = '/o.d' }", true),
];

promise!(a_secret_is_in_no_output_wherever_it_is_used, {
    let secret = format!("DB_PASSWORD={SECRET}");
    for (place, starts) in PLACES {
        let command = if place.contains("command =") { "" } else { "app.command = ['app']\n" };
        let root = Root::config(format!(
            "version = 1\n{command}{place}\n[env.DB_PASSWORD]\nrequired = true\nsecret = true\nfile = true\n"
        ));
        let root = root.programs(["app"]).file("/run/secrets/db", SECRET).file("/secret", SECRET);
        let root = root.file("/env", format!("A='{SECRET}' {SECRET}\n{SECRET}\n")).file("/env.d/B", "b");
        let root = root.file("/secret.d/a.template", "${DB_PASSWORD}").dir("/d");
        for env in [["DB_PASSWORD_FILE=/run/secrets/db", "GF_PASS_FILE=/secret"], [&secret, "GF_PASS_FILE=/secret"]] {
            for format in ["json", "text"] {
                let outcome = root.start(NONE).env(env).debug().options(["--log-format", format]).run();
                outcome.assert_never_says(&[SECRET, "hunter2"]);
                assert_eq!(outcome.started(), starts, "{place}\n{}", outcome.story());
            }
            let faces = [&["check"][..], &["check", "--env"], &["plan"], &["plan", "--format", "json"], &["render"]];
            for face in faces {
                root.onset(face).env(env).run().assert_never_says(&[SECRET, "hunter2"]);
            }
        }
    }
});

promise!(names_alone_can_say_that_a_value_is_secret, {
    let config = "version = 1\n[environment]\nsecret = ['*_PASSWORD']\n[app]\ncommand = ['app', '-p=${X_PASSWORD}']\n\
        [env.Y_PASSWORD]\ndefault = 'hunter2-s3cr3t-y'\n\
        [[steps]]\nset = { Z_PASSWORD = 'hunter2-s3cr3t-z' }\n\
        [[steps]]\nname = '${Z_PASSWORD} ${Y_PASSWORD}'\n\
        template = { content = '${X_PASSWORD}', target = '/a', with = { variables = ['*'] } }\n\
        [[steps]]\non_failure = 'warn'\nremove = { paths = ['/a/${Z_PASSWORD}/${Y_PASSWORD}'] }\n";
    let root = app(config);
    let secret = format!("X_PASSWORD={SECRET}");
    let outcome = run(&root, &[&secret]);
    assert_eq!(outcome.app().argv()[1], format!("-p={SECRET}"));
    assert_eq!((root.text("/a"), root.mode_of("/a")), (SECRET.to_owned(), 0o600));
    root.onset(["plan"]).env([&secret]).run().assert_never_says(&[SECRET]);
});

promise!(random_digits_are_written_once_and_for_their_owner_alone, {
    let steps = "[[steps]]\ntemplate = { content = 'key={{ random_hex(20) }}', target = '/key', \
        unless_exists = true, with = { language = 'jinja' } }\n";
    let root = app(&format!("version = 1\napp.command = ['app']\n{steps}"));
    run(&root, &[]).app();
    let first = root.snapshot("/key");
    assert_eq!((root.text("/key").len(), root.mode_of("/key")), (44, 0o600));
    run(&root, &[]).app();
    assert_eq!(root.snapshot("/key"), first);
});

promise!(what_would_be_another_at_each_start_is_not_random, {
    for (place, config) in [
        (
            "4:",
            "[[steps]]\ntemplate = { content = '{{ random_hex(4) }}', target = '/a', with = { language = 'jinja' } }",
        ),
        ("4:", "[[steps]]\nwhen = 'random_hex(4)'\nremove = { paths = ['/a'] }"),
        ("4:", "[env.X]\nexpr = 'random_hex(4)'"),
    ] {
        let root = app(&format!("version = 1\napp.command = ['app']\n{config}\n"));
        let outcome = run(&root, &[]);
        outcome.assert_refused(125, &["/etc/onset/onset.toml:", place, "for templates with `unless_exists = true`"]);
        assert!(!root.exists("/a"));
    }
});

promise!(what_a_template_makes_of_a_secret_is_not_rendered_for_show, {
    let content = "{{ env.PW|tojson }} {{ env.PW|b64 }} {{ env.PW|upper }} {{ env.PW|urlencode }} {{ env.PORT }}";
    let root = app(&format!(
        "version = 1\napp.command = ['app']\nenv.PW.secret = true\n[[steps]]\n\
         template = {{ content = '{content}', target = '/a', with = {{ language = 'jinja' }} }}\n"
    ));
    let env = ["PW=hunter2\"x", "PORT=80"];
    let rendered = root.onset(["render"]).env(env).run();
    rendered.assert_never_says(&["hunter2", "aHVudGVyMiJ4", "HUNTER2", "%22x"]);
    rendered.assert_stdout_has(&[" 80"]);
    run(&root, &env).app();
    assert!(root.text("/a").starts_with("\"hunter2\\\"x\" aHVudGVyMiJ4 HUNTER2"));
});

promise!(what_is_called_a_secret_is_one_without_a_set_up_too, {
    let root = Root::config("version = 1\napp.command = ['app']\nenv.PW.secret = true\n").programs(["app", "other"]);
    for face in [&["plan", "other", "hunter2"][..], &["plan", "--format", "json", "other", "hunter2"]] {
        root.onset(face).env(["PW=hunter2"]).run().assert_never_says(&["hunter2"]);
    }
    let outcome = root.start(["other", "hunter2"]).env(["PW=hunter2"]).run();
    assert_eq!(outcome.app().argv(), ["other", "hunter2"]);
    assert!(!outcome.stderr().contains("hunter2"), "{}", outcome.story());
});
