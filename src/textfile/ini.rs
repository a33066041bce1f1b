//! `[section]`, `key = value` or `key: value`, comments from `;` or `#` to the end of their line.
//!
//! There are many dialects. What they agree on is that a value is the rest of its line without the blanks around it; quotes
//! and what looks like a comment behind a value are part of it here.

use super::keyed::{Entry, Scan, Section, Syntax, Written};
use super::{Line, skip, trim_end};
use std::borrow::Cow;
use std::ops::Range;

const BLANKS: &[u8] = b" \t";

pub(super) const SYNTAX: Syntax = Syntax {
    scan,
    decode: <[u8]>::to_vec,
    key,
    value,
    separator: b" = ",
    is_nested: false,
    continues: false,
    needs_blank: true,
    has_quotes: false,
    has_json: false,
};

fn scan(scan: &mut Scan, commented: bool) {
    let text = scan.text;
    for line in Line::all(text) {
        let first = skip(text, line.start, line.stop, BLANKS);
        let stop = trim_end(text, first, line.stop);
        match text[first..stop] {
            [] => {}
            [b'[', .., b']'] => scan.sections.push(Section { name: &text[first + 1..stop - 1], end: line.end }),
            [b';' | b'#', ..] if commented => {
                let start = skip(text, first, stop, b";# \t");
                entry(scan, line, first..start, start..stop);
            }
            [b';' | b'#', ..] => {}
            _ => entry(scan, line, first..first, first..stop),
        }
    }
}

/// Takes the entry that is there, if one is; with a comment sign before it only one that has a separator.
fn entry(scan: &mut Scan, line: Line, marker: Range<usize>, Range { start, end: stop }: Range<usize>) {
    let text = scan.text;
    let is_separator = |at: usize| match text[at] {
        b'=' => true,
        b':' => at + 1 == stop || BLANKS.contains(&text[at + 1]),
        _ => false,
    };
    let at = (start..stop).find(|&at| is_separator(at));
    let end = trim_end(text, start, at.unwrap_or(stop));
    let value = at.map_or(stop, |at| skip(text, at + 1, line.stop, BLANKS));
    let separator = if at.is_some() { end..value } else { end..end };
    if end > start && (marker.is_empty() || at.is_some()) {
        scan.push(Entry {
            section: 0,
            lines: line.start..line.end,
            marker,
            column: 0,
            is_item: false,
            key: Cow::Borrowed(&text[start..end]),
            raw: separator.end..stop.max(separator.end),
            separator,
            goes_on: false,
        });
    }
}

fn key(key: &[u8]) -> Written {
    let is_plain = !key.iter().any(|byte| b"=\r\n".contains(byte)) && !key.starts_with(b"[") && key.trim_ascii() == key;
    let is_comment = key.starts_with(b";") || key.starts_with(b"#");
    let is_cut = key.windows(2).any(|pair| pair == b": " || pair == b":\t") || key.ends_with(b":");
    if key.is_empty() || !is_plain || is_comment || is_cut {
        return Err("this can be no key of an ini file");
    }
    Ok(key.to_vec())
}

fn value(value: &[u8], _: &[u8]) -> Written {
    if value.iter().any(|byte| b"\r\n".contains(byte)) {
        return Err("a value of an ini file is one line, and this one has a newline in it");
    }
    Ok(value.trim_ascii().to_vec())
}
