//! What this process may do with a path, and what is mounted there.

use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::AccessFlags;
use std::mem::MaybeUninit;
use std::path::Path;

use super::file::{Room, WORKING_DIRECTORY, stat_of};

/// Whether the process may do that, as its effective user (access(2)).
///
/// # Errors
/// Why it may not.
pub fn access(path: &Path, wanted: AccessFlags) -> nix::Result<()> {
    nix::unistd::faccessat(WORKING_DIRECTORY, Room::new().hold(path.as_os_str())?, wanted, AtFlags::AT_EACCESS)
}

/// How the file system is mounted that a path leads to; none of the flags where that cannot be told.
pub fn mount_flags(path: &Path) -> FsFlags {
    let found = Room::new().hold(path.as_os_str()).and_then(statvfs);
    found.map_or(FsFlags::empty(), |found| found.flags())
}

/// Whether something is mounted at the path, symbolic links followed.
///
/// # Errors
/// What the system says of the path.
pub fn is_mount(path: &Path) -> nix::Result<bool> {
    let mut room = Room::new();
    let name = room.hold(path.as_os_str())?;
    let mut found = MaybeUninit::<libc::statx>::zeroed();
    // SAFETY: statx reads a C string that lives, and writes one structure.
    let result = unsafe { libc::syscall(libc::SYS_statx, libc::AT_FDCWD, name.as_ptr(), 0, 0, found.as_mut_ptr()) };
    // SAFETY: all zero is a value of it, and the kernel wrote what it knows.
    let found = unsafe { found.assume_init() };
    let root = u64::from(libc::STATX_ATTR_MOUNT_ROOT.unsigned_abs());
    match Errno::result(result) {
        Ok(_) if found.stx_attributes_mask & root != 0 => Ok(found.stx_attributes & root != 0),
        // Linux before 5.8, or a seccomp filter that does not know the call: a bind mount of the same file system is not
        // seen then.
        Ok(_) | Err(Errno::ENOSYS | Errno::EPERM) => {
            let (here, above) = (stat_of(path)?, stat_of(&path.join(".."))?);
            Ok(here.st_dev != above.st_dev || here.st_ino == above.st_ino)
        }
        Err(error) => Err(error),
    }
}

/// How many processors this process may run on (`sched_getaffinity(2)`): its cpuset is minded. At least 1.
pub fn processors() -> u32 {
    // For 65,536 of them. The system call, because libc's own set ends at 1024, and then it fails.
    let mut mask = [0_u64; 1024];
    let room = std::mem::size_of_val(&mask);
    // SAFETY: the kernel writes at most `room` bytes to `mask`, which has as many.
    let result = unsafe { libc::syscall(libc::SYS_sched_getaffinity, 0, room, mask.as_mut_ptr()) };
    let count = if result > 0 { mask.iter().map(|bits| bits.count_ones()).sum() } else { 1 };
    u32::max(count, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_told_from_folders() {
        assert_eq!(is_mount(Path::new("/")), Ok(true));
        assert_eq!(is_mount(Path::new("/proc")), Ok(true));
        assert_eq!(is_mount(Path::new("/proc/self")), Ok(false));
        assert_eq!(is_mount(Path::new("/proc/none")), Err(Errno::ENOENT));
    }

    #[test]
    fn as_many_processors_as_the_standard_library_finds_at_least() {
        assert!(processors() as usize >= std::thread::available_parallelism().unwrap().get());
    }

    #[test]
    fn access_is_asked_for() {
        assert_eq!(access(Path::new("/proc/self/status"), AccessFlags::R_OK), Ok(()));
        assert_eq!(access(Path::new("/proc/self/status"), AccessFlags::X_OK), Err(Errno::EACCES));
    }
}
