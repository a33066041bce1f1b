//! What a program prints to set variables: `NAME=value`, by lines or NULs, or TOML.

use super::model::Learned;
use crate::config::model::PrintedFormat;
use crate::glob;
use crate::tree::{Key, Value};

/// Reads what was printed. `allow`: the names it may set, as patterns; `secret`: the names of secrets.
///
/// # Errors
/// What is no variable, or no name it may set. No value is ever quoted.
pub fn read(
    text: &[u8],
    format: PrintedFormat,
    allow: Option<&[String]>,
    secret: &[String],
) -> Result<Vec<Learned>, String> {
    let pairs = match format {
        PrintedFormat::Lines => pairs(text, b'\n', "line")?,
        PrintedFormat::Nul => pairs(text, 0, "entry")?,
        PrintedFormat::Toml => toml(text)?,
    };
    let listed =
        |globs: &[String], name: &str| globs.iter().any(|glob| glob::matches(glob.as_bytes(), name.as_bytes()));
    let mut learned = Vec::new();
    for (name, value) in pairs {
        if allow.is_some_and(|allow| !listed(allow, &name)) {
            return Err(format!("it sets `{name}`, which `allow` does not list"));
        }
        let secret = listed(secret, &name);
        learned.push(Learned { name, value, secret });
    }
    Ok(learned)
}

type Pairs = Vec<(String, Vec<u8>)>;

fn pairs(text: &[u8], end: u8, what: &str) -> Result<Pairs, String> {
    let mut pairs = Pairs::new();
    for (index, entry) in text.split(|&byte| byte == end).enumerate() {
        let entry = if end == b'\n' { entry.strip_suffix(b"\r").unwrap_or(entry) } else { entry };
        if entry.is_empty() {
            continue;
        }
        let wrong = |why: &str| format!("{what} {} of what it printed {why}: accepted is NAME=value", index + 1);
        let split = entry.iter().position(|&byte| byte == b'=').ok_or_else(|| wrong("has no `=`"))?;
        let (name, value) = (&entry[..split], &entry[split + 1..]);
        let name = std::str::from_utf8(name).ok().filter(|name| is_name(name)).ok_or_else(|| wrong("has no name"))?;
        if value.contains(&0) {
            return Err(wrong("has a NUL byte in it"));
        }
        pairs.push((name.to_owned(), value.to_vec()));
    }
    Ok(pairs)
}

/// A name without blanks: a line of a message is none.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|character: char| character.is_whitespace() || character.is_control())
}

fn toml(text: &[u8]) -> Result<Pairs, String> {
    let text = std::str::from_utf8(text).map_err(|_| "what it printed is not UTF-8".to_owned())?;
    let table = crate::toml::parse(text).map_err(|_| "what it printed is not TOML".to_owned())?;
    let mut pairs = Pairs::new();
    for (Key { name, .. }, node) in table {
        match node.value {
            Value::String(value) if is_name(&name) && !value.contains('\0') => pairs.push((name, value.into_bytes())),
            _ => {
                let name = name.escape_debug();
                return Err(format!("`{name}`, which it printed, is no variable: accepted are strings"));
            }
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &[u8], format: PrintedFormat) -> Result<Vec<(String, String)>, String> {
        let learned = read(text, format, None, &[])?;
        Ok(learned.into_iter().map(|it| (it.name, String::from_utf8_lossy(&it.value).into_owned())).collect())
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn lines_stand_as_they_are() {
        let found = shown(b"A=1\n\nB.c-d= x='y'=z \r\nC=\n", PrintedFormat::Lines);
        assert_eq!(found, Ok(vec![pair("A", "1"), pair("B.c-d", " x='y'=z "), pair("C", "")]));
    }

    #[test]
    fn with_nuls_a_value_may_have_newlines() {
        assert_eq!(shown(b"A=1\n2\0B=3", PrintedFormat::Nul), Ok(vec![pair("A", "1\n2"), pair("B", "3")]));
    }

    #[test]
    fn toml_has_strings() {
        let found = shown(b"A = \"1\\n2\"\n\"B.c\" = 'x'\n", PrintedFormat::Toml);
        assert_eq!(found, Ok(vec![pair("A", "1\n2"), pair("B.c", "x")]));
        let wrong = "`A`, which it printed, is no variable: accepted are strings".to_owned();
        assert_eq!(shown(b"A = 1", PrintedFormat::Toml), Err(wrong));
        assert_eq!(shown(b"A = ", PrintedFormat::Toml), Err("what it printed is not TOML".to_owned()));
    }

    #[test]
    fn what_is_no_variable_is_told_without_its_value() {
        let message = |why: &str| Err(format!("line 2 of what it printed {why}: accepted is NAME=value"));
        assert_eq!(shown(b"A=1\nhunter2\n", PrintedFormat::Lines), message("has no `=`"));
        assert_eq!(shown(b"A=1\n=hunter2\n", PrintedFormat::Lines), message("has no name"));
        assert_eq!(shown(b"A=1\nwarning: x=hunter2\n", PrintedFormat::Lines), message("has no name"));
        assert_eq!(shown(b"A=1\nB=\0\n", PrintedFormat::Lines), message("has a NUL byte in it"));
    }

    #[test]
    fn only_what_is_allowed_may_be_set() {
        let allow = ["DB_*".to_owned()];
        let found = read(b"DB_A=1\nDB_B=2", PrintedFormat::Lines, Some(&allow), &["*_B".to_owned()]).expect("allowed");
        assert_eq!(found.iter().map(|it| it.secret).collect::<Vec<_>>(), [false, true]);
        let refused = read(b"LD_PRELOAD=x", PrintedFormat::Lines, Some(&allow), &[]);
        assert_eq!(refused, Err("it sets `LD_PRELOAD`, which `allow` does not list".to_owned()));
    }
}
