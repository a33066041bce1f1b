//! The folder something is made in, and the way everything gets its name there: under a temporary one first.
//!
//! A temporary name is `.onset-XXXXXXXX.tmp`. While onset has one it holds a shared lock (flock(2)) on the folder, so
//! whoever gets the exclusive lock knows that every such name was left over by a start that was killed, its own or
//! another's on a shared volume, and removes it. Where there are no such locks (NFS) what is found is removed as well;
//! if that hits a start that lives, that start makes its file anew ([`Temporary::place`] says ENOENT).

use super::Reason;
use super::error::{Refusal, Request, for_read, for_write};
use super::rights::{Subject, settle};
use crate::plan::model::Ownership;
use crate::sys::clock;
use crate::sys::file::{self, Lock, Stat, WORKING_DIRECTORY};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::cell::{Cell, RefCell};
use std::ffi::{OsStr, OsString};
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// In a directory that is not copied completely yet (see `copy`).
pub(super) const INCOMPLETE: &str = ".onset-incomplete";
/// How many names are tried before something is wrong.
const MOST_NAMES: u64 = 100;
/// How often something is made again after another start's sweep.
const MOST_SWEEPS: usize = 10;
/// The mode of a parent that nobody asked for.
const PARENT_MODE: u32 = 0o755;

/// Whether a name is one of onset's own.
pub(super) fn is_ours(name: &OsStr) -> bool {
    name == INCOMPLETE || is_temporary(name)
}

fn is_temporary(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b".onset-") && name.as_bytes().ends_with(b".tmp")
}

/// By device and inode, in order. Never freed: to hear of the thread's end would take two system calls.
type Swept = ManuallyDrop<Vec<(u64, u64)>>;

thread_local! {
    /// The folders that were swept; `None`: it does not matter.
    static SWEPT: RefCell<Option<Swept>> = const { RefCell::new(None) };
}

/// From here on each folder is swept once. To be called by a start, which removes what it makes itself: to list a folder for
/// each of many files in it would cost the square of their number.
pub fn sweep_once() {
    SWEPT.set(Some(Swept::default()));
}

/// A directory in which names come and go.
pub(super) struct Folder {
    fd: OwnedFd,
    path: PathBuf,
    locked: Cell<bool>,
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Folder {
    fn open(path: &Path) -> nix::Result<Rc<Self>> {
        Self::open_in(&WORKING_DIRECTORY, path, path.to_owned(), OFlag::empty())
    }

    /// A directory in it; a symbolic link is none.
    pub(super) fn child(&self, name: &OsStr) -> nix::Result<Rc<Self>> {
        Self::open_in(&self.fd, Path::new(name), self.path.join(name), OFlag::O_NOFOLLOW)
    }

    fn open_in(at: &dyn AsFd, name: &Path, path: PathBuf, flags: OFlag) -> nix::Result<Rc<Self>> {
        let flags = flags | OFlag::O_DIRECTORY;
        let fd = match file::open(at, name, flags | OFlag::O_RDONLY, 0) {
            // It may be written although it may not be read.
            Err(Errno::EACCES) => file::open(at, name, flags | OFlag::O_PATH, 0)?,
            opened => opened?,
        };
        let folder = Folder { fd, path, locked: Cell::new(false) };
        if folder.is_new() {
            folder.sweep();
        }
        Ok(Rc::new(folder))
    }

    /// Where it is, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What has the name; `None` if nothing has.
    pub(super) fn look(&self, name: &OsStr) -> nix::Result<Option<Stat>> {
        match file::stat_at(&self.fd, name) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::ENOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether it is yet to be swept.
    fn is_new(&self) -> bool {
        SWEPT.with_borrow_mut(|swept| {
            let (Some(swept), Ok(stat)) = (swept, file::stat(&self.fd)) else { return true };
            let id = (stat.st_dev, stat.st_ino);
            let place = swept.binary_search(&id);
            if let Err(place) = place {
                swept.insert(place, id);
            }
            place.is_err()
        })
    }

    /// Removes what starts that were killed have left. What cannot be removed is no reason to fail.
    fn sweep(&self) {
        let strays: Vec<OsString> = file::names_that(&self.fd, is_temporary).map_while(Result::ok).collect();
        if strays.is_empty() || file::lock(&self.fd, Lock::Exclusive) == Err(Errno::EWOULDBLOCK) {
            return;
        }
        for stray in &strays {
            self.discard(stray);
        }
        self.lock();
    }

    fn lock(&self) {
        // Held by another or not to be had: then the name may go away before it is used, and that is seen.
        self.locked.set(file::lock(&self.fd, Lock::Shared).is_ok());
    }

    /// Removes what has a temporary name.
    fn discard(&self, name: &OsStr) {
        if let Err(Errno::EISDIR | Errno::EPERM) = file::unlink(&self.fd, name) {
            let _: nix::Result<()> = file::unlink(&self.fd, Path::new(name).join(INCOMPLETE).as_os_str());
            let _: nix::Result<()> = file::remove_directory(&self.fd, name);
        }
    }

    /// Makes something under a temporary name.
    pub(super) fn temporary<T>(
        self: &Rc<Self>,
        make: impl Fn(&OsStr) -> nix::Result<T>,
    ) -> nix::Result<(Temporary, T)> {
        if !self.locked.get() {
            self.lock();
        }
        for attempt in 0..MOST_NAMES {
            let name = temporary_name(attempt);
            match make(&name) {
                Err(Errno::EEXIST) => {}
                Err(error) => return Err(error),
                Ok(made) => return Ok((Temporary { folder: Rc::clone(self), name, placed: false }, made)),
            }
        }
        Err(Errno::EEXIST)
    }

    /// A new empty file, for nobody else to read.
    pub(super) fn temporary_file(self: &Rc<Self>) -> nix::Result<(Temporary, OwnedFd)> {
        let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_WRONLY;
        self.temporary(|name| file::open(&self.fd, Path::new(name), flags, 0o600))
    }

    /// A new directory with this mode less the umask, and what `fill` does to it.
    pub(super) fn temporary_directory(
        self: &Rc<Self>,
        mode: u32,
        fill: &dyn Fn(&OwnedFd) -> Result<(), Refusal>,
    ) -> Result<Temporary, Refusal> {
        let made = self.temporary(|name| file::make_directory(&self.fd, name, mode));
        let (temporary, ()) = made.map_err(for_write)?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
        let opened = file::open(&self.fd, Path::new(&temporary.name), flags, 0).map_err(for_write)?;
        fill(&opened)?;
        Ok(temporary)
    }

    /// Makes a directory, complete or not at all; `false` if something has the name already. Without a mode it has 0755
    /// less the umask.
    pub(super) fn make_directory(
        self: &Rc<Self>,
        name: &OsStr,
        mode: Option<u32>,
        owner: Ownership,
    ) -> Result<bool, Refusal> {
        let first_mode = if mode.is_some() { 0o700 } else { PARENT_MODE };
        let mut make = || {
            self.temporary_directory(first_mode, &|made| {
                let stat = file::stat(made).map_err(for_read)?;
                settle(&Subject::Open(made.as_fd()), &stat, mode, owner).map(drop)
            })
        };
        place(&mut make, &|temporary| temporary.place_new(name))
    }
}

/// One of the temporary names. Distinct from other starts' by chance; where it is not, the next one is.
fn temporary_name(attempt: u64) -> OsString {
    let now = clock::monotonic();
    let seed = (now.as_secs() << 30) ^ u64::from(now.subsec_nanos()) ^ (u64::from(std::process::id()) << 20);
    format!(".onset-{:08x}.tmp", seed.wrapping_add(attempt).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32).into()
}

/// Makes something under a temporary name and gives it its own; `false` if that is taken. Once more if somebody else's
/// sweep came between.
pub(super) fn place(
    make: &mut dyn FnMut() -> Result<Temporary, Refusal>,
    place: &dyn Fn(&mut Temporary) -> nix::Result<()>,
) -> Result<bool, Refusal> {
    let mut attempts_left = MOST_SWEEPS;
    loop {
        attempts_left -= 1;
        match place(&mut make()?) {
            Ok(()) => return Ok(true),
            Err(Errno::EEXIST) => return Ok(false),
            Err(Errno::ENOENT) if attempts_left > 0 => {}
            Err(error) => return Err(for_write(error)),
        }
    }
}

/// Something under a temporary name; gone with this value, unless it got its own.
pub(super) struct Temporary {
    folder: Rc<Folder>,
    name: OsString,
    placed: bool,
}

impl Temporary {
    /// The temporary name.
    pub(super) fn name(&self) -> &OsStr {
        &self.name
    }

    /// Gives it its name, in the place of what has it.
    ///
    /// # Errors
    /// ENOENT: a sweep has removed it, make it again. EBUSY: the name is a mount point.
    pub(super) fn place(&mut self, name: &OsStr) -> nix::Result<()> {
        file::rename(&self.folder, &self.name, name).inspect(|()| self.placed = true)
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// EEXIST: something has the name. ENOENT as for [`Temporary::place`].
    pub(super) fn place_new(&mut self, name: &OsStr) -> nix::Result<()> {
        file::rename_new(&self.folder, &self.name, name).inspect(|()| self.placed = true)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.placed {
            self.folder.discard(&self.name);
        }
    }
}

/// The folders of one step, each opened and swept once.
#[derive(Default)]
pub(super) struct Folders {
    open: Vec<Rc<Folder>>,
    /// How many were made.
    pub(super) made: usize,
    /// Whether none is made.
    existing: bool,
}

impl Folders {
    /// Those that are there; none is made.
    pub(super) fn existing() -> Self {
        Folders { existing: true, ..Folders::default() }
    }

    /// Opens a folder; makes it and its parents if they are missing, with mode 0755 and our owner.
    pub(super) fn open(&mut self, path: &Path) -> Result<Rc<Folder>, Reason> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        if let Some(open) = self.open.iter().find(|open| open.path == path) {
            return Ok(Rc::clone(open));
        }
        let folder = match Folder::open(path) {
            Err(Errno::ENOENT) if !self.existing => {
                self.make(path)?;
                Folder::open(path)
            }
            opened => opened,
        };
        let folder = folder.map_err(|error| Reason::system(error, Request::Read, path).of(path))?;
        self.open.push(Rc::clone(&folder));
        Ok(folder)
    }

    fn make(&mut self, path: &Path) -> Result<(), Reason> {
        let Some(parent) = path.parent() else { return Ok(()) };
        let parent = self.open(parent)?;
        // `..` is there as soon as its folder is.
        let Some(name) = path.file_name() else { return Ok(()) };
        match parent.make_directory(name, Some(PARENT_MODE), Ownership::default()) {
            Ok(made) => {
                self.made += usize::from(made);
                Ok(())
            }
            Err((error, request)) => Err(Reason::system(error, request, path).of(path)),
        }
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::plan::model::Action;
    use crate::prepare::steps::testing::{directory, done, file, link, put, strays};
    use crate::sys::file::fault;
    use std::fs;

    #[test]
    fn what_a_killed_start_left_is_removed_and_what_a_living_one_has_is_not() {
        let top = directory();
        let path = top.path().join("file");
        put(&top.path().join(".onset-0badcafe.tmp"), "left", 0o600);
        put(&top.path().join(".onset-0badbabe.tmp").join(INCOMPLETE), "", 0o600);
        link(&top.path().join(".onset-0badbeef.tmp"), "nowhere");
        done(&Action::Write(vec![file(&path, "one")]));
        assert_eq!(strays(top.path()), Vec::<PathBuf>::new());
        let living = Folder::open(top.path()).unwrap();
        let (temporary, _) = living.temporary_file().unwrap();
        done(&Action::Write(vec![file(&path, "two")]));
        assert_eq!(strays(top.path()), [top.path().join(temporary.name())]);
        drop(temporary);
        assert_eq!(strays(top.path()), Vec::<PathBuf>::new());
    }

    #[test]
    fn where_there_are_no_locks_a_start_whose_file_was_swept_makes_it_again() {
        let top = directory();
        let path = top.path().join("file");
        let folder = top.path().to_owned();
        let mut swept = false;
        let plan = move |_: usize, name: &str| {
            if name == "rename" && !std::mem::replace(&mut swept, true) {
                for stray in strays(&folder) {
                    fs::remove_file(stray).unwrap();
                }
            }
            (name == "lock").then_some(Errno::ENOLCK)
        };
        let (outcome, _) = fault::with(plan, || done(&Action::Write(vec![file(&path, "new")])));
        assert_eq!(outcome.changes, 1);
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(strays(top.path()), Vec::<PathBuf>::new());
    }

    #[test]
    fn only_names_of_its_own_are_swept() {
        for name in [".onset-.tmp", ".onset-0badcafe.tmp", ".onset-incomplete"] {
            assert!(is_ours(OsStr::new(name)), "{name}");
        }
        for name in [".onset-x", "onset-0badcafe.tmp", ".onset.tmp", ".onset-x.tmp.bak", "x.tmp"] {
            assert!(!is_ours(OsStr::new(name)), "{name}");
        }
    }
}
