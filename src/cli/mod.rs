//! argv to [`Invocation`], and nothing else: no file is read, nothing is looked up.
//!
//! By the name of another init it takes that one's options: [`faces`]. An option is a row of [`options::OPTIONS`]: its names, its variable and its help stand together. May use nothing of
//! onset but the types its answers are made of.
#![forbid(unsafe_code)]

mod beside;
pub mod faces;
mod help;
mod options;
mod parse;
mod time;

pub use help::{Topic, help, usage};
pub use parse::parse;

use crate::exec::Exec;
use crate::probe::Probe;
use crate::report::{Format, Level};
use std::ffi::OsString;
use std::time::Duration;

/// What argv asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Invocation {
    /// `--help`, of onset or of a subcommand.
    Help(Topic),
    /// `--version`
    Version,
    /// `--install`: make links by the names of other inits in this folder.
    Install(OsString),
    /// Start a command.
    Run(Run),
    /// Say whether the configuration is in order.
    Check {
        /// The configuration.
        config: ConfigFile,
        /// Whether the environment is looked at too.
        env: bool,
    },
    /// Say what would happen.
    Plan {
        /// The configuration.
        config: ConfigFile,
        /// As JSON.
        json: bool,
        /// Where in argv the container's arguments start; there may be none.
        arguments: usize,
    },
    /// Print the files that would be written.
    Render {
        /// The configuration.
        config: ConfigFile,
        /// Where in argv the targets start; without any, all are printed.
        targets: usize,
    },
    /// Ask whether something holds.
    Probe(Box<Probe>),
    /// Become a command that finds what the application found.
    Exec(Exec),
    /// Wait so long.
    Sleep(Duration),
}

/// How to start which command.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    /// Become the command, with no supervisor left behind.
    pub exec: bool,
    /// Forward signals to the main process's group instead of to it alone.
    pub group: bool,
    /// How reports are written; `None`: as the configuration says, or the default.
    pub log_format: Option<Format>,
    /// Which reports are written; `None`: as the configuration says, or the default.
    pub log_level: Option<Level>,
    /// The configuration.
    pub config: ConfigFile,
    /// Where in argv the command starts. Without a configuration there must be one.
    pub command: usize,
}

/// Which configuration to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigFile {
    /// The one in the usual place, if there is one.
    Usual,
    /// This one.
    Named(OsString),
}

/// Why argv and its variables cannot be followed: every problem, in order.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was asked for.
    pub topic: Topic,
    /// One sentence each.
    pub problems: Vec<String>,
}
