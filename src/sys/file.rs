//! The file system, by folder and name: what the steps do to it, one system call each, begun again when a signal
//! interrupts it (signal(7)).
//!
//! Nothing here follows a symbolic link in the last component, but for [`stat_of`], and [`open`] with flags that say so. Tests make any
//! call fail ([`fault`]): whatever fails, a file must be old or new.

use super::signal::{Signal, take_own};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, FallocateFlags, OFlag};
use nix::sys::stat::{FchmodatFlags, Mode};
use nix::unistd::{Gid, Uid, UnlinkatFlags};
use std::ffi::{CStr, OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

pub use nix::fcntl::AT_FDCWD as WORKING_DIRECTORY;
pub use nix::sys::stat::FileStat as Stat;

/// open(2), close-on-exec.
pub fn open(folder: &dyn AsFd, path: &Path, flags: OFlag, mode: u32) -> nix::Result<OwnedFd> {
    let mut room = Room::new();
    let path = room.hold(path.as_os_str())?;
    call("open", || nix::fcntl::openat(folder.as_fd(), path, flags | OFlag::O_CLOEXEC, mode_of(mode)))
}

/// What a path leads to, symbolic links followed.
pub fn stat_of(path: &Path) -> nix::Result<Stat> {
    let mut room = Room::new();
    let path = room.hold(path.as_os_str())?;
    call("stat_of", || nix::sys::stat::stat(path))
}

/// Whether that is a directory.
pub fn is_directory(stat: &Stat) -> bool {
    stat.st_mode & libc::S_IFMT == libc::S_IFDIR
}

/// Whether that is a regular file.
pub fn is_regular(stat: &Stat) -> bool {
    stat.st_mode & libc::S_IFMT == libc::S_IFREG
}

/// What is under the name, a symbolic link itself.
pub fn stat_at(folder: &dyn AsFd, name: &OsStr) -> nix::Result<Stat> {
    let mut room = Room::new();
    let name = room.hold(name)?;
    call("stat_at", || nix::sys::stat::fstatat(folder.as_fd(), name, AtFlags::AT_SYMLINK_NOFOLLOW))
}

/// What is open.
pub fn stat(file: impl AsFd) -> nix::Result<Stat> {
    call("stat", || nix::sys::stat::fstat(file.as_fd()))
}

/// Where a symbolic link points.
pub fn read_link(folder: &dyn AsFd, name: &OsStr) -> nix::Result<OsString> {
    let mut room = Room::new();
    let (name, folder) = (room.hold(name)?, folder.as_fd().as_raw_fd());
    // No link is longer (symlink(2)).
    let mut target = vec![0; PATH_MAX];
    let length = call("read_link", || {
        // SAFETY: the kernel reads a C string that lives, and writes at most `len` bytes to a live buffer of that length.
        Errno::result(unsafe { libc::readlinkat(folder, name.as_ptr(), target.as_mut_ptr().cast(), target.len()) })
    })?;
    target.truncate(usize::try_from(length).unwrap_or(0));
    target.shrink_to_fit();
    Ok(OsString::from_vec(target))
}

/// mkdir(2): the mode less the umask.
pub fn make_directory(folder: &dyn AsFd, name: &OsStr, mode: u32) -> nix::Result<()> {
    let mut room = Room::new();
    let name = room.hold(name)?;
    call("make_directory", || nix::sys::stat::mkdirat(folder.as_fd(), name, mode_of(mode)))
}

/// symlink(2).
pub fn make_link(target: &Path, folder: &dyn AsFd, name: &OsStr) -> nix::Result<()> {
    let (mut room, mut other) = (Room::new(), Room::new());
    let (target, name) = (room.hold(target.as_os_str())?, other.hold(name)?);
    call("make_link", || nix::unistd::symlinkat(target, folder.as_fd(), name))
}

/// rename(2) within a folder: what has the new name is replaced in one step.
pub fn rename(folder: impl AsFd, from: &OsStr, to: &OsStr) -> nix::Result<()> {
    let (mut room, mut other) = (Room::new(), Room::new());
    let (from, to) = (room.hold(from)?, other.hold(to)?);
    call("rename", || nix::fcntl::renameat(folder.as_fd(), from, folder.as_fd(), to))
}

/// The same if nothing has the new name; else EEXIST. Where the file system cannot tell in one step (NFS) it looks first.
pub fn rename_new(folder: impl AsFd, from: &OsStr, to: &OsStr) -> nix::Result<()> {
    let result = call("rename_new", || rename_no_replace(folder.as_fd(), from, to));
    match result {
        Err(Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP) => match stat_at(&folder.as_fd(), to) {
            Ok(_) => Err(Errno::EEXIST),
            Err(Errno::ENOENT) => rename(folder, from, to),
            Err(error) => Err(error),
        },
        result => result,
    }
}

/// `renameat2(2)`, which nix has for glibc only.
fn rename_no_replace(folder: BorrowedFd<'_>, from: &OsStr, to: &OsStr) -> nix::Result<()> {
    let (mut room, mut other) = (Room::new(), Room::new());
    let (from, to, folder) = (room.hold(from)?, other.hold(to)?, folder.as_raw_fd());
    // SAFETY: the kernel reads two C strings that live; the rest are integers.
    let result = unsafe {
        libc::syscall(libc::SYS_renameat2, folder, from.as_ptr(), folder, to.as_ptr(), libc::RENAME_NOREPLACE)
    };
    Errno::result(result).map(drop)
}

/// unlink(2): anything but a directory.
pub fn unlink(folder: &dyn AsFd, name: &OsStr) -> nix::Result<()> {
    let mut room = Room::new();
    let name = room.hold(name)?;
    call("unlink", || nix::unistd::unlinkat(folder.as_fd(), name, UnlinkatFlags::NoRemoveDir))
}

/// rmdir(2): an empty directory.
pub fn remove_directory(folder: impl AsFd, name: &OsStr) -> nix::Result<()> {
    let mut room = Room::new();
    let name = room.hold(name)?;
    call("remove_directory", || nix::unistd::unlinkat(folder.as_fd(), name, UnlinkatFlags::RemoveDir))
}

/// chown(2) of what is open; `None` stays.
pub fn change_owner(file: impl AsFd, uid: Option<u32>, gid: Option<u32>) -> nix::Result<()> {
    call("change_owner", || nix::unistd::fchown(file.as_fd(), uid.map(Uid::from_raw), gid.map(Gid::from_raw)))
}

/// chown(2) of what has the name, a symbolic link itself; `None` stays.
pub fn change_owner_at(folder: &dyn AsFd, name: &OsStr, uid: Option<u32>, gid: Option<u32>) -> nix::Result<()> {
    let mut room = Room::new();
    let (uid, gid, name) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw), room.hold(name)?);
    call("change_owner_at", || nix::unistd::fchownat(folder.as_fd(), name, uid, gid, AtFlags::AT_SYMLINK_NOFOLLOW))
}

/// chmod(2) of what is open.
pub fn change_mode(file: impl AsFd, mode: u32) -> nix::Result<()> {
    call("change_mode", || nix::sys::stat::fchmod(file.as_fd(), mode_of(mode)))
}

/// chmod(2) of what has the name and is no symbolic link (then: EOPNOTSUPP).
pub fn change_mode_at(folder: &dyn AsFd, name: &OsStr, mode: u32) -> nix::Result<()> {
    let mut room = Room::new();
    let name = room.hold(name)?;
    call("change_mode_at", || {
        nix::sys::stat::fchmodat(folder.as_fd(), name, mode_of(mode), FchmodatFlags::NoFollowSymlink)
    })
}

/// Sets the time of the last change of what has the name.
pub fn set_modified_at(folder: &dyn AsFd, name: &OsStr, seconds: i64, nanoseconds: i64) -> nix::Result<()> {
    let mut room = Room::new();
    let (folder, name) = (folder.as_fd().as_raw_fd(), room.hold(name)?);
    let accessed = libc::timespec { tv_sec: 0, tv_nsec: libc::UTIME_OMIT };
    let times = [accessed, libc::timespec { tv_sec: seconds, tv_nsec: nanoseconds }];
    call("set_modified_at", || {
        let (name, times) = (name.as_ptr(), times.as_ptr());
        // The system call: musl's function has ways of its own for kernels before 2.6.22.
        // SAFETY: utimensat reads a C string and two times that live.
        let result = unsafe { libc::syscall(libc::SYS_utimensat, folder, name, times, libc::AT_SYMLINK_NOFOLLOW) };
        Errno::result(result).map(drop)
    })
}

/// Reads until the buffer is full or the file ends; the number of bytes.
pub fn read(file: impl AsFd, buffer: &mut [u8]) -> nix::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match call("read", || nix::unistd::read(file.as_fd(), &mut buffer[filled..]))? {
            0 => break,
            length => filled += length,
        }
    }
    Ok(filled)
}

/// One read(2) behind what the buffer has, into the capacity that it has left; how many bytes came. Nothing is zeroed first.
pub fn read_behind(file: impl AsFd, buffer: &mut Vec<u8>) -> nix::Result<usize> {
    let file = file.as_fd().as_raw_fd();
    let length = call("read", || {
        let spare = buffer.spare_capacity_mut();
        // SAFETY: the kernel writes at most `len` bytes to a live buffer of that length.
        Errno::result(unsafe { libc::read(file, spare.as_mut_ptr().cast(), spare.len()) })
    })?;
    let length = usize::try_from(length).unwrap_or(0);
    // SAFETY: so many bytes behind the old length are what the kernel wrote.
    unsafe { buffer.set_len(buffer.len() + length) };
    Ok(length)
}

/// What one read of the file gives, which is all there is of a short file of the kernel's; the number of bytes. Nothing
/// stays open.
pub fn read_once(path: &Path, buffer: &mut [u8]) -> nix::Result<usize> {
    let file = open(&WORKING_DIRECTORY, path, OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY, 0)?;
    call("read", || nix::unistd::read(&file, buffer))
}

/// All that a file has, also one of the kernel's, which does not say how much that is.
pub fn contents(path: &Path) -> nix::Result<Vec<u8>> {
    let file = open(&WORKING_DIRECTORY, path, OFlag::O_RDONLY, 0)?;
    beginning(&file, usize::MAX)
}

/// What a file has from where it stands; of one that has more than `most` bytes as many, and some more.
pub fn beginning(file: &OwnedFd, most: usize) -> nix::Result<Vec<u8>> {
    let mut contents = Vec::new();
    while contents.len() <= most {
        contents.reserve(BATCH);
        if read_behind(file, &mut contents)? == 0 {
            break;
        }
    }
    Ok(contents)
}

/// The same as a text; `None`: it cannot be read, or is none.
pub fn text(path: &Path) -> Option<String> {
    String::from_utf8(contents(path).ok()?).ok()
}

/// Writes all of it.
pub fn write(file: impl AsFd, mut bytes: &[u8]) -> nix::Result<()> {
    while !bytes.is_empty() {
        let part = &bytes[..fault::writes_at_most(bytes.len())];
        let written = write_by(&mut || nix::unistd::write(file.as_fd(), part))?;
        bytes = &bytes[written..];
    }
    Ok(())
}

/// One pwrite(2) at the file's start, which leaves its position as it is; how many bytes were written.
pub fn write_at_start(file: impl AsFd, bytes: &[u8]) -> nix::Result<usize> {
    let file = file.as_fd().as_raw_fd();
    write_by(&mut || {
        // SAFETY: the kernel reads so many bytes of a live buffer.
        let written = Errno::result(unsafe { libc::pwrite(file, bytes.as_ptr().cast(), bytes.len(), 0) })?;
        Ok(usize::try_from(written).unwrap_or(0))
    })
}

fn write_by(write: &mut dyn FnMut() -> nix::Result<usize>) -> nix::Result<usize> {
    let written = call("write", write);
    if written == Err(Errno::EFBIG) {
        // Beyond RLIMIT_FSIZE a signal comes with it, which is nobody else's business (setrlimit(2)).
        take_own(Signal::XFSZ);
    }
    written
}

/// Goes back to the file's start.
pub fn rewind(file: impl AsFd) -> nix::Result<()> {
    let file = file.as_fd().as_raw_fd();
    // SAFETY: lseek takes integers.
    call("rewind", || Errno::result(unsafe { libc::lseek(file, 0, libc::SEEK_SET) }).map(drop))
}

/// ftruncate(2).
pub fn truncate(file: impl AsFd, length: i64) -> nix::Result<()> {
    call("truncate", || nix::unistd::ftruncate(file.as_fd(), length))
}

/// Takes the disk space for this length, without a change that shows (fallocate(2)).
pub fn allocate(file: impl AsFd, length: i64) -> nix::Result<()> {
    call("allocate", || nix::fcntl::fallocate(file.as_fd(), FallocateFlags::FALLOC_FL_KEEP_SIZE, 0, length))
}

/// fsync(2).
pub fn sync(file: impl AsFd) -> nix::Result<()> {
    call("sync", || nix::unistd::fsync(file.as_fd()))
}

/// syncfs(2): all of the file system the file is on.
pub fn sync_file_system(file: impl AsFd) -> nix::Result<()> {
    call("sync_file_system", || nix::unistd::syncfs(file.as_fd()))
}

/// How a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// By as many as want it.
    Shared,
    /// By one.
    Exclusive,
}

/// flock(2), until the descriptor is closed or another kind of lock is taken. Does not wait.
///
/// # Errors
/// EWOULDBLOCK when others hold it; anything else where there are no locks (NFS).
pub fn lock(file: impl AsFd, lock: Lock) -> nix::Result<()> {
    let operation = match lock {
        Lock::Shared => libc::LOCK_SH,
        Lock::Exclusive => libc::LOCK_EX,
    };
    let file = file.as_fd().as_raw_fd();
    // SAFETY: flock takes integers.
    call("lock", || Errno::result(unsafe { libc::flock(file, operation | libc::LOCK_NB) }).map(drop))
}

/// chdir(2).
pub fn enter(path: &Path) -> nix::Result<()> {
    let mut room = Room::new();
    let path = room.hold(path.as_os_str())?;
    nix::unistd::chdir(path)
}

/// The longest path, with its NUL.
const PATH_MAX: usize = 4096;

/// What one read of a directory, or of a file of no known size, takes at most, in bytes.
const BATCH: usize = 8192;

/// The names in a directory, `.` and `..` left out, in no order.
pub struct Names<'a> {
    folder: BorrowedFd<'a>,
    wanted: fn(&OsStr) -> bool,
    buffer: Vec<u8>,
    next: usize,
}

/// Reads the directory from where its descriptor stands.
pub fn names(folder: &impl AsFd) -> Names<'_> {
    names_that(folder, |_| true)
}

/// All of them at once.
pub fn all_names(folder: &impl AsFd) -> nix::Result<Vec<OsString>> {
    let mut all = Vec::new();
    for name in names(folder) {
        all.push(name?);
    }
    Ok(all)
}

/// The same, of names that are `wanted`.
pub fn names_that(folder: &impl AsFd, wanted: fn(&OsStr) -> bool) -> Names<'_> {
    Names { folder: folder.as_fd(), wanted, buffer: Vec::new(), next: 0 }
}

impl Names<'_> {
    fn refill(&mut self) -> nix::Result<usize> {
        self.next = 0;
        self.buffer.clear();
        self.buffer.reserve(BATCH);
        let folder = self.folder.as_raw_fd();
        let length = call("names", || {
            let spare = self.buffer.spare_capacity_mut();
            // SAFETY: the kernel writes at most `len` bytes to a live buffer of that length.
            Errno::result(unsafe { libc::syscall(libc::SYS_getdents64, folder, spare.as_mut_ptr(), spare.len()) })
        })?;
        let length = usize::try_from(length).unwrap_or(0);
        // SAFETY: so many bytes are what the kernel wrote.
        unsafe { self.buffer.set_len(length) };
        Ok(length)
    }
}

impl Iterator for Names<'_> {
    type Item = nix::Result<OsString>;

    fn next(&mut self) -> Option<Self::Item> {
        // struct linux_dirent64 (getdents(2)): 8 bytes inode, 8 offset, 2 length, 1 type, the name with its NUL.
        const LENGTH: usize = 16;
        const NAME: usize = 19;
        loop {
            if self.next >= self.buffer.len() {
                match self.refill() {
                    Ok(0) => return None,
                    Ok(_) => {}
                    Err(error) => return Some(Err(error)),
                }
            }
            let entry = &self.buffer[self.next..];
            let length = entry.get(LENGTH..NAME - 1).map_or(0, |length| u16::from_ne_bytes([length[0], length[1]]));
            let Some(name) = entry.get(NAME..usize::from(length)) else { return Some(Err(Errno::EIO)) };
            self.next += usize::from(length);
            let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
            if name != b"." && name != b".." && (self.wanted)(OsStr::from_bytes(name)) {
                return Some(Ok(OsString::from_vec(name.to_vec())));
            }
        }
    }
}

/// Room for a name as the kernel takes it; for a short one it takes no allocation. Not through nix, which has a function of its
/// own for each call that takes a name.
pub(super) struct Room {
    short: [u8; 128],
    long: Vec<u8>,
}

impl Room {
    /// For any name.
    pub(super) fn new() -> Self {
        Room { short: [0; 128], long: Vec::new() }
    }

    /// The name, with its NUL.
    ///
    /// # Errors
    /// EINVAL: there is a NUL in it.
    pub(super) fn hold(&mut self, name: &OsStr) -> nix::Result<&CStr> {
        let name = name.as_bytes();
        let room = match self.short.get_mut(..=name.len()) {
            Some(short) => short,
            None => {
                self.long.resize(name.len() + 1, 0);
                &mut self.long[..]
            }
        };
        room[..name.len()].copy_from_slice(name);
        CStr::from_bytes_with_nul(room).map_err(|_| Errno::EINVAL)
    }
}

/// The names in a folder of /proc that are numbers: processes, or descriptors.
///
/// # Errors
/// It is not there, or cannot be read.
pub fn numbers_in(folder: &Path) -> nix::Result<Vec<i32>> {
    let folder = open(&WORKING_DIRECTORY, folder, OFlag::O_RDONLY | OFlag::O_DIRECTORY, 0)?;
    let mut numbers = Vec::new();
    for name in names(&folder) {
        numbers.extend(name?.to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    Ok(numbers)
}

/// Whether /proc shows the processes that this one sees: it may be that of another PID namespace.
pub fn is_proc_ours() -> bool {
    let this = nix::unistd::Pid::this().to_string();
    read_link(&WORKING_DIRECTORY, OsStr::new("/proc/self")).is_ok_and(|link| link == *this)
}

fn mode_of(mode: u32) -> Mode {
    Mode::from_bits_truncate(mode)
}

fn call<T>(name: &'static str, mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match fault::before(name).and_then(|()| call()) {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}

/// Where nothing is to fail.
#[cfg(not(test))]
mod fault {
    #[expect(clippy::unnecessary_wraps, reason = "as its counterpart in tests")]
    pub(super) fn before(_: &'static str) -> nix::Result<()> {
        Ok(())
    }

    pub(super) fn writes_at_most(length: usize) -> usize {
        length
    }
}

/// Makes calls of the thread fail, for tests.
#[cfg(test)]
pub mod fault {
    use nix::errno::Errno;
    use std::cell::RefCell;

    /// Which calls fail, asked before each of them: by its number, from 0 on, and its name here.
    type Plan = Box<dyn FnMut(usize, &'static str) -> Option<Errno>>;

    thread_local! {
        static PLAN: RefCell<Option<(Plan, Vec<&'static str>)>> = const { RefCell::new(None) };
    }

    /// Runs `body` with these failures; what it returns, and which calls it made.
    pub fn with<T>(
        plan: impl FnMut(usize, &'static str) -> Option<Errno> + 'static,
        body: impl FnOnce() -> T,
    ) -> (T, Vec<&'static str>) {
        PLAN.set(Some((Box::new(plan), Vec::new())));
        let result = body();
        let calls = PLAN.take().map_or(Vec::new(), |(_, calls)| calls);
        (result, calls)
    }

    pub(super) fn before(name: &'static str) -> nix::Result<()> {
        PLAN.with_borrow_mut(|plan| {
            let Some((plan, calls)) = plan else { return Ok(()) };
            let error = plan(calls.len(), name);
            calls.push(name);
            error.map_or(Ok(()), Err)
        })
    }

    /// Short, so that a write can fail in the middle of a file.
    pub(super) fn writes_at_most(length: usize) -> usize {
        PLAN.with_borrow(|plan| if plan.is_some() { length.div_ceil(2) } else { length })
    }
}
