//! Which words are the command, what it finds, and what becomes of its status.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use serde_json::Value;

use super::{Called, each, probe_word};
use crate::both_modes;
use crate::support::{Finished, Mode, Stdio};

/// What the probe's `print` has found.
fn found(finished: &Finished) -> Value {
    serde_json::from_slice(&finished.stdout).unwrap_or_else(|err| panic!("{err}\n{}", finished.story()))
}

fn texts(list: &Value) -> Vec<String> {
    let text = |hex: &str| {
        let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("digits"));
        let bytes: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).expect("digits")).collect();
        OsStr::from_bytes(&bytes).to_string_lossy().into_owned()
    };
    list.as_array().expect("a list").iter().filter_map(Value::as_str).map(text).collect()
}

both_modes!(the_command_is_where_the_peer_has_it, |mode| {
    let probe = probe_word();
    for (name, before, after, args) in [
        // `tini [OPTIONS] PROGRAM -- [ARGS]`, as its own usage has it, and as everybody writes it.
        ("tini", &["-s"][..], &["print", "--", "-d", "--"][..], &["print", "-d", "--"][..]),
        ("tini", &["-s", "--"], &["print", "-d", "--"], &["print", "-d", "--"]),
        ("tini", &["-sw"], &["print", "a", "-", ""], &["print", "a", "-", ""]),
        ("docker-init", &["-s", "--"], &["print", "--", "-d"], &["print", "--", "-d"]),
        ("dumb-init", &[], &["print", "--", "-d"], &["print", "--", "-d"]),
        ("dumb-init", &["-r", "1:1", "--"], &["print", "-c"], &["print", "-c"]),
        ("catatonit", &["--"], &["print", "-d"], &["print", "-d"]),
        ("catatonit", &["-g"], &["print", "--", "-d"], &["print", "-d"]),
    ] {
        each(name, |called| {
            let finished = called.finish(mode, &[before, &[&probe], after].concat(), &[]);
            assert_eq!(texts(&found(&finished)["argv"])[1..], *args, "{}", finished.story());
            let finished = called.finish(mode, &[before, &[&probe], after].concat(), &["POSIXLY_CORRECT=1"]);
            assert_eq!(texts(&found(&finished)["argv"])[1..], *after, "{}", finished.story());
        });
    }
});

both_modes!(an_option_behind_the_command_is_the_commands, |mode| {
    let probe = probe_word();
    // tini and catatonit find it, and refuse it or take it away.
    for (name, option) in
        [("tini", "-x"), ("tini", "-g"), ("catatonit", "-x"), ("dumb-init", "-x"), ("dumb-init", "-c")]
    {
        each(name, |called| {
            let finished = called.finish(mode, &[&probe, "print", option], &[]);
            let is_kept = || texts(&found(&finished)["argv"])[1..] == ["print", option];
            assert_eq!(
                finished.code() == 0 && is_kept(),
                called.is_onset() || name == "dumb-init",
                "{}",
                finished.story()
            );
        });
    }
});

both_modes!(the_command_finds_what_the_init_was_given, |mode| {
    let probe = probe_word();
    for name in ["tini", "dumb-init", "catatonit"] {
        let of = |called: &Called| {
            let init = called.init(mode).env(["B=2", "A=1", "A=3", "PATH=/usr/bin"]).umask(0o027).cwd("/usr");
            let finished = init.args(["--", &probe, "print", "x"]).start().finish();
            let mut found = found(&finished);
            let relations = [found["pid"] == found["pgid"], found["sid"] == found["pid"]];
            assert_eq!(relations, [true, name == "dumb-init"], "{}", finished.story());
            for number in ["pid", "ppid", "pgid", "sid", "fds", "blocked", "argv"] {
                found[number].take();
            }
            found
        };
        let onset = of(&Called::onset(name));
        each(name, |called| assert_eq!(of(called), onset));
    }
});

both_modes!(what_was_blocked_and_ignored_stays_so, |mode| {
    // dumb-init empties both, and catatonit blocks three more for ever.
    for name in ["tini", "dumb-init", "catatonit"] {
        let called = Called::onset(name);
        let init = called.init(mode).blocked([libc::SIGUSR1]).ignored([libc::SIGHUP, libc::SIGPIPE]);
        let found = found(&init.args([&probe_word(), "print"]).start().finish());
        assert_eq!([&found["blocked"], &found["ignored"]], ["0000000000000200", "0000000000001001"], "{name}");
    }
});

both_modes!(every_status_is_passed_on, |mode| {
    let probe = probe_word();
    for name in ["tini", "docker-init", "dumb-init", "catatonit"] {
        each(name, |called| {
            for (word, number, status) in [
                ("exit", 0, 0),
                ("exit", 7, 7),
                ("exit", 255, 255),
                ("die", 9, 137),
                ("die", 15, 143),
                ("die", 64, 192),
            ] {
                let finished = called.finish(mode, &["--", &probe, word, &number.to_string()], &[]);
                assert_eq!(finished.code(), status, "{word}\n{}", finished.story());
            }
        });
    }
});

both_modes!(tini_turns_expected_statuses_into_0, |mode| {
    let probe = probe_word();
    each("tini", |called| {
        for (options, word, number, status) in [
            (&["-e", "7"][..], "exit", "7", 0),
            (&["-e", "143", "-e7"], "exit", "7", 0),
            (&["-ge143"], "die", "15", 0),
            (&["-e", " 7"], "exit", "8", 8),
            (&["-e", "0"], "exit", "0", 0),
        ] {
            let finished = called.finish(mode, &[&["-s"], options, &["--", &probe, word, number]].concat(), &[]);
            assert_eq!(finished.code(), status, "{options:?}\n{}", finished.story());
        }
        // A command that was not started has not ended with 127, whatever tini says.
        let finished = called.finish(mode, &["-s", "-e", "127", "/no/such"], &[]);
        assert_eq!(finished.code(), if called.is_onset() { 127 } else { 0 }, "{}", finished.story());
    });
});

both_modes!(sockets_that_were_for_catatonit_are_for_the_command, |mode| {
    let own = if mode == Mode::Pid1 { "1" } else { "x" };
    each("catatonit", |called| {
        for (given, is_changed) in [(own, mode == Mode::Pid1), ("99999999", false)] {
            let entry = format!("LISTEN_PID={given}");
            let found = found(&called.finish(mode, &["--", &probe_word(), "print"], &["LISTEN_FDS=1", &entry, "A=1"]));
            let expected = if is_changed { format!("LISTEN_PID={}", found["pid"]) } else { entry };
            assert_eq!(texts(&found["env"])[1..], ["LISTEN_FDS=1", &expected, "A=1"]);
        }
    });
});

both_modes!(neither_a_closed_stdin_nor_an_ignored_sigchld_is_in_the_way, |mode| {
    // tini starts nothing without stdin; tini and catatonit hang for ever where SIGCHLD is ignored.
    for name in ["tini", "dumb-init", "catatonit"] {
        let called = Called::onset(name);
        let init = called.init(mode).stdin(Stdio::Closed).ignored([libc::SIGCHLD]);
        let finished = init.args([&probe_word(), "exit", "5"]).start().finish();
        assert_eq!((finished.code(), finished.stderr().as_str()), (5, ""));
    }
});
