//! What tests need of the system: other users and mounts of their own, for one thread.
#![allow(clippy::missing_panics_doc, reason = "a test that cannot be set up fails")]

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::{Mode, umask};
use std::path::Path;

/// Runs `body` as this user, in a thread of its own: for the kernel, credentials are a thread's.
pub fn as_user<T: Send>(uid: u32, gid: u32, body: impl FnOnce() -> T + Send) -> T {
    in_thread(|| {
        // SAFETY: setgroups reads no group; the others take integers. The system calls, because libc's change all
        // threads.
        Errno::result(unsafe { libc::syscall(libc::SYS_setgroups, 0, 0) }).expect("setgroups");
        // SAFETY: as above.
        Errno::result(unsafe { libc::syscall(libc::SYS_setresgid, gid, gid, gid) }).expect("setresgid");
        // SAFETY: as above.
        Errno::result(unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) }).expect("setresuid");
        body()
    })
}

/// Runs `body` where mounts are nobody else's, in a thread of its own; `None` where that is not permitted.
pub fn with_own_mounts<T: Send>(body: impl FnOnce() -> T + Send) -> Option<T> {
    in_thread(|| {
        unshare(CloneFlags::CLONE_NEWNS).ok()?;
        let private = MsFlags::MS_PRIVATE | MsFlags::MS_REC;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).ok()?;
        Some(body())
    })
}

/// Runs `body` with this umask, in a thread of its own.
pub fn with_umask<T: Send>(mask: u32, body: impl FnOnce() -> T + Send) -> T {
    in_thread(|| {
        unshare(CloneFlags::CLONE_FS).expect("a umask of one's own");
        umask(Mode::from_bits_truncate(mask));
        body()
    })
}

/// Mounts `from` on `to`, both files or both directories.
pub fn bind(from: &Path, to: &Path, read_only: bool) {
    let bind = |flags| mount(Some(from), to, None::<&str>, MsFlags::MS_BIND | flags, None::<&str>);
    bind(MsFlags::empty()).expect("a bind mount");
    if read_only {
        bind(MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY).expect("a read-only bind mount");
    }
}

/// Mounts a small file system of its own on `to`.
pub fn tmpfs(to: &Path, options: &str) {
    mount(Some("tmpfs"), to, Some("tmpfs"), MsFlags::empty(), Some(options)).expect("a tmpfs");
}

fn in_thread<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| match scope.spawn(body).join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
