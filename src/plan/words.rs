//! Cutting a text into words as a shell does (POSIX, Shell Command Language, 2.2 Quoting): blanks separate, quotes and
//! backslashes keep together. Nothing is expanded, no pattern is looked up.

/// The words of a text.
///
/// # Errors
/// A quote that is never closed, or a backslash with nothing behind it; in words.
pub fn split(text: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            (Some(open), byte) if byte == open => quote = None,
            (Some(b'"'), b'\\') => match bytes.next().ok_or("a backslash has nothing behind it")? {
                escaped @ (b'"' | b'\\' | b'$' | b'`') => word.get_or_insert_default().push(escaped),
                b'\n' => {}
                other => word.get_or_insert_default().extend([b'\\', other]),
            },
            (Some(_), byte) => word.get_or_insert_default().push(byte),
            (None, b'\'' | b'"') => {
                word.get_or_insert_default();
                quote = Some(byte);
            }
            (None, b'\\') => match bytes.next().ok_or("a backslash has nothing behind it")? {
                b'\n' => {}
                escaped => word.get_or_insert_default().push(escaped),
            },
            (None, b' ' | b'\t' | b'\n' | b'\r') => words.extend(word.take()),
            (None, byte) => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    if quote.is_some() { Err("a quote is never closed") } else { Ok(words) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(text: &str) -> Vec<String> {
        split(text.as_bytes()).unwrap().into_iter().map(|word| String::from_utf8(word).unwrap()).collect()
    }

    #[test]
    fn quotes_and_backslashes_keep_together() {
        assert_eq!(words("-Xmx1g  -Da=b\t\n"), ["-Xmx1g", "-Da=b"]);
        assert_eq!(words(r#"'a b' "c \"d\" \n $x" e\ f '' g"h i"'j'"#), ["a b", "c \"d\" \\n $x", "e f", "", "gh ij"]);
        assert_eq!(words("* ~ $HOME `x`"), ["*", "~", "$HOME", "`x`"]);
        assert_eq!(words(""), [""; 0]);
    }

    #[test]
    fn what_is_not_closed_is_refused() {
        assert!(split(b"'a").is_err() && split(b"\"a").is_err() && split(b"a\\").is_err() && split(b"\"a\\").is_err());
    }

    proptest! {
        #[test]
        fn a_quoted_word_comes_back(word in "[^']{0,30}") {
            prop_assert_eq!(words(&format!("x '{word}'")), ["x".to_owned(), word]);
        }
    }
}
