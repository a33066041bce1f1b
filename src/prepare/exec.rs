//! Becoming the application.

use super::diagnose::diagnose;
use super::search::{self, Candidates};
use crate::handoff::StartFailure;
use crate::sys::process;
use crate::sys::signal::{self, ChildDisposition, SignalSet};
use crate::sys::words::Words;
use nix::errno::Errno;
use std::ffi::CStr;

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
pub fn become_command(command: &Command, child_disposition: Option<&ChildDisposition>) -> Box<StartFailure> {
    let name = command.argv.get(0).unwrap_or_default();
    let path = search::path(command.envp);
    let mut candidates = Candidates::new(name, path);
    // The first that was there, and was refused.
    let mut refused = Vec::with_capacity(candidates.longest());
    if let Some(disposition) = child_disposition {
        disposition.restore();
    }
    // From here on a signal does to this process what it would do to the application. Until it is blocked again nothing may
    // be allocated: a process that borrows our memory would leave it so, half done.
    let ours = signal::set_mask(command.mask);
    let refusal = execute(command, &mut candidates, &mut refused);
    signal::set_mask(ours);
    match refusal {
        Refusal::Last(error) => diagnose(name, candidates.last(), error),
        Refusal::First(error) => diagnose(name, CStr::from_bytes_with_nul(&refused).unwrap_or_default(), error),
        Refusal::NotFound => search::not_found(name, path),
    }
}

/// What the search came to.
enum Refusal {
    /// The last candidate there was an end to it.
    Last(Errno),
    /// None was better than the first that was there.
    First(Errno),
    /// None was there.
    NotFound,
}

fn execute(command: &Command, candidates: &mut Candidates<'_>, refused: &mut Vec<u8>) -> Refusal {
    let many = candidates.are_many();
    let mut first = None;
    while let Some(candidate) = candidates.next() {
        let error = process::exec(candidate, command.argv, command.envp);
        match error {
            Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG if many && !exists(candidate) => {}
            // execvp(3) goes on after these; the first is remembered, for when nothing better comes.
            Errno::EACCES | Errno::ELOOP | Errno::ESTALE | Errno::ENODEV | Errno::ETIMEDOUT if many => {
                if first.is_none() {
                    first = Some(error);
                    refused.extend_from_slice(candidate.to_bytes_with_nul());
                }
            }
            _ => return Refusal::Last(error),
        }
    }
    first.map_or(Refusal::NotFound, Refusal::First)
}

/// Whether a file of that name is there: then ENOENT was about its interpreter, and looking on along PATH would hide it.
fn exists(candidate: &CStr) -> bool {
    nix::sys::stat::stat(candidate).is_ok()
}
