//! Text files in place: what a file becomes when keys or lines of it are set or deleted, and what a key of it says. Text in,
//! text or a value out; nothing is read or written here.
//!
//! | format | a key is | its value is |
//! |---|---|---|
//! | [`ini`] | `[section]`, `key = value` | the rest of the line |
//! | [`properties`] | Java's: `key=value`, `key: value`, `key value` | escaped, over several lines |
//! | [`shell`] | `KEY=value`, `export KEY=value` | quoted as a shell wants it |
//! | [`yaml`] | `key: value` on a line of its own | one line, quoted as it was |
//! | [`json`] | a JSON pointer, `/a/b/0` | a string, or any JSON |
//! | [`lines`] | no key: lines are found by a regular expression, or as they are | the line |
//!
//! What holds for all of them:
//! - Values are literal: no pattern, no capture, no escape of the author's. What a format cannot hold is an error.
//! - Only what is asked for changes: order, comments, blanks, `\r\n`, and whether the last line ends with a newline stay.
//! - A key that is there more than once: the last one counts, as in nearly every reader, and is set. None is added.
//! - What is as it is to be already stays byte for byte, so doing it twice is doing it once.
//!
//! Read [`keyed`] first: all formats but two are a scanner and a writer of values, and the rest is there.
#![forbid(unsafe_code)]

pub mod extract;
mod ini;
mod json;
mod keyed;
pub mod lines;
pub mod names;
mod properties;
mod shell;
#[cfg(test)]
mod tests;
mod yaml;

use std::borrow::Cow;
use std::fmt;

/// How a file with keys is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Java's properties.
    Properties,
    /// Sections with keys.
    Ini,
    /// Assignments of a shell.
    Shell,
    /// The lines of YAML that are `key: value`.
    Yaml,
    /// JSON.
    Json,
}

/// What is to become of one key. A key has one order.
#[derive(Clone, PartialEq, Eq)]
pub struct Order {
    /// The section, of an ini file; empty: before the first one.
    pub section: Vec<u8>,
    /// The key; in JSON a pointer (RFC 6901).
    pub key: Vec<u8>,
    /// What it is to be.
    pub wish: Wish,
    /// What to do if it is not there. That what is to be deleted is not there is right.
    pub missing: Missing,
    /// Whether one that is commented out counts as there, if no other is. Setting it takes the comment sign off.
    pub commented: bool,
}

/// What a key is to be.
#[derive(Clone, PartialEq, Eq)]
pub enum Wish {
    /// This text, written as the format wants it, and as the old one was written.
    Text(Vec<u8>),
    /// This text in double quotes, whether it needs them or not (YAML and shell).
    Quoted(Vec<u8>),
    /// This JSON, as it stands (JSON and YAML).
    Json(Vec<u8>),
    /// Not there.
    Deleted,
}

/// What to do with a key, or a line, that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Add it at the end.
    Append,
    /// It is an error.
    Refuse,
    /// Nothing.
    Ignore,
}

/// What a file becomes.
#[derive(Clone, PartialEq, Eq)]
pub struct Edited {
    /// All of it.
    pub content: Vec<u8>,
    /// What is different, in order; never a value.
    pub changes: Vec<String>,
}

/// Why a file cannot be changed so. Never quotes a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The key, as it is written in a configuration; empty: the file as a whole.
    pub key: String,
    /// What is wrong.
    pub what: Cow<'static, str>,
}

impl Edited {
    /// Changes that come to nothing are none.
    fn new(old: &[u8], content: Vec<u8>, mut changes: Vec<String>) -> Self {
        if content == old {
            changes.clear();
        }
        Edited { content, changes }
    }
}

/// What is different at a key.
fn change(what: &str, key: &[u8]) -> String {
    format!("{what} `{}`", String::from_utf8_lossy(key).escape_debug())
}

impl Mistake {
    #[inline(never)]
    fn new(key: &[u8], what: Cow<'static, str>) -> Self {
        Mistake { key: String::from_utf8_lossy(key).into_owned(), what }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key.escape_debug())?;
        }
        f.write_str(&self.what)
    }
}

/// What becomes of a file with keys. `separator` stands between a new key and its value; `None`: what stands there at the
/// key above it, or what the format usually has.
///
/// # Errors
/// Every order that cannot be followed.
pub fn edit(format: Format, text: &[u8], orders: &[Order], separator: Option<&[u8]>) -> Result<Edited, Vec<Mistake>> {
    match syntax(format) {
        Some(syntax) => keyed::edit(syntax, text, orders, separator),
        None => json::edit(text, orders),
    }
}

/// The formats of lines with keys; `None` for JSON, which has no lines.
fn syntax(format: Format) -> Option<&'static keyed::Syntax> {
    match format {
        Format::Properties => Some(&properties::SYNTAX),
        Format::Ini => Some(&ini::SYNTAX),
        Format::Shell => Some(&shell::SYNTAX),
        Format::Yaml => Some(&yaml::SYNTAX),
        Format::Json => None,
    }
}

/// A line of a text: where it begins, where what it says ends, and where the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line {
    start: usize,
    stop: usize,
    end: usize,
}

impl Line {
    /// The line that begins at `start`; `None` at the end of the text.
    fn at(text: &[u8], start: usize) -> Option<Line> {
        let rest = text.get(start..).filter(|rest| !rest.is_empty())?;
        Some(match rest.iter().position(|&byte| byte == b'\n') {
            Some(length) => {
                let stop = start + length - usize::from(rest[..length].ends_with(b"\r"));
                Line { start, stop, end: start + length + 1 }
            }
            None => Line { start, stop: text.len(), end: text.len() },
        })
    }

    fn all(text: &[u8]) -> impl Iterator<Item = Line> {
        let mut start = 0;
        std::iter::from_fn(move || Line::at(text, start).inspect(|line| start = line.end))
    }
}

/// What the lines of a text end with: as the first does.
fn line_end(text: &[u8]) -> &'static [u8] {
    match Line::at(text, 0) {
        Some(line) if line.end - line.stop == 2 => b"\r\n",
        Some(_) | None => b"\n",
    }
}

/// The first byte from `at` on, before `stop`, that is none of these.
fn skip(text: &[u8], at: usize, stop: usize, blanks: &[u8]) -> usize {
    text[at..stop].iter().position(|byte| !blanks.contains(byte)).map_or(stop, |length| at + length)
}

/// `stop` without the blanks before it.
fn trim_end(text: &[u8], start: usize, stop: usize) -> usize {
    start + text[start..stop].trim_ascii_end().len()
}
