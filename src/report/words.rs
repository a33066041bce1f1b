//! How single values are said.

use super::errno;
use crate::sys::signal::{Received, Signal};
use crate::sys::wait::WaitStatus;
use nix::errno::Errno;
use std::fmt;
use std::time::Duration;

/// Microseconds, as a field.
#[inline(never)] // nearly every event has some
pub fn micros(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1_000_000).saturating_add(duration.subsec_micros().into())
}

/// Milliseconds, as a field.
pub fn millis(duration: Duration) -> u64 {
    micros(duration) / 1000
}

/// A time that was measured, for a sentence: `10.003s`, without what is below a millisecond.
pub fn brief(duration: Duration) -> Duration {
    Duration::from_millis(millis(duration))
}

/// What a signal was rewritten to, as the end of a sentence.
pub struct Rewritten(pub Option<Signal>);

impl fmt::Display for Rewritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |sent| write!(f, " as {sent}"))
    }
}

/// The fields that say how a process ended.
#[derive(Default)]
pub struct End {
    /// It ended by exit(3).
    pub exit_code: Option<u8>,
    /// A signal ended or stopped it.
    pub signal: Option<Signal>,
    /// The same by number.
    pub signal_number: Option<u8>,
    /// Where a signal ended it.
    pub core_dumped: Option<bool>,
}

impl From<WaitStatus> for End {
    fn from(status: WaitStatus) -> Self {
        match status {
            WaitStatus::Exited(code) => End { exit_code: Some(code), ..End::default() },
            WaitStatus::Killed { signal, core_dumped } => End {
                signal: Some(signal),
                signal_number: Some(signal.number()),
                core_dumped: Some(core_dumped),
                ..End::default()
            },
            WaitStatus::Stopped(signal) => {
                End { signal: Some(signal), signal_number: Some(signal.number()), ..End::default() }
            }
        }
    }
}

/// How a process ended, as the end of a sentence.
impl fmt::Display for WaitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WaitStatus::Exited(code) => write!(f, "exited with status {code}"),
            WaitStatus::Killed { signal, core_dumped: false } => write!(f, "was killed by signal {signal}"),
            WaitStatus::Killed { signal, core_dumped: true } => {
                write!(f, "was killed by signal {signal} and dumped core")
            }
            WaitStatus::Stopped(signal) => write!(f, "was stopped by signal {signal}"),
        }
    }
}

/// `si_code` by its name in sigaction(2), or by number.
pub struct Code<'a>(pub &'a Received);

impl fmt::Display for Code<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.code_name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0.code),
        }
    }
}

/// An error of the system in words: `no such process (ESRCH)`.
pub struct Because(pub Errno);

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = errno::meaning(self.0);
        let (first, rest) = words.split_at_checked(1).unwrap_or((words, ""));
        // "RFS specific error" and the like keep their capitals.
        let lower = rest.starts_with(|next: char| next.is_ascii_lowercase() || next == ' ');
        let first = if lower { first.to_ascii_lowercase() } else { first.to_owned() };
        write!(f, "{first}{rest} ({})", errno::name(self.0))
    }
}

/// Why a file was not read: of a device or a socket, where `World::read` has EINVAL, the word of the system says nothing.
pub struct NotRead(pub Errno);

impl fmt::Display for NotRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Errno::EINVAL => f.write_str("it is no file that can be read (EINVAL)"),
            error => Because(error).fmt(f),
        }
    }
}

/// How long a drain lasts: `for 5s`.
pub struct Until {
    /// For how long at least.
    pub drain: Duration,
    /// Whether stop commands run meanwhile.
    pub commands: bool,
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Until { drain, commands } = *self;
        match commands {
            true if drain.is_zero() => f.write_str("until the stop commands have ended"),
            true => write!(f, "for {drain:?}, and until the stop commands have ended"),
            false => write!(f, "for {drain:?}"),
        }
    }
}
