//! One line to stderr, whole or not at all, without ever waiting for its reader.
//!
//! stderr is the application's too: it may not be made non-blocking, because that would be so for the application as
//! well (`O_NONBLOCK` belongs to the open file, not to the descriptor). So each kind of file has its own way to write
//! without waiting.

use super::signal::{Signal, take_own};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{SFlag, fstat};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

/// Lines are at most this long (`PIPE_BUF`, pipe(7)): then one write to a pipe is not mixed with others' writes, and
/// a pipe that has room at all has room for it.
pub const LONGEST_LINE: usize = 4096;

/// Writes `line`.
///
/// # Errors
/// EAGAIN when the reader does not keep up; EBADF when stderr is closed; EPIPE when nobody reads; whatever else the
/// file says (ENOSPC, EFBIG, EIO). Part of a line can be written only to a file system that runs full in between, and to
/// a terminal that has room for no more.
pub fn write_line(line: &[u8]) -> nix::Result<()> {
    static SINK: OnceLock<Sink> = OnceLock::new();
    let written = SINK.get_or_init(Sink::of_stderr).write(line);
    // With these errors comes a signal, sent to the very thread that wrote: it is taken back, because it is not the
    // application's. One that somebody sends us is the whole process's, and stays where it is.
    match written {
        Err(Errno::EPIPE) => take_own(Signal::PIPE),
        Err(Errno::EFBIG) => take_own(Signal::XFSZ),
        Ok(_) | Err(_) => {}
    }
    if written? < line.len() { Err(Errno::ENOSPC) } else { Ok(()) }
}

/// How to write without waiting, by what stderr is.
enum Sink {
    Closed,
    /// Each `send` can say for itself that it does not wait.
    Socket,
    /// So can each write, from Linux 6.4 on; before, the line goes through a pipe of our own.
    Pipe,
    /// Opened once more for each line, as an open file of our own that is non-blocking. None is kept: PID 1 holds no
    /// terminal, and closes what it has inherited by number.
    Terminal,
    /// A file on disk takes what it gets; a device is asked first.
    File,
}

/// stderr, which may be closed: then every use of it fails with EBADF.
fn stderr() -> BorrowedFd<'static> {
    // SAFETY: the number is used with system calls only, and onset opens nothing below 3 (fd::above_stdio).
    unsafe { BorrowedFd::borrow_raw(libc::STDERR_FILENO) }
}

impl Sink {
    fn of_stderr() -> Self {
        let Ok(stat) = fstat(stderr()) else { return Sink::Closed };
        match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
            SFlag::S_IFSOCK => Sink::Socket,
            SFlag::S_IFIFO => Sink::Pipe,
            SFlag::S_IFCHR if nix::unistd::isatty(stderr()).unwrap_or(false) => Sink::Terminal,
            _ => Sink::File,
        }
    }

    fn write(&self, line: &[u8]) -> nix::Result<usize> {
        match self {
            Sink::Closed => Err(Errno::EBADF),
            Sink::Socket => send(line),
            Sink::Pipe => match write_no_wait(line) {
                // EPERM is how a seccomp filter that is older than the system call refuses it.
                Err(Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::EPERM | Errno::EINVAL) => write_through_pipe(line),
                result => result,
            },
            Sink::Terminal => match open_terminal() {
                Some(terminal) => nix::unistd::write(terminal, line),
                None => write_if_ready(line),
            },
            Sink::File => write_if_ready(line),
        }
    }
}

fn open_terminal() -> Option<OwnedFd> {
    use nix::fcntl::{OFlag, open};
    let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let fd = open("/proc/self/fd/2", flags, nix::sys::stat::Mode::empty()).ok()?;
    super::fd::above_stdio(fd).ok()
}

fn send(line: &[u8]) -> nix::Result<usize> {
    // SAFETY: send reads line.len() bytes from a live slice.
    written(unsafe { libc::send(libc::STDERR_FILENO, line.as_ptr().cast(), line.len(), libc::MSG_DONTWAIT) })
}

fn write_no_wait(line: &[u8]) -> nix::Result<usize> {
    let part = libc::iovec { iov_base: line.as_ptr().cast_mut().cast(), iov_len: line.len() };
    // musl's syscall takes each argument for a long, so what is an int must be one.
    let flags = libc::c_long::from(libc::RWF_NOWAIT);
    // At offset -1 it is writev with flags. The system call, because musl has a wrapper only since 1.2.5.
    // SAFETY: the kernel reads one iovec, and through it line.len() bytes of a live slice; it writes to neither.
    let result = unsafe {
        libc::syscall(libc::SYS_pwritev2, libc::STDERR_FILENO, &raw const part, 1_usize, -1_i64, -1_i64, flags)
    };
    written(isize::try_from(result).unwrap_or(-1))
}

/// splice(2) from one pipe to another can say that it does not wait, on every Linux.
fn write_through_pipe(line: &[u8]) -> nix::Result<usize> {
    let (read, write) = super::fd::pipe()?;
    let length = nix::unistd::write(&write, line)?;
    // SAFETY: splice takes descriptors and integers; the offset pointers are null, as pipes want it.
    written(unsafe {
        libc::splice(
            read.as_raw_fd(),
            std::ptr::null_mut(),
            libc::STDERR_FILENO,
            std::ptr::null_mut(),
            length,
            libc::SPLICE_F_NONBLOCK,
        )
    })
}

fn write_if_ready(line: &[u8]) -> nix::Result<usize> {
    let stderr = stderr();
    let mut ready = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
    match poll(&mut ready, PollTimeout::ZERO)? {
        0 => Err(Errno::EAGAIN),
        _ => nix::unistd::write(stderr, line),
    }
}

fn written(result: isize) -> nix::Result<usize> {
    Errno::result(result).map(|length| usize::try_from(length).unwrap_or(0))
}
