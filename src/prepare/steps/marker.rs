//! A marker: an empty file that is written last, and says that all before it was done.

use super::error::{Reason, Request, StepError};
use super::{Outcome, write};
use crate::plan::model::{File, Ownership};
use crate::sys::file::{self, WORKING_DIRECTORY};
use nix::errno::Errno;
use std::path::Path;

const MODE: u32 = 0o644;

pub(super) fn is_there(marker: &Path) -> Result<bool, Reason> {
    match file::stat_at(&WORKING_DIRECTORY, marker.as_os_str()) {
        Ok(_) => Ok(true),
        Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(false),
        Err(error) => Err(Reason::system(error, Request::Read, marker).of(marker)),
    }
}

pub(super) fn write(marker: &Path, owner: Ownership) -> Result<Outcome, StepError> {
    let (target, unless_exists, skip_read_only) = (marker.to_owned(), true, false);
    write::write(&[File {
        target,
        content: Vec::new(),
        mode: MODE,
        keep_mode: false,
        owner,
        unless_exists,
        skip_read_only,
    }])
}
