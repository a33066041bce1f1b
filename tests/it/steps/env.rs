//! `env`: variables that a program prints; `set`: variables of the configuration.

use crate::support::root::{Outcome, Root};

fn root(step: &str) -> Root {
    Root::config(format!("version = 1\n[app]\ncommand = ['app']\n[[steps]]\n{step}\n")).programs(["app"])
}

fn run(root: &Root) -> Outcome {
    root.start([""; 0]).env(["A=1"]).run()
}

promise!(lines_are_variables, {
    let root = root("env = { command = ['print'] }").stub("print", "stdout A=2\nstdout NEW=x y='z'\nstdout EMPTY=");
    let outcome = run(&root);
    let app = outcome.app();
    let found = ["A", "NEW", "EMPTY"].map(|name| app.text(name));
    assert_eq!(found, [Some("2".into()), Some("x y='z'".into()), Some(String::new())]);
});

promise!(nuls_let_values_have_newlines, {
    let root = root("env = { command = ['print'], format = 'nul' }").stub("print", "stdout A=2\nstdout 3\\0B=4\\0");
    let outcome = run(&root);
    outcome.assert_refused(125, &["entry 3 of what it printed has no `=`"]);
    root.put("/stubs/print", "stdout A=2\nstdout 3\\0B=4");
    let outcome = run(&root);
    assert_eq!((outcome.app().text("A"), outcome.app().text("B")), (Some("2\n3".into()), Some("4\n".into())));
});

promise!(toml_on_descriptor_3_as_buildpacks_have_it, {
    let root = root("env = { command = ['exec.d/print'], format = 'toml' }")
        .stub("/exec.d/print", "stdout noise\nextra A = \"2\"");
    let outcome = run(&root);
    assert_eq!(outcome.app().text("A"), Some("2".into()));
    assert!(outcome.stdout().contains("noise\n"), "its stdout is passed through");
});

promise!(only_what_is_allowed_is_set_and_nothing_of_the_rest, {
    let root =
        root("env = { command = ['print'], allow = ['DB_*'] }").stub("print", "stdout DB_A=1\nstdout LD_PRELOAD=/x");
    run(&root).assert_refused(125, &["`print`: it sets `LD_PRELOAD`, which `allow` does not list"]);
});

promise!(secrets_of_a_program_are_secrets, {
    let config = "secret = ['*_TOKEN']";
    let root = root(&format!(
        "env = {{ command = ['print'], {config} }}\n[[steps]]\nrun = {{ command = ['fail', '${{MY_TOKEN}}'] }}"
    ))
    .stub("print", "stdout MY_TOKEN=hunter2hunter2")
    .stub("fail", "exit 9");
    let outcome = root.start([""; 0]).debug().run();
    outcome.assert_refused(9, &[]);
    outcome.assert_never_says(&["hunter2hunter2"]);
});

promise!(what_is_no_variable_stops_the_start_and_is_not_quoted, {
    let root = root("env = { command = ['print'] }").stub("print", "stdout warning: no config, hunter2");
    let outcome = run(&root);
    outcome.assert_refused(125, &["line 1 of what it printed has no `=`: accepted is NAME=value"]);
    outcome.assert_never_says(&["hunter2"]);
    root.put("/stubs/print", "stdout B=1\nexit 6");
    run(&root).assert_refused(6, &["`print` exited with status 6"]);
});

promise!(an_internal_variable_stays_internal, {
    let config = "version = 1\n[app]\ncommand = ['app', '${ID}']\n[env.ID]\ninternal = true\n[[steps]]\nset = { ID = 'x${A}' }\n";
    let root = Root::config(config).programs(["app"]);
    let outcome = run(&root);
    assert_eq!((outcome.app().argv(), outcome.app().text("ID")), (vec!["app".into(), "x1".into()], None));
});

promise!(a_later_step_may_set_it_again, {
    let root = root("set = { P = 'a:${P:-}' }\n[[steps]]\nset = { P = 'b:${P}' }");
    assert_eq!(run(&root).app().text("P"), Some("b:a:".into()));
});
