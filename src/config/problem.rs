//! What is wrong with a configuration: all of it at once, each with its line and carets below the place.

use crate::tree::Place;
use std::fmt::{self, Display};

/// How many problems of a file are told one by one: a file that is none at all has one in every byte.
pub const MOST: usize = 100;
/// How much of a line is shown, in characters.
const WIDEST: usize = 240;

/// A configuration file: its name for messages, its text to quote from.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// As it was given.
    pub name: String,
    /// All of it.
    pub text: String,
    /// What may not be quoted: values of secrets.
    pub hidden: Vec<Place>,
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where in the file; `None` where no place of it is to blame.
    pub place: Option<Place>,
    /// What, and what would be accepted. Never a secret's value.
    pub message: String,
}

/// Everything that is wrong.
#[derive(Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// One more, at a place of the file.
    pub fn at(&mut self, place: Place, message: impl Display) {
        self.0.push(Problem { place: Some(place), message: message.to_string() });
    }

    /// One more, of no place.
    pub fn add(&mut self, message: impl Display) {
        self.0.push(Problem { place: None, message: message.to_string() });
    }

    /// All of another's.
    pub fn append(&mut self, other: Problems) {
        self.0.extend(other.0);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The places that are to blame, of those problems that are told.
    pub fn places(&mut self) -> Vec<Place> {
        self.sort();
        let mut places = Vec::new();
        for problem in self.0.iter().take(MOST) {
            places.extend(problem.place);
        }
        places
    }

    /// Each, as people are to read it, in the order of the file; the first [`MOST`], and how many there are.
    pub fn explain(mut self, source: &Source) -> Vec<String> {
        self.sort();
        let mut told = Vec::new();
        for problem in self.0.iter().take(MOST) {
            told.push(source.explain(problem));
        }
        if self.0.len() > MOST {
            told.push(format!("{}: these are the first {MOST} of {} problems", source.name, self.0.len()));
        }
        told
    }

    fn sort(&mut self) {
        self.0.sort_by_key(|problem| problem.place.map_or(usize::MAX, |place| place.start));
        self.0.dedup();
    }
}

impl Source {
    fn explain(&self, problem: &Problem) -> String {
        match problem.place {
            None => format!("{}: {}", self.name, problem.message),
            Some(place) => format!("{}: {}\n{}", self.locate(place), problem.message, self.excerpt(place)),
        }
    }

    /// `onset.toml:7:9`: line and column, both from 1, the column in characters.
    pub fn locate(&self, place: Place) -> String {
        let (number, line, start) = self.beginning(place);
        format!("{}:{number}:{}", self.name, self.text[line..start].chars().count() + 1)
    }

    /// The number of the line in which a place begins, where that line does, and where the place does.
    fn beginning(&self, place: Place) -> (usize, usize, usize) {
        let start = self.text.floor_char_boundary(place.start);
        let line = self.line_start(start);
        (self.text[..line].matches('\n').count() + 1, line, start)
    }

    /// The line, and carets below the place; of a long line the part around it.
    fn excerpt(&self, place: Place) -> Excerpt {
        let (number, line, start) = self.beginning(place);
        let end = self.line_end(start);
        let from = self.text[line..start].char_indices().rev().nth(WIDEST / 2).map_or(line, |(index, _)| line + index);
        let to = self.text[from..end].char_indices().nth(WIDEST).map_or(end, |(index, _)| from + index);
        let mut hidden = Vec::new();
        for place in &self.hidden {
            if place.start < to && place.end > from {
                hidden.push(place.start..place.end);
            }
        }
        let mut text = String::new();
        for (index, character) in self.text[from..to].char_indices() {
            text.push(if character.is_control() {
                // A tab has no width of its own, and a control character is none of a terminal's business.
                ' '
            } else if hidden.iter().any(|range| range.contains(&(from + index))) {
                '*'
            } else {
                character
            });
        }
        let marked = self.text[start..self.text.ceil_char_boundary(place.end).clamp(start, to)].chars().count();
        Excerpt { number, text, indent: self.text[from..start].chars().count(), carets: marked.max(1) }
    }

    fn line_start(&self, offset: usize) -> usize {
        self.text[..offset].rfind('\n').map_or(0, |newline| newline + 1)
    }

    fn line_end(&self, offset: usize) -> usize {
        self.text[offset..].find('\n').map_or(self.text.len(), |length| offset + length)
    }

    /// Hides whatever could be a value in the lines of these places, which are in the order of the file: of a file that
    /// cannot be read nobody knows what is secret.
    pub fn hide_values_at(&mut self, places: &[Place]) {
        let mut done = 0;
        for place in places.iter().map(|place| self.text.floor_char_boundary(place.start)) {
            if place < done {
                continue;
            }
            let (start, end) = (self.line_start(place), self.line_end(place));
            done = end + 1;
            let line = &self.text[start..end];
            let Some(sign) = line.find(['=', ':']) else { continue };
            for (index, character) in line.char_indices() {
                if index > sign && character.is_alphanumeric() {
                    let start = start + index;
                    self.hidden.push(Place { start, end: start + character.len_utf8() });
                }
            }
        }
    }
}

/// A line of the file with something marked in it.
struct Excerpt {
    number: usize,
    text: String,
    indent: usize,
    carets: usize,
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Excerpt { number, text, indent, carets } = self;
        let margin = number.to_string().len();
        writeln!(f, "  {number} | {}", text.trim_end())?;
        write!(f, "  {:margin$} | {:indent$}{:^<carets$}", "", "", "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(text: &str, needle: &str, hidden: &str) -> String {
        let place = |needle: &str| {
            let start = text.find(needle).unwrap();
            Place { start, end: start + needle.len() }
        };
        let hidden = if hidden.is_empty() { vec![] } else { vec![place(hidden)] };
        let source = Source { name: "f.toml".to_owned(), text: text.to_owned(), hidden };
        let mut problems = Problems::default();
        problems.at(place(needle), "is wrong");
        problems.explain(&source).remove(0)
    }

    #[test]
    fn a_problem_points_at_its_place() {
        assert_eq!(
            explained("a = 1\n\tü = tru\r\nb", "tru", ""),
            "f.toml:2:6: is wrong\n  2 |  ü = tru\n    |      ^^^"
        );
        assert_eq!(explained("a", "a", ""), "f.toml:1:1: is wrong\n  1 | a\n    | ^");
    }

    #[test]
    fn a_secret_is_not_quoted() {
        assert_eq!(
            explained("x = { value = \"hunter2\", typ = 1 }", "typ", "\"hunter2\""),
            "f.toml:1:26: is wrong\n  1 | x = { value = *********, typ = 1 }\n    |                          ^^^"
        );
    }

    #[test]
    fn of_a_line_that_cannot_be_read_no_value_is_quoted() {
        let mut source = Source { text: "ok = 1\npass = hunter2 \"ü\n".to_owned(), ..Source::default() };
        let place = Place { start: 14, end: 15 };
        source.hide_values_at(&[place, place]);
        assert_eq!(source.excerpt(place).text, "pass = ******* \"*");
        assert_eq!(source.hidden.len(), 8);
    }

    #[test]
    fn of_a_long_line_the_part_around_the_place_is_shown() {
        let long = |length| "ü".repeat(length);
        let text = format!("{}X{}", long(5000), long(5000));
        let said = explained(&text, "X", "");
        let (head, lines) = said.split_once('\n').unwrap();
        assert_eq!(head, "f.toml:1:5001: is wrong");
        let (line, carets) = lines.split_once('\n').unwrap();
        assert_eq!(line, format!("  1 | {}X{}", long(WIDEST / 2 + 1), long(WIDEST / 2 - 2)));
        assert_eq!(line.chars().position(|character| character == 'X'), carets.find('^'));
        assert!(explained(&text, &text[2..], "").ends_with(&format!("| {}", " ".to_owned() + &"^".repeat(WIDEST - 1))));
    }

    #[test]
    fn a_file_of_nothing_but_problems_ends() {
        let source = Source { name: "f".to_owned(), text: "a=1 ".repeat(1 << 18), hidden: vec![] };
        let mut problems = Problems::default();
        for start in 0..source.text.len() {
            problems.at(Place { start, end: source.text.len() }, "wrong");
        }
        let mut hiding = source.clone();
        hiding.hide_values_at(&problems.places());
        let told = problems.explain(&hiding);
        assert_eq!(told.len(), MOST + 1);
        assert_eq!(told[MOST], "f: these are the first 100 of 1048576 problems");
    }

    #[test]
    fn problems_come_in_the_order_of_the_file() {
        let source = Source { name: "f".to_owned(), text: "ab".to_owned(), hidden: vec![] };
        let mut problems = Problems::default();
        problems.add("last");
        problems.at(Place { start: 1, end: 9 }, "second");
        problems.at(Place { start: 0, end: 0 }, "first");
        problems.at(Place { start: 0, end: 0 }, "first");
        let messages = problems.explain(&source);
        assert_eq!(messages.len(), 3);
        assert!(messages[0].starts_with("f:1:1: first") && messages[1].starts_with("f:1:2: second"), "{messages:?}");
        assert_eq!(messages[2], "f: last");
    }
}
