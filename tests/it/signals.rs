//! Every signal that can be caught arrives at the main process, as it was sent, and onset says from whom it came.

use serde_json::{Value, json};

use crate::support::mode::is_root_or_skip;
use crate::support::{Init, Mode, Running, proc, run, sys};
use crate::{both_modes, syscall};

/// capabilities(7)
const CAP_KILL: i32 = 5;

/// All that can be caught but SIGCHLD, which is between onset and the kernel.
fn forwarded() -> impl Iterator<Item = i32> {
    (1..=64).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP, libc::SIGCHLD].contains(signal))
}

both_modes!(every_signal_arrives, |mode| {
    let count = forwarded().count();
    assert_eq!(count, 61);
    let init = Init::new(mode).debug().probe(["signals", "--until", "9", "--count", &count.to_string()]).start();
    init.wait_for_ready();
    for signal in forwarded() {
        init.kill(signal);
        let arrived = init.wait_for_output(&format!("signal {signal}"), |line| line["signo"] == signal);
        assert_eq!(arrived["code"], libc::SI_USER, "{arrived}");
        let report = init.wait_for_event_where("signal_forwarded", |event| event["signal_number"] == signal);
        assert_eq!([&report["code"], &report["target"]], ["SI_USER", "main"], "{report}");
        assert_eq!(report["sender_pid"], sender_pid(mode), "{report}");
        assert_eq!(report["sender_uid"], sender_uid(mode), "{report}");
        let stops = [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT].contains(&signal);
        assert_eq!(report["level"], if stops { "info" } else { "debug" }, "{report}");
    }
    assert_eq!(init.outputs().len(), count, "each arrives once\n{}", init.story());
    assert_eq!(init.finish().code(), 0);
});

both_modes!(every_queued_signal_arrives_with_its_value_and_its_sender, |mode| {
    let count = forwarded().count().to_string();
    let init = Init::new(mode).debug().probe(["signals", "--until", "9", "--count", &count]).start();
    init.wait_for_ready();
    for signal in forwarded() {
        init.sigqueue(signal, 1000 + signal);
        let arrived = init.wait_for_output(&format!("signal {signal}"), |line| line["signo"] == signal);
        let sent = json!({
            "signo": signal, "code": libc::SI_QUEUE, "value": 1000 + signal,
            "pid": sender_pid(mode), "uid": sender_uid(mode),
        });
        assert_eq!(arrived, sent);
        let report = init.wait_for_event_where("signal_forwarded", |event| event["signal_number"] == signal);
        assert_eq!(report["code"], "SI_QUEUE", "{report}");
    }
    assert_eq!(init.finish().code(), 0);
});

both_modes!(the_sender_inside_the_container_is_named_as_the_application_knows_it, |mode| {
    let init = Init::new(mode).debug().probe(["tell", "40", "-7"]).start();
    let arrived = init.wait_for_output("signal 40", |line| line["signo"] == 40);
    let [main, value] = [&arrived["self"], &arrived["value"]];
    assert_eq!((&arrived["code"], &arrived["pid"], value), (&json!(libc::SI_QUEUE), main, &json!(-7)), "{arrived}");
    let report = init.wait_for_event("signal_forwarded");
    assert_eq!([&report["sender_pid"], &report["signal"]], [main, &json!("40")], "{report}");
});

both_modes!(a_signal_to_the_thread_arrives, |mode| {
    let init = Init::new(mode).debug().probe(["signals"]).start();
    init.wait_for_ready();
    syscall!(SYS_tgkill, init.pid(), init.pid(), libc::SIGUSR2).expect("onset lives");
    init.wait_for_output("SIGUSR2", |line| line["signo"] == libc::SIGUSR2);
    assert_eq!(init.wait_for_event("signal_forwarded")["code"], "SI_TKILL");
});

both_modes!(signals_are_named_as_signal_7_names_them, |mode| {
    let names = [(1, "SIGHUP"), (15, "SIGTERM"), (16, "SIGSTKFLT"), (28, "SIGWINCH"), (29, "SIGIO"), (30, "SIGPWR")];
    let init = Init::new(mode).debug().probe(["signals", "--until", "9"]).start();
    init.wait_for_ready();
    for (signal, name) in names.into_iter().chain([(31, "SIGSYS"), (32, "32"), (34, "34"), (64, "64")]) {
        init.kill(signal);
        let report = init.wait_for_event_where("signal_forwarded", |event| event["signal_number"] == signal);
        assert_eq!(report["signal"], name);
    }
});

both_modes!(a_thousand_queued_signals_arrive_in_order_while_main_reads, |mode| {
    let init = Init::new(mode).probe(["signals", "--count", "1000"]).start();
    init.wait_for_ready();
    let sent = send_a_thousand(&init);
    check_order(init, &sent);
});

both_modes!(a_thousand_queued_signals_arrive_in_order_when_main_reads_late, |mode| {
    // One more: the SIGCONT that lets it go on.
    let init = Init::new(mode).debug().probe(["signals", "--count", "1001"]).start();
    init.wait_for_ready();
    let main = init.main_pid();
    sys::kill(main, libc::SIGSTOP).expect("main lives");
    init.wait_for_event("main_stopped");
    let sent = send_a_thousand(&init);
    // They wait in main, not in onset.
    init.until("an empty queue", || (proc::signal_set(init.pid(), "ShdPnd")? == 0).then_some(()));
    assert_eq!(proc::signal_set(main, "ShdPnd"), Some(sys::set_of(QUEUED)));
    assert!(init.outputs().is_empty());
    sys::kill(main, libc::SIGCONT).expect("main lives");
    check_order(init, &sent);
});

both_modes!(a_thousand_queued_signals_arrive_in_order_when_onset_reads_late, |mode| {
    let init = Init::new(mode).probe(["signals", "--count", "1001"]).start();
    init.wait_for_ready();
    init.kill(libc::SIGSTOP);
    init.until("onset to stop", || (proc::state(init.pid()) == Some('T')).then_some(()));
    let sent = send_a_thousand(&init);
    init.kill(libc::SIGCONT);
    check_order(init, &sent);
});

both_modes!(signals_that_come_together_all_arrive, |mode| {
    let together = [libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2, libc::SIGWINCH, libc::SIGTERM];
    let init = Init::new(mode).probe(["signals", "--until", "9", "--count", "6"]).start();
    init.wait_for_ready();
    init.kill(libc::SIGSTOP);
    init.until("onset to stop", || (proc::state(init.pid()) == Some('T')).then_some(()));
    for signal in together {
        init.kill(signal);
    }
    init.kill(libc::SIGCONT);
    for signal in together.into_iter().chain([libc::SIGCONT]) {
        init.wait_for_output(&format!("signal {signal}"), |line| line["signo"] == signal);
    }
    assert_eq!(init.finish().code(), 0);
});

both_modes!(sigchld_is_never_forwarded, |mode| {
    let init = Init::new(mode).debug().probe(["signals"]).start();
    init.wait_for_ready();
    init.kill(libc::SIGCHLD);
    init.sigqueue(libc::SIGCHLD, 5);
    // The kernel delivers lower numbers first, so SIGCHLD would be here before 40.
    init.kill(40);
    init.wait_for_output("signal 40", |line| line["signo"] == 40);
    assert_eq!(init.outputs().len(), 1, "{}", init.story());
    assert_eq!(init.wait_for_event("signal_forwarded")["signal"], "40");
});

both_modes!(a_signal_ignored_at_start_is_forwarded_like_any_other, |mode| {
    let ignored = [libc::SIGHUP, libc::SIGTERM, libc::SIGPIPE, 40];
    let init = Init::new(mode).ignored(ignored).probe(["signals", "--until", "9", "--count", "4"]).start();
    init.wait_for_ready();
    for signal in ignored {
        init.kill(signal);
        init.wait_for_output(&format!("signal {signal}"), |line| line["signo"] == signal);
    }
    assert_eq!(init.finish().code(), 0);
});

both_modes!(the_second_and_the_third_stop_signal_are_forwarded_too, |mode| {
    let init = Init::new(mode).probe(["signals", "--until", "9", "--count", "3"]).start();
    init.wait_for_ready();
    for nth in 1..=2 {
        init.kill(libc::SIGTERM);
        init.until("SIGTERM at main", || (init.outputs().len() == nth).then_some(()));
    }
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    let forwarded = finished.events().iter().filter(|event| event["event"] == "signal_forwarded").count();
    assert_eq!((finished.code(), forwarded), (0, 3), "{}", finished.story());
});

both_modes!(by_default_only_main_gets_it, |mode| {
    let init = Init::new(mode).probe(["family"]).start();
    init.wait_for_ready();
    init.kill(libc::SIGUSR1);
    init.sigqueue(40, 1);
    init.wait_for_output("signal 40 of main", |line| line["signo"] == 40);
    let child = proc::children(init.main_pid())[0];
    assert_eq!(proc::signal_set(child, "ShdPnd"), Some(0));
    assert!(init.outputs().iter().all(|line| line["who"] == "main"), "{}", init.story());
});

both_modes!(with_group_everybody_in_mains_group_gets_it, |mode| {
    let init = Init::new(mode).debug().options(["--group"]).probe(["family"]).start();
    init.wait_for_ready();
    for signal in [libc::SIGUSR1, libc::SIGTSTP, 40] {
        init.kill(signal);
        for who in ["main", "child"] {
            init.wait_for_output(&format!("{signal} of {who}"), |line| line["signo"] == signal && line["who"] == who);
        }
        let report = init.wait_for_event_where("signal_forwarded", |event| event["signal_number"] == signal);
        assert_eq!(report["target"], "group", "{report}");
    }
    // What main ends by may come before its child has said anything.
    init.kill(libc::SIGTERM);
    assert_eq!(init.wait().code(), Some(0));
});

both_modes!(with_group_the_values_of_queued_signals_come_along_from_linux_6_9_on, |mode| {
    let init = Init::new(mode).options(["--group"]).probe(["family"]).start();
    init.wait_for_ready();
    // Before, nothing can queue to a group: the signals come, without their values.
    let with_value = linux_is_at_least(6, 9);
    for value in 1..=20 {
        init.sigqueue(40, value);
    }
    for who in ["main", "child"] {
        let arrived = init.until(&format!("20 signals of {who}"), || {
            let lines: Vec<_> = init.outputs().into_iter().filter(|line| line["who"] == who).collect();
            (lines.len() == 20).then_some(lines)
        });
        for (line, value) in arrived.iter().zip(1..) {
            if with_value {
                let sent = json!([libc::SI_QUEUE, sender_pid(mode), value]);
                assert_eq!(json!([line["code"], line["pid"], line["value"]]), sent, "{line}");
            }
        }
    }
});

both_modes!(with_group_a_main_that_left_its_group_still_gets_it, |mode| {
    let init = Init::new(mode).options(["--group"]).probe(["family", "--leave"]).start();
    init.wait_for_ready();
    init.kill(libc::SIGUSR1);
    init.wait_for_output("SIGUSR1 of main", |line| line["signo"] == libc::SIGUSR1 && line["who"] == "main");
    init.sigqueue(40, 9);
    let queued = init.wait_for_output("40 of main", |line| line["signo"] == 40 && line["who"] == "main");
    assert_eq!(queued["value"], 9, "{queued}");
});

both_modes!(a_main_that_may_not_be_signalled_is_reported, |mode| {
    if !is_root_or_skip() {
        return;
    }
    let without_cap_kill = || syscall!(SYS_prctl, libc::PR_CAPBSET_DROP, CAP_KILL, 0, 0, 0).map(drop);
    for options in [&[][..], &["--group"]] {
        let init = Init::new(mode).hook(without_cap_kill).options(options).probe(["as-user", "65534"]).start();
        init.wait_for_ready();
        init.kill(libc::SIGTERM);
        let report = init.wait_for_event("signal_not_forwarded");
        assert_eq!([&report["level"], &report["signal"]], ["warn", "SIGTERM"], "{report}");
        assert_eq!(report["signal_number"], libc::SIGTERM, "{report}");
        assert_eq!(report["target"], if options.is_empty() { "main" } else { "group" }, "{report}");
        assert!(report["error"].as_str().is_some_and(|error| error.contains("EPERM")), "{report}");
        init.sigqueue(40, 1);
        init.wait_for_event_where("signal_not_forwarded", |event| event["signal"] == "40");
        assert!(init.is_alive());
        assert!(init.outputs().is_empty());
    }
});

#[test]
fn outside_a_namespace_the_sender_is_the_test_itself() {
    // What `sender_pid` expects of the kernel, so that the other tests mean something.
    run(Mode::SubReaper, |mode| {
        let init = Init::bare(mode, crate::support::probe()).args(["signals"]).start();
        init.wait_for_ready();
        init.sigqueue(40, 3);
        let arrived = init.wait_for_output("signal 40", |line| line["signo"] == 40);
        assert_eq!(arrived["pid"], sender_pid(mode));
    });
}

const QUEUED: [i32; 4] = [34, 64, 40, 51];

/// Values count up over all signals.
fn send_a_thousand(init: &Running) -> Vec<(i32, i32)> {
    let sent: Vec<_> = QUEUED.into_iter().cycle().zip(0..1000).collect();
    for &(signal, value) in &sent {
        init.sigqueue(signal, value);
    }
    sent
}

/// Signals of one number keep their order; between numbers the kernel delivers the lowest first (signal(7)).
fn check_order(init: Running, sent: &[(i32, i32)]) {
    let finished = init.finish();
    let arrived: Vec<Value> = finished.stdout().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for signal in QUEUED {
        let sent: Vec<_> = sent.iter().filter(|(number, _)| *number == signal).map(|(_, value)| json!(value)).collect();
        let arrived = arrived.iter().filter(|line| line["signo"] == signal);
        let arrived: Vec<_> = arrived.map(|line| line["value"].clone()).collect();
        assert_eq!(arrived, sent, "signal {signal}");
    }
    assert_eq!(finished.code(), 0);
}

/// What the main process sees of a sender that is the test: outside its PID namespace there is no number for it.
fn sender_pid(mode: Mode) -> i32 {
    match mode {
        Mode::Pid1 => 0,
        Mode::SubReaper => i32::try_from(std::process::id()).expect("a pid"),
    }
}

/// In a user namespace the test's user is root.
fn sender_uid(mode: Mode) -> u32 {
    match mode {
        Mode::Pid1 => 0,
        Mode::SubReaper => sys::effective_uid(),
    }
}

fn linux_is_at_least(major: u32, minor: u32) -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("/proc");
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|word| word.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(major), Some(minor))
}
