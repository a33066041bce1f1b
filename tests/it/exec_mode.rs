//! `--exec`: onset becomes the application, and nothing of it is left. Signals sent while it does: windows.rs.

use std::os::unix::process::ExitStatusExt as _;

use serde_json::Value;

use crate::both_modes;
use crate::support::{Folder, Init, Mode, Running, init, probe, proc};

both_modes!(the_application_is_the_same_process, |mode| {
    let init = Init::new(mode).options(["--exec"]).probe(["sleep"]).start();
    init.wait_for_ready();
    let pid = init.pid();
    assert_eq!(proc::comm(pid).as_deref(), Some("probe"));
    assert_eq!(std::fs::read_link(format!("/proc/{pid}/exe")).expect("it lives"), probe());
    assert!(proc::children(pid).is_empty());
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("it lives");
    let onset = init::onset();
    assert!(!maps.contains(onset.to_str().expect("UTF-8")), "{maps}");
    assert_eq!(init.stderr().bytes(), b"", "nothing to report");
});

both_modes!(the_application_finds_exactly_what_onset_was_given, |mode| {
    let folder = Folder::new();
    let surroundings = |init: Init| {
        init.cwd(folder.path())
            .umask(0o027)
            .limit(libc::RLIMIT_NOFILE, 64, 128)
            .blocked([libc::SIGTERM, libc::SIGUSR1, 33, 40])
            .ignored([libc::SIGPIPE, libc::SIGHUP, libc::SIGCHLD])
            .inherit(std::fs::File::open("/dev/null").expect("/dev/null"), 7)
            .env(["TWICE=1", "TWICE=2", "ONSET_EXEC=1", "no equals sign"])
    };
    let bare = printed(surroundings(Init::bare(mode, probe())).args(["print", "a", ""]).start());
    let flag = printed(surroundings(Init::new(mode)).options(["--exec"]).probe(["print", "a", ""]).start());
    let variable = printed(surroundings(Init::new(mode)).probe(["print", "a", ""]).start());
    assert_eq!(bare["blocked"], "0000008100004200", "the test sets up what it thinks");
    assert_eq!(flag, bare);
    assert_eq!(variable, bare);
});

both_modes!(in_the_same_session_too, |mode| {
    let init = Init::new(mode).same_session().options(["--exec"]).probe(["print"]).start();
    let pid = init.pid();
    let found: Value = serde_json::from_slice(&init.finish().stdout).expect("the probe's line");
    if mode == Mode::SubReaper {
        assert_eq!(found["pid"], pid, "{found}");
        assert_ne!(found["pgid"], pid, "no group of its own: {found}");
    }
});

both_modes!(its_end_is_the_applications_own, |mode| {
    for status in [0, 1, 124, 255] {
        let finished = Init::new(mode).options(["--exec"]).probe(["exit", &status.to_string()]).start().finish();
        assert_eq!((finished.code(), finished.stderr()), (status, String::new()));
    }
    let finished = Init::new(mode).options(["--exec"]).probe(["die", "9"]).start().finish();
    match mode {
        // No signal from within its namespace kills PID 1: the probe lives on and says so.
        Mode::Pid1 => assert_eq!(finished.code(), 99),
        Mode::SubReaper => assert_eq!(finished.status.signal(), Some(libc::SIGKILL)),
    }
});

both_modes!(a_start_that_fails_fails_as_without_exec, |mode| {
    let folder = Folder::new();
    let plain = folder.file("plain", "x", 0o644);
    let no_interpreter = folder.file("script", "#!/no/interpreter\n", 0o755);
    let commands = ["/no/such/program".into(), "nope".into(), "".into(), "/".into(), plain, no_interpreter]
        .map(std::path::PathBuf::into_os_string);
    for command in commands {
        let start = |options: &[&str]| Init::new(mode).options(options).command([&command]).start().finish();
        let (with, without) = (start(&["--exec"]), start(&[]));
        let (failed, expected) = (with.event("start_failed"), without.event("start_failed"));
        assert_eq!((with.code(), &failed["message"]), (without.code(), &expected["message"]));
        assert_eq!((&failed["status"], &failed["argv"]), (&expected["status"], &expected["argv"]));
        assert_eq!(with.events().len(), 1, "{}", with.story());
    }
});

/// The probe's `print`, without what differs between two runs: its number, and those of pipes.
fn printed(running: Running) -> Value {
    let pid = Value::from(proc::inner_pid(running.pid()));
    let finished = running.finish();
    let mut found: Value =
        serde_json::from_slice(&finished.stdout).unwrap_or_else(|err| panic!("{err}\n{}", finished.story()));
    for own in ["pid", "pgid", "sid"] {
        assert_eq!(found[own].take(), pid, "{own}");
    }
    for target in found["fds"].as_object_mut().expect("an object").values_mut() {
        let name = target.as_str().expect("a name").split(':').next().unwrap_or_default().to_owned();
        *target = name.into();
    }
    found
}
