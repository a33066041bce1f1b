//! The command line of the application: how the container's arguments meet `command`.
//!
//! | the container's arguments | the command line | set-up |
//! |---|---|---|
//! | none, or `ignore_args` | command, arg, last | yes |
//! | begin with a dash, or match `append_for` | command, arg, they, last | yes |
//! | begin with a role's name | the role's command, arg, the rest, last | by `setup_for` |
//! | begin with the program, `program_args = "append"` | command, arg, the rest, last | by `setup_for` |
//! | anything else | they, as they are | by `setup_for` |

use super::env::{Environment, LONGEST_VALUE, expand};
use super::judge::Judge;
use super::resolve::holds;
use super::words;
use crate::config::model::{App, Arg, Config, NameCase, ProgramArgs};
use crate::config::problem::Problems;
use crate::config::types::Text;
use crate::glob;
use crate::template::substitute::Template;
use std::borrow::Cow;

/// What the container's arguments mean, before any variable is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting {
    /// What they are added to.
    base: Base,
    /// Where the rest of them begins.
    rest: usize,
    /// Whether the application is set up.
    pub setup: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Base {
    Command,
    Role(String),
    Nothing,
}

impl Meeting {
    /// The role that was named.
    pub fn role(&self) -> Option<&str> {
        match &self.base {
            Base::Role(name) => Some(name),
            Base::Command | Base::Nothing => None,
        }
    }
}

/// Decides what the arguments mean.
#[inline(never)]
pub fn meet(config: &Config, container: &[Vec<u8>]) -> Meeting {
    let Some(app) = &config.app else { return Meeting { base: Base::Nothing, rest: 0, setup: true } };
    if app.ignore_args {
        return Meeting { base: Base::Command, rest: container.len(), setup: true };
    }
    let Some(first) = container.first() else { return Meeting { base: Base::Command, rest: 0, setup: true } };
    let appended = app.append_for.iter().any(|glob| glob::matches(glob.0.as_bytes(), first));
    if !app.command.is_empty() && (first.starts_with(b"-") || appended) {
        return Meeting { base: Base::Command, rest: 0, setup: true };
    }
    let role = std::str::from_utf8(first).ok().filter(|name| app.role.contains_key(name));
    if let Some(name) = role {
        let setup = app.setup_for.as_ref().is_none_or(|globs| globs.iter().any(|glob| is_named(&glob.0, first)));
        return Meeting { base: Base::Role(name.to_owned()), rest: 1, setup };
    }
    let program = app.command.first().and_then(|text| text.template.constant());
    let is_program = program.is_some_and(|program| is_same_program(program.as_bytes(), first));
    let setup = match &app.setup_for {
        Some(globs) => globs.iter().any(|glob| is_named(&glob.0, first)),
        None => is_program || app.command.is_empty(),
    };
    let append = app.program_args == Some(ProgramArgs::Append);
    let (base, rest) = if is_program && append { (Base::Command, 1) } else { (Base::Nothing, 0) };
    Meeting { base, rest, setup }
}

/// Parts the container's arguments: the variables at their beginning, where the configuration wants them so, and the
/// rest.
pub fn variables<'a>(config: &Config, container: &'a [Vec<u8>]) -> (&'a [Vec<u8>], &'a [Vec<u8>]) {
    if !config.app.as_ref().is_some_and(|app| app.argument_variables) {
        return (&[], container);
    }
    let is_variable = |word: &Vec<u8>| {
        let name = word.iter().position(|&byte| byte == b'=').map_or(&[][..], |end| &word[..end]);
        let may = |&byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        name.first().is_some_and(|&first| first.is_ascii_alphabetic() || first == b'_') && name.iter().all(may)
    };
    container.split_at(container.iter().take_while(|word| is_variable(word)).count())
}

fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

/// `nginx` is `/usr/sbin/nginx`, and the other way round.
fn is_same_program(one: &[u8], other: &[u8]) -> bool {
    one == other || (base_name(one) == base_name(other) && (!one.contains(&b'/') || !other.contains(&b'/')))
}

/// A pattern with a slash is for the whole path, one without for the name in it.
fn is_named(pattern: &str, program: &[u8]) -> bool {
    let pattern = pattern.as_bytes();
    glob::matches(pattern, if pattern.contains(&b'/') { program } else { base_name(program) })
}

/// Makes the command line.
#[inline(never)]
pub fn command_line(
    config: &Config,
    meeting: &Meeting,
    container: &[Vec<u8>],
    env: &Environment,
    judge: &Judge,
    problems: &mut Problems,
) -> Vec<Word> {
    let rest = &container[meeting.rest.min(container.len())..];
    let mut line = Vec::new();
    let Some(app) = &config.app else {
        add_plain(rest.to_vec(), &mut line);
        return line;
    };
    if meeting.setup {
        for words in &app.before {
            conditional(words, env, judge, &mut line, problems);
        }
    }
    let base = base(config, meeting);
    if let Some(base) = base {
        add_plain(env.expand_each(base, problems), &mut line);
        for arg in &app.arg {
            conditional(arg, env, judge, &mut line, problems);
        }
    }
    if app.expand_arguments && meeting.setup {
        expand_arguments(rest, env, &mut line, problems);
    } else {
        add_plain(rest.to_vec(), &mut line);
    }
    if base.is_some() {
        add_plain(env.expand_each(&app.last, problems), &mut line);
    }
    line
}

fn base<'a>(config: &'a Config, meeting: &Meeting) -> Option<&'a [Text]> {
    let app: &App = config.app.as_ref()?;
    match &meeting.base {
        Base::Command => Some(&app.command),
        Base::Role(name) => app.role.get(name).map(|role| role.command.as_slice()),
        Base::Nothing => None,
    }
}

/// A word of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// As the application gets it.
    pub bytes: Vec<u8>,
    /// Whether it is a part of a secret, which nobody could tell by its value.
    pub hidden: bool,
}

fn add_plain(words: Vec<Vec<u8>>, line: &mut Vec<Word>) {
    for bytes in words {
        line.push(Word { bytes, hidden: false });
    }
}

/// The container's arguments as texts with variables in them.
#[inline(never)]
fn expand_arguments(words: &[Vec<u8>], env: &Environment, line: &mut Vec<Word>, problems: &mut Problems) {
    for (index, word) in words.iter().enumerate() {
        let number = index + 1;
        let expanded = std::str::from_utf8(word).map_err(|_| "it is not UTF-8".to_owned()).and_then(|text| {
            let template = Template::parse(text).map_err(|error| error.message.to_string())?;
            if env.any_failed(template.variables()) {
                return Ok(Vec::new());
            }
            template.expand(&|name| env.get(name).map(Cow::Borrowed), LONGEST_VALUE).map_err(|error| error.to_string())
        });
        match expanded {
            Ok(bytes) => line.push(Word { bytes, hidden: false }),
            Err(why) => problems.add(format!("cannot expand argument {number} of the container: {why}")),
        }
    }
}

fn conditional(arg: &Arg, env: &Environment, judge: &Judge, line: &mut Vec<Word>, problems: &mut Problems) {
    if !holds(arg.when.as_ref(), env, judge, problems) {
        return;
    }
    let from_secret = arg.each.as_ref().is_some_and(|each| env.is_secret(each));
    let is_repeated = arg.each.is_some() || arg.each_prefix.is_some();
    for (key, item) in items(arg, env, problems) {
        for text in &arg.value.0 {
            let uses_item = text.template.variables().contains(&"item");
            let hidden = (from_secret && uses_item) || (arg.split && env.is_secret(text));
            let lookup = |name: &str| match name {
                "item" if is_repeated => Some(Cow::Borrowed(item.as_slice())),
                "name" if is_repeated => Some(Cow::Borrowed(key.as_bytes())),
                _ => env.get(name).map(Cow::Borrowed),
            };
            if env.any_failed(text.template.variables()) {
                continue;
            }
            let Some(value) = expand(text, &lookup, LONGEST_VALUE, problems) else { continue };
            if arg.split {
                match words::split(&value) {
                    Ok(words) => {
                        for bytes in words {
                            line.push(Word { bytes, hidden });
                        }
                    }
                    Err(message) => problems.at(text.place, format!("cannot cut this into words: {message}")),
                }
            } else {
                line.push(Word { bytes: value, hidden });
            }
        }
    }
}

/// What an argument is repeated for: name and value of each; once for nothing if it is not repeated.
#[inline(never)]
fn items(arg: &Arg, env: &Environment, problems: &mut Problems) -> Vec<(String, Vec<u8>)> {
    let mut items = Vec::new();
    if let Some(each) = &arg.each {
        let list = env.expand(each, LONGEST_VALUE, problems).unwrap_or_default();
        let separator = arg.separator.as_deref().unwrap_or_default().as_bytes();
        let mut rest = &list[..];
        loop {
            // Without a separator each blank is one.
            let end = match separator {
                [] => rest.iter().position(u8::is_ascii_whitespace),
                _ => rest.windows(separator.len()).position(|window| window == separator),
            };
            let part = rest[..end.unwrap_or(rest.len())].trim_ascii();
            if !part.is_empty() {
                items.push((String::new(), part.to_vec()));
            }
            let Some(end) = end else { return items };
            rest = &rest[end + separator.len().max(1)..];
        }
    }
    let Some(prefix) = &arg.each_prefix else { return vec![(String::new(), Vec::new())] };
    for (name, resolved) in env.variables() {
        let rest = name.strip_prefix(prefix.as_str()).filter(|rest| !rest.is_empty());
        let (Some(rest), Some(value)) = (rest, &resolved.value) else { continue };
        let case = arg.name_case.unwrap_or(NameCase::Keep);
        let rest = if case == NameCase::Keep { rest.to_owned() } else { rest.to_lowercase() };
        let rest = match case {
            NameCase::Keep | NameCase::Lower => rest,
            NameCase::Dashed => rest.replace('_', "-"),
            NameCase::Dotted => rest.replace('_', "."),
        };
        items.push((rest, value.clone()));
    }
    items
}
