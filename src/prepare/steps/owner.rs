//! An owner for a tree: only what differs is changed, no symbolic link is followed, no other file system entered.

use super::error::{Failures, Reason, Request, StepError};
use super::folder::missing;
use super::place::Kind;
use super::{DEEPEST, Outcome};
use crate::plan::model::Ownership;
use crate::sys::file::{self, Stat, WORKING_DIRECTORY};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

pub(super) fn change(path: &Path, owner: Ownership, flat: bool) -> Result<Outcome, StepError> {
    let attempt = || {
        let below = if flat { "" } else { " and all below it" };
        format!("give `{}`{below} to {owner}", path.display())
    };
    let mut tree = Tree { owner, device: 0, path: path.to_owned(), changes: 0, failures: Failures::default() };
    if let Err(reason) = tree.top(flat) {
        return Err(StepError::new(attempt(), reason));
    }
    tree.failures.result(attempt)?;
    Ok(Outcome { changes: tree.changes, notes: Vec::new() })
}

struct Tree {
    owner: Ownership,
    /// The file system to stay on.
    device: u64,
    /// Where we are, for messages.
    path: PathBuf,
    changes: usize,
    failures: Failures,
}

impl Tree {
    fn top(&mut self, flat: bool) -> Result<(), Reason> {
        let name = self.path.clone().into_os_string();
        let stat = file::stat_at(WORKING_DIRECTORY, &name);
        let stat = stat.map_err(|error| Reason::system(error, Request::Read, &self.path))?;
        self.device = stat.st_dev;
        if Kind::of(&stat) == Kind::Link {
            let target = file::read_link(WORKING_DIRECTORY, &name).unwrap_or_default();
            let target = Path::new(&target).display();
            return Err(Reason::text(format!(
                "it is a symbolic link to `{target}`, and none is followed: name `{target}` itself"
            )));
        }
        if Kind::of(&stat) == Kind::Directory && !flat {
            match open_directory(WORKING_DIRECTORY, &self.path) {
                Ok(directory) => self.directory(&directory, 0),
                Err(error) => self.fail(error, Request::Read, Some(&stat)),
            }
        }
        let result = |own: Ownership| file::change_owner_at(WORKING_DIRECTORY, &name, own.uid, own.gid);
        self.own(&stat, result);
        Ok(())
    }

    /// All that is in a directory; the directory itself is its caller's: once it is given away, a root without
    /// CAP_DAC_OVERRIDE may have no entry.
    fn directory(&mut self, directory: &OwnedFd, depth: usize) {
        let mut below: Vec<(OsString, Stat)> = Vec::new();
        for name in file::names(directory) {
            let name = match name {
                Ok(name) => name,
                Err(error) => return self.fail(error, Request::Read, None),
            };
            self.path.push(&name);
            match file::stat_at(directory, &name) {
                Ok(stat) if stat.st_dev != self.device => {}
                Ok(stat) if Kind::of(&stat) == Kind::Directory => below.push((name, stat)),
                Ok(stat) => self.own(&stat, |own| file::change_owner_at(directory, &name, own.uid, own.gid)),
                Err(Errno::ENOENT) => {}
                Err(error) => self.fail(error, Request::Read, None),
            }
            self.path.pop();
        }
        for (name, stat) in below {
            self.path.push(&name);
            self.below(directory, &name, &stat, depth + 1);
            self.path.pop();
        }
    }

    fn below(&mut self, parent: &OwnedFd, name: &OsString, seen: &Stat, depth: usize) {
        if depth > DEEPEST {
            return self
                .failures
                .add(|| Reason::text(format!("`{}` is more than {DEEPEST} levels deep", self.path.display())));
        }
        let opened = open_directory(parent, Path::new(name)).and_then(|opened| Ok((file::stat(&opened)?, opened)));
        match opened {
            Ok((stat, _)) if stat.st_dev != self.device => {}
            Ok((stat, directory)) => {
                self.directory(&directory, depth);
                self.own(&stat, |own| file::change_owner(&directory, own.uid, own.gid));
            }
            // It is gone, or something else by now.
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => {}
            Err(error) => self.fail(error, Request::Read, Some(seen)),
        }
    }

    fn own(&mut self, stat: &Stat, change: impl Fn(Ownership) -> nix::Result<()>) {
        let Some(missing) = missing(self.owner, stat) else { return };
        match change(missing) {
            Ok(()) => self.changes += 1,
            Err(Errno::ENOENT) => {}
            Err(error) => self.fail(error, Request::Own(missing), Some(stat)),
        }
    }

    fn fail(&mut self, error: Errno, request: Request, stat: Option<&Stat>) {
        self.failures.add(|| Reason::brief(error, request, &self.path, stat));
    }
}

fn open_directory(at: impl AsFd, name: &Path) -> nix::Result<OwnedFd> {
    file::open(at, name, OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW, 0)
}
