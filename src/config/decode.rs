//! From a tree to Rust's types, told once: a table's fields with their docs give the struct, the reader that finds every
//! problem, and the shape that the schema and the reference are made from.

#![cfg_attr(not(test), allow(dead_code))] // shapes are for the generated docs, which a test keeps in step

use super::named::Named;
use super::problem::Problems;
use crate::tree::{Key, Node, Place, Value};

/// A type that a configuration can hold.
pub trait Decode: Sized {
    /// Whether a field of it must be there. What is not there is read as [`Value::Nothing`].
    const REQUIRED: bool = true;

    /// Reads it. If it cannot be read, `problems` says why, and some value stands in for it: nobody looks at that, for a
    /// configuration with problems is none. An `Option` instead would be unpacked field by field, and be the greater part
    /// of the reader's code.
    fn decode(node: &Node, problems: &mut Problems) -> Self;

    /// What it looks like.
    fn shape() -> Shape;
}

/// What a value looks like, for the schema and the reference.
#[derive(Debug, Clone)]
pub enum Shape {
    /// A string of a kind: its name, what it is, and a pattern for the schema (ECMA 262) where there is one.
    String {
        /// What it is called: `duration`.
        kind: &'static str,
        /// A pattern for editors; the reader may know better.
        pattern: Option<&'static str>,
    },
    /// `true` or `false`.
    Bool,
    /// A whole number in a range.
    Integer {
        /// The least.
        least: i64,
        /// The greatest.
        greatest: i64,
    },
    /// One of a few strings, each with its meaning.
    Choice(&'static [(&'static str, &'static str)]),
    /// Several of the same.
    List(Box<Shape>),
    /// Names, each with the same kind of value.
    Map(Box<Shape>),
    /// One of these.
    Either(Vec<Shape>),
    /// A table.
    Table(TableShape),
}

/// What a table looks like.
#[derive(Debug, Clone)]
pub struct TableShape {
    /// The struct's name.
    pub name: &'static str,
    /// What it is for.
    pub docs: &'static str,
    /// Its fields, in order.
    pub fields: Vec<FieldShape>,
}

/// What a field of a table looks like.
#[derive(Debug, Clone)]
pub struct FieldShape {
    /// Its key.
    pub key: &'static str,
    /// What it is for.
    pub docs: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What it holds.
    pub shape: Shape,
}

/// A table that is being read, field by field, in the order of its keys.
pub struct Table<'a> {
    /// Where it stands.
    pub place: Place,
    /// Whether it is no table, which has been told.
    wrong: bool,
    /// What it has, each with the number of its key.
    nodes: Vec<(usize, &'a Node)>,
    /// The keys of all fields, each with a blank after it.
    keys: &'static str,
    /// The number of the field that is read next.
    next: usize,
    problems: &'a mut Problems,
}

impl<'a> Table<'a> {
    /// Begins to read `node` as a table of these keys; whatever else it has is a problem.
    pub fn open(node: &'a Node, keys: &'static str, problems: &'a mut Problems) -> Self {
        // A table of TOML begins with its header, which is enough to point at.
        let place = node.place;
        let mut nodes = Vec::new();
        let wrong = if let Value::Table(entries) = &node.value {
            nodes.reserve(entries.len());
            for (key, node) in entries {
                match position(keys, &key.name) {
                    Some(number) => nodes.push((number, node)),
                    None => problems
                        .at(key.place, format_args!("`{}` is not known here: accepted are {}", key.name, list(keys))),
                }
            }
            false
        } else {
            if !node.is_nothing() {
                problems.at(place, format_args!("expected a table with {}, found {}", list(keys), node.value.kind()));
            }
            true
        };
        Table { place, wrong, nodes, keys, next: 0, problems }
    }

    /// Reads the next field. Inlined, the choice between a field that is there and one that is not would have every table
    /// move all that it has read until then.
    #[inline(never)]
    pub fn field<T: Decode>(&mut self) -> T {
        let node = self.next(T::REQUIRED);
        T::decode(node, self.problems)
    }

    /// What the next field holds.
    fn next(&mut self, required: bool) -> &'a Node {
        let number = self.next;
        self.next += 1;
        if let Some((_, node)) = self.nodes.iter().find(|(own, _)| *own == number) {
            return node;
        }
        if required && !self.wrong {
            let key = self.keys.split(' ').nth(number).unwrap_or_default();
            self.problems.at(self.place, format_args!("`{key}` is missing"));
        }
        &NOTHING
    }
}

/// What a field holds that is not there.
static NOTHING: Node = Node { place: Place { start: 0, end: 0 }, value: Value::Nothing };

/// Which of these words, with blanks between them, it is.
fn position(words: &str, word: &str) -> Option<usize> {
    let mut rest = words.as_bytes();
    let mut number = 0;
    while !rest.is_empty() {
        let length = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
        if rest[..length] == *word.as_bytes() {
            return Some(number);
        }
        rest = rest.get(length + 1..).unwrap_or_default();
        number += 1;
    }
    None
}

/// `a`, `b` and `c`, of `a b c`.
pub fn list(words: &str) -> String {
    let quoted: Vec<String> = words.split_terminator(' ').map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// Which of these words, with blanks between them, it is; the first one stands in for any other.
pub fn one_of(words: &str, node: &Node, problems: &mut Problems) -> usize {
    let Value::String(word) = &node.value else {
        expected("a string", node, problems);
        return 0;
    };
    position(words, word).unwrap_or_else(|| {
        problems.at(node.place, format_args!("`{word}` is not known here: accepted are {}", list(words)));
        0
    })
}

/// Says that `node` is not what was expected. That nothing is there was told, if it is a problem.
pub fn expected(what: &str, node: &Node, problems: &mut Problems) {
    if !node.is_nothing() {
        problems.at(node.place, format_args!("expected {what}, found {}", node.value.kind()));
    }
}

/// A string; what is none is a problem.
pub fn string<'a>(node: &'a Node, problems: &mut Problems) -> Option<&'a str> {
    let Value::String(text) = &node.value else {
        expected("a string", node, problems);
        return None;
    };
    Some(text)
}

/// What a list holds; what is none is a problem, and holds nothing.
fn items<'a>(node: &'a Node, problems: &mut Problems) -> &'a [Node] {
    let Value::List(items) = &node.value else {
        expected("a list", node, problems);
        return &[];
    };
    items
}

/// What a table holds, in the order of the names; what is none is a problem, and holds nothing.
fn entries<'a>(node: &'a Node, problems: &mut Problems) -> Vec<&'a (Key, Node)> {
    let Value::Table(entries) = &node.value else {
        expected("a table", node, problems);
        return Vec::new();
    };
    by_name(entries)
}

/// In the order of the names, and of the file.
pub fn by_name(entries: &[(Key, Node)]) -> Vec<&(Key, Node)> {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_unstable_by(|(one, _), (other, _)| {
        one.name.cmp(&other.name).then(one.place.start.cmp(&other.place.start))
    });
    sorted
}

/// A whole number of a range.
pub fn number_within(least: i64, greatest: i64, node: &Node, problems: &mut Problems) -> i64 {
    let Value::Integer(number) = node.value else {
        expected("a whole number", node, problems);
        return least;
    };
    if !(least..=greatest).contains(&number) {
        problems.at(node.place, format_args!("{number} is out of range: accepted are {least} to {greatest}"));
    }
    number
}

impl<T: Decode> Decode for Option<T> {
    const REQUIRED: bool = false;

    fn decode(node: &Node, problems: &mut Problems) -> Self {
        if node.is_nothing() { None } else { Some(T::decode(node, problems)) }
    }

    fn shape() -> Shape {
        T::shape()
    }
}

impl<T: Decode> Decode for Vec<T> {
    const REQUIRED: bool = false;

    fn decode(node: &Node, problems: &mut Problems) -> Self {
        let mut list = Vec::new();
        for item in items(node, problems) {
            list.push(T::decode(item, problems));
        }
        list
    }

    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }
}

/// A table whose keys are names of the user's own.
impl<T: Decode> Decode for Named<T> {
    const REQUIRED: bool = false;

    fn decode(node: &Node, problems: &mut Problems) -> Self {
        let mut named = Named::new();
        for (key, node) in entries(node, problems) {
            named.push(key.name.clone(), T::decode(node, problems));
        }
        named
    }

    fn shape() -> Shape {
        Shape::Map(Box::new(T::shape()))
    }
}

/// Absent is false.
impl Decode for bool {
    const REQUIRED: bool = false;

    fn decode(node: &Node, problems: &mut Problems) -> Self {
        let Value::Bool(answer) = node.value else {
            expected("`true` or `false`", node, problems);
            return false;
        };
        answer
    }

    fn shape() -> Shape {
        Shape::Bool
    }
}

impl Decode for i64 {
    fn decode(node: &Node, problems: &mut Problems) -> Self {
        number_within(i64::MIN, i64::MAX, node, problems)
    }

    fn shape() -> Shape {
        Shape::Integer { least: i64::MIN, greatest: i64::MAX }
    }
}

impl Decode for String {
    fn decode(node: &Node, problems: &mut Problems) -> Self {
        string(node, problems).unwrap_or_default().to_owned()
    }

    fn shape() -> Shape {
        Shape::String { kind: "string", pattern: None }
    }
}

/// A table: `table! { /// docs\n Name { /// docs\n field: Type, ... } }`. A field that is a word of Rust's has its key
/// beside it: `kind ("type"): Kind`. Each struct knows its `place`.
macro_rules! table {
    ($(#[doc = $docs:literal])* $name:ident {
        $( $(#[doc = $field_docs:literal])* $field:ident $( ($key:literal) )? : $type:ty, )*
    }) => {
        $(#[doc = $docs])*
        #[derive(Debug, Clone)]
        pub struct $name {
            /// Where it stands in the file.
            pub place: $crate::tree::Place,
            $( $(#[doc = $field_docs])* pub $field: $type, )*
        }

        impl $crate::config::decode::Decode for $name {
            fn decode(
                node: &$crate::tree::Node,
                problems: &mut $crate::config::problem::Problems,
            ) -> Self {
                let keys = concat!($( $crate::config::decode::table!(@key $field $( $key )?), " " ),*);
                let mut table = $crate::config::decode::Table::open(node, keys, problems);
                $name { $( $field: table.field(), )* place: table.place }
            }

            fn shape() -> $crate::config::decode::Shape {
                $crate::config::decode::Shape::Table($crate::config::decode::TableShape {
                    name: stringify!($name),
                    docs: concat!($( $docs, "\n" ),*),
                    fields: vec![$( $crate::config::decode::FieldShape {
                        key: $crate::config::decode::table!(@key $field $( $key )?),
                        docs: concat!($( $field_docs, "\n" ),*),
                        required: <$type as $crate::config::decode::Decode>::REQUIRED,
                        shape: <$type as $crate::config::decode::Decode>::shape(),
                    } ),*],
                })
            }
        }
    };
    (@key $field:ident $key:literal) => { $key };
    (@key $field:ident) => { stringify!($field) };
}

/// One of a few words: `choice! { /// docs\n Name { /// docs\n Variant = "word", ... } }`.
macro_rules! choice {
    ($(#[doc = $docs:literal])* $name:ident { $( $(#[doc = $word_docs:literal])* $variant:ident = $word:literal, )* }) => {
        $(#[doc = $docs])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $( $(#[doc = $word_docs])* $variant, )* }

        impl $crate::config::decode::Decode for $name {
            fn decode(
                node: &$crate::tree::Node,
                problems: &mut $crate::config::problem::Problems,
            ) -> Self {
                const ALL: &[$name] = &[$( $name::$variant ),*];
                let index = $crate::config::decode::one_of(concat!($( $word, " " ),*), node, problems);
                // It is one of them. To index would be a panic of its own for each type.
                ALL.get(index).copied().unwrap_or(ALL[0])
            }

            fn shape() -> $crate::config::decode::Shape {
                $crate::config::decode::Shape::Choice(&[$( ($word, concat!($( $word_docs, "\n" ),*)) ),*])
            }
        }
    };
}

pub(crate) use {choice, table};
