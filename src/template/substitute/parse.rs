//! Text to parts: one pass, one function per rule of the grammar.

use super::{Form, MAX_DEPTH, Part, Presence, SyntaxError, Variable};
use crate::template::name;

const LONE: &str = "`$` stands alone: write `${NAME}` for a variable, `$$` for the character";
const NAME: &str = "expected the name of a variable: `${NAME}`, or `${\"NAME\"}` if it has other characters than letters, digits, `_` and `.`";
const OPERATOR: &str = "expected `}` or one of `:-`, `-`, `:?`, `?`, `:+`, `+` after the name";
const ASSIGN: &str = "`=` cannot assign here: write `:-` for a default";
const OPEN: &str = "`${` is never closed: expected `}`";
const DEEP: &str = "`${` is nested too deep: 32 levels are accepted";

pub struct Parser<'a> {
    text: &'a str,
    /// How far we are, in bytes; always between characters.
    at: usize,
    /// How many `${` are open.
    depth: usize,
}

impl<'a> Parser<'a> {
    pub fn new(text: &'a str) -> Self {
        Parser { text, at: 0, depth: 0 }
    }

    pub fn template(mut self) -> Result<Vec<Part>, SyntaxError> {
        // Outside of `${` no brace ends the parts: they end with the text.
        self.parts()
    }

    /// Text and variables, up to the end; in a word up to the brace that ends it, which stays.
    fn parts(&mut self) -> Result<Vec<Part>, SyntaxError> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut braces = 0_usize;
        while let Some(found) = self.rest().find(self.stops()) {
            text.push_str(&self.rest()[..found]);
            self.at += found;
            match self.rest().as_bytes() {
                [b'$', b'$', ..] => {
                    text.push('$');
                    self.at += 2;
                }
                [b'$', b'{', ..] => {
                    flush(&mut text, &mut parts);
                    parts.push(Part::Variable(self.variable()?));
                }
                [b'$', ..] => return Err(self.error(LONE)),
                [b'}', ..] if braces == 0 => {
                    flush(&mut text, &mut parts);
                    return Ok(parts);
                }
                [brace, ..] => {
                    braces = if *brace == b'{' { braces + 1 } else { braces - 1 };
                    text.push(char::from(*brace));
                    self.at += 1;
                }
                [] => {}
            }
        }
        text.push_str(self.rest());
        self.at = self.text.len();
        flush(&mut text, &mut parts);
        Ok(parts)
    }

    /// `${` to `}`.
    fn variable(&mut self) -> Result<Variable, SyntaxError> {
        let offset = self.at;
        if self.depth == MAX_DEPTH {
            return Err(self.error(DEEP));
        }
        self.depth += 1;
        self.at += 2;
        let rest = self.rest();
        let Some((name, length)) = name::between_braces(rest.as_bytes()) else { return Err(self.error(NAME)) };
        self.at += length;
        let form = self.form()?;
        if !self.rest().starts_with('}') {
            return Err(SyntaxError { offset, message: OPEN });
        }
        self.at += 1;
        self.depth -= 1;
        Ok(Variable { name: name.into(), offset, form })
    }

    /// The operator and its word, if there are any.
    fn form(&mut self) -> Result<Form, SyntaxError> {
        if matches!(self.rest().as_bytes(), [] | [b'}', ..]) {
            return Ok(Form::Value);
        }
        let colon = self.rest().starts_with(':');
        let operator = self.rest().as_bytes().get(usize::from(colon)).copied();
        let presence = if colon { Presence::SetAndNotEmpty } else { Presence::Set };
        let Some(operator @ (b'-' | b'?' | b'+')) = operator else {
            return Err(self.error(if operator == Some(b'=') { ASSIGN } else { OPERATOR }));
        };
        self.at += usize::from(colon) + 1;
        let start = self.at;
        let word = self.parts()?;
        Ok(match operator {
            b'-' => Form::Default { word, unless: presence },
            b'+' => Form::Alternative { word, when: presence },
            _ => Form::Required { message: self.text[start..self.at].replace("$$", "$").into(), unless: presence },
        })
    }

    /// What ends a stretch of plain text: braces count only in a word.
    fn stops(&self) -> &'static [char] {
        if self.depth == 0 { &['$'] } else { &['$', '{', '}'] }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn error(&self, message: &'static str) -> SyntaxError {
        SyntaxError { offset: self.at, message }
    }
}

fn flush(text: &mut String, parts: &mut Vec<Part>) {
    if !text.is_empty() {
        parts.push(Part::Text(std::mem::take(text).into()));
    }
}
