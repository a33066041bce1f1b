//! Datadog: reserved attributes of JSON logs, and its standard attributes
//! (<https://docs.datadoghq.com/logs/log_configuration/pipelines/>, "Preprocessing",
//! <https://docs.datadoghq.com/standard-attributes/>).

use super::{LOWER, Part};

/// `status` is the level there, and an exit status here, so our own fields stand under our own name. Service and host are
/// what the agent says: the application's.
pub const DATADOG: &[Part] = &[
    Part::Time("timestamp"),
    Part::Level("status", &LOWER),
    Part::Message("message"),
    Part::Constant("ddsource", "onset"),
    Part::Object("logger", &[Part::Constant("name", "onset")]),
    Part::Object("evt", &[Part::Event("name")]),
    Part::Object("onset", &[Part::Fields("")]),
];

#[cfg(test)]
#[test]
fn lines_keep_to_the_reserved_attributes_of_datadog() {
    use super::rules::{Rule, Rules};
    Rules {
        first: &[],
        required: &[
            // One of the default date attributes, in ISO 8601:
            // https://docs.datadoghq.com/logs/log_configuration/processors/log_date_remapper/
            ("timestamp", Rule::Rfc3339),
            // "Strings beginning with err, w, i, d":
            // https://docs.datadoghq.com/logs/log_configuration/processors/log_status_remapper/
            ("status", Rule::OneOf(&["error", "warn", "info", "debug"])),
            ("message", Rule::Text),
            ("ddsource", Rule::Is("onset")),
            ("logger", Rule::Texts),
            ("evt", Rule::Texts),
            ("onset", Rule::Object),
        ],
        // Other names of the date, the level, the host and the service, of which the first that is found counts; and
        // error, which is an object there.
        never: &[
            "@timestamp",
            "_timestamp",
            "Timestamp",
            "eventTime",
            "date",
            "published_date",
            "syslog",
            "severity",
            "level",
            "host",
            "hostname",
            "service",
            "dd",
            "trace_id",
            "ddtags",
            "error",
            "time",
        ],
    }
    .check(crate::report::Format::Datadog);
}
