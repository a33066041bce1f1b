//! dumb-init's own way with sessions, terminals and the signals that stop.

use super::{Called, each, probe_word};
use crate::both_modes;
use crate::support::pty::{CTRL_C, Pty, make_controlling};
use crate::support::{Mode, Running, Stdio, proc, until};

fn wait_for_state(pid: i32, state: char) {
    until(&format!("state {state} of {pid}"), || (proc::state(pid) == Some(state)).then_some(()));
}

/// Nothing stops PID 1 from within; but a SIGCONT that comes before it has tried is lost to the peer.
fn wait_until_stopped(init: &Running, mode: Mode) {
    match mode {
        Mode::Pid1 => init.until("the wait for signals", || {
            let call = std::fs::read_to_string(format!("/proc/{}/syscall", init.pid())).ok()?;
            let call = call.split_whitespace().next()?.parse().ok()?;
            [libc::SYS_rt_sigtimedwait, libc::SYS_read].contains(&call).then_some(())
        }),
        Mode::SubReaper => wait_for_state(init.pid(), 'T'),
    }
}

fn arrives(init: &Running, signal: i32) {
    init.wait_for_output(&format!("signal {signal}"), |line| line["signo"] == signal);
}

both_modes!(a_session_is_stopped_and_so_is_the_init, |mode| {
    for signal in [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
        each("dumb-init", |called| {
            let init = called.init(mode).args([&probe_word(), "signals"]).start();
            init.wait_for_ready();
            init.kill(signal);
            wait_for_state(init.main_pid(), 'T');
            wait_until_stopped(&init, mode);
            init.kill(libc::SIGCONT);
            arrives(&init, libc::SIGCONT);
            assert_eq!(init.outputs().len(), 1, "{}", init.story());
            init.kill(libc::SIGTERM);
            assert_eq!(init.wait().code(), Some(0));
        });
    }
});

both_modes!(a_single_child_is_told_to_stop_and_the_init_stops, |mode| {
    for options in [&["-c"][..], &["-r", "20:20", "-r", "21:21", "-r", "22:22"]] {
        for signal in [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
            each("dumb-init", |called| {
                let init = called.init(mode).args(options).args([&probe_word(), "signals"]).start();
                init.wait_for_ready();
                init.kill(signal);
                arrives(&init, signal);
                wait_until_stopped(&init, mode);
                init.kill(libc::SIGCONT);
                arrives(&init, libc::SIGCONT);
                init.kill(libc::SIGTERM);
                assert_eq!(init.wait().code(), Some(0));
            });
        }
    }
});

both_modes!(a_session_has_the_terminal_and_hears_nothing_of_how_it_got_it, |mode| {
    each("dumb-init", |called| {
        let mut pty = Pty::open();
        let init = called.init(mode).stdin(Stdio::Fd(pty.slave())).hook(|| make_controlling(0));
        let init = init.args([&probe_word(), "signals"]).start();
        init.wait_for_ready();
        assert_eq!(pty.foreground(), init.main_pid());
        pty.press(CTRL_C);
        arrives(&init, libc::SIGINT);
        init.kill(40);
        arrives(&init, 40);
        assert_eq!(init.outputs().len(), 2, "{}", init.story());
        init.kill(libc::SIGTERM);
        assert_eq!(init.wait().code(), Some(0));
    });
});

both_modes!(a_single_child_has_the_terminal_and_a_key_signals_it, |mode| {
    each("dumb-init", |called| {
        let mut pty = Pty::open();
        let init = called.init(mode).stdin(Stdio::Fd(pty.slave())).hook(|| make_controlling(0));
        let init = init.args(["-c", &probe_word(), "sleep"]).start();
        init.wait_for_ready();
        pty.press(CTRL_C);
        assert_eq!(init.wait().code(), Some(130));
    });
});

both_modes!(the_first_hangup_is_somebodys_message, |mode| {
    // dumb-init takes it for the terminal's, and drops it.
    let pty = Pty::open();
    let called = Called::onset("dumb-init");
    let init = called.init(mode).stdin(Stdio::Fd(pty.slave())).hook(|| make_controlling(0));
    let init = init.args([&probe_word(), "signals", "--until", "1"]).start();
    init.wait_for_ready();
    init.kill(libc::SIGCONT);
    arrives(&init, libc::SIGCONT);
    init.kill(libc::SIGHUP);
    assert_eq!(init.wait().code(), Some(0));
});

both_modes!(tini_and_catatonit_hand_the_terminal_to_the_commands_group, |mode| {
    for name in ["tini", "catatonit"] {
        each(name, |called| {
            let mut pty = Pty::open();
            let init = called.init(mode).stdin(Stdio::Fd(pty.slave())).hook(|| make_controlling(0));
            let init = init.args([&probe_word(), "sleep"]).start();
            init.wait_for_ready();
            assert_eq!(pty.foreground(), init.main_pid());
            pty.press(CTRL_C);
            assert_eq!(init.wait().code(), Some(130));
        });
    }
});
