//! Who gets which signal.

use serde_json::Value;

use super::{Called, each, probe_word};
use crate::both_modes;
use crate::support::ptrace::Who as Held;
use crate::support::{Mode, Running, Stream, proc, run, sys};
use crate::windows::{at_every_stop, let_the_other_run};

/// What main, and its child, have got so far, in the order of numbers.
fn heard(init: &Running, who: &str) -> Vec<i64> {
    let lines = init.outputs().into_iter().filter(|line| line["who"] == who);
    let mut numbers: Vec<i64> = lines.filter_map(|line| line["signo"].as_i64()).collect();
    numbers.sort_unstable();
    numbers
}

fn signal_of(init: &Running, who: &str, signal: i32) -> Value {
    init.wait_for_output(&format!("{signal} of {who}"), |line| line["who"] == who && line["signo"] == signal)
}

/// Sends each of these signals to the init; main, and its child if `group`, gets what it has become.
fn assert_forwards(init: &Running, group: bool, signals: &[(i32, i32)]) {
    init.wait_for_ready();
    let mut expected = Vec::new();
    for &(sent, arrives) in signals {
        init.kill(sent);
        if arrives == 0 {
            continue;
        }
        signal_of(init, "main", arrives);
        if group {
            signal_of(init, "child", arrives);
        }
        expected.push(i64::from(arrives));
    }
    expected.sort_unstable();
    assert_eq!(heard(init, "main"), expected, "{}", init.story());
    let child = proc::children(init.main_pid())[0];
    assert_eq!(proc::signal_set(child, "ShdPnd"), Some(0));
    assert_eq!(heard(init, "child"), if group { expected } else { Vec::new() }, "{}", init.story());
}

const PLAIN: [(i32, i32); 8] = [(1, 1), (2, 2), (3, 3), (10, 10), (12, 12), (28, 28), (34, 34), (64, 64)];
const REWRITTEN: [(i32, i32); 6] = [(1, 0), (2, 3), (10, 12), (28, 0), (14, 14), (40, 40)];

both_modes!(signals_reach_whom_the_peer_sends_them_to, |mode| {
    let probe = probe_word();
    for (name, options, env, group, signals) in [
        ("tini", &["-s"][..], "", false, &PLAIN[..]),
        ("tini", &["-sg"], "", true, &PLAIN),
        ("docker-init", &["-s", "--"], "TINI_KILL_PROCESS_GROUP=", true, &PLAIN),
        ("catatonit", &[], "", false, &PLAIN),
        ("catatonit", &["-g"], "", true, &PLAIN),
        ("dumb-init", &[], "", true, &PLAIN),
        ("dumb-init", &["-c"], "", false, &PLAIN),
        ("dumb-init", &["--single-child"], "", false, &PLAIN),
        ("dumb-init", &[], "DUMB_INIT_SETSID=0", false, &PLAIN),
        ("dumb-init", &["-r", "1:0", "-r2:3", "--rewrite", "10:12", "--rewrite=28:0"], "", true, &REWRITTEN),
        ("dumb-init", &["-c", "-r", "1:0", "-r2:3", "--rewrite", "10:12", "--rewrite=28:0"], "", false, &REWRITTEN),
    ] {
        each(name, |called| {
            let init = called.init(mode).add_env(env).args(options).args([&probe, "family"]).start();
            assert_forwards(&init, group, signals);
            init.kill(libc::SIGTERM);
            assert_eq!(init.wait().code(), Some(0));
        });
    }
});

both_modes!(onset_forwards_what_the_peers_keep_for_themselves, |mode| {
    // As PID 1 they do nothing there, and else they end tini and catatonit.
    let kept = [4, 5, 6, 7, 8, 11, 31, 20, 21, 22].map(|signal| (signal, signal));
    for name in ["tini", "catatonit"] {
        let called = Called::onset(name);
        let init = called.init(mode).args([&probe_word(), "family"]).start();
        assert_forwards(&init, false, &kept);
    }
});

both_modes!(what_is_queued_arrives_with_its_value, |mode| {
    // The peers send it on without.
    for (name, options) in [("tini", &[][..]), ("dumb-init", &["-c"]), ("catatonit", &[])] {
        let called = Called::onset(name);
        let init = called.init(mode).args(options).args([&probe_word(), "family"]).start();
        init.wait_for_ready();
        init.sigqueue(40, 9);
        assert_eq!(signal_of(&init, "main", 40)["value"], 9);
    }
});

#[test]
fn what_main_leaves_in_its_session_is_asked_to_end() {
    // As PID 1 the kernel ends it anyway.
    run(Mode::SubReaper, |mode| {
        for (options, told) in [
            (&[][..], Some(libc::SIGTERM)),
            (&["-r", "15:10"], Some(libc::SIGUSR1)),
            (&["-r", "15:0"], None),
            (&["-c"], None),
        ] {
            each("dumb-init", |called| {
                let init = called.init(mode).args(options).args([&probe_word(), "family"]).start();
                init.wait_for_ready();
                let main = init.main_pid();
                let child = proc::children(main)[0];
                sys::kill(main, libc::SIGTERM).expect("main lives");
                assert_eq!(init.wait().code(), Some(0));
                if let Some(signal) = told {
                    init.wait_for_output("the farewell", |line| line["who"] == "child" && line["signo"] == signal);
                } else {
                    assert_eq!(proc::signal_set(child, "ShdPnd"), Some(0), "{options:?}");
                    assert_eq!(heard(&init, "child"), [] as [i64; 0], "{options:?}");
                }
                let _gone = sys::kill(child, libc::SIGKILL);
            });
        }
    });
}

#[test]
fn tini_tells_when_its_own_parent_has_ended() {
    run(Mode::SubReaper, |mode| {
        for (signal, number) in [("SIGTERM", libc::SIGTERM), ("SIGUSR1", libc::SIGUSR1)] {
            each("tini", |called| {
                let words = [
                    "siblings",
                    &called.program().display().to_string(),
                    "-s",
                    "-p",
                    signal,
                    "--",
                    &probe_word(),
                    "family",
                ];
                let parent = crate::support::Init::bare(mode, crate::support::probe()).args(words).start();
                parent.wait_for_ready();
                let [init, sibling] = proc::children(parent.pid())[..] else { parent.fail("two children expected") };
                let main = proc::children(init)[0];
                let all = [main, proc::children(main)[0], init, sibling];
                sys::kill(parent.pid(), libc::SIGKILL).expect("it lives");
                parent.wait();
                signal_after_the_end(&parent, number);
                let _gone = all.map(|pid| sys::kill(pid, libc::SIGKILL));
            });
        }
    });
}

/// Waits although the process that was started has ended: others write there.
fn signal_after_the_end(running: &Running, signal: i32) {
    running.wait_for_line(Stream::Stdout, "the signal", |line| {
        serde_json::from_str::<Value>(line).is_ok_and(|line| line["who"] == "main" && line["signo"] == signal)
    });
}

#[test]
fn with_its_parent_a_tini_that_is_to_be_killed_ends_and_its_command_too() {
    // tini dies, and leaves the command behind.
    run(Mode::SubReaper, |mode| {
        let called = Called::onset("tini");
        let words =
            ["siblings", &called.program().display().to_string(), "-p", "SIGKILL", "--", &probe_word(), "sleep"];
        let parent = crate::support::Init::bare(mode, crate::support::probe()).args(words).start();
        parent.wait_for_ready();
        let [init, sibling] = proc::children(parent.pid())[..] else { parent.fail("two children expected") };
        let main = proc::children(init)[0];
        sys::kill(parent.pid(), libc::SIGKILL).expect("it lives");
        let gone = |pid| proc::state(pid).is_none_or(|state| state == 'Z');
        crate::support::until("the end of onset and of main", || (gone(init) && gone(main)).then_some(()));
        let _gone = sys::kill(sibling, libc::SIGKILL);
    });
}

both_modes!(no_signal_is_lost_at_any_call_of_onset, |mode| term_at_every_stop_of(mode, Held::Seized));
both_modes!(no_signal_is_lost_at_any_call_of_the_child, |mode| term_at_every_stop_of(mode, Held::Child));

/// The peers lose it between fork and exec, or before there is a group: dumb-init always, the others with `-g`.
fn term_at_every_stop_of(mode: Mode, who: Held) {
    for (name, options, word, status) in [
        ("tini", &["-g"][..], "sleep", 143),
        ("catatonit", &["-g"], "sleep", 143),
        ("dumb-init", &[], "sleep", 143),
        ("dumb-init", &["-c"], "sleep", 143),
        ("dumb-init", &["-r", "15:10"], "sleep", 138),
    ] {
        let called = Called::onset(name);
        let make = || called.init(mode).args(options).args([&probe_word(), word]);
        let stops = at_every_stop(who, make, |running, tracer, stop| {
            running.kill(libc::SIGTERM);
            if stop.who == Held::Seized || name != "dumb-init" {
                let_the_other_run(&running, stop, sys::set_of([libc::SIGTERM]));
            }
            tracer.release();
            let finished = running.finish();
            assert_eq!(finished.status.code(), Some(status), "{stop:?}\n{}", finished.story());
        });
        assert!(stops >= 6, "only {stops} stops");
    }
}
