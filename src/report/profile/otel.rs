//! The log data model of OpenTelemetry (<https://opentelemetry.io/docs/specs/otel/logs/data-model/>), one record a line.
//!
//! The model names the fields and leaves the encoding open. The names are spelled as in OTLP's JSON, and as in the
//! example of <https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/> (`timestamp`, `body`), the
//! one page that says what a JSON log outside OTLP looks like. The time is RFC 3339: nanoseconds since 1970 are more
//! than a number of JSON holds exactly.

use super::{Part, UPPER};

/// Attributes that are no semantic convention carry their origin's name
/// (<https://opentelemetry.io/docs/specs/semconv/general/naming/>).
pub const OTEL: &[Part] = &[
    Part::Time("timestamp"),
    Part::Level("severityText", &UPPER),
    Part::Severity("severityNumber"),
    Part::Event("eventName"),
    Part::Message("body"),
    Part::Object("resource", &[Part::Constant("service.name", "onset")]),
    Part::Object("attributes", &[Part::Fields("onset.")]),
];

#[cfg(test)]
#[test]
fn lines_keep_to_the_log_data_model() {
    use super::rules::{Rule, Rules};
    Rules {
        first: &[],
        required: &[
            ("timestamp", Rule::Rfc3339),
            // "Displaying Severity": the short names of 5, 9, 13 and 17.
            ("severityText", Rule::OneOf(&["DEBUG", "INFO", "WARN", "ERROR"])),
            // "Mapping of SeverityNumber": the smallest of its range for a level that has one to itself.
            ("severityNumber", Rule::Paired("severityText", &[("DEBUG", 5), ("INFO", 9), ("WARN", 13), ("ERROR", 17)])),
            ("eventName", Rule::Text),
            ("body", Rule::Text),
            ("resource", Rule::Texts),
            // map<string, any>: scalars and lists of them are of that type.
            ("attributes", Rule::Prefixed("onset.")),
        ],
        // One spelling only.
        never: &["Timestamp", "SeverityText", "SeverityNumber", "Body", "Attributes", "Resource", "message", "event"],
    }
    .check(crate::report::Format::Otel);
}
