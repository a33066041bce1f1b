//! Where entrypoint scripts break on arguments: EXEC, NOARGS, ADDARGS, DASH, ARG1, SUBCMD, ENVFLAG, WORDSPLIT,
//! ARGINSPECT.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::support::root::Root;

const NONE: [&str; 0] = [];

fn app(config: &str) -> Root {
    Root::config(format!("version = 1\n{config}")).programs(["app", "tool"])
}

const PLAIN: &str = "[app]\ncommand = ['app', 'serve']\n";

promise!(one_empty_argument_is_not_none, {
    // docker run img ""
    let outcome = app(PLAIN).start([""]).run();
    outcome.assert_refused(127, &["empty"]);
});

promise!(no_command_at_all_is_refused, {
    app("").start(NONE).run().assert_refused(125, &["command"]);
});

promise!(without_a_command_of_its_own_the_arguments_are_the_command, {
    let root = app("");
    assert_eq!(root.start(["tool", "-x", ""]).run().app().argv(), ["tool", "-x", ""]);
});

promise!(a_dash_makes_an_argument_of_any_flag, {
    let root = app(PLAIN);
    for flag in ["-v", "--version", "--", "-", "--a=b c", "-\n"] {
        assert_eq!(root.start([flag]).run().app().argv(), ["app", "serve", flag]);
    }
});

promise!(a_program_is_looked_for_on_the_path_it_will_see, {
    let root = app(&format!("{PLAIN}[env.PATH]\nvalue = '/opt/bin:${{PATH}}'\n")).programs(["/opt/bin/other"]);
    let outcome = root.start(["other"]).run();
    // Another command gets no set-up, and so not this PATH.
    outcome.assert_refused(127, &["other"]);
    let root = app("[app]\ncommand = ['other']\n[env.PATH]\nprepend = '/opt/bin'\nseparator = ':'\n")
        .programs(["/opt/bin/other"]);
    let outcome = root.start(NONE).run();
    assert_eq!(outcome.app().argv(), ["other"]);
    assert_eq!(outcome.app().text("PATH").as_deref(), Some("/opt/bin:/usr/bin"));
});

promise!(a_program_that_cannot_be_executed_is_126, {
    let root = app("[app]\ncommand = ['/data/text']\n").file("/data/text", "text");
    root.start(NONE).run().assert_refused(126, &["/data/text"]);
});

promise!(fixed_arguments_stand_before_and_behind_the_container_s, {
    let root = app("[app]\ncommand = ['app', 'serve']\nlast = ['--end', 'of all']\n[[app.arg]]\nvalue = '--between'\n");
    assert_eq!(root.start(["-x"]).run().app().argv(), ["app", "serve", "--between", "-x", "--end", "of all"]);
    assert_eq!(root.start(NONE).run().app().argv(), ["app", "serve", "--between", "--end", "of all"]);
    assert_eq!(root.start(["tool", "-x"]).run().app().argv(), ["tool", "-x"]);
});

promise!(a_role_is_a_command_with_variables_of_its_own, {
    let root = app(concat!(
        "[app]\ncommand = ['app', 'serve']\n",
        "[app.role.worker]\ncommand = ['app', 'run', '${QUEUE:-main}']\nenv = { ROLE = 'a worker' }\n",
    ));
    let outcome = root.start(["worker", "--fast", ""]).env(["QUEUE=q 1", "ROLE=outside"]).run();
    assert_eq!(outcome.app().argv(), ["app", "run", "q 1", "--fast", ""]);
    assert_eq!(outcome.app().text("ROLE").as_deref(), Some("a worker"));
    assert_eq!(root.start(["worker"]).run().app().argv(), ["app", "run", "main"]);
    let other = root.start(["tool", "worker"]).run();
    assert_eq!(other.app().argv(), ["tool", "worker"], "only the first word names a role");
    assert_eq!(other.app().text("ROLE"), None);
    root.start(["workers"]).run().assert_refused(127, &["workers", "not found"]);
});

promise!(only_what_setup_for_names_is_set_up, {
    let root = app("[app]\ncommand = ['app']\nsetup_for = ['app', '/opt/*/tool']\n[env.X]\nvalue = 'set'\n");
    let root = root.programs(["/opt/a/tool"]);
    let set_up = |args: &[&str]| root.start(args).run().app().text("X").is_some();
    assert!(set_up(&["app"]) && set_up(&["/usr/bin/app", "y"]) && set_up(&["-y"]) && set_up(&[]));
    assert!(set_up(&["/opt/a/tool"]));
    assert!(!set_up(&["tool"]) && !set_up(&["/usr/bin/tool", "app"]));
});

promise!(a_command_without_set_up_asks_for_nothing_and_does_nothing, {
    let root = app(concat!(
        "[app]\ncommand = ['app', '${NEEDED}']\nuser = 'nobody-here'\n[env.NEEDED]\nrequired = true\n",
        "[[steps]]\ndirectory = { path = '/made' }\n",
    ));
    let outcome = root.start(["tool", "x"]).run();
    assert_eq!(outcome.app().argv(), ["tool", "x"]);
    assert_eq!(outcome.app().identity(), "0:0");
    assert!(!root.exists("/made"));
    let read = &outcome.events("config_read")[0];
    assert_eq!(read["setup"], false, "{read}");
    assert!(read["message"].as_str().is_some_and(|said| said.contains("gets no set-up of it")), "{read}");
    root.start(NONE).run().assert_refused(125, &["problems"]);
    assert!(!root.exists("/made"));
});

promise!(a_flag_appears_only_for_a_variable_that_is_set, {
    let root = app(concat!(
        "[app]\ncommand = ['app']\n",
        "[[app.arg]]\nwhen = 'env.BIND'\nvalue = '-bind=${BIND}'\n",
        "[[app.arg]]\nwhen = 'env.LOG'\nvalue = ['--log', '${LOG}']\n",
        "[env.QUIET]\ntype = 'bool'\ndefault = 'false'\n",
        "[[app.arg]]\nwhen = \"env.QUIET == 'true'\"\nvalue = '--quiet'\n",
        "[[app.arg]]\nwhen = \"env.QUIET == 'false'\"\nvalue = '--no-quiet'\n",
    ));
    assert_eq!(root.start(NONE).run().app().argv(), ["app", "--no-quiet"]);
    assert_eq!(root.start(NONE).env(["BIND=", "LOG="]).run().app().argv(), ["app", "--no-quiet"], "empty is not set");
    let outcome = root.start(["-z"]).env(["BIND=a b", "LOG=* $X", "QUIET=YES"]).run();
    assert_eq!(outcome.app().argv(), ["app", "-bind=a b", "--log", "* $X", "--quiet", "-z"]);
});

promise!(words_are_split_where_that_is_asked_for_and_nothing_is_expanded, {
    let root = app(
        "[app]\ncommand = ['app']\n[[app.arg]]\nvalue = '${OPTS:-}'\nsplit = true\n[[app.arg]]\nvalue = '${ONE:-none}'\n",
    );
    let split = |value: &str| root.start(NONE).env([format!("OPTS={value}"), "ONE=x  y".into()]).run().app().argv();
    assert_eq!(split(""), ["app", "x  y"]);
    assert_eq!(
        split("  -Xmx1g   -Da='b  c'\t\"d e\" f\\ g\n''"),
        ["app", "-Xmx1g", "-Da=b  c", "d e", "f g", "", "x  y"]
    );
    assert_eq!(
        split("* ~ $HOME ${HOME} `id` a;b|c&d #e"),
        ["app", "*", "~", "$HOME", "${HOME}", "`id`", "a;b|c&d", "#e", "x  y"]
    );
    root.start(NONE).env(["OPTS=a 'b"]).run().assert_refused(125, &["cut this into words"]);
});

promise!(values_that_are_no_utf8_become_arguments_byte_for_byte, {
    let root = app("[app]\ncommand = ['app', '-p=${RAW}']\n[[app.arg]]\nvalue = '${RAW}'\nsplit = true\n");
    let outcome = root.start(NONE).env([OsStr::from_bytes(b"RAW=\xff \xc3")]).run();
    assert_eq!(outcome.app().words(), [&b"app"[..], b"-p=\xff \xc3", b"\xff", b"\xc3"]);
});

promise!(a_list_is_an_argument_for_each_part, {
    let root = app(concat!(
        "[app]\ncommand = ['app']\n",
        "[[app.arg]]\neach = '${HOSTS:-}'\nseparator = ','\nvalue = ['-h', '${item}']\n",
        "[[app.arg]]\neach_prefix = 'KV_'\nname_case = 'dotted'\nvalue = '-E${name}=${item}'\n",
    ));
    let env = ["HOSTS=a b,*,c", "KV_LOG_LEVEL=warn ing", "KV_A=x\ny=z", "KV_B="];
    let argv = root.start(NONE).env(env).run().app().argv();
    assert_eq!(argv[..7], ["app", "-h", "a b", "-h", "*", "-h", "c"]);
    assert_eq!(argv[7], "-Ea=x\ny=z");
    assert_eq!(argv.last().map(String::as_str), Some("-Elog.level=warn ing"));
    assert_eq!(root.start(NONE).env(["HOSTS="]).run().app().argv(), ["app"]);
});

promise!(dotted_and_dashed_names_become_flags, {
    // elasticsearch: shells drop such names
    let root =
        app("[app]\ncommand = ['app']\n[[app.arg]]\neach_prefix = 'cluster.'\nvalue = '-Ecluster.${name}=${item}'\n");
    let outcome = root.start(NONE).env(["cluster.name=a", "cluster.b-c=d"]).run();
    assert_eq!(outcome.app().argv(), ["app", "-Ecluster.b-c=d", "-Ecluster.name=a"]);
    assert_eq!(outcome.app().text("cluster.name").as_deref(), Some("a"));
});

promise!(a_condition_looks_at_the_arguments, {
    let root = app(concat!(
        "[app]\ncommand = ['app']\n",
        "[[steps]]\nwhen = \"not ('--help' in args or '--version' in args)\"\ndirectory = { path = '/made' }\n",
    ));
    root.start(["-x", "--help"]).run().app();
    assert!(!root.exists("/made"));
    root.start(["-x", "--helpful"]).run().app();
    assert!(root.exists("/made"));
});

promise!(arguments_at_the_beginning_can_be_variables, {
    let config = "version = 1\n[app]\ncommand = ['app', '${ROLE}']\nargument_variables = true\n";
    let root = Root::config(config).programs(["app", "other"]);
    let outcome = root.start(["ROLE=broker", "a.b-c=x=y", "--flag=1", "LATE=1"]).env(["ROLE=old"]).run();
    assert_eq!(
        outcome.app().argv(),
        ["app", "broker", "--flag=1", "LATE=1"],
        "from the first other word on they are arguments"
    );
    let found = ["ROLE", "a.b-c", "LATE"].map(|name| outcome.app().text(name));
    assert_eq!(found, [Some("broker".into()), Some("x=y".into()), None]);
    let outcome = root.start(["ROLE=x", "other", "A=1"]).run();
    assert_eq!(
        (outcome.app().argv(), outcome.app().text("ROLE")),
        (vec!["other".into(), "A=1".into()], Some("x".into()))
    );
});

promise!(arguments_are_expanded_only_if_that_is_said, {
    let config = "version = 1\n[app]\ncommand = ['app']\n";
    let root = Root::config(config).programs(["app"]);
    assert_eq!(root.start(["-a", "${A} $(id)"]).env(["A=1"]).run().app().argv(), ["app", "-a", "${A} $(id)"]);
    let root = Root::config(format!("{config}expand_arguments = true\n")).programs(["app", "other"]);
    let argv = |args: &[&str]| root.start(args).env(["A=1 *"]).run().app().argv();
    assert_eq!(argv(&["-a", "x${A}", "$$(id) `id` *"]), ["app", "-a", "x1 *", "$(id) `id` *"], "and nothing else is");
    assert_eq!(argv(&["other", "${A}"]), ["other", "${A}"], "not without a set-up");
    let outcome = root.start(["-a", "${NONE}"]).run();
    outcome.assert_refused(125, &["cannot expand argument 2 of the container", "`NONE`"]);
});
