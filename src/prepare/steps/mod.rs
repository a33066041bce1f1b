//! Doing what the plan says, one file for each kind of step.
//!
//! What holds for all of them:
//! - Everything is made under a temporary name in its folder, gets its mode and owner there, and then its own name
//!   (read [`folder`] first). So it is complete or not there, whatever fails and whenever onset is killed.
//! - What is as it is to be already is not touched: a second start changes no byte, no inode and no time.
//! - Missing parents are made, with mode 0755 and our owner.
//! - Nothing is followed out of where it was sent: paths go through the links they name, trees do not (see also
//!   [`place`]). Trees are descended by descriptors, at most [`DEEPEST`] levels, so that neither the stack nor the
//!   descriptors run out.
//! - A machine that crashes (not onset, not the container) may lose what was written last. A rendered file is put right
//!   by the next start; what no start would look at again, the copies and what is written only once, is synced to the
//!   disk.

mod check;
mod copy;
mod directory;
mod edit;
mod entries;
mod error;
#[cfg(test)]
mod faults;
mod folder;
mod generate;
mod in_place;
mod lock;
mod marker;
mod owner;
mod place;
mod read;
mod remove;
mod rights;
mod stdio;
mod symlink;
#[cfg(test)]
mod testing;
mod write;

pub use error::StepError;
pub use folder::sweep_once;

use crate::plan::model::{Action, Generate, Ownership, Read};
use crate::plan::world::World;
use error::Reason;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// How many levels of directories a tree may have: two descriptors each at most, of 1024 usually.
const DEEPEST: usize = 200;

/// What a step has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many things were made, changed or removed. 0: all was as it is to be.
    pub changes: usize,
    /// What else there is to know, a sentence each.
    pub notes: Vec<String>,
}

/// Does it. Each kind has a frame of its own (`inline(never)`): what is in a small one takes less to reach.
///
/// # Errors
/// It could not be done, or not all of it. What was done before that stays; no single thing is half done, but for a
/// file that had to be written in place.
pub fn execute(action: &Action) -> Result<Outcome, StepError> {
    match action {
        Action::Directory { path, mode, owner, parents } => directory::make(path, *mode, *owner, *parents),
        Action::Copy { from, to, condition, owner, marker, exclude, unless_exists, whole } => {
            let (condition, owner) = (*condition, *owner);
            copy::copy(&copy::Order { from, to, condition, owner, exclude, unless_exists, whole }, marker.as_deref())
        }
        Action::Symlink { path, target, replace } => symlink::make(path, target, *replace),
        Action::Remove { paths } => remove::remove(paths),
        Action::Owner { path, owner, flat } => owner::change(path, *owner, *flat),
        Action::Write(files) => write::write(files),
        // They are more than what is done to files: see `programs` beside this folder.
        Action::Run(_)
        | Action::PrintedEnv(_)
        | Action::Hooks(_)
        | Action::Set(_)
        | Action::Wait(_)
        | Action::Read(_)
        | Action::Lock { .. } => Ok(Outcome::default()),
        Action::Generate(generate) => generate::generate(generate).map(|(outcome, _)| outcome),
        Action::Stdio(uid) => Ok(stdio::give(*uid)),
        Action::Check(assertion) => check::check(assertion),
        Action::Edit(edit) => edit::edit(edit),
    }
}

/// Makes a secret if it is not there; with the secret, if it goes into a variable.
///
/// # Errors
/// It is not there, and cannot be made or read.
pub fn make_secret(order: &Generate) -> Result<(Outcome, Vec<u8>), StepError> {
    generate::generate(order)
}

/// Takes a lock, to be held until execve or the end of the process; `false` if others held it for all this time.
///
/// # Errors
/// It cannot be had at all.
pub fn hold_lock(path: &Path, timeout: Duration, notice: &dyn Fn(&str)) -> Result<bool, StepError> {
    lock::hold(path, timeout, notice)
}

/// The value that a file has for a variable; `None`: the variable stays as it is.
///
/// # Errors
/// The file cannot be read, is not what it should be, or has no such value.
pub fn read_value(read: &Read, world: &dyn World) -> Result<Option<Vec<u8>>, StepError> {
    read::value(read, world)
}

/// Whether a marker is there.
///
/// # Errors
/// It cannot be told.
pub fn has_marker(marker: &Path) -> Result<bool, StepError> {
    let attempt = || format!("look for the marker `{}`", marker.display());
    marker::is_there(marker).map_err(|reason| StepError::new(attempt(), reason))
}

/// Writes a marker.
///
/// # Errors
/// It cannot be written.
pub fn write_marker(marker: &Path) -> Result<Outcome, StepError> {
    marker::write(marker, Ownership::default())
}

/// As it is written in a configuration: `999:1000`, `999`, `:1000`.
impl fmt::Display for Ownership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(uid) = self.uid {
            write!(f, "{uid}")?;
        }
        match self.gid {
            Some(gid) => write!(f, ":{gid}"),
            None => Ok(()),
        }
    }
}
