//! In which order the described variables are resolved: each after those it uses. Nothing of it depends on any value.

use crate::config::model::{Config, Variable};
use crate::config::named::Names;
use crate::config::problem::Problems;
use crate::plan::judge::Judge;

/// Every described variable once, each after those it uses.
pub(super) struct Order<'a> {
    pub(super) variables: Vec<Ordered<'a>>,
    /// Those that depend on themselves, which was told.
    pub(super) circular: Names,
}

pub(super) struct Ordered<'a> {
    pub(super) name: &'a str,
    pub(super) variable: &'a Variable,
    /// The described variables that it uses.
    pub(super) needs: Vec<&'a str>,
}

/// A variable that waits for those it needs.
struct Opened<'a> {
    index: usize,
    ordered: Ordered<'a>,
    /// How many of these it has looked at.
    settled: usize,
}

/// The order, with a problem for each circle. On a stack of its own: a chain of variables may be as long as the
/// configuration.
#[inline(never)]
pub(super) fn order<'a>(config: &'a Config, judge: &Judge, problems: &mut Problems) -> Order<'a> {
    let mut order = Order { variables: Vec::new(), circular: Names::new() };
    // Those that wait, or are in order. To need one that waits is a circle.
    let mut opened = vec![false; config.env.len()];
    let mut done = vec![false; config.env.len()];
    let mut chain: Vec<Opened<'a>> = Vec::new();
    for (first, _) in &config.env {
        let mut next = Some(first.as_str());
        loop {
            if let Some((index, (name, variable))) = next.take().and_then(|name| entry(config, name))
                && !std::mem::replace(&mut opened[index], true)
            {
                let needs = needs(config, judge, variable);
                chain.push(Opened { index, ordered: Ordered { name, variable, needs }, settled: 0 });
            }
            let Some(Opened { index: own, ordered, settled }) = chain.last_mut() else { break };
            let Some(&needed) = ordered.needs.get(*settled) else {
                done[*own] = true;
                order.variables.extend(chain.pop().map(|opened| opened.ordered));
                continue;
            };
            *settled += 1;
            let Some((index, (_, variable))) = entry(config, needed) else { continue };
            if index == *own || done[index] {
                continue;
            }
            if opened[index] {
                let mut circle = String::new();
                for Opened { ordered, .. } in chain.iter().skip_while(|opened| opened.index != index) {
                    circle = circle + ordered.name + " -> ";
                    order.circular.insert(ordered.name, ());
                }
                let message = format!("the variables depend on each other in a circle: {circle}{needed}");
                problems.at(variable.place, message);
            } else {
                next = Some(needed);
            }
        }
    }
    order
}

fn entry<'a>(config: &'a Config, name: &str) -> Option<(usize, &'a (String, Variable))> {
    let index = config.env.position(name).ok()?;
    Some((index, config.env.entry(index)?))
}

/// The described variables that this one uses. An expression that may read any reads those without expressions.
fn needs<'a>(config: &'a Config, judge: &Judge, variable: &'a Variable) -> Vec<&'a str> {
    let described = &config.env;
    let mut names: Vec<&'a str> = Vec::new();
    let mut add = |name: &str| names.extend(entry(config, name).map(|(_, (name, _))| name.as_str()));
    variable.aliases.iter().for_each(|name| add(name));
    for text in [&variable.default, &variable.value, &variable.prepend, &variable.append].into_iter().flatten() {
        text.template.variables().into_iter().for_each(&mut add);
    }
    for expression in [&variable.when, &variable.expr].into_iter().flatten() {
        match judge.variables(&expression.source) {
            Some(read) => read.iter().for_each(|name| add(name)),
            None => {
                for (name, other) in described {
                    if other.when.is_none() && other.expr.is_none() {
                        add(name);
                    }
                }
            }
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}
