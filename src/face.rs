//! onset in the place of another init: does what [`crate::cli::faces`] has read, with the same machinery as ever.
//!
//! There is no configuration here, no variable of onset's and no report; what there is to say is said in the peer's words.
#![forbid(unsafe_code)]

use crate::cli::faces::{Asked, DumbInit, Face, Note, Start as Command, Voice, hand_sockets_on};
use crate::fork::{self, explain_panics};
use crate::handoff::{Sender, StartFailure};
use crate::launch::{print, variable};
use crate::prepare::{self, become_command};
use crate::report::{self, Event};
use crate::supervise::{self, Hears, Main, Manners, Stops};
use crate::sys::process;
use crate::sys::signal::{self, ChildDisposition, Signal};
use crate::sys::start::Start;
use crate::sys::terminal;
use crate::sys::words::Words;
use nix::errno::Errno;
use nix::unistd::{Pid, getpgrp, getsid, setsid};
use std::ffi::CStr;
use std::path::PathBuf;
use std::time::Duration;

/// Does what argv asks for. The status to end with.
pub fn run(face: Face, start: &Start, started: Duration) -> u8 {
    let mut argv = Vec::new();
    for word in start.argv.iter() {
        argv.push(word.to_bytes());
    }
    match face.parse(&argv, &|name| variable(start, name), Pid::this().as_raw()) {
        Asked::Print { to_stdout: true, text, status } => print(&text).map_or(FAILED, |()| status),
        Asked::Print { to_stdout: false, text, status } => {
            report::say(&text);
            status
        }
        Asked::Pause(voice) => {
            speak(voice);
            status(pause())
        }
        Asked::Start(command) => {
            report::say(&command.said);
            speak(command.voice);
            status(supervise(&command, start, started))
        }
    }
}

/// What the peers end with when something is wrong with themselves.
const FAILED: u8 = 1;

/// Says everything in this voice from here on.
fn speak(voice: Voice) {
    report::speak(Box::new(move |event| voice.say(event)));
    explain_panics(|cause| Event::InternalError { cause: &cause }.emit());
}

/// What to end with; says what has failed.
fn status(result: Result<u8, Box<StartFailure>>) -> u8 {
    result.unwrap_or_else(|failure| {
        Event::StartFailed { status: FAILED, cause: &failure.cause, argv: &[], stopped: false }.emit();
        FAILED
    })
}

fn words(argv: Words, command: &Command) -> Words {
    let crate::cli::faces::Command { first, without } = command.command;
    let words = argv.skip(first);
    without.map_or(words, |at| words.without(at - first))
}

fn pause() -> Result<u8, Box<StartFailure>> {
    // What SIGCHLD did before is nobody's: there is no command.
    signal::hear_children();
    let intake = fork::supervising()?;
    fork::leave([Some(intake.descriptor()), None, None]);
    supervise::pause(&intake);
    Ok(0)
}

#[inline(never)]
fn supervise(command: &Command, start: &Start, started: Duration) -> Result<u8, Box<StartFailure>> {
    let argv = words(start.argv, command);
    let disposition = signal::hear_children();
    if let Some(signal) = command.parent_death {
        end_with(Pid::parent(), signal)?;
    }
    let own_session = command.dumb_init.is_some_and(|own| own.own_session);
    if own_session {
        free_terminal(command.voice);
    }
    let birth = Birth { command, argv, start, disposition, init: Pid::this(), group: getpgrp() };
    let born = fork::fork_to_execute(&|sender| birth.become_main(sender))?;
    // To lead a group is to be refused a session.
    if !own_session {
        process::lead_own_group(born.main);
    }
    born.leave_the_rest(None);
    let main = Main {
        pid: born.main,
        argv: report::command_line(argv.iter()),
        onset_started: started,
        policy: command.policy,
        manners: manners(command.dumb_init),
        // A peer leaves none: the file is the application's alone.
        last_words: PathBuf::new(),
        record: None,
        run_stop_commands: &|| Err(Errno::ENOSYS),
    };
    let status = supervise::supervise(main, &born.intake, born.progress);
    // Of the group of one that is gone: its number is nobody else's while there are members, and else not again so soon.
    if let Some(farewell) = command.dumb_init.and_then(|own| own.farewell) {
        signal::send_to_group(born.main, farewell);
    }
    Ok(status)
}

/// The name stays the peer's, for those who look for it, and the termination message the application's.
fn manners(dumb_init: Option<DumbInit>) -> Manners {
    let (hears, stops) = match dumb_init {
        None => (Hears::AtOnce, Stops::WithMain),
        // A signal that is another by the time it arrives must not end the child on its way.
        Some(DumbInit { own_session: true, .. }) => (Hears::WhenStarted, Stops::BySignal),
        Some(DumbInit { own_session: false, .. }) => (Hears::WhenStarted, Stops::WithMainOrBySignal),
    };
    Manners { hears, stops, shows_stage: false }
}

fn end_with(parent: Pid, signal: Signal) -> Result<(), Box<StartFailure>> {
    signal::expect_at_end_of(parent, signal)
        .map_err(|_| StartFailure::new(FAILED, "Failed to set up parent death signal".to_owned()))
}

/// Leaves the terminal to the command's session, if it is ours to leave. The SIGHUP and SIGCONT that come of it are nobody's
/// message; dumb-init takes the first of each that comes for those, whosever they are.
fn free_terminal(voice: Voice) {
    let leads = getsid(None) == Ok(Pid::this());
    let freed = if leads {
        signal::without([Signal::HUP, Signal::CONT], terminal::give_up_stdin)
    } else {
        // Nobody else's session can have it.
        Err(Errno::ENOTTY)
    };
    note(voice, freed.map_or_else(Note::NotDetached, |()| Note::Detached));
}

fn note(voice: Voice, note: Note) {
    if let Some(text) = voice.note(note) {
        report::say(&text);
    }
}

/// The child's part.
struct Birth<'a> {
    command: &'a Command,
    argv: Words,
    start: &'a Start,
    disposition: ChildDisposition,
    init: Pid,
    group: Pid,
}

impl Birth<'_> {
    /// Becomes the command. Returns only if that fails.
    fn become_main(&self, sender: &Sender) -> Box<StartFailure> {
        let Command { voice, parent_death, hands_sockets_on, dumb_init, .. } = *self.command;
        if dumb_init.is_some_and(|own| own.own_session) {
            lead_own_session(voice);
        } else {
            fork::lead_own_group(self.group);
        }
        // This one onset cannot forward.
        if parent_death == Some(Signal::KILL)
            && let Err(failure) = end_with(self.init, Signal::KILL)
        {
            return failure;
        }
        sender.executing(&[]);
        let envp = if hands_sockets_on { self.environment() } else { self.start.envp };
        let command = prepare::Command { argv: self.argv, envp, mask: self.start.inherited_mask };
        let mut failure = become_command(&command, Some(&self.disposition));
        let program = self.argv.get(0).unwrap_or_default();
        failure.cause = voice.why_not_executed(program, &failure);
        failure
    }

    fn environment(&self) -> Words {
        let (init, command) = (self.init.as_raw(), Pid::this().as_raw());
        let changed = |entry: &CStr| hand_sockets_on(entry.to_bytes(), init, command);
        if !self.start.envp.iter().any(|entry| changed(entry).is_some()) {
            return self.start.envp;
        }
        let mut entries = Vec::new();
        for entry in self.start.envp.iter() {
            entries.push(changed(entry).unwrap_or_else(|| entry.to_owned()));
        }
        Words::from_owned(entries)
    }
}

fn lead_own_session(voice: Voice) {
    // A process that has just been made leads no group, so nothing can refuse it.
    let _: nix::Result<Pid> = setsid();
    if let Err(error) = terminal::take_stdin() {
        note(voice, Note::NotAttached(error));
    }
    note(voice, Note::SessionMade);
}
