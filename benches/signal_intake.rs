//! Why PID 1 hears signals through a signalfd: what signal-hook's iterator loses and costs beside it.
//!
//!     cargo run --release --manifest-path benches/Cargo.toml --bin signal_intake
//!
//! Both are asked for the same: 1,000 queued signals with their values, and one signal at a time, 100,000 times.
#![allow(unsafe_code, clippy::unwrap_used)]

use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::raw::WithRawSiginfo;
use std::time::{Duration, Instant};

const QUEUED: usize = 1_000;
const SINGLE: u32 = 100_000;
/// A real-time signal that both libcs leave to applications.
const NUMBER: i32 = 40;

fn main() {
    let refused: Vec<i32> = (32..=34).filter(|&number| SignalsInfo::<WithRawSiginfo>::new([number]).is_err()).collect();
    println!("signals 32 to 34 that libc lets no handler be set for: {refused:?}");

    let mut hook = SignalsInfo::<WithRawSiginfo>::new([NUMBER]).unwrap();
    queue(QUEUED);
    let heard = hook.pending().count();
    let cost = time(|| {
        queue(1);
        assert_eq!(hook.wait().count(), 1);
    });
    println!("signal-hook: {heard} of {QUEUED} queued signals heard, {} ns a signal", cost.as_nanos());
    drop(hook);

    let fd = signalfd();
    queue(QUEUED);
    let mut heard = 0;
    while heard < QUEUED {
        heard += read(fd);
    }
    let cost = time(|| {
        queue(1);
        assert_eq!(read(fd), 1);
    });
    println!("signalfd:    {heard} of {QUEUED} queued signals heard, {} ns a signal", cost.as_nanos());
}

fn time(mut once: impl FnMut()) -> Duration {
    let start = Instant::now();
    (0..SINGLE).for_each(|_| once());
    start.elapsed() / SINGLE
}

fn queue(count: usize) {
    for value in 0..count {
        let value = libc::sigval { sival_ptr: value as *mut _ };
        let us = i32::try_from(std::process::id()).unwrap();
        // SAFETY: takes integers and a value that nobody dereferences.
        assert_eq!(unsafe { libc::sigqueue(us, NUMBER, value) }, 0);
    }
}

fn signalfd() -> i32 {
    // SAFETY: a zeroed set is valid and then filled by sigaddset.
    let mut set = unsafe { std::mem::zeroed() };
    // SAFETY: takes a live set.
    unsafe { libc::sigaddset(&raw mut set, NUMBER) };
    // SAFETY: takes a live set.
    unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
    // SAFETY: takes a live set.
    unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC) }
}

/// How many signals one read brought.
fn read(fd: i32) -> usize {
    let size = size_of::<libc::signalfd_siginfo>();
    let mut infos = [0_u8; 8 * size_of::<libc::signalfd_siginfo>()];
    // SAFETY: writes at most the array's size into the live array.
    usize::try_from(unsafe { libc::read(fd, infos.as_mut_ptr().cast(), infos.len()) }).unwrap() / size
}
