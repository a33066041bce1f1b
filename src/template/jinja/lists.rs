//! The filters for lists and maps.

use super::call::{Call, failed, list as as_list, text, yes};
use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};
use std::collections::BTreeMap;

/// Of what is not defined, and with `for_empty` of what is not true.
#[allow(clippy::unnecessary_wraps)] // the table wants a result
pub fn default(call: &mut Call) -> Result<Value, Error> {
    let (value, default) = (call.value(0), call.value(1));
    let is_missing = value.is_undefined() || call.value(2).is_true() && !value.is_true();
    Ok(match (is_missing, default.is_undefined()) {
        (false, _) => value.clone(),
        (true, false) => default.clone(),
        (true, true) => Value::from(""),
    })
}

pub fn length(call: &mut Call) -> Result<Value, Error> {
    let value = call.value(0);
    value.len().map(Value::from).ok_or_else(|| failed(format!("a {} has no length", value.kind())))
}

pub fn list(call: &mut Call) -> Result<Value, Error> {
    as_list(call.list(0)?)
}

pub fn first(call: &mut Call) -> Result<Value, Error> {
    Ok(call.list(0)?.first().cloned().unwrap_or_default())
}

pub fn last(call: &mut Call) -> Result<Value, Error> {
    Ok(call.list(0)?.pop().unwrap_or_default())
}

pub fn min(call: &mut Call) -> Result<Value, Error> {
    Ok(sorted(call)?.first().cloned().unwrap_or_default())
}

pub fn max(call: &mut Call) -> Result<Value, Error> {
    Ok(sorted(call)?.pop().unwrap_or_default())
}

fn sorted(call: &mut Call) -> Result<Vec<Value>, Error> {
    let mut items = call.list(0)?;
    items.sort();
    Ok(items)
}

pub fn sort(call: &mut Call) -> Result<Value, Error> {
    let mut items = sorted(call)?;
    if call.value(1).is_true() {
        items.reverse();
    }
    as_list(items)
}

pub fn unique(call: &mut Call) -> Result<Value, Error> {
    // A map of values to values, as minijinja has them too; a set would be code of its own.
    let mut seen = BTreeMap::new();
    let mut items = call.list(0)?;
    items.retain(|item| seen.insert(item.clone(), Value::UNDEFINED).is_none());
    as_list(items)
}

pub fn reverse(call: &mut Call) -> Result<Value, Error> {
    if let Some(forwards) = call.optional_text(0) {
        return text(&forwards.chars().rev().collect::<String>());
    }
    let mut items = call.list(0)?;
    items.reverse();
    as_list(items)
}

/// Pairs of name and value.
pub fn items(call: &mut Call) -> Result<Value, Error> {
    let map = call.value(0).clone();
    if map.kind() != ValueKind::Map {
        return Err(failed(format!("a {} has no names", map.kind())));
    }
    let mut items = call.list(0)?;
    for item in &mut items {
        let value = map.get_item(item)?;
        if value.kind() == ValueKind::Invalid {
            return Err(failed(format!("the value of `{item}` is not UTF-8")));
        }
        *item = as_list(vec![std::mem::take(item), value])?;
    }
    as_list(items)
}

/// Whether a value is in a list, a name in a map, a text in a text.
pub fn is_in(call: &mut Call) -> Result<Value, Error> {
    if call.value(1).kind() == ValueKind::String {
        call.make_text(0)?;
        return yes(call.text(1).contains(call.text(0)));
    }
    yes(call.list(1)?.contains(call.value(0)))
}

/// A filter, or an attribute, of each.
pub fn map(call: &mut Call) -> Result<Value, Error> {
    let mut items = call.list(0)?;
    if let Some(attribute) = call.named("attribute") {
        for item in &mut items {
            *item = item.get_item(&attribute)?;
        }
    } else {
        call.make_text(1)?;
        let filter = call.text(1).to_owned();
        // The item itself goes before the arguments of the filter, where its name was.
        let mut arguments = call.values(1).to_vec();
        for item in &mut items {
            arguments[0] = std::mem::take(item);
            *item = call.state.apply_filter(&filter, &arguments).map_err(named)?;
        }
    }
    as_list(items)
}

/// Those, of which a test holds, or that are true where there is no test.
pub fn select(call: &mut Call, by_attribute: bool, keep: bool) -> Result<Value, Error> {
    let at = if by_attribute { 2 } else { 1 };
    let items = call.list(0)?;
    if by_attribute {
        call.require(1)?;
    }
    let attribute = by_attribute.then(|| call.value(1).clone());
    call.make_optional_text(at)?;
    let test = call.optional_text(at).map(str::to_owned);
    // The item itself goes before the arguments of the test.
    let mut arguments = vec![Value::UNDEFINED];
    arguments.extend_from_slice(call.values(at + 1));
    let mut selected = Vec::new();
    for item in &items {
        arguments[0] = match &attribute {
            Some(attribute) => item.get_item(attribute)?,
            None => item.clone(),
        };
        let holds = match &test {
            Some(test) => call.state.perform_test(test, &arguments).map_err(named)?,
            None => arguments[0].is_true(),
        };
        if holds == keep {
            selected.push(item.clone());
        }
    }
    as_list(selected)
}

/// minijinja does not say which filter or test is unknown; nor do we, the name may come from anywhere.
fn named(error: Error) -> Error {
    match error.kind() {
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest => failed("there is no filter, or no test, of that name"),
        _ => error,
    }
}
