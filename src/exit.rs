//! Every status onset ends with, on one screen. README shows this table.
//!
//! | status | cause |
//! |---|---|
//! | N | the main process ended with exit status N, or with one that `[exit]` maps to N |
//! | 128+n | signal n ended the main process (137 for SIGKILL: where runtimes look for an OOM kill) |
//! | 127 | not found: the program, or the interpreter it names |
//! | 126 | found, and not executable |
//! | 125 | onset's own refusal: its arguments, the configuration, the environment, a step that failed |
//! | 124 | a wait, a program of a step, or the preparation (`start_timeout`) timed out |
//! | N, 128+n | a program of a step failed so: as for the main process |
//! | 0, 1 | `onset probe`: all targets hold, one does not |
#![forbid(unsafe_code)]

use crate::sys::signal::Signal;

/// `onset probe`: a target does not hold.
pub const NOT_SO: u8 = 1;
/// A wait, a program of a step, or the preparation took too long: as timeout(1) says it.
pub const TIMED_OUT: u8 = 124;
/// Onset's own refusal, as `docker run` and env(1) use it.
pub const REFUSED: u8 = 125;
/// Found, and not executable (POSIX, "Exit Status for Commands").
pub const NOT_EXECUTABLE: u8 = 126;
/// Not found (POSIX, "Exit Status for Commands").
pub const NOT_FOUND: u8 = 127;

/// 128+n, as shells say it: PID 1 cannot kill itself with a signal.
pub fn killed_by(signal: Signal) -> u8 {
    128 + signal.number()
}
