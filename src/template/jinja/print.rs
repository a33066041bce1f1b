//! How a value is printed: a text as it is, everything else as JSON.

use super::error::OurWords;
use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Value};
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

/// How deep lists and maps may be in each other where they are printed.
const MAX_DEPTH: usize = 100;

/// How much has been printed in one run, captured text too, and how much may be.
#[derive(Debug)]
pub struct Budget {
    pub limit: usize,
    pub printed: AtomicUsize,
}

impl Budget {
    pub fn start(&self) {
        self.printed.store(0, Ordering::Relaxed);
    }
}

/// The formatter of our environment.
pub fn print(out: &mut dyn Write, budget: &Budget, value: &Value) -> Result<(), Error> {
    let mut out = Counted { out, budget };
    match value.as_str() {
        Some(text) => Ok(out.write_str(text)?),
        None => json(&mut out, value, &Layout { indent: None, depth: 0 }),
    }
}

/// JSON, as one text of at most `limit` bytes.
pub fn json_text(value: &Value, indent: Option<usize>, limit: usize) -> Result<String, Error> {
    let mut text = String::new();
    let budget = Budget { limit, printed: AtomicUsize::new(0) };
    json(&mut Counted { out: &mut text, budget: &budget }, value, &Layout { indent, depth: 0 })?;
    Ok(text)
}

struct Counted<'a> {
    out: &'a mut dyn Write,
    budget: &'a Budget,
}

impl Write for Counted<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let before = self.budget.printed.fetch_add(text.len(), Ordering::Relaxed);
        if before.saturating_add(text.len()) > self.budget.limit {
            return Err(fmt::Error);
        }
        self.out.write_str(text)
    }
}

struct Layout {
    /// How many spaces a level is indented; `None` for one line.
    indent: Option<usize>,
    depth: usize,
}

impl Layout {
    fn line(&self, out: &mut dyn Write, deeper: usize) -> fmt::Result {
        match self.indent {
            Some(width) => write!(out, "\n{:1$}", "", width * (self.depth + deeper)),
            None => Ok(()),
        }
    }

    fn deeper(&self) -> Result<Layout, Error> {
        if self.depth == MAX_DEPTH {
            return Err(cannot("lists and maps nested deeper than 100 levels"));
        }
        Ok(Layout { indent: self.indent, depth: self.depth + 1 })
    }
}

/// RFC 8259; nothing is escaped that need not be.
fn json(out: &mut dyn Write, value: &Value, layout: &Layout) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Undefined => Ok(()),
        ValueKind::None => Ok(out.write_str("null")?),
        ValueKind::Bool => Ok(out.write_str(if value.is_true() { "true" } else { "false" })?),
        ValueKind::Number => number(out, value),
        ValueKind::String | ValueKind::Bytes => string(out, value.as_str().unwrap_or_default()),
        ValueKind::Seq | ValueKind::Iterable => list(out, value, layout, ["[", "]"]),
        ValueKind::Map => list(out, value, layout, ["{", "}"]),
        ValueKind::Invalid => Err(cannot("a text that is not UTF-8")),
        _ => Err(cannot("a function")),
    }
}

/// A list, or a map with its names.
fn list(out: &mut dyn Write, value: &Value, layout: &Layout, [open, close]: [&str; 2]) -> Result<(), Error> {
    let deeper = layout.deeper()?;
    let mut before = open;
    for item in value.try_iter()? {
        out.write_str(before)?;
        before = ",";
        layout.line(out, 1)?;
        if open == "[" {
            json(out, &item, &deeper)?;
            continue;
        }
        match item.as_str() {
            Some(name) => string(out, name)?,
            None => string(out, &item.to_string())?,
        }
        out.write_str(if layout.indent.is_some() { ": " } else { ":" })?;
        json(out, &value.get_item(&item)?, &deeper)?;
    }
    if before == open {
        out.write_str(open)?;
    } else {
        layout.line(out, 0)?;
    }
    Ok(out.write_str(close)?)
}

fn number(out: &mut dyn Write, value: &Value) -> Result<(), Error> {
    match f64::try_from(value.clone()) {
        Ok(number) if !number.is_finite() => Err(cannot("a number that is not finite")),
        _ => Ok(write!(out, "{value}")?),
    }
}

fn string(out: &mut dyn Write, text: &str) -> Result<(), Error> {
    out.write_char('"')?;
    for piece in text.split_inclusive(|c: char| c < ' ' || c == '"' || c == '\\') {
        let last = piece.chars().next_back().filter(|&c| c < ' ' || c == '"' || c == '\\');
        out.write_str(&piece[..piece.len() - last.map_or(0, char::len_utf8)])?;
        match last {
            Some('\n') => out.write_str("\\n")?,
            Some('\t') => out.write_str("\\t")?,
            Some('\r') => out.write_str("\\r")?,
            Some(c @ ('"' | '\\')) => write!(out, "\\{c}")?,
            Some(c) => write!(out, "\\u{:04x}", u32::from(c))?,
            None => {}
        }
    }
    Ok(out.write_char('"')?)
}

fn cannot(what: &str) -> Error {
    Error::new(ErrorKind::BadSerialization, format!("cannot print {what}")).with_source(OurWords)
}
