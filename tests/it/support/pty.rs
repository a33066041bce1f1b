//! A pseudo-terminal as a person has it: a session leader runs on it, keys go in, what appears is collected.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

const LIMIT: Duration = Duration::from_secs(30);

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

    /// `program` as leader of a session of its own with this terminal as stdin, stdout, stderr and controlling terminal.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.stdin(self.slave()).stdout(self.slave()).stderr(self.slave());
        // SAFETY: setsid and ioctl are async-signal-safe, and nothing else is called.
        unsafe { command.pre_exec(|| Ok(take_terminal()?)) };
        command
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
            if left.is_zero() {
                panic!(
                    "`{text}` did not appear; the screen since then: {}",
                    String::from_utf8_lossy(&all[self.seen..])
                );
            }
            all = self.screen.more.wait_timeout(all, left).expect("the reader does not panic").0;
        }
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
        // SAFETY: TIOCSWINSZ reads one winsize through the pointer; `size` is a live local.
        let result = unsafe { libc::ioctl(self.master.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
        assert_eq!(result, 0, "TIOCSWINSZ");
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

/// Makes the calling process leader of a new session, and its stdin the controlling terminal of it.
/// Async-signal-safe: for use between fork and exec.
pub fn take_terminal() -> nix::Result<()> {
    nix::unistd::setsid()?;
    // SAFETY: TIOCSCTTY takes an integer and writes to no memory of ours.
    nix::errno::Errno::result(unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) }).map(drop)
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
