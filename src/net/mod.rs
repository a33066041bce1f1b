//! A client of the network, for readiness and health: an address, a connection within a time, an HTTP answer within a
//! size and a time. Nothing of it is spoken to the outside but what a caller asks for.
//!
//! Every call has a `deadline` by [`crate::sys::clock::monotonic`]. It holds for connecting, writing and reading; the C
//! library's resolver has its own ideas of time, so a caller who must not wait for it asks in a process of its own
//! ([`attempt`]).
//!
//! May use `report` and `sys`.
#![forbid(unsafe_code)]

pub mod address;
pub mod attempt;
pub mod connect;
pub mod http;

use crate::report::Because;
use nix::errno::Errno;
use std::io;

/// An error of the system or of the C library in words.
pub fn because(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => in_words(Errno::from_raw(number)),
        None => error.to_string(),
    }
}

/// An error of the system in words.
pub fn in_words(error: Errno) -> String {
    match error {
        // A socket whose time is over says so.
        Errno::EAGAIN => "no answer in time".to_owned(),
        error => Because(error).to_string(),
    }
}
