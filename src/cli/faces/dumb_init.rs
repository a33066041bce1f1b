//! dumb-init, as of 1.2.5: its options, variables and messages. It says everything on stderr.

use super::getopt::{Getopt, Syntax};
use super::news::News;
use super::{Asked, DumbInit, Note, Start, Variable, numbers, words_of, wrong_usage};
use crate::policy::{Rewrites, Target};
use crate::sys::signal::{Signal, SignalSet};
use crate::sys::wait::WaitStatus;
use nix::unistd::Pid;
use std::fmt::{self, Write};

const VERSION: &str = "dumb-init v1.2.5\n";

/// The highest signal that can be rewritten.
const HIGHEST: i64 = 31;

static SYNTAX: Syntax = Syntax {
    letters: b"hvVcr:",
    names: &[("help", b'h'), ("single-child", b'c'), ("rewrite", b'r'), ("verbose", b'v'), ("version", b'V')],
};

/// dumb-init's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voice {
    /// Whether more than errors is said.
    verbose: bool,
    /// What its last SIGTERM was rewritten to.
    farewell: Option<Signal>,
}

/// Reads argv and the variables.
#[inline(never)]
pub fn parse(argv: &[&[u8]], variable: Variable<'_>) -> Asked {
    let mut voice = Voice { verbose: false, farewell: None };
    let mut own_session = true;
    let mut rewrites = Rewrites::none();
    let mut rewritten = SignalSet::NONE;
    let mut getopt = Getopt::new(argv, &SYNTAX);
    loop {
        let (letter, value) = match getopt.option() {
            Ok(Some(given)) => given,
            Ok(None) => break,
            Err(problem) => return wrong_usage(argv, &problem, ""),
        };
        match letter {
            b'h' => return print(help(argv), 0),
            b'V' => return print(VERSION.to_owned(), 0),
            b'v' => voice.verbose = true,
            b'c' => own_session = false,
            b'r' => match rewrite(value) {
                Some((from, to)) => {
                    rewrites.set(from, to);
                    rewritten.insert(from);
                }
                None => return print(WRONG_REWRITE.to_owned(), 1),
            },
            _ => {}
        }
    }
    if !getopt.has_command() {
        return print(usage(argv), 1);
    }
    let is = |name, value: &str| variable(name).is_some_and(|found| found == value);
    let mut said = String::new();
    if is("DUMB_INIT_DEBUG", "1") {
        voice.verbose = true;
        voice.line(format_args!("Running in debug mode."), &mut said);
    }
    if is("DUMB_INIT_SETSID", "0") {
        own_session = false;
        voice.line(format_args!("Not running in setsid mode."), &mut said);
    }
    if own_session {
        // In a session of its own the kernel takes these for no reason to stop: nobody there could let it go on.
        for signal in Signal::OF_TERMINALS {
            if !rewritten.contains(signal) {
                rewrites.set(signal, Some(Signal::STOP));
            }
        }
    }
    voice.farewell = rewrites.get(Signal::TERM);
    let farewell = voice.farewell.filter(|_| own_session);
    let target = if own_session { Target::Group } else { Target::Main };
    let mut start = Start::plain(getopt.command(false), target, super::Voice::DumbInit(voice));
    start.policy.rewrites = rewrites;
    start.said = said;
    start.dumb_init = Some(DumbInit { own_session, farewell });
    Asked::Start(start)
}

/// `FROM:TO`, by number; 0 drops it. What follows is ignored, as scanf(3) does.
fn rewrite(text: &[u8]) -> Option<(Signal, Option<Signal>)> {
    let (from, rest) = numbers::leading(text)?;
    let (to, _) = numbers::leading(rest.strip_prefix(b":")?)?;
    let signal = |number: i64| Signal::new(i32::try_from(number).ok()?);
    if !(1..=HIGHEST).contains(&from) || !(0..=HIGHEST).contains(&to) {
        return None;
    }
    Some((signal(from)?, signal(to)))
}

fn print(text: String, status: u8) -> Asked {
    Asked::Print { to_stdout: false, text, status }
}

impl Voice {
    /// Whether more than errors is said.
    pub fn is_verbose(self) -> bool {
        self.verbose
    }

    fn line(self, text: fmt::Arguments<'_>, said: &mut String) {
        if self.verbose {
            let _ = writeln!(said, "[dumb-init] {text}");
        }
    }

    fn received(self, signal: Signal, said: &mut String) {
        self.line(format_args!("Received signal {}.", signal.number()), said);
    }

    fn sent(self, from: Signal, to: Option<Signal>, said: &mut String) {
        let number = to.map_or(0, Signal::number);
        if to != Some(from) {
            self.line(format_args!("Translating signal {} to {number}.", from.number()), said);
        }
        match to {
            Some(_) => self.line(format_args!("Forwarded signal {number} to children."), said),
            None => self.line(format_args!("Not forwarding signal 0 to children (ignored)."), said),
        }
    }

    /// With what it ended, as a shell has it.
    fn ended(self, pid: Pid, status: WaitStatus, said: &mut String) -> u8 {
        self.received(Signal::CHLD, said);
        match status {
            WaitStatus::Exited(code) => {
                self.line(format_args!("A child with PID {pid} exited with exit status {code}."), said);
                code
            }
            WaitStatus::Killed { signal, .. } | WaitStatus::Stopped(signal) => {
                let number = signal.number();
                self.line(format_args!("A child with PID {pid} was terminated by signal {number}."), said);
                crate::exit::killed_by(signal)
            }
        }
    }

    /// What dumb-init would say, if anything.
    pub fn say(self, news: News<'_>, said: &mut String) {
        match news {
            News::Started { pid, .. } => self.line(format_args!("Child spawned with PID {pid}."), said),
            News::Failed(cause) => Voice { verbose: true, ..self }.line(format_args!("{cause}"), said),
            News::Forwarded { received, sent } => {
                self.received(received, said);
                self.sent(received, sent, said);
                if Signal::OF_TERMINALS.contains(&received) {
                    self.line(format_args!("Suspending self due to TTY signal."), said);
                }
            }
            News::NotForwarded(signal, error) => {
                let error = words_of(error);
                self.line(format_args!("Unable to forward signal {} ({error}).", signal.number()), said);
            }
            News::Reaped(pid, status) => {
                self.ended(pid, status, said);
            }
            News::Ended(pid, status) => {
                let status = self.ended(pid, status, said);
                self.sent(Signal::TERM, self.farewell, said);
                self.line(format_args!("Child exited with status {status}. Goodbye."), said);
            }
            News::SubReaper | News::NoTerminal(_) => {}
        }
    }

    /// The same before the command runs.
    pub fn note(self, note: Note, said: &mut String) {
        let (what, error) = match note {
            Note::Detached => {
                let text = "Detached from controlling tty, ignoring the first SIGHUP and SIGCONT we receive.";
                return self.line(format_args!("{text}"), said);
            }
            Note::SessionMade => return self.line(format_args!("setsid complete."), said),
            Note::NotDetached(error) => ("detach from", error),
            Note::NotAttached(error) => ("attach to", error),
        };
        let (number, error) = (error as i32, words_of(error));
        self.line(format_args!("Unable to {what} controlling tty (errno={number} {error})."), said);
    }
}

fn name(argv: &[&[u8]]) -> String {
    String::from_utf8_lossy(argv.first().copied().unwrap_or_default()).into_owned()
}

fn usage(argv: &[&[u8]]) -> String {
    let name = name(argv);
    format!("Usage: {name} [option] program [args]\nTry {name} --help for full usage.\n")
}

const WRONG_REWRITE: &str = "\
Usage: -r option takes <signum>:<signum>, where <signum> is between 1 and 31.
This option can be specified multiple times.
Use --help for full usage.
";

fn help(argv: &[&[u8]]) -> String {
    format!(
        "{VERSION}Usage: {} [option] command [[arg] ...]

dumb-init is a simple process supervisor that forwards signals to children.
It is designed to run as PID1 in minimal container environments.

Optional arguments:
   -c, --single-child   Run in single-child mode.
                        In this mode, signals are only proxied to the
                        direct child and not any of its descendants.
   -r, --rewrite s:r    Rewrite received signal s to new signal r before proxying.
                        To ignore (not proxy) a signal, rewrite it to 0.
                        This option can be specified multiple times.
   -v, --verbose        Print debugging information to stderr.
   -h, --help           Print this help message and exit.
   -V, --version        Print the current version and exit.

Full help is available online at https://github.com/Yelp/dumb-init
",
        name(argv)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::report::{Format, Level};
    use nix::errno::Errno;

    fn asked(words: &[&str], variables: &[(&str, &str)]) -> Asked {
        let argv: Vec<&[u8]> = std::iter::once(&"dumb-init").chain(words).map(|word| word.as_bytes()).collect();
        parse(&argv, &|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
    }

    fn started(words: &[&str], variables: &[(&str, &str)]) -> Start {
        match asked(words, variables) {
            Asked::Start(start) => *start,
            other => panic!("{words:?}: {other:?}"),
        }
    }

    fn printed(words: &[&str]) -> (u8, String) {
        match asked(words, &[]) {
            Asked::Print { to_stdout: false, text, status } => (status, text),
            other => panic!("{words:?}: {other:?}"),
        }
    }

    fn signal(number: i32) -> Option<Signal> {
        Signal::new(number)
    }

    fn rewrites(start: &Start, numbers: [i32; 4]) -> [Option<Signal>; 4] {
        numbers.map(|number| start.policy.rewrites.get(signal(number).unwrap()))
    }

    #[test]
    fn by_default_there_is_a_session_whose_group_gets_everything() {
        let start = started(&["app", "-c", "--", "x"], &[]);
        assert_eq!((start.command.first, start.command.without), (1, None), "whatever follows is the command's");
        assert_eq!(start.policy.forward_to, Target::Group);
        assert_eq!(start.dumb_init, Some(DumbInit { own_session: true, farewell: Some(Signal::TERM) }));
        assert_eq!(rewrites(&start, [20, 21, 22, 15]), [signal(19), signal(19), signal(19), signal(15)]);
        assert_eq!(start.said, "");
    }

    #[test]
    fn a_single_child_is_told_alone_and_nothing_is_rewritten() {
        for start in [
            started(&["-c", "app"], &[]),
            started(&["--single-child", "app"], &[]),
            started(&["app"], &[("DUMB_INIT_SETSID", "0")]),
        ] {
            assert_eq!(start.policy, Policy::plain(Target::Main, Format::Text, Level::Off));
            assert_eq!(start.dumb_init, Some(DumbInit { own_session: false, farewell: None }));
        }
        assert!(started(&["app"], &[("DUMB_INIT_SETSID", "1")]).dumb_init.is_some_and(|own| own.own_session));
        assert!(started(&["app"], &[("DUMB_INIT_SETSID", "")]).dumb_init.is_some_and(|own| own.own_session));
    }

    #[test]
    fn signals_are_rewritten_by_number() {
        let start = started(&["-r", "15:10", "--rewrite=2:0", "-r20:20", "--rewrite", " 1:+3x", "app"], &[]);
        assert_eq!(rewrites(&start, [15, 2, 20, 1]), [signal(10), None, signal(20), signal(3)]);
        assert_eq!(rewrites(&start, [21, 22, 16, 14])[..2], [signal(19); 2]);
        assert_eq!(start.dumb_init.and_then(|own| own.farewell), signal(10), "the last TERM as well");
        for wrong in ["", "15", "15:", ":15", "0:1", "32:1", "1:32", "1:-1", "TERM:INT", "15 :10"] {
            assert_eq!(printed(&["-r", wrong, "app"]), (1, WRONG_REWRITE.to_owned()), "{wrong}");
        }
    }

    #[test]
    fn everything_is_printed_on_stderr() {
        let help = printed(&["-h"]);
        assert!(help.0 == 0 && help.1.starts_with("dumb-init v1.2.5\nUsage: dumb-init [option] command [[arg] ...]\n"));
        assert_eq!(printed(&["--help", "app"]), help);
        assert_eq!(
            [printed(&["-V"]), printed(&["-v", "--version"])],
            [(0, VERSION.to_owned()), (0, VERSION.to_owned())]
        );
        let usage = "Usage: dumb-init [option] program [args]\nTry dumb-init --help for full usage.\n".to_owned();
        assert_eq!([printed(&[]), printed(&["-c", "--"])], [(1, usage.clone()), (1, usage)]);
        assert_eq!(printed(&["--nope", "app"]), (1, "dumb-init: unrecognized option '--nope'\n".to_owned()));
    }

    #[test]
    fn a_verbose_run_says_what_dumb_init_says() {
        let voice = |words: &[&str], variables: &[(&str, &str)]| match started(words, variables).voice {
            super::super::Voice::DumbInit(voice) => voice,
            other => panic!("{other:?}"),
        };
        let debug = started(&["app"], &[("DUMB_INIT_DEBUG", "1"), ("DUMB_INIT_SETSID", "0")]);
        assert_eq!(debug.said, "[dumb-init] Running in debug mode.\n[dumb-init] Not running in setsid mode.\n");
        assert!(!voice(&["app"], &[("DUMB_INIT_DEBUG", "yes")]).verbose);
        let pid = Pid::from_raw(7);
        let quiet = voice(&["app"], &[]);
        let mut said = String::new();
        quiet.say(News::Ended(pid, WaitStatus::Exited(0)), &mut said);
        assert_eq!(said, "");
        quiet.say(News::Failed("/x: No such file or directory"), &mut said);
        assert_eq!(said, "[dumb-init] /x: No such file or directory\n");
        for flag in ["-v", "--verbose"] {
            let voice = voice(&[flag, "-r", "1:0", "app"], &[]);
            let mut said = String::new();
            voice.note(Note::NotDetached(Errno::ENOTTY), &mut said);
            voice.note(Note::SessionMade, &mut said);
            for news in [
                News::Started { pid, program: b"app" },
                News::Forwarded { received: Signal::HUP, sent: None },
                News::Forwarded { received: Signal::TSTP, sent: Some(Signal::STOP) },
                News::Ended(pid, WaitStatus::Killed { signal: Signal::TERM, core_dumped: false }),
            ] {
                voice.say(news, &mut said);
            }
            let expected = "\
[dumb-init] Unable to detach from controlling tty (errno=25 Inappropriate ioctl for device).
[dumb-init] setsid complete.
[dumb-init] Child spawned with PID 7.
[dumb-init] Received signal 1.
[dumb-init] Translating signal 1 to 0.
[dumb-init] Not forwarding signal 0 to children (ignored).
[dumb-init] Received signal 20.
[dumb-init] Translating signal 20 to 19.
[dumb-init] Forwarded signal 19 to children.
[dumb-init] Suspending self due to TTY signal.
[dumb-init] Received signal 17.
[dumb-init] A child with PID 7 was terminated by signal 15.
[dumb-init] Forwarded signal 15 to children.
[dumb-init] Child exited with status 143. Goodbye.
";
            assert_eq!(said, expected);
        }
    }
}
