//! `KEY=value` and `export KEY=value`, as a shell, systemd and Docker Compose read them: quotes and backslashes as in a
//! shell, over several lines too; a comment begins with ` #`. Blanks in a value without quotes are part of it, as in Compose.
//! Nothing is expanded, and a line is one assignment.

use super::keyed::{Entry, Scan, Syntax, Written};
use super::{Line, skip, trim_end};
use std::borrow::Cow;

const BLANKS: &[u8] = b" \t";

pub(super) const SYNTAX: Syntax = Syntax {
    scan,
    decode,
    key,
    value,
    separator: b"=",
    is_nested: false,
    continues: true,
    needs_blank: false,
    has_quotes: true,
    has_json: false,
};

fn scan(scan: &mut Scan, commented: bool) {
    let text = scan.text;
    let mut next = 0;
    while let Some(line) = Line::at(text, next) {
        next = line.end;
        let first = skip(text, line.start, line.stop, BLANKS);
        let start = match text[first..line.stop] {
            [b'#', ..] if commented => skip(text, first, line.stop, b"# \t"),
            [b'#', ..] => continue,
            _ => first,
        };
        if let Some(end) = entry(scan, line, first..start, start) {
            next = end;
        }
    }
}

/// Takes the entry that is there, if one is, and says where its last line ends.
fn entry(scan: &mut Scan, line: Line, marker: std::ops::Range<usize>, start: usize) -> Option<usize> {
    let text = scan.text;
    let mut name = start;
    if let Some(rest) = text[start..line.stop].strip_prefix(b"export") {
        let begin = skip(text, line.stop - rest.len(), line.stop, BLANKS);
        name = if begin > line.stop - rest.len() { begin } else { start };
    }
    let end = name + text[name..line.stop].iter().position(|&byte| byte == b'=')?;
    key(&text[name..end]).ok()?;
    // A comment ends with its line, whatever quotes are in it.
    let limit = if marker.is_empty() { text.len() } else { line.stop };
    let (stop, is_open) = value_end(&text[..limit], end + 1);
    let last = Line::at(text, stop).map_or(stop, |line| line.end);
    scan.push(Entry {
        section: 0,
        lines: line.start..last,
        column: 0,
        is_item: false,
        key: Cow::Borrowed(&text[name..end]),
        separator: end..end + 1,
        raw: end + 1..trim_end(text, end + 1, stop),
        goes_on: is_open && marker.is_empty(),
        marker,
    });
    Some(last)
}

/// Where the value ends that begins at `start`: at the end of its line or before ` #`, outside quotes. And whether there is
/// a quote in it that is never closed; it stands for itself.
fn value_end(text: &[u8], start: usize) -> (usize, bool) {
    let mut at = start;
    let mut is_open = false;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\n' => break,
            b'#' if at > start && BLANKS.contains(&text[at - 1]) => break,
            b'\\' => at = (at + 2).min(text.len()),
            b'\'' | b'"' => {
                let end = quote_end(text, at);
                is_open |= end.is_none();
                at = end.unwrap_or(at + 1);
            }
            _ => at += 1,
        }
    }
    (at, is_open)
}

/// Behind the quote that closes the one at `at`.
fn quote_end(text: &[u8], at: usize) -> Option<usize> {
    let quote = text[at];
    let mut end = at + 1;
    loop {
        match *text.get(end)? {
            byte if byte == quote => return Some(end + 1),
            b'\\' if quote == b'"' => end += 2,
            _ => end += 1,
        }
    }
}

fn decode(raw: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(&byte) = raw.get(at) {
        let end = if b"'\"".contains(&byte) { quote_end(raw, at) } else { None };
        match (byte, end) {
            (b'\'', Some(end)) => {
                value.extend(&raw[at + 1..end - 1]);
                at = end;
            }
            (b'"', Some(end)) => {
                unescape(&raw[at + 1..end - 1], b"\"\\$`\n", &mut value);
                at = end;
            }
            (b'\\', _) if at + 1 < raw.len() => {
                unescape(&raw[at..at + 2], &[raw[at + 1]], &mut value);
                at += 2;
            }
            (byte, _) => {
                value.push(byte);
                at += 1;
            }
        }
    }
    value
}

/// Takes off the backslashes that stand before one of `special`; before a newline that goes too.
fn unescape(raw: &[u8], special: &[u8], value: &mut Vec<u8>) {
    let mut bytes = raw.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match bytes.peek() {
            Some(next) if byte == b'\\' && special.contains(next) => value.extend(bytes.next().filter(|&b| b != b'\n')),
            Some(_) | None => value.push(byte),
        }
    }
}

fn key(key: &[u8]) -> Written {
    let is_legal = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-".contains(byte);
    if key.is_empty() || !key.iter().all(is_legal) {
        Err("this can be no name of a variable")
    } else {
        Ok(key.to_vec())
    }
}

fn value(value: &[u8], old: &[u8]) -> Written {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(byte);
    if value.contains(&0) {
        return Err("a NUL byte cannot stand in it");
    }
    let quote = match old.first() {
        Some(b'"') => b'"',
        // In single quotes there can be none.
        _ if value.contains(&b'\'') => b'"',
        Some(b'\'') => b'\'',
        Some(_) | None if value.iter().all(is_plain) => return Ok(value.to_vec()),
        Some(_) | None => b'\'',
    };
    let mut written = vec![quote];
    for &byte in value {
        if quote == b'"' && b"\"\\$`".contains(&byte) {
            written.push(b'\\');
        }
        written.push(byte);
    }
    written.push(quote);
    Ok(written)
}
