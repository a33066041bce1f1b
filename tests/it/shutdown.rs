//! Stopping well: what a shutdown policy promises, seen from outside. Each in its times is the state machine's own matter
//! (src/supervise/state/); here is that PID 1 does what it says.

use std::time::{Duration, Instant};

use crate::support::mode::is_root_or_skip;
use crate::support::{Finished, Folder, Init, Mode, Running, probe, proc, run, sys, until};
use crate::{both_modes, syscall};

/// onset with this configuration, kept in the folder, and the probe as its application.
pub fn with_policy(mode: Mode, folder: &Folder, policy: &str, probe_words: &[&str]) -> Init {
    let command: Vec<String> =
        std::iter::once(probe().display().to_string()).chain(probe_words.iter().map(|&word| word.to_owned())).collect();
    let text = format!("version = 1\n[app]\ncommand = {command:?}\n{policy}\n");
    let config = folder.file("onset.toml", text, 0o644);
    Init::new(mode).debug().options(["--config".as_ref(), config.as_os_str()])
}

/// The same, started, and the application ready.
fn started(mode: Mode, policy: &str, probe_words: &[&str]) -> (Running, Folder) {
    let folder = Folder::new();
    let init = with_policy(mode, &folder, policy, probe_words).start();
    init.wait_for_ready();
    init.wait_for_event("main_started");
    (init, folder)
}

/// The signals that the probe has printed, in order.
fn heard(finished: &Finished) -> Vec<i64> {
    let lines = finished.stdout();
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines.filter_map(|line| line["signo"].as_i64()).collect()
}

pub fn wait_for_name(init: &Running, name: &str) {
    init.until(&format!("onset called {name}"), || (proc::comm(init.pid())? == name).then_some(()));
}

both_modes!(the_application_is_asked_to_end_when_the_drain_is_over, |mode| {
    let policy = "[shutdown]\ndrain = '300ms'\nsignal = 'SIGQUIT'\ngrace = '1h'";
    let (init, _folder) = started(mode, policy, &["signals", "--until", "3", "--exit", "7"]);
    wait_for_name(&init, "onset:run");
    let asked = Instant::now();
    init.kill(libc::SIGTERM);
    wait_for_name(&init, "onset:drain");
    let draining = init.wait_for_event("draining");
    assert_eq!((&draining["signal"], &draining["drain_ms"]), (&"SIGTERM".into(), &300.into()), "{draining}");
    assert_eq!(draining["code"], "SI_USER", "{draining}");
    // What else comes in is forwarded meanwhile.
    init.kill(libc::SIGHUP);
    init.wait_for_output("SIGHUP", |line| line["signo"] == libc::SIGHUP);
    let sent = init.wait_for_event("stop_signal_sent");
    assert!(asked.elapsed() >= Duration::from_millis(300), "too early");
    assert_eq!((&sent["signal"], &sent["grace_ms"]), (&"SIGQUIT".into(), &3_600_000.into()), "{sent}");
    let finished = init.finish();
    assert_eq!((finished.code(), heard(&finished)), (7, vec![1, 3]), "{}", finished.story());
});

both_modes!(a_second_stop_signal_ends_the_drain, |mode| {
    let policy = "[shutdown]\ndrain = '1h'\nsignal = 'USR1'";
    let (init, _folder) = started(mode, policy, &["signals", "--until", "10"]);
    init.kill(libc::SIGTERM);
    init.wait_for_event("draining");
    init.kill(libc::SIGINT);
    let finished = init.finish();
    assert_eq!((finished.code(), heard(&finished)), (0, vec![10]), "{}", finished.story());
    let forwarded = finished.event("signal_forwarded");
    assert_eq!((&forwarded["signal"], &forwarded["sent"]), (&"SIGINT".into(), &"SIGUSR1".into()), "{forwarded}");
});

both_modes!(who_does_not_end_in_its_time_is_killed, |mode| {
    let (init, _folder) = started(mode, "[shutdown]\ngrace = '200ms'", &["ignore-term"]);
    let asked = Instant::now();
    init.kill(libc::SIGTERM);
    wait_for_name(&init, "onset:stop");
    let finished = init.finish();
    assert!(asked.elapsed() >= Duration::from_millis(200), "too early");
    assert_eq!(finished.code(), 137, "{}", finished.story());
    assert_eq!(finished.event("main_killed")["target"], "main");
    let ended = finished.event("main_ended");
    assert_eq!((&ended["level"], &ended["signal"]), (&"error".into(), &"SIGKILL".into()), "{ended}");
});

both_modes!(a_ladder_is_climbed_rung_by_rung, |mode| {
    let policy = "[shutdown]\nladder = [{ wait = '100ms' }, { signal = 'SIGRTMIN+3', wait = '100ms' }, { signal = 'QUIT', wait = '100ms' }]";
    let (init, _folder) = started(mode, policy, &["signals", "--until", "9"]);
    init.kill(libc::SIGINT);
    let finished = init.finish();
    assert_eq!((finished.code(), heard(&finished)), (137, vec![2, 37, 3]), "{}", finished.story());
});

both_modes!(which_signals_ask_to_stop_is_configurable, |mode| {
    let policy = "[shutdown]\non = ['WINCH', 'SIGRTMIN+3']\ndrain = '1h'";
    let (init, _folder) = started(mode, policy, &["signals", "--until", "28"]);
    init.kill(libc::SIGTERM);
    init.wait_for_output("SIGTERM", |line| line["signo"] == libc::SIGTERM);
    init.kill(37);
    init.wait_for_event("draining");
    init.kill(libc::SIGWINCH);
    let finished = init.finish();
    assert_eq!((finished.code(), heard(&finished)), (0, vec![15, 28]), "{}", finished.story());
});

both_modes!(a_stop_signal_can_go_to_the_whole_group, |mode| {
    // None that ends main: its end is the end of its child, as PID 1.
    let (init, _folder) = started(mode, "[shutdown]\ntarget = 'group'\nsignal = 'USR2'", &["family"]);
    init.kill(libc::SIGUSR1);
    init.wait_for_output("SIGUSR1 of main", |line| line["signo"] == libc::SIGUSR1 && line["who"] == "main");
    init.kill(libc::SIGTERM);
    for who in ["main", "child"] {
        let what = format!("SIGUSR2 of {who}");
        init.wait_for_output(&what, |line| line["signo"] == libc::SIGUSR2 && line["who"] == who);
    }
    sys::kill(-init.main_pid(), libc::SIGTERM).expect("its group lives");
    let finished = init.finish();
    let told = finished.stdout();
    assert!(!told.lines().any(|line| line.contains("\"signo\":10") && line.contains("child")), "{}", finished.story());
});

both_modes!(a_stop_signal_can_go_to_everybody, |mode| {
    let (init, _folder) = started(mode, "[shutdown]\ntarget = 'all'\nlinger = '1h'", &["heirs", "3"]);
    let stranger = Init::bare(Mode::SubReaper, probe()).args(["signals"]).start();
    stranger.wait_for_ready();
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    assert_eq!(finished.code(), 0, "{}", finished.story());
    assert_eq!(finished.stdout().lines().filter(|line| *line == "flushed").count(), 3, "{}", finished.story());
    assert!(stranger.is_alive() && stranger.outputs().is_empty(), "nobody else's processes hear of it");
});

both_modes!(without_proc_everybody_is_the_application_at_least, |mode| {
    if !crate::support::mode::has_namespaces_or_skip() {
        return;
    }
    let folder = Folder::new();
    let init = with_policy(mode, &folder, "[shutdown]\ntarget = 'all'\nlinger = '100ms'", &["signals"]);
    let init = init.own_mounts().hook(|| {
        syscall!(SYS_mount, c"none".as_ptr(), c"/proc".as_ptr(), c"tmpfs".as_ptr(), 0, 0)?;
        Ok(())
    });
    let init = init.start();
    init.wait_for_ready();
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    assert_eq!((finished.code(), heard(&finished)), (0, vec![15]), "{}", finished.story());
});

both_modes!(under_linger_those_left_behind_may_finish, |mode| {
    let (init, _folder) = started(mode, "[shutdown]\nlinger = '1h'", &["heirs", "2", "--flush", "500"]);
    init.kill(libc::SIGTERM);
    wait_for_name(&init, "onset:linger");
    let finished = init.finish();
    assert_eq!(finished.code(), 0, "{}", finished.story());
    assert_eq!(finished.stdout().lines().filter(|line| *line == "flushed").count(), 2, "{}", finished.story());
    assert_eq!(finished.event("lingering")["linger_ms"], 3_600_000);
    assert!(!finished.stderr().contains("rest_killed"), "{}", finished.story());
});

#[test]
fn without_linger_the_end_of_pid_1_ends_them() {
    run(Mode::Pid1, |mode| {
        let (init, _folder) = started(mode, "[shutdown]\ngrace = '1h'", &["heirs", "2", "--flush", "500"]);
        init.kill(libc::SIGTERM);
        let finished = init.finish();
        assert_eq!(finished.code(), 0, "{}", finished.story());
        assert!(!finished.stdout().contains("flushed"), "{}", finished.story());
    });
}

both_modes!(those_who_do_not_end_under_linger_are_killed, |mode| {
    let (init, _folder) = started(mode, "[shutdown]\nlinger = '100ms'", &["heirs", "3", "--deaf"]);
    let main = init.main_pid();
    let heirs = init.until("three heirs", || {
        let heirs: Vec<i32> = proc::descendants(init.pid()).into_iter().filter(|pid| *pid != main).collect();
        (heirs.len() == 3).then_some(heirs)
    });
    sys::kill(main, libc::SIGUSR1).expect("main lives");
    let finished = init.finish();
    assert_eq!(finished.code(), 0, "{}", finished.story());
    finished.event("rest_killed");
    for heir in heirs {
        assert_eq!(proc::state(heir), None, "{heir} is gone");
    }
});

both_modes!(a_crowd_is_killed_as_fast_as_a_few, |mode| {
    let (init, _folder) = started(mode, "[shutdown]\nlinger = '100ms'", &["heirs", "1500", "--deaf"]);
    let asked = Instant::now();
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    assert_eq!(finished.code(), 0, "{}", finished.story());
    // Each that is gone was a reason to look for everybody once more: that took ten seconds here.
    assert!(asked.elapsed() < Duration::from_secs(6), "{:?}", asked.elapsed());
});

both_modes!(a_stop_signal_ends_the_linger, |mode| {
    let (init, _folder) = started(mode, "[shutdown]\nlinger = '1h'", &["heirs", "1", "--deaf"]);
    init.kill(libc::SIGTERM);
    init.wait_for_event("lingering");
    init.kill(libc::SIGTERM);
    assert_eq!(init.finish().code(), 0);
});

both_modes!(with_nobody_left_there_is_no_linger, |mode| {
    let (init, _folder) = started(mode, "[shutdown]\nlinger = '1h'", &["signals"]);
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    assert_eq!(finished.code(), 0, "{}", finished.story());
    assert!(!finished.stderr().contains("lingering"), "{}", finished.story());
});

both_modes!(signals_are_rewritten_with_their_values_and_dropped, |mode| {
    let policy = "[signals]\nSIGHUP = 'SIGUSR1'\n40 = 41\nWINCH = 'drop'";
    let (init, _folder) = started(mode, policy, &["signals", "--until", "15"]);
    init.kill(libc::SIGWINCH);
    init.wait_for_event("signal_dropped");
    init.kill(libc::SIGHUP);
    let arrived = init.wait_for_output("SIGUSR1", |line| line["signo"] == libc::SIGUSR1);
    assert_eq!(arrived["code"], libc::SI_USER, "{arrived}");
    init.sigqueue(40, 1234);
    let arrived = init.wait_for_output("41", |line| line["signo"] == 41);
    assert_eq!((&arrived["code"], &arrived["value"]), (&libc::SI_QUEUE.into(), &1234.into()), "{arrived}");
    let report = init.wait_for_event_where("signal_forwarded", |event| event["signal"] == "40");
    assert_eq!((&report["sent"], &report["sent_number"]), (&"41".into(), &41.into()), "{report}");
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    assert_eq!(heard(&finished), [10, 41, 15], "{}", finished.story());
});

both_modes!(statuses_are_mapped, |mode| {
    for (words, expected) in [(&["exit", "3"][..], 0), (&["die", "15"], 9), (&["exit", "4"], 4)] {
        let finished = with_policy(mode, &Folder::new(), "[exit]\n3 = 0\nSIGTERM = 9", words).start().finish();
        assert_eq!(finished.code(), expected, "{}", finished.story());
        assert_eq!(finished.event("main_ended")["status"], expected);
    }
});

both_modes!(a_stopped_application_hears_of_the_end, |mode| {
    let (init, _folder) = started(mode, "[shutdown]\ngrace = '1h'", &["signals"]);
    let main = init.main_pid();
    sys::kill(main, libc::SIGSTOP).expect("main lives");
    init.wait_for_event("main_stopped");
    init.kill(libc::SIGTERM);
    assert_eq!(init.finish().code(), 0);
});

/// A stop command that is a shell's: it has to tell more than the probe does.
fn stop_command(script: &str, more: &str) -> String {
    format!("[[shutdown.run]]\ncommand = ['/bin/sh', '-c', {script:?}]\n{more}\n")
}

both_modes!(stop_commands_run_while_the_application_serves, |mode| {
    let script = "echo bye $$NAME from $$PWD; cat /proc/$$PPID/comm";
    let policy = format!(
        "workdir = '/usr'\n[env.NAME]\ndefault = 'me'\n[shutdown]\ndrain = '200ms'\n{}{}",
        stop_command(script, ""),
        stop_command("exit 3", ""),
    );
    let (init, _folder) = started(mode, &policy, &["signals"]);
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    assert_eq!((finished.code(), heard(&finished)), (0, vec![15]), "{}", finished.story());
    let said = finished.stderr();
    // PID 1 keeps stderr alone.
    assert!(said.lines().any(|line| line == "bye me from /usr"), "{}", finished.story());
    assert!(said.lines().any(|line| line == "onset-stop"), "it is no supervisor: {}", finished.story());
    assert_eq!(finished.event("step_done")["step"], "stop command 1 (`/bin/sh`)");
    let notice = finished.event("notice");
    let text = "stop command 2 (`/bin/sh`) failed: `/bin/sh` exited with status 3";
    assert_eq!(notice["message"], text);
});

both_modes!(no_message_about_a_stop_command_has_a_secret_in_it, |mode| {
    let policy = "[env.S]\nsecret = true\ndefault = 'hunter2'\n[shutdown]\n[[shutdown.run]]\ncommand = ['/no/${S}/such']\n\
                  [[shutdown.run]]\ncommand = ['/usr/bin/env', '${S}=1', 'true']";
    let (init, _folder) = started(mode, policy, &["signals"]);
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    let text = finished.event("notice")["message"].to_string();
    assert!(text.contains("stop command 1 (`/no/[secret]/such`) failed: cannot start `/no/[secret]/such`"), "{text}");
    assert!(!finished.stderr().contains("hunter2"), "{}", finished.story());
});

both_modes!(the_drain_lasts_until_the_stop_commands_have_ended_and_they_have_a_limit, |mode| {
    let policy = format!("[shutdown]\n{}", stop_command("sleep 1000", "timeout = '200ms'"));
    let (init, _folder) = started(mode, &policy, &["signals"]);
    let asked = Instant::now();
    init.kill(libc::SIGTERM);
    init.wait_for_event("draining");
    let finished = init.finish();
    assert!(asked.elapsed() >= Duration::from_millis(200), "too early");
    assert_eq!((finished.code(), heard(&finished)), (0, vec![15]), "{}", finished.story());
    let text = "SIGTERM received, draining until the stop commands have ended";
    assert_eq!(finished.event("draining")["message"], text);
    let text = finished.event("notice")["message"].to_string();
    assert!(text.contains("took longer than 200ms"), "{text}");
});

both_modes!(a_stop_command_may_finish_although_the_application_has_ended, |mode| {
    let folder = Folder::new();
    let [begun, go] = ["begun", "go"].map(|name| folder.join(name));
    let script =
        format!("touch {}; until test -e {}; do sleep 0.01; done; echo finished", begun.display(), go.display());
    let policy = format!("[shutdown]\n{}", stop_command(&script, "timeout = '1h'"));
    let (init, _config) = started(mode, &policy, &["signals"]);
    init.kill(libc::SIGTERM);
    init.until("the stop command", || begun.exists().then_some(()));
    sys::kill(init.main_pid(), libc::SIGTERM).expect("main lives");
    init.wait_for_event("main_ended");
    std::fs::write(&go, "").expect("a folder of ours");
    let finished = init.finish();
    assert_eq!(finished.code(), 0, "{}", finished.story());
    assert!(finished.stderr().lines().any(|line| line == "finished"), "{}", finished.story());
});

both_modes!(a_second_stop_signal_ends_the_stop_commands, |mode| {
    let policy = format!("[shutdown]\n{}", stop_command("echo begun; exec sleep 1000", "timeout = '1h'"));
    let (init, _folder) = started(mode, &policy, &["signals"]);
    init.kill(libc::SIGTERM);
    init.stderr().wait_for(|line| line == "begun").expect("the stop command");
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    assert_eq!((finished.code(), heard(&finished)), (0, vec![15]), "{}", finished.story());
});

both_modes!(where_nothing_can_be_kept_in_memory_the_application_starts_and_that_is_said, |mode| {
    let folder = Folder::new();
    let policy = format!("[shutdown]\n{}", stop_command("echo stopping", ""));
    // What is kept is in a file, and none may have a byte in it. The signal that comes with that is not the application's.
    let init = with_policy(mode, &folder, &policy, &["signals"]).limit(libc::RLIMIT_FSIZE, 0, 0).start();
    init.wait_for_ready();
    init.wait_for_event("main_started");
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    assert_eq!((finished.code(), heard(&finished)), (0, vec![15]), "{}", finished.story());
    let notice = finished.event("notice");
    let text = "cannot keep what was resolved in memory: file too large (EFBIG); `onset exec` and `onset probe` find what \
                PID 1 was given instead, and no stop command is run";
    assert_eq!(notice["message"], text);
    assert!(!finished.stderr().contains("stopping"), "{}", finished.story());
});

both_modes!(stop_commands_run_as_the_applications_user, |mode| {
    if !is_root_or_skip() {
        return;
    }
    let policy = format!("user = '65534:65533'\n[shutdown]\n{}", stop_command("id -u; id -g; id -G", ""));
    // Where the user may execute it.
    let folder = Folder::new();
    let app = folder.file("app", std::fs::read(probe()).expect("the probe"), 0o755);
    let text = format!("version = 1\n[app]\ncommand = [{app:?}, 'signals']\n{policy}");
    let config = folder.file("onset.toml", text, 0o644);
    let init = Init::new(mode).options(["--config".as_ref(), config.as_os_str()]).start();
    init.wait_for_ready();
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    let said = finished.stderr();
    let ids: Vec<&str> = said.lines().filter(|line| !line.starts_with('{')).collect();
    assert_eq!(ids, ["65534", "65533", "65533"], "{}", finished.story());
});

both_modes!(a_preparation_that_is_stopped_says_by_what_and_where, |mode| {
    let policy = "[[steps]]\nname = 'migrate'\nrun = { command = ['/bin/sh', '-c', 'echo ready; exec sleep 1000'] }";
    let folder = Folder::new();
    let init = with_policy(mode, &folder, policy, &["exit", "0"]).start();
    init.wait_for_ready();
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    let failed = finished.event("start_failed");
    let text = "the preparation was stopped by SIGTERM during step `migrate`";
    assert_eq!((finished.code(), &failed["message"], &failed["level"]), (143, &text.into(), &"info".into()));
});

both_modes!(a_preparation_that_takes_too_long_is_given_up, |mode| {
    let policy =
        "start_timeout = '200ms'\n[[steps]]\nname = 'wait for ever'\nrun = { command = ['/bin/sleep', '1000'] }";
    let folder = Folder::new();
    let init = with_policy(mode, &folder, policy, &["exit", "0"]).start();
    wait_for_name(&init, "onset:prepare");
    let finished = init.finish();
    assert_eq!(finished.code(), 124, "{}", finished.story());
    let cause = "the preparation took longer than 200ms, and was ended during step `wait for ever`";
    assert_eq!(finished.event("start_failed")["message"], cause);
});

both_modes!(a_preparation_that_is_killed_leaves_no_program_behind, |mode| {
    let run = format!("run = {{ command = [{:?}, 'ignore-term'], grace = '1h' }}", probe());
    let policy = format!("[[steps]]\n{run}\n[shutdown]\ngrace = '100ms'");
    let folder = Folder::new();
    let init = with_policy(mode, &folder, &policy, &["exit", "0"]).start();
    init.wait_for_ready();
    let descendants = proc::descendants(init.pid());
    assert_eq!(descendants.len(), 2, "the preparation and the program");
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    assert_eq!(finished.code(), 137, "{}", finished.story());
    assert_eq!(finished.event("main_killed")["target"], "all");
    for pid in descendants {
        wait_until_gone(pid);
    }
});

/// The kernel tells it of its parent's death, which takes a moment.
fn wait_until_gone(pid: i32) {
    until(&format!("the end of {pid}"), || proc::state(pid).is_none_or(|state| state == 'Z').then_some(()));
}

both_modes!(who_is_killed_while_it_runs_a_program_takes_it_along, |mode| {
    let folder = Folder::new();
    let step = format!("[[steps]]\nrun = {{ command = [{:?}, 'ignore-term'] }}", probe());
    let init = with_policy(mode, &folder, &step, &["exit", "0"]).start();
    init.wait_for_ready();
    let program = proc::children(init.main_pid())[0];
    sys::kill(init.main_pid(), libc::SIGKILL).expect("the preparation lives");
    assert_eq!(init.finish().code(), 137);
    wait_until_gone(program);

    let policy = format!("[shutdown]\n{}", stop_command("echo begun; exec sleep 1000", "timeout = '1h'"));
    let (init, _folder) = started(mode, &policy, &["signals"]);
    init.kill(libc::SIGTERM);
    init.stderr().wait_for(|line| line == "begun").expect("the stop command");
    let runner = proc::children(init.pid()).into_iter().find(|pid| proc::comm(*pid).as_deref() == Some("onset-stop"));
    let runner = runner.expect("who runs it");
    let program = proc::children(runner)[0];
    sys::kill(runner, libc::SIGKILL).expect("it lives");
    let finished = init.finish();
    assert_eq!((finished.code(), heard(&finished)), (0, vec![15]), "{}", finished.story());
    wait_until_gone(program);
});

both_modes!(onset_keeps_what_it_needs_and_nothing_else, |mode| {
    let (init, _folder) = started(mode, "[shutdown]\ndrain = '1s'\n[[shutdown.run]]\ncommand = ['/x']", &["sleep"]);
    init.until("onset at rest", || proc::is_idle(init.pid()).then_some(()));
    let fds: Vec<String> = proc::fds(init.pid()).into_values().collect();
    assert_eq!(fds.len(), 3, "{fds:?}");
    assert!(fds.iter().any(|fd| fd.starts_with("/memfd:onset-application")), "{fds:?}");
    let main: Vec<String> = proc::fds(init.main_pid()).into_values().collect();
    assert!(!main.iter().any(|fd| fd.contains("memfd")), "the application inherits nothing of it: {main:?}");
});

both_modes!(without_a_supervisor_there_is_no_policy_and_that_is_said, |mode| {
    let folder = Folder::new();
    let finished =
        with_policy(mode, &folder, "[shutdown]\ndrain = '1s'", &["exit", "0"]).options(["--exec"]).start().finish();
    let notice = finished.event("notice");
    assert!(notice["message"].as_str().is_some_and(|text| text.contains("do nothing with --exec")), "{notice}");
});

both_modes!(a_policy_may_depend_on_what_a_step_finds_out, |mode| {
    let policy = "[shutdown]\ndrain = '${DRAIN}'\n[[steps]]\nset = { DRAIN = '123ms' }";
    let (init, _folder) = started(mode, policy, &["signals"]);
    init.kill(libc::SIGTERM);
    assert_eq!(init.wait_for_event("draining")["drain_ms"], 123);
    assert_eq!(init.finish().code(), 0);
});

#[test]
fn check_and_plan_say_what_a_stop_is_and_warn_of_one_that_is_too_long() {
    let folder = Folder::new();
    let policy = "[shutdown]\ndrain = '5s'\nsignal = 'QUIT'\ngrace = '${GRACE:-30s}'\nbudget = '30s'\n";
    let words = |words: &[&str], env: &str| {
        let init = with_policy(Mode::SubReaper, &folder, policy, &["exit", "0"]);
        init.options(words).add_env(env).start().finish()
    };
    let config = folder.join("onset.toml").display().to_string();
    let warning = "a stop may take 35s (drain 5s, grace 30s), and `shutdown.budget` is 30s: \
                   the platform kills everything before that";
    let finished = words(&["check"], "A=b");
    assert_eq!(
        finished.stdout(),
        format!("{config}: warning: {warning}\n{config}: in order\n"),
        "{}",
        finished.story()
    );
    assert_eq!(words(&["check", "--env"], "GRACE=20s").stdout(), format!("{config}: in order\n"));
    let stop = "stop: on SIGINT, SIGQUIT, SIGTERM: drain 5s, SIGQUIT, 20s, SIGKILL";
    assert!(words(&["plan"], "GRACE=20s").stdout().lines().any(|line| line == stop));
    // So does a start, which it does not stop.
    let finished = with_policy(Mode::SubReaper, &folder, policy, &["exit", "0"]).start().finish();
    assert_eq!((finished.code(), &finished.event("notice")["message"]), (0, &warning.into()));
}

mod last_words {
    use super::*;
    use crate::support::root::{self, Root};

    /// What is in the file after onset has ended with that status.
    fn after(init: Init, file: &std::path::Path, code: i32) -> String {
        let finished = init.start().finish();
        assert_eq!(finished.code(), code, "{}", finished.story());
        std::fs::read_to_string(file).expect("a message was written")
    }

    both_modes!(of_an_application_that_failed_say_how, |mode| {
        let folder = Folder::new();
        let file = folder.join("message");
        let policy = format!("[report]\ntermination_message = {file:?}");
        let text = after(with_policy(mode, &folder, &policy, &["exit", "3"]), &file, 3);
        assert!(text.starts_with("main process exited with status 3 after "), "{text}");
        // Another start says what has become of it.
        let text = after(with_policy(mode, &folder, &policy, &["die", "11"]), &file, 139);
        assert!(text.starts_with("main process was killed by signal SIGSEGV (exit status 139) after "), "{text}");
    });

    both_modes!(of_a_start_that_failed_say_every_problem_and_no_secret, |mode| {
        let folder = Folder::new();
        let file = folder.join("message");
        let policy = format!(
            "[report]\ntermination_message = {file:?}\n[env.SECRET]\ndefault = 'hunter2'\nsecret = true\n[[steps]]\n\
             name = 'migrate'\nrun = {{ command = ['/no/such', '${{SECRET}}'] }}"
        );
        let text = after(with_policy(mode, &folder, &policy, &["exit", "0"]), &file, 127);
        let start = "onset: the application was not started (exit status 127): step `migrate` (";
        assert!(text.starts_with(start) && !text.contains("hunter2"), "{text}");
    });

    both_modes!(of_a_start_that_is_refused_are_where_and_how_the_configuration_says, |mode| {
        let folder = Folder::new();
        let file = folder.join("message");
        let policy = format!("[env.DB]\nrequired = true\n[report]\nformat = 'gcp'\ntermination_message = {file:?}");
        let finished = with_policy(mode, &folder, &policy, &["exit", "0"]).start().finish();
        assert_eq!(finished.event("start_failed")["severity"], "ERROR", "{}", finished.story());
        let text = std::fs::read_to_string(&file).expect("a message was written");
        assert!(text.contains("`DB` is required and not set"), "{text}");
    });

    both_modes!(that_cannot_be_written_are_no_failure_and_no_secret, |mode| {
        let folder = Folder::new();
        let policy = "[report]\ntermination_message = '/no/such/folder/message'";
        let finished = with_policy(mode, &folder, policy, &["exit", "0"]).start().finish();
        let text =
            "no termination message can be written to /no/such/folder/message: no such file or directory (ENOENT)";
        assert_eq!((finished.code(), &finished.event("notice")["message"]), (0, &text.into()));
    });

    #[test]
    fn go_to_where_kubernetes_looks_if_that_is_there() {
        if !root::is_possible_or_skip() {
            return;
        }
        let root = Root::config("version = 1\n[app]\ncommand = ['app', '${A}', '${B}']\n").programs(["app"]);
        root.put("/dev/termination-log", "");
        let outcome = root.start([""; 0]).run();
        assert_eq!(outcome.code(), 125);
        let text = root.text("/dev/termination-log");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert_eq!(
            lines[0],
            "onset: the application was not started (exit status 125): the configuration has 2 problems"
        );
        assert!(lines[1].contains("onset.toml:3:20: `A` is not set"), "{text}");
    }
}
