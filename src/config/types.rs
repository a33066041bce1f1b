//! The kinds of values that a configuration is made of. Each reads itself, with its unit and its range, and says what it
//! would accept.

use super::decode::{Decode, Shape, expected, number_within, one_of, string, table};
use super::problem::Problems;
use crate::report::{Format, Level};
use crate::sys::signal::Signal;
use crate::template::substitute::Template;
use crate::tree::{Node, Place, Value};
use std::borrow::Cow;
use std::time::Duration;

/// A string in which `${...}` stands for variables.
#[derive(Debug, Clone)]
pub struct Text {
    /// Where it stands.
    pub place: Place,
    /// Whether it stands there as it reads, so that a byte of it can be pointed at: between two quotes, no escapes.
    exact: bool,
    /// What it says.
    pub template: Template,
}

impl Text {
    /// The place of one byte of the text, if that can be told, else of all of it.
    pub fn within(&self, offset: usize) -> Place {
        within(self.place, self.exact, offset)
    }
}

impl Decode for Text {
    fn decode(node: &Node, problems: &mut Problems) -> Self {
        // A number where a string could stand is what people write for a port.
        let text = word("a string", node, problems).unwrap_or_default();
        let exact = node.place.end - node.place.start == text.len() + 2;
        let template = Template::parse(&text).unwrap_or_else(|error| {
            problems.at(within(node.place, exact, error.offset), error.message);
            Template::default()
        });
        Text { place: node.place, exact, template }
    }

    fn shape() -> Shape {
        Shape::String { kind: "text", pattern: None }
    }
}

/// A string, or a number as it was written; what is neither is a problem, and is not `what` was expected.
fn word<'a>(what: &str, node: &'a Node, problems: &mut Problems) -> Option<Cow<'a, str>> {
    match &node.value {
        Value::String(text) => Some(text.into()),
        Value::Integer(number) => Some(number.to_string().into()),
        Value::Bool(_) | Value::List(_) | Value::Table(_) | Value::Other(_) | Value::Nothing => {
            expected(what, node, problems);
            None
        }
    }
}

/// Says that a text is none of its kind.
fn refuse(text: &str, kind: &str, accepted: &str, node: &Node, problems: &mut Problems) {
    problems.at(node.place, format_args!("`{text}` is no {kind}: {accepted}"));
}

fn within(place: Place, exact: bool, offset: usize) -> Place {
    let start = place.start + 1 + offset;
    if exact { Place { start, end: start + 1 } } else { place }
}

/// A condition or a value in Jinja.
#[derive(Debug, Clone)]
pub struct Expression {
    /// Where it stands.
    pub place: Place,
    /// As it was written.
    pub source: String,
}

impl Decode for Expression {
    fn decode(node: &Node, problems: &mut Problems) -> Self {
        Expression { place: node.place, source: String::decode(node, problems) }
    }

    fn shape() -> Shape {
        Shape::String { kind: "expression", pattern: None }
    }
}

/// One text or several.
#[derive(Debug, Clone)]
pub struct Texts(pub Vec<Text>);

impl Texts {
    /// Those of a field that may be absent: then none.
    pub fn of(texts: Option<&Texts>) -> &[Text] {
        texts.map_or(&[], |texts| &texts.0)
    }
}

impl Decode for Texts {
    fn decode(node: &Node, problems: &mut Problems) -> Self {
        if matches!(node.value, Value::List(_)) {
            Texts(Vec::decode(node, problems))
        } else {
            Texts(vec![Text::decode(node, problems)])
        }
    }

    fn shape() -> Shape {
        Shape::Either(vec![Text::shape(), Vec::<Text>::shape()])
    }
}

/// A name pattern: `*` stands for any characters, `?` for one, `[a-z]` for one of some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(pub String);

impl Glob {
    /// Each, as it was written.
    pub fn texts(globs: &[Glob]) -> Vec<String> {
        globs.iter().map(|glob| glob.0.clone()).collect()
    }
}

impl Decode for Glob {
    fn decode(node: &Node, problems: &mut Problems) -> Self {
        Glob(String::decode(node, problems))
    }

    fn shape() -> Shape {
        Shape::String { kind: "glob", pattern: None }
    }
}

/// The permission bits of a file in octal: `"0750"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode(pub u32);

impl Mode {
    /// Reads octal digits, up to `7777`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = !text.is_empty() && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
        let mode = u32::from_str_radix(text, 8).ok()?;
        (digits && mode <= 0o7777).then_some(Mode(mode))
    }
}

impl Decode for Mode {
    fn decode(node: &Node, problems: &mut Problems) -> Self {
        // 0o750 in TOML is a whole number of the right value; 750 is one of the wrong value, and the likely mistake.
        let accepted = "accepted are octal digits in quotes, such as \"0750\"";
        let Some(text) = string(node, problems) else { return Mode(0) };
        Mode::parse(text).unwrap_or_else(|| {
            refuse(text, "mode", accepted, node, problems);
            Mode(0)
        })
    }

    fn shape() -> Shape {
        Shape::String { kind: "mode", pattern: Some("^[0-7]{1,5}$") }
    }
}

/// The digits at the beginning, and what is behind them.
fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    Some((text[..digits].parse().ok()?, &text[digits..]))
}

/// A time: `"500ms"`, `"30s"`, `"5m"`, `"1h"`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = number_and_unit(text)?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3600).map(Duration::from_secs),
        _ => None,
    }
}

/// The longest time there is: a year. Longer ones are mistakes, and the sum of two of these still is a time.
const LONGEST_TIME: Duration = Duration::from_hours(365 * 24);

/// A time with its unit, at most a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub Duration);

impl Decode for Time {
    fn decode(node: &Node, problems: &mut Problems) -> Self {
        let Some(text) = string(node, problems) else { return Time(Duration::ZERO) };
        Time(parse_time(text).unwrap_or_else(|| {
            refuse(text, "time", TIME_ACCEPTED, node, problems);
            Duration::ZERO
        }))
    }

    fn shape() -> Shape {
        Shape::String { kind: "time", pattern: Some("^[0-9]+(ms|s|m|h)$") }
    }
}

/// The time a text says; one that is too long is none.
pub fn parse_time(text: &str) -> Option<Duration> {
    parse_duration(text).filter(|&time| time <= LONGEST_TIME)
}

/// What would be accepted as a time.
pub const TIME_ACCEPTED: &str = "accepted are a number and ms, s, m or h, a year (8760h) at most";

/// A signal, by its name or its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalName {
    /// Where it stands.
    pub place: Place,
    /// Which it is.
    pub signal: Signal,
}

/// What would be accepted as a signal.
pub const SIGNAL_ACCEPTED: &str = "accepted are names such as SIGTERM, TERM and SIGRTMIN+3, and numbers from 1 to 64";

/// The word that stands for no signal at all.
const DROP: &str = "drop";

impl Decode for SignalName {
    fn decode(node: &Node, problems: &mut Problems) -> Self {
        let name = word("the name of a signal", node, problems);
        let signal = name.map_or(Some(Signal::TERM), |name| {
            let signal = Signal::from_name(&name);
            if signal.is_none() {
                refuse(&name, "signal", SIGNAL_ACCEPTED, node, problems);
            }
            signal
        });
        SignalName { place: node.place, signal: signal.unwrap_or(Signal::TERM) }
    }

    fn shape() -> Shape {
        Shape::Either(vec![Shape::String { kind: "signal", pattern: None }, Shape::Integer { least: 1, greatest: 64 }])
    }
}

/// What becomes of a signal: another one, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewrite {
    /// Where it stands.
    pub place: Place,
    /// What it becomes; `None`: it is dropped.
    pub to: Option<Signal>,
}

impl Decode for Rewrite {
    fn decode(node: &Node, problems: &mut Problems) -> Self {
        let to = match &node.value {
            Value::String(text) if text == DROP => None,
            _ => Some(SignalName::decode(node, problems).signal),
        };
        Rewrite { place: node.place, to }
    }

    fn shape() -> Shape {
        SignalName::shape()
    }
}

/// An exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitStatus {
    /// Where it stands.
    pub place: Place,
    /// 0 to 255.
    pub status: u8,
}

impl Decode for ExitStatus {
    fn decode(node: &Node, problems: &mut Problems) -> Self {
        let Within(number) = Within::<0, 255>::decode(node, problems);
        ExitStatus { place: node.place, status: u8::try_from(number).unwrap_or_default() }
    }

    fn shape() -> Shape {
        Within::<0, 255>::shape()
    }
}

impl Decode for Format {
    fn decode(node: &Node, problems: &mut Problems) -> Self {
        Format::ALL[one_of(&Format::NAMES.join(" "), node, problems)]
    }

    fn shape() -> Shape {
        Shape::Choice(Format::DOCS)
    }
}

impl Decode for Level {
    fn decode(node: &Node, problems: &mut Problems) -> Self {
        Level::ALL[one_of(&Level::NAMES.join(" "), node, problems)]
    }

    fn shape() -> Shape {
        Shape::Choice(Level::DOCS)
    }
}

/// A number of bytes: `1048576`, `"64K"`, `"1M"`, `"2G"` (powers of 1024; `"1MiB"` says the same).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

impl Size {
    /// Reads a number and its unit.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = number_and_unit(text)?;
        let Some((prefix, rest)) = unit.as_bytes().split_first() else { return Some(Size(number)) };
        let power = b"bkmgt".iter().position(|known| known.eq_ignore_ascii_case(prefix))?;
        let is_unit =
            rest.is_empty() || power > 0 && (rest.eq_ignore_ascii_case(b"b") || rest.eq_ignore_ascii_case(b"ib"));
        number.checked_mul(1 << (10 * power)).filter(|_| is_unit).map(Size)
    }
}

impl Decode for Size {
    fn decode(node: &Node, problems: &mut Problems) -> Self {
        let Some(text) = word("a string", node, problems) else { return Size(0) };
        Size::parse(&text).unwrap_or_else(|| {
            refuse(&text, "size", "accepted are bytes, or a number with K, M, G or T", node, problems);
            Size(0)
        })
    }

    fn shape() -> Shape {
        Shape::Either(vec![
            Shape::Integer { least: 0, greatest: i64::MAX },
            Shape::String { kind: "size", pattern: Some("^[0-9]+([kKmMgGtT]([iI]?[bB])?|[bB])?$") },
        ])
    }
}

/// A whole number between two others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within<const LEAST: i64, const GREATEST: i64>(pub i64);

impl<const LEAST: i64, const GREATEST: i64> Decode for Within<LEAST, GREATEST> {
    fn decode(node: &Node, problems: &mut Problems) -> Self {
        Within(number_within(LEAST, GREATEST, node, problems))
    }

    fn shape() -> Shape {
        Shape::Integer { least: LEAST, greatest: GREATEST }
    }
}

/// `true`, `false`, or a text that says more.
#[derive(Debug, Clone)]
pub enum YesOr<T> {
    /// Plainly yes or no.
    Plain(bool),
    /// Yes, and so.
    So(T),
}

impl<T: Decode> Decode for YesOr<T> {
    const REQUIRED: bool = false;

    fn decode(node: &Node, problems: &mut Problems) -> Self {
        match node.value {
            Value::Bool(answer) => YesOr::Plain(answer),
            Value::Nothing => YesOr::Plain(false),
            Value::String(_) | Value::Integer(_) | Value::List(_) | Value::Table(_) | Value::Other(_) => {
                YesOr::So(T::decode(node, problems))
            }
        }
    }

    fn shape() -> Shape {
        Shape::Either(vec![Shape::Bool, T::shape()])
    }
}

table! {
    /// A value that replaces only one other.
    Umask {
        /// The umask to set, in octal. Empty: leave it as it is.
        set: Text,
        /// Only if the umask was this one, in octal.
        from: Option<Mode>,
    }
}

table! {
    /// A user, under a condition.
    UserIf {
        /// `user`, `user:group`, `uid` or `uid:gid`; a user's own group if none is named.
        name: Text,
        /// Only if this holds; else onset's own user stays.
        when: Option<Expression>,
    }
}

/// A text, or a table that begins with one.
#[derive(Debug, Clone)]
pub enum TextOr<T> {
    /// Only the text.
    Text(Text),
    /// The table.
    Table(T),
}

impl<T: Decode> Decode for TextOr<T> {
    fn decode(node: &Node, problems: &mut Problems) -> Self {
        if matches!(node.value, Value::Table(_)) {
            TextOr::Table(T::decode(node, problems))
        } else {
            TextOr::Text(Text::decode(node, problems))
        }
    }

    fn shape() -> Shape {
        Shape::Either(vec![Text::shape(), T::shape()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_durations_and_sizes_read_their_units() {
        assert_eq!(Mode::parse("0750"), Some(Mode(0o750)));
        assert_eq!(["", "08", "10000", "-1", "+7", "0o7"].map(Mode::parse), [None; 6]);
        assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse_duration("2h"), Some(Duration::from_hours(2)));
        assert_eq!(["", "5", "s", "5 s", "-5s", "1.5s", "5d", "99999999999999999999s"].map(parse_duration), [None; 8]);
        assert_eq!(Size::parse("64K"), Some(Size(65536)));
        assert_eq!(Size::parse("1MiB"), Some(Size(1 << 20)));
        assert_eq!(["", "K", "-1", "1.5M", "1X", "99999999999T"].map(Size::parse), [None; 6]);
    }
}
