//! Nobody that is re-parented to onset stays a zombie, however many come at once, and nobody keeps onset from its work.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::both_modes;
use crate::support::ptrace::{Edge, Event, Stop, Tracer};
use crate::support::{Init, LIMIT, Mode, Running, proc, sys};

/// One crowd at a time: a machine has no more than 32,768 pids by default.
static CROWD: Mutex<()> = Mutex::new(());

/// Only main is left of onset's children, as what it was.
fn wait_until_alone(init: &Running, main: i32) {
    init.until("main being the only child", || (proc::children(init.pid()) == [main]).then_some(()));
}

both_modes!(of_20_000_orphans_at_once_none_is_left, |mode| {
    let _alone = CROWD.lock().unwrap_or_else(PoisonError::into_inner);
    let init = Init::new(mode).probe(["orphans", "20000"]).start();
    let main = init.main_pid();
    init.wait_for_ready();
    let handed_over = Instant::now();
    wait_until_alone(&init, main);
    let took = handed_over.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    init.kill(libc::SIGTERM);
    assert_eq!(init.finish().code(), 0);
});

both_modes!(onset_hears_signals_while_2_000_orphans_die, |mode| {
    let _alone = CROWD.lock().unwrap_or_else(PoisonError::into_inner);
    let init = Init::new(mode).probe(["orphans", "2000", "--live"]).start();
    init.wait_for_ready();
    let main = init.main_pid();
    assert_eq!(proc::children(init.pid()).len(), 2001);
    // Main tells the orphans to die at the first of these, and the rest come while they do.
    for _ in 0..10 {
        init.kill(libc::SIGUSR1);
        init.until("SIGUSR1 at main", || (proc::signal_set(init.pid(), "ShdPnd")? == 0).then_some(()));
    }
    init.wait_for_text("told");
    wait_until_alone(&init, main);
    init.kill(libc::SIGTERM);
    assert_eq!(init.finish().code(), 0);
});

both_modes!(a_flow_of_orphans_does_not_keep_signals_waiting, |mode| {
    let _alone = CROWD.lock().unwrap_or_else(PoisonError::into_inner);
    let init = Init::new(mode).options(["--log-level", "error"]).probe(["flow"]).start();
    init.wait_for_ready();
    for value in 0..200 {
        init.sigqueue(40, value);
        let arrived = init.until("the signal at main", || init.outputs().pop().filter(|line| line["value"] == value));
        assert_eq!(arrived["signo"], 40);
    }
    init.kill(libc::SIGTERM);
    assert_eq!(init.finish().code(), 0);
});

both_modes!(a_signal_does_not_wait_until_a_crowd_is_reaped, |mode| {
    let _alone = CROWD.lock().unwrap_or_else(PoisonError::into_inner);
    let init = Init::new(mode).probe(["orphans", "1000", "--live"]).start();
    init.wait_for_ready();
    let main = init.main_pid();
    let is_wait = |stop: &Stop| stop.edge == Edge::Entry && stop.call == libc::SYS_wait4;
    let tracer = Tracer::attach_and_hold(init.pid(), is_wait);
    init.kill(libc::SIGUSR1);
    while !matches!(tracer.outcome(), Event::Held(_)) {}
    // onset has begun to reap; the whole crowd is dead when the signal comes.
    let is_dead = |&pid: &i32| pid == main || proc::state(pid) == Some('Z');
    init.until("the death of the orphans", || proc::children(init.pid()).iter().all(is_dead).then_some(()));
    init.sigqueue(40, 1);
    tracer.go_on();
    let mut reaped_before = 0;
    loop {
        match tracer.next(LIMIT) {
            Some(Event::Passed(stop)) if stop.edge == Edge::Exit => {}
            Some(Event::Passed(stop)) if stop.call == libc::SYS_rt_sigqueueinfo => break,
            Some(Event::Passed(stop)) => reaped_before += i32::from(is_wait(&stop)),
            Some(Event::Settled) => {}
            other => init.fail(&format!("{other:?} before the signal is forwarded")),
        }
    }
    assert!(reaped_before < 500, "{reaped_before} of 1,000 orphans came first");
    tracer.release();
    wait_until_alone(&init, main);
    init.kill(libc::SIGTERM);
    assert_eq!(init.finish().code(), 0);
});

both_modes!(main_ends_in_the_same_instant_as_1_000_orphans, |mode| {
    let _alone = CROWD.lock().unwrap_or_else(PoisonError::into_inner);
    for (status, live) in [(7, true), (0, true), (255, false), (3, true)] {
        let status_word = status.to_string();
        let args = ["orphans", "1000", "--exit", &status_word].into_iter().chain(live.then_some("--live"));
        let finished = Init::new(mode).probe(args).start().finish();
        assert_eq!(finished.code(), status, "{}", finished.story());
        assert_eq!(finished.event("main_ended")["status"], status);
    }
});

both_modes!(every_orphan_is_told, |mode| {
    // As many lines as a pipe holds even if nobody reads meanwhile: so none may be dropped.
    let init = Init::new(mode).debug().probe(["orphans", "200"]).start();
    init.wait_for_ready();
    wait_until_alone(&init, init.main_pid());
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    let events = finished.events();
    // The process that made the orphans is waited for by main, so it is none.
    let told: Vec<_> = events.iter().filter(|event| event["event"] == "orphan_reaped").collect();
    let pids: BTreeSet<_> = told.iter().filter_map(|event| event["pid"].as_i64()).collect();
    assert_eq!((told.len(), pids.len()), (200, 200), "{}", finished.story());
    assert!(told.iter().all(|event| event["exit_code"] == 0), "{}", finished.story());
});

both_modes!(the_death_of_an_orphan_by_any_signal_is_told, |mode| {
    for signal in [libc::SIGKILL, libc::SIGSEGV, 34, 64] {
        let init = Init::new(mode).debug().probe(["orphans", "1", "--die", &signal.to_string()]).start();
        let event = init.wait_for_event("orphan_reaped");
        assert_eq!(event["signal_number"], signal, "{event}");
        assert!(event["exit_code"].is_null() && event["level"] == "debug", "{event}");
        init.wait_for_ready();
        init.kill(libc::SIGTERM);
        assert_eq!(init.finish().code(), 0);
    }
});

both_modes!(an_orphan_that_stops_and_goes_on_is_let_alone, |mode| {
    let init = Init::new(mode).debug().probe(["orphans", "1", "--live"]).start();
    init.wait_for_ready();
    let main = init.main_pid();
    let orphan = *proc::children(init.pid()).iter().find(|&&pid| pid != main).expect("the orphan");
    for (signal, state) in [(libc::SIGSTOP, 'T'), (libc::SIGCONT, 'S'), (libc::SIGSTOP, 'T')] {
        sys::kill(orphan, signal).expect("the orphan lives");
        init.until("the orphan's state", || (proc::state(orphan) == Some(state)).then_some(()));
        init.until("onset at rest", || proc::is_idle(init.pid()).then_some(()));
    }
    assert!(init.events().iter().all(|event| event["event"] != "main_stopped"), "{}", init.story());
    sys::kill(orphan, libc::SIGKILL).expect("the orphan lives");
    wait_until_alone(&init, main);
    assert_eq!(init.wait_for_event("orphan_reaped")["signal"], "SIGKILL");
    init.kill(libc::SIGTERM);
    assert_eq!(init.finish().code(), 0);
});

both_modes!(what_outlives_main_does_not_keep_onset, |mode| {
    let init = Init::new(mode).probe(["family"]).start();
    init.wait_for_ready();
    let main = init.main_pid();
    let child = proc::children(main)[0];
    init.kill(libc::SIGTERM);
    assert_eq!(init.wait().code(), Some(0));
    match mode {
        // The kernel ends a PID namespace with its PID 1.
        Mode::Pid1 => assert_eq!(proc::state(child), None),
        Mode::SubReaper => {
            assert!(proc::state(child).is_some_and(|state| state != 'Z'), "{:?}", proc::state(child));
            assert_eq!(proc::signal_set(child, "ShdPnd"), Some(0), "nobody has signalled it");
            sys::kill(child, libc::SIGKILL).expect("it lives");
        }
    }
});

both_modes!(a_stopped_main_gets_its_signals_when_it_goes_on, |mode| {
    let init = Init::new(mode).debug().probe(["sleep"]).start();
    init.wait_for_ready();
    let main = init.main_pid();
    sys::kill(main, libc::SIGSTOP).expect("main lives");
    let stopped = init.wait_for_event("main_stopped");
    assert_eq!([&stopped["signal"], &stopped["level"]], ["SIGSTOP", "debug"], "{stopped}");
    assert_eq!(stopped["signal_number"], libc::SIGSTOP, "{stopped}");
    init.kill(libc::SIGTERM);
    init.wait_for_event("signal_forwarded");
    assert_eq!(proc::state(main), Some('T'));
    assert_eq!(proc::signal_set(main, "ShdPnd"), Some(sys::set_of([libc::SIGTERM])));
    init.kill(libc::SIGCONT);
    assert_eq!(init.finish().code(), 143);
});

both_modes!(a_stopped_main_can_be_killed, |mode| {
    let init = Init::new(mode).debug().probe(["sleep"]).start();
    init.wait_for_ready();
    sys::kill(init.main_pid(), libc::SIGSTOP).expect("main lives");
    init.wait_for_event("main_stopped");
    sys::kill(init.main_pid(), libc::SIGKILL).expect("main lives");
    assert_eq!(init.finish().code(), 137);
});

both_modes!(a_traced_main_gets_its_signals_and_ends_as_it_does, |mode| {
    let init = Init::new(mode).probe(["signals", "--exit", "5"]).start();
    init.wait_for_ready();
    let tracer = Tracer::attach(init.main_pid());
    assert_eq!(tracer.outcome(), Event::Settled);
    for value in 1..=3 {
        init.sigqueue(40, value);
        init.wait_for_output("signal 40", |line| line["value"] == value);
    }
    init.kill(libc::SIGTERM);
    while tracer.outcome() != Event::Ended {}
    assert_eq!(init.finish().code(), 5);
});

both_modes!(a_traced_main_that_is_killed_ends_as_it_does, |mode| {
    let init = Init::new(mode).probe(["sleep"]).start();
    init.wait_for_ready();
    let tracer = Tracer::attach(init.main_pid());
    assert_eq!(tracer.outcome(), Event::Settled);
    init.kill(libc::SIGTERM);
    while tracer.outcome() != Event::Ended {}
    let finished = init.finish();
    assert_eq!(finished.code(), 143, "{}", finished.story());
});
