//! P12: a daemon that is started, configured and stopped before it is the application. The helper program that does it
//! is an image's own (examples/helpers/unit-init.rs); what onset does is the guard, the order and the clean-up.

use crate::support::root::{Outcome, Root};
use crate::support::{Finished, Stream};

const LOG: &str = "/log";
const STATE: &str = "/var/lib/unit";
const SOCKET: &str = "/var/run/control.unit.sock";
const COMMAND: [&str; 4] = ["unitd", "--no-daemon", "--control", "unix:/var/run/control.unit.sock"];
/// As the daemon: it leaves a state, and serves.
const DAEMON: &str = "application record\nappend /log started\nappend /var/lib/unit/version 1\nserve /log";

/// An image, and a volume.
fn unit() -> Root {
    Root::example("unit")
        .example_program("unit-init", "examples/helpers/unit-init.rs")
        .stub("unitd", DAEMON)
        .programs(["foo"])
        .file("/usr/share/unit/welcome/welcome.json", "{}")
        .dir("/docker-entrypoint.d")
        .dir("/var/run")
        .dir(STATE)
}

fn with_files() -> Root {
    ["b.pem", "a.pem", "m.js", "z.json", "sub/c.json", "README"]
        .iter()
        .fold(unit(), |root, name| root.file(&format!("/docker-entrypoint.d/{name}"), name))
}

fn run(root: &Root) -> Outcome {
    root.start(COMMAND).run()
}

/// What the daemon was asked to do, the question whether it answers apart.
fn log(root: &Root) -> Vec<String> {
    root.text(LOG).lines().filter(|line| *line != "GET / 0").map(str::to_owned).collect()
}

/// That nothing of the initialisation is left in the container.
#[track_caller]
fn assert_gone(root: &Root) {
    assert!(!root.exists(SOCKET));
}

promise!(p12_1_with_a_state_there_is_no_initialisation, {
    let root = unit().file("/var/lib/unit/conf.json", "{}");
    let outcome = run(&root);
    assert_eq!(outcome.app().argv(), COMMAND);
    assert!(!root.exists(LOG));
    assert_eq!(root.snapshot(STATE).len(), 2, "the folder and its file");
});

promise!(p12_2_without_a_state_there_is_exactly_one, {
    for program in ["unitd", "unitd-debug"] {
        let root = unit().stub("unitd-debug", DAEMON);
        let args = [&[program], &COMMAND[1..]].concat();
        let outcome = root.start(&args).run();
        assert_eq!(outcome.app().argv(), args);
        assert_eq!(log(&root), ["started", "PUT /config 2"]);
        assert_gone(&root);
        let first = root.snapshot(STATE);
        root.start(&args).run().app();
        assert_eq!(root.snapshot(STATE), first, "a second start changes nothing");
        assert_eq!(log(&root).len(), 2, "and initialises nothing");
    }
});

promise!(p12_3_certificates_modules_configuration_and_programs_in_this_order, {
    let root = with_files().stub("/docker-entrypoint.d/hook.sh", "append /log hook");
    let outcome = run(&root);
    outcome.app();
    let expected = [
        "started",
        "PUT /certificates/a 5",
        "PUT /certificates/b 5",
        "PUT /js_modules/m 4",
        "PUT /config 10",
        "PUT /config 6",
        "hook",
    ];
    assert_eq!(log(&root), expected);
    outcome.assert_says(&["ignoring /docker-entrypoint.d/README"]);
    assert_eq!(root.text(LOG).lines().nth(1), Some("GET / 0"), "first it waits for an answer");
});

promise!(p12_4_without_files_it_is_the_welcome_page, {
    let root = unit();
    run(&root).app();
    assert_eq!(log(&root), ["started", "PUT /config 2"]);
});

promise!(p12_5_the_daemon_is_gone_before_the_application_starts, {
    let root = unit().stub("unitd", &DAEMON.replace("application record", "application processes"));
    let outcome = run(&root);
    outcome.assert_stdout_has(&["processes 2\n"]);
    assert_gone(&root);
});

promise!(p12_5_one_that_does_not_stop_is_killed_and_its_socket_removed, {
    let root = unit().stub("unitd", &DAEMON.replace("append /log started", "ignore-term"));
    let outcome = root.start(COMMAND).env(["UNIT_PATIENCE=0.3"]).run();
    outcome.app();
    outcome.assert_says(&["the daemon does not stop; it is killed"]);
    assert_gone(&root);
});

promise!(p12_6_what_is_refused_stops_the_start_and_leaves_nobody, {
    let root = with_files().stub("unitd", &format!("{DAEMON} /js_modules/m"));
    let outcome = run(&root);
    let said = ["/docker-entrypoint.d/m.js was refused by /js_modules/m with status 400", "400 Bad Request"];
    outcome.assert_refused(1, &said);
    assert_eq!(log(&root).last().map(String::as_str), Some("PUT /js_modules/m 4"), "nothing after it");
    assert_gone(&root);
});

promise!(p12_7_its_status_is_the_status_and_the_next_start_begins_anew, {
    let root = with_files().stub("unitd", &format!("{DAEMON} /config"));
    run(&root).assert_refused(1, &["step `initial configuration`", "`unit-init` exited with status 1"]);
    assert!(root.exists("/var/lib/unit/version"), "half a state");
    root.put("/stubs/unitd", DAEMON);
    root.put(LOG, "");
    run(&root).app();
    assert_eq!(log(&root).len(), 6, "all of it once more: {:?}", log(&root));
    assert_eq!(root.text("/var/lib/unit/version"), "1\n", "nothing of the first is left");
    assert_eq!(root.snapshot(STATE).len(), 2, "the folder and its file");
    let root = unit().stub("unit-init", "exit 7");
    run(&root).assert_refused(7, &["step `initial configuration`", "`unit-init` exited with status 7"]);
});

promise!(p12_8_another_command_has_no_initialisation, {
    let root = unit();
    assert_eq!(root.start(["foo"]).run().app().argv(), ["foo"]);
    assert!(!root.exists(LOG));
    assert_eq!(root.snapshot(STATE).len(), 1, "only the folder");
});

// The script ends with 0 and without a word.
promise!(p12_8_no_command_is_the_daemon, {
    let root = unit();
    assert_eq!(root.start([""; 0]).run().app().argv(), COMMAND);
    assert_eq!(log(&root), ["started", "PUT /config 2"]);
});

/// Stops it once the hook of the helper runs.
fn stopped(root: &Root) -> Finished {
    let init = root.start(COMMAND).begin();
    init.wait_for_line(Stream::Stdout, "ready", |line| line == "ready");
    init.kill(libc::SIGTERM);
    init.finish()
}

promise!(p12_9_a_stop_signal_reaches_the_helper_and_ends_it_all, {
    let root = with_files().stub("/docker-entrypoint.d/hook.sh", "stdout ready\nwait");
    let finished = stopped(&root);
    assert_eq!(finished.code(), 143, "{}", finished.story());
    assert!(!finished.stdout().contains("argv"), "the application does not start");
    assert_gone(&root);
    root.put("/stubs/hook.sh", "");
    run(&root).app();
    assert_gone(&root);
});
