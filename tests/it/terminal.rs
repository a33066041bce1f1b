//! On a terminal it is as if onset were not there: keys, resizes, job control, and who may read.

use std::path::Path;

use serde_json::Value;

use crate::support::mode::is_root_or_skip;
use crate::support::pty::{CTRL_BACKSLASH, CTRL_C, CTRL_D, CTRL_Z, Pty, make_controlling};
use crate::support::{Init, Mode, Running, Stdio, init, probe, proc, run, skip, sys, until};
use crate::{both_modes, syscall};

/// onset as the leader of a session on this terminal, as in `docker run -it`; stdout and stderr stay pipes, for the
/// test to read.
fn session_leader(init: Init, pty: &Pty) -> Init {
    init.stdin(Stdio::Fd(pty.slave())).hook(|| make_controlling(0))
}

/// All three streams are the terminal.
fn all_on(init: Init, pty: &Pty) -> Init {
    session_leader(init, pty).stdout(Stdio::Fd(pty.slave())).stderr(Stdio::Fd(pty.slave()))
}

/// Sends a last signal and gives all that arrived before it.
fn arrived_before_the_last(init: &Running) -> Vec<Value> {
    init.sigqueue(64, 0);
    init.wait_for_output("the last signal", |line| line["signo"] == 64);
    init.outputs().into_iter().filter(|line| line["signo"] != 64).collect()
}

fn wait_for_foreground(pty: &Pty, pid: i32) {
    until("the foreground process group", || (pty.foreground() == pid).then_some(()));
}

fn wait_for_state(pid: i32, state: char) {
    until(&format!("state {state} of {pid}"), || (proc::state(pid) == Some(state)).then_some(()));
}

both_modes!(keys_signal_mains_group_once_and_onset_does_not_repeat_them, |mode| {
    for (key, signal) in [(CTRL_C, libc::SIGINT), (CTRL_BACKSLASH, libc::SIGQUIT), (CTRL_Z, libc::SIGTSTP)] {
        let mut pty = Pty::open();
        let init = session_leader(Init::new(mode), &pty).debug().probe(["family"]).start();
        init.wait_for_ready();
        assert_eq!(pty.foreground(), init.main_pid());
        pty.press(key);
        for who in ["main", "child"] {
            init.wait_for_output(&format!("{signal} of {who}"), |line| line["who"] == who);
        }
        let arrived = arrived_before_the_last(&init);
        assert_eq!(arrived.len(), 2, "{}", init.story());
        assert!(arrived.iter().all(|line| line["signo"] == signal && line["code"] == libc::SI_KERNEL), "{arrived:?}");
        assert_eq!(init.wait_for_event("signal_forwarded")["signal"], "64");
    }
});

both_modes!(ctrl_c_ends_a_main_that_does_not_care, |mode| {
    let mut pty = Pty::open();
    let init = session_leader(Init::new(mode), &pty).probe(["sleep"]).start();
    init.wait_for_ready();
    pty.press(CTRL_C);
    let finished = init.finish();
    assert_eq!(finished.code(), 130, "{}", finished.story());
});

both_modes!(where_nobody_could_say_fg_ctrl_z_does_not_hang_the_container, |mode| {
    let mut pty = Pty::open();
    let init = session_leader(Init::new(mode), &pty).debug().probe(["sleep"]).start();
    init.wait_for_ready();
    let main = init.main_pid();
    for nth in 1..=3 {
        pty.press(CTRL_Z);
        let stops = || init.events().iter().filter(|event| event["event"] == "main_stopped").count();
        init.until("the stop", || (stops() == nth).then_some(()));
        wait_for_state(main, 'S');
        assert_eq!(pty.foreground(), main);
    }
    pty.press(CTRL_C);
    assert_eq!(init.finish().code(), 130);
});

both_modes!(a_resize_reaches_main, |mode| {
    let pty = Pty::open();
    let init = session_leader(Init::new(mode), &pty).probe(["signals"]).start();
    init.wait_for_ready();
    pty.resize(33, 99);
    let arrived = init.wait_for_output("SIGWINCH", |line| line["signo"] == libc::SIGWINCH);
    assert_eq!(arrived["code"], libc::SI_KERNEL, "{arrived}");
    assert_eq!(arrived_before_the_last(&init), [arrived], "once");
});

both_modes!(main_reads_the_terminal, |mode| {
    let mut pty = Pty::open();
    let init = session_leader(Init::new(mode), &pty).probe(["cat"]).start();
    pty.press("hello\n");
    init.wait_for_text("hello");
    pty.press(CTRL_D);
    assert_eq!(init.finish().code(), 0);
});

both_modes!(everything_on_the_terminal_as_docker_run_it_has_it, |mode| {
    let mut pty = Pty::open();
    let init = all_on(Init::new(mode), &pty).probe(["cat"]).start();
    pty.wait_for("main_started");
    pty.press("hello\n");
    pty.wait_for("hello\r\nhello\r\n");
    pty.press(CTRL_D);
    pty.wait_for("main_ended");
    assert_eq!(init.wait().code(), Some(0));
});

both_modes!(the_terminal_is_handed_over_where_stdin_is_something_else, |mode| {
    let mut pty = Pty::open();
    let controlling = || make_controlling(9);
    let init = Init::new(mode).inherit(pty.slave(), 9).hook(controlling).probe(["signals"]).start();
    init.wait_for_ready();
    assert_eq!(pty.foreground(), init.main_pid());
    pty.press(CTRL_C);
    init.wait_for_output("SIGINT", |line| line["signo"] == libc::SIGINT);
    assert_eq!(arrived_before_the_last(&init).len(), 1, "{}", init.story());
});

both_modes!(the_terminal_is_handed_over_in_an_image_without_dev_tty, |mode| {
    if mode == Mode::SubReaper && !is_root_or_skip() {
        return;
    }
    for number in 0..3 {
        let mut pty = Pty::open();
        let slave = || Stdio::Fd(pty.slave());
        let init = Init::new(mode).own_mounts();
        let init = match number {
            0 => init.stdin(slave()),
            1 => init.stdout(slave()),
            _ => init.stderr(slave()),
        };
        let hide_dev = move || {
            syscall!(SYS_mount, c"none".as_ptr(), c"/dev".as_ptr(), c"tmpfs".as_ptr(), 0, 0)?;
            make_controlling(number)
        };
        let init = init.hook(hide_dev).options(["--log-level", "warn"]).probe(["sleep"]).start();
        wait_for_foreground(&pty, init.main_pid());
        wait_for_state(init.main_pid(), 'S');
        pty.press(CTRL_C);
        assert_eq!(init.wait().code(), Some(130), "{}{}", init.story(), pty.screen());
    }
});

both_modes!(a_terminal_of_another_session_is_let_alone, |mode| {
    let owner = Pty::open();
    let other = session_leader(Init::bare(Mode::SubReaper, probe()), &owner).args(["sleep"]).start();
    other.wait_for_ready();
    let init = Init::new(mode).stdin(Stdio::Fd(owner.slave())).debug().probe(["signals"]).start();
    init.wait_for_ready();
    assert_eq!(owner.foreground(), other.pid());
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    assert_eq!(finished.code(), 0);
    assert!(!finished.stderr().contains("terminal_not_handed_over"), "{}", finished.story());
});

both_modes!(without_a_terminal_there_is_nothing_to_say, |mode| {
    let init = Init::new(mode).debug().probe(["sleep"]).start();
    init.wait_for_ready();
    // Without a terminal a stop is deliberate, whatever its signal: nobody's key has done it.
    sys::kill(init.main_pid(), libc::SIGSTOP).expect("main lives");
    init.wait_for_event("main_stopped");
    init.until("onset at rest", || proc::is_idle(init.pid()).then_some(()));
    assert_eq!(proc::state(init.main_pid()), Some('T'));
    sys::kill(init.main_pid(), libc::SIGCONT).expect("main lives");
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    assert_eq!(finished.code(), 143);
    assert!(!finished.stderr().contains("terminal_not_handed_over"), "{}", finished.story());
});

both_modes!(a_hangup_reaches_main, |mode| {
    let pty = Pty::open();
    let init = session_leader(Init::new(mode), &pty).debug().probe(["signals", "--until", "1"]).start();
    init.wait_for_ready();
    pty.hang_up();
    let finished = init.finish();
    assert_eq!(finished.code(), 0, "{}", finished.story());
    assert!(finished.events().iter().any(|event| event["signal"] == "SIGHUP" && event["code"] == "SI_KERNEL"));
});

both_modes!(onset_survives_a_hangup_of_the_terminal_it_reports_to, |mode| {
    let mut pty = Pty::open();
    let init = all_on(Init::new(mode), &pty).debug().probe(["signals", "--until", "40", "--exit", "6"]).start();
    pty.wait_for("ready");
    pty.hang_up();
    init.sigqueue(40, 1);
    assert_eq!(init.wait().code(), Some(6));
});

both_modes!(an_interactive_bash_under_onset_has_full_job_control, |mode| {
    let Some(bash) = bash() else { return };
    let mut pty = Pty::open();
    let init = all_on(Init::new(mode), &pty).options(["--log-level", "warn"]);
    let init = in_bash(init).command([bash, "--norc", "--noprofile", "--noediting", "-i"]).start();
    let before = pty.wait_for(PROMPT);
    assert!(!before.contains("job control"), "{before}");
    let bash = init.main_pid();
    assert_eq!(pty.foreground(), bash);
    pty.press("$PROBE sleep\n");
    pty.wait_for("ready");
    let child = proc::children(bash)[0];
    assert_eq!(pty.foreground(), child);
    for _ in 0..2 {
        pty.press(CTRL_Z);
        pty.wait_for("Stopped");
        pty.wait_for(PROMPT);
        assert_eq!((proc::state(child), pty.foreground()), (Some('T'), bash));
        pty.press("fg\n");
        wait_for_state(child, 'S');
        wait_for_foreground(&pty, child);
    }
    pty.press(CTRL_C);
    pty.wait_for(PROMPT);
    pty.press("echo status=$?; exit 7\n");
    pty.wait_for("status=130");
    assert_eq!(init.wait().code(), Some(7));
});

both_modes!(a_script_with_bash_m_has_job_control_too, |mode| {
    let Some(bash) = bash() else { return };
    let mut pty = Pty::open();
    let init = all_on(Init::new(mode), &pty).options(["--log-level", "warn"]);
    let init = init.limit(libc::RLIMIT_CORE, 0, 0);
    let init = in_bash(init).command([bash, "-m", "-c", "$PROBE sleep & fg; echo status=$?; exit 8"]).start();
    pty.wait_for("ready");
    wait_for_foreground(&pty, proc::children(init.main_pid())[0]);
    pty.press(CTRL_BACKSLASH);
    pty.wait_for("status=131");
    assert_eq!(init.wait().code(), Some(8));
    assert!(!pty.screen().contains("job control"), "{}", pty.screen());
});

// A script without job control waits for onset in the very group that onset takes the terminal from.
both_modes!(after_main_the_script_that_ran_onset_reads_the_terminal_again, |mode| {
    let Some(bash) = bash() else { return };
    let mut pty = Pty::open();
    let script = "$ONSET -- $PROBE exit 3; echo status=$?; read line; echo got=$line; exit 4";
    let init = in_bash(all_on(Init::bare(mode, bash), &pty)).args(["-c", script]).start();
    pty.wait_for("status=3");
    assert_eq!(pty.foreground(), init.pid());
    pty.press("word\n");
    pty.wait_for("got=word");
    assert_eq!(init.wait().code(), Some(4));
});

const PROMPT: &str = "<prompt>";

fn bash() -> Option<&'static str> {
    let bash = ["/usr/bin/bash", "/bin/bash"].into_iter().find(|path| Path::new(path).exists());
    if bash.is_none() {
        skip("there is no bash");
    }
    bash
}

/// What the lines typed here need.
fn in_bash(init: Init) -> Init {
    let words = [
        format!("PS1={PROMPT} "),
        format!("ONSET={} --log-level warn", init::onset().display()),
        format!("PROBE={}", probe().display()),
        "TERM=dumb".to_owned(),
        "HISTFILE=".to_owned(),
        "LC_ALL=C".to_owned(),
    ];
    words.iter().fold(init, Init::add_env)
}

/// A person's shell on a terminal, and a job of it that runs onset.
struct Shell {
    pty: Pty,
    bash: Running,
}

impl Shell {
    /// `None`, and the test is skipped, where there is no bash.
    fn start() -> Option<Shell> {
        let mut pty = Pty::open();
        let init = in_bash(all_on(Init::bare(Mode::SubReaper, bash()?), &pty));
        let bash = init.args(["--norc", "--noprofile", "--noediting", "-i"]).start();
        pty.wait_for(PROMPT);
        Some(Shell { pty, bash })
    }

    fn with(check: impl FnOnce(Shell)) {
        run(Mode::SubReaper, |_| {
            if let Some(shell) = Shell::start() {
                check(shell);
            }
        });
    }

    /// Types a line that may take its time.
    fn enter(&mut self, line: &str) {
        self.pty.press(&format!("{line}\n"));
    }

    /// Types a line, `end` at its end, and waits for the prompt after it. Gives what it showed.
    fn command(&mut self, line: &str, end: &str) -> String {
        // What is typed is shown too, but not as bash computes it.
        self.enter(&format!("{line} {end} echo done=$((40 + 2))"));
        let shown = self.pty.wait_for("done=42");
        self.pty.wait_for(PROMPT);
        shown
    }

    /// Starts onset with the probe in the background, and waits until the probe is ready.
    fn start_in_background(&mut self, probe: &str) -> (i32, i32) {
        self.command(&format!("$ONSET -- $PROBE {probe}"), "&");
        self.pty.wait_until_shown("ready");
        assert_eq!(self.pty.foreground(), self.bash.pid());
        self.job()
    }

    /// `fg` of a job that runs: onset is told nothing, it only has the terminal.
    fn bring_to_the_foreground(&mut self) {
        self.enter("fg");
        until("the terminal to be the job's", || (self.pty.foreground() != self.bash.pid()).then_some(()));
    }

    /// onset and its main process, once the shell has started them.
    fn job(&self) -> (i32, i32) {
        let first = |pid| self.bash.until("a child", || proc::children(pid).last().copied());
        let onset = first(self.bash.pid());
        (onset, first(onset))
    }

    /// Stopped by Ctrl-Z or so, all of it, and the shell has the terminal.
    fn wait_until_stopped(&mut self, (onset, main): (i32, i32)) {
        self.pty.wait_for("Stopped");
        self.pty.wait_for(PROMPT);
        // The shell waits for its own child alone; onset may be on its way yet.
        wait_for_state(main, 'T');
        wait_for_state(onset, 'T');
        assert_eq!(self.pty.foreground(), self.bash.pid());
    }

    fn wait_until_running((onset, main): (i32, i32)) {
        wait_for_state(main, 'S');
        wait_for_state(onset, 'S');
    }

    /// The status of the job that had the terminal.
    fn assert_ended_with(&mut self, status: i32) {
        self.pty.wait_for(PROMPT);
        assert_eq!(self.pty.foreground(), self.bash.pid());
        self.enter("echo status=$?");
        self.pty.wait_for(&format!("status={status}\r"));
        self.pty.wait_for(PROMPT);
    }
}

#[test]
fn ctrl_z_gives_the_shell_its_prompt_and_fg_goes_on() {
    Shell::with(|mut shell| {
        let settings = shell.pty.settings();
        shell.enter("$ONSET -- $PROBE sleep");
        shell.pty.wait_for("ready");
        let job = shell.job();
        assert_eq!(shell.pty.foreground(), job.1);
        for _ in 0..3 {
            shell.pty.press(CTRL_Z);
            shell.wait_until_stopped(job);
            shell.enter("fg");
            Shell::wait_until_running(job);
            wait_for_foreground(&shell.pty, job.1);
        }
        shell.pty.press(CTRL_C);
        shell.assert_ended_with(130);
        assert_eq!(shell.pty.settings(), settings);
    });
}

#[test]
fn bg_goes_on_without_the_terminal_and_fg_gives_it_back() {
    Shell::with(|mut shell| {
        shell.enter("$ONSET -- $PROBE sleep");
        shell.pty.wait_for("ready");
        let job = shell.job();
        shell.pty.press(CTRL_Z);
        shell.wait_until_stopped(job);
        shell.command("bg", ";");
        Shell::wait_until_running(job);
        assert_eq!(shell.pty.foreground(), shell.bash.pid());
        shell.bring_to_the_foreground();
        shell.pty.press(CTRL_C);
        shell.assert_ended_with(130);
    });
}

#[test]
fn a_job_in_the_background_is_ended_by_kill() {
    Shell::with(|mut shell| {
        shell.start_in_background("sleep");
        shell.enter("kill %1; wait %1");
        shell.assert_ended_with(143);
    });
}

#[test]
fn a_job_in_the_background_that_reads_stops_and_fg_hands_it_the_terminal() {
    Shell::with(|mut shell| {
        shell.command("$ONSET -- $PROBE cat", "&");
        let job = shell.job();
        wait_for_state(job.0, 'T');
        wait_for_state(job.1, 'T');
        assert_eq!(shell.pty.foreground(), shell.bash.pid());
        let jobs = shell.command("jobs", ";");
        assert!(jobs.contains("Stopped"), "{jobs}");
        shell.enter("fg");
        Shell::wait_until_running(job);
        wait_for_foreground(&shell.pty, job.1);
        shell.enter("hello");
        shell.pty.wait_for("hello\r\nhello\r\n");
        shell.pty.press(CTRL_D);
        shell.assert_ended_with(0);
    });
}

#[test]
fn a_job_that_runs_in_the_background_gets_the_terminal_by_fg() {
    Shell::with(|mut shell| {
        let job = shell.start_in_background("late-cat");
        shell.bring_to_the_foreground();
        // It begins to read only now.
        sys::kill(job.0, libc::SIGUSR1).expect("onset lives");
        shell.enter("hello");
        shell.pty.wait_for("hello\r\nhello\r\n");
        shell.pty.press(CTRL_D);
        shell.assert_ended_with(0);
    });
}

#[test]
fn a_job_that_ran_in_the_background_stops_by_ctrl_z_after_fg() {
    Shell::with(|mut shell| {
        let job = shell.start_in_background("sleep");
        shell.bring_to_the_foreground();
        shell.pty.press(CTRL_Z);
        shell.wait_until_stopped(job);
        shell.enter("fg");
        Shell::wait_until_running(job);
        wait_for_foreground(&shell.pty, job.1);
        shell.pty.press(CTRL_C);
        shell.assert_ended_with(130);
    });
}

#[test]
fn a_job_that_is_stopped_by_kill_is_a_stopped_job() {
    Shell::with(|mut shell| {
        let job = shell.start_in_background("sleep");
        shell.command("kill -TSTP %1", ";");
        wait_for_state(job.0, 'T');
        wait_for_state(job.1, 'T');
        let jobs = shell.command("jobs", ";");
        assert!(jobs.contains("Stopped"), "{jobs}");
        shell.command("kill -CONT %1", ";");
        Shell::wait_until_running(job);
        shell.enter("kill -INT %1; wait %1");
        shell.assert_ended_with(130);
    });
}

// With a bare application the key would stop the script too, which is of the same group.
#[test]
fn ctrl_z_in_a_script_that_runs_onset_stops_the_script() {
    Shell::with(|mut shell| {
        shell.enter("$BASH -c '$ONSET -- $PROBE sleep; exit $?'");
        shell.pty.wait_for("ready");
        let script = proc::children(shell.bash.pid())[0];
        let onset = proc::children(script)[0];
        let job = (onset, proc::children(onset)[0]);
        shell.pty.press(CTRL_Z);
        shell.wait_until_stopped(job);
        assert_eq!(proc::state(script), Some('T'));
        shell.enter("fg");
        Shell::wait_until_running(job);
        wait_for_foreground(&shell.pty, job.1);
        shell.pty.press(CTRL_C);
        shell.assert_ended_with(130);
    });
}

#[test]
fn a_shell_under_onset_can_be_suspended_from_the_shell_above() {
    Shell::with(|mut shell| {
        shell.enter("PS1='<inner> ' $ONSET -- $BASH --norc --noprofile --noediting -i");
        shell.pty.wait_for("<inner>");
        let job = shell.job();
        shell.enter("suspend");
        shell.wait_until_stopped(job);
        shell.enter("fg");
        Shell::wait_until_running(job);
        wait_for_foreground(&shell.pty, job.1);
        shell.enter("exit 5");
        shell.assert_ended_with(5);
    });
}

#[test]
fn a_hangup_of_the_terminal_ends_the_job_in_the_foreground() {
    Shell::with(|mut shell| {
        shell.enter("$ONSET -- $PROBE sleep");
        shell.pty.wait_for("ready");
        let job = shell.job();
        shell.pty.hang_up();
        shell.bash.wait();
        for pid in [job.0, job.1] {
            until("the end of the job", || proc::state(pid).is_none_or(|state| state == 'Z').then_some(()));
        }
    });
}

#[test]
fn a_hangup_of_the_terminal_ends_a_stopped_job() {
    Shell::with(|mut shell| {
        shell.enter("$ONSET -- $PROBE sleep");
        shell.pty.wait_for("ready");
        let job = shell.job();
        shell.pty.press(CTRL_Z);
        shell.wait_until_stopped(job);
        shell.pty.hang_up();
        shell.bash.wait();
        for pid in [job.0, job.1] {
            until("the end of the job", || proc::state(pid).is_none_or(|state| state == 'Z').then_some(()));
        }
    });
}
