//! Lines, found by what the author writes and replaced by what stands in the rule, letter for letter.

use super::keyed::{end_line, keep_last_line};
use super::{Edited, Line, Missing, Mistake, line_end};
use regex_lite::Regex;

/// A rule. They are followed in order, each on what the one before has left.
pub struct Rule {
    /// Which lines.
    pub find: Find,
    /// What becomes of them.
    pub then: Then,
}

/// Which lines a rule is about.
pub enum Find {
    /// Those in which this matches somewhere; without the end of the line. A line that is not UTF-8 never does.
    Match(Regex),
    /// Those that are this.
    Line(Vec<u8>),
    /// None.
    Nothing,
}

/// What becomes of the lines that were found.
pub enum Then {
    /// Each becomes this line.
    Set {
        /// The line; no newline is in it.
        line: Vec<u8>,
        /// Whether it gets the blanks that the old one begins with.
        keep_indent: bool,
        /// What to do if no line was found, nor one that is as it is to be already.
        missing: Missing,
    },
    /// Each is taken out.
    Delete,
    /// They stay; if there are none, nor this very text already, it is added at the end.
    Append(Vec<u8>),
}

/// What becomes of a file.
///
/// # Errors
/// Every rule that found nothing although it must.
#[inline(never)]
pub fn edit(text: &[u8], rules: &[Rule]) -> Result<Edited, Vec<Mistake>> {
    let mut lines = split(text);
    let mut changes = Vec::new();
    let mut mistakes = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        if rule.apply(&mut lines, text, &mut changes).is_err() {
            let wanted = match &rule.find {
                Find::Match(regex) => format!("rule {}: no line matches `{}`", index + 1, regex.as_str()),
                Find::Line(_) | Find::Nothing => format!("rule {}: there is no such line", index + 1),
            };
            mistakes.push(Mistake::new(b"", wanted.into()));
        }
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let mut content = lines.concat();
    keep_last_line(&mut content, text);
    Ok(Edited::new(text, content, changes))
}

/// Nothing was found that had to be.
struct Absent;

impl Rule {
    #[inline(never)]
    fn apply(&self, lines: &mut Vec<Vec<u8>>, text: &[u8], changes: &mut Vec<String>) -> Result<(), Absent> {
        let mut found = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            if self.finds(says(line)) {
                found.push(index);
            }
        }
        match &self.then {
            Then::Set { line, keep_indent, missing } => {
                for &index in &found {
                    let old = &lines[index];
                    let indent = if *keep_indent { old.len() - old.trim_ascii_start().len() } else { 0 };
                    let indent = indent.min(says(old).len());
                    let new = [&old[..indent], line, &old[says(old).len()..]].concat();
                    if new != *old {
                        lines[index] = new;
                        changes.push(format!("set line {}", index + 1));
                    }
                }
                let is_there = || {
                    let mut lines = lines.iter().map(|old| says(old));
                    lines.any(|old| old == line || *keep_indent && old.trim_ascii_start() == line)
                };
                match missing {
                    _ if !found.is_empty() || *missing == Missing::Ignore || is_there() => {}
                    Missing::Append => append(line, lines, text, changes),
                    Missing::Refuse | Missing::Ignore => return Err(Absent),
                }
            }
            Then::Delete => {
                for (before, index) in found.iter().enumerate() {
                    changes.push(format!("delete line {}", index + 1));
                    lines.remove(index - before);
                }
            }
            Then::Append(block) => {
                let wanted = split(block);
                let is_there = || {
                    let mut windows = lines.windows(wanted.len().max(1));
                    windows.any(|window| window.iter().zip(&wanted).all(|(line, wanted)| says(line) == says(wanted)))
                };
                if found.is_empty() && !block.is_empty() && !is_there() {
                    append(block, lines, text, changes);
                }
            }
        }
        Ok(())
    }

    fn finds(&self, line: &[u8]) -> bool {
        match &self.find {
            Find::Match(regex) => std::str::from_utf8(line).is_ok_and(|line| regex.is_match(line)),
            Find::Line(wanted) => line == wanted,
            Find::Nothing => false,
        }
    }
}

/// Every line with its end.
fn split(text: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for line in Line::all(text) {
        lines.push(text[line.start..line.end].to_vec());
    }
    lines
}

/// A line without its end.
fn says(line: &[u8]) -> &[u8] {
    Line::at(line, 0).map_or(line, |found| &line[..found.stop])
}

fn append(block: &[u8], lines: &mut Vec<Vec<u8>>, text: &[u8], changes: &mut Vec<String>) {
    if let Some(last) = lines.last_mut() {
        end_line(last, text);
    }
    let before = lines.len();
    for line in Line::all(block) {
        lines.push([&block[line.start..line.stop], line_end(text)].concat());
    }
    changes.push(match lines.len() - before {
        1 => "add a line".to_owned(),
        count => format!("add {count} lines"),
    });
}
