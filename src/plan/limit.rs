//! Resource limits by name (setrlimit(2)), and back.
#![forbid(unsafe_code)]

use crate::config::types::Size;
use std::fmt;

/// One entry of `ProcessState::limits`: the resource by its number, soft and hard.
pub type Limit = (u32, Option<u64>, Option<u64>);

/// No limit at all (`RLIM_INFINITY`).
pub const UNLIMITED: u64 = u64::MAX;

/// Names in the order of their numbers (include/uapi/asm-generic/resource.h: the same on x86_64 and aarch64), and what
/// they count.
const RESOURCES: [(&str, Unit); 16] = [
    ("cpu", Unit::Seconds),
    ("fsize", Unit::Bytes),
    ("data", Unit::Bytes),
    ("stack", Unit::Bytes),
    ("core", Unit::Bytes),
    ("rss", Unit::Bytes),
    ("nproc", Unit::Things),
    ("nofile", Unit::Things),
    ("memlock", Unit::Bytes),
    ("as", Unit::Bytes),
    ("locks", Unit::Things),
    ("sigpending", Unit::Things),
    ("msgqueue", Unit::Bytes),
    ("nice", Unit::Things),
    ("rtprio", Unit::Things),
    ("rttime", Unit::Microseconds),
];

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Bytes,
    Seconds,
    Microseconds,
    Things,
}

/// What is wrong with a limit, in words.
pub type Problem = String;

/// A limit whose soft and hard value are the same.
///
/// # Errors
/// Every problem of it.
pub fn both(name: &str, value: &[u8]) -> Result<Limit, Vec<Problem>> {
    let mut problems = Vec::new();
    let resource = number(name, &mut problems);
    let value = parse(resource, "", value, &mut problems);
    finish(resource, value, value, problems)
}

/// A limit whose soft and hard value are given one by one. One that is absent or empty stays as it is.
///
/// # Errors
/// Every problem of it.
pub fn each(name: &str, soft: Option<&[u8]>, hard: Option<&[u8]>) -> Result<Limit, Vec<Problem>> {
    let mut problems = Vec::new();
    let resource = number(name, &mut problems);
    let mut value = |which, text: Option<&[u8]>| text.and_then(|text| parse(resource, which, text, &mut problems));
    let (soft, hard) = (value("soft ", soft), value("hard ", hard));
    finish(resource, soft, hard, problems)
}

fn finish(
    resource: Option<u32>,
    soft: Option<u64>,
    hard: Option<u64>,
    mut problems: Vec<Problem>,
) -> Result<Limit, Vec<Problem>> {
    if let (Some(resource), Some(soft), Some(hard)) = (resource, soft, hard)
        && soft > hard
    {
        let (name, soft, hard) = (name(resource), Amount(soft), Amount(hard));
        problems.push(format!("the soft limit of `{name}` ({soft}) is above its hard limit ({hard})"));
    }
    match resource {
        Some(resource) if problems.is_empty() => Ok((resource, soft, hard)),
        Some(_) | None => Err(problems),
    }
}

fn number(name: &str, problems: &mut Vec<Problem>) -> Option<u32> {
    let found = (0..).zip(&RESOURCES).find(|(_, (known, _))| *known == name);
    if found.is_none() {
        let names = RESOURCES.map(|(name, _)| name).join(", ");
        problems.push(format!("there is no limit `{}`: accepted are {names}", name.escape_debug()));
    }
    found.map(|(number, _)| number)
}

/// A value; `None` for an empty one. `which`: `soft ` or `hard `, or nothing where one value is both. That of a resource nobody knows is no problem of its own.
fn parse(resource: Option<u32>, which: &str, value: &[u8], problems: &mut Vec<Problem>) -> Option<u64> {
    let resource = resource?;
    let text = std::str::from_utf8(value).ok().map(str::trim_ascii);
    let parsed = match text {
        Some("") => return None,
        Some(text) if text.eq_ignore_ascii_case("unlimited") => Some(UNLIMITED),
        Some(text) if unit(resource) == Unit::Bytes => Size::parse(text).map(|size| size.0),
        Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        Some(_) | None => None,
    };
    if parsed.is_none() {
        let accepted = match unit(resource) {
            Unit::Bytes => "a number of bytes, K, M, G or T behind it or not",
            Unit::Seconds => "a number of seconds",
            Unit::Microseconds => "a number of microseconds",
            Unit::Things => "a whole number",
        };
        let (value, name) = (String::from_utf8_lossy(value), name(resource));
        let value = value.escape_debug();
        problems.push(format!("`{value}` is no {which}limit of `{name}`: accepted are {accepted}, and `unlimited`"));
    }
    parsed
}

/// The name of a resource.
pub fn name(resource: u32) -> &'static str {
    entry(resource).0
}

fn unit(resource: u32) -> Unit {
    entry(resource).1
}

fn entry(resource: u32) -> (&'static str, Unit) {
    let known = usize::try_from(resource).ok().and_then(|number| RESOURCES.get(number).copied());
    known.unwrap_or(("unknown", Unit::Things))
}

/// A limit's value as people write it.
pub struct Amount(pub u64);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            UNLIMITED => f.write_str("unlimited"),
            number => number.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(result: Result<Limit, Vec<Problem>>) -> Vec<String> {
        result.expect_err("a problem").iter().map(Problem::to_string).collect()
    }

    #[test]
    fn names_are_those_of_the_kernel() {
        let cases = [
            ("cpu", libc::RLIMIT_CPU),
            ("fsize", libc::RLIMIT_FSIZE),
            ("data", libc::RLIMIT_DATA),
            ("stack", libc::RLIMIT_STACK),
            ("core", libc::RLIMIT_CORE),
            ("rss", libc::RLIMIT_RSS),
            ("nproc", libc::RLIMIT_NPROC),
            ("nofile", libc::RLIMIT_NOFILE),
            ("memlock", libc::RLIMIT_MEMLOCK),
            ("as", libc::RLIMIT_AS),
            ("locks", libc::RLIMIT_LOCKS),
            ("sigpending", libc::RLIMIT_SIGPENDING),
            ("msgqueue", libc::RLIMIT_MSGQUEUE),
            ("nice", libc::RLIMIT_NICE),
            ("rtprio", libc::RLIMIT_RTPRIO),
            ("rttime", libc::RLIMIT_RTTIME),
        ];
        for (name, number) in cases {
            assert_eq!(both(name, b"7"), Ok((number, Some(7), Some(7))), "{name}");
            assert_eq!(super::name(number), name);
        }
        assert_eq!(UNLIMITED, libc::RLIM_INFINITY);
    }

    #[test]
    fn values_have_the_unit_of_their_resource() {
        let cases = [
            ("nofile", "65536", Some(65536)),
            ("nofile", "0", Some(0)),
            ("nofile", "unlimited", Some(UNLIMITED)),
            ("core", "Unlimited", Some(UNLIMITED)),
            ("core", "0", Some(0)),
            ("memlock", "64K", Some(65536)),
            ("stack", "8M", Some(8 << 20)),
            ("as", "2GiB", Some(2 << 30)),
            ("nofile", " 5\n", Some(5)),
            ("nofile", "", None),
        ];
        for (name, value, expected) in cases {
            let limit = both(name, value.as_bytes()).map(|(_, soft, hard)| (soft, hard));
            assert_eq!(limit, Ok((expected, expected)), "{name} {value}");
        }
    }

    #[test]
    fn soft_and_hard_stand_for_themselves() {
        let nofile = libc::RLIMIT_NOFILE;
        assert_eq!(each("nofile", Some(b"1024"), Some(b"65536")), Ok((nofile, Some(1024), Some(65536))));
        assert_eq!(each("nofile", Some(b"1024"), None), Ok((nofile, Some(1024), None)));
        assert_eq!(each("nofile", Some(b""), Some(b"unlimited")), Ok((nofile, None, Some(UNLIMITED))));
    }

    #[test]
    fn every_problem_is_told_at_once() {
        assert_eq!(
            messages(each("nofile", Some(b"1K"), Some(b"-1"))),
            [
                "`1K` is no soft limit of `nofile`: accepted are a whole number, and `unlimited`",
                "`-1` is no hard limit of `nofile`: accepted are a whole number, and `unlimited`",
            ]
        );
        assert_eq!(
            messages(both("core", b"\xff")),
            [
                "`\u{fffd}` is no limit of `core`: accepted are a number of bytes, K, M, G or T behind it or not, and `unlimited`"
            ]
        );
        assert_eq!(
            messages(each("cpu", Some(b"unlimited"), Some(b"5"))),
            ["the soft limit of `cpu` (unlimited) is above its hard limit (5)"]
        );
        assert_eq!(
            messages(both("NOFILE", b"x")),
            [
                "there is no limit `NOFILE`: accepted are cpu, fsize, data, stack, core, rss, nproc, nofile, memlock, as, \
              locks, sigpending, msgqueue, nice, rtprio, rttime"
            ]
        );
    }
}
