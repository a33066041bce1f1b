//! The integration tests: onset as a process, watched from outside. `support` is the harness, tests/probe the helper
//! child; the other modules are the promises, one theme a file.
//!
//! The same suite runs against another binary (the static release) with `ONSET_BIN=/path/to/onset cargo test`, and against
//! one for another architecture with `integration/test-emulated`.
#![allow(
    unsafe_code,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::macro_metavars_in_unsafe,
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    missing_docs,
    reason = "the rules are made for PID 1; a test reads its environment, panics, and makes raw system calls"
)]

mod support;

/// A test that needs a root of its own.
macro_rules! promise {
    ($name:ident, $check:block) => {
        #[test]
        fn $name() {
            if $crate::support::root::is_possible_or_skip() $check
        }
    };
}

mod beside;
mod budgets;
mod cli;
mod entrypoints;
mod exec;
mod exec_failure;
mod exec_mode;
mod faces;
mod growth;
mod idle;
mod inheritance;
mod migrating;
mod orphans;
mod probe;
mod reports;
mod shutdown;
mod signals;
mod sleep;
mod status;
mod stdio;
mod steps;
mod subreaper;
mod terminal;
mod windows;
