//! A configuration file's text to [`Config`]: TOML or JSON, read into one tree, decoded into one model, every problem
//! told at once.
//!
//! Read [`model`] first: it is the list of all that can be said. May use `toml`, and `template` and `textfile`, to know a `${...}` and an
//! expression that are none.
#![forbid(unsafe_code)]

#[cfg(test)]
mod agreement;
mod decode;
mod json;
pub mod model;
pub mod named;
pub mod problem;
#[cfg(test)]
pub(crate) mod reference;
#[cfg(test)]
mod schema;
pub mod shutdown;
pub mod types;

pub use model::Config;
pub use problem::{Problems, Source};

use crate::kept::{Kept, keep};
use crate::textfile::extract;
use crate::toml;
use crate::tree::{Node, Place, Value};
use decode::Decode;

/// Reads a configuration. What begins with `{` is JSON, all else is TOML.
///
/// # Errors
/// Every problem of the file, each with its place, its line and what would be accepted.
pub fn parse(mut source: Source) -> Result<(Kept<Config>, Source), Vec<String>> {
    let mut problems = Problems::default();
    let json = source.text.trim_start().starts_with('{');
    let tree = if json { json::parse(&source.text, &mut problems) } else { read_toml(&source.text, &mut problems) };
    if !problems.is_empty() {
        let places = problems.places();
        source.hide_values_at(&places);
        return Err(problems.explain(&source));
    }
    hide_secrets(&tree, &mut source);
    let config = Config::decode(&tree, &mut problems);
    if problems.is_empty() {
        check(&config, &mut problems);
    }
    let config = keep(config);
    if problems.is_empty() { Ok((config, source)) } else { Err(problems.explain(&source)) }
}

fn read_toml(text: &str, problems: &mut Problems) -> Node {
    let (node, mistakes) = toml::read(text);
    for (place, message) in mistakes {
        problems.at(place, message);
    }
    node
}

/// Marks what stands in a table with `secret` as not to be quoted.
fn hide_secrets(node: &Node, source: &mut Source) {
    match &node.value {
        Value::Table(entries) => {
            let secret = entries.iter().any(|(key, node)| key.name == "secret" && node.value != Value::Bool(false));
            for (_, node) in entries {
                if secret && matches!(node.value, Value::String(_) | Value::Integer(_)) {
                    source.hidden.push(node.place);
                }
                hide_secrets(node, source);
            }
        }
        Value::List(items) => items.iter().for_each(|item| hide_secrets(item, source)),
        Value::String(_) | Value::Integer(_) | Value::Bool(_) | Value::Other(_) | Value::Nothing => {}
    }
}

/// What the fields cannot say of each other.
#[inline(never)]
fn check(config: &Config, problems: &mut Problems) {
    for step in &config.steps {
        check_step(step, problems);
    }
    for (name, variable) in &config.env {
        check_variable(name, variable, problems);
    }
    if let Some(shutdown) = &config.shutdown {
        shutdown::check(shutdown, problems);
    }
    shutdown::check_maps(config, problems);
    let Some(app) = &config.app else { return };
    if is_zero(app.start_timeout) {
        problems.at(app.place, "`start_timeout` is longer than nothing");
    }
    for args in [&app.arg, &app.before] {
        for arg in args {
            if arg.each.is_some() && arg.each_prefix.is_some() {
                problems.at(arg.place, "an argument has either `each` or `each_prefix`");
            }
        }
    }
}

fn is_zero(time: Option<types::Time>) -> bool {
    time.is_some_and(|types::Time(time)| time.is_zero())
}

const NO_COMMAND: &str = "a command has at least one word, the program";

#[inline(never)]
fn check_step(step: &model::Step, problems: &mut Problems) {
    if step.kind().is_none() {
        let kinds = step.kinds();
        let has = if kinds.is_empty() { "none".to_owned() } else { decode::list(&kinds.join(" ")) };
        let one_of = decode::list(model::STEP_KINDS);
        problems.at(step.place, format_args!("a step has exactly one of {one_of}; this one has {has}"));
    }
    if let Some(run) = &step.run {
        check_run(run, problems);
    }
    let mut lacks_command = step.env.as_ref().is_some_and(|env| env.command.is_empty());
    if let Some(hooks) = &step.hooks {
        for handler in hooks.handlers.values() {
            lacks_command |= handler.is_empty();
        }
    }
    if lacks_command {
        problems.at(step.place, NO_COMMAND);
    }
    if let Some(wait) = &step.wait {
        check_wait(wait, problems);
    }
    for name in step.set.keys() {
        check_name(name, step.place, problems);
    }
    if let Some(template) = &step.template
        && template.source.is_some() == template.content.is_some()
    {
        problems.at(template.place, "a template has either `source` or `content`");
    }
    if let Some(edit) = &step.edit {
        check_edit(edit, problems);
    }
    if let Some(read) = &step.read {
        check_read(read, problems);
    }
}

fn check_variable(name: &str, variable: &model::Variable, problems: &mut Problems) {
    check_name(name, variable.place, problems);
    if variable.value.is_some() && variable.expr.is_some() {
        problems.at(variable.place, format_args!("`{name}` has both `value` and `expr`: accepted is one of them"));
    }
    let is = |kind| variable.kind == Some(kind);
    if (variable.min.is_some() || variable.max.is_some()) && !is(model::Kind::Int) {
        problems.at(variable.place, "`min` and `max` are for `type = \"int\"`");
    }
    if let (Some(min), Some(max)) = (variable.min, variable.max)
        && min > max
    {
        problems.at(variable.place, format_args!("`{name}` has a `min` of {min}, which is above its `max` of {max}"));
    }
    if variable.one_of.is_empty() == is(model::Kind::Enum) {
        problems.at(variable.place, "`type = \"enum\"` and `one_of` go together");
    }
}

fn check_name(name: &str, place: Place, problems: &mut Problems) {
    if name.is_empty() || name.contains(['=', '\0']) {
        problems.at(place, format_args!("`{}` can be no variable's name", name.escape_debug()));
    }
}

fn check_wait(wait: &model::Wait, problems: &mut Problems) {
    let has_none = |texts: &Option<types::Texts>| types::Texts::of(texts.as_ref()).is_empty();
    if has_none(&wait.tcp)
        && has_none(&wait.unix)
        && has_none(&wait.dns)
        && wait.command.is_empty()
        && wait.http.is_empty()
        && wait.file.is_empty()
    {
        let kinds = decode::list("tcp unix http file dns command");
        problems.at(wait.place, format_args!("a wait has at least one of {kinds}"));
    }
    if is_zero(wait.timeout) || is_zero(wait.attempt_timeout) {
        problems.at(wait.place, "`timeout` and `attempt_timeout` are longer than nothing");
    }
}

fn check_run(run: &model::Run, problems: &mut Problems) {
    if run.command.is_empty() {
        problems.at(run.place, NO_COMMAND);
    }
    if run.stdin.is_some() && run.stdin_file.is_some() {
        problems.at(run.place, "a program has either `stdin` or `stdin_file`");
    }
    let outputs = [run.stdout_file.is_some(), run.stdout_variable.is_some(), run.status_variable.is_some(), run.frame];
    if outputs.map(u8::from).iter().sum::<u8>() > 1 {
        let text = "a program has one of `stdout_file`, `stdout_variable`, `status_variable` and `frame`";
        problems.at(run.place, text);
    }
    let mut check = |name: &String| check_name(name, run.place, problems);
    run.env.keys().for_each(&mut check);
    run.stdout_variable.iter().for_each(&mut check);
    run.status_variable.iter().for_each(&mut check);
}

fn check_edit(edit: &model::Edit, problems: &mut Problems) {
    use model::EditFormat::{Ini, Json, Lines, Shell, Yaml};
    let is_lines = edit.format == Lines;
    let has_keys = !edit.set.is_empty() || !edit.set_prefix.is_empty() || !edit.delete.is_empty();
    if has_keys == is_lines || edit.rules.is_empty() == is_lines {
        let message = "`rules` are for `format = \"lines\"`; every other has `set`, `set_prefix` or `delete`";
        problems.at(edit.place, message);
    }
    if edit.section.is_some() && edit.format != Ini {
        problems.at(edit.place, "`section` is for `format = \"ini\"`");
    }
    for (key, setting) in &edit.set {
        let types::TextOr::Table(setting) = setting else { continue };
        if setting.json && (setting.quoted || !matches!(edit.format, Json | Yaml)) {
            problems.at(setting.place, format_args!("`{key}`: `json` is for `format = \"json\"` and `\"yaml\"`"));
        }
        if setting.quoted && !matches!(edit.format, Yaml | Shell) {
            problems.at(setting.place, format_args!("`{key}`: `quoted` is for `format = \"yaml\"` and `\"shell\"`"));
        }
    }
    for prefix in &edit.set_prefix {
        if prefix.prefix.is_empty() || prefix.replace.iter().any(|pair| pair.len() != 2 || pair[0].is_empty()) {
            let message = "`prefix` cannot be empty, and `replace` is pairs: `[[\"__\", \"-\"]]`";
            problems.at(prefix.place, message);
        }
    }
    for rule in &edit.rules {
        let found = u8::from(rule.pattern.is_some()) + u8::from(rule.line.is_some());
        let done = u8::from(rule.set.is_some()) + u8::from(rule.delete) + u8::from(rule.append.is_some());
        if found > 1 || done != 1 || found == 0 && rule.append.is_none() {
            let message =
                "a rule has `match` or `line`, and one of `set`, `delete` and `append`; `append` may stand alone";
            problems.at(rule.place, message);
        }
    }
}

fn check_read(read: &model::Read, problems: &mut Problems) {
    check_name(&read.into, read.place, problems);
    let by_key = [read.format.is_some(), read.key.is_some()];
    if by_key != [read.pattern.is_none(); 2] {
        problems.at(read.place, "a value is found by `format` and `key`, or by `pattern`");
    }
    if read.section.is_some() && read.format != Some(model::ReadFormat::Ini) {
        problems.at(read.place, "`section` is for `format = \"ini\"`");
    }
    if read.pattern.as_deref().is_some_and(|pattern| extract::regex(pattern).is_none()) {
        problems.at(read.place, "`pattern` is no regular expression");
    }
    if read.optional && read.default.is_some() {
        problems.at(read.place, "a value that is missing has either `default` or `optional`");
    }
}
