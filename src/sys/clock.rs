//! The only clock.

use nix::poll::{PollTimeout, poll};
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
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    microsecond: i64,
}

/// The time of day by the system's clock.
pub fn utc() -> Utc {
    let now = read(libc::CLOCK_REALTIME);
    Utc::of(now.tv_sec, now.tv_nsec / 1000)
}

impl Utc {
    /// So many seconds and microseconds after 1970 began. Years are counted from March on, so that the odd day is a year's
    /// last, and in the 400 of them after which the calendar repeats (Hinnant, `chrono-Compatible Low-Level Date Algorithms`).
    fn of(seconds: i64, microsecond: i64) -> Self {
        const DAYS_FROM_MARCH_OF_0_TO_1970: i64 = 719_468;
        let days = seconds.div_euclid(86_400) + DAYS_FROM_MARCH_OF_0_TO_1970;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        // Five months are 153 days, from March and from August on.
        let month = (5 * day + 2) / 153;
        let second = seconds.rem_euclid(86_400);
        Utc {
            year: 400 * era + year + month / 10,
            month: (month + 2) % 12 + 1,
            day: day - (153 * month + 2) / 5 + 1,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
            microsecond,
        }
    }
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

/// RFC 3339: `2026-11-22T05:54:10.123456Z`. As one text: it is the beginning of every line, and in parts it would be a fifth
/// of its price. Years have four digits: the kernel's clock ends in 2262, with the nanoseconds that 63 bits hold.
impl std::fmt::Display for Utc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Utc { year, month, day, hour, minute, second, microsecond } = *self;
        let mut numbers = [second, minute, hour, day, month, year].into_iter();
        let mut number = microsecond;
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        // From the last digit before the Z to the first.
        for place in text[..26].iter_mut().rev() {
            if *place == b'0' {
                *place += u8::try_from(number % 10).unwrap_or(0);
                number /= 10;
            } else {
                number = numbers.next().unwrap_or(0);
            }
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::mem::MaybeUninit;

    /// What gmtime_r(3) makes of it.
    fn by_c(seconds: i64) -> libc::tm {
        let mut date = MaybeUninit::<libc::tm>::zeroed();
        // SAFETY: gmtime_r reads one time_t and writes one tm through live pointers.
        unsafe { libc::gmtime_r(&raw const seconds, date.as_mut_ptr()) };
        // SAFETY: every bit pattern is a valid tm, a zeroed one included.
        unsafe { date.assume_init() }
    }

    proptest! {
        #[test]
        fn the_date_is_the_c_librarys(seconds in prop_oneof![-100_000_000_000..300_000_000_000_i64, 0..5_000_000_000_i64]) {
            let Utc { year, month, day, hour, minute, second, .. } = Utc::of(seconds, 0);
            let libc::tm { tm_year, tm_mon, tm_mday, tm_hour, tm_min, tm_sec, .. } = by_c(seconds);
            let expected = [tm_year + 1900, tm_mon + 1, tm_mday, tm_hour, tm_min, tm_sec].map(i64::from);
            prop_assert_eq!([year, month, day, hour, minute, second], expected);
        }
    }

    #[test]
    fn leap_days_and_the_ends_of_years_are_where_they_belong() {
        let shown = |seconds| Utc::of(seconds, 7).to_string();
        assert_eq!(shown(0), "1970-01-01T00:00:00.000007Z");
        assert_eq!(shown(951_782_399), "2000-02-28T23:59:59.000007Z");
        assert_eq!(shown(951_782_400), "2000-02-29T00:00:00.000007Z");
        assert_eq!(shown(1_798_761_599), "2026-12-31T23:59:59.000007Z");
        assert_eq!(shown(4_107_542_400), "2100-03-01T00:00:00.000007Z");
    }
}
