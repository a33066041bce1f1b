//! The variables as they come from outside: the container's, those of env files, those of `secret_files`.

use super::files::{Unreadable, read_directory, read_dotenv, read_secret};
use super::{LONGEST_VALUE, Origin, Resolved, assignment, both_set, expand, names_secret};
use crate::config::model::{Config, EnvFormat};
use crate::config::named::{Named, Names};
use crate::config::problem::Problems;
use crate::config::types::Glob;
use crate::glob;
use crate::plan::world::World;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The variables as they came: the container's, then those of files.
pub(super) struct Outside<'a> {
    config: &'a Config,
    container: &'a [Vec<u8>],
    /// Of all variables that are UTF-8 by name, the first of each name as getenv(3) finds it. Each has a value.
    pub(super) named: Named<Resolved>,
    /// Pointers to files that were followed, and do not reach the application.
    pub(super) consumed: Names,
}

impl<'a> Outside<'a> {
    #[inline(never)]
    pub(super) fn new(config: &'a Config, container: &'a [Vec<u8>]) -> Self {
        let mut named = Vec::new();
        for entry in container {
            let Some((name, value)) = split(entry) else { continue };
            if let Ok(name) = std::str::from_utf8(name) {
                named.push((name.to_owned(), found(config, name, Some(value.to_vec()), Origin::Container)));
            }
        }
        Outside { config, container, named: Named::of(named), consumed: Names::new() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        self.named.get(name)?.value.as_deref()
    }

    /// A variable that is described, as it came, or did not.
    pub(super) fn variable(&self, name: &str) -> Resolved {
        let outside = self.named.get(name).cloned();
        let found = outside.unwrap_or_else(|| found(self.config, name, None, Origin::None));
        Resolved { described: true, ..found }
    }

    /// Env files: a later one wins over an earlier one, the container over both.
    #[inline(never)]
    pub(super) fn read_files(&mut self, world: &dyn World, problems: &mut Problems) {
        let mut from_files = Vec::new();
        for file in self.config.environment.iter().flat_map(|environment| &environment.files) {
            let lookup = |name: &str| self.get(name).map(Cow::Borrowed);
            let Some(path) = expand(&file.path, &lookup, LONGEST_VALUE, problems) else { continue };
            let path = Path::new(OsStr::from_bytes(&path));
            let read = match file.format.unwrap_or(EnvFormat::Dotenv) {
                EnvFormat::Dotenv => read_dotenv(path, world),
                EnvFormat::Directory => read_directory(path, world),
            };
            match read {
                Ok(entries) => {
                    for (name, value) in entries {
                        let origin = Origin::EnvFile(path.display().to_string());
                        let found = found(self.config, &name, Some(value), origin);
                        from_files.push((name, found));
                    }
                }
                Err(Unreadable { is_missing: true, .. }) if file.optional => {}
                Err(Unreadable { messages, .. }) => {
                    for message in messages {
                        problems.at(file.path.place, message);
                    }
                }
            }
        }
        from_files.retain(|(name, _)| self.get(name).is_none_or(<[u8]>::is_empty));
        from_files.reverse();
        self.put_before(from_files);
    }

    /// More variables, in place of those that have their names.
    fn put_before(&mut self, mut more: Vec<(String, Resolved)>) {
        more.extend(std::mem::take(&mut self.named).into_entries());
        self.named = Named::of(more);
    }

    /// The pointers of every pattern that is listed.
    #[inline(never)]
    pub(super) fn read_secret_files(&mut self, world: &dyn World, problems: &mut Problems) {
        for pattern in self.config.environment.iter().flat_map(|environment| &environment.secret_files) {
            let mut pointers = Vec::new();
            for name in self.named.keys() {
                if target_of(pattern, name).is_some_and(|target| !self.config.env.contains_key(target)) {
                    pointers.push(name.clone());
                }
            }
            let mut secrets = Vec::new();
            for pointer in pointers {
                let Some(target) = target_of(pattern, &pointer) else { continue };
                let Some(path) = self.get(&pointer).filter(|path| !path.is_empty()).map(<[u8]>::to_vec) else {
                    continue;
                };
                if self.get(target).is_some_and(|value| !value.is_empty()) {
                    problems.add(both_set(target, &pointer));
                    continue;
                }
                match read_secret(target, &pointer, &path, None, None, world) {
                    Ok((value, origin)) => {
                        let found = Resolved { value: Some(value), origin, secret: true, described: false };
                        secrets.push((target.to_owned(), found));
                        self.consumed.insert(&pointer, ());
                    }
                    Err(message) => problems.add(message),
                }
            }
            self.put_before(secrets);
        }
    }

    /// What the application gets. A variable that is as it was keeps its entry, byte for byte.
    #[inline(never)]
    pub(super) fn entries(&self, variables: &Named<Resolved>, consumed: &Names) -> Vec<Vec<u8>> {
        let config = self.config;
        let environment = config.environment.as_ref();
        let inherit = environment.is_none_or(|environment| environment.inherit.unwrap_or(true));
        let matches = |globs: &[Glob], name: &[u8]| globs.iter().any(|glob| glob::matches(glob.0.as_bytes(), name));
        let keeps = |name: &[u8]| environment.is_some_and(|environment| matches(&environment.keep, name));
        let unsets = |name: &[u8]| environment.is_some_and(|environment| matches(&environment.unset, name));
        let passes = |name: &[u8]| {
            let known = std::str::from_utf8(name).ok();
            let described = known.and_then(|name| config.env.get(name));
            let internal = described.is_some_and(|variable| variable.internal);
            let pointer = known.is_some_and(|name| consumed.contains_key(name));
            (inherit || described.is_some() || keeps(name)) && !internal && !pointer && !unsets(name)
        };
        let mut entries = Vec::new();
        // Of which variables the container has an entry, whether it is passed on or not.
        let mut has_entry = vec![false; variables.len()];
        for entry in self.container {
            let Some((name, _)) = split(entry) else {
                // No variable at all; whoever inherits everything inherits it too.
                if inherit {
                    entries.push(entry.clone());
                }
                continue;
            };
            let known = std::str::from_utf8(name).ok().and_then(|name| variables.position(name).ok());
            let again = known.is_some_and(|index| std::mem::replace(&mut has_entry[index], true));
            if !passes(name) {
                continue;
            }
            match known.and_then(|index| variables.entry(index)) {
                Some((name, resolved)) if config.env.contains_key(name) || resolved.origin != Origin::Container => {
                    // The first entry of the name gets the value, and no later one may contradict it.
                    if !again {
                        entries.push(
                            resolved.value.as_ref().map_or_else(|| entry.clone(), |value| assignment(name, value)),
                        );
                    }
                }
                _ => entries.push(entry.clone()),
            }
        }
        for ((name, resolved), has_entry) in variables.iter().zip(has_entry) {
            if let Some(value) = &resolved.value
                && !has_entry
                && passes(name.as_bytes())
            {
                entries.push(assignment(name, value));
            }
        }
        entries
    }
}

fn found(config: &Config, name: &str, value: Option<Vec<u8>>, origin: Origin) -> Resolved {
    Resolved { value, origin, secret: names_secret(config, name), described: false }
}

/// The variable that a pointer is for, by an entry of `secret_files`: `PREFIX_`, or `{GF_*}__FILE`.
fn target_of<'p>(pattern: &str, pointer: &'p str) -> Option<&'p str> {
    let target = match pattern.split_once('{').and_then(|(start, rest)| Some((start, rest.rsplit_once('}')?))) {
        None => pointer.strip_suffix("_FILE").filter(|target| target.starts_with(pattern)),
        Some((start, (names, end))) => {
            let target = pointer.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
            target.filter(|target| names.is_empty() || glob::matches(names.as_bytes(), target.as_bytes()))
        }
    };
    target.filter(|target| !target.is_empty())
}

fn split(entry: &[u8]) -> Option<(&[u8], &[u8])> {
    let sign = entry.iter().position(|&byte| byte == b'=')?;
    (sign > 0).then(|| (&entry[..sign], &entry[sign + 1..]))
}
