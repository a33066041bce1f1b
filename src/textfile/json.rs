//! JSON, changed where it stands: everything but the value that is set stays byte for byte, so names keep their order and
//! lines their indentation. A place is a JSON pointer (RFC 6901): `/a/b/0`; `/a/-` is behind the last item of a list.

use super::{Edited, Missing, Mistake, Order, Wish};
use crate::json;
use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

const BLANKS: &[u8] = b" \t\r\n";

#[inline(never)]
pub(super) fn edit(text: &[u8], orders: &[Order]) -> Result<Edited, Vec<Mistake>> {
    // What is to be filled begins empty.
    let mut content = if text.trim_ascii().is_empty() { b"{}\n".to_vec() } else { text.to_vec() };
    check(&content).map_err(|what| vec![Mistake::new(b"", what.into())])?;
    let mut mistakes = Vec::new();
    let mut changes = Vec::new();
    for order in orders {
        match follow(&mut content, order) {
            Ok("") => {}
            Ok(what) => changes.push(super::change(what, &order.key)),
            Err(what) => mistakes.push(Mistake::new(&order.key, what)),
        }
    }
    if mistakes.is_empty() { Ok(Edited::new(text, content, changes)) } else { Err(mistakes) }
}

/// Whether it is JSON at all. What follows relies on it: it only looks for where things end.
fn check(text: &[u8]) -> Result<(), String> {
    json::check(text).map_err(|place| format!("it is not JSON: {place}"))
}

/// Changes the text as it is wanted, and says how; nothing: it is so already.
#[inline(never)]
fn follow(text: &mut Vec<u8>, order: &Order) -> Result<&'static str, Cow<'static, str>> {
    let value = match &order.wish {
        Wish::Text(value) | Wish::Quoted(value) => {
            let value = std::str::from_utf8(value).map_err(|_| "the value is not UTF-8, and JSON is")?;
            serde_json::to_string(value).unwrap_or_default().into_bytes()
        }
        Wish::Json(json) => {
            check(json).map_err(|_| "the value is not JSON")?;
            json.trim_ascii().to_vec()
        }
        Wish::Deleted => Vec::new(),
    };
    let tokens = tokens(&order.key)?;
    let mut at = start(text);
    for (index, token) in tokens.iter().enumerate() {
        let list = Children::of(text, at).ok_or_else(|| {
            let above = pointer(&tokens[..index]);
            format!("`{above}` is neither an object nor a list")
        })?;
        let Some(found) = list.find(text, token)? else {
            return match (&order.wish, order.missing) {
                (Wish::Deleted, _) | (_, Missing::Ignore) => Ok(""),
                (_, Missing::Refuse) => Err("it is not there".into()),
                (_, Missing::Append) => list.add(text, token, &tokens[index + 1..], &value).map(|()| "add"),
            };
        };
        if index + 1 == tokens.len() && order.wish == Wish::Deleted {
            list.remove(text, found);
            return Ok("delete");
        }
        at = list.items[found].value.start;
    }
    if order.wish == Wish::Deleted {
        return Err("all of it cannot be deleted".into());
    }
    let range = at..end(text, at);
    if same(&text[range.clone()], &value) {
        return Ok("");
    }
    splice(text, range, &value);
    Ok("set")
}

/// How deep the values are nested that are compared.
const DEEPEST: usize = 127;

/// Whether two values say the same.
fn same(one: &[u8], other: &[u8]) -> bool {
    one == other || said(one, DEEPEST).is_some_and(|one| Some(one) == said(other, DEEPEST))
}

/// What a value says, written in one way: the names of an object in order, and of the same ones the last. `None`: it has a
/// string or a number that no reader takes, or is nested deeper than `depth`.
fn said(value: &[u8], depth: usize) -> Option<String> {
    if let Some(list) = Children::of(value, 0) {
        let depth = depth.checked_sub(1)?;
        let mut members = Vec::new();
        for (place, member) in list.items.iter().rev().enumerate() {
            let name = if list.is_object { json::string(&value[member.name.clone()])? } else { String::new() };
            members.push((name, place, said(&value[member.value.clone()], depth)?));
        }
        if list.is_object {
            members.sort_unstable_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
            members.dedup_by(|one, other| one.0 == other.0);
        }
        let mut all = String::from(if list.is_object { "{" } else { "[" });
        for (name, _, value) in members {
            write!(all, "{name:?}:{value},").ok()?;
        }
        return Some(all);
    }
    if value.starts_with(b"\"") {
        return json::string(value).map(|text| format!("{text:?}"));
    }
    let word = std::str::from_utf8(value).ok()?;
    let is_whole = word != "-0" && (word.parse::<i64>().is_ok() || word.parse::<u64>().is_ok());
    match word.parse::<f64>() {
        // 0 and -0 are one.
        Ok(number) if !is_whole => number.is_finite().then(|| format!("{:?}", number + 0.0)),
        _ => Some(word.to_owned()),
    }
}

fn splice(text: &mut Vec<u8>, range: Range<usize>, new: &[u8]) {
    *text = [&text[..range.start], new, &text[range.end..]].concat();
}

/// The parts of a pointer.
fn tokens(pointer: &[u8]) -> Result<Vec<String>, &'static str> {
    let text = std::str::from_utf8(pointer).map_err(|_| "a JSON pointer is UTF-8")?;
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let Some(rest) = text.strip_prefix('/') else { return Err("a JSON pointer begins with `/`, as in `/a/b/0`") };
    Ok(rest.split('/').map(|token| token.replace("~1", "/").replace("~0", "~")).collect())
}

fn pointer(tokens: &[String]) -> String {
    let mut pointer = String::new();
    for token in tokens {
        pointer.push('/');
        pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
    }
    pointer
}

/// The span of what a pointer leads to, in a text that is JSON.
pub(super) fn find(text: &[u8], key: &[u8]) -> Result<Option<Range<usize>>, Cow<'static, str>> {
    check(text)?;
    let mut at = start(text);
    for token in tokens(key)? {
        let Some(list) = Children::of(text, at) else { return Ok(None) };
        let Some(found) = list.find(text, &token)? else { return Ok(None) };
        at = list.items[found].value.start;
    }
    Ok(Some(at..end(text, at)))
}

fn start(text: &[u8]) -> usize {
    super::skip(text, 0, text.len(), BLANKS)
}

/// An object or a list.
struct Children {
    is_object: bool,
    /// Between the brackets.
    inside: Range<usize>,
    items: Vec<Member>,
}

struct Member {
    /// Where it begins: at its name, or at its value in a list.
    start: usize,
    /// The name with its quotes; empty in a list.
    name: Range<usize>,
    value: Range<usize>,
}

impl Children {
    /// What is at `at`, if it is one of them.
    fn of(text: &[u8], at: usize) -> Option<Self> {
        let is_object = match text.get(at)? {
            b'{' => true,
            b'[' => false,
            _ => return None,
        };
        let next = |at: usize| super::skip(text, at, text.len(), BLANKS);
        let mut items = Vec::new();
        let mut here = next(at + 1);
        while !matches!(text.get(here)?, b'}' | b']') {
            let start = here;
            let mut name = here..here;
            if is_object {
                name.end = end(text, here);
                // Behind the colon.
                here = next(next(name.end) + 1);
            }
            let value = here..end(text, here);
            here = next(value.end);
            items.push(Member { start, name, value });
            if text.get(here) == Some(&b',') {
                here = next(here + 1);
            }
        }
        Some(Children { is_object, inside: at + 1..here, items })
    }

    /// Which of them is meant. A name that is there twice means its last value, as most readers have it.
    fn find(&self, text: &[u8], token: &str) -> Result<Option<usize>, Cow<'static, str>> {
        if self.is_object {
            let is_it = |member: &Member| json::string(&text[member.name.clone()]).is_some_and(|name| name == token);
            return Ok(self.items.iter().rposition(is_it));
        }
        if token == "-" {
            return Ok(None);
        }
        let digits = token.bytes().all(|byte| byte.is_ascii_digit()) && (token == "0" || !token.starts_with('0'));
        match token.parse::<usize>() {
            Ok(index) if digits && index < self.items.len() => Ok(Some(index)),
            Ok(index) if digits && index == self.items.len() => Ok(None),
            _ => Err(format!("`{token}` is no place in a list of {}", self.items.len()).into()),
        }
    }

    /// Puts one more member in the text, and what is below it.
    #[inline(never)]
    fn add(&self, text: &mut Vec<u8>, token: &str, below: &[String], value: &[u8]) -> Result<(), Cow<'static, str>> {
        if below.iter().any(|token| token == "-") {
            return Err("a list that is not there cannot be added to".into());
        }
        let quoted = |token: &str| serde_json::to_string(token).unwrap_or_default().into_bytes();
        let colon: &[u8] = match self.items.last() {
            Some(last) if self.is_object => &text[last.name.end..last.value.start],
            Some(_) | None => b": ",
        };
        let mut new = Vec::new();
        if self.is_object {
            new.extend(quoted(token));
            new.extend(colon);
        }
        for token in below {
            new.push(b'{');
            new.extend(quoted(token));
            new.extend(b": ");
        }
        new.extend(value);
        new.resize(new.len() + below.len(), b'}');
        let place = match self.items.last() {
            Some(last) => {
                // As far from the comma as the last one is from what is before it.
                let before = match self.items.iter().nth_back(1) {
                    Some(previous) => previous.value.end,
                    None => self.inside.start,
                };
                let mut gap = text[before..last.start].to_vec();
                gap.retain(|byte| BLANKS.contains(byte));
                if gap.is_empty() && self.items.len() == 1 {
                    gap.push(b' ');
                }
                new = [&b","[..], &gap, &new].concat();
                last.value.end..last.value.end
            }
            None => self.inside.clone(),
        };
        splice(text, place, &new);
        Ok(())
    }

    /// Takes a member out of the text.
    fn remove(&self, text: &mut Vec<u8>, index: usize) {
        let member = &self.items[index];
        let range = match (index.checked_sub(1).map(|index| &self.items[index]), self.items.get(index + 1)) {
            (Some(previous), _) => previous.value.end..member.value.end,
            (None, Some(next)) => member.start..next.start,
            (None, None) => self.inside.clone(),
        };
        splice(text, range, b"");
    }
}

/// Where the value ends that begins at `at`, in a text that is JSON.
fn end(text: &[u8], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut here = at;
    loop {
        match text.get(here) {
            None => return here,
            Some(b'"') => {
                here += 1;
                while text.get(here).is_some_and(|&byte| byte != b'"') {
                    here += 1 + usize::from(text[here] == b'\\');
                }
                here += 1;
            }
            Some(b'{' | b'[') => {
                depth += 1;
                here += 1;
            }
            Some(b'}' | b']') if depth > 0 => {
                depth -= 1;
                here += 1;
            }
            Some(b'}' | b']') => return here,
            Some(byte) if depth == 0 && (b",:".contains(byte) || BLANKS.contains(byte)) => return here,
            Some(_) => {
                here += 1;
                continue;
            }
        }
        if depth == 0 {
            return here;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    /// Values of few words, so that two of them are often the same.
    fn value() -> impl Strategy<Value = String> {
        let word = prop_oneof![
            "null|true|false|-?[01](\\.0{1,2})?|1e[01]|10|1e999|9223372036854775808|18446744073709551616(\\.0)?",
            r#""a"|"\\u0061"|"\\ud800"|"\u{e4}"|"\\u00e4""#,
        ];
        word.prop_recursive(3, 12, 3, |inner| {
            let member = ("\"[ab]\"|\"\\\\u0061\"", inner.clone()).prop_map(|(name, value)| format!("{name}: {value}"));
            prop_oneof![
                prop::collection::vec(inner, 0..3).prop_map(|items| format!("[{}]", items.join(" , "))),
                prop::collection::vec(member, 0..4).prop_map(|members| format!("{{ {}}}", members.join(","))),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn what_says_the_same_to_serde_json_does_to_us(one in value(), other in value()) {
            let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
            for (one, other) in [(&one, &other), (&one, &one.replace(' ', "  ")), (&one, &one.replace("\"b\"", "\"a\""))] {
                let theirs = one == other || parsed(one).is_some_and(|one| Some(one) == parsed(other));
                prop_assert_eq!(same(one.as_bytes(), other.as_bytes()), theirs, "{} {}", one, other);
            }
        }
    }

    #[test]
    fn what_is_nested_too_deep_is_not_compared() {
        let deep = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
        for depth in [126, 127, 128, 100_000] {
            let theirs = serde_json::from_str::<Value>(&deep(depth)).is_ok();
            assert_eq!(same(deep(depth).as_bytes(), deep(depth).replace("[]", "[ ]").as_bytes()), theirs, "{depth}");
        }
    }
}
