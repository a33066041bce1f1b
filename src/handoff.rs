//! What passes from the child that prepares to PID 1, over a pipe that execve(2) closes: why the start failed, or
//! nothing at all, which means that it did not.
//!
//! A message is a status, then its text, in one write of at most `PIPE_BUF` bytes (pipe(7)): whole or absent.
#![forbid(unsafe_code)]

use nix::errno::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The longest text that is passed on, in bytes; a report shows no more of it.
const LONGEST_TEXT: usize = 1024;

/// Why there is no main process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartFailure {
    /// What onset ends with.
    pub status: u8,
    /// The whole cause, for people.
    pub cause: String,
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
    /// The other end is closed: execve(2) succeeded, or the child is gone.
    Started,
    /// The start failed.
    Failed(StartFailure),
}

/// Makes the two ends.
///
/// # Errors
/// No descriptors left.
pub fn channel() -> nix::Result<(Sender, Receiver)> {
    let (read, write) = crate::sys::fd::pipe()?;
    Ok((Sender(write), Receiver(read)))
}

impl Sender {
    /// Tells PID 1 that the start failed. If PID 1 is gone there is nobody to tell.
    pub fn send(&self, failure: &StartFailure) {
        let text = failure.cause.as_bytes();
        let mut message = vec![failure.status];
        message.extend_from_slice(&text[..text.len().min(LONGEST_TEXT)]);
        let _: nix::Result<usize> = nix::unistd::write(&self.0, &message);
    }
}

impl Receiver {
    /// Reads what is there; waits if nothing is and the other end is open.
    pub fn receive(&self) -> Progress {
        let mut message = [0; 1 + LONGEST_TEXT];
        match nix::unistd::read(&self.0, &mut message) {
            Ok(0) => Progress::Started,
            Ok(length) => Progress::Failed(StartFailure {
                status: message[0],
                cause: String::from_utf8_lossy(&message[1..length]).into_owned(),
            }),
            Err(Errno::EINTR | Errno::EAGAIN) => Progress::None,
            // A pipe of our own cannot fail; if it does, supervising goes on without it.
            Err(_) => Progress::Started,
        }
    }

    /// The descriptor, to close all others.
    pub fn descriptor(&self) -> &OwnedFd {
        &self.0
    }
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_arrives_as_it_was_sent() {
        let (sender, receiver) = channel().unwrap();
        let failure = StartFailure { status: 127, cause: "cannot start `x`: \n no such file".to_owned() };
        sender.send(&failure);
        drop(sender);
        assert_eq!(receiver.receive(), Progress::Failed(failure));
        assert_eq!(receiver.receive(), Progress::Started);
    }

    #[test]
    fn a_long_cause_is_cut_not_lost() {
        let (sender, receiver) = channel().unwrap();
        sender.send(&StartFailure { status: 126, cause: "ä".repeat(5000) });
        let Progress::Failed(failure) = receiver.receive() else { panic!("no failure") };
        assert_eq!(failure.status, 126);
        assert_eq!(failure.cause, "ä".repeat(LONGEST_TEXT / 2));
    }
}
