//! The handle: what was started, what it says, and how it ends.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use serde_json::Value;

use super::spawn::Child;
use super::{Folder, LIMIT, Lines, Stream, proc, sys, until};
use crate::syscall;

/// A started program; dropping it kills it and its descendants.
pub struct Running {
    what: String,
    child: Child,
    pidfd: OwnedFd,
    stdin: Option<File>,
    stdout: Lines,
    stderr: Lines,
    ended: std::cell::Cell<Option<i32>>,
    _binaries: Option<Folder>,
}

/// How a program ended and everything it wrote.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    what: String,
}

impl Running {
    pub(super) fn new(
        what: String,
        child: Child,
        stdin: Option<File>,
        stdout: Lines,
        stderr: Lines,
        binaries: Option<Folder>,
    ) -> Self {
        let pidfd = sys::pidfd_open(child.pid).expect("pidfd_open of our own child");
        let ended = std::cell::Cell::new(None);
        Self { what, child, pidfd, stdin, stdout, stderr, ended, _binaries: binaries }
    }

    /// Its pid, as the test sees it. (In its own namespace it is 1 in `Mode::Pid1`.)
    pub fn pid(&self) -> i32 {
        self.child.pid
    }

    /// The pid of the main process, as the test sees it: the first child, waited for. It may not have executed yet:
    /// wait for a line of it, or for "`main_started`".
    pub fn main_pid(&self) -> i32 {
        self.until("a child", || proc::children(self.pid()).first().copied())
    }

    /// Lets a process go on that holds before its execve (see [`super::Init::hold_before_exec`]).
    pub fn release(&mut self) {
        self.child.release().unwrap_or_else(|err| self.fail(&err));
    }

    /// Sends it a signal, 1..=64, from the test's process.
    pub fn kill(&self, signal: i32) {
        sys::kill(self.pid(), signal).unwrap_or_else(|err| self.fail(&format!("cannot send signal {signal}: {err}")));
    }

    /// Queues it a signal with a value, as sigqueue(3) does.
    pub fn sigqueue(&self, signal: i32, value: i32) {
        sys::sigqueue(self.pid(), signal, value)
            .unwrap_or_else(|err| self.fail(&format!("cannot queue signal {signal}: {err}")));
    }

    /// Writes to its stdin ([`super::Stdio::Pipe`]).
    pub fn write_stdin(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().expect("stdin is a pipe").write_all(bytes).expect("a reader of stdin");
    }

    /// Closes our end of its stdin.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    pub fn stdout(&self) -> &Lines {
        &self.stdout
    }

    pub fn stderr(&self) -> &Lines {
        &self.stderr
    }

    /// The first line of the stream, of those before and those to come, that `wanted` accepts.
    ///
    /// # Panics
    /// At the end of the stream or after [`LIMIT`], with everything seen so far.
    pub fn wait_for_line(&self, stream: Stream, what: &str, wanted: impl FnMut(&str) -> bool) -> String {
        let lines = match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        };
        lines.wait_for(wanted).unwrap_or_else(|| self.fail(&format!("no line on {stream:?} is {what}")))
    }

    /// The probe's line "ready".
    pub fn wait_for_ready(&self) {
        self.wait_for_text("ready");
    }

    /// A line of stdout that is exactly this.
    pub fn wait_for_text(&self, text: &str) {
        self.wait_for_line(Stream::Stdout, text, |line| line == text);
    }

    /// The first JSON object on stdout (the probe's) that `wanted` accepts.
    pub fn wait_for_output(&self, what: &str, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        let line = self.wait_for_line(Stream::Stdout, what, |line| object(line).is_some_and(|value| wanted(&value)));
        object(&line).unwrap_or_default()
    }

    /// The first event of this name on stderr (needs `--log-format json`, and the level of the event).
    pub fn wait_for_event(&self, event: &str) -> Value {
        self.wait_for_event_where(event, |_| true)
    }

    /// The first event of this name that `wanted` accepts.
    pub fn wait_for_event_where(&self, event: &str, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        let matches = |line: &str| object(line).is_some_and(|value| value["event"] == event && wanted(&value));
        let line = self.wait_for_line(Stream::Stderr, &format!("event {event}"), matches);
        object(&line).unwrap_or_default()
    }

    /// The events so far, in order; lines that are no JSON object are left out.
    pub fn events(&self) -> Vec<Value> {
        self.stderr.lines().iter().filter_map(|line| object(line)).collect()
    }

    /// The JSON objects on stdout so far (the probe's), in order.
    pub fn outputs(&self) -> Vec<Value> {
        self.stdout.lines().iter().filter_map(|line| object(line)).collect()
    }

    /// Waits for its end. May be called again.
    ///
    /// # Panics
    /// After [`LIMIT`], with everything seen so far.
    pub fn wait(&self) -> ExitStatus {
        if let Some(status) = self.ended.get() {
            return ExitStatus::from_raw(status);
        }
        if !sys::poll(&self.pidfd, libc::POLLIN, LIMIT) {
            self.fail("it does not end");
        }
        ExitStatus::from_raw(self.reap())
    }

    /// Waits for its end and the end of its output: no process may hold stdout or stderr open.
    pub fn finish(self) -> Finished {
        let status = self.wait();
        if !(self.stdout.wait_for_end() && self.stderr.wait_for_end()) {
            self.fail("its stdout or stderr is still held open");
        }
        Finished { status, stdout: self.stdout.bytes(), stderr: self.stderr.bytes(), what: self.what.clone() }
    }

    /// Whether it has not ended yet.
    pub fn is_alive(&self) -> bool {
        self.ended.get().is_none() && !sys::poll(&self.pidfd, libc::POLLIN, std::time::Duration::ZERO)
    }

    /// [`super::until`], with everything seen so far when it fails.
    pub fn until<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        until(&format!("{what} of {}", self.what), || {
            look().or_else(|| if self.is_alive() { None } else { self.fail(&format!("it ended before {what}")) })
        })
    }

    /// Fails the test with everything seen so far.
    pub fn fail(&self, why: &str) -> ! {
        panic!("{why}\n{}", self.story())
    }

    /// What was started, its state and what it wrote, for the text of a failure.
    pub fn story(&self) -> String {
        let status = self.ended.get().map(ExitStatus::from_raw);
        let state = status.map_or_else(|| format!("state {:?}", proc::state(self.pid())), |status| status.to_string());
        story(&self.what, &state, &self.stdout.bytes(), &self.stderr.bytes())
    }

    fn reap(&self) -> i32 {
        let mut status = 0_i32;
        let reaped = syscall!(SYS_wait4, self.pid(), &raw mut status, 0, 0);
        reaped.unwrap_or_else(|err| self.fail(&format!("cannot wait for it: {err}")));
        self.ended.set(Some(status));
        status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended.get().is_some() {
            return;
        }
        let descendants = proc::descendants(self.pid());
        for pid in std::iter::once(self.pid()).chain(descendants) {
            let _gone = sys::kill(pid, libc::SIGKILL);
        }
        let mut status = 0_i32;
        while syscall!(SYS_wait4, self.pid(), &raw mut status, 0, 0).is_ok() && libc::WIFSTOPPED(status) {}
    }
}

impl Finished {
    /// The exit status.
    ///
    /// # Panics
    /// When a signal ended it.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("it did not exit\n{}", self.story()))
    }

    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// The events on stderr, in order; lines that are no JSON object are left out.
    pub fn events(&self) -> Vec<Value> {
        self.stderr().lines().filter_map(object).collect()
    }

    /// The only event of this name.
    ///
    /// # Panics
    /// When there is none, or more than one.
    pub fn event(&self, event: &str) -> Value {
        let mut found: Vec<_> = self.events().into_iter().filter(|value| value["event"] == event).collect();
        assert_eq!(found.len(), 1, "one event {event} expected\n{}", self.story());
        found.remove(0)
    }

    /// What was started, how it ended and what it wrote, for the text of a failure.
    pub fn story(&self) -> String {
        story(&self.what, &self.status.to_string(), &self.stdout, &self.stderr)
    }
}

fn object(line: &str) -> Option<Value> {
    serde_json::from_str(line).ok().filter(Value::is_object)
}

fn story(what: &str, state: &str, stdout: &[u8], stderr: &[u8]) -> String {
    let text = |bytes: &[u8]| {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(20_000)]).into_owned();
        if shown.is_empty() { "(nothing)\n".to_owned() } else { shown }
    };
    format!("{what}: {state}\n--- stdout\n{}--- stderr\n{}---", text(stdout), text(stderr))
}
