//! A file that is a mount point, or whose folder cannot be written, is written in place: its inode stays, its new
//! content goes over the old one. A start that is killed in the middle of that leaves it half written, and the next
//! start writes it again; there is no better way to change such a file.

use super::error::{Refusal, Request, for_write};
use super::place::Place;
use super::rights::{Subject, settle};
use super::write::mode_at;
use crate::plan::model::File;
use crate::sys::file::{self, Stat};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// The largest old content that is kept to be put back when a file cannot be written in place.
const MOST_KEPT: usize = 16 << 20;

/// Whether somebody may read it who should not.
pub(super) fn shows_more(there: &Stat, file: &File) -> bool {
    there.st_mode & 0o444 & !mode_at(file, Some(there)) != 0
}

/// Opens what is to be written over.
pub(super) fn open(place: &Place) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    match file::open(&place.folder, Path::new(&place.name), flags | OFlag::O_RDWR, 0) {
        Err(Errno::EACCES) => file::open(&place.folder, Path::new(&place.name), flags | OFlag::O_WRONLY, 0),
        opened => opened,
    }
}

/// Gives it its content, its mode and its owner.
pub(super) fn write(file: &File, place: &Place, opened: &OwnedFd, notes: &mut Vec<String>) -> Result<(), Refusal> {
    let stat = file::stat(opened).map_err(for_write)?;
    let mode = mode_at(file, Some(&stat));
    let mut foreign = false;
    let mut settle = |mode| match settle(
        &Subject::Open(opened.as_fd()),
        &file::stat(opened).map_err(for_write)?,
        mode,
        file.owner,
    ) {
        // It is another's. That its mode is another is no harm if nobody may read it who should not.
        Err((Errno::EPERM, Request::Mode(_))) if !shows_more(&stat, file) => {
            foreign = true;
            Ok(())
        }
        result => result.map(drop),
    };
    // Narrow before the new content comes, wide after the old one is gone.
    settle(Some(stat.st_mode & 0o7777 & mode))?;
    overwrite(opened, &file.content).map_err(for_write)?;
    settle(Some(mode))?;
    let path = place.path.display();
    notes.push(format!("`{path}` was written in place, because it is a mount point or its folder cannot be written"));
    if foreign {
        let is = stat.st_mode & 0o7777;
        notes.push(format!("`{path}` keeps mode {is:04o} instead of {mode:04o}, because it is another's"));
    }
    Ok(())
}

/// Writes over the old content; puts it back if that fails.
fn overwrite(opened: &OwnedFd, content: &[u8]) -> nix::Result<()> {
    let length = i64::try_from(content.len()).map_err(|_| Errno::EFBIG)?;
    // The likely failure, no space, is to come before anything is changed. Many file systems cannot say.
    if let Err(error @ (Errno::ENOSPC | Errno::EDQUOT | Errno::EFBIG)) = file::allocate(opened, length) {
        return Err(error);
    }
    let old = file::beginning(opened, MOST_KEPT);
    file::rewind(opened)?;
    let written = file::write(opened, content).and_then(|()| truncate(opened, length));
    if written.is_err()
        && let Ok(old) = old
        && old.len() <= MOST_KEPT
    {
        let _: nix::Result<()> = file::rewind(opened).and_then(|()| file::write(opened, &old));
        let _: nix::Result<()> = truncate(opened, i64::try_from(old.len()).unwrap_or(i64::MAX));
    }
    written
}

fn truncate(opened: &OwnedFd, length: i64) -> nix::Result<()> {
    // Where there is nothing to cut off it is not asked for: files in /proc and /sys cannot be.
    if file::stat(opened)?.st_size > length { file::truncate(opened, length) } else { Ok(()) }
}
