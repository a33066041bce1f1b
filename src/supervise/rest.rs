//! Everybody but onset itself: as PID 1 the whole container, else onset's descendants and nobody else.

use crate::sys::file;
use crate::sys::signal::{self, Holder, Signal};
use nix::unistd::Pid;
use std::path::Path;

/// Sends a signal to all of them. Whether there was anybody.
pub fn send(signal: Signal) -> bool {
    if Pid::this() == Pid::from_raw(1) {
        return signal::send_to_everybody(signal).is_ok();
    }
    let descendants = descendants();
    for process in &descendants {
        process.send(signal);
    }
    !descendants.is_empty()
}

/// A process as /proc shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    pid: i32,
    parent: i32,
    /// In ticks since the machine's: two processes of one number differ in it.
    started: u64,
}

impl Process {
    /// The process of this number; `None`: there is none.
    fn look(pid: i32) -> Option<Self> {
        Process::parse(pid, &file::contents(Path::new(&format!("/proc/{pid}/stat"))).ok()?)
    }

    /// From a line of /proc/PID/stat (proc_pid_stat(5)): the name in its parentheses may hold anything, and be no UTF-8.
    fn parse(pid: i32, stat: &[u8]) -> Option<Self> {
        let name_end = stat.iter().rposition(|&byte| byte == b')')?;
        let mut fields = std::str::from_utf8(&stat[name_end + 1..]).ok()?.split_ascii_whitespace();
        Some(Process { pid, parent: fields.nth(1)?.parse().ok()?, started: fields.nth(17)?.parse().ok()? })
    }

    /// By number it might be somebody else's by now; by a descriptor that was opened before the last look it is not.
    fn send(&self, signal: Signal) {
        let process = Pid::from_raw(self.pid);
        let holder = Holder::of(process);
        if Process::look(self.pid).is_none_or(|now| now.started != self.started) {
            return;
        }
        // Where that cannot be had (the kernel or a seccomp filter is older than the calls, or there is no descriptor left)
        // the look a moment ago has to do.
        if holder.and_then(|holder| holder.send(signal)).is_err() {
            signal::send(process, signal);
        }
    }
}

/// All descendants of this process; none where /proc is not ours.
fn descendants() -> Vec<Process> {
    let this = Pid::this().as_raw();
    if !file::is_proc_ours() {
        return Vec::new();
    }
    let listed = file::numbers_in(Path::new("/proc")).unwrap_or_default();
    below(this, listed.into_iter().filter_map(Process::look).collect())
}

/// Those below `top`, parents first.
fn below(top: i32, mut all: Vec<Process>) -> Vec<Process> {
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![top];
    while let Some(parent) = parents.pop() {
        all.retain(|process| {
            let is_child = process.parent == parent && process.pid != top;
            if is_child {
                parents.push(process.pid);
                found.push(*process);
            }
            !is_child
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_hold_anything() {
        let stat = b"42 (\xff) b) S 7 42 42 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 12345 100 1 18446744073709551615";
        assert_eq!(Process::parse(42, stat), Some(Process { pid: 42, parent: 7, started: 12345 }));
        assert_eq!(Process::parse(42, b"42 (a) S"), None);
    }

    #[test]
    fn descendants_are_found_and_nobody_else_is() {
        let process = |pid, parent| Process { pid, parent, started: 1 };
        let all = vec![
            process(1, 0),
            process(5, 2),
            process(2, 1),
            process(3, 1),
            process(6, 5),
            process(9, 8),
            process(4, 2),
        ];
        let mut found: Vec<i32> = below(2, all).iter().map(|process| process.pid).collect();
        found.sort_unstable();
        assert_eq!(found, [4, 5, 6]);
    }
}
