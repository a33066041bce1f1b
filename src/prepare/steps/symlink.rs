//! A symbolic link.

use super::Outcome;
use super::error::{Reason, Request, StepError};
use super::folder::{self, Folders};
use super::place::{Kind, Place};
use crate::sys::file;
use nix::errno::Errno;
use std::path::Path;

pub(super) fn make(path: &Path, target: &Path, replace: bool) -> Result<Outcome, StepError> {
    let mut folders = Folders::default();
    let made = ensure(&mut folders, path, target, replace);
    let attempt = || format!("make the symbolic link `{}` to `{}`", path.display(), target.display());
    let changed = made.map_err(|reason| StepError::new(attempt(), reason))?;
    Ok(Outcome { changes: folders.made + usize::from(changed), notes: Vec::new() })
}

fn ensure(folders: &mut Folders, path: &Path, target: &Path, replace: bool) -> Result<bool, Reason> {
    let place = folders.place(path)?;
    if points_to(&place, target)? {
        return Ok(false);
    }
    let Place { folder, name, there, .. } = place;
    if let Some(there) = &there {
        match Kind::of(there) {
            Kind::Directory => return Err(Reason::text("there is a directory, and none is ever replaced".to_owned())),
            Kind::Link | Kind::File | Kind::Fifo | Kind::Socket | Kind::Device if replace => {}
            other @ (Kind::Link | Kind::File | Kind::Fifo | Kind::Socket | Kind::Device) => {
                let pointing = match file::read_link(&folder, &name) {
                    Ok(target) => format!(" to `{}`", Path::new(&target).display()),
                    Err(_) => String::new(),
                };
                return Err(Reason::text(format!(
                    "there is {}{pointing} (`replace = true` would replace it)",
                    other.words()
                )));
            }
        }
    }
    let make = || {
        let made = folder.temporary(|name| file::make_link(target, &folder, name));
        made.map(|(temporary, ())| temporary).map_err(|error| (error, Request::Write))
    };
    let placed = folder::place(
        make,
        |temporary| {
            if there.is_some() { temporary.place(&name) } else { temporary.place_new(&name) }
        },
    );
    match placed {
        Ok(true) => Ok(true),
        Ok(false) => match file::read_link(&folder, &name) {
            // Another start was quicker.
            Ok(there) if there == *target => Ok(false),
            Ok(_) | Err(_) => Err(Reason::system(Errno::EEXIST, Request::Write, path)),
        },
        Err((error, request)) => Err(Reason::system(error, request, path)),
    }
}

fn points_to(place: &Place, target: &Path) -> Result<bool, Reason> {
    if place.there.as_ref().is_none_or(|there| Kind::of(there) != Kind::Link) {
        return Ok(false);
    }
    let there = file::read_link(&place.folder, &place.name);
    there.map(|there| there == *target).map_err(|error| Reason::system(error, Request::Read, &place.path))
}
