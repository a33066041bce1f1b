//! The plan: from the arguments, the configuration and the environment to what is to be executed, as whom, in which
//! state. Every problem is told at once.

use super::accounts::Accounts;
use super::args::{self, Meeting, Word};
use super::env::{self, Environment, LONGEST_VALUE, Origin, Promises};
use super::facts::Facts;
use super::identity::{self, Person};
use super::judge::Judge;
use super::model::{Learned, Plan, ProcessState};
use super::world::World;
use super::{capability, limit, passwd, shutdown};
use crate::config::model::{App, Config, Home};
use crate::config::problem::Problems;
use crate::config::types::{Expression, Mode, Text, TextOr};
use crate::tree::Place;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// All that a plan is made of.
pub struct Inputs<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The container's arguments.
    pub args: &'a [Vec<u8>],
    /// The container's environment.
    pub environ: &'a [Vec<u8>],
    /// What may be known of the world.
    pub world: &'a Arc<dyn World>,
}

/// A plan, and what its steps are resolved with when their turn comes.
pub struct Resolution<'a> {
    pub(super) config: &'a Config,
    /// The container's arguments, without those that are variables.
    pub(super) args: &'a [Vec<u8>],
    pub(super) world: &'a Arc<dyn World>,
    pub(super) judge: Judge,
    pub(super) accounts: Accounts,
    /// HOME, USER and LOGNAME as the container has them, where the application's are others.
    pub(super) own_home: Vec<(&'static str, Option<Vec<u8>>)>,
    /// The variables, and where they come from.
    pub env: Environment,
    /// What the container's arguments meant.
    pub meeting: Meeting,
    /// What is to be done at the end.
    pub plan: Plan,
}

/// Resolves everything but the steps. What it returns is to be used only if no problem was added.
pub fn resolve<'a>(inputs: &Inputs<'a>, problems: &mut Problems) -> Resolution<'a> {
    let Inputs { config, args, environ, world } = *inputs;
    let (variables, args) = args::variables(config, args);
    let environ = &with_variables(environ, variables);
    let meeting = args::meet(config, args);
    let judge = Judge::new(world, args, Arc::new(Facts::new(world, environ)));
    let mut accounts = Accounts::of_world(world);
    let mut env = if meeting.setup {
        env::resolve(config, environ, &judge, &**world, problems)
    } else {
        env::untouched(config, environ)
    };
    env.add_role(config, &meeting, problems);
    let own_entry = if meeting.setup { passwd::foresee(config, &mut accounts, &env, &judge, &**world) } else { None };
    let mut plan = Plan::default();
    let mut own_home = Vec::new();
    if let Some(app) = &config.app
        && meeting.setup
        && let Some(person) = person(app, &env, &judge, &accounts, &**world, problems)
    {
        for (name, value) in person.variables(app.home, world.process()) {
            if !config.env.contains_key(name) {
                own_home.push((name, env.get(name).map(<[u8]>::to_vec)));
                env.set(name, value, Origin::Value, false);
            }
        }
        plan.identity = Some(person.identity);
    }
    // Who has an entry only now has no HOME of its own yet.
    if let Some((name, home)) =
        own_entry.filter(|_| plan.identity.as_ref().is_none_or(|app| app.uid == world.process().uid))
        && config.app.as_ref().and_then(|app| app.home) != Some(Home::Keep)
    {
        for (variable, value) in [("HOME", &home), ("USER", &name), ("LOGNAME", &name)] {
            if !config.env.contains_key(variable) && !value.is_empty() {
                env.set(variable, value, Origin::Value, false);
            }
        }
    }
    let mut resolution = Resolution { config, args, world, judge, accounts, own_home, env, meeting, plan };
    if resolution.meeting.setup {
        resolution.env.promises = Promises::of(&config.steps);
    }
    let mut found = Problems::default();
    resolution.finish(&mut found);
    if !resolution.env.promises.take_asked() {
        problems.append(found);
    }
    resolution.env.promises = Promises::default();
    if resolution.plan.argv.is_empty() && problems.is_empty() {
        problems.add("no command: neither `app.command` nor the container's arguments say which program to start");
    }
    resolution
}

impl Resolution<'_> {
    /// Decides what the application gets from the variables as they are now.
    pub fn finish(&mut self, problems: &mut Problems) {
        let Resolution { config, args, env, judge, meeting, plan, world, .. } = self;
        let argv = args::command_line(config, meeting, args, env, judge, problems);
        plan.hidden.clear();
        let mut words = Vec::new();
        for Word { bytes, hidden } in argv {
            plan.hidden.push(hidden);
            words.push(bytes);
        }
        plan.argv = c_strings(words, &argument, problems);
        plan.envp = c_strings(env.entries.clone(), &variable, problems);
        if let Some(app) = &config.app {
            plan.process = process_state(app, env, judge, world.process().umask, problems);
        }
        if meeting.setup {
            plan.shutdown = shutdown::resolve(config, env, problems);
        }
    }

    /// Sets a variable that a step has found out, for whatever comes later.
    pub fn learn(&mut self, learned: Learned, step: &str) {
        let Learned { name, value, secret } = learned;
        let described = self.config.env.get(&name);
        let entries = described.is_some_and(|variable| variable.internal).then(|| self.env.entries.clone());
        let secret = secret || env::names_secret(self.config, &name);
        self.env.set(&name, &value, Origin::Step(step.to_owned()), secret);
        if let Some(entries) = entries {
            self.env.entries = entries;
        }
    }
}

/// As execve(2) wants them; `which`: one of them in words, by its number and what it is, for the problem that there is a NUL
/// byte in it.
pub(super) fn c_strings(
    words: Vec<Vec<u8>>,
    which: &dyn Fn(usize, &[u8]) -> String,
    problems: &mut Problems,
) -> Vec<CString> {
    let mut strings = Vec::with_capacity(words.len());
    for (index, word) in words.into_iter().enumerate() {
        match CString::new(word) {
            Ok(string) => strings.push(string),
            Err(error) => problems.add(format_args!("{} contains a NUL byte", which(index, &error.into_vec()))),
        }
    }
    strings
}

/// For [`c_strings`]. A value is not shown: it may be a secret.
pub(super) fn argument(index: usize, _: &[u8]) -> String {
    format!("the command's word {}", index + 1)
}

/// The same of `NAME=value`.
pub(super) fn variable(_: usize, entry: &[u8]) -> String {
    let name = entry.split(|&byte| byte == b'=').next().unwrap_or_default();
    format!("the variable `{}`", String::from_utf8_lossy(name))
}

/// The environment with these variables in the place of those of the same name.
fn with_variables(environ: &[Vec<u8>], variables: &[Vec<u8>]) -> Vec<Vec<u8>> {
    fn name(entry: &[u8]) -> Option<&[u8]> {
        entry.split(|&byte| byte == b'=').next()
    }
    let mut all = environ.to_vec();
    all.retain(|entry| !variables.iter().any(|variable| name(variable) == name(entry)));
    all.extend_from_slice(variables);
    all
}

#[inline(never)]
fn person(
    app: &App,
    env: &Environment,
    judge: &Judge,
    accounts: &Accounts,
    world: &dyn World,
    problems: &mut Problems,
) -> Option<Person> {
    let (text, place) = match &app.user {
        None if app.groups.is_none() => return None,
        None => (None, app.place),
        Some(TextOr::Text(text)) => (Some(text), text.place),
        Some(TextOr::Table(user)) => {
            if !holds(user.when.as_ref(), env, judge, problems) {
                return None;
            }
            (Some(&user.name), user.name.place)
        }
    };
    let user = text.and_then(|text| env.expand(text, LONGEST_VALUE, problems));
    // A problem of the text was told; nobody may stay root because of it.
    if text.is_some() && user.is_none() {
        return None;
    }
    let groups = app.groups.as_ref().map(|groups| by_path(env.expand_each(groups, problems), world));
    let person = identity::person(accounts, user.as_deref(), groups.as_deref(), world.process());
    all(person, place, problems)
}

/// Groups, those that are given by a path by their numbers.
fn by_path(mut groups: Vec<Vec<u8>>, world: &dyn World) -> Vec<Vec<u8>> {
    groups.retain_mut(|group| {
        if !group.starts_with(b"/") {
            return true;
        }
        let gid = world.group_of(Path::new(OsStr::from_bytes(group)));
        *group = gid.map(|gid| gid.to_string().into_bytes()).unwrap_or_default();
        gid.is_some()
    });
    groups
}

/// Whether a condition holds; one that cannot be decided is a problem and does not.
pub(super) fn holds(when: Option<&Expression>, env: &Environment, judge: &Judge, problems: &mut Problems) -> bool {
    let Some(when) = when else { return true };
    judge.holds(&when.source, env.values_for(judge, Some(&when.source))).unwrap_or_else(|message| {
        if !env.reads_failed(judge, &when.source) {
            problems.at(when.place, message);
        }
        false
    })
}

/// The result, or every problem at the same place.
pub(super) fn all<T>(result: Result<T, Vec<String>>, place: Place, problems: &mut Problems) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(found) => {
            for problem in found {
                problems.at(place, problem);
            }
            None
        }
    }
}

#[inline(never)]
fn process_state(app: &App, env: &Environment, judge: &Judge, umask: u32, problems: &mut Problems) -> ProcessState {
    let mut state = ProcessState {
        oom_score_adj: app.oom_score_adj.and_then(|within| i32::try_from(within.0).ok()),
        nice: app.nice.and_then(|within| i32::try_from(within.0).ok()),
        no_new_privs: app.no_new_privs,
        ..ProcessState::default()
    };
    state.workdir = app.workdir.as_ref().and_then(|text| path(text, env, problems));
    state.umask = match &app.umask {
        None => None,
        Some(TextOr::Text(text)) => octal(text, env, problems),
        Some(TextOr::Table(change)) => {
            let applies = change.from.is_none_or(|Mode(from)| from == umask);
            octal(&change.set, env, problems).filter(|_| applies)
        }
    };
    for (name, value) in &app.limits {
        let (result, place) = match value {
            TextOr::Text(text) => match env.expand(text, LONGEST_VALUE, problems) {
                Some(value) if !value.is_empty() => (limit::both(name, &value), text.place),
                _ => continue,
            },
            TextOr::Table(limit) => {
                let mut each =
                    |text: &Option<Text>| text.as_ref().and_then(|text| env.expand(text, LONGEST_VALUE, problems));
                let (soft, hard) = (each(&limit.soft), each(&limit.hard));
                (limit::each(name, soft.as_deref(), hard.as_deref()), limit.place)
            }
        };
        if let Some(limit) = all(result, place, problems) {
            state.limits.push(limit);
        }
    }
    if let Some(capabilities) = &app.capabilities
        && holds(capabilities.when.as_ref(), env, judge, problems)
    {
        let masks = capability::masks(capabilities.bounding.as_deref(), &capabilities.ambient);
        if let Some((bounding, ambient)) = all(masks, capabilities.place, problems) {
            (state.bounding, state.ambient) = (bounding, ambient);
        }
    }
    state
}

/// An umask from a text; nothing from an empty one.
fn octal(text: &Text, env: &Environment, problems: &mut Problems) -> Option<u32> {
    let value = env.expand(text, LONGEST_VALUE, problems).filter(|value| !value.is_empty())?;
    let mask = std::str::from_utf8(&value).ok().and_then(Mode::parse).filter(|Mode(mask)| *mask <= 0o777);
    if mask.is_none() {
        problems.at(text.place, "this is no umask: accepted are octal digits from 0 to 0777");
    }
    mask.map(|Mode(mask)| mask)
}

/// A path from a text; nothing from an empty one.
pub(super) fn path(text: &Text, env: &Environment, problems: &mut Problems) -> Option<PathBuf> {
    let value = env.expand(text, LONGEST_VALUE, problems)?;
    if value.is_empty() || value.contains(&0) {
        problems.at(text.place, "this is no path: it is empty, or has a NUL byte in it");
        return None;
    }
    Some(PathBuf::from(OsStr::from_bytes(&value)))
}

/// The path of a file.
pub(super) fn file_path(text: &Text, env: &Environment, problems: &mut Problems) -> Option<PathBuf> {
    let path = path(text, env, problems)?;
    if path.as_os_str().as_bytes().ends_with(b"/") {
        problems.at(text.place, "this is the path of a folder, for it ends with `/`: accepted is that of a file");
        return None;
    }
    Some(path)
}

impl Environment {
    /// Expands several texts; those that have a problem are left out.
    pub(super) fn expand_each(&self, texts: &[Text], problems: &mut Problems) -> Vec<Vec<u8>> {
        let mut expanded = Vec::new();
        for text in texts {
            if let Some(value) = self.expand(text, LONGEST_VALUE, problems) {
                expanded.push(value);
            }
        }
        expanded
    }

    /// Sets the variables of the role that was named.
    #[inline(never)]
    fn add_role(&mut self, config: &Config, meeting: &Meeting, problems: &mut Problems) {
        let Some(role) = meeting.role().and_then(|name| config.app.as_ref()?.role.get(name)) else { return };
        for (name, text) in &role.env {
            if self.any_failed(text.template.variables()) {
                self.failed.insert(name, ());
            }
            if let Some(value) = self.expand(text, LONGEST_VALUE, problems) {
                let secret = self.is_secret(text) || env::names_secret(config, name);
                self.set(name, &value, Origin::Role, secret);
            }
        }
    }
}
