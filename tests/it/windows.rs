//! A signal sent at any moment after onset's execve arrives. The moments are forced: the tracer holds onset, or its
//! child before it is the application, at each of their system calls in turn, and the signal is sent while it is held.

use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};

use crate::shutdown::with_policy;
use crate::support::ptrace::{Edge, Event, Stop, Tracer, Who};
use crate::support::{Folder, Init, LIMIT, Mode, Running, init, probe, proc, run, sys, until};
use crate::{both_modes, syscall};

/// Starts it under a tracer that holds the first stop for which `hold` is true.
fn traced(init: Init, hold: impl FnMut(&Stop) -> bool + Send + 'static) -> (Running, Tracer) {
    let mut running = init.hold_before_exec().start();
    let tracer = Tracer::before_exec(running.pid(), hold);
    running.release();
    (running, tracer)
}

/// Holds the `nth` stop of `who`, from the call on that blocks all signals: only a dynamic loader's come before.
fn stop_number(who: Who, nth: usize) -> impl FnMut(&Stop) -> bool + Send + 'static {
    let mut left = nth;
    let mut armed = false;
    move |stop| {
        armed |= stop.call == libc::SYS_rt_sigprocmask;
        let counts = armed && stop.who == who;
        let hold = counts && left == 0;
        left = left.saturating_sub(usize::from(counts));
        hold
    }
}

/// Runs `check` once for each stop of `who`, held there. Returns how many there are.
pub fn at_every_stop(who: Who, make: impl Fn() -> Init, check: impl Fn(Running, Tracer, Stop)) -> usize {
    at_stops(who, 1, make, check)
}

/// The same for every `step`th.
fn at_stops(who: Who, step: usize, make: impl Fn() -> Init, check: impl Fn(Running, Tracer, Stop)) -> usize {
    for nth in (0..).step_by(step) {
        let (running, tracer) = traced(make(), stop_number(who, nth));
        match tracer.outcome() {
            Event::Held(stop) => check(running, tracer, stop),
            Event::Settled => return nth,
            event => running.fail(&format!("stop {nth}: {event:?}")),
        }
    }
    unreachable!("0.. has no end")
}

/// The other process runs on as far as it gets: onset has taken `signals`, or waits for the child's execve; the child is the
/// application or waits.
pub fn let_the_other_run(running: &Running, stop: Stop, signals: u64) {
    let asleep = |pid| proc::state(pid) == Some('S');
    until(&format!("the other process to come to rest while {stop:?} is held"), || {
        let rests = match stop.who {
            Who::Seized => proc::children(running.pid()).into_iter().all(asleep),
            // While a child has its memory, onset waits for the child's execve, and for nothing else.
            Who::Child if proc::state(running.pid()) == Some('D') => true,
            Who::Child => proc::signal_set(running.pid(), "ShdPnd")? & signals == 0 && asleep(running.pid()),
        };
        rests.then_some(())
    });
}

both_modes!(term_at_any_call_of_onset_ends_main, |mode| term_at_every_stop_of(mode, Who::Seized, 20));
both_modes!(term_at_any_call_of_the_child_ends_main, |mode| term_at_every_stop_of(mode, Who::Child, 6));

fn term_at_every_stop_of(mode: Mode, who: Who, least: usize) {
    for options in [&[][..], &["--group"]] {
        let make = || Init::new(mode).options(options).probe(["sleep"]);
        let stops = at_every_stop(who, make, |running, tracer, stop| {
            running.kill(libc::SIGTERM);
            let_the_other_run(&running, stop, sys::set_of([libc::SIGTERM]));
            tracer.release();
            let finished = running.finish();
            assert_eq!(finished.status.code(), Some(143), "{stop:?}\n{}", finished.story());
            assert_eq!(finished.event("main_ended")["signal"], "SIGTERM", "{stop:?}\n{}", finished.story());
        });
        assert!(stops >= least, "only {stops} stops");
    }
}

both_modes!(queued_signals_at_any_call_of_onset_reach_main, |mode| queued_at_every_stop_of(mode, Who::Seized));
both_modes!(queued_signals_at_any_call_of_the_child_reach_main, |mode| queued_at_every_stop_of(mode, Who::Child));

/// Blocked from the start on, signals wait for whoever reads them: none may be gone when main begins to.
fn queued_at_every_stop_of(mode: Mode, who: Who) {
    let blocked = [libc::SIGUSR1, libc::SIGCONT, 40];
    let make = || Init::new(mode).blocked(blocked).probe(["signals", "--until", "9", "--count", "4"]);
    at_every_stop(who, make, |running, tracer, stop| {
        running.kill(libc::SIGUSR1);
        running.kill(libc::SIGCONT);
        running.sigqueue(40, 1);
        running.sigqueue(40, 2);
        let_the_other_run(&running, stop, sys::set_of(blocked));
        tracer.release();
        let finished = running.finish();
        let outputs = finished.stdout();
        let lines = outputs.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let mut arrived: Vec<_> = lines.map(|line| (line["signo"].clone(), line["value"].clone())).collect();
        // kill(2) carries no value; what is in its place means nothing.
        arrived.iter_mut().filter(|(signal, _)| signal != 40).for_each(|(_, value)| *value = 0.into());
        arrived.sort_by_key(|(signal, _)| signal.as_i64());
        let sent = [(libc::SIGUSR1, 0), (libc::SIGCONT, 0), (40, 1), (40, 2)].map(|(s, v)| (s.into(), v.into()));
        assert_eq!(arrived, sent, "{stop:?}\n{}", finished.story());
    });
}

/// With a configuration there are many calls, and one in so many does as well: each time it is another.
const STEP: usize = 7;

both_modes!(what_is_dropped_or_rewritten_is_so_at_any_call_of_the_child, |mode| {
    // Blocked from the start on, they wait for whoever reads them.
    let blocked = [libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2, 40];
    let policy = "[signals]\nHUP = 'drop'\nUSR2 = 'USR1'";
    let (folder, words) = (Folder::new(), ["signals", "--until", "9", "--count", "2"]);
    let make = || with_policy(mode, &folder, policy, &words).blocked(blocked);
    let stops = at_stops(Who::Child, STEP, make, |running, tracer, stop| {
        for signal in [libc::SIGHUP, libc::SIGUSR2, 40] {
            running.kill(signal);
        }
        tracer.release();
        let finished = running.finish();
        assert_eq!(finished.code(), 0, "{stop:?}\n{}", finished.story());
        let lines = finished.stdout();
        let heard = lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let mut heard: Vec<_> = heard.filter_map(|line| line["signo"].as_i64()).collect();
        heard.sort_unstable();
        assert_eq!(heard, [10, 40], "{stop:?}\n{}", finished.story());
    });
    assert!(stops >= 60, "only {stops} stops");
});

both_modes!(a_stop_signal_ends_a_start_that_hangs_reading_what_it_needs, |mode| {
    let folder = Folder::new();
    let pipe = named_pipe(&folder);
    // Somebody who writes nothing.
    let _writer = writer(&pipe);
    let policy = "[env.SECRET]\nfile = true\n[shutdown]\ngrace = '1h'";
    let pointer = format!("SECRET_FILE={}", pipe.display());
    let init = with_policy(mode, &folder, policy, &["exit", "0"]).add_env(pointer).start();
    init.until("it waits", || (proc::state(init.main_pid())? == 'S').then_some(()));
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    assert_eq!(finished.code(), 143, "{}", finished.story());
    assert_eq!(finished.event("start_failed")["level"], "info", "{}", finished.story());
});

fn named_pipe(folder: &Folder) -> PathBuf {
    let path = folder.join("pipe");
    let name = std::ffi::CString::new(path.to_str().expect("UTF-8")).expect("a path");
    syscall!(SYS_mknodat, libc::AT_FDCWD, name.as_ptr(), libc::S_IFIFO | 0o600, 0).expect("a named pipe");
    path
}

fn writer(pipe: &Path) -> File {
    File::options().read(true).write(true).open(pipe).expect("a named pipe")
}

// The end of the pipe by which the preparation speaks to onset is in a process that is about to become a program.
both_modes!(a_preparation_that_dies_leaves_onset_waiting_for_nobody, |mode| {
    let folder = Folder::new();
    let pipe = named_pipe(&folder);
    let step = format!("[[steps]]\nrun = {{ command = [{:?}, 'exit', '0'], stdin_file = {pipe:?} }}", probe());
    let init = with_policy(mode, &folder, &step, &["exit", "0"]).start();
    init.until("the new process", || (proc::descendants(init.pid()).len() == 2).then_some(()));
    sys::kill(init.main_pid(), libc::SIGKILL).expect("the preparation");
    assert_eq!(init.wait().code(), Some(137));
    // Not PID 1, that process is still there.
    let _writer = writer(&pipe);
    let cause = "the preparation was killed by signal SIGKILL during step 1 (run)";
    assert_eq!(init.finish().event("start_failed")["message"], cause);
});

both_modes!(under_a_policy_term_at_any_call_of_onset_ends_main, |mode| term_under_a_policy(mode, Who::Seized));
both_modes!(under_a_policy_term_at_any_call_of_the_child_ends_main, |mode| term_under_a_policy(mode, Who::Child));

fn term_under_a_policy(mode: Mode, who: Who) {
    // No way to end but by the signal: SIGQUIT, or SIGTERM where it came in before there was an application.
    let policy = "[shutdown]\nsignal = 'QUIT'\ngrace = '1h'\nlinger = '1h'\n[[steps]]\nset = { A = 'b' }";
    let folder = Folder::new();
    let make = || with_policy(mode, &folder, policy, &["sleep"]).limit(libc::RLIMIT_CORE, 0, 0);
    let stops = at_stops(who, STEP, make, |running, tracer, stop| {
        running.kill(libc::SIGTERM);
        // onset takes nothing while its child is held that has yet to say what becomes of it.
        if stop.who == Who::Seized {
            let_the_other_run(&running, stop, 0);
        }
        tracer.release();
        let finished = running.finish();
        let code = finished.status.code();
        assert!([Some(131), Some(143)].contains(&code), "{code:?} {stop:?}\n{}", finished.story());
    });
    assert!(stops >= 50, "only {stops} stops");
}

both_modes!(with_exec_blocked_signals_at_any_call_wait_for_the_application, |mode| {
    let blocked = [libc::SIGTERM, libc::SIGUSR1, 40];
    let make =
        || Init::new(mode).blocked(blocked).options(["--exec"]).probe(["signals", "--until", "9", "--count", "4"]);
    let stops = at_every_stop(Who::Seized, make, |running, tracer, stop| {
        running.kill(libc::SIGTERM);
        running.kill(libc::SIGUSR1);
        running.sigqueue(40, 1);
        running.sigqueue(40, 2);
        tracer.release();
        let finished = running.finish();
        assert_eq!(finished.status.code(), Some(0), "{stop:?}\n{}", finished.story());
    });
    assert!(stops >= 6, "only {stops} stops");
});

#[test]
fn with_exec_term_at_any_call_ends_it_as_it_would_end_the_application() {
    // As PID 1 the application would not even notice.
    run(Mode::SubReaper, |mode| {
        let make = || Init::new(mode).options(["--exec"]).probe(["sleep"]);
        at_every_stop(Who::Seized, make, |running, tracer, stop| {
            running.kill(libc::SIGTERM);
            tracer.release();
            assert_eq!(running.wait().signal(), Some(libc::SIGTERM), "{stop:?}");
        });
    });
}

both_modes!(the_first_system_call_blocks_every_signal, |mode| {
    let (running, tracer) = traced(Init::new(mode).probe(["sleep"]), |stop| {
        stop.who == Who::Seized && stop.edge == Edge::Exit && stop.call == libc::SYS_rt_sigprocmask
    });
    let mut before = Vec::new();
    let first = loop {
        match tracer.next(LIMIT).unwrap_or_else(|| running.fail("nothing is blocked")) {
            Event::Passed(stop) if stop.edge == Edge::Entry => before.push(stop.call),
            Event::Passed(_) => {}
            Event::Held(stop) => break stop,
            event => running.fail(&format!("{event:?}")),
        }
    };
    assert_eq!(before.pop(), Some(libc::SYS_rt_sigprocmask));
    if is_static() {
        assert!(before.is_empty(), "system calls before the first rt_sigprocmask: {before:?}");
    }
    // A dynamic loader comes before us. libc does not: its system calls would be made in libc.
    let maker = mapped_at(running.pid(), first.instruction);
    assert_eq!(maker, init::onset().to_str().expect("UTF-8"));
    let blockable = !sys::set_of([libc::SIGKILL, libc::SIGSTOP]);
    assert_eq!(proc::signal_set(running.pid(), "SigBlk"), Some(blockable));
    tracer.release();
});

/// The file that is mapped at this address.
fn mapped_at(pid: i32, address: u64) -> String {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("it is held");
    let holds = |line: &&str| {
        let (start, rest) = line.split_once('-').expect("a range");
        let (end, _) = rest.split_once(' ').expect("permissions");
        let number = |word| u64::from_str_radix(word, 16).expect("an address");
        (number(start)..number(end)).contains(&address)
    };
    let line = maps.lines().find(holds).unwrap_or_else(|| panic!("{address:x} is not in {maps}"));
    line.split_whitespace().last().unwrap_or_default().to_owned()
}

/// A dynamic program names its loader near its start.
fn is_static() -> bool {
    let program = std::fs::read(init::onset()).expect("onset");
    let start = &program[..program.len().min(4096)];
    !start.windows(4).any(|window| window == b"/ld-")
}
