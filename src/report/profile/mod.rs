//! The JSON formats: each a list of parts, in the order they are written, and one writer for all of them.

mod datadog;
mod ecs;
mod gcp;
mod json;
mod otel;
#[cfg(test)]
mod rules;

pub use datadog::DATADOG;
pub use ecs::ECS;
pub use gcp::GCP;
pub use json::JSON;
pub use otel::OTEL;

use super::line::Said;
use super::value::visit;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// One part of an object.
#[derive(Clone, Copy)]
pub enum Part {
    /// When it happened, as RFC 3339 has it: UTC, to the microsecond.
    Time(&'static str),
    /// How grave it is: what error, warn, info and debug are called.
    Level(&'static str, &'static [&'static str; 4]),
    /// The same as OpenTelemetry's number.
    Severity(&'static str),
    /// The name of the event.
    Event(&'static str),
    /// The sentence.
    Message(&'static str),
    /// The same in every line.
    Constant(&'static str, &'static str),
    /// The event's own fields, with this before their names; then `truncated`, if something was cut. The message has
    /// to be written before, to be heard of.
    Fields(&'static str),
    /// An object in the object.
    Object(&'static str, &'static [Part]),
}

/// What levels are called by onset itself.
pub const LOWER: [&str; 4] = ["error", "warn", "info", "debug"];
/// The same in capitals, as `tracing` and OpenTelemetry's short names have it.
const UPPER: [&str; 4] = ["ERROR", "WARN", "INFO", "DEBUG"];
/// The smallest of each range (log data model, "Mapping of SeverityNumber").
const SEVERITY: [u8; 4] = [17, 13, 9, 5];

/// The place of a level in the lists above.
pub fn rank(level: tracing::Level) -> usize {
    match level {
        tracing::Level::ERROR => 0,
        tracing::Level::WARN => 1,
        tracing::Level::INFO => 2,
        tracing::Level::DEBUG | tracing::Level::TRACE => 3,
    }
}

/// An event as an object of these parts.
pub struct Object<'a> {
    /// Which.
    pub parts: &'static [Part],
    /// The event.
    pub said: &'a Said<'a>,
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Said { now, event, cut } = self.said;
        let rank = rank(*event.metadata().level());
        let mut map = serializer.serialize_map(None)?;
        for part in self.parts {
            match *part {
                Part::Time(key) => map.serialize_entry(key, &format_args!("{now}"))?,
                Part::Level(key, names) => map.serialize_entry(key, names[rank])?,
                Part::Severity(key) => map.serialize_entry(key, &SEVERITY[rank])?,
                Part::Event(key) => map.serialize_entry(key, event.metadata().name())?,
                Part::Constant(key, value) => map.serialize_entry(key, value)?,
                Part::Object(key, parts) => map.serialize_entry(key, &Object { parts, said: self.said })?,
                Part::Message(_) | Part::Fields(_) => {
                    let mut result = Ok(());
                    visit(event, cut, &mut |field, value| {
                        let written = match *part {
                            Part::Message(key) if field == "message" => map.serialize_entry(key, value),
                            Part::Fields(prefix) if field != "message" => {
                                map.serialize_entry(&format_args!("{prefix}{field}"), value)
                            }
                            _ => Ok(()),
                        };
                        if result.is_ok() {
                            result = written;
                        }
                    });
                    result?;
                    if let (Part::Fields(prefix), true) = (*part, cut.get()) {
                        map.serialize_entry(&format_args!("{prefix}truncated"), &true)?;
                    }
                }
            }
        }
        map.end()
    }
}
