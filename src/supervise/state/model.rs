//! The machine with a small world around it, searched through completely: every order in which signals, ends and times can
//! come, for every kind of policy, until no new state is found.

use super::tests::{killed, ladder, policy, signal};
use super::*;
use crate::policy::Rung;
use std::collections::{HashMap, HashSet, VecDeque};

/// What the machine deals with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct World {
    main: Main,
    /// Whether the stop commands run.
    commands: bool,
    /// How many others there are.
    rest: u8,
    /// Whether the child has said that it is the application.
    started: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Main {
    Alive,
    /// SIGKILL was sent, and the kernel has not told yet.
    Doomed,
    Gone,
}

/// What can happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    Stop,
    Other,
    Cont,
    Start,
    FailToStart,
    MainExits,
    MainDies,
    MainStops,
    CommandsEnd,
    RestEnds,
    ReportAlone,
    /// The time of the deadline comes.
    Deadline,
}

const MOVES: [Move; 12] = [
    Move::Stop,
    Move::Other,
    Move::Cont,
    Move::Start,
    Move::FailToStart,
    Move::MainExits,
    Move::MainDies,
    Move::MainStops,
    Move::CommandsEnd,
    Move::RestEnds,
    Move::ReportAlone,
    Move::Deadline,
];

#[derive(Debug, Clone)]
struct Node {
    state: State,
    world: World,
    now: Duration,
}

/// A state with its times counted from now: two of them that are alike have the same future.
type Key = (String, World);

impl Node {
    fn first(policy: &Policy) -> Self {
        let now = Duration::from_hours(1);
        let world = World { main: Main::Alive, commands: false, rest: 2, started: false };
        Node { state: State::after_fork(policy, now), world, now }
    }

    fn key(&self) -> Key {
        let from_now = |time: Duration| time.saturating_sub(self.now);
        let State { phase, since, failure, stop, sent, commands, stopped, suspended, outcome, asked: _, policy: _ } =
            self.state.clone();
        let phase = match phase {
            Phase::Aborting { until } => Phase::Aborting { until: until.map(from_now) },
            Phase::Draining { until } => Phase::Draining { until: from_now(until) },
            Phase::Stopping { rung, until } => Phase::Stopping { rung, until: until.map(from_now) },
            Phase::Killing { again } => Phase::Killing { again: from_now(again) },
            Phase::Lingering { until } => Phase::Lingering { until: from_now(until) },
            Phase::Clearing { until } => Phase::Clearing { until: from_now(until) },
            Phase::Preparing | Phase::Running | Phase::Flushing | Phase::Ended => phase,
        };
        let since = if phase == Phase::Preparing { self.now.saturating_sub(since) } else { Duration::ZERO };
        let rest = (since, failure, stop, sent, commands.map(from_now), stopped, suspended, outcome);
        (format!("{phase:?} {rest:?}"), self.world)
    }

    fn is_over(&self) -> bool {
        self.state.phase == Phase::Ended
    }

    /// The node after that move, and what the machine said; `None`: it cannot happen now.
    fn after(&self, step: Move) -> Option<(Node, Event, Action)> {
        let World { main, commands, rest, started } = self.world;
        let lives = main == Main::Alive;
        let mut next = self.clone();
        let event = match step {
            Move::Stop => Event::Signal(Signal::TERM),
            Move::Other => Event::Signal(signal(10)),
            Move::Cont => Event::Signal(Signal::CONT),
            Move::Start if lives && !started && !self.state.failed_to_start() => {
                next.world.started = true;
                Event::Started
            }
            Move::FailToStart if lives && !started => Event::StartFailed { status: 127 },
            Move::MainExits if lives => {
                next.world.main = Main::Gone;
                Event::Main(WaitStatus::Exited(3))
            }
            Move::MainDies if main == Main::Doomed => {
                next.world.main = Main::Gone;
                Event::Main(killed(9))
            }
            Move::MainStops if lives => Event::Main(WaitStatus::Stopped(Signal::TSTP)),
            Move::CommandsEnd if commands => {
                next.world.commands = false;
                Event::CommandsEnded
            }
            Move::RestEnds if rest > 0 => {
                next.world.rest -= 1;
                Event::Orphans
            }
            Move::ReportAlone if main == Main::Gone && !commands && rest == 0 => Event::Alone,
            Move::Deadline => {
                next.now = self.state.deadline()?.max(self.now);
                Event::Tick
            }
            Move::Start
            | Move::FailToStart
            | Move::MainExits
            | Move::MainDies
            | Move::MainStops
            | Move::CommandsEnd
            | Move::RestEnds
            | Move::ReportAlone => return None,
        };
        let action = next.state.on_event(event, next.now);
        match action {
            Action::Drain { commands: true } => next.world.commands = true,
            Action::Kill { .. } if next.world.main == Main::Alive => next.world.main = Main::Doomed,
            Action::Clear { .. } => next.world.rest = 0,
            Action::Suspend(_) => {
                next.state.on_event(Event::Suspended, next.now);
            }
            _ => {}
        }
        // What is no longer minded was told to end, and its end is nobody's news.
        next.world.commands &= next.state.minds_commands();
        Some((next, event, action))
    }

    /// How long it takes until it is over if nothing happens but what must: time goes on, and what was killed dies. `None`:
    /// never.
    fn bound(&self) -> Option<Duration> {
        let mut node = self.clone();
        for _ in 0..40 {
            if node.is_over() {
                return Some(node.now.saturating_sub(self.now));
            }
            let step = if node.world.main == Main::Doomed { Move::MainDies } else { Move::Deadline };
            node = node.after(step)?.0;
        }
        panic!("time goes on for ever: {node:?}")
    }
}

/// Every policy that differs in kind: with and without a drain, stop commands, one rung or two, a linger.
fn policies() -> Vec<Policy> {
    let seconds = Duration::from_secs;
    let rungs = [
        ladder(&[Rung { signal: None, wait: None }]),
        ladder(&[Rung { signal: Some(Signal::QUIT), wait: Some(seconds(20)) }]),
        ladder(&[
            Rung { signal: None, wait: Some(seconds(7)) },
            Rung { signal: Some(signal(37)), wait: Some(Duration::ZERO) },
        ]),
    ];
    let mut all = Vec::new();
    for ladder in rungs {
        for (drain, commands) in [(0, None), (5, None), (0, Some(3)), (5, Some(3)), (5, Some(9))] {
            for linger in [None, Some(Duration::ZERO), Some(seconds(4))] {
                for (target, start_timeout) in [(Target::Main, None), (Target::All, Some(seconds(60)))] {
                    let drain = seconds(drain);
                    let commands = commands.map(seconds);
                    let resume = ladder.length().is_some();
                    all.push(Policy { drain, commands, ladder, target, resume, linger, start_timeout, ..policy() });
                }
            }
        }
    }
    all
}

/// Every state there is, with the moves that lead on.
fn explore(policy: &Policy, mut look: impl FnMut(&Node, Move, Event, Action, &Node)) -> HashMap<Key, Node> {
    let first = Node::first(policy);
    let mut known = HashMap::from([(first.key(), first.clone())]);
    let mut waiting = VecDeque::from([first]);
    while let Some(node) = waiting.pop_front() {
        for step in MOVES {
            let Some((next, event, action)) = node.after(step) else { continue };
            look(&node, step, event, action, &next);
            if known.insert(next.key(), next.clone()).is_none() {
                waiting.push_back(next);
            }
        }
        assert!(known.len() < 100_000, "the times are not counted from now");
    }
    known
}

/// To whom an action sends something.
fn recipients(action: Action) -> Option<Target> {
    match action {
        Action::Forward(send) | Action::Ask { send, .. } => Some(send.target),
        Action::Kill { target, .. } => Some(target),
        Action::Linger(_) | Action::Clear { .. } => Some(Target::All),
        Action::Resume | Action::Suspend(_) => Some(Target::Group),
        Action::Nothing | Action::Drop | Action::Drain { .. } | Action::Finish => None,
    }
}

#[test]
fn in_every_order_of_events_the_machine_keeps_its_promises() {
    let mut states = 0;
    for policy in policies() {
        let longest = policy.longest_stop().map(|stop| stop + CLEARING);
        let known = explore(&policy, |node, step, event, action, next| {
            let why = || format!("{step:?} -> {action:?}\nfrom {node:?}\nto {next:?}");
            // Nothing is sent to a number that may be somebody else's by now, and nothing at all after the end.
            if node.world.main == Main::Gone || next.world.main == Main::Gone {
                assert!(matches!(recipients(action), None | Some(Target::All)), "{}", why());
            }
            if node.is_over() {
                assert_eq!(action, Action::Nothing, "{}", why());
            }
            // The end of the main process is never lost, and its status is told once and for all.
            let ended = matches!(event, Event::Main(WaitStatus::Exited(_) | WaitStatus::Killed { .. }));
            assert_eq!(next.state.outcome().is_some(), node.state.outcome().is_some() || ended, "{}", why());
            if let Some(outcome) = node.state.outcome() {
                assert_eq!(next.state.outcome(), Some(outcome), "{}", why());
            }
            if let (Some(outcome), true) = (next.state.outcome(), next.world.started && ended) {
                let status = if event == Event::Main(WaitStatus::Exited(3)) { 3 } else { 137 };
                assert_eq!(outcome.status, status, "{}", why());
            }
            // It finishes once, and not while the main process lives.
            assert_eq!(action == Action::Finish, next.is_over() && !node.is_over(), "{}", why());
            assert!(action != Action::Finish || next.world.main == Main::Gone, "{}", why());
            // What is sent of onset's own accord is what the policy says.
            if let Action::Ask { send, .. } = action {
                let stop = node.state.stop.unwrap_or(Signal::TERM);
                let rungs = policy.ladder.rungs().iter().map(|rung| rung.signal.unwrap_or(stop));
                assert!(rungs.into_iter().any(|signal| signal == send.signal) || !next.world.started, "{}", why());
            }
            if matches!(action, Action::Kill { .. }) {
                assert!(policy.ladder.length().is_some() || policy.start_timeout.is_some(), "{}", why());
            }
            // Another stop signal shortens a stop, or changes nothing.
            let stopping = node.state.stop.is_some() || node.state.outcome().is_some();
            if step == Move::Stop && stopping {
                match (node.bound(), next.bound()) {
                    (Some(before), Some(after)) => assert!(after <= before, "{before:?} {after:?} {}", why()),
                    (Some(_), None) => panic!("it ends no more: {}", why()),
                    (None, _) => {}
                }
            }
        });
        for node in known.values() {
            // What is relayed without asking the machine is what it would have said, and nothing to it.
            for signal in node.state.relays().iter() {
                let mut state = node.state.clone();
                let send = Send { signal, target: Target::Main, stop: false, resume: false };
                assert_eq!(state.on_event(Event::Signal(signal), node.now), Action::Forward(send), "{node:?}");
                assert_eq!(format!("{state:?}"), format!("{:?}", node.state));
            }
            // Asked to stop, it is over in time, whatever the application does.
            let stopping = node.state.stop.is_some() && !node.state.failed_to_start();
            if let (true, Some(longest)) = (stopping && node.world.started, longest) {
                let bound = node.bound().unwrap_or_else(|| panic!("it never ends: {node:?}"));
                assert!(bound <= longest, "{bound:?} is more than {longest:?}: {node:?}");
            }
            // Once the main process is gone, it is over in time under every policy.
            if node.world.main == Main::Gone {
                let bound = node.bound().unwrap_or_else(|| panic!("it never ends: {node:?}"));
                let rest = policy.commands.unwrap_or_default() + policy.linger.unwrap_or_default() + CLEARING;
                assert!(bound <= rest, "{bound:?} is more than {rest:?}: {node:?}");
            }
        }
        assert!(known.values().all(|node| has_a_way_out(node, &known)), "a state without a way out");
        states += known.len();
    }
    assert!(states > 5_000, "only {states} states");
}

/// Whether some moves lead to the end.
fn has_a_way_out(node: &Node, known: &HashMap<Key, Node>) -> bool {
    let mut seen = HashSet::new();
    let mut waiting = vec![node.clone()];
    while let Some(node) = waiting.pop() {
        if node.is_over() {
            return true;
        }
        // The shortest ways first: the main process exits, what runs ends, time goes on.
        for step in
            [Move::Deadline, Move::CommandsEnd, Move::RestEnds, Move::ReportAlone, Move::MainDies, Move::MainExits]
        {
            if let Some((next, ..)) = node.after(step)
                && seen.insert(next.key())
            {
                debug_assert!(known.contains_key(&next.key()));
                waiting.push(next);
            }
        }
    }
    false
}
