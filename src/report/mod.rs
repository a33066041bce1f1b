//! What onset says: a closed list of events, one line each on stderr.
//!
//! [`Event`] is the list. An event becomes fields and a sentence ([`emit`]), goes through `tracing`, which asks the
//! level first, to [`lines`], which builds the line ([`line`]) in a fixed buffer after one of the formats
//! ([`profile`], [`text`]), and writes it: no allocation, no waiting, no panic, and no error for the caller. May use
//! types of `sys` and `policy`.
#![forbid(unsafe_code)]

mod emit;
mod event;
mod line;
mod lines;
mod profile;
mod text;
mod value;
mod words;

#[cfg(test)]
mod catalogue;

pub use event::{Event, OomKilled, OomKills, command_line};
pub use words::Because;

use profile::Part;
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
    /// What it is called.
    #[cfg(test)]
    fn name(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Text => "text",
        }
    }

    /// What it is, for the documents.
    #[cfg(test)]
    fn docs(self) -> &'static str {
        match self {
            Format::Json => "One JSON object, with names of onset's own.",
            Format::Text => "For people.",
        }
    }

    /// All of them.
    #[cfg(test)]
    pub const ALL: &[Format] = &[Format::Json, Format::Text];

    /// The parts of an object of this format; `None`: it is no JSON.
    fn profile(self) -> Option<&'static [Part]> {
        match self {
            Format::Json => Some(profile::JSON),
            Format::Text => None,
        }
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
