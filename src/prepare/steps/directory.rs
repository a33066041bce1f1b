//! A directory that must be there.

use super::Outcome;
use super::error::{Reason, Request, StepError};
use super::folder::Folders;
use super::place::{Kind, Place};
use super::rights::{Subject, missing, settle};
use crate::plan::model::Ownership;
use crate::sys::file::{self, Stat, WORKING_DIRECTORY};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::os::fd::AsFd;
use std::path::Path;

#[inline(never)]
pub(super) fn make(path: &Path, mode: Option<u32>, owner: Ownership, parents: bool) -> Result<Outcome, StepError> {
    let mut folders = if parents { Folders::default() } else { Folders::existing() };
    let made = ensure(&mut folders, path, mode, owner);
    let changed = made.map_err(|reason| StepError::new(format!("make the directory `{}`", path.display()), reason))?;
    Ok(Outcome { changes: folders.made + usize::from(changed), notes: Vec::new() })
}

fn ensure(folders: &mut Folders, path: &Path, mode: Option<u32>, owner: Ownership) -> Result<bool, Reason> {
    if path.file_name().is_none() {
        // `/`, or something that ends with `..`: nothing that could be missing.
        let opened = file::open(&WORKING_DIRECTORY, path, OFlag::O_RDONLY | OFlag::O_DIRECTORY, 0);
        let stat = opened.and_then(|opened| Ok((file::stat(&opened)?, opened)));
        let (stat, opened) = stat.map_err(|error| Reason::system(error, Request::Read, path))?;
        let settled = settle(&Subject::Open(opened.as_fd()), &stat, mode, owner);
        return settled.map_err(|(error, request)| Reason::system(error, request, path));
    }
    let place = folders.place(path)?;
    let Place { folder, name, .. } = &*place;
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
#[inline(never)]
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

#[cfg(test)]
mod tests {

    use super::*;
    use crate::plan::model::Action;
    use crate::prepare::child::is_root_or_skip;
    use crate::prepare::steps::testing::{
        directory, done, give, link, mode, owner, put, refused, set_mode, settled, to,
    };
    use crate::sys::testing::{as_user, with_umask};
    use std::fs;

    fn directory_at(path: &Path, mode: Option<u32>) -> Action {
        Action::Directory { path: path.to_owned(), mode, owner: Ownership::default(), parents: true }
    }

    #[test]
    fn a_directory_has_its_mode_whatever_the_umask_is() {
        let top = directory();
        let path = top.path().join("a/b/c");
        let plain = top.path().join("plain");
        with_umask(0o077, || {
            assert_eq!(done(&directory_at(&path, Some(0o2775))).changes, 3);
            assert_eq!(done(&directory_at(&plain, None)).changes, 1);
        });
        assert_eq!(mode(&path), 0o2775);
        assert_eq!(mode(path.parent().unwrap()), 0o755);
        assert_eq!(mode(&plain), 0o700);
        settled(top.path(), &directory_at(&path, Some(0o2775)));
        settled(top.path(), &directory_at(&plain, None));
    }

    #[test]
    fn a_directory_that_is_there_keeps_what_is_not_asked_for() {
        let top = directory();
        let path = top.path().join("there");
        put(&path.join("file"), "content", 0o600);
        set_mode(&path, 0o711);
        settled(top.path(), &directory_at(&path, None));
        assert_eq!(done(&directory_at(&path, Some(0o750))).changes, 1);
        assert_eq!(mode(&path), 0o750);
        settled(top.path(), &directory_at(&path, Some(0o750)));
        settled(top.path(), &directory_at(&top.path().join("there/.."), None));
    }

    #[test]
    fn without_parents_only_the_last_one_is_made() {
        let top = directory();
        let made = |path: &str| Action::Directory {
            path: top.path().join(path),
            mode: None,
            owner: Ownership::default(),
            parents: false,
        };
        let path = top.path().join("a/b");
        let cause = format!("`{}`: no such file or directory (ENOENT)", top.path().join("a").display());
        assert_eq!(refused(&made("a/b")), format!("cannot make the directory `{}`: {cause}", path.display()));
        assert!(!top.path().join("a").exists());
        assert_eq!(done(&made("a")).changes, 1);
        assert_eq!(done(&made("a/b")).changes, 1);
        settled(top.path(), &made("a/b"));
    }

    #[test]
    fn a_directory_gets_its_owner_and_no_parent_does() {
        if !is_root_or_skip("a_directory_gets_its_owner_and_no_parent_does") {
            return;
        }
        let top = directory();
        let path = top.path().join("a/b");
        let action = Action::Directory { path: path.clone(), mode: Some(0o6750), owner: to(1000, 1001), parents: true };
        assert_eq!(done(&action).changes, 2);
        assert_eq!((owner(&path), mode(&path)), ((1000, 1001), 0o6750));
        assert_eq!(owner(path.parent().unwrap()), (0, 0));
        settled(top.path(), &action);
        let user = Ownership { uid: Some(7), gid: None };
        let action = Action::Directory { path: path.clone(), mode: None, owner: user, parents: true };
        assert_eq!(done(&action).changes, 1);
        assert_eq!((owner(&path), mode(&path)), ((7, 1001), 0o6750));
    }

    #[test]
    fn what_is_no_directory_is_told() {
        let top = directory();
        let top = top.path();
        let said = |path: &Path, words: &str| format!("cannot make the directory `{}`: {words}", path.display());
        let path = top.join("file");
        put(&path, "", 0o644);
        assert_eq!(refused(&directory_at(&path, None)), said(&path, "there is a file"));
        let below = path.join("below");
        assert_eq!(
            refused(&directory_at(&below, None)),
            said(&below, &format!("`{}`: not a directory (ENOTDIR)", path.display()))
        );
        let path = top.join("dangling");
        link(&path, "nowhere");
        let words = "there is a symbolic link to `nowhere`, which is no directory";
        assert_eq!(refused(&directory_at(&path, None)), said(&path, words));
    }

    #[test]
    fn a_link_to_a_directory_does_but_nothing_is_changed_behind_it() {
        let top = directory();
        let path = top.path().join("link");
        fs::create_dir(top.path().join("real")).unwrap();
        link(&path, "real");
        settled(top.path(), &directory_at(&path, None));
        settled(top.path(), &directory_at(&path.join("../link"), None));
        assert!(refused(&directory_at(&path, Some(0o700))).ends_with("name `real` itself"));
        assert_eq!(mode(&top.path().join("real")), 0o755);
    }

    #[test]
    fn a_user_without_rights_is_told_whose_they_are() {
        if !is_root_or_skip("a_user_without_rights_is_told_whose_they_are") {
            return;
        }
        let top = directory();
        let top = top.path();
        let message = as_user(1000, 1001, || refused(&directory_at(&top.join("a"), None)));
        assert_eq!(
            message,
            format!(
                "cannot make the directory `{0}/a`: permission denied (EACCES): the folder `{0}` has mode 0755 and \
                 owner 0:0; onset runs as 1000:1001; make the folder writable for this user or group, or mount a \
                 volume or a tmpfs there",
                top.display()
            )
        );
        let path = top.join("b");
        fs::create_dir(&path).unwrap();
        give(&path, 7, 7);
        let message = as_user(1000, 1001, || refused(&directory_at(&path, Some(0o700))));
        assert!(message.contains("cannot set mode 0700: operation not permitted (EPERM)"), "{message}");
        assert!(message.ends_with("; a mode is set by the owner, or with CAP_FOWNER"), "{message}");
        let owned = Action::Directory { path: path.clone(), mode: None, owner: to(1000, 1000), parents: true };
        let message = as_user(1000, 1001, || refused(&owned));
        assert!(message.contains("cannot give it to :1000: operation not permitted (EPERM)"), "{message}");
    }
}
