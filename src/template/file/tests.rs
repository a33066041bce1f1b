use super::*;
use crate::template::substitute::{Template, escape};
use proptest::prelude::*;
use std::borrow::Cow;

fn value(name: &str) -> Option<&'static [u8]> {
    let value: &[u8] = match name {
        "A" => b"value",
        "EMPTY" => b"",
        "A-b" => b"dashed",
        "BYTES" => b"\xfe",
        "RAW" => b"${A} $A",
        _ => return None,
    };
    Some(value)
}

/// What is set is listed, and UNSET.
fn find(name: &str, wanted: bool) -> Found<'static> {
    match value(name) {
        None if name != "UNSET" => Found::Unlisted,
        value => Found::Listed(value.filter(|_| wanted)),
    }
}

fn nothing(_: &str, _: bool) -> Found<'static> {
    Found::Unlisted
}

const RULES: Substitution =
    Substitution { find: &find, unset: Unset::Refuse, bare: false, operators: false, limit: 1 << 20 };
const BARE: Substitution = Substitution { bare: true, ..RULES };
const OPERATORS: Substitution = Substitution { operators: true, ..RULES };

fn is(rules: &Substitution, source: &str, result: &str) {
    let bytes = rules.apply(source.as_bytes()).map_err(|error| error.to_string());
    assert_eq!(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()), Ok(result.to_owned()), "{source}");
}

fn refused(rules: &Substitution, source: &str, why: &str) {
    let error = rules.apply(source.as_bytes()).unwrap_err();
    assert_eq!(format!("{}: {error}", error.position), why, "{source}");
}

/// What nginx's image does with envsubst.
#[test]
fn nginx_keeps_its_own_variables() {
    let template = "r ${NGINX_LOCAL_RESOLVERS} u $uri x ${A} un ${UNDEF} $A";
    is(&RULES, template, "r ${NGINX_LOCAL_RESOLVERS} u $uri x value un ${UNDEF} $A");
    is(&BARE, template, "r ${NGINX_LOCAL_RESOLVERS} u $uri x value un ${UNDEF} value");
}

#[test]
fn what_is_not_ours_stays() {
    let kept = "$ $$ ${ ${} $} ${A ${A} ${A:-x} ${A:=x} ${A%x} ${A-b} ${#A} ${ A } $(A) $1 ${B:-${C}} ${\"B\"} ${A";
    is(&RULES, kept, &kept.replace("${A} ", "value "));
    is(&BARE, "$A-$A_$AB $A.$1$", "value-$A_$AB value.$1$");
    is(&RULES, "${\"A-b\"}", "dashed");
    is(&OPERATORS, "${A:=x} ${A%x} ${A:x} ${B:-${A}} ${B:-x", "${A:=x} ${A%x} ${A:x} ${B:-value} ${B:-x");
    assert_eq!(RULES.apply(b"\xff${\xff} ${BYTES}\0").unwrap(), b"\xff${\xff} \xfe\0");
}

#[test]
fn there_is_no_escape() {
    is(&BARE, "$$A $${A}", "$value $value");
}

#[test]
fn values_are_not_looked_at_again() {
    is(&BARE, "${RAW}", "${A} $A");
}

#[test]
fn operators_are_those_of_strings() {
    for (source, result) in [
        ("${A:-x} ${EMPTY:-x} ${UNSET:-x}", "value x x"),
        ("${A-x} ${EMPTY-x} ${UNSET-x}", "value  x"),
        ("${A:+x} ${EMPTY:+x} ${UNSET:+x}", "x  "),
        ("${A+x} ${EMPTY+x} ${UNSET+x}", "x x "),
        ("${A:?x} ${A?x} ${EMPTY?x}", "value value "),
        ("${UNSET:-${A:-x}}", "value"),
        ("${A:-${UNSET}}", "value"),
        ("${UNSET:-{\"a\": {$uri}}} }", "{\"a\": {$uri}} }"),
        ("${UNSET:-${B:-x}} ${B:-}", "${B:-x} ${B:-}"),
    ] {
        is(&OPERATORS, source, result);
    }
    refused(&OPERATORS, "a\n  ${EMPTY:?é ${A}}", "2:3: `EMPTY` is empty: é ${A}");
    refused(&OPERATORS, "${UNSET?}", "1:1: `UNSET` is not set");
}

#[test]
fn a_listed_variable_that_is_not_set_is_as_asked() {
    refused(&RULES, "é\né ${UNSET}", "2:3: `UNSET` is not set");
    refused(&BARE, "$UNSET", "1:1: `UNSET` is not set");
    is(&Substitution { unset: Unset::Empty, ..BARE }, "<${UNSET}$UNSET>", "<>");
    is(&Substitution { unset: Unset::Keep, ..BARE }, "<${UNSET}$UNSET>", "<${UNSET}$UNSET>");
}

#[test]
fn a_word_must_end_and_not_be_too_deep() {
    refused(&OPERATORS, "x ${A:-y\n", "1:3: `${A` is never closed: expected `}`");
    let deep = "${UNSET:-".repeat(100_000);
    refused(&OPERATORS, &deep, "1:289: `${` is nested too deep: 32 levels are accepted");
    let fits = format!("{}x{}", "${UNSET:-".repeat(MAX_DEPTH), "}".repeat(MAX_DEPTH));
    is(&OPERATORS, &fits, "x");
}

#[test]
fn the_limit_is_for_the_result() {
    let rules = Substitution { limit: 8, ..RULES };
    is(&rules, "ab ${A}", "ab value");
    refused(&rules, "abc\n${A}", "2:1: the result is longer than 8 bytes with the value of `A`");
    refused(&rules, "123456789", "1:1: the result is longer than 8 bytes");
}

proptest! {
    #[test]
    fn what_is_not_listed_stays_byte_for_byte(source in proptest::collection::vec(
        prop_oneof![any::<u8>(), Just(b'$'), Just(b'{'), Just(b'}'), Just(b'A'), Just(b':'), Just(b'-')], 0..100
    )) {
        let rules = Substitution { find: &nothing, bare: true, operators: true, ..RULES };
        prop_assert_eq!(rules.apply(&source), Ok(source));
    }

    #[test]
    fn nothing_panics(source in "([${}:?+\"AB\\n-]|\\$\\{A|\\$\\{UNSET)*") {
        for unset in [Unset::Refuse, Unset::Empty, Unset::Keep] {
            let _ = Substitution { unset, bare: true, operators: true, ..RULES }.apply(source.as_bytes());
        }
    }

    /// What both languages understand, they understand alike.
    #[test]
    fn files_and_strings_agree(text in "([a-z ]|\\$\\{(A|EMPTY|UNSET)(:?[-+][a-z{}]{0,3})?\\})*") {
        if let Ok(template) = Template::parse(&text) {
            let string = template.expand(&|name| value(name).map(Cow::Borrowed), 1 << 20).ok();
            prop_assert_eq!(OPERATORS.apply(text.as_bytes()).ok(), string);
        }
    }

    #[test]
    fn escaping_is_for_strings_only(text in "[^$]*") {
        prop_assert_eq!(RULES.apply(escape(&text).as_bytes()), Ok(text.into_bytes()));
    }
}
