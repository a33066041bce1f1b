//! Both `${...}` languages, on any bytes: no panic, no overflow, and what must hold for every text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onset::template::file::{Found, Substitution, Unset};
use onset::template::substitute::{Template, escape};
use std::borrow::Cow;

const LIMIT: usize = 1 << 16;

/// Names of one letter: upper case is set, lower case is not, `E` is empty.
fn value(name: &str) -> Option<&'static [u8]> {
    match name.bytes().next()? {
        b'E' => Some(b""),
        b'A'..=b'Z' => Some(b"${A}\xff"),
        _ => None,
    }
}

fuzz_target!(|source: &[u8]| {
    if let Ok(text) = std::str::from_utf8(source) {
        string(text);
    }
    file(source);
});

fn string(text: &str) {
    let escaped = Template::parse(&escape(text)).expect("what is escaped is of the language");
    assert_eq!(escaped.constant(), Some(text));
    match Template::parse(text) {
        Err(error) => assert!(text.is_char_boundary(error.offset) && !error.message.is_empty()),
        Ok(template) => {
            let variables = template.variables();
            let listed = |name: &str| {
                assert!(variables.contains(&name), "looked up, but not listed");
                value(name).map(Cow::Borrowed)
            };
            match template.expand(&listed, LIMIT) {
                Ok(result) => assert!(result.len() <= LIMIT && (text.contains('$') || result == text.as_bytes())),
                Err(error) => assert!(text[error.offset..].starts_with("${") || error.variable.is_none()),
            }
        }
    }
}

fn file(source: &[u8]) {
    for unset in [Unset::Refuse, Unset::Empty, Unset::Keep] {
        let mut rules =
            Substitution { find: &|name, _| Found::Listed(value(name)), unset, bare: true, operators: true, limit: LIMIT };
        if let Ok(result) = rules.apply(source) {
            assert!(result.len() <= LIMIT);
        }
        rules.find = &|_, _| Found::Unlisted;
        if source.len() <= LIMIT {
            assert_eq!(rules.apply(source).as_deref(), Ok(source), "nothing is listed");
        }
    }
}
