//! The loop: wait, tell the state, do what it says.

use super::job_control;
use super::state::{self, Action, State};
use crate::handoff::{Progress, Receiver, StartFailure};
use crate::policy::Target;
use crate::report::Event;
use crate::sys::clock;
use crate::sys::signal::{self, Intake, Received, Signal};
use crate::sys::wait::{self, Change, WaitStatus};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;
use std::os::fd::AsFd;
use std::time::Duration;

/// How many children are waited for before signals are looked at again: a flow of orphans that does not end must not
/// keep a signal waiting.
const REAP_BATCH: usize = 256;

/// The main process, as PID 1 knows it.
pub struct Main {
    /// Its number, and that of its group.
    pub pid: Pid,
    /// Its arguments, for reports.
    pub argv: Vec<u8>,
    /// When onset started, by the monotonic clock.
    pub onset_started: Duration,
    /// Whether its whole group gets what is forwarded.
    pub group: bool,
}

/// Forwards and reaps until the main process has ended. Returns what onset is to end with.
pub fn supervise(main: Main, intake: &Intake, progress: Receiver) -> u8 {
    let mut supervisor = Supervisor {
        main,
        state: State::after_fork(),
        executing: false,
        main_started: None,
        // Whoever executed onset may have left children behind whose SIGCHLD came before we listened.
        unreaped: true,
        ended: None,
    };
    let mut progress = Some(progress);
    loop {
        if supervisor.unreaped {
            supervisor.reap(&mut progress);
        }
        if let Some(status) = supervisor.ended {
            return status;
        }
        let ready = Ready::wait(intake, progress.as_ref(), supervisor.unreaped);
        // All of it before any signal: that the application runs is older than what came in for it.
        while ready.progress && progress.as_ref().is_some_and(is_ready) {
            supervisor.follow_progress(&mut progress);
        }
        if ready.signals {
            // The only error there is: a stop of our own interrupted the wait. The next turn asks again.
            let _: nix::Result<()> = intake.read(|received| supervisor.on_signal(&received));
        }
    }
}

/// Whether the child has said something, or is gone.
fn is_ready(progress: &Receiver) -> bool {
    poll(&mut [PollFd::new(progress.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO).is_ok_and(|count| count > 0)
}

/// What there is to read.
struct Ready {
    signals: bool,
    progress: bool,
}

impl Ready {
    /// Waits for something to read; only looks if there is `more` to do anyway. Once the main process runs and there
    /// is nothing else to do, reading the signals is the wait.
    fn wait(intake: &Intake, progress: Option<&Receiver>, more: bool) -> Ready {
        let timeout = if more { PollTimeout::ZERO } else { PollTimeout::NONE };
        let intake = PollFd::new(intake.as_fd(), PollFlags::POLLIN);
        let is_ready = |fd: &PollFd<'_>| fd.any().unwrap_or(false);
        match progress {
            None if !more => Ready { signals: true, progress: false },
            None => {
                let mut fds = [intake];
                let signals = poll(&mut fds, timeout).is_ok_and(|count| count > 0);
                Ready { signals, progress: false }
            }
            Some(progress) => {
                let mut fds = [intake, PollFd::new(progress.as_fd(), PollFlags::POLLIN)];
                match poll(&mut fds, timeout) {
                    Ok(_) => Ready { signals: is_ready(&fds[0]), progress: is_ready(&fds[1]) },
                    Err(_) => Ready { signals: false, progress: false },
                }
            }
        }
    }
}

struct Supervisor {
    main: Main,
    state: State,
    /// Whether the child has said that it is about to execute the application.
    executing: bool,
    /// When the application was executed.
    main_started: Option<Duration>,
    /// Whether there may be children to wait for: one SIGCHLD can stand for several of them (signal(7)).
    unreaped: bool,
    ended: Option<u8>,
}

impl Supervisor {
    fn on_signal(&mut self, received: &Received) {
        if received.signal == Signal::CHLD {
            self.unreaped = true;
        }
        let action = self.state.on_event(state::Event::Signal(received.signal));
        match action {
            Action::Forward { stop } => self.forward(received, stop),
            Action::Resume => job_control::resume(self.main.pid),
            Action::Nothing | Action::Suspend(_) | Action::Finish { .. } => {}
        }
    }

    fn forward(&self, received: &Received, stop: bool) {
        let Main { pid, group, .. } = self.main;
        let forward = if group { signal::forward_to_group } else { signal::forward_to_process };
        let target = if group { Target::Group } else { Target::Main };
        match forward(pid, received) {
            Ok(()) => Event::SignalForwarded { received: *received, sent: received.signal, stop, target }.emit(),
            Err(error) => Event::SignalNotForwarded { signal: received.signal, target, error }.emit(),
        }
    }

    fn follow_progress(&mut self, progress: &mut Option<Receiver>) {
        let Some(receiver) = progress else { return };
        match receiver.receive() {
            Progress::None => {}
            Progress::Executing(words) => {
                self.executing = true;
                if !words.is_empty() {
                    self.main.argv = words;
                }
            }
            Progress::Closed => {
                *progress = None;
                // Without that the child is gone, and there never was a main process.
                if self.executing {
                    self.on_started();
                }
            }
            Progress::Failed(StartFailure { status, cause }) => {
                *progress = None;
                self.state.on_event(state::Event::StartFailed { status });
                Event::StartFailed { status, cause: &cause, argv: &self.main.argv, stopped: false }.emit();
            }
        }
    }

    fn on_started(&mut self) {
        self.state.on_event(state::Event::Started);
        self.main_started = Some(clock::monotonic());
        let Main { pid, argv, onset_started, .. } = &self.main;
        let startup = clock::monotonic().saturating_sub(*onset_started);
        Event::MainStarted { pid: *pid, argv, startup }.emit();
    }

    /// Waits for children that have ended already, as many as one turn may take.
    fn reap(&mut self, progress: &mut Option<Receiver>) {
        for _ in 0..REAP_BATCH {
            let Some(change) = wait::next_change() else {
                self.unreaped = false;
                return;
            };
            if change.pid == self.main.pid {
                // What it said before it ended comes first: a process that is gone has closed its end.
                while progress.is_some() && !matches!(change.status, WaitStatus::Stopped(_)) {
                    self.follow_progress(progress);
                }
                self.on_main(&change);
            } else {
                self.on_orphan(&change);
            }
            if self.ended.is_some() {
                return;
            }
        }
    }

    fn on_main(&mut self, change: &Change) {
        let Change { pid, status, usage } = *change;
        match self.state.on_event(state::Event::Main(status)) {
            Action::Suspend(signal) => {
                Event::MainStopped { pid, signal }.emit();
                if job_control::follow_stop(pid, signal) {
                    self.state.on_event(state::Event::Suspended);
                }
            }
            Action::Finish { status: exit, expected } => {
                self.ended = Some(exit);
                if Pid::this() != Pid::from_raw(1) {
                    job_control::take_back(pid);
                }
                match self.main_started {
                    Some(started) => {
                        let uptime = clock::monotonic().saturating_sub(started);
                        Event::MainEnded { pid, status, exit, expected, uptime, usage, oom: None }.emit();
                    }
                    None if self.state.failed_to_start() => {}
                    None => {
                        let cause = format!("the preparation {status}");
                        let argv = &self.main.argv;
                        Event::StartFailed { status: exit, cause: &cause, argv, stopped: expected }.emit();
                    }
                }
            }
            Action::Nothing | Action::Forward { .. } | Action::Resume => {}
        }
    }

    fn on_orphan(&mut self, change: &Change) {
        self.state.on_event(state::Event::Orphan);
        if !matches!(change.status, WaitStatus::Stopped(_)) {
            Event::OrphanReaped { pid: change.pid, status: change.status }.emit();
        }
    }
}
