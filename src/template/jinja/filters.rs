//! The filters and tests, and the functions beside those of [`Files`]: what of minijinja's we take, and our own.
//!
//! Ours, where minijinja has none, or where its own could make a text of any size or print Python's `True`:
//!
//! | filter | gives |
//! |---|---|
//! | `tojson(indent)` | JSON, in one line unless `indent` says how many spaces |
//! | `b64`, `b64d` | Base64 (RFC 4648, padded) and back; also `b64encode`, `b64decode` |
//! | `quote` | one word of a POSIX shell, in single quotes |
//! | `urlencode(safe)` | percent-encoding (RFC 3986) of all but letters, digits, `-._~` and what is in `safe`: a password for a URL; `safe="/"` for a path |
//! | `escape`, `e` | XML and HTML: `&amp;` ... |
//! | `bool` | `true` for true yes on 1 t y, `false` for false no off 0 f n and the empty text, in any case; else refused |
//! | `int(default, base)`, `float(default)` | the number, or the default, or an error |
//! | `join(separator)`, `replace(from, to)`, `indent(width, first)`, `string` | as in Jinja |

use super::condition;
use super::context::Files;
use super::error::OurWords;
use super::print::json_text;
use minijinja::value::{ArgType, Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind, State, filters, functions, tests};
use std::borrow::Cow;
use std::sync::Arc;

/// Every filter, test and function into an empty environment. `limit`: how many bytes a filter may make.
pub fn add(environment: &mut Environment<'static>, files: &Arc<dyn Files>, limit: usize) {
    add_texts(environment, limit);
    add_numbers_and_lists(environment);
    add_tests(environment);
    environment.add_function("range", functions::range);
    add_file_function(environment, files, "exists", |files, path| files.exists(path));
    add_file_function(environment, files, "is_dir", |files, path| files.is_dir(path));
    add_file_function(environment, files, "is_empty", |files, path| files.is_empty(path));
    let files = files.clone();
    environment.add_function("contains", move |path: &str, text: &str| files.contains(path, text).map_err(failed));
}

fn add_file_function(
    environment: &mut Environment<'static>,
    files: &Arc<dyn Files>,
    name: &'static str,
    ask: fn(&dyn Files, &str) -> Result<bool, String>,
) {
    let files = files.clone();
    environment.add_function(name, move |path: &str| ask(&*files, path).map_err(failed));
}

fn add_texts(environment: &mut Environment<'static>, limit: usize) {
    environment.add_filter("lower", filters::lower);
    environment.add_filter("upper", filters::upper);
    environment.add_filter("title", filters::title);
    environment.add_filter("capitalize", filters::capitalize);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("split", filters::split);
    environment.add_filter("lines", filters::lines);
    environment.add_filter("default", filters::default);
    environment.add_filter("d", filters::default);
    environment.add_filter("string", string);
    environment.add_filter("quote", quote);
    environment.add_filter("urlencode", |state: &mut State, value: &Value, safe: Option<Cow<str>>, more: Kwargs| {
        let safe = argument(safe, &more, "safe")?;
        more.assert_all_used()?;
        urlencode(state, value, &safe.unwrap_or_default())
    });
    for name in ["escape", "e"] {
        environment.add_filter(name, escape);
    }
    for name in ["b64", "b64encode"] {
        environment.add_filter(name, b64);
    }
    for name in ["b64d", "b64decode"] {
        environment.add_filter(name, b64d);
    }
    environment.add_filter("tojson", move |state: &mut State, value: &Value, indent: Option<usize>, more: Kwargs| {
        let indent = argument(indent, &more, "indent")?;
        more.assert_all_used()?;
        if value.is_undefined() {
            // Refuses it, and names it.
            return state.format(value.clone());
        }
        json_text(value, indent.map(|width: usize| width.min(16)), limit)
    });
    environment.add_filter("join", move |state: &mut State, items: &Value, separator: Option<Cow<str>>| {
        join(state, items, &separator.unwrap_or_default(), limit)
    });
    environment.add_filter("replace", move |text: Cow<str>, from: Cow<str>, to: Cow<str>| {
        let grows = text.matches(&*from).count().saturating_mul(to.len());
        fits(text.len().saturating_add(grows), limit).map(|()| text.replace(&*from, &to))
    });
    environment.add_filter("indent", move |text: Cow<str>, width: Option<usize>, first: Option<bool>, more: Kwargs| {
        let width = argument(width, &more, "width")?;
        let first = argument(first, &more, "first")?;
        more.assert_all_used()?;
        indent(&text, width.unwrap_or(4), first.unwrap_or(false), limit)
    });
}

fn add_numbers_and_lists(environment: &mut Environment<'static>) {
    environment.add_filter("bool", bool);
    environment.add_filter(
        "int",
        |state: &State, value: &Value, default: Option<Value>, base: Option<u32>, more: Kwargs| {
            number(filters::int(state, value, default, base, more))
        },
    );
    environment.add_filter("float", |state: &State, value: &Value, default: Option<Value>, more: Kwargs| {
        number(filters::float(state, value, default, more))
    });
    environment.add_filter("round", filters::round);
    environment.add_filter("abs", filters::abs);
    environment.add_filter("length", filters::length);
    environment.add_filter("count", filters::length);
    environment.add_filter("first", filters::first);
    environment.add_filter("last", filters::last);
    environment.add_filter("min", filters::min);
    environment.add_filter("max", filters::max);
    environment.add_filter("sum", filters::sum);
    environment.add_filter("sort", filters::sort);
    environment.add_filter("unique", filters::unique);
    environment.add_filter("reverse", filters::reverse);
    environment.add_filter("list", filters::list);
    environment.add_filter("items", filters::items);
    environment.add_filter("dictsort", filters::dictsort);
    environment.add_filter("map", filters::map);
    environment.add_filter("select", filters::select);
    environment.add_filter("reject", filters::reject);
    environment.add_filter("selectattr", filters::selectattr);
    environment.add_filter("rejectattr", filters::rejectattr);
}

fn add_tests(environment: &mut Environment<'static>) {
    environment.add_test("defined", tests::is_defined);
    environment.add_test("undefined", tests::is_undefined);
    environment.add_test("none", tests::is_none);
    environment.add_test("true", tests::is_true);
    environment.add_test("false", tests::is_false);
    environment.add_test("boolean", tests::is_boolean);
    environment.add_test("number", tests::is_number);
    environment.add_test("integer", tests::is_integer);
    environment.add_test("string", tests::is_string);
    environment.add_test("sequence", tests::is_sequence);
    environment.add_test("iterable", tests::is_iterable);
    environment.add_test("mapping", tests::is_mapping);
    environment.add_test("odd", tests::is_odd);
    environment.add_test("even", tests::is_even);
    environment.add_test("divisibleby", tests::is_divisibleby);
    environment.add_test("startingwith", tests::is_startingwith);
    environment.add_test("endingwith", tests::is_endingwith);
    environment.add_test("in", tests::is_in);
    for name in ["eq", "equalto", "=="] {
        environment.add_test(name, tests::is_eq);
    }
    for name in ["ne", "!="] {
        environment.add_test(name, tests::is_ne);
    }
    for name in ["lt", "lessthan", "<"] {
        environment.add_test(name, tests::is_lt);
    }
    for name in ["gt", "greaterthan", ">"] {
        environment.add_test(name, tests::is_gt);
    }
}

/// An argument that is given by its place or by its name.
fn argument<'a, T>(by_place: Option<T>, more: &'a Kwargs, name: &'static str) -> Result<Option<T>, Error>
where
    Option<T>: ArgType<'a, Output = Option<T>>,
{
    if by_place.is_some() { Ok(by_place) } else { more.get(name) }
}

/// What is printed for a value; an error names it if it is not defined.
fn text<'a>(state: &mut State, value: &'a Value) -> Result<Cow<'a, str>, Error> {
    match value.as_str() {
        Some(text) => Ok(Cow::Borrowed(text)),
        None => state.format(value.clone()).map(Cow::Owned),
    }
}

fn string(state: &mut State, value: &Value) -> Result<String, Error> {
    text(state, value).map(Cow::into_owned)
}

fn quote(state: &mut State, value: &Value) -> Result<String, Error> {
    text(state, value).map(|text| format!("'{}'", text.replace('\'', "'\\''")))
}

fn escape(state: &mut State, value: &Value) -> Result<String, Error> {
    let text = text(state, value)?;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    Ok(out)
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn urlencode(state: &mut State, value: &Value, safe: &str) -> Result<String, Error> {
    let text = text(state, value)?;
    let mut out = String::with_capacity(text.len());
    for &byte in text.as_bytes() {
        let stays = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if stays || byte.is_ascii() && safe.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', char::from(HEX[usize::from(byte >> 4)]), char::from(HEX[usize::from(byte & 15)])]);
        }
    }
    Ok(out)
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn b64(state: &mut State, value: &Value) -> Result<String, Error> {
    let text = text(state, value)?;
    let mut out = String::with_capacity(text.len().div_ceil(3) * 4);
    for chunk in text.as_bytes().chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let digit = BASE64[(bits >> (18 - 6 * index) & 63) as usize];
            out.push(if index > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    Ok(out)
}

/// White space is skipped: what base64(1) writes has newlines. Padding may be missing.
fn b64d(state: &mut State, value: &Value) -> Result<String, Error> {
    let mut digits: Vec<u8> = text(state, value)?.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let padding = digits.iter().rev().take_while(|&&byte| byte == b'=').count();
    digits.truncate(digits.len() - padding);
    if padding > 2 || digits.len() % 4 == 1 {
        return Err(failed("this is not Base64"));
    }
    let mut out = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for chunk in digits.chunks(4) {
        let mut bits = 0_u32;
        for index in 0..4 {
            let digit = chunk.get(index).map_or(Some(0), |&byte| digit(byte));
            let Some(digit) = digit else { return Err(failed("this is not Base64")) };
            bits = bits << 6 | u32::from(digit);
        }
        out.extend_from_slice(&bits.to_be_bytes()[1..chunk.len()]);
    }
    String::from_utf8(out).map_err(|_| failed("what this Base64 holds is not UTF-8"))
}

/// The six bits a character of Base64 stands for.
fn digit(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

fn bool(state: &mut State, value: &Value) -> Result<bool, Error> {
    if !value.is_undefined() && value.as_str().is_none() {
        return Ok(value.is_true());
    }
    condition::spelled(&text(state, value)?).ok_or_else(|| {
        failed("this text is neither true nor false: true, yes, on, 1, false, no, off, 0 and nothing are accepted")
    })
}

fn number(result: Result<Value, Error>) -> Result<Value, Error> {
    result.map_err(|error| match error.kind() {
        ErrorKind::InvalidOperation => failed("this is not a number"),
        _ => error,
    })
}

fn join(state: &mut State, items: &Value, separator: &str, limit: usize) -> Result<String, Error> {
    if items.is_undefined() {
        return state.format(items.clone());
    }
    let mut out = String::new();
    for (index, item) in items.try_iter()?.enumerate() {
        let item = text(state, &item)?.into_owned();
        let separator = if index == 0 { "" } else { separator };
        fits(out.len().saturating_add(separator.len()).saturating_add(item.len()), limit)?;
        out.push_str(separator);
        out.push_str(&item);
    }
    Ok(out)
}

fn indent(text: &str, width: usize, first: bool, limit: usize) -> Result<String, Error> {
    let lines = text.lines().count();
    fits(lines.saturating_mul(width).saturating_add(text.len()), limit)?;
    let margin = " ".repeat(width);
    let mut out = String::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        // As in Jinja, an empty line stays empty.
        if (index > 0 || first) && !line.trim_end_matches(['\r', '\n']).is_empty() {
            out.push_str(&margin);
        }
        out.push_str(line);
    }
    Ok(out)
}

fn fits(length: usize, limit: usize) -> Result<(), Error> {
    if length > limit { Err(Error::from(ErrorKind::WriteFailure)) } else { Ok(()) }
}

fn failed(why: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, why).with_source(OurWords)
}
