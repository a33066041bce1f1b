//! Files that were rendered: all of them are made under temporary names first, then all get their own.
//!
//! A file that is a mount point, or whose folder cannot be written, is written in place: its inode stays, its new
//! content goes over the old one. A start that is killed in the middle of that leaves it half written, and the next
//! start writes it again; there is no better way to change such a file.

use super::Outcome;
use super::error::{Reason, Request, Rights, StepError};
use super::folder::{self, Folders, Refusal, Subject, Temporary, dress, settle};
use super::place::{Kind, Place};
use crate::plan::model::File;
use crate::sys::file::{self, Stat};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::geteuid;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// How much of a file is compared at a time.
const CHUNK: usize = 16 * 1024;
/// The largest old content that is kept to be put back when a file cannot be written in place.
const MOST_KEPT: usize = 16 << 20;

pub(super) fn write(files: &[File]) -> Result<Outcome, StepError> {
    let mut outcome = Outcome::default();
    let mut folders = Folders::default();
    let mut ready = Vec::new();
    for file in files {
        match Change::prepare(file, &mut folders) {
            Ok(None) => {}
            Ok(Some(change)) => ready.push(change),
            Err(reason) => fail(file, reason, &mut outcome)?,
        }
    }
    for change in ready {
        let file = change.file;
        match change.commit(&mut outcome.notes) {
            Ok(true) => outcome.changes += 1,
            Ok(false) => {}
            Err(reason) => fail(file, reason, &mut outcome)?,
        }
    }
    outcome.changes += folders.made;
    Ok(outcome)
}

/// Passes it on, or makes a note of it where that is what was asked for.
fn fail(file: &File, reason: Reason, outcome: &mut Outcome) -> Result<(), StepError> {
    let error = |reason| StepError::new(format!("write `{}`", file.target.display()), reason);
    if file.skip_read_only && reason.is_refusal() {
        outcome.notes.push(format!("{}; it is left as it is", error(reason)));
        Ok(())
    } else {
        Err(error(reason))
    }
}

/// What is to be done to one file.
struct Change<'a> {
    file: &'a File,
    place: Place,
    how: How,
}

enum How {
    /// All but the name is done.
    Name(Temporary),
    /// The content is to be written over the old one.
    InPlace(OwnedFd),
    /// The content is right, the mode or the owner is not.
    Settle(OwnedFd),
}

impl<'a> Change<'a> {
    /// All that can be done before the first file changes. `None`: nothing is to be done.
    fn prepare(file: &'a File, folders: &mut Folders) -> Result<Option<Self>, Reason> {
        let place = folders.follow(&file.target)?;
        if let Some(there) = &place.there {
            let kind = Kind::of(there);
            if file.unless_exists {
                return Ok(None);
            }
            if kind != Kind::File {
                return Err(Reason::text(format!("there is {}", kind.words())));
            }
        }
        let how = How::decide(file, &place).map_err(|refusal| explain(file, &place, refusal))?;
        Ok(how.map(|how| Change { file, place, how }))
    }

    /// Does it; whether anything changed.
    fn commit(self, notes: &mut Vec<String>) -> Result<bool, Reason> {
        let Change { file, place, how } = self;
        let result = match how {
            How::Name(temporary) => name(file, &place, temporary, notes),
            How::InPlace(opened) => write_in_place(file, &place, &opened, notes).map(|()| true),
            How::Settle(opened) => {
                let stat = file::stat(&opened).map_err(|error| (error, Request::Read));
                stat.and_then(|stat| settle(&Subject::Open(opened.as_fd()), &stat, Some(file.mode), file.owner))
            }
        };
        let changed = result.map_err(|refusal| explain(file, &place, refusal))?;
        if changed {
            notes.extend(note_of_rights(file, &place));
        }
        Ok(changed)
    }
}

fn explain(file: &File, place: &Place, (error, request): Refusal) -> Reason {
    let reason = Reason::system(error, request, &place.path);
    if place.path == file.target { reason } else { reason.of(&place.path) }
}

impl How {
    fn decide(file: &File, place: &Place) -> Result<Option<How>, Refusal> {
        let mut same = false;
        if let Some(there) = &place.there
            && let Some(opened) = same_content(place, &file.content).map_err(|error| (error, Request::Read))?
        {
            if there.st_mode & 0o7777 == file.mode && folder::missing(file.owner, there).is_none() {
                return Ok(None);
            }
            // Who may not do that may replace the file all the same.
            if geteuid().is_root() || geteuid().as_raw() == there.st_uid {
                return Ok(Some(How::Settle(opened)));
            }
            same = true;
        }
        match (fill(file, place), &place.there) {
            (Ok(temporary), _) => Ok(Some(How::Name(temporary))),
            (Err((Errno::EACCES | Errno::EPERM | Errno::EROFS, Request::Write)), Some(there)) if same => {
                match folder::missing(file.owner, there) {
                    Some(missing) => Err((Errno::EPERM, Request::Own(missing))),
                    None if shows_more(there, file) => Err((Errno::EPERM, Request::Mode(file.mode))),
                    None => Ok(None),
                }
            }
            (Err((error @ (Errno::EACCES | Errno::EPERM | Errno::EROFS), Request::Write)), Some(_)) => {
                let opened = open_in_place(place).map_err(|_| (error, Request::Write))?;
                Ok(Some(How::InPlace(opened)))
            }
            (Err(refusal), _) => Err(refusal),
        }
    }
}

/// Whether somebody may read it who should not.
fn shows_more(there: &Stat, file: &File) -> bool {
    there.st_mode & 0o444 & !file.mode != 0
}

/// The new content under a temporary name, with its mode and owner. What is not said of the owner stays as it was.
fn fill(file: &File, place: &Place) -> Result<Temporary, Refusal> {
    let (temporary, opened) = place.folder.temporary_file().map_err(|error| (error, Request::Write))?;
    let written = file::write(&opened, &file.content);
    // No later start would see that it is empty after a crash of the machine.
    let written = if file.unless_exists { written.and_then(|()| file::sync(&opened)) } else { written };
    written.map_err(|error| (error, Request::Write))?;
    dress(&opened, file.mode, file.owner, place.there.as_ref())?;
    Ok(temporary)
}

fn name(file: &File, place: &Place, temporary: Temporary, notes: &mut Vec<String>) -> Result<bool, Refusal> {
    let mut first = Some(temporary);
    let make = || first.take().map_or_else(|| fill(file, place), Ok);
    let placed = folder::place(make, |temporary| {
        if file.unless_exists { temporary.place_new(&place.name) } else { temporary.place(&place.name) }
    });
    match placed {
        // A mount point; or a file of another user's in a folder with the sticky bit.
        Err((Errno::EBUSY | Errno::EXDEV | Errno::EPERM | Errno::EACCES, Request::Write)) if place.there.is_some() => {
            let opened = open_in_place(place).map_err(|error| (error, Request::Write))?;
            write_in_place(file, place, &opened, notes).map(|()| true)
        }
        placed => placed,
    }
}

fn open_in_place(place: &Place) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    match file::open(&place.folder, Path::new(&place.name), flags | OFlag::O_RDWR, 0) {
        Err(Errno::EACCES) => file::open(&place.folder, Path::new(&place.name), flags | OFlag::O_WRONLY, 0),
        opened => opened,
    }
}

fn write_in_place(file: &File, place: &Place, opened: &OwnedFd, notes: &mut Vec<String>) -> Result<(), Refusal> {
    let io = |error| (error, Request::Write);
    let stat = file::stat(opened).map_err(io)?;
    let mut foreign = false;
    let mut settle =
        |mode| match settle(&Subject::Open(opened.as_fd()), &file::stat(opened).map_err(io)?, mode, file.owner) {
            // It is another's. That its mode is another is no harm if nobody may read it who should not.
            Err((Errno::EPERM, Request::Mode(_))) if !shows_more(&stat, file) => {
                foreign = true;
                Ok(())
            }
            result => result.map(drop),
        };
    // Narrow before the new content comes, wide after the old one is gone.
    settle(Some(stat.st_mode & 0o7777 & file.mode))?;
    overwrite(opened, &file.content).map_err(io)?;
    settle(Some(file.mode))?;
    let path = place.path.display();
    notes.push(format!("`{path}` was written in place, because it is a mount point or its folder cannot be written"));
    if foreign {
        let is = stat.st_mode & 0o7777;
        notes.push(format!("`{path}` keeps mode {is:04o} instead of {:04o}, because it is another's", file.mode));
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
    let old = read_all(opened);
    file::rewind(opened)?;
    let written = file::write(opened, content).and_then(|()| truncate(opened, length));
    if written.is_err()
        && let Ok(Some(old)) = old
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

/// `None` if there is too much.
fn read_all(opened: &OwnedFd) -> nix::Result<Option<Vec<u8>>> {
    let mut content = Vec::new();
    loop {
        let start = content.len();
        if start > MOST_KEPT {
            return Ok(None);
        }
        content.resize(start + CHUNK, 0);
        let length = file::read(opened, &mut content[start..])?;
        content.truncate(start + length);
        if length < CHUNK {
            return Ok(Some(content));
        }
    }
}

/// The file, opened, if it has this content. One that may not be read has another.
fn same_content(place: &Place, content: &[u8]) -> nix::Result<Option<OwnedFd>> {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let opened = match file::open(&place.folder, Path::new(&place.name), flags, 0) {
        Err(Errno::EACCES | Errno::EPERM | Errno::ENOENT | Errno::ELOOP) => return Ok(None),
        opened => opened?,
    };
    let size = file::stat(&opened)?.st_size;
    // The files of /proc and /sys say 0, or a page.
    let is_real = size != 0 && size != 4096;
    if is_real && i64::try_from(content.len()) != Ok(size) {
        return Ok(None);
    }
    let mut chunk = vec![0; CHUNK.min(content.len() + 1)];
    let mut rest = content;
    loop {
        let length = file::read(&opened, &mut chunk)?;
        match rest.split_at_checked(length) {
            Some((same, left)) if same == &chunk[..length] => rest = left,
            Some(_) | None => return Ok(None),
        }
        if length < chunk.len() {
            return Ok(rest.is_empty().then_some(opened));
        }
    }
}

/// What is behind a link may be somebody else's: that it changed hands is said.
fn note_of_rights(file: &File, place: &Place) -> Option<String> {
    let old: &Stat = place.there.as_ref().filter(|_| place.path != file.target)?;
    let new = file::stat_at(&place.folder, &place.name).ok()?;
    let differ = (old.st_uid, old.st_gid, old.st_mode) != (new.st_uid, new.st_gid, new.st_mode);
    let (link, path) = (file.target.display(), place.path.display());
    differ.then(|| {
        let (old, new) = (Rights::of(old), Rights::of(&new));
        format!("`{link}` is a symbolic link to `{path}`, which had {old} and now has {new}")
    })
}
