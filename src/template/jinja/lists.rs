//! The filters for lists and maps.

use super::call::{Call, failed};
use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};
use std::collections::BTreeSet;

/// Of what is not defined, and with `for_empty` of what is not true.
#[allow(clippy::unnecessary_wraps)] // the table wants a result
pub fn default(call: &mut Call) -> Result<Value, Error> {
    let (value, default) = (call.value(0), call.value(1));
    let is_missing = value.is_undefined() || call.value(2).is_true() && !value.is_true();
    Ok(match (is_missing, default.is_undefined()) {
        (false, _) => value,
        (true, false) => default,
        (true, true) => Value::from(""),
    })
}

pub fn length(call: &mut Call) -> Result<Value, Error> {
    let value = call.defined(0)?;
    value.len().map(Value::from).ok_or_else(|| failed(format!("a {} has no length", value.kind())))
}

pub fn list(call: &mut Call) -> Result<Value, Error> {
    call.list(0).map(Value::from)
}

pub fn first(call: &mut Call) -> Result<Value, Error> {
    Ok(call.list(0)?.into_iter().next().unwrap_or_default())
}

pub fn last(call: &mut Call) -> Result<Value, Error> {
    Ok(call.list(0)?.pop().unwrap_or_default())
}

pub fn min(call: &mut Call) -> Result<Value, Error> {
    Ok(call.list(0)?.into_iter().min().unwrap_or_default())
}

pub fn max(call: &mut Call) -> Result<Value, Error> {
    Ok(call.list(0)?.into_iter().max().unwrap_or_default())
}

pub fn sort(call: &mut Call) -> Result<Value, Error> {
    let mut items = call.list(0)?;
    items.sort();
    if call.value(1).is_true() {
        items.reverse();
    }
    Ok(Value::from(items))
}

pub fn unique(call: &mut Call) -> Result<Value, Error> {
    let mut seen = BTreeSet::new();
    let mut items = call.list(0)?;
    items.retain(|item| seen.insert(item.clone()));
    Ok(Value::from(items))
}

pub fn reverse(call: &mut Call) -> Result<Value, Error> {
    if let Some(text) = call.defined(0)?.as_str() {
        return Ok(Value::from(text.chars().rev().collect::<String>()));
    }
    let mut items = call.list(0)?;
    items.reverse();
    Ok(Value::from(items))
}

/// Pairs of name and value.
pub fn items(call: &mut Call) -> Result<Value, Error> {
    let map = call.defined(0)?;
    if map.kind() != ValueKind::Map {
        return Err(failed(format!("a {} has no names", map.kind())));
    }
    let pairs = call.list(0)?.into_iter().map(|name| {
        let value = map.get_item(&name)?;
        if value.kind() == ValueKind::Invalid {
            return Err(failed(format!("the value of `{name}` is not UTF-8")));
        }
        Ok(Value::from(vec![name, value]))
    });
    pairs.collect::<Result<Vec<_>, _>>().map(Value::from)
}

/// Whether a value is in a list, a name in a map, a text in a text.
pub fn is_in(call: &mut Call) -> Result<Value, Error> {
    let (value, container) = (call.defined(0)?, call.defined(1)?);
    if container.kind() == ValueKind::String {
        return Ok(Value::from(call.text(1)?.contains(&*call.text(0)?)));
    }
    Ok(Value::from(call.list(1)?.contains(&value)))
}

/// A filter, or an attribute, of each.
pub fn map(call: &mut Call) -> Result<Value, Error> {
    let items = call.list(0)?;
    let attribute = call.named("attribute");
    let filter = if attribute.is_some() { None } else { Some(call.text(1)?) };
    let mut arguments = call.values(usize::from(filter.is_some())).to_vec();
    let mapped = items.into_iter().map(|item| match (&attribute, &filter) {
        (Some(attribute), _) => item.get_item(attribute),
        (None, Some(filter)) => {
            arguments[0] = item;
            call.state.apply_filter(filter, &arguments).map_err(named)
        }
        (None, None) => Ok(item),
    });
    mapped.collect::<Result<Vec<_>, _>>().map(Value::from)
}

/// Those, of which a test holds, or that are true where there is no test.
pub fn select(call: &mut Call, by_attribute: bool, keep: bool) -> Result<Value, Error> {
    let at = if by_attribute { 2 } else { 1 };
    let mut items = call.list(0)?;
    let attribute = by_attribute.then(|| call.defined(1)).transpose()?;
    let test = call.optional_text(at)?;
    // The item itself goes before the arguments of the test.
    let mut arguments = vec![Value::UNDEFINED];
    arguments.extend_from_slice(call.values(at + 1));
    let mut failure = None;
    items.retain(|item| {
        if failure.is_some() {
            return false;
        }
        let value = attribute.as_ref().map_or_else(|| Ok(item.clone()), |attribute| item.get_item(attribute));
        let holds = value.and_then(|value| match &test {
            None => Ok(value.is_true()),
            Some(test) => {
                arguments[0] = value;
                call.state.perform_test(test, &arguments)
            }
        });
        holds.map_err(|error| failure = Some(error)).is_ok_and(|holds| holds == keep)
    });
    failure.map_or_else(|| Ok(Value::from(items)), |error: Error| Err(named(error)))
}

/// minijinja does not say which filter or test is unknown; nor do we, the name may come from anywhere.
fn named(error: Error) -> Error {
    match error.kind() {
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest => failed("there is no filter, or no test, of that name"),
        _ => error,
    }
}
