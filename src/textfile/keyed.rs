//! Keys and values on lines: finds them by a scanner of the format, and puts new text where they are. Every key is looked
//! for in one pass over the file, whatever their number.

use super::{Edited, Missing, Mistake, Order, Wish, line_end};
use std::borrow::Cow;
use std::ops::Range;

/// How something is written, or why it cannot be.
pub(super) type Written = Result<Vec<u8>, &'static str>;

/// A format: what its lines mean, and how keys and values are written in it.
#[allow(clippy::struct_excessive_bools)] // each is a trait of a format, and all are constants
pub(super) struct Syntax {
    /// Finds every entry; with `true` also those that are commented out.
    pub scan: fn(&mut Scan, bool),
    /// What a value means that stands there so.
    pub decode: fn(&[u8]) -> Vec<u8>,
    /// How a key is written.
    pub key: fn(&[u8]) -> Written,
    /// How a value is written where another stood; nothing stood where a key is new.
    pub value: fn(&[u8], &[u8]) -> Written,
    /// What stands between key and value where nothing says otherwise.
    pub separator: &'static [u8],
    /// Whether indentation says what belongs to what.
    pub is_nested: bool,
    /// Whether a colon separates only with a blank behind it.
    pub needs_blank: bool,
    /// Whether a backslash at the end of a line continues it.
    pub continues: bool,
    /// Whether quotes can stand around any value.
    pub has_quotes: bool,
    /// Whether JSON is a value in it.
    pub has_json: bool,
}

/// What is in a file.
pub(super) struct Scan<'t> {
    /// The file.
    pub text: &'t [u8],
    /// At least one: what is before the first header.
    pub sections: Vec<Section<'t>>,
    /// In their order.
    pub entries: Vec<Entry<'t>>,
}

/// A part of a file.
pub(super) struct Section<'t> {
    /// What its header says; empty for what is before the first header.
    pub name: &'t [u8],
    /// Where a new key goes: behind its last one, or behind its header.
    pub end: usize,
}

/// A key with its value.
pub(super) struct Entry<'t> {
    /// Which section it is in.
    pub section: usize,
    /// All its lines.
    pub lines: Range<usize>,
    /// What makes a comment of it; empty: it is none.
    pub marker: Range<usize>,
    /// Where the key stands in its line.
    pub column: usize,
    /// Whether it begins an item of a list.
    pub is_item: bool,
    /// The key.
    pub key: Cow<'t, [u8]>,
    /// What is between key and value.
    pub separator: Range<usize>,
    /// The value as it is written.
    pub raw: Range<usize>,
    /// Whether the value goes on over lines that are not of `raw`.
    pub goes_on: bool,
}

impl<'t> Scan<'t> {
    /// What a text has, by the syntax of its format; with `true` also what is commented out.
    pub fn of(syntax: &Syntax, text: &'t [u8], commented: bool) -> Self {
        let mut scan = Scan { text, sections: vec![Section { name: b"", end: 0 }], entries: Vec::new() };
        (syntax.scan)(&mut scan, commented);
        scan
    }

    /// One more entry of the last section.
    pub fn push(&mut self, mut entry: Entry<'t>) {
        entry.section = self.sections.len() - 1;
        if let Some(section) = self.sections.last_mut().filter(|_| entry.marker.is_empty()) {
            section.end = entry.lines.end;
        }
        self.entries.push(entry);
    }

    /// The entries of a key.
    pub fn find<'s>(&'s self, section: &'s [u8], key: &'s [u8]) -> impl Iterator<Item = &'s Entry<'t>> {
        self.entries.iter().filter(move |entry| self.name(entry) == (section, key))
    }

    /// The section and the key of an entry.
    fn name<'s>(&'s self, entry: &'s Entry<'t>) -> (&'s [u8], &'s [u8]) {
        (self.sections[entry.section].name, &entry.key)
    }
}

/// The entry that counts, of those with the same key: the last. Where indentation has a meaning: the one that is least
/// deep, and it must be the only one of that depth, unless it is not deep at all.
pub(super) fn effective<'s, 't>(
    syntax: &Syntax,
    found: impl Iterator<Item = &'s Entry<'t>>,
) -> Result<Option<&'s Entry<'t>>, &'static str>
where
    't: 's,
{
    let mut chosen: Option<&Entry> = None;
    let mut is_ambiguous = false;
    for entry in found {
        let (old, new) = (chosen.map_or(usize::MAX, |chosen| chosen.column), entry.column);
        if !syntax.is_nested || new <= old {
            is_ambiguous = syntax.is_nested && new == old && new > 0;
            chosen = Some(entry);
        }
    }
    if is_ambiguous { Err("it is there more than once, below different keys") } else { Ok(chosen) }
}

/// New text in the place of old text.
struct Splice<'w> {
    range: Range<usize>,
    text: Vec<u8>,
    /// Of a line of its own the section that begins with it; empty: none does.
    line_of: Option<&'w [u8]>,
}

#[inline(never)]
pub(super) fn edit(
    syntax: &Syntax,
    text: &[u8],
    orders: &[Order],
    separator: Option<&[u8]>,
) -> Result<Edited, Vec<Mistake>> {
    let scan = Scan::of(syntax, text, orders.iter().any(|order| order.commented));
    // In YAML such a value has its own end; a quote has not, and what is written behind it could close it.
    if let Some(open) = scan.entries.iter().find(|entry| entry.goes_on && !syntax.is_nested) {
        return Err(vec![Mistake::new(&open.key, "a quote in its value is never closed".into())]);
    }
    // Those of a key stand together, in their order.
    let mut entries: Vec<&Entry> = scan.entries.iter().collect();
    entries.sort_unstable_by_key(|entry| (scan.name(entry), entry.lines.start));
    let mut work = Work { syntax, text, scan: &scan, separator, splices: Vec::new(), changes: Vec::new() };
    let mut mistakes = Vec::new();
    for order in orders {
        let wanted = (&order.section[..], &order.key[..]);
        let start = entries.partition_point(|entry| scan.name(entry) < wanted);
        let end = entries.partition_point(|entry| scan.name(entry) <= wanted);
        if let Err(what) = work.follow(order, &entries[start..end]) {
            mistakes.push(Mistake::new(&name(order), what.into()));
        }
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let changes = std::mem::take(&mut work.changes);
    Ok(Edited::new(text, work.finish(), changes))
}

/// The key as it is written in a configuration.
fn name(order: &Order) -> Vec<u8> {
    let section = &order.section;
    if section.is_empty() { order.key.clone() } else { [section, &b"."[..], &order.key].concat() }
}

struct Work<'w> {
    syntax: &'w Syntax,
    text: &'w [u8],
    scan: &'w Scan<'w>,
    separator: Option<&'w [u8]>,
    /// In the order of their places.
    splices: Vec<Splice<'w>>,
    changes: Vec<String>,
}

impl<'w> Work<'w> {
    fn follow(&mut self, order: &'w Order, entries: &[&Entry]) -> Result<(), &'static str> {
        let is_live = |entry: &&&Entry| entry.marker.is_empty();
        if order.wish == Wish::Deleted {
            let mut live = entries.iter().filter(is_live).peekable();
            if live.peek().is_some() {
                self.note("delete", order);
            }
            for entry in live {
                if entry.is_item {
                    return Err("it begins an item of a list, and cannot be taken out alone");
                }
                if entry.goes_on {
                    return Err("its value goes on over several lines, and cannot be taken out");
                }
                self.splice(entry.lines.clone(), Vec::new(), None);
            }
            return Ok(());
        }
        let live = effective(self.syntax, entries.iter().filter(is_live).copied())?;
        let commented = entries.iter().rfind(|entry| !entry.marker.is_empty() && order.commented).copied();
        match (live.or(commented), order.missing) {
            (Some(entry), _) => self.set(order, entry),
            (None, Missing::Append) => self.append(order),
            (None, Missing::Refuse) => Err(ABSENT),
            (None, Missing::Ignore) => Ok(()),
        }
    }

    #[inline(never)]
    fn set(&mut self, order: &Order, entry: &Entry) -> Result<(), &'static str> {
        let raw = &self.text[entry.raw.clone()];
        if entry.goes_on {
            return Err("its value goes on over several lines, and cannot be replaced");
        }
        if entry.raw.is_empty() && entry.raw.end == self.text.len() && self.is_open() {
            return Err(OPEN);
        }
        let is_so = match &order.wish {
            Wish::Text(value) => (self.syntax.decode)(raw) == *value && !entry.separator.is_empty(),
            Wish::Quoted(value) => raw.starts_with(b"\"") && (self.syntax.decode)(raw) == *value,
            Wish::Json(json) => raw == json,
            Wish::Deleted => false,
        };
        let is_comment = !entry.marker.is_empty();
        if is_so && !is_comment {
            return Ok(());
        }
        let mut text = match &self.text[entry.separator.clone()] {
            [] => self.syntax.separator.to_vec(),
            separator => self.separated(separator),
        };
        text.extend(self.written(order, raw)?);
        self.splice(entry.separator.start..entry.raw.end, text, None);
        if is_comment {
            self.splice(entry.marker.clone(), Vec::new(), None);
        }
        self.note(if is_comment { "uncomment" } else { "set" }, order);
        Ok(())
    }

    #[inline(never)]
    fn append(&mut self, order: &'w Order) -> Result<(), &'static str> {
        if self.is_open() {
            return Err(OPEN);
        }
        let section = self.scan.sections.iter().rposition(|section| section.name == order.section);
        // As it is at the key above it, or at any: a comment is no model.
        let is_model = |entry: &&Entry| entry.marker.is_empty() && !entry.separator.is_empty();
        let models = || self.scan.entries.iter().filter(is_model).rev();
        let model = || models().find(|entry| Some(entry.section) == section).or_else(|| models().next());
        let model = || model().map(|entry| &self.text[entry.separator.clone()]);
        let model = if self.syntax.is_nested { None } else { model() };
        let mut line = (self.syntax.key)(&order.key)?;
        line.extend(self.separated(self.separator.or(model).unwrap_or(self.syntax.separator)));
        line.extend(self.written(order, b"")?);
        if !matches!(&Scan::of(self.syntax, &line, false).entries[..], [entry] if entry.key == order.key) {
            return Err("with this separator it could not be read back");
        }
        line.extend(line_end(self.text));
        let end = self.text.len();
        let (at, section) = match section.map(|index| &self.scan.sections[index]) {
            // What is before the first header has no end of its own where there is no key in it.
            Some(_) if self.syntax.is_nested || self.scan.sections.len() == 1 => (end, &b""[..]),
            Some(section) => (section.end, &b""[..]),
            None => (end, &order.section[..]),
        };
        self.splice(at..at, line, Some(section));
        self.note("add", order);
        Ok(())
    }

    /// What comes to the same place stays in its order, but for lines behind what ends the line before them, and those of a
    /// new section behind each other.
    fn splice(&mut self, range: Range<usize>, text: Vec<u8>, line_of: Option<&'w [u8]>) {
        let place = (range.start, range.end, line_of);
        let at = self.splices.partition_point(|other| (other.range.start, other.range.end, other.line_of) <= place);
        self.splices.insert(at, Splice { range, text, line_of });
    }

    /// Whether the last line goes on, and nothing comes.
    fn is_open(&self) -> bool {
        let text = self.text.strip_suffix(b"\n").unwrap_or(self.text);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        self.syntax.continues && text.iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
    }

    fn separated(&self, separator: &[u8]) -> Vec<u8> {
        let blank: &[u8] = if self.syntax.needs_blank && separator.ends_with(b":") { b" " } else { b"" };
        [separator, blank].concat()
    }

    fn written(&self, order: &Order, old: &[u8]) -> Result<Vec<u8>, &'static str> {
        match &order.wish {
            Wish::Text(value) => (self.syntax.value)(value, old),
            Wish::Quoted(_) if !self.syntax.has_quotes => Err("quotes are part of the value in this format"),
            Wish::Quoted(value) => (self.syntax.value)(value, b"\""),
            Wish::Json(_) if !self.syntax.has_json => Err("JSON is no value of this format"),
            Wish::Json(json) if json.contains(&b'\n') => Err("the JSON has to be in one line"),
            Wish::Json(json) => Ok(json.clone()),
            Wish::Deleted => Ok(Vec::new()),
        }
    }

    fn note(&mut self, what: &str, order: &Order) {
        self.changes.push(super::change(what, &name(order)));
    }

    /// All of it with its changes.
    #[inline(never)]
    fn finish(self) -> Vec<u8> {
        let mut content = Vec::with_capacity(self.text.len() + 256);
        let mut at = 0;
        let mut section: &[u8] = b"";
        for splice in &self.splices {
            content.extend(&self.text[at..splice.range.start]);
            if let Some(name) = splice.line_of {
                end_line(&mut content, self.text);
                if name != section {
                    if !content.is_empty() {
                        content.extend(line_end(self.text));
                    }
                    content.extend([b"[", name, b"]"].concat());
                    content.extend(line_end(self.text));
                    section = name;
                }
            }
            content.extend(&splice.text);
            at = splice.range.end;
        }
        content.extend(&self.text[at..]);
        keep_last_line(&mut content, self.text);
        content
    }
}

const ABSENT: &str = "it is not there";
const OPEN: &str = "the last line of the file ends with a backslash, so nothing can be added behind it";

/// Ends the last line, if it does not end yet.
pub(super) fn end_line(content: &mut Vec<u8>, text: &[u8]) {
    if !content.is_empty() && !content.ends_with(b"\n") {
        content.extend(line_end(text));
    }
}

/// A last line that did not end does not end now either.
pub(super) fn keep_last_line(content: &mut Vec<u8>, text: &[u8]) {
    if !text.is_empty() && !text.ends_with(b"\n") && content.ends_with(b"\n") {
        content.pop();
        if line_end(text) == b"\r\n" && content.ends_with(b"\r") {
            content.pop();
        }
    }
}
