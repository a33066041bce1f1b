//! A value out of a text.

use super::keyed::{self, Scan};
use super::{Format, json, syntax};
use regex_lite::Regex;
use std::borrow::Cow;
use toml::de::{DeTable, DeValue};

/// Why there is no telling what the value is. Never quotes the text.
pub type Refusal = Cow<'static, str>;

/// The value of a key as a reader of the format would have it; `None`: the key is not there. JSON's strings are what they
/// mean, `null` is not there, all else is JSON.
///
/// # Errors
/// The text is not of that format, or the value goes on over several lines.
pub fn key(format: Format, text: &[u8], section: &[u8], key: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
    let Some(syntax) = syntax(format) else { return json(text, key) };
    let scan = Scan::of(syntax, text, false);
    match keyed::effective(syntax, scan.find(section, key))? {
        None => Ok(None),
        Some(entry) if entry.goes_on && syntax.is_nested => {
            Err("its value goes on over several lines, and is not one text".into())
        }
        Some(entry) => Ok(Some((syntax.decode)(&text[entry.raw.clone()]))),
    }
}

fn json(text: &[u8], key: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
    let Some(span) = json::find(text, key)? else { return Ok(None) };
    let raw = &text[span];
    if raw == b"null" {
        return Ok(None);
    }
    // What is in quotes, but says nothing, is no text: then it is what is there.
    Ok(Some(crate::json::string(raw).map_or_else(|| raw.to_vec(), String::into_bytes)))
}

/// The value of a TOML path, `a.b.0`: names and numbers of lists, the names quoted where they have dots in them.
///
/// # Errors
/// The text is not TOML, the path is none, or a table or a list is there.
pub fn toml(text: &[u8], path: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
    let text = std::str::from_utf8(text).map_err(|_| "it is not UTF-8, and TOML is")?;
    let table = DeTable::parse(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        format!("it is not TOML: line {}", crate::template::Position::of(text.as_bytes(), start).line)
    })?;
    let names = names(path).ok_or("this is no path of names with dots between them")?;
    let (last, above) = names.split_last().ok_or("the path is empty")?;
    let mut table = table.get_ref();
    let mut list: Option<&toml::de::DeArray> = None;
    for name in above {
        match step(table, list, name) {
            Some(DeValue::Table(found)) => (table, list) = (found, None),
            Some(DeValue::Array(found)) => list = Some(found),
            Some(_) | None => return Ok(None),
        }
    }
    Ok(match step(table, list, last) {
        None => None,
        Some(DeValue::String(value)) => Some(value.as_bytes().to_vec()),
        Some(DeValue::Integer(number)) => {
            let value = i64::from_str_radix(number.as_str(), number.radix());
            Some(value.map_or_else(|_| number.as_str().to_owned(), |value| value.to_string()).into_bytes())
        }
        Some(DeValue::Float(number)) => Some(number.as_str().as_bytes().to_vec()),
        Some(DeValue::Boolean(answer)) => Some(answer.to_string().into_bytes()),
        Some(DeValue::Datetime(time)) => Some(time.to_string().into_bytes()),
        Some(DeValue::Array(_)) => return Err("a list is there, and not one value".into()),
        Some(DeValue::Table(_)) => return Err("a table is there, and not one value".into()),
    })
}

fn step<'v, 't>(
    table: &'v DeTable<'t>,
    list: Option<&'v toml::de::DeArray<'t>>,
    name: &str,
) -> Option<&'v DeValue<'t>> {
    match list {
        Some(list) => list.get(name.parse::<usize>().ok()?).map(toml::Spanned::get_ref),
        None => table.get(name).map(toml::Spanned::get_ref),
    }
}

/// The names of a dotted path, quoted ones without their quotes.
fn names(path: &[u8]) -> Option<Vec<String>> {
    let mut rest = std::str::from_utf8(path).ok()?;
    let mut names = Vec::new();
    loop {
        let (name, behind) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => rest.split_at(rest.find('.').unwrap_or(rest.len())),
        };
        names.push(name.to_owned());
        match behind.strip_prefix('.') {
            Some(behind) => rest = behind,
            None if behind.is_empty() => return Some(names),
            None => return None,
        }
    }
}

/// A regular expression for [`pattern`]: `^` and `$` are the beginning and the end of a line, whose `\r` is none of it.
/// `None`: it is none.
pub fn regex(pattern: &str) -> Option<Regex> {
    regex_lite::RegexBuilder::new(pattern).multi_line(true).crlf(true).build().ok()
}

/// What the first group of a regular expression matches first; without a group, all of it.
///
/// # Errors
/// The text is not UTF-8.
pub fn pattern(text: &[u8], regex: &Regex) -> Result<Option<Vec<u8>>, Refusal> {
    let text = std::str::from_utf8(text).map_err(|_| "it is not UTF-8")?;
    let Some(found) = regex.captures(text) else { return Ok(None) };
    let group = if found.len() > 1 { found.get(1) } else { found.get(0) };
    Ok(group.map(|group| group.as_str().as_bytes().to_vec()))
}
