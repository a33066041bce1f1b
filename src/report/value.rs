//! The values of a line: cut to what fits, and harmless to whoever shows them.

use serde::ser::{Serialize, SerializeSeq, Serializer};
use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::io;
use tracing::field::{Field, Visit};

/// What one text may take in a line, in bytes as written. Two of them, one vector of words and every field of fixed
/// length stay below [`crate::sys::stderr::LONGEST_LINE`].
const TEXT_BUDGET: usize = 1000;
/// What a vector of words may take in all.
const WORDS_BUDGET: usize = 1200;

/// Hands each field of an event to `each`, the message first. What is cut says so in `cut`.
pub fn visit(event: &tracing::Event<'_>, cut: &Cell<bool>, each: &mut dyn FnMut(&'static str, &Value<'_>)) {
    event.record(&mut Fields { each, cut });
}

struct Fields<'a> {
    each: &'a mut dyn FnMut(&'static str, &Value<'_>),
    cut: &'a Cell<bool>,
}

impl Visit for Fields<'_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        (self.each)(field.name(), &Value::Signed(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        (self.each)(field.name(), &Value::Unsigned(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        (self.each)(field.name(), &Value::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    /// A vector of words, each ended by NUL.
    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        (self.each)(field.name(), &Value::Words(WordList { bytes: value, cut: self.cut }));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        (self.each)(field.name(), &Value::Text(Text::new(value, self.cut)));
    }
}

/// What a field can hold.
pub enum Value<'a> {
    /// A number that can be negative.
    Signed(i64),
    /// A number that cannot.
    Unsigned(u64),
    /// Yes or no.
    Bool(bool),
    /// A text.
    Text(Text<'a>),
    /// Several.
    Words(WordList<'a>),
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Signed(number) => number.serialize(serializer),
            Value::Unsigned(number) => number.serialize(serializer),
            Value::Bool(answer) => answer.serialize(serializer),
            Value::Text(text) => text.serialize(serializer),
            Value::Words(words) => words.serialize(serializer),
        }
    }
}

/// A text of any length, of which as much is written as there is room for. [`fmt::Display`] is for people.
pub struct Text<'a> {
    value: &'a dyn fmt::Debug,
    room: Cell<usize>,
    cut: &'a Cell<bool>,
}

impl<'a> Text<'a> {
    fn new(value: &'a dyn fmt::Debug, cut: &'a Cell<bool>) -> Self {
        Text { value, room: Cell::new(TEXT_BUDGET), cut }
    }

    /// Whether it reads well without quotes.
    pub fn is_plain(&self) -> bool {
        struct Plain(bool);
        impl fmt::Write for Plain {
            fn write_str(&mut self, part: &str) -> fmt::Result {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:".contains(&byte);
                self.0 |= !part.is_empty();
                if part.bytes().all(plain) { Ok(()) } else { Err(fmt::Error) }
            }
        }
        let mut plain = Plain(false);
        write!(plain, "{:?}", self.value).is_ok() && plain.0
    }

    fn trim_into(&self, out: &mut dyn fmt::Write, escape: bool) -> fmt::Result {
        write!(Trimmer { out, escape, room: &self.room, cut: self.cut, full: false }, "{:?}", self.value)
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Escapable<'a>(&'a Text<'a>);
        impl fmt::Display for Escapable<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.trim_into(f, false)
            }
        }
        serializer.collect_str(&Escapable(self))
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trim_into(f, true)
    }
}

/// What a log must not hand on to a terminal as it is: control characters, which it obeys, separators of lines, and the
/// characters that change the direction of what follows, with which text shows as another than it is
/// (<https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>).
fn is_hostile(character: char) -> bool {
    let directs =
        matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    directs || character.is_control()
}

/// Whether it is nothing but characters that every format writes as they are: of what is said, nearly all.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
}

/// JSON in which hostile characters are escaped, all of which are below U+10000; it says the same as without.
pub struct Harmless;

impl serde_json::ser::Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if is_plain(fragment) {
            return writer.write_all(fragment.as_bytes());
        }
        for part in fragment.split_inclusive(is_hostile) {
            match (part.strip_suffix(is_hostile), part.chars().next_back()) {
                (Some(before), Some(hostile)) => write!(writer, "{before}\\u{:04x}", u32::from(hostile))?,
                _ => writer.write_all(part.as_bytes())?,
            }
        }
        Ok(())
    }
}

/// Lets text through until the room is used up.
struct Trimmer<'a> {
    out: &'a mut dyn fmt::Write,
    /// Whether hostile characters are written as Rust writes them. Else whoever gets them has to.
    escape: bool,
    room: &'a Cell<usize>,
    cut: &'a Cell<bool>,
    full: bool,
}

impl fmt::Write for Trimmer<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if let Some(left) = self.room.get().checked_sub(part.len()).filter(|_| !self.full && is_plain(part)) {
            self.room.set(left);
            return self.out.write_str(part);
        }
        // What has been let through and is yet to be written, all at once.
        let mut from = 0;
        for (at, character) in part.char_indices() {
            // The longest escape is \u{202e}.
            let width = match character {
                '"' | '\\' => 2,
                hostile if is_hostile(hostile) => 8,
                other => other.len_utf8(),
            };
            match self.room.get().checked_sub(width) {
                Some(left) if !self.full => self.room.set(left),
                _ => {
                    if !std::mem::replace(&mut self.full, true) {
                        self.cut.set(true);
                        self.out.write_str(&part[from..at])?;
                        self.out.write_str("…")?;
                    }
                    return Ok(());
                }
            }
            if self.escape && is_hostile(character) {
                write!(self.out, "{}{}", &part[from..at], character.escape_default())?;
                from = at + character.len_utf8();
            }
        }
        self.out.write_str(&part[from..])
    }
}

/// Words, each ended by NUL, as an array of texts. Bytes that are not UTF-8 show as U+FFFD.
pub struct WordList<'a> {
    bytes: &'a [u8],
    cut: &'a Cell<bool>,
}

impl Serialize for WordList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Lossy<'a>(&'a [u8]);
        impl fmt::Debug for Lossy<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                for chunk in self.0.utf8_chunks() {
                    f.write_str(chunk.valid())?;
                    if !chunk.invalid().is_empty() {
                        f.write_char(char::REPLACEMENT_CHARACTER)?;
                    }
                }
                Ok(())
            }
        }
        let mut words = serializer.serialize_seq(None)?;
        let mut room = WORDS_BUDGET;
        for word in self.bytes.split_inclusive(|&byte| byte == 0) {
            // The quotes and the comma of this word, and the mark of a cut.
            let Some(left) = room.checked_sub(8) else {
                self.cut.set(true);
                break;
            };
            let word = word.strip_suffix(&[0]).unwrap_or(word);
            let text = Text { value: &Lossy(word), room: Cell::new(left), cut: self.cut };
            words.serialize_element(&text)?;
            room = text.room.get();
        }
        words.end()
    }
}
