//! What PID 1 is to do about signals, the end and its reports: decided by the child that prepares ([`crate::plan`]),
//! handed over by [`crate::handoff`], followed by [`crate::supervise`]. Plain data of a fixed size: PID 1 keeps it without
//! allocating anything.
#![forbid(unsafe_code)]

use crate::report::{Format, Level};
use crate::sys::signal::{Signal, SignalSet};
use std::time::Duration;

mod bytes;

/// The most rungs a ladder has.
pub const MOST_RUNGS: usize = 8;

/// To whom a signal is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Target {
    /// The main process.
    #[default]
    Main,
    /// Its process group.
    Group,
    /// Everybody in the container; not PID 1: every descendant.
    All,
}

impl Target {
    /// As reports and the configuration say it.
    pub fn name(self) -> &'static str {
        match self {
            Target::Main => "main",
            Target::Group => "group",
            Target::All => "all",
        }
    }
}

/// One rung of the ladder: what asks the application to end, and how long it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    /// What is sent; `None`: the signal that asked onset to stop.
    pub signal: Option<Signal>,
    /// How long until the next rung, or until SIGKILL; `None`: as long as it likes.
    pub wait: Option<Duration>,
}

/// The rungs, first to last: one at least, [`MOST_RUNGS`] at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ladder {
    rungs: [Rung; MOST_RUNGS],
    count: usize,
}

impl Ladder {
    /// Of these rungs. `None`: there are none, or too many.
    pub fn of(rungs: &[Rung]) -> Option<Self> {
        let mut ladder = Ladder { rungs: [Rung { signal: None, wait: None }; MOST_RUNGS], count: rungs.len() };
        ladder.rungs.get_mut(..rungs.len())?.copy_from_slice(rungs);
        (!rungs.is_empty()).then_some(ladder)
    }

    /// The rung of this number, from 0 on.
    pub fn rung(&self, number: usize) -> Option<&Rung> {
        self.rungs[..self.count].get(number)
    }

    /// All of them.
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs[..self.count]
    }

    /// How long they take together; `None`: one of them has no limit.
    pub fn length(&self) -> Option<Duration> {
        self.rungs().iter().try_fold(Duration::ZERO, |sum, rung| Some(sum.saturating_add(rung.wait?)))
    }
}

/// What becomes of each signal that comes in: itself, another one, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewrites([u8; 65]);

impl Rewrites {
    /// Every signal stays what it is.
    pub fn none() -> Self {
        let mut table = [0; 65];
        Signal::all().for_each(|signal| table[usize::from(signal.number())] = signal.number());
        Rewrites(table)
    }

    /// Has `from` become `to`; `None`: it is dropped.
    pub fn set(&mut self, from: Signal, to: Option<Signal>) {
        self.0[usize::from(from.number())] = to.map_or(0, Signal::number);
    }

    /// What becomes of it.
    pub fn get(&self, signal: Signal) -> Option<Signal> {
        Signal::new(i32::from(self.0[usize::from(signal.number())]))
    }
}

/// What onset ends with for each status of the main process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitMap([u8; 256]);

impl ExitMap {
    /// Every status stays what it is.
    pub fn none() -> Self {
        let mut table = [0; 256];
        (0..=u8::MAX).for_each(|status| table[usize::from(status)] = status);
        ExitMap(table)
    }

    /// Has `from` become `to`.
    pub fn set(&mut self, from: u8, to: u8) {
        self.0[usize::from(from)] = to;
    }

    /// What becomes of it.
    pub fn get(&self, status: u8) -> u8 {
        self.0[usize::from(status)]
    }
}

/// All of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Which signals ask to stop, as they come in or as they are rewritten.
    pub stop_on: SignalSet,
    /// What becomes of each signal.
    pub rewrites: Rewrites,
    /// How long the application goes on serving after it was asked to stop.
    pub drain: Duration,
    /// How long the stop commands take at most, all together; `None`: there are none.
    pub commands: Option<Duration>,
    /// What asks the application to end.
    pub ladder: Ladder,
    /// To whom the ladder's signals go.
    pub target: Target,
    /// Whether who is stopped is to go on when it is asked to end.
    pub resume: bool,
    /// To whom all other signals go: [`Target::All`] is none of them.
    pub forward_to: Target,
    /// How long the rest has to end when the main process has ended; `None`: it is not waited for.
    pub linger: Option<Duration>,
    /// How long the preparation may take; `None`: as long as it likes.
    pub start_timeout: Option<Duration>,
    /// What onset ends with.
    pub exit: ExitMap,
    /// How reports are written from here on.
    pub format: Format,
    /// Which reports are written from here on.
    pub level: Level,
}

impl Policy {
    /// Without a configuration: forward, as tini does, and nothing else.
    pub fn plain(forward_to: Target, format: Format, level: Level) -> Self {
        let mut stop_on = SignalSet::NONE;
        [Signal::TERM, Signal::INT, Signal::QUIT].into_iter().for_each(|signal| stop_on.insert(signal));
        let rungs = [Rung { signal: None, wait: None }; MOST_RUNGS];
        Policy {
            stop_on,
            rewrites: Rewrites::none(),
            drain: Duration::ZERO,
            commands: None,
            ladder: Ladder { rungs, count: 1 },
            target: forward_to,
            resume: false,
            forward_to,
            linger: None,
            start_timeout: None,
            exit: ExitMap::none(),
            format,
            level,
        }
    }

    /// How long a stop takes at most, from the signal to the end of onset; `None`: there is no limit.
    ///
    /// The drain and the stop commands go on side by side; what follows them goes one after the other.
    pub fn longest_stop(&self) -> Option<Duration> {
        let drain = self.drain.max(self.commands.unwrap_or_default());
        Some(drain.saturating_add(self.ladder.length()?).saturating_add(self.linger.unwrap_or_default()))
    }
}
