//! Secrets, locks, accounts, the time zone, certificates, and what must hold: from the configuration to what is done.

use super::env::LONGEST_VALUE;
use super::model::{Action, Assertion, File, Generate, Ownership, Recipe};
use super::resolve::{Resolution, file_path, path};
use super::world::Kind;
use super::{passwd, pem};
use crate::config::model::{self, CaBundle, Condition, OnReadOnly, SecretKind, Step, Timezone};
use crate::config::problem::Problems;
use crate::config::types::{Mode, Text, Time, Within};
use crate::glob;
use crate::report::{Because, NotRead};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long to wait for a lock, where `timeout` does not say otherwise.
const PATIENCE: Duration = Duration::from_mins(1);
/// The characters of a secret, where `alphabet` does not say otherwise.
const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// The largest file of certificates, and the largest of a time zone.
const LARGEST: u64 = 16 << 20;
/// What every file of tzdata begins with (RFC 8536).
const ZONE_START: &[u8] = b"TZif";
/// The data of all time zones.
const ZONES: &str = "/usr/share/zoneinfo";

/// Whether a step is of these kinds.
pub(super) fn is_one(step: &Step) -> bool {
    let Step { generate, lock, passwd, stdio, timezone, ca_bundle, check, .. } = step;
    generate.is_some()
        || lock.is_some()
        || passwd.is_some()
        || stdio.is_some()
        || timezone.is_some()
        || ca_bundle.is_some()
        || check.is_some()
}

impl Resolution<'_> {
    /// What a step of these kinds does; `None` if there is a problem.
    pub(super) fn other_action(&self, step: &Step, problems: &mut Problems) -> Option<Action> {
        if let Some(generate) = &step.generate {
            return self.generate(generate, problems);
        }
        if let Some(lock) = &step.lock {
            let timeout = lock.timeout.map_or(PATIENCE, |Time(timeout)| timeout);
            return path(&lock.path, &self.env, problems).map(|path| Action::Lock { path, timeout });
        }
        if let Some(passwd) = &step.passwd {
            return passwd::files(passwd, &self.env, self.world, problems).map(Action::Write);
        }
        if let Some(stdio) = &step.stdio {
            let given = self.owner(stdio.owner.as_ref(), problems).uid;
            let app = self.plan.identity.as_ref().map(|identity| identity.uid);
            return Some(Action::Stdio(given.or(app)));
        }
        if let Some(timezone) = &step.timezone {
            return self.timezone(timezone, problems);
        }
        if let Some(bundle) = &step.ca_bundle {
            return self.ca_bundle(bundle, problems);
        }
        self.assertion(step.check.as_ref()?, problems)
    }

    #[inline(never)]
    fn generate(&self, generate: &model::Generate, problems: &mut Problems) -> Option<Action> {
        let count = |within: Option<usize>| within.unwrap_or(32);
        let bytes = count(generate.bytes.and_then(|Within(bytes)| usize::try_from(bytes).ok()));
        let recipe = match generate.kind.unwrap_or(SecretKind::Hex) {
            SecretKind::Hex => Recipe::Hex(bytes),
            SecretKind::Base64 => Recipe::Base64(bytes),
            SecretKind::Bytes => Recipe::Bytes(bytes),
            SecretKind::Uuid => Recipe::Uuid,
            SecretKind::Alphanumeric => {
                let length = count(generate.length.and_then(|Within(length)| usize::try_from(length).ok()));
                let mut alphabet: Vec<char> = generate.alphabet.as_deref().unwrap_or(ALPHABET).chars().collect();
                alphabet.sort_unstable();
                alphabet.dedup();
                if !(2..=256).contains(&alphabet.len()) {
                    problems.at(generate.place, "`alphabet` has 2 to 256 different characters");
                    return None;
                }
                Recipe::Characters(length, alphabet)
            }
        };
        if generate.into.as_deref().is_some_and(|name| name.is_empty() || name.contains(['=', '\0'])) {
            problems.at(generate.place, "`into` is no name of a variable");
            return None;
        }
        if generate.into.is_some() && generate.kind == Some(SecretKind::Bytes) {
            problems.at(generate.place, "a variable cannot hold any bytes: accepted beside `into` is any other `kind`");
            return None;
        }
        Some(Action::Generate(Box::new(Generate {
            path: file_path(&generate.path, &self.env, problems)?,
            recipe,
            mode: generate.mode.map_or(0o600, |Mode(mode)| mode),
            owner: self.owner(generate.owner.as_ref(), problems),
            into: generate.into.clone(),
        })))
    }

    #[inline(never)]
    fn timezone(&self, timezone: &Timezone, problems: &mut Problems) -> Option<Action> {
        let zone = self.env.expand(&timezone.zone, LONGEST_VALUE, problems)?;
        // POSIX has zones begin with a colon that are names of files.
        let zone = zone.strip_prefix(b":").unwrap_or(&zone);
        if zone.is_empty() {
            return Some(Action::Write(Vec::new()));
        }
        let place = timezone.zone.place;
        let parts = zone.split(|&byte| byte == b'/');
        let is_name = |part: &[u8]| {
            part.first().is_some_and(u8::is_ascii_alphanumeric)
                && part.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_+-".contains(byte))
        };
        if !parts.clone().all(is_name) {
            problems.at(place, "this is no name of a time zone: accepted is one like `Europe/Berlin`");
            return None;
        }
        let or = |text: &Option<Text>, usual: &str, problems: &mut Problems| match text {
            Some(text) => path(text, &self.env, problems),
            None => Some(PathBuf::from(usual)),
        };
        let zones = or(&timezone.zoneinfo, ZONES, problems)?;
        let at = or(&timezone.path, "/etc/localtime", problems)?;
        let name = String::from_utf8_lossy(zone);
        let target = zones.join(&*name);
        match self.world.kind(&target) {
            Some(Kind::File(_)) => {}
            Some(_) => {
                problems.at(
                    place,
                    format_args!("`{name}` is a region, and no time zone: there are some in {}", target.display()),
                );
                return None;
            }
            None if self.world.kind(&zones) == Some(Kind::Directory) => {
                problems.at(place, format_args!("there is no time zone `{name}` in {}", zones.display()));
                return None;
            }
            None => {
                let text = "the image has no time zone data: install or copy tzdata, or set `zoneinfo`";
                problems.at(place, format_args!("there is no {}: {text}", zones.display()));
                return None;
            }
        }
        let content = match self.world.read(&target, LARGEST) {
            Ok(content) if content.starts_with(ZONE_START) => content,
            Ok(_) => {
                problems.at(place, format_args!("{} is no data of a time zone", target.display()));
                return None;
            }
            Err(error) => {
                problems.at(place, format_args!("cannot read {}: {}", target.display(), NotRead(error)));
                return None;
            }
        };
        Some(if timezone.copy {
            Action::Write(vec![plain(at, content)])
        } else {
            Action::Symlink { path: at, target, replace: true }
        })
    }

    #[inline(never)]
    fn ca_bundle(&self, bundle: &CaBundle, problems: &mut Problems) -> Option<Action> {
        let target = file_path(&bundle.target, &self.env, problems)?;
        let mut whole = match &bundle.base {
            None => pem::Bundle::default(),
            Some(text) => pem::Bundle::of(self.certificates(&path(text, &self.env, problems)?, text, problems)?),
        };
        for text in &bundle.add {
            if self.env.expand(text, LONGEST_VALUE, problems)?.is_empty() {
                continue;
            }
            for file in self.matching(&self.pattern(text, problems)?, text, problems)? {
                whole.add(&self.certificates(&file, text, problems)?);
            }
        }
        Some(Action::Write(vec![File {
            mode: bundle.mode.map_or(0o644, |Mode(mode)| mode),
            owner: self.owner(bundle.owner.as_ref(), problems),
            skip_read_only: bundle.on_read_only == Some(OnReadOnly::Skip),
            ..plain(target, whole.into_content())
        }]))
    }

    /// The content of a file that has certificates and nothing else in it.
    fn certificates(&self, file: &Path, text: &Text, problems: &mut Problems) -> Option<Vec<u8>> {
        let read = self.world.read(file, LARGEST).map_err(|error| NotRead(error).to_string());
        let checked = read.and_then(|content| pem::check(&content).map(|()| content));
        checked.map_err(|why| problems.at(text.place, format_args!("cannot use {}: {why}", file.display()))).ok()
    }

    /// The files that a path with a pattern as its last component stands for; without one it is the file itself.
    #[inline(never)]
    fn matching(&self, pattern: &Path, text: &Text, problems: &mut Problems) -> Option<Vec<PathBuf>> {
        let Some(name) = pattern.file_name().map(OsStrExt::as_bytes) else { return Some(Vec::new()) };
        if !glob::is_pattern(name) {
            return Some(vec![pattern.to_owned()]);
        }
        let folder = pattern.parent().unwrap_or(Path::new(""));
        let names = match self.world.list(folder) {
            Ok(names) => names,
            Err(nix::errno::Errno::ENOENT) => return Some(Vec::new()),
            Err(error) => {
                problems.at(text.place, format_args!("cannot list {}: {}", folder.display(), Because(error)));
                return None;
            }
        };
        let mut files = Vec::new();
        for found in names {
            let bytes = found.as_os_str().as_bytes();
            let file = folder.join(&found);
            // What begins with a dot is where Kubernetes keeps the versions of a ConfigMap.
            if !bytes.starts_with(b".")
                && glob::matches(name, bytes)
                && matches!(self.world.kind(&file), Some(Kind::File(_)))
            {
                files.push(file);
            }
        }
        Some(files)
    }

    #[inline(never)]
    fn assertion(&self, check: &model::Assertion, problems: &mut Problems) -> Option<Action> {
        if check.path.is_none() && check.that.is_none() {
            problems.at(check.place, "a check has a `path`, or an expression in `that`, or both");
            return None;
        }
        let failed = match &check.that {
            None => None,
            Some(that) => match self.judge.holds(&that.source, self.env.values_for(&self.judge, Some(&that.source))) {
                Ok(holds) => (!holds).then(|| that.source.trim().to_owned()),
                Err(message) => {
                    if !self.env.reads_failed(&self.judge, &that.source) {
                        problems.at(that.place, message);
                    }
                    return None;
                }
            },
        };
        let path = match &check.path {
            Some(text) => Some(path(text, &self.env, problems)?),
            None => None,
        };
        let message = match &check.message {
            Some(text) => Some(String::from_utf8_lossy(&self.env.expand(text, LONGEST_VALUE, problems)?).into_owned()),
            None => None,
        };
        let is = if check.is.is_empty() { vec![Condition::Exists] } else { check.is.clone() };
        Some(Action::Check(Box::new(Assertion { path, is, failed, message })))
    }
}

/// A file like most.
pub(super) fn plain(target: PathBuf, content: Vec<u8>) -> File {
    let owner = Ownership::default();
    File { target, content, mode: 0o644, owner, unless_exists: false, skip_read_only: false, keep_mode: false }
}
