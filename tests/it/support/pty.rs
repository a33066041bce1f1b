//! A pseudo-terminal as a person has it: a session leader runs on it, keys go in, what appears is collected.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::LIMIT;
use crate::syscall;

pub const CTRL_C: &str = "\x03";
pub const CTRL_Z: &str = "\x1a";
pub const CTRL_D: &str = "\x04";
pub const CTRL_BACKSLASH: &str = "\x1c";

pub struct Pty {
    master: File,
    slave: OwnedFd,
    screen: Arc<Screen>,
    /// Closed to end the reader.
    alive: OwnedFd,
    reader: JoinHandle<()>,
    /// What `wait_for` has seen already ends here.
    seen: usize,
}

/// All that was ever written on the terminal.
#[derive(Default)]
struct Screen {
    text: Mutex<Vec<u8>>,
    more: Condvar,
}

impl Pty {
    pub fn open() -> Pty {
        let pair = nix::pty::openpty(None, None).expect("openpty");
        for fd in [&pair.master, &pair.slave] {
            close_on_exec(fd);
        }
        let (watched, alive) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).expect("pipe2");
        let master = File::from(pair.master);
        let screen = Arc::new(Screen::default());
        let reader = {
            let (master, screen) = (master.try_clone().expect("dup"), Arc::clone(&screen));
            std::thread::spawn(move || collect(master, &watched, &screen))
        };
        Pty { master, slave: pair.slave, screen, alive, reader, seen: 0 }
    }

    /// The side the program has. Pass it as stdin, stdout and stderr.
    pub fn slave(&self) -> OwnedFd {
        self.slave.try_clone().expect("dup")
    }

    /// Types `keys`.
    pub fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Waits until `text` appears after what was waited for before. Returns what appeared up to and with it.
    pub fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + LIMIT;
        let mut all = self.screen.text.lock().expect("the reader does not panic");
        loop {
            if let Some(at) = find(&all[self.seen..], text.as_bytes()) {
                let end = self.seen + at + text.len();
                let appeared = String::from_utf8_lossy(&all[self.seen..end]).into_owned();
                self.seen = end;
                return appeared;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let shown = || String::from_utf8_lossy(&all[self.seen..]);
            assert!(!left.is_zero(), "`{text}` did not appear; the screen since then: {}", shown());
            all = self.screen.more.wait_timeout(all, left).expect("the reader does not panic").0;
        }
    }

    /// Waits until `text` is there, whatever has been waited for before.
    pub fn wait_until_shown(&self, text: &str) {
        super::until(&format!("`{text}` on the screen"), || self.screen().contains(text).then_some(()));
    }

    /// All that has appeared so far.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.text.lock().expect("the reader does not panic")).into_owned()
    }

    /// The foreground process group, numbered in our PID namespace.
    pub fn foreground(&self) -> i32 {
        nix::unistd::tcgetpgrp(&self.master).expect("TIOCGPGRP").as_raw()
    }

    pub fn resize(&self, rows: u16, columns: u16) {
        let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        syscall!(SYS_ioctl, self.master.as_raw_fd(), libc::TIOCSWINSZ, &raw const size).expect("TIOCSWINSZ");
    }

    /// Echo, signals, line editing and the rest (termios(3)).
    pub fn settings(&self) -> nix::sys::termios::Termios {
        nix::sys::termios::tcgetattr(&self.master).expect("TCGETS")
    }

    /// The line is cut: nobody holds the other side any more. Returns all that had appeared.
    pub fn hang_up(self) -> String {
        drop(self.alive);
        self.reader.join().expect("the reader ends well");
        drop(self.slave);
        drop(self.master);
        String::from_utf8_lossy(&self.screen.text.lock().expect("the reader does not panic")).into_owned()
    }
}

/// Makes the terminal `fd` the controlling one of this process, which leads a session without one.
/// Only makes a system call: for use between fork and execve.
pub fn make_controlling(fd: i32) -> io::Result<()> {
    syscall!(SYS_ioctl, fd, libc::TIOCSCTTY, 0).map(drop)
}

fn collect(mut master: File, watched: &OwnedFd, screen: &Screen) {
    let mut chunk = [0; 4096];
    loop {
        let mut ready =
            [PollFd::new(master.as_fd(), PollFlags::POLLIN), PollFd::new(watched.as_fd(), PollFlags::empty())];
        let _ = poll(&mut ready, PollTimeout::NONE);
        if ready[1].revents().is_some_and(|events| !events.is_empty()) {
            return;
        }
        // EIO: nobody has the other side open. As we keep it open ourselves, it does not come.
        let Ok(got) = master.read(&mut chunk) else { return };
        screen.text.lock().expect("the test does not panic in here").extend_from_slice(&chunk[..got]);
        screen.more.notify_all();
    }
}

fn close_on_exec(fd: &OwnedFd) {
    let flag = nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC);
    nix::fcntl::fcntl(fd, flag).expect("F_SETFD");
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
