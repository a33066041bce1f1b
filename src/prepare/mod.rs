//! What happens in the process that becomes the application, up to execve(2). Reads files, looks names up, may fail:
//! PID 1 does none of that.
//!
//! May use `handoff`, `report` and `sys`; does not know `supervise`.
#![forbid(unsafe_code)]

mod diagnose;
mod elf;
mod exec;
mod search;

pub use exec::{Command, become_command};
