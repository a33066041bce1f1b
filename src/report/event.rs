//! The closed list of events, as the rest of onset says them. What each becomes in a line is in [`super::emit`].

use crate::policy::Target;
use crate::sys::signal::{Received, Signal};
use crate::sys::wait::{Usage, WaitStatus};
use nix::errno::Errno;
use nix::unistd::Pid;
use std::ffi::CStr;
use std::time::Duration;

/// Something that happened, with all there is to say about it.
pub enum Event<'a> {
    /// onset is up, and about to make the main process.
    Supervising {
        /// Our own number.
        pid: Pid,
        /// Not PID 1: a child sub-reaper instead.
        sub_reaper: bool,
    },
    /// execve(2) of the main process succeeded.
    MainStarted {
        /// The main process.
        pid: Pid,
        /// Its arguments, each with the NUL at its end, as in `/proc/PID/cmdline`.
        argv: &'a [u8],
        /// Since onset itself started.
        startup: Duration,
    },
    /// The main process could not be started.
    StartFailed {
        /// What onset ends with.
        status: u8,
        /// The whole cause.
        cause: &'a str,
        /// As in [`Event::MainStarted`].
        argv: &'a [u8],
        /// Whether a stop signal that was forwarded is the cause.
        stopped: bool,
    },
    /// The configuration was read and understood.
    ConfigRead {
        /// Which.
        path: &'a str,
        /// How many steps it has.
        steps: usize,
        /// Whether they are done, and all else of the set-up.
        setup: bool,
        /// How long that took, with what the variables are.
        duration: Duration,
    },
    /// A signal came in and was sent on.
    SignalForwarded {
        /// The signal, and who sent it.
        received: Received,
        /// What was sent: itself, or what it was rewritten to.
        sent: Signal,
        /// Whether it asks the application to stop.
        stop: bool,
        /// To whom it went.
        target: Target,
    },
    /// A signal came in or was due, and could not be sent.
    SignalNotForwarded {
        /// The signal that was to be sent.
        signal: Signal,
        /// For whom it was.
        target: Target,
        /// Why.
        error: Errno,
    },
    /// A signal came in and was dropped, as the configuration says.
    SignalDropped {
        /// The signal, and who sent it.
        received: Received,
    },
    /// A stop signal came in, and the application goes on serving for a while.
    Draining {
        /// The signal, and who sent it.
        received: Received,
        /// For how long.
        drain: Duration,
        /// Whether stop commands are run meanwhile.
        commands: bool,
    },
    /// The application was asked to end, by a rung of the ladder.
    StopSignalSent {
        /// By which signal.
        signal: Signal,
        /// To whom it went.
        target: Target,
        /// How long there is to end; `None`: as long as it likes.
        grace: Option<Duration>,
    },
    /// The application did not end in its time, and was killed.
    MainKilled {
        /// Who was.
        target: Target,
        /// How long it had, since it was asked to end.
        waited: Duration,
    },
    /// The main process has ended, and the rest was asked to.
    Lingering {
        /// How long it has.
        linger: Duration,
    },
    /// The rest did not end in its time, and was killed.
    RestKilled {
        /// How long it had.
        waited: Duration,
    },
    /// A signal stopped the main process.
    MainStopped {
        /// The main process.
        pid: Pid,
        /// Which.
        signal: Signal,
    },
    /// A process that was re-parented to us ended and was waited for.
    OrphanReaped {
        /// Its number, free again.
        pid: Pid,
        /// How it ended.
        status: WaitStatus,
    },
    /// The main process ended.
    MainEnded {
        /// Its number, free again.
        pid: Pid,
        /// How it ended.
        status: WaitStatus,
        /// What onset ends with.
        exit: u8,
        /// Whether that is what had been asked for: success, or death by the stop signal that was forwarded.
        expected: bool,
        /// Since it was started.
        uptime: Duration,
        /// What it used.
        usage: Usage,
        /// How many processes of the container the kernel killed meanwhile because memory ran out, and which one.
        oom: Option<OomKills>,
    },
    /// The terminal could not be given to the main process.
    TerminalNotHandedOver {
        /// Why.
        error: Errno,
    },
    /// Lines were lost because nobody read them; now somebody does.
    ReportsDropped {
        /// How many.
        count: u64,
    },
    /// Something is wrong with the configuration or what it needs; the start fails.
    Problem {
        /// What, where, and what would be accepted.
        text: &'a str,
    },
    /// Something that users are to know, and that stops nothing.
    Notice {
        /// What.
        text: &'a str,
    },
    /// A step is done.
    StepDone {
        /// Which.
        step: &'a str,
        /// How many things it changed.
        changed: usize,
        /// How long it took.
        duration: Duration,
    },
    /// A program that a step runs has printed a line.
    StepOutput {
        /// Which step.
        step: &'a str,
        /// `stdout` or `stderr`.
        stream: &'static str,
        /// The line, without its end.
        text: &'a str,
    },
    /// onset itself is broken.
    InternalError {
        /// What is known.
        cause: &'a str,
    },
}

/// Processes that the kernel killed because memory ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OomKills {
    /// How many of the control group.
    pub count: u64,
    /// Which one.
    pub whom: OomKilled,
}

/// Whom the kernel killed because memory ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OomKilled {
    /// The main process: SIGKILL ended it, and nobody else's that is known of.
    Main,
    /// Another process of the container.
    Other,
    /// It cannot be told: onset itself had sent SIGKILL.
    Unknown,
}

impl OomKilled {
    /// As a field.
    pub fn name(self) -> &'static str {
        match self {
            OomKilled::Main => "main",
            OomKilled::Other => "other",
            OomKilled::Unknown => "unknown",
        }
    }

    /// As the end of a sentence.
    pub fn clause(self) -> &'static str {
        match self {
            OomKilled::Main => " because memory ran out",
            OomKilled::Other => "; memory ran out, and another process was killed",
            OomKilled::Unknown => "; memory ran out",
        }
    }
}

/// A vector of words as [`Event::MainStarted`] takes them: as many whole ones as a line can show.
pub fn command_line<'a>(words: impl Iterator<Item = &'a CStr>) -> Vec<u8> {
    let mut line = Vec::new();
    for word in words {
        if line.len() >= crate::sys::stderr::LONGEST_LINE {
            break;
        }
        let word = word.to_bytes_with_nul();
        line.extend_from_slice(word);
    }
    line
}
