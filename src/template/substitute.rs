//! The `${...}` language of the strings in a configuration: what Compose files and POSIX shells have in common.
//!
//! | written | V set | V empty | V not set |
//! |---|---|---|---|
//! | `${V}` | its value | nothing | refused |
//! | `${V-word}` | its value | nothing | word |
//! | `${V:-word}` | its value | word | word |
//! | `${V?word}` | its value | nothing | refused: word |
//! | `${V:?word}` | its value | refused: word | refused: word |
//! | `${V+word}` | word | word | nothing |
//! | `${V:+word}` | word | nothing | nothing |
//! | `$$` | `$` | `$` | `$` |
//!
//! Sources: POSIX.1-2024, Shell Command Language, 2.6.2; the Compose specification, 12-interpolation.md. Beyond them:
//!
//! - Strict: `${V}` with V not set is an error, and so is a `$` before anything but `{` and `$`. Compose would expand `$V` and
//!   a shell would make `$uri` vanish; here either may have been meant, and the message says how to write both.
//! - A word is a template itself, up to [`MAX_DEPTH`] deep. Braces in it balance: in `${V:-{"a": 1}}` the whole object is
//!   the word. A word cannot hold a brace without its partner.
//! - The word after `?` is a message: it is shown as it is written, never expanded (POSIX would), because the value of
//!   another variable in it could be a secret.
//! - Names have dots too, and a quoted name may be anything: `${cluster.name}`, `${"A-b"}`; a dash outside quotes is the
//!   operator.
//! - Values are bytes and are not looked at: no second expansion, no splitting, no patterns.

mod error;
mod parse;

pub use error::{ExpandError, Problem, SyntaxError};

use super::Lookup;

/// How many `${` may be open at once.
pub const MAX_DEPTH: usize = 32;

/// A parsed string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    Variable(Variable),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Variable {
    name: Box<str>,
    /// Where its `$` is.
    offset: usize,
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// `${V}`
    Value,
    /// `-` and `:-`
    Default { word: Vec<Part>, unless: Presence },
    /// `?` and `:?`
    Required { message: Box<str>, unless: Presence },
    /// `+` and `:+`
    Alternative { word: Vec<Part>, when: Presence },
}

/// What counts as being there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// Without the colon.
    Set,
    /// With the colon.
    SetAndNotEmpty,
}

impl Presence {
    pub(super) fn of(self, value: Option<&[u8]>) -> bool {
        match self {
            Presence::Set => value.is_some(),
            Presence::SetAndNotEmpty => value.is_some_and(|value| !value.is_empty()),
        }
    }
}

impl Template {
    /// Reads a string.
    ///
    /// # Errors
    /// The first thing that is not of the language.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        parse::Parser::new(text).template().map(|parts| Template { parts })
    }

    /// The string with its variables replaced. `limit`: how many bytes it may have at most.
    ///
    /// # Errors
    /// The first variable that is not there and has to be, or a result beyond the limit.
    pub fn expand(&self, lookup: &Lookup, limit: usize) -> Result<Vec<u8>, ExpandError> {
        let mut expansion = Expansion { lookup, limit, result: Vec::new() };
        expansion.parts(&self.parts)?;
        Ok(expansion.result)
    }

    /// Every variable that it may look up, each once, sorted.
    pub fn variables(&self) -> Vec<&str> {
        let mut names = Vec::new();
        collect(&self.parts, &mut names);
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The string itself, if it has no variable.
    pub fn constant(&self) -> Option<&str> {
        match &self.parts[..] {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }
}

/// The text that expands to `text`.
pub fn escape(text: &str) -> String {
    text.replace('$', "$$")
}

fn collect<'a>(parts: &'a [Part], names: &mut Vec<&'a str>) {
    for part in parts {
        let Part::Variable(variable) = part else { continue };
        names.push(&variable.name);
        match &variable.form {
            Form::Default { word, .. } | Form::Alternative { word, .. } => collect(word, names),
            Form::Value | Form::Required { .. } => {}
        }
    }
}

struct Expansion<'a, 'v> {
    lookup: &'a Lookup<'v>,
    limit: usize,
    result: Vec<u8>,
}

impl Expansion<'_, '_> {
    fn parts(&mut self, parts: &[Part]) -> Result<(), ExpandError> {
        for part in parts {
            match part {
                Part::Text(text) => {
                    let too_long =
                        ExpandError { offset: 0, variable: None, problem: Problem::TooLong { limit: self.limit } };
                    self.append(text.as_bytes()).map_err(|_| too_long)?;
                }
                Part::Variable(variable) => self.variable(variable)?,
            }
        }
        Ok(())
    }

    fn variable(&mut self, variable: &Variable) -> Result<(), ExpandError> {
        let value = (self.lookup)(&variable.name);
        let value = value.as_deref();
        let done = match &variable.form {
            Form::Value => value.ok_or(Problem::NotSet).and_then(|value| self.append(value)),
            Form::Default { word, unless } if !unless.of(value) => return self.parts(word),
            Form::Required { message, unless } if !unless.of(value) => {
                Err(Problem::Required { message: message.clone(), empty: value.is_some() })
            }
            Form::Alternative { word, when } if when.of(value) => return self.parts(word),
            Form::Alternative { .. } => Ok(()),
            Form::Default { .. } | Form::Required { .. } => self.append(value.unwrap_or_default()),
        };
        done.map_err(|problem| ExpandError { offset: variable.offset, variable: Some(variable.name.clone()), problem })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        if bytes.len() > self.limit - self.result.len() {
            return Err(Problem::TooLong { limit: self.limit });
        }
        self.result.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
