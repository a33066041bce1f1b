//! The options: each one a fact with its names, its variable and its help.

use crate::report::{Format, Level};

/// One option of the command line.
pub struct Flag {
    /// The long name, without dashes.
    pub long: &'static str,
    /// The short name.
    pub short: Option<char>,
    /// What its value is called, if it takes one.
    pub value: Option<&'static str>,
    /// The variable that stands in for it; the option wins.
    pub variable: Option<&'static str>,
    /// What it does, in one line.
    pub help: &'static str,
}

/// `--config`
pub const CONFIG: Flag = Flag {
    long: "config",
    short: None,
    value: Some("FILE"),
    variable: Some("ONSET_CONFIG"),
    help: "the configuration (default /etc/onset/onset.toml, if there)",
};
/// `--exec`
pub const EXEC: Flag = Flag {
    long: "exec",
    short: None,
    value: None,
    variable: Some("ONSET_EXEC"),
    help: "become COMMAND: no supervisor stays behind",
};
/// `--group`
pub const GROUP: Flag = Flag {
    long: "group",
    short: None,
    value: None,
    variable: Some("ONSET_GROUP"),
    help: "forward signals to COMMAND's whole process group",
};
/// `--log-format`
pub const LOG_FORMAT: Flag = Flag {
    long: "log-format",
    short: None,
    value: Some("FORMAT"),
    variable: Some("ONSET_LOG_FORMAT"),
    help: Format::HELP,
};
/// `--log-level`
pub const LOG_LEVEL: Flag =
    Flag { long: "log-level", short: None, value: Some("LEVEL"), variable: Some("ONSET_LOG_LEVEL"), help: Level::HELP };
/// `--help`
pub const HELP: Flag =
    Flag { long: "help", short: Some('h'), value: None, variable: None, help: "print this and exit" };
/// `--version`
pub const VERSION: Flag =
    Flag { long: "version", short: Some('V'), value: None, variable: None, help: "print the version and exit" };

/// All of them, in the order of the help.
pub const OPTIONS: [&Flag; 7] = [&CONFIG, &EXEC, &GROUP, &LOG_FORMAT, &LOG_LEVEL, &HELP, &VERSION];

/// `check --env`
pub const ENV: Flag = Flag {
    long: "env",
    short: None,
    value: None,
    variable: None,
    help: "check: with the environment, as a start would",
};
/// `plan --format`
pub const FORMAT: Flag =
    Flag { long: "format", short: None, value: Some("FORMAT"), variable: None, help: "text (default) or json" };

/// Words that will be subcommands: as a program's name they need the `--`.
pub const RESERVED: [&str; 3] = ["probe", "exec", "sleep"];

/// The usage line.
pub fn usage() -> &'static str {
    "usage: onset [OPTIONS] [--] COMMAND [ARGS...]"
}

/// What `--help` prints.
pub fn help() -> String {
    let mut text = format!(
        "onset {}: PID 1 for containers that have no shell\n\n{}\n\n\
         Starts COMMAND as the main process, forwards every signal to it, reaps every orphan, ends with its status.\n\
         A configuration says what is to be done before. Options end at the first word that is not one, or at `--`.\n\n\
         Options:\n",
        env!("CARGO_PKG_VERSION"),
        usage(),
    );
    for flag in OPTIONS {
        text = format!("{text}  {:<25}{}{}\n", flag.names(), flag.help, flag.variable.map_or(String::new(), bracketed));
    }
    text += "\nWithout starting anything, and without changing anything:\n";
    for (command, help) in [
        ("check [--env]", "is the configuration in order?"),
        ("plan [--format json] [ARGS...]", "what would happen, in order; secrets are not shown"),
        ("render [TARGET...]", "the files that would be written; secrets are not shown"),
    ] {
        text = format!("{text}  onset {command:<32}{help}\n");
    }
    text += "\nExit status: COMMAND's own; 128+n if signal n ended it; 127 not found; 126 not executable;\n\
             125 onset's own refusal. Reports go to stderr, one line each.\n";
    text
}

fn bracketed(variable: &str) -> String {
    format!(" [{variable}]")
}

impl Flag {
    fn names(&self) -> String {
        let short = self.short.map_or("    ".to_owned(), |short| format!("-{short}, "));
        let value = self.value.map_or(String::new(), |value| format!(" {value}"));
        format!("{short}--{}{value}", self.long)
    }
}
