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
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        if quote.is_none() && b" \t\n\r".contains(byte) {
            words.extend(word.take());
            continue;
        }
        // A backslash joins two lines, and no more: outside of quotes no word begins with it.
        if *byte == b'\\' && quote != Some(b'\'') && tail.starts_with(b"\n") {
            rest = &tail[1..];
            continue;
        }
        let word = word.get_or_insert_default();
        match (quote, *byte) {
            (Some(open), byte) if byte == open => quote = None,
            (None, b'\'' | b'"') => quote = Some(*byte),
            (None | Some(b'"'), b'\\') => {
                let (&escaped, tail) = tail.split_first().ok_or("a backslash has nothing behind it")?;
                rest = tail;
                if quote.is_some() && !b"\"\\$`".contains(&escaped) {
                    word.push(b'\\');
                }
                word.push(escaped);
            }
            (_, byte) => word.push(byte),
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
