//! `onset sleep`: for a preStop hook in an image that has no sleep(1).
#![forbid(unsafe_code)]

use crate::sys::clock;
use crate::sys::signal::{self, SignalSet};
use std::time::Duration;

/// Waits that long. A signal does what it does to sleep(1): SIGTERM ends it, at once.
pub fn run(time: Duration, inherited_mask: SignalSet) -> u8 {
    let until = clock::monotonic().saturating_add(time);
    signal::take_as_any_program(inherited_mask);
    loop {
        let left = until.saturating_sub(clock::monotonic());
        if left.is_zero() {
            return 0;
        }
        // A millisecond more, because a part of one does not count.
        clock::pause(left.saturating_add(Duration::from_millis(1)));
    }
}
