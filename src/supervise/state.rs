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
use crate::sys::signal::{Signal, SignalSet};
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
    /// The stop signals that were forwarded.
    stops: SignalSet,
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
        /// Whether that is what had been asked for: success, or death by a stop signal that was forwarded.
        expected: bool,
    },
}

/// The signals that ask an application to stop, where no policy says otherwise.
fn asks_to_stop(signal: Signal) -> bool {
    [Signal::TERM, Signal::INT, Signal::QUIT].contains(&signal)
}

impl State {
    /// The state right after fork(2).
    pub fn after_fork() -> Self {
        State { phase: Phase::Preparing, failure: None, stops: SignalSet::NONE, suspended: false }
    }

    /// Decides.
    pub fn on_event(&mut self, event: Event) -> Action {
        match (self.phase, event) {
            (Phase::Ended, _) | (_, Event::Orphan | Event::Signal(Signal::CHLD)) => Action::Nothing,
            (Phase::Preparing | Phase::Running, Event::Signal(Signal::CONT)) if self.suspended => {
                self.suspended = false;
                Action::Resume
            }
            (Phase::Preparing | Phase::Running, Event::Signal(signal)) => {
                let stop = asks_to_stop(signal);
                if stop {
                    self.stops.insert(signal);
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
            (Phase::Preparing | Phase::Running, Event::Main(WaitStatus::Stopped(signal))) => Action::Suspend(signal),
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
        let expected = status == 0 || self.stops.iter().any(|signal| status == exit::killed_by(signal));
        Action::Finish { status, expected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn signal(number: i32) -> Signal {
        Signal::new(number).unwrap()
    }

    fn killed(by: i32) -> WaitStatus {
        WaitStatus::Killed { signal: signal(by), core_dumped: false }
    }

    /// One event of each kind that the state tells apart.
    fn alphabet() -> Vec<Event> {
        vec![
            Event::Signal(Signal::TERM),
            Event::Signal(Signal::CONT),
            Event::Signal(Signal::CHLD),
            Event::Signal(signal(40)),
            Event::Started,
            Event::StartFailed { status: 127 },
            Event::Main(WaitStatus::Exited(0)),
            Event::Main(killed(15)),
            Event::Main(WaitStatus::Stopped(Signal::TSTP)),
            Event::Suspended,
            Event::Orphan,
        ]
    }

    fn any_event() -> impl Strategy<Value = Event> {
        let any_signal = (1..=64).prop_map(signal);
        let ended = prop_oneof![any::<u8>().prop_map(WaitStatus::Exited), (1..=64).prop_map(killed)];
        prop_oneof![
            8 => any_signal.prop_map(Event::Signal),
            1 => Just(Event::Started),
            1 => (1..=255_u8).prop_map(|status| Event::StartFailed { status }),
            1 => ended.prop_map(Event::Main),
            2 => (1..=64).prop_map(|number| Event::Main(WaitStatus::Stopped(signal(number)))),
            2 => Just(Event::Suspended),
            3 => Just(Event::Orphan),
        ]
    }

    /// What must hold whatever happens, in whatever order.
    fn check(events: &[Event]) {
        let mut state = State::after_fork();
        let mut ended = false;
        for &event in events {
            let action = state.on_event(event);
            let ends = matches!(event, Event::Main(WaitStatus::Exited(_) | WaitStatus::Killed { .. }));
            let finishes = matches!(action, Action::Finish { .. });
            assert_eq!(finishes, ends && !ended, "{events:?}: it ends exactly when main ended");
            if ended {
                assert_eq!(action, Action::Nothing, "{events:?}: nothing is signalled after that");
            }
            let heard = matches!(event, Event::Signal(signal) if signal != Signal::CHLD);
            let sent = matches!(action, Action::Forward { .. } | Action::Resume);
            assert_eq!(sent, heard && !ended, "{events:?}: every signal is sent on, SIGCHLD and nothing else is not");
            ended |= finishes;
        }
    }

    #[test]
    fn it_ends_exactly_when_main_ended_and_never_signals_after_that_in_every_order_of_five_events() {
        let alphabet = alphabet();
        let size = alphabet.len();
        for mut number in 0..size.pow(5) {
            let events: [Event; 5] = std::array::from_fn(|_| {
                let event = alphabet[number % size];
                number /= size;
                event
            });
            check(&events);
        }
    }

    proptest! {
        #[test]
        fn it_ends_exactly_when_main_ended_and_never_signals_after_that(
            events in prop::collection::vec(any_event(), 0..200),
        ) {
            check(&events);
        }
    }

    /// The last action of a run through these events.
    fn last(events: &[Event]) -> Action {
        let mut state = State::after_fork();
        events.iter().map(|&event| state.on_event(event)).last().unwrap()
    }

    #[test]
    fn the_status_is_mains_own() {
        let finish = |status, expected| Action::Finish { status, expected };
        assert_eq!(last(&[Event::Started, Event::Main(WaitStatus::Exited(0))]), finish(0, true));
        assert_eq!(last(&[Event::Started, Event::Main(WaitStatus::Exited(255))]), finish(255, false));
        assert_eq!(last(&[Event::Started, Event::Main(killed(9))]), finish(137, false));
        assert_eq!(last(&[Event::Started, Event::Main(killed(64))]), finish(192, false));
        assert_eq!(
            last(&[Event::StartFailed { status: 126 }, Event::Main(WaitStatus::Exited(126))]),
            finish(126, false)
        );
        assert_eq!(last(&[Event::Main(killed(15))]), finish(143, false), "killed while it was being made");
    }

    #[test]
    fn death_by_the_stop_signal_that_was_forwarded_is_expected() {
        let end = |signal_in, end| last(&[Event::Started, Event::Signal(signal(signal_in)), Event::Main(end)]);
        let expected = |action| matches!(action, Action::Finish { expected: true, .. });
        assert!(expected(end(15, killed(15))));
        assert!(expected(end(15, WaitStatus::Exited(143))), "as a shell or a JVM says it");
        assert!(!expected(end(2, killed(15))));
        assert!(!expected(end(15, WaitStatus::Exited(1))));
        assert!(!expected(end(10, killed(10))), "SIGUSR1 asks for something else");
    }

    #[test]
    fn a_suspended_job_is_resumed_once() {
        let stopped = [Event::Started, Event::Main(WaitStatus::Stopped(Signal::TSTP)), Event::Suspended];
        let cont = Event::Signal(Signal::CONT);
        assert_eq!(last(&stopped[..2]), Action::Suspend(Signal::TSTP));
        assert_eq!(last(&[&stopped[..], &[cont]].concat()), Action::Resume);
        assert_eq!(last(&[&stopped[..], &[cont, cont]].concat()), Action::Forward { stop: false });
        assert_eq!(last(&[&stopped[..2], &[cont]].concat()), Action::Forward { stop: false });
    }
}
