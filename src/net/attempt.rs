//! One try, in a process of its own: whatever it waits for (the C library's resolver, a file system that hangs), it can be
//! ended when its time is over, and while it waits others can be asked. A thread could not be ended, and onset has none.

use crate::report::Because;
use crate::sys::clock;
use crate::sys::fd::{is_readable, pipe};
use crate::sys::process::{self, Side};
use crate::sys::signal::{self, Signal};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, read, write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// What is said first by a try that succeeded, and by one that failed.
const MARKS: [u8; 2] = [b'+', b'-'];
/// The longest reason, in bytes: it goes through a pipe at once (PIPE_BUF).
const LONGEST: usize = 2048;
/// How long it is waited for one that was killed, where nobody says otherwise.
const LAST_WAIT: Duration = Duration::from_secs(1);
/// How much earlier than it is ended a try gives up by itself, at most: it knows better why.
const EARLIER: Duration = Duration::from_millis(100);

/// A try that goes on.
pub struct Attempt {
    child: Pid,
    answer: OwnedFd,
    said: Vec<u8>,
    closed: bool,
    /// How long it is waited for at the end.
    patience: Duration,
}

/// Starts one. In the new process `before` comes first, to become somebody else or to let go of what is not needed; then
/// `ask`, which gets the moment by which it should be done.
///
/// # Errors
/// Why no process could be made, in words.
pub fn start(
    limit: Duration,
    before: &dyn Fn() -> Result<(), String>,
    ask: &dyn Fn(Duration) -> Result<(), String>,
) -> Result<Attempt, String> {
    let deadline = clock::monotonic().saturating_add(limit.saturating_sub(EARLIER.min(limit / 10)));
    let failed = |error| format!("cannot make a process to ask with: {}", Because(error));
    let (answer, end) = pipe().map_err(failed)?;
    let parent = Pid::this();
    match process::fork().map_err(failed)? {
        Side::Parent { child } => Ok(Attempt { child, answer, said: Vec::new(), closed: false, patience: LAST_WAIT }),
        Side::Child => {
            let result = before().and_then(|()| {
                process::end_with(parent);
                ask(deadline)
            });
            let mut text = vec![MARKS[usize::from(result.is_err())]];
            text.extend_from_slice(result.err().unwrap_or_default().as_bytes());
            text.truncate(LONGEST);
            let _nobody_listens: nix::Result<usize> = write(&end, &text);
            process::exit_now(0)
        }
    }
}

impl Attempt {
    /// How it ended; `None`: not yet.
    pub fn result(&mut self) -> Option<Result<(), String>> {
        self.listen();
        self.closed.then(|| match self.said.split_first() {
            Some((mark, _)) if *mark == MARKS[0] => Ok(()),
            Some((_, text)) => Err(String::from_utf8_lossy(text).into_owned()),
            None => Err("the process that asked has died".to_owned()),
        })
    }

    /// How it ended, waited for until that time; `None`: it goes on.
    pub fn wait(&mut self, until: Duration) -> Option<Result<(), String>> {
        loop {
            let result = self.result();
            let left = until.saturating_sub(clock::monotonic());
            if result.is_some() || left.is_zero() {
                return result;
            }
            let mut answer = [PollFd::new(self.answer.as_fd(), PollFlags::POLLIN)];
            let _interrupted: nix::Result<i32> = poll(&mut answer, clock::timeout_until(until));
        }
    }

    /// Ends it, and waits so long at most until it is gone: one that hangs in the kernel (a file system that is gone) must
    /// not hold anybody up.
    pub fn end(mut self, patience: Duration) {
        self.patience = patience;
    }

    fn listen(&mut self) {
        let mut chunk = [0; LONGEST];
        while !self.closed && is_readable(&self.answer) {
            match read(&self.answer, &mut chunk) {
                Ok(0) => self.closed = true,
                Ok(length) => self.said.extend_from_slice(&chunk[..length]),
                Err(_) => return,
            }
        }
    }
}

/// There is something to read when it has ended.
impl AsFd for Attempt {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.answer.as_fd()
    }
}

/// Ends it.
impl Drop for Attempt {
    fn drop(&mut self) {
        self.listen();
        // Who has the pipe open lives, or is a zombie of ours: its number is nobody else's.
        if !self.closed {
            signal::send(self.child, Signal::KILL);
        }
        // Its end closes the pipe.
        let give_up = PollTimeout::try_from(self.patience).unwrap_or(PollTimeout::MAX);
        let mut end = [PollFd::new(self.answer.as_fd(), PollFlags::empty())];
        let is_gone = self.closed || poll(&mut end, give_up).is_ok_and(|count| count > 0);
        // Somebody else may have reaped it: every program that is run to its end does.
        let flags = if is_gone { None } else { Some(WaitPidFlag::WNOHANG) };
        let _reaped: nix::Result<_> = waitpid(self.child, flags);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    fn finish(mut attempt: Attempt) -> Result<(), String> {
        attempt.wait(clock::monotonic() + LONG).expect("it ends")
    }

    fn begin(limit: Duration, ask: &dyn Fn(Duration) -> Result<(), String>) -> Attempt {
        start(limit, &|| Ok(()), ask).expect("a process can be made")
    }

    #[test]
    fn what_it_finds_out_is_told() {
        assert_eq!(finish(begin(LONG, &|_| Ok(()))), Ok(()));
        assert_eq!(finish(begin(LONG, &|_| Err("no".to_owned()))), Err("no".to_owned()));
        let long = finish(begin(LONG, &|_| Err("x".repeat(9999))));
        assert_eq!(long.err().map(|text| text.len()), Some(LONGEST - 1));
        let gone = finish(begin(LONG, &|_| process::exit_now(3)));
        assert_eq!(gone, Err("the process that asked has died".to_owned()));
    }

    #[test]
    fn it_is_to_give_up_a_little_earlier_than_it_is_ended() {
        let before = clock::monotonic();
        let within = |limit: Duration, least: Duration| {
            let late = clock::monotonic() + limit;
            finish(begin(limit, &|deadline| {
                if (before + least..late).contains(&deadline) { Ok(()) } else { Err(String::new()) }
            }))
        };
        assert_eq!(within(LONG, Duration::from_secs(59)), Ok(()));
        assert_eq!(within(Duration::MAX / 2, LONG), Ok(()));
    }

    #[test]
    fn one_that_hangs_can_be_ended() {
        let mut attempt = begin(LONG, &|_| loop {
            clock::pause(LONG);
        });
        let child = attempt.child;
        assert_eq!(attempt.result(), None);
        drop(attempt);
        assert_eq!(nix::sys::signal::kill(child, None), Err(nix::errno::Errno::ESRCH), "killed and reaped");
    }
}
