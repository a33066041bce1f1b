//! argv to [`Invocation`], and nothing else: no file is read, nothing is looked up.
//!
//! An option is a row of [`options::OPTIONS`]: its names, its variable and its help stand together. May use nothing of
//! onset but the types its answers are made of.
#![forbid(unsafe_code)]

mod options;
mod parse;

pub use options::{help, usage};
pub use parse::parse;

use crate::report::{Format, Level};

/// What argv asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Invocation {
    /// `--help`
    Help,
    /// `--version`
    Version,
    /// Start a command.
    Run(Run),
}

/// How to start which command.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    /// Become the command, with no supervisor left behind.
    pub exec: bool,
    /// Forward signals to the main process's group instead of to it alone.
    pub group: bool,
    /// How reports are written.
    pub log_format: Format,
    /// Which reports are written.
    pub log_level: Level,
    /// Where in argv the command starts. There is a word at this place.
    pub command: usize,
}

/// Why argv and its variables cannot be followed: every problem, in order.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// One sentence each.
    pub problems: Vec<String>,
}
