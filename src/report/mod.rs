//! What onset says: a closed list of events, one line each on stderr.
//!
//! [`Event`] is the list. An event goes through `tracing`, which asks the level first, to [`lines`], which builds the
//! line in a fixed buffer and writes it: no allocation, no waiting, no panic, and no error for the caller.
//! [`termination`] says the last word, where Kubernetes looks for it. May use types of `sys` and `policy`, and the table
//! of exit statuses.
#![forbid(unsafe_code)]

mod event;
mod line;
mod lines;
pub mod termination;

pub use event::{Because, Event, OomKilled, OomKills, command_line};

use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;

/// How a line is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object.
    #[default]
    Json,
    /// For people.
    Text,
}

impl Format {
    /// As a number, for a message between two processes.
    pub fn code(self) -> u8 {
        match self {
            Format::Json => 0,
            Format::Text => 1,
        }
    }

    /// The format of this number.
    pub fn from_code(code: u8) -> Option<Self> {
        [Format::Json, Format::Text].get(usize::from(code)).copied()
    }

    /// The format of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Format::Json),
            "text" => Some(Format::Text),
            _ => None,
        }
    }
}

/// Which events are written: these and graver ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Level {
    /// None.
    Off,
    /// What failed.
    Error,
    /// What went wrong and was got over.
    Warn,
    /// What happened.
    #[default]
    Info,
    /// What happened in every detail.
    Debug,
}

impl Level {
    /// As a number, for a message between two processes.
    pub fn code(self) -> u8 {
        match self {
            Level::Off => 0,
            Level::Error => 1,
            Level::Warn => 2,
            Level::Info => 3,
            Level::Debug => 4,
        }
    }

    /// The level of this number.
    pub fn from_code(code: u8) -> Option<Self> {
        [Level::Off, Level::Error, Level::Warn, Level::Info, Level::Debug].get(usize::from(code)).copied()
    }

    /// The level of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "off" => Some(Level::Off),
            "error" => Some(Level::Error),
            "warn" => Some(Level::Warn),
            "info" => Some(Level::Info),
            "debug" => Some(Level::Debug),
            _ => None,
        }
    }

    fn filter(self) -> LevelFilter {
        match self {
            Level::Off => LevelFilter::OFF,
            Level::Error => LevelFilter::ERROR,
            Level::Warn => LevelFilter::WARN,
            Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
        }
    }
}

/// Makes [`Event::emit`] write. To be called once; a second call changes nothing.
pub fn start(format: Format, level: Level) {
    let lines = level.filter().with_subscriber(lines::Lines::new(format));
    let _ = tracing::subscriber::set_global_default(lines);
}

/// Changes format and level.
pub fn change(_format: Format, _level: Level) {}
