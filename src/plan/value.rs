//! What a value must be. Nothing said here contains it: it may be a secret.

use crate::config::model::{Kind, Variable};
use crate::config::types::{Size, parse_duration};

/// Checks a value; returns it as the application is to get it.
///
/// # Errors
/// What it is not, and what would be accepted, as the end of a sentence that begins with its name.
pub fn check(variable: &Variable, value: &[u8]) -> Result<Vec<u8>, String> {
    let kind = variable.kind.unwrap_or(Kind::String);
    if kind == Kind::String && variable.matches.is_none() {
        return Ok(value.to_vec());
    }
    let text = std::str::from_utf8(value).map_err(|_| "is not UTF-8".to_owned())?;
    let checked = of_kind(kind, variable, text).ok_or_else(|| refusal(kind, variable, text))?;
    if let Some(pattern) = &variable.matches {
        // The anchors are ours: what is to match is the whole value.
        let whole = regex_lite::Regex::new(&format!("^(?:{pattern})$"))
            .map_err(|_| "cannot be checked: its `matches` is no regular expression")?;
        if !whole.is_match(text) {
            return Err(format!("does not match `{pattern}`"));
        }
    }
    Ok(checked)
}

fn of_kind(kind: Kind, variable: &Variable, text: &str) -> Option<Vec<u8>> {
    let holds = match kind {
        Kind::String => true,
        Kind::Int => {
            let (least, greatest) = (variable.min.unwrap_or(i64::MIN), variable.max.unwrap_or(i64::MAX));
            text.parse::<i64>().is_ok_and(|number| (least..=greatest).contains(&number))
        }
        Kind::Port => {
            text.bytes().all(|digit| digit.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
        }
        Kind::Bool => return boolean(text).map(|answer| answer.to_string().into_bytes()),
        Kind::Enum => variable.one_of.iter().any(|word| word == text),
        Kind::Url => {
            let split = text.split_once("://");
            split.is_some_and(|(scheme, rest)| {
                let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
                let blank = rest.chars().any(|character| character.is_whitespace() || character.is_control());
                scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                    && scheme.bytes().all(legal)
                    && !rest.is_empty()
                    && !blank
            })
        }
        Kind::Duration => parse_duration(text).is_some(),
        Kind::Size => Size::parse(text).is_some(),
        Kind::Path => text.starts_with('/'),
    };
    holds.then(|| text.as_bytes().to_vec())
}

/// The usual spellings, in any case.
pub fn boolean(text: &str) -> Option<bool> {
    let is = |spellings: &str| spellings.split(' ').any(|spelling| text.eq_ignore_ascii_case(spelling));
    if is("1 true yes on") { Some(true) } else { is("0 false no off").then_some(false) }
}

#[inline(never)]
fn refusal(kind: Kind, variable: &Variable, text: &str) -> String {
    let what = match kind {
        Kind::String => "",
        Kind::Int => "is not a whole number",
        Kind::Port => "is not a port, 1 to 65535",
        Kind::Bool => "is not a boolean: accepted are 1, true, yes, on, 0, false, no, off",
        Kind::Enum => "is not one of ",
        Kind::Url => "is not a URL: accepted is a scheme, `://`, and something behind it",
        Kind::Duration => "is not a duration: accepted are a number and ms, s, m or h",
        Kind::Size => "is not a size: accepted are bytes, or a number with K, M, G or T",
        Kind::Path => "is not an absolute path",
    };
    let more = match (kind, variable.min, variable.max) {
        (Kind::Enum, _, _) => variable.one_of.join(", "),
        (Kind::Int, Some(least), None) => format!(" of {least} or more"),
        (Kind::Int, None, Some(greatest)) => format!(" of {greatest} or less"),
        (Kind::Int, Some(least), Some(greatest)) => format!(" from {least} to {greatest}"),
        _ => String::new(),
    };
    // What Kubernetes makes of a Service that is called like the application (Service links).
    let link = matches!(kind, Kind::Port | Kind::Int) && (text.starts_with("tcp://") || text.starts_with("udp://"));
    let hint = "; it is what Kubernetes sets for a Service of that name: `enableServiceLinks: false` in the Pod turns that off";
    [what, &more, if link { hint } else { "" }].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Source, parse};

    fn checked(variable: &str, value: &str) -> Result<String, String> {
        let text = format!("version = 1\n[env.X]\n{variable}\n");
        let (config, _) = parse(Source { name: "f".into(), text, hidden: vec![] }).unwrap();
        check(config.env.get("X").unwrap(), value.as_bytes()).map(|value| String::from_utf8(value).unwrap())
    }

    #[test]
    fn kinds_take_what_they_say() {
        for (variable, good, bad) in [
            ("type = \"int\"\nmin = 1\nmax = 10", &["1", "10", "+5"][..], &["0", "11", "", "1.5", "x", " 1"][..]),
            ("type = \"port\"", &["1", "65535", "080"], &["0", "65536", "-1", "+80", "http", ""]),
            ("type = \"enum\"\none_of = [\"a\", \"b\"]", &["a", "b"], &["A", "", "ab"]),
            (
                "type = \"url\"",
                &["http://x", "postgres://u:p@h/d?x=1", "a+b://x"],
                &["x", "://x", "http://", "1a://x", "http://a b"],
            ),
            ("type = \"duration\"", &["5s", "500ms", "1h"], &["5", "s", "1d"]),
            ("type = \"size\"", &["5", "64K", "1GiB"], &["K", "1.5G"]),
            ("type = \"path\"", &["/", "/a b"], &["", "a", "./a"]),
            ("matches = \"[a-z]+\"", &["abc"], &["", "abc1", "a b", "abc\n"]),
        ] {
            good.iter().for_each(|value| assert_eq!(checked(variable, value).as_deref(), Ok(*value), "{variable}"));
            bad.iter().for_each(|value| assert!(checked(variable, value).is_err(), "{variable}: {value:?}"));
        }
    }

    #[test]
    fn a_range_is_told_as_far_as_it_has_ends() {
        for (range, told) in [
            ("", "is not a whole number"),
            ("min = 0", "is not a whole number of 0 or more"),
            ("max = 9", "is not a whole number of 9 or less"),
            ("min = -1\nmax = 9", "is not a whole number from -1 to 9"),
        ] {
            assert_eq!(checked(&format!("type = \"int\"\n{range}"), "x"), Err(told.to_owned()));
        }
    }

    #[test]
    fn a_boolean_reaches_the_application_in_one_spelling() {
        for (spelling, answer) in [("Yes", "true"), ("ON", "true"), ("1", "true"), ("False", "false"), ("no", "false")]
        {
            assert_eq!(checked("type = \"bool\"", spelling).as_deref(), Ok(answer));
        }
        assert!(checked("type = \"bool\"", "2").is_err());
    }

    #[test]
    fn a_service_link_gets_a_hint_and_is_not_quoted() {
        let refusal = checked("type = \"port\"", "tcp://10.0.0.1:8080").unwrap_err();
        assert!(refusal.starts_with("is not a port, 1 to 65535; it is what Kubernetes sets"), "{refusal}");
        assert!(!refusal.contains("10.0"), "{refusal}");
    }
}
