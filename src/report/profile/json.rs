//! onset's own names.

use super::{LOWER, Part};

/// Everything side by side.
pub const JSON: &[Part] = &[
    Part::Time("time"),
    Part::Level("level", &LOWER),
    Part::Constant("logger", "onset"),
    Part::Event("event"),
    Part::Message("message"),
    Part::Fields(""),
];

#[cfg(test)]
#[test]
fn lines_are_as_the_documents_say() {
    use super::rules::{Rule, Rules};
    Rules {
        first: &["time", "level", "logger", "event", "message"],
        required: &[
            ("time", Rule::Rfc3339),
            ("level", Rule::OneOf(&["error", "warn", "info", "debug"])),
            ("logger", Rule::Is("onset")),
            ("event", Rule::Text),
            ("message", Rule::Text),
        ],
        never: &[],
    }
    .check(crate::report::Format::Json);
}
