//! What to do about each event: a state machine without effects, without a clock, without a process.
//!
//! | | stop signal | other signal | main ended | stop commands ended | time is over |
//! |---|---|---|---|---|---|
//! | Preparing | abort | forward | finish | - | abort, 124 |
//! | Aborting | forward | forward | finish | - | kill |
//! | Running | drain, or ask | forward | flush, linger or finish | - | - |
//! | Draining | ask | forward | flush, linger or finish | ask, if it is time | ask |
//! | Stopping | forward | forward | flush, linger or finish | - | ask by the next rung, or kill |
//! | Killing | nothing | nothing | finish | - | kill again |
//! | Flushing | linger or finish | nothing | - | linger or finish | linger or finish |
//! | Lingering | kill the rest | forward to the rest | - | - | kill the rest |
//! | Clearing | nothing | nothing | - | - | finish |
//! | Ended | nothing | nothing | nothing | nothing | nothing |
//!
//! Beside that: an orphan's end is nothing to anybody, but for Clearing, which kills again; SIGCHLD is never forwarded; a main process that stops is followed,
//! and the SIGCONT after that resumes it; and Lingering and Clearing finish when nobody is left.

use crate::exit;
use crate::policy::{Policy, Target};
use crate::stage::Stage;
use crate::sys::signal::{Signal, SignalSet};
use crate::sys::wait::WaitStatus;
use std::time::Duration;

/// How long a preparation that took too long has to end the program it is running.
const ABORT_GRACE: Duration = Duration::from_secs(15);
/// How long until SIGKILL is sent once more: a process that waits for a device may not have heard of it.
const KILL_AGAIN: Duration = Duration::from_secs(1);
/// How long the rest has to be gone after SIGKILL.
const CLEARING: Duration = Duration::from_secs(1);

/// Where the main process is in its life, as far as PID 1 knows. Times are by the monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It is being made: nothing but onset's own code runs in it, and the programs of steps.
    Preparing,
    /// Its preparation was asked to end.
    Aborting {
        /// When it is killed.
        until: Option<Duration>,
    },
    /// It runs.
    Running,
    /// It goes on serving although it is to stop.
    Draining {
        /// When it is asked to end.
        until: Duration,
    },
    /// It was asked to end.
    Stopping {
        /// By which rung of the ladder.
        rung: usize,
        /// When the next one's turn is.
        until: Option<Duration>,
    },
    /// It was killed.
    Killing {
        /// When it is killed once more.
        again: Duration,
    },
    /// It is gone, and the stop commands go on.
    Flushing,
    /// It is gone, and the rest was asked to end.
    Lingering {
        /// When the rest is killed.
        until: Duration,
    },
    /// The rest was killed.
    Clearing {
        /// When it is no longer waited for.
        until: Duration,
    },
    /// Nothing is left to do.
    Ended,
}

/// The state of the supervision.
#[derive(Debug, Clone)]
pub struct State {
    policy: Policy,
    phase: Phase,
    /// When it began.
    since: Duration,
    /// The status of a start that failed or took too long.
    failure: Option<u8>,
    /// The signal that asked to stop, as it was rewritten.
    stop: Option<Signal>,
    /// All that asked the application to end.
    sent: SignalSet,
    /// Until when the stop commands may run, while they do.
    commands: Option<Duration>,
    /// Whether the main process is stopped, as far as is known.
    stopped: bool,
    /// Whether onset and the main process's group were stopped together, as a job is by Ctrl-Z.
    suspended: bool,
    /// When the application was asked to end first.
    asked: Duration,
    /// What onset ends with, once the main process has ended.
    outcome: Option<Outcome>,
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
    /// The process that runs the stop commands ended.
    CommandsEnded,
    /// Children that are neither have ended, as many as were waited for at once.
    Orphans,
    /// There is no child at all.
    Alone,
    /// Time went on.
    Tick,
}

/// What there is to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// Do not send the signal on.
    Drop,
    /// Send the signal on.
    Forward(Send),
    /// Send this signal, of onset's own accord.
    Ask {
        /// What, and to whom.
        send: Send,
        /// How long there is to end.
        grace: Option<Duration>,
    },
    /// Go on as before for a while, and run the stop commands if there are any.
    Drain {
        /// Whether there are.
        commands: bool,
    },
    /// Send SIGKILL.
    Kill {
        /// To whom.
        target: Target,
        /// How long the application had; `None`: that was told.
        waited: Option<Duration>,
    },
    /// Stop like the main process did, so that whoever started onset notices.
    Suspend(Signal),
    /// Let the stopped job go on.
    Resume,
    /// Ask the rest to end.
    Linger(Duration),
    /// Kill the rest.
    Clear {
        /// How long it had; `None`: that was told.
        waited: Option<Duration>,
    },
    /// End, as [`State::outcome`] says.
    Finish,
}

/// A signal to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Send {
    /// Which.
    pub signal: Signal,
    /// To whom.
    pub target: Target,
    /// Whether it asks the application to end.
    pub stop: bool,
    /// Whether SIGCONT follows: who is stopped does not hear of it otherwise.
    pub resume: bool,
}

/// What onset ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The status.
    pub status: u8,
    /// Whether that is what had been asked for: success, or death by a signal that asked the application to end.
    pub expected: bool,
}

impl State {
    /// The state right after fork(2).
    pub fn after_fork(policy: &Policy, now: Duration) -> Self {
        State {
            policy: *policy,
            phase: Phase::Preparing,
            since: now,
            failure: None,
            stop: None,
            sent: SignalSet::NONE,
            commands: None,
            stopped: false,
            suspended: false,
            asked: now,
            outcome: None,
        }
    }

    /// Goes by another policy from here on: the child has read the configuration.
    pub fn follow(&mut self, policy: &Policy) {
        self.policy = *policy;
    }

    /// Decides. `now` never goes back from one call to the next.
    pub fn on_event(&mut self, event: Event, now: Duration) -> Action {
        match event {
            Event::Signal(signal) => self.on_signal(signal, now),
            Event::Started => self.on_started(now),
            Event::StartFailed { status } => {
                self.failure = self.failure.or(Some(status));
                Action::Nothing
            }
            Event::Main(WaitStatus::Stopped(signal)) => self.on_stopped(signal),
            Event::Main(WaitStatus::Exited(status)) => self.on_main_ended(status, now),
            Event::Main(WaitStatus::Killed { signal, .. }) => self.on_main_ended(exit::killed_by(signal), now),
            Event::Suspended => {
                self.suspended = true;
                Action::Nothing
            }
            Event::CommandsEnded => self.on_commands_ended(now),
            // The children of who was killed are ours now, and may have been born since.
            Event::Orphans if matches!(self.phase, Phase::Clearing { .. }) => Action::Clear { waited: None },
            Event::Orphans => Action::Nothing,
            Event::Alone => match self.phase {
                Phase::Flushing => self.on_commands_ended(now),
                Phase::Lingering { .. } | Phase::Clearing { .. } => self.finish(),
                Phase::Preparing
                | Phase::Aborting { .. }
                | Phase::Running
                | Phase::Draining { .. }
                | Phase::Stopping { .. }
                | Phase::Killing { .. }
                | Phase::Ended => Action::Nothing,
            },
            Event::Tick if self.deadline().is_some_and(|deadline| deadline <= now) => self.on_time(now),
            Event::Tick => Action::Nothing,
        }
    }

    /// When [`Event::Tick`] has something to say; `None`: never.
    pub fn deadline(&self) -> Option<Duration> {
        match self.phase {
            Phase::Preparing => self.policy.start_timeout.map(|timeout| self.since.saturating_add(timeout)),
            Phase::Aborting { until } | Phase::Stopping { until, .. } => until,
            Phase::Draining { until } => Some(self.commands.map_or(until, |commands| commands.max(until))),
            Phase::Killing { again } => Some(again),
            Phase::Flushing => self.commands,
            Phase::Lingering { until } | Phase::Clearing { until } => Some(until),
            Phase::Running | Phase::Ended => None,
        }
    }

    /// What onset ends with, and whether as was asked; `None` while the main process lives.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// Whether there never was a main process: its end is no news.
    pub fn failed_to_start(&self) -> bool {
        self.failure.is_some()
    }

    /// How long the preparation may take.
    pub fn start_timeout(&self) -> Option<Duration> {
        self.policy.start_timeout
    }

    /// How long the application goes on serving after it was asked to stop.
    pub fn drain(&self) -> Duration {
        self.policy.drain
    }

    /// The first signal that asked to stop, as it was rewritten.
    pub fn stopped_by(&self) -> Option<Signal> {
        self.stop
    }

    /// Whether the main process was sent SIGKILL by onset.
    pub fn has_killed(&self) -> bool {
        self.sent.contains(Signal::KILL)
    }

    /// Whether stop commands that run are to run on.
    pub fn minds_commands(&self) -> bool {
        self.commands.is_some() && matches!(self.phase, Phase::Draining { .. } | Phase::Flushing)
    }

    /// The signals of which there is nothing more to say, as things are, than that each goes to the main process as it is: none of
    /// them changes the state. Not those by which a terminal stops and resumes.
    pub fn relays(&self) -> SignalSet {
        let mut relayed = SignalSet::NONE;
        if self.phase == Phase::Running && self.policy.forward_to == Target::Main {
            let stays = |&signal: &Signal| {
                self.policy.rewrites.get(signal) == Some(signal) && !self.policy.stop_on.contains(signal)
            };
            Signal::all().filter(stays).for_each(|signal| relayed.insert(signal));
            [Signal::CHLD, Signal::CONT]
                .into_iter()
                .chain(Signal::OF_TERMINALS)
                .for_each(|signal| relayed.remove(signal));
        }
        relayed
    }

    /// What others are told, by the name of PID 1.
    pub fn stage(&self) -> Stage {
        match self.phase {
            Phase::Preparing | Phase::Aborting { .. } => Stage::Prepare,
            Phase::Running => Stage::Run,
            Phase::Draining { .. } => Stage::Drain,
            Phase::Stopping { .. } | Phase::Killing { .. } => Stage::Stop,
            Phase::Flushing | Phase::Lingering { .. } | Phase::Clearing { .. } | Phase::Ended => Stage::Linger,
        }
    }

    fn on_signal(&mut self, signal: Signal, now: Duration) -> Action {
        if signal == Signal::CHLD || self.phase == Phase::Ended {
            return Action::Nothing;
        }
        if signal == Signal::CONT && self.suspended && self.outcome.is_none() {
            (self.suspended, self.stopped) = (false, false);
            return Action::Resume;
        }
        let Some(sent) = self.policy.rewrites.get(signal) else { return Action::Drop };
        let stop = self.policy.stop_on.contains(signal) || self.policy.stop_on.contains(sent);
        match (self.phase, stop) {
            (Phase::Preparing, true) => {
                (self.stop, self.asked) = (Some(sent), now);
                self.phase =
                    Phase::Aborting { until: self.policy.ladder.length().map(|length| now.saturating_add(length)) };
                self.forward(for_preparation(sent), self.policy.forward_to, true)
            }
            (Phase::Aborting { .. }, true) => self.forward(for_preparation(sent), self.policy.forward_to, true),
            (Phase::Running, true) => {
                self.stop = Some(sent);
                if self.policy.drain.is_zero() && self.policy.commands.is_none() {
                    return self.ask(0, sent, now).map_or(Action::Nothing, |(send, _)| Action::Forward(send));
                }
                self.phase = Phase::Draining { until: now.saturating_add(self.policy.drain) };
                self.commands = self.policy.commands.map(|limit| now.saturating_add(limit));
                Action::Drain { commands: self.commands.is_some() }
            }
            (Phase::Draining { .. }, true) => {
                self.ask(0, sent, now).map_or(Action::Nothing, |(send, _)| Action::Forward(send))
            }
            (Phase::Stopping { rung, .. }, true) => {
                let signal = self.policy.ladder.rung(rung).and_then(|rung| rung.signal).unwrap_or(sent);
                self.forward(signal, self.policy.target, true)
            }
            (
                Phase::Preparing
                | Phase::Aborting { .. }
                | Phase::Running
                | Phase::Draining { .. }
                | Phase::Stopping { .. },
                false,
            ) => self.forward(sent, self.policy.forward_to, false),
            (Phase::Flushing, true) => self.leave_rest(now),
            (Phase::Lingering { .. }, true) => self.clear(now),
            (Phase::Lingering { .. }, false) => {
                Action::Forward(Send { signal: sent, target: Target::All, stop: false, resume: false })
            }
            (Phase::Flushing, false) | (Phase::Killing { .. } | Phase::Clearing { .. } | Phase::Ended, _) => {
                Action::Nothing
            }
        }
    }

    fn on_started(&mut self, now: Duration) -> Action {
        match self.phase {
            Phase::Preparing => {
                self.phase = Phase::Running;
                Action::Nothing
            }
            // It was asked to end at the very moment it began: what it was sent then reached the application.
            Phase::Aborting { .. } => {
                self.failure = None;
                let reached = self.sent;
                let stop = self.stop.unwrap_or(Signal::TERM);
                match self.ask(0, stop, now) {
                    Some((send, grace)) if !reached.contains(send.signal) => Action::Ask { send, grace },
                    Some(_) | None => Action::Nothing,
                }
            }
            Phase::Running
            | Phase::Draining { .. }
            | Phase::Stopping { .. }
            | Phase::Killing { .. }
            | Phase::Flushing
            | Phase::Lingering { .. }
            | Phase::Clearing { .. }
            | Phase::Ended => Action::Nothing,
        }
    }

    fn on_stopped(&mut self, signal: Signal) -> Action {
        match self.phase {
            Phase::Preparing
            | Phase::Aborting { .. }
            | Phase::Running
            | Phase::Draining { .. }
            | Phase::Stopping { .. } => {
                self.stopped = true;
                Action::Suspend(signal)
            }
            Phase::Killing { .. }
            | Phase::Flushing
            | Phase::Lingering { .. }
            | Phase::Clearing { .. }
            | Phase::Ended => Action::Nothing,
        }
    }

    fn on_main_ended(&mut self, status: u8, now: Duration) -> Action {
        if self.outcome.is_some() {
            return Action::Nothing;
        }
        let expected = status == 0 || self.sent.iter().any(|signal| status == exit::killed_by(signal));
        let expected = expected && !self.has_killed() && self.failure.is_none();
        match self.phase {
            Phase::Preparing | Phase::Aborting { .. } => {
                self.outcome = Some(Outcome { status: self.failure.unwrap_or(status), expected });
                self.finish()
            }
            Phase::Killing { .. } => {
                let status = self.failure.unwrap_or(self.policy.exit.get(status));
                self.outcome = Some(Outcome { status, expected });
                self.finish()
            }
            Phase::Running | Phase::Draining { .. } | Phase::Stopping { .. } => {
                self.outcome = Some(Outcome { status: self.policy.exit.get(status), expected });
                if self.minds_commands() {
                    self.phase = Phase::Flushing;
                    return Action::Nothing;
                }
                self.leave_rest(now)
            }
            Phase::Flushing | Phase::Lingering { .. } | Phase::Clearing { .. } | Phase::Ended => Action::Nothing,
        }
    }

    fn on_commands_ended(&mut self, now: Duration) -> Action {
        self.commands = None;
        match self.phase {
            Phase::Draining { until } if until <= now => self.ask_of_own_accord(0, now),
            Phase::Flushing => self.leave_rest(now),
            Phase::Draining { .. }
            | Phase::Preparing
            | Phase::Aborting { .. }
            | Phase::Running
            | Phase::Stopping { .. }
            | Phase::Killing { .. }
            | Phase::Lingering { .. }
            | Phase::Clearing { .. }
            | Phase::Ended => Action::Nothing,
        }
    }

    fn on_time(&mut self, now: Duration) -> Action {
        match self.phase {
            Phase::Preparing => {
                self.failure = Some(exit::TIMED_OUT);
                self.phase = Phase::Aborting { until: Some(now.saturating_add(ABORT_GRACE)) };
                self.asked = now;
                self.sent.insert(Signal::TERM);
                let send = Send { signal: Signal::TERM, target: Target::Main, stop: true, resume: true };
                Action::Ask { send, grace: Some(ABORT_GRACE) }
            }
            // With the program of a step, which leads a group of its own and would outlive it.
            Phase::Aborting { .. } => self.kill(Target::All, now),
            Phase::Draining { .. } => self.ask_of_own_accord(0, now),
            Phase::Stopping { rung, .. } => self.ask_of_own_accord(rung + 1, now),
            Phase::Killing { .. } => {
                self.phase = Phase::Killing { again: now.saturating_add(KILL_AGAIN) };
                Action::Kill { target: self.policy.target, waited: None }
            }
            Phase::Flushing => self.leave_rest(now),
            Phase::Lingering { .. } => self.clear(now),
            Phase::Clearing { .. } => self.finish(),
            Phase::Running | Phase::Ended => Action::Nothing,
        }
    }

    fn forward(&mut self, signal: Signal, target: Target, stop: bool) -> Action {
        if stop {
            self.sent.insert(signal);
        }
        let resume = stop && self.policy.resume && self.stopped;
        if resume || signal == Signal::CONT {
            self.stopped = false;
        }
        Action::Forward(Send { signal, target, stop, resume })
    }

    /// Begins a rung; `None`: there is none of this number.
    fn ask(&mut self, number: usize, stop: Signal, now: Duration) -> Option<(Send, Option<Duration>)> {
        let rung = *self.policy.ladder.rung(number)?;
        let signal = rung.signal.unwrap_or(stop);
        if number == 0 {
            self.asked = now;
        }
        self.sent.insert(signal);
        self.phase = Phase::Stopping { rung: number, until: rung.wait.map(|wait| now.saturating_add(wait)) };
        // Whether others than the main process are stopped is not known.
        let target = self.policy.target;
        let resume = self.policy.resume && (self.stopped || target != Target::Main);
        self.stopped &= !resume;
        Some((Send { signal, target, stop: true, resume }, rung.wait))
    }

    fn ask_of_own_accord(&mut self, number: usize, now: Duration) -> Action {
        let stop = self.stop.unwrap_or(Signal::TERM);
        match self.ask(number, stop, now) {
            Some((send, grace)) => Action::Ask { send, grace },
            None => self.kill(self.policy.target, now),
        }
    }

    fn kill(&mut self, target: Target, now: Duration) -> Action {
        self.sent.insert(Signal::KILL);
        self.phase = Phase::Killing { again: now.saturating_add(KILL_AGAIN) };
        Action::Kill { target, waited: Some(now.saturating_sub(self.asked)) }
    }

    /// The main process has ended, and the stop commands have.
    fn leave_rest(&mut self, now: Duration) -> Action {
        match self.policy.linger {
            Some(linger) => {
                self.phase = Phase::Lingering { until: now.saturating_add(linger) };
                self.asked = now;
                Action::Linger(linger)
            }
            None => self.finish(),
        }
    }

    fn clear(&mut self, now: Duration) -> Action {
        self.phase = Phase::Clearing { until: now.saturating_add(CLEARING) };
        Action::Clear { waited: Some(now.saturating_sub(self.asked)) }
    }

    fn finish(&mut self) -> Action {
        self.phase = Phase::Ended;
        Action::Finish
    }
}

/// What ends a preparation, whatever signal asks for it: onset's own code listens to three.
fn for_preparation(signal: Signal) -> Signal {
    if [Signal::TERM, Signal::INT, Signal::QUIT].contains(&signal) { signal } else { Signal::TERM }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
