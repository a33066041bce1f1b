//! The filters for texts.

use super::call::{Call, failed, text, texts};
use minijinja::{Error, Value};

pub fn string(call: &mut Call) -> Result<Value, Error> {
    text(call.text(0))
}

pub fn trim(call: &mut Call) -> Result<Value, Error> {
    let chars = call.optional_text(1);
    text(call.text(0).trim_matches(|c: char| chars.map_or_else(|| c.is_whitespace(), |chars| chars.contains(c))))
}

pub fn replace(call: &mut Call) -> Result<Value, Error> {
    let (old, from, to) = (call.text(0), call.text(1), call.text(2));
    let added = old.matches(from).count().saturating_mul(to.len());
    call.fits(added.saturating_add(old.len()))?;
    text(&old.replace(from, to))
}

/// As in Jinja, the first line and empty lines stay where they are.
pub fn indent(call: &mut Call) -> Result<Value, Error> {
    let old = call.text(0);
    let width = call.optional_count(1)?.unwrap_or(4);
    let first = call.value(2).is_true();
    call.fits(old.lines().count().saturating_mul(width).saturating_add(old.len()))?;
    let margin = " ".repeat(width);
    let mut result = String::new();
    for (index, line) in old.split_inclusive('\n').enumerate() {
        if (index > 0 || first) && !line.trim_end_matches(['\r', '\n']).is_empty() {
            result.push_str(&margin);
        }
        result.push_str(line);
    }
    text(&result)
}

pub fn split(call: &mut Call) -> Result<Value, Error> {
    let whole = call.text(0);
    match (call.optional_text(1), call.optional_count(2)?) {
        (None, None) => texts(&mut whole.split_whitespace()),
        (None, Some(_)) => Err(failed("`split` needs a separator to count parts")),
        (Some(""), _) => Err(failed("the separator of `split` is empty")),
        (Some(separator), max) => {
            let most = max.map_or(usize::MAX, |max| max.saturating_add(1));
            texts(&mut whole.splitn(most, separator))
        }
    }
}

pub fn lines(call: &mut Call) -> Result<Value, Error> {
    texts(&mut call.text(0).lines())
}

pub fn join(call: &mut Call) -> Result<Value, Error> {
    let items = call.list(0)?;
    call.make_optional_text(1)?;
    let mut result = String::new();
    for (index, item) in items.iter().enumerate() {
        let item = call.print(item)?;
        let separator = if index == 0 { "" } else { call.text(1) };
        call.fits(result.len().saturating_add(separator.len()).saturating_add(item.len()))?;
        result.push_str(separator);
        result.push_str(&item);
    }
    text(&result)
}
