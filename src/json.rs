//! What JSON is (RFC 8259), and what its strings say: for those who read it where it stands.
#![forbid(unsafe_code)]

/// Whether a text is JSON, however deep it is nested.
///
/// # Errors
/// Where it is not, in words that do not quote it: the line, and how many of its bytes it takes to know.
pub fn check(text: &[u8]) -> Result<(), String> {
    let mut reader = Reader { text, at: 0 };
    reader.whole().map_err(|read| {
        let read = &text[..read];
        let start = read.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        format!("line {}, column {}", read.split(|&byte| byte == b'\n').count(), read.len() - start)
    })
}

/// Whether a text is a number that a reader can hold.
pub fn is_number(text: &str) -> bool {
    let mut reader = Reader { text: text.as_bytes(), at: 0 };
    reader.number().is_ok() && reader.at == text.len() && text.parse().is_ok_and(f64::is_finite)
}

/// What a string says, given with its quotes. `None`: it is none.
pub fn string(quoted: &[u8]) -> Option<String> {
    let quoted = std::str::from_utf8(quoted).ok()?;
    let mut characters = quoted.strip_prefix('"')?.strip_suffix('"')?.chars();
    let mut said = String::new();
    while let Some(character) = characters.next() {
        said.push(match character {
            '\\' => escaped(&mut characters)?,
            '"' | '\0'..='\x1f' => return None,
            other => other,
        });
    }
    Some(said)
}

/// The character that is written behind a backslash.
fn escaped(characters: &mut std::str::Chars) -> Option<char> {
    Some(match characters.next()? {
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => {
            let first = unit(characters)?;
            if !(0xd800..0xdc00).contains(&first) {
                return char::from_u32(first);
            }
            // The first half of a character beyond U+FFFF (section 7).
            let goes_on = characters.next() == Some('\\') && characters.next() == Some('u');
            let second = unit(characters).filter(|second| goes_on && (0xdc00..0xe000).contains(second))?;
            return char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
        }
        other @ ('"' | '\\' | '/') => other,
        _ => return None,
    })
}

/// Four hexadecimal digits.
fn unit(characters: &mut std::str::Chars) -> Option<u32> {
    (0..4).try_fold(0, |unit, _| Some(unit * 16 + characters.next()?.to_digit(16)?))
}

/// Goes through a text without keeping anything of it. An error is how many bytes were read when it was clear.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The next byte; behind the end one that no JSON has.
    fn next(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn skip_blanks(&mut self) {
        while b" \t\r\n".contains(&self.next()) {
            self.at += 1;
        }
    }

    /// The next byte is the mistake.
    fn fail<T>(&self) -> Result<T, usize> {
        Err(self.text.len().min(self.at + 1))
    }

    fn take(&mut self, byte: u8) -> bool {
        let taken = self.next() == byte;
        self.at += usize::from(taken);
        taken
    }

    fn expect(&mut self, byte: u8) -> Result<(), usize> {
        if self.take(byte) { Ok(()) } else { self.fail() }
    }

    fn whole(&mut self) -> Result<(), usize> {
        // What each list and object around ends with.
        let mut ends: Vec<u8> = Vec::new();
        loop {
            let mut is_first = false;
            if let Some(end) = self.value()? {
                ends.push(end);
                is_first = true;
            }
            // Up to where the next value is to be.
            loop {
                self.skip_blanks();
                match ends.last() {
                    None if self.at == self.text.len() => return Ok(()),
                    None => return self.fail(),
                    Some(&end) if self.take(end) => {
                        ends.pop();
                        is_first = false;
                    }
                    Some(_) if is_first || self.take(b',') => break,
                    Some(_) => return self.fail(),
                }
            }
            if ends.last() == Some(&b'}') {
                self.skip_blanks();
                self.text()?;
                self.skip_blanks();
                self.expect(b':')?;
            }
        }
    }

    /// A value, or the beginning of a list or an object, and what that ends with.
    fn value(&mut self) -> Result<Option<u8>, usize> {
        self.skip_blanks();
        match self.next() {
            b'[' => return self.expect(b'[').map(|()| Some(b']')),
            b'{' => return self.expect(b'{').map(|()| Some(b'}')),
            b'"' => self.text()?,
            b'n' => self.word(b"null")?,
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            _ => self.number()?,
        }
        Ok(None)
    }

    fn word(&mut self, word: &[u8]) -> Result<(), usize> {
        word.iter().try_for_each(|&byte| self.expect(byte))
    }

    fn number(&mut self) -> Result<(), usize> {
        self.take(b'-');
        // Nothing but a fraction or an exponent follows a leading 0.
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), usize> {
        if !self.next().is_ascii_digit() {
            return self.fail();
        }
        while self.next().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    /// A string. What its escapes stand for is not asked.
    fn text(&mut self) -> Result<(), usize> {
        self.expect(b'"')?;
        loop {
            match self.next() {
                b'"' => return self.expect(b'"'),
                b'\\' => self.escape()?,
                0..b' ' => return Err(self.at),
                _ => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<(), usize> {
        self.at += 1;
        match self.next() {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => {
                let end = self.text.len().min(self.at + 5);
                let digits = &self.text[self.at + 1..end];
                if digits.len() != 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(end);
                }
                self.at = end;
            }
            _ => return self.fail(),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::de::IgnoredAny;
    use serde_json::Number;

    fn theirs(text: &[u8]) -> Result<(), String> {
        match serde_json::from_slice::<IgnoredAny>(text) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("line {}, column {}", error.line(), error.column())),
        }
    }

    #[test]
    fn mistakes_have_a_place() {
        assert_eq!(check(b"[1,\n 2 3]").unwrap_err(), "line 2, column 4");
        assert_eq!(check(b"").unwrap_err(), "line 1, column 0");
        assert_eq!(check(b"{\"a\":\n").unwrap_err(), "line 2, column 0");
        assert_eq!(check(&b"[".repeat(1_000_000)).unwrap_err(), "line 1, column 1000000");
        assert_eq!(check(&[b"[".repeat(1_000_000), b"]".repeat(1_000_000)].concat()), Ok(()));
    }

    #[test]
    fn strings_say_what_they_say() {
        assert_eq!(string(br#""a\u00e4\ud83d\ude00\/\b\f\n\r\t\"\\""#).unwrap(), "a\u{e4}\u{1f600}/\x08\x0c\n\r\t\"\\");
        for none in [r#"""#, r#""\""#, r#""\ud83d""#, r#""\ude00""#, r#""\ud83d\u0041""#, r#""\u+123""#, "\"\t\"", "a"]
        {
            assert_eq!(string(none.as_bytes()), None, "{none}");
        }
    }

    /// Pieces of which JSON is made, and some of which it is not.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = "[\\[\\]{}\",:\\\\ \n\0a1.eE+-]|null|true|fals|-?0|[1-9]{1,3}|\"a\":|\"[a\\\\u0]{0,6}\"|\\\\u[0-9a-fD]{3,4}|\\\\u[dD][89c-f][0-9]{2}|\u{e4}|\x7f";
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn serde_json_sees_the_same_mistakes(text in pieces(), cut in 0..4_usize) {
            prop_assert_eq!(check(text.as_bytes()), theirs(text.as_bytes()));
            let list = format!("[{text}\n]");
            let cut = &list.as_bytes()[..list.len() - cut.min(list.len())];
            prop_assert_eq!(check(cut), theirs(cut));
            let object = format!("{{\"a\":{text}}}");
            prop_assert_eq!(check(object.as_bytes()), theirs(object.as_bytes()));
        }

        #[test]
        fn strings_are_serde_jsons(text in pieces()) {
            let quoted = format!("\"{text}\"");
            prop_assert_eq!(string(quoted.as_bytes()), serde_json::from_str::<String>(&quoted).ok());
        }

        #[test]
        fn numbers_are_serde_jsons(text in "-?[0-9]{1,25}(\\.[0-9]{0,3})?([eE][+-]?[0-9]{0,4})?|[0-9.eE+-]{0,6}") {
            prop_assert_eq!(is_number(&text), serde_json::from_str::<Number>(&text).is_ok(), "{}", text);
        }
    }
}
