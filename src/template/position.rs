//! Where in a text something is, as editors count.

use std::fmt;

/// A place in a text: both from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl Position {
    /// The place of the byte at `offset`; the end, if the text is shorter.
    pub fn of(text: &[u8], offset: usize) -> Self {
        let before = &text[..offset.min(text.len())];
        let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.split(|&byte| byte == b'\n').count(),
            // A continuation byte of UTF-8 starts no character; a stray one counts for nothing.
            column: before[start..].iter().filter(|&&byte| byte & 0xc0 != 0x80).count() + 1,
        }
    }
}

impl fmt::Display for Position {
    /// `3:14`, as compilers write it.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_characters_are_counted_from_one() {
        let text = "ab\nçd\n";
        let place = |offset| Position::of(text.as_bytes(), offset).to_string();
        assert_eq!([place(0), place(2), place(3), place(5)], ["1:1", "1:3", "2:1", "2:2"]);
        assert_eq!([place(7), place(99)], ["3:1", "3:1"]);
        assert_eq!(Position::of(b"\xff\xfe$", 2), Position { line: 1, column: 3 });
    }
}
