//! JSON to [`Node`] (RFC 8259). Our own reader, because others keep no places.

use super::problem::Problems;
use super::tree::{Key, Node, Place, Value};
use crate::json;
use std::collections::BTreeSet;

/// How deep lists and objects may be nested: as deep as in TOML.
const DEEPEST: usize = 80;

/// Reads JSON. The first mistake of its grammar is a problem; what stands behind it cannot be told.
pub fn parse(text: &str, problems: &mut Problems) -> Node {
    let mut reader = Reader { text, at: 0 };
    let result = reader.value(0).and_then(|node| {
        reader.skip_blanks();
        if reader.at == text.len() { Ok(node) } else { reader.fail("expected the end of the file") }
    });
    result.unwrap_or_else(|Mistake(place, message)| {
        problems.at(place, message);
        Node { place: Place::default(), value: Value::Table(Vec::new()) }
    })
}

struct Mistake(Place, String);

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn fail<T>(&self, message: &str) -> Result<T, Mistake> {
        Err(Mistake(Place { start: self.at, end: self.at + 1 }, message.to_owned()))
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    /// Takes `sign` if it is next, blanks before it.
    fn take(&mut self, sign: char) -> bool {
        self.skip_blanks();
        let taken = self.rest().starts_with(sign);
        self.at += usize::from(taken);
        taken
    }

    fn value(&mut self, depth: usize) -> Result<Node, Mistake> {
        if depth > DEEPEST {
            return self.fail("nested too deeply");
        }
        self.skip_blanks();
        let start = self.at;
        let value = match self.rest().chars().next() {
            Some('{') => self.object(depth)?,
            Some('[') => self.list(depth)?,
            Some('"') => Value::String(self.string()?),
            Some(_) => self.word()?,
            None => return self.fail("expected a value"),
        };
        Ok(Node { place: Place { start, end: self.at }, value })
    }

    fn object(&mut self, depth: usize) -> Result<Value, Mistake> {
        self.take('{');
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut names = BTreeSet::new();
        if self.take('}') {
            return Ok(Value::Table(entries));
        }
        loop {
            self.skip_blanks();
            let start = self.at;
            if !self.rest().starts_with('"') {
                return self.fail("expected a name in double quotes");
            }
            let key = Key { name: self.string()?, place: Place { start, end: self.at } };
            if !names.insert(key.name.clone()) {
                return Err(Mistake(key.place, format!("`{}` is there already", key.name)));
            }
            if !self.take(':') {
                return self.fail("expected `:`");
            }
            let value = self.value(depth + 1)?;
            entries.push((key, value));
            if self.take('}') {
                return Ok(Value::Table(entries));
            }
            if !self.take(',') {
                return self.fail("expected `,` or `}`");
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value, Mistake> {
        self.take('[');
        let mut items = Vec::new();
        if self.take(']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take(']') {
                return Ok(Value::List(items));
            }
            if !self.take(',') {
                return self.fail("expected `,` or `]`");
            }
        }
    }

    /// Finds the end of a string, and what is in it.
    fn string(&mut self) -> Result<String, Mistake> {
        let start = self.at;
        let mut escaped = false;
        let end = self.rest().char_indices().skip(1).find_map(|(index, character)| {
            let ends = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            ends.then_some(start + index + 1)
        });
        let Some(end) = end else { return self.fail("this string has no end") };
        self.at = end;
        json::string(&self.text.as_bytes()[start..end]).ok_or_else(|| {
            Mistake(Place { start, end }, "a control character or an escape that JSON does not know".into())
        })
    }

    fn word(&mut self) -> Result<Value, Mistake> {
        let start = self.at;
        let length =
            self.rest().find(|character: char| !character.is_ascii_alphanumeric() && !"+-.".contains(character));
        let word = &self.rest()[..length.unwrap_or(self.rest().len())];
        let value = match word {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Other("`null`"),
            number if json::is_number(number) => match number.parse() {
                Ok(whole) if number != "-0" => Value::Integer(whole),
                _ if number.contains(['.', 'e', 'E']) => Value::Other("a fraction"),
                _ => Value::Other("a number out of range"),
            },
            other => {
                let end = start + other.len().max(1);
                let message = "expected a value: a string in double quotes, a number, `true`, `false`, `[` or `{`";
                return Err(Mistake(Place { start, end }, message.to_owned()));
            }
        };
        self.at = start + word.len();
        Ok(value)
    }
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
        assert_eq!(parsed("{\"a\": 1, \"a\": 2}").unwrap_err(), "f:1:10: `a` is there already");
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
