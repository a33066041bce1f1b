//! The Elastic Common Schema, as its logging libraries write it
//! (<https://github.com/elastic/ecs-logging/blob/main/spec/spec.json>).

use super::{LOWER, Part};

/// The three first ones in their order, dotted names as they are and not nested. What is no field of ECS stands under
/// our own name, where it cannot meet a field of another type. The service is the application, so we name none; the
/// data set tells our lines from its own.
pub const ECS: &[Part] = &[
    Part::Time("@timestamp"),
    Part::Level("log.level", &LOWER),
    Part::Message("message"),
    Part::Constant("ecs.version", "1.6.0"),
    Part::Constant("log.logger", "onset"),
    Part::Constant("event.dataset", "onset.log"),
    Part::Event("event.action"),
    Part::Object("onset", &[Part::Fields("")]),
];

#[cfg(test)]
#[test]
fn lines_keep_to_the_spec_of_ecs_logging() {
    use super::rules::{Rule, Rules};
    Rules {
        // "index" 0, 1 and 2 in spec.json.
        first: &["@timestamp", "log.level", "message"],
        // "required" there: these and ecs.version. The other names: https://www.elastic.co/guide/en/ecs/1.6/
        // ecs-log.html and ecs-event.html, keywords all.
        required: &[
            ("@timestamp", Rule::Rfc3339),
            ("log.level", Rule::OneOf(&["error", "warn", "info", "debug"])),
            ("message", Rule::Text),
            ("ecs.version", Rule::Is("1.6.0")),
            ("log.logger", Rule::Is("onset")),
            ("event.dataset", Rule::Is("onset.log")),
            ("event.action", Rule::Text),
            ("onset", Rule::Object),
        ],
        // "top_level_field": log.level and ecs.version may not be nested. Whoever has `log.level` as a name and `log` as
        // an object has two of the same.
        never: &["log", "ecs", "event", "level", "timestamp", "time", "labels", "service", "error", "process"],
    }
    .check(crate::report::Format::Ecs);
}
