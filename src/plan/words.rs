//! Cutting a text into words as a shell does (POSIX, Shell Command Language, 2.2 Quoting): blanks separate, quotes and
//! backslashes keep together. Nothing is expanded, no pattern is looked up.

/// The words of a text.
///
/// # Errors
/// A quote that is never closed, or a backslash with nothing behind it; in words.
pub fn split(text: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let mut words = Vec::new();
    // Two quotes are a word although nothing is in it.
    let (mut word, mut is_word) = (Vec::new(), false);
    let mut quote = None;
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        let said = match (quote, byte) {
            (Some(open), byte) if byte == open => {
                quote = None;
                continue;
            }
            (None, b'\'' | b'"') => {
                quote = Some(byte);
                is_word = true;
                continue;
            }
            (None, b' ' | b'\t' | b'\n' | b'\r') => {
                if std::mem::take(&mut is_word) {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            (None | Some(b'"'), b'\\') => {
                let escaped = bytes.next().ok_or("a backslash has nothing behind it")?;
                if escaped == b'\n' {
                    continue;
                }
                if quote.is_some() && !b"\"\\$`".contains(&escaped) {
                    word.push(b'\\');
                }
                escaped
            }
            (None | Some(_), byte) => byte,
        };
        word.push(said);
        is_word = true;
    }
    if is_word {
        words.push(word);
    }
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
