//! Every filter, test and function there is. All are ours: minijinja's own cost more, print Python's `True`, and some make a
//! text of any size.
//!
//! | filter | gives |
//! |---|---|
//! | `lower` `upper` `trim(chars)` `replace(from, to)` `indent(width, first)` `string` | a text |
//! | `split(separator, max)` `lines` | the parts of a text; without a separator its words |
//! | `join(separator)` | a text of a list |
//! | `default(value, for_empty)` `d` | the value if there is none, or with `true` if it is empty too |
//! | `tojson(indent)` | JSON, in one line unless `indent` says how many spaces |
//! | `b64` `b64d` `b64encode` `b64decode` | Base64 (RFC 4648, padded) and back |
//! | `md5` `sha256` | the digest of a text, in hexadecimal |
//! | `quote` | one word of a POSIX shell, in single quotes |
//! | `urlencode(safe)` | percent-encoding (RFC 3986) of all but letters, digits, `-._~` and what is in `safe`: a password for a URL; `safe="/"` for a path |
//! | `escape` `e` | XML and HTML: `&amp;` ... |
//! | `bool` | `true` for true yes on 1 t y, `false` for false no off 0 f n and the empty text, in any case; else refused |
//! | `int(default, base)` `float(default)` | the number, or the default, or an error; `int` cuts a fraction off |
//! | `length` `count` `first` `last` `min` `max` `sort(reverse)` `unique` `reverse` `list` `items` | as in Jinja; `sort` minds the case |
//! | `map(filter, ...)` `map(attribute=)` `select(test, ...)` `reject` `selectattr(attribute, test, ...)` `rejectattr` | as in Jinja |

use super::call::{Builtin, Call, Shared, bind, failed, text, yes};
use super::context::{Access, Files};
use super::{call, encode, flags, lists, numbers, texts, url};
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, Value};
use std::sync::Arc;

const FILTERS: &[Builtin] = &[
    is("lower", "value$", |call| make(call, str::to_lowercase)),
    is("upper", "value$", |call| make(call, str::to_uppercase)),
    is("trim", "value$ chars?", texts::trim),
    is("replace", "value$ from$ to$", texts::replace),
    is("indent", "value$ width first", texts::indent),
    is("string", "value$", texts::string),
    is("split", "value$ separator? max", texts::split),
    is("lines", "value$", texts::lines),
    is("join", "value separator", texts::join),
    is("default d", "value default for_empty", lists::default),
    is("tojson", "value! indent", encode::tojson),
    is("b64 b64encode", "value$", |call| make(call, |text| encode::base64(text.as_bytes()))),
    is("b64d b64decode", "value$", encode::b64d),
    is("md5", "value$", |call| make(call, encode::md5)),
    is("sha256", "value$", |call| make(call, encode::sha256)),
    is("quote", "value$", |call| make(call, encode::quote)),
    is("urlencode", "value$ safe?", encode::urlencode),
    is("escape e", "value$", |call| make(call, encode::escape)),
    is("bool", "value!", numbers::bool),
    is("int", "value default base", numbers::int),
    is("float", "value! default", numbers::float),
    is("length count", "value!", lists::length),
    is("first", "value", lists::first),
    is("last", "value", lists::last),
    is("min", "value", lists::min),
    is("max", "value", lists::max),
    is("sort", "value reverse", lists::sort),
    is("unique", "value", lists::unique),
    is("reverse", "value!", lists::reverse),
    is("list", "value", lists::list),
    is("items", "value!", lists::items),
    is("map", "* attribute", lists::map),
    is("select", "*", |call| lists::select(call, false, true)),
    is("reject", "*", |call| lists::select(call, false, false)),
    is("selectattr", "*", |call| lists::select(call, true, true)),
    is("rejectattr", "*", |call| lists::select(call, true, false)),
];

const TESTS: &[Builtin] = &[
    is("defined", "value", |call| yes(!call.value(0).is_undefined())),
    is("undefined", "value", |call| yes(call.value(0).is_undefined())),
    is("none", "value", |call| yes(call.value(0).is_none())),
    is("true", "value", |call| yes(*call.value(0) == Value::from(true))),
    is("false", "value", |call| yes(*call.value(0) == Value::from(false))),
    is("boolean", "value", |call| yes(call.value(0).kind() == ValueKind::Bool)),
    is("number", "value", |call| yes(call.value(0).is_number())),
    is("integer", "value", |call| yes(call.value(0).is_integer())),
    is("string", "value", |call| yes(call.value(0).kind() == ValueKind::String)),
    is("sequence", "value", |call| yes(call.value(0).kind() == ValueKind::Seq)),
    is("iterable", "value", |call| yes(call.value(0).try_iter().is_ok())),
    is("mapping", "value", |call| yes(call.value(0).kind() == ValueKind::Map)),
    is("odd", "value", |call| yes(call.value(0).as_i64().is_some_and(|number| number % 2 != 0))),
    is("even", "value", |call| yes(call.value(0).as_i64().is_some_and(|number| number % 2 == 0))),
    is("divisibleby", "value! by!", numbers::is_divisible),
    is("startingwith", "value$ start$", |call| yes(call.text(0).starts_with(call.text(1)))),
    is("endingwith", "value$ end$", |call| yes(call.text(0).ends_with(call.text(1)))),
    is("in", "value! container!", lists::is_in),
    is("eq equalto ==", "value! other!", |call| compare(call, Value::eq)),
    is("ne !=", "value! other!", |call| compare(call, Value::ne)),
    is("lt lessthan <", "value! other!", |call| compare(call, Value::lt)),
    is("le <=", "value! other!", |call| compare(call, Value::le)),
    is("gt greaterthan >", "value! other!", |call| compare(call, Value::gt)),
    is("ge >=", "value! other!", |call| compare(call, Value::ge)),
];

const FUNCTIONS: &[Builtin] = &[
    is("range", "from! to step", numbers::range),
    is("exists", "path$", |call| ask(call, |files, path| files.exists(path))),
    is("is_dir", "path$", |call| ask(call, |files, path| files.is_dir(path))),
    is("is_empty", "path$", |call| ask(call, |files, path| files.is_empty(path))),
    is("contains", "path$ text$", |call| answer(call.shared.files.contains(call.text(0), call.text(1)))),
    is("file_text", "path$", |call| {
        let content = call.shared.files.text(call.text(0)).map_err(failed)?;
        call.fits(content.len())?;
        text(&content)
    }),
    is("list_dir", "path$", |call| {
        let names = call.shared.files.list(call.text(0)).map_err(failed)?;
        call::texts(&mut names.iter().map(String::as_str))
    }),
    is("random_hex", "bytes!", encode::random_hex),
    is("is_mount", "path$", |call| ask(call, |files, path| files.is_mount(path))),
    is("readable", "path$", |call| ask(call, |files, path| files.may(Access::Read, path))),
    is("writable", "path$", |call| ask(call, |files, path| files.may(Access::Write, path))),
    is("executable", "path$", |call| ask(call, |files, path| files.may(Access::Execute, path))),
    is("is_executable", "name$", flags::is_executable),
    is("has_flag", "flag$", flags::has),
    is("flag_value", "flag$", flags::value),
    is("url", "url$", url::url),
    is("hostport", "value$ default_port", url::hostport),
];

/// All of them into an environment.
pub fn add(environment: &mut Environment<'static>, shared: &Arc<Shared>) {
    for builtin in FILTERS {
        for name in builtin.names.split(' ') {
            environment.add_filter(name, bind(shared, builtin));
        }
    }
    for builtin in TESTS {
        for name in builtin.names.split(' ') {
            environment.add_test(name, bind(shared, builtin));
        }
    }
    for builtin in FUNCTIONS {
        for name in builtin.names.split(' ') {
            environment.add_function(name, bind(shared, builtin));
        }
    }
}

const fn is(names: &'static str, parameters: &'static str, run: fn(&mut Call) -> Result<Value, Error>) -> Builtin {
    Builtin { names, parameters, run }
}

/// One text of another.
fn make(call: &mut Call, of: fn(&str) -> String) -> Result<Value, Error> {
    text(&of(call.text(0)))
}

fn compare(call: &mut Call, holds: fn(&Value, &Value) -> bool) -> Result<Value, Error> {
    yes(holds(call.value(0), call.value(1)))
}

fn ask(call: &mut Call, question: fn(&dyn Files, &str) -> Result<bool, String>) -> Result<Value, Error> {
    answer(question(&*call.shared.files, call.text(0)))
}

pub fn answer(answer: Result<bool, String>) -> Result<Value, Error> {
    answer.map(Value::from).map_err(failed)
}
