//! The filters that write a text in the way of a format.

use super::call::{Call, failed, text};
use super::{md5 as sum, print};
use minijinja::{Error, Value};

pub fn tojson(call: &mut Call) -> Result<Value, Error> {
    let indent = call.optional_count(1)?.map(|width| width.min(16));
    text(&print::json_text(call.value(0), indent, call.shared.limit)?)
}

pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

pub fn escape(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            '>' => result.push_str("&gt;"),
            '"' => result.push_str("&quot;"),
            '\'' => result.push_str("&#39;"),
            c => result.push(c),
        }
    }
    result
}

pub fn urlencode(call: &mut Call) -> Result<Value, Error> {
    let (plain, safe) = (call.text(0), call.text(1));
    let mut result = String::with_capacity(plain.len());
    for &byte in plain.as_bytes() {
        let stays = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if stays || byte.is_ascii() && safe.as_bytes().contains(&byte) {
            result.push(char::from(byte));
        } else {
            result.push('%');
            result.push_str(&hex(&[byte]).to_ascii_uppercase());
        }
    }
    text(&result)
}

/// The most bytes that `random_hex` draws at once.
const MOST_RANDOM: usize = 1024;

/// Two digits for each byte.
pub fn random_hex(call: &mut Call) -> Result<Value, Error> {
    let count = call.value(0).as_usize().filter(|count| (1..=MOST_RANDOM).contains(count));
    let count = count.ok_or_else(|| failed("`random_hex` takes a number of bytes from 1 to 1024"))?;
    text(&hex(&call.shared.files.random(count).map_err(failed)?))
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 (RFC 4648), padded.
pub fn base64(bytes: &[u8]) -> String {
    let mut result = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let digit = BASE64[(bits >> (18 - 6 * index) & 63) as usize];
            result.push(if index > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    result
}

/// For formats that want it (the user list of pgbouncer, PostgreSQL's `md5...`); it protects nothing.
pub fn md5(text: &str) -> String {
    hex(&sum::digest(text.as_bytes()))
}

pub fn sha256(text: &str) -> String {
    hex(&hmac_sha256::Hash::hash(text.as_bytes()))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for &byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            digits.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
    }
    digits
}

/// White space is skipped: what base64(1) writes has newlines. Padding may be missing.
pub fn b64d(call: &mut Call) -> Result<Value, Error> {
    let mut digits = call.text(0).as_bytes().to_vec();
    digits.retain(|byte| !byte.is_ascii_whitespace());
    let padding = digits.iter().rev().take_while(|&&byte| byte == b'=').count();
    digits.truncate(digits.len() - padding);
    if padding > 2 || digits.len() % 4 == 1 {
        return Err(failed("this is not Base64"));
    }
    let mut result = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    for chunk in digits.chunks(4) {
        let mut bits = 0_u32;
        for index in 0..4 {
            let digit = chunk.get(index).map_or(Some(0), |&byte| digit(byte));
            let Some(digit) = digit else { return Err(failed("this is not Base64")) };
            bits = bits << 6 | u32::from(digit);
        }
        result.extend_from_slice(&bits.to_be_bytes()[1..chunk.len()]);
    }
    text(std::str::from_utf8(&result).map_err(|_| failed("what this Base64 holds is not UTF-8"))?)
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
