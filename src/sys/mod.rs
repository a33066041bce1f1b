//! The only `unsafe` of onset: thin typed wrappers around system calls, one idea a file.
//!
//! May use `nix`, `libc` and `signal-hook`, nothing of onset. Where nix cannot say what Linux can (real-time signals
//! above all: its `waitpid` loses the status of a child that one killed, its `kill` cannot send one) the wrapper goes
//! to libc, and where libc refuses (signals 32 to 34, which it keeps for itself) to the system call.
//!
//! Read [`signal::Intake`] first: it is what PID 1 spends its life in.
#![allow(unsafe_code)]

pub mod allocator;
pub mod bytes;
pub mod capability;
pub mod clock;
pub mod fd;
pub mod file;
pub mod look;
pub mod memory;
pub mod net;
pub mod process;
pub mod random;
pub mod resource;
pub mod signal;
pub mod start;
pub mod stderr;
pub mod terminal;
#[cfg(test)]
pub mod testing;
pub mod user;
pub mod wait;
pub mod words;

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!("onset is for 64-bit Linux: siginfo and the signal mask are laid out by hand in sys/signal.rs");
