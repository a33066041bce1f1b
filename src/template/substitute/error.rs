//! What can be wrong with a string, and with the variables in it.

use std::error::Error;
use std::fmt;

/// A string that is not of the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The byte where it is.
    pub offset: usize,
    /// What is wrong there and what would be accepted; nothing of the string, which may hold a secret.
    pub message: &'static str,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl Error for SyntaxError {}

/// A string whose variables are not as it needs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpandError {
    /// The byte where the variable is: its `$`.
    pub offset: usize,
    /// Its name; `None` if the text alone is too long.
    pub variable: Option<Box<str>>,
    /// What is wrong.
    pub problem: Problem,
}

impl fmt::Display for ExpandError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.problem.write(self.variable.as_deref(), f)
    }
}

impl Error for ExpandError {}

/// What is wrong with a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// `${V}`, and it is not set.
    NotSet,
    /// `${V?message}` or `${V:?message}`.
    Required {
        /// The author's text, as it is written; may be empty.
        message: Box<str>,
        /// Whether it is set, but empty.
        empty: bool,
    },
    /// With it the result is longer than allowed.
    TooLong {
        /// How many bytes are.
        limit: usize,
    },
}

impl Problem {
    /// The sentence about it.
    pub(crate) fn write(&self, variable: Option<&str>, f: &mut fmt::Formatter) -> fmt::Result {
        let name = variable.unwrap_or_default();
        match self {
            Problem::NotSet => write!(f, "`{name}` is not set"),
            Problem::Required { message, empty } => {
                write!(f, "`{name}` is {}", if *empty { "empty" } else { "not set" })?;
                if message.is_empty() { Ok(()) } else { write!(f, ": {message}") }
            }
            Problem::TooLong { limit } if variable.is_some() => {
                write!(f, "the result is longer than {limit} bytes with the value of `{name}`")
            }
            Problem::TooLong { limit } => write!(f, "the result is longer than {limit} bytes"),
        }
    }
}
