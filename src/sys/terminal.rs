//! The controlling terminal: which process group Ctrl-C and Ctrl-Z go to (tcsetpgrp(3), termios(3)).

use super::fd::above_stdio;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, tcgetpgrp, tcsetpgrp};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Gives up the controlling terminal if that is stdin, for another session to take (ioctl_tty(2)). The kernel sends SIGHUP
/// and SIGCONT to its foreground process group if this process leads the session.
///
/// # Errors
/// ENOTTY: it is not.
pub fn give_up_stdin() -> nix::Result<()> {
    // SAFETY: TIOCNOTTY takes no argument; a descriptor that is closed or no terminal is an error.
    Errno::result(unsafe { libc::ioctl(libc::STDIN_FILENO, libc::TIOCNOTTY) }).map(drop)
}

/// Makes the terminal that is stdin the controlling one of this process, which leads a session without one; its group is in
/// the foreground then.
///
/// # Errors
/// ENOTTY: stdin is no terminal; EPERM: it is another session's.
pub fn take_stdin() -> nix::Result<()> {
    // SAFETY: TIOCSCTTY takes an integer; a descriptor that is closed or no terminal is an error.
    Errno::result(unsafe { libc::ioctl(libc::STDIN_FILENO, libc::TIOCSCTTY, 0) }).map(drop)
}

/// The controlling terminal of this process.
pub struct Terminal(Handle);

enum Handle {
    Opened(OwnedFd),
    Standard(BorrowedFd<'static>),
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            Handle::Opened(fd) => fd.as_fd(),
            Handle::Standard(fd) => fd.as_fd(),
        }
    }
}

impl Terminal {
    /// The controlling terminal, if there is one: `/dev/tty`, or where the image has no such file, whichever of the
    /// standard streams it is.
    pub fn controlling() -> Option<Self> {
        match open("/dev/tty", OFlag::O_RDWR | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC, Mode::empty()) {
            Ok(fd) => above_stdio(fd).ok().map(|fd| Terminal(Handle::Opened(fd))),
            Err(nix::errno::Errno::ENXIO) => None,
            Err(_) => [0, 1, 2].into_iter().find_map(|number| {
                // SAFETY: a number that is closed makes tcgetpgrp fail with EBADF, and nothing else is done with it.
                let fd = unsafe { BorrowedFd::borrow_raw(number) };
                tcgetpgrp(fd).ok().map(|_| Terminal(Handle::Standard(fd)))
            }),
        }
    }

    /// The process group that reads from it and that its keys signal; `None` for one outside our PID namespace, which
    /// the kernel calls 0.
    pub fn foreground(&self) -> Option<Pid> {
        tcgetpgrp(self).ok().filter(|group| group.as_raw() > 0)
    }

    /// Hands it to `group`. SIGTTOU must be blocked.
    ///
    /// # Errors
    /// EPERM: `group` is not in our session.
    pub fn set_foreground(&self, group: Pid) -> nix::Result<()> {
        tcsetpgrp(self, group)
    }
}
