//! Not PID 1: onset adopts its own descendants' orphans, and is nobody else's business.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::both_modes;
use crate::support::{Init, Mode, Running, init, probe, proc, run, sys, until};
use crate::syscall;

both_modes!(onset_says_whether_it_is_pid_1, |mode| {
    let init = Init::new(mode).debug().probe(["sleep"]).start();
    let supervising = init.wait_for_event("supervising");
    let pid = proc::inner_pid(init.pid()).expect("onset lives");
    assert_eq!(supervising["sub_reaper"], mode == Mode::SubReaper, "{supervising}");
    assert_eq!([&supervising["pid"], &supervising["level"]], [&json!(pid), &json!("debug")], "{supervising}");
});

#[test]
fn orphans_of_main_come_to_onset_and_are_reaped() {
    run(Mode::SubReaper, |mode| {
        let init = Init::new(mode).debug().probe(["orphans", "3", "--live"]).start();
        init.wait_for_ready();
        let children = proc::children(init.pid());
        assert_eq!(children.len(), 4, "main and its orphans");
        init.kill(libc::SIGUSR1);
        init.wait_for_text("told");
        for orphan in children.iter().filter(|&&pid| pid != init.main_pid()) {
            init.wait_for_event_where("orphan_reaped", |event| event["pid"] == *orphan);
        }
    });
}

#[test]
fn orphans_of_others_do_not_come_to_onset() {
    run(Mode::SubReaper, |mode| {
        let onset = Init::new(mode).debug().probe(["sleep"]).start();
        onset.wait_for_ready();
        let other = Init::bare(mode, probe()).args(["orphans", "1", "--live"]).start();
        other.wait_for_ready();
        assert_eq!(proc::children(onset.pid()), [onset.main_pid()]);
        other.kill(libc::SIGUSR1);
        other.wait_for_text("told");
        other.kill(libc::SIGTERM);
        assert_eq!(other.finish().code(), 0);
        onset.until("onset at rest", || proc::is_idle(onset.pid()).then_some(()));
        assert!(onset.events().iter().all(|event| event["event"] != "orphan_reaped"), "{}", onset.story());
    });
}

/// `--pid=host` is this: everybody's processes around, even in onset's own session and process group.
#[test]
fn whoever_is_no_descendant_is_never_signalled() {
    run(Mode::SubReaper, |mode| {
        for options in [&["--log-level", "debug"][..], &["--group"]] {
            let main = [probe(), PathBuf::from("family")];
            let words = [init::onset()].into_iter().chain(options.iter().map(PathBuf::from));
            let words = words.chain([PathBuf::from("--")]).chain(main);
            let init = Init::bare(mode, probe()).args(["siblings"]).args(words).start();
            init.wait_for_ready();
            let [onset, sibling] = proc::children(init.pid())[..] else { init.fail("two children expected") };
            assert_eq!(group(onset), group(sibling), "onset and its sibling share a group");
            for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTSTP, libc::SIGCONT, 40] {
                sys::kill(onset, signal).expect("onset lives");
                signal_of(&init, "main", signal);
            }
            let main = proc::children(onset)[0];
            let child = proc::children(main)[0];
            sys::kill(onset, libc::SIGTERM).expect("onset lives");
            signal_of(&init, "main", libc::SIGTERM);
            // The end of onset is the first that its parent hears of, and its sibling hears of nothing.
            let chld = signal_of(&init, "parent", libc::SIGCHLD);
            assert_eq!(chld["pid"], onset);
            let of_others =
                init.outputs().into_iter().filter(|line| line["who"] == "parent" || line["who"] == "sibling");
            assert_eq!(of_others.collect::<Vec<_>>(), [chld]);
            for bystander in [init.pid(), sibling] {
                init.until("the bystander at rest", || (proc::state(bystander) == Some('S')).then_some(()));
                assert_eq!(proc::signal_set(bystander, "ShdPnd"), Some(0));
            }
            for left in [child, sibling] {
                let _gone = sys::kill(left, libc::SIGKILL);
            }
        }
    });
}

both_modes!(a_child_that_onset_was_born_with_is_reaped, |mode| {
    // It is dead before onset is there to hear of it, as a script's child may be when the script executes onset.
    let have_a_child = || match syscall!(SYS_clone, libc::SIGCHLD, 0, 0, 0, 0)? {
        // SAFETY: _exit only ends this process.
        0 => unsafe { libc::_exit(3) },
        pid => syscall!(SYS_waitid, libc::P_PID, pid, 0, libc::WEXITED | libc::WNOWAIT, 0).map(drop),
    };
    let init = Init::new(mode).debug().hook(have_a_child).probe(["sleep"]).start();
    init.wait_for_ready();
    let reaped = init.wait_for_event("orphan_reaped");
    assert_eq!(reaped["exit_code"], 3, "{reaped}");
    init.kill(libc::SIGTERM);
    assert_eq!(init.finish().code(), 143);
});

both_modes!(onset_under_onset_is_not_noticed, |mode| {
    let words = [
        init::onset(),
        PathBuf::from("--"),
        probe(),
        PathBuf::from("signals"),
        PathBuf::from("--exit"),
        PathBuf::from("9"),
    ];
    let init = Init::new(mode).command(words).start();
    init.wait_for_ready();
    init.sigqueue(40, 4);
    let arrived = init.wait_for_output("signal 40", |line| line["signo"] == 40);
    assert_eq!([&arrived["value"], &arrived["code"]], [&json!(4), &json!(libc::SI_QUEUE)], "{arrived}");
    init.kill(libc::SIGTERM);
    assert_eq!(init.finish().code(), 9);
});

fn signal_of(init: &Running, who: &str, signal: i32) -> Value {
    init.wait_for_output(&format!("signal {signal} of {who}"), |line| line["who"] == who && line["signo"] == signal)
}

fn group(pid: i32) -> i64 {
    until("a process group", || syscall!(SYS_getpgid, pid).ok())
}
