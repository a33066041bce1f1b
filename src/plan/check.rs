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
    let mut check = |expression: &Option<Expression>| {
        if let Some(Expression { place, source }) = expression
            && let Err(message) = judge.check(source)
        {
            problems.at(*place, message);
        }
    };
    for variable in config.env.values() {
        check(&variable.when);
        check(&variable.expr);
    }
    for step in &config.steps {
        check(&step.when);
        step.check.iter().for_each(|assertion| check(&assertion.that));
    }
    if let Some(app) = &config.app {
        app.arg.iter().chain(&app.before).for_each(|arg| check(&arg.when));
        if let Some(TextOr::Table(user)) = &app.user {
            check(&user.when);
        }
        app.capabilities.iter().for_each(|capabilities| check(&capabilities.when));
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
