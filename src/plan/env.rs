//! The environment: where each variable's value comes from, and what it must be.
//!
//! One precedence: `value` or `expr`; the container's own variable; the file that `NAME_FILE` names; an alias; an env
//! file (the last one that has it); `default`. Then what is prepended and appended. Empty counts as unset, unless
//! `allow_empty`. A value may use other variables, in any order and in no circle; one that names itself means the value
//! from outside.

use super::judge::Judge;
use super::value;
use super::world::World;
use crate::config::model::{Config, EnvFormat, Trim, Variable};
use crate::config::problem::Problems;
use crate::config::tree::Place;
use crate::config::types::{Size, Text, YesOr};
use crate::glob;
use crate::report::Because;
use crate::template::Lookup;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The longest value of a variable: what execve(2) takes of one string (`MAX_ARG_STRLEN`).
pub const LONGEST_VALUE: usize = 128 * 1024;
/// The largest file with a secret, where `max_size` does not say otherwise.
const LARGEST_SECRET: Size = Size(1024 * 1024);
/// The largest file with variables.
const LARGEST_ENV_FILE: u64 = 1024 * 1024;

/// A resolved environment.
#[derive(Debug, Default, Clone)]
pub struct Environment {
    /// Every variable that can be used, by name.
    pub variables: BTreeMap<String, Resolved>,
    /// What the application gets: `NAME=value`, those it had first and in their order.
    pub entries: Vec<Vec<u8>>,
    /// What users are to know: an alias that is old.
    pub notices: Vec<String>,
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
        }
    }
}

impl Environment {
    /// The value of a variable, for templates.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.variables.get(name)?.value.as_deref()
    }

    /// Expands a text; a problem of it is one of the configuration.
    pub fn expand(&self, text: &Text, limit: usize, problems: &mut Problems) -> Option<Vec<u8>> {
        expand(text, &|name| self.get(name).map(Cow::Borrowed), limit, problems)
    }

    /// Whether a text uses a secret.
    pub fn is_secret(&self, text: &Text) -> bool {
        text.template.variables().into_iter().any(|name| self.variables.get(name).is_some_and(|found| found.secret))
    }
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
pub fn resolve(
    config: &Config,
    container: &[Vec<u8>],
    judge: &Judge,
    world: &dyn World,
    problems: &mut Problems,
) -> Environment {
    let mut outside = Outside::new(container);
    outside.read_files(config, world, problems);
    outside.read_secret_files(config, world, problems);
    let resolver = Resolver {
        config,
        outside: &outside,
        judge,
        world,
        problems: RefCell::new(std::mem::take(problems)),
        states: RefCell::default(),
        notices: RefCell::default(),
        consumed: RefCell::new(outside.consumed.clone()),
        failed: RefCell::default(),
    };
    for name in config.env.keys() {
        resolver.resolve(name, &mut Vec::new());
    }
    let mut variables: BTreeMap<String, Resolved> = outside.usable();
    for (name, state) in resolver.states.take() {
        if let State::Done(resolved) = state {
            variables.insert(name, resolved);
        }
    }
    let (notices, consumed) = (resolver.notices.take(), resolver.consumed.take());
    *problems = resolver.problems.take();
    check_groups(config, &variables, problems);
    let entries = outside.entries(config, &variables, &consumed);
    Environment { variables, entries, notices }
}

/// The variables as they came: the container's, then those of files.
struct Outside<'a> {
    container: &'a [Vec<u8>],
    /// Of all variables that are UTF-8 by name, the first of each name as getenv(3) finds it.
    named: BTreeMap<String, (Vec<u8>, Origin)>,
    /// Pointers to files that were followed, and do not reach the application.
    consumed: Vec<String>,
}

impl<'a> Outside<'a> {
    fn new(container: &'a [Vec<u8>]) -> Self {
        let mut named = BTreeMap::new();
        for (name, value) in container.iter().filter_map(|entry| split(entry)) {
            if let Ok(name) = std::str::from_utf8(name) {
                named.entry(name.to_owned()).or_insert_with(|| (value.to_vec(), Origin::Container));
            }
        }
        Outside { container, named, consumed: Vec::new() }
    }

    fn get(&self, name: &str) -> Option<&[u8]> {
        self.named.get(name).map(|(value, _)| value.as_slice())
    }

    fn usable(&self) -> BTreeMap<String, Resolved> {
        let usable = |(name, (value, origin)): (&String, &(Vec<u8>, Origin))| {
            let secret = matches!(origin, Origin::File(..));
            (name.clone(), Resolved { value: Some(value.clone()), origin: origin.clone(), secret })
        };
        self.named.iter().map(usable).collect()
    }

    /// Env files: a later one wins over an earlier one, the container over both.
    fn read_files(&mut self, config: &Config, world: &dyn World, problems: &mut Problems) {
        let mut from_files: BTreeMap<String, (Vec<u8>, Origin)> = BTreeMap::new();
        for file in config.environment.iter().flat_map(|environment| &environment.files) {
            let lookup = |name: &str| self.get(name).map(Cow::Borrowed);
            let Some(path) = expand(&file.path, &lookup, LONGEST_VALUE, problems) else { continue };
            let path = Path::new(std::ffi::OsStr::from_bytes(&path));
            let read = match file.format.unwrap_or(EnvFormat::Dotenv) {
                EnvFormat::Dotenv => read_dotenv(path, world),
                EnvFormat::Directory => read_directory(path, world),
            };
            match read {
                Ok(entries) => {
                    for (name, value) in entries {
                        from_files.insert(name, (value, Origin::EnvFile(path.display().to_string())));
                    }
                }
                Err(Unreadable::Missing(_)) if file.optional => {}
                Err(Unreadable::Missing(message)) => problems.at(file.path.place, message),
                Err(Unreadable::Wrong(messages)) => {
                    for message in messages {
                        problems.at(file.path.place, message);
                    }
                }
            }
        }
        for (name, found) in from_files {
            let set = self.get(&name).is_some_and(|value| !value.is_empty());
            if !set {
                self.named.insert(name, found);
            }
        }
    }

    /// `PREFIX_X_FILE` for every prefix that is listed.
    fn read_secret_files(&mut self, config: &Config, world: &dyn World, problems: &mut Problems) {
        for prefix in config.environment.iter().flat_map(|environment| &environment.secret_files) {
            let is_pointer = |name: &&String| {
                let target = name.strip_suffix("_FILE");
                name.starts_with(prefix.as_str()) && target.is_some_and(|target| !config.env.contains_key(target))
            };
            let pointers: Vec<String> = self.named.keys().filter(is_pointer).cloned().collect();
            for pointer in pointers {
                let Some(target) = pointer.strip_suffix("_FILE") else { continue };
                let Some(path) = self.get(&pointer).filter(|path| !path.is_empty()).map(<[u8]>::to_vec) else {
                    continue;
                };
                if self.get(target).is_some_and(|value| !value.is_empty()) {
                    problems.add(both_set(target, &pointer));
                    continue;
                }
                match read_secret(target, &pointer, &path, None, None, world) {
                    Ok((value, origin)) => {
                        self.named.insert(target.to_owned(), (value, origin));
                        self.consumed.push(pointer);
                    }
                    Err(message) => problems.add(message),
                }
            }
        }
    }

    /// What the application gets. A variable that is as it was keeps its entry, byte for byte.
    fn entries(&self, config: &Config, variables: &BTreeMap<String, Resolved>, consumed: &[String]) -> Vec<Vec<u8>> {
        let environment = config.environment.as_ref();
        let inherit = environment.is_none_or(|environment| environment.inherit.unwrap_or(true));
        let matches = |globs: &[crate::config::types::Glob], name: &[u8]| {
            globs.iter().any(|glob| glob::matches(glob.0.as_bytes(), name))
        };
        let keeps = |name: &[u8]| environment.is_some_and(|environment| matches(&environment.keep, name));
        let unsets = |name: &[u8]| environment.is_some_and(|environment| matches(&environment.unset, name));
        let passes = |name: &[u8]| {
            let known = std::str::from_utf8(name).ok();
            let described = known.and_then(|name| config.env.get(name));
            let internal = described.is_some_and(|variable| variable.internal);
            let pointer = known.is_some_and(|name| consumed.iter().any(|consumed| consumed == name));
            (inherit || described.is_some() || keeps(name)) && !internal && !pointer && !unsets(name)
        };
        let mut entries = Vec::new();
        let mut written: Vec<&str> = Vec::new();
        for entry in self.container {
            let Some((name, _)) = split(entry) else {
                // No variable at all; whoever inherits everything inherits it too.
                if inherit {
                    entries.push(entry.clone());
                }
                continue;
            };
            if !passes(name) {
                continue;
            }
            let resolved = std::str::from_utf8(name).ok().and_then(|name| variables.get_key_value(name));
            match resolved {
                Some((name, resolved)) if config.env.contains_key(name) || resolved.origin != Origin::Container => {
                    // The first entry of the name gets the value, and no later one may contradict it.
                    if !written.contains(&name.as_str()) {
                        written.push(name);
                        entries.push(resolved.value.as_ref().map_or_else(|| entry.clone(), |value| join(name, value)));
                    }
                }
                _ => entries.push(entry.clone()),
            }
        }
        for (name, resolved) in variables {
            if let Some(value) = &resolved.value
                && !written.contains(&name.as_str())
                && !self.container.iter().filter_map(|entry| split(entry)).any(|(other, _)| other == name.as_bytes())
                && passes(name.as_bytes())
            {
                entries.push(join(name, value));
            }
        }
        entries
    }
}

fn split(entry: &[u8]) -> Option<(&[u8], &[u8])> {
    let sign = entry.iter().position(|&byte| byte == b'=')?;
    (sign > 0).then(|| (&entry[..sign], &entry[sign + 1..]))
}

fn join(name: &str, value: &[u8]) -> Vec<u8> {
    [name.as_bytes(), b"=", value].concat()
}

fn both_set(name: &str, pointer: &str) -> String {
    format!("`{name}` and `{pointer}` are both set: accepted is one of them")
}

enum Unreadable {
    Missing(String),
    Wrong(Vec<String>),
}

fn unreadable(path: &Path, error: nix::errno::Errno) -> Unreadable {
    let message = format!("cannot read variables from {}: {}", path.display(), Because(error));
    if error == nix::errno::Errno::ENOENT { Unreadable::Missing(message) } else { Unreadable::Wrong(vec![message]) }
}

type Pairs = Vec<(String, Vec<u8>)>;

fn read_dotenv(path: &Path, world: &dyn World) -> Result<Pairs, Unreadable> {
    let text = world.read(path, LARGEST_ENV_FILE).map_err(|error| unreadable(path, error))?;
    let entries = super::dotenv::parse(&text).map_err(|mistakes| {
        let tell =
            |mistake: super::dotenv::Mistake| format!("{}:{}: {}", path.display(), mistake.line, mistake.message);
        Unreadable::Wrong(mistakes.into_iter().map(tell).collect())
    })?;
    let name = |name: Vec<u8>| {
        String::from_utf8(name).map_err(|_| Unreadable::Wrong(vec![format!("{}: a name is not UTF-8", path.display())]))
    };
    entries.into_iter().map(|entry| Ok((name(entry.name)?, entry.value))).collect()
}

/// A file for each variable. Names that begin with a dot are what Kubernetes keeps its versions in.
fn read_directory(path: &Path, world: &dyn World) -> Result<Pairs, Unreadable> {
    let names = world.list(path).map_err(|error| unreadable(path, error))?;
    let mut pairs = Vec::new();
    let mut wrong = Vec::new();
    for name in names {
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.') && !name.contains('=')) else { continue };
        let file = path.join(name);
        if matches!(world.kind(&file), Some(super::world::Kind::Directory)) {
            continue;
        }
        match world.read(&file, LARGEST_ENV_FILE) {
            Ok(content) if content.contains(&0) => wrong.push(format!("{}: it contains a NUL byte", file.display())),
            Ok(content) => pairs.push((name.to_owned(), trimmed(content, Trim::Newlines))),
            Err(error) => wrong.push(format!("cannot read `{name}` from {}: {}", file.display(), Because(error))),
        }
    }
    if wrong.is_empty() { Ok(pairs) } else { Err(Unreadable::Wrong(wrong)) }
}

fn read_secret(
    name: &str,
    pointer: &str,
    path: &[u8],
    max_size: Option<Size>,
    trim: Option<Trim>,
    world: &dyn World,
) -> Result<(Vec<u8>, Origin), String> {
    let path = Path::new(std::ffi::OsStr::from_bytes(path));
    let Size(limit) = max_size.unwrap_or(LARGEST_SECRET);
    let told = path.display();
    let content = world
        .read(path, limit)
        .map_err(|error| format!("cannot read `{name}` from {told}, which {pointer} names: {}", Because(error)))?;
    if content.contains(&0) {
        return Err(format!("cannot take `{name}` from {told}, which {pointer} names: it contains a NUL byte"));
    }
    Ok((trimmed(content, trim.unwrap_or(Trim::Newlines)), Origin::File(pointer.to_owned(), told.to_string())))
}

fn trimmed(content: Vec<u8>, trim: Trim) -> Vec<u8> {
    match trim {
        Trim::None => content,
        Trim::Space => content.trim_ascii().to_vec(),
        Trim::Newlines => {
            let end = content.iter().rposition(|byte| !b"\r\n".contains(byte)).map_or(0, |last| last + 1);
            content[..end].to_vec()
        }
    }
}

enum State {
    /// Being resolved: to need it now is a circle.
    Open,
    Done(Resolved),
}

struct Resolver<'a> {
    config: &'a Config,
    outside: &'a Outside<'a>,
    judge: &'a Judge,
    world: &'a dyn World,
    problems: RefCell<Problems>,
    states: RefCell<BTreeMap<String, State>>,
    notices: RefCell<Vec<String>>,
    consumed: RefCell<Vec<String>>,
    /// Those that have no value because of a problem.
    failed: RefCell<BTreeSet<String>>,
}

impl Resolver<'_> {
    fn problem_of(&self, name: &str, place: Place, message: impl Into<String>) {
        self.failed.borrow_mut().insert(name.to_owned());
        self.problem(place, message);
    }

    fn problem(&self, place: Place, message: impl Into<String>) {
        self.problems.borrow_mut().at(place, message);
    }

    /// Resolves one variable, and first what it needs. `chain`: who needs it.
    fn resolve(&self, name: &str, chain: &mut Vec<String>) {
        let Some(variable) = self.config.env.get(name) else { return };
        match self.states.borrow().get(name) {
            Some(State::Done(_)) => return,
            Some(State::Open) => {
                let start = chain.iter().position(|other| other == name).unwrap_or(0);
                let circle = [&chain[start..], &[name.to_owned()]].concat().join(" -> ");
                self.problem(variable.place, format!("the variables depend on each other in a circle: {circle}"));
                return;
            }
            None => {}
        }
        self.states.borrow_mut().insert(name.to_owned(), State::Open);
        chain.push(name.to_owned());
        for needed in self.needs(variable) {
            if needed != name {
                self.resolve(&needed, chain);
            }
        }
        chain.pop();
        let resolved = self.value_of(name, variable);
        self.states.borrow_mut().insert(name.to_owned(), State::Done(resolved));
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
        let told = text.template.variables().into_iter().any(|name| self.failed.borrow().contains(name));
        if !told {
            self.problems.borrow_mut().append(problems);
        }
        if value.is_none() {
            self.failed.borrow_mut().insert(own.to_owned());
        }
        value
    }

    /// All variables as a Jinja expression of `own` sees them.
    fn snapshot(&self, own: &str) -> BTreeMap<String, Vec<u8>> {
        let mut all: BTreeMap<String, Vec<u8>> =
            self.outside.named.iter().map(|(name, (value, _))| (name.clone(), value.clone())).collect();
        for (name, state) in self.states.borrow().iter() {
            if let State::Done(resolved) = state
                && name != own
            {
                match &resolved.value {
                    Some(value) => all.insert(name.clone(), value.clone()),
                    None => all.remove(name),
                };
            }
        }
        all
    }

    fn value_of(&self, name: &str, variable: &Variable) -> Resolved {
        let outside = || {
            let found = self.outside.named.get(name);
            let (value, origin) =
                found.map_or((None, Origin::None), |(value, origin)| (Some(value.clone()), origin.clone()));
            Resolved { value, origin, secret: variable.secret }
        };
        if let Some(when) = &variable.when {
            match self.judge.holds(&when.source, self.snapshot(name)) {
                Ok(true) => {}
                Ok(false) => return outside(),
                Err(message) => {
                    self.problem(when.place, message);
                    return outside();
                }
            }
        }
        let Some((value, origin)) = self.source_of(name, variable) else { return outside() };
        let value = self.with_ends(name, variable, value);
        let value = match value {
            Some(value) => match value::check(variable, &value) {
                Ok(checked) => Some(checked),
                Err(message) => {
                    self.problem(variable.place, format!("`{name}` {message} (it comes from: {origin})"));
                    Some(value)
                }
            },
            None => {
                self.require(name, variable);
                self.outside.get(name).map(<[u8]>::to_vec)
            }
        };
        let tainted = self
            .needs(variable)
            .iter()
            .any(|needed| matches!(self.states.borrow().get(needed), Some(State::Done(resolved)) if resolved.secret));
        Resolved { value, secret: variable.secret || tainted || matches!(origin, Origin::File(..)), origin }
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
                    self.problem_of(name, expression.place, message);
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

    fn require(&self, name: &str, variable: &Variable) {
        let message = match &variable.required {
            YesOr::Plain(false) => return,
            YesOr::Plain(true) => String::new(),
            YesOr::So(text) => match self.expand(name, text) {
                Some(text) => format!(": {}", String::from_utf8_lossy(&text)),
                None => return,
            },
        };
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

fn check_groups(config: &Config, variables: &BTreeMap<String, Resolved>, problems: &mut Problems) {
    let Some(environment) = &config.environment else { return };
    let is_set = |name: &String| {
        variables.get(name).and_then(|found| found.value.as_ref()).is_some_and(|value| !value.is_empty())
    };
    let mut check = |groups: &[Vec<String>], accepts: fn(usize) -> bool, what: &str| {
        for group in groups {
            let set: Vec<&str> = group.iter().filter(|name| is_set(name)).map(String::as_str).collect();
            if !accepts(set.len()) {
                let names = group.join(", ");
                let found = if set.is_empty() { "none is".to_owned() } else { format!("set: {}", set.join(", ")) };
                problems.at(environment.place, format!("{what} of {names} must be set; {found}"));
            }
        }
    };
    check(&environment.exactly_one_of, |count| count == 1, "exactly one");
    check(&environment.at_least_one_of, |count| count >= 1, "at least one");
    check(&environment.at_most_one_of, |count| count <= 1, "at most one");
    for (name, message) in &environment.forbidden {
        if is_set(name) {
            problems.at(environment.place, format!("`{name}` must not be set: {message}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Source, parse};
    use crate::plan::world::fake::FakeWorld;
    use std::sync::Arc;

    /// Resolves; the entries as text, or the first line of every problem without its place.
    fn resolved(config: &str, environ: &[&str], files: &[(&str, &str)]) -> Result<Vec<String>, Vec<String>> {
        let environ: Vec<Vec<u8>> = environ.iter().map(|entry| entry.as_bytes().to_vec()).collect();
        let entries = resolved_bytes(config, &environ, files)?.entries;
        Ok(entries.into_iter().map(|entry| String::from_utf8_lossy(&entry).into_owned()).collect())
    }

    fn resolved_bytes(config: &str, environ: &[Vec<u8>], files: &[(&str, &str)]) -> Result<Environment, Vec<String>> {
        let text = format!("version = 1\n{config}");
        let (config, source) = parse(Source { name: "f".into(), text, hidden: vec![] }).expect("a configuration");
        let world: Arc<dyn World> = Arc::new(FakeWorld::of(files));
        let judge = Judge::new(&world, &[], BTreeMap::new());
        let mut problems = Problems::default();
        let env = resolve(&config, environ, &judge, &*world, &mut problems);
        if problems.is_empty() {
            return Ok(env);
        }
        let told = problems.explain(&source).into_iter().map(|problem| {
            let line = problem.lines().next().unwrap_or_default().to_owned();
            line.split_once(": ").map_or(line.clone(), |(_, message)| message.to_owned())
        });
        Err(told.collect())
    }

    #[test]
    fn what_is_not_described_passes_byte_for_byte() {
        let environ: Vec<Vec<u8>> =
            [&b"A=1"[..], b"no sign", b"=x", b"", b"B=\xff\xfe\n", b"\xff=1", b"A=2", b"a.b-c==d"]
                .iter()
                .map(|entry| entry.to_vec())
                .collect();
        assert_eq!(resolved_bytes("", &environ, &[]).unwrap().entries, environ);
    }

    #[test]
    fn empty_counts_as_unset_unless_it_may_be_empty() {
        let config = "[env.A]\ndefault = \"x\"\n[env.B]\ndefault = \"x\"\nallow_empty = true";
        assert_eq!(resolved(config, &["A=", "B="], &[]).unwrap(), ["A=x", "B="]);
        assert_eq!(resolved(config, &[], &[]).unwrap(), ["A=x", "B=x"]);
        assert_eq!(resolved("[env.A]\nrequired = true\nallow_empty = true", &["A="], &[]).unwrap(), ["A="]);
        assert_eq!(resolved("[env.A]\nrequired = true", &["A="], &[]).unwrap_err(), ["`A` is required and not set"]);
    }

    #[test]
    fn one_precedence() {
        let config = r#"
            [env.V]
            default = "default"
            file = true
            aliases = ["OLD"]
            [environment]
            files = [{ path = "/env" }]
        "#;
        let files = [("/secret", "file\n\n"), ("/env", "V=envfile\n"), ("/none", "")];
        let value = |environ: &[&str], env_file: bool| {
            let config = if env_file { config.to_owned() } else { config.replace("/env", "/none") };
            let entries = resolved(&config, environ, &files).unwrap();
            entries.into_iter().find_map(|entry| entry.strip_prefix("V=").map(str::to_owned)).unwrap()
        };
        assert_eq!(value(&["V=own", "OLD=old"], true), "own");
        assert_eq!(value(&["V_FILE=/secret", "OLD=old"], true), "file");
        assert_eq!(value(&["OLD=old"], true), "old");
        assert_eq!(value(&[], true), "envfile");
        assert_eq!(value(&[], false), "default");
        assert_eq!(resolved("[env.V]\nvalue = \"fixed\"", &["V=own"], &[]).unwrap(), ["V=fixed"]);
    }

    #[test]
    fn a_secret_file_loses_its_newlines_and_its_pointer() {
        let config = "[env.P]\nfile = true\n[env.Q]\nfile = [\"FILE__{}\"]\ntrim = \"none\"";
        let files = [("/p", "hunter2\r\n\n"), ("/q", " x\n")];
        let environ = ["P_FILE=/p", "FILE__Q=/q", "X=1"];
        assert_eq!(resolved(config, &environ, &files).unwrap(), ["X=1", "P=hunter2", "Q= x\n"]);
    }

    #[test]
    fn what_is_wrong_with_secret_files_is_told_without_the_secret() {
        let config = "[env.P]\nfile = true\n[env.Q]\nfile = true\nmax_size = 3\n[env.R]\nfile = true\nrequired = true";
        let files = [("/q", "hunter2")];
        let told = resolved(config, &["P=hunter2", "P_FILE=/p", "Q_FILE=/q", "R_FILE=/gone"], &files).unwrap_err();
        assert_eq!(
            told,
            [
                "`P` and `P_FILE` are both set: accepted is one of them",
                "cannot read `Q` from /q, which Q_FILE names: file too large (EFBIG)",
                "cannot read `R` from /gone, which R_FILE names: no such file or directory (ENOENT)",
            ]
        );
    }

    #[test]
    fn secret_files_come_by_prefix_too() {
        let config = "[environment]\nsecret_files = [\"APP_\"]";
        let environ = ["APP_A_FILE=/a", "APP_B=b", "APP_B_FILE=", "OTHER_FILE=/x"];
        let entries = resolved(config, &environ, &[("/a", "1\n")]).unwrap();
        assert_eq!(entries, ["APP_B=b", "APP_B_FILE=", "OTHER_FILE=/x", "APP_A=1"]);
    }

    #[test]
    fn variables_use_each_other_in_any_order_and_in_no_circle() {
        let config = "[env.A]\nvalue = \"${B}!\"\n[env.B]\nexpr = \"env.C | upper\"\n[env.C]\ndefault = \"${D:-d}\"";
        assert_eq!(resolved(config, &[], &[]).unwrap(), ["A=D!", "B=D", "C=d"]);
        let circle = "[env.A]\nvalue = \"${B}\"\n[env.B]\ndefault = \"${C}\"\n[env.C]\nexpr = \"env.A\"";
        let told = resolved(circle, &[], &[]).unwrap_err();
        assert_eq!(told[0], "the variables depend on each other in a circle: A -> B -> C -> A");
    }

    #[test]
    fn a_variable_that_names_itself_means_the_one_from_outside() {
        assert_eq!(resolved("[env.P]\nvalue = \"/x:${P}\"", &["P=/y"], &[]).unwrap(), ["P=/x:/y"]);
        let ends = "[env.O]\nprepend = \"-a\"\nappend = \"-b\"";
        assert_eq!(resolved(ends, &["O=mid"], &[]).unwrap(), ["O=-a mid -b"]);
        assert_eq!(resolved(ends, &[], &[]).unwrap(), ["O=-a -b"]);
    }

    #[test]
    fn what_depends_on_a_missing_variable_is_no_second_problem() {
        let config =
            "[env.A]\nrequired = \"ask the operator\"\n[env.B]\nvalue = \"x${A}\"\n[env.C]\nvalue = \"${NOPE}\"";
        assert_eq!(
            resolved(config, &[], &[]).unwrap_err(),
            ["`A` is required and not set: ask the operator", "`NOPE` is not set"]
        );
    }

    #[test]
    fn groups_hold_between_variables() {
        let config = r#"
            [environment]
            exactly_one_of = [["A", "B"]]
            at_least_one_of = [["C", "D"]]
            at_most_one_of = [["A", "E"]]
            forbidden = { OLD = "use A" }
        "#;
        assert!(resolved(config, &["A=1", "C=1", "D=1"], &[]).is_ok());
        assert_eq!(
            resolved(config, &["A=1", "B=1", "E=1", "OLD=1"], &[]).unwrap_err(),
            [
                "exactly one of A, B must be set; set: A, B",
                "at least one of C, D must be set; none is",
                "at most one of A, E must be set; set: A, E",
                "`OLD` must not be set: use A",
            ]
        );
    }

    #[test]
    fn what_reaches_the_application() {
        let config = r#"
            [env.KEEP]
            [env.INSIDE]
            internal = true
            value = "x"
            [env.USES]
            value = "${INSIDE}${GONE}"
            [environment]
            inherit = false
            keep = ["LC_*"]
            unset = ["GONE"]
        "#;
        let environ = ["KEEP=1", "LC_ALL=C", "LD_PRELOAD=x", "GONE=y", "not a variable"];
        assert_eq!(resolved(config, &environ, &[]).unwrap(), ["KEEP=1", "LC_ALL=C", "USES=xy"]);
    }

    #[test]
    fn env_files_and_directories() {
        let config = r#"
            [environment]
            files = [
                { path = "${DIR}/a.env" },
                { path = "/secrets", format = "directory" },
                { path = "/nope", optional = true },
            ]
        "#;
        let files = [("/d/a.env", "A=a\nB='b c'\n"), ("/secrets/B", "from dir\n"), ("/secrets/..data/x", "no")];
        let entries = resolved(config, &["DIR=/d", "A=own"], &files).unwrap();
        assert_eq!(entries, ["DIR=/d", "A=own", "B=from dir"]);
        let told = resolved(&config.replace(", optional = true", ""), &["DIR=/e"], &files).unwrap_err();
        assert_eq!(
            told,
            [
                "cannot read variables from /e/a.env: no such file or directory (ENOENT)",
                "cannot read variables from /nope: no such file or directory (ENOENT)",
            ]
        );
    }

    #[test]
    fn a_condition_leaves_the_variable_alone() {
        let config = "[env.A]\nwhen = \"env.ON\"\nvalue = \"set\"";
        assert_eq!(resolved(config, &["A=own"], &[]).unwrap(), ["A=own"]);
        assert_eq!(resolved(config, &["A=own", "ON=1"], &[]).unwrap(), ["A=set", "ON=1"]);
    }

    #[test]
    fn what_a_secret_goes_into_is_secret() {
        let config =
            "[env.A]\nsecret = true\n[env.B]\nvalue = \"x${A}\"\n[env.C]\nexpr = \"env.B\"\n[env.D]\nvalue = \"d\"";
        let env = resolved_bytes(config, &[b"A=hunter2".to_vec()], &[]).unwrap();
        let secret: Vec<&str> =
            env.variables.iter().filter(|(_, found)| found.secret).map(|(name, _)| name.as_str()).collect();
        assert_eq!(secret, ["A", "B", "C"]);
        assert!(!format!("{:?}", env.variables).contains("hunter2"));
    }

    #[test]
    fn a_value_that_is_not_what_it_must_be_is_told_without_it() {
        let told = resolved("[env.P]\ntype = \"port\"\nsecret = true", &["P=hunter2"], &[]).unwrap_err();
        assert_eq!(told, ["`P` is not a port, 1 to 65535 (it comes from: container)"]);
    }

    #[test]
    fn a_described_variable_replaces_every_entry_of_its_name() {
        let config = "[env.A]\nvalue = \"new\"";
        assert_eq!(resolved(config, &["A=1", "B=2", "A=3"], &[]).unwrap(), ["A=new", "B=2"]);
    }
}
