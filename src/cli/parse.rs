//! The parser: lexopt cuts the words, this file says what they mean.

use super::options::{EXEC, Flag, GROUP, HELP, LOG_FORMAT, LOG_LEVEL, OPTIONS, RESERVED, VERSION};
use super::{Invocation, Refusal, Run};
use crate::report::{Format, Level};
use lexopt::Arg;
use std::ffi::{OsStr, OsString};

/// Reads argv (without onset's own name) and onset's variables.
///
/// # Errors
/// All problems at once: unknown options, values that are not among those accepted, no command.
pub fn parse(arguments: Vec<OsString>, variable: impl Fn(&str) -> Option<OsString>) -> Result<Invocation, Refusal> {
    let count = arguments.len();
    let mut given = Given::default();
    let mut problems = Vec::new();
    let mut words = lexopt::Parser::from_args(arguments);
    let mut command = None;
    loop {
        // Looked at before lexopt, which takes it away in silence: what follows it is the command, whatever it is.
        if words.try_raw_args().is_some_and(|rest| rest.peek() == Some(OsStr::new("--"))) {
            let left = words.raw_args().map_or(0, |rest| rest.as_slice().len());
            command = (left > 1).then(|| 1 + count - left + 1);
            break;
        }
        match words.next() {
            Ok(None) => break,
            Ok(Some(Arg::Value(word))) => {
                let left = words.raw_args().map_or(0, |rest| rest.as_slice().len());
                match word.to_str() {
                    Some("version") => return Ok(Invocation::Version),
                    Some(name) if RESERVED.contains(&name) => problems.push(format!(
                        "`{name}` is reserved for a subcommand: to run a program of that name, write `onset -- {name}`"
                    )),
                    _ => {}
                }
                command = Some(count - left);
                break;
            }
            Ok(Some(option)) => match OPTIONS.into_iter().find(|flag| is(flag, &option)) {
                Some(flag) if flag.long == HELP.long => return Ok(Invocation::Help),
                Some(flag) if flag.long == VERSION.long => return Ok(Invocation::Version),
                Some(flag) => {
                    if let Err(problem) = given.take(flag, &mut words) {
                        problems.push(problem);
                    }
                }
                None => {
                    problems.push(unknown(&option));
                    // Its value, if one is attached, goes with it.
                    let _ = words.optional_value();
                }
            },
            Err(lexopt::Error::UnexpectedValue { option, .. }) => problems.push(format!("`{option}` takes no value")),
            Err(error) => problems.push(error.to_string()),
        }
    }
    let run = Run {
        exec: given.exec || switch(&EXEC, &variable, &mut problems),
        group: given.group || switch(&GROUP, &variable, &mut problems),
        log_format: setting(given.log_format.as_ref(), &LOG_FORMAT, &variable, Format::from_name, &mut problems),
        log_level: setting(given.log_level.as_ref(), &LOG_LEVEL, &variable, Level::from_name, &mut problems),
        command: command.unwrap_or(0),
    };
    if command.is_none() {
        problems.push("no command: say which program to start".to_owned());
    }
    if problems.is_empty() { Ok(Invocation::Run(run)) } else { Err(Refusal { problems }) }
}

/// The options as they were given, values unread.
#[derive(Default)]
struct Given {
    exec: bool,
    group: bool,
    log_format: Option<OsString>,
    log_level: Option<OsString>,
}

impl Given {
    fn take(&mut self, flag: &Flag, words: &mut lexopt::Parser) -> Result<(), String> {
        let slot = match flag.long {
            "exec" => {
                self.exec = true;
                return Ok(());
            }
            "group" => {
                self.group = true;
                return Ok(());
            }
            "log-format" => &mut self.log_format,
            _ => &mut self.log_level,
        };
        *slot = Some(words.value().map_err(|_| format!("`--{}` needs a value: {}", flag.long, flag.help))?);
        Ok(())
    }
}

fn is(flag: &Flag, option: &Arg<'_>) -> bool {
    match option {
        Arg::Long(name) => *name == flag.long,
        Arg::Short(name) => Some(*name) == flag.short,
        Arg::Value(_) => false,
    }
}

fn unknown(option: &Arg<'_>) -> String {
    let written = match option {
        Arg::Long(name) => format!("--{name}"),
        Arg::Short(name) => format!("-{name}"),
        Arg::Value(value) => value.to_string_lossy().into_owned(),
    };
    let accepted: Vec<String> = OPTIONS.iter().map(|flag| format!("--{}", flag.long)).collect();
    format!("unknown option `{written}`: accepted are {}", accepted.join(", "))
}

/// A boolean variable. Empty counts as unset.
fn switch(flag: &Flag, variable: &impl Fn(&str) -> Option<OsString>, problems: &mut Vec<String>) -> bool {
    let Some((name, value)) = from_variable(flag, variable) else { return false };
    match value.to_string_lossy().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => true,
        "0" | "false" | "no" | "off" => false,
        _ => {
            let value = value.to_string_lossy();
            problems.push(format!("{name} is `{value}`: accepted are 1, true, yes, on, 0, false, no, off"));
            false
        }
    }
}

/// A setting by option, else by variable, else the default.
fn setting<T: Default>(
    given: Option<&OsString>,
    flag: &Flag,
    variable: &impl Fn(&str) -> Option<OsString>,
    from_name: impl Fn(&str) -> Option<T>,
    problems: &mut Vec<String>,
) -> T {
    let (name, value) = match given {
        Some(value) => (format!("`--{}`", flag.long), value.clone()),
        None => match from_variable(flag, variable) {
            Some((name, value)) => (name.to_owned(), value),
            None => return T::default(),
        },
    };
    value.to_str().and_then(from_name).unwrap_or_else(|| {
        problems.push(format!("{name} is `{}`: accepted are {}", value.to_string_lossy(), flag.help));
        T::default()
    })
}

fn from_variable(flag: &Flag, variable: &impl Fn(&str) -> Option<OsString>) -> Option<(&'static str, OsString)> {
    let name = flag.variable?;
    variable(name).filter(|value| !value.is_empty()).map(|value| (name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &[&str], variables: &[(&str, &str)]) -> Result<Invocation, Vec<String>> {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        parse(line.iter().map(OsString::from).collect(), find).map_err(|refusal| refusal.problems)
    }

    fn run(line: &[&str], variables: &[(&str, &str)]) -> Run {
        match parsed(line, variables) {
            Ok(Invocation::Run(run)) => run,
            other => panic!("{line:?}: {other:?}"),
        }
    }

    const PLAIN: Run = Run { exec: false, group: false, log_format: Format::Json, log_level: Level::Info, command: 1 };

    #[test]
    fn options_end_at_the_first_other_word_or_at_two_dashes() {
        assert_eq!(run(&["app", "--group", "--"], &[]), PLAIN);
        assert_eq!(run(&["--", "app"], &[]), Run { command: 2, ..PLAIN });
        assert_eq!(run(&["--", "--group"], &[]), Run { command: 2, ..PLAIN });
        assert_eq!(run(&["--group", "--", "--", "x"], &[]), Run { group: true, command: 3, ..PLAIN });
        assert_eq!(run(&["--group", "app", "-x"], &[]), Run { group: true, command: 2, ..PLAIN });
        assert_eq!(run(&[""], &[]), PLAIN, "an empty command is a command");
        assert_eq!(run(&["-"], &[]), PLAIN, "a lone dash is a word");
    }

    #[test]
    fn a_value_is_attached_or_follows() {
        let text = Run { log_format: Format::Text, ..PLAIN };
        assert_eq!(run(&["--log-format=text", "app"], &[]), Run { command: 2, ..text });
        let Run { command, .. } = run(&["--log-format", "text", "--log-level", "off", "app"], &[]);
        assert_eq!(command, 5);
        assert_eq!(run(&["--log-level", "debug", "--", "a"], &[]).log_level, Level::Debug);
    }

    #[test]
    fn an_option_wins_over_its_variable() {
        let variables = [("ONSET_LOG_LEVEL", "debug"), ("ONSET_GROUP", "yes"), ("ONSET_EXEC", "")];
        let Run { log_level, group, exec, .. } = run(&["--log-level", "warn", "app"], &variables);
        assert_eq!((log_level, group, exec), (Level::Warn, true, false));
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let problems = parsed(&["--nope=1", "-x", "--group=1", "--log-format", "xml"], &[("ONSET_EXEC", "maybe")]);
        let accepted = "accepted are --exec, --group, --log-format, --log-level, --help, --version";
        assert_eq!(
            problems.unwrap_err(),
            [
                format!("unknown option `--nope`: {accepted}"),
                format!("unknown option `-x`: {accepted}"),
                "`--group` takes no value".to_owned(),
                "ONSET_EXEC is `maybe`: accepted are 1, true, yes, on, 0, false, no, off".to_owned(),
                "`--log-format` is `xml`: accepted are json (default) or text".to_owned(),
                "no command: say which program to start".to_owned(),
            ]
        );
    }

    #[test]
    fn a_missing_value_or_command_is_refused() {
        assert_eq!(
            parsed(&["--log-level"], &[]).unwrap_err(),
            [
                "`--log-level` needs a value: off, error, warn, info (default) or debug",
                "no command: say which program to start"
            ]
        );
        assert_eq!(parsed(&["--"], &[]).unwrap_err(), ["no command: say which program to start"]);
        assert_eq!(parsed(&[], &[]).unwrap_err(), ["no command: say which program to start"]);
    }

    #[test]
    fn words_of_later_subcommands_are_reserved() {
        for word in RESERVED {
            let problems = parsed(&[word, "x"], &[]).unwrap_err();
            assert!(problems[0].contains(&format!("write `onset -- {word}`")), "{problems:?}");
            assert_eq!(run(&["--", word], &[]).command, 2);
        }
        assert_eq!(parsed(&["version"], &[]), Ok(Invocation::Version));
        assert_eq!(run(&["./check"], &[]).command, 1);
    }
}
