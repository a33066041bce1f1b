//! The described variables, each after those it needs.

use super::files::read_secret;
use super::order::Ordered;
use super::outside::Outside;
use super::{LONGEST_VALUE, Origin, Resolved, both_set, expand, names_secret, values_once};
use crate::config::model::{Config, Variable};
use crate::config::named::{Named, Names};
use crate::config::problem::Problems;
use crate::config::types::{Expression, Text, YesOr};
use crate::plan::judge::Judge;
use crate::plan::value;
use crate::plan::world::World;
use crate::template::jinja::Values;
use crate::tree::Place;
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Display;
use std::sync::Arc;

pub(super) struct Resolver<'a> {
    pub(super) config: &'a Config,
    pub(super) outside: &'a Outside<'a>,
    pub(super) judge: &'a Judge,
    pub(super) world: &'a dyn World,
    pub(super) problems: RefCell<Problems>,
    /// Every variable as it is so far: until it is resolved, as it came from outside.
    pub(super) variables: RefCell<Named<Resolved>>,
    /// The values of these, once an expression has asked.
    pub(super) values: RefCell<Option<Values>>,
    pub(super) notices: RefCell<Vec<String>>,
    pub(super) consumed: RefCell<Names>,
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

    /// Resolves one variable; what it needs is resolved.
    pub(super) fn resolve(&self, ordered: &Ordered<'_>) {
        let Ordered { name, variable, needs } = ordered;
        let resolved = self.value_of(name, variable, needs);
        if let Some(values) = &mut *self.values.borrow_mut() {
            let values = Arc::make_mut(values);
            match &resolved.value {
                Some(value) => values.insert(name, value.clone()),
                None => values.remove(name),
            }
        }
        self.variables.borrow_mut().insert(name, resolved);
    }

    /// A variable as another one sees it; `own`: itself, as it came from outside.
    fn lookup(&self, own: &str, name: &str) -> Option<Vec<u8>> {
        if name == own {
            return self.outside.get(name).map(<[u8]>::to_vec);
        }
        self.variables.borrow().get(name)?.value.clone()
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

    /// All variables as an expression sees them: its own one, which is not resolved yet, as it came from outside.
    fn snapshot(&self) -> Values {
        values_once(&mut self.values.borrow_mut(), &self.variables.borrow())
    }

    #[inline(never)]
    fn value_of(&self, name: &str, variable: &Variable, needs: &[&str]) -> Resolved {
        let outside = || self.outside.variable(name);
        if let Some(when) = &variable.when {
            match self.judge.holds(&when.source, self.snapshot()) {
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
        let variables = self.variables.borrow();
        let tainted = needs.iter().any(|needed| variables.get(needed).is_some_and(|found| found.secret));
        let secret = names_secret(self.config, name) || tainted || matches!(origin, Origin::File(..));
        Resolved { value, origin, secret, described: true }
    }

    /// The first source that has a value. `None`: a problem was told.
    #[inline(never)]
    fn source_of(&self, name: &str, variable: &Variable) -> Option<(Option<Vec<u8>>, Origin)> {
        if let Some(text) = &variable.value {
            return self.expand(name, text).map(|value| (Some(value), Origin::Value));
        }
        if let Some(expression) = &variable.expr {
            return match self.judge.compute(&expression.source, self.snapshot()) {
                Ok(value) => Some((Some(value), Origin::Expression)),
                Err(message) => {
                    self.problem_of_expression(name, expression, message);
                    None
                }
            };
        }
        let counts = |value: &Vec<u8>| variable.allow_empty || !value.is_empty();
        let own = self.outside.named.get(name).filter(|own| own.value.as_ref().is_some_and(counts));
        let container = own.filter(|own| !matches!(own.origin, Origin::EnvFile(_)));
        let pointer = self.pointer(name, variable);
        if let Some((pointer, path)) = pointer {
            if container.is_some() {
                self.problem_of(name, variable.place, both_set(name, &pointer));
                return None;
            }
            self.consumed.borrow_mut().insert(&pointer, ());
            return match read_secret(name, &pointer, &path, variable.max_size, variable.trim, self.world) {
                Ok((value, origin)) => Some((Some(value).filter(counts), origin)),
                Err(message) => {
                    self.problem_of(name, variable.place, message);
                    None
                }
            };
        }
        if let Some(Resolved { value, origin, .. }) = container {
            return Some((value.clone(), origin.clone()));
        }
        for alias in &variable.aliases {
            if let Some(value) = self.lookup(name, alias).filter(counts) {
                self.notices.borrow_mut().push(format!("`{alias}` is an old name of `{name}`: set `{name}` instead"));
                return Some((Some(value), Origin::Alias(alias.clone())));
            }
        }
        if let Some(Resolved { value, origin, .. }) = own {
            return Some((value.clone(), origin.clone()));
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

    #[inline(never)]
    fn with_ends(&self, name: &str, variable: &Variable, value: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let separator = variable.separator.as_deref().unwrap_or(" ").as_bytes();
        let expand = |text: &Option<Text>| text.as_ref().and_then(|text| self.expand(name, text));
        let (before, after) = (expand(&variable.prepend), expand(&variable.append));
        let mut whole: Option<Vec<u8>> = None;
        for part in [before, value, after].into_iter().flatten() {
            whole = Some(match whole {
                Some(whole) => [&whole, separator, &part].concat(),
                None => part,
            });
        }
        whole
    }

    #[inline(never)]
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
                let names = patterns.join(" or ").replace("{}", name);
                format!(" (or {names} with the path of a file)")
            }
        };
        self.problem_of(name, variable.place, format!("`{name}` is required and not set{file}{message}"));
    }
}
