//! The engine: an environment of minijinja's, the limits around it, and what can be asked of it.

use super::call::Shared;
use super::condition::{self, Condition};
use super::context::{Context, FACTS, Files, SOURCE_ADDRESS};
use super::error::{Error, Origin};
use super::print::{Budget, print};
use super::{builtins, shape};
use crate::template::Position;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Template, UndefinedBehavior};
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// What is there without being set, with blanks between.
const NAMES: &str = "env args facts exists is_dir is_empty contains file_text list_dir random_hex is_mount readable writable \
    executable is_executable has_flag flag_value url hostport range";

/// What goes before an expression to make a template of it.
const BEFORE: &str = "{{ ";
const BEFORE_LENGTH: isize = 3;

/// The limits of an engine, and its one choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many instructions one run may take; a loop over ten variables takes about a hundred.
    pub fuel: u64,
    /// How many bytes a result may have, and so a captured text, and what a filter makes.
    pub limit: usize,
    /// Whether a statement takes its line with it (`trim_blocks` and `lstrip_blocks` in Jinja).
    pub trim: bool,
}

impl Default for Options {
    /// A million instructions, 16 MiB, lines stay.
    fn default() -> Self {
        Options { fuel: 1_000_000, limit: 16 << 20, trim: false }
    }
}

/// Which variables an expression reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    /// Those it names, sorted: `env.PORT`.
    pub names: Vec<String>,
    /// Whether it may read any other: `env[...]`, or `env` as a whole.
    pub others: bool,
}

/// Evaluates expressions and renders templates, one at a time.
pub struct Engine {
    environment: Environment<'static>,
    budget: Arc<Budget>,
    options: Options,
}

impl Engine {
    /// An engine that asks `files` about files.
    pub fn new(files: &Arc<dyn Files>, options: Options) -> Self {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        // For the names of what is not defined, and for columns.
        environment.set_debug(true);
        environment.set_fuel(Some(options.fuel));
        let mut syntax = SyntaxConfig::builder();
        syntax.keep_trailing_newline(true).trim_blocks(options.trim).lstrip_blocks(options.trim);
        if let Ok(syntax) = syntax.build() {
            environment.set_syntax(syntax);
        }
        let shared = Shared { files: files.clone(), limit: options.limit };
        builtins::add(&mut environment, &Arc::new(shared));
        let budget = Arc::new(Budget { limit: options.limit, printed: AtomicUsize::new(0) });
        let counted = budget.clone();
        environment.set_formatter(move |out, _, value| print(out, &counted, value));
        Engine { environment, budget, options }
    }

    /// Whether a template can be read, and knows its names.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self, name: &str, source: &str) -> Result<(), Box<Error>> {
        self.compile(&Origin { name, source, shift: 0, context: None }, source).map(drop)
    }

    /// Whether an expression, or a condition, can be read, and knows its names.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check_expression(&self, expression: &str) -> Result<(), Box<Error>> {
        self.compile_expression(&expression_origin(expression, None)).map(drop)
    }

    /// Which variables an expression, or a condition, reads.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn variables(&self, expression: &str) -> Result<Variables, Box<Error>> {
        let compiled = self.compile_expression(&expression_origin(expression, None))?;
        let mut variables = Variables::default();
        for path in compiled.undeclared_variables(true) {
            match path.split_once('.') {
                Some(("env", rest)) => {
                    variables.names.push(rest.split('.').next().unwrap_or(rest).to_owned());
                }
                None if path == "env" => variables.others = true,
                _ => {}
            }
        }
        variables.names.sort_unstable();
        variables.names.dedup();
        Ok(variables)
    }

    /// Whether a condition holds: see [`condition`].
    ///
    /// # Errors
    /// It cannot be read, or not be evaluated.
    pub fn evaluate(&self, expression: &str, context: &Context) -> Result<bool, Box<Error>> {
        let whole = self.compile_expression(&expression_origin(expression, None))?;
        let root = context.root();
        Condition::new(expression).holds(&mut |leaf, at| {
            self.budget.start();
            let value = if leaf == expression {
                whole.eval(root.clone())
            } else {
                self.environment.compile_expression(leaf).and_then(|compiled| compiled.eval(root.clone()))
            };
            value.map(|value| condition::is_true(&value)).map_err(|error| {
                let shift = isize::try_from(at).unwrap_or(0);
                self.explain(&Origin { name: "", source: expression, shift, context: Some(context) }, &error)
            })
        })
    }

    /// What an expression gives, as it would be printed.
    ///
    /// # Errors
    /// It cannot be read, or not be evaluated.
    pub fn compute(&self, expression: &str, context: &Context) -> Result<String, Box<Error>> {
        let origin = expression_origin(expression, Some(context));
        // As an expression first: `a }} b {{ c` is none.
        self.compile_expression(&origin)?;
        let source = format!("{BEFORE}{expression} }}}}");
        let result = self.run(&self.compile(&origin, &source)?, &origin, context)?;
        // Only texts are printed.
        Ok(String::from_utf8(result).unwrap_or_default())
    }

    /// What becomes of a template.
    ///
    /// # Errors
    /// It cannot be read, or not be rendered.
    pub fn render(&self, name: &str, source: &str, context: &Context) -> Result<Vec<u8>, Box<Error>> {
        let origin = Origin { name, source, shift: 0, context: Some(context) };
        self.run(&self.compile(&origin, source)?, &origin, context)
    }

    fn run(&self, template: &Template, origin: &Origin, context: &Context) -> Result<Vec<u8>, Box<Error>> {
        self.budget.start();
        let mut result = Bounded { bytes: Vec::new(), limit: self.options.limit };
        let rendered = template.render_captured_to(context.root(), &mut result).map(drop);
        rendered.map_err(|error| self.explain(origin, &error))?;
        Ok(result.bytes)
    }

    fn compile<'a>(&'a self, origin: &Origin, source: &'a str) -> Result<Template<'a, 'a>, Box<Error>> {
        refuse(origin, shape::too_much(source))?;
        let template = self.environment.template_from_named_str("", source);
        let template = template.map_err(|error| self.explain(origin, &error))?;
        known_names(origin, &template.undeclared_variables(true))?;
        Ok(template)
    }

    fn compile_expression<'a>(&'a self, origin: &Origin<'a>) -> Result<minijinja::Expression<'a, 'a>, Box<Error>> {
        refuse(origin, shape::too_long(origin.source))?;
        let expression = self.environment.compile_expression(origin.source);
        let expression = expression.map_err(|error| self.explain(&Origin { shift: 0, ..*origin }, &error))?;
        known_names(origin, &expression.undeclared_variables(true))?;
        Ok(expression)
    }

    fn explain(&self, origin: &Origin, error: &minijinja::Error) -> Box<Error> {
        origin.explain(error, self.options.limit, self.options.fuel)
    }
}

/// The origin of what is run as `{{ expression }}`.
fn expression_origin<'a>(source: &'a str, context: Option<&'a Context>) -> Origin<'a> {
    Origin { name: "", source, shift: -BEFORE_LENGTH, context }
}

fn refuse(origin: &Origin, what: Option<(usize, String)>) -> Result<(), Box<Error>> {
    let Some((offset, message)) = what else { return Ok(()) };
    Err(origin.error(Some(Position::of(origin.source.as_bytes(), offset)), message))
}

/// minijinja takes an unknown name for something not defined, which a condition accepts: a misspelling would go unnoticed.
fn known_names(origin: &Origin, paths: &HashSet<String>) -> Result<(), Box<Error>> {
    // It does not know that what is set in an `if` is there after it.
    let is_in = |names: &str, name: &str| names.split(' ').any(|known| known == name);
    let is_known = |name: &str| is_in(NAMES, name) || is_set_somewhere(origin.source, name);
    let is_fact = |name: &str| is_in(FACTS, name) || name == SOURCE_ADDRESS;
    // The first by name: what is in a set has no order.
    let mut unknown: Option<(&str, &str, &str)> = None;
    for path in paths {
        let (root, rest) = path.split_once('.').unwrap_or((path, ""));
        let fact = rest.split('.').next().unwrap_or_default();
        let found = if !is_known(root) {
            (root, "name", NAMES)
        } else if root == "facts" && !rest.is_empty() && !is_fact(fact) {
            (fact, "fact", FACTS)
        } else {
            continue;
        };
        if unknown.is_none_or(|(name, ..)| found.0 < name) {
            unknown = Some(found);
        }
    }
    let Some((name, what, there)) = unknown else { return Ok(()) };
    let position = word(origin.source, name).map(|at| Position::of(origin.source.as_bytes(), at));
    Err(origin.error(position, format!("unknown {what} `{name}`: there are `{}`", there.replace(' ', "`, `"))))
}

/// Whether there is a `set` with the name before its `=` or its end.
fn is_set_somewhere(source: &str, name: &str) -> bool {
    source.match_indices("set").any(|(at, set)| {
        let rest = &source[at + set.len()..];
        let target = rest.split(['=', '%']).next().unwrap_or_default();
        word(target, name).is_some()
    })
}

/// Where a name is as a whole word.
fn word(text: &str, name: &str) -> Option<usize> {
    let belongs = |c: char| c == '_' || c.is_ascii_alphanumeric();
    let is_whole = |at: usize| !text[..at].ends_with(belongs) && !text[at + name.len()..].starts_with(belongs);
    text.match_indices(name).map(|(at, _)| at).find(|&at| is_whole(at))
}

/// A text of limited length.
struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.limit - self.bytes.len() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
