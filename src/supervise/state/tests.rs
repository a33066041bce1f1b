use super::*;
use crate::policy::{Ladder, Rung};
use crate::report::{Format, Level};
use proptest::prelude::*;

pub fn signal(number: i32) -> Signal {
    Signal::new(number).unwrap()
}

pub fn killed(by: i32) -> WaitStatus {
    WaitStatus::Killed { signal: signal(by), core_dumped: false }
}

pub fn ladder(rungs: &[Rung]) -> Ladder {
    Ladder::of(rungs).unwrap()
}

/// That of a start without a configuration.
pub fn policy() -> Policy {
    Policy::plain(Target::Main, Format::default(), Level::default())
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// When everything begins.
const START: Duration = Duration::from_secs(1000);

/// SIGQUIT after a drain of 5 s, 20 s to end.
fn graceful() -> Policy {
    let ladder = ladder(&[Rung { signal: Some(Signal::QUIT), wait: Some(seconds(20)) }]);
    Policy { drain: seconds(5), ladder, resume: true, ..policy() }
}

/// A machine, and the time.
struct Machine {
    state: State,
    now: Duration,
}

impl Machine {
    fn new(policy: &Policy) -> Self {
        Machine { state: State::after_fork(policy, START), now: START }
    }

    /// One whose application runs.
    fn running(policy: &Policy) -> Self {
        let mut machine = Machine::new(policy);
        assert_eq!(machine.on(Event::Started), Action::Nothing);
        machine
    }

    fn on(&mut self, event: Event) -> Action {
        self.state.on_event(event, self.now)
    }

    fn signal(&mut self, number: i32) -> Action {
        self.on(Event::Signal(signal(number)))
    }

    /// Time goes on, by this much.
    fn wait(&mut self, time: Duration) -> Action {
        self.now += time;
        self.on(Event::Tick)
    }

    fn stage(&self) -> Stage {
        self.state.stage()
    }
}

fn forward(signal_number: i32, stop: bool) -> Action {
    Action::Forward(Send { signal: signal(signal_number), target: Target::Main, stop, resume: false })
}

fn ask(signal_number: i32, grace: Option<Duration>) -> Action {
    let send = Send { signal: signal(signal_number), target: Target::Main, stop: true, resume: false };
    Action::Ask { send, grace }
}

fn outcome(events: &[Event]) -> (u8, bool) {
    let mut machine = Machine::new(&policy());
    let last = events.iter().map(|&event| machine.on(event)).last();
    assert_eq!(last, Some(Action::Finish));
    let Outcome { status, expected } = machine.state.outcome().unwrap();
    (status, expected)
}

#[test]
fn the_status_is_mains_own() {
    assert_eq!(outcome(&[Event::Started, Event::Main(WaitStatus::Exited(0))]), (0, true));
    assert_eq!(outcome(&[Event::Started, Event::Main(WaitStatus::Exited(255))]), (255, false));
    assert_eq!(outcome(&[Event::Started, Event::Main(killed(9))]), (137, false));
    assert_eq!(outcome(&[Event::Started, Event::Main(killed(64))]), (192, false));
    let failed = Event::StartFailed { status: 126 };
    assert_eq!(outcome(&[failed, Event::Main(WaitStatus::Exited(126))]), (126, false));
    assert_eq!(outcome(&[Event::Main(killed(15))]), (143, false), "killed while it was being made");
}

#[test]
fn death_by_the_stop_signal_that_was_forwarded_is_expected() {
    let end = |came: i32, end| outcome(&[Event::Started, Event::Signal(signal(came)), Event::Main(end)]).1;
    assert!(end(15, killed(15)));
    assert!(end(15, WaitStatus::Exited(143)), "as a shell or a JVM says it");
    assert!(!end(2, killed(15)));
    assert!(!end(15, WaitStatus::Exited(1)));
    assert!(!end(10, killed(10)), "SIGUSR1 asks for something else");
}

#[test]
fn without_a_policy_every_signal_is_forwarded_and_nothing_has_a_time() {
    let mut machine = Machine::running(&policy());
    for number in (1..=64).filter(|number| *number != 17).chain([15, 15]) {
        assert_eq!(machine.signal(number), forward(number, [2, 3, 15].contains(&number)));
        assert_eq!(machine.state.deadline(), None);
    }
    assert_eq!(machine.signal(17), Action::Nothing);
    assert_eq!(machine.wait(Duration::from_hours(10_000)), Action::Nothing);
}

#[test]
fn a_stop_drains_asks_and_kills_each_in_its_time() {
    let mut machine = Machine::running(&graceful());
    assert_eq!(machine.stage(), Stage::Run);
    assert_eq!(machine.signal(15), Action::Drain { commands: false });
    assert_eq!(machine.stage(), Stage::Drain);
    assert_eq!(machine.signal(10), forward(10, false));
    assert_eq!(machine.wait(seconds(4)), Action::Nothing);
    assert_eq!(machine.wait(seconds(1)), ask(3, Some(seconds(20))));
    assert_eq!(machine.stage(), Stage::Stop);
    assert_eq!(machine.signal(15), forward(3, true), "the rung's signal once more");
    assert_eq!(machine.signal(1), forward(1, false));
    assert_eq!(machine.wait(seconds(20)), Action::Kill { target: Target::Main, waited: Some(seconds(20)) });
    assert_eq!(machine.signal(15), Action::Nothing);
    assert_eq!(machine.wait(seconds(1)), Action::Kill { target: Target::Main, waited: None });
    assert_eq!(machine.on(Event::Main(killed(9))), Action::Finish);
    assert_eq!(machine.state.outcome(), Some(Outcome { status: 137, expected: false }));
    assert_eq!(machine.signal(15), Action::Nothing);
}

#[test]
fn a_second_stop_signal_ends_the_drain() {
    let mut machine = Machine::running(&graceful());
    machine.signal(15);
    machine.now += seconds(1);
    assert_eq!(machine.signal(2), forward(3, true));
    assert_eq!(machine.state.deadline(), Some(START + seconds(21)));
    assert_eq!(machine.on(Event::Main(WaitStatus::Exited(0))), Action::Finish);
    assert_eq!(machine.state.outcome(), Some(Outcome { status: 0, expected: true }));
}

#[test]
fn the_ladder_goes_up_rung_by_rung_and_sigkill_is_its_end() {
    let rungs = [
        Rung { signal: None, wait: Some(seconds(20)) },
        Rung { signal: Some(Signal::QUIT), wait: Some(seconds(5)) },
        Rung { signal: Some(signal(37)), wait: Some(seconds(1)) },
    ];
    let mut machine = Machine::running(&Policy { ladder: ladder(&rungs), target: Target::Group, ..policy() });
    let send = |number, stop| Send { signal: signal(number), target: Target::Group, stop, resume: false };
    assert_eq!(machine.signal(2), Action::Forward(send(2, true)));
    assert_eq!(machine.wait(seconds(20)), Action::Ask { send: send(3, true), grace: Some(seconds(5)) });
    assert_eq!(machine.wait(seconds(5)), Action::Ask { send: send(37, true), grace: Some(seconds(1)) });
    assert_eq!(machine.wait(seconds(1)), Action::Kill { target: Target::Group, waited: Some(seconds(26)) });
}

#[test]
fn without_a_grace_the_application_has_as_long_as_it_likes() {
    let mut machine = Machine::running(&Policy { drain: seconds(5), ..policy() });
    machine.signal(15);
    assert_eq!(machine.wait(seconds(5)), ask(15, None));
    assert_eq!(machine.state.deadline(), None);
}

#[test]
fn the_drain_lasts_until_the_stop_commands_have_ended() {
    let with_commands = || Policy { commands: Some(seconds(10)), ..graceful() };
    // Sooner than the drain: the rest of its time is waited.
    let mut machine = Machine::running(&with_commands());
    assert_eq!(machine.signal(15), Action::Drain { commands: true });
    machine.now += seconds(1);
    assert_eq!(machine.on(Event::CommandsEnded), Action::Nothing);
    assert_eq!(machine.wait(seconds(4)), ask(3, Some(seconds(20))));
    // Later: nothing is done when the drain is over.
    let mut machine = Machine::running(&with_commands());
    machine.signal(15);
    assert_eq!(machine.wait(seconds(7)), Action::Nothing);
    assert!(machine.state.minds_commands());
    assert_eq!(machine.on(Event::CommandsEnded), ask(3, Some(seconds(20))));
    // Never: their time is over.
    let mut machine = Machine::running(&with_commands());
    machine.signal(15);
    assert_eq!(machine.wait(seconds(10)), ask(3, Some(seconds(20))));
    assert!(!machine.state.minds_commands());
    // A second stop signal ends them.
    let mut machine = Machine::running(&with_commands());
    machine.signal(15);
    assert_eq!(machine.signal(15), forward(3, true));
    assert!(!machine.state.minds_commands());
}

#[test]
fn stop_commands_are_waited_for_when_main_ends_before_them() {
    let mut machine = Machine::running(&Policy { commands: Some(seconds(10)), ..graceful() });
    machine.signal(15);
    assert_eq!(machine.on(Event::Main(WaitStatus::Exited(4))), Action::Nothing);
    assert_eq!(machine.stage(), Stage::Linger);
    assert_eq!(machine.signal(10), Action::Nothing);
    assert_eq!(machine.on(Event::CommandsEnded), Action::Finish);
    assert_eq!(machine.state.outcome(), Some(Outcome { status: 4, expected: false }));
}

#[test]
fn the_rest_is_asked_waited_for_and_killed() {
    let lingering = || {
        let mut machine = Machine::running(&Policy { linger: Some(seconds(3)), ..policy() });
        assert_eq!(machine.on(Event::Main(WaitStatus::Exited(0))), Action::Linger(seconds(3)));
        machine
    };
    let mut machine = lingering();
    assert_eq!(machine.on(Event::Orphans), Action::Nothing);
    assert_eq!(machine.on(Event::Alone), Action::Finish);
    let mut machine = lingering();
    let to_all = Send { signal: signal(10), target: Target::All, stop: false, resume: false };
    assert_eq!(machine.signal(10), Action::Forward(to_all));
    assert_eq!(machine.wait(seconds(3)), Action::Clear { waited: Some(seconds(3)) });
    assert_eq!(machine.on(Event::Alone), Action::Finish);
    let mut machine = lingering();
    machine.now += seconds(1);
    assert_eq!(machine.signal(15), Action::Clear { waited: Some(seconds(1)) }, "a stop signal shortens it");
    assert_eq!(machine.wait(CLEARING), Action::Finish, "one that cannot be killed is not waited for");
}

#[test]
fn a_preparation_is_aborted_by_what_it_listens_to() {
    let mut on_winch = policy();
    on_winch.stop_on.insert(signal(28));
    let mut machine = Machine::new(&on_winch);
    assert_eq!(machine.signal(28), forward(15, true));
    assert_eq!(machine.signal(2), forward(2, true));
    assert_eq!(machine.signal(10), forward(10, false));
    assert_eq!(machine.on(Event::Main(WaitStatus::Exited(143))), Action::Finish);
    assert_eq!(machine.state.outcome(), Some(Outcome { status: 143, expected: true }));
    // With a grace it does not go on for ever.
    let mut machine = Machine::new(&graceful());
    assert_eq!(machine.signal(15), forward(15, true));
    assert_eq!(machine.wait(seconds(20)), Action::Kill { target: Target::All, waited: Some(seconds(20)) });
}

#[test]
fn a_stop_at_the_very_start_of_the_application_has_its_times_too() {
    let mut machine = Machine::new(&graceful());
    machine.signal(15);
    assert_eq!(machine.on(Event::Started), ask(3, Some(seconds(20))), "SIGTERM reached it, SIGQUIT is what it wants");
    let mut machine =
        Machine::new(&Policy { ladder: ladder(&[Rung { signal: None, wait: Some(seconds(9)) }]), ..policy() });
    machine.signal(15);
    assert_eq!(machine.on(Event::Started), Action::Nothing, "it was sent that already");
    assert_eq!(machine.wait(seconds(9)), Action::Kill { target: Target::Main, waited: Some(seconds(9)) });
}

#[test]
fn a_preparation_that_takes_too_long_is_aborted() {
    let limited = Policy { start_timeout: Some(seconds(60)), ..policy() };
    let mut machine = Machine::new(&limited);
    assert!(matches!(machine.wait(seconds(60)), Action::Ask { send: Send { signal: Signal::TERM, .. }, .. }));
    assert_eq!(machine.on(Event::Main(WaitStatus::Exited(143))), Action::Finish);
    assert_eq!(machine.state.outcome(), Some(Outcome { status: 124, expected: false }));
    let mut machine = Machine::new(&limited);
    machine.wait(seconds(60));
    assert!(matches!(machine.wait(ABORT_GRACE), Action::Kill { target: Target::All, .. }));
    assert_eq!(machine.on(Event::Main(killed(9))), Action::Finish);
    assert_eq!(machine.state.outcome(), Some(Outcome { status: 124, expected: false }));
    let machine = Machine::running(&limited);
    assert_eq!(machine.state.deadline(), None, "it runs, and has all the time there is");
}

#[test]
fn signals_are_rewritten_and_dropped() {
    let mut rewriting = policy();
    rewriting.rewrites.set(signal(1), Some(signal(10)));
    rewriting.rewrites.set(signal(28), None);
    rewriting.rewrites.set(signal(15), Some(Signal::QUIT));
    rewriting.rewrites.set(signal(12), Some(signal(15)));
    let mut machine = Machine::running(&rewriting);
    assert_eq!(machine.signal(1), forward(10, false));
    assert_eq!(machine.signal(28), Action::Drop);
    assert_eq!(machine.signal(12), forward(15, true), "once, and it asks to stop");
    assert_eq!(machine.signal(15), forward(3, true));
    assert_eq!(machine.on(Event::Main(killed(3))), Action::Finish);
    assert_eq!(machine.state.outcome(), Some(Outcome { status: 131, expected: true }));
}

#[test]
fn statuses_are_mapped_but_not_those_of_a_failed_start() {
    let mut mapping = policy();
    mapping.exit.set(143, 0);
    mapping.exit.set(127, 1);
    let mut machine = Machine::running(&mapping);
    machine.signal(15);
    machine.on(Event::Main(killed(15)));
    assert_eq!(machine.state.outcome(), Some(Outcome { status: 0, expected: true }));
    let mut machine = Machine::new(&mapping);
    machine.on(Event::StartFailed { status: 127 });
    machine.on(Event::Main(WaitStatus::Exited(127)));
    assert_eq!(machine.state.outcome(), Some(Outcome { status: 127, expected: false }));
}

#[test]
fn who_is_stopped_is_let_go_on_to_hear_of_the_end() {
    let stopped = Event::Main(WaitStatus::Stopped(Signal::STOP));
    let mut machine = Machine::running(&Policy { drain: Duration::ZERO, ..graceful() });
    machine.on(stopped);
    let Action::Forward(send) = machine.signal(15) else { panic!("no forward") };
    assert!(send.resume);
    let Action::Forward(send) = machine.signal(15) else { panic!("no forward") };
    assert!(!send.resume, "it goes on already");
    let mut machine = Machine::running(&policy());
    machine.on(stopped);
    assert_eq!(machine.signal(15), forward(15, true), "without a policy it is left as it is");
}

#[test]
fn a_suspended_job_is_resumed_once() {
    let mut machine = Machine::running(&policy());
    assert_eq!(machine.on(Event::Main(WaitStatus::Stopped(Signal::TSTP))), Action::Suspend(Signal::TSTP));
    machine.on(Event::Suspended);
    assert_eq!(machine.signal(18), Action::Resume);
    assert_eq!(machine.signal(18), forward(18, false));
    let mut machine = Machine::running(&policy());
    machine.on(Event::Main(WaitStatus::Stopped(Signal::TSTP)));
    assert_eq!(machine.signal(18), forward(18, false), "onset did not stop itself");
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let time = || (0..40_u64).prop_map(seconds);
    let any_signal =
        || (1..=64).prop_map(signal).prop_filter("not SIGCHLD or SIGSTOP", |it| ![17, 19].contains(&it.number()));
    let rung = (prop::option::of(any_signal()), time()).prop_map(|(signal, wait)| Rung { signal, wait: Some(wait) });
    let rewrites = prop::collection::vec((any_signal(), prop::option::of(any_signal())), 0..4);
    let target = prop_oneof![Just(Target::Main), Just(Target::Group), Just(Target::All)];
    (
        (any::<u64>(), time(), prop::option::of(time()), prop::collection::vec(rung, 1..4)),
        (target, prop::option::of(time()), prop::option::of(time()), rewrites, any::<bool>()),
    )
        .prop_map(|((on, drain, commands, rungs), (target, linger, start_timeout, rewrites, resume))| {
            let ladder = ladder(&rungs);
            let stop_on = SignalSet::from_bits(on);
            let mut policy =
                Policy { stop_on, drain, commands, ladder, target, resume, linger, start_timeout, ..policy() };
            rewrites.into_iter().for_each(|(from, to)| policy.rewrites.set(from, to));
            policy
        })
}

fn any_event() -> impl Strategy<Value = Event> {
    let any_signal = || (1..=64).prop_map(signal);
    let ended = prop_oneof![any::<u8>().prop_map(WaitStatus::Exited), (1..=64).prop_map(killed)];
    prop_oneof![
        8 => any_signal().prop_map(Event::Signal),
        4 => Just(Event::Signal(Signal::TERM)),
        2 => Just(Event::Started),
        1 => (1..=255_u8).prop_map(|status| Event::StartFailed { status }),
        1 => ended.prop_map(Event::Main),
        2 => any_signal().prop_map(|signal| Event::Main(WaitStatus::Stopped(signal))),
        2 => Just(Event::Suspended),
        2 => Just(Event::CommandsEnded),
        3 => Just(Event::Orphans),
        1 => Just(Event::Alone),
        6 => Just(Event::Tick),
    ]
}

proptest! {
    /// Whatever happens, in whatever order and at whatever times: what is sent is what the policy says, it ends once, and
    /// once the main process has ended and time goes on, soon.
    #[test]
    fn whatever_happens_it_ends_once_and_in_time(
        policy in any_policy(),
        events in prop::collection::vec((any_event(), 0..5000_u64), 0..100),
    ) {
        let mut machine = Machine::new(&policy);
        let mut finished = false;
        let mut ended = false;
        for (event, pause) in events {
            machine.now += Duration::from_millis(pause);
            let action = machine.on(event);
            prop_assert!(!finished || action == Action::Nothing, "after the end: {action:?}");
            let is_end = matches!(event, Event::Main(WaitStatus::Exited(_) | WaitStatus::Killed { .. }));
            ended |= is_end;
            prop_assert_eq!(machine.state.outcome().is_some(), ended);
            finished |= action == Action::Finish;
            if let (Event::Signal(came), Action::Forward(send)) = (event, action) {
                let own = policy.rewrites.get(came);
                let rungs = policy.ladder.rungs().iter().filter_map(|rung| rung.signal).map(Some);
                prop_assert!(rungs.chain([own, Some(Signal::TERM)]).any(|it| it == Some(send.signal)), "{send:?}");
            }
            if ended {
                let to_main = matches!(
                    action,
                    Action::Forward(Send { target: Target::Main | Target::Group, .. }) | Action::Ask { .. } | Action::Kill { .. }
                );
                prop_assert!(!to_main, "its number may be somebody else's: {action:?}");
            }
        }
        if !ended {
            machine.on(Event::Main(killed(9)));
        }
        let last = machine.now;
        while let Some(deadline) = machine.state.deadline() {
            machine.now = machine.now.max(deadline);
            machine.on(Event::Tick);
        }
        prop_assert_eq!(machine.state.phase, Phase::Ended);
        let most = policy.commands.unwrap_or_default() + policy.linger.unwrap_or_default() + CLEARING;
        prop_assert!(machine.now.saturating_sub(last) <= most);
    }

    /// Asked to stop, the application is gone and onset too within drain, ladder and linger, whatever else comes in.
    #[test]
    fn a_stop_ends_in_time_whatever_comes_in_meanwhile(
        mut policy in any_policy(),
        noise in prop::collection::vec(((1..=64).prop_map(signal), 0..9000_u64), 0..60),
    ) {
        policy.stop_on.insert(Signal::TERM);
        policy.rewrites.set(Signal::TERM, Some(Signal::TERM));
        let mut machine = Machine::running(&policy);
        machine.on(Event::Signal(Signal::TERM));
        let began = machine.now;
        let mut noise = noise.into_iter();
        let mut next = noise.next();
        while machine.state.phase != Phase::Ended {
            let deadline = machine.state.deadline().expect("a stopping machine has a time");
            let action = match next {
                Some((signal, pause)) if machine.now + Duration::from_millis(pause) < deadline => {
                    machine.now += Duration::from_millis(pause);
                    next = noise.next();
                    machine.on(Event::Signal(signal))
                }
                _ => {
                    machine.now = machine.now.max(deadline);
                    machine.on(Event::Tick)
                }
            };
            // It ignores everything it can ignore.
            if matches!(action, Action::Kill { .. }) {
                machine.on(Event::Main(killed(9)));
            }
        }
        let most = policy.longest_stop().expect("every rung has a time") + CLEARING;
        let took = machine.now.saturating_sub(began);
        prop_assert!(took <= most, "{took:?} > {most:?}");
        prop_assert_eq!(machine.state.outcome().map(|outcome| outcome.status), Some(137));
    }
}

#[test]
fn while_it_runs_all_is_relayed_but_what_stops_resumes_is_rewritten_or_dropped() {
    let relayed = |policy: &Policy| Machine::running(policy).state.relays();
    let never = [Signal::CHLD, Signal::CONT, Signal::TSTP, Signal::TTIN, Signal::TTOU];

    let mut policy = policy();
    let of_plain = relayed(&policy);
    for signal in Signal::all() {
        let expected = !never.contains(&signal) && !policy.stop_on.contains(signal);
        assert_eq!(of_plain.contains(signal), expected, "{signal}");
    }
    assert_eq!(Machine::new(&policy).state.relays(), SignalSet::NONE, "while it is prepared");

    policy.rewrites.set(signal(1), Some(signal(12)));
    policy.rewrites.set(signal(10), None);
    policy.stop_on.insert(signal(12));
    let without = |signals: &[i32]| {
        let mut set = of_plain;
        signals.iter().for_each(|&number| set.remove(signal(number)));
        set
    };
    assert_eq!(relayed(&policy), without(&[1, 10, 12]));
    for target in [Target::Group, Target::All] {
        assert_eq!(relayed(&Policy { forward_to: target, ..policy }), SignalSet::NONE);
    }
}
