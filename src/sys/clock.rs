//! The only clock.

use nix::poll::{PollTimeout, poll};
use std::mem::MaybeUninit;
use std::time::Duration;

/// Time since some point in the past; never goes back (`CLOCK_MONOTONIC`, `clock_gettime(2)`).
pub fn monotonic() -> Duration {
    since(libc::CLOCK_MONOTONIC)
}

/// Time since 1970 by the system's clock, which may go back: for the times of files.
pub fn realtime() -> Duration {
    since(libc::CLOCK_REALTIME)
}

/// The time until then, as poll(2) is told it: a millisecond more, because a part of one does not count.
pub fn timeout_until(moment: Duration) -> PollTimeout {
    let left = moment.saturating_sub(monotonic()).saturating_add(Duration::from_millis(1));
    PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
}

/// Waits this long, or less if a signal comes in that does not end the process.
pub fn pause(time: Duration) {
    let timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
    let _interrupted: nix::Result<i32> = poll(&mut [], timeout);
}

/// A moment of the calendar in UTC, to the microsecond.
pub struct Utc {
    date: libc::tm,
    microsecond: i64,
}

/// The time of day by the system's clock.
pub fn utc() -> Utc {
    let now = read(libc::CLOCK_REALTIME);
    let mut date = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: gmtime_r reads one time_t and writes one tm through live pointers. If it fails (a year beyond i32) the
    // zeroed tm stands.
    unsafe { libc::gmtime_r(&raw const now.tv_sec, date.as_mut_ptr()) };
    // SAFETY: every bit pattern is a valid tm, the zeroed one included (its zone pointer may be null).
    let date = unsafe { date.assume_init() };
    Utc { date, microsecond: now.tv_nsec / 1000 }
}

fn since(clock: libc::clockid_t) -> Duration {
    let now = read(clock);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

fn read(clock: libc::clockid_t) -> libc::timespec {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: clock_gettime writes one timespec through a live pointer; both clocks exist on every Linux.
    unsafe { libc::clock_gettime(clock, &raw mut now) };
    now
}

/// RFC 3339: `2026-11-22T05:54:10.123456Z`.
impl std::fmt::Display for Utc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let libc::tm { tm_year, tm_mon, tm_mday, tm_hour, tm_min, tm_sec, .. } = self.date;
        let (year, month) = (tm_year + 1900, tm_mon + 1);
        write!(f, "{year:04}-{month:02}-{tm_mday:02}T{tm_hour:02}:{tm_min:02}:{tm_sec:02}.{:06}Z", self.microsecond)
    }
}
