use super::*;
use proptest::prelude::*;
use std::borrow::Cow;

const PLENTY: usize = 1 << 20;

/// SET, EMPTY, DEFAULT and A-b are set; nothing else is.
fn environment(name: &str) -> Option<Cow<'static, [u8]>> {
    let value: &[u8] = match name {
        "SET" => b"value",
        "EMPTY" => b"",
        "DEFAULT" => b"fallback",
        "A-b" => b"dashed",
        "cluster.name" => b"dotted",
        "DOLLARS" => b"${SET} $SET $$",
        "BYTES" => b"\xff\n\0",
        _ => return None,
    };
    Some(value.into())
}

fn expand(text: &str) -> Result<String, String> {
    let template = Template::parse(text).map_err(|error| format!("{}: {error}", error.offset))?;
    let result = template.expand(&environment, PLENTY).map_err(|error| format!("{}: {error}", error.offset))?;
    Ok(String::from_utf8_lossy(&result).into_owned())
}

fn is(text: &str, result: &str) {
    assert_eq!(expand(text).as_deref(), Ok(result), "{text}");
}

fn refused(text: &str, why: &str) {
    assert_eq!(expand(text).map_err(|error| error.replace('\n', "\\n")), Err(why.to_owned()), "{text}");
}

/// POSIX.1-2024, Shell Command Language, 2.6.2: parameter set and not null, set but null, unset. `!` is an error exit.
const POSIX: [(&str, [&str; 3]); 7] = [
    ("${V:-word}", ["value", "word", "word"]),
    ("${V-word}", ["value", "", "word"]),
    ("${V:?word}", ["value", "!V is empty: word", "!V is not set: word"]),
    ("${V?word}", ["value", "", "!V is not set: word"]),
    ("${V:+word}", ["word", "", ""]),
    ("${V+word}", ["word", "word", ""]),
    ("${V}", ["value", "", "!V is not set"]),
];

#[test]
fn the_table_of_posix_holds() {
    for (text, results) in POSIX {
        for (name, expected) in ["SET", "EMPTY", "UNSET"].into_iter().zip(results) {
            let text = text.replace('V', name);
            match expected.strip_prefix("!V") {
                Some(rest) => refused(&text, &format!("0: `{name}`{rest}")),
                None => is(&text, expected),
            }
        }
    }
}

/// The Compose specification, 12-interpolation.md.
#[test]
fn the_examples_of_compose_hold() {
    is("postgres:${SET}", "postgres:value");
    is("${UNSET:-default}", "default");
    is("${EMPTY:-default}", "default");
    is("${UNSET-default}", "default");
    is("${EMPTY-default}", "");
    refused("${EMPTY:?err}", "0: `EMPTY` is empty: err");
    refused("${UNSET?err}", "0: `UNSET` is not set: err");
    is("${SET:+replacement}", "replacement");
    is("${EMPTY:+replacement}", "");
    is("${EMPTY+replacement}", "replacement");
    is("${UNSET+replacement}", "");
    is("${UNSET:-${DEFAULT}}", "fallback");
    is("${UNSET:-${FOO:-default}}", "default");
    refused("${UNSET?${FOO}}", "0: `UNSET` is not set: ${FOO}");
    is("$$VAR_NOT_INTERPOLATED_BY_COMPOSE", "$VAR_NOT_INTERPOLATED_BY_COMPOSE");
    is("${UNSET:-a:b-c?d+e/f}", "a:b-c?d+e/f");
    for extended in ["${SET/foo/bar}", "${SET%%x}", "${SET^^}", "${SET:0:1}", "${SET,}", "${SET@Q}", "${SET "] {
        refused(extended, "5: expected `}` or one of `:-`, `-`, `:?`, `?`, `:+`, `+` after the name");
    }
}

#[test]
fn words_are_templates() {
    is("<${UNSET:-${EMPTY:-${UNSET-deep}}}>", "<deep>");
    is("${SET:+${SET}/${DEFAULT}}", "value/fallback");
    is("${UNSET:-a$$b}", "a$b");
    is("${UNSET:-}", "");
    // A word that is not used is not looked at.
    is("${SET:-${UNSET}}", "value");
    is("${UNSET+${UNSET}}", "");
    refused("${EMPTY:-a${UNSET}}", "10: `UNSET` is not set");
}

#[test]
fn braces_balance_in_a_word() {
    is(r#"${UNSET:-{"a": {}}}"#, r#"{"a": {}}"#);
    is(r#"${SET:-{"a": {}}}"#, "value");
    is("}{ ${SET} }", "}{ value }");
    is("${UNSET:-{${SET}}}", "{value}");
    refused("${UNSET:-{}", "0: `${` is never closed: expected `}`");
}

#[test]
fn names_may_have_dots_and_quoted_ones_anything() {
    is("${cluster.name}", "dotted");
    is(r#"${"A-b"} ${"SET"} ${"A-c":-${"A-b":+x}}"#, "dashed value x");
    is("${A-b}", "b");
    refused(r#"${"A-c"}"#, "0: `A-c` is not set");
}

#[test]
fn a_lone_dollar_is_refused_wherever_it_is() {
    let why = "`$` stands alone: write `${NAME}` for a variable, `$$` for the character";
    for (text, at) in [("$uri", 0), ("a$", 1), ("5 $ ", 2), ("$$$", 2), ("${UNSET:-$x}", 9), ("$(id)", 0), ("$'a'", 0)]
    {
        refused(text, &format!("{at}: {why}"));
    }
}

#[test]
fn what_is_no_variable_is_refused_where_it_is() {
    let name = "expected the name of a variable: `${NAME}`, or `${\"NAME\"}` if it has other characters than letters, digits, `_` and `.`";
    for text in ["${}", "${1}", "${ SET }", "${#SET}", "${!SET}", "${-x}", "${", "${\"\"}", "${\"a=b\"}", "${é}"] {
        refused(text, &format!("2: {name}"));
    }
    refused("é${SET", "2: `${` is never closed: expected `}`");
    refused("${SET:-", "0: `${` is never closed: expected `}`");
    refused("${SET:-${SET}", "0: `${` is never closed: expected `}`");
    refused("${SET:=x}", "5: `=` cannot assign here: write `:-` for a default");
    refused("${SET=x}", "5: `=` cannot assign here: write `:-` for a default");
}

#[test]
fn a_message_is_shown_as_it_is_written() {
    refused("${UNSET:?set it: $$5, or ${SET:-x}}", "0: `UNSET` is not set: set it: $5, or ${SET:-x}");
    refused("${UNSET:?}", "0: `UNSET` is not set");
    refused("${EMPTY:?}", "0: `EMPTY` is empty");
}

#[test]
fn values_are_bytes_and_are_not_expanded_again() {
    is("${DOLLARS}", "${SET} $SET $$");
    let bytes = Template::parse("<${BYTES}>").unwrap().expand(&environment, PLENTY).unwrap();
    assert_eq!(bytes, b"<\xff\n\0>");
}

#[test]
fn the_limit_is_for_the_result() {
    let template = Template::parse("ab${SET}").unwrap();
    assert_eq!(template.expand(&environment, 7).unwrap(), b"abvalue");
    let error = template.expand(&environment, 6).unwrap_err();
    assert_eq!(error.to_string(), "the result is longer than 6 bytes with the value of `SET`");
    let error = template.expand(&environment, 1).unwrap_err();
    assert_eq!(error.to_string(), "the result is longer than 1 bytes");
}

#[test]
fn nesting_ends_before_the_stack_does() {
    let nested = |depth: usize| format!("{}x{}", "${U:-".repeat(depth), "}".repeat(depth));
    is(&nested(MAX_DEPTH), "x");
    refused(
        &nested(MAX_DEPTH + 1),
        &format!("{}: `${{` is nested too deep: {MAX_DEPTH} levels are accepted", 5 * MAX_DEPTH),
    );
    assert!(expand(&"${U:-".repeat(100_000)).is_err());
    is(
        &format!("${{U:-{}{}}}", "{".repeat(100_000), "}".repeat(100_000)),
        &("{".repeat(100_000) + &"}".repeat(100_000)),
    );
}

#[test]
fn variables_are_all_that_may_be_looked_up() {
    let template = Template::parse(r#"${A}${B:-${C}}${D:+${"E-f"}}${G:?${H}}${A}$$I"#).unwrap();
    assert_eq!(template.variables(), ["A", "B", "C", "D", "E-f", "G"]);
    assert_eq!(Template::parse("a$$b").unwrap().constant(), Some("a$b"));
    assert_eq!(Template::parse("").unwrap().constant(), Some(""));
    assert_eq!(template.constant(), None);
}

proptest! {
    #[test]
    fn what_has_no_dollar_is_itself(text in "[^$]*") {
        prop_assert_eq!(expand(&text), Ok(text));
    }

    #[test]
    fn what_is_escaped_comes_back(text in "\\PC*|[${}:a-]*") {
        prop_assert_eq!(expand(&escape(&text)), Ok(text));
    }

    #[test]
    fn parsing_and_expanding_never_panic(text in "([${}:?+\"SETab-]|\\$\\{|\\$\\{SET|é)*") {
        if let Err(error) = Template::parse(&text) {
            prop_assert!(text.is_char_boundary(error.offset));
        } else {
            let _ = expand(&text);
        }
    }

    #[test]
    fn only_variables_are_looked_up(text in "([${}:?+a-c-]|\\$\\{[a-c]:?[+-]|\\})*") {
        if let Ok(template) = Template::parse(&text) {
            let variables = template.variables();
            let lookup = |name: &str| {
                assert!(variables.contains(&name));
                (name != "a").then(|| Cow::Borrowed(&b"x"[..]))
            };
            let _ = template.expand(&lookup, PLENTY);
        }
    }
}
