//! One line, built in place: a fixed buffer, values cut to what fits, nothing allocated.

use super::Format;
use crate::sys::clock::Utc;
use crate::sys::stderr::LONGEST_LINE;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::io::{self, Write};
use tracing::field::{Field, Visit};

/// What one text may take in a line, in bytes as written. Two of them, one vector of words and every field of fixed
/// length stay below [`LONGEST_LINE`].
const TEXT_BUDGET: usize = 1000;
/// What a vector of words may take in all.
const WORDS_BUDGET: usize = 1200;

/// The buffer a line grows in.
pub struct Line {
    bytes: [u8; LONGEST_LINE],
    length: usize,
}

impl Line {
    /// An empty line.
    pub fn new() -> Self {
        Line { bytes: [0; LONGEST_LINE], length: 0 }
    }

    /// What is in it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Room for one byte less than the buffer has, so that every line is shorter than [`LONGEST_LINE`].
impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = &mut self.bytes[self.length..LONGEST_LINE - 1];
        let length = bytes.len().min(room.len());
        room[..length].copy_from_slice(&bytes[..length]);
        self.length += length;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes the line of one event.
///
/// # Errors
/// The line has no room; the budgets above are there to make that impossible.
pub fn write(line: &mut Line, format: Format, now: &Utc, event: &tracing::Event<'_>) -> io::Result<()> {
    let level = level_name(*event.metadata().level());
    let cut = Cell::new(false);
    match format {
        Format::Json => {
            let mut writer = serde_json::Serializer::new(&mut *line);
            let mut map = writer.serialize_map(None)?;
            map.serialize_entry("time", &Text::new(&format_args!("{now}"), &cut))?;
            map.serialize_entry("level", level)?;
            map.serialize_entry("logger", "onset")?;
            map.serialize_entry("event", event.metadata().name())?;
            let mut fields = Fields {
                result: Ok(()),
                cut: &cut,
                each: |key: &'static str, value: &Value<'_>| map.serialize_entry(key, value),
            };
            event.record(&mut fields);
            fields.result?;
            if cut.get() {
                map.serialize_entry("truncated", &true)?;
            }
            SerializeMap::end(map)?;
        }
        Format::Text => {
            write!(line, "{now} onset {level}: ")?;
            let mut fields = Fields {
                result: Ok(()),
                cut: &cut,
                each: |key: &'static str, value: &Value<'_>| value.write_as_text(line, key),
            };
            event.record(&mut fields);
            fields.result?;
            if cut.get() {
                write!(line, " truncated=true")?;
            }
        }
    }
    line.write_all(b"\n")
}

fn level_name(level: tracing::Level) -> &'static str {
    match level {
        tracing::Level::ERROR => "error",
        tracing::Level::WARN => "warn",
        tracing::Level::INFO => "info",
        tracing::Level::DEBUG => "debug",
        tracing::Level::TRACE => "trace",
    }
}

/// Hands each field of an event to `each`, until one fails.
struct Fields<'a, F> {
    each: F,
    cut: &'a Cell<bool>,
    result: serde_json::Result<()>,
}

impl<F: FnMut(&'static str, &Value<'_>) -> serde_json::Result<()>> Fields<'_, F> {
    fn put(&mut self, field: &Field, value: &Value<'_>) {
        if self.result.is_ok() {
            self.result = (self.each)(field.name(), value);
        }
    }
}

impl<F: FnMut(&'static str, &Value<'_>) -> serde_json::Result<()>> Visit for Fields<'_, F> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, &Value::Signed(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, &Value::Unsigned(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, &Value::Bool(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    /// A vector of words, each ended by NUL.
    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.put(field, &Value::Words(WordList { bytes: value, cut: self.cut }));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, &Value::Text(Text::new(value, self.cut)));
    }
}

/// What a field can hold.
enum Value<'a> {
    Signed(i64),
    Unsigned(u64),
    Bool(bool),
    Text(Text<'a>),
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

impl Value<'_> {
    /// ` key=value`, the value as JSON writes it, without quotes where nothing needs them; the message by itself.
    fn write_as_text(&self, line: &mut Line, key: &str) -> serde_json::Result<()> {
        let written = match self {
            Value::Text(text) if key == "message" => write!(line, "{text}"),
            Value::Text(text) if text.is_plain() => write!(line, " {key}={text}"),
            Value::Signed(_) | Value::Unsigned(_) | Value::Bool(_) | Value::Text(_) | Value::Words(_) => {
                write!(line, " {key}=").and_then(|()| Ok(serde_json::to_writer(line, self)?))
            }
        };
        written.map_err(serde_json::Error::io)
    }
}

/// A text of any length, of which as much is written as there is room for.
struct Text<'a> {
    value: &'a dyn fmt::Debug,
    room: Cell<usize>,
    cut: &'a Cell<bool>,
}

impl<'a> Text<'a> {
    fn new(value: &'a dyn fmt::Debug, cut: &'a Cell<bool>) -> Self {
        Text { value, room: Cell::new(TEXT_BUDGET), cut }
    }

    /// Whether it reads well without quotes.
    fn is_plain(&self) -> bool {
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

    /// Writes it to `out`, control characters that JSON has no escape for as Rust writes them: a terminal must not
    /// obey what a log quotes.
    fn trim_into(&self, out: &mut dyn fmt::Write, keep: fn(char) -> bool) -> fmt::Result {
        write!(Trimmer { out, keep, room: &self.room, cut: self.cut, full: false }, "{:?}", self.value)
    }
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Escapable<'a>(&'a Text<'a>);
        impl fmt::Display for Escapable<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.trim_into(f, |character| character.is_ascii() && character != '\u{7f}')
            }
        }
        serializer.collect_str(&Escapable(self))
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.trim_into(f, |_| false)
    }
}

/// Lets text through until the room is used up.
struct Trimmer<'a> {
    out: &'a mut dyn fmt::Write,
    /// Which control characters stay as they are.
    keep: fn(char) -> bool,
    room: &'a Cell<usize>,
    cut: &'a Cell<bool>,
    full: bool,
}

impl fmt::Write for Trimmer<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for character in part.chars() {
            // The longest escapes: \u0000 in JSON, and \u{9b} with its backslash doubled.
            let width = match character {
                '"' | '\\' => 2,
                control if control.is_control() => 8,
                other => other.len_utf8(),
            };
            match self.room.get().checked_sub(width) {
                Some(left) if !self.full => self.room.set(left),
                _ => {
                    if !std::mem::replace(&mut self.full, true) {
                        self.cut.set(true);
                        self.out.write_str("…")?;
                    }
                    return Ok(());
                }
            }
            if character.is_control() && !(self.keep)(character) {
                write!(self.out, "{}", character.escape_debug())?;
            } else {
                self.out.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// Words, each ended by NUL, as an array of texts. Bytes that are not UTF-8 show as U+FFFD.
struct WordList<'a> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Event;
    use crate::report::lines::tests::captured;
    use nix::unistd::Pid;
    use proptest::prelude::*;
    use std::time::Duration;

    fn parsed(line: &str) -> serde_json::Value {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    fn started(argv: &[u8]) -> Event<'_> {
        Event::MainStarted { pid: Pid::from_raw(7), argv, startup: Duration::from_micros(812) }
    }

    #[test]
    fn an_event_is_one_json_object() {
        let line = captured(Format::Json, &started(b"redis-server\0--port\0 \n\"\xff\0\0"));
        let mut object = parsed(&line);
        let time = object["time"].take();
        assert_eq!(time.as_str().unwrap().len(), "2026-11-22T05:54:10.123456Z".len());
        let expected = serde_json::json!({
            "time": null, "level": "info", "logger": "onset", "event": "main_started",
            "message": "main process started", "pid": 7,
            "argv": ["redis-server", "--port", " \n\"\u{fffd}", ""], "startup_us": 812,
        });
        assert_eq!(object, expected);
    }

    #[test]
    fn an_event_reads_well_as_text() {
        let line = captured(Format::Text, &started(b"redis-server\0a b\0"));
        let (_, rest) = line.split_once(' ').unwrap();
        assert_eq!(rest, "onset info: main process started pid=7 argv=[\"redis-server\",\"a b\"] startup_us=812\n");
        let line = captured(Format::Text, &Event::InternalError { cause: "a\u{1b}[31m\u{9b}b\nc" });
        assert!(line.ends_with("onset error: a\\u{1b}[31m\\u{9b}b\\nc\n"), "{line}");
    }

    proptest! {
        #[test]
        fn whatever_is_said_the_line_is_whole_short_and_harmless(
            cause in prop_oneof![".{0,3000}", "[\\x00-\\x1f\"\\\\\u{80}-\u{9f}]{0,3000}"],
            argv in prop::collection::vec(any::<u8>(), 0..5000),
        ) {
            let event = Event::StartFailed { status: 127, cause: &cause, argv: &argv, stopped: false };
            for format in [Format::Json, Format::Text] {
                let line = captured(format, &event);
                prop_assert!(line.len() < LONGEST_LINE, "{} bytes", line.len());
                let body = line.strip_suffix('\n').expect("a line ends");
                prop_assert!(!body.chars().any(char::is_control), "{body:?}");
                if format == Format::Json {
                    let object = parsed(body);
                    let escaped = cause.chars().any(|character| ('\u{7f}'..='\u{9f}').contains(&character));
                    let whole = object.get("truncated").is_none() && !escaped;
                    prop_assert!(!whole || object["message"] == cause);
                }
            }
        }
    }
}
