//! What to do about each event: a state machine without effects, without a clock, without a process.
//!
//! | | stop signal | other signal | SIGCONT while suspended | main stopped | main ended |
//! |---|---|---|---|---|---|
//! | Preparing | forward | forward | - | suspend | finish |
//! | Running | forward | forward | resume | suspend | finish |
//! | Ended | nothing | nothing | nothing | nothing | nothing |
//!
//! A shutdown policy adds its phases here: draining, stopping, killing, lingering.

use crate::exit;
use crate::sys::signal::Signal;
use crate::sys::wait::WaitStatus;

/// Where the main process is in its life, as far as PID 1 knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It is being made: nothing but onset's own code runs in it. What is forwarded waits for it, blocked.
    Preparing,
    /// It runs.
    Running,
    /// It is gone. Nothing is signalled any more: its number may be another process's.
    Ended,
}

/// The state of the supervision.
#[derive(Debug, Clone)]
pub struct State {
    phase: Phase,
    /// The status of a start that failed.
    failure: Option<u8>,
    /// The last stop signal that was forwarded.
    stop: Option<Signal>,
    /// Whether onset and the main process's group were stopped together, as a job is by Ctrl-Z.
    suspended: bool,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A signal came in.
    Signal(Signal),
    /// execve(2) of the main process succeeded.
    Started,
    /// It failed; the process is about to end.
    StartFailed {
        /// What onset is to end with.
        status: u8,
    },
    /// A child that is the main process ended or stopped.
    Main(WaitStatus),
    /// onset stopped as the main process did, and goes on only by a SIGCONT that is still to come in.
    Suspended,
    /// A child that is not ended or stopped.
    Orphan,
}

/// What there is to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// Send the signal on.
    Forward {
        /// Whether it asks the application to stop.
        stop: bool,
    },
    /// Stop like the main process did, so that whoever started onset notices.
    Suspend(Signal),
    /// Let the stopped job go on.
    Resume,
    /// End.
    Finish {
        /// With this status.
        status: u8,
        /// Whether that is what had been asked for: success, or death by the stop signal that was forwarded.
        expected: bool,
    },
}

/// The signals that ask an application to stop, where no policy says otherwise.
fn asks_to_stop(signal: Signal) -> bool {
    [Signal::TERM, Signal::INT, Signal::QUIT].contains(&signal)
}

impl State {
    /// The state right after fork(2).
    pub fn new() -> Self {
        State { phase: Phase::Preparing, failure: None, stop: None, suspended: false }
    }

    /// Decides.
    pub fn on_event(&mut self, event: Event) -> Action {
        match (self.phase, event) {
            (Phase::Ended, _) | (_, Event::Orphan) | (_, Event::Signal(Signal::CHLD)) => Action::Nothing,
            (Phase::Preparing | Phase::Running, Event::Signal(Signal::CONT)) if self.suspended => {
                self.suspended = false;
                Action::Resume
            }
            (Phase::Preparing | Phase::Running, Event::Signal(signal)) => {
                let stop = asks_to_stop(signal);
                if stop {
                    self.stop = Some(signal);
                }
                Action::Forward { stop }
            }
            (Phase::Preparing, Event::Started) => {
                self.phase = Phase::Running;
                Action::Nothing
            }
            (Phase::Preparing, Event::StartFailed { status }) => {
                self.failure = Some(status);
                Action::Nothing
            }
            (Phase::Running, Event::Started | Event::StartFailed { .. }) => Action::Nothing,
            (Phase::Preparing | Phase::Running, Event::Main(WaitStatus::Stopped(signal))) => {
                Action::Suspend(signal)
            }
            (Phase::Preparing | Phase::Running, Event::Suspended) => {
                self.suspended = true;
                Action::Nothing
            }
            (Phase::Preparing | Phase::Running, Event::Main(WaitStatus::Exited(code))) => {
                self.finish(self.failure.unwrap_or(code))
            }
            (Phase::Preparing | Phase::Running, Event::Main(WaitStatus::Killed { signal, .. })) => {
                self.finish(self.failure.unwrap_or(exit::killed_by(signal)))
            }
        }
    }

    /// Whether there never was a main process: its end is no news.
    pub fn failed_to_start(&self) -> bool {
        self.failure.is_some()
    }

    fn finish(&mut self, status: u8) -> Action {
        self.phase = Phase::Ended;
        let expected = status == 0 || self.stop.is_some_and(|signal| status == exit::killed_by(signal));
        Action::Finish { status, expected }
    }
}
