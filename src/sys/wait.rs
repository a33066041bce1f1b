//! Waiting for children, with a status that can say everything Linux can.

use super::signal::Signal;
use nix::errno::Errno;
use nix::unistd::Pid;
use std::mem::MaybeUninit;
use std::time::Duration;

/// How a child changed (wait(2)). nix's type of this name cannot hold a real-time signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitStatus {
    /// It ended by exit(3).
    Exited(u8),
    /// A signal ended it.
    Killed {
        /// Which.
        signal: Signal,
        /// Whether the kernel wrote a core dump.
        core_dumped: bool,
    },
    /// A signal stopped it; it lives.
    Stopped(Signal),
}

/// What a child and the children it waited for have used (getrusage(2)).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time in user mode.
    pub user_cpu: Duration,
    /// CPU time in the kernel.
    pub system_cpu: Duration,
    /// The largest resident set of any one of them, in KiB.
    pub max_rss_kib: u64,
}

/// One answer of wait4(2).
pub struct Change {
    /// Whose.
    pub pid: Pid,
    /// What happened to it.
    pub status: WaitStatus,
    /// What it used until now.
    pub usage: Usage,
}

/// What there is to tell of the children.
pub enum Next {
    /// This.
    Change(Change),
    /// Nothing now.
    Nothing,
    /// Nothing ever: there is no child at all.
    NoChild,
}

/// Reaps one ended child, or tells of a stopped one, without waiting. `None`: nothing to tell, or no child at all.
pub fn next_change() -> Option<Change> {
    match next() {
        Next::Change(change) => Some(change),
        Next::Nothing | Next::NoChild => None,
    }
}

/// Reaps one ended child, or tells of a stopped one, without waiting.
///
/// The oldest child comes first, so the main process is never behind a crowd of orphans.
pub fn next() -> Next {
    loop {
        let mut status = 0;
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: wait4 writes one int and one rusage through live pointers.
        let pid = unsafe { libc::wait4(-1, &raw mut status, libc::WNOHANG | libc::WUNTRACED, usage.as_mut_ptr()) };
        if pid <= 0 {
            return if pid < 0 && Errno::last() == Errno::ECHILD { Next::NoChild } else { Next::Nothing };
        }
        // SAFETY: every bit pattern is a valid rusage, and it was zeroed.
        let usage = unsafe { usage.assume_init() };
        // A status that is none of ours (a tracer's) is no news; the child is still there, so ask on.
        if let Some(status) = WaitStatus::decode(status) {
            return Next::Change(Change { pid: Pid::from_raw(pid), status, usage: Usage::from(&usage) });
        }
    }
}

impl WaitStatus {
    fn decode(status: i32) -> Option<Self> {
        if libc::WIFEXITED(status) {
            u8::try_from(libc::WEXITSTATUS(status)).ok().map(WaitStatus::Exited)
        } else if libc::WIFSIGNALED(status) {
            let signal = Signal::new(libc::WTERMSIG(status))?;
            Some(WaitStatus::Killed { signal, core_dumped: libc::WCOREDUMP(status) })
        } else if libc::WIFSTOPPED(status) {
            Signal::new(libc::WSTOPSIG(status)).map(WaitStatus::Stopped)
        } else {
            None
        }
    }
}

impl From<&libc::rusage> for Usage {
    fn from(usage: &libc::rusage) -> Self {
        Usage {
            user_cpu: duration(usage.ru_utime),
            system_cpu: duration(usage.ru_stime),
            max_rss_kib: u64::try_from(usage.ru_maxrss).unwrap_or(0),
        }
    }
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_time_signals_and_core_dumps_are_told_apart() {
        let killed =
            |number, core_dumped| Some(WaitStatus::Killed { signal: Signal::new(number).unwrap(), core_dumped });
        assert_eq!(WaitStatus::decode(64), killed(64, false));
        assert_eq!(WaitStatus::decode(34), killed(34, false));
        assert_eq!(WaitStatus::decode(0x8b), killed(11, true));
        assert_eq!(WaitStatus::decode(255 << 8), Some(WaitStatus::Exited(255)));
        assert_eq!(WaitStatus::decode((20 << 8) | 0x7f), Some(WaitStatus::Stopped(Signal::new(20).unwrap())));
        assert_eq!(WaitStatus::decode(0xffff), None, "continued is no news");
    }
}
