//! How minijinja calls a filter, a test or a function of ours: all through one door. minijinja can make a door of any
//! Rust function, and its own filters are such; each costs some 3 kB, two thirds of it for its arguments.

use super::context::Files;
use super::error::OurWords;
use minijinja::value::{Kwargs, Rest, Value, ValueKind, ValueOrKwargs};
use minijinja::{Error, ErrorKind, State};
use std::borrow::Cow;
use std::sync::Arc;

/// A filter, a test or a function.
pub struct Builtin {
    /// Its names.
    pub names: &'static [&'static str],
    /// What its parameters are called; all may be absent. After [`REST`] come those that are given by name only.
    pub parameters: &'static [&'static str],
    /// What it does.
    pub run: fn(&mut Call) -> Result<Value, Error>,
}

/// Stands for any number of arguments.
pub const REST: &str = "*";

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
    /// Those before which [`REST`] stands.
    named: Option<Kwargs>,
}

/// As minijinja takes it.
pub fn bind(
    shared: &Arc<Shared>,
    builtin: &'static Builtin,
) -> impl Fn(&mut State<'_, '_>, Rest<ValueOrKwargs>) -> Result<Value, Error> + Send + Sync + 'static {
    let shared = shared.clone();
    move |state: &mut State, arguments: Rest<ValueOrKwargs>| {
        let arguments = arguments.0.into_iter().map(ValueOrKwargs::into_value);
        let (named, mut arguments): (Vec<_>, Vec<_>) = arguments.partition(Value::is_kwargs);
        let named = named.into_iter().next().map(Kwargs::try_from).transpose()?;
        let by_place = builtin.parameters.iter().position(|&name| name == REST).is_none();
        if by_place && arguments.len() > builtin.parameters.len() {
            return Err(Error::from(ErrorKind::TooManyArguments));
        }
        if let Some(named) = &named {
            for (at, name) in builtin.parameters.iter().enumerate() {
                let Some(value) = named.get::<Option<Value>>(name)?.filter(|_| by_place) else { continue };
                if at < arguments.len() {
                    return Err(failed("an argument is given twice"));
                }
                arguments.resize(at, Value::UNDEFINED);
                arguments.push(value);
            }
            named.assert_all_used()?;
        }
        (builtin.run)(&mut Call { shared: &shared, state, arguments, named })
    }
}

impl Call<'_, '_, '_> {
    /// The argument at a place; not defined if it is not given.
    pub fn value(&self, at: usize) -> Value {
        self.arguments.get(at).cloned().unwrap_or_default()
    }

    /// Every argument from a place on.
    pub fn values(&self, from: usize) -> &[Value] {
        self.arguments.get(from..).unwrap_or_default()
    }

    /// The argument of that name, where there are [`REST`].
    pub fn named(&self, name: &str) -> Option<Value> {
        self.named.as_ref()?.get::<Option<Value>>(name).ok()?
    }

    /// A value that has to be defined; the error says which is not.
    pub fn defined(&mut self, at: usize) -> Result<Value, Error> {
        if at >= self.arguments.len() {
            return Err(Error::from(ErrorKind::MissingArgument));
        }
        let value = self.value(at);
        if value.is_undefined() {
            // Only minijinja knows where it came from.
            self.state.format(value.clone())?;
        }
        Ok(value)
    }

    /// What is printed for a value.
    pub fn text(&mut self, at: usize) -> Result<Arc<str>, Error> {
        let value = self.defined(at)?;
        self.print(&value)
    }

    /// What is printed for a value, if it is given.
    pub fn optional_text(&mut self, at: usize) -> Result<Option<Arc<str>>, Error> {
        if self.value(at).is_undefined() { Ok(None) } else { self.text(at).map(Some) }
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
        let items: Vec<Value> = self.defined(at)?.try_iter()?.collect();
        if items.iter().any(|item| item.kind() == ValueKind::Invalid) {
            return Err(failed("something in the list is not UTF-8"));
        }
        Ok(items)
    }

    /// What is printed for a value of any origin.
    pub fn print(&mut self, value: &Value) -> Result<Arc<str>, Error> {
        match value.to_str() {
            Some(text) => Ok(text),
            None => self.state.format(value.clone()).map(Arc::from),
        }
    }

    /// Whether something of that length may be made.
    pub fn fits(&self, length: usize) -> Result<(), Error> {
        if length > self.shared.limit { Err(Error::from(ErrorKind::WriteFailure)) } else { Ok(()) }
    }
}

/// An error in our own words; they hold no value.
pub fn failed(why: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, why).with_source(OurWords)
}
