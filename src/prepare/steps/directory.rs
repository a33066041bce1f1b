//! A directory that must be there.

use super::Outcome;
use super::error::{Reason, Request, StepError};
use super::folder::{Folders, Subject, missing, settle};
use super::place::{Kind, Place};
use crate::plan::model::Ownership;
use crate::sys::file::{self, Stat, WORKING_DIRECTORY};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::os::fd::AsFd;
use std::path::Path;

pub(super) fn make(path: &Path, mode: Option<u32>, owner: Ownership) -> Result<Outcome, StepError> {
    let mut folders = Folders::default();
    let made = ensure(&mut folders, path, mode, owner);
    let changed = made.map_err(|reason| StepError::new(format!("make the directory `{}`", path.display()), reason))?;
    Ok(Outcome { changes: folders.made + usize::from(changed), notes: Vec::new() })
}

fn ensure(folders: &mut Folders, path: &Path, mode: Option<u32>, owner: Ownership) -> Result<bool, Reason> {
    if path.file_name().is_none() {
        // `/`, or something that ends with `..`: nothing that could be missing.
        let opened = file::open(WORKING_DIRECTORY, path, OFlag::O_RDONLY | OFlag::O_DIRECTORY, 0);
        let stat = opened.and_then(|opened| Ok((file::stat(&opened)?, opened)));
        let (stat, opened) = stat.map_err(|error| Reason::system(error, Request::Read, path))?;
        let settled = settle(&Subject::Open(opened.as_fd()), &stat, mode, owner);
        return settled.map_err(|(error, request)| Reason::system(error, request, path));
    }
    let place = folders.place(path)?;
    let Place { folder, name, .. } = &place;
    if place.there.is_none() {
        match folder.make_directory(name, mode, owner) {
            Ok(true) => return Ok(true),
            // Another start was quicker.
            Ok(false) => {}
            Err((error, request)) => return Err(Reason::system(error, request, path)),
        }
    }
    let there = match &place.there {
        Some(there) => *there,
        None => file::stat_at(folder, name).map_err(|error| Reason::system(error, Request::Read, path))?,
    };
    agree(&place, &there, mode, owner)
}

/// Something is there: it must be a directory, and gets the mode and the owner it should have.
fn agree(place: &Place, there: &Stat, mode: Option<u32>, owner: Ownership) -> Result<bool, Reason> {
    let Place { folder, name, path, .. } = place;
    match Kind::of(there) {
        Kind::Directory => {}
        Kind::Link => return through_link(place, mode, owner),
        other @ (Kind::File | Kind::Fifo | Kind::Socket | Kind::Device) => {
            return Err(Reason::text(format!("there is {}", other.words())));
        }
    }
    if mode.is_none_or(|mode| mode == there.st_mode & 0o7777) && missing(owner, there).is_none() {
        return Ok(false);
    }
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    let settled = match file::open(folder, Path::new(name), flags, 0) {
        Ok(opened) => settle(&Subject::Open(opened.as_fd()), there, mode, owner),
        // Its owner may change what nobody may read.
        Err(Errno::EACCES) => settle(&Subject::Named(folder.as_fd(), name), there, mode, owner),
        Err(error) => Err((error, Request::Read)),
    };
    settled.map_err(|(error, request)| Reason::system(error, request, path))
}

/// A link to a directory does where nothing is to be changed behind it.
fn through_link(place: &Place, mode: Option<u32>, owner: Ownership) -> Result<bool, Reason> {
    let Place { folder, name, path, .. } = place;
    let target = file::read_link(folder, name).unwrap_or_default();
    let target = Path::new(&target).display().to_string();
    let asked = mode.is_some() || owner != Ownership::default();
    match file::open(folder, Path::new(name), OFlag::O_PATH | OFlag::O_DIRECTORY, 0) {
        Ok(_) if asked => Err(Reason::text(format!(
            "there is a symbolic link to `{target}`, and what is behind a link is given no mode and no owner: name \
             `{target}` itself"
        ))),
        Ok(_) => Ok(false),
        Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => {
            Err(Reason::text(format!("there is a symbolic link to `{target}`, which is no directory")))
        }
        Err(error) => Err(Reason::system(error, Request::Read, path)),
    }
}
