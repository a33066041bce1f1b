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
/// `--install`
pub const INSTALL: Flag = Flag {
    long: "install",
    short: None,
    value: Some("DIR"),
    variable: None,
    help: "make DIR, and in it links tini, docker-init, dumb-init, catatonit",
};
/// `--help`
pub const HELP: Flag =
    Flag { long: "help", short: Some('h'), value: None, variable: None, help: "print this and exit" };
/// `--version`
pub const VERSION: Flag =
    Flag { long: "version", short: Some('V'), value: None, variable: None, help: "print the version and exit" };

/// All of them, in the order of the help.
pub const OPTIONS: [&Flag; 8] = [&CONFIG, &EXEC, &GROUP, &LOG_FORMAT, &LOG_LEVEL, &INSTALL, &HELP, &VERSION];

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

/// `probe --method`
pub const METHOD: Flag = Flag {
    long: "method",
    short: Some('X'),
    value: Some("METHOD"),
    variable: None,
    help: "how pages are asked for: GET (default), HEAD, POST ...",
};
/// `probe --header`
pub const HEADER: Flag = Flag {
    long: "header",
    short: Some('H'),
    value: Some("HEADER"),
    variable: None,
    help: "one more header, 'Name: value'; Host as well",
};
/// `probe --status`
pub const STATUS: Flag = Flag {
    long: "status",
    short: None,
    value: Some("LIST"),
    variable: None,
    help: "the statuses that are a success, such as 200-299,401 (default 200-399)",
};
/// `probe --contains`
pub const CONTAINS: Flag = Flag {
    long: "contains",
    short: None,
    value: Some("TEXT"),
    variable: None,
    help: "what must be in the answer, in its first MiB",
};
/// `probe --unix-socket`
pub const UNIX_SOCKET: Flag = Flag {
    long: "unix-socket",
    short: None,
    value: Some("PATH"),
    variable: None,
    help: "ask at this socket instead of at the URL's host",
};
/// `probe --younger-than`
pub const YOUNGER_THAN: Flag = Flag {
    long: "younger-than",
    short: None,
    value: Some("TIME"),
    variable: None,
    help: "a file must have been changed since, such as 30s or 5m",
};
/// `probe --timeout`
pub const TIMEOUT: Flag = Flag {
    long: "timeout",
    short: None,
    value: Some("TIME"),
    variable: None,
    help: "how long all of it may take, such as 500ms (default 5s)",
};
/// `probe --pid`, `exec --pid`
pub const PID: Flag = Flag {
    long: "pid",
    short: None,
    value: Some("PID"),
    variable: None,
    help: "the number of the onset that is meant, where there are several",
};
/// `exec --keep-user`
pub const KEEP_USER: Flag = Flag {
    long: "keep-user",
    short: None,
    value: None,
    variable: None,
    help: "stay the user that onset exec was started as",
};

impl Flag {
    /// Whether that is its name, dashes and all.
    pub fn is(&self, written: &str) -> bool {
        match written.strip_prefix("--") {
            Some(name) => name == self.long,
            None => self.short.is_some_and(|letter| written.ends_with(letter)),
        }
    }

    /// Its line in a help text.
    pub fn line(&self) -> String {
        let mut names = match self.short {
            Some(letter) => format!("-{letter}, --{}", self.long),
            None => format!("    --{}", self.long),
        };
        if let Some(value) = self.value {
            names = names + " " + value;
        }
        let mut line = format!("  {names:<25}{}", self.help);
        if let Some(variable) = self.variable {
            line = line + " [" + variable + "]";
        }
        line + "\n"
    }
}
