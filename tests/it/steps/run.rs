//! `run`

use crate::support::root::{Outcome, Root};

fn root(steps: &str) -> Root {
    let config = format!("version = 1\n[app]\ncommand = [\"app\"]\n{steps}");
    Root::config(config).programs(["app"]).passwd("worker:x:70:71::/home/worker:/none")
}

fn run(root: &Root) -> Outcome {
    root.start([""; 0]).env(["A=1", "HOME=/root"]).run()
}

promise!(a_program_finds_what_the_application_will_find, {
    let root = root("[[steps]]\nrun = { command = ['tool', '${A} *', '$$x'], env = { B = '${A}2' } }\n")
        .stub("tool", "record");
    let outcome = run(&root);
    let [tool] = outcome.programs() else { panic!("one program\n{}", outcome.story()) };
    assert_eq!(tool.argv(), ["tool", "1 *", "$x"], "no shell reads it");
    assert_eq!((tool.text("A"), tool.text("B")), (Some("1".into()), Some("12".into())));
    assert_eq!((tool.identity(), tool.cwd(), tool.umask()), ("0:0".into(), "/".into(), 0o022));
    assert_eq!(outcome.app().text("B"), None, "its own variables are its own");
    outcome.assert_says(&["step 1 (run) done"]);
});

promise!(what_a_program_inherits_is_what_onset_inherited, {
    let root = root("[[steps]]\nrun = { command = ['tool'] }\n").stub("tool", "record");
    let outcome = run(&root);
    let (tool, app) = (&outcome.programs()[0], outcome.app());
    for field in ["blocked", "ignored", "limits", "no_new_privs"] {
        assert_eq!(tool.field(field), app.field(field), "{field}");
    }
    let fds = tool.field("fds");
    assert_eq!(fds.as_object().map(serde_json::Map::len), Some(3), "stdin, stdout and stderr: {fds}");
    assert_eq!(fds["0"], "/memfd:stdin (deleted)", "there is no /dev/null in this root");
});

promise!(a_program_runs_as_another_user_with_its_home, {
    let root =
        root("[[steps]]\nrun = { command = ['tool'], user = 'worker', workdir = '/tmp' }\n").stub("tool", "record");
    let outcome = run(&root);
    let tool = &outcome.programs()[0];
    assert_eq!((tool.identity(), tool.cwd(), tool.groups()), ("70:71".into(), "/tmp".into(), vec![]));
    assert_eq!((tool.text("HOME"), tool.text("USER")), (Some("/home/worker".into()), Some("worker".into())));
    assert_eq!(outcome.app().text("HOME"), Some("/root".into()));
    assert_eq!(outcome.app().identity(), "0:0");
});

promise!(as_app_it_runs_as_the_application_and_else_as_onset, {
    let config = "version = 1\n[app]\ncommand = [\"app\"]\nuser = 'worker'\n\
        [[steps]]\nrun = { command = ['tool'] }\n[[steps]]\nas = 'app'\nrun = { command = ['tool'] }\n";
    let root =
        Root::config(config).passwd("worker:x:70:71::/home/worker:/none").programs(["app"]).stub("tool", "record");
    let outcome = root.start([""; 0]).env(["HOME=/root"]).run();
    let who = |app: &crate::support::root::App| (app.identity(), app.text("HOME"));
    let found: Vec<_> = outcome.programs().iter().map(who).collect();
    assert_eq!(found, [("0:0".into(), Some("/root".into())), ("70:71".into(), Some("/home/worker".into()))]);
    assert_eq!(who(outcome.app()), found[1]);
});

promise!(an_unprivileged_start_runs_programs_as_itself, {
    let root = root("[[steps]]\nrun = { command = ['tool'] }\n").stub("tool", "record").read_only("/etc");
    let outcome = root.start([""; 0]).user(65532, 65532).run();
    assert_eq!(outcome.programs()[0].identity(), "65532:65532");
    assert_eq!(outcome.app().identity(), "65532:65532");
});

promise!(stdin_is_a_text_or_a_file_or_nothing, {
    let steps = "[[steps]]\nrun = { command = ['cat'], stdin = \"a ${A}\\n\", stdout_variable = 'TEXT' }\n\
        [[steps]]\nrun = { command = ['cat'], stdin_file = '/in', stdout_variable = 'FILE' }\n\
        [[steps]]\nrun = { command = ['cat'], stdout_file = '/tmp/none' }\n";
    let root = root(steps).stub("cat", "cat").file("/in", "line 1\nline 2\n\n");
    let app = run(&root);
    assert_eq!(app.app().text("TEXT"), Some("a 1".into()));
    assert_eq!(app.app().text("FILE"), Some("line 1\nline 2".into()));
    assert_eq!(root.text("/tmp/none"), "");
});

promise!(a_large_text_on_stdin_arrives, {
    let root =
        root("[[steps]]\nrun = { command = ['cat'], stdin = '${BIG}', stdout_file = '/tmp/out' }\n").stub("cat", "cat");
    let big = "x".repeat(100_000);
    let outcome = root.start([""; 0]).env([format!("BIG={big}")]).run();
    assert_eq!(outcome.code(), 0, "{}", outcome.story());
    assert_eq!(root.text("/tmp/out"), big);
});

promise!(stdout_becomes_a_file_at_once_or_not_at_all, {
    let steps = "[[steps]]\nrun = { command = ['make-key'], stdout_file = '/data/key', secret = true }\n";
    let root = root(steps).stub("make-key", "stdout k1").dir("/data");
    run(&root).app();
    assert_eq!((root.text("/data/key"), root.mode_of("/data/key")), ("k1\n".into(), 0o600));
    let first = root.snapshot("/data");
    run(&root).app();
    assert_eq!(root.snapshot("/data"), first, "the same output changes nothing");
    root.put("/stubs/make-key", "stdout half\nexit 3");
    let outcome = run(&root);
    outcome.assert_refused(3, &["step 1 (run)", "`make-key` exited with status 3"]);
    assert_eq!(root.snapshot("/data"), first, "a failed one changes nothing");
});

promise!(a_variable_from_a_program_is_for_everything_after_it, {
    let config = "version = 1\n[app]\ncommand = ['app', '--id=${ID}']\n[[app.arg]]\nwhen = \"env.ID == 'i-7'\"\nvalue = '--seven'\n\
        [[steps]]\nrun = { command = ['whoami'], stdout_variable = 'ID' }\n\
        [[steps]]\nwhen = \"env.ID == 'i-7'\"\ntemplate = { content = 'id ${ID}', target = '/tmp/id', with = { variables = ['ID'] } }\n\
        [[steps]]\nset = { LONG = 'x-${ID}-y' }\n";
    let root = Root::config(config).programs(["app"]).stub("whoami", "stdout i-7\nstdout ");
    let outcome = run(&root);
    assert_eq!(outcome.app().argv(), ["app", "--id=i-7", "--seven"]);
    assert_eq!((outcome.app().text("ID"), outcome.app().text("LONG")), (Some("i-7".into()), Some("x-i-7-y".into())));
    assert_eq!(root.text("/tmp/id"), "id i-7");
    let plan = root.onset(["plan"]).run();
    plan.assert_stdout_has(&["2 (template): depends on what an earlier step finds out", "1 (run): run whoami"]);
});

promise!(a_secret_from_a_program_is_shown_nowhere, {
    let steps = "[[steps]]\nrun = { command = ['vault'], stdout_variable = 'TOKEN', secret = true }\n\
        [[steps]]\nname = 'use ${TOKEN}'\nrun = { command = ['say'], stdin = '${TOKEN}', frame = true }\n\
        [[steps]]\ntemplate = { content = '${TOKEN}', target = '/tmp/t', with = { variables = ['TOKEN'] } }\n\
        [[steps]]\nrun = { command = ['fail', '${TOKEN}'] }\n";
    let root = root(steps).stub("vault", "stdout hunter2hunter2").stub("say", "cat").stub("fail", "exit 4");
    let outcome = root.start([""; 0]).debug().run();
    outcome.assert_refused(4, &["[secret]"]);
    outcome.assert_never_says(&["hunter2hunter2"]);
    assert_eq!((root.text("/tmp/t"), root.mode_of("/tmp/t")), ("hunter2hunter2".into(), 0o600));
});

promise!(with_frame_its_lines_are_reports, {
    let steps = "[[steps]]\nname = 'migrate'\nrun = { command = ['tool'], frame = true }\n";
    let root = root(steps).stub("tool", "stdout one\nstderr two\nstdout {\"three\": 3}");
    let outcome = run(&root);
    outcome.app();
    let lines = outcome.events("step_output");
    let mut said: Vec<_> = lines.iter().map(|line| (line["stream"].as_str(), line["message"].as_str())).collect();
    said.sort_unstable();
    assert_eq!(
        said,
        [(Some("stderr"), Some("two")), (Some("stdout"), Some("one")), (Some("stdout"), Some("{\"three\": 3}"))],
    );
    assert!(lines.iter().all(|line| line["step"] == "`migrate`"), "{}", outcome.story());
});

promise!(with_frame_long_lines_are_whole_and_secrets_of_several_lines_are_not_shown, {
    let config = "version = 1\napp.command = ['app']\nenv.KEY.secret = true\n\
        [[steps]]\nrun = { command = ['cat'], stdin = '${KEY}', frame = true }\n\
        [[steps]]\nrun = { command = ['long'], frame = true }\n";
    let long = "x".repeat(5000);
    let root = Root::config(config).programs(["app"]).stub("cat", "cat").stub("long", &format!("stdout {long}end"));
    let outcome = root.start([""; 0]).env(["KEY=-----BEGIN\nline-one\nline-two\n-----END"]).run();
    outcome.app();
    outcome.assert_says(&["[secret]"]);
    assert!(!outcome.stderr().contains("line-one") && !outcome.stderr().contains("line-two"), "{}", outcome.story());
    let pieces: String = outcome
        .events("step_output")
        .iter()
        .filter(|event| event["step"] == "2 (run)")
        .filter_map(|event| event["message"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(pieces, format!("{long}end"));
});

promise!(a_failure_names_step_program_and_status, {
    let steps = |more: &str| format!("[[steps]]\nname = 'migrate'\nrun = {{ command = ['tool']{more} }}\n");
    let root = root(&steps("")).stub("tool", "exit 42");
    let outcome = run(&root);
    outcome.assert_refused(42, &["step `migrate` (/etc/onset/onset.toml:4:", "`tool` exited with status 42"]);
    root.put("/stubs/tool", "die 9");
    run(&root).assert_refused(137, &["`tool` was killed by signal SIGKILL"]);
    root.put("/stubs/tool", "die 11");
    run(&root).assert_refused(139, &["`tool` was killed by signal SIGSEGV"]);
});

promise!(a_failure_can_be_a_warning, {
    let steps =
        "[[steps]]\non_failure = 'warn'\nrun = { command = ['tool'] }\n[[steps]]\nrun = { command = ['next'] }\n";
    let root = root(steps).stub("tool", "exit 42").stub("next", "record");
    let outcome = run(&root);
    outcome.app();
    outcome.assert_says(&["`tool` exited with status 42"]);
    assert_eq!(outcome.programs().len(), 1);
});

promise!(nothing_after_a_failure_is_done, {
    let steps = "[[steps]]\nrun = { command = ['tool'] }\n[[steps]]\nrun = { command = ['next'] }\n\
        [[steps]]\ndirectory = { path = '/tmp/made' }\n";
    let root = root(steps).stub("tool", "exit 1").stub("next", "record");
    let outcome = run(&root);
    outcome.assert_refused(1, &[]);
    assert!(outcome.programs().is_empty() && !root.exists("/tmp/made"));
});

promise!(what_cannot_be_started_is_127_or_126, {
    let root = root("[[steps]]\nrun = { command = ['no-such-tool'] }\n").file("/usr/bin/plain", "text");
    run(&root).assert_refused(127, &["cannot start `no-such-tool`", "not found in PATH"]);
    root.put(
        "/etc/onset/onset.toml",
        "version = 1\n[app]\ncommand = ['app']\n[[steps]]\nrun = { command = ['/usr/bin/plain'] }\n",
    );
    run(&root).assert_refused(126, &["cannot start `/usr/bin/plain`"]);
    let config = "version = 1\n[app]\ncommand = ['app']\n[[steps]]\nrun = { command = ['app'], workdir = '/none' }\n";
    root.put("/etc/onset/onset.toml", config);
    run(&root).assert_refused(125, &["cannot enter the working directory `/none`"]);
});

promise!(it_is_looked_for_along_the_path_of_its_own_environment, {
    let root =
        root("[[steps]]\nrun = { command = ['tool'], env = { PATH = '/opt/bin' } }\n").stub("/opt/bin/tool", "record");
    assert_eq!(run(&root).programs()[0].text("PATH"), Some("/opt/bin".into()));
});

promise!(other_statuses_can_be_a_success, {
    let root = root("[[steps]]\nrun = { command = ['tool'], success = [0, 3] }\n").stub("tool", "exit 3");
    run(&root).app();
    root.put("/stubs/tool", "exit 4");
    run(&root).assert_refused(4, &[]);
    root.put(
        "/etc/onset/onset.toml",
        "version = 1\n[app]\ncommand = ['app']\n[[steps]]\nrun = { command = ['tool'], success = [3] }\n",
    );
    root.put("/stubs/tool", "exit 0");
    run(&root).assert_refused(125, &["`tool` exited with status 0"]);
});

promise!(it_is_tried_again_as_often_as_is_said, {
    let steps = "[[steps]]\nrun = { command = ['tool'], retries = 3, backoff = '10ms' }\n";
    let root = root(steps).stub("tool", "fail-until /tmp/count 3");
    let outcome = run(&root);
    outcome.app();
    outcome.assert_says(&[
        "`tool` exited with status 75; attempt 1 of 4, the next one in 10ms",
        "attempt 2 of 4, the next one in 20ms",
    ]);
    assert_eq!(root.text("/tmp/count").lines().count(), 3);
    root.put("/stubs/tool", "fail-until /tmp/other 9");
    run(&root).assert_refused(75, &["`tool` exited with status 75"]);
    assert_eq!(root.text("/tmp/other").lines().count(), 4);
});

promise!(what_is_there_already_is_not_made, {
    let steps = "[[steps]]\nrun = { command = ['create'], unless = ['exists', 'admin'] }\n";
    let root = root(steps).stub("create", "append /tmp/log created").stub("exists", "stdout noise\nread /tmp/log");
    run(&root).app();
    let outcome = run(&root);
    assert_eq!(root.text("/tmp/log"), "created\n");
    assert!(!outcome.stdout().contains("noise"), "{}", outcome.story());
    outcome.assert_says(&["changed=0"]);
});

promise!(a_condition_that_cannot_be_asked_is_a_failure, {
    let root = root("[[steps]]\nrun = { command = ['create'], unless = ['exits'] }\n").stub("create", "record");
    let outcome = run(&root);
    outcome.assert_refused(127, &["`exits`"]);
    assert!(outcome.programs().is_empty());
});

promise!(a_marker_is_written_last_and_ends_it_for_ever, {
    let steps = "[[steps]]\nrun = { command = ['init'], marker = '/data/.done' }\n";
    let root = root(steps).stub("init", "append /tmp/log ran\nexit 1").dir("/data");
    run(&root).assert_refused(1, &[]);
    assert!(!root.exists("/data/.done"));
    root.put("/stubs/init", "append /tmp/log ran");
    run(&root).app();
    run(&root).app();
    assert_eq!(root.text("/tmp/log"), "ran\nran\n", "a failed one is done again, a complete one is not");
    assert_eq!(root.mode_of("/data/.done"), 0o644);
});

promise!(a_program_that_takes_too_long_is_ended_with_all_it_started, {
    let steps = "[[steps]]\nrun = { command = ['tool'], timeout = '50ms', grace = '30s' }\n";
    let root = root(steps).stub("tool", "leave\nleave --session\nwait");
    run(&root).assert_refused(124, &["`tool` took longer than 50ms, and was ended"]);
});

promise!(one_that_will_not_end_is_killed, {
    let steps = "[[steps]]\nrun = { command = ['tool'], timeout = '50ms', grace = '50ms' }\n";
    let root = root(steps).stub("tool", "ignore-term\nleave\nleave --session\nwait");
    run(&root).assert_refused(124, &["`tool` took longer than 50ms, and was ended"]);
});

promise!(what_it_leaves_behind_is_gone_before_the_next_step, {
    for leave in ["leave", "leave --session", "ignore-term\nleave --session\nleave"] {
        let steps =
            "[[steps]]\nrun = { command = ['daemon'], grace = '100ms' }\n[[steps]]\nrun = { command = ['ps'] }\n";
        let root = root(steps).stub("daemon", leave).stub("ps", "processes");
        let outcome = run(&root);
        outcome.app();
        outcome.assert_says(&["`daemon` left processes behind; they were ended"]);
        // PID 1, the preparation and `ps` itself.
        outcome.assert_stdout_has(&["processes 3\n"]);
    }
});

promise!(a_pipe_held_open_by_what_it_left_does_not_hold_up_the_start, {
    let steps = "[[steps]]\nrun = { command = ['daemon'], stdout_variable = 'OUT', grace = '100ms' }\n";
    let root = root(steps).stub("daemon", "stdout up\nignore-term\nleave --session");
    assert_eq!(run(&root).app().text("OUT"), Some("up".into()));
});

promise!(a_status_can_be_what_is_asked_for, {
    let config = "version = 1\n[app]\ncommand = ['app']\n[[app.before]]\nwhen = \"env.NUMA == '0'\"\n\
        value = ['numactl', '--interleave=all']\n[[steps]]\n\
        run = { command = ['numactl', '--interleave=all', 'true'], status_variable = 'NUMA' }\n";
    let root = Root::config(config).programs(["app"]).stub("numactl", "stdout noise\nexit 0");
    root.put("/stubs/numactl", "record");
    let outcome = run(&root);
    assert_eq!(outcome.app().argv(), ["numactl", "--interleave=all", "app"]);
    root.put("/stubs/numactl", "stderr not permitted\nexit 1");
    let outcome = run(&root);
    assert_eq!((outcome.app().argv(), outcome.app().text("NUMA")), (vec!["app".into()], Some("1".into())));
    assert!(!outcome.stderr().contains("not permitted"), "{}", outcome.story());
    root.put("/etc/onset/onset.toml", config.replace("['numactl', '--interleave=all', 'true']", "['none']"));
    assert_eq!(run(&root).app().text("NUMA"), Some("127".into()));
});

promise!(what_is_no_value_is_refused, {
    let steps = "[[steps]]\nrun = { command = ['tool'], stdout_variable = 'OUT' }\n";
    let root = root(steps).stub("tool", "stdout a\\0b");
    run(&root).assert_refused(125, &["what it printed for `OUT` has a NUL byte in it"]);
    root.put("/stubs/tool", format!("stdout {}", "x".repeat(200_000)));
    run(&root).assert_refused(125, &["`tool` printed more than 131072 bytes"]);
});

promise!(the_same_without_a_supervisor, {
    let steps = "[[steps]]\nrun = { command = ['daemon'], stdout_variable = 'OUT' }\n";
    let root = root(steps).stub("daemon", "leave\nstdout up");
    let outcome = root.onset(["--exec", "--", "app"]).run();
    assert_eq!((outcome.app().text("OUT"), outcome.app().field("pid").as_i64()), (Some("up".into()), Some(1)));
});

promise!(what_a_run_cannot_say_is_refused, {
    let refused = |run: &str, said: &str| {
        let root = root(&format!("[[steps]]\nrun = {run}\n"));
        run_refused(&root, said);
    };
    refused("{ command = [] }", "at least one word");
    refused("{ command = ['x'], stdin = 'a', stdin_file = '/b' }", "either `stdin` or `stdin_file`");
    refused(
        "{ command = ['x'], stdout_file = '/a', frame = true }",
        "one of `stdout_file`, `stdout_variable`, `status_variable` and `frame`",
    );
    refused("{ command = ['x'], stdout_variable = 'a=b' }", "`a=b` can be no variable's name");
    refused("{ command = ['x'], timeout = '5' }", "`5` is no time");
    refused("{ command = 'x' }", "expected a list");
});

fn run_refused(root: &Root, said: &str) {
    run(root).assert_refused(125, &[said]);
}
