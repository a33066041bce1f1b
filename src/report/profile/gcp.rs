//! Google Cloud Logging, as its agents, GKE and Cloud Run take JSON lines from stderr: special fields become fields of
//! the LogEntry, the others its `jsonPayload` (<https://cloud.google.com/logging/docs/structured-logging>,
//! <https://docs.fluentbit.io/manual/data-pipeline/outputs/stackdriver_special_fields>).

use super::Part;

/// Without a severity, lines on stderr count as errors. Labels are texts only.
pub const GCP: &[Part] = &[
    Part::Time("time"),
    Part::Level("severity", &["ERROR", "WARNING", "INFO", "DEBUG"]),
    Part::Message("message"),
    Part::Object("logging.googleapis.com/labels", &[Part::Constant("logger", "onset")]),
    Part::Event("event"),
    Part::Fields(""),
];

#[cfg(test)]
#[test]
fn lines_keep_to_the_special_fields_of_google_cloud_logging() {
    use super::rules::{Rule, Rules};
    Rules {
        first: &[],
        required: &[
            // Timestamps: RFC 3339, 0, 3, 6 or 9 digits after the point.
            // https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#FIELDS.timestamp
            ("time", Rule::Rfc3339),
            // https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#LogSeverity
            (
                "severity",
                Rule::OneOf(&[
                    "DEFAULT",
                    "DEBUG",
                    "INFO",
                    "NOTICE",
                    "WARNING",
                    "ERROR",
                    "CRITICAL",
                    "ALERT",
                    "EMERGENCY",
                ]),
            ),
            ("message", Rule::Text),
            // object<string, string>: the page of Fluent Bit above.
            ("logging.googleapis.com/labels", Rule::Texts),
            ("event", Rule::Text),
        ],
        // What else has a meaning of its own there, which none of our fields has.
        never: &[
            "timestamp",
            "timestampSeconds",
            "timestampSecond",
            "timestampNanos",
            "httpRequest",
            "logging.googleapis.com/insertId",
            "logging.googleapis.com/operation",
            "logging.googleapis.com/severity",
            "logging.googleapis.com/sourceLocation",
            "logging.googleapis.com/spanId",
            "logging.googleapis.com/trace",
            "logging.googleapis.com/trace_sampled",
            "logName",
            "level",
        ],
    }
    .check(crate::report::Format::Gcp);
}
