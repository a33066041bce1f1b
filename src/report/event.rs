//! The closed list of events.

use crate::sys::signal::{Received, Signal};
use crate::sys::wait::{Usage, WaitStatus};
use nix::errno::Errno;
use nix::unistd::Pid;
use std::ffi::CStr;
use std::fmt;
use std::time::Duration;
use tracing::Level;

/// Something that happened, with all there is to say about it.
pub enum Event<'a> {
    /// onset is up, and about to make the main process.
    Supervising {
        /// Our own number.
        pid: Pid,
        /// Not PID 1: a child sub-reaper instead.
        sub_reaper: bool,
    },
    /// execve(2) of the main process succeeded.
    MainStarted {
        /// The main process.
        pid: Pid,
        /// Its arguments, each with the NUL at its end, as in `/proc/PID/cmdline`.
        argv: &'a [u8],
        /// Since onset itself started.
        startup: Duration,
    },
    /// The main process could not be started.
    StartFailed {
        /// What onset ends with.
        status: u8,
        /// The whole cause.
        cause: &'a str,
        /// As in [`Event::MainStarted`].
        argv: &'a [u8],
        /// Whether a stop signal that was forwarded is the cause.
        stopped: bool,
    },
    /// A signal came in and was sent on.
    SignalForwarded {
        /// The signal, and who sent it.
        received: Received,
        /// Whether it asks the application to stop.
        stop: bool,
        /// Whether it went to the whole group.
        group: bool,
    },
    /// A signal came in and could not be sent on.
    SignalNotForwarded {
        /// The signal.
        signal: Signal,
        /// Whether it was for the whole group.
        group: bool,
        /// Why.
        error: Errno,
    },
    /// A signal stopped the main process.
    MainStopped {
        /// The main process.
        pid: Pid,
        /// Which.
        signal: Signal,
    },
    /// A process that was re-parented to us ended and was waited for.
    OrphanReaped {
        /// Its number, free again.
        pid: Pid,
        /// How it ended.
        status: WaitStatus,
    },
    /// The main process ended.
    MainEnded {
        /// Its number, free again.
        pid: Pid,
        /// How it ended.
        status: WaitStatus,
        /// What onset ends with.
        exit: u8,
        /// Whether that is what had been asked for: success, or death by the stop signal that was forwarded.
        expected: bool,
        /// Since it was started.
        uptime: Duration,
        /// What it used.
        usage: Usage,
    },
    /// The terminal could not be given to the main process.
    TerminalNotHandedOver {
        /// Why.
        error: Errno,
    },
    /// Lines were lost because nobody read them; now somebody does.
    ReportsDropped {
        /// How many.
        count: u64,
    },
    /// Something is wrong with the configuration or what it needs; the start fails.
    Problem {
        /// What, where, and what would be accepted.
        text: &'a str,
    },
    /// Something that users are to know, and that stops nothing.
    Notice {
        /// What.
        text: &'a str,
    },
    /// A step is done.
    StepDone {
        /// Which.
        step: &'a str,
        /// How many things it changed.
        changed: usize,
        /// How long it took.
        duration: Duration,
    },
    /// A program that a step runs has printed a line.
    StepOutput {
        /// Which step.
        step: &'a str,
        /// `stdout` or `stderr`.
        stream: &'static str,
        /// The line, without its end.
        text: &'a str,
    },
    /// onset itself is broken.
    InternalError {
        /// What is known.
        cause: &'a str,
    },
}

/// One `tracing` event: its name, its level, its fields and its message.
macro_rules! line {
    ($level:ident $name:literal { $($fields:tt)* } $($message:tt)+) => {
        tracing::event!(name: $name, target: "onset", Level::$level, { $($fields)* }, $($message)+)
    };
}

/// The same where the level depends on what happened.
macro_rules! line_if {
    ($condition:expr, $yes:ident, $no:ident, $($rest:tt)+) => {
        if $condition { line!($yes $($rest)+) } else { line!($no $($rest)+) }
    };
}

impl Event<'_> {
    /// Says it, if its level is asked for. Never fails, never waits.
    pub fn emit(&self) {
        match *self {
            Event::Supervising { pid, sub_reaper } => {
                line!(DEBUG "supervising" { pid = pid.as_raw(), sub_reaper } "onset is supervising");
            }
            Event::MainStarted { pid, argv, startup } => line!(
                INFO "main_started" { pid = pid.as_raw(), argv, startup_us = micros(startup) } "main process started"
            ),
            Event::StartFailed { status, cause, argv, stopped } => {
                line_if!(stopped, INFO, ERROR, "start_failed" { status, argv } "{cause}");
            }
            Event::SignalForwarded { received, stop, group } => {
                let Received { signal, pid, uid, .. } = received;
                line_if!(
                    stop,
                    INFO,
                    DEBUG,
                    "signal_forwarded" {
                        signal = %signal,
                        signal_number = signal.number(),
                        code = %Code(&received),
                        sender_pid = pid,
                        sender_uid = uid,
                        target = target(group),
                    } "{signal} forwarded"
                );
            }
            Event::SignalNotForwarded { signal, group, error } => line!(
                WARN "signal_not_forwarded" {
                    signal = %signal,
                    signal_number = signal.number(),
                    target = target(group),
                    error = %Because(error),
                } "cannot forward {signal}"
            ),
            Event::MainStopped { pid, signal } => line!(
                DEBUG "main_stopped" {
                    pid = pid.as_raw(), signal = %signal, signal_number = signal.number(),
                } "main process stopped by {signal}"
            ),
            Event::OrphanReaped { pid, status } => {
                let End { exit_code, signal, signal_number, .. } = End::from(status);
                line!(
                    DEBUG "orphan_reaped" {
                        pid = pid.as_raw(), exit_code, signal = signal.map(tracing::field::display), signal_number,
                    } "orphan reaped"
                );
            }
            Event::MainEnded { pid, status, exit, expected, uptime, usage } => {
                let End { exit_code, signal, signal_number, core_dumped } = End::from(status);
                line_if!(
                    expected,
                    INFO,
                    ERROR,
                    "main_ended" {
                        pid = pid.as_raw(),
                        status = exit,
                        exit_code,
                        signal = signal.map(tracing::field::display),
                        signal_number,
                        core_dumped,
                        uptime_ms = micros(uptime) / 1000,
                        user_cpu_us = micros(usage.user_cpu),
                        system_cpu_us = micros(usage.system_cpu),
                        max_rss_kib = usage.max_rss_kib,
                    } "main process {status}"
                );
            }
            Event::TerminalNotHandedOver { error } => line!(
                WARN "terminal_not_handed_over" { error = %Because(error) }
                "cannot give the terminal to the main process"
            ),
            Event::ReportsDropped { count } => {
                line!(WARN "reports_dropped" { count } "reports were dropped because stderr was not read");
            }
            Event::Problem { text } => line!(ERROR "problem" {} "{text}"),
            Event::Notice { text } => line!(WARN "notice" {} "{text}"),
            Event::StepDone { step, changed, duration } => {
                line!(INFO "step_done" { step, changed, duration_us = micros(duration) } "step {step} done");
            }
            Event::StepOutput { step, stream, text } => line!(INFO "step_output" { step, stream } "{text}"),
            Event::InternalError { cause } => line!(ERROR "internal_error" {} "{cause}"),
        }
    }
}

/// A vector of words as [`Event::MainStarted`] takes them: as many whole ones as a line can show.
pub fn command_line<'a>(words: impl Iterator<Item = &'a CStr>) -> Vec<u8> {
    let mut line = Vec::new();
    for word in words {
        if line.len() >= crate::sys::stderr::LONGEST_LINE {
            break;
        }
        let word = word.to_bytes_with_nul();
        line.extend_from_slice(word);
    }
    line
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn target(group: bool) -> &'static str {
    if group { "group" } else { "main" }
}

/// The fields that say how a process ended.
#[derive(Default)]
struct End {
    exit_code: Option<u8>,
    signal: Option<Signal>,
    signal_number: Option<u8>,
    core_dumped: Option<bool>,
}

impl From<WaitStatus> for End {
    fn from(status: WaitStatus) -> Self {
        match status {
            WaitStatus::Exited(code) => End { exit_code: Some(code), ..End::default() },
            WaitStatus::Killed { signal, core_dumped } => End {
                signal: Some(signal),
                signal_number: Some(signal.number()),
                core_dumped: Some(core_dumped),
                ..End::default()
            },
            WaitStatus::Stopped(signal) => {
                End { signal: Some(signal), signal_number: Some(signal.number()), ..End::default() }
            }
        }
    }
}

/// How a process ended, as the end of a sentence.
impl fmt::Display for WaitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WaitStatus::Exited(code) => write!(f, "exited with status {code}"),
            WaitStatus::Killed { signal, core_dumped: false } => write!(f, "was killed by signal {signal}"),
            WaitStatus::Killed { signal, core_dumped: true } => {
                write!(f, "was killed by signal {signal} and dumped core")
            }
            WaitStatus::Stopped(signal) => write!(f, "was stopped by signal {signal}"),
        }
    }
}

/// `si_code` by its name in sigaction(2), or by number.
struct Code<'a>(&'a Received);

impl fmt::Display for Code<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.code_name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0.code),
        }
    }
}

/// An error of the system in words: `no such process (ESRCH)`.
pub struct Because(pub Errno);

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.0.desc();
        let (first, rest) = words.split_at_checked(1).unwrap_or((words, ""));
        // "RFS specific error" and the like keep their capitals.
        let lower = rest.starts_with(|next: char| next.is_ascii_lowercase() || next == ' ');
        let first = if lower { first.to_ascii_lowercase() } else { first.to_owned() };
        write!(f, "{first}{rest} ({:?})", self.0)
    }
}
