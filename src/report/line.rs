//! One line, built in place: a fixed buffer, values cut to what fits, nothing allocated.

use super::choice::Format;
use super::profile::Object;
use super::text;
use super::value::Harmless;
use crate::sys::clock::Utc;
use crate::sys::stderr::LONGEST_LINE;
use serde::Serialize;
use std::cell::Cell;
use std::io::{self, Write};

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

    /// Adds a value as JSON.
    ///
    /// # Errors
    /// The line has no room.
    pub fn put_json(&mut self, value: &impl Serialize) -> io::Result<()> {
        let written = value.serialize(&mut serde_json::Serializer::with_formatter(self, Harmless));
        // serde_json's error is not kept: nobody reads its words.
        written.map_err(|_| io::ErrorKind::WriteZero.into())
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

    /// At once: serde writes a line in some sixty parts.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let end = self.length + bytes.len();
        let Some(room) = self.bytes[..LONGEST_LINE - 1].get_mut(self.length..end) else {
            return Err(io::ErrorKind::WriteZero.into());
        };
        room.copy_from_slice(bytes);
        self.length = end;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An event, and what a line about it says besides.
pub struct Said<'a> {
    /// When it happened.
    pub now: &'a Utc,
    /// What.
    pub event: &'a tracing::Event<'a>,
    /// Whether a value was cut.
    pub cut: Cell<bool>,
}

/// Writes the line of one event.
///
/// # Errors
/// The line has no room; the budgets of the values are there to make that impossible.
pub fn write(line: &mut Line, format: Format, now: &Utc, event: &tracing::Event<'_>) -> io::Result<()> {
    let said = Said { now, event, cut: Cell::new(false) };
    match format.profile() {
        Some(parts) => line.put_json(&Object { parts, said: &said })?,
        None => text::write(line, &said)?,
    }
    line.write_all(b"\n")
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

    /// Where each JSON format has the message and argv.
    fn said(format: Format, object: &serde_json::Value) -> [&serde_json::Value; 2] {
        match format {
            Format::Json | Format::Gcp => [&object["message"], &object["argv"]],
            Format::Ecs | Format::Datadog => [&object["message"], &object["onset"]["argv"]],
            Format::Otel => [&object["body"], &object["attributes"]["onset.argv"]],
            Format::Text => unreachable!("no JSON"),
        }
    }

    /// What a terminal obeys, or what has text shown in another order or on another line than it is in.
    fn is_harmful(character: char) -> bool {
        let direction = ['\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}'];
        let embedding =
            ('\u{202a}'..='\u{202e}').contains(&character) || ('\u{2066}'..='\u{2069}').contains(&character);
        character.is_control() || direction.contains(&character) || embedding
    }

    #[test]
    fn json_keeps_what_it_escapes() {
        let hostile = "a\u{1b}[31m\u{7f}\u{85}\u{9b}b\n\"\\\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2066}\u{2069}c";
        for &format in Format::ALL.iter().filter(|format| format.profile().is_some()) {
            let line = captured(format, &Event::InternalError { cause: hostile });
            assert!(!line.trim_end_matches('\n').chars().any(is_harmful), "{line:?}");
            assert_eq!(said(format, &parsed(&line))[0], hostile);
        }
    }

    #[test]
    fn text_is_not_bent_by_what_it_quotes() {
        let hostile = "/bin/\u{202e}gpj.exe\u{2066}\u{200f}\u{2028}\u{9b}31m";
        let line = captured(Format::Text, &Event::Problem { text: hostile });
        assert!(line.contains(r"/bin/\u{202e}gpj.exe\u{2066}\u{200f}\u{2028}\u{9b}31m"), "{line}");
        let line = captured(Format::Text, &started([hostile.as_bytes(), b"\0"].concat().as_slice()));
        assert!(line.contains(r#"argv=["/bin/\u202egpj.exe\u2066\u200f\u2028\u009b31m"]"#), "{line}");
    }

    #[test]
    fn letters_of_any_script_stay_as_they_are() {
        // Persian needs U+200C between letters, and families are made with U+200D.
        let words = "gr\u{fc}\u{df}e \u{4e16}\u{754c} \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{645}\u{6cc}\u{200c}\u{62e} \u{1f468}\u{200d}\u{1f469}";
        for &format in Format::ALL {
            let line = captured(format, &Event::Problem { text: words });
            assert!(line.contains(words), "{line}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_said_the_line_is_whole_short_and_harmless(
            cause in prop_oneof![
                ".{0,3000}",
                "[\\x00-\\x1f\"\\\\\u{7f}-\u{9f}]{0,3000}",
                "[\u{200e}\u{200f}\u{2028}-\u{202e}\u{2066}-\u{2069}\u{61c}]{0,1500}",
            ],
            argv in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..5000),
                "[\\x00\u{9b}\u{202e}]{0,1500}".prop_map(String::into_bytes),
            ],
        ) {
            let event = Event::StartFailed { status: 127, cause: &cause, argv: &argv, stopped: false };
            for &format in Format::ALL {
                let line = captured(format, &event);
                prop_assert!(line.len() < LONGEST_LINE, "{} bytes", line.len());
                let body = line.strip_suffix('\n').expect("a line ends");
                prop_assert!(!body.chars().any(is_harmful), "{body:?}");
                if format.profile().is_some() {
                    let object = parsed(body);
                    if !body.contains("truncated\":true") {
                        prop_assert_eq!(said(format, &object)[0], &serde_json::json!(cause));
                        let words = said(format, &object)[1].as_array().map(Vec::len);
                        prop_assert_eq!(words, Some(argv.split_inclusive(|&byte| byte == 0).count()));
                    }
                }
            }
        }

        #[test]
        fn the_longest_texts_of_every_event_fit(text in prop_oneof!["[\u{9b}]{2000}", "[\"]{2000}", "\u{1f980}{2000}", "x{2000}"]) {
            for event in [
                Event::StepOutput { step: &text, stream: "stdout", text: &text },
                Event::StepDone { step: &text, changed: usize::MAX, duration: Duration::MAX },
                Event::ConfigRead { path: &text, steps: usize::MAX, setup: false, duration: Duration::MAX },
            ] {
                for &format in Format::ALL {
                    let line = captured(format, &event);
                    prop_assert!(line.len() < LONGEST_LINE && line.contains("truncated"), "{}", line);
                }
            }
        }
    }
}
