//! A copy of a file or a tree, entry by entry: each appears complete, with its mode, its owner and its time.
//!
//! While a tree is not complete its copy contains [`INCOMPLETE`], so that the next start goes on where this one was
//! killed although the target is no longer missing or empty. Two starts that copy to one shared volume at once go on
//! where the other is: nothing that is there is replaced.

use super::error::{Reason, Request, StepError};
use super::folder::{self, Folder, Folders, INCOMPLETE, Refusal, Temporary, dress, is_ours};
use super::place::{Kind, Place};
use super::{DEEPEST, Outcome, write};
use crate::config::model::CopyIf;
use crate::glob;
use crate::plan::model::{File, Ownership};
use crate::sys::file::{self, Stat, WORKING_DIRECTORY};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// How much is copied at a time.
const CHUNK: usize = 64 * 1024;
/// The mode of a marker.
const MARKER_MODE: u32 = 0o644;
/// What the root of a new ext file system contains; it is empty all the same.
const LOST_AND_FOUND: &str = "lost+found";

/// What to copy.
pub(super) struct Order<'a> {
    pub(super) from: &'a Path,
    pub(super) to: &'a Path,
    pub(super) condition: CopyIf,
    pub(super) owner: Ownership,
    pub(super) exclude: &'a [String],
}

pub(super) fn copy(order: &Order<'_>, marker: Option<&Path>) -> Result<Outcome, StepError> {
    let attempt = || format!("copy `{}` to `{}`", order.from.display(), order.to.display());
    if let Some(marker) = marker {
        match file::stat_at(WORKING_DIRECTORY, marker.as_os_str()) {
            Ok(_) => {
                // All that a kill right after the marker was written leaves to do.
                let _: nix::Result<()> = file::unlink(WORKING_DIRECTORY, order.to.join(INCOMPLETE).as_os_str());
                return Ok(Outcome::default());
            }
            Err(Errno::ENOENT | Errno::ENOTDIR) => {}
            Err(error) => {
                return Err(StepError::new(attempt(), Reason::system(error, Request::Read, marker).of(marker)));
            }
        }
    }
    let source = order.from.to_owned();
    let (folders, notes) = (Folders::default(), Vec::new());
    let mut copying = Copying { order, folders, changes: 0, notes, target: None, source };
    let copied = copying.top().map_err(|reason| StepError::new(attempt(), reason))?;
    let mut outcome = Outcome { changes: copying.changes + copying.folders.made, notes: copying.notes };
    if let (Copied::File | Copied::Tree(_), Some(marker)) = (&copied, marker) {
        let (target, owner) = (marker.to_owned(), order.owner);
        let (unless_exists, skip_read_only) = (true, false);
        let marker = File { target, content: Vec::new(), mode: MARKER_MODE, owner, unless_exists, skip_read_only };
        outcome.changes += write::write(&[marker])?.changes;
    }
    if let Copied::Tree(Some((target, stat))) = copied {
        finish(&target, stat.as_ref()).map_err(|error| {
            let path = target.path();
            StepError::new(attempt(), Reason::system(error, Request::Write, path).of(path))
        })?;
    }
    Ok(outcome)
}

enum Copied {
    /// There is something, and it is not to be looked at.
    NotAsked,
    File,
    /// With what is to be done to its top when all else is; a directory that onset made gets its mode and time.
    Tree(Option<(Rc<Folder>, Option<Stat>)>),
}

struct Copying<'a> {
    order: &'a Order<'a>,
    folders: Folders,
    changes: usize,
    notes: Vec<String>,
    /// The target itself, device and inode: it may lie in the source.
    target: Option<(u64, u64)>,
    /// Where we are in the source, for messages.
    source: PathBuf,
}

impl Copying<'_> {
    fn top(&mut self) -> Result<Copied, Reason> {
        let Order { from, to, condition, .. } = *self.order;
        let read = |error| Reason::system(error, Request::Read, from).of(from);
        let source = file::open(WORKING_DIRECTORY, from, OFlag::O_RDONLY | OFlag::O_NONBLOCK, 0).map_err(read)?;
        let stat = file::stat(&source).map_err(read)?;
        let place = self.folders.follow(to)?;
        match Kind::of(&stat) {
            Kind::File => self.top_file(&source, &stat, &place),
            Kind::Directory => self.top_directory(&source, &stat, place, condition),
            other @ (Kind::Link | Kind::Fifo | Kind::Socket | Kind::Device) => {
                Err(Reason::text(format!("`{}` is {}", from.display(), other.words())))
            }
        }
    }

    fn top_file(&mut self, source: &OwnedFd, stat: &Stat, place: &Place) -> Result<Copied, Reason> {
        match &place.there {
            None => {
                let placed = self.file(source, stat, &place.folder, &place.name);
                placed.map_err(|(error, request)| Reason::system(error, request, &place.path).of(&place.path))?;
                file::sync_file_system(&place.folder)
                    .map_err(|error| Reason::system(error, Request::Write, &place.path))?;
                Ok(Copied::File)
            }
            Some(there) if self.order.condition == CopyIf::Empty && Kind::of(there) == Kind::Directory => {
                Err(Reason::text(format!("`{}` is a directory, the source is none", place.path.display())))
            }
            // A start that was killed may have come this far, and not to the marker.
            Some(there) if Kind::of(there) == Kind::File => Ok(Copied::File),
            Some(_) => Ok(Copied::NotAsked),
        }
    }

    fn top_directory(
        &mut self,
        source: &OwnedFd,
        stat: &Stat,
        place: Place,
        condition: CopyIf,
    ) -> Result<Copied, Reason> {
        let Place { folder, name, path, there } = place;
        let made = there.is_none();
        if made {
            let made = self.directory(stat, &folder, &name, true);
            made.map_err(|(error, request)| Reason::system(error, request, &path).of(&path))?;
        } else if there.is_some_and(|there| Kind::of(&there) != Kind::Directory) {
            return match condition {
                CopyIf::Missing | CopyIf::Empty => Ok(Copied::NotAsked),
                CopyIf::Each => Err(Reason::text(format!("`{}` is no directory, the source is one", path.display()))),
            };
        }
        let write = |error| Reason::system(error, Request::Write, &path).of(&path);
        let target = folder.child(&name).map_err(write)?;
        let incomplete = target.look(OsStr::new(INCOMPLETE)).map_err(write)?.is_some();
        let asked = match condition {
            CopyIf::Each => true,
            CopyIf::Missing => incomplete,
            CopyIf::Empty => incomplete || is_empty(&target).map_err(write)?,
        };
        if !asked {
            return Ok(Copied::NotAsked);
        }
        let marked = incomplete || condition != CopyIf::Each;
        if marked && !incomplete {
            mark(&target).map_err(write)?;
        }
        let id = file::stat(&target).map_err(write)?;
        self.target = Some((id.st_dev, id.st_ino));
        let before = self.changes;
        self.entries(source, &target, 0)?;
        if marked || self.changes > before {
            file::sync_file_system(&target).map_err(write)?;
        }
        Ok(Copied::Tree(marked.then_some((target, made.then_some(*stat)))))
    }

    /// Every entry that is missing.
    fn entries(&mut self, source: &OwnedFd, target: &Rc<Folder>, depth: usize) -> Result<(), Reason> {
        if depth > DEEPEST {
            return Err(Reason::text(format!("`{}` is more than {DEEPEST} levels deep", target.path().display())));
        }
        for name in file::names(source) {
            let name = name.map_err(|error| Reason::system(error, Request::Read, target.path()).of(target.path()))?;
            let excluded = |pattern: &String| glob::matches(pattern.as_bytes(), name.as_bytes());
            if !is_ours(&name) && !self.order.exclude.iter().any(excluded) {
                self.entry(source, &name, target, depth)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, source: &OwnedFd, name: &OsString, target: &Rc<Folder>, depth: usize) -> Result<(), Reason> {
        let path = target.path().join(name);
        let explain = |(error, request)| Reason::system(error, request, &path).of(&path);
        let read = |error| explain((error, Request::Read));
        let stat = file::stat_at(source, name).map_err(read)?;
        let there = target.look(name).map_err(read)?;
        let kind = Kind::of(&stat);
        if kind == Kind::Directory {
            return self.below(source, name, &stat, target, there.as_ref(), depth);
        }
        if there.is_some() {
            return Ok(());
        }
        match kind {
            Kind::File => {
                let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
                let opened = file::open(source, Path::new(name), flags, 0);
                self.file(&opened.map_err(read)?, &stat, target, name).map_err(explain)
            }
            Kind::Link => self.link(source, name, &stat, target).map_err(explain),
            Kind::Fifo | Kind::Socket | Kind::Device | Kind::Directory => {
                self.notes.push(format!("`{}` was left out: the source is {}", path.display(), kind.words()));
                Ok(())
            }
        }
    }

    fn below(
        &mut self,
        source: &OwnedFd,
        name: &OsString,
        stat: &Stat,
        target: &Rc<Folder>,
        there: Option<&Stat>,
        depth: usize,
    ) -> Result<(), Reason> {
        if self.target == Some((stat.st_dev, stat.st_ino)) {
            return Ok(());
        }
        let path: PathBuf = target.path().join(name);
        let explain = |(error, request)| Reason::system(error, request, &path).of(&path);
        let read = |error| explain((error, Request::Read));
        match there.map(Kind::of) {
            None => self.directory(stat, target, name, false).map_err(explain)?,
            Some(Kind::Directory) => {}
            Some(other @ (Kind::File | Kind::Link | Kind::Fifo | Kind::Socket | Kind::Device)) => {
                let note = format!("`{}` was left out: there is {}", path.display(), other.words());
                self.notes.push(format!("{note}, the source is a directory"));
                return Ok(());
            }
        }
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
        let source = file::open(source, Path::new(name), flags, 0).map_err(read)?;
        let target = target.child(name).map_err(|error| explain((error, Request::Write)))?;
        self.entries(&source, &target, depth + 1)?;
        if there.is_none() { complete(stat, &target).map_err(|error| explain((error, Request::Write))) } else { Ok(()) }
    }

    /// An empty directory with the mode and the owner of the original; its owner, us, may fill it.
    fn directory(&mut self, stat: &Stat, folder: &Rc<Folder>, name: &OsStr, top: bool) -> Result<(), Refusal> {
        let make = || {
            let made = folder.temporary(|name| file::make_directory(folder, name, 0o700));
            let (temporary, ()) = made.map_err(|error| (error, Request::Write))?;
            let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
            let opened = file::open(folder, Path::new(temporary.name()), flags, 0);
            let opened = opened.map_err(|error| (error, Request::Write))?;
            if top {
                mark(&opened).map_err(|error| (error, Request::Write))?;
            }
            dress(&opened, stat.st_mode & 0o7777 | 0o700, self.order.owner, Some(stat))?;
            Ok(temporary)
        };
        let placed = folder::place(make, |temporary| temporary.place_new(name))?;
        self.changes += usize::from(placed);
        Ok(())
    }

    fn file(&mut self, source: &OwnedFd, stat: &Stat, folder: &Rc<Folder>, name: &OsStr) -> Result<(), Refusal> {
        let make = || {
            let (temporary, opened) = folder.temporary_file().map_err(|error| (error, Request::Write))?;
            let copied = file::rewind(source).and_then(|()| copy_content(source, &opened));
            copied.map_err(|error| (error, Request::Write))?;
            // Before it is given away: only its owner may set its time.
            keep_time(stat, folder, &temporary)?;
            dress(&opened, stat.st_mode & 0o7777, self.order.owner, Some(stat))?;
            Ok(temporary)
        };
        let placed = folder::place(make, |temporary| temporary.place_new(name))?;
        self.changes += usize::from(placed);
        Ok(())
    }

    fn link(&mut self, source: &OwnedFd, name: &OsStr, stat: &Stat, folder: &Rc<Folder>) -> Result<(), Refusal> {
        let pointed = file::read_link(source, name).map_err(|error| (error, Request::Read))?;
        let Ownership { uid, gid } = self.order.owner;
        let make = || {
            let made = folder.temporary(|name| file::make_link(Path::new(&pointed), folder, name));
            let (temporary, ()) = made.map_err(|error| (error, Request::Write))?;
            keep_time(stat, folder, &temporary)?;
            let own = |uid, gid| file::change_owner_at(folder, temporary.name(), uid, gid);
            match own(uid.or(Some(stat.st_uid)), gid.or(Some(stat.st_gid))) {
                Err(Errno::EPERM | Errno::EINVAL) => own(uid, gid),
                result => result,
            }
            .map_err(|error| (error, Request::Own(Ownership { uid, gid })))?;
            Ok(temporary)
        };
        let placed = folder::place(make, |temporary| temporary.place_new(name))?;
        self.changes += usize::from(placed);
        Ok(())
    }
}

/// A directory has all its entries: the last bits of its mode, and its time.
fn complete(stat: &Stat, target: &Rc<Folder>) -> nix::Result<()> {
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

/// The whole tree is complete: nothing says any longer that it is not.
fn finish(target: &Rc<Folder>, stat: Option<&Stat>) -> nix::Result<()> {
    match file::unlink(target, OsStr::new(INCOMPLETE)) {
        Err(Errno::ENOENT) => {}
        result => result?,
    }
    stat.map_or(Ok(()), |stat| complete(stat, target))
}

fn keep_time(stat: &Stat, folder: &Rc<Folder>, temporary: &Temporary) -> Result<(), Refusal> {
    let kept = file::set_modified_at(folder, temporary.name(), stat.st_mtime, stat.st_mtime_nsec);
    kept.map_err(|error| (error, Request::Write))
}

/// Says that the directory is not complete.
fn mark(folder: impl AsFd) -> nix::Result<()> {
    let flags = OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_WRONLY;
    file::open(folder, Path::new(INCOMPLETE), flags, 0o600).map(drop)
}

fn is_empty(folder: &Rc<Folder>) -> nix::Result<bool> {
    file::rewind(folder)?;
    for name in file::names(folder) {
        let name = name?;
        if !is_ours(&name) && name != LOST_AND_FOUND {
            return Ok(false);
        }
    }
    Ok(true)
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

#[cfg(test)]
mod tests {

    use super::*;
    use crate::plan::model::Action;
    use crate::prepare::steps::testing::{
        directory, done, give, identities, link, mode, owner, put, refused, set_mode, settled, to, tree,
    };
    use crate::sys::testing::{as_user, is_root, tmpfs, with_own_mounts};
    use nix::sys::stat::Mode;
    use std::fs;
    use std::os::unix::net::UnixListener;

    const NOBODY: Ownership = Ownership { uid: None, gid: None };

    fn copied(top: &Path, condition: CopyIf) -> Action {
        let (from, to, owner) = (top.join("from"), top.join("to"), NOBODY);
        Action::Copy { from, to, condition, owner, marker: None, exclude: vec!["*.bak".to_owned()] }
    }

    fn defaults(top: &Path) {
        put(&top.join("from/a"), &"a".repeat(CHUNK + 1), 0o640);
        put(&top.join("from/sub/tool"), "", 0o755);
        put(&top.join("from/sub/b.bak"), "", 0o600);
        link(&top.join("from/l"), "/nowhere");
        set_mode(&top.join("from/sub"), 0o550);
    }

    #[test]
    fn a_tree_keeps_its_modes_its_links_and_its_times() {
        let top = directory();
        let top = top.path();
        defaults(top);
        let long_ago = nix::sys::time::TimeSpec::new(1_000_000_000, 5);
        for name in ["from/a", "from/sub", "from/l", "from"] {
            let follow = nix::sys::stat::UtimensatFlags::NoFollowSymlink;
            nix::sys::stat::utimensat(WORKING_DIRECTORY, &top.join(name), &long_ago, &long_ago, follow).unwrap();
        }
        assert_eq!(done(&copied(top, CopyIf::Missing)).changes, 5);
        let mut expected = tree(&top.join("from"));
        expected.remove(Path::new("sub/b.bak"));
        assert_eq!(tree(&top.join("to")), expected);
        let ids = identities(top);
        for name in ["to", "to/a", "to/sub", "to/l"] {
            let (_, seconds, nanoseconds) = ids[Path::new(name)];
            assert_eq!((seconds, nanoseconds), (1_000_000_000, 5), "{name}");
        }
        for condition in [CopyIf::Missing, CopyIf::Empty, CopyIf::Each] {
            settled(top, &copied(top, condition));
        }
    }

    #[test]
    fn a_volume_that_is_empty_is_filled_and_one_that_is_not_is_left_alone() {
        let top = directory();
        let top = top.path();
        defaults(top);
        fs::create_dir_all(top.join("to/lost+found")).unwrap();
        settled(top, &copied(top, CopyIf::Missing));
        assert_eq!(done(&copied(top, CopyIf::Empty)).changes, 4);
        fs::remove_file(top.join("to/a")).unwrap();
        settled(top, &copied(top, CopyIf::Missing));
        settled(top, &copied(top, CopyIf::Empty));
        assert_eq!(done(&copied(top, CopyIf::Each)).changes, 1);
    }

    #[test]
    fn each_adds_what_is_missing_and_replaces_nothing() {
        let top = directory();
        let top = top.path();
        defaults(top);
        put(&top.join("to/a"), "mine", 0o600);
        put(&top.join("elsewhere/kept"), "", 0o644);
        link(&top.join("to/sub"), "../elsewhere");
        let outcome = done(&copied(top, CopyIf::Each));
        assert_eq!(outcome.changes, 1);
        let sub = top.join("to/sub");
        assert_eq!(
            outcome.notes,
            [format!("`{}` was left out: there is a symbolic link, the source is a directory", sub.display())]
        );
        assert_eq!(fs::read(top.join("to/a")).unwrap(), b"mine");
        assert!(!top.join("elsewhere/tool").exists());
    }

    #[test]
    fn a_marker_comes_last_and_ends_it_for_ever() {
        let top = directory();
        let top = top.path();
        defaults(top);
        let marker = top.join("state/copied");
        let (from, to, owner) = (top.join("from"), top.join("to"), NOBODY);
        let condition = CopyIf::Each;
        let action = Action::Copy { from, to, condition, owner, marker: Some(marker.clone()), exclude: Vec::new() };
        assert_eq!(done(&action).changes, 8);
        assert_eq!(mode(&marker), 0o644);
        fs::remove_file(top.join("to/a")).unwrap();
        settled(top, &action);
    }

    #[test]
    fn a_link_into_a_volume_is_followed() {
        let top = directory();
        let top = top.path();
        defaults(top);
        fs::create_dir(top.join("volume")).unwrap();
        link(&top.join("to"), "volume/data");
        assert_eq!(done(&copied(top, CopyIf::Missing)).changes, 5);
        assert!(top.join("volume/data/sub/tool").exists());
        assert!(top.join("to").is_symlink());
        settled(top, &copied(top, CopyIf::Missing));
    }

    #[test]
    fn what_is_neither_file_nor_link_nor_directory_is_left_out_with_a_note() {
        let top = directory();
        let top = top.path();
        fs::create_dir(top.join("from")).unwrap();
        drop(UnixListener::bind(top.join("from/socket")).unwrap());
        nix::unistd::mkfifo(&top.join("from/pipe"), Mode::S_IRWXU).unwrap();
        let mut notes = done(&copied(top, CopyIf::Missing)).notes;
        notes.sort();
        let said = |name: &str, kind: &str| format!("`{}/to/{name}` was left out: the source is {kind}", top.display());
        assert_eq!(notes, [said("pipe", "a named pipe"), said("socket", "a socket")]);
    }

    #[test]
    fn a_copy_into_its_own_source_ends() {
        let top = directory();
        let top = top.path();
        put(&top.join("a/b"), "", 0o644);
        let (from, to, owner) = (top.to_owned(), top.join("a/copy"), NOBODY);
        let action = Action::Copy { from, to, condition: CopyIf::Each, owner, marker: None, exclude: Vec::new() };
        done(&action);
        assert!(top.join("a/copy/a/b").exists());
        assert!(!top.join("a/copy/a/copy").exists());
        settled(top, &action);
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let top = directory();
        let top = top.path();
        let said = |words: &str| format!("cannot copy `{0}/from` to `{0}/to`: {words}", top.display());
        let from = top.join("from").display().to_string();
        let message = refused(&copied(top, CopyIf::Missing));
        assert_eq!(message, said(&format!("`{from}`: no such file or directory (ENOENT)")));
        defaults(top);
        put(&top.join("to"), "", 0o644);
        settled(top, &copied(top, CopyIf::Missing));
        let message = refused(&copied(top, CopyIf::Each));
        assert_eq!(message, said(&format!("`{}/to` is no directory, the source is one", top.display())));
    }

    #[test]
    fn copies_get_their_owner_or_keep_the_originals() {
        if !is_root() {
            return;
        }
        let top = directory();
        let top = top.path();
        defaults(top);
        set_mode(&top.join("from/sub/tool"), 0o4755);
        give(&top.join("from/sub/tool"), 7, 8);
        set_mode(&top.join("from/sub/tool"), 0o4755);
        give(&top.join("from/sub"), 7, 8);
        give(&top.join("from/l"), 7, 8);
        done(&copied(top, CopyIf::Missing));
        for name in ["to/sub/tool", "to/sub", "to/l"] {
            assert_eq!(owner(&top.join(name)), (7, 8), "{name}");
        }
        assert_eq!(mode(&top.join("to/sub/tool")), 0o4755);
        let (from, given) = (top.join("from"), top.join("given"));
        let owner_given = Ownership { uid: Some(1000), gid: None };
        let condition = CopyIf::Missing;
        let order =
            Action::Copy { from, to: given.clone(), condition, owner: owner_given, marker: None, exclude: Vec::new() };
        done(&order);
        assert_eq!(["", "a", "sub", "sub/tool", "l"].map(|name| owner(&given.join(name)).0), [1000; 5]);
        assert_eq!(owner(&given.join("sub/tool")).1, 8);
        settled(top, &order);
        // A user cannot keep the originals' owners, and lends nobody his rights.
        give(top, 1000, 1000);
        fs::remove_dir_all(top.join("to")).unwrap();
        as_user(1000, 1000, || done(&copied(top, CopyIf::Missing)));
        assert_eq!(owner(&top.join("to/sub/tool")), (1000, 1000));
        assert_eq!(mode(&top.join("to/sub/tool")), 0o755);
        settled(top, &copied(top, CopyIf::Missing));
        assert_eq!(to(1, 2).to_string(), "1:2");
    }

    #[test]
    fn a_full_disk_leaves_whole_files_and_the_next_start_goes_on() {
        let top = directory();
        let top = top.path();
        (0..10).for_each(|name| put(&top.join("from").join(name.to_string()), &"x".repeat(9000), 0o644));
        fs::create_dir(top.join("to")).unwrap();
        with_own_mounts(|| {
            tmpfs(&top.join("to"), "size=64k");
            let message = refused(&copied(top, CopyIf::Empty));
            assert!(message.ends_with("no space left on device (ENOSPC)"), "{message}");
            let whole = tree(&top.join("to"));
            assert!(!whole.is_empty() && whole.values().all(|entry| entry.content.len() == 9000));
            let more = Some("remount,size=256k");
            nix::mount::mount(None::<&str>, &top.join("to"), None::<&str>, nix::mount::MsFlags::MS_REMOUNT, more)
                .unwrap();
            done(&copied(top, CopyIf::Empty));
            assert_eq!(tree(&top.join("to")), tree(&top.join("from")));
            settled(top, &copied(top, CopyIf::Empty));
        });
    }
}
