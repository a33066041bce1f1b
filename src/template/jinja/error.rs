//! minijinja's errors in our words. What they say of a value is its type, never what it is.

use super::context::Context;
use crate::template::Position;
use minijinja::ErrorKind;
use std::error::Error as _;
use std::fmt;

/// Why a template, an expression or a condition has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The name of the template; empty for an expression.
    pub name: Box<str>,
    /// Where in it; `None` if it is the whole.
    pub position: Option<Position>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Error {
    /// `site.conf:3:7: ...`
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let name = if self.name.is_empty() { "expression" } else { &self.name };
        match self.position {
            Some(position) => write!(f, "{name}:{position}: {}", self.message),
            None => write!(f, "{name}: {}", self.message),
        }
    }
}

impl std::error::Error for Error {}

impl From<Box<Error>> for String {
    #[inline(never)]
    fn from(error: Box<Error>) -> Self {
        error.to_string()
    }
}

/// What was compiled or run when an error came.
pub struct Origin<'a> {
    /// The name of the template; empty for an expression.
    pub name: &'a str,
    /// Its text.
    pub source: &'a str,
    /// How many bytes later minijinja's text starts than `source` does; negative if it starts with some of ours.
    pub shift: isize,
    /// The values that must not be in a message.
    pub context: Option<&'a Context>,
}

impl Origin<'_> {
    pub fn explain(&self, error: &minijinja::Error, limit: usize, fuel: u64) -> Box<Error> {
        let offset = error.range().and_then(|range| range.start.checked_add_signed(self.shift));
        let by_offset = offset.map(|offset| Position::of(self.source.as_bytes(), offset));
        let by_line = || error.line().map(|line| self.line(line));
        let message = match error.kind() {
            ErrorKind::OutOfFuel => format!("it runs too long: {fuel} instructions are accepted"),
            ErrorKind::WriteFailure => format!("the result is longer than {limit} bytes"),
            ErrorKind::UndefinedError => undefined(error.detail()),
            kind => self.detail(error).unwrap_or_else(|| kind.to_string()),
        };
        self.error(by_offset.or_else(by_line), message)
    }

    /// The place of a line of minijinja's text, where it knows no more.
    fn line(&self, line: usize) -> Position {
        let start = Position::of(self.source.as_bytes(), usize::try_from(self.shift).unwrap_or(0));
        match line {
            1 => start,
            _ => Position { line: start.line + line - 1, column: 1 },
        }
    }

    pub fn error(&self, position: Option<Position>, message: String) -> Box<Error> {
        Box::new(Error { name: self.name.into(), position, message })
    }

    /// The details, if nothing of a value is in them.
    fn detail(&self, error: &minijinja::Error) -> Option<String> {
        let detail = error.detail()?;
        if detail.starts_with("unable to calculate") {
            // The numbers follow.
            return Some("cannot calculate this: a division by zero, or a result that is too large".to_owned());
        }
        let named = detail.split(' ').nth(1).unwrap_or_default();
        let may_be_shown = match error.kind() {
            // `select(name)` takes a name from anywhere.
            ErrorKind::UnknownFilter | ErrorKind::UnknownTest => self.source.contains(named),
            _ if error.source().is_some_and(<dyn std::error::Error>::is::<OurWords>) => true,
            _ => !self.context.is_some_and(|context| context.shows_through(detail, self.source)),
        };
        let hint = if error.kind() == ErrorKind::UnknownMethod { "; use a filter: `value|filter`" } else { "" };
        may_be_shown.then(|| format!("{detail}{hint}"))
    }
}

/// The source of an error that has its words from us, and no value in them.
#[derive(Debug)]
pub struct OurWords;

impl fmt::Display for OurWords {
    fn fmt(&self, _: &mut fmt::Formatter) -> fmt::Result {
        Ok(())
    }
}

impl std::error::Error for OurWords {}

fn undefined(detail: Option<&str>) -> String {
    let Some(detail) = detail else { return "something here is not defined".to_owned() };
    let name = detail.strip_prefix('`').and_then(|rest| rest.strip_suffix("` is undefined"));
    match name {
        Some(name) if name.starts_with("env") => {
            format!("`{name}` is not set; `{name}|default(\"...\")` says what to take then")
        }
        Some(name) if name.starts_with("facts.") => {
            format!("`{name}` is not known here; `{name}|default(\"...\")` says what to take then")
        }
        Some(name) => format!("`{name}` is not defined"),
        None => detail.to_owned(),
    }
}
