//! A stop signal while a step runs a program: the program gets it, and nothing is left.

use std::ffi::CString;

use crate::support::pty::{CTRL_C, Pty};
use crate::support::root::Root;
use crate::support::{Init, Mode, Stream, proc};
use crate::syscall;

const CONFIG: &str = "version = 1\n[app]\ncommand = ['app']\n[[steps]]\n";

fn root(run: &str) -> Root {
    Root::config(format!("{CONFIG}run = {run}\n")).programs(["app"])
}

promise!(the_program_gets_it_and_the_status_is_that_of_the_signal, {
    for (signal, status) in [(libc::SIGTERM, 143), (libc::SIGINT, 130), (libc::SIGQUIT, 131)] {
        let root = root("{ command = ['tool'] }").stub("tool", "stdout ready\nwait");
        let init = root.start([""; 0]).begin();
        init.wait_for_line(Stream::Stdout, "ready", |line| line == "ready");
        init.kill(signal);
        assert_eq!(init.finish().code(), status);
    }
});

promise!(one_that_does_not_listen_is_killed_after_its_grace, {
    let root = root("{ command = ['tool'], grace = '100ms' }")
        .stub("tool", "ignore-term\nleave --session\nstdout ready\nwait");
    let init = root.start([""; 0]).begin();
    init.wait_for_line(Stream::Stdout, "ready", |line| line == "ready");
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    assert_eq!(finished.code(), 143, "{}", finished.story());
    assert!(!finished.stdout().contains("argv"), "the application does not start");
});

promise!(one_that_is_stopped_hears_of_it_at_once, {
    let root = root("{ command = ['tool'], grace = '300s' }").stub("tool", "stdout ready\nstop\nwait");
    let init = root.start([""; 0]).begin();
    init.wait_for_line(Stream::Stdout, "ready", |line| line == "ready");
    init.kill(libc::SIGTERM);
    assert_eq!(init.finish().code(), 143);
});

promise!(one_that_ends_well_after_a_stop_signal_starts_nothing_all_the_same, {
    let root = root("{ command = ['tool'] }").stub("tool", "await-term\nexit 0");
    let init = root.start([""; 0]).begin();
    init.wait_for_line(Stream::Stdout, "ready", |line| line == "ready");
    init.kill(libc::SIGTERM);
    assert_eq!(init.finish().code(), 143);
});

promise!(a_pause_before_another_try_is_ended_at_once, {
    let root = root("{ command = ['tool'], retries = 9, backoff = '30s' }").stub("tool", "exit 1");
    let init = root.start([""; 0]).begin();
    init.wait_for_line(Stream::Stderr, "the pause", |line| line.contains("the next one in 30s"));
    init.kill(libc::SIGTERM);
    assert_eq!(init.finish().code(), 143);
});

promise!(one_that_waits_for_its_stdin_is_ended_too, {
    for (timeout, status) in [("1h", 143), ("100ms", 124)] {
        let root = root(&format!("{{ command = ['tool'], stdin_file = '/in', timeout = '{timeout}' }}"))
            .stub("tool", "exit 0");
        let name = CString::new(root.path("/in").to_str().expect("UTF-8")).expect("a path");
        syscall!(SYS_mknodat, libc::AT_FDCWD, name.as_ptr(), libc::S_IFIFO | 0o600, 0).expect("a named pipe");
        let init = root.start([""; 0]).begin();
        if status == 143 {
            init.until("the new process", || (proc::descendants(init.pid()).len() == 2).then_some(()));
            init.kill(libc::SIGTERM);
        }
        assert_eq!(init.finish().code(), status);
    }
});

promise!(ctrl_c_reaches_it, {
    let mut pty = Pty::open();
    let root = root("{ command = ['tool'] }").stub("tool", "stdout ready\nwait");
    let init = root.start([""; 0]).on_terminal(&pty).begin();
    init.wait_for_line(Stream::Stdout, "ready", |line| line == "ready");
    pty.press(CTRL_C);
    assert_eq!(init.finish().code(), 130);
});

// Not PID 1, the end of onset ends nobody: whatever a step started has to be told.
#[test]
fn as_sub_reaper_nothing_is_left_either() {
    let folder = crate::support::Folder::new();
    let config = folder.file(
        "onset.toml",
        format!("{CONFIG}run = {{ command = [{:?}, 'family'] }}\n", crate::support::probe()),
        0o644,
    );
    let init = Init::new(Mode::SubReaper).options(["--config".as_ref(), config.as_os_str()]).start();
    init.wait_for_ready();
    let descendants = crate::support::proc::descendants(init.pid());
    assert_eq!(descendants.len(), 3, "the preparation, the program and its child: {descendants:?}");
    init.kill(libc::SIGTERM);
    assert_eq!(init.finish().code(), 143);
    for pid in descendants {
        assert_eq!(crate::support::proc::state(pid), None, "{pid} is gone");
    }
}
