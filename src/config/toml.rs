//! TOML to [`Node`]: the `toml` crate reads, this file keeps the places.

use super::problem::Problems;
use super::tree::{Key, Node, Place, Value};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// Reads TOML. Every mistake of its grammar is a problem.
pub fn parse(text: &str, problems: &mut Problems) -> Node {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let place = error.span().map_or(Place { start: 0, end: 0 }, |span| Place { start: span.start, end: span.end });
        problems.at(place, error.message().to_owned());
    }
    Node { place: place(&table), value: from_table(table.get_ref()) }
}

fn place<T>(spanned: &Spanned<T>) -> Place {
    let span = spanned.span();
    Place { start: span.start, end: span.end }
}

fn from_table(table: &DeTable<'_>) -> Value {
    let entry = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
        (Key { place: place(key), name: key.get_ref().as_ref().to_owned() }, from_value(value))
    };
    let mut entries: Vec<(Key, Node)> = table.iter().map(entry).collect();
    entries.sort_unstable_by_key(|(key, _)| key.place.start);
    Value::Table(entries)
}

fn from_value(value: &Spanned<DeValue<'_>>) -> Node {
    let place = place(value);
    let value = match value.get_ref() {
        DeValue::String(text) => Value::String(text.as_ref().to_owned()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Other("a number out of range"),
        },
        DeValue::Float(_) => Value::Other("a fraction"),
        DeValue::Boolean(answer) => Value::Bool(*answer),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => Value::List(items.iter().map(from_value).collect()),
        DeValue::Table(table) => from_table(table),
    };
    Node { place, value }
}
