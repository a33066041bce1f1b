//! What container arguments say: flags and the program's name.

use super::call::{Call, of_text, yes};
use minijinja::{Error, Value};

/// Whether the arguments have the flag before `--`, with a value or without.
pub fn has(call: &mut Call) -> Result<Value, Error> {
    yes(arguments(call).iter().any(|argument| Said::of(argument, call.text(0)) != Said::Nothing))
}

/// The value of the flag: what is behind its `=`, or else the next argument. The last one counts, as in most programs.
#[allow(clippy::unnecessary_wraps)] // the table wants a result
pub fn value(call: &mut Call) -> Result<Value, Error> {
    let flag = call.text(0);
    let arguments = arguments(call);
    let mut value = Value::UNDEFINED;
    for (at, argument) in arguments.iter().enumerate() {
        match Said::of(argument, flag) {
            Said::Value(found) => value = of_text(found),
            Said::Flag => value = arguments.get(at + 1).cloned().unwrap_or_default(),
            Said::Nothing => {}
        }
    }
    Ok(value)
}

/// Whether a program of that name could be started: along the PATH that `env` has.
pub fn is_executable(call: &mut Call) -> Result<Value, Error> {
    let env = call.state.lookup("env").unwrap_or_default();
    let search = env.get_attr("PATH").unwrap_or_default();
    super::builtins::answer(call.shared.files.is_executable(call.text(0), search.as_str()))
}

/// The container arguments before `--`; one that is no text is no flag.
fn arguments(call: &Call) -> Vec<Value> {
    let mut before = Vec::new();
    if let Some(all) = call.state.lookup("args").and_then(|args| args.try_iter().ok()) {
        for argument in all {
            if argument.as_str() == Some("--") {
                break;
            }
            before.push(argument);
        }
    }
    before
}

/// What an argument says of a flag.
#[derive(PartialEq, Eq)]
enum Said<'a> {
    Nothing,
    /// That it is there.
    Flag,
    Value(&'a str),
}

impl<'a> Said<'a> {
    fn of(argument: &'a Value, flag: &str) -> Self {
        match argument.as_str().and_then(|argument| argument.strip_prefix(flag)) {
            Some("") => Said::Flag,
            Some(rest) => rest.strip_prefix('=').map_or(Said::Nothing, Said::Value),
            None => Said::Nothing,
        }
    }
}
