//! Patterns for names: `*` stands for any bytes, `?` for one, `[a-z]` for one of some, `[!a-z]` for one of all others.
//!
//! Bytes, not characters: what is matched need not be UTF-8. There is no escape but a set of one: `[*]`. A `[` that is
//! never closed stands for itself, and so does a `]` right behind the `[` or `[!`.
#![forbid(unsafe_code)]

/// Whether the whole of `name` is what the pattern says. Takes time in proportion to the product of their lengths at
/// worst: only the last star is ever tried again.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut rest, mut left) = (pattern, name);
    // Where to go on if what follows the last star does not match: behind it, with one byte more for the star.
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        if let Some(behind) = rest.strip_prefix(b"*") {
            star = Some((behind, left));
            rest = behind;
            continue;
        }
        let step = match (one(rest), left.split_first()) {
            (Some((one, behind)), Some((&byte, others))) if one.takes(byte) => Some((behind, others)),
            (None, None) => return true,
            (Some(_) | None, _) => None,
        };
        (rest, left) = match (step, star) {
            (Some(step), _) => step,
            (None, Some((behind, [_, others @ ..]))) => {
                star = Some((behind, others));
                (behind, others)
            }
            (None, Some((_, [])) | None) => return false,
        };
    }
}

/// The pattern that matches `text` and nothing else.
pub fn escape(text: &[u8]) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'*' | b'?' | b'[' => pattern.extend([b'[', byte, b']']),
            byte => pattern.push(byte),
        }
    }
    pattern
}

/// Whether it stands for anything but itself.
pub fn is_pattern(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some((first, behind)) = one(rest) {
        if !matches!(first, One::Byte(byte) if byte != b'*') {
            return true;
        }
        rest = behind;
    }
    false
}

/// What stands for one byte.
enum One<'a> {
    Any,
    Byte(u8),
    Set { set: &'a [u8], others: bool },
}

/// The first element of a pattern, and what is behind it. A star counts as a byte here.
fn one(pattern: &[u8]) -> Option<(One<'_>, &[u8])> {
    let (&first, behind) = pattern.split_first()?;
    Some(match first {
        b'?' => (One::Any, behind),
        b'[' => set(behind).unwrap_or((One::Byte(b'['), behind)),
        byte => (One::Byte(byte), behind),
    })
}

/// The set that begins behind a `[`, if it is closed.
fn set(inside: &[u8]) -> Option<(One<'_>, &[u8])> {
    let (others, inside) = match inside.strip_prefix(b"!") {
        Some(inside) => (true, inside),
        None => (false, inside),
    };
    // From the second byte on: a first `]` belongs to the set.
    let end = inside.iter().skip(1).position(|&byte| byte == b']')? + 1;
    Some((One::Set { set: &inside[..end], others }, &inside[end + 1..]))
}

impl One<'_> {
    fn takes(&self, byte: u8) -> bool {
        match *self {
            One::Any => true,
            One::Byte(own) => own == byte,
            One::Set { set, others } => contains(set, byte) != others,
        }
    }
}

fn contains(mut set: &[u8], byte: u8) -> bool {
    loop {
        set = match *set {
            [first, b'-', last, ref rest @ ..] if (first..=last).contains(&byte) || rest.is_empty() => {
                return (first..=last).contains(&byte);
            }
            [_, b'-', _, ref rest @ ..] => rest,
            [own, ..] if own == byte => return true,
            [_, ref rest @ ..] => rest,
            [] => return false,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn says(pattern: &str, name: &str) -> bool {
        matches(pattern.as_bytes(), name.as_bytes())
    }

    #[test]
    fn stars_question_marks_and_sets_stand_for_what_they_say() {
        for (pattern, name) in [
            ("", ""),
            ("*", ""),
            ("**", "abc"),
            ("*.conf", "a.conf"),
            ("*.conf", ".conf"),
            ("a*b*c", "aXbYbZc"),
            ("?", "x"),
            ("[a-c]x", "bx"),
            ("[!a-c]", "d"),
            ("[]]", "]"),
            ("[!]]", "x"),
            ("[a-]", "-"),
            ("[-a]", "-"),
            ("[*]", "*"),
            ("[a", "[a"),
            ("[]", "[]"),
            ("[!", "[!"),
            ("[0-9a-f]", "e"),
            (".X*-lock", ".X99-lock"),
        ] {
            assert!(says(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("", "a"),
            ("?", ""),
            ("*.conf", "a.config"),
            ("a*b*c", "aXbY"),
            ("[a-c]", "d"),
            ("[!a-c]", "b"),
            ("[c-a]", "b"),
            ("[*]", "x"),
            ("a", "A"),
        ] {
            assert!(!says(pattern, name), "{pattern} {name}");
        }
        assert!(matches(b"\xff*\x00", b"\xff\xfe\x00"));
    }

    #[test]
    fn a_pattern_is_told_from_a_name() {
        assert!(["*", "a?", "x[ab]", "[*]"].iter().all(|text| is_pattern(text.as_bytes())));
        assert!(!["", "a", "a]", "a[b", "[]"].iter().any(|text| is_pattern(text.as_bytes())));
    }

    #[test]
    fn many_stars_do_not_take_for_ever() {
        let pattern = "*a".repeat(2000);
        assert!(!matches(pattern.as_bytes(), "a".repeat(1999).as_bytes()));
        assert!(matches(pattern.as_bytes(), "a".repeat(4000).as_bytes()));
    }

    /// By definition, in exponential time.
    fn by_definition(pattern: &[u8], name: &[u8]) -> bool {
        match pattern {
            [] => name.is_empty(),
            [b'*', rest @ ..] => (0..=name.len()).any(|skip| by_definition(rest, &name[skip..])),
            [b'?', rest @ ..] => !name.is_empty() && by_definition(rest, &name[1..]),
            [own, rest @ ..] => name.first() == Some(own) && by_definition(rest, &name[1..]),
        }
    }

    proptest! {
        #[test]
        fn it_is_what_the_definition_says(pattern in "[ab?*]{0,7}", name in "[ab]{0,9}") {
            prop_assert_eq!(says(&pattern, &name), by_definition(pattern.as_bytes(), name.as_bytes()));
        }

        #[test]
        fn a_name_without_wildcards_matches_itself_and_nothing_else(
            name in prop::collection::vec(any::<u8>(), 0..40),
            other in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            prop_assume!(!is_pattern(&name));
            prop_assert!(matches(&name, &name));
            prop_assert_eq!(matches(&name, &other), name == other);
        }

        #[test]
        fn nothing_panics(
            pattern in prop::collection::vec(prop_oneof![Just(b'['), Just(b']'), Just(b'-'), Just(b'!'), Just(b'*'), any::<u8>()], 0..40),
            name in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            matches(&pattern, &name);
            is_pattern(&pattern);
        }
    }
}
