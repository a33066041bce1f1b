//! catatonit, as of 0.2: its options, variables and messages.

use super::getopt::{Getopt, Syntax};
use super::news::News;
use super::{Asked, LICENCE, Start, Variable, numbers, words_of, wrong_usage};
use crate::policy::Target;
use crate::sys::wait::WaitStatus;
use std::ffi::CString;
use std::fmt::{self, Write};

/// `tini version` in its own program too, because dockerd asks for it.
const VERSION: &str = "tini version 0.2.1_catatonit\n";

const USAGE: &str = "usage: catatonit [-ghLPV] [--] <progname> [<arguments>...]\n";

const HELP: &str = "\
usage: catatonit [-ghLPV] [--] <progname> [<arguments>...]

options:
  -g              Signals go to the whole process group of the program.
  -h              Show this page.
  -L              Show the licence.
  -P              Pause: run no program, and end on SIGINT or SIGTERM.
  -V, --version   Show the version.
";

static SYNTAX: Syntax = Syntax { letters: b"ghLPV", names: &[("version", b'V')] };

/// catatonit's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voice {
    /// Our own number.
    pid: i32,
    /// Whether more than errors is said.
    debug: bool,
}

/// Reads argv and the variables.
#[inline(never)]
pub fn parse(argv: &[&[u8]], variable: Variable<'_>, pid: i32) -> Asked {
    let voice = Voice { pid, debug: variable("CATATONIT_DEBUG").is_some() };
    if variable("CATATONIT_LOG").is_some() {
        return refuse(voice.error("CATATONIT_LOG is reserved for future use"));
    }
    let mut group = false;
    let mut pause = false;
    let mut getopt = Getopt::new(argv, &SYNTAX);
    loop {
        let (letter, _) = match getopt.option() {
            Ok(Some(given)) => given,
            Ok(None) => break,
            Err(problem) => return wrong_usage(argv, &problem, USAGE),
        };
        match letter {
            b'g' => group = true,
            b'P' => pause = true,
            b'h' => return print(false, HELP),
            b'L' => return print(true, LICENCE),
            b'V' => return print(true, VERSION),
            _ => {}
        }
    }
    if pause {
        return Asked::Pause(super::Voice::Catatonit(voice));
    }
    if !getopt.has_command() {
        return refuse(voice.error("missing program name") + USAGE);
    }
    let target = if group { Target::Group } else { Target::Main };
    let command = getopt.command(variable("POSIXLY_CORRECT").is_none());
    let mut start = Start::plain(command, target, super::Voice::Catatonit(voice));
    start.hands_sockets_on = true;
    Asked::Start(start)
}

fn print(to_stdout: bool, text: &str) -> Asked {
    Asked::Print { to_stdout, text: text.to_owned(), status: 0 }
}

fn refuse(text: String) -> Asked {
    Asked::Print { to_stdout: false, text, status: 1 }
}

/// An entry of the environment as the command is to find it: LISTEN_PID, which says whom the sockets are for, names the
/// command where it named the init (sd_listen_fds(3)). `None`: as it is.
pub fn hand_sockets_on(entry: &[u8], init: i32, command: i32) -> Option<CString> {
    let (number, _) = numbers::leading(entry.strip_prefix(b"LISTEN_PID=")?)?;
    (number == i64::from(init)).then(|| CString::new(format!("LISTEN_PID={command}")).unwrap_or_default())
}

impl Voice {
    /// Whether more than errors is said.
    pub fn is_verbose(self) -> bool {
        self.debug
    }

    fn error(self, text: &str) -> String {
        format!("ERROR (catatonit:{}): {text}\n", self.pid)
    }

    /// What catatonit would say, if anything.
    pub fn say(self, news: News<'_>, said: &mut String) {
        let mut line = |level: &str, text: fmt::Arguments<'_>| {
            if self.debug {
                let _ = writeln!(said, "{level} (catatonit:{}): {text}", self.pid);
            }
        };
        match news {
            News::Started { pid, program } => {
                line("DEBUG", format_args!("pid1 ({pid}) spawned: {}", String::from_utf8_lossy(program)));
            }
            News::Failed(cause) => *said += &self.error(cause),
            News::NotForwarded(signal, error) => {
                let (signal, error) = (signal.number(), words_of(error));
                line("WARN", format_args!("forwarding of signal {signal} to pid1 failed: {error}"));
            }
            News::Reaped(pid, WaitStatus::Exited(code)) => {
                line("DEBUG", format_args!("child process {pid} exited with code {code}"));
            }
            News::Reaped(pid, WaitStatus::Killed { signal, .. } | WaitStatus::Stopped(signal)) => {
                line("DEBUG", format_args!("child process {pid} exited due to signal {}", signal.number()));
            }
            News::NoTerminal(error) => {
                line("WARN", format_args!("setting foreground process failed: {}", words_of(error)));
            }
            News::SubReaper | News::Forwarded { .. } | News::Ended(..) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::report::{Format, Level};
    use nix::errno::Errno;
    use nix::unistd::Pid;

    fn asked(words: &[&str], variables: &[(&str, &str)]) -> Asked {
        let argv: Vec<&[u8]> = std::iter::once(&"catatonit").chain(words).map(|word| word.as_bytes()).collect();
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        parse(&argv, &find, 1)
    }

    fn started(words: &[&str]) -> Start {
        match asked(words, &[]) {
            Asked::Start(start) => *start,
            other => panic!("{words:?}: {other:?}"),
        }
    }

    fn printed(words: &[&str], variables: &[(&str, &str)]) -> (u8, bool, String) {
        match asked(words, variables) {
            Asked::Print { to_stdout, text, status } => (status, to_stdout, text),
            other => panic!("{words:?}: {other:?}"),
        }
    }

    #[test]
    fn a_command_is_started_and_told_alone_or_with_its_group() {
        let start = started(&["--", "app", "-x"]);
        assert_eq!((start.command.first, start.hands_sockets_on), (2, true));
        assert_eq!(start.policy, Policy::plain(Target::Main, Format::Text, Level::Off));
        assert_eq!(started(&["-g", "app"]).policy.forward_to, Target::Group);
        assert_eq!(started(&["app", "--", "-x"]).command.without, Some(2));
    }

    #[test]
    fn pause_needs_no_command_and_minds_none() {
        let voice = super::super::Voice::Catatonit(Voice { pid: 1, debug: false });
        for words in [&["-P"][..], &["-gP"], &["-P", "app"]] {
            assert_eq!(asked(words, &[]), Asked::Pause(voice));
        }
    }

    #[test]
    fn what_it_prints_goes_where_catatonit_prints_it() {
        assert_eq!(printed(&["-h"], &[]), (0, false, HELP.to_owned()));
        assert_eq!(printed(&["-L"], &[]), (0, true, LICENCE.to_owned()));
        for words in [["-V"], ["--version"], ["--v"]] {
            assert_eq!(printed(&words, &[]), (0, true, VERSION.to_owned()));
        }
        assert!(HELP.starts_with(USAGE) && VERSION.starts_with("tini version "));
        let missing = format!("ERROR (catatonit:1): missing program name\n{USAGE}");
        assert_eq!(printed(&[], &[]), (1, false, missing.clone()));
        assert_eq!(printed(&["-g", "--"], &[]), (1, false, missing));
        assert_eq!(printed(&["-gx"], &[]), (1, false, format!("catatonit: invalid option -- 'x'\n{USAGE}")));
        let taken = "ERROR (catatonit:1): CATATONIT_LOG is reserved for future use\n".to_owned();
        assert_eq!(printed(&["-h"], &[("CATATONIT_LOG", "")]), (1, false, taken));
    }

    #[test]
    fn errors_are_always_said_and_the_rest_with_catatonit_debug() {
        let pid = Pid::from_raw(7);
        let news = [
            News::Started { pid, program: b"app" },
            News::Reaped(pid, WaitStatus::Exited(3)),
            News::NotForwarded(crate::sys::signal::Signal::TERM, Errno::ESRCH),
            News::Failed("failed to exec pid1: Permission denied"),
        ];
        let said = |debug| {
            let mut said = String::new();
            news.into_iter().for_each(|news| Voice { pid: 1, debug }.say(news, &mut said));
            said
        };
        let error = "ERROR (catatonit:1): failed to exec pid1: Permission denied\n";
        assert_eq!(said(false), error);
        let debug = "DEBUG (catatonit:1): pid1 (7) spawned: app\n\
                     DEBUG (catatonit:1): child process 7 exited with code 3\n\
                     WARN (catatonit:1): forwarding of signal 15 to pid1 failed: No such process\n";
        assert_eq!(said(true), format!("{debug}{error}"));
        match asked(&["-P"], &[("CATATONIT_DEBUG", "")]) {
            Asked::Pause(super::super::Voice::Catatonit(voice)) => assert!(voice.debug),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn sockets_that_were_for_the_init_are_for_the_command() {
        let entry = |text: &str| hand_sockets_on(text.as_bytes(), 1, 7);
        assert_eq!(entry("LISTEN_PID=1"), Some(c"LISTEN_PID=7".to_owned()));
        assert_eq!(
            [entry("LISTEN_PID=12"), entry("LISTEN_PID="), entry("LISTEN_PIDS=1"), entry("X=1")],
            [const { None }; 4]
        );
    }
}
