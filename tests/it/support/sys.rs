//! Raw system calls: after clone(2) in a process with threads, and for signals libc keeps to itself, only these are safe.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

/// `syscall!(SYS_kill, pid, signal)`: the result, or errno as an `io::Error`. Does not allocate.
#[macro_export]
macro_rules! syscall {
    ($number:ident $(, $arg:expr)* $(,)?) => {{
        // SAFETY: every argument is a number, or points to a live local of the type the call's man page names.
        let result = unsafe { libc::syscall(libc::$number $(, $arg)*) };
        if result < 0 { Err(std::io::Error::last_os_error()) } else { Ok(result) }
    }};
}

/// The kernel's signal set of these numbers (1..=64).
pub fn set_of(signals: impl IntoIterator<Item = i32>) -> u64 {
    signals.into_iter().fold(0, |set, signal| set | (1 << (signal - 1)))
}

/// The kernel's `struct sigaction` for a plain disposition: no flags, no mask, no restorer. The same on x86_64 and aarch64.
#[repr(C)]
struct KernelSigaction {
    handler: libc::sighandler_t,
    flags: libc::c_ulong,
    restorer: usize,
    mask: u64,
}

/// `SIG_DFL` or `SIG_IGN` for any signal, those that libc reserves (32, 33) included.
pub fn set_disposition(signal: i32, handler: libc::sighandler_t) -> io::Result<()> {
    let action = KernelSigaction { handler, flags: 0, restorer: 0, mask: 0 };
    syscall!(SYS_rt_sigaction, signal, &raw const action, 0, 8).map(drop)
}

/// The mask of the calling thread becomes exactly `set`.
pub fn set_mask(set: u64) -> io::Result<()> {
    syscall!(SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const set, 0, 8).map(drop)
}

/// kill(2), for every number from 0 (does it exist?) to 64.
pub fn kill(pid: i32, signal: i32) -> io::Result<()> {
    syscall!(SYS_kill, pid, signal).map(drop)
}

/// sigqueue(3): `SI_QUEUE`, with our pid and uid and this value.
pub fn sigqueue(pid: i32, signal: i32, value: i32) -> io::Result<()> {
    // The layout of siginfo_t on 64-bit machines: signo, errno, code, padding, pid, uid, value.
    let mut info = [0_i32; 32];
    info[0] = signal;
    info[2] = libc::SI_QUEUE;
    info[4] = i32::try_from(std::process::id()).unwrap_or(-1);
    info[5] = i32::try_from(effective_uid()).unwrap_or(-1);
    info[6] = value;
    syscall!(SYS_rt_sigqueueinfo, pid, signal, info.as_ptr()).map(drop)
}

/// Our effective user.
pub fn effective_uid() -> u32 {
    // SAFETY: geteuid only returns a number.
    unsafe { libc::geteuid() }
}

/// Our effective group.
pub fn effective_gid() -> u32 {
    // SAFETY: getegid only returns a number.
    unsafe { libc::getegid() }
}

/// A close-on-exec copy numbered `least` or more.
pub fn duplicate_above(fd: &impl AsFd, least: RawFd) -> io::Result<OwnedFd> {
    let copy = syscall!(SYS_fcntl, fd.as_fd().as_raw_fd(), libc::F_DUPFD_CLOEXEC, least)?;
    // SAFETY: fcntl has just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(RawFd::try_from(copy).unwrap_or(-1)) })
}

/// A close-on-exec pipe: the end to read, the end to write.
pub fn pipe() -> (OwnedFd, OwnedFd) {
    let mut ends: [RawFd; 2] = [-1; 2];
    syscall!(SYS_pipe2, &raw mut ends, libc::O_CLOEXEC).expect("a pipe");
    // SAFETY: pipe2 has just made both descriptors, and nobody else knows them.
    ends.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }).into()
}

/// A descriptor that becomes readable when the process ends.
pub fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    let fd = syscall!(SYS_pidfd_open, pid, 0)?;
    // SAFETY: as above; pidfd_open sets close-on-exec.
    Ok(unsafe { OwnedFd::from_raw_fd(RawFd::try_from(fd).unwrap_or(-1)) })
}

/// Whether `fd` has one of `events` (or an error) before the time is up.
pub fn poll(fd: &impl AsFd, events: libc::c_short, limit: std::time::Duration) -> bool {
    let deadline = std::time::Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        let mut poll = libc::pollfd { fd: fd.as_fd().as_raw_fd(), events, revents: 0 };
        // SAFETY: one live pollfd.
        match unsafe { libc::poll(&raw mut poll, 1, i32::try_from(left.as_millis()).unwrap_or(i32::MAX)) } {
            0 => return false,
            1.. => return true,
            // Interrupted by a signal: the deadline still stands.
            _ => {}
        }
    }
}

/// `O_NONBLOCK` of the open file, which everybody shares who holds it.
pub fn set_nonblocking(fd: &impl AsFd, on: bool) {
    let fd = fd.as_fd().as_raw_fd();
    let flags = syscall!(SYS_fcntl, fd, libc::F_GETFL).expect("an open descriptor");
    let flag = libc::c_long::from(libc::O_NONBLOCK);
    let flags = if on { flags | flag } else { flags & !flag };
    syscall!(SYS_fcntl, fd, libc::F_SETFL, flags).expect("its own flags");
}

/// Whether `O_NONBLOCK` is set.
pub fn is_nonblocking(fd: &impl AsFd) -> bool {
    let flags = syscall!(SYS_fcntl, fd.as_fd().as_raw_fd(), libc::F_GETFL).expect("an open descriptor");
    flags & libc::c_long::from(libc::O_NONBLOCK) != 0
}
