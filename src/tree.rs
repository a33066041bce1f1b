//! What TOML and JSON have in common: values that know where in the file they stand.

/// A stretch of the file, in bytes: where to point when something is wrong with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// What a value can be.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A text.
    String(String),
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Bool(bool),
    /// An array.
    List(Vec<Node>),
    /// A table or object, in the order in which the file names them first.
    Table(Vec<(Key, Node)>),
    /// What no field takes, by the name of its kind: a fraction, a date, `null`.
    Other(&'static str),
    /// What a field holds that is not there. It is in no file.
    Nothing,
}

/// The name of a table's entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Where it stands.
    pub place: Place,
    /// The name, unquoted.
    pub name: String,
}

impl Value {
    /// What it is called in a message.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::String(_) => "a string",
            Value::Integer(_) => "a whole number",
            Value::Bool(_) => "a boolean",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
            Value::Other(kind) => kind,
            Value::Nothing => "nothing",
        }
    }
}

impl Node {
    /// Whether it stands for what is not there.
    pub fn is_nothing(&self) -> bool {
        matches!(self.value, Value::Nothing)
    }
}
