//! The exit status says how the main process ended, and so does its `main_ended` event.

use serde_json::{Value, json};

use crate::both_modes;
use crate::support::{Finished, Folder, Init, Mode, Running, probe};

/// The default action of these is to stop, to go on, or nothing (signal(7)).
const HARMLESS: [i32; 8] = [
    libc::SIGCHLD,
    libc::SIGURG,
    libc::SIGWINCH,
    libc::SIGCONT,
    libc::SIGSTOP,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
];

/// The default action of these is a core dump.
const DUMPING: [(i32, &str); 10] = [
    (libc::SIGQUIT, "SIGQUIT"),
    (libc::SIGILL, "SIGILL"),
    (libc::SIGTRAP, "SIGTRAP"),
    (libc::SIGABRT, "SIGABRT"),
    (libc::SIGBUS, "SIGBUS"),
    (libc::SIGFPE, "SIGFPE"),
    (libc::SIGSEGV, "SIGSEGV"),
    (libc::SIGXCPU, "SIGXCPU"),
    (libc::SIGXFSZ, "SIGXFSZ"),
    (libc::SIGSYS, "SIGSYS"),
];

/// As the kernel writes them (signal(7)); those from 32 on are numbers, which libraries name differently.
const NAMES: &str = "SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE \
                     SIGALRM SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ \
                     SIGVTALRM SIGPROF SIGWINCH SIGIO SIGPWR SIGSYS";

both_modes!(every_exit_code_is_passed_on, |mode| {
    let codes: Vec<i32> = (0..=255).collect();
    in_batches(
        &codes,
        |code| Init::new(mode).probe(["exit", &code.to_string()]).start(),
        |code, finished| {
            let ended = finished.event("main_ended");
            assert_eq!(finished.code(), code, "{}", finished.story());
            assert_eq!(ended["status"], code, "{ended}");
            assert_eq!(ended["exit_code"], code, "{ended}");
            assert_eq!(ended["level"], if code == 0 { "info" } else { "error" }, "{ended}");
            assert_eq!(ended["message"], format!("main process exited with status {code}"), "{ended}");
            assert_eq!(
                [&ended["signal"], &ended["signal_number"], &ended["core_dumped"]],
                [&Value::Null; 3],
                "{ended}"
            );
        },
    );
});

both_modes!(death_by_every_signal_that_can_kill_is_128_and_its_number, |mode| {
    let signals: Vec<i32> = (1..=64).filter(|signal| !HARMLESS.contains(signal)).collect();
    assert_eq!(signals.len(), 56);
    in_batches(
        &signals,
        |signal| Init::new(mode).probe(["die", &signal.to_string()]).start(),
        |signal, finished| {
            let ended = finished.event("main_ended");
            assert_eq!(finished.code(), 128 + signal, "{}", finished.story());
            assert_eq!(ended["status"], 128 + signal, "{ended}");
            assert_eq!(ended["signal"], name(signal), "{ended}");
            assert_eq!(ended["signal_number"], signal, "{ended}");
            assert_eq!(ended["core_dumped"], false, "{ended}");
            assert_eq!(ended["level"], "error", "{ended}");
            assert_eq!(ended["message"], format!("main process was killed by signal {}", name(signal)), "{ended}");
            assert_eq!(ended["exit_code"], Value::Null, "{ended}");
        },
    );
});

both_modes!(a_core_dump_changes_the_report_and_not_the_status, |mode| {
    for (signal, name) in DUMPING {
        let folder = Folder::new();
        let unlimited = |init: Init| init.cwd(folder.path()).limit(libc::RLIMIT_CORE, u64::MAX, u64::MAX);
        let args = ["die", &signal.to_string(), "--core"];
        // Whether the kernel writes one here depends on kernel.core_pattern: the same without onset says so.
        let bare = unlimited(Init::bare(Mode::SubReaper, probe())).args(args).start().wait();
        let dumped = std::os::unix::process::ExitStatusExt::core_dumped(&bare);

        let finished = unlimited(Init::new(mode)).probe(args).start().finish();
        let ended = finished.event("main_ended");
        assert_eq!(finished.code(), 128 + signal, "{}", finished.story());
        assert_eq!(ended["core_dumped"], dumped, "{ended}");
        assert_eq!(ended["signal"], name, "{ended}");
        let and = if dumped { " and dumped core" } else { "" };
        assert_eq!(ended["message"], format!("main process was killed by signal {name}{and}"), "{ended}");
    }
});

both_modes!(death_by_the_stop_signal_that_was_forwarded_is_no_error, |mode| {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT] {
        let init = Init::new(mode).probe(["sleep"]).start();
        init.wait_for_ready();
        init.kill(signal);
        let finished = init.finish();
        assert_eq!(finished.code(), 128 + signal, "{}", finished.story());
        assert_eq!(finished.event("main_ended")["level"], "info", "{}", finished.story());
    }
});

both_modes!(exit_with_the_status_of_the_forwarded_stop_signal_is_no_error, |mode| {
    let init = Init::new(mode).probe(["signals", "--exit", "143"]).start();
    init.wait_for_ready();
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    assert_eq!(finished.code(), 143, "{}", finished.story());
    assert_eq!(finished.event("main_ended")["level"], "info", "{}", finished.story());
});

both_modes!(each_stop_signal_that_was_forwarded_excuses_its_status, |mode| {
    for status in [143, 130] {
        let init = Init::new(mode).probe(["signals", "--until", "2", "--exit", &status.to_string()]).start();
        init.wait_for_ready();
        init.kill(libc::SIGTERM);
        init.wait_for_output("SIGTERM", |signal| signal["signo"] == libc::SIGTERM);
        init.kill(libc::SIGINT);
        let finished = init.finish();
        assert_eq!(finished.code(), status, "{}", finished.story());
        assert_eq!(finished.event("main_ended")["level"], "info", "{}", finished.story());
    }
});

both_modes!(any_other_end_after_a_stop_signal_is_an_error, |mode| {
    for (signal, status) in [(libc::SIGTERM, 1), (libc::SIGTERM, 130), (libc::SIGINT, 143)] {
        let until = signal.to_string();
        let init = Init::new(mode).probe(["signals", "--until", &until, "--exit", &status.to_string()]).start();
        init.wait_for_ready();
        init.kill(signal);
        let finished = init.finish();
        assert_eq!(finished.code(), status, "{}", finished.story());
        assert_eq!(finished.event("main_ended")["level"], "error", "{}", finished.story());
    }
});

both_modes!(death_by_a_forwarded_signal_that_is_no_stop_signal_is_an_error, |mode| {
    let init = Init::new(mode).probe(["sleep"]).start();
    init.wait_for_ready();
    init.kill(libc::SIGUSR1);
    let finished = init.finish();
    assert_eq!(finished.code(), 138, "{}", finished.story());
    assert_eq!(finished.event("main_ended")["level"], "error", "{}", finished.story());
});

both_modes!(sigkill_from_outside_stays_137, |mode| {
    let init = Init::new(mode).probe(["sleep"]).start();
    init.wait_for_ready();
    crate::support::sys::kill(init.main_pid(), libc::SIGKILL).expect("the main process");
    let finished = init.finish();
    assert_eq!(finished.code(), 137, "{}", finished.story());
    let ended = finished.event("main_ended");
    assert_eq!(json!([ended["signal"], ended["level"]]), json!(["SIGKILL", "error"]));
});

/// Starts sixteen at a time, and looks at how each ended.
fn in_batches(numbers: &[i32], start: impl Fn(i32) -> Running, check: impl Fn(i32, Finished)) {
    for batch in numbers.chunks(16) {
        let running: Vec<_> = batch.iter().map(|&number| (number, start(number))).collect();
        for (number, init) in running {
            check(number, init.finish());
        }
    }
}

fn name(signal: i32) -> String {
    let index = usize::try_from(signal - 1).expect("a signal");
    NAMES.split_whitespace().nth(index).map_or_else(|| signal.to_string(), ToString::to_string)
}
