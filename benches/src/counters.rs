//! What can be counted and does not depend on the weather: system calls and instructions.

use crate::launch::Command;
use crate::{Bench, text};
use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::fs;
use std::path::{Path, PathBuf};

/// System calls of a run.
pub struct Calls {
    /// From PID 1's start to the application's, on the way that leads there: of PID 1 until it forks, then of the child.
    /// The execve that starts the application is one of them.
    pub before_application: usize,
    /// Of PID 1 in its life.
    pub of_pid_1: usize,
    /// Of all processes, but for the application.
    pub all: usize,
    pub processes: usize,
    pub programs: usize,
}

/// With strace around this program itself, which then starts the command: it has to be PID 1 of its namespace.
pub fn system_calls(bench: &Bench, command: &Command) -> Result<Calls, String> {
    let folder = fresh(bench, "strace")?;
    let prefix = folder.join("calls");
    let us = std::env::current_exe().map_err(text)?;
    let words = command.words().map(std::ffi::OsStr::to_owned);
    let mut tracer = std::process::Command::new("strace");
    tracer.args(["-ff", "-s", "4096", "-o"]).arg(&prefix).arg(&us).arg("start-one").args(words);
    tracer.env("BENCH_ENVIRONMENT", command.environment_as_json()).current_dir(command.folder());
    let output = tracer.output().map_err(|error| format!("strace: {error}"))?;
    if !output.status.success() {
        return Err(format!("strace: {}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
    }

    let entry = format!("execve({:?}", command.program());
    let application = format!("execve({:?}", bench.programs.app);
    let own = format!("execve({:?}", us.display().to_string());
    let mut calls = Calls { before_application: 0, of_pid_1: 0, all: 0, processes: 0, programs: 0 };
    for path in files(&folder)? {
        let trace = fs::read_to_string(path).map_err(text)?;
        let mut lines: Vec<&str> = trace.lines().filter(|line| is_call(line)).collect();
        if lines.first().is_some_and(|line| line.starts_with(&own)) {
            continue;
        }
        let is_pid_1 = lines.iter().position(|line| line.starts_with(&entry));
        if let Some(at) = is_pid_1 {
            lines.drain(..=at);
            calls.of_pid_1 = lines.len();
        }
        calls.processes += 1;
        // Behind its execve it is the application, whose calls nobody asks for.
        let end = lines.iter().position(|line| line.starts_with(&application) && line.ends_with("= 0"));
        if let Some(at) = end {
            lines.truncate(at + 1);
            calls.before_application += lines.len();
        } else if is_pid_1.is_some() {
            let fork = lines.iter().position(|line| is_fork(line));
            calls.before_application += fork.map_or(0, |at| at + 1);
        }
        calls.programs += lines.iter().filter(|line| line.starts_with("execve(") && line.ends_with("= 0")).count();
        calls.all += lines.len();
    }
    fs::remove_dir_all(folder).map_err(text)?;
    Ok(calls)
}

/// Whether this line of strace's is a call, and not a signal or an end.
pub fn is_call(line: &str) -> bool {
    line.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
}

fn is_fork(line: &str) -> bool {
    ["fork(", "vfork(", "clone(", "clone3("].iter().any(|call| line.starts_with(call))
}

/// Instructions as callgrind counts them.
pub struct Instructions {
    pub of_pid_1: u64,
    /// Of all processes that came to their end: one that executes another program leaves no count.
    pub all: u64,
}

pub fn instructions(bench: &Bench, command: &Command) -> Result<Instructions, String> {
    let folder = fresh(bench, "callgrind")?;
    let out = format!("--callgrind-out-file={}/%p", folder.display());
    let valgrind = command.under(["/usr/bin/valgrind", "-q", "--tool=callgrind", &out]);
    let (mut container, _) = valgrind.run().map_err(text)?;
    let mut found = Instructions { of_pid_1: 0, all: 0 };
    for path in files(&folder)? {
        let counted = fs::read_to_string(&path).map_err(text)?;
        let total = counted.lines().find_map(|line| line.strip_prefix("totals: ")?.parse::<u64>().ok());
        let total = total.ok_or_else(|| format!("{}: callgrind has no total", path.display()))?;
        // Pids are those of the namespace.
        if path.file_name().is_some_and(|name| name == "1") {
            found.of_pid_1 = total;
        }
        found.all += total;
    }
    if found.of_pid_1 == 0 {
        return Err(format!("callgrind counted nothing: {}", container.stderr()));
    }
    fs::remove_dir_all(folder).map_err(text)?;
    Ok(found)
}

/// Instructions from PID 1's start to the application's, on the way that leads there: of PID 1 until it forks, then of the
/// child. Step by step, because callgrind forgets what a process did before its execve.
pub fn instructions_before_application(command: &Command, application: &str) -> Result<u64, String> {
    let mut container = command.clone().traced().start().map_err(text)?;
    let mut pid = Pid::from_raw(container.pid);
    let wait = |pid| waitpid(pid, Some(WaitPidFlag::__WALL)).map_err(text);
    wait(pid)?;
    let options = ptrace::Options::PTRACE_O_TRACEFORK
        | ptrace::Options::PTRACE_O_TRACEVFORK
        | ptrace::Options::PTRACE_O_TRACECLONE
        | ptrace::Options::PTRACE_O_TRACEEXEC
        | ptrace::Options::PTRACE_O_EXITKILL;
    ptrace::setoptions(pid, options).map_err(text)?;
    let is_application =
        |pid: Pid| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == Path::new(application));
    let mut steps = 0;
    let mut signal = None;
    while !is_application(pid) {
        ptrace::step(pid, signal).map_err(text)?;
        steps += 1;
        signal = None;
        // /proc is asked only where the answer can have changed.
        loop {
            match wait(pid)? {
                WaitStatus::PtraceEvent(_, _, libc::PTRACE_EVENT_EXEC) => break,
                WaitStatus::PtraceEvent(..) => {
                    let child = i32::try_from(ptrace::getevent(pid).map_err(text)?).map_err(text)?;
                    ptrace::detach(pid, None).map_err(text)?;
                    pid = Pid::from_raw(child);
                    wait(pid)?;
                }
                WaitStatus::Stopped(_, nix::sys::signal::Signal::SIGTRAP) => {}
                WaitStatus::Stopped(_, other) => signal = Some(other),
                other => {
                    return Err(format!("it ended on its way to the application: {other:?}: {}", container.stderr()));
                }
            }
            ptrace::step(pid, signal.take()).map_err(text)?;
            steps += 1;
        }
    }
    ptrace::detach(pid, None).map_err(text)?;
    Ok(steps)
}

fn fresh(bench: &Bench, name: &str) -> Result<PathBuf, String> {
    let folder = bench.folder.join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(text)?;
    }
    fs::create_dir_all(&folder).map_err(text)?;
    Ok(folder)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(text)?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(text)).collect()
}
