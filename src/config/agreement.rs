//! A property: a configuration says the same in TOML and in JSON, and so do its problems. The configurations are made at
//! random from the shape of the model, some with values that do not belong there.

use super::decode::{Decode, Shape};
use super::{Config, Source, parse};
use serde_json::{Map, Value, json};

/// Xorshift64 (Marsaglia, 2003): the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn any<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

const TEXTS: [&str; 12] =
    ["", "a", "/x/${A}", "${A:-${B}}", "$$", "${", "two words", "1", "ü\u{1f600}", "q\"\\'", "\n\t\u{1}", "true"];
const NAMES: [&str; 6] = ["A", "B_1", "a.b-c", "", "ü \"", "x=y"];

/// A value of this shape; in one of `oddity` places something else.
fn make(shape: &Shape, random: &mut Random, oddity: usize) -> Value {
    if random.one_in(oddity) {
        let odd = [json!(1.5), json!(7), json!("odd"), json!(true), json!([]), json!({ "odd": 1 }), json!(u64::MAX)];
        return random.any(&odd).clone();
    }
    match shape {
        Shape::String { kind: "mode", .. } => json!(random.any(&["0750", "644", "8"])),
        Shape::String { kind: "size", .. } => json!(random.any(&["4K", "1MiB", "x"])),
        Shape::String { .. } => json!(random.any(&TEXTS)),
        Shape::Bool => json!(random.one_in(2)),
        Shape::Integer { least, greatest } => {
            let number = *random.any(&[*least, *greatest, 1, 5]);
            json!(number.clamp(*least, *greatest))
        }
        Shape::Choice(words) => json!(random.any(words).0),
        Shape::List(item) => (0..random.below(3)).map(|_| make(item, random, oddity)).collect(),
        Shape::Map(item) => {
            let one = |random: &mut Random| ((*random.any(&NAMES)).to_owned(), make(item, random, oddity));
            Value::Object((0..random.below(3)).map(|_| one(random)).collect())
        }
        Shape::Either(shapes) => {
            let shape = random.any(shapes);
            make(shape, random, oddity)
        }
        Shape::Table(table) => {
            let mut entries = Map::new();
            // Of a step's kinds one is enough.
            let chances = if table.name == "Step" { 8 } else { 4 };
            for field in &table.fields {
                if (field.required && !random.one_in(oddity)) || random.one_in(chances) {
                    entries.insert(field.key.to_owned(), make(&field.shape, random, oddity));
                }
            }
            Value::Object(entries)
        }
    }
}

/// TOML. JSON's strings, escapes and all, are basic strings of TOML.
fn toml(value: &Value, random: &mut Random) -> String {
    let Value::Object(entries) = value else { panic!("a configuration is a table") };
    let entry = |(key, value): (&String, &Value)| format!("{} = {}\n", json!(key), inline(value));
    let (tables, plain): (Vec<_>, Vec<_>) = entries.iter().partition(|(_, value)| value.is_object());
    let (headed, inlined): (Vec<_>, Vec<_>) = tables.into_iter().partition(|_| random.one_in(2));
    // What has no header comes first: behind one it would belong to that table.
    let mut text: String = plain.into_iter().chain(inlined).map(entry).collect();
    for (key, value) in headed {
        text += &["[", &json!(key).to_string(), "]\n"].concat();
        text.extend(value.as_object().into_iter().flatten().map(entry));
    }
    text
}

fn inline(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{} = {}", json!(key), inline(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        plain => plain.to_string(),
    }
}

/// What is understood, or every problem, without places.
fn understood(text: String) -> Result<String, Vec<String>> {
    let places = regex_lite::Regex::new("place: Place \\{[^}]*\\}|exact: (true|false)").unwrap();
    let source = Source { name: "f".to_owned(), text, hidden: Vec::new() };
    match parse(source) {
        Ok((config, _)) => Ok(places.replace_all(&format!("{config:?}"), "").into_owned()),
        Err(problems) => {
            let message = |problem: &String| {
                let line = problem.lines().next().unwrap_or_default().to_owned();
                line.split_once(": ").map_or(line.clone(), |(_, message)| message.to_owned())
            };
            let mut messages: Vec<String> = problems.iter().map(message).collect();
            messages.sort();
            Err(messages)
        }
    }
}

#[test]
fn toml_and_json_of_one_model_agree() {
    let shape = Config::shape();
    let mut answers = [0, 0];
    for seed in 1..1500_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let oddity = *random.any(&[50, 1000]);
        let value = make(&shape, &mut random, oddity);
        if !value.is_object() {
            continue;
        }
        let (json, toml) = (value.to_string(), toml(&value, &mut random));
        let (from_json, from_toml) = (understood(json.clone()), understood(toml.clone()));
        assert_eq!(from_json, from_toml, "seed {seed}\n{json}\n{toml}");
        answers[usize::from(from_json.is_ok())] += 1;
    }
    assert!(answers.iter().all(|&count| count > 100), "refused and taken: {answers:?}");
}
