//! A main process with relatives, or with something to say to onset.

use std::ffi::{CString, c_int};
use std::ptr::null;

use serde_json::json;

use super::{ALL_SIGNALS, cat, exit_now, fork, next_signal, process_id, say, sys};
use crate::syscall;

/// The main process and a child of it; `leave`: the child leads a group of its own, and the main process joins it.
pub fn family(leave: bool) -> c_int {
    sys::set_mask(ALL_SIGNALS).expect("all signals can be blocked");
    let child = fork();
    if child == 0 {
        tell_signals("child");
        exit_now(0);
    }
    if leave {
        syscall!(SYS_setpgid, child, child).expect("our own child");
        syscall!(SYS_setpgid, 0, child).expect("a group of our session");
    }
    say("ready\n");
    tell_signals("main");
    0
}

/// A process with two children in one session and one group: one tells its signals, the other executes `command`.
pub fn siblings(command: &[&[u8]]) -> c_int {
    let words: Vec<_> = command.iter().map(|word| CString::new(*word).expect("an argument")).collect();
    let argv: Vec<_> = words.iter().map(|word| word.as_ptr()).chain([null()]).collect();
    if fork() == 0 {
        // SAFETY: strings and a null pointer at the end, all alive.
        unsafe { libc::execv(argv[0], argv.as_ptr()) };
        exit_now(97);
    }
    sys::set_mask(ALL_SIGNALS).expect("all signals can be blocked");
    let who = if fork() == 0 { "sibling" } else { "parent" };
    tell_signals(who);
    0
}

/// Queues onset a signal with this value, then does as `signals` does.
pub fn tell(signal: c_int, value: c_int) -> c_int {
    sys::set_mask(ALL_SIGNALS).expect("all signals can be blocked");
    say("ready\n");
    // SAFETY: getppid only returns a number.
    sys::sigqueue(unsafe { libc::getppid() }, signal, value).expect("our parent is of our user");
    tell_signals("main");
    0
}

/// Becomes another user, then does as `signals` does.
pub fn as_user(uid: c_int) -> c_int {
    sys::set_mask(ALL_SIGNALS).expect("all signals can be blocked");
    syscall!(SYS_setresuid, uid, uid, uid).expect("we are root");
    say("ready\n");
    tell_signals("main");
    0
}

/// Copies stdin to stdout, but not before SIGUSR1.
pub fn late_cat() -> c_int {
    sys::set_mask(sys::set_of([libc::SIGUSR1])).expect("a signal can be blocked");
    say("ready\n");
    next_signal();
    cat()
}

/// Has a child that makes orphans without end, and does as `signals` does.
pub fn flow() -> c_int {
    sys::set_mask(ALL_SIGNALS).expect("all signals can be blocked");
    if fork() == 0 {
        syscall!(SYS_prctl, libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0).expect("PR_SET_PDEATHSIG");
        make_orphans();
    }
    say("ready\n");
    tell_signals("main");
    0
}

fn make_orphans() -> ! {
    loop {
        let parent = fork();
        if parent == 0 {
            for _ in 0..16 {
                if fork() == 0 {
                    exit_now(0);
                }
            }
            exit_now(0);
        }
        syscall!(SYS_wait4, parent, 0, 0, 0).expect("our own child");
    }
}

/// One JSON line for each signal, up to SIGTERM.
fn tell_signals(who: &str) {
    loop {
        let [signal, _, code, _, pid, uid, value, ..] = next_signal();
        let line = json!({
            "who": who, "self": process_id(),
            "signo": signal, "code": code, "pid": pid, "uid": uid, "value": value,
        });
        say(&format!("{line}\n"));
        if signal == libc::SIGTERM {
            return;
        }
    }
}
