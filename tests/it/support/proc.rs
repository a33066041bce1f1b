//! `/proc` as the test sees it: every pid is a host pid.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// A field of `/proc/PID/status` ("State", "SigBlk", "PPid"), trimmed; `None` when the process is gone.
pub fn status(pid: i32, field: &str) -> Option<String> {
    // The name in it may be no UTF-8.
    let text = String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/status")).ok()?).into_owned();
    text.lines().find_map(|line| Some(line.strip_prefix(field)?.strip_prefix(':')?.trim().to_owned()))
}

/// A signal set of `/proc/PID/status` ("SigBlk", "SigIgn", "SigPnd", "ShdPnd", "SigCgt"); see [`super::sys::set_of`].
pub fn signal_set(pid: i32, field: &str) -> Option<u64> {
    u64::from_str_radix(&status(pid, field)?, 16).ok()
}

/// The letter of its state: R, S, D, T (stopped), t (traced), Z.
pub fn state(pid: i32) -> Option<char> {
    status(pid, "State")?.chars().next()
}

/// The children of every thread, oldest first.
pub fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// Children, their children and so on, parents first.
pub fn descendants(pid: i32) -> Vec<i32> {
    let mut found = children(pid);
    let mut next = 0;
    while next < found.len() {
        found.extend(children(found[next]));
        next += 1;
    }
    found
}

/// Its open descriptors and what they are ("pipe:\[123\]", "/dev/null", "`anon_inode:[signalfd]`").
pub fn fds(pid: i32) -> BTreeMap<i32, String> {
    let Ok(folder) = std::fs::read_dir(format!("/proc/{pid}/fd")) else { return BTreeMap::new() };
    folder
        .flatten()
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            Some((number, std::fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned()))
        })
        .collect()
}

/// Its working directory.
pub fn cwd(pid: i32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/cwd")).ok()
}

/// Its name (`/proc/PID/comm`).
pub fn comm(pid: i32) -> Option<String> {
    Some(std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned())
}

/// Its pid inside its own (innermost) PID namespace.
pub fn inner_pid(pid: i32) -> Option<i32> {
    status(pid, "NSpid")?.split_whitespace().last()?.parse().ok()
}

/// Whether onset has come to rest: it waits for signals and for nothing else, by sigtimedwait without a limit or, where it holds
/// a pod's namespaces, by a read of its signalfd (proc_pid_syscall(5)), and what it had to do before is done.
pub fn is_idle(pid: i32) -> bool {
    let Ok(text) = std::fs::read_to_string(format!("/proc/{pid}/syscall")) else { return false };
    let mut words = text.split_whitespace();
    let call = words.next().and_then(|word| word.parse().ok());
    let arguments: Vec<_> =
        words.map_while(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok()).collect();
    match (call, &arguments[..]) {
        (Some(libc::SYS_rt_sigtimedwait), [_, _, limit, ..]) => *limit == 0,
        (Some(libc::SYS_read), [fd, ..]) => std::fs::read_link(format!("/proc/{pid}/fd/{fd}"))
            .is_ok_and(|target| target.as_os_str() == "anon_inode:[signalfd]"),
        _ => false,
    }
}
