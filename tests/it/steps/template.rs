//! `template`: what all is checked with is not what is written, where an earlier step has changed it since.

use crate::support::root::Root;

/// A root with these steps, and with `A`, which is 1.
fn root(steps: &str) -> Root {
    let config = format!("version = 1\n[app]\ncommand = ['app']\n[env.A]\ndefault = '1'\n{steps}");
    Root::config(config).programs(["app"])
}

promise!(a_template_that_an_earlier_step_has_written_is_rendered_as_it_is_then, {
    let root = root(
        r#"[[steps]]
template = { source = "/t/new", target = "/t/site", with = { variables = ["NONE"] } }
[[steps]]
template = { source = "/t/site", target = "/t/result" }
"#,
    )
    .file("/t/new", "new ${A}\n")
    .file("/t/site", "old ${A}\n");
    root.start([""; 0]).run().app();
    assert_eq!(root.text("/t/result"), "new 1\n");
});

promise!(a_variable_that_an_earlier_step_has_set_is_in_every_later_file, {
    let root = root(
        r#"[env.PASSWORD]
secret = true
[[steps]]
template = { source = "/t/site", target = "/t/first" }
[[steps]]
template = { source = "/t/password", target = "/t/hidden" }
[[steps]]
set = { A = "2" }
[[steps]]
template = { source = "/t/site", target = "/t/second" }
[[steps]]
template = { source = "/t/password", target = "/t/hidden_too" }
"#,
    )
    .file("/t/site", "${A}\n")
    .file("/t/password", "${PASSWORD}\n");
    root.start([""; 0]).env(["PASSWORD=hunter2"]).run().app();
    assert_eq!([root.text("/t/first"), root.text("/t/second")], ["1\n", "2\n"]);
    for file in ["/t/hidden", "/t/hidden_too"] {
        assert_eq!((root.text(file).as_str(), root.mode_of(file)), ("hunter2\n", 0o600), "{file}");
    }
});
