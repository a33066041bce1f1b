//! `template`: what all is checked with is not what is written, where an earlier step has changed it since.

use crate::support::root::Root;

promise!(a_template_that_an_earlier_step_has_written_is_rendered_as_it_is_then, {
    let root = Root::config(
        r#"version = 1
[app]
command = ["app"]
[env.A]
default = "1"
[[steps]]
template = { source = "/t/new", target = "/t/site", with = { variables = ["NONE"] } }
[[steps]]
template = { source = "/t/site", target = "/t/result" }
"#,
    )
    .programs(["app"])
    .file("/t/new", "new ${A}\n")
    .file("/t/site", "old ${A}\n");
    root.start([""; 0]).run().app();
    assert_eq!(root.text("/t/result"), "new 1\n");
});

promise!(a_variable_that_an_earlier_step_has_set_is_in_every_later_file, {
    let root = Root::config(
        r#"version = 1
[app]
command = ["app"]
[env.A]
default = "1"
[env.PASSWORD]
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
    .programs(["app"])
    .file("/t/site", "${A}\n")
    .file("/t/password", "${PASSWORD}\n");
    root.start([""; 0]).env(["PASSWORD=hunter2"]).run().app();
    assert_eq!([root.text("/t/first"), root.text("/t/second")], ["1\n", "2\n"]);
    for file in ["/t/hidden", "/t/hidden_too"] {
        assert_eq!((root.text(file).as_str(), root.mode_of(file)), ("hunter2\n", 0o600), "{file}");
    }
});
