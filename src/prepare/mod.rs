//! What happens in the process that becomes the application, up to execve(2): reads the configuration, has everything
//! decided ([`crate::plan`]), does the steps, changes the process's state. May fail: PID 1 does none of that.
//!
//! May use `config`, `plan`, `net`, `handoff`, `policy`, `record`, `report` and `sys`; does not know `supervise`.
#![forbid(unsafe_code)]

mod capability;
#[cfg(test)]
pub(crate) mod child;
mod declared;
mod diagnose;
mod elf;
mod exec;
mod failure;
mod identity;
pub mod load;
mod program;
mod programs;
mod search;
mod state;
mod steps;
mod stop;
mod waiting;
mod world;

use crate::handoff::{Sender, StartFailure};
use crate::policy::Target;
use crate::report::termination::{self, Message};
use crate::report::{Format, Level};
use crate::sys::signal::{self, ChildDisposition, SignalSet};
use crate::sys::words::Words;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

pub use exec::{Command, become_command};
pub use state::{Problem, apply};
pub use stop::run_stop_commands;

/// What to become, and the state it is to find.
pub struct Job<'a> {
    /// The container's arguments.
    pub argv: Words,
    /// The container's environment.
    pub envp: Words,
    /// The signals the application is to find blocked.
    pub mask: SignalSet,
    /// What SIGCHLD is to do in it; `None` where onset has not touched it.
    pub child_disposition: Option<ChildDisposition>,
    /// The configuration to follow, if there is one.
    pub config: Option<&'a Path>,
    /// To whom the command line has signals forwarded.
    pub forward_to: Target,
    /// How the command line has reports written.
    pub format: Option<Format>,
    /// Which reports the command line has written.
    pub level: Option<Level>,
    /// Whether another onset supervises the container already: then the last words are its.
    pub guest: bool,
    /// What PID 1 keeps for those who come later, if it is a file that could be made; `None`: it keeps nothing.
    pub record: Option<nix::Result<OwnedFd>>,
}

/// Becomes the application. Returns only if that fails. `sender` is told how far it comes; `None`: nobody is.
pub fn become_application(job: &Job<'_>, sender: Option<&Sender>) -> Box<StartFailure> {
    let mut last_words = if job.guest { PathBuf::new() } else { PathBuf::from(termination::USUAL) };
    if job.config.is_some() {
        // To read a file, or to do a step, may take its time, and a stop signal ends that; any other waits.
        signal::let_stop_signals_end_us(job.mask);
    }
    let failure = match job.config.map(load::load) {
        Some(Err(problems)) => declared::refuse(&problems),
        Some(Ok(loaded)) => declared::become_declared(job, &loaded, sender, &mut last_words),
        None => {
            if let Some(sender) = sender {
                sender.executing(&[]);
            }
            let command = exec::Command { argv: job.argv, envp: job.envp, mask: job.mask };
            exec::become_command(&command, job.child_disposition.as_ref())
        }
    };
    // Here, where every problem is known: PID 1 hears of one line.
    let StartFailure { status, cause, problems, error: _ } = &*failure;
    let text = [std::slice::from_ref(cause), problems].concat().join("\n");
    termination::tell(&last_words, &Message::NotStarted { status: *status, cause: &text });
    failure
}
