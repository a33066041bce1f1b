//! The variables as they come from outside: the container's, those of env files, those of `secret_files`.

use super::files::{Unreadable, read_directory, read_dotenv, read_secret};
use super::{LONGEST_VALUE, Origin, Resolved, both_set, expand, names_secret};
use crate::config::model::{Config, EnvFormat};
use crate::config::problem::Problems;
use crate::config::types::Glob;
use crate::glob;
use crate::plan::world::World;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The variables as they came: the container's, then those of files.
pub(super) struct Outside<'a> {
    container: &'a [Vec<u8>],
    /// Of all variables that are UTF-8 by name, the first of each name as getenv(3) finds it.
    pub(super) named: BTreeMap<String, (Vec<u8>, Origin)>,
    /// Pointers to files that were followed, and do not reach the application.
    pub(super) consumed: Vec<String>,
}

impl<'a> Outside<'a> {
    pub(super) fn new(container: &'a [Vec<u8>]) -> Self {
        let mut named = BTreeMap::new();
        for (name, value) in container.iter().filter_map(|entry| split(entry)) {
            if let Ok(name) = std::str::from_utf8(name) {
                named.entry(name.to_owned()).or_insert_with(|| (value.to_vec(), Origin::Container));
            }
        }
        Outside { container, named, consumed: Vec::new() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        self.named.get(name).map(|(value, _)| value.as_slice())
    }

    pub(super) fn usable(&self, config: &Config) -> BTreeMap<String, Resolved> {
        let usable = |(name, (value, origin)): (&String, &(Vec<u8>, Origin))| {
            let secret = matches!(origin, Origin::File(..)) || names_secret(config, name);
            (name.clone(), Resolved { value: Some(value.clone()), origin: origin.clone(), secret })
        };
        self.named.iter().map(usable).collect()
    }

    /// Env files: a later one wins over an earlier one, the container over both.
    pub(super) fn read_files(&mut self, config: &Config, world: &dyn World, problems: &mut Problems) {
        let mut from_files: BTreeMap<String, (Vec<u8>, Origin)> = BTreeMap::new();
        for file in config.environment.iter().flat_map(|environment| &environment.files) {
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

    /// The pointers of every pattern that is listed.
    pub(super) fn read_secret_files(&mut self, config: &Config, world: &dyn World, problems: &mut Problems) {
        for pattern in config.environment.iter().flat_map(|environment| &environment.secret_files) {
            let is_pointer =
                |name: &&String| target_of(pattern, name).is_some_and(|target| !config.env.contains_key(target));
            let pointers: Vec<String> = self.named.keys().filter(is_pointer).cloned().collect();
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
                        self.named.insert(target.to_owned(), (value, origin));
                        self.consumed.push(pointer);
                    }
                    Err(message) => problems.add(message),
                }
            }
        }
    }

    /// What the application gets. A variable that is as it was keeps its entry, byte for byte.
    pub(super) fn entries(
        &self,
        config: &Config,
        variables: &BTreeMap<String, Resolved>,
        consumed: &[String],
    ) -> Vec<Vec<u8>> {
        let environment = config.environment.as_ref();
        let inherit = environment.is_none_or(|environment| environment.inherit.unwrap_or(true));
        let matches = |globs: &[Glob], name: &[u8]| globs.iter().any(|glob| glob::matches(glob.0.as_bytes(), name));
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
        let mut written: BTreeSet<&str> = BTreeSet::new();
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
                    if written.insert(name) {
                        entries.push(resolved.value.as_ref().map_or_else(|| entry.clone(), |value| join(name, value)));
                    }
                }
                _ => entries.push(entry.clone()),
            }
        }
        let given: BTreeSet<&[u8]> =
            self.container.iter().filter_map(|entry| split(entry)).map(|(name, _)| name).collect();
        for (name, resolved) in variables {
            if let Some(value) = &resolved.value
                && !given.contains(name.as_bytes())
                && passes(name.as_bytes())
            {
                entries.push(join(name, value));
            }
        }
        entries
    }
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

fn join(name: &str, value: &[u8]) -> Vec<u8> {
    [name.as_bytes(), b"=", value].concat()
}
