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
use super::{Lookup, Position, name};
use std::error::Error;
use std::fmt;
use std::io::BufRead;

/// How to go through a file.
pub struct Substitution<'a> {
    /// Which variables are touched at all.
    pub is_listed: &'a dyn Fn(&str) -> bool,
    /// Their values.
    pub lookup: &'a Lookup<'a>,
    /// What becomes of a listed variable that is not set.
    pub unset: Unset,
    /// Whether `$V` is replaced too.
    pub bare: bool,
    /// Whether `${V:-default}` and the other operators are understood.
    pub operators: bool,
    /// How many bytes the result may have.
    pub limit: usize,
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
        let mut walk = Walk { rules: self, source, at: 0, depth: 0, muted: false, result: Vec::new() };
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
        let start = self.at;
        let rest: &'a [u8] = &self.source[start + 1..];
        if let [b'{', inner @ ..] = rest {
            let Some((name, length)) = name::between_braces(inner) else { return Ok(false) };
            let after = &inner[length..];
            let end = start + 2 + length;
            return match (after, Operator::at(after)) {
                ([b'}', ..], _) if self.is_ours(name) => self.plain(name, end + 1),
                (_, Some((operator, length))) if self.rules.operators && self.is_ours(name) => {
                    self.at = end + length;
                    self.with_word(name, operator, start)
                }
                _ => Ok(false),
            };
        }
        match name::bare(rest) {
            Some(name) if self.rules.bare && self.is_ours(name) => self.plain(name, start + 1 + name.len()),
            _ => Ok(false),
        }
    }

    fn is_ours(&self, name: &str) -> bool {
        (self.rules.is_listed)(name)
    }

    /// A variable without a word, that ends at `end`.
    fn plain(&mut self, name: &str, end: usize) -> Result<bool, Failure> {
        let start = self.at;
        if self.muted {
            self.at = end;
            return Ok(true);
        }
        match ((self.rules.lookup)(name), self.rules.unset) {
            (Some(value), _) => self.append(&value, start, Some(name))?,
            (None, Unset::Empty) => {}
            (None, Unset::Keep) => self.append(&self.source[start..end], start, None)?,
            (None, Unset::Refuse) => return Err(Failure::new(start, Some(name), Cause::Variable(Problem::NotSet))),
        }
        self.at = end;
        Ok(true)
    }

    /// A variable with a word, at whose start we are; the dollar sign is at `start`.
    fn with_word(&mut self, name: &str, operator: Operator, start: usize) -> Result<bool, Failure> {
        if self.depth == MAX_DEPTH {
            return Err(Failure::new(start, Some(name), Cause::TooDeep));
        }
        let muted = self.muted;
        let value = if muted { None } else { (self.rules.lookup)(name) };
        let there = operator.presence.of(value.as_deref());
        let (use_value, use_word) = match operator.kind {
            b'-' => (there, !there),
            b'+' => (false, there),
            _ => (there, false),
        };
        if use_value && !muted {
            self.append(value.as_deref().unwrap_or_default(), start, Some(name))?;
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
        Ok(true)
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

/// How many bytes come before the first dollar sign. std's own search, which looks at many at a time.
fn length_before_dollar(mut text: &[u8]) -> usize {
    let all = text;
    let passed = text.skip_until(b'$').unwrap_or(all.len());
    if all[..passed].ends_with(b"$") { passed - 1 } else { passed }
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
