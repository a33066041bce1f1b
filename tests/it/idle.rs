//! Idle means idle: no timer, no wake-up, no thread.

use std::time::Duration;

use crate::both_modes;
use crate::shutdown::with_policy;
use crate::support::ptrace::{Event, Tracer};
use crate::support::{Folder, Init, Running, proc};

const WHILE: Duration = Duration::from_secs(10);

both_modes!(pid_1_makes_no_system_call_for_10_seconds, |mode| {
    let fresh = Init::new(mode).probe(["sleep"]).start();
    fresh.wait_for_ready();

    let used = Init::new(mode).debug().options(["--group"]).probe(["orphans", "100", "--live"]).start();
    used.wait_for_ready();
    used.kill(libc::SIGUSR1);
    used.wait_for_text("told");
    used.until("main being the only child", || (proc::children(used.pid()) == [used.main_pid()]).then_some(()));

    // A policy has times, but none before there is a stop signal.
    let folder = Folder::new();
    let policy = "start_timeout = '1h'\n[shutdown]\ndrain = '1s'\ngrace = '1s'\nlinger = '1s'";
    let configured = with_policy(mode, &folder, policy, &["sleep"]).start();
    configured.wait_for_ready();

    let traced: Vec<_> = [&fresh, &used, &configured].into_iter().map(|init| (init, settled(init))).collect();
    let before: Vec<_> = traced.iter().map(|(init, _)| switches(init)).collect();
    let mut wait = WHILE;
    for (init, tracer) in &traced {
        assert_eq!(tracer.next(wait), None, "{}", init.story());
        // The first wait was the others' too; what they have done is there already.
        wait = Duration::ZERO;
    }
    for ((init, _), before) in traced.iter().zip(before) {
        assert_eq!(switches(init), before, "context switches, voluntary and not");
        assert_eq!(proc::status(init.pid(), "Threads").as_deref(), Some("1"));
    }
});

/// Traced, and blocked in its read again after that interruption.
fn settled(init: &Running) -> Tracer {
    init.until("onset at rest", || proc::is_idle(init.pid()).then_some(()));
    let tracer = Tracer::attach(init.pid());
    assert_eq!(tracer.outcome(), Event::Settled);
    tracer
}

fn switches(init: &Running) -> [Option<String>; 2] {
    ["voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"].map(|field| proc::status(init.pid(), field))
}
