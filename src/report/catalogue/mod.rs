//! docs/events.md, made from what the events say of themselves when they are emitted ([`super::emit`]).

pub mod samples;

use super::lines::tests::captured;
use super::profile::Part;
use super::{Event, Format};
use crate::config::reference::{in_step, plain};
use samples::samples;
use serde_json::Value;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const HEAD: &str = include_str!("head.md");

/// An event, as the documents have it.
pub struct Described {
    /// Its name.
    pub name: &'static str,
    /// What has happened.
    pub means: &'static str,
    /// How grave it is.
    pub level: &'static str,
    /// When only, and how grave it is else; empty: always.
    pub otherwise: &'static str,
    /// What it says besides.
    pub fields: &'static [Field],
}

/// A field of an event.
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub means: &'static str,
    /// What it can be.
    pub kind: Kind,
    /// Whether it is there each time.
    pub always: bool,
}

/// What a field can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number, 0 or more.
    Number,
    /// Yes or no.
    Flag,
    /// A text.
    Text,
    /// A list of texts.
    Texts,
}

thread_local! {
    static NOTED: Cell<Option<&'static Described>> = const { Cell::new(None) };
}

/// Each event calls this when it is emitted.
pub fn note(described: &'static Described) {
    NOTED.set(Some(described));
}

/// The line that an event makes, and what it says of itself.
fn emitted(format: Format, event: &Event<'_>) -> (String, &'static Described) {
    let line = captured(format, event);
    (line, NOTED.take().expect("noted"))
}

impl Described {
    fn levels(&self) -> String {
        let levels = format!("{} {}", self.level, self.otherwise).replace("ERROR", "`error`");
        levels.replace("WARN", "`warn`").replace("INFO", "`info`").replace("DEBUG", "`debug`").trim_end().to_owned()
    }
}

impl Field {
    fn unit(&self) -> Option<&'static str> {
        match self.name.rsplit_once('_')?.1 {
            "us" => Some("µs"),
            "ms" => Some("ms"),
            "kib" => Some("KiB"),
            _ => None,
        }
    }

    fn kind(&self) -> String {
        let kind = match self.kind {
            Kind::Number => "number",
            Kind::Flag => "true or false",
            Kind::Text => "text",
            Kind::Texts => "list of texts",
        };
        format!("{kind}{}", self.unit().map_or(String::new(), |unit| format!(", {unit}")))
    }

    fn is(&self, value: &Value) -> bool {
        match self.kind {
            Kind::Number => value.is_u64(),
            Kind::Flag => value.is_boolean(),
            Kind::Text => value.is_string(),
            Kind::Texts => value.as_array().is_some_and(|texts| texts.iter().all(Value::is_string)),
        }
    }
}

/// The whole page.
fn page() -> String {
    let mut page = HEAD.to_owned();
    page += "\n## Formats\n\n| format | what | time | level | event | message | fields | besides |\n|---|---|---|---|---|---|---|---|\n";
    for (&format, (name, docs)) in Format::ALL.iter().zip(Format::DOCS) {
        let cells = format.profile().map_or(text_cells(), |parts| {
            let keys = keys(parts, "");
            let column = |wanted| keys.iter().filter(move |(column, _)| *column == wanted).map(|(_, key)| key.as_str());
            [0, 1, 2, 3, 4, 5].map(|wanted| column(wanted).collect::<Vec<_>>().join(", "))
        });
        let _ = writeln!(page, "| `{name}` | {} | {} |", docs.trim(), cells.join(" | "));
    }
    page += "\nThe same event in each of them:\n";
    let started = samples().into_iter().find(|event| matches!(event, Event::MainStarted { .. })).unwrap();
    for &format in Format::ALL {
        let line = captured(format, &started);
        let start = line.find("20").unwrap_or_default();
        let line = line.replace(&line[start..start + 27], "2026-11-22T06:28:37.256874Z");
        let _ = write!(page, "\n    {line}");
    }
    page += "\n## Events\n";
    let mut seen = BTreeSet::new();
    for event in samples() {
        let (_, described) = emitted(Format::Json, &event);
        if seen.insert(described.name) {
            let Described { name, means, fields, .. } = described;
            let _ = write!(page, "\n### `{name}`\n\n{} Level: {}.\n", plain(means), described.levels());
            if !fields.is_empty() {
                page += "\n| field | type | meaning |\n|---|---|---|\n";
            }
            for field in *fields {
                let sometimes = if field.always { "" } else { "Not always there. " };
                let _ = writeln!(page, "| `{}` | {} | {sometimes}{} |", field.name, field.kind(), plain(field.means));
            }
        }
    }
    page
}

/// The keys of a format, each with its column and where it stands.
fn keys(parts: &[Part], place: &str) -> Vec<(usize, String)> {
    let key = |column, key: &str, more: &str| vec![(column, format!("`{key}`{more}{place}"))];
    parts
        .iter()
        .flat_map(|part| match *part {
            Part::Time(name) => key(0, name, ""),
            Part::Level(name, names) => key(1, name, &format!(": `{}`", names.join("`, `"))),
            Part::Severity(name) => key(1, name, ": 17, 13, 9, 5"),
            Part::Event(name) => key(2, name, ""),
            Part::Message(name) => key(3, name, ""),
            Part::Fields(prefix) => key(4, &format!("{prefix}FIELD"), ""),
            Part::Constant(name, value) => key(5, name, &format!(": `{value}`")),
            Part::Object(name, parts) => keys(parts, &format!(" in `{name}`{place}")),
        })
        .collect()
}

fn text_cells() -> [String; 6] {
    let unit = "`FIELD=`; times and sizes have the unit behind the value, not in the name";
    ["the first word", "the third word", "`event=`", "up to ` event=`", unit, "the second word: `onset`"]
        .map(str::to_owned)
}

#[test]
fn the_page_is_in_step_with_the_events() {
    in_step("docs/events.md", &page());
}

#[test]
fn every_event_says_what_the_page_says_and_nothing_else() {
    let own = ["time", "level", "logger", "event", "message"];
    let mut found: BTreeMap<&str, (&Described, BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    for event in samples() {
        let (line, described) = emitted(Format::Json, &event);
        let object: serde_json::Map<String, Value> = serde_json::from_str(&line).unwrap();
        assert_eq!(object["event"], described.name);
        assert!(object["message"].as_str().is_some_and(|message| !message.is_empty()), "{line}");
        for field in described.fields {
            match object.get(field.name) {
                Some(value) => assert!(field.is(value), "{} is not {} in {line}", field.name, field.kind()),
                None => assert!(!field.always, "no {} in {line}", field.name),
            }
        }
        let (_, fields, levels) = found.entry(described.name).or_insert_with(|| (described, [].into(), [].into()));
        levels.insert(object["level"].as_str().unwrap().to_owned());
        fields.extend(object.into_iter().map(|(key, _)| key).filter(|key| !own.contains(&key.as_str())));
    }
    for (name, (described, fields, levels)) in found {
        let documented: BTreeSet<_> = described.fields.iter().map(|field| field.name.to_owned()).collect();
        assert_eq!(fields, documented, "{name}");
        let said = described.levels();
        let all = ["error", "warn", "info", "debug"].map(str::to_owned).into_iter();
        let documented: BTreeSet<_> = all.filter(|level| said.contains(&format!("`{level}`"))).collect();
        assert_eq!(levels, documented, "{name}");
    }
}

#[test]
fn every_format_has_the_event_and_each_of_its_fields() {
    for event in samples() {
        for &format in Format::ALL {
            let (line, described) = emitted(format, &event);
            let named = [format!("\"{}\"", described.name), format!(" event={}", described.name)];
            assert!(named.iter().any(|name| line.contains(name)), "{line}");
            for field in described.fields.iter().filter(|field| field.always) {
                let stem = field.unit().and(field.name.rsplit_once('_')).map_or(field.name, |(stem, _)| stem);
                let written =
                    [format!("\"{}\":", field.name), format!("\"onset.{}\":", field.name), format!(" {stem}=")];
                assert!(written.iter().any(|name| line.contains(name)), "no {} in {line}", field.name);
            }
        }
    }
}

/// Whoever indexes lines gives each name one type.
#[test]
fn a_field_is_of_one_kind_wherever_it_stands() {
    let mut kinds = BTreeMap::new();
    for event in samples() {
        for field in emitted(Format::Json, &event).1.fields {
            assert_eq!(*kinds.entry(field.name).or_insert(field.kind), field.kind, "{}", field.name);
            assert!(field.unit().is_none() || field.kind == Kind::Number, "{}", field.name);
        }
    }
    assert!(!kinds.contains_key("truncated"));
}
