//! File descriptors: our own stay clear of 0, 1 and 2, and PID 1 keeps none that it inherited.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, SealFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;

/// The first number that is not a standard stream.
const ABOVE_STDIO: RawFd = 3;

/// A pipe whose ends close by themselves at execve(2): (read, write).
pub fn pipe() -> nix::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    Ok((above_stdio(read)?, above_stdio(write)?))
}

/// Moves a descriptor away from 0, 1 and 2, where it lands when onset is started with one of them closed: the
/// application is to find that one closed still, and our reports must not go into our own pipe.
pub fn above_stdio(fd: OwnedFd) -> nix::Result<OwnedFd> {
    if fd.as_raw_fd() >= ABOVE_STDIO {
        return Ok(fd);
    }
    at_least(&fd, ABOVE_STDIO)
}

/// Whether there is something to read there, or the end. Does not wait.
pub fn is_readable(fd: &impl AsFd) -> bool {
    poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO).is_ok_and(|count| count > 0)
}

/// An empty file in memory that can be sealed, close-on-exec.
///
/// # Errors
/// No descriptor or no memory left, or no leave: the kernel was built without them, or a seccomp filter forbids them.
pub fn in_memory(name: &CStr) -> nix::Result<OwnedFd> {
    // Without saying that it is none to execute, which Linux before 6.3 does not know, `vm.memfd_noexec=2` refuses it.
    let not_to_execute = MFdFlags::from_bits_retain(libc::MFD_NOEXEC_SEAL);
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let made = match memfd_create(name, flags | not_to_execute) {
        Err(Errno::EINVAL) => memfd_create(name, flags),
        made => made,
    };
    above_stdio(made?)
}

/// Makes a file in memory stay as it is.
pub fn seal(file: &OwnedFd) {
    let all = [SealFlag::F_SEAL_WRITE, SealFlag::F_SEAL_SHRINK, SealFlag::F_SEAL_GROW, SealFlag::F_SEAL_SEAL];
    let _no_file_in_memory: nix::Result<i32> = fcntl(file, FcntlArg::F_ADD_SEALS(all.into_iter().collect()));
}

/// Closes every descriptor but stderr and `keep`. Descriptors cannot fail to close in a way that matters here.
///
/// `close_range(2)` is Linux 5.9; before, and where a seccomp filter of that age refuses it, they are closed one by one.
pub fn close_inherited(keep: [Option<&OwnedFd>; 3]) {
    let [one, two, three] = keep.map(|fd| fd.map(AsRawFd::as_raw_fd));
    let mut kept = [Some(libc::STDERR_FILENO), one, two, three];
    kept.sort_unstable();
    let mut first = 0;
    for fd in kept.into_iter().flatten() {
        close_range(first, fd - 1);
        first = fd + 1;
    }
    close_range(first, RawFd::MAX);
}

fn close_range(first: RawFd, last: RawFd) {
    if first > last {
        return;
    }
    // SAFETY: takes three integers. That nobody uses these descriptors any more is what close_inherited is for.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if result != 0 {
        let last = last.min(highest_open());
        for fd in first..=last {
            // SAFETY: as above.
            unsafe { libc::close(fd) };
        }
    }
}

/// The highest descriptor that can be open: from /proc where it is mounted, else by the limit.
fn highest_open() -> RawFd {
    let listed = super::file::numbers_in(Path::new("/proc/self/fd")).ok();
    listed.and_then(|numbers| numbers.into_iter().max()).unwrap_or_else(|| {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: getrlimit writes one rlimit through a live pointer.
        unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
        RawFd::try_from(limit.rlim_cur.min(1 << 20)).unwrap_or(1 << 20)
    })
}

/// The same under another number, this one or the next that is free; closes by itself at execve(2).
///
/// # Errors
/// No descriptors left.
pub fn at_least(fd: &OwnedFd, number: RawFd) -> nix::Result<OwnedFd> {
    let raw = fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(number))?;
    // SAFETY: fcntl has just made this descriptor, and nobody else has its number.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// Makes this process have `fd` under the number `target` as well, for the program it is about to execute.
///
/// # Errors
/// `target` is beyond the limit of descriptors.
pub fn place(fd: &OwnedFd, target: RawFd) -> nix::Result<()> {
    if fd.as_raw_fd() == target {
        // SAFETY: fcntl takes integers here.
        let result = unsafe { libc::fcntl(target, libc::F_SETFD, 0) };
        return Errno::result(result).map(drop);
    }
    // SAFETY: dup2 takes integers; whatever had the number `target` is nobody's here: it is one of the streams a program
    // is given.
    let result = unsafe { libc::dup2(fd.as_raw_fd(), target) };
    Errno::result(result).map(drop)
}
