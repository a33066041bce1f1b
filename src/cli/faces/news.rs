//! Of all events, those that a peer has words for.

use crate::report::Event;
use crate::sys::signal::Signal;
use crate::sys::wait::WaitStatus;
use nix::errno::Errno;
use nix::unistd::Pid;

/// What a peer may say something about.
#[derive(Debug, Clone, Copy)]
pub enum News<'a> {
    /// onset is not PID 1, and made itself a child sub-reaper.
    SubReaper,
    /// The command runs.
    Started {
        /// Its number.
        pid: Pid,
        /// Its name, as it was given.
        program: &'a [u8],
    },
    /// It could not be started, or onset is broken.
    Failed(&'a str),
    /// A signal came in, and this was sent.
    Forwarded {
        /// What came in.
        received: Signal,
        /// What was sent; `None`: it was dropped.
        sent: Option<Signal>,
    },
    /// A signal could not be sent.
    NotForwarded(Signal, Errno),
    /// Somebody else's child ended.
    Reaped(Pid, WaitStatus),
    /// The command ended.
    Ended(Pid, WaitStatus),
    /// The command has not got the terminal.
    NoTerminal(Errno),
}

impl<'a> News<'a> {
    /// Of this event; `None`: no peer knows such a thing.
    pub fn of(event: &Event<'a>) -> Option<Self> {
        Some(match *event {
            Event::Supervising { sub_reaper: true, .. } => News::SubReaper,
            Event::MainStarted { pid, argv, .. } => {
                News::Started { pid, program: argv.split(|&byte| byte == 0).next().unwrap_or_default() }
            }
            Event::StartFailed { cause, .. } | Event::InternalError { cause } => News::Failed(cause),
            Event::SignalForwarded { received, sent, .. } => {
                News::Forwarded { received: received.signal, sent: Some(sent) }
            }
            Event::SignalDropped { received } => News::Forwarded { received: received.signal, sent: None },
            Event::SignalNotForwarded { signal, error, .. } => News::NotForwarded(signal, error),
            Event::OrphanReaped { pid, status } => News::Reaped(pid, status),
            Event::MainEnded { pid, status, .. } => News::Ended(pid, status),
            Event::TerminalNotHandedOver { error } => News::NoTerminal(error),
            Event::Supervising { sub_reaper: false, .. }
            | Event::ConfigRead { .. }
            | Event::Draining { .. }
            | Event::StopSignalSent { .. }
            | Event::MainKilled { .. }
            | Event::Lingering { .. }
            | Event::RestKilled { .. }
            | Event::MainStopped { .. }
            | Event::ReportsDropped { .. }
            | Event::Problem { .. }
            | Event::Notice { .. }
            | Event::StepDone { .. }
            | Event::StepOutput { .. } => return None,
        })
    }
}
