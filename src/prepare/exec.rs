//! Becoming the application.

use super::diagnose::diagnose;
use super::search::{self, Candidates};
use crate::handoff::StartFailure;
use crate::sys::process;
use crate::sys::signal::{self, ChildDisposition, SignalSet};
use crate::sys::words::Words;
use nix::errno::Errno;
use std::ffi::CString;

/// The application: what to execute, and the state it is to find.
pub struct Command {
    /// Its arguments, the program first. At least one.
    pub argv: Words,
    /// Its environment.
    pub envp: Words,
    /// The signals it is to find blocked.
    pub mask: SignalSet,
}

/// Restores what onset changed, and executes the program. Returns only if it cannot be started. `child_disposition`:
/// what SIGCHLD is to do in it; `None` where onset has not touched it.
pub fn become_command(command: &Command, child_disposition: Option<&ChildDisposition>) -> StartFailure {
    if let Some(disposition) = child_disposition {
        disposition.restore();
    }
    // From here on a signal does to this process what it would do to the application.
    let ours = signal::set_mask(command.mask);
    let failure = execute(command);
    signal::set_mask(ours);
    failure
}

fn execute(command: &Command) -> StartFailure {
    let name = command.argv.get(0).unwrap_or_default();
    let path = search::path(command.envp);
    let candidates = Candidates::new(name, path);
    let mut refused = None;
    for candidate in &candidates {
        let error = process::exec(&candidate, command.argv, command.envp);
        match error {
            Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG if candidates.are_many() && !exists(&candidate) => {}
            // execvp(3) goes on after these; the first is remembered, for when nothing better comes.
            Errno::EACCES | Errno::ELOOP | Errno::ESTALE | Errno::ENODEV | Errno::ETIMEDOUT
                if candidates.are_many() =>
            {
                refused.get_or_insert((candidate, error));
            }
            _ => return diagnose(name, &candidate, error),
        }
    }
    match refused {
        Some((candidate, error)) => diagnose(name, &candidate, error),
        None => search::not_found(name, path),
    }
}

/// Whether a file of that name is there: then ENOENT was about its interpreter, and looking on along PATH would hide it.
fn exists(candidate: &CString) -> bool {
    nix::sys::stat::stat(candidate.as_c_str()).is_ok()
}
