//! The binary: C's `main` instead of Rust's, because std's start-up would change what the application is to inherit
//! (it ignores SIGPIPE and opens closed standard descriptors) and costs a third of our whole start.
#![no_main]
#![allow(unsafe_code)] // C's `main` cannot be said without it

// A program that is not static shares malloc with what else it has loaded, which may have threads.
#[cfg(all(target_env = "musl", target_feature = "crt-static"))]
mod malloc;
// What else is linked that wants words for errors is only std.
#[cfg(all(target_env = "musl", target_feature = "crt-static"))]
mod strerror;

use onset::sys::allocator::OneThread;
use onset::sys::start::Start;
use std::ffi::{c_char, c_int};

// SAFETY: onset never starts a thread: it forks.
#[global_allocator]
static ALLOCATOR: OneThread = unsafe { OneThread::new() };

// SAFETY: no other symbol of this program is called `main`.
#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *const *const c_char, envp: *const *const c_char) -> c_int {
    // SAFETY: the C library calls this as C says.
    onset::main(&unsafe { Start::from_main(argc, argv, envp) })
}
