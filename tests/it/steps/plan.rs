//! `onset plan` and `onset render` say what a start then does.

use crate::support::root::Root;
use serde_json::Value;

const CONFIG: &str = r#"version = 1
[app]
command = ["app", "--port=${PORT}"]
user = "worker"
umask = "0027"
workdir = "/srv"
limits = { core = "0", nofile = "512" }
[[app.arg]]
when = "env.WORKERS"
value = ["-w", "${WORKERS}"]
[env.PORT]
default = "8080"
[env.WORKERS]
expr = "2 * 2"
[[steps]]
directory = { path = "/srv/data", owner = "worker" }
[[steps]]
name = "site"
template = { content = "listen ${PORT};\n", target = "/srv/site.conf" }
[[steps]]
when = "env.NEVER"
directory = { path = "/srv/never" }
[[steps]]
edit = { path = "/etc/app.properties", format = "properties", set = { port = "${PORT}" } }
[[steps]]
symlink = { path = "/srv/conf", target = "/etc/app.properties" }
[[steps]]
copy = { from = "/defaults", to = "/srv/copied" }
[[steps]]
remove = { paths = ["/srv/*.pid"] }
[[steps]]
run = { command = ["tool", "${PORT}"] }
[[steps]]
set = { EXTRA = "x${PORT}" }
[[steps]]
check = { path = "/srv/data", is = ["writable"] }
"#;

fn root() -> Root {
    Root::config(CONFIG)
        .programs(["app"])
        .stub("tool", "record")
        .passwd("worker:x:70:71::/home/worker:/none")
        .file("/etc/app.properties", "port=1\n")
        .file("/defaults/a", "a")
        .file("/srv/old.pid", "1")
}

promise!(what_is_planned_is_what_is_done, {
    let root = root();
    let before = root.snapshot("/srv");
    let planned = root.onset(["plan", "--format", "json"]).run();
    let rendered = root.onset(["render"]).run().stdout();
    assert_eq!(root.snapshot("/srv"), before, "a plan changes nothing");
    assert_eq!(root.text("/etc/app.properties"), "port=1\n");
    let plan: Value = serde_json::from_str(&planned.stdout()).expect("JSON");

    let outcome = root.start([""; 0]).run();
    let app = outcome.app();
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|it| it.as_str().map(str::to_owned)).collect()
    };
    assert_eq!(app.argv(), texts(&plan["argv"]));
    assert_eq!(app.argv(), ["app", "--port=8080", "-w", "4"]);
    let process = &plan["process"];
    assert_eq!((process["user"].as_str(), app.identity()), (Some("70:71, other groups: none"), "70:71".into()));
    assert_eq!((process["umask"].as_str(), app.umask()), (Some("0027"), 0o027));
    assert_eq!(process["workdir"].as_str(), Some(app.cwd().as_str()));
    assert_eq!(process["limit"].as_str(), Some("core 0 (at most 0), nofile 512 (at most 512)"), "each of them");
    for variable in plan["environment"].as_array().expect("a list") {
        let name = variable["name"].as_str().expect("a name");
        assert_eq!(app.text(name).as_deref(), variable["value"].as_str(), "{name}");
    }

    let steps = plan["steps"].as_array().expect("a list");
    let would: Vec<&str> =
        steps.iter().filter(|step| !step["action"].is_null()).filter_map(|step| step["step"].as_str()).collect();
    let events = outcome.events("step_done");
    let did: Vec<&str> = events.iter().filter_map(|event| event["step"].as_str()).collect();
    assert_eq!(would, did, "the same steps in the same order");
    assert_eq!(steps.len() - did.len(), 1, "one has a condition that does not hold");
    assert_eq!(outcome.programs()[0].argv(), ["tool", "8080"]);
    assert!(steps.iter().any(|step| step["action"] == "run tool 8080"), "{plan:#}");
    assert_eq!(rendered, root.text("/srv/site.conf"));
});

promise!(a_second_start_finds_nothing_to_change, {
    let root = root();
    root.start([""; 0]).run().app();
    let first = (root.snapshot("/srv"), root.snapshot("/etc"));
    let outcome = root.start([""; 0]).run();
    outcome.app();
    assert_eq!((root.snapshot("/srv"), root.snapshot("/etc")), first);
    let changed: Vec<_> = outcome.events("step_done").iter().map(|event| event["changed"].as_i64()).collect();
    // A program was run, and a variable set: these are done at every start.
    assert_eq!(changed.iter().flatten().filter(|&&count| count > 0).count(), 2, "{changed:?}");
});
