//! P8: arguments between arguments, secrets in files, credentials of names that are data.

use crate::support::root::{Outcome, Root};

const PATHS: [&str; 6] = [
    "GF_PATHS_CONFIG=/gf/ini",
    "GF_PATHS_DATA=/gf/data",
    "GF_PATHS_HOME=/gf/home",
    "GF_PATHS_LOGS=/gf/logs",
    "GF_PATHS_PLUGINS=/gf/data/plugins",
    "GF_PATHS_PROVISIONING=/gf/prov",
];
const FIRST: [&str; 5] = ["grafana", "server", "--homepath=/gf/home", "--config=/gf/ini", "--packaging=docker"];
const LAST: [&str; 5] = [
    "cfg:default.log.mode=console",
    "cfg:default.paths.data=/gf/data",
    "cfg:default.paths.logs=/gf/logs",
    "cfg:default.paths.plugins=/gf/data/plugins",
    "cfg:default.paths.provisioning=/gf/prov",
];
const NONE: [&str; 0] = [];
/// Of grafana's image.
const USER: u32 = 472;

const CREDENTIALS: &str = "/gf/home/.aws/credentials";
const KEYS: [&str; 7] = [
    "GF_AWS_PROFILES=a b c",
    "GF_AWS_a_ACCESS_KEY_ID=id-a",
    "GF_AWS_a_SECRET_ACCESS_KEY=hunter2-a",
    "GF_AWS_a_REGION=eu-1",
    "GF_AWS_b_ACCESS_KEY_ID=id-b",
    "GF_AWS_c_ACCESS_KEY_ID=id-c",
    "GF_AWS_c_SECRET_ACCESS_KEY=hunter2-c",
];

fn grafana() -> Root {
    let root = Root::example("grafana").programs(["grafana"]).file("/gf/ini", "").file("/sec", "sec\n\n");
    let folders = ["/gf/data", "/gf/home", "/gf/home/.aws", "/gf/logs", "/gf/prov"];
    let root = folders.into_iter().fold(root, Root::dir);
    folders.into_iter().fold(root, |root, path| root.owner(path, USER, 0))
}

fn run(root: &Root, args: &[&str], env: &[&str]) -> Outcome {
    root.start(args).user(USER, 0).env(PATHS).env(env).run()
}

promise!(p8_1_arguments_between_arguments, {
    let root = grafana();
    for args in [&["--x=1", "cfg:y=2"][..], &["cfg:y=2"], &["a b", ""], &[]] {
        let outcome = run(&root, args, &[]);
        assert_eq!(outcome.app().argv(), [&FIRST[..], args, &LAST].concat());
        assert_eq!(outcome.app().text("HOME").as_deref(), Some("/gf/home"));
        assert_eq!(outcome.code(), 0);
    }
});

promise!(p8_1_what_the_image_does_not_set_has_the_same_defaults, {
    let outcome = Root::example("grafana").programs(["grafana"]).dir("/var/lib/grafana").start(NONE).run();
    assert!(outcome.app().argv().contains(&"--config=/etc/grafana/grafana.ini".to_owned()));
    assert_eq!(outcome.app().text("HOME").as_deref(), Some("/usr/share/grafana"));
});

promise!(p8_2_the_folder_of_plug_ins_is_made_and_no_parent_of_it, {
    let root = grafana();
    run(&root, &[], &[]).app();
    assert_eq!((root.mode_of("/gf/data/plugins"), root.owner_of("/gf/data/plugins")), (0o755, "472:0".into()));
    let first = root.snapshot("/gf");
    run(&root, &[], &[]).app();
    assert_eq!(root.snapshot("/gf"), first, "a second start changes nothing");
});

promise!(p8_2_without_its_parent_it_is_not_made, {
    let root = grafana();
    let env: Vec<&str> = PATHS.into_iter().filter(|entry| !entry.starts_with("GF_PATHS_PLUGINS=")).collect();
    let outcome = root.start(NONE).env(env).env(["GF_PATHS_PLUGINS=/gf/none/plugins"]).run();
    outcome.assert_refused(125, &["step `plugins`", "/gf/none/plugins", "no such file or directory"]);
    assert!(!root.exists("/gf/none"));
});

promise!(p8_3_every_pointer_becomes_the_secret_it_points_at, {
    let outcome = run(&grafana(), &[], &["GF_X__FILE=/sec", "GF_Y__FILE=", "X__FILE=/sec", "GF_Z_FILE=/sec"]);
    let app = outcome.app();
    assert_eq!((app.text("GF_X").as_deref(), app.text("GF_X__FILE")), (Some("sec"), None));
    assert_eq!((app.text("GF_Y").as_deref(), app.text("GF_Y__FILE").as_deref()), (None, Some("")));
    assert_eq!((app.text("X"), app.text("GF_Z")), (None, None), "only what begins with GF_ and ends with __FILE");
});

promise!(p8_4_a_variable_and_its_pointer_together_are_an_error, {
    let root = grafana();
    let outcome = run(&root, &[], &["GF_X__FILE=/sec", "GF_X=other"]);
    outcome.assert_refused(125, &["`GF_X` and `GF_X__FILE` are both set"]);
    assert_eq!(run(&root, &[], &["GF_X__FILE=/sec", "GF_X="]).app().text("GF_X").as_deref(), Some("sec"));
});

promise!(p8_5_credentials_of_each_profile_that_has_both_keys, {
    let root = grafana().file(CREDENTIALS, "old").owner(CREDENTIALS, USER, 0);
    let outcome = root.start(NONE).user(USER, 0).env(PATHS).env(KEYS).debug().run();
    outcome.app();
    outcome.assert_never_says(&["hunter2"]);
    let expected = "[a]\naws_access_key_id = id-a\naws_secret_access_key = hunter2-a\nregion = eu-1\n\
        [c]\naws_access_key_id = id-c\naws_secret_access_key = hunter2-c\n";
    assert_eq!((root.text(CREDENTIALS), root.mode_of(CREDENTIALS)), (expected.to_owned(), 0o600));
    root.onset(["plan"]).env(PATHS).env(KEYS).run().assert_never_says(&["hunter2"]);
    let first = root.snapshot("/gf");
    run(&root, &[], &KEYS).app();
    assert_eq!(root.snapshot("/gf"), first, "a second start changes nothing");
    run(&root, &[], &["GF_AWS_PROFILES="]).app();
    assert_eq!(root.text(CREDENTIALS), "", "each start begins with nothing");
});

promise!(p8_5_without_profiles_there_are_no_credentials, {
    let root = grafana();
    run(&root, &[], &KEYS[1..]).app();
    assert!(!root.exists(CREDENTIALS));
});

promise!(p8_5_keys_may_come_from_files, {
    let root = grafana();
    let env = ["GF_AWS_PROFILES=a", "GF_AWS_a_ACCESS_KEY_ID=id-a", "GF_AWS_a_SECRET_ACCESS_KEY__FILE=/sec"];
    run(&root, &[], &env).app();
    assert_eq!(root.text(CREDENTIALS), "[a]\naws_access_key_id = id-a\naws_secret_access_key = sec\n");
});

promise!(p8_6_what_cannot_be_read_or_written_is_a_message_and_no_more, {
    let root = grafana().dir("/gf/data/plugins").mode("/gf/ini", 0o600).owner("/gf/data", 0, 0);
    let outcome = run(&root, &[], &[]);
    outcome.app();
    outcome.assert_says(&["GF_PATHS_CONFIG='/gf/ini' is not readable", "GF_PATHS_DATA='/gf/data' is not writable"]);
    assert!(!outcome.stderr().contains("GF_PATHS_HOME"), "{}", outcome.story());
    assert_eq!(outcome.code(), 0);
});

promise!(p8_7_a_folder_that_cannot_be_made_stops_the_start, {
    let root = grafana().owner("/gf/data", 0, 0);
    run(&root, &[], &[]).assert_refused(125, &["step `plugins`", "/gf/data/plugins", "472"]);
});

promise!(p8_8_a_secret_that_is_missing_stops_the_start, {
    run(&grafana(), &[], &["GF_X__FILE=/nofile"]).assert_refused(125, &["GF_X__FILE", "/nofile"]);
});
