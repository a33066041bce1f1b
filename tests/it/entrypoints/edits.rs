//! Files that are changed in place: what `sed -i`, `>>` and `yq` do in scripts, and how those are known to break.

use crate::support::root::{Outcome, Root};

/// A root with this edit of this file.
fn root(edit: &str, path: &str, content: &str) -> Root {
    let config = format!("version = 1\n[app]\ncommand = [\"app\"]\n{edit}");
    Root::config(config).programs(["app"]).file(path, content)
}

#[track_caller]
fn run(root: &Root, env: &[&str]) -> Outcome {
    let outcome = root.start([""; 0]).env(env).run();
    outcome.app();
    outcome
}

const PROPERTIES: &str = r#"
[[steps]]
edit = { path = "/conf/app.properties", format = "properties", set = { port = "${PORT}", "log.dir" = "${DIR:-/logs}" } }
"#;

promise!(values_are_literal_whatever_is_in_them, {
    let root = root(PROPERTIES, "/conf/app.properties", "# the app\nlog.dir=/var\nlogxdir=1\nport = 80\n");
    run(&root, &["PORT=8080", r"DIR=a/b & c|d $1"]);
    assert_eq!(root.text("/conf/app.properties"), "# the app\nlog.dir=a/b & c|d $1\nlogxdir=1\nport = 8080\n");
    let first = root.snapshot("/conf");
    run(&root, &["PORT=8080", r"DIR=a/b & c|d $1"]);
    assert_eq!(root.snapshot("/conf"), first, "a second start changes nothing");
    run(&root, &["PORT=81"]);
    assert_eq!(root.text("/conf/app.properties"), "# the app\nlog.dir=/logs\nlogxdir=1\nport = 81\n");
});

promise!(mode_and_owner_of_the_file_stay, {
    let root = root(PROPERTIES, "/conf/app.properties", "port=1\n").mode("/conf/app.properties", 0o640);
    let root = root.owner("/conf/app.properties", 7, 8);
    run(&root, &["PORT=2"]);
    assert_eq!(root.text("/conf/app.properties"), "port=2\nlog.dir=/logs\n");
    assert_eq!((root.mode_of("/conf/app.properties"), root.owner_of("/conf/app.properties")), (0o640, "7:8".into()));
});

// `sed -i` and `mv` end with "Device or resource busy".
promise!(a_file_that_is_mounted_is_edited_in_its_place, {
    let root = root(PROPERTIES, "/conf/app.properties", "port=1\n").mount_point("/conf/app.properties");
    run(&root, &["PORT=2"]);
    assert_eq!(root.text("/conf/app.properties"), "port=2\nlog.dir=/logs\n");
});

promise!(a_file_that_cannot_be_written_fails_or_is_left, {
    let fails = root(PROPERTIES, "/conf/app.properties", "port=1\n").read_only("/conf");
    fails.start([""; 0]).env(["PORT=2"]).run().assert_refused(125, &["/conf/app.properties", "read-only"]);
    let skips = PROPERTIES.replace("format =", "on_read_only = \"skip\", format =");
    let skips = root(&skips, "/conf/app.properties", "port=1\n").read_only("/conf");
    run(&skips, &["PORT=2"]).assert_says(&["/conf/app.properties", "it is left as it is"]);
    // What is right already takes no right to write.
    let right = root(PROPERTIES, "/conf/app.properties", "port=2\nlog.dir=/logs\n").read_only("/conf");
    run(&right, &["PORT=2"]);
});

promise!(a_missing_file_is_refused_or_made, {
    let missing = root(PROPERTIES, "/conf/other", "");
    let said = ["cannot read /conf/app.properties: ", "`create = true` makes it"];
    missing.start([""; 0]).env(["PORT=2"]).run().assert_refused(125, &said);
    assert!(!missing.exists("/conf/app.properties"));
    let made = root(&PROPERTIES.replace("format =", "create = true, format ="), "/conf/other", "");
    run(&made, &["PORT=2"]);
    assert_eq!(made.text("/conf/app.properties"), "log.dir=/logs\nport=2\n");
    assert_eq!(made.mode_of("/conf/app.properties"), 0o644);
});

promise!(a_secret_is_in_a_narrow_file_and_in_no_message, {
    let edit = r#"
[env.PASSWORD]
secret = true
[[steps]]
edit = { path = "/conf/app.env", format = "shell", create = true, set = { PASSWORD = "${PASSWORD}" } }
[[steps]]
edit = { path = "/conf/wide.ini", format = "ini", set = { "db.password" = "${PASSWORD}" } }
"#;
    let root = root(edit, "/conf/wide.ini", "[db]\npassword =\n");
    run(&root, &["PASSWORD=s3 cret"]).assert_never_says(&["s3 cret"]);
    assert_eq!((root.text("/conf/app.env"), root.mode_of("/conf/app.env")), ("PASSWORD='s3 cret'\n".into(), 0o600));
    assert_eq!(
        (root.text("/conf/wide.ini"), root.mode_of("/conf/wide.ini")),
        ("[db]\npassword =s3 cret\n".into(), 0o644)
    );
    let refused = root.start([""; 0]).env(["PASSWORD=s3\ncret"]).run();
    refused.assert_refused(125, &["cannot edit /conf/wide.ini: `db.password`: a value of an ini file is one line"]);
    refused.assert_never_says(&["cret"]);
    let plan = root.onset(["plan"]).env(["PASSWORD=another"]).run();
    let text = plan.story();
    assert!(text.contains("edit /conf/wide.ini: set `db.password`"), "{text}");
    plan.assert_never_says(&["another"]);
});

promise!(a_key_that_must_be_there_is_missed, {
    let edit = PROPERTIES.replace("format =", "missing = \"error\", format =");
    let root = root(&edit, "/conf/app.properties", "#port=1\nxport=1\n");
    let said = ["`port`: it is not there", "`log.dir`: it is not there"];
    let outcome = root.start([""; 0]).env(["PORT=2"]).run();
    outcome.assert_refused(125, &said);
    assert_eq!(root.text("/conf/app.properties"), "#port=1\nxport=1\n");
});

promise!(an_empty_value_is_set_deletes_or_leaves_alone, {
    for (on_empty, expected) in
        [("set", "port=\nlog.dir=/logs\n"), ("delete", "log.dir=/logs\n"), ("keep", "port=1\nlog.dir=/logs\n")]
    {
        let edit = PROPERTIES.replace("format =", &format!("on_empty = \"{on_empty}\", format ="));
        let root = root(&edit, "/conf/app.properties", "port=1\n");
        run(&root, &["PORT="]);
        assert_eq!(root.text("/conf/app.properties"), expected);
    }
});

// `echo >>` adds a line with every restart.
promise!(lines_are_set_deleted_and_added_once, {
    let edit = r##"
[[steps]]
[steps.edit]
path = "/conf/app.conf"
format = "lines"
rules = [
    { match = '^\s*listen\s', set = "listen ${PORT};", keep_indent = true },
    { match = '^debug', delete = true },
    { line = "include old;", set = "include new;", missing = "ignore" },
    { match = '^\s*stream\s*\{', append = "stream {\n    include ${DIR}/*.conf;\n}" },
    { append = "# managed" },
]
"##;
    let root = root(edit, "/conf/app.conf", "server {\n    listen 80;\n}\ndebug on\ninclude old;");
    let expected = "server {\n    listen $1&\\1;\n}\ninclude new;\nstream {\n    include /d/*.conf;\n}\n# managed";
    run(&root, &["PORT=$1&\\1", "DIR=/d"]);
    assert_eq!(root.text("/conf/app.conf"), expected);
    let first = root.snapshot("/conf");
    run(&root, &["PORT=$1&\\1", "DIR=/d"]);
    assert_eq!(root.snapshot("/conf"), first, "a second start changes nothing");
    let refused = root.start([""; 0]).env(["PORT=1\nroot /", "DIR=/d"]).run();
    refused.assert_refused(125, &["a line cannot have a newline in it"]);
    root.put("/conf/app.conf", "");
    let refused = root.start([""; 0]).env(["PORT=1", "DIR=/d\nroot /"]).run();
    refused.assert_refused(125, &["the value of a variable has a newline in it"]);
    let refused = root.start([""; 0]).env(["PORT=1", "DIR=/d"]).run();
    refused.assert_refused(125, &["cannot edit /conf/app.conf: rule 1: no line matches `^\\s*listen\\s`"]);
});

promise!(json_keeps_its_order_and_its_form, {
    let edit = r#"
[[steps]]
[steps.edit]
path = "/conf/app.json"
format = "json"
delete = ["/old"]
[steps.edit.set]
"/server/host" = "${HOST}"
"/server/port" = { value = "${PORT}", json = true }
"/extra" = { value = "1", json = true, when = "env.EXTRA" }
"#;
    let root = root(edit, "/conf/app.json", "{\n  \"z\": [1,2],\n  \"old\": 1,\n  \"server\": {\"port\": 80}\n}\n");
    run(&root, &["HOST=a \"b\"", "PORT=81"]);
    let expected = "{\n  \"z\": [1,2],\n  \"server\": {\"port\": 81, \"host\": \"a \\\"b\\\"\"}\n}\n";
    assert_eq!(root.text("/conf/app.json"), expected);
    let refused = root.start([""; 0]).env(["HOST=a", "PORT=x"]).run();
    refused.assert_refused(125, &["cannot edit /conf/app.json: `/server/port`: the value is not JSON"]);
});

const BULK: &str = r#"
[[steps]]
[steps.edit]
path = "/conf/server.properties"
format = "properties"
create = true
set = { "log.dirs" = "/data" }
[[steps.edit.set_prefix]]
prefix = "KAFKA_"
key = "dotted"
replace = [["___", "_"], ["__", "-"]]
exclude = ["KAFKA_HEAP_*"]
"#;

// `env | grep ^KAFKA_` breaks on newlines, and takes what comes in the order it comes.
promise!(every_variable_of_a_prefix_becomes_a_key, {
    let root = root(BULK, "/conf/other", "");
    let env = ["KAFKA_Z_A=1", "KAFKA_A__B___C=x\ny", "KAFKA_HEAP_OPTS=no", "KAFKA_LOG_DIRS=no", "OTHER=no"];
    run(&root, &env);
    assert_eq!(root.text("/conf/server.properties"), "a-b_c=x\\ny\nlog.dirs=/data\nz.a=1\n");
    let first = root.snapshot("/conf");
    run(&root, &env);
    assert_eq!(root.snapshot("/conf"), first, "a second start changes nothing");
    let clash = root.start([""; 0]).env(["KAFKA_A_B=1", "KAFKA_a_b=2"]).run();
    clash.assert_refused(125, &["`KAFKA_A_B` and `KAFKA_a_b` both become the key `a.b`"]);
});

promise!(a_step_edits_what_the_one_before_has_made, {
    let edit = r#"
[[steps]]
copy = { from = "/defaults/app.yaml", to = "/conf/app.yaml" }
[[steps]]
edit = { path = "/conf/app.yaml", format = "yaml", missing = "error", set = { name = "${NAME}" } }
"#;
    let root = root(edit, "/defaults/app.yaml", "name: 'x' # the name\n");
    let plan = root.onset(["plan"]).env(["NAME=it's"]).run().story();
    assert!(plan.contains("2 (edit): depends on what an earlier step finds out"), "{plan}");
    run(&root, &["NAME=it's"]);
    assert_eq!(root.text("/conf/app.yaml"), "name: 'it''s' # the name\n");
});

promise!(a_step_of_the_applications_user_edits_with_its_rights, {
    let edit = r#"
[[steps]]
as = "app"
edit = { path = "/data/app.conf", format = "shell", set = { A = "2" } }
"#;
    let edit = edit.replacen("[[steps]]", "user = \"1000:1000\"\n[[steps]]", 1);
    let root = root(&edit, "/etc/hidden", "A=1\n").mode("/etc/hidden", 0o600).dir("/data").owner("/data", 1000, 1000);
    let root = root.link("/data/app.conf", "/etc/hidden").owner("/data/app.conf", 1000, 1000);
    root.start([""; 0]).run().assert_refused(125, &["/etc/hidden"]);
    assert_eq!(root.text("/etc/hidden"), "A=1\n");
});

promise!(what_a_configuration_cannot_mean_is_told_before_anything_is_done, {
    let edit = r#"
[[steps]]
edit = { path = "/conf/a", format = "lines", set = { a = "1" } }
[[steps]]
edit = { path = "/conf/a", format = "shell", section = "s", set = { a = { value = "1", json = true } } }
[[steps]]
edit = { path = "/conf/a", format = "lines", rules = [{ match = "a" }, { set = "b" }] }
"#;
    let root = root(edit, "/conf/a", "");
    let said = [
        "`rules` are for `format = \"lines\"`",
        "`section` is for `format = \"ini\"`",
        "`a`: `json` is for",
        "a rule has `match` or `line`, and one of",
    ];
    root.start([""; 0]).run().assert_refused(125, &said);
});
