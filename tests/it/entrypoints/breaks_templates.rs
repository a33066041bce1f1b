//! Where entrypoint scripts break on files they write: TEMPLATE, GENCONF, ENV2FILE, LIST, FIRSTBOOT.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;

use crate::support::root::{Outcome, Root};

const NONE: [&str; 0] = [];

fn app(config: &str) -> Root {
    Root::config(format!("version = 1\napp.command = ['app']\n{config}")).programs(["app"])
}

fn run(root: &Root, env: &[&str]) -> Outcome {
    let outcome = root.start(NONE).env(env).run();
    outcome.app();
    outcome
}

/// `/etc/app.conf` from `/t`, with `X` and these ways.
fn template(source: &str, with: &str) -> Root {
    let step = format!("template = {{ source = '/t', target = '/etc/app.conf', with = {{ {with} }} }}");
    app(&format!("[env.X]\ndefault = 'dx'\n[[steps]]\nname = 'conf'\n{step}\n")).file("/t", source)
}

promise!(values_are_literal_text, {
    let root = template("k=${X}\n", "");
    for value in
        ["a/b&c|d\\e", "$HOME ${X} $$ `id` $(id)", "one\ntwo\n", "\\1 \\n & %s", "'\"", "{{ x }}", "  blanks  "]
    {
        run(&root, &[&format!("X={value}")]);
        assert_eq!(root.text("/etc/app.conf"), format!("k={value}\n"));
    }
    let outcome = root.start(NONE).env([OsStr::from_bytes(b"X=\xff\xc3\x28")]).run();
    outcome.app();
    assert_eq!(root.read("/etc/app.conf"), b"k=\xff\xc3\x28\n");
});

promise!(what_is_no_variable_of_ours_stays, {
    let text = "proxy_set_header Host $host; ${host} $$ $1 ${} ${X ${Y} $X ${X:-d} $(X) \\${X}";
    let root = template(text, "");
    run(&root, &["Y=y", "host=h"]);
    let rendered = root.text("/etc/app.conf");
    assert!(rendered.starts_with("proxy_set_header Host $host; ${host} $$ $1 ${} "), "{rendered}");
    assert!(rendered.contains("${Y} $X "), "{rendered}");
    let root = template("a ${X} b ${Y} c ${Z}", "variables = ['Y', 'N_*']");
    run(&root, &["Y=y", "Z=z"]);
    assert_eq!(root.text("/etc/app.conf"), "a ${X} b y c ${Z}");
});

promise!(a_template_of_bytes_is_copied_byte_for_byte, {
    let root = template("", "");
    root.put("/t", b"\xff\x00${X}\r\n\xfe");
    run(&root, &["X=x"]);
    assert_eq!(root.read("/etc/app.conf"), b"\xff\x00x\r\n\xfe");
});

promise!(a_strict_template_wants_all_of_its_variables, {
    let root = template("a\n ${X} ${NO_A}\n${NO_B}\n", "variables = ['*'], strict = true");
    root.start(NONE).run().assert_refused(125, &["`NO_A`", "`NO_B`", "/t:2", "/t:3"]);
    assert!(!root.exists("/etc/app.conf"));
});

promise!(operators_work_where_they_are_asked_for, {
    let root = template("${X:-d} ${N:-${X}} ${N:+n} ${X:+n}", "operators = true, variables = ['*']");
    run(&root, &["X=x"]);
    assert_eq!(root.text("/etc/app.conf"), "x x  n");
});

promise!(jinja_loops_over_lists, {
    let root = template("{% for s in env.LIST | split(',') %}server {{ s }};\n{% endfor %}", "language = 'jinja'");
    run(&root, &["LIST=a b,*,$c"]);
    assert_eq!(root.text("/etc/app.conf"), "server a b;\nserver *;\nserver $c;\n");
});

promise!(a_file_has_its_mode_and_owner_whatever_the_umask, {
    let root = template("x", "mode = '0640', owner = '7:8'");
    root.start(NONE).umask(0o077).run().app();
    assert_eq!((root.mode_of("/etc/app.conf"), root.owner_of("/etc/app.conf")), (0o640, "7:8".into()));
    let root = template("x", "");
    root.start(NONE).umask(0o077).run().app();
    assert_eq!(root.mode_of("/etc/app.conf"), 0o644);
});

promise!(a_second_start_changes_nothing_and_another_value_only_the_content, {
    let root = template("k=${X}\n", "mode = '0640', owner = '7:8'");
    run(&root, &["X=1"]);
    let first = root.snapshot("/etc");
    run(&root, &["X=1"]);
    assert_eq!(root.snapshot("/etc"), first);
    run(&root, &["X=2"]);
    assert_eq!(root.text("/etc/app.conf"), "k=2\n");
    assert_eq!((root.mode_of("/etc/app.conf"), root.owner_of("/etc/app.conf")), (0o640, "7:8".into()));
    assert_eq!(root.snapshot("/etc").len(), first.len(), "no temporary file is left");
});

promise!(nothing_is_appended_twice, {
    let root = app("[[steps]]\ntemplate = { content = \"include x;\\n\", target = '/etc/app.conf' }\n");
    run(&root, &[]);
    run(&root, &[]);
    assert_eq!(root.text("/etc/app.conf"), "include x;\n");
});

promise!(a_file_that_is_there_can_be_left_alone, {
    let root = app("[[steps]]\ntemplate = { content = 'new', target = '/etc/app.conf', unless_exists = true }\n");
    run(&root, &[]);
    assert_eq!(root.text("/etc/app.conf"), "new");
    root.put("/etc/app.conf", "mine");
    let before = root.snapshot("/etc");
    run(&root, &[]);
    assert_eq!(root.snapshot("/etc"), before);
});

promise!(a_bind_mounted_file_is_written_in_place, {
    let root = template("k=${X}\n", "")
        .file("/etc/app.conf", "a much longer content than the new one")
        .mount_point("/etc/app.conf");
    let inode = root.meta("/etc/app.conf").ino();
    run(&root, &["X=1"]);
    assert_eq!(root.text("/etc/app.conf"), "k=1\n");
    assert_eq!(root.meta("/etc/app.conf").ino(), inode);
    let first = root.snapshot("/etc");
    run(&root, &["X=1"]);
    assert_eq!(root.snapshot("/etc"), first, "a second start changes nothing, and leaves no temporary file");
});

promise!(a_file_in_a_folder_of_another_is_written_in_place, {
    // The image's folder is root's, the file the application's.
    let root = template("k=${X}\n", "").file("/etc/app.conf", "old").owner("/etc/app.conf", 1234, 1234);
    root.start(NONE).user(1234, 1234).env(["X=1"]).run().app();
    assert_eq!(root.text("/etc/app.conf"), "k=1\n");
});

promise!(a_target_that_cannot_be_written_fails_with_everything_needed, {
    let root = template("x", "").file("/etc/app.conf", "old").owner("/etc/app.conf", 7, 8).mode("/etc/app.conf", 0o640);
    let outcome = root.start(NONE).user(1234, 55).run();
    outcome.assert_refused(125, &["`conf`", "/etc/app.conf", "1234:55", "7:8", "0640", "ermission denied"]);
    let root = template("x", "").file("/etc/app.conf", "old").read_only("/etc/app.conf");
    root.start(NONE).run().assert_refused(125, &["`conf`", "/etc/app.conf", "ead-only"]);
    assert_eq!(root.text("/etc/app.conf"), "old");
});

promise!(a_target_that_cannot_be_written_is_skipped_where_that_is_said, {
    let root = template("x", "on_read_only = 'skip'").file("/etc/app.conf", "old").owner("/etc/app.conf", 7, 8);
    let before = root.snapshot("/etc");
    let outcome = root.start(NONE).user(1234, 55).run();
    outcome.app();
    outcome.assert_says(&["/etc/app.conf", "1234:55", "7:8", "0644"]);
    assert_eq!(root.snapshot("/etc"), before);
    let root = template("x", "on_read_only = 'skip'").file("/etc/app.conf", "old").read_only("/etc/app.conf");
    let outcome = run(&root, &[]);
    outcome.assert_says(&["/etc/app.conf", "ead-only"]);
    assert_eq!(root.text("/etc/app.conf"), "old");
});

promise!(a_result_of_the_same_content_needs_no_write, {
    let root = template("old", "").file("/etc/app.conf", "old").read_only("/etc/app.conf");
    run(&root, &[]);
});

promise!(a_result_must_be_what_it_is_to_be, {
    let root = template("{\"a\": ${X}}", "check = 'json'").file("/etc/app.conf", "old");
    root.start(NONE).env(["X=1,"]).run().assert_refused(125, &["/t", "JSON"]);
    assert_eq!(root.text("/etc/app.conf"), "old");
    run(&root, &["X=1"]);
    assert_eq!(root.text("/etc/app.conf"), "{\"a\": 1}");
    let root = template("port=${X}", "must_match = 'port=[0-9]+$'");
    root.start(NONE).env(["X=x"]).run().assert_refused(125, &["port="]);
    assert!(!root.exists("/etc/app.conf"));
});

promise!(a_template_that_is_missing_is_told_before_anything_is_done, {
    let root =
        app("[[steps]]\ntemplate = { source = '/none', target = '/x' }\n[[steps]]\ndirectory = { path = '/made' }\n");
    root.start(NONE).run().assert_refused(125, &["/none"]);
    // An earlier step might have made it.
    let root =
        app("[[steps]]\ndirectory = { path = '/made' }\n[[steps]]\ntemplate = { source = '/none', target = '/x' }\n");
    root.start(NONE).run().assert_refused(125, &["/none"]);
});

promise!(a_result_that_is_not_what_it_is_to_be_is_a_warning_where_that_is_said, {
    let config = "[env.X]\n[[steps]]\nname = 'conf'\non_failure = 'warn'\n";
    let step = "template = { source = '/t', target = '/etc/app.json', with = { check = 'json', strict = true } }\n";
    let root = app(&format!("{config}{step}")).file("/etc/app.json", "old");
    for text in ["{", "${X}"] {
        root.put("/t", text);
        let outcome = run(&root, &[]);
        outcome.assert_says(&["`conf`", "/t"]);
        assert_eq!(root.text("/etc/app.json"), "old");
    }
});

promise!(a_template_that_is_missing_is_a_warning_where_that_is_said, {
    let root = app("[[steps]]\nname = 'conf'\non_failure = 'warn'\ntemplate = { source = '/none', target = '/x' }\n");
    run(&root, &[]).assert_says(&["`conf`", "/none"]);
});

promise!(a_folder_of_templates_as_a_config_map_has_it, {
    let config = "[env.X]\n[[steps]]\ntemplates = { source = '/t', target = '/o' }\n";
    let root = app(config)
        .dir("/o")
        .file("/t/..2026/a.conf.template", "${X}")
        .link("/t/..data", "..2026")
        .link("/t/a.conf.template", "..data/a.conf.template");
    run(&root, &["X=1"]);
    assert_eq!(root.text("/o/a.conf"), "1");
    assert_eq!(root.snapshot("/o").len(), 2, "only that file");
});

promise!(the_content_of_a_variable_becomes_a_file, {
    let root = app(
        "[[steps]]\nwhen = 'env.APP_JSON'\ntemplate = { content = '${APP_JSON}', target = '/etc/app.json', with = { variables = ['APP_JSON'], mode = '0600' } }\n",
    );
    run(&root, &[]);
    assert!(!root.exists("/etc/app.json"));
    run(&root, &["APP_JSON={\"a\": \"b\\n\"}"]);
    assert_eq!(root.text("/etc/app.json"), "{\"a\": \"b\\n\"}");
    assert_eq!(root.mode_of("/etc/app.json"), 0o600);
});

promise!(a_target_that_is_a_symbolic_link_keeps_it, {
    let root = template("k=${X}", "").file("/data/app.conf", "old").link("/etc/app.conf", "/data/app.conf");
    run(&root, &["X=1"]);
    assert!(root.meta("/etc/app.conf").is_symlink());
    assert_eq!(root.text("/data/app.conf"), "k=1");
});
