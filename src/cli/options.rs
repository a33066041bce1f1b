//! The options: each one a fact with its names, its variable and its help.

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
    help: "json (default) or text",
};
/// `--log-level`
pub const LOG_LEVEL: Flag = Flag {
    long: "log-level",
    short: None,
    value: Some("LEVEL"),
    variable: Some("ONSET_LOG_LEVEL"),
    help: "off, error, warn, info (default) or debug",
};
/// `--help`
pub const HELP: Flag =
    Flag { long: "help", short: Some('h'), value: None, variable: None, help: "print this and exit" };
/// `--version`
pub const VERSION: Flag =
    Flag { long: "version", short: Some('V'), value: None, variable: None, help: "print the version and exit" };

/// All of them, in the order of the help.
pub const OPTIONS: [&Flag; 6] = [&EXEC, &GROUP, &LOG_FORMAT, &LOG_LEVEL, &HELP, &VERSION];

/// Words that will be subcommands: as a program's name they need the `--`.
pub const RESERVED: [&str; 6] = ["check", "plan", "render", "probe", "exec", "sleep"];

/// The usage line.
pub fn usage() -> &'static str {
    "usage: onset [OPTIONS] [--] COMMAND [ARGS...]"
}

/// What `--help` prints.
pub fn help() -> String {
    let mut text = format!(
        "onset {}: PID 1 for containers that have no shell\n\n{}\n\n\
         Starts COMMAND as the main process, forwards every signal to it, reaps every orphan, ends with its status.\n\
         Options end at the first word that is not one, or at `--`.\n\nOptions:\n",
        env!("CARGO_PKG_VERSION"),
        usage(),
    );
    for flag in OPTIONS {
        let short = flag.short.map_or("    ".to_owned(), |short| format!("-{short}, "));
        let value = flag.value.map_or(String::new(), |value| format!(" {value}"));
        let variable = flag.variable.map_or(String::new(), |variable| format!(" [{variable}]"));
        let names = format!("{short}--{}{value}", flag.long);
        text = format!("{text}  {names:<25}{}{variable}\n", flag.help);
    }
    text += "\nExit status: COMMAND's own; 128+n if signal n ended it; 127 not found; 126 not executable;\n\
             125 onset's own refusal. Reports go to stderr, one line each.\n";
    text
}
