//! From a tree to Rust's types, told once: a table's fields with their docs give the struct, the reader that finds every
//! problem, and the shape that the schema and the reference are made from.

#![cfg_attr(not(test), allow(dead_code))] // shapes are for the generated docs, which a test keeps in step

use super::problem::Problems;
use super::tree::{Key, Node, Place, Value};
use std::collections::BTreeMap;

/// A type that a configuration can hold.
pub trait Decode: Sized {
    /// Reads it. `None`: it could not be read, and `problems` says why.
    fn decode(node: &Node, problems: &mut Problems) -> Option<Self>;

    /// What stands for a field that is not there; `None` where it must be.
    fn absent() -> Option<Self> {
        None
    }

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

/// A table that is being read.
pub struct Table<'a> {
    place: Place,
    entries: &'a [(Key, Node)],
}

impl<'a> Table<'a> {
    /// Begins to read `node` as a table of these keys; whatever else it has is a problem.
    pub fn open(node: &'a Node, keys: &[&str], problems: &mut Problems) -> Option<Self> {
        let Value::Table(entries) = &node.value else {
            problems.at(node.place, format!("expected a table with {}, found {}", list(keys), node.value.kind()));
            return None;
        };
        for (key, _) in entries {
            if !keys.contains(&key.name.as_str()) {
                problems.at(key.place, format!("`{}` is not known here: accepted are {}", key.name, list(keys)));
            }
        }
        // A table of TOML begins with its header, which is enough to point at.
        Some(Table { place: node.place, entries })
    }

    /// Reads one field.
    pub fn field<T: Decode>(&self, name: &str, problems: &mut Problems) -> Option<T> {
        match self.entries.iter().find(|(key, _)| key.name == name) {
            Some((_, node)) => T::decode(node, problems),
            None => T::absent().or_else(|| {
                problems.at(self.place, format!("`{name}` is missing"));
                None
            }),
        }
    }
}

/// `a`, `b` or `c`
pub fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// One of these words.
pub fn one_of<T>(
    words: &[&str],
    find: impl FnOnce(&str) -> Option<T>,
    node: &Node,
    problems: &mut Problems,
) -> Option<T> {
    let Value::String(word) = &node.value else { return expected("a string", node, problems) };
    let found = find(word);
    if found.is_none() {
        problems.at(node.place, format!("`{word}` is not known here: accepted are {}", list(words)));
    }
    found
}

/// Says that `node` is not what was expected.
pub fn expected<T>(what: &str, node: &Node, problems: &mut Problems) -> Option<T> {
    problems.at(node.place, format!("expected {what}, found {}", node.value.kind()));
    None
}

impl<T: Decode> Decode for Option<T> {
    fn decode(node: &Node, problems: &mut Problems) -> Option<Self> {
        T::decode(node, problems).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn shape() -> Shape {
        T::shape()
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: &Node, problems: &mut Problems) -> Option<Self> {
        let Value::List(items) = &node.value else { return expected("a list", node, problems) };
        // Each is read, whatever becomes of those before it.
        let items: Vec<Option<T>> = items.iter().map(|item| T::decode(item, problems)).collect();
        items.into_iter().collect()
    }

    fn absent() -> Option<Self> {
        Some(Vec::new())
    }

    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }
}

/// A table whose keys are names of the user's own.
impl<T: Decode> Decode for BTreeMap<String, T> {
    fn decode(node: &Node, problems: &mut Problems) -> Option<Self> {
        let Value::Table(entries) = &node.value else { return expected("a table", node, problems) };
        let entries: Vec<Option<(String, T)>> =
            entries.iter().map(|(key, node)| Some((key.name.clone(), T::decode(node, problems)?))).collect();
        entries.into_iter().collect()
    }

    fn absent() -> Option<Self> {
        Some(BTreeMap::new())
    }

    fn shape() -> Shape {
        Shape::Map(Box::new(T::shape()))
    }
}

/// Absent is false.
impl Decode for bool {
    fn decode(node: &Node, problems: &mut Problems) -> Option<Self> {
        match node.value {
            Value::Bool(answer) => Some(answer),
            _ => expected("`true` or `false`", node, problems),
        }
    }

    fn absent() -> Option<Self> {
        Some(false)
    }

    fn shape() -> Shape {
        Shape::Bool
    }
}

impl Decode for i64 {
    fn decode(node: &Node, problems: &mut Problems) -> Option<Self> {
        match node.value {
            Value::Integer(number) => Some(number),
            _ => expected("a whole number", node, problems),
        }
    }

    fn shape() -> Shape {
        Shape::Integer { least: i64::MIN, greatest: i64::MAX }
    }
}

impl Decode for String {
    fn decode(node: &Node, problems: &mut Problems) -> Option<Self> {
        match &node.value {
            Value::String(text) => Some(text.clone()),
            _ => expected("a string", node, problems),
        }
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
            pub place: $crate::config::tree::Place,
            $( $(#[doc = $field_docs])* pub $field: $type, )*
        }

        impl $crate::config::decode::Decode for $name {
            fn decode(
                node: &$crate::config::tree::Node,
                problems: &mut $crate::config::problem::Problems,
            ) -> Option<Self> {
                let keys = [$( $crate::config::decode::table!(@key $field $( $key )?) ),*];
                let table = $crate::config::decode::Table::open(node, &keys, problems)?;
                $( let $field = table.field::<$type>($crate::config::decode::table!(@key $field $( $key )?), problems); )*
                Some($name { place: node.place, $( $field: $field?, )* })
            }

            fn shape() -> $crate::config::decode::Shape {
                $crate::config::decode::Shape::Table($crate::config::decode::TableShape {
                    name: stringify!($name),
                    docs: concat!($( $docs, "\n" ),*),
                    fields: vec![$( $crate::config::decode::FieldShape {
                        key: $crate::config::decode::table!(@key $field $( $key )?),
                        docs: concat!($( $field_docs, "\n" ),*),
                        required: <$type as $crate::config::decode::Decode>::absent().is_none(),
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
                node: &$crate::config::tree::Node,
                problems: &mut $crate::config::problem::Problems,
            ) -> Option<Self> {
                let find = |word: &str| match word {
                    $( $word => Some($name::$variant), )*
                    _ => None,
                };
                $crate::config::decode::one_of(&[$( $word ),*], find, node, problems)
            }

            fn shape() -> $crate::config::decode::Shape {
                $crate::config::decode::Shape::Choice(&[$( ($word, concat!($( $word_docs, "\n" ),*)) ),*])
            }
        }
    };
}

pub(crate) use {choice, table};
