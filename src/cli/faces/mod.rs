//! The faces: called by the name of another init, onset takes that one's options, variables, messages and statuses.
//!
//! [`Face::of`] knows them by `argv[0]`, before anything else is looked at; each has a file with all that is its own.
//! Pure, as the rest of `cli`: what is asked for is done in [`crate::face`]. What is kept of each, what is not, and why, is
//! in docs/faces.md.

mod catatonit;
mod dumb_init;
mod getopt;
mod news;
mod numbers;
mod tini;

pub use catatonit::hand_sockets_on;
pub use getopt::Command;

use crate::handoff::StartFailure;
use crate::policy::{Policy, Target};
use crate::report::{Event, Format, Level, meaning};
use crate::sys::signal::Signal;
use news::News;
use nix::errno::Errno;
use std::ffi::{CStr, OsString};

/// The names that [`crate::install`] makes links of.
pub const NAMES: [&str; 4] = ["tini", "docker-init", "dumb-init", "catatonit"];

/// The value of a variable, if there is one.
type Variable<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// An init that onset stands in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// `tini`, which `docker run --init` calls `docker-init`.
    Tini,
    /// `dumb-init`
    DumbInit,
    /// `catatonit`, which `podman run --init` calls `podman-init`.
    Catatonit,
}

/// By which names they are called.
const KNOWN: &[(&str, Face)] = &[
    ("tini", Face::Tini),
    ("tini-static", Face::Tini),
    ("docker-init", Face::Tini),
    ("dumb-init", Face::DumbInit),
    ("catatonit", Face::Catatonit),
    ("podman-init", Face::Catatonit),
];

/// What argv asks for, under another init's name.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// To print something, and end.
    Print {
        /// Whether it goes to stdout, else to stderr.
        to_stdout: bool,
        /// What.
        text: String,
        /// What to end with.
        status: u8,
    },
    /// To start a command.
    Start(Box<Start>),
    /// To wait for SIGTERM or SIGINT, and to reap meanwhile.
    Pause(Voice),
}

/// How to start which command.
#[derive(Debug, PartialEq, Eq)]
pub struct Start {
    /// Where in argv it is.
    pub command: Command,
    /// What becomes of signals and statuses.
    pub policy: Policy,
    /// The words that onset says things with.
    pub voice: Voice,
    /// What is said at once.
    pub said: String,
    /// Where dumb-init is another than onset.
    pub dumb_init: Option<DumbInit>,
    /// What onset is sent when its own parent ends (`tini -p`).
    pub parent_death: Option<Signal>,
    /// Whether LISTEN_PID, if it names onset, is to name the command (sd_listen_fds(3)).
    pub hands_sockets_on: bool,
}

impl Start {
    /// What a peer does without options.
    #[inline(never)]
    fn plain(command: Command, target: Target, voice: Voice) -> Box<Self> {
        Box::new(Start {
            command,
            policy: Policy::plain(target, Format::Text, Level::Off),
            voice,
            said: String::new(),
            dumb_init: None,
            parent_death: None,
            hands_sockets_on: false,
        })
    }
}

/// What dumb-init does differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DumbInit {
    /// Whether the command leads a session of its own, with the terminal if there is one.
    pub own_session: bool,
    /// What the command's group is sent when the command has ended.
    pub farewell: Option<Signal>,
}

/// The words of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// tini's.
    Tini(tini::Voice),
    /// dumb-init's.
    DumbInit(dumb_init::Voice),
    /// catatonit's.
    Catatonit(catatonit::Voice),
}

/// What happens before the command runs, and dumb-init tells.
#[derive(Debug, Clone, Copy)]
pub enum Note {
    /// The terminal is free for the command's session.
    Detached,
    /// It is not.
    NotDetached(Errno),
    /// The command's session has no terminal.
    NotAttached(Errno),
    /// The command has a session.
    SessionMade,
}

impl Face {
    /// The one that is called so; only the last part of a path counts.
    pub fn of(argv0: &[u8]) -> Option<Self> {
        let own = argv0.rsplit(|&byte| byte == b'/').next()?;
        KNOWN.iter().find(|(name, _)| name.as_bytes() == own).map(|&(_, face)| face)
    }

    /// Reads argv (the name first) and the peer's variables. `pid`: of this process, which is in messages.
    pub fn parse(self, argv: &[&[u8]], variable: Variable<'_>, pid: i32) -> Asked {
        match self {
            Face::Tini => tini::parse(argv, variable, pid),
            Face::DumbInit => dumb_init::parse(argv, variable),
            Face::Catatonit => catatonit::parse(argv, variable, pid),
        }
    }
}

impl Voice {
    /// What the peer would say; `None`: nothing.
    pub fn say(self, event: &Event<'_>) -> Option<String> {
        let news = News::of(event)?;
        let mut said = String::new();
        match self {
            Voice::Tini(voice) => voice.say(news, &mut said),
            Voice::DumbInit(voice) => voice.say(news, &mut said),
            Voice::Catatonit(voice) => voice.say(news, &mut said),
        }
        Some(said).filter(|said| !said.is_empty())
    }

    /// The same before the command runs.
    pub fn note(self, note: Note) -> Option<String> {
        let mut said = String::new();
        match self {
            Voice::DumbInit(voice) => voice.note(note, &mut said),
            Voice::Tini(_) | Voice::Catatonit(_) => {}
        }
        Some(said).filter(|said| !said.is_empty())
    }

    /// Why the command could not be executed, as the peer says it; where it is verbose with onset's own reason, which knows
    /// a missing interpreter from a missing program.
    pub fn why_not_executed(self, program: &CStr, failure: &StartFailure) -> String {
        let program = program.to_string_lossy();
        let Some(error) = failure.error.map(words_of) else { return failure.cause.clone() };
        let (text, is_verbose) = match self {
            Voice::Tini(voice) => (format!("exec {program} failed: {error}"), voice.is_verbose()),
            Voice::DumbInit(voice) => (format!("{program}: {error}"), voice.is_verbose()),
            Voice::Catatonit(voice) => (format!("failed to exec pid1: {error}"), voice.is_verbose()),
        };
        if is_verbose { format!("{text} ({})", failure.cause) } else { text }
    }
}

/// Output of a peer's getopt(3), and what follows it.
fn wrong_usage(argv: &[&[u8]], problem: &str, usage: &str) -> Asked {
    let name = String::from_utf8_lossy(argv.first().copied().unwrap_or_default());
    Asked::Print { to_stdout: false, text: format!("{name}: {problem}\n{usage}"), status: 1 }
}

/// An error as the GNU C library names it (strerror(3)), whatever library this is built with: messages are looked for.
fn words_of(error: Errno) -> &'static str {
    match error {
        Errno::ENOTTY => "Inappropriate ioctl for device",
        Errno::EPERM => "Operation not permitted",
        Errno::E2BIG => "Argument list too long",
        Errno::ENOMEM => "Cannot allocate memory",
        Errno::EAGAIN => "Resource temporarily unavailable",
        Errno::ELOOP => "Too many levels of symbolic links",
        Errno::ETXTBSY => "Text file busy",
        Errno::EBADF => "Bad file descriptor",
        Errno::EIO => "Input/output error",
        Errno::ELIBBAD => "Accessing a corrupted shared library",
        other => meaning(other),
    }
}

/// The licence, for the peers' options that print theirs.
const LICENCE: &str = include_str!("../../../LICENSE-MIT");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_face_is_known_by_the_last_part_of_its_name() {
        for (name, face) in [
            ("tini", Some(Face::Tini)),
            ("/sbin/tini", Some(Face::Tini)),
            ("/usr/bin/tini-static", Some(Face::Tini)),
            ("/sbin/docker-init", Some(Face::Tini)),
            ("/dev/init/dumb-init", Some(Face::DumbInit)),
            ("./catatonit", Some(Face::Catatonit)),
            ("/run/podman-init", Some(Face::Catatonit)),
            ("", None),
            ("/", None),
            ("tini/", None),
            ("/tini/onset", None),
            ("onset", None),
            ("init", None),
            ("Tini", None),
            ("tini2", None),
        ] {
            assert_eq!(Face::of(name.as_bytes()), face, "{name}");
        }
        assert!(NAMES.iter().all(|name| Face::of(name.as_bytes()).is_some()));
    }

    #[test]
    fn a_command_that_cannot_be_executed_is_told_in_the_peers_words() {
        let argv = |name: &'static str| vec![name.as_bytes(), b"x"];
        let voice = |face: Face, loud: bool| {
            let variable = move |name: &str| {
                let value = match name {
                    "TINI_VERBOSITY" => "2",
                    "DUMB_INIT_DEBUG" | "CATATONIT_DEBUG" => "1",
                    _ => return None,
                };
                loud.then(|| value.into())
            };
            match face.parse(&argv("x"), &variable, 7) {
                Asked::Start(start) => start.voice,
                other => panic!("{other:?}"),
            }
        };
        let own = "its interpreter `/x` does not exist";
        let mut failure = StartFailure::new(127, own.to_owned());
        failure.error = Some(Errno::ENOENT);
        for (face, said) in [
            (Face::Tini, "exec ./a failed: No such file or directory"),
            (Face::DumbInit, "./a: No such file or directory"),
            (Face::Catatonit, "failed to exec pid1: No such file or directory"),
        ] {
            assert_eq!(voice(face, false).why_not_executed(c"./a", &failure), said);
            assert_eq!(voice(face, true).why_not_executed(c"./a", &failure), format!("{said} ({own})"));
            let other = StartFailure::new(125, "cannot make a pipe".to_owned());
            assert_eq!(voice(face, true).why_not_executed(c"./a", &other), other.cause);
        }
    }
}
