//! The filters that make numbers and truth of texts.

use super::call::{Call, failed, list, yes};
use super::condition;
use minijinja::value::ValueKind;
use minijinja::{Error, Value};

/// The most numbers a range may have.
const LONGEST_RANGE: usize = 100_000;

pub fn bool(call: &mut Call) -> Result<Value, Error> {
    let value = call.value(0);
    let Some(text) = value.as_str() else { return yes(value.is_true()) };
    condition::spelled(text).map(Value::from).ok_or_else(|| {
        failed("this text is neither true nor false: true, yes, on, 1, false, no, off, 0 and nothing are accepted")
    })
}

pub fn int(call: &mut Call) -> Result<Value, Error> {
    let base = call.optional_count(2)?.unwrap_or(10);
    let base = u32::try_from(base).ok().filter(|base| (2..=36).contains(base));
    let base = base.ok_or_else(|| failed("the base of a number is from 2 to 36"))?;
    call.require(0)?;
    let value = call.value(0);
    let number = match value.as_str() {
        Some(text) => parse(text.trim(), base),
        None if value.kind() == ValueKind::Bool => Some(Value::from(i64::from(value.is_true()))),
        None => whole(value.clone()),
    };
    or_default(call, number)
}

pub fn float(call: &mut Call) -> Result<Value, Error> {
    let value = call.value(0);
    let number = match value.as_str() {
        Some(text) => text.trim().parse().ok(),
        None => as_float(value),
    };
    or_default(call, number.map(Value::from))
}

fn or_default(call: &Call, number: Option<Value>) -> Result<Value, Error> {
    let default = Some(call.value(1)).filter(|default| !default.is_undefined());
    number.or_else(|| default.cloned()).ok_or_else(|| failed("this is not a number"))
}

/// As Python reads it: a sign, and the prefix of the base.
fn parse(text: &str, base: u32) -> Option<Value> {
    let prefix = match base {
        2 => "0b",
        8 => "0o",
        16 => "0x",
        _ => "",
    };
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.strip_prefix(prefix).unwrap_or(digits);
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    match i64::from_str_radix(&[sign, digits].concat(), base) {
        Ok(number) => Some(Value::from(number)),
        Err(_) if base == 10 => text.parse::<f64>().ok().map(Value::from).and_then(whole),
        Err(_) => None,
    }
}

/// A number without its fraction.
fn whole(number: Value) -> Option<Value> {
    if number.is_integer() {
        return Some(number);
    }
    let float = as_float(&number)?;
    // Beyond it a float has no fraction, and the cast no exact result.
    let exact = float.abs() < 9_007_199_254_740_992.0;
    #[allow(clippy::cast_possible_truncation)]
    exact.then(|| Value::from(float as i64))
}

fn as_float(value: &Value) -> Option<f64> {
    f64::try_from(value.clone()).ok()
}

pub fn is_divisible(call: &mut Call) -> Result<Value, Error> {
    let (number, by) = (call.value(0).as_i64(), call.value(1).as_i64());
    let rest = number.zip(by).and_then(|(number, by)| number.checked_rem(by));
    yes(rest == Some(0))
}

pub fn range(call: &mut Call) -> Result<Value, Error> {
    let mut numbers = [0, 0, 1];
    for (at, number) in numbers.iter_mut().enumerate() {
        let value = call.value(at);
        if at == 0 || !value.is_undefined() {
            *number = value.as_i64().ok_or_else(|| failed("`range` takes whole numbers"))?;
        }
    }
    let [mut from, mut to, step] = numbers;
    if call.value(1).is_undefined() {
        (from, to) = (0, from);
    }
    if step == 0 {
        return Err(failed("a `range` cannot have steps of 0"));
    }
    let mut range = Vec::new();
    while (step > 0 && from < to) || (step < 0 && from > to) {
        if range.len() == LONGEST_RANGE {
            return Err(failed("a `range` has at most 100000 numbers"));
        }
        range.push(Value::from(from));
        from = from.saturating_add(step);
    }
    list(range)
}
