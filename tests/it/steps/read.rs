//! `read`: variables that become what a file says, which scripts find out by grep, sed, awk, cut and jq.

use crate::support::root::{Outcome, Root};

/// A root with this `read` into `V`, and the file it reads.
fn root(read: &str, content: &str) -> Root {
    let config = format!(
        "version = 1\n[app]\ncommand = ['app']\n[[steps]]\nread = {{ path = '/conf/f', into = 'V', {read} }}\n"
    );
    Root::config(config).programs(["app"]).file("/conf/f", content)
}

#[track_caller]
fn run(root: &Root) -> Outcome {
    let outcome = root.start([""; 0]).env(["OLD=1"]).run();
    outcome.app();
    outcome
}

#[track_caller]
fn reads(read: &str, content: &str, value: &str) {
    assert_eq!(run(&root(read, content)).app().text("V").as_deref(), Some(value), "{read}");
}

promise!(a_key_of_each_format_has_the_value_its_readers_see, {
    reads("format = 'properties', key = 'a.b'", "a.b : x\\\n   y\n", "xy");
    reads("format = 'ini', key = 'net.tcp.port'", "port = 1\n[net.tcp]\n; port = 2\nport = 3\n", "3");
    reads("format = 'ini', section = 'net', key = 'a.b'", "[net]\na.b = 4\n", "4");
    reads("format = 'ini', key = 'port'", "port = 1\n[net]\nport = 3\n", "1");
    reads("format = 'shell', key = 'VERSION_ID'", "NAME=x\nVERSION_ID=\"1 2\"\n", "1 2");
    reads("format = 'yaml', key = 'dir'", "a:\n  dir: /no\ndir: '/data' # here\n", "/data");
    reads("format = 'json', key = '/a/0/b~1c'", r#"{"a": [{"b/c": "x\u0041"}]}"#, "xA");
    reads("format = 'json', key = '/a'", r#"{"a": [1, 2]}"#, "[1, 2]");
    reads("format = 'toml', key = 'a.\"b.c\".1'", "[a]\n'b.c' = [1, 0x10]\n", "16");
});

promise!(a_pattern_has_the_value_of_its_first_group, {
    reads("pattern = '^port +(\\d+)$'", "#port 1\r\nport 2\r\nport 3\r\n", "2");
    reads("pattern = 'v\\d+'", "version: v12, v13", "v12");
    reads("pattern = '^name=(.*)$'", "name=a b\r\nname=c\r\n", "a b");
});

promise!(an_empty_value_is_a_value, {
    reads("format = 'ini', key = 'a', default = 'x'", "a =\n", "");
});

promise!(what_is_missing_stops_the_start_or_has_a_default, {
    let key = "format = 'ini', key = 'net.port'";
    let refused = root(key, "[net]\nproto = tcp\n").start([""; 0]).run();
    refused.assert_refused(125, &["step 1 (read)", "cannot read `net.port` of `/conf/f`: it is not there; `default`"]);
    reads(&format!("{key}, default = '${{OLD}}8'"), "[net]\n", "18");
    let gone = |more: &str| {
        let root = root(&format!("{key}{more}"), "");
        std::fs::remove_file(root.path("/conf/f")).expect("our own file");
        root
    };
    let said = ["cannot read `net.port` of `/conf/f`: no such file or directory (ENOENT)"];
    gone("").start([""; 0]).run().assert_refused(125, &said);
    assert_eq!(run(&gone(", default = '80'")).app().text("V"), Some("80".into()));
    assert_eq!(run(&gone(", optional = true")).app().text("V"), None);
});

promise!(with_optional_the_variable_stays_as_it_is, {
    let read = "format = 'json', key = '/v', optional = true";
    let old = |content| root(read, content).start([""; 0]).env(["V=old"]).run().app().text("V");
    assert_eq!(old("{}"), Some("old".into()));
    assert_eq!(old(r#"{"v": null}"#), Some("old".into()));
    assert_eq!(old(r#"{"v": "new"}"#), Some("new".into()));
});

promise!(a_file_that_is_not_what_it_should_be_is_a_failure_in_spite_of_a_default, {
    for (read, content, said) in [
        ("format = 'json', key = '/v', default = 'x'", "hunter2", "cannot read `/v` of `/conf/f`: "),
        ("format = 'json', key = 'v', default = 'x'", "{}", "cannot read `v` of `/conf/f`: "),
        ("format = 'toml', key = 'v', default = 'x'", "v = hunter2", "it is not TOML: line 1"),
        ("format = 'toml', key = 'v', default = 'x'", "[v]\nhunter2 = 1", "a table is there, and not one value"),
        ("format = 'yaml', key = 'v', default = 'x'", "v: |\n  hunter2\n", "several lines"),
        ("pattern = 'v(.)', default = 'x'", "hunter2 v\0", "its value has a NUL byte in it"),
    ] {
        let outcome = root(read, content).start([""; 0]).run();
        outcome.assert_refused(125, &[said]);
        outcome.assert_never_says(&["hunter2"]);
    }
});

promise!(it_is_read_when_its_turn_comes_and_serves_later_steps_and_the_arguments, {
    let config = "version = 1\n[app]\ncommand = ['app', '--port', '${PORT}']\n\
        [[steps]]\nedit = { path = '/conf/app.ini', format = 'ini', create = true, set = { 'net.port' = '8080' } }\n\
        [[steps]]\nread = { path = '/conf/app.ini', format = 'ini', key = 'net.port', into = 'PORT' }\n\
        [[steps]]\ntemplate = { target = '/conf/port', content = 'port {{ env.PORT }}' }\n\
        [[steps]]\nwhen = 'env.PORT == \"8080\"'\ndirectory = { path = '/conf/d${PORT}' }\n";
    let root = Root::config(config).programs(["app"]).dir("/conf");
    let outcome = root.start([""; 0]).run();
    assert_eq!(outcome.app().argv(), ["app", "--port", "8080"]);
    assert!(root.exists("/conf/d8080"));
    let first = root.snapshot("/conf");
    root.start([""; 0]).run().app();
    assert_eq!(root.snapshot("/conf"), first);
    let plan = root.onset(["plan"]).run();
    plan.assert_stdout_has(&["set PORT to `net.port` of /conf/app.ini", "depends on what an earlier step finds out"]);
});

promise!(it_is_read_with_the_rights_of_the_step, {
    let config = |rights: &str| {
        format!(
            "version = 1\n[app]\ncommand = ['app']\nuser = '1000:1000'\n[[steps]]\nas = '{rights}'\n\
             read = {{ path = '/conf/f', pattern = 'k=(.*)', into = 'V', default = 'x' }}\n"
        )
    };
    let root = |rights| Root::config(config(rights)).programs(["app"]).file("/conf/f", "k=1").mode("/conf/f", 0o600);
    assert_eq!(run(&root("root")).app().text("V"), Some("1".into()));
    let refused = root("app").start([""; 0]).run();
    refused.assert_refused(125, &["cannot read `k=(.*)` of `/conf/f`: permission denied (EACCES)", "mode 0600"]);
});

promise!(a_secret_is_in_no_message, {
    for (read, variable) in [
        ("format = 'shell', key = 'K', secret = true", "[env.S]\ndefault = 'x'\n"),
        ("format = 'shell', key = 'K'", "[env.V]\nsecret = true\n"),
        ("format = 'shell', key = 'GONE', default = '${S}'", "[env.S]\ndefault = 'hunter2hunter2'\nsecret = true\n"),
    ] {
        let config = format!(
            "version = 1\n[app]\ncommand = ['app']\n{variable}[[steps]]\n\
             read = {{ path = '/conf/f', into = 'V', {read} }}\n[[steps]]\nrun = {{ command = ['fail', '${{V}}'] }}\n"
        );
        let root = Root::config(config).stub("fail", "exit 9").file("/conf/f", "K='hunter2hunter2'\n");
        let outcome = root.start([""; 0]).debug().run();
        outcome.assert_refused(9, &["fail"]);
        outcome.assert_never_says(&["hunter2hunter2"]);
    }
});

promise!(what_cannot_be_meant_is_told_before_anything_is_done, {
    for (read, said) in [
        ("format = 'ini'", "a value is found by `format` and `key`, or by `pattern`"),
        ("key = 'a'", "a value is found by `format` and `key`, or by `pattern`"),
        ("format = 'ini', key = 'a', pattern = 'b'", "a value is found by `format` and `key`, or by `pattern`"),
        ("pattern = '('", "`pattern` is no regular expression"),
        ("format = 'json', key = '/a', section = 's'", "`section` is for `format = \"ini\"`"),
        ("pattern = 'a', optional = true, default = 'x'", "either `default` or `optional`"),
    ] {
        root(read, "").start([""; 0]).run().assert_refused(125, &[said]);
    }
});
