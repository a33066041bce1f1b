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

promise!(what_only_its_owner_may_read_is_the_applications_users, {
    let root = Root::config(
        r#"
version = 1
[app]
command = ["app"]
user = "1234:4321"
[env.PASSWORD]
required = true
secret = true
[[steps]]
template = { content = "${PASSWORD}", target = "/t/secret" }
[[steps]]
template = { content = "{{ env.PASSWORD }}", target = "/t/jinja", with = { language = "jinja" } }
[[steps]]
generate = { path = "/t/key" }
[[steps]]
template = { content = "open", target = "/t/open" }
[[steps]]
template = { content = "${PASSWORD}", target = "/t/mode", with = { mode = "0640" } }
[[steps]]
template = { content = "${PASSWORD}", target = "/t/owner", with = { owner = "7" } }
[[steps]]
generate = { path = "/t/key_mode", mode = "0600" }
"#,
    )
    .programs(["app"]);
    root.start([""; 0]).env(["PASSWORD=hunter2"]).run().app();
    for file in ["/t/secret", "/t/jinja", "/t/key"] {
        assert_eq!((root.owner_of(file).as_str(), root.mode_of(file)), ("1234:0", 0o600), "{file}");
    }
    let others = ["/t/open", "/t/mode", "/t/owner", "/t/key_mode"].map(|file| root.owner_of(file));
    assert_eq!(others, ["0:0", "0:0", "7:0", "0:0"]);
});
