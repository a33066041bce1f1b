//! What can be said of a configuration without the environment: whether its expressions, its patterns and its inline
//! templates can be read at all, whether its variables can be resolved in some order, and whether what it gives them itself
//! is what they must be.

use super::env;
use super::judge::Judge;
use super::value;
use super::world::World;
use crate::config::Config;
use crate::config::model::Language;
use crate::config::problem::Problems;
use crate::config::types::{Expression, TextOr};
use crate::template::jinja::NoFacts;
use std::sync::Arc;

/// Reads every expression, pattern and inline template, and looks at the variables' own values.
pub fn statically(config: &Config, world: &Arc<dyn World>, problems: &mut Problems) {
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
    env::check_order(config, &judge, problems);
    for (name, variable) in &config.env {
        if let Some(error) = variable.matches.as_ref().and_then(|pattern| regex_lite::Regex::new(pattern).err()) {
            problems.at(variable.place, format_args!("the `matches` of `{name}` is no regular expression: {error}"));
            continue;
        }
        // What is not always asked for may be wrong without harm; what is put before or behind it would have to be known.
        if variable.when.is_some() || variable.prepend.is_some() || variable.append.is_some() {
            continue;
        }
        let (key, text) = match (&variable.value, &variable.expr) {
            (Some(text), _) => ("value", Some(text)),
            (None, None) => ("default", variable.default.as_ref()),
            (None, Some(_)) => continue,
        };
        let Some(text) = text else { continue };
        let Some(constant) = text.template.constant().filter(|constant| !constant.is_empty()) else { continue };
        let checked = value::check(variable, constant.as_bytes());
        let wrong = checked.err().or_else(|| constant.contains('\0').then(|| "has a NUL byte in it".to_owned()));
        match wrong.map(|message| format!("`{name}` {message} (it comes from: {key})")) {
            None => {}
            // Its line is not shown.
            Some(message) if env::names_secret(config, name) => problems.add(message),
            Some(message) => problems.at(text.place, message),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Source, parse};
    use crate::plan::world::fake::FakeWorld;

    /// The first line of every problem.
    fn told(config: &str) -> Vec<String> {
        let text = format!("version = 1\n{config}");
        let (config, source) = parse(Source { name: "f".into(), text, hidden: vec![] }).expect("a configuration");
        let world: Arc<dyn World> = Arc::new(FakeWorld::of(&[]));
        let mut problems = Problems::default();
        statically(config, &world, &mut problems);
        let problems = problems.explain(&source).into_iter();
        problems.map(|problem| problem.lines().next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn what_the_configuration_gives_a_variable_is_what_it_must_be() {
        let port = "`A` is not a port, 1 to 65535 (it comes from: default)";
        assert_eq!(told("[env.A]\ntype = 'port'\ndefault = '99999'"), [format!("f:4:11: {port}")]);
        assert_eq!(
            told("[env.A]\nmatches = 'x+'\nvalue = 'y'"),
            ["f:4:9: `A` does not match `x+` (it comes from: value)"]
        );
        for fine in [
            "default = '80'",
            "default = ''",
            "default = '${B:-x}'",
            "default = '9999'\nappend = '9'",
            "value = '1'\nmin = 1\nmax = 1\ntype = 'int'",
            "value = '80'\ndefault = 'x'",
            "expr = '80'\ndefault = 'x'",
            "when = 'env.B'\nvalue = 'x'",
        ] {
            let kind = if fine.contains("type") { "" } else { "type = 'port'\n" };
            assert_eq!(told(&format!("[env.A]\n{kind}{fine}")), [""; 0], "{fine}");
        }
        let nul = "`A` has a NUL byte in it (it comes from: value)";
        assert_eq!(told("[env.A]\nvalue = \"a\\u0000b\""), [format!("f:3:9: {nul}")]);
        let secret = "[environment]\nsecret = ['A*']\n[env.A]\ntype = 'port'\nvalue = 'hunter2'";
        assert_eq!(told(secret), ["f: `A` is not a port, 1 to 65535 (it comes from: value)"], "without its line");
        let said = told("[env.A]\nmatches = '('\ndefault = 'x'");
        assert!(
            said.len() == 1 && said[0].starts_with("f:2:1: the `matches` of `A` is no regular expression: "),
            "{said:?}"
        );
    }

    #[test]
    fn circles_are_told_without_an_environment() {
        let circle = "f:2:1: the variables depend on each other in a circle: A -> B -> A";
        assert_eq!(told("[env.A]\nvalue = '${B}'\n[env.B]\ndefault = '${A}'\n[env.C]\nvalue = '${A}'"), [circle]);
        assert_eq!(told("[env.A]\nexpr = 'env.B'\n[env.B]\nwhen = 'env.A'"), [circle]);
        assert_eq!(told("[env.A]\ndefault = '${A:-x}'"), [""; 0]);
    }
}
