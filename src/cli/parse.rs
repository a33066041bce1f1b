//! The parser: cuts the words, and says what they mean.

use super::options::{CONFIG, ENV, EXEC, FORMAT, Flag, GROUP, HELP, INSTALL, LOG_FORMAT, LOG_LEVEL, OPTIONS, VERSION};
use super::{ConfigFile, Invocation, Refusal, Run, Topic};
use crate::report::{Format, Level};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// What the options of `check`, `plan` and `render` are.
const CHECK: [&Flag; 3] = [&CONFIG, &ENV, &HELP];
const PLAN: [&Flag; 3] = [&CONFIG, &FORMAT, &HELP];
const RENDER: [&Flag; 2] = [&CONFIG, &HELP];

/// Reads argv (without onset's own name) and onset's variables.
///
/// # Errors
/// All problems at once: unknown options, values that are not among those accepted.
#[inline(never)] // PID 1 waits in what is called beside it
pub fn parse(arguments: Vec<OsString>, variable: impl Fn(&str) -> Option<OsString>) -> Result<Invocation, Refusal> {
    let mut reader = Reader::new(arguments, &variable);
    let asked = match reader.options(&OPTIONS) {
        End::Asked(invocation) => return Ok(invocation),
        end if reader.is_given(&INSTALL) => reader.install(&end),
        End::Word(word) => match word.to_str() {
            Some("version") => return Ok(Invocation::Version),
            Some("check") => reader.check(),
            Some("plan") => reader.plan(),
            Some("render") => reader.render(),
            Some("probe") => reader.probe(),
            Some("exec") => reader.exec(),
            Some("sleep") => reader.sleep(),
            Some(_) | None => Invocation::Run(reader.run(reader.next)),
        },
        End::Dashes | End::Nothing => Invocation::Run(reader.run(reader.next + 1)),
    };
    // Help is given whatever else is there.
    let is_help = matches!(asked, Invocation::Help(_));
    let Reader { problems, topic, .. } = reader;
    if problems.is_empty() || is_help { Ok(asked) } else { Err(Refusal { topic, problems }) }
}

/// What ended the options.
enum End {
    /// `--help` or `--version`.
    Asked(Invocation),
    /// A word that is no option.
    Word(OsString),
    /// `--`
    Dashes,
    /// Nothing is left.
    Nothing,
}

/// What is read, and what has been found so far.
pub(super) struct Reader<'a> {
    pub(super) words: Vec<OsString>,
    /// How many of them have been read.
    next: usize,
    given: Vec<(&'static str, OsString)>,
    variable: &'a dyn Fn(&str) -> Option<OsString>,
    pub(super) problems: Vec<String>,
    /// What is being read.
    pub(super) topic: Topic,
}

impl<'a> Reader<'a> {
    fn new(words: Vec<OsString>, variable: &'a dyn Fn(&str) -> Option<OsString>) -> Self {
        Reader { words, next: 0, given: Vec::new(), variable, problems: Vec::new(), topic: Topic::Onset }
    }

    fn word(&mut self) -> Option<OsString> {
        let word = self.words.get(self.next).cloned()?;
        self.next += 1;
        Some(word)
    }

    /// Reads options until something ends them. Behind two dashes stands a name, and behind a `=` its value; behind one dash
    /// a letter, and behind that its value, with a `=` or without. No letter but those of help and version is without one.
    fn options(&mut self, known: &[&'static Flag]) -> End {
        while let Some(word) = self.word() {
            let (option, attached) = match word.as_bytes() {
                b"--" => return End::Dashes,
                [b'-', b'-', ..] => named(word.as_bytes()),
                [b'-', _, ..] => lettered(word.as_bytes()),
                _ => return End::Word(word),
            };
            let Some(flag) = known.iter().find(|flag| flag.is(&option)) else {
                self.problems.push(unknown(&option, known));
                continue;
            };
            if flag.long == HELP.long {
                return End::Asked(Invocation::Help(self.topic));
            }
            if flag.long == VERSION.long {
                return End::Asked(Invocation::Version);
            }
            let value = match (flag.value, attached) {
                (None, None) => OsString::new(),
                (None, Some(_)) => {
                    self.problems.push(format!("`{option}` takes no value"));
                    OsString::new()
                }
                (Some(_), Some(value)) => OsStr::from_bytes(value).to_owned(),
                (Some(_), None) => match self.word() {
                    Some(value) => value,
                    None => {
                        self.problems.push(format!("`--{}` needs a value: {}", flag.long, flag.help));
                        continue;
                    }
                },
            };
            self.given.push((flag.long, value));
        }
        End::Nothing
    }

    /// Reads a subcommand's own options. The place in argv where its arguments start.
    ///
    /// # Errors
    /// Something else is asked for.
    pub(super) fn rest(&mut self, known: &[&'static Flag]) -> Result<usize, Invocation> {
        match self.options(known) {
            End::Asked(invocation) => Err(invocation),
            End::Word(_) => Ok(self.next),
            End::Dashes | End::Nothing => Ok(self.next + 1),
        }
    }

    /// Reads options and words in any order; behind `--` there are words alone.
    ///
    /// # Errors
    /// Something else is asked for.
    pub(super) fn mixed(&mut self, known: &[&'static Flag]) -> Result<Vec<OsString>, Invocation> {
        let mut words = Vec::new();
        loop {
            match self.options(known) {
                End::Asked(invocation) => return Err(invocation),
                End::Word(word) => words.push(word),
                End::Dashes => {
                    words.extend_from_slice(&self.words[self.next..]);
                    return Ok(words);
                }
                End::Nothing => return Ok(words),
            }
        }
    }

    #[inline(never)]
    fn check(&mut self) -> Invocation {
        let rest = match self.rest(&CHECK) {
            Ok(rest) => rest,
            Err(asked) => return asked,
        };
        if rest <= self.words.len() {
            let text = "`check` takes no arguments: the file it is to look at is named by `--config`";
            self.problems.push(text.to_owned());
        }
        Invocation::Check { config: self.config_file(), env: self.is_given(&ENV) }
    }

    #[inline(never)]
    fn plan(&mut self) -> Invocation {
        let arguments = match self.rest(&PLAN) {
            Ok(arguments) => arguments,
            Err(asked) => return asked,
        };
        let config = self.config_file();
        let json = self.setting(&FORMAT, |name| match name {
            "text" => Some(false),
            "json" => Some(true),
            _ => None,
        });
        Invocation::Plan { config, json: json.unwrap_or(false), arguments }
    }

    #[inline(never)]
    fn render(&mut self) -> Invocation {
        match self.rest(&RENDER) {
            Ok(targets) => Invocation::Render { config: self.config_file(), targets },
            Err(asked) => asked,
        }
    }

    #[inline(never)]
    fn install(&mut self, end: &End) -> Invocation {
        if !matches!(end, End::Nothing) {
            self.problems.push(format!("`--{}` takes no command: it makes links, and starts nothing", INSTALL.long));
        }
        let folder = self.value(&INSTALL).cloned().unwrap_or_default();
        if folder.is_empty() {
            self.problems.push(format!("`--{}` needs a value: {}", INSTALL.long, INSTALL.help));
        }
        Invocation::Install(folder)
    }

    fn run(&mut self, command: usize) -> Run {
        Run {
            exec: self.switch(&EXEC),
            group: self.switch(&GROUP),
            log_format: self.setting(&LOG_FORMAT, Format::from_name),
            log_level: self.setting(&LOG_LEVEL, Level::from_name),
            config: self.config_file(),
            command,
        }
    }

    pub(super) fn is_given(&self, flag: &Flag) -> bool {
        self.given.iter().any(|(name, _)| *name == flag.long)
    }

    /// The last of several counts.
    pub(super) fn value(&self, flag: &Flag) -> Option<&OsString> {
        self.values(flag).last()
    }

    /// All of them, in order.
    pub(super) fn values(&self, flag: &Flag) -> impl Iterator<Item = &OsString> {
        self.given.iter().filter(|(name, _)| *name == flag.long).map(|(_, value)| value)
    }

    /// The variable that stands in for an option. Empty counts as unset.
    fn by_variable(&self, flag: &Flag) -> Option<(&'static str, OsString)> {
        let name = flag.variable?;
        (self.variable)(name).filter(|value| !value.is_empty()).map(|value| (name, value))
    }

    fn config_file(&mut self) -> ConfigFile {
        let given = self.value(&CONFIG).cloned().or_else(|| self.by_variable(&CONFIG).map(|(_, value)| value));
        given.map_or(ConfigFile::Usual, ConfigFile::Named)
    }

    fn switch(&mut self, flag: &Flag) -> bool {
        if self.is_given(flag) {
            return true;
        }
        let Some((name, value)) = self.by_variable(flag) else { return false };
        match value.to_string_lossy().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => true,
            "0" | "false" | "no" | "off" => false,
            _ => {
                self.refuse(name, &value, "accepted are ", "1, true, yes, on, 0, false, no, off");
                false
            }
        }
    }

    /// A setting by option, else by variable; `None`: by neither.
    fn setting<T>(&mut self, flag: &Flag, from_name: impl Fn(&str) -> Option<T>) -> Option<T> {
        let (name, value) = self.chosen(flag)?;
        let setting = value.to_str().and_then(from_name);
        if setting.is_none() {
            self.refuse(&name, &value, "accepted are ", flag.help);
        }
        setting
    }

    /// What was said by option, else by variable, and which it was.
    fn chosen(&self, flag: &Flag) -> Option<(String, OsString)> {
        match self.value(flag) {
            Some(value) => Some((format!("`--{}`", flag.long), value.clone())),
            None => self.by_variable(flag).map(|(name, value)| (name.to_owned(), value)),
        }
    }

    /// `accepted`: what would be, in two parts.
    fn refuse(&mut self, name: &str, value: &OsStr, accepted: &str, which: &str) {
        self.problems.push(format!("{name} is `{}`: {accepted}{which}", value.to_string_lossy()));
    }

    pub(super) fn refuse_option(&mut self, flag: &Flag, value: &OsStr, accepted: &str) {
        self.refuse(&format!("`--{}`", flag.long), value, accepted, "");
    }
}

/// `--name` or `--name=value`: the option, and its value if one is attached.
fn named(word: &[u8]) -> (String, Option<&[u8]>) {
    let end = word.iter().position(|&byte| byte == b'=');
    let name = String::from_utf8_lossy(&word[..end.unwrap_or(word.len())]);
    (name.into_owned(), end.map(|end| &word[end + 1..]))
}

/// `-x`, `-xvalue` or `-x=value`: the same.
fn lettered(word: &[u8]) -> (String, Option<&[u8]>) {
    let letter = String::from_utf8_lossy(&word[1..]).chars().next().unwrap_or_default();
    let value = word.get(2..).filter(|rest| !rest.is_empty());
    (format!("-{letter}"), value.map(|rest| rest.strip_prefix(b"=").unwrap_or(rest)))
}

fn unknown(option: &str, known: &[&Flag]) -> String {
    let mut text = format!("unknown option `{option}`: accepted are ");
    for (index, flag) in known.iter().enumerate() {
        text += if index == 0 { "--" } else { ", --" };
        text += flag.long;
    }
    text
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

    const PLAIN: Run =
        Run { exec: false, group: false, log_format: None, log_level: None, config: ConfigFile::Usual, command: 1 };

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
    fn without_a_command_there_may_be_a_configuration_that_has_one() {
        assert_eq!(run(&[], &[]).command, 1);
        assert_eq!(run(&["--"], &[]).command, 2);
        assert_eq!(run(&["--group"], &[]).command, 2);
    }

    #[test]
    fn a_value_is_attached_or_follows() {
        let text = Run { log_format: Some(Format::Text), ..PLAIN };
        assert_eq!(run(&["--log-format=text", "app"], &[]), Run { command: 2, ..text });
        let Run { command, .. } = run(&["--log-format", "text", "--log-level", "off", "app"], &[]);
        assert_eq!(command, 5);
        assert_eq!(run(&["--log-level", "debug", "--", "a"], &[]).log_level, Some(Level::Debug));
    }

    #[test]
    fn an_option_wins_over_its_variable() {
        let variables =
            [("ONSET_LOG_LEVEL", "debug"), ("ONSET_GROUP", "yes"), ("ONSET_EXEC", ""), ("ONSET_CONFIG", "/a")];
        let Run { log_level, group, exec, config, .. } = run(&["--log-level", "warn", "app"], &variables);
        assert_eq!((log_level, group, exec), (Some(Level::Warn), true, false));
        assert_eq!(config, ConfigFile::Named("/a".into()));
        assert_eq!(run(&["--config", "/b", "x"], &variables).config, ConfigFile::Named("/b".into()));
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let problems = parsed(&["--nope=1", "-x", "--group=1", "--log-format", "xml"], &[("ONSET_EXEC", "maybe")]);
        let accepted =
            "accepted are --config, --exec, --group, --log-format, --log-level, --install, --help, --version";
        assert_eq!(
            problems.unwrap_err(),
            [
                format!("unknown option `--nope`: {accepted}"),
                format!("unknown option `-x`: {accepted}"),
                "`--group` takes no value".to_owned(),
                "ONSET_EXEC is `maybe`: accepted are 1, true, yes, on, 0, false, no, off".to_owned(),
                "`--log-format` is `xml`: accepted are json (default), gcp, ecs, otel, datadog or text".to_owned(),
            ]
        );
        assert_eq!(
            parsed(&["--log-level"], &[]).unwrap_err(),
            ["`--log-level` needs a value: off, error, warn, info (default) or debug"]
        );
    }

    #[test]
    fn to_install_is_to_start_nothing() {
        assert_eq!(parsed(&["--install", "/bin"], &[]), Ok(Invocation::Install("/bin".into())));
        assert_eq!(parsed(&["--install=/a", "--install=/b"], &[]), Ok(Invocation::Install("/b".into())));
        for more in [&["--install", "/bin", "app"][..], &["--install", "/bin", "--"], &["--install=/bin", "check"]] {
            let problem = ["`--install` takes no command: it makes links, and starts nothing"];
            assert_eq!(parsed(more, &[]).unwrap_err(), problem);
        }
        // An empty one would be the working directory, which is never meant.
        for none in [&["--install"][..], &["--install", ""], &["--install="]] {
            let problem =
                ["`--install` needs a value: make DIR, and in it links tini, docker-init, dumb-init, catatonit"];
            assert_eq!(parsed(none, &[]).unwrap_err(), problem, "{none:?}");
        }
    }

    #[test]
    fn behind_two_dashes_and_with_a_slash_a_subcommand_is_a_program() {
        assert_eq!(parsed(&["version"], &[]), Ok(Invocation::Version));
        for word in ["check", "plan", "render", "probe", "exec", "sleep", "version"] {
            assert_eq!(run(&["--", word], &[]).command, 2);
            assert_eq!(run(&[&format!("./{word}")], &[]).command, 1);
        }
    }

    #[test]
    fn subcommands_take_their_own_options() {
        let named = |name: &str| ConfigFile::Named(name.into());
        assert_eq!(parsed(&["check"], &[]), Ok(Invocation::Check { config: ConfigFile::Usual, env: false }));
        assert_eq!(
            parsed(&["--config", "/a", "check", "--env"], &[]),
            Ok(Invocation::Check { config: named("/a"), env: true })
        );
        let plan = |config, json, arguments| Ok(Invocation::Plan { config, json, arguments });
        assert_eq!(parsed(&["plan"], &[]), plan(ConfigFile::Usual, false, 2));
        assert_eq!(parsed(&["plan", "--config=/b", "--format", "json", "--", "-x"], &[]), plan(named("/b"), true, 6));
        assert_eq!(parsed(&["plan", "nginx", "-V"], &[]), plan(ConfigFile::Usual, false, 2));
        assert_eq!(
            parsed(&["render", "/etc/x"], &[]),
            Ok(Invocation::Render { config: ConfigFile::Usual, targets: 2 })
        );
        assert!(parsed(&["check", "--nope"], &[]).is_err());
    }
}
