//! What users can choose about reports: how they are written, and which.

use super::profile::{self, Part};
use tracing_subscriber::filter::LevelFilter;

/// An enum with a name and a number for each value, from one list.
macro_rules! choice {
    (
        $(#[$of_enum:meta])* $enum:ident {
            $($(#[doc = $docs:literal])+ $(#[$default:ident])? $variant:ident = $name:literal,)+
        }
    ) => {
        $(#[$of_enum])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub enum $enum {
            $($(#[doc = $docs])+ $(#[$default])? $variant,)+
        }

        impl $enum {
            /// All of them, in the order of their numbers.
            pub const ALL: &[$enum] = &[$($enum::$variant),+];
            /// What they are called, in the same order.
            pub const NAMES: &[&str] = &[$($name),+];

            /// What it is called.
            pub fn name(self) -> &'static str {
                match self {
                    $($enum::$variant => $name,)+
                }
            }

            /// The one of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|choice| choice.name() == name)
            }

            /// Its number, for a message between two processes of the same onset.
            pub fn code(self) -> u8 {
                self as u8
            }

            /// The one of this number.
            pub fn from_code(code: u8) -> Option<Self> {
                Self::ALL.get(usize::from(code)).copied()
            }

            /// What each is called and what it is, for the documents.
            pub const DOCS: &[(&str, &str)] = &[$(($name, concat!($($docs),+))),+];
        }
    };
}

choice! {
    /// How a line is written.
    Format {
        /// One JSON object, with names of onset's own.
        #[default]
        Json = "json",
        /// JSON as Google Cloud Logging takes it.
        Gcp = "gcp",
        /// JSON as the Elastic Common Schema has it.
        Ecs = "ecs",
        /// JSON after the log data model of OpenTelemetry.
        Otel = "otel",
        /// JSON as Datadog takes it.
        Datadog = "datadog",
        /// For people.
        Text = "text",
    }
}

choice! {
    /// Which events are written: these and graver ones.
    Level {
        /// None.
        Off = "off",
        /// What failed.
        Error = "error",
        /// What went wrong and was got over.
        Warn = "warn",
        /// What happened.
        #[default]
        Info = "info",
        /// What happened in every detail.
        Debug = "debug",
    }
}

impl Format {
    /// The names as help and errors list them.
    pub const HELP: &str = "json (default), gcp, ecs, otel, datadog or text";

    /// The parts of an object of this format; `None`: it is no JSON.
    pub fn profile(self) -> Option<&'static [Part]> {
        match self {
            Format::Json => Some(profile::JSON),
            Format::Gcp => Some(profile::GCP),
            Format::Ecs => Some(profile::ECS),
            Format::Otel => Some(profile::OTEL),
            Format::Datadog => Some(profile::DATADOG),
            Format::Text => None,
        }
    }
}

impl Level {
    /// The names as help and errors list them.
    pub const HELP: &str = "off, error, warn, info (default) or debug";

    /// As `tracing` has it.
    pub fn filter(self) -> LevelFilter {
        match self {
            Level::Off => LevelFilter::OFF,
            Level::Error => LevelFilter::ERROR,
            Level::Warn => LevelFilter::WARN,
            Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back_to_what_they_are_of() {
        for &format in Format::ALL {
            assert_eq!(Format::from_code(format.code()), Some(format));
            assert_eq!(Format::from_name(format.name()), Some(format));
        }
        for &level in Level::ALL {
            assert_eq!(Level::from_code(level.code()), Some(level));
            assert_eq!(Level::from_name(level.name()), Some(level));
        }
        assert_eq!((Format::from_code(6), Level::from_code(5)), (None, None));
        assert_eq!((Format::from_name("Json"), Level::from_name("")), (None, None));
    }

    #[test]
    fn numbers_stay_what_they_are() {
        let codes = |names: &[&str], code: fn(&str) -> Option<u8>| -> Vec<_> {
            names.iter().map(|name| code(name).unwrap()).collect()
        };
        let format = |name: &str| Format::from_name(name).map(Format::code);
        let level = |name: &str| Level::from_name(name).map(Level::code);
        assert_eq!(codes(&["json", "gcp", "ecs", "otel", "datadog", "text"], format), [0, 1, 2, 3, 4, 5]);
        assert_eq!(codes(&["off", "error", "warn", "info", "debug"], level), [0, 1, 2, 3, 4]);
    }

    /// `a, b (default) or c`
    fn listed(names: &[&str], default: &str) -> String {
        let marked: Vec<_> = names
            .iter()
            .map(|name| if *name == default { format!("{name} (default)") } else { (*name).to_owned() })
            .collect();
        let (last, others) = marked.split_last().unwrap();
        format!("{} or {last}", others.join(", "))
    }

    #[test]
    fn the_help_lists_every_name() {
        assert_eq!(Format::HELP, listed(Format::NAMES, Format::default().name()));
        assert_eq!(Level::HELP, listed(Level::NAMES, Level::default().name()));
    }
}
