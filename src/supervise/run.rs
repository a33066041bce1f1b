//! The loop: wait, tell the state, do what it says.

use super::state::{self, Action, Outcome, Send, State};
use super::{job_control, oom, rest};
use crate::handoff::{Progress, Receiver, StartFailure};
use crate::policy::{Policy, Target};
use crate::record;
use crate::report::termination::{self, Message, Stopped};
use crate::report::{self, Event};
use crate::stage::Stage;
use crate::sys::fd::is_readable;
use crate::sys::signal::{self, Intake, Received, Signal, SignalSet};
use crate::sys::wait::{self, Change, Next, WaitStatus};
use crate::sys::{clock, memory, process};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

/// How many children are waited for before signals are looked at again: a flow of orphans that does not end must not
/// keep a signal waiting.
const REAP_BATCH: usize = 256;

/// How long signals wait at most, since onset started, for the child to say what becomes of them: one that hangs reading its
/// configuration must not make onset deaf.
const DEAF: Duration = Duration::from_secs(3);

/// The main process, as PID 1 knows it.
pub struct Main<'a> {
    /// Its number, and that of its group.
    pub pid: Pid,
    /// Its arguments, for reports.
    pub argv: Vec<u8>,
    /// When onset started, by the monotonic clock.
    pub onset_started: Duration,
    /// What to do until the child says otherwise.
    pub policy: Policy,
    /// Where the reason of the end goes until the child says otherwise; empty: nowhere.
    pub last_words: PathBuf,
    /// How to go about it.
    pub manners: Manners,
    /// What the child keeps: until it is done, the step that it is at.
    pub record: Option<&'a OwnedFd>,
    /// Starts a process that runs the stop commands, and ends when they have.
    pub run_stop_commands: &'a dyn Fn() -> nix::Result<Pid>,
}

/// What is not the same for onset and for those whose face it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// From when on signals are dealt with; until then they wait.
    pub hears: Hears,
    /// When onset stops, for the shell that waits for it to see its job stop.
    pub stops: Stops,
    /// Whether its name says how far it is.
    pub shows_stage: bool,
}

/// From when on signals are dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hears {
    /// From the fork on.
    AtOnce,
    /// When the child has said what becomes of them.
    WhenDeclared,
    /// When the main process runs.
    WhenStarted,
}

/// When onset stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stops {
    /// When the main process has.
    WithMain,
    /// Then, and when it has forwarded SIGTSTP, SIGTTIN or SIGTTOU, or dropped it.
    WithMainOrBySignal,
    /// By such a signal only: the main process has a session of its own, whose stops are its own business.
    BySignal,
}

/// Forwards and reaps until the main process has ended. Returns what onset is to end with.
pub fn supervise(main: Main<'_>, intake: &Intake, progress: Receiver) -> u8 {
    let state = State::after_fork(&main.policy, main.onset_started);
    let mut supervisor = Supervisor {
        deaf: (main.manners.hears != Hears::AtOnce).then(|| main.onset_started.saturating_add(DEAF)),
        oom: oom::Watch::begin(),
        main,
        state,
        shown: None,
        relayed: SignalSet::NONE,
        start: Start::Preparing,
        commands: None,
        // Whoever executed onset may have left children behind whose SIGCHLD came before we listened.
        unreaped: true,
        ended: None,
    };
    let mut progress = Some(progress);
    loop {
        if supervisor.unreaped {
            supervisor.reap(&mut progress);
        }
        if supervisor.state.deadline().is_some() {
            supervisor.on_event(state::Event::Tick, None);
        }
        supervisor.deaf = supervisor.deaf.filter(|&until| until > clock::monotonic());
        supervisor.show_state();
        if let Some(status) = supervisor.ended {
            return status;
        }
        if progress.is_none() && !supervisor.unreaped && supervisor.state.deadline().is_none() {
            supervisor.rest();
            continue;
        }
        let ready = supervisor.wait(intake, progress.as_ref());
        // All of it before any signal: that the application runs is older than what came in for it.
        while ready.progress && progress.as_ref().is_some_and(is_readable) {
            supervisor.follow_progress(&mut progress);
        }
        if ready.signals {
            // The only error there is: a stop of our own interrupted the wait. The next turn asks again.
            let _: nix::Result<()> = intake.read(|received| supervisor.on_signal(&received));
        }
    }
}

/// What there is to read.
struct Ready {
    signals: bool,
    progress: bool,
}

/// How far the child has come, as far as it has said so.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// It prepares.
    Preparing,
    /// It is about to execute the application.
    Executing,
    /// It is the application, since then.
    Done(Duration),
    /// It never will be, and why was told.
    Failed,
}

struct Supervisor<'a> {
    main: Main<'a>,
    state: State,
    /// Until when signals wait, because the child has yet to say what becomes of them.
    deaf: Option<Duration>,
    /// What the kernel has counted of processes that it killed for their memory.
    oom: oom::Watch,
    /// What others see us as.
    shown: Option<Stage>,
    /// What is sent on without further ado.
    relayed: SignalSet,
    /// How far the child has come.
    start: Start,
    /// The process that runs the stop commands.
    commands: Option<Pid>,
    /// Whether there may be children to wait for: one SIGCHLD can stand for several of them (signal(7)).
    unreaped: bool,
    ended: Option<u8>,
}

impl Supervisor<'_> {
    /// Waits for a signal that is more than to be sent on: the main process runs, and there is nothing else to do.
    fn rest(&mut self) {
        // The only error there is: a stop of our own interrupted the wait. The next turn asks again.
        if let Ok(received) = signal::relay(self.relayed, self.main.pid) {
            self.on_signal(&received);
        }
    }

    /// Waits for something to read or to do; only looks if there are children to wait for anyway.
    fn wait(&self, intake: &Intake, progress: Option<&Receiver>) -> Ready {
        let timeout = match self.state.deadline().into_iter().chain(self.deaf).min() {
            _ if self.unreaped => PollTimeout::ZERO,
            Some(deadline) => clock::timeout_until(deadline),
            None => PollTimeout::NONE,
        };
        let is_ready = |fd: &PollFd<'_>| fd.any().unwrap_or(false);
        let signals = PollFd::new(intake.as_fd(), PollFlags::POLLIN);
        let Some(progress) = progress else {
            let mut fds = [signals];
            return Ready { signals: poll(&mut fds, timeout).is_ok_and(|count| count > 0), progress: false };
        };
        let mut fds = [PollFd::new(progress.as_fd(), PollFlags::POLLIN), signals];
        let deaf = self.deaf.is_some();
        let heard = if deaf { &mut fds[..1] } else { &mut fds[..] };
        match poll(heard, timeout) {
            Ok(_) => Ready { progress: is_ready(&fds[0]), signals: !deaf && is_ready(&fds[1]) },
            Err(_) => Ready { signals: false, progress: false },
        }
    }

    /// Tells the state, and does what it says. `received`: the signal that is the event.
    fn on_event(&mut self, event: state::Event, received: Option<&Received>) {
        let action = self.state.on_event(event, clock::monotonic());
        self.carry_out(action, received);
    }

    fn carry_out(&mut self, action: Action, received: Option<&Received>) {
        self.act(action, received);
        if let Some(runner) = self.commands.filter(|_| !self.state.minds_commands()) {
            signal::send(runner, Signal::TERM);
            self.commands = None;
        }
    }

    fn act(&mut self, action: Action, received: Option<&Received>) {
        match action {
            Action::Nothing => {}
            Action::Drop => {
                if let Some(received) = received {
                    Event::SignalDropped { received: *received }.emit();
                }
            }
            Action::Forward(send) => {
                let Some(received) = received else { return };
                if self.send(send, received.rewritten(send.signal)) {
                    let Send { signal, target, stop, .. } = send;
                    Event::SignalForwarded { received: *received, sent: signal, stop, target }.emit();
                }
            }
            Action::Ask { send, grace } => {
                if self.send(send, Received::own(send.signal)) {
                    Event::StopSignalSent { signal: send.signal, target: send.target, grace }.emit();
                }
            }
            Action::Drain { commands } => self.drain(commands, received),
            Action::Kill { target, waited } => {
                let send = Send { signal: Signal::KILL, target, stop: true, resume: false };
                if self.send(send, Received::own(Signal::KILL))
                    && let Some(waited) = waited
                {
                    Event::MainKilled { target, waited }.emit();
                }
            }
            Action::Suspend(signal) => {
                Event::MainStopped { pid: self.main.pid, signal }.emit();
                let follows = self.main.manners.stops != Stops::BySignal;
                if follows && job_control::follow_stop(self.main.pid, signal) {
                    self.on_event(state::Event::Suspended, None);
                }
            }
            Action::Resume => job_control::resume(self.main.pid),
            Action::Linger(linger) => {
                if rest::send(Signal::TERM) {
                    rest::send(Signal::CONT);
                    Event::Lingering { linger }.emit();
                }
                self.unreaped = true;
            }
            Action::Clear { waited } => {
                if rest::send(Signal::KILL)
                    && let Some(waited) = waited
                {
                    Event::RestKilled { waited }.emit();
                }
                self.unreaped = true;
            }
            Action::Finish => self.ended = self.state.outcome().map(|outcome| outcome.status),
        }
    }

    /// Sends it, and SIGCONT behind it if that is wanted. Whether it could be sent; if not, that was reported.
    fn send(&self, send: Send, received: Received) -> bool {
        let Send { signal, target, resume, .. } = send;
        let deliver = |received: &Received| match target {
            Target::Main => signal::forward_to_process(self.main.pid, received),
            Target::Group => signal::forward_to_group(self.main.pid, received),
            // While the main process lives somebody is there, whether they can be found or not.
            Target::All if !rest::send(received.signal) && self.state.outcome().is_none() => {
                signal::forward_to_group(self.main.pid, received)
            }
            Target::All => Ok(()),
        };
        let result = deliver(&received);
        if resume {
            let _: nix::Result<()> = deliver(&Received::own(Signal::CONT));
        }
        if let Err(error) = result {
            Event::SignalNotForwarded { signal, target, error }.emit();
        }
        result.is_ok()
    }

    fn drain(&mut self, commands: bool, received: Option<&Received>) {
        if let Some(received) = received {
            Event::Draining { received: *received, drain: self.state.drain(), commands }.emit();
        }
        if !commands {
            return;
        }
        match (self.main.run_stop_commands)() {
            Ok(runner) => self.commands = Some(runner),
            Err(error) => {
                let text = format!("cannot run the stop commands: {}", report::Because(error));
                Event::Notice { text: &text }.emit();
                self.on_event(state::Event::CommandsEnded, None);
            }
        }
    }

    /// What others see, `onset:run` and the like, and what goes with it.
    fn show_state(&mut self) {
        let stage = self.state.stage();
        if self.shown != Some(stage) {
            self.shown = Some(stage);
            // With reports of all that is done nothing is done in silence.
            self.relayed = if report::tells_all() { SignalSet::NONE } else { self.state.relays() };
            if self.main.manners.shows_stage {
                process::set_name(stage.name());
            }
        }
    }

    fn on_signal(&mut self, received: &Received) {
        if received.signal == Signal::CHLD {
            self.unreaped = true;
        }
        self.on_event(state::Event::Signal(received.signal), Some(received));
        let stops = self.main.manners.stops;
        let is_told_to = stops != Stops::WithMain && Signal::OF_TERMINALS.contains(&received.signal);
        // In a session of its own the main process is let go on by the SIGCONT as it is; else it has the terminal to get.
        if is_told_to && signal::stop_self() && stops == Stops::WithMainOrBySignal {
            self.on_event(state::Event::Suspended, None);
        }
    }

    fn follow_progress(&mut self, progress: &mut Option<Receiver>) {
        let Some(receiver) = progress else { return };
        match receiver.receive() {
            Progress::None => {}
            Progress::Policy(policy, last_words) => {
                self.deaf = None;
                self.main.last_words = PathBuf::from(OsString::from_vec(last_words));
                report::change(policy.format, policy.level);
                self.state.follow(&policy);
            }
            Progress::Executing(words) => {
                self.deaf = self.deaf.filter(|_| self.main.manners.hears == Hears::WhenStarted);
                self.start = Start::Executing;
                if !words.is_empty() {
                    self.main.argv = words;
                }
            }
            Progress::Closed => {
                self.deaf = None;
                *progress = None;
                // Without that the child is gone, and there never was a main process.
                if self.start == Start::Executing {
                    self.on_started();
                }
            }
            Progress::Failed(failure) => {
                let StartFailure { status, cause, problems: _, error: _ } = *failure;
                self.deaf = None;
                *progress = None;
                self.on_event(state::Event::StartFailed { status }, None);
                self.tell_failure(status, &cause, false);
            }
        }
    }

    fn on_started(&mut self) {
        let now = clock::monotonic();
        self.start = Start::Done(now);
        let Main { pid, argv, onset_started, .. } = &self.main;
        Event::MainStarted { pid: *pid, argv, startup: now.saturating_sub(*onset_started) }.emit();
        self.on_event(state::Event::Started, None);
        memory::give_back();
    }

    fn tell_failure(&mut self, status: u8, cause: &str, stopped: bool) {
        self.start = Start::Failed;
        Event::StartFailed { status, cause, argv: &self.main.argv, stopped }.emit();
        self.say_last(&Message::NotStarted { status, cause });
    }

    /// For whoever looks at the container afterwards. What the child or the application has said there stands.
    fn say_last(&self, message: &Message<'_>) {
        termination::tell(&self.main.last_words, message);
    }

    /// Waits for children that have ended already, as many as one turn may take.
    fn reap(&mut self, progress: &mut Option<Receiver>) {
        if self.reap_some(progress) {
            self.on_event(state::Event::Orphans, None);
        }
    }

    /// Whether there were others than the main process among them.
    fn reap_some(&mut self, progress: &mut Option<Receiver>) -> bool {
        let mut orphans = false;
        for _ in 0..REAP_BATCH {
            match wait::next() {
                Next::Change(change) if change.pid == self.main.pid && self.state.outcome().is_none() => {
                    // What it said before it ended comes first: a process that is gone has closed its end. A program that
                    // it was about to run may have its own open still, and says nothing.
                    while progress.as_ref().is_some_and(is_readable) {
                        self.follow_progress(progress);
                    }
                    self.on_main(&change);
                }
                Next::Change(change) => orphans |= self.on_other(&change),
                Next::Nothing => {
                    self.unreaped = false;
                    break;
                }
                Next::NoChild => {
                    self.unreaped = false;
                    self.on_event(state::Event::Alone, None);
                    break;
                }
            }
            if self.ended.is_some() {
                break;
            }
        }
        orphans
    }

    #[inline(never)] // what it has to say of the end is not to be part of what PID 1 waits in
    fn on_main(&mut self, change: &Change) {
        let Change { pid, status, usage } = *change;
        let now = clock::monotonic();
        let action = self.state.on_event(state::Event::Main(status), now);
        if let Some(Outcome { status: exit, expected }) = self.state.outcome() {
            if Pid::this() != Pid::from_raw(1) {
                job_control::take_back(pid);
            }
            match self.start {
                Start::Done(started) => {
                    let uptime = now.saturating_sub(started);
                    let oom = self.oom.kills(status, self.state.has_killed());
                    Event::MainEnded { pid, status, exit, expected, uptime, usage, oom }.emit();
                    let in_time = !self.state.has_killed();
                    let stopped = self.state.stopped_by().map(|by| Stopped { by, in_time });
                    self.say_last(&Message::MainEnded { status, exit, uptime, stopped, usage, oom });
                }
                Start::Failed => {}
                Start::Preparing | Start::Executing => {
                    let cause = self.why_not_prepared(status);
                    self.tell_failure(exit, &cause, expected);
                }
            }
        }
        self.carry_out(action, None);
    }

    /// Why there is no main process, where the child could not say.
    fn why_not_prepared(&self, status: WaitStatus) -> String {
        let step = self.main.record.and_then(record::step);
        let during = step.map_or(String::new(), |step| format!(" during step {step}"));
        if self.state.failed_to_start() {
            let timeout = self.state.start_timeout().unwrap_or_default();
            return format!("the preparation took longer than {timeout:?}, and was ended{during}");
        }
        match self.state.stopped_by() {
            Some(signal) => format!("the preparation was stopped by {signal}{during}"),
            None => format!("the preparation {status}{during}"),
        }
    }

    /// Whether it was an orphan that ended.
    fn on_other(&mut self, change: &Change) -> bool {
        if matches!(change.status, WaitStatus::Stopped(_)) {
            return false;
        }
        if self.commands == Some(change.pid) {
            self.commands = None;
            self.on_event(state::Event::CommandsEnded, None);
            return false;
        }
        Event::OrphanReaped { pid: change.pid, status: change.status }.emit();
        true
    }
}
