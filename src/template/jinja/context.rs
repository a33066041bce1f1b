//! What a template sees, as minijinja wants it.

use super::error::OurWords;
use minijinja::value::{Enumerator, Object, Value};
use minijinja::{Error, ErrorKind};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What `env`, `args` and `facts` are.
#[derive(Clone, Debug)]
pub struct Context {
    env: Arc<Env>,
    args: Value,
    facts: Value,
}

/// Something onset knows of the machine it is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// `true`, `false`.
    Flag(bool),
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
    /// Several.
    List(Vec<Fact>),
    /// Several with names.
    Map(BTreeMap<String, Fact>),
}

/// The questions about files that a template may ask. The engine itself does no I/O.
///
/// # Errors
/// Why there is no answer, without the path: it may have been made of a secret.
pub trait Files: Send + Sync {
    /// Whether there is anything at `path`.
    fn exists(&self, path: &str) -> Result<bool, String>;
    /// Whether there is a folder at `path`.
    fn is_dir(&self, path: &str) -> Result<bool, String>;
    /// Whether the folder at `path` has no entry, the file no byte; what is not there is empty.
    fn is_empty(&self, path: &str) -> Result<bool, String>;
    /// Whether the file at `path` has `text` in it; what is not there has not.
    fn contains(&self, path: &str, text: &str) -> Result<bool, String>;
}

impl Context {
    /// A context of its parts: variables by name, arguments, facts by name.
    pub fn new(
        env: impl IntoIterator<Item = (String, Vec<u8>)>,
        args: impl IntoIterator<Item = Vec<u8>>,
        facts: BTreeMap<String, Fact>,
    ) -> Self {
        let args = args.into_iter().map(|arg| text("an argument", &arg));
        Context {
            env: Arc::new(Env(env.into_iter().collect())),
            args: Value::from(args.collect::<Vec<_>>()),
            facts: value(Fact::Map(facts)),
        }
    }

    /// Sets a variable.
    pub fn insert(&mut self, name: String, value: Vec<u8>) {
        Arc::make_mut(&mut self.env).0.insert(name, value);
    }

    /// Removes a variable.
    pub fn remove(&mut self, name: &str) {
        Arc::make_mut(&mut self.env).0.remove(name);
    }

    /// Whether the value of any variable is in `message`, and not because it is in `source`.
    pub(super) fn shows_through(&self, message: &str, source: &str) -> bool {
        let values = self.env.0.values().filter_map(|value| std::str::from_utf8(value).ok());
        // Shorter ones are in every sentence, and no secret.
        values.into_iter().any(|value| value.len() > 2 && message.contains(value) && !source.contains(value))
    }

    pub(super) fn root(&self) -> Value {
        let env = Value::from_dyn_object(self.env.clone());
        Value::from_pairs([("env", env), ("args", self.args.clone()), ("facts", self.facts.clone())])
    }
}

#[derive(Clone)]
struct Env(BTreeMap<String, Vec<u8>>);

impl fmt::Debug for Env {
    /// The names: a value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Object for Env {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        Some(text(&format!("the value of `{key}`"), self.0.get(key)?))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.keys().map(Value::from).collect())
    }
}

/// A text; if it is none, a value that is an error where it is used.
fn text(what: &str, bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(_) => {
            Value::from(Error::new(ErrorKind::InvalidOperation, format!("{what} is not UTF-8")).with_source(OurWords))
        }
    }
}

fn value(fact: Fact) -> Value {
    match fact {
        Fact::Flag(flag) => Value::from(flag),
        Fact::Number(number) => Value::from(number),
        Fact::Text(text) => Value::from(text),
        Fact::List(list) => Value::from(list.into_iter().map(value).collect::<Vec<_>>()),
        Fact::Map(map) => Value::from_pairs(map.into_iter().map(|(name, fact)| (name, value(fact)))),
    }
}
