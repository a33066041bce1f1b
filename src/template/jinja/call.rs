//! How minijinja calls a filter, a test or a function of ours: all through one door. minijinja can make a door of any
//! Rust function, and its own filters are such; each costs some 3 kB, two thirds of it for its arguments.

use super::context::Files;
use super::error::OurWords;
use minijinja::value::{Rest, Value, ValueKind, ValueOrKwargs};
use minijinja::{Error, ErrorKind, State};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A filter, a test or a function.
pub struct Builtin {
    /// Its names, with blanks between them.
    pub names: &'static str,
    /// What its parameters are called, with blanks between them; all may be absent. After a `*`, which stands for any number
    /// of arguments, come those that are given by name only. Behind a name stands what becomes of the argument before the
    /// call: `!` it has to be defined, `$` that too, and it is made a text, `?` it is made a text if it is given.
    pub parameters: &'static str,
    /// What it does.
    pub run: fn(&mut Call) -> Result<Value, Error>,
}

/// What every call may need.
pub struct Shared {
    /// Who answers questions about files.
    pub files: Arc<dyn Files>,
    /// How many bytes a filter may make.
    pub limit: usize,
}

/// One call.
pub struct Call<'c, 's, 'e> {
    pub shared: &'c Shared,
    pub state: &'c mut State<'s, 'e>,
    /// By place; what is not given is not defined.
    arguments: Vec<Value>,
    /// Those that are given by name: a map.
    named: Option<Value>,
}

/// As minijinja takes it.
pub fn bind(
    shared: &Arc<Shared>,
    builtin: &'static Builtin,
) -> impl Fn(&mut State<'_, '_>, Rest<ValueOrKwargs>) -> Result<Value, Error> + Send + Sync + 'static {
    let shared = shared.clone();
    move |state: &mut State, arguments: Rest<ValueOrKwargs>| {
        let mut arguments = arguments.into_values();
        let named = arguments.iter().position(Value::is_kwargs).map(|at| arguments.remove(at));
        let mut call = Call { shared: &shared, state, arguments, named };
        call.place(builtin.parameters)?;
        call.prepare(builtin.parameters)?;
        (builtin.run)(&mut call)
    }
}

/// What is not given.
static NOTHING: Value = Value::UNDEFINED;

/// What may stand behind the name of a parameter.
const MARKS: [char; 3] = ['!', '$', '?'];

impl Call<'_, '_, '_> {
    /// Puts what is given by name to its place.
    #[inline(never)]
    fn place(&mut self, parameters: &str) -> Result<(), Error> {
        let parameters: Vec<&str> = parameters.split(' ').map(|parameter| parameter.trim_end_matches(MARKS)).collect();
        let by_place = parameters[0] != "*";
        if by_place && self.arguments.len() > parameters.len() {
            return Err(Error::from(ErrorKind::TooManyArguments));
        }
        let Some(names) = self.named.as_ref().map(Value::try_iter).transpose()? else { return Ok(()) };
        for (at, name) in parameters.iter().enumerate().filter(|_| by_place) {
            let Some(value) = self.named(name) else { continue };
            if at < self.arguments.len() {
                return Err(failed("an argument is given twice"));
            }
            self.arguments.resize(at, Value::UNDEFINED);
            self.arguments.push(value);
        }
        for name in names {
            let Some(name) = name.as_str() else {
                return Err(Error::new(ErrorKind::InvalidOperation, "non string keys passed to kwargs"));
            };
            if !parameters.contains(&name) {
                return Err(Error::new(ErrorKind::TooManyArguments, format!("unknown keyword argument '{name}'")));
            }
        }
        Ok(())
    }

    /// Sees that arguments are what the marks of their parameters say.
    #[inline(never)]
    fn prepare(&mut self, parameters: &str) -> Result<(), Error> {
        for (at, parameter) in parameters.split(' ').enumerate() {
            match parameter.as_bytes().last() {
                Some(b'!') => self.require(at)?,
                Some(b'$') => self.make_text(at)?,
                Some(b'?') => self.make_optional_text(at)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The argument at a place; not defined if it is not given.
    pub fn value(&self, at: usize) -> &Value {
        self.arguments.get(at).unwrap_or(&NOTHING)
    }

    /// Every argument from a place on.
    pub fn values(&self, from: usize) -> &[Value] {
        self.arguments.get(from..).unwrap_or_default()
    }

    /// The argument of that name.
    pub fn named(&self, name: &str) -> Option<Value> {
        let value = self.named.as_ref()?.get_attr(name).ok()?;
        Some(value).filter(|value| !value.is_undefined() && !value.is_none())
    }

    /// Sees that a value is defined; the error says which is not.
    pub fn require(&mut self, at: usize) -> Result<(), Error> {
        let value = self.arguments.get(at).ok_or(ErrorKind::MissingArgument)?;
        if value.is_undefined() {
            // Only minijinja knows where it came from.
            self.state.format(value.clone())?;
        }
        Ok(())
    }

    /// Puts what is printed for a value in its place.
    pub fn make_text(&mut self, at: usize) -> Result<(), Error> {
        self.require(at)?;
        let value = &mut self.arguments[at];
        if value.as_str().is_none() {
            *value = of_text(&self.state.format(value.clone())?);
        }
        Ok(())
    }

    /// Puts what is printed for a value in its place, if it is given.
    pub fn make_optional_text(&mut self, at: usize) -> Result<(), Error> {
        if self.value(at).is_undefined() { Ok(()) } else { self.make_text(at) }
    }

    /// An argument that is a text, or was made one.
    #[inline(never)]
    pub fn text(&self, at: usize) -> &str {
        self.optional_text(at).unwrap_or_default()
    }

    /// The same, if it is given.
    pub fn optional_text(&self, at: usize) -> Option<&str> {
        self.value(at).as_str()
    }

    /// A number of something, if it is given.
    pub fn optional_count(&self, at: usize) -> Result<Option<usize>, Error> {
        let value = self.value(at);
        if value.is_undefined() || value.is_none() {
            return Ok(None);
        }
        value.as_usize().map(Some).ok_or_else(|| failed("an argument is no whole number"))
    }

    /// What is in a list; of a map, the names.
    pub fn list(&mut self, at: usize) -> Result<Vec<Value>, Error> {
        let mut items = Vec::new();
        self.require(at)?;
        for item in self.value(at).try_iter()? {
            if item.kind() == ValueKind::Invalid {
                return Err(failed("something in the list is not UTF-8"));
            }
            items.push(item);
        }
        Ok(items)
    }

    /// What is printed for a value of any origin.
    pub fn print<'v>(&mut self, value: &'v Value) -> Result<Cow<'v, str>, Error> {
        match value.as_str() {
            Some(text) => Ok(text.into()),
            None => self.state.format(value.clone()).map(Cow::from),
        }
    }

    /// Whether something of that length may be made.
    pub fn fits(&self, length: usize) -> Result<(), Error> {
        if length > self.shared.limit { Err(Error::from(ErrorKind::WriteFailure)) } else { Ok(()) }
    }
}

/// A text as a value: minijinja's own way to it is long, and inlined wherever it stands.
#[inline(never)]
pub fn of_text(text: &str) -> Value {
    Value::from(text)
}

/// A text, as a result.
#[allow(clippy::unnecessary_wraps)] // what a builtin gives is a result
pub fn text(text: &str) -> Result<Value, Error> {
    Ok(of_text(text))
}

/// A list of texts, as a result.
pub fn texts(parts: &mut dyn Iterator<Item = &str>) -> Result<Value, Error> {
    let mut items = Vec::new();
    for part in parts {
        items.push(of_text(part));
    }
    list(items)
}

/// A list, as a result.
#[allow(clippy::unnecessary_wraps)]
pub fn list(items: Vec<Value>) -> Result<Value, Error> {
    Ok(Value::from(items))
}

/// A map in the making. One at a time: what makes a map of pairs has to sort them first.
#[derive(Default)]
pub struct Map(BTreeMap<Value, Value>);

impl Map {
    /// One more value with its name.
    pub fn put(&mut self, name: &str, value: Value) {
        self.0.insert(of_text(name), value);
    }

    /// One more text with its name, if it is not empty.
    #[inline(never)]
    pub fn put_text(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.put(name, of_text(text));
        }
    }

    /// All of it.
    pub fn done(self) -> Value {
        Value::from(self.0)
    }
}

/// Yes or no, as a result.
#[allow(clippy::unnecessary_wraps)]
pub fn yes(it_is: bool) -> Result<Value, Error> {
    Ok(Value::from(it_is))
}

/// An error in our own words; they hold no value.
pub fn failed(why: impl Into<Cow<'static, str>>) -> Error {
    ours(why.into())
}

fn ours(why: Cow<'static, str>) -> Error {
    Error::new(ErrorKind::InvalidOperation, why).with_source(OurWords)
}
