//! The application finds what onset was given, as if onset were not there.
//!
//! Most promises compare two runs of the probe: without onset, and under it.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixDatagram;

use serde_json::{Value, json};

use crate::both_modes;
use crate::support::{Folder, Init, Mode, Running, mode, probe, proc, sys};

/// What the probe finds when it is started as `surroundings` say, without onset and under it.
fn found(mode: Mode, surroundings: impl Fn(Init) -> Init) -> (Value, Value) {
    let bare = surroundings(Init::bare(mode, probe())).args(["print"]).start();
    let under = surroundings(Init::new(mode)).probe(["print"]).start();
    (printed(bare), printed(under))
}

/// The one line of the probe's `print`.
fn printed(running: Running) -> Value {
    let finished = running.finish();
    assert_eq!(finished.code(), 0, "{}", finished.story());
    serde_json::from_slice(&finished.stdout).unwrap_or_else(|err| panic!("{err}\n{}", finished.story()))
}

/// That onset changes nothing of these facts, and that without onset they are as `expected`.
#[track_caller]
fn assert_handed_on((bare, under): &(Value, Value), expected: &[(&str, Value)]) {
    for (fact, value) in expected {
        assert_eq!(&bare[fact], value, "{fact} without onset: the test does not set up what it thinks");
        assert_eq!(&under[fact], value, "{fact} under onset");
    }
}

/// A signal set as `/proc/self/status` shows it.
fn set(signals: impl IntoIterator<Item = i32>) -> Value {
    Value::from(format!("{:016x}", sys::set_of(signals)))
}

both_modes!(nothing_is_blocked_ignored_or_pending_by_onset, |mode| {
    let found = found(mode, |init| init);
    let none = set([]);
    let expected = [("blocked", none.clone()), ("ignored", none.clone()), ("pending", json!([none, none]))];
    assert_handed_on(&found, &expected);
});

both_modes!(blocked_signals_stay_blocked, |mode| {
    let blocked = [libc::SIGHUP, libc::SIGUSR1, libc::SIGTERM, libc::SIGCHLD, libc::SIGTSTP, 32, 33, 34, 64];
    assert_handed_on(&found(mode, |init| init.blocked(blocked)), &[("blocked", set(blocked))]);
});

both_modes!(every_signal_blocked_stays_blocked, |mode| {
    let catchable = (1..=64).filter(|&signal| signal != libc::SIGKILL && signal != libc::SIGSTOP);
    assert_handed_on(&found(mode, |init| init.blocked(1..=64)), &[("blocked", set(catchable))]);
});

both_modes!(nohups_ignored_hup_stays_ignored, |mode| {
    assert_handed_on(&found(mode, |init| init.ignored([libc::SIGHUP])), &[("ignored", set([libc::SIGHUP]))]);
});

both_modes!(an_ignored_sigpipe_stays_ignored, |mode| {
    assert_handed_on(&found(mode, |init| init.ignored([libc::SIGPIPE])), &[("ignored", set([libc::SIGPIPE]))]);
});

both_modes!(an_ignored_sigchld_stays_ignored, |mode| {
    assert_handed_on(&found(mode, |init| init.ignored([libc::SIGCHLD])), &[("ignored", set([libc::SIGCHLD]))]);
});

both_modes!(every_signal_ignored_stays_ignored, |mode| {
    let catchable = || (1..=64).filter(|&signal| signal != libc::SIGKILL && signal != libc::SIGSTOP);
    assert_handed_on(&found(mode, |init| init.ignored(catchable())), &[("ignored", set(catchable()))]);
});

both_modes!(descriptors_are_the_same_and_none_of_onset_s_own, |mode| {
    let folder = Folder::new();
    let path = folder.file("kept", "", 0o644);
    let file = || File::open(&path).expect("the file just made");
    let socket = || OwnedFd::from(UnixDatagram::unbound().expect("a socket"));
    let found = found(mode, |init| init.inherit(file(), 3).inherit(file(), 4).inherit(socket(), 9).inherit(file(), 77));
    let numbers =
        |facts: &Value| facts["fds"].as_object().expect("an object").keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(numbers(&found.0), "0 1 2 3 4 77 9");
    assert_eq!(numbers(&found.1), "0 1 2 3 4 77 9");
    for fd in ["3", "4", "77"] {
        assert_eq!(found.1["fds"][fd], path.to_str().expect("UTF-8"), "{}", found.1["fds"]);
    }
    assert_eq!(found.1["fds"]["0"], "/dev/null");
});

both_modes!(onset_itself_keeps_stderr_and_its_signalfd_only, |mode| {
    let file = || File::open("/dev/null").expect("/dev/null");
    let init = Init::new(mode).inherit(file(), 3).inherit(file(), 9).inherit(file(), 77).probe(["sleep"]).start();
    init.wait_for_ready();
    init.until("onset at rest", || proc::is_idle(init.pid()).then_some(()));
    let fds = proc::fds(init.pid());
    let (signals, others): (Vec<_>, Vec<_>) = fds.iter().partition(|(_, target)| *target == "anon_inode:[signalfd]");
    assert!(matches!(signals[..], [(3.., _)]), "one signalfd, above the standard streams: {fds:?}");
    assert!(matches!(others[..], [(2, _)]), "besides it, stderr only: {fds:?}");
    assert_eq!(fds[&2], proc::fds(init.main_pid())[&2]);
});

both_modes!(the_readers_of_the_applications_stdout_see_it_closed, |mode| {
    // onset keeps no copy: the end of the pipe comes with the application's close, not with onset's end.
    let init = Init::new(mode).probe(["close", "1"]).start();
    assert!(init.stdout().wait_for_end(), "stdout is still open somewhere");
    assert!(init.is_alive(), "{}", init.story());
});

both_modes!(the_working_directory_is_the_same_and_onset_itself_sits_in_the_root, |mode| {
    let folder = Folder::new();
    let init = Init::new(mode).cwd(folder.path()).probe(["sleep"]).start();
    init.wait_for_ready();
    init.until("onset at rest", || proc::is_idle(init.pid()).then_some(()));
    assert_eq!(proc::cwd(init.main_pid()).as_deref(), Some(folder.path()));
    assert_eq!(proc::cwd(init.pid()).as_deref(), Some("/".as_ref()));
});

both_modes!(the_umask_is_the_same, |mode| {
    for umask in [0, 0o027, 0o777] {
        let found = found(mode, |init| init.umask(umask));
        assert_handed_on(&found, &[("umask", Value::from(format!("{umask:04o}")))]);
    }
});

both_modes!(every_limit_is_the_same, |mode| {
    let limits = [
        (libc::RLIMIT_CORE, 0, 4096),
        (libc::RLIMIT_NOFILE, 64, 128),
        (libc::RLIMIT_STACK, 1 << 20, 1 << 21),
        (libc::RLIMIT_FSIZE, 1 << 20, 1 << 20),
        (libc::RLIMIT_CPU, 100, 200),
    ];
    let (bare, under) =
        found(mode, |init| limits.iter().fold(init, |init, &(resource, soft, hard)| init.limit(resource, soft, hard)));
    for (resource, soft, hard) in limits {
        assert_eq!(bare["limits"][resource as usize], json!([soft, hard]), "limit {resource} without onset");
    }
    assert_eq!(under["limits"], bare["limits"]);
});

both_modes!(a_limit_of_few_descriptors_is_no_obstacle, |mode| {
    let finished = Init::new(mode).limit(libc::RLIMIT_NOFILE, 12, 12).probe(["exit", "7"]).start().finish();
    assert_eq!(finished.code(), 7, "{}", finished.story());
});

both_modes!(the_environment_is_the_same_byte_for_byte, |mode| {
    let env: [&[u8]; 14] = [
        b"PATH=/usr/bin:/bin",
        b"TWICE=1",
        b"TWICE=2",
        b"no equals sign",
        b"",
        b"=no name",
        b"=",
        b"NOT_UTF8=\xff\xfe\x80",
        b"\xc3\x28=name not UTF-8",
        b"LINES=a\nb\r\n\tc",
        b"EMPTY=",
        b"ONSET_LOG_LEVEL=debug",
        b"ONSET_GROUP=1",
        b"PATH=/second",
    ];
    let found = found(mode, |init| init.env(env.map(OsStr::from_bytes)));
    assert_handed_on(&found, &[("env", hex(&env))]);
});

both_modes!(an_empty_environment_stays_empty, |mode| {
    assert_handed_on(&found(mode, |init| init.env([""; 0])), &[("env", json!([]))]);
});

both_modes!(a_big_environment_is_the_same, |mode| {
    let env: Vec<Vec<u8>> = (0..5000).map(|n| format!("V{n}={}", "x".repeat(n % 100)).into_bytes()).collect();
    let found = found(mode, |init| init.env(env.iter().map(|entry| OsStr::from_bytes(entry))));
    assert_handed_on(&found, &[("env", hex(&env))]);
});

both_modes!(arguments_are_the_same_byte_for_byte, |mode| {
    let args: [&[u8]; 14] = [
        b"print",
        b"",
        b" ",
        b"a\nb\r\n",
        b"\xff\xfe",
        b"\xc3\x28",
        b"--",
        b"--help",
        b"-h",
        b"--log-level",
        b"$HOME",
        b"*",
        b"'\"\\",
        b"",
    ];
    assert_eq!(arguments(mode, &args), hex(&args));
});

both_modes!(the_longest_argument_the_kernel_takes_is_the_same, |mode| {
    // MAX_ARG_STRLEN is 128 KiB with the NUL at the end (execve(2)).
    let long: Vec<u8> = (0..128 * 1024 - 1).map(|n: u32| b'a' + u8::try_from(n % 26).unwrap_or(0)).collect();
    let args = [b"print".to_vec(), long];
    assert_eq!(arguments(mode, &args), hex(&args));
});

both_modes!(many_arguments_are_the_same, |mode| {
    let args: Vec<Vec<u8>> =
        std::iter::once(b"print".to_vec()).chain((0..20_000).map(|n: u32| n.to_string().into_bytes())).collect();
    assert_eq!(arguments(mode, &args), hex(&args));
});

both_modes!(the_application_leads_a_process_group_of_its_own_in_onset_s_session, |mode| {
    let init = Init::new(mode).probe(["print"]).start();
    let onset = if mode == Mode::Pid1 { 1 } else { init.pid() };
    let found = printed(init);
    assert_eq!(found["ppid"], onset, "{found}");
    assert_eq!(found["sid"], onset, "{found}");
    assert_eq!(found["pgid"], found["pid"], "{found}");
    assert_ne!(found["pid"], onset, "{found}");
    if mode == Mode::Pid1 {
        assert_eq!(found["pid"], 2, "nothing else was forked: {found}");
    }
});

both_modes!(user_and_privileges_are_the_same, |mode| {
    if !mode::is_root_or_skip() {
        return;
    }
    let no_new_privs = || crate::syscall!(SYS_prctl, libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0).map(drop);
    let found = printed(Init::new(mode).user(65534, 65533).hook(no_new_privs).probe(["print"]).start());
    let got = json!([found["uid"], found["gid"], found["no_new_privs"]]);
    assert_eq!(got, json!([65534, 65533, "1"]), "{found}");
});

/// What arrives of these arguments, as the probe tells it.
fn arguments(mode: Mode, args: &[impl AsRef<[u8]>]) -> Value {
    let mut found = printed(Init::new(mode).probe(args.iter().map(|arg| OsStr::from_bytes(arg.as_ref()))).start());
    let mut argv = found["argv"].take();
    argv.as_array_mut().expect("an array").remove(0);
    argv
}

fn digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap_or('?')
}

/// As the probe writes byte strings.
fn hex(strings: &[impl AsRef<[u8]>]) -> Value {
    let hex = |bytes: &[u8]| bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect::<String>();
    strings.iter().map(|string| hex(string.as_ref())).collect()
}
