//! Processes that outlive the main process, each in a session of its own.

use std::ffi::c_int;
use std::time::Duration;

use super::{ALL_SIGNALS, exit_now, fork, next_signal, pause, say, sys};
use crate::syscall;

/// What the heirs do about SIGTERM.
#[derive(Clone, Copy)]
pub enum Manners {
    /// They say `told`, take so long to flush, say `flushed`, and end.
    Flush(Duration),
    /// Nothing.
    Deaf,
}

/// A main process with `count` orphans; it says `ready` when all of them are, and exits 0 at the first signal but SIGCHLD.
pub fn heirs(count: c_int, manners: Manners) -> c_int {
    sys::set_mask(ALL_SIGNALS).expect("all signals can be blocked");
    let (reader, writer) = sys::pipe();
    let parent = fork();
    if parent == 0 {
        for _ in 0..count {
            if fork() == 0 {
                drop(reader);
                syscall!(SYS_setsid).expect("a child leads no group");
                drop(writer);
                exit_now(heir(manners));
            }
        }
        exit_now(0);
    }
    drop(writer);
    let _ = syscall!(SYS_wait4, parent, 0, 0, 0);
    // It ends when the last heir has closed its end.
    let _ = std::io::Read::read(&mut std::fs::File::from(reader), &mut [0]);
    say("ready\n");
    // That the heirs' parent has ended was waited for.
    while next_signal()[0] == libc::SIGCHLD {}
    0
}

fn heir(manners: Manners) -> c_int {
    // As a name may be.
    syscall!(SYS_prctl, libc::PR_SET_NAME, c"heir) \xff".as_ptr()).expect("a name is copied");
    let time = match manners {
        Manners::Deaf => pause(),
        Manners::Flush(time) => time,
    };
    while next_signal()[0] != libc::SIGTERM {}
    say("told\n");
    std::thread::sleep(time);
    say("flushed\n");
    0
}
