//! The environment: where each variable's value comes from, and what it must be.
//!
//! One precedence: `value` or `expr`; the container's own variable; the file that `NAME_FILE` names; an alias; an env
//! file (the last one that has it); `default`. Then what is prepended and appended. Empty counts as unset, unless
//! `allow_empty`. A value may use other variables, in any order and in no circle; one that names itself means the value
//! from outside.

mod files;
mod order;
mod outside;
mod resolver;
#[cfg(test)]
mod tests;

use super::judge::Judge;
use super::rendered::Rendered;
use super::world::World;
use crate::config::model::{Config, Step};
use crate::config::named::{Named, Names};
use crate::config::problem::Problems;
use crate::config::types::Text;
use crate::glob;
use crate::template::Lookup;
use crate::template::jinja::Values;
use order::order;
use outside::Outside;
use resolver::Resolver;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// The longest value of a variable: what execve(2) takes of one string (`MAX_ARG_STRLEN`).
pub const LONGEST_VALUE: usize = 128 * 1024;
/// A resolved environment.
#[derive(Debug, Default, Clone)]
pub struct Environment {
    variables: Named<Resolved>,
    /// The values of these, once an expression or a template has asked.
    values: RefCell<Option<Values>>,
    /// What became of templates with these variables.
    pub(super) rendered: Rendered,
    /// What the application gets: `NAME=value`, those it had first and in their order.
    pub entries: Vec<Vec<u8>>,
    /// What users are to know: an alias that is old.
    pub notices: Vec<String>,
    /// What steps have yet to set.
    pub promises: Promises,
    /// Those that are missing or wrong, and those that were made of one. That was told, so a start is refused, and what
    /// else is wrong because of it is no second problem.
    pub failed: Names,
}

/// The variables that steps have yet to set: what uses them cannot be decided before.
#[derive(Debug, Default, Clone)]
pub struct Promises {
    /// By name.
    names: Names,
    /// Whether others may come, nobody knows which.
    others: bool,
    asked: Cell<bool>,
}

impl Promises {
    /// What these steps may set.
    pub fn of<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Self {
        let mut promises = Promises::default();
        steps.into_iter().for_each(|step| promises.add(step));
        promises
    }

    /// What this step may set as well.
    pub fn add(&mut self, step: &Step) {
        let read = step.read.iter().map(|read| &read.into);
        let run = step.run.iter().flat_map(|run| [&run.stdout_variable, &run.status_variable]).flatten();
        let generated = step.generate.iter().filter_map(|generate| generate.into.as_ref());
        for name in step.set.keys().chain(read).chain(run).chain(generated) {
            self.names.insert(name, ());
        }
        self.others |= step.env.is_some() || step.hooks.is_some();
    }

    /// Notes it if the variable may yet change.
    fn ask(&self, name: &str, is_set: bool) {
        if self.names.contains_key(name) || (self.others && !is_set) {
            self.asked.set(true);
        }
    }

    /// The same for all variables whose names begin so.
    pub fn ask_prefix(&self, prefix: &str) {
        if self.others || self.names.keys().any(|name| name.starts_with(prefix)) {
            self.asked.set(true);
        }
    }

    /// Whether something was asked for that may yet change.
    pub fn is_asked(&self) -> bool {
        self.asked.get()
    }

    /// Whether something was asked for since the last time that may yet change: then what came of it counts for nothing.
    pub fn take_asked(&self) -> bool {
        self.asked.replace(false)
    }
}

/// A variable with its value, if it has one.
#[derive(Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The value; `None`: not set.
    pub value: Option<Vec<u8>>,
    /// Where it is from.
    pub origin: Origin,
    /// Whether it may be shown.
    pub secret: bool,
    /// Whether the configuration describes it, and not only the container has it or a step sets it.
    pub described: bool,
}

impl std::fmt::Debug for Resolved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Resolved({}, {})", self.origin, if self.secret { "[secret]" } else { "shown" })
    }
}

/// Where a value is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: not set.
    None,
    /// The container's environment.
    Container,
    /// A file, which this variable named.
    File(String, String),
    /// A variable of an older name.
    Alias(String),
    /// A file with variables.
    EnvFile(String),
    /// `default`
    Default,
    /// `value`
    Value,
    /// `expr`
    Expression,
    /// The role's `env`
    Role,
    /// A step, by its name.
    Step(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::None => f.write_str("not set"),
            Origin::Container => f.write_str("container"),
            Origin::File(pointer, path) => write!(f, "{path} ({pointer})"),
            Origin::Alias(name) => write!(f, "alias {name}"),
            Origin::EnvFile(path) => write!(f, "{path}"),
            Origin::Default => f.write_str("default"),
            Origin::Value => f.write_str("value"),
            Origin::Expression => f.write_str("expr"),
            Origin::Role => f.write_str("role"),
            Origin::Step(name) => write!(f, "step {name}"),
        }
    }
}

impl Environment {
    /// These variables, of which the application gets these entries.
    pub fn new(variables: Named<Resolved>, entries: Vec<Vec<u8>>) -> Self {
        Environment { variables, entries, ..Environment::default() }
    }

    /// Every variable that can be used, by name.
    pub fn variables(&self) -> &Named<Resolved> {
        &self.variables
    }

    /// The value of a variable, for templates.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.find(name).and_then(|found| found.value.as_deref())
    }

    /// A variable, with what else is known of it.
    pub fn find(&self, name: &str) -> Option<&Resolved> {
        let found = self.variables.get(name);
        self.ask(name, found);
        found
    }

    /// Notes that a variable, of which that is known, is made use of.
    pub(super) fn ask(&self, name: &str, found: Option<&Resolved>) {
        self.promises.ask(name, found.is_some_and(|found| found.value.is_some()));
    }

    /// The variables for an expression, or for a template (`None`), which may ask for any.
    pub fn values_for(&self, judge: &Judge, expression: Option<&str>) -> Values {
        let ask = |name: &String| self.ask(name, self.variables.get(name));
        if self.promises.others || !self.promises.names.is_empty() {
            match expression.and_then(|source| judge.variables(source)) {
                Some(names) => names.iter().for_each(ask),
                None => self.promises.asked.set(true),
            }
        }
        values_once(&mut self.values.borrow_mut(), &self.variables)
    }

    /// Takes the values of secrets away, and puts what is shown instead of them in their place.
    pub fn mask(&mut self) {
        for found in self.variables.values_mut().filter(|found| found.secret && found.value.is_some()) {
            found.value = Some(super::redact::MARK.to_vec());
        }
        self.forget();
    }

    /// Gives a variable another value, for the application too.
    pub fn set(&mut self, name: &str, value: &[u8], origin: Origin, secret: bool) {
        let known = self.variables.get(name);
        let described = known.is_some_and(|found| found.described);
        // What is no variable yet has no entry to look for.
        if known.is_some() {
            set_entry(&mut self.entries, name, Some(value));
        } else {
            self.entries.push(assignment(name, value));
        }
        self.variables.insert(name, Resolved { value: Some(value.to_vec()), origin, secret, described });
        self.failed.remove(name);
        self.forget();
    }

    /// What was made of the variables as they were.
    fn forget(&mut self) {
        self.values = RefCell::default();
        self.rendered = Rendered::default();
    }

    /// Whether one of these failed.
    pub fn any_failed<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> bool {
        !self.failed.is_empty() && names.into_iter().any(|name| self.failed.contains_key(name))
    }

    /// Whether an expression reads one that failed.
    pub fn reads_failed(&self, judge: &Judge, expression: &str) -> bool {
        !self.failed.is_empty()
            && judge.variables(expression).is_none_or(|names| self.any_failed(names.iter().map(String::as_str)))
    }

    /// Expands a text; a problem of it is one of the configuration. `None` without one: a variable in it failed.
    pub fn expand(&self, text: &Text, limit: usize, problems: &mut Problems) -> Option<Vec<u8>> {
        if self.any_failed(text.template.variables()) {
            return None;
        }
        expand(text, &|name| self.get(name).map(Cow::Borrowed), limit, problems)
    }

    /// Whether a text uses a secret.
    pub fn is_secret(&self, text: &Text) -> bool {
        text.template.variables().into_iter().any(|name| self.variables.get(name).is_some_and(|found| found.secret))
    }
}

/// Gives a variable another value among `NAME=value`, where its first one was, or takes it out.
pub fn set_entry(entries: &mut Vec<Vec<u8>>, name: &str, value: Option<&[u8]>) {
    let start = assignment(name, b"");
    let place = entries.iter().position(|entry| entry.starts_with(&start)).unwrap_or(entries.len());
    entries.retain(|entry| !entry.starts_with(&start));
    if let Some(value) = value {
        entries.insert(place, assignment(name, value));
    }
}

/// `NAME=value`
fn assignment(name: &str, value: &[u8]) -> Vec<u8> {
    [name.as_bytes(), b"=", value].concat()
}

/// The values of those that have one: made once, for they are many, and shared.
fn values_once(made: &mut Option<Values>, variables: &Named<Resolved>) -> Values {
    let make = || {
        let mut values = Named::new();
        for (name, found) in variables {
            if let Some(value) = &found.value {
                values.push(name.clone(), value.clone());
            }
        }
        Arc::new(values)
    };
    made.get_or_insert_with(make).clone()
}

/// Expands a text with any look-up.
pub fn expand(text: &Text, lookup: &Lookup<'_>, limit: usize, problems: &mut Problems) -> Option<Vec<u8>> {
    match text.template.expand(lookup, limit) {
        Ok(value) => Some(value),
        Err(error) => {
            problems.at(text.within(error.offset), error.to_string());
            None
        }
    }
}

/// Resolves every variable.
///
/// `None` and problems: something is required and missing, is not what it must be, cannot be read, or depends on itself.
#[inline(never)]
pub fn resolve(
    config: &Config,
    container: &[Vec<u8>],
    judge: &Judge,
    world: &dyn World,
    problems: &mut Problems,
) -> Environment {
    let mut outside = Outside::new(config, container);
    outside.read_files(world, problems);
    outside.read_secret_files(world, problems);
    let mut variables = outside.named.clone().into_entries();
    for name in config.env.keys().filter(|name| outside.get(name).is_none()) {
        variables.push((name.clone(), outside.variable(name)));
    }
    let order = order(config, judge, problems);
    let resolver = Resolver {
        config,
        outside: &outside,
        judge,
        world,
        problems: RefCell::new(std::mem::take(problems)),
        variables: RefCell::new(Named::of(variables)),
        values: RefCell::default(),
        notices: RefCell::default(),
        consumed: RefCell::new(outside.consumed.clone()),
        failed: RefCell::new(order.circular),
    };
    for variable in &order.variables {
        resolver.resolve(variable);
    }
    let Resolver { problems: told, variables, values, notices, consumed, failed, .. } = resolver;
    *problems = told.into_inner();
    let (variables, consumed) = (variables.into_inner(), consumed.into_inner());
    check_groups(config, &variables, problems);
    let entries = outside.entries(&variables, &consumed);
    let (notices, failed) = (notices.into_inner(), failed.into_inner());
    Environment { values, notices, failed, ..Environment::new(variables, entries) }
}

/// Tells of every circle of variables.
pub fn check_order(config: &Config, judge: &Judge, problems: &mut Problems) {
    order(config, judge, problems);
}

/// The container's environment as it is, for a command without a set-up.
pub fn untouched(config: &Config, container: &[Vec<u8>]) -> Environment {
    Environment::new(Outside::new(config, container).named, container.to_vec())
}

/// Whether what has this name is a secret because of its name.
pub fn names_secret(config: &Config, name: &str) -> bool {
    let by_pattern = config.environment.iter().flat_map(|environment| &environment.secret);
    config.env.get(name).is_some_and(|variable| variable.secret)
        || by_pattern.into_iter().any(|glob| glob::matches(glob.0.as_bytes(), name.as_bytes()))
}

fn both_set(name: &str, pointer: &str) -> String {
    format!("`{name}` and `{pointer}` are both set: accepted is one of them")
}

#[inline(never)]
fn check_groups(config: &Config, variables: &Named<Resolved>, problems: &mut Problems) {
    let Some(environment) = &config.environment else { return };
    let is_set = |name: &String| {
        variables.get(name).and_then(|found| found.value.as_ref()).is_some_and(|value| !value.is_empty())
    };
    let mut check = |groups: &[Vec<String>], accepts: fn(usize) -> bool, what: &str| {
        for group in groups {
            let mut set = group.clone();
            set.retain(is_set);
            if !accepts(set.len()) {
                let names = group.join(", ");
                let found = if set.is_empty() { "none is".to_owned() } else { format!("set: {}", set.join(", ")) };
                problems.at(environment.place, format_args!("{what} of {names} must be set; {found}"));
            }
        }
    };
    check(&environment.exactly_one_of, |count| count == 1, "exactly one");
    check(&environment.at_least_one_of, |count| count >= 1, "at least one");
    check(&environment.at_most_one_of, |count| count <= 1, "at most one");
    for (name, message) in &environment.forbidden {
        if is_set(name) {
            problems.at(environment.place, format_args!("`{name}` must not be set: {message}"));
        }
    }
}
