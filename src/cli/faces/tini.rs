//! tini, as of 0.19: its options, variables and messages.

use super::getopt::{Getopt, Syntax};
use super::news::News;
use super::{Asked, LICENCE, Start, Variable, numbers, words_of, wrong_usage};
use crate::policy::{ExitMap, Target};
use crate::sys::signal::Signal;
use crate::sys::wait::WaitStatus;
use nix::errno::Errno;
use std::fmt::{self, Write};
use std::os::unix::ffi::OsStrExt;

/// dockerd takes what is between `tini version ` and ` - ` for the version, and what follows `git.` for the commit.
const VERSION: &str = "tini version 0.19.0 - git.onset";

static SYNTAX: Syntax = Syntax { letters: b"p:hvwgle:s", names: &[] };

/// What is said, as in tini: higher is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Loudness {
    Fatal,
    Warn,
    Info,
    Debug,
    Trace,
}

/// tini's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voice {
    /// Our own number.
    pid: i32,
    /// How much is said: 0 what is fatal, 1 warnings (default), 4 everything.
    verbosity: i64,
    /// Whether each process that is reaped is a warning.
    warns_of_reaping: bool,
}

/// Reads argv and the variables.
#[inline(never)] // a frame of its own, as for each face: what is in a small one takes a byte to say where
pub fn parse(argv: &[&[u8]], variable: Variable<'_>, pid: i32) -> Asked {
    if argv.len() == 2 && argv[1] == b"--version" {
        return Asked::Print { to_stdout: true, text: format!("{VERSION}\n"), status: 0 };
    }
    let mut voice = Voice { pid, verbosity: 1, warns_of_reaping: false };
    let mut group = false;
    let mut parent_death = None;
    let mut exit = ExitMap::none();
    let mut getopt = Getopt::new(argv, &SYNTAX);
    loop {
        let (letter, value) = match getopt.option() {
            Ok(Some(given)) => given,
            Ok(None) => break,
            Err(problem) => return wrong_usage(argv, &problem, &help(argv)),
        };
        match letter {
            b'h' => return print(help(argv)),
            b'l' => return print(LICENCE.to_owned()),
            b'v' => voice.verbosity += 1,
            b'w' => voice.warns_of_reaping = true,
            b'g' => group = true,
            b'p' => match named(value) {
                Some(signal) => parent_death = Some(signal),
                None => return voice.refuse('p', value),
            },
            // The empty text is 0 to tini.
            b'e' => match numbers::whole(value).or(value.is_empty().then_some(0)).map(u8::try_from) {
                Some(Ok(status)) => exit.set(status, 0),
                Some(Err(_)) | None => return voice.refuse('e', value),
            },
            // -s: a sub-reaper onset is anyway, where it is not PID 1.
            _ => {}
        }
    }
    if !getopt.has_command() {
        return Asked::Print { to_stdout: false, text: help(argv), status: 1 };
    }
    if let Some(verbosity) = variable("TINI_VERBOSITY") {
        // As atoi(3) into an unsigned number: below zero is everything.
        let number = numbers::leading(verbosity.as_bytes()).map_or(0, |(number, _)| number);
        voice.verbosity = if number < 0 { i64::MAX } else { number };
    }
    let target = if group || variable("TINI_KILL_PROCESS_GROUP").is_some() { Target::Group } else { Target::Main };
    let command = getopt.command(variable("POSIXLY_CORRECT").is_none());
    let mut start = Start::plain(command, target, super::Voice::Tini(voice));
    start.policy.exit = exit;
    start.parent_death = parent_death;
    Asked::Start(start)
}

/// `SIGTERM` and the like, no numbers and no short names.
fn named(text: &[u8]) -> Option<Signal> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.starts_with("SIG"))?;
    Signal::from_name(text).filter(|signal| signal.to_string() == text)
}

fn print(text: String) -> Asked {
    Asked::Print { to_stdout: true, text, status: 0 }
}

impl Voice {
    /// Whether more than warnings is said.
    pub fn is_verbose(self) -> bool {
        self.verbosity >= Loudness::Info as i64
    }

    fn line(self, loudness: Loudness, text: fmt::Arguments<'_>, said: &mut String) {
        if self.verbosity < loudness as i64 {
            return;
        }
        let name = match loudness {
            Loudness::Fatal => "FATAL",
            Loudness::Warn => "WARN ",
            Loudness::Info => "INFO ",
            Loudness::Debug => "DEBUG",
            Loudness::Trace => "TRACE",
        };
        let _ = writeln!(said, "[{name} tini ({})] {text}", self.pid);
    }

    fn refuse(self, option: char, value: &[u8]) -> Asked {
        let value = String::from_utf8_lossy(value);
        let mut text = String::new();
        self.line(Loudness::Fatal, format_args!("Not a valid option for -{option}: {value}"), &mut text);
        Asked::Print { to_stdout: false, text, status: 1 }
    }

    fn reaped(self, pid: nix::unistd::Pid, said: &mut String) {
        self.line(Loudness::Debug, format_args!("Received SIGCHLD"), said);
        self.line(Loudness::Debug, format_args!("Reaped child with pid: '{pid}'"), said);
    }

    /// What tini would say, if anything.
    pub fn say(self, news: News<'_>, said: &mut String) {
        let mut line = |loudness, text: fmt::Arguments<'_>| self.line(loudness, text, said);
        match news {
            News::SubReaper => line(Loudness::Trace, format_args!("Registered as child subreaper")),
            News::Started { pid, program } => {
                let program = String::from_utf8_lossy(program);
                line(Loudness::Info, format_args!("Spawned child process '{program}' with pid '{pid}'"));
            }
            News::Failed(cause) => line(Loudness::Fatal, format_args!("{cause}")),
            News::Forwarded { received, .. } => line(Loudness::Debug, format_args!("Passing signal: '{received}'")),
            News::NotForwarded(_, Errno::ESRCH) => {
                line(Loudness::Warn, format_args!("Child was dead when forwarding signal"));
            }
            News::NotForwarded(_, error) => {
                let error = words_of(error);
                line(Loudness::Warn, format_args!("Unexpected error when forwarding signal: '{error}'"));
            }
            News::Reaped(pid, _) => {
                self.reaped(pid, said);
                if self.warns_of_reaping {
                    self.line(Loudness::Warn, format_args!("Reaped zombie process with pid={pid}"), said);
                }
            }
            News::Ended(pid, status) => {
                self.reaped(pid, said);
                let mut line = |text: fmt::Arguments<'_>| self.line(Loudness::Info, text, said);
                match status {
                    WaitStatus::Exited(code) => {
                        line(format_args!("Main child exited normally (with status '{code}')"));
                    }
                    WaitStatus::Killed { signal, .. } | WaitStatus::Stopped(signal) => {
                        line(format_args!("Main child exited with signal (with signal '{signal}')"));
                    }
                }
            }
            News::NoTerminal(error) => line(Loudness::Warn, format_args!("tcsetpgrp failed: {}", words_of(error))),
        }
    }
}

fn help(argv: &[&[u8]]) -> String {
    let name = argv.first().copied().unwrap_or_default().rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let name = String::from_utf8_lossy(name);
    format!(
        "{name} ({VERSION})
Usage: {name} [OPTIONS] PROGRAM -- [ARGS] | --version

Execute a program under the supervision of a valid init process ({name})

Command line options:

  --version: Show version and exit.
  -h: Show this help message and exit.
  -s: Register as a process subreaper (requires Linux >= 3.4).
  -p SIGNAL: Trigger SIGNAL when parent dies, e.g. \"-p SIGKILL\".
  -v: Generate more verbose output. Repeat up to 3 times.
  -w: Print a warning when processes are getting reaped.
  -g: Send signals to the child's process group.
  -e EXIT_CODE: Remap EXIT_CODE (from 0 to 255) to 0.
  -l: Show license and exit.

Environment variables:

  TINI_SUBREAPER: Register as a process subreaper (requires Linux >= 3.4).
  TINI_VERBOSITY: Set the verbosity level (default: 1).
  TINI_KILL_PROCESS_GROUP: Send signals to the child's process group.

"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::faces::{Command, Voice as AnyVoice};
    use crate::policy::Policy;
    use crate::report::{Format, Level};
    use nix::unistd::Pid;

    fn asked(words: &[&str], variables: &[(&str, &str)]) -> Asked {
        let argv: Vec<&[u8]> = std::iter::once(&"/sbin/tini").chain(words).map(|word| word.as_bytes()).collect();
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        parse(&argv, &find, 1)
    }

    fn started(words: &[&str], variables: &[(&str, &str)]) -> Start {
        match asked(words, variables) {
            Asked::Start(start) => *start,
            other => panic!("{words:?}: {other:?}"),
        }
    }

    fn voice(words: &[&str], variables: &[(&str, &str)]) -> Voice {
        match started(words, variables).voice {
            AnyVoice::Tini(voice) => voice,
            other => panic!("{other:?}"),
        }
    }

    /// Status, whether it is stdout, text.
    fn printed(words: &[&str]) -> (u8, bool, String) {
        match asked(words, &[]) {
            Asked::Print { to_stdout, text, status } => (status, to_stdout, text),
            other => panic!("{words:?}: {other:?}"),
        }
    }

    #[test]
    fn without_options_it_forwards_to_main_and_maps_nothing() {
        let start = started(&["app", "-x"], &[]);
        assert_eq!(start.command, Command { first: 1, without: None });
        assert_eq!(start.policy, Policy::plain(Target::Main, Format::Text, Level::Off));
        assert_eq!((start.parent_death, start.dumb_init, start.hands_sockets_on), (None, None, false));
        assert_eq!(started(&["--", "app"], &[]).command.first, 2);
        assert_eq!(started(&["app", "--", "-x"], &[]).command, Command { first: 1, without: Some(2) });
        assert_eq!(started(&["app", "--", "-x"], &[("POSIXLY_CORRECT", "")]).command.without, None);
    }

    #[test]
    fn every_option_does_what_it_says() {
        assert_eq!(started(&["-g", "app"], &[]).policy.forward_to, Target::Group);
        assert_eq!(started(&["-s", "app"], &[]), started(&["--", "app"], &[]), "it is a sub-reaper anyway");
        assert_eq!(started(&["-p", "SIGTERM", "app"], &[]).parent_death, Some(Signal::TERM));
        assert_eq!(started(&["-pSIGKILL", "app"], &[]).parent_death, Some(Signal::KILL));
        let exit = started(&["-e", "143", "-e7", "-e", "", "app"], &[]).policy.exit;
        assert_eq!([143, 7, 0, 1].map(|status| exit.get(status)), [0, 0, 0, 1]);
        assert!(voice(&["-w", "app"], &[]).warns_of_reaping);
        assert_eq!(voice(&["app"], &[]).verbosity, 1);
        assert_eq!(voice(&["-vvv", "app"], &[]).verbosity, 4);
        let cluster = started(&["-gvve", "143", "app"], &[]);
        assert_eq!(
            (cluster.policy.forward_to, cluster.policy.exit.get(143), cluster.command.first),
            (Target::Group, 0, 3)
        );
    }

    #[test]
    fn every_variable_does_what_it_says() {
        assert_eq!(started(&["app"], &[("TINI_KILL_PROCESS_GROUP", "")]).policy.forward_to, Target::Group);
        assert_eq!(started(&["app"], &[("TINI_SUBREAPER", "")]), started(&["app"], &[]));
        for (value, verbosity) in [("0", 0), ("3", 3), ("3x", 3), ("", 0), ("loud", 0), ("-1", i64::MAX)] {
            assert_eq!(voice(&["-vvv", "app"], &[("TINI_VERBOSITY", value)]).verbosity, verbosity, "{value}");
        }
    }

    #[test]
    fn the_version_line_is_one_that_dockerd_understands() {
        let (status, to_stdout, text) = printed(&["--version"]);
        assert_eq!((status, to_stdout), (0, true));
        // daemon/info_unix.go, parseInitVersion
        let parts: Vec<&str> = text.trim().split(" - ").collect();
        assert!(parts[0].strip_prefix("tini version ").is_some_and(|version| !version.is_empty()), "{text}");
        assert_eq!(parts[1].split('.').collect::<Vec<_>>(), ["git", "onset"]);
        assert!(printed(&["--version", "app"]).2.starts_with("/sbin/tini: invalid option -- '-'\n"));
    }

    #[test]
    fn help_and_licence_go_to_stdout_and_the_usage_of_a_mistake_to_stderr() {
        let help = printed(&["-h"]);
        assert_eq!((help.0, help.1), (0, true));
        assert!(help.2.contains("\nUsage: tini [OPTIONS] PROGRAM -- [ARGS] | --version\n"), "{}", help.2);
        assert_eq!(printed(&["-vh", "-x"]), help, "what comes first is done");
        assert_eq!(printed(&["-l"]), (0, true, LICENCE.to_owned()));
        assert_eq!(printed(&[]), (1, false, help.2.clone()));
        assert_eq!(printed(&["-g", "--"]), (1, false, help.2.clone()));
        assert_eq!(printed(&["-gx", "app"]), (1, false, format!("/sbin/tini: invalid option -- 'x'\n{}", help.2)));
        assert_eq!(printed(&["-e"]).2, format!("/sbin/tini: option requires an argument -- 'e'\n{}", help.2));
        for (words, said) in [
            (["-p", "TERM", "app"], "-p: TERM"),
            (["-p", "15", "app"], "-p: 15"),
            (["-p", "SIG40", "app"], "-p: SIG40"),
            (["-e", "256", "app"], "-e: 256"),
            (["-e", "-1", "app"], "-e: -1"),
            (["-e", "7x", "app"], "-e: 7x"),
        ] {
            assert_eq!(printed(&words), (1, false, format!("[FATAL tini (1)] Not a valid option for {said}\n")));
        }
    }

    #[test]
    fn each_verbosity_says_what_it_says_in_tini() {
        let pid = Pid::from_raw(7);
        let news = [
            News::SubReaper,
            News::Started { pid, program: b"app" },
            News::Forwarded { received: Signal::TERM, sent: Some(Signal::TERM) },
            News::NotForwarded(Signal::TERM, Errno::ESRCH),
            News::Reaped(pid, WaitStatus::Exited(0)),
            News::Ended(pid, WaitStatus::Exited(3)),
            News::Failed("exec app failed: No such file or directory"),
        ];
        let said = |verbosity, warns_of_reaping| {
            let voice = Voice { pid: 1, verbosity, warns_of_reaping };
            let mut said = String::new();
            news.into_iter().for_each(|news| voice.say(news, &mut said));
            said
        };
        assert_eq!(said(0, true), "[FATAL tini (1)] exec app failed: No such file or directory\n");
        let warnings = "[WARN  tini (1)] Child was dead when forwarding signal\n";
        assert_eq!(said(1, false), format!("{warnings}{}", said(0, false)));
        let reaped = "[WARN  tini (1)] Reaped zombie process with pid=7\n";
        assert_eq!(said(1, true), format!("{warnings}{reaped}{}", said(0, false)));
        assert_eq!(
            said(2, false),
            format!(
                "[INFO  tini (1)] Spawned child process 'app' with pid '7'\n{warnings}\
                 [INFO  tini (1)] Main child exited normally (with status '3')\n{}",
                said(0, false)
            )
        );
        for line in [
            "[DEBUG tini (1)] Passing signal: 'SIGTERM'\n",
            "[DEBUG tini (1)] Received SIGCHLD\n[DEBUG tini (1)] Reaped child with pid: '7'\n",
        ] {
            assert!(said(3, false).contains(line), "{line}");
        }
        assert!(said(4, false).starts_with("[TRACE tini (1)] Registered as child subreaper\n"));
    }
}
