//! Java's properties: `key=value`, `key: value` or `key value`; comments begin with `#` or `!`; a backslash at the end of a
//! line continues it; `\t`, `\n`, `\r`, `\f` and `\u0041` are escapes, and before anything else a backslash only takes its
//! meaning away (java.util.Properties, `load`).
//!
//! What is not ASCII is written as `\u....`, which is read the same by every Java.

use super::keyed::{Entry, Scan, Syntax, Written};
use super::{Line, skip};
use std::borrow::Cow;

const BLANKS: &[u8] = b" \t\x0c";

pub(super) const SYNTAX: Syntax = Syntax {
    scan,
    decode,
    key,
    value,
    separator: b"=",
    is_nested: false,
    continues: true,
    needs_blank: false,
    has_quotes: false,
    has_json: false,
};

fn scan(scan: &mut Scan, commented: bool) {
    let text = scan.text;
    let mut next = 0;
    while let Some(mut line) = Line::at(text, next) {
        next = line.end;
        let first = skip(text, line.start, line.stop, BLANKS);
        match text[first..line.stop] {
            [] => {}
            [b'#' | b'!', ..] if commented => {
                let start = skip(text, first, line.stop, b"#! \t\x0c");
                entry(scan, line, first..start, start);
            }
            [b'#' | b'!', ..] => {}
            _ => {
                while is_continued(&text[line.start..line.stop])
                    && let Some(more) = Line::at(text, line.end)
                {
                    line = Line { start: line.start, ..more };
                }
                next = line.end;
                entry(scan, line, first..first, first);
            }
        }
    }
}

/// Whether the line goes on: it ends with a backslash that none before it has taken the meaning from.
fn is_continued(line: &[u8]) -> bool {
    line.iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
}

/// Takes the entry that is there.
fn entry(scan: &mut Scan, line: Line, marker: std::ops::Range<usize>, start: usize) {
    let text = scan.text;
    let mut end = start;
    while end < line.stop && !BLANKS.contains(&text[end]) && !b"=:".contains(&text[end]) {
        end = (end + 1 + usize::from(text[end] == b'\\')).min(line.stop);
    }
    let mut value = skip(text, end, line.stop, BLANKS);
    if value < line.stop && b"=:".contains(&text[value]) {
        value = skip(text, value + 1, line.stop, BLANKS);
    } else if !marker.is_empty() {
        // A sentence is no key with a value.
        return;
    }
    scan.push(Entry {
        section: 0,
        lines: line.start..line.end,
        marker,
        column: 0,
        is_item: false,
        key: Cow::Owned(decode(&text[start..end])),
        separator: end..value,
        raw: value..line.stop,
        goes_on: false,
    });
}

fn decode(raw: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(raw.len());
    // Of a character beyond 16 bits the first half.
    let mut half: Option<u32> = None;
    let mut at = 0;
    while let Some(&byte) = raw.get(at) {
        at += 1;
        if byte != b'\\' {
            value.push(byte);
            continue;
        }
        let Some(&escaped) = raw.get(at) else { break };
        at += 1;
        match escaped {
            b't' => value.push(b'\t'),
            b'n' => value.push(b'\n'),
            b'r' => value.push(b'\r'),
            b'f' => value.push(0x0c),
            b'\r' | b'\n' => {
                at += usize::from(escaped == b'\r' && raw.get(at) == Some(&b'\n'));
                at = skip(raw, at, raw.len(), BLANKS);
            }
            b'u' => {
                let digits = raw.get(at..at + 4).and_then(|digits| std::str::from_utf8(digits).ok());
                let Some(unit) = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) else {
                    value.push(b'u');
                    continue;
                };
                at += 4;
                let character = match (half.take(), unit) {
                    (_, 0xD800..0xDC00) => {
                        half = Some(unit);
                        continue;
                    }
                    (Some(high), 0xDC00..0xE000) => 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00),
                    (_, unit) => unit,
                };
                let character = char::from_u32(character).unwrap_or(char::REPLACEMENT_CHARACTER);
                value.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => value.push(other),
        }
    }
    value
}

fn key(key: &[u8]) -> Written {
    if key.is_empty() { Err("a key cannot be empty") } else { Ok(escape(key, b" =:#!\\")) }
}

#[allow(clippy::unnecessary_wraps)] // as every format's
fn value(value: &[u8], _: &[u8]) -> Written {
    let mut written = escape(value, b"\\");
    // At its beginning they would be part of what is before it.
    if matches!(written.first(), Some(b' ' | b'=' | b':')) {
        written.insert(0, b'\\');
    }
    Ok(written)
}

fn escape(text: &[u8], special: &[u8]) -> Vec<u8> {
    let mut written = Vec::with_capacity(text.len());
    let unit = |written: &mut Vec<u8>, unit: u16| written.extend(format!("\\u{unit:04x}").as_bytes());
    // What is no UTF-8 is some other character set's, and stays.
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\t' => written.extend(b"\\t"),
                '\n' => written.extend(b"\\n"),
                '\r' => written.extend(b"\\r"),
                '\x0c' => written.extend(b"\\f"),
                ' '..='~' => {
                    let byte = character as u8;
                    if special.contains(&byte) {
                        written.push(b'\\');
                    }
                    written.push(byte);
                }
                other => other.encode_utf16(&mut [0; 2]).iter().for_each(|&half| unit(&mut written, half)),
            }
        }
        written.extend(chunk.invalid());
    }
    written
}
