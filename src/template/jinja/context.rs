//! What a template sees, as minijinja wants it.

use super::call::{Map, failed, of_text};
use super::error::OurWords;
use crate::config::named::Named;
use minijinja::value::{Enumerator, Object, Value};
use minijinja::{Error, ErrorKind, State};
use std::fmt;
use std::sync::Arc;

/// The variables that have a value, for `env`: there may be many, so all who ask share them.
pub type Values = Arc<Named<Vec<u8>>>;

/// What `env`, `args` and `facts` are.
#[derive(Clone, Debug)]
pub struct Context {
    env: Arc<Env>,
    args: Value,
    facts: Value,
}

/// Something onset knows of the machine it is on.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// `true`, `false`.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A number with a fraction.
    Decimal(f64),
    /// A text.
    Text(String),
    /// Several.
    List(Vec<Fact>),
    /// Several with names.
    Map(Vec<(String, Fact)>),
}

/// Every fact there is, with blanks between.
pub const FACTS: &str = "uid gid groups umask hostname fqdn arch ipv4 ipv6 ipv4_addresses ipv6_addresses interfaces ipv6_available \
    resolvers cpus cpu_limit memory memory_limit numa_nodes kubernetes";

/// What is asked of a fact that is no value: `facts.source_address(...)`.
pub const SOURCE_ADDRESS: &str = "source_address";

/// Who knows the facts. They are asked for when a template uses them, and only then.
pub trait Facts: Send + Sync {
    /// One of [`FACTS`]; `None` if there is nothing to say: no limit, no address.
    fn get(&self, name: &str) -> Option<Fact>;
    /// The address that packets to `target` would have as their source; `None` if there is no route.
    ///
    /// # Errors
    /// It is no IP address.
    fn source_address(&self, target: &str) -> Result<Option<String>, String>;
}

/// No facts at all: to check a template, nothing is looked at.
pub struct NoFacts;

impl Facts for NoFacts {
    fn get(&self, _: &str) -> Option<Fact> {
        None
    }

    fn source_address(&self, _: &str) -> Result<Option<String>, String> {
        Ok(None)
    }
}

/// What may be done with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read it, or list it.
    Read,
    /// Write it, or make something in it.
    Write,
    /// Execute it, or pass through it.
    Execute,
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
    /// What the file at `path` has in it: UTF-8.
    fn text(&self, path: &str) -> Result<String, String>;
    /// The names in the folder at `path`, sorted; none if it is not there.
    fn list(&self, path: &str) -> Result<Vec<String>, String>;
    /// So many random bytes.
    fn random(&self, count: usize) -> Result<Vec<u8>, String>;
    /// Whether something is mounted at `path`.
    fn is_mount(&self, path: &str) -> Result<bool, String>;
    /// Whether onset may do that with what is at `path`.
    fn may(&self, access: Access, path: &str) -> Result<bool, String>;
    /// Whether `name` could be started: a path, or a name that is looked for along `search` (the usual folders without).
    fn is_executable(&self, name: &str, search: Option<&str>) -> Result<bool, String>;
}

impl Context {
    /// A context of its parts: variables by name, arguments, facts by name.
    pub fn new(env: Values, args: &[Vec<u8>], facts: Arc<dyn Facts>) -> Self {
        let mut texts = Vec::new();
        for arg in args {
            texts.push(text("an argument", arg));
        }
        Context { env: Arc::new(Env(env)), args: Value::from(texts), facts: Value::from_object(AskedFacts(facts)) }
    }

    /// Whether the value of any variable is in `message`, and not because it is in `source`.
    pub(super) fn shows_through(&self, message: &str, source: &str) -> bool {
        let values = self.env.0.values().filter_map(|value| std::str::from_utf8(value).ok());
        // Shorter ones are in every sentence, and no secret.
        values.into_iter().any(|value| value.len() > 2 && message.contains(value) && !source.contains(value))
    }

    pub(super) fn root(&self) -> Value {
        let env = Value::from_dyn_object(self.env.clone());
        let mut root = Map::default();
        root.put("env", env);
        root.put("args", self.args.clone());
        root.put("facts", self.facts.clone());
        root.done()
    }
}

struct Env(Values);

impl fmt::Debug for Env {
    /// Nothing of it: a value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("env")
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
        Enumerator::Values(self.0.keys().map(|name| of_text(name)).collect())
    }
}

/// Facts as minijinja asks for them.
struct AskedFacts(Arc<dyn Facts>);

impl fmt::Debug for AskedFacts {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("facts")
    }
}

impl Object for AskedFacts {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        self.0.get(key).as_ref().map(value)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(FACTS.split(' ').map(of_text).collect())
    }

    fn call_method(self: &Arc<Self>, _: &mut State, method: &str, arguments: &[Value]) -> Result<Value, Error> {
        if method != SOURCE_ADDRESS {
            return Err(Error::from(ErrorKind::UnknownMethod));
        }
        let [target] = arguments else {
            return Err(failed("`source_address` takes one IP address"));
        };
        let Some(target) = target.as_str() else {
            return Err(failed("`source_address` takes an IP address as a text"));
        };
        Ok(self.0.source_address(target).map_err(failed)?.map_or(Value::UNDEFINED, |address| of_text(&address)))
    }
}

/// A text; if it is none, a value that is an error where it is used.
fn text(what: &str, bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => of_text(text),
        Err(_) => {
            Value::from(Error::new(ErrorKind::InvalidOperation, format!("{what} is not UTF-8")).with_source(OurWords))
        }
    }
}

fn value(fact: &Fact) -> Value {
    match fact {
        Fact::Flag(flag) => Value::from(*flag),
        Fact::Number(number) => Value::from(*number),
        Fact::Decimal(number) => Value::from(*number),
        Fact::Text(text) => of_text(text),
        Fact::List(facts) => {
            let mut list = Vec::new();
            for fact in facts {
                list.push(value(fact));
            }
            Value::from(list)
        }
        Fact::Map(facts) => {
            let mut map = Map::default();
            for (name, fact) in facts {
                map.put(name, value(fact));
            }
            map.done()
        }
    }
}
