//! What can be said of a configuration without the environment: whether its expressions, its patterns and its inline
//! templates can be read at all.

use super::judge::Judge;
use super::world::World;
use crate::config::Config;
use crate::config::model::Language;
use crate::config::problem::Problems;
use crate::config::types::{Expression, TextOr};
use crate::template::jinja::NoFacts;
use std::sync::Arc;

/// Reads every expression, pattern and inline template.
pub fn expressions(config: &Config, world: &Arc<dyn World>, problems: &mut Problems) {
    let judge = Judge::new(world, &[], Arc::new(NoFacts));
    let variables = config.env.values().flat_map(|variable| [&variable.when, &variable.expr]);
    let args = config.app.iter().flat_map(|app| app.arg.iter().chain(&app.before)).map(|arg| &arg.when);
    let checks = config.steps.iter().filter_map(|step| step.check.as_ref()).map(|check| &check.that);
    let steps = config.steps.iter().map(|step| &step.when).chain(checks);
    let user = config.app.iter().filter_map(|app| match &app.user {
        Some(TextOr::Table(user)) => Some(&user.when),
        Some(TextOr::Text(_)) | None => None,
    });
    let capabilities = config.app.iter().filter_map(|app| app.capabilities.as_ref()).map(|it| &it.when);
    let all = variables.chain(args).chain(steps).chain(user).chain(capabilities);
    for Expression { place, source } in all.flatten() {
        if let Err(message) = judge.check(source) {
            problems.at(*place, message);
        }
    }
    for variable in config.env.values() {
        if variable.matches.as_ref().is_some_and(|pattern| regex_lite::Regex::new(pattern).is_err()) {
            problems.at(variable.place, "`matches` is no regular expression");
        }
    }
    for template in config.steps.iter().filter_map(|step| step.template.as_ref()) {
        let jinja = template.how.as_ref().and_then(|how| how.language) == Some(Language::Jinja);
        if let Some(content) = template.content.as_ref().filter(|_| jinja)
            && let Err(message) = judge.check_template("content", content)
        {
            problems.at(template.place, message);
        }
    }
}
