//! The application that the inits run. It has no libc, so that its own start does not hide theirs.
//!
//! | first argument | what it does |
//! |---|---|
//! | `main` | says the time it was reached at, and ends |
//! | `sleep` | says it, and sleeps |
//! | `signals` | says it, and then the time and number of each signal, until it is killed |
//! | `orphans` | leaves this many (the second argument) orphans, and says how long until there was none left |
//!
//! Everything is said on stdout as native 64-bit numbers.
#![cfg_attr(not(test), no_std, no_main)]
#![cfg_attr(test, allow(dead_code, unused_imports))] // see bare::start
#![allow(unsafe_code, missing_docs)] // there is no libc below

use bare::{
    ALL, exit, fork, kill, now, rest, set_mask, shared_page, sleep, wait, wait_and_leave, wait_for_signal, write,
};
use core::sync::atomic::{AtomicI32, AtomicU64, Ordering};

bare::start!(begin);

extern "C" fn begin(argc: usize, argv: *const *const u8, _envp: usize) -> ! {
    let reached = now();
    let wanted = if argc > 1 { letters(argv, 1) } else { [0; 2] };
    if wanted == *b"si" {
        set_mask(ALL);
    }
    say(&[reached]);
    match &wanted {
        b"sl" => sleep(),
        b"si" => hear(),
        b"or" if argc > 2 => orphans(number(argv, 2)),
        _ => exit(0),
    }
}

fn hear() -> ! {
    loop {
        let signal = wait_for_signal(None);
        if signal > 0 {
            say(&[now(), signal.cast_unsigned().into()]);
        }
    }
}

/// What the application and the process that makes the orphans both see.
#[repr(C)]
struct Shared {
    first: AtomicI32,
    last: AtomicI32,
    left_at: AtomicU64,
}

/// A process of ours makes them, waits until all have ended, and then ends itself: all are PID 1's at one stroke.
fn orphans(count: u64) -> ! {
    let shared = shared();
    let maker = fork();
    if maker == 0 {
        for index in 0..count {
            let pid = fork();
            if pid == 0 {
                exit(0);
            }
            if pid < 0 {
                exit(1);
            }
            if index == 0 {
                shared.first.store(pid, Ordering::Relaxed);
            }
            shared.last.store(pid, Ordering::Relaxed);
        }
        let all = shared.first.load(Ordering::Relaxed)..=shared.last.load(Ordering::Relaxed);
        all.for_each(wait_and_leave);
        shared.left_at.store(now(), Ordering::Relaxed);
        exit(0);
    }
    let (_, status) = wait(maker, 0);
    if status != 0 {
        exit(1);
    }
    let (left, at) = watch(shared);
    say(&[at - shared.left_at.load(Ordering::Relaxed), left]);
    sleep()
}

/// How many are still there at the end, and when that was: as soon as there is none, or after five seconds.
fn watch(shared: &Shared) -> (u64, u64) {
    const LIMIT: u64 = 5_000_000_000;
    let (mut next, last) = (shared.first.load(Ordering::Relaxed), shared.last.load(Ordering::Relaxed));
    let start = now();
    loop {
        // Whoever is reaped stays so: nobody else starts processes here.
        while next <= last && kill(next, 0) != 0 {
            next += 1;
        }
        let at = now();
        if next > last || at > start + LIMIT {
            let left = (next..=last).filter(|&pid| kill(pid, 0) == 0).count();
            return (left as u64, at);
        }
        // Short beside the whole, and long enough to leave the processor to others.
        rest(50_000);
    }
}

fn shared() -> &'static Shared {
    let page: *const Shared = shared_page().cast();
    // SAFETY: the page is zeroed, aligned, as large as it has to be, and never unmapped.
    unsafe { page.as_ref() }.unwrap_or_else(|| exit(1))
}

fn say(numbers: &[u64]) {
    // SAFETY: any bytes are bytes.
    let bytes = unsafe { core::slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) };
    write(1, bytes);
}

/// Two letters of an argument; zeros if it has fewer, or is not there.
fn letters(argv: *const *const u8, index: usize) -> [u8; 2] {
    let first = byte(argv, index, 0);
    [first, if first == 0 { 0 } else { byte(argv, index, 1) }]
}

fn number(argv: *const *const u8, index: usize) -> u64 {
    let digits = (0..).map(|at| byte(argv, index, at)).take_while(u8::is_ascii_digit);
    digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))
}

/// A byte of an argument, which the caller asks for in order and not behind the zero at its end.
fn byte(argv: *const *const u8, index: usize, at: usize) -> u8 {
    // SAFETY: behind the arguments there is a null word, and no caller asks for more than the one after the last.
    let word = unsafe { argv.add(index) };
    // SAFETY: as above.
    let word = unsafe { *word };
    if word.is_null() {
        return 0;
    }
    // SAFETY: as our own comment asks for.
    let place = unsafe { word.add(at) };
    // SAFETY: as above.
    unsafe { *place }
}
