//! The described variables, each after those it needs.

use super::files::read_secret;
use super::outside::Outside;
use super::{LONGEST_VALUE, Origin, Resolved, both_set, expand, names_secret, those_set};
use crate::config::model::{Config, Variable};
use crate::config::named::{Named, Names};
use crate::config::problem::Problems;
use crate::config::tree::Place;
use crate::config::types::{Expression, Text, YesOr};
use crate::plan::judge::Judge;
use crate::plan::value;
use crate::plan::world::World;
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Display;

pub(super) enum State {
    /// Being resolved: to need it now is a circle.
    Open,
    Done(Resolved),
}

/// A variable that waits for those it needs.
struct Opened<'a> {
    name: String,
    variable: &'a Variable,
    /// What it still waits for, the next one last.
    needs: Vec<String>,
}

pub(super) struct Resolver<'a> {
    pub(super) config: &'a Config,
    pub(super) outside: &'a Outside<'a>,
    pub(super) judge: &'a Judge,
    pub(super) world: &'a dyn World,
    pub(super) problems: RefCell<Problems>,
    pub(super) states: RefCell<Named<State>>,
    pub(super) notices: RefCell<Vec<String>>,
    pub(super) consumed: RefCell<Vec<String>>,
    /// Those that have no value or a wrong one, and those that were made of one.
    pub(super) failed: RefCell<Names>,
}

impl Resolver<'_> {
    fn problem_of(&self, name: &str, place: Place, message: impl Display) {
        self.failed.borrow_mut().insert(name, ());
        self.problem(place, message);
    }

    fn problem(&self, place: Place, message: impl Display) {
        self.problems.borrow_mut().at(place, message);
    }

    /// Resolves one variable, and first what it needs. On a stack of its own: a chain of variables may be as long as the
    /// configuration.
    pub(super) fn resolve(&self, name: &str) {
        let Some(variable) = self.config.env.get(name) else { return };
        if self.states.borrow().contains_key(name) {
            return;
        }
        let mut chain = vec![self.open(name, variable)];
        while let Some(Opened { name, variable, needs }) = chain.last_mut() {
            match needs.pop() {
                None => {
                    let resolved = self.value_of(name, variable);
                    self.states.borrow_mut().insert(name, State::Done(resolved));
                    chain.pop();
                }
                Some(needed) if needed == *name => {}
                Some(needed) => {
                    let Some(variable) = self.config.env.get(&needed) else { continue };
                    let is_open = self.states.borrow().get(&needed).map(|state| matches!(state, State::Open));
                    match is_open {
                        Some(false) => {}
                        Some(true) => {
                            let names: Vec<&str> = chain.iter().map(|opened| opened.name.as_str()).collect();
                            let start = names.iter().position(|other| *other == needed).unwrap_or(0);
                            let circle = names[start..].join(" -> ");
                            let message =
                                format!("the variables depend on each other in a circle: {circle} -> {needed}");
                            self.problem(variable.place, message);
                        }
                        None => chain.push(self.open(&needed, variable)),
                    }
                }
            }
        }
    }

    fn open<'c>(&self, name: &str, variable: &'c Variable) -> Opened<'c> {
        self.states.borrow_mut().insert(name, State::Open);
        let mut needs = self.needs(variable);
        needs.reverse();
        Opened { name: name.to_owned(), variable, needs }
    }

    /// A variable as another one sees it; `own`: itself, as it came from outside.
    fn lookup(&self, own: &str, name: &str) -> Option<Vec<u8>> {
        if name != own
            && let Some(State::Done(resolved)) = self.states.borrow().get(name)
        {
            return resolved.value.clone();
        }
        self.outside.get(name).map(<[u8]>::to_vec)
    }

    fn expand(&self, own: &str, text: &Text) -> Option<Vec<u8>> {
        let lookup = |name: &str| self.lookup(own, name).map(Cow::Owned);
        let mut problems = Problems::default();
        let value = expand(text, &lookup, LONGEST_VALUE, &mut problems);
        // That a variable is not there because of a problem that was told is no second one.
        if !self.any_failed(text.template.variables()) {
            self.problems.borrow_mut().append(problems);
        }
        if value.is_none() {
            self.failed.borrow_mut().insert(own, ());
        }
        value
    }

    fn any_failed<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> bool {
        let failed = self.failed.borrow();
        !failed.is_empty() && names.into_iter().any(|name| failed.contains_key(name))
    }

    /// Whether an expression of `own` reads one that failed.
    fn reads_failed(&self, own: &str, expression: &Expression) -> bool {
        let failed = self.failed.borrow();
        let read = self.judge.variables(&expression.source);
        let mut others = failed.keys().filter(|name| *name != own);
        others.any(|name| read.as_ref().is_none_or(|read| read.contains(name)))
    }

    /// Whether a value from there was made of a variable that failed.
    fn made_of_failed(&self, name: &str, variable: &Variable, origin: &Origin) -> bool {
        let uses = |text: &Option<Text>| {
            text.as_ref()
                .is_some_and(|text| self.any_failed(text.template.variables().into_iter().filter(|it| *it != name)))
        };
        let source = match origin {
            Origin::Value => uses(&variable.value),
            Origin::Default => uses(&variable.default),
            Origin::Expression => variable.expr.as_ref().is_some_and(|expr| self.reads_failed(name, expr)),
            Origin::Alias(alias) => self.any_failed([alias.as_str()]),
            Origin::None
            | Origin::Container
            | Origin::File(..)
            | Origin::EnvFile(_)
            | Origin::Role
            | Origin::Step(_) => false,
        };
        source || uses(&variable.prepend) || uses(&variable.append)
    }

    /// A problem of an expression, unless it reads a variable whose own was told.
    fn problem_of_expression(&self, name: &str, expression: &Expression, message: String) {
        if self.reads_failed(name, expression) {
            self.failed.borrow_mut().insert(name, ());
        } else {
            self.problem_of(name, expression.place, message);
        }
    }

    /// All variables as a Jinja expression of `own` sees them.
    fn snapshot(&self, own: &str) -> Named<Vec<u8>> {
        let states = self.states.borrow();
        let resolved = states.iter().filter_map(|(name, state)| match state {
            State::Done(resolved) if name != own => Some((name, resolved.value.as_ref())),
            State::Done(_) | State::Open => None,
        });
        let outside = self.outside.named.iter().map(|(name, (value, _))| (name, Some(value)));
        let of_each = Named::of(resolved.chain(outside).map(|(name, value)| (name.clone(), value)).collect());
        those_set(&mut of_each.iter().map(|(name, value)| (name, *value)))
    }

    fn value_of(&self, name: &str, variable: &Variable) -> Resolved {
        let outside = || {
            let found = self.outside.named.get(name);
            let (value, origin) =
                found.map_or((None, Origin::None), |(value, origin)| (Some(value.clone()), origin.clone()));
            Resolved { value, origin, secret: names_secret(self.config, name), described: true }
        };
        if let Some(when) = &variable.when {
            match self.judge.holds(&when.source, self.snapshot(name)) {
                Ok(true) => {}
                Ok(false) => return outside(),
                Err(message) => {
                    self.problem_of_expression(name, when, message);
                    return outside();
                }
            }
        }
        let Some((value, origin)) = self.source_of(name, variable) else { return outside() };
        let value = self.with_ends(name, variable, value);
        let value = match value {
            Some(value) => {
                let follows = self.made_of_failed(name, variable, &origin);
                if follows {
                    self.failed.borrow_mut().insert(name, ());
                }
                match value::check(variable, &value) {
                    Ok(checked) => Some(checked),
                    Err(_) if follows => Some(value),
                    Err(message) => {
                        self.problem_of(name, variable.place, format!("`{name}` {message} (it comes from: {origin})"));
                        Some(value)
                    }
                }
            }
            None => {
                self.require(name, variable, &origin);
                self.outside.get(name).map(<[u8]>::to_vec)
            }
        };
        let tainted = self
            .needs(variable)
            .iter()
            .any(|needed| matches!(self.states.borrow().get(needed), Some(State::Done(resolved)) if resolved.secret));
        let secret = names_secret(self.config, name) || tainted || matches!(origin, Origin::File(..));
        Resolved { value, origin, secret, described: true }
    }

    /// The first source that has a value. `None`: a problem was told.
    fn source_of(&self, name: &str, variable: &Variable) -> Option<(Option<Vec<u8>>, Origin)> {
        if let Some(text) = &variable.value {
            return self.expand(name, text).map(|value| (Some(value), Origin::Value));
        }
        if let Some(expression) = &variable.expr {
            return match self.judge.compute(&expression.source, self.snapshot(name)) {
                Ok(value) => Some((Some(value), Origin::Expression)),
                Err(message) => {
                    self.problem_of_expression(name, expression, message);
                    None
                }
            };
        }
        let counts = |value: &&[u8]| variable.allow_empty || !value.is_empty();
        let own = self.outside.named.get(name).filter(|(value, _)| counts(&value.as_slice()));
        let container = own.filter(|(_, origin)| !matches!(origin, Origin::EnvFile(_)));
        let pointer = self.pointer(name, variable);
        if let Some((pointer, path)) = pointer {
            if container.is_some() {
                self.problem_of(name, variable.place, both_set(name, &pointer));
                return None;
            }
            self.consumed.borrow_mut().push(pointer.clone());
            return match read_secret(name, &pointer, &path, variable.max_size, variable.trim, self.world) {
                Ok((value, origin)) => Some((Some(value).filter(|value| counts(&value.as_slice())), origin)),
                Err(message) => {
                    self.problem_of(name, variable.place, message);
                    None
                }
            };
        }
        if let Some((value, origin)) = container {
            return Some((Some(value.clone()), origin.clone()));
        }
        for alias in &variable.aliases {
            if let Some(value) = self.lookup(name, alias).filter(|value| counts(&value.as_slice())) {
                self.notices.borrow_mut().push(format!("`{alias}` is an old name of `{name}`: set `{name}` instead"));
                return Some((Some(value), Origin::Alias(alias.clone())));
            }
        }
        if let Some((value, origin)) = own {
            return Some((Some(value.clone()), origin.clone()));
        }
        match &variable.default {
            Some(text) => self.expand(name, text).map(|value| (Some(value), Origin::Default)),
            None => Some((None, Origin::None)),
        }
    }

    /// The variable that names a file, and the file.
    fn pointer(&self, name: &str, variable: &Variable) -> Option<(String, Vec<u8>)> {
        let patterns: &[String] = match &variable.file {
            YesOr::Plain(false) => return None,
            YesOr::Plain(true) => &["{}_FILE".to_owned()],
            YesOr::So(patterns) => patterns,
        };
        patterns.iter().find_map(|pattern| {
            let pointer = pattern.replace("{}", name);
            let path = self.outside.get(&pointer).filter(|path| !path.is_empty())?;
            Some((pointer, path.to_vec()))
        })
    }

    fn with_ends(&self, name: &str, variable: &Variable, value: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let separator = variable.separator.as_deref().unwrap_or(" ").as_bytes();
        let expand = |text: &Option<Text>| text.as_ref().and_then(|text| self.expand(name, text));
        let (before, after) = (expand(&variable.prepend), expand(&variable.append));
        let parts = [before, value, after];
        let given: Vec<&[u8]> = parts.iter().flatten().map(Vec::as_slice).collect();
        if given.is_empty() { None } else { Some(given.join(separator)) }
    }

    /// The described variables that this one uses. An expression that may read any reads those without expressions.
    fn needs(&self, variable: &Variable) -> Vec<String> {
        let described = &self.config.env;
        let texts = [&variable.default, &variable.value, &variable.prepend, &variable.append];
        let mut names: Vec<String> =
            texts.into_iter().flatten().flat_map(|text| text.template.variables()).map(str::to_owned).collect();
        names.extend(variable.aliases.iter().cloned());
        for expression in [&variable.when, &variable.expr].into_iter().flatten() {
            let plain = || described.iter().filter(|(_, other)| other.when.is_none() && other.expr.is_none());
            let read = self.judge.variables(&expression.source);
            names.extend(read.unwrap_or_else(|| plain().map(|(name, _)| name.clone()).collect()));
        }
        names.retain(|name| described.contains_key(name));
        names.sort();
        names.dedup();
        names
    }

    fn require(&self, name: &str, variable: &Variable, origin: &Origin) {
        let message = match &variable.required {
            YesOr::Plain(false) => return,
            YesOr::Plain(true) => String::new(),
            YesOr::So(text) => match self.expand(name, text) {
                Some(text) => format!(": {}", String::from_utf8_lossy(&text)),
                None => return,
            },
        };
        if let Origin::File(pointer, path) = origin {
            let why = format!("`{name}` is required, and {path}, which {pointer} names, is empty{message}");
            return self.problem_of(name, variable.place, why);
        }
        let file = match &variable.file {
            YesOr::Plain(false) => String::new(),
            YesOr::Plain(true) => format!(" (or {name}_FILE with the path of a file)"),
            YesOr::So(patterns) => {
                let names: Vec<String> = patterns.iter().map(|pattern| pattern.replace("{}", name)).collect();
                format!(" (or {} with the path of a file)", names.join(" or "))
            }
        };
        self.problem_of(name, variable.place, format!("`{name}` is required and not set{file}{message}"));
    }
}
