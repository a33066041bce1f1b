//! What passes from the child that prepares to PID 1, over a pipe that execve(2) closes: the policy, what is about to
//! be executed, and why the start failed if it did. The pipe's end after what is about to be
//! executed and without a failure means that the application runs; without either, that the child ended while it prepared.
//!
//! A message is a tag, a length of two bytes and a body, in one write of at most `PIPE_BUF` bytes (pipe(7)): whole or
//! absent.
#![forbid(unsafe_code)]

use crate::exit;
use crate::policy::Policy;
use crate::report::Because;
use nix::errno::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The longest body, in bytes; a report shows no more of it.
const LONGEST_BODY: usize = 2048;

/// Why there is no main process. Boxed wherever it is passed on: results with it are as small as a pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartFailure {
    /// What onset ends with.
    pub status: u8,
    /// The whole cause, for people, in a line.
    pub cause: String,
    /// Each problem, where the cause is that there are several. PID 1 does not hear of them.
    pub problems: Vec<String>,
    /// What execve(2) said, where that is the cause. PID 1 does not hear of it.
    pub error: Option<Errno>,
}

impl StartFailure {
    /// One with a single cause.
    pub fn new(status: u8, cause: String) -> Box<Self> {
        Box::new(StartFailure { status, cause, problems: Vec::new(), error: None })
    }

    /// Of what the system does not let us do; `what` stands behind "cannot".
    pub fn cannot(what: &'static str) -> impl Fn(Errno) -> Box<Self> {
        move |error| StartFailure::new(exit::REFUSED, format!("cannot {what}: {}", Because(error)))
    }
}

/// The child's end.
pub struct Sender(OwnedFd);

/// PID 1's end.
pub struct Receiver(OwnedFd);

/// What PID 1 learns from its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing yet.
    None,
    /// The configuration was read, and this is what PID 1 is to do; and where its last words go: a path, or nothing for
    /// nowhere.
    Policy(Box<Policy>, Vec<u8>),
    /// These words, each with a NUL behind it, are about to be executed; none: those of the container.
    Executing(Vec<u8>),
    /// The other end is closed: execve(2) succeeded, or the child is gone.
    Closed,
    /// The start failed.
    Failed(Box<StartFailure>),
}

const POLICY: u8 = b'p';
const EXECUTING: u8 = b'e';
const FAILED: u8 = b'f';

/// Makes the two ends.
///
/// # Errors
/// No descriptors left.
pub fn channel() -> nix::Result<(Sender, Receiver)> {
    let (read, write) = crate::sys::fd::pipe()?;
    Ok((Sender(write), Receiver(read)))
}

impl Sender {
    /// Tells PID 1 what to do, and where its last words go.
    pub fn policy(&self, policy: &Policy, last_words: &[u8]) {
        let policy = policy.to_bytes();
        let length = u16::try_from(policy.len()).unwrap_or(0).to_le_bytes();
        self.send(POLICY, &[&length, &policy[..], last_words].concat());
    }

    /// Tells PID 1 what the main process's arguments are, for its reports.
    pub fn executing(&self, words: &[u8]) {
        self.send(EXECUTING, words);
    }

    /// Tells PID 1 that the start failed.
    pub fn failed(&self, failure: &StartFailure) {
        self.send(FAILED, &[&[failure.status], failure.cause.as_bytes()].concat());
    }

    /// If PID 1 is gone there is nobody to tell.
    fn send(&self, tag: u8, body: &[u8]) {
        let body = &body[..body.len().min(LONGEST_BODY)];
        let length = u16::try_from(body.len()).unwrap_or(0).to_le_bytes();
        let _: nix::Result<usize> = nix::unistd::write(&self.0, &[&[tag], &length[..], body].concat());
    }
}

impl Receiver {
    /// Reads one message; waits if none is there and the other end is open.
    pub fn receive(&self) -> Progress {
        let mut head = [0; 3];
        match nix::unistd::read(&self.0, &mut head) {
            Ok(3) => {}
            Err(Errno::EINTR | Errno::EAGAIN) => return Progress::None,
            // The end; or our own pipe fails, which it cannot: supervising goes on without it.
            Ok(_) | Err(_) => return Progress::Closed,
        }
        let [tag, length @ ..] = head;
        let mut body = vec![0; usize::from(u16::from_le_bytes(length))];
        // A message is written at once, so its body is there.
        let read = nix::unistd::read(&self.0, &mut body).unwrap_or(0);
        body.truncate(read);
        match (tag, body.split_first()) {
            (POLICY, _) => policy(&body).unwrap_or(Progress::None),
            (EXECUTING, _) => Progress::Executing(body),
            (FAILED, Some((&status, cause))) => {
                Progress::Failed(StartFailure::new(status, String::from_utf8_lossy(cause).into_owned()))
            }
            _ => Progress::None,
        }
    }

    /// The descriptor, to close all others.
    pub fn descriptor(&self) -> &OwnedFd {
        &self.0
    }
}

fn policy(body: &[u8]) -> Option<Progress> {
    let (length, rest) = body.split_first_chunk()?;
    let (policy, last_words) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    Some(Progress::Policy(Box::new(Policy::from_bytes(policy)?), last_words.to_vec()))
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Target;
    use crate::report::{Format, Level};

    #[test]
    fn messages_arrive_as_they_were_sent() {
        let (sender, receiver) = channel().unwrap();
        let failure = StartFailure::new(127, "cannot start `x`: \n no such file".to_owned());
        let policy = Policy::plain(Target::Group, Format::Text, Level::Debug);
        sender.policy(&policy, b"/dev/termination-log");
        sender.executing(b"x\0-y\0");
        sender.executing(b"");
        sender.failed(&failure);
        drop(sender);
        assert_eq!(receiver.receive(), Progress::Policy(Box::new(policy), b"/dev/termination-log".to_vec()));
        assert_eq!(receiver.receive(), Progress::Executing(b"x\0-y\0".to_vec()));
        assert_eq!(receiver.receive(), Progress::Executing(Vec::new()));
        assert_eq!(receiver.receive(), Progress::Failed(failure));
        assert_eq!(receiver.receive(), Progress::Closed);
    }

    #[test]
    fn a_long_cause_is_cut_not_lost() {
        let (sender, receiver) = channel().unwrap();
        sender.failed(&StartFailure::new(126, "x".repeat(5000)));
        let Progress::Failed(failure) = receiver.receive() else { panic!("no failure") };
        assert_eq!((failure.status, failure.cause), (126, "x".repeat(LONGEST_BODY - 1)));
    }
}
