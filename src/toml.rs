//! TOML to a [`tree`](crate::tree), on the parser beneath the `toml` crate: it finds signs, keys and values, this file makes
//! tables of them. That crate's own tables are two trees for one, with more code than all of this.
//!
//! May use the tree alone.
#![forbid(unsafe_code)]

mod date;
#[cfg(test)]
mod tests;

use crate::tree::{Key, Node, Place, Value};
use std::collections::BTreeMap;
use toml_parser::decoder::{Encoding, ScalarKind};
use toml_parser::parser::{EventReceiver, parse_document};
use toml_parser::{ErrorSink, Expected, ParseError, Source, Span};

/// How deep lists and inline tables may be nested, and how many names a key may have.
const DEEPEST: usize = 80;

/// From how many names on a table has an index.
const SHORT: usize = 16;

/// Of how many mistakes it is told where their key stands first.
const MOST_LINES: usize = 100;

type Table = Vec<(Key, Node)>;

/// What is wrong, and where.
pub type Mistake = (Place, String);

/// Reads TOML, and every mistake of its grammar: first those of its signs, then those of its values and keys. With mistakes
/// the tree means nothing.
pub fn read(text: &str) -> (Node, Vec<Mistake>) {
    let source = Source::new(text);
    let mut reader = Reader {
        source,
        tables: Tables { text, mistakes: Mistakes::default(), index: BTreeMap::new() },
        root: Table::new(),
        current: Table::new(),
        header: None,
        path: Vec::new(),
        is_dotted: false,
        open: Vec::new(),
    };
    let mut mistakes = Mistakes::default();
    parse_document(&source.lex().into_vec(), &mut reader, &mut mistakes);
    reader.finish();
    mistakes.0.append(&mut reader.tables.mistakes.0);
    (Node { place: Place::default(), value: Value::Table(reader.root) }, mistakes.0)
}

/// Reads TOML of which only the first mistake counts.
///
/// # Errors
/// That mistake.
pub fn parse(text: &str) -> Result<Table, Mistake> {
    let (node, mistakes) = read(text);
    match (mistakes.into_iter().next(), node.value) {
        (None, Value::Table(table)) => Ok(table),
        (mistake, _) => Err(mistake.unwrap_or_default()),
    }
}

/// What a value says that is a [`Value::Other`], from how it is written: without `_`, a date as all write it.
pub fn plain(text: &str) -> String {
    let mut said = String::new();
    let whole = Span::new_unchecked(0, text.len());
    let kind = Source::new(text).get(whole).map(|raw| raw.decode_scalar(&mut said, &mut ()));
    if kind == Some(ScalarKind::DateTime) { date::normal(&said).unwrap_or(said) } else { said }
}

#[derive(Default)]
struct Mistakes(Vec<Mistake>);

impl Mistakes {
    fn at(&mut self, place: Place, message: impl Into<String>) {
        self.0.push((place, message.into()));
    }
}

impl ErrorSink for Mistakes {
    fn report_error(&mut self, error: ParseError) {
        let mut message = error.description().to_owned();
        if let Some(expected) = error.expected() {
            let mut between = ", expected ";
            if expected.is_empty() {
                message.push_str(", expected nothing");
            }
            for expected in expected {
                message.push_str(between);
                between = ", ";
                match *expected {
                    Expected::Literal("\n") => message.push_str("newline"),
                    Expected::Literal(sign) => {
                        message.push('`');
                        message.push_str(sign);
                        message.push('`');
                    }
                    Expected::Description(words) => message.push_str(words),
                    _ => {}
                }
            }
        }
        self.at(error.unexpected().map_or_else(Place::default, place), message);
    }
}

fn place(span: Span) -> Place {
    Place { start: span.start(), end: span.end() }
}

/// Puts what the parser finds where it belongs.
struct Reader<'t> {
    source: Source<'t>,
    tables: Tables<'t>,
    root: Table,
    /// The table of the header, which stands in no other until it is complete.
    current: Table,
    /// What it is called; `None`: it is the root.
    header: Option<Header>,
    /// The names of the key that is being read.
    path: Vec<Key>,
    /// Whether a dot was last: another name of the same key follows.
    is_dotted: bool,
    /// The lists and inline tables that have no end yet, the outermost first.
    open: Vec<Open>,
}

/// `[a.b]` or `[[a.b]]`.
struct Header {
    place: Place,
    path: Vec<Key>,
    is_array: bool,
}

/// A list or an inline table.
struct Open {
    start: usize,
    /// The key it is the value of.
    path: Vec<Key>,
    value: Value,
}

impl Reader<'_> {
    fn open_header(&mut self, span: Span, is_array: bool) {
        self.finish();
        self.path.clear();
        self.header = Some(Header { place: place(span), path: Vec::new(), is_array });
    }

    /// The header is complete: what its table has already, by the headers of tables in it.
    fn close_header(&mut self, span: Span) {
        let Some(header) = &mut self.header else { return };
        header.place.end = span.end();
        header.path = std::mem::take(&mut self.path);
        if header.is_array {
            return;
        }
        let Some((key, above)) = header.path.split_last() else { return };
        let Some(parent) = self.tables.descend(&mut self.root, above, None) else {
            header.path.clear();
            return;
        };
        let Some(index) = self.tables.find(parent, &key.name) else { return };
        let old = &mut parent[index].1;
        if self.tables.made_by(old) == Made::Path && !self.tables.has_values(old) {
            if let Value::Table(table) = &mut old.value {
                self.current = std::mem::take(table);
            }
        } else {
            // What follows has no place then, and is not compared with what stands there.
            let first = parent[index].0.place;
            self.tables.duplicate(key.place, &key.name, first);
            header.path.clear();
        }
    }

    /// The table of the header is complete: where it belongs.
    fn finish(&mut self) {
        self.open.clear();
        let table = std::mem::take(&mut self.current);
        let Some(mut header) = self.header.take() else {
            self.root = table;
            return;
        };
        let Some(key) = header.path.pop() else { return };
        let Some(parent) = self.tables.descend(&mut self.root, &header.path, None) else { return };
        let node = Node { place: header.place, value: Value::Table(table) };
        match self.tables.find(parent, &key.name) {
            None if header.is_array => {
                let list = Node { place: header.place, value: Value::List(vec![node]) };
                self.tables.push(parent, key, list);
            }
            None => self.tables.push(parent, key, node),
            Some(index) if header.is_array => match &mut parent[index].1.value {
                Value::List(items) if self.tables.is_of_headers(items) => items.push(node),
                _ => self.tables.duplicate(key.place, &key.name, parent[index].0.place),
            },
            // What was taken from there, and more.
            Some(index) => self.tables.replace(parent, index, key, node),
        }
    }

    /// `false`: it is too deep for what is in it to be looked at.
    fn open(&mut self, span: Span, value: Value, errors: &mut dyn ErrorSink) -> bool {
        self.open.push(Open { start: span.start(), path: std::mem::take(&mut self.path), value });
        let is_fine = self.open.len() <= DEEPEST;
        if !is_fine {
            let message = "cannot recurse further; max recursion depth met";
            errors.report_error(ParseError::new(message).with_unexpected(span));
        }
        is_fine
    }

    fn close(&mut self, span: Span) {
        if let Some(Open { start, path, value }) = self.open.pop() {
            self.path = path;
            self.put(Node { place: Place { start, end: span.end() }, value });
        }
    }

    /// A value is complete.
    fn put(&mut self, node: Node) {
        let table = match self.open.last_mut().map(|open| &mut open.value) {
            Some(Value::List(items)) => return items.push(node),
            Some(Value::Table(table)) => table,
            _ => &mut self.current,
        };
        if let Some(key) = self.path.pop() {
            self.tables.insert(table, &self.path, key, node);
            self.path.clear();
        }
    }
}

impl EventReceiver for Reader<'_> {
    fn std_table_open(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.open_header(span, false);
    }

    fn std_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.close_header(span);
    }

    fn array_table_open(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.open_header(span, true);
    }

    fn array_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.close_header(span);
    }

    fn inline_table_open(&mut self, span: Span, errors: &mut dyn ErrorSink) -> bool {
        self.open(span, Value::Table(Table::new()), errors)
    }

    fn inline_table_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.close(span);
    }

    fn array_open(&mut self, span: Span, errors: &mut dyn ErrorSink) -> bool {
        self.open(span, Value::List(Vec::new()), errors)
    }

    fn array_close(&mut self, span: Span, _: &mut dyn ErrorSink) {
        self.close(span);
    }

    fn simple_key(&mut self, span: Span, encoding: Option<Encoding>, _: &mut dyn ErrorSink) {
        if !std::mem::take(&mut self.is_dotted) {
            self.path.clear();
        }
        if self.path.len() == DEEPEST {
            self.tables.mistakes.at(Place::default(), "recursion limit");
            return;
        }
        let mut name = String::new();
        self.raw(span, encoding).decode_key(&mut name, &mut self.tables.mistakes);
        self.path.push(Key { place: place(span), name });
    }

    fn key_sep(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.is_dotted = true;
    }

    fn scalar(&mut self, span: Span, encoding: Option<Encoding>, _: &mut dyn ErrorSink) {
        let place = place(span);
        let mut said = String::new();
        let value = match self.raw(span, encoding).decode_scalar(&mut said, &mut self.tables.mistakes) {
            ScalarKind::String => Value::String(said),
            ScalarKind::Boolean(answer) => Value::Bool(answer),
            ScalarKind::DateTime => {
                if let Err(message) = date::normal(&said) {
                    self.tables.mistakes.at(place, message);
                }
                Value::Other("a date")
            }
            ScalarKind::Float => Value::Other("a fraction"),
            ScalarKind::Integer(radix) => match i64::from_str_radix(&said, radix.value()) {
                Ok(number) => Value::Integer(number),
                Err(_) => Value::Other("a number out of range"),
            },
        };
        self.put(Node { place, value });
    }

    fn comment(&mut self, span: Span, errors: &mut dyn ErrorSink) {
        self.raw(span, None).decode_comment(errors);
    }

    fn newline(&mut self, span: Span, errors: &mut dyn ErrorSink) {
        self.raw(span, None).decode_newline(errors);
    }
}

impl<'t> Reader<'t> {
    fn raw(&self, span: Span, encoding: Option<Encoding>) -> toml_parser::Raw<'t> {
        toml_parser::Raw::new_unchecked(&self.source.input()[span.start()..span.end()], encoding, span)
    }
}

/// The rules by which tables come to be.
struct Tables<'t> {
    text: &'t str,
    mistakes: Mistakes,
    /// Where each name stands in its table, by their [`hash`].
    index: BTreeMap<u64, usize>,
}

/// What a table was made by, which its first sign in the file tells.
#[derive(PartialEq, Eq)]
enum Made {
    /// `[a]`, or `[[a]]`: no other header and no dotted key may name it again.
    Header,
    /// `{}`, or no table at all: there is nothing to add to it.
    Value,
    /// The names before the last one of a header or a dotted key.
    Path,
}

impl Tables<'_> {
    fn made_by(&self, node: &Node) -> Made {
        match (&node.value, self.text.as_bytes().get(node.place.start)) {
            (Value::List(items), _) if self.is_of_headers(items) => Made::Header,
            (Value::Table(_), Some(b'[')) => Made::Header,
            (Value::Table(_), sign) if sign != Some(&b'{') => Made::Path,
            _ => Made::Value,
        }
    }

    /// Whether a list is one of `[[a]]`: nothing else has tables with headers in it.
    fn is_of_headers(&self, items: &[Node]) -> bool {
        items.last().is_some_and(|last| matches!(last.value, Value::Table(_)) && self.made_by(last) == Made::Header)
    }

    /// Whether dotted keys have put something into a table that was made by its name in them, or in a header.
    fn has_values(&self, node: &Node) -> bool {
        let Value::Table(table) = &node.value else { return true };
        table.iter().any(|(_, node)| match self.made_by(node) {
            Made::Header => false,
            Made::Value => true,
            Made::Path => self.has_values(node),
        })
    }

    /// The table of a path, made where it is not there. `dotted`: the last name of the key that this is a path of; `None`:
    /// it is a header's.
    fn descend<'n>(&mut self, mut table: &'n mut Table, path: &[Key], dotted: Option<&Key>) -> Option<&'n mut Table> {
        let mut refused = None;
        for key in path {
            let index = self.find(table, &key.name).unwrap_or_else(|| {
                let node = Node { place: key.place, value: Value::Table(Table::new()) };
                self.push(table, key.clone(), node);
                table.len() - 1
            });
            let (first, node) = &mut table[index];
            let is_list = matches!(node.value, Value::List(_));
            match self.made_by(node) {
                Made::Path => refused = None,
                Made::Header if is_list => refused = dotted.map(|last| (last.place, key, first.place)),
                Made::Header if dotted.is_some() => {
                    self.duplicate(key.place, &key.name, first.place);
                    return None;
                }
                Made::Header => {}
                Made::Value => {
                    let is_table = matches!(node.value, Value::Table(_));
                    let kind = if is_table { "an inline table" } else { node.value.kind() };
                    self.mistakes.at(key.place, format!("cannot extend {kind} with a dotted key"));
                    return None;
                }
            }
            table = last_table(node)?;
        }
        if let Some((place, key, first)) = refused {
            self.duplicate(place, &key.name, first);
            return None;
        }
        Some(table)
    }

    fn insert(&mut self, table: &mut Table, above: &[Key], key: Key, node: Node) {
        let Some(table) = self.descend(table, above, Some(&key)) else { return };
        if let Some(index) = self.find(table, &key.name) {
            self.duplicate(key.place, &key.name, table[index].0.place);
        } else {
            self.push(table, key, node);
        }
    }

    /// What stands there already, or may have no more in it.
    fn duplicate(&mut self, place: Place, name: &str, first: Place) {
        let mut message = format!("duplicate key: `{}` is there already", name.escape_debug());
        // Nobody reads more of them, and a line is looked for from the beginning.
        if self.mistakes.0.len() < MOST_LINES {
            let line = self.text[..first.start].matches('\n').count() + 1;
            message = format!("{message}, since line {line}");
        }
        self.mistakes.at(place, message);
    }

    fn push(&mut self, table: &mut Table, key: Key, node: Node) {
        table.push((key, node));
        let is_known = table.len() > SHORT;
        self.note(table, if is_known { table.len() - 1 } else { 0 });
    }

    fn replace(&mut self, table: &mut Table, index: usize, key: Key, node: Node) {
        table[index] = (key, node);
        // The first key says to the index which table this is.
        if index == 0 {
            self.note(table, 0);
        }
    }

    /// Where the names from this one on stand in a table that is not short.
    fn note(&mut self, table: &Table, from: usize) {
        if table.len() >= SHORT {
            for (index, (key, _)) in table.iter().enumerate().skip(from) {
                self.index.insert(hash(table, &key.name), index);
            }
        }
    }

    /// Where a name stands in a table.
    fn find(&self, table: &Table, name: &str) -> Option<usize> {
        if table.len() >= SHORT {
            let index = *self.index.get(&hash(table, name))?;
            if table.get(index).is_some_and(|(key, _)| key.name == name) {
                return Some(index);
            }
            // Another name has the same hash.
        }
        table.iter().rposition(|(key, _)| key.name == name)
    }
}

/// The table itself, or the last one of a list.
fn last_table(node: &mut Node) -> Option<&mut Table> {
    match &mut node.value {
        Value::Table(table) => Some(table),
        Value::List(items) => last_table(items.last_mut()?),
        _ => None,
    }
}

/// FNV-1a of a name, from a start for each table: the place of its first key, which no other table has.
fn hash(table: &Table, name: &str) -> u64 {
    let start = table.first().map_or(0, |(key, _)| key.place.start as u64);
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325 ^ start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
