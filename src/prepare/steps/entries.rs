//! Copying what is in a tree: each entry appears complete, with its mode, its owner and its time, or not at all. What
//! is there already is never replaced.

use super::DEEPEST;
use super::error::{Reason, Refusal, Request, for_read, for_write};
use super::folder::{self, Folder, INCOMPLETE, Temporary, is_ours};
use super::place::Kind;
use super::rights::dress;
use crate::glob;
use crate::plan::model::Ownership;
use crate::sys::file::{self, Stat};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// How much is copied at a time.
pub(super) const CHUNK: usize = 64 * 1024;

/// What is to be copied: open, what it is, and where, for messages.
pub(super) struct Original {
    pub(super) opened: OwnedFd,
    pub(super) stat: Stat,
    pub(super) path: PathBuf,
}

impl Original {
    /// An entry of a directory, opened unless that would do something.
    fn entry(&self, name: &OsStr, stat: Stat, flags: OFlag) -> Result<Original, Reason> {
        let path = self.path.join(name);
        let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        match file::open(&self.opened, Path::new(name), flags, 0) {
            Ok(opened) => Ok(Original { opened, stat, path }),
            Err(error) => Err(Reason::system(error, Request::Read, &path).of(&path)),
        }
    }
}

/// Copies, and counts.
pub(super) struct Copier<'a> {
    owner: Ownership,
    exclude: &'a [String],
    /// What is copied as a whole or not at all, by patterns of paths below the top.
    whole: &'a [String],
    top: PathBuf,
    /// How many entries were made.
    pub(super) copied: usize,
    /// What was left out, and why.
    pub(super) notes: Vec<String>,
    /// The target itself, device and inode: it may lie in the source.
    target: Option<(u64, u64)>,
}

impl<'a> Copier<'a> {
    /// Has copied nothing yet.
    pub(super) fn new(owner: Ownership, exclude: &'a [String], whole: &'a [String]) -> Self {
        Copier { owner, exclude, whole, top: PathBuf::new(), copied: 0, notes: Vec::new(), target: None }
    }

    /// Every entry of the original that the target does not have.
    pub(super) fn tree(&mut self, original: &Original, target: &Rc<Folder>) -> Result<(), Reason> {
        let id = file::stat(target);
        let id = id.map_err(|error| Reason::system(error, Request::Read, target.path()).of(target.path()))?;
        self.target = Some((id.st_dev, id.st_ino));
        self.top.clone_from(&original.path);
        self.entries(original, target, 0)
    }

    fn entries(&mut self, original: &Original, target: &Rc<Folder>, depth: usize) -> Result<(), Reason> {
        if depth > DEEPEST {
            return Err(Reason::text(format!("`{}` is more than {DEEPEST} levels deep", original.path.display())));
        }
        for name in file::names(&original.opened) {
            let path = &original.path;
            let name = name.map_err(|error| Reason::system(error, Request::Read, path).of(path))?;
            let excluded = |pattern: &String| glob::matches(pattern.as_bytes(), name.as_bytes());
            if !is_ours(&name) && !self.exclude.iter().any(excluded) {
                self.entry(original, &name, target, depth)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, parent: &Original, name: &OsStr, target: &Rc<Folder>, depth: usize) -> Result<(), Reason> {
        let read = |error, path: PathBuf| Reason::system(error, Request::Read, &path).of(&path);
        let stat = file::stat_at(&parent.opened, name).map_err(|error| read(error, parent.path.join(name)))?;
        let there = target.look(name).map_err(|error| read(error, target.path().join(name)))?;
        match (Kind::of(&stat), there.as_ref().map(Kind::of)) {
            (Kind::Directory, there) => self.below(parent, name, &stat, target, there, depth),
            (_, Some(_)) => {
                if self.is_whole(parent, name, false) {
                    self.leave(&target.path().join(name));
                }
                Ok(())
            }
            (Kind::File, None) => {
                let original = parent.entry(name, stat, OFlag::O_RDONLY)?;
                self.file(&original, target, name)
            }
            (Kind::Link, None) => self.link(parent, name, &stat, target),
            (kind @ (Kind::Fifo | Kind::Socket | Kind::Device), None) => {
                let path = parent.path.join(name);
                self.notes.push(format!("`{}` was left out: it is {}", path.display(), kind.words()));
                Ok(())
            }
        }
    }

    fn below(
        &mut self,
        parent: &Original,
        name: &OsStr,
        stat: &Stat,
        target: &Rc<Folder>,
        there: Option<Kind>,
        depth: usize,
    ) -> Result<(), Reason> {
        if self.target == Some((stat.st_dev, stat.st_ino)) {
            return Ok(());
        }
        let original = parent.entry(name, *stat, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
        let whole = self.is_whole(parent, name, true);
        match there {
            None => self.directory(&original, target, name, whole)?,
            Some(Kind::Directory) => {}
            Some(other @ (Kind::File | Kind::Link | Kind::Fifo | Kind::Socket | Kind::Device)) => {
                let (original, path) = (original.path.display(), target.path().join(name));
                let is = other.words();
                self.notes.push(format!("`{original}` was left out: `{}` is {is}, not a directory", path.display()));
                return Ok(());
            }
        }
        let path = target.path().join(name);
        let write = |error| Reason::system(error, Request::Write, &path).of(&path);
        let target = target.child(name).map_err(write)?;
        let unfinished = whole && target.look(OsStr::new(INCOMPLETE)).map_err(write)?.is_some();
        if whole && !unfinished && there.is_some() {
            self.leave(&path);
            return Ok(());
        }
        self.entries(&original, &target, depth + 1)?;
        if unfinished {
            file::unlink(&target, OsStr::new(INCOMPLETE)).map_err(write)?;
        }
        if there.is_none() || unfinished { complete(stat, &target).map_err(write) } else { Ok(()) }
    }

    /// Whether an entry is copied as a whole or not at all; a pattern with a slash at its end is for directories.
    fn is_whole(&self, parent: &Original, name: &OsStr, is_directory: bool) -> bool {
        let path = parent.path.join(name);
        let Ok(path) = path.strip_prefix(&self.top) else { return false };
        let parts = || path.as_os_str().as_bytes().split(|&byte| byte == b'/');
        self.whole.iter().any(|pattern| {
            let (pattern, fits) = pattern.strip_suffix('/').map_or((&**pattern, true), |rest| (rest, is_directory));
            let patterns = || pattern.split('/').map(str::as_bytes);
            let all = || patterns().zip(parts()).all(|(pattern, part)| glob::matches(pattern, part));
            fits && patterns().count() == parts().count() && all()
        })
    }

    fn leave(&mut self, path: &Path) {
        self.notes.push(format!("`{}` is there already, and left as it is", path.display()));
    }

    /// An empty directory with the mode and the owner of the original, but that its owner may fill it; `marked`: it says that
    /// it is not complete.
    pub(super) fn directory(
        &mut self,
        original: &Original,
        folder: &Rc<Folder>,
        name: &OsStr,
        marked: bool,
    ) -> Result<(), Reason> {
        let mode = original.stat.st_mode & 0o7777 | 0o700;
        let owner = self.owner;
        self.make(original, folder, name, &mut || {
            folder.temporary_directory(0o700, &|made| {
                if marked {
                    mark(made).map_err(for_write)?;
                }
                dress(made, mode, owner, Some(&original.stat)).map(drop)
            })
        })
    }

    /// A file with all that is the original's.
    pub(super) fn file(&mut self, original: &Original, folder: &Rc<Folder>, name: &OsStr) -> Result<(), Reason> {
        let Original { opened: source, stat, .. } = original;
        let owner = self.owner;
        self.make(original, folder, name, &mut || {
            let (temporary, opened) = folder.temporary_file().map_err(for_write)?;
            file::rewind(source).and_then(|()| copy_content(source, &opened)).map_err(for_write)?;
            // Before it is given away: only its owner may set its time.
            keep_time(stat, folder, &temporary)?;
            dress(&opened, stat.st_mode & 0o7777, owner, Some(stat))?;
            Ok(temporary)
        })
    }

    fn link(&mut self, parent: &Original, name: &OsStr, stat: &Stat, folder: &Rc<Folder>) -> Result<(), Reason> {
        let Ownership { uid, gid } = self.owner;
        self.make(parent, folder, name, &mut || {
            let pointed = file::read_link(&parent.opened, name).map_err(for_read)?;
            let made = folder.temporary(|name| file::make_link(Path::new(&pointed), folder, name));
            let (temporary, ()) = made.map_err(for_write)?;
            keep_time(stat, folder, &temporary)?;
            let own = |uid, gid| file::change_owner_at(folder, temporary.name(), uid, gid);
            match own(uid.or(Some(stat.st_uid)), gid.or(Some(stat.st_gid))) {
                Err(Errno::EPERM | Errno::EINVAL) => own(uid, gid),
                result => result,
            }
            .map_err(|error| (error, Request::Own(Ownership { uid, gid })))?;
            Ok(temporary)
        })
    }

    fn make(
        &mut self,
        original: &Original,
        folder: &Rc<Folder>,
        name: &OsStr,
        make: &mut dyn FnMut() -> Result<Temporary, Refusal>,
    ) -> Result<(), Reason> {
        match folder::place(make, &|temporary| temporary.place_new(name)) {
            Ok(placed) => {
                self.copied += usize::from(placed);
                Ok(())
            }
            Err((error, Request::Read)) => Err(Reason::system(error, Request::Read, &original.path).of(&original.path)),
            Err((error, request)) => {
                let path = folder.path().join(name);
                Err(Reason::system(error, request, &path).of(&path))
            }
        }
    }
}

/// A directory has all its entries: the last bits of its mode, and its time.
pub(super) fn complete(stat: &Stat, target: &Rc<Folder>) -> nix::Result<()> {
    let mode = stat.st_mode & 0o7777;
    if mode & 0o700 != 0o700 {
        file::change_mode(target, mode)?;
    }
    match file::set_modified_at(target, OsStr::new("."), stat.st_mtime, stat.st_mtime_nsec) {
        // It was given away, and root has no CAP_FOWNER: no reason to start it all again.
        Err(Errno::EPERM) => Ok(()),
        result => result,
    }
}

/// Says that a directory is not complete.
pub(super) fn mark(directory: &impl AsFd) -> nix::Result<()> {
    let flags = OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_WRONLY;
    file::open(directory, Path::new(INCOMPLETE), flags, 0o600).map(drop)
}

fn keep_time(stat: &Stat, folder: &Rc<Folder>, temporary: &Temporary) -> Result<(), Refusal> {
    file::set_modified_at(folder, temporary.name(), stat.st_mtime, stat.st_mtime_nsec).map_err(for_write)
}

fn copy_content(source: &OwnedFd, target: &OwnedFd) -> nix::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = file::read(source, &mut chunk)?;
        file::write(target, &chunk[..length])?;
        if length < chunk.len() {
            return Ok(());
        }
    }
}
