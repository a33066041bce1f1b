//! A step of the configuration to what it does: one at a time, right before it is done, because an earlier step may have
//! made what this one looks at.

use super::env::{LONGEST_VALUE, Promises, Resolved, expand};
use super::identity;
use super::model::{Action, File, Ownership};
use super::others;
use super::resolve::{Resolution, all, file_path, holds, path};
use super::world::Kind;
use crate::config::model::{
    Check, CopyIf, DirectoryTemplate, FileTemplate, Language, OnFailure, OnReadOnly, Rendering, Step,
};
use crate::config::problem::Problems;
use crate::config::types::{Expression, Glob, Mode, Size, Text};
use crate::glob;
use crate::json;
use crate::report::{Because, NotRead};
use crate::template::Position;
use crate::template::file::{Found, Substitution, Unset};
use crate::tree::Place;
use nix::errno::Errno;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};

/// The largest result, and the largest template, where `max_size` does not say otherwise.
pub(super) const LARGEST: Size = Size(16 << 20);
/// What a template is called by its end.
const SUFFIX: &[u8] = b".template";
/// The mode of a file, without and with a secret in it.
pub(super) const MODES: [u32; 2] = [0o644, 0o600];
/// How many variables of one template are told to be missing.
const MOST_TOLD: usize = 20;
/// How deep a directory of templates is searched.
const DEEPEST: usize = 32;

/// What a step is called in messages: its name, or its number and kind.
pub fn step_name(step: &Step, index: usize) -> String {
    let kind = step.kind().unwrap_or_default();
    step.name.as_ref().map_or_else(|| format!("{} ({kind})", index + 1), |name| format!("`{name}`"))
}

/// What a step will do, told before any is done.
pub enum Planned {
    /// This.
    Do(Action),
    /// Nothing: its condition does not hold.
    Nothing,
    /// It depends on what an earlier step finds out.
    Later,
}

impl Resolution<'_> {
    /// What a step does now; `None`: its condition does not hold. To be used only if no problem was added.
    ///
    /// What decides on a kind of step is not inlined here: all their frames in one would make each access to it longer.
    pub fn action(&self, step: &Step, problems: &mut Problems) -> Option<Action> {
        if !self.holds(step.when.as_ref(), problems) {
            return None;
        }
        let env = &self.env;
        if let Some(directory) = &step.directory {
            let owner = self.owner(directory.owner.as_ref(), problems);
            let mode = directory.mode.map(|Mode(mode)| mode);
            let parents = directory.parents.unwrap_or(true);
            return Some(Action::Directory { path: path(&directory.path, env, problems)?, mode, owner, parents });
        }
        if let Some(copy) = &step.copy {
            let (from, to) = (path(&copy.from, env, problems), path(&copy.to, env, problems));
            return Some(Action::Copy {
                from: from?,
                to: to?,
                condition: copy.unless.unwrap_or(CopyIf::Missing),
                owner: self.owner(copy.owner.as_ref(), problems),
                marker: copy.marker.as_ref().and_then(|text| path(text, env, problems)),
                exclude: Glob::texts(&copy.exclude),
                unless_exists: copy.unless_exists.iter().map(PathBuf::from).collect(),
                whole: Glob::texts(&copy.whole),
            });
        }
        if let Some(link) = &step.symlink {
            let (at, target) = (path(&link.path, env, problems), path(&link.target, env, problems));
            return Some(Action::Symlink { path: at?, target: target?, replace: link.replace });
        }
        if let Some(remove) = &step.remove {
            let mut paths = Vec::new();
            for text in &remove.paths {
                paths.extend(self.pattern(text, problems));
            }
            return Some(Action::Remove { paths });
        }
        if let Some(owner) = &step.owner {
            let top = path(&owner.path, env, problems);
            let to = self.owner(Some(&owner.owner), problems);
            return Some(Action::Owner { path: top?, owner: to, flat: owner.flat });
        }
        if let Some(template) = &step.template {
            return self.file(template, problems);
        }
        if let Some(edit) = &step.edit {
            return self.edit(edit, problems);
        }
        if let Some(read) = &step.read {
            return self.reading(read, problems);
        }
        if let Some(templates) = &step.templates {
            return self.files(templates, problems);
        }
        if others::is_one(step) { self.other_action(step, problems) } else { self.program_action(step, problems) }
    }

    /// Whether a condition holds; none always does.
    pub(super) fn holds(&self, when: Option<&Expression>, problems: &mut Problems) -> bool {
        holds(when, &self.env, &self.judge, problems)
    }

    /// Resolves every step once, for every problem to be told before anything is done. What an earlier step may yet make
    /// or find out is not missed.
    pub fn look_ahead(&mut self, problems: &mut Problems) {
        if !self.meeting.setup {
            return;
        }
        self.env.promises = Promises::default();
        self.env.rendered.keeps = true;
        for (index, step) in self.config.steps.iter().enumerate() {
            if let Some(before) = index.checked_sub(1) {
                self.env.promises.add(&self.config.steps[before]);
            }
            // Its failure is a warning, when its turn comes.
            if step.on_failure == Some(OnFailure::Warn) {
                continue;
            }
            let mut found = Problems::default();
            self.ask(index, &mut found, |resolution, step, found| match &step.edit {
                // What an earlier step may yet do to the file is not known; what is wrong with the step itself is.
                Some(edit) if index > 0 => resolution.check_edit(step, edit, found),
                Some(_) | None => drop(resolution.action(step, found)),
            });
            if found.is_empty() {
                continue;
            }
            let source = step.template.as_ref().and_then(|template| template.source.as_ref());
            let missing = source.and_then(|text| path(text, &self.env, &mut Problems::default()));
            let may_come = index > 0 && missing.is_some_and(|path| self.world.kind(&path).is_none());
            if !may_come {
                problems.append(found);
            }
        }
        self.env.rendered.keeps = false;
        self.env.promises = Promises::default();
    }

    /// What a step will do as far as that can be told before the earlier ones are done.
    pub fn planned(&mut self, index: usize, problems: &mut Problems) -> Planned {
        if self.waits_for_file(index) {
            return Planned::Later;
        }
        self.env.promises = Promises::of(&self.config.steps[..index]);
        match self.ask(index, problems, Self::action) {
            None => Planned::Later,
            Some(None) => Planned::Nothing,
            Some(Some(action)) => Planned::Do(action),
        }
    }

    /// Asks something about a step before the earlier ones are done, whose promises are known. `None`: the answer depends on
    /// what they find out.
    fn ask<T>(
        &mut self,
        index: usize,
        problems: &mut Problems,
        question: impl FnOnce(&Self, &Step, &mut Problems) -> T,
    ) -> Option<T> {
        let step = &self.config.steps[index];
        let mut found = Problems::default();
        let answer = question(self, step, &mut found);
        if self.env.promises.take_asked() {
            return None;
        }
        problems.append(found);
        Some(answer)
    }

    /// A path whose last component may be a pattern; what comes from a variable is a name in it, and no pattern.
    pub(super) fn pattern(&self, text: &Text, problems: &mut Problems) -> Option<PathBuf> {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let literal = path(text, &self.env, problems)?;
        let escaped = |name: &str| self.env.get(name).map(|value| Cow::Owned(glob::escape(value)));
        let pattern = expand(text, &escaped, LONGEST_VALUE, problems)?;
        let last = pattern.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        Some(literal.with_file_name(OsStr::from_bytes(last)))
    }

    pub(super) fn owner(&self, text: Option<&Text>, problems: &mut Problems) -> Ownership {
        let Some(text) = text else { return Ownership::default() };
        let Some(spec) = self.env.expand(text, LONGEST_VALUE, problems) else { return Ownership::default() };
        if spec.is_empty() {
            return Ownership::default();
        }
        all(identity::owner(&self.accounts, &spec), text.place, problems).unwrap_or_default()
    }

    #[inline(never)]
    fn file(&self, template: &FileTemplate, problems: &mut Problems) -> Option<Action> {
        let target = file_path(&template.target, &self.env, problems)?;
        let mut how = How::of(template.how.as_ref(), self, problems)?;
        how.once = template.unless_exists;
        let (name, source, place) = match (&template.source, &template.content) {
            (Some(text), _) => {
                let from = path(text, &self.env, problems)?;
                let source = self.read(&from, &how, text.place, problems)?;
                (from.display().to_string(), source, text.place)
            }
            (None, content) => {
                let content = content.clone().unwrap_or_default();
                ("content".to_owned(), content.into_bytes(), template.place)
            }
        };
        let mut file = self.render(&name, &source, target, &how, place, problems)?;
        file.unless_exists = template.unless_exists;
        Some(Action::Write(vec![file]))
    }

    #[inline(never)]
    fn files(&self, templates: &DirectoryTemplate, problems: &mut Problems) -> Option<Action> {
        let (from, to) = (path(&templates.source, &self.env, problems), path(&templates.target, &self.env, problems));
        let (from, to) = (from?, to?);
        let how = How::of(templates.how.as_ref(), self, problems)?;
        let suffix = match &templates.suffix {
            None => SUFFIX.to_vec(),
            Some(text) => self.env.expand(text, LONGEST_VALUE, problems)?,
        };
        let place = templates.source.place;
        let mut found = Vec::new();
        self.find(&from, Path::new(""), &suffix, DEEPEST, &mut found, place, problems);
        let mut files = Vec::new();
        for (relative, target) in &found {
            let from = from.join(relative);
            if let Some(source) = self.read(&from, &how, place, problems) {
                let name = from.display().to_string();
                files.extend(self.render(&name, &source, to.join(target), &how, place, problems));
            }
        }
        Some(Action::Write(files))
    }

    /// Every template below a directory, with the path of its target. What begins with a dot is left alone: there
    /// Kubernetes keeps the versions of a ConfigMap.
    #[allow(clippy::too_many_arguments)] // a walk carries its state along
    fn find(
        &self,
        top: &Path,
        below: &Path,
        suffix: &[u8],
        depth: usize,
        found: &mut Vec<(PathBuf, PathBuf)>,
        place: Place,
        problems: &mut Problems,
    ) {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let folder = top.join(below);
        let names = match self.world.list(&folder) {
            Ok(names) => names,
            Err(Errno::ENOENT) if below.as_os_str().is_empty() => return,
            Err(error) => {
                return problems.at(place, format_args!("cannot list {}: {}", folder.display(), Because(error)));
            }
        };
        for name in names {
            let bytes = name.as_os_str().as_bytes();
            if bytes.starts_with(b".") {
                continue;
            }
            let relative = below.join(&name);
            match self.world.kind(&top.join(&relative)) {
                Some(Kind::Directory) if depth == 0 => {
                    problems.at(place, format_args!("{} is nested too deeply", top.join(&relative).display()));
                }
                Some(Kind::Directory) => self.find(top, &relative, suffix, depth - 1, found, place, problems),
                _ => {
                    if let Some(target) = bytes.strip_suffix(suffix).filter(|target| !target.is_empty()) {
                        found.push((relative, below.join(OsStr::from_bytes(target))));
                    }
                }
            }
        }
    }

    fn read(&self, from: &Path, how: &How<'_>, place: Place, problems: &mut Problems) -> Option<Vec<u8>> {
        match self.world.read(from, how.limit) {
            Ok(source) => Some(source),
            Err(error) => {
                problems.at(place, format_args!("cannot read the template {}: {}", from.display(), NotRead(error)));
                None
            }
        }
    }

    fn render(
        &self,
        name: &str,
        source: &[u8],
        target: PathBuf,
        how: &How<'_>,
        place: Place,
        problems: &mut Problems,
    ) -> Option<File> {
        let secret = Cell::new(false);
        let result = match how.rendering.and_then(|how| how.language).unwrap_or(Language::Substitute) {
            Language::Substitute => match self.env.rendered.take(place, name, source) {
                Some((content, has_secret)) => {
                    secret.set(has_secret);
                    Ok(content)
                }
                None => {
                    let result = self.substitute(name, source, how, &secret);
                    // What a variable that may yet change makes of it counts for nothing.
                    if let Ok(content) = &result
                        && !self.env.promises.is_asked()
                    {
                        self.env.rendered.keep(place, name, source, content, secret.get());
                    }
                    result
                }
            },
            Language::Jinja => {
                let text = std::str::from_utf8(source).map_err(|_| format!("{name} is not UTF-8"));
                let env = || self.env.values_for(&self.judge, None);
                text.and_then(|text| {
                    if !how.once {
                        return self.judge.render(name, text, env());
                    }
                    let (content, has_random) = self.judge.render_once(name, text, env())?;
                    secret.set(has_random);
                    Ok(content)
                })
            }
        };
        // Which variables a Jinja template comes to is not known before it runs, nor what it makes of them: whose name is
        // in it counts, and whose value is in the result.
        let in_result = |value: &Vec<u8>| result.as_ref().is_ok_and(|result| has(result, value));
        let shows = |(variable, found): (&String, &Resolved)| {
            found.secret && (has(source, variable.as_bytes()) || found.value.as_ref().is_some_and(in_result))
        };
        let is_jinja = matches!(how.rendering.and_then(|how| how.language), Some(Language::Jinja));
        if is_jinja {
            secret.set(secret.get() || self.env.variables().iter().any(shows));
        }
        // What Jinja would make of a variable that failed nobody knows, nor whether the file would be as it must be.
        let follows = (is_jinja || result.is_ok()) && self.env.failed.keys().any(|name| has(source, name.as_bytes()));
        let content = match result.and_then(|content| how.accept(name, content)) {
            Ok(content) => content,
            Err(_) if follows => return None,
            Err(message) => {
                problems.at(place, message);
                return None;
            }
        };
        let mode = how.rendering.and_then(|how| how.mode);
        let mode = mode.map_or(MODES[usize::from(secret.get())], |Mode(mode)| mode);
        Some(File {
            target,
            content,
            mode,
            owner: how.owner,
            keep_mode: false,
            unless_exists: false,
            skip_read_only: how.rendering.and_then(|how| how.on_read_only) == Some(OnReadOnly::Skip),
        })
    }

    fn substitute(&self, name: &str, source: &[u8], how: &How<'_>, secret: &Cell<bool>) -> Result<Vec<u8>, String> {
        // Each turn finds one more variable that is not set, and leaves it out of the next.
        let missing: RefCell<Vec<String>> = RefCell::default();
        let mut told: Vec<String> = Vec::new();
        loop {
            let find = |name: &str, wanted: bool| {
                let found = self.env.variables().get(name);
                if !how.lists(name, found) || missing.borrow().iter().any(|other| other == name) {
                    return Found::Unlisted;
                }
                if !wanted {
                    return Found::Listed(None);
                }
                self.env.ask(name, found);
                if self.env.failed.contains_key(name) {
                    return Found::Listed(Some(b""));
                }
                secret.set(secret.get() || found.is_some_and(|found| found.secret));
                Found::Listed(found.and_then(|found| found.value.as_deref()))
            };
            let substitution = Substitution {
                find: &find,
                unset: if how.rendering.is_some_and(|how| how.strict) { Unset::Refuse } else { Unset::Keep },
                bare: how.rendering.is_some_and(|how| how.bare),
                operators: how.rendering.is_some_and(|how| how.operators),
                limit: usize::try_from(how.limit).unwrap_or(usize::MAX),
            };
            match substitution.apply(source) {
                Ok(result) if told.is_empty() => return Ok(result),
                Ok(_) => return Err(told.join("; ")),
                Err(error) => {
                    told.push(format!("{name}:{}:{}: {error}", error.position.line, error.position.column));
                    match error.variable {
                        Some(variable) if told.len() < MOST_TOLD => missing.borrow_mut().push(variable.into()),
                        Some(_) | None => return Err(told.join("; ")),
                    }
                }
            }
        }
    }
}

fn has(text: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && text.windows(part.len()).any(|window| window == part)
}

/// How templates are rendered, with all that is the same for each.
struct How<'a> {
    rendering: Option<&'a Rendering>,
    matching: Option<regex_lite::Regex>,
    must_match: Option<regex_lite::Regex>,
    owner: Ownership,
    limit: u64,
    /// Whether the file is written only if it is not there.
    once: bool,
}

impl<'a> How<'a> {
    fn of(rendering: Option<&'a Rendering>, resolution: &Resolution<'_>, problems: &mut Problems) -> Option<Self> {
        let Size(limit) = rendering.and_then(|how| how.max_size).unwrap_or(LARGEST);
        let owner = resolution.owner(rendering.and_then(|how| how.owner.as_ref()), problems);
        let mut how = How { rendering, matching: None, must_match: None, owner, limit, once: false };
        let Some(rendering) = rendering else { return Some(how) };
        let mut regex = |pattern: &str, place: Place| match regex_lite::Regex::new(pattern) {
            Ok(regex) => Some(regex),
            Err(_) => {
                problems.at(place, "this is no regular expression");
                None
            }
        };
        if let Some(pattern) = &rendering.must_match {
            how.must_match = Some(regex(pattern, rendering.place)?);
        }
        if let Some(text) = &rendering.variables_matching {
            let pattern = resolution.env.expand(text, LONGEST_VALUE, problems)?;
            if !pattern.is_empty() {
                let mut regex = |pattern: &str| regex_lite::Regex::new(pattern).ok();
                how.matching = std::str::from_utf8(&pattern).ok().and_then(&mut regex);
                if how.matching.is_none() {
                    problems.at(text.place, "this is no regular expression");
                    return None;
                }
            }
        }
        Some(how)
    }

    /// Whether this variable, of which that is known, is replaced.
    fn lists(&self, name: &str, found: Option<&Resolved>) -> bool {
        let listed = match self.rendering.and_then(|how| how.variables.as_ref()) {
            None => found.is_some_and(|found| found.described),
            Some(globs) => globs.iter().any(|glob| glob::matches(glob.0.as_bytes(), name.as_bytes())),
        };
        listed && self.matching.as_ref().is_none_or(|regex| regex.is_match(name))
    }

    /// The result, if it is what it must be.
    fn accept(&self, name: &str, content: Vec<u8>) -> Result<Vec<u8>, String> {
        let text = || std::str::from_utf8(&content).map_err(|_| format!("the result of {name} is not UTF-8"));
        match self.rendering.and_then(|how| how.check) {
            None => {}
            Some(Check::Json) => {
                json::check(&content).map_err(|place| format!("the result of {name} is not JSON: {place}"))?;
            }
            Some(Check::Toml) => {
                crate::toml::parse(text()?).map_err(|(place, _)| {
                    let line = Position::of(&content, place.start).line;
                    format!("the result of {name} is not TOML: line {line}")
                })?;
            }
        }
        if let Some(regex) = &self.must_match
            && !regex.is_match(text()?)
        {
            return Err(format!("the result of {name} does not match `{}`", regex.as_str()));
        }
        Ok(content)
    }
}
