//! Stdout and stderr for the application's user: what opens /dev/stdout opens the pipe or terminal anew, for which its
//! owner counts.

use super::Outcome;
use super::error::Rights;
use super::place::Kind;
use crate::report::Because;
use crate::sys::file::{self, Stat};
use std::io::IsTerminal;
use std::os::fd::{AsFd, BorrowedFd};

/// Gives both to the user, where they are pipes or terminals and another's.
#[inline(never)]
pub(super) fn give(uid: Option<u32>) -> Outcome {
    let mut outcome = Outcome::default();
    let (stdout, stderr) = (std::io::stdout(), std::io::stderr());
    for (name, fd) in [("stdout", stdout.as_fd()), ("stderr", stderr.as_fd())] {
        // Closed: there is nothing to give.
        let (Some(uid), Ok(stat)) = (uid, file::stat(fd)) else { continue };
        if stat.st_uid == uid || !is_given(fd, &stat) {
            continue;
        }
        match file::change_owner(fd, Some(uid), None) {
            Ok(()) => outcome.changes += 1,
            Err(error) => outcome.notes.push(format!(
                "{name} stays as it is, with {}: cannot give it to {uid}: {}; to open /dev/{name} anew may fail",
                Rights::of(&stat),
                Because(error)
            )),
        }
    }
    outcome
}

fn is_given(fd: BorrowedFd<'_>, stat: &Stat) -> bool {
    match Kind::of(stat) {
        Kind::Fifo => true,
        Kind::Device => fd.is_terminal(),
        // A file of the host's, a socket (which cannot be opened anyway).
        Kind::File | Kind::Directory | Kind::Link | Kind::Socket => false,
    }
}
