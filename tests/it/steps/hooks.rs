//! `hooks`

use crate::support::root::{Outcome, Root};

const CONFIG: &str = "version = 1\n[app]\ncommand = ['app']\n[[steps]]\nname = 'hooks'\n\
    hooks = { directory = '/hooks', handlers = { '.sql' = ['client', '-f', '-'] } }\n";

fn root() -> Root {
    Root::config(CONFIG).programs(["app"])
}

fn run(root: &Root) -> Outcome {
    root.start([""; 0]).run()
}

fn names(outcome: &Outcome) -> Vec<String> {
    outcome.programs().iter().map(|app| app.argv().join(" ")).collect()
}

promise!(programs_run_in_the_order_of_their_numbers, {
    let mut root = root();
    for name in ["10-c", "2-b", "1-a", "x"] {
        root = root.stub(&format!("/hooks/{name}"), "record");
    }
    let outcome = run(&root);
    outcome.app();
    assert_eq!(names(&outcome), ["/hooks/1-a", "/hooks/2-b", "/hooks/10-c", "/hooks/x"]);
    let plan = root.onset(["plan"]).run();
    plan.assert_stdout_has(&["run /hooks/1-a for /hooks/1-a; run /hooks/2-b"]);
});

promise!(no_directory_and_an_empty_one_are_nothing_to_do, {
    run(&root()).app();
    run(&root().dir("/hooks")).app();
});

promise!(handlers_get_the_file_on_stdin, {
    let root = root().file("/hooks/1.sql", "select 1;\n").stub("client", "record\ncat");
    let outcome = run(&root);
    assert_eq!(names(&outcome), ["client -f -"]);
    assert!(outcome.stdout().contains("\nselect 1;\n"), "{}", outcome.story());
});

promise!(the_mount_of_a_config_map_is_followed, {
    let root = root()
        .stub("/hooks/..2026_01/10-a", "record")
        .link("/hooks/..data", "..2026_01")
        .link("/hooks/10-a", "..data/10-a")
        .dir("/hooks/folder");
    let outcome = run(&root);
    outcome.app();
    assert_eq!(names(&outcome), ["/hooks/10-a"], "once, not again by its versions");
});

promise!(variables_reach_later_hooks_steps_and_the_application, {
    let root = root().file("/hooks/1.env", "# comment\nexport A='1 2'\nB=\"x\"\n").stub("/hooks/2-tool", "record");
    let outcome = run(&root);
    assert_eq!(outcome.programs()[0].text("A"), Some("1 2".into()));
    assert_eq!((outcome.app().text("A"), outcome.app().text("B")), (Some("1 2".into()), Some("x".into())));
});

promise!(drop_in_steps_are_steps, {
    let drop_in = "version = 1\n[[steps]]\ndirectory = { path = '/tmp/made' }\n[[steps]]\nset = { MADE = 'yes' }\n";
    let root = root().file("/hooks/5.toml", drop_in).stub("/hooks/6", "record");
    let outcome = run(&root);
    assert!(root.exists("/tmp/made"));
    assert_eq!(outcome.app().text("MADE"), Some("yes".into()));
    assert_eq!(outcome.programs()[0].text("MADE"), Some("yes".into()));
    root.put("/hooks/5.toml", "version = 1\n[[steps]]\nrun = { command = ['none'] }\n");
    run(&root).assert_refused(127, &["step `hooks`, 5.toml 1 (run) (/hooks/5.toml:2:1)"]);
    root.put("/hooks/5.toml", "version = 1\n[app]\ncommand = ['other']\n");
    run(&root).assert_refused(125, &["/hooks/5.toml: a drop-in has `version` and `[[steps]]`"]);
    root.put("/hooks/5.toml", "version = 1\n[[steps]]\nrum = {}\n");
    run(&root).assert_refused(125, &["/hooks/5.toml:3", "`rum` is not known here"]);
});

promise!(what_is_not_executable_is_reported_and_left_alone, {
    let root = root().file("/hooks/readme.txt", "hello").file("/hooks/2-script.sh", "#!/bin/sh\n");
    let outcome = run(&root);
    outcome.app();
    outcome.assert_says(&["/hooks/readme.txt is not executable", "/hooks/2-script.sh is not executable"]);
});

promise!(the_first_that_fails_ends_it, {
    let root = root().stub("/hooks/1", "exit 3").stub("/hooks/2", "record");
    let outcome = run(&root);
    outcome.assert_refused(3, &["step `hooks`", "`/hooks/1` exited with status 3"]);
    assert!(outcome.programs().is_empty());
});

promise!(a_file_of_variables_with_mistakes_stops_the_start_and_is_not_quoted, {
    let outcome = run(&root().file("/hooks/1.env", "A=1\nhunter2\n"));
    outcome.assert_refused(125, &["/hooks/1.env: line 2"]);
    outcome.assert_never_says(&["hunter2"]);
});
