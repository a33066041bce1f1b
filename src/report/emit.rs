//! What each event is in a line: its name, its level, what it means, its fields, and its sentence. `docs/events.md` is
//! made from this file (`UPDATE=1 cargo test --lib in_step`).
//!
//! Names and fields are a promise to users: within a major version they are added only. A field has one type wherever it
//! stands, because whoever indexes lines gives each name one (Elasticsearch refuses the line else); its unit is the end
//! of its name.

use super::event::Event;
use super::voice;
use super::words::{Because, Code, End, Rewritten, Until, brief, micros, millis};
use crate::sys::signal::{Received, Signal};
use tracing::Level;
use tracing::field::display as shown;
use tracing::level_filters::LevelFilter;

/// Emits one line. Its parts are what the documents say: the meaning, the level (`INFO if stop ("when") else DEBUG`), the
/// name, the fields with meaning and kind (`or nothing`: it is not always there), and the sentence.
macro_rules! line {
    (
        $(#[doc = $means:literal])+
        $level:ident $(if $condition:ident ($when:literal) else $other:ident)? $name:literal
        $fields:tt $($sentence:tt)+
    ) => {{
        #[cfg(test)]
        {
            static DESCRIBED: super::catalogue::Described = super::catalogue::Described {
                name: $name,
                means: concat!($($means, "\n"),+),
                level: stringify!($level),
                otherwise: concat!($("if ", $when, ", else ", stringify!($other))?),
                fields: line!(@documents $fields),
            };
            super::catalogue::note(&DESCRIBED);
        }
        line!(@choose [$level $(if $condition else $other)?] $name $fields $($sentence)+)
    }};
    (@choose [$level:ident if $condition:ident else $other:ident] $($rest:tt)+) => {
        if $condition { line!(@emit $level $($rest)+) } else { line!(@emit $other $($rest)+) }
    };
    (@choose [$level:ident] $($rest:tt)+) => { line!(@emit $level $($rest)+) };
    (@emit $level:ident $name:literal {
        $($(#[doc = $docs:literal])+ $key:ident: $kind:ident $(or $absent:ident)? = $value:expr,)*
    } $($sentence:tt)+) => {
        tracing::event!(name: $name, target: "onset", Level::$level, { $($key = $value),* }, $($sentence)+)
    };
    (@documents {
        $($(#[doc = $docs:literal])+ $key:ident: $kind:ident $(or $absent:ident)? = $value:expr,)*
    }) => {
        &[$(super::catalogue::Field {
            name: stringify!($key),
            means: concat!($($docs, "\n"),+),
            kind: super::catalogue::Kind::$kind,
            always: concat!($(stringify!($absent))?).is_empty(),
        }),*]
    };
}

/// Whether anything is said of events whose level is DEBUG.
pub fn tells_all() -> bool {
    voice::is_there() || LevelFilter::current() >= Level::DEBUG
}

impl Event<'_> {
    /// Says it, if its level is asked for. Never fails, never waits.
    pub fn emit(&self) {
        if !voice::has_said(self) {
            self.report();
        }
    }

    #[allow(clippy::too_many_lines)] // a list
    fn report(&self) {
        match *self {
            Event::Supervising { pid, sub_reaper } => line! {
                /// onset is up, and about to make the main process.
                DEBUG "supervising" {
                    /// onset's own process.
                    pid: Number = pid.as_raw(),
                    /// Whether onset is not PID 1, but a child sub-reaper.
                    sub_reaper: Flag = sub_reaper,
                } "onset is supervising"
            },
            Event::MainStarted { pid, argv, startup } => line! {
                /// execve(2) of the main process succeeded: the application runs.
                INFO "main_started" {
                    /// The main process.
                    pid: Number = pid.as_raw(),
                    /// Its arguments, itself first.
                    argv: Texts = argv,
                    /// Since onset itself started.
                    startup_us: Number = micros(startup),
                } "main process started"
            },
            Event::StartFailed { status, cause, argv, stopped } => line! {
                /// The main process could not be started. The message is the whole cause.
                INFO if stopped ("a stop signal that was forwarded is the cause") else ERROR "start_failed" {
                    /// What onset ends with.
                    status: Number = status,
                    /// The arguments it was to have, itself first.
                    argv: Texts = argv,
                } "{cause}"
            },
            Event::ConfigRead { path, steps, setup, duration } => {
                let no_setup = if setup { "" } else { "; this command gets no set-up of it (`app.setup_for`)" };
                line! {
                /// The configuration was read and understood.
                INFO "config_read" {
                    /// Which.
                    path: Text = path,
                    /// How many steps it has.
                    steps: Number = steps,
                    /// Whether the command is one that gets them, and variables, a user and what else is set up:
                    /// `app.setup_for`.
                    setup: Flag = setup,
                    /// How long that took, with what the variables are.
                    duration_us: Number = micros(duration),
                } "configuration read{no_setup}"
                }
            }
            Event::SignalForwarded { received, sent, stop, target } => {
                let Received { signal, pid, uid, .. } = received;
                let other = (sent != signal).then_some(sent);
                line! {
                    /// A signal came in and was sent on.
                    INFO if stop ("it asks the application to stop") else DEBUG "signal_forwarded" {
                        /// The signal that came in. Real-time signals, 32 to 64, go by their number: what the first of
                        /// them is called differs between C libraries.
                        signal: Text = shown(signal),
                        /// The same by number.
                        signal_number: Number = signal.number(),
                        /// How it was sent: `SI_USER`, `SI_QUEUE` and so on (sigaction(2)).
                        code: Text = shown(Code(&received)),
                        /// Who sent it; 0: somebody outside the container, or the kernel.
                        sender_pid: Number = pid,
                        /// The sender's user.
                        sender_uid: Number = uid,
                        /// What it was rewritten to, if it was.
                        sent: Text or nothing = other.map(shown),
                        /// The same by number.
                        sent_number: Number or nothing = other.map(Signal::number),
                        /// To whom it went: `main`, the main process; `group`, its process group; `all`, everybody.
                        target: Text = target.name(),
                    } "{signal} forwarded{}", Rewritten(other)
                }
            }
            Event::SignalNotForwarded { signal, target, error } => line! {
                /// A signal came in or was due, and could not be sent.
                WARN "signal_not_forwarded" {
                    /// The signal that was to be sent.
                    signal: Text = shown(signal),
                    /// The same by number.
                    signal_number: Number = signal.number(),
                    /// For whom it was: `main`, `group` or `all`.
                    target: Text = target.name(),
                    /// What the kernel said.
                    error: Text = shown(Because(error)),
                } "cannot forward {signal}"
            },
            Event::SignalDropped { received } => {
                let Received { signal, pid, uid, .. } = received;
                line! {
                    /// A signal came in and was dropped, as the configuration says.
                    DEBUG "signal_dropped" {
                        /// The signal that came in.
                        signal: Text = shown(signal),
                        /// The same by number.
                        signal_number: Number = signal.number(),
                        /// How it was sent, as in `signal_forwarded`.
                        code: Text = shown(Code(&received)),
                        /// Who sent it; 0: somebody outside the container, or the kernel.
                        sender_pid: Number = pid,
                        /// The sender's user.
                        sender_uid: Number = uid,
                    } "{signal} dropped"
                }
            }
            Event::Draining { received, drain, commands } => {
                let Received { signal, pid, uid, .. } = received;
                line! {
                    /// A stop signal came in, and the application goes on serving for a while.
                    INFO "draining" {
                        /// The signal that came in.
                        signal: Text = shown(signal),
                        /// The same by number.
                        signal_number: Number = signal.number(),
                        /// How it was sent, as in `signal_forwarded`.
                        code: Text = shown(Code(&received)),
                        /// Who sent it; 0: somebody outside the container, or the kernel.
                        sender_pid: Number = pid,
                        /// The sender's user.
                        sender_uid: Number = uid,
                        /// For how long the application goes on.
                        drain_ms: Number = millis(drain),
                        /// Whether stop commands are run meanwhile.
                        stop_commands: Flag = commands,
                    } "{signal} received, draining {}", Until { drain, commands }
                }
            }
            Event::StopSignalSent { signal, target, grace } => line! {
                /// The application was asked to end, by a rung of the ladder.
                INFO "stop_signal_sent" {
                    /// By which signal.
                    signal: Text = shown(signal),
                    /// The same by number.
                    signal_number: Number = signal.number(),
                    /// To whom it went: `main`, `group` or `all`.
                    target: Text = target.name(),
                    /// How long there is to end; not there: as long as it likes.
                    grace_ms: Number or nothing = grace.map(millis),
                } "{signal} sent"
            },
            Event::MainKilled { target, waited } => line! {
                /// The application did not end in its time, and was killed.
                WARN "main_killed" {
                    /// Who was: `main`, `group` or `all`.
                    target: Text = target.name(),
                    /// How long it had, since it was asked to end.
                    waited_ms: Number = millis(waited),
                } "main process did not end in {:?}, and was killed", brief(waited)
            },
            Event::Lingering { linger } => line! {
                /// The main process has ended, and the other processes were asked to.
                INFO "lingering" {
                    /// How long they have.
                    linger_ms: Number = millis(linger),
                } "the other processes were asked to end"
            },
            Event::RestKilled { waited } => line! {
                /// The other processes did not end in their time, and were killed.
                WARN "rest_killed" {
                    /// How long they had.
                    waited_ms: Number = millis(waited),
                } "other processes did not end in {:?}, and were killed", brief(waited)
            },
            Event::MainStopped { pid, signal } => line! {
                /// A signal stopped the main process; it has not ended.
                DEBUG "main_stopped" {
                    /// The main process.
                    pid: Number = pid.as_raw(),
                    /// Which signal.
                    signal: Text = shown(signal),
                    /// The same by number.
                    signal_number: Number = signal.number(),
                } "main process stopped by {signal}"
            },
            Event::OrphanReaped { pid, status } => {
                let End { exit_code, signal, signal_number, .. } = End::from(status);
                line! {
                    /// A process that had lost its parent ended, and was waited for.
                    DEBUG "orphan_reaped" {
                        /// What its number was.
                        pid: Number = pid.as_raw(),
                        /// Its exit status, if it exited.
                        exit_code: Number or nothing = exit_code,
                        /// The signal that ended it, if one did.
                        signal: Text or nothing = signal.map(shown),
                        /// The same by number.
                        signal_number: Number or nothing = signal_number,
                    } "orphan reaped"
                }
            }
            Event::MainEnded { pid, status, exit, expected, uptime, usage, oom } => {
                let End { exit_code, signal, signal_number, core_dumped } = End::from(status);
                line! {
                    /// The main process ended.
                    INFO if expected ("it succeeded, or died of the stop signal that was sent") else ERROR "main_ended" {
                        /// What its number was.
                        pid: Number = pid.as_raw(),
                        /// What onset ends with.
                        status: Number = exit,
                        /// Its exit status, if it exited.
                        exit_code: Number or nothing = exit_code,
                        /// The signal that ended it, if one did.
                        signal: Text or nothing = signal.map(shown),
                        /// The same by number.
                        signal_number: Number or nothing = signal_number,
                        /// Whether the kernel wrote a core dump, if a signal ended it.
                        core_dumped: Flag or nothing = core_dumped,
                        /// Since it was started.
                        uptime_ms: Number = millis(uptime),
                        /// Processor time in user mode, with the children it waited for.
                        user_cpu_us: Number = micros(usage.user_cpu),
                        /// Processor time in the kernel, with the children it waited for.
                        system_cpu_us: Number = micros(usage.system_cpu),
                        /// The largest resident set of it, or of one of these children.
                        max_rss_kib: Number = usage.max_rss_kib,
                        /// How many processes of the container the kernel killed meanwhile because memory ran out, if it
                        /// did.
                        oom_kills: Number or nothing = oom.map(|oom| oom.count),
                        /// Whom: `main`, the main process; `other`, another one; `unknown`, it cannot be told, because
                        /// onset had sent SIGKILL itself.
                        oom_killed: Text or nothing = oom.map(|oom| oom.whom.name()),
                    } "main process {status}{}", oom.map_or("", |oom| oom.whom.clause())
                }
            }
            Event::TerminalNotHandedOver { error } => line! {
                /// The terminal could not be given to the main process, which goes on without.
                WARN "terminal_not_handed_over" {
                    /// What the kernel said.
                    error: Text = shown(Because(error)),
                } "cannot give the terminal to the main process"
            },
            Event::ReportsDropped { count } => line! {
                /// Lines were lost because nobody read them; now somebody does.
                WARN "reports_dropped" {
                    /// How many.
                    count: Number = count,
                } "reports were dropped because stderr was not read"
            },
            Event::Problem { text } => line! {
                /// Something is wrong with the configuration or what it needs, and the start fails. The message is what,
                /// where, and what would be accepted.
                ERROR "problem" {} "{text}"
            },
            Event::Notice { text } => line! {
                /// Something that is to be known and stops nothing, such as an old name of a variable, or a step that
                /// failed and may. The message is what.
                WARN "notice" {} "{text}"
            },
            Event::StepDone { step, changed, duration } => line! {
                /// A step is done.
                INFO "step_done" {
                    /// Which.
                    step: Text = step,
                    /// How many things it changed.
                    changed: Number = changed,
                    /// How long it took.
                    duration_us: Number = micros(duration),
                } "step {step} done"
            },
            Event::StepOutput { step, stream, text } => line! {
                /// A program that a step runs has printed a line, where `frame` asks for it. The message is the line.
                INFO "step_output" {
                    /// Which step.
                    step: Text = step,
                    /// Where: `stdout` or `stderr`.
                    stream: Text = stream,
                } "{text}"
            },
            Event::InternalError { cause } => line! {
                /// onset itself is broken. The message is what is known.
                ERROR "internal_error" {} "{cause}"
            },
        }
    }
}
