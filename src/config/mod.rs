//! A configuration file's text to [`Config`]: TOML or JSON, read into one tree, decoded into one model, every problem
//! told at once.
//!
//! Read [`model`] first: it is the list of all that can be said. May use `template`, to know a `${...}` that is none.
#![forbid(unsafe_code)]

mod decode;
mod json;
pub mod model;
pub mod problem;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod schema;
mod toml;
pub mod tree;
pub mod types;

pub use model::Config;
pub use problem::{Problems, Source};

use decode::Decode;
use tree::{Node, Value};

/// Reads a configuration. What begins with `{` is JSON, all else is TOML.
///
/// # Errors
/// Every problem of the file, each with its place, its line and what would be accepted.
pub fn parse(mut source: Source) -> Result<(Config, Source), Vec<String>> {
    let mut problems = Problems::default();
    let json = source.text.trim_start().starts_with('{');
    let tree = if json { json::parse(&source.text, &mut problems) } else { toml::parse(&source.text, &mut problems) };
    if !problems.is_empty() {
        for place in problems.places() {
            source.hide_values_at(place);
        }
        return Err(problems.explain(&source));
    }
    hide_secrets(&tree, &mut source);
    match Config::decode(&tree, &mut problems) {
        Some(config) if problems.is_empty() => {
            check(&config, &mut problems);
            if problems.is_empty() { Ok((config, source)) } else { Err(problems.explain(&source)) }
        }
        _ => Err(problems.explain(&source)),
    }
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
        Value::String(_) | Value::Integer(_) | Value::Bool(_) | Value::Other(_) => {}
    }
}

/// What the fields cannot say of each other.
fn check(config: &Config, problems: &mut Problems) {
    for step in &config.steps {
        let kinds = [
            step.directory.is_some(),
            step.copy.is_some(),
            step.symlink.is_some(),
            step.remove.is_some(),
            step.owner.is_some(),
            step.template.is_some(),
            step.templates.is_some(),
        ];
        if kinds.iter().filter(|&&kind| kind).count() != 1 {
            let kinds = ["directory", "copy", "symlink", "remove", "owner", "template", "templates"];
            problems.at(step.place, format!("a step has exactly one of {}", decode::list(&kinds)));
        }
        if let Some(template) = &step.template
            && template.source.is_some() == template.content.is_some()
        {
            problems.at(template.place, "a template has either `source` or `content`");
        }
    }
    for (name, variable) in &config.env {
        if name.is_empty() || name.contains(['=', '\0']) {
            problems.at(variable.place, format!("`{}` can be no variable's name", name.escape_debug()));
        }
        let ways = [variable.value.is_some(), variable.expr.is_some()];
        if ways.iter().all(|&way| way) {
            problems.at(variable.place, format!("`{name}` has both `value` and `expr`: accepted is one of them"));
        }
        let is = |kind| variable.kind == Some(kind);
        if (variable.min.is_some() || variable.max.is_some()) && !is(model::Kind::Int) {
            problems.at(variable.place, "`min` and `max` are for `type = \"int\"`");
        }
        if variable.one_of.is_empty() == is(model::Kind::Enum) {
            problems.at(variable.place, "`type = \"enum\"` and `one_of` go together");
        }
    }
    for arg in config.app.iter().flat_map(|app| &app.arg) {
        if arg.each.is_some() && arg.each_prefix.is_some() {
            problems.at(arg.place, "an argument has either `each` or `each_prefix`");
        }
    }
}
