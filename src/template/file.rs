//! `${...}` in files, as envsubst(1): listed variables are replaced, every other byte stays what it is.
//!
//! | in the file, A listed, B not | becomes |
//! |---|---|
//! | `${A}`, `${"A"}` | its value |
//! | `$A` | its value with [`Substitution::bare`], else as it is |
//! | `${A:-word}` and the other operators of [`super::substitute`] | with [`Substitution::operators`] their result, else as they are |
//! | `${B}`, `$B`, `$uri`, `$$`, `${A:=x}`, bytes that are no UTF-8 | as they are |
//!
//! There is no escape, as there is none in envsubst: `$${A}` is a dollar sign and a value. A file has whatever it had before
//! (nginx, shell, make), so nothing is refused but what is surely meant for us: a listed variable whose word never ends, or is
//! nested deeper than [`MAX_DEPTH`]. In a word the same rules hold as in the file, and braces balance.

use super::substitute::{MAX_DEPTH, Presence, Problem};
use super::{Position, name};
use std::error::Error;
use std::fmt;

/// How to go through a file.
pub struct Substitution<'a> {
    /// Finds a variable; `true`: its value is wanted, for it is in no word that is not used.
    pub find: &'a dyn Fn(&str, bool) -> Found<'a>,
    /// What becomes of a listed variable that is not set.
    pub unset: Unset,
    /// Whether `$V` is replaced too.
    pub bare: bool,
    /// Whether `${V:-default}` and the other operators are understood.
    pub operators: bool,
    /// How many bytes the result may have.
    pub limit: usize,
}

/// What there is of a variable that a file names.
pub enum Found<'a> {
    /// It is not touched.
    Unlisted,
    /// It is replaced by its value, if it is set.
    Listed(Option<&'a [u8]>),
}

/// What becomes of a listed variable that is not set, where it has no default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unset {
    /// It is an error.
    Refuse,
    /// Nothing is written, as envsubst does.
    Empty,
    /// It stays as it is written.
    Keep,
}

/// Why a file has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// Where in the file.
    pub position: Position,
    /// The variable there; `None` if it is about none.
    pub variable: Option<Box<str>>,
    /// What is wrong.
    pub cause: Cause,
}

/// What is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The variable is not what the file needs.
    Variable(Problem),
    /// The word after the operator does not end.
    NeverClosed,
    /// A word in a word in a word ...
    TooDeep,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let name = self.variable.as_deref();
        match &self.cause {
            Cause::Variable(problem) => problem.write(name, f),
            Cause::NeverClosed => write!(f, "`${{{}` is never closed: expected `}}`", name.unwrap_or_default()),
            Cause::TooDeep => write!(f, "`${{` is nested too deep: {MAX_DEPTH} levels are accepted"),
        }
    }
}

impl Error for FileError {}

impl Substitution<'_> {
    /// The file with its listed variables replaced.
    ///
    /// # Errors
    /// The first variable that is not there and has to be, a word without end, or a result beyond the limit.
    pub fn apply(&self, source: &[u8]) -> Result<Vec<u8>, FileError> {
        // Values are about as long as their names.
        let result = Vec::with_capacity(source.len());
        let mut walk = Walk { rules: self, source, at: 0, depth: 0, muted: false, result };
        walk.text().map(|()| walk.result).map_err(|failure| FileError {
            position: Position::of(source, failure.offset),
            variable: failure.variable,
            cause: failure.cause,
        })
    }
}

struct Failure {
    offset: usize,
    variable: Option<Box<str>>,
    cause: Cause,
}

/// One pass over a file.
struct Walk<'a, 'r> {
    rules: &'a Substitution<'r>,
    source: &'a [u8],
    at: usize,
    /// How many words we are in.
    depth: usize,
    /// Whether we are in a word that is not used, and only look for its end.
    muted: bool,
    result: Vec<u8>,
}

impl<'a> Walk<'a, '_> {
    /// Text and variables, up to the end; in a word up to the brace that ends it, which stays.
    fn text(&mut self) -> Result<(), Failure> {
        let mut braces = 0_usize;
        while let Some(&byte) = self.source.get(self.at) {
            match byte {
                b'$' if self.variable()? => continue,
                b'{' => braces += 1,
                b'}' if self.depth > 0 && braces == 0 => return Ok(()),
                b'}' => braces = braces.saturating_sub(1),
                _ => {}
            }
            let rest = &self.source[self.at + 1..];
            // Braces count only in a word.
            let plain = match self.depth {
                0 => length_before_dollar(rest),
                _ => rest.iter().position(|byte| matches!(byte, b'$' | b'{' | b'}')).unwrap_or(rest.len()),
            };
            let end = self.at + 1 + plain;
            self.keep(end)?;
        }
        Ok(())
    }

    /// The variable at the dollar sign we are at; `false` if there is none of ours, and nothing has happened.
    fn variable(&mut self) -> Result<bool, Failure> {
        let rest: &'a [u8] = &self.source[self.at + 1..];
        let (name, operator, length) = match rest {
            [b'{', inner @ ..] => {
                let Some((name, length)) = name::between_braces(inner) else { return Ok(false) };
                match (&inner[length..], Operator::at(&inner[length..])) {
                    ([b'}', ..], _) => (name, None, length + 2),
                    (_, Some((operator, more))) if self.rules.operators => (name, Some(operator), length + 1 + more),
                    _ => return Ok(false),
                }
            }
            _ => match name::bare(rest) {
                Some(name) if self.rules.bare => (name, None, name.len()),
                _ => return Ok(false),
            },
        };
        let Found::Listed(value) = (self.rules.find)(name, !self.muted) else { return Ok(false) };
        let start = self.at;
        self.at += 1 + length;
        match operator {
            Some(operator) => self.with_word(name, value, operator, start)?,
            None if self.muted => {}
            None => self.plain(name, value, start)?,
        }
        Ok(true)
    }

    /// A variable without a word, that begins at `start`.
    fn plain(&mut self, name: &str, value: Option<&[u8]>, start: usize) -> Result<(), Failure> {
        match (value, self.rules.unset) {
            (Some(value), _) => self.append(value, start, Some(name)),
            (None, Unset::Empty) => Ok(()),
            (None, Unset::Keep) => self.append(&self.source[start..self.at], start, None),
            (None, Unset::Refuse) => Err(Failure::new(start, Some(name), Cause::Variable(Problem::NotSet))),
        }
    }

    /// A variable with a word, at whose start we are; the dollar sign is at `start`.
    fn with_word(&mut self, name: &str, value: Option<&[u8]>, operator: Operator, start: usize) -> Result<(), Failure> {
        if self.depth == MAX_DEPTH {
            return Err(Failure::new(start, Some(name), Cause::TooDeep));
        }
        let muted = self.muted;
        let there = operator.presence.of(value);
        let (use_value, use_word) = match operator.kind {
            b'-' => (there, !there),
            b'+' => (false, there),
            _ => (there, false),
        };
        if use_value && !muted {
            self.append(value.unwrap_or_default(), start, Some(name))?;
        }
        let word = self.at;
        self.muted = muted || !use_word;
        self.depth += 1;
        self.text()?;
        self.depth -= 1;
        self.muted = muted;
        if self.at == self.source.len() {
            return Err(Failure::new(start, Some(name), Cause::NeverClosed));
        }
        if operator.kind == b'?' && !there && !muted {
            // As it is written: see `substitute`.
            let message = String::from_utf8_lossy(&self.source[word..self.at]).into();
            let problem = Problem::Required { message, empty: value.is_some() };
            return Err(Failure::new(start, Some(name), Cause::Variable(problem)));
        }
        self.at += 1;
        Ok(())
    }

    /// Copies what is left up to `end`.
    fn keep(&mut self, end: usize) -> Result<(), Failure> {
        if !self.muted {
            self.append(&self.source[self.at..end], self.at, None)?;
        }
        self.at = end;
        Ok(())
    }

    fn append(&mut self, bytes: &[u8], offset: usize, variable: Option<&str>) -> Result<(), Failure> {
        let limit = self.rules.limit;
        if bytes.len() > limit - self.result.len() {
            return Err(Failure::new(offset, variable, Cause::Variable(Problem::TooLong { limit })));
        }
        self.result.extend_from_slice(bytes);
        Ok(())
    }
}

/// How many bytes come before the first dollar sign. Eight at a time: most of a file is none.
fn length_before_dollar(text: &[u8]) -> usize {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    let (words, rest) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        // A byte that is zero here is a dollar sign there; to take one away from it borrows, up to its highest bit.
        let differs = u64::from_le_bytes(*word) ^ (EACH * u64::from(b'$'));
        let borrowed = differs.wrapping_sub(EACH) & !differs & (EACH << 7);
        if borrowed != 0 {
            return index * 8 + borrowed.trailing_zeros() as usize / 8;
        }
    }
    words.len() * 8 + rest.iter().position(|&byte| byte == b'$').unwrap_or(rest.len())
}

impl Failure {
    fn new(offset: usize, variable: Option<&str>, cause: Cause) -> Self {
        Failure { offset, variable: variable.map(Into::into), cause }
    }
}

/// `-`, `?` or `+`, and whether empty counts as not set.
#[derive(Clone, Copy)]
struct Operator {
    kind: u8,
    presence: Presence,
}

impl Operator {
    /// The operator at the start of `text`, and its length.
    fn at(text: &[u8]) -> Option<(Self, usize)> {
        match text {
            [b':', kind @ (b'-' | b'?' | b'+'), ..] => {
                Some((Operator { kind: *kind, presence: Presence::SetAndNotEmpty }, 2))
            }
            [kind @ (b'-' | b'?' | b'+'), ..] => Some((Operator { kind: *kind, presence: Presence::Set }, 1)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
