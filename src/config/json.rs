//! JSON to [`Node`] (RFC 8259). Our own reader, because others keep no places.

use super::decode::by_name;
use super::problem::Problems;
use crate::json;
use crate::tree::{Key, Node, Place, Value};

/// How deep lists and objects may be nested: as deep as in TOML.
const DEEPEST: usize = 80;

/// Reads JSON. The first mistake of its grammar is a problem; what stands behind it cannot be told.
pub fn parse(text: &str, problems: &mut Problems) -> Node {
    let mut reader = Reader { text, at: 0, mistake: None };
    let node = reader.value(0).filter(|_| reader.is_at_end());
    if let Some((place, message)) = reader.mistake {
        problems.at(place, message);
    }
    node.unwrap_or(Node { place: Place::default(), value: Value::Nothing })
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// What is wrong, when something is. What is read then is `None`.
    mistake: Option<(Place, String)>,
}

impl Reader<'_> {
    /// The mistake is from `start` to `end`.
    fn mistaken(&mut self, start: usize, end: usize, message: &str) {
        self.mistake = Some((Place { start, end }, message.to_owned()));
    }

    /// The mistake is the next byte.
    #[inline]
    fn fail<T>(&mut self, message: &str) -> Option<T> {
        self.mistaken(self.at, self.at + 1, message);
        None
    }

    /// The next byte; behind the end one that no JSON has.
    fn next(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn skip_blanks(&mut self) {
        while b" \t\n\r".contains(&self.next()) {
            self.at += 1;
        }
    }

    /// Takes `sign` if it is next, blanks before it.
    fn take(&mut self, sign: u8) -> bool {
        self.skip_blanks();
        let taken = self.next() == sign;
        self.at += usize::from(taken);
        taken
    }

    /// Whether nothing is left; else that is the mistake.
    fn is_at_end(&mut self) -> bool {
        self.skip_blanks();
        self.at == self.text.len() || self.fail::<()>("expected the end of the file").is_some()
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        if depth > DEEPEST {
            return self.fail("nested too deeply");
        }
        self.skip_blanks();
        let start = self.at;
        let value = match self.text.as_bytes().get(start) {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => {
                let mut items = Vec::new();
                self.each(b']', "expected `,` or `]`", &mut |reader| {
                    items.push(reader.value(depth + 1)?);
                    Some(())
                })?;
                Value::List(items)
            }
            Some(b'"') => Value::String(self.string()?),
            Some(_) => self.word()?,
            None => return self.fail("expected a value"),
        };
        Some(Node { place: Place { start, end: self.at }, value })
    }

    /// Reads what stands between two brackets, commas between.
    fn each(&mut self, end: u8, expected: &str, read: &mut dyn FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.at += 1;
        if self.take(end) {
            return Some(());
        }
        loop {
            read(self)?;
            if self.take(end) {
                return Some(());
            }
            if !self.take(b',') {
                return self.fail(expected);
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let read = self.each(b'}', "expected `,` or `}`", &mut |reader| {
            reader.skip_blanks();
            let start = reader.at;
            if reader.next() != b'"' {
                return reader.fail("expected a name in double quotes");
            }
            let key = Key { name: reader.string()?, place: Place { start, end: reader.at } };
            let place = key.place;
            entries.push((key, Node { place, value: Value::Nothing }));
            if !reader.take(b':') {
                return reader.fail("expected `:`");
            }
            let value = reader.value(depth + 1)?;
            entries.last_mut()?.1 = value;
            Some(())
        });
        // It stands before whatever else is wrong.
        if let Some(key) = first_repeated(&entries) {
            self.mistake = Some((key.place, format!("duplicate key: `{}` is there already", key.name.escape_debug())));
            return None;
        }
        read.map(|()| Value::Table(entries))
    }

    /// Finds the end of a string, and what is in it.
    fn string(&mut self) -> Option<String> {
        let start = self.at;
        self.at += 1;
        while self.next() != b'"' {
            // What is escaped is no end, whatever it is.
            self.at += 1 + usize::from(self.next() == b'\\');
            if self.at >= self.text.len() {
                self.at = start;
                return self.fail("this string has no end");
            }
        }
        self.at += 1;
        let said = json::string(&self.text.as_bytes()[start..self.at]);
        if said.is_none() {
            self.mistaken(start, self.at, "a control character or an escape that JSON does not know");
        }
        said
    }

    fn word(&mut self) -> Option<Value> {
        let start = self.at;
        while self.next().is_ascii_alphanumeric() || b"+-.".contains(&self.next()) {
            self.at += 1;
        }
        let word = &self.text[start..self.at];
        Some(match word {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Other("`null`"),
            number if json::is_number(number) => match number.parse() {
                Ok(whole) if number != "-0" => Value::Integer(whole),
                _ if number.contains(['.', 'e', 'E']) => Value::Other("a fraction"),
                _ => Value::Other("a number out of range"),
            },
            other => {
                let message = "expected a value: a string in double quotes, a number, `true`, `false`, `[` or `{`";
                self.mistaken(start, start + other.len().max(1), message);
                return None;
            }
        })
    }
}

/// The first name that was there before.
fn first_repeated(entries: &[(Key, Node)]) -> Option<&Key> {
    let sorted = by_name(entries);
    let mut repeated: Option<&Key> = None;
    for pair in sorted.windows(2) {
        let key = &pair[1].0;
        if pair[0].0.name == key.name && repeated.is_none_or(|first| key.place.start < first.place.start) {
            repeated = Some(key);
        }
    }
    repeated
}

#[cfg(test)]
mod tests {
    use super::super::problem::Source;
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> Result<Value, String> {
        let mut problems = Problems::default();
        let node = parse(text, &mut problems);
        let source = Source { name: "f".to_owned(), text: text.to_owned(), hidden: vec![] };
        match problems.explain(&source).into_iter().next() {
            Some(problem) => Err(problem.lines().next().unwrap().to_owned()),
            None => Ok(node.value),
        }
    }

    #[test]
    fn values_and_places() {
        let mut problems = Problems::default();
        let text = "{\"a\": [1, true], \"b\\n\": {\"c\": \"\\u00fc\"}}";
        let Value::Table(entries) = parse(text, &mut problems).value else { panic!() };
        assert!(problems.is_empty());
        assert_eq!(&text[entries[0].1.place.start..entries[0].1.place.end], "[1, true]");
        assert_eq!(&text[entries[1].0.place.start..entries[1].0.place.end], "\"b\\n\"");
        assert_eq!(entries[1].0.name, "b\n");
        let Value::Table(inner) = &entries[1].1.value else { panic!() };
        assert_eq!(inner[0].1.value, Value::String("ü".to_owned()));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        assert_eq!(parsed("{\"a\" 1}").unwrap_err(), "f:1:6: expected `:`");
        assert_eq!(parsed("{\"a\": 1,}").unwrap_err(), "f:1:9: expected a name in double quotes");
        assert_eq!(parsed("{\"a\": 1} x").unwrap_err(), "f:1:10: expected the end of the file");
        assert_eq!(parsed("{\"a\": 1, \"a\": 2}").unwrap_err(), "f:1:10: duplicate key: `a` is there already");
        assert_eq!(parsed("{\"a\": \"x").unwrap_err(), "f:1:7: this string has no end");
        assert!(parsed("{\"a\": yes}").unwrap_err().starts_with("f:1:7: expected a value"));
        assert_eq!(parsed(&"[".repeat(1_000_000)).unwrap_err(), "f:1:82: nested too deeply");
        assert!(parsed("").is_err());
    }

    proptest! {
        #[test]
        fn what_serde_json_takes_is_taken_and_nothing_else(text in "[\\[\\]{}\",:\\\\ a1.eE+-]{0,12}|(true|null|[0-9.]{1,3}|\"[a\\\\u0]{0,6}\")") {
            // serde_json takes a repeated name; we do not.
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            let ours = parsed(&text);
            prop_assert!(theirs.is_ok() == ours.is_ok() || ours.is_err_and(|error| error.ends_with("already")), "{theirs:?}");
        }
    }
}
