//! The closed list of events.

use crate::policy::Target;
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
    /// The configuration was read and understood.
    ConfigRead {
        /// Which.
        path: &'a str,
        /// How many steps it has.
        steps: usize,
        /// How long that took, with what the variables are.
        duration: Duration,
    },
    /// A signal came in and was sent on.
    SignalForwarded {
        /// The signal, and who sent it.
        received: Received,
        /// What was sent: itself, or what it was rewritten to.
        sent: Signal,
        /// Whether it asks the application to stop.
        stop: bool,
        /// To whom it went.
        target: Target,
    },
    /// A signal came in or was due, and could not be sent.
    SignalNotForwarded {
        /// The signal that was to be sent.
        signal: Signal,
        /// For whom it was.
        target: Target,
        /// Why.
        error: Errno,
    },
    /// A signal came in and was dropped, as the configuration says.
    SignalDropped {
        /// The signal, and who sent it.
        received: Received,
    },
    /// A stop signal came in, and the application goes on serving for a while.
    Draining {
        /// The signal, and who sent it.
        received: Received,
        /// For how long.
        drain: Duration,
        /// Whether stop commands are run meanwhile.
        commands: bool,
    },
    /// The application was asked to end, by a rung of the ladder.
    StopSignalSent {
        /// By which signal.
        signal: Signal,
        /// To whom it went.
        target: Target,
        /// How long there is to end; `None`: as long as it likes.
        grace: Option<Duration>,
    },
    /// The application did not end in its time, and was killed.
    MainKilled {
        /// Who was.
        target: Target,
        /// How long it had, since it was asked to end.
        waited: Duration,
    },
    /// The main process has ended, and the rest was asked to.
    Lingering {
        /// How long it has.
        linger: Duration,
    },
    /// The rest did not end in its time, and was killed.
    RestKilled {
        /// How long it had.
        waited: Duration,
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
        /// How many processes of the container the kernel killed meanwhile because memory ran out, and which one.
        oom: Option<OomKills>,
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
            Event::ConfigRead { path, steps, duration } => line!(
                INFO "config_read" { path, steps, duration_us = micros(duration) } "configuration read"
            ),
            Event::SignalForwarded { received, sent, stop, target } => {
                let Received { signal, pid, uid, .. } = received;
                let other = (sent != signal).then_some(sent);
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
                        sent = other.map(tracing::field::display),
                        sent_number = other.map(Signal::number),
                        target = target.name(),
                    } "{signal} forwarded{}", Rewritten(other)
                );
            }
            Event::SignalNotForwarded { signal, target, error } => line!(
                WARN "signal_not_forwarded" {
                    signal = %signal,
                    signal_number = signal.number(),
                    target = target.name(),
                    error = %Because(error),
                } "cannot forward {signal}"
            ),
            Event::SignalDropped { received } => {
                let Received { signal, pid, uid, .. } = received;
                line!(
                    DEBUG "signal_dropped" {
                        signal = %signal,
                        signal_number = signal.number(),
                        code = %Code(&received),
                        sender_pid = pid,
                        sender_uid = uid,
                    } "{signal} dropped"
                );
            }
            Event::Draining { received, drain, commands } => {
                let Received { signal, pid, uid, .. } = received;
                line!(
                    INFO "draining" {
                        signal = %signal,
                        signal_number = signal.number(),
                        code = %Code(&received),
                        sender_pid = pid,
                        sender_uid = uid,
                        drain_ms = millis(drain),
                        stop_commands = commands,
                    } "{signal} received, draining for {drain:?}"
                );
            }
            Event::StopSignalSent { signal, target, grace } => line!(
                INFO "stop_signal_sent" {
                    signal = %signal,
                    signal_number = signal.number(),
                    target = target.name(),
                    grace_ms = grace.map(millis),
                } "{signal} sent"
            ),
            Event::MainKilled { target, waited } => line!(
                WARN "main_killed" { target = target.name(), waited_ms = millis(waited) }
                "main process did not end in {waited:?}, and was killed"
            ),
            Event::Lingering { linger } => line!(
                INFO "lingering" { linger_ms = millis(linger) } "the other processes were asked to end"
            ),
            Event::RestKilled { waited } => line!(
                WARN "rest_killed" { waited_ms = millis(waited) }
                "other processes did not end in {waited:?}, and were killed"
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
            Event::MainEnded { pid, status, exit, expected, uptime, usage, oom } => {
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
                        uptime_ms = millis(uptime),
                        user_cpu_us = micros(usage.user_cpu),
                        system_cpu_us = micros(usage.system_cpu),
                        max_rss_kib = usage.max_rss_kib,
                        oom_kills = oom.map(|oom| oom.count),
                        oom_killed = oom.map(|oom| oom.whom.name()),
                    } "main process {status}{}", oom.map_or("", |oom| oom.whom.clause())
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

fn millis(duration: Duration) -> u64 {
    micros(duration) / 1000
}

/// What a signal was rewritten to, as the end of a sentence.
struct Rewritten(Option<Signal>);

impl fmt::Display for Rewritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |sent| write!(f, " as {sent}"))
    }
}

/// Processes that the kernel killed because memory ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OomKills {
    /// How many of the control group.
    pub count: u64,
    /// Which one.
    pub whom: OomKilled,
}

/// Whom the kernel killed because memory ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OomKilled {
    /// The main process: SIGKILL ended it, and nobody else's that is known of.
    Main,
    /// Another process of the container.
    Other,
    /// It cannot be told: onset itself had sent SIGKILL.
    Unknown,
}

impl OomKilled {
    /// As a field.
    fn name(self) -> &'static str {
        match self {
            OomKilled::Main => "main",
            OomKilled::Other => "other",
            OomKilled::Unknown => "unknown",
        }
    }

    /// As the end of a sentence.
    pub fn clause(self) -> &'static str {
        match self {
            OomKilled::Main => " because memory ran out",
            OomKilled::Other => "; memory ran out, and another process was killed",
            OomKilled::Unknown => "; memory ran out",
        }
    }
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
