//! Files with variables: `NAME=value` lines as Docker Compose and systemd read them. Nothing in them is expanded or run.
//!
//! Blank lines and `#` comments are skipped, `export ` before a name is allowed. A value in single quotes stands as it
//! is, one in double quotes knows `\n`, `\r`, `\t`, `\"`, `\\` and `\$`; both may go on over several lines. A bare value
//! ends at the line's end or before ` #`; blanks around it do not count.

/// One variable of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name: anything without `=`, blank or NUL.
    pub name: Vec<u8>,
    /// Its value, quotes taken off.
    pub value: Vec<u8>,
}

/// What is wrong with a file. Values are never quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what would be accepted.
    pub message: &'static str,
}

/// Reads a file.
///
/// # Errors
/// Every line that is neither blank, a comment, nor `NAME=value`.
pub fn parse(text: &[u8]) -> Result<Vec<Entry>, Vec<Mistake>> {
    let mut reader = Reader { text: text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text), line: 1 };
    let mut entries = Vec::new();
    let mut mistakes = Vec::new();
    while !reader.text.is_empty() {
        let line = reader.line;
        match reader.entry() {
            Ok(Some(entry)) => entries.push(entry),
            Ok(None) => {}
            Err(message) => {
                mistakes.push(Mistake { line, message });
                if reader.line == line {
                    reader.take_line();
                }
            }
        }
    }
    if mistakes.is_empty() { Ok(entries) } else { Err(mistakes) }
}

struct Reader<'a> {
    text: &'a [u8],
    line: usize,
}

impl<'a> Reader<'a> {
    fn take_line(&mut self) -> &'a [u8] {
        let end = self.text.iter().position(|&byte| byte == b'\n');
        let (line, rest) = match end {
            Some(end) => (&self.text[..end], &self.text[end + 1..]),
            None => (self.text, &self.text[self.text.len()..]),
        };
        self.line += 1;
        self.text = rest;
        line
    }

    fn entry(&mut self) -> Result<Option<Entry>, &'static str> {
        let end = self.text.iter().position(|&byte| byte == b'\n').unwrap_or(self.text.len());
        let line = &self.text[..end];
        let content = line.trim_ascii_start();
        if content.is_empty() || content.starts_with(b"#") {
            self.take_line();
            return Ok(None);
        }
        let sign = line.iter().position(|&byte| byte == b'=').ok_or("expected `NAME=value`")?;
        let name = line[..sign].trim_ascii();
        let name = name.strip_prefix(b"export ").map_or(name, <[u8]>::trim_ascii_start);
        if name.is_empty() || name.iter().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control()) {
            return Err("expected a name without blanks before `=`");
        }
        let value = &line[sign + 1..];
        let quoted = value.trim_ascii_start();
        let name = name.to_vec();
        let value = if let Some(&quote @ (b'\'' | b'"')) = quoted.first() {
            self.quoted(line.len() - quoted.len() + 1, quote)?
        } else {
            self.take_line();
            bare(value).to_vec()
        };
        if value.contains(&0) {
            return Err("a value cannot contain a NUL byte");
        }
        Ok(Some(Entry { name, value }))
    }

    /// The value after the opening quote, which is `skipped` bytes from here.
    fn quoted(&mut self, skipped: usize, quote: u8) -> Result<Vec<u8>, &'static str> {
        let mut value = Vec::new();
        let mut bytes = self.text[skipped..].iter().copied().enumerate();
        while let Some((at, byte)) = bytes.next() {
            match byte {
                byte if byte == quote => {
                    let lines = self.text[skipped..skipped + at].split(|&byte| byte == b'\n').count() - 1;
                    self.text = &self.text[skipped + at + 1..];
                    self.line += lines;
                    let rest = self.take_line().trim_ascii();
                    let comment = rest.is_empty() || rest.starts_with(b"#");
                    return if comment {
                        Ok(value)
                    } else {
                        Err("expected nothing but a comment behind the closing quote")
                    };
                }
                b'\\' if quote == b'"' => match bytes.next() {
                    Some((_, b'n')) => value.push(b'\n'),
                    Some((_, b'r')) => value.push(b'\r'),
                    Some((_, b't')) => value.push(b'\t'),
                    Some((_, escaped @ (b'"' | b'\\' | b'$'))) => value.push(escaped),
                    Some((_, other)) => value.extend([b'\\', other]),
                    None => break,
                },
                byte => value.push(byte),
            }
        }
        Err("this quote is never closed")
    }
}

/// A value without quotes, without the comment behind it.
fn bare(value: &[u8]) -> &[u8] {
    let comment = value.windows(2).position(|pair| pair[0].is_ascii_whitespace() && pair[1] == b'#');
    value[..comment.unwrap_or(value.len())].trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> Vec<(String, String)> {
        let string = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let entries = parse(text.as_bytes()).unwrap();
        entries.into_iter().map(|entry| (string(entry.name), string(entry.value))).collect()
    }

    fn mistakes(text: &str) -> Vec<(usize, &'static str)> {
        parse(text.as_bytes()).unwrap_err().into_iter().map(|mistake| (mistake.line, mistake.message)).collect()
    }

    #[test]
    fn lines_comments_and_quotes() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            parsed(concat!(
                "\u{feff}# comment\n\n  A=1\r\nexport B = two words # comment\nC=a#b\nD=\nE='$x \\n'  # c\n",
                "F=\"a\\n\\\"b\\$c\\d\"\nG='one\ntwo'\nh.i-j=k=l\nM=${X}",
            )),
            [
                pair("A", "1"),
                pair("B", "two words"),
                pair("C", "a#b"),
                pair("D", ""),
                pair("E", "$x \\n"),
                pair("F", "a\n\"b$c\\d"),
                pair("G", "one\ntwo"),
                pair("h.i-j", "k=l"),
                pair("M", "${X}"),
            ]
        );
    }

    #[test]
    fn every_mistake_is_told_with_its_line_and_without_the_value() {
        assert_eq!(
            mistakes("A=1\nhunter2\nB='x' hunter2\nC='a\n\nb'\n=x\nD E=x\nF=\"hunter2\n"),
            [
                (2, "expected `NAME=value`"),
                (3, "expected nothing but a comment behind the closing quote"),
                (7, "expected a name without blanks before `=`"),
                (8, "expected a name without blanks before `=`"),
                (9, "this quote is never closed"),
            ]
        );
    }

    proptest! {
        #[test]
        fn a_value_in_single_quotes_comes_back(value in "[^'\\x00]{0,40}", other in any::<Vec<u8>>()) {
            prop_assert_eq!(parsed(&format!("A='{value}'")), [("A".to_owned(), value)]);
            let _ = parse(&other);
        }
    }
}
