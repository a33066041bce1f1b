//! What the publishers of a format say about its lines, as a table, and every event held against it.

use crate::report::Format;
use crate::report::catalogue::samples::samples;
use crate::report::lines::tests::captured;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// What a value has to be.
pub enum Rule {
    /// `2026-11-22T05:54:10.123456Z`
    Rfc3339,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// This text.
    Is(&'static str),
    /// A text that says something.
    Text,
    /// An object of texts.
    Texts,
    /// An object.
    Object,
    /// An object whose keys begin so.
    Prefixed(&'static str),
    /// The number that belongs to what another key has.
    Paired(&'static str, &'static [(&'static str, u64)]),
}

/// All about a format.
pub struct Rules {
    /// Keys that come first, in this order.
    pub first: &'static [&'static str],
    /// Keys that are always there.
    pub required: &'static [(&'static str, Rule)],
    /// Keys that would mean something else than we do, none of which is there.
    pub never: &'static [&'static str],
}

impl Rules {
    /// Looks at a line of every event.
    pub fn check(&self, format: Format) {
        for event in samples() {
            let line = captured(format, &event);
            assert!(line.ends_with("}\n") && line.matches('\n').count() == 1, "{line}");
            let Json::Object(object) = serde_json::from_str(&line).unwrap() else { panic!("no object: {line}") };
            let keys: Vec<&str> = object.iter().map(|(key, _)| key.as_str()).collect();
            assert!(keys.starts_with(self.first), "{line}");
            for key in self.never {
                assert!(!keys.contains(key), "{key} in {line}");
            }
            for (key, rule) in self.required {
                assert!(rule.holds(find(&object, key), &object), "{key} in {line}");
            }
        }
    }
}

/// JSON with its keys in the order they are written, and none twice, however deep.
#[derive(Debug)]
enum Json {
    Object(Vec<(String, Json)>),
    List,
    Text(String),
    Number(u64),
    Other,
}

fn find<'a>(object: &'a [(String, Json)], key: &str) -> Option<&'a Json> {
    object.iter().find(|(name, _)| name == key).map(|(_, value)| value)
}

impl Rule {
    fn holds(&self, value: Option<&Json>, line: &[(String, Json)]) -> bool {
        match (self, value) {
            (Rule::Rfc3339, Some(Json::Text(time))) => {
                let shape = time.chars().map(|digit| if digit.is_ascii_digit() { '0' } else { digit });
                shape.eq("0000-00-00T00:00:00.000000Z".chars())
            }
            (Rule::OneOf(texts), Some(Json::Text(text))) => texts.contains(&text.as_str()),
            (Rule::Is(expected), Some(Json::Text(text))) => text == expected,
            (Rule::Text, Some(Json::Text(text))) => !text.is_empty(),
            (Rule::Texts, Some(Json::Object(entries))) => {
                !entries.is_empty() && entries.iter().all(|(_, value)| matches!(value, Json::Text(_)))
            }
            (Rule::Object, Some(Json::Object(_))) => true,
            (Rule::Prefixed(prefix), Some(Json::Object(entries))) => {
                entries.iter().all(|(key, _)| key.starts_with(prefix))
            }
            (Rule::Paired(key, pairs), Some(Json::Number(number))) => {
                let Some(Json::Text(text)) = find(line, key) else { return false };
                pairs.contains(&(text.as_str(), *number))
            }
            _ => false,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON without null")
            }

            fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
                Ok(Json::Other)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
                Ok(Json::Other)
            }

            fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
                Ok(Json::Number(number))
            }

            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
                while items.next_element::<Json>()?.is_some() {}
                Ok(Json::List)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
                let mut object: Vec<(String, Json)> = Vec::new();
                while let Some((key, value)) = entries.next_entry::<String, Json>()? {
                    assert!(find(&object, &key).is_none(), "{key} stands twice");
                    object.push((key, value));
                }
                Ok(Json::Object(object))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[test]
#[should_panic(expected = "a stands twice")]
fn a_key_that_stands_twice_is_found() {
    let _ = serde_json::from_str::<Json>(r#"{"x":[{"a":1,"b":{"a":1},"a":2}]}"#);
}
