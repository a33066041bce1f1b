//! A value out of a text.

use super::keyed::{self, Scan};
use super::{Format, json, syntax};
use crate::toml;
use crate::tree::{Node, Place, Value};
use regex_lite::Regex;
use std::borrow::Cow;

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
    let table = toml::parse(text).map_err(|(place, _)| {
        format!("it is not TOML: line {}", crate::template::Position::of(text.as_bytes(), place.start).line)
    })?;
    let names = names(path).ok_or("this is no path of names with dots between them")?;
    let mut node = &Node { place: Place::default(), value: Value::Table(table) };
    for name in &names {
        let found = match &node.value {
            Value::Table(table) => table.iter().find(|(key, _)| key.name == *name).map(|(_, node)| node),
            Value::List(items) => name.parse().ok().and_then(|index: usize| items.get(index)),
            _ => None,
        };
        let Some(found) = found else { return Ok(None) };
        node = found;
    }
    Ok(Some(match &node.value {
        Value::String(value) => value.clone().into_bytes(),
        Value::Integer(number) => number.to_string().into_bytes(),
        Value::Bool(answer) => answer.to_string().into_bytes(),
        Value::Other(_) | Value::Nothing => toml::plain(&text[node.place.start..node.place.end]).into_bytes(),
        Value::List(_) => return Err("a list is there, and not one value".into()),
        Value::Table(_) => return Err("a table is there, and not one value".into()),
    }))
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
