//! How a variable is named between the braces, in both `${...}` languages.
//!
//! As POSIX has it, with dots: `A`, `_a1`, `cluster.name`. A dash is an operator (`${A-b}`: `b` if A is not set), so a name
//! with a dash, or with anything else an environment may hold, is quoted: `${"A-b"}`.

/// The name at the start of `text` (what follows `${`), and how long its spelling is. `None` if there is none.
pub fn between_braces(text: &[u8]) -> Option<(&str, usize)> {
    let (name, length) = if let Some(quoted) = text.strip_prefix(b"\"") {
        let end = quoted.iter().position(|byte| byte.is_ascii_control() || b"\"=${}".contains(byte))?;
        (&quoted[..end], (quoted[end] == b'"').then_some(end + 2)?)
    } else {
        let end = prefix(text, |byte| matches!(byte, b'_' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z'));
        (&text[..end], end)
    };
    let starts_well = name.first().is_some_and(|&byte| length > name.len() || starts_name(byte));
    Some((std::str::from_utf8(name).ok().filter(|_| starts_well)?, length))
}

/// The name at the start of `text` (what follows a `$` without a brace), as in a shell.
pub fn bare(text: &[u8]) -> Option<&str> {
    text.first().filter(|&&byte| starts_name(byte))?;
    let end = prefix(text, |byte| byte == b'_' || byte.is_ascii_alphanumeric());
    std::str::from_utf8(&text[..end]).ok()
}

fn starts_name(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphabetic()
}

fn prefix(text: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    text.iter().position(|&byte| !belongs(byte)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_where_an_operator_starts() {
        for (text, name) in [("A}", "A"), ("A", "A"), ("_a1-x}", "_a1"), ("a.b:-}", "a.b"), ("A:}", "A")] {
            assert_eq!(between_braces(text.as_bytes()), Some((name, name.len())), "{text}");
        }
    }

    #[test]
    fn a_quoted_name_may_hold_what_an_environment_may() {
        for name in ["A-b", "1", "a b", "BASH_FUNC_x%%", "é"] {
            let text = format!("\"{name}\":-x}}");
            assert_eq!(between_braces(text.as_bytes()), Some((name, name.len() + 2)));
        }
    }

    #[test]
    fn what_is_no_name() {
        for text in ["", "}", "1}", "-x}", ".a}", "\"\"}", "\"a", "\"a=b\"}", "\"a\nb\"}", " A}", "#A}", "é}"] {
            assert_eq!(between_braces(text.as_bytes()), None, "{text}");
        }
        assert_eq!(between_braces(b"\"\xff\"}"), None);
    }

    #[test]
    fn a_bare_name_has_no_dot() {
        assert_eq!(bare(b"host.name"), Some("host"));
        assert_eq!(bare(b"1"), None);
        assert_eq!(bare(b"{A}"), None);
    }
}
