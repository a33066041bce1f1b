//! `onset probe`: asks once whether something holds, for HEALTHCHECK and exec probes in an image that has no curl.
//!
//! Everything is asked in a process of its own ([`crate::net::attempt`]), because the time limit has to hold whatever is
//! waited for: the C library's resolver knows no limit, and a process that waits for a file system that is gone hears
//! no signal but SIGKILL. The process that was started only waits for it, says the one line, and ends.
//!
//! [`Probe`] is what is asked; `target` reads it, `ask` does it. May use `net`, `template`, `init`, `record` and
//! `sys`.
#![forbid(unsafe_code)]

mod ask;
mod target;

pub use target::{Content, Http, Probe, Question, Target, statuses};

use crate::exit;
use crate::net::attempt::{self, Attempt};
use crate::sys::clock;
use crate::sys::signal::{self, SignalSet};
use crate::sys::words::Words;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;
use std::time::Duration;

/// The longest line, in bytes: a pipe takes it at once (PIPE_BUF), and Docker keeps 4096 bytes of a check's output.
const LONGEST_LINE: usize = 2048;
/// How long it is waited for the end of a process that was killed.
const PATIENCE: Duration = Duration::from_millis(50);

/// Asks, prints one line on stdout, and returns the exit status: 0, or 1. `own`: the environment of this process.
#[inline(never)]
pub fn run(probe: &Probe, own: Words, inherited_mask: SignalSet) -> u8 {
    let until = clock::monotonic().saturating_add(probe.timeout);
    signal::take_as_any_program(inherited_mask);
    match ask_all(probe, own, until) {
        Ok(()) => {
            let all: Vec<&str> = probe.targets.iter().map(|target| target.written.as_str()).collect();
            say(&format!("ok: {}", all.join(", ")));
            0
        }
        Err(Failed { line, hanging }) => {
            // Said first: to end one that hangs can take a moment.
            say(&line);
            if let Some(attempt) = hanging {
                attempt.end(PATIENCE);
            }
            exit::NOT_SO
        }
    }
}

/// What did not hold.
struct Failed {
    line: String,
    /// Who asks still, if nobody has answered.
    hanging: Option<Attempt>,
}

fn ask_all(probe: &Probe, own: Words, until: Duration) -> Result<(), Failed> {
    probe.targets.iter().try_for_each(|target| {
        let before = || {
            let_go_of_stdio();
            Ok(())
        };
        let failed = |why: &str| format!("failed: {}: {why}", target.written);
        let limit = until.saturating_sub(clock::monotonic());
        let mut attempt = attempt::start(limit, &before, &|deadline| ask::ask(target, probe, own, deadline))
            .map_err(|why| Failed { line: failed(&why), hanging: None })?;
        match attempt.wait(until) {
            Some(result) => result.map_err(|line| Failed { line, hanging: None }),
            None => {
                let line = failed(&format!("no answer within {:?}", probe.timeout));
                Err(Failed { line, hanging: Some(attempt) })
            }
        }
    })
}

/// Who reads the output of a health check waits until nobody can write to it: that must not be a process that hangs.
fn let_go_of_stdio() {
    for number in 0..=2 {
        let _closed_already: nix::Result<()> = nix::unistd::close(number);
    }
}

/// Prints a line. The status is the answer: that nobody reads the line, or that it cannot be written at once, changes
/// nothing.
fn say(text: &str) {
    let line = one_line(text);
    // So that SIGPIPE does not end us, with another status.
    signal::set_mask(SignalSet::ALL);
    let stdout = std::io::stdout();
    let mut ready = [PollFd::new(stdout.as_fd(), PollFlags::POLLOUT)];
    if poll(&mut ready, PollTimeout::ZERO).is_ok_and(|count| count > 0) {
        let _nobody_reads: nix::Result<usize> = nix::unistd::write(&stdout, line.as_bytes());
    }
}

/// The text as one line that is not too long.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for character in text.chars() {
        if line.len() > LONGEST_LINE {
            line.push('…');
            break;
        }
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_said_is_one_line_and_not_too_long() {
        assert_eq!(one_line("a\r\nb\u{1b}[2Jé"), "a\\r\\nb\\u{1b}[2Jé\n");
        let long = one_line(&"é".repeat(9999));
        assert!(long.len() < LONGEST_LINE + 16 && long.ends_with("é…\n"));
    }
}
