//! The parts of a URL (RFC 3986), and of `host:port`. A part that is not there is not defined, so that `default` works.

use super::call::{Call, Map, failed};
use minijinja::{Error, Value};

/// `url(x)`: a map with those of `scheme`, `user`, `password`, `host`, `port`, `path` and `query` that are there.
pub fn url(call: &mut Call) -> Result<Value, Error> {
    let text = call.text(0);
    let (scheme, rest) = text.split_once("://").ok_or_else(|| failed("this is no URL: there is no `://` in it"))?;
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(is_scheme) {
        return Err(failed("this is no URL: before `://` there is no scheme"));
    }
    let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // The last `@`: people forget to encode one in a password.
    let (who, place) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (user, password) = who.split_once(':').unwrap_or((who, ""));
    let (host, port) = divide(place)?;
    let mut parts = Map::default();
    parts.put_text("scheme", scheme);
    parts.put_text("user", &decode(user)?);
    parts.put_text("password", &decode(password)?);
    parts.put_text("host", host);
    if let Some(port) = port {
        parts.put("port", Value::from(port));
    }
    parts.put_text("path", path);
    parts.put_text("query", query);
    Ok(parts.done())
}

/// `hostport(x, default_port)`: a map with `host` and `port`.
pub fn hostport(call: &mut Call) -> Result<Value, Error> {
    let text = call.text(0);
    // An IPv6 address without brackets has no port behind it.
    let bare = text.matches(':').count() > 1 && !text.starts_with('[');
    let (host, port) = if bare { (text, None) } else { divide(text)? };
    let port = port.map_or_else(|| call.value(1).clone(), Value::from);
    let mut parts = Map::default();
    parts.put_text("host", host);
    if !port.is_undefined() {
        parts.put("port", port);
    }
    Ok(parts.done())
}

/// The host, an IPv6 address without its brackets, and the port.
fn divide(place: &str) -> Result<(&str, Option<u16>), Error> {
    let (host, rest) = match place.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or_else(|| failed("a `]` is missing behind the IPv6 address"))?,
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    let port = match rest.strip_prefix(':') {
        None if rest.is_empty() => None,
        Some("") => None,
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => port.parse().ok().filter(|&port| port > 0),
        Some(_) | None => None,
    };
    if port.is_none() && !matches!(rest, "" | ":") {
        return Err(failed("behind the host there is no port: accepted are 1 to 65535"));
    }
    Ok((host, port))
}

/// Percent-decoding.
fn decode(part: &str) -> Result<String, Error> {
    let mut bytes = part.bytes();
    let mut result = Vec::with_capacity(part.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            result.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
        let value = digit().zip(digit()).and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
        result.push(value.ok_or_else(|| failed("behind a `%` there are not two hexadecimal digits"))?);
    }
    String::from_utf8(result).map_err(|_| failed("what is percent-encoded is not UTF-8"))
}
