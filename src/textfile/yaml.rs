//! The lines of YAML that are `key: value`, at any depth, also as `- key: value`. Not YAML as a whole: what a value is that
//! goes on over several lines is not known here, only that it does; such a value is never touched.
//!
//! A new value is quoted as the old one was. Where that had no quotes it gets some only if it could not be read back
//! without: so numbers stay numbers, and `yes` is for the reader to decide, as it was before.

use super::keyed::{Entry, Scan, Syntax, Written};
use super::{Line, skip, trim_end};
use std::borrow::Cow;

pub(super) const SYNTAX: Syntax = Syntax {
    scan,
    decode,
    key,
    value,
    separator: b": ",
    is_nested: true,
    continues: false,
    needs_blank: true,
    has_quotes: true,
    has_json: true,
};

fn scan(scan: &mut Scan, commented: bool) {
    let text = scan.text;
    // Lines that are deeper than this are the text of a block scalar, or of one whose quote is still open.
    let mut block: Option<usize> = None;
    let mut open: Option<usize> = None;
    for line in Line::all(text) {
        let first = skip(text, line.start, line.stop, b" ");
        let depth = first - line.start;
        let stop = trim_end(text, first, line.stop);
        if first == stop || block.is_some_and(|block| depth > block) {
            continue;
        }
        block = None;
        if text[first] == b'#' {
            if commented {
                entry(scan, line, first..uncomment(text, first, stop), stop);
            }
            continue;
        }
        // Only what stands right below a key can be its value; comments and blank lines between them are nothing.
        if let Some(last) = open.take().and_then(|index| scan.entries.get_mut(index)) {
            let is_list = last.raw.is_empty() && depth == last.column && text[first..stop].starts_with(b"-");
            last.goes_on |= depth > last.column || is_list;
        }
        if let Some(index) = entry(scan, line, first..first, stop) {
            open = Some(index);
            let found = &mut scan.entries[index];
            let raw = &text[found.raw.clone()];
            let is_open = matches!(raw, [quote @ (b'"' | b'\''), ..] if quoted_end(raw, *quote).is_none());
            if is_open || matches!(raw, [b'|' | b'>', ..]) {
                block = Some(found.column);
                found.goes_on = true;
            }
        }
    }
}

/// Where the line begins without its comment sign. A blank behind the sign belongs to it where the rest is an even number:
/// `# key`, `#   key` (indented by two) and `#  key` (by two as well).
fn uncomment(text: &[u8], first: usize, stop: usize) -> usize {
    let blanks = skip(text, first + 1, stop, b" ") - (first + 1);
    first + 1 + blanks % 2
}

/// Takes the entry of a line, without what makes a comment of it, and says which it is; `None`: there is none.
fn entry(scan: &mut Scan, line: Line, marker: std::ops::Range<usize>, stop: usize) -> Option<usize> {
    let text = scan.text;
    let mut start = skip(text, marker.end, stop, b" ");
    let is_item = text[start..stop].starts_with(b"- ");
    while text[start..stop].starts_with(b"- ") {
        start = skip(text, start + 1, stop, b" ");
    }
    let content = &text[start..stop];
    let is_end = |at: usize| content[at] == b':' && (at + 1 == content.len() || content[at + 1] == b' ');
    let (key, end) = match content.first()? {
        quote @ (b'"' | b'\'') => {
            let end = quoted_end(content, *quote)?;
            (Cow::Owned(decode(&content[..end])), end)
        }
        b'{' | b'[' | b'&' | b'*' | b'!' | b'|' | b'>' | b'%' | b'@' | b'`' | b'?' => return None,
        _ => {
            let end = (0..content.len()).find(|&at| is_end(at) || content[at..].starts_with(b" #"))?;
            let end = trim_end(content, 0, end);
            (Cow::Borrowed(&content[..end]), end)
        }
    };
    let colon = skip(content, end, content.len(), b" ");
    if colon == content.len() || !is_end(colon) {
        return None;
    }
    let value = skip(content, colon + 1, content.len(), b" ");
    // Behind a key without a value there may be a comment, whose blanks are its own.
    let (value, length) = match content[value..] {
        [] | [b'#', ..] => (colon + 1, 0),
        [quote @ (b'"' | b'\''), ..] => (value, quoted_end(&content[value..], quote).unwrap_or(content.len() - value)),
        _ => (value, plain_end(&content[value..])),
    };
    let raw = start + value..start + value + length;
    let behind = skip(text, raw.end, stop, b" ");
    scan.push(Entry {
        section: 0,
        lines: line.start..line.end,
        column: start - line.start - marker.len(),
        marker,
        is_item,
        key,
        separator: start + end..raw.start,
        goes_on: behind < stop && text[behind] != b'#',
        raw,
    });
    Some(scan.entries.len() - 1)
}

/// Behind the quote that closes the one it begins with.
fn quoted_end(text: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    loop {
        match (*text.get(at)?, quote) {
            (b'\\', b'"') => at += 2,
            (b'\'', b'\'') if text.get(at + 1) == Some(&b'\'') => at += 2,
            (byte, quote) if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

fn plain_end(text: &[u8]) -> usize {
    let comment = text.windows(2).position(|pair| pair == b" #");
    trim_end(text, 0, comment.unwrap_or(text.len()))
}

fn decode(raw: &[u8]) -> Vec<u8> {
    match raw {
        [b'\'', inner @ .., b'\''] => {
            let mut value = Vec::with_capacity(inner.len());
            let mut bytes = inner.iter().copied();
            while let Some(byte) = bytes.next() {
                value.push(byte);
                if byte == b'\'' {
                    bytes.next();
                }
            }
            value
        }
        [b'"', inner @ .., b'"'] => unescape(inner),
        plain => plain.to_vec(),
    }
}

/// YAML 1.2, 5.7.
fn unescape(inner: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'\\' {
            value.push(byte);
            continue;
        }
        let Some((&escaped, behind)) = rest.split_first() else { break };
        rest = behind;
        let digits = match escaped {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => 0,
        };
        let code = |digits: &[u8]| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        let character = match escaped {
            b'0' => '\0',
            b'a' => '\x07',
            b'b' => '\x08',
            b't' | b'\t' => '\t',
            b'n' => '\n',
            b'v' => '\x0b',
            b'f' => '\x0c',
            b'r' => '\r',
            b'e' => '\x1b',
            b'N' => '\u{85}',
            b'_' => '\u{a0}',
            b'L' => '\u{2028}',
            b'P' => '\u{2029}',
            b'x' | b'u' | b'U' => {
                let (number, behind) = rest.split_at(digits.min(rest.len()));
                rest = behind;
                code(number).and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            other => {
                value.push(other);
                continue;
            }
        };
        value.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    value
}

fn key(key: &[u8]) -> Written {
    match key {
        [] => Err("a key cannot be empty"),
        key => value(key, b""),
    }
}

fn value(value: &[u8], old: &[u8]) -> Written {
    let text = std::str::from_utf8(value).map_err(|_| "the value is not UTF-8, and YAML is")?;
    let is_printable =
        !text.chars().any(|character| character.is_control() || "\u{2028}\u{2029}\u{feff}".contains(character));
    Ok(match old.first() {
        Some(b'\'') if is_printable => format!("'{}'", text.replace('\'', "''")).into_bytes(),
        Some(b'\'' | b'"') => quoted(text),
        Some(_) | None if is_printable && is_plain(value) => value.to_vec(),
        Some(_) | None => quoted(text),
    })
}

fn quoted(text: &str) -> Vec<u8> {
    let mut written = String::with_capacity(text.len() + 2);
    written.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => written.extend(['\\', character]),
            '\n' => written.push_str("\\n"),
            '\t' => written.push_str("\\t"),
            '\r' => written.push_str("\\r"),
            control if control.is_control() => {
                let digit = |number: u32| char::from_digit(number & 15, 16).unwrap_or('0');
                let code = u32::from(control);
                written.extend(['\\', 'x', digit(code >> 4), digit(code)]);
            }
            '\u{2028}' => written.push_str("\\L"),
            '\u{2029}' => written.push_str("\\P"),
            '\u{feff}' => written.push_str("\\ufeff"),
            other => written.push(other),
        }
    }
    written.push('"');
    written.into_bytes()
}

/// Whether it is read back as it is without quotes (YAML 1.2, 7.3.3), wherever it stands on its line.
fn is_plain(value: &[u8]) -> bool {
    let first = match value {
        [] => false,
        [b'-' | b'?' | b':', next, ..] => *next != b' ',
        [b'-' | b'?' | b':'] => false,
        [first, ..] => !b",[]{}#&*!|>'\"%@`".contains(first),
    };
    let is_cut = value.windows(2).any(|pair| pair == b": " || pair == b" #") || value.ends_with(b":");
    first && !is_cut && value.trim_ascii() == value
}
