//! A step that changes a text file: what the file becomes, decided from what is in it now.

use super::env::{LONGEST_VALUE, expand};
use super::model::{Action, Edit, File};
use super::resolve::{Resolution, file_path, path};
use super::steps::{LARGEST, MODES};
use crate::config::model::{self, EditFormat, LineRule, MissingKey, NameCase, OnEmpty, OnReadOnly, SetPrefix, Step};
use crate::config::problem::Problems;
use crate::config::types::{Mode, Text, TextOr};
use crate::report::NotRead;
use crate::textfile::lines::{self, Find, Rule, Then};
use crate::textfile::names::Mapping;
use crate::textfile::{self, Edited, Format, Missing, Mistake, Order, Wish};
use nix::errno::Errno;
use std::borrow::Cow;
use std::cell::Cell;

/// What is to be done to a file, whatever is in it.
enum Request {
    Keys(Format, Vec<Order>, Option<Vec<u8>>),
    Lines(Vec<Rule>),
}

impl Request {
    fn follow(&self, text: &[u8]) -> Result<Edited, Vec<Mistake>> {
        match self {
            Request::Keys(format, orders, separator) => textfile::edit(*format, text, orders, separator.as_deref()),
            Request::Lines(rules) => lines::edit(text, rules),
        }
    }
}

/// What keys are to be, in the order of the keys: sorted lists are a fraction of a `BTreeMap`'s code.
#[derive(Default)]
struct Wishes(Vec<(Vec<u8>, Wish, Option<MissingKey>)>);

impl Wishes {
    /// One more, in the place of an earlier one for this key.
    fn set(&mut self, key: Vec<u8>, wish: Wish, missing: Option<MissingKey>) {
        match self.0.binary_search_by(|(known, _, _)| known.cmp(&key)) {
            Ok(at) => self.0[at] = (key, wish, missing),
            Err(at) => self.0.insert(at, (key, wish, missing)),
        }
    }
}

impl Resolution<'_> {
    /// What the file becomes.
    #[inline(never)]
    pub(super) fn edit(&self, edit: &model::Edit, problems: &mut Problems) -> Option<Action> {
        let target = file_path(&edit.path, &self.env, problems)?;
        let secret = Cell::new(false);
        let request = self.request(edit, &secret, problems);
        let owner = self.owner(edit.owner.as_ref(), problems);
        let request = request.filter(|_| problems.is_empty())?;
        let place = edit.path.place;
        let old = match self.world.read(&target, LARGEST.0) {
            Ok(old) => Some(old),
            Err(Errno::ENOENT) if edit.create => None,
            Err(error) => {
                let hint = if error == Errno::ENOENT { "; `create = true` makes it" } else { "" };
                problems.at(place, format_args!("cannot read {}: {}{hint}", target.display(), NotRead(error)));
                return None;
            }
        };
        let Edited { content, changes } = match request.follow(old.as_deref().unwrap_or_default()) {
            Ok(edited) => edited,
            Err(mistakes) => {
                for mistake in mistakes {
                    problems.at(place, format_args!("cannot edit {}: {mistake}", target.display()));
                }
                return None;
            }
        };
        let new = File {
            target,
            content,
            mode: edit.mode.map_or(MODES[usize::from(secret.get())], |Mode(mode)| mode),
            keep_mode: edit.mode.is_none(),
            owner,
            unless_exists: false,
            skip_read_only: edit.on_read_only == Some(OnReadOnly::Skip),
        };
        Some(Action::Edit(Edit { old, new, changes }))
    }

    /// Whether a step is decided by a file that is not there, and that an earlier step may make.
    pub(super) fn waits_for_file(&self, index: usize) -> bool {
        let step = &self.config.steps[index];
        let Some(edit) = step.edit.as_ref().filter(|edit| index > 0 && !edit.create) else { return false };
        let mut problems = Problems::default();
        let is_meant = self.holds(step.when.as_ref(), &mut problems);
        let path = path(&edit.path, &self.env, &mut problems);
        is_meant && path.is_some_and(|path| self.world.kind(&path).is_none())
    }

    /// What can be wrong with the step itself.
    pub(super) fn check_edit(&self, step: &Step, edit: &model::Edit, problems: &mut Problems) {
        if self.holds(step.when.as_ref(), problems) {
            path(&edit.path, &self.env, problems);
            self.owner(edit.owner.as_ref(), problems);
            self.request(edit, &Cell::new(false), problems);
        }
    }

    #[inline(never)]
    fn request(&self, edit: &model::Edit, secret: &Cell<bool>, problems: &mut Problems) -> Option<Request> {
        let format = match edit.format {
            EditFormat::Lines => {
                let mut rules = Vec::new();
                for rule in &edit.rules {
                    if let Some(rule) = self.rule(edit, rule, secret, problems) {
                        rules.push(rule);
                    }
                }
                return Some(Request::Lines(rules));
            }
            EditFormat::Properties => Format::Properties,
            EditFormat::Ini => Format::Ini,
            EditFormat::Shell => Format::Shell,
            EditFormat::Yaml => Format::Yaml,
            EditFormat::Json => Format::Json,
        };
        let section = match &edit.section {
            Some(section) => Some(self.env.expand(section, LONGEST_VALUE, problems)?),
            None => None,
        };
        // What comes later goes before.
        let mut wishes = Wishes::default();
        for prefix in &edit.set_prefix {
            self.add_prefix(edit, prefix, &mut wishes, secret, problems);
        }
        for key in &edit.delete {
            let key = self.text(key, secret, problems)?;
            wishes.set(key, Wish::Deleted, None);
        }
        for (key, setting) in &edit.set {
            let (text, setting) = match setting {
                TextOr::Text(text) => (text, None),
                TextOr::Table(setting) => (&setting.value, Some(setting)),
            };
            if !self.holds(setting.and_then(|setting| setting.when.as_ref()), problems) {
                continue;
            }
            let Some(value) = self.text(text, secret, problems) else { continue };
            let wish = match setting {
                Some(setting) if setting.json => Wish::Json,
                Some(setting) if setting.quoted => Wish::Quoted,
                Some(_) | None => Wish::Text,
            };
            let missing = setting.and_then(|setting| setting.missing);
            wish_for(edit.on_empty, key, value, wish, missing, &mut wishes);
        }
        let mut orders = Vec::new();
        for (key, wish, missing) in wishes.0 {
            let (section, key) = divide(format, section.as_deref(), key);
            let missing = action(missing.or(edit.missing), Missing::Append);
            orders.push(Order { section, key, wish, missing, commented: edit.commented });
        }
        Some(Request::Keys(format, orders, edit.separator.clone().map(String::into_bytes)))
    }

    #[inline(never)]
    fn add_prefix(
        &self,
        edit: &model::Edit,
        prefix: &SetPrefix,
        wishes: &mut Wishes,
        secret: &Cell<bool>,
        problems: &mut Problems,
    ) {
        let case = prefix.key.unwrap_or(NameCase::Keep);
        let mut replace = Vec::new();
        for pair in &prefix.replace {
            if let [from, to, ..] = pair.as_slice() {
                replace.push((from.as_str(), to.as_str()));
            }
        }
        match case {
            NameCase::Keep | NameCase::Lower => {}
            NameCase::Dashed => replace.push(("_", "-")),
            NameCase::Dotted => replace.push(("_", ".")),
        }
        let mapping = Mapping {
            prefix: &prefix.prefix,
            start: prefix.start.as_deref().unwrap_or_default(),
            replace,
            lower: case != NameCase::Keep,
            exclude: prefix.exclude.iter().map(|glob| glob.0.as_str()).collect(),
        };
        self.env.promises.ask_prefix(&prefix.prefix);
        let set = self.env.variables().iter().filter(|(_, found)| found.value.is_some());
        match mapping.keys(set.map(|(name, _)| name.as_str())) {
            Ok(keys) => {
                for (key, name) in keys {
                    let Some(found) = self.env.variables().get(name) else { continue };
                    secret.set(secret.get() || found.secret);
                    let value = found.value.clone().unwrap_or_default();
                    wish_for(edit.on_empty, &key, value, Wish::Text, None, wishes);
                }
            }
            Err((one, other, key)) => {
                problems.at(
                    prefix.place,
                    format_args!("`{one}` and `{other}` both become the key `{key}`: rename one, or exclude it"),
                );
            }
        }
    }

    #[inline(never)]
    fn rule(&self, edit: &model::Edit, rule: &LineRule, secret: &Cell<bool>, problems: &mut Problems) -> Option<Rule> {
        let find = match (&rule.pattern, &rule.line) {
            (Some(pattern), _) => match regex_lite::Regex::new(pattern) {
                Ok(regex) => Find::Match(regex),
                Err(_) => {
                    problems.at(rule.place, "`match` is no regular expression");
                    return None;
                }
            },
            (None, Some(line)) => Find::Line(self.line(line, secret, problems)?),
            (None, None) => Find::Nothing,
        };
        let then = match (&rule.set, &rule.append) {
            (Some(line), _) => Then::Set {
                line: self.line(line, secret, problems)?,
                keep_indent: rule.keep_indent,
                missing: action(rule.missing.or(edit.missing), Missing::Refuse),
            },
            (None, Some(block)) => Then::Append(self.block(block, secret, problems)?),
            (None, None) => Then::Delete,
        };
        Some(Rule { find, then })
    }

    fn text(&self, text: &Text, secret: &Cell<bool>, problems: &mut Problems) -> Option<Vec<u8>> {
        secret.set(secret.get() || self.env.is_secret(text));
        self.env.expand(text, LONGEST_VALUE, problems)
    }

    /// One line.
    fn line(&self, text: &Text, secret: &Cell<bool>, problems: &mut Problems) -> Option<Vec<u8>> {
        let line = self.text(text, secret, problems)?;
        if line.contains(&b'\n') {
            problems.at(text.place, "a line cannot have a newline in it; `append` takes several");
            return None;
        }
        Some(line)
    }

    /// Lines, as many as the author wrote: a variable cannot bring in more.
    fn block(&self, text: &Text, secret: &Cell<bool>, problems: &mut Problems) -> Option<Vec<u8>> {
        let several = Cell::new(false);
        let lookup = |name: &str| {
            let value = self.env.get(name)?;
            several.set(several.get() || value.contains(&b'\n'));
            Some(Cow::Borrowed(value))
        };
        secret.set(secret.get() || self.env.is_secret(text));
        let block = expand(text, &lookup, LONGEST_VALUE, problems)?;
        if several.get() {
            problems.at(text.place, "the value of a variable has a newline in it, and would be a line of its own");
            return None;
        }
        Some(block)
    }
}

/// The section and the key in it.
pub(super) fn divide(format: Format, section: Option<&[u8]>, key: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    match (section, key.iter().rposition(|&byte| byte == b'.')) {
        (Some(section), _) => (section.to_vec(), key),
        (None, Some(dot)) if format == Format::Ini => (key[..dot].to_vec(), key[dot + 1..].to_vec()),
        (None, _) => (Vec::new(), key),
    }
}

fn wish_for(
    on_empty: Option<OnEmpty>,
    key: &str,
    value: Vec<u8>,
    wish: fn(Vec<u8>) -> Wish,
    missing: Option<MissingKey>,
    wishes: &mut Wishes,
) {
    let wish = match on_empty.filter(|_| value.is_empty()) {
        None | Some(OnEmpty::Set) => wish(value),
        Some(OnEmpty::Delete) => Wish::Deleted,
        Some(OnEmpty::Keep) => return,
    };
    wishes.set(key.as_bytes().to_vec(), wish, missing);
}

fn action(missing: Option<MissingKey>, absent: Missing) -> Missing {
    match missing {
        None => absent,
        Some(MissingKey::Append) => Missing::Append,
        Some(MissingKey::Error) => Missing::Refuse,
        Some(MissingKey::Ignore) => Missing::Ignore,
    }
}
