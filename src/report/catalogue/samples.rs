//! One of every event, and more where fields are not always there.

use crate::policy::Target;
use crate::report::{Event, OomKilled, OomKills};
use crate::sys::signal::{Received, Signal};
use crate::sys::wait::{Usage, WaitStatus};
use nix::errno::Errno;
use nix::unistd::Pid;
use std::time::Duration;

/// How many kinds of events there are.
const KINDS: usize = 22;

/// A new event stops the build here: give it a number, and a sample below.
fn kind(event: &Event<'_>) -> usize {
    match event {
        Event::Supervising { .. } => 0,
        Event::MainStarted { .. } => 1,
        Event::StartFailed { .. } => 2,
        Event::ConfigRead { .. } => 3,
        Event::SignalForwarded { .. } => 4,
        Event::SignalNotForwarded { .. } => 5,
        Event::SignalDropped { .. } => 6,
        Event::Draining { .. } => 7,
        Event::StopSignalSent { .. } => 8,
        Event::MainKilled { .. } => 9,
        Event::Lingering { .. } => 10,
        Event::RestKilled { .. } => 11,
        Event::MainStopped { .. } => 12,
        Event::OrphanReaped { .. } => 13,
        Event::MainEnded { .. } => 14,
        Event::TerminalNotHandedOver { .. } => 15,
        Event::ReportsDropped { .. } => 16,
        Event::Problem { .. } => 17,
        Event::Notice { .. } => 18,
        Event::StepDone { .. } => 19,
        Event::StepOutput { .. } => 20,
        Event::InternalError { .. } => 21,
    }
}

/// The end that says most.
pub fn main_ended() -> Event<'static> {
    Event::MainEnded {
        pid: Pid::from_raw(7),
        status: WaitStatus::Killed { signal: Signal::KILL, core_dumped: false },
        exit: 137,
        expected: false,
        uptime: Duration::from_millis(3250),
        usage: Usage { user_cpu: Duration::from_micros(15_312), system_cpu: Duration::ZERO, max_rss_kib: 34_299 },
        oom: Some(OomKills { count: 1, whom: OomKilled::Main }),
    }
}

/// All of them, in the order of a life.
pub fn samples() -> Vec<Event<'static>> {
    let pid = Pid::from_raw(7);
    let received = Received::by_nobody(Signal::TERM);
    let forwarded = |sent, stop| Event::SignalForwarded { received, sent, stop, target: Target::Main };
    let failed = |stopped| Event::StartFailed { status: 127, cause: "no such file", argv: b"app\0", stopped };
    let reaped = |status| Event::OrphanReaped { pid, status };
    let killed = WaitStatus::Killed { signal: Signal::KILL, core_dumped: true };
    let second = Duration::from_secs(1);
    vec![
        Event::ConfigRead { path: "/etc/onset/onset.toml", steps: 3, setup: true, duration: second },
        Event::Problem { text: "cannot read it" },
        Event::Notice { text: "an old name" },
        Event::StepDone { step: "migrate", changed: 1, duration: second },
        Event::StepOutput { step: "migrate", stream: "stdout", text: "done" },
        Event::Supervising { pid: Pid::from_raw(1), sub_reaper: false },
        Event::MainStarted { pid, argv: b"/server\0--port\08080\0", startup: Duration::from_micros(812) },
        failed(true),
        failed(false),
        Event::TerminalNotHandedOver { error: Errno::EIO },
        forwarded(Signal::TERM, true),
        forwarded(Signal::QUIT, false),
        Event::SignalNotForwarded { signal: Signal::TERM, target: Target::Group, error: Errno::ESRCH },
        Event::SignalDropped { received },
        Event::Draining { received, drain: second, commands: true },
        Event::StopSignalSent { signal: Signal::TERM, target: Target::All, grace: Some(second) },
        Event::StopSignalSent { signal: Signal::TERM, target: Target::All, grace: None },
        Event::MainStopped { pid, signal: Signal::TSTP },
        Event::MainKilled { target: Target::Main, waited: second },
        Event::MainEnded {
            pid,
            status: WaitStatus::Exited(0),
            exit: 0,
            expected: true,
            uptime: second,
            usage: Usage::default(),
            oom: None,
        },
        main_ended(),
        Event::Lingering { linger: second },
        Event::RestKilled { waited: second },
        reaped(WaitStatus::Exited(1)),
        reaped(killed),
        Event::ReportsDropped { count: 2 },
        Event::InternalError { cause: "it panicked" },
    ]
}

#[test]
fn there_is_a_sample_of_every_event() {
    let mut kinds: Vec<_> = samples().iter().map(kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert!(kinds.into_iter().eq(0..KINDS));
}
