//! A symbolic link.

use super::Outcome;
use super::error::{Reason, Request, StepError, for_write};
use super::folder::{self, Folders};
use super::place::{Kind, Place};
use crate::sys::file;
use nix::errno::Errno;
use std::path::Path;

#[inline(never)]
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
    let Place { folder, name, there, .. } = *place;
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
    let mut make = || {
        let made = folder.temporary(|name| file::make_link(target, &folder, name));
        made.map(|(temporary, ())| temporary).map_err(for_write)
    };
    let placed = folder::place(&mut make, &|temporary| {
        if there.is_some() { temporary.place(&name) } else { temporary.place_new(&name) }
    });
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

#[cfg(test)]
mod tests {

    use crate::plan::model::Action;
    use crate::prepare::steps::testing::{directory, done, link, put, refused, settled};
    use std::fs;
    use std::path::Path;

    fn link_at(path: &Path, replace: bool) -> Action {
        Action::Symlink { path: path.to_owned(), target: "../target".into(), replace }
    }

    #[test]
    fn a_link_is_made_once() {
        let top = directory();
        let path = top.path().join("a/link");
        assert_eq!(done(&link_at(&path, false)).changes, 2);
        assert_eq!(fs::read_link(&path).unwrap(), Path::new("../target"));
        settled(top.path(), &link_at(&path, false));
        settled(top.path(), &link_at(&path, true));
    }

    #[test]
    fn what_is_there_is_replaced_only_if_asked_for() {
        let top = directory();
        let (file, other) = (top.path().join("file"), top.path().join("other"));
        put(&file, "content", 0o644);
        link(&other, "elsewhere");
        let said = |path: &Path, words: &str| {
            format!(
                "cannot make the symbolic link `{}` to `../target`: there is {words} (`replace = true` would replace it)",
                path.display()
            )
        };
        assert_eq!(refused(&link_at(&file, false)), said(&file, "a file"));
        assert_eq!(refused(&link_at(&other, false)), said(&other, "a symbolic link to `elsewhere`"));
        for path in [&file, &other] {
            assert_eq!(done(&link_at(path, true)).changes, 1);
            assert_eq!(fs::read_link(path).unwrap(), Path::new("../target"));
        }
    }

    /// `ln -s` would put the link into it.
    #[test]
    fn a_directory_is_never_replaced_nor_filled() {
        let top = directory();
        let path = top.path().join("directory");
        fs::create_dir(&path).unwrap();
        assert!(refused(&link_at(&path, true)).ends_with("there is a directory, and none is ever replaced"));
        assert!(path.read_dir().unwrap().next().is_none());
        let linked = top.path().join("linked");
        link(&linked, "directory");
        assert_eq!(done(&link_at(&linked, true)).changes, 1);
        assert!(path.read_dir().unwrap().next().is_none());
    }
}
