//! What is printed: usage, help, versions, mistakes, and what a run says.

use super::{Told, both_told, each_as_pid1, probe_word, told};
use crate::support::{Mode, run};

/// That onset and the peer end so with each of these words, and say the same.
fn same(name: &'static str, env: &[&str], status: i32, lines: &[&[&str]]) {
    run(Mode::Pid1, |_| {
        for words in lines {
            let (onset, peer) = both_told(name, words, env);
            assert_eq!(onset.status, status, "{name} {words:?}: {onset:?}");
            if let Some(peer) = peer {
                let plain = |told: Told| Told {
                    stdout: without_version(&told.stdout),
                    stderr: without_version(&told.stderr),
                    ..told
                };
                assert_eq!(plain(onset), plain(peer), "{name} {words:?}");
            }
        }
    });
}

/// The versions are not the same, and a distribution has its own way to write them.
fn without_version(text: &str) -> String {
    let version = |line: &str| line.starts_with("tini version ") || line.contains(" (tini version ");
    let lines = text.lines().map(|line| if version(line) { "(a version)" } else { line });
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn tini_refuses_what_tini_refuses() {
    same(
        "tini",
        &[],
        1,
        &[&[], &["--"], &["-g"], &["-x", "true"], &["-gx"], &["--help"], &["--version", "true"], &["-p"], &["-e"]],
    );
    same(
        "tini",
        &[],
        1,
        &[&["-p", "TERM", "true"], &["-p15", "true"], &["-p", "SIGRTMIN", "true"], &["-p", "SIGNOPE"]],
    );
    same("tini", &[], 1, &[&["-e", "256", "true"], &["-e", "-1", "true"], &["-e", "x", "true"], &["-e", "7 ", "true"]]);
}

#[test]
fn dumb_init_refuses_what_dumb_init_refuses() {
    same(
        "dumb-init",
        &[],
        1,
        &[&[], &["-c"], &["--"], &["-x", "true"], &["--nope", "true"], &["--nope=1"], &["--ver"], &["--help=1"]],
    );
    same(
        "dumb-init",
        &[],
        1,
        &[
            &["-r"],
            &["--rewrite"],
            &["-r", "x", "true"],
            &["-r", "15"],
            &["-r15:32"],
            &["-r", "0:1"],
            &["--rewrite=32:1"],
        ],
    );
}

#[test]
fn catatonit_refuses_what_catatonit_refuses() {
    same("catatonit", &[], 1, &[&[], &["-g"], &["--"], &["-x", "true"], &["--nope", "true"], &["--version=1"]]);
    same("catatonit", &["CATATONIT_LOG="], 1, &[&[], &["-h"], &["-V"], &["/usr/bin/true"]]);
}

#[test]
fn help_is_printed_where_the_peer_prints_it() {
    same("tini", &[], 0, &[&["-h"], &["-gh", "-x"], &["-h", "true"]]);
    same("dumb-init", &[], 0, &[&["-h"], &["--help"], &["--he", "true"], &["-ch"]]);
    run(Mode::Pid1, |_| {
        let (onset, peer) = both_told("catatonit", &["-h"], &[]);
        for told in [Some(&onset), peer.as_ref()].into_iter().flatten() {
            assert_eq!((told.status, told.stdout.as_str()), (0, ""));
            assert!(
                told.stderr.starts_with("usage: catatonit [-ghLPV] [--] <progname> [<arguments>...]\n\noptions:\n")
            );
            for option in ["  -g  ", "  -h  ", "  -L  ", "  -P  ", "  -V, --version "] {
                assert!(told.stderr.contains(option), "{told:?}");
            }
        }
    });
}

#[test]
fn the_licence_that_is_printed_is_onsets() {
    for (name, option) in [("tini", "-l"), ("catatonit", "-L")] {
        each_as_pid1(name, |called| {
            let told = told(called, &[option], &[]);
            assert_eq!((told.status, told.stderr.as_str()), (0, ""));
            let own = include_str!("../../../LICENSE-MIT");
            assert_eq!(told.stdout == own, called.is_onset(), "{}", told.stdout);
        });
    }
}

#[test]
fn versions_are_such_as_are_looked_for() {
    same("dumb-init", &[], 0, &[&["-V"], &["--version"], &["--vers", "true"]]);
    same("tini", &[], 0, &[&["--version"]]);
    same("catatonit", &[], 0, &[&["-V"], &["--version"], &["--v"]]);
    run(Mode::Pid1, |_| {
        // What dockerd reads: `tini version VERSION - git.COMMIT`.
        let (onset, _) = both_told("docker-init", &["--version"], &[]);
        assert_eq!(onset.stdout, "tini version 0.19.0 - git.onset\n");
        let (onset, _) = both_told("catatonit", &["-V"], &[]);
        assert_eq!(onset.stdout, "tini version 0.2.1_catatonit\n");
    });
}

#[test]
fn who_cannot_print_has_not_succeeded() {
    use crate::support::Stdio;
    run(Mode::Pid1, |mode| {
        let called = super::Called::onset("tini");
        let finished = called.init(mode).args(["--version"]).stdout(Stdio::Closed).start().finish();
        assert_eq!((finished.code(), finished.stderr().as_str()), (1, ""));
    });
}

#[test]
fn a_run_that_goes_well_says_nothing() {
    for name in ["tini", "docker-init", "dumb-init", "catatonit"] {
        same(name, &[], 7, &[&[&probe_word(), "exit", "7"]]);
    }
}

#[test]
fn tini_says_more_the_more_it_is_asked_to() {
    let probe = probe_word();
    // What is not about the end comes in the same order, on stderr alone: stdout is the application's.
    for (options, env, known) in [
        (&["-v"][..], &[][..], 2),
        (&[], &["TINI_VERBOSITY=2"], 2),
        (&["-vv"], &[], 4),
        (&["-svvv"], &["TINI_SUBREAPER=1"], 4),
        (&["-vvv"], &["TINI_VERBOSITY=3"], 4),
        (&["-vvv"], &["TINI_VERBOSITY=0"], 0),
    ] {
        run(Mode::Pid1, |_| {
            let (onset, peer) = both_told("tini", &[options, &[&probe, "exit", "3"]].concat(), env);
            assert_eq!((onset.status, onset.stdout.as_str()), (3, ""));
            assert_eq!(onset.stderr.lines().count(), known, "{}", onset.stderr);
            if let Some(peer) = peer {
                assert_eq!(peer.status, 3);
                let known: String = peer
                    .stdout
                    .lines()
                    .filter(|line| !line.contains("[TRACE "))
                    .flat_map(|line| [line, "\n"])
                    .collect();
                assert_eq!(onset.stderr, known);
            }
        });
    }
}

#[test]
fn dumb_init_says_what_it_does_if_it_is_asked_to() {
    let probe = probe_word();
    for (options, env) in [
        (&["-v"][..], &[][..]),
        (&["--verbose"], &[]),
        (&["-cv"], &[]),
        (&["-v", "--single-child", "-r", "15:0"], &[]),
        (&["-v", "--rewrite", "15:10"], &["DUMB_INIT_SETSID=1"]),
        (&[], &["DUMB_INIT_DEBUG=1"]),
        (&[], &["DUMB_INIT_DEBUG=1", "DUMB_INIT_SETSID=0"]),
        (&[], &["DUMB_INIT_DEBUG=yes"]),
    ] {
        run(Mode::Pid1, |_| {
            let (onset, peer) = both_told("dumb-init", &[options, &[&probe, "exit", "3"]].concat(), env);
            // Two processes write: each line is there, in whatever order.
            let sorted = |told: &Told| {
                let mut lines: Vec<String> = told.stderr.lines().map(str::to_owned).collect();
                lines.sort();
                (told.status, told.stdout.clone(), lines)
            };
            assert_eq!(onset.status, 3);
            if let Some(peer) = peer {
                assert_eq!(sorted(&onset), sorted(&peer), "{options:?} {env:?}");
            }
        });
    }
}

#[test]
fn catatonit_says_what_it_starts_if_it_is_asked_to() {
    let words = [&probe_word(), "exit", "3"];
    each_as_pid1("catatonit", |called| {
        let said = told(called, &words, &["CATATONIT_DEBUG="]).stderr;
        // catatonit writes a line in two, and its child may come in between.
        assert!(said.contains("DEBUG (catatonit:1): "), "{said}");
        assert!(said.contains(&format!("pid1 (2) spawned: {}\n", words[0])), "{said}");
        // What catatonit says beside it, of a terminal that is not there, and when nobody is left.
        for more in [
            "using stdin as tty fd: could not open /dev/tty: ",
            "setting foreground process failed: no tty present: ",
            "got ECHILD: no children left to monitor",
        ] {
            assert_eq!(said.contains(more), !called.is_onset(), "{said}");
        }
        assert!(!called.is_onset() || said.lines().count() == 1, "{said}");
    });
}

#[test]
fn a_command_that_cannot_be_executed_is_told_in_the_peers_words() {
    for (name, of_peer) in [("tini", [127, 127, 126, 126]), ("dumb-init", [2; 4]), ("catatonit", [1; 4])] {
        each_as_pid1(name, |called| {
            let commands = ["/no/such", "no-such-command", "/etc", "/etc/passwd"];
            let of_onset = [127, 127, 126, 126];
            for (at, command) in commands.into_iter().enumerate() {
                let told = told(called, &[command], &[]);
                let error = if at < 2 { "No such file or directory" } else { "Permission denied" };
                // The peers' child says it, which is 2; onset's PID 1 does.
                let pid = if called.is_onset() { 1 } else { 2 };
                let said = match name {
                    "tini" => format!("[FATAL tini ({pid})] exec {command} failed: {error}\n"),
                    "dumb-init" => format!("[dumb-init] {command}: {error}\n"),
                    _ => format!("ERROR (catatonit:{pid}): failed to exec pid1: {error}\n"),
                };
                let status = if called.is_onset() { of_onset[at] } else { of_peer[at] };
                assert_eq!(told, Told { status, stdout: String::new(), stderr: said }, "{name} {command}");
            }
        });
    }
}

#[test]
fn a_verbose_face_knows_why_a_command_cannot_be_executed() {
    run(Mode::Pid1, |_| {
        let folder = crate::support::Folder::new();
        let script = folder.file("script", "#!/no/such/shell\n", 0o755).display().to_string();
        let why = format!("(cannot start `{script}`: its interpreter `/no/such/shell` does not exist)\n");
        for (name, env) in
            [("tini", "TINI_VERBOSITY=2"), ("dumb-init", "DUMB_INIT_DEBUG=1"), ("catatonit", "CATATONIT_DEBUG=1")]
        {
            let (onset, _) = both_told(name, &[&script], &[env]);
            assert!(onset.status == 127 && onset.stderr.ends_with(&why), "{onset:?}");
            let (quiet, _) = both_told(name, &[&script], &[]);
            assert!(quiet.stderr.ends_with("No such file or directory\n"), "{quiet:?}");
        }
    });
}
