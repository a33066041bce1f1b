//! What happens in the process that becomes the application, up to execve(2): reads the configuration, has everything
//! decided ([`crate::plan`]), does the steps, changes the process's state. May fail: PID 1 does none of that.
//!
//! May use `config`, `plan`, `net`, `handoff`, `report` and `sys`; does not know `supervise`.
#![forbid(unsafe_code)]

mod capability;
#[cfg(test)]
mod child;
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
mod waiting;
mod world;

use crate::cli::ConfigFile;
use crate::handoff::StartFailure;
use crate::sys::signal::{ChildDisposition, SignalSet};
use crate::sys::words::Words;

pub use declared::bytes;
pub use exec::{Command, become_command};
pub use state::{Problem, apply};

/// What to become, and the state it is to find.
pub struct Job {
    /// The container's arguments.
    pub argv: Words,
    /// The container's environment.
    pub envp: Words,
    /// The signals the application is to find blocked.
    pub mask: SignalSet,
    /// What SIGCHLD is to do in it; `None` where onset has not touched it.
    pub child_disposition: Option<ChildDisposition>,
    /// Which configuration to follow.
    pub config: ConfigFile,
}

/// Becomes the application. Returns only if that fails. `announce` is told right before execve(2), with the application's
/// arguments if they are others than the container's.
pub fn become_application(job: &Job, announce: &dyn Fn(&[u8])) -> StartFailure {
    match load::load(&job.config) {
        Err(problems) => declared::refuse(&problems),
        Ok(Some(loaded)) => declared::become_declared(job, &loaded, announce),
        Ok(None) => {
            announce(&[]);
            let command = exec::Command { argv: job.argv, envp: job.envp, mask: job.mask };
            exec::become_command(&command, job.child_disposition.as_ref())
        }
    }
}
