//! The main process of the integration tests: it says what it finds, and does as its first argument says.
//!
//! | arguments | what it does |
//! |---|---|
//! | `exit N [ANYTHING]` | exits N |
//! | `die SIGNO [--core]` | dies by that signal, 1..64, default disposition; without `--core` it allows itself no core dump; exits 99 if it survives |
//! | `print [--fd N]` | one JSON line about itself (to that descriptor instead of stdout), see `print`; exits 0 |
//! | `signals [--count N] [--until SIGNO] [--exit CODE]` | blocks all signals, prints `ready`, then one JSON line for each it receives: signo, code, pid, uid, value; exits 0 (CODE) after N of them, or after SIGNO (default 15) |
//! | `orphans N [--live] [--die SIGNO] [--exit CODE]` | makes N orphans and prints `ready`. They end at once (`--die`: by that signal), or (`--live`) when it gets SIGUSR1 or ends itself. Exits CODE at once; else 0 on SIGTERM, printing `told` for each SIGUSR1 |
//! | `family [--leave]` | as `signals`, with a child that does the same; each line says `who`. `--leave`: the main process moves into a group of the child's |
//! | `siblings COMMAND...` | as `signals`, with two children: one as `signals`, the other executes COMMAND |
//! | `tell SIGNO VALUE` | queues its parent that signal, then as `signals` |
//! | `as-user UID` | becomes that user, then as `signals` |
//! | `flow` | as `signals`, while a child makes orphans without end |
//! | `heirs N [--flush MS] [--deaf]` | makes N orphans in sessions of their own, prints `ready`, and exits 0 at the first signal. On SIGTERM they print `told` and, MS later, `flushed`; or (`--deaf`) do nothing |
//! | `sleep` | prints `ready` and waits for a signal that kills it |
//! | `ignore-term` | ignores SIGTERM, prints `ready` and waits |
//! | `burn MS MIB` | uses that much CPU time and touches that much memory; exits 0 |
//! | `close FD` | closes that descriptor and waits |
//! | `late-cat` | prints `ready`, and does as `cat` after SIGUSR1 |
//! | `cat` | copies stdin to stdout; exits 0 |
//! | `say TEXT` | prints TEXT on stderr, and exits 0, or 1 if it could not |
//!
//! In a root file system with a file `/recorder` it does as `print`, whatever its arguments, and exits with the status
//! that file contains; or, if there is a file `/stubs/NAME` for the name it was started as, what that says (`stub.rs`).
//!
//! It has C's `main`, because std's start-up ignores SIGPIPE and opens /dev/null on closed descriptors, which would
//! falsify what it reports. For the same reason everything about signals is a raw system call: libc hides 32 and 33.
#![no_main]
#![allow(
    unsafe_code,
    missing_docs,
    clippy::expect_used,
    clippy::macro_metavars_in_unsafe,
    clippy::disallowed_methods,
    clippy::multiple_unsafe_ops_per_block,
    reason = "a helper of the tests: it panics, and makes raw system calls"
)]

use std::ffi::{CStr, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt as _;

use serde_json::{Value, json};

mod family;
mod heirs;
mod stub;
#[path = "../it/support/sys.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod sys;

/// As the kernel's 64-bit set.
const ALL_SIGNALS: u64 = u64::MAX;

unsafe extern "C" {
    static environ: *const *const c_char;
}

#[unsafe(no_mangle)]
extern "C" fn main(argc: c_int, argv: *const *const c_char) -> c_int {
    let argc = usize::try_from(argc).unwrap_or(0);
    // SAFETY: C's main is given argc strings, which live as long as the process.
    let argv: Vec<&[u8]> = (0..argc).map(|n| unsafe { CStr::from_ptr(*argv.add(n)) }.to_bytes()).collect();
    if let Some(script) = stub::script(&argv) {
        return stub::act(&script, &argv);
    }
    if let Ok(status) = std::fs::read_to_string("/recorder") {
        let unsaid = print(&argv, 1);
        return if unsaid == 0 { number(status.trim()) } else { unsaid };
    }
    let words: Vec<&str> = argv.iter().skip(1).map(|arg| std::str::from_utf8(arg).unwrap_or("?")).collect();
    match words.as_slice() {
        ["exit", status, ..] => number(status),
        ["die", signal, rest @ ..] => die(number(signal), rest == ["--core"]),
        ["print", ..] => print(&argv, option(&words, "--fd").unwrap_or(1)),
        ["signals", ..] => {
            signals(option(&words, "--count"), option(&words, "--until").unwrap_or(libc::SIGTERM));
            option(&words, "--exit").unwrap_or(0)
        }
        ["orphans", count, ..] => {
            let end = option(&words, "--die");
            orphans(number(count), words.contains(&"--live"), end, option(&words, "--exit"))
        }
        ["family", rest @ ..] => family::family(rest == ["--leave"]),
        ["siblings", ..] => family::siblings(&argv[2..]),
        ["tell", signal, value] => family::tell(number(signal), number(value)),
        ["as-user", uid] => family::as_user(number(uid)),
        ["heirs", count, rest @ ..] => {
            let flush =
                std::time::Duration::from_millis(u64::try_from(option(rest, "--flush").unwrap_or(0)).unwrap_or(0));
            let manners = if rest == ["--deaf"] { heirs::Manners::Deaf } else { heirs::Manners::Flush(flush) };
            heirs::heirs(number(count), manners)
        }
        ["flow"] => family::flow(),
        ["sleep"] => {
            say("ready\n");
            pause()
        }
        ["ignore-term"] => {
            sys::set_disposition(libc::SIGTERM, libc::SIG_IGN).expect("SIGTERM can be ignored");
            say("ready\n");
            pause()
        }
        ["close", fd] => {
            syscall!(SYS_close, number(fd)).expect("an open descriptor");
            pause()
        }
        ["burn", millis, mib] => burn(number(millis), number(mib)),
        ["late-cat"] => family::late_cat(),
        ["cat"] => cat(),
        ["say", text] => c_int::from(!write_to(2, format!("{text}\n").as_bytes())),
        other => {
            write_to(2, format!("probe: unknown arguments {other:?}\n").as_bytes());
            98
        }
    }
}

fn die(signal: c_int, core: bool) -> c_int {
    let limit = if core { libc::RLIM_INFINITY } else { 0 };
    // SAFETY: one live rlimit.
    unsafe { libc::setrlimit(libc::RLIMIT_CORE, &libc::rlimit { rlim_cur: limit, rlim_max: limit }) };
    // KILL and STOP have no other disposition.
    let _ = sys::set_disposition(signal, libc::SIG_DFL);
    sys::set_mask(0).expect("the mask can be emptied");
    let _ = sys::kill(process_id(), signal);
    99
}

/// Everything an application inherits. Byte strings are arrays of hexadecimal strings, signal sets as in
/// `/proc/self/status`, fds an object number -> target, limits an array of `[soft, hard]` by `RLIMIT_*` number.
fn print(argv: &[&[u8]], fd: c_int) -> c_int {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(|value| value.trim().to_owned())
    };
    let facts = json!({
        "argv": argv.iter().map(|arg| hex(arg)).collect::<Vec<_>>(),
        "env": environment(),
        "blocked": field("SigBlk"),
        "ignored": field("SigIgn"),
        "pending": [field("SigPnd"), field("ShdPnd")],
        "no_new_privs": field("NoNewPrivs"),
        "umask": field("Umask"),
        "ambient": field("CapAmb"),
        "uids": field("Uid"), "gids": field("Gid"), "groups": field("Groups"),
        "fds": fds(),
        "cwd": std::fs::read_link("/proc/self/cwd").map(|path| hex(path.as_os_str().as_bytes())).unwrap_or_default(),
        "limits": (0..16).map(limit).collect::<Vec<_>>(),
        // SAFETY: these only return numbers.
        "pid": process_id(), "ppid": unsafe { libc::getppid() }, "pgid": unsafe { libc::getpgid(0) },
        // SAFETY: as above.
        "sid": unsafe { libc::getsid(0) }, "uid": unsafe { libc::getuid() }, "gid": unsafe { libc::getgid() },
        // SAFETY: as above; -1 where stdin is no terminal of ours.
        "foreground": unsafe { libc::tcgetpgrp(0) },
    });
    c_int::from(!write_to(fd, format!("{facts}\n").as_bytes()))
}

fn environment() -> Vec<String> {
    // SAFETY: nobody in this process writes the environment; it ends with a null pointer.
    let entry = |n| unsafe { (*environ.add(n)).as_ref() }.map(|entry| hex(unsafe { CStr::from_ptr(entry) }.to_bytes()));
    (0..).map_while(entry).collect()
}

fn fds() -> Value {
    let folder = std::fs::read_dir("/proc/self/fd").expect("/proc/self/fd");
    // The folder's own descriptor is gone by the time its link is read.
    let entries: Vec<_> = folder.flatten().map(|entry| entry.path()).collect();
    let named = |path: &std::path::PathBuf| {
        let target = std::fs::read_link(path).ok()?.to_string_lossy().into_owned();
        Some((path.file_name().map(OsStr::to_string_lossy)?.into_owned(), Value::from(target)))
    };
    entries.iter().filter_map(named).collect::<serde_json::Map<_, _>>().into()
}

fn limit(resource: c_int) -> [u64; 2] {
    let mut limit = [0_u64; 2];
    let _ = syscall!(SYS_prlimit64, 0, resource, 0, &raw mut limit);
    limit
}

fn signals(mut count: Option<c_int>, until: c_int) {
    sys::set_mask(ALL_SIGNALS).expect("all signals can be blocked");
    say("ready\n");
    while count != Some(0) {
        let info = next_signal();
        // The layout of siginfo_t on 64-bit machines: signo, errno, code, padding, pid, uid, value.
        let [signal, _, code, _, pid, uid, value, ..] = info;
        let line = json!({ "signo": signal, "code": code, "pid": pid, "uid": uid, "value": value });
        say(&format!("{line}\n"));
        if signal == until {
            break;
        }
        count = count.map(|count| count - 1);
    }
}

/// Waits for any signal (all are blocked).
fn next_signal() -> [c_int; 32] {
    let mut info = [0; 32];
    let all = ALL_SIGNALS;
    while syscall!(SYS_rt_sigtimedwait, &raw const all, &raw mut info, 0, 8).is_err() {}
    info
}

fn orphans(count: c_int, live: bool, end: Option<c_int>, exit: Option<c_int>) -> c_int {
    sys::set_mask(ALL_SIGNALS).expect("all signals can be blocked");
    let (lifeline, writer) = sys::pipe();
    let mut writer = Some(writer);
    let parent = fork();
    if parent == 0 {
        for _ in 0..count {
            if fork() == 0 {
                drop(writer.take());
                if live {
                    let _ = std::io::Read::read(&mut std::fs::File::from(lifeline), &mut [0]);
                }
                exit_now(end.map_or(0, |signal| die(signal, false)));
            }
        }
        exit_now(0);
    }
    // With SIGCHLD ignored there is nothing to collect, but this still waits for its end.
    let _ = syscall!(SYS_wait4, parent, 0, 0, 0);
    say("ready\n");
    while exit.is_none() {
        match next_signal()[0] {
            libc::SIGTERM => return 0,
            libc::SIGUSR1 => {
                drop(writer.take());
                say("told\n");
            }
            _ => {}
        }
    }
    drop(writer);
    exit.unwrap_or(0)
}

fn burn(millis: c_int, mib: c_int) -> c_int {
    let memory = vec![1_u8; usize::try_from(mib).unwrap_or(0) << 20];
    let mut used = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    while used.tv_sec * 1000 + used.tv_nsec / 1_000_000 < i64::from(millis) {
        // Long beside the system call, so that this is the application's time and not the kernel's.
        for n in 0..100_000 {
            std::hint::black_box((n, &memory));
        }
        // SAFETY: one live timespec.
        unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut used) };
    }
    0
}

fn cat() -> c_int {
    let mut chunk = vec![0_u8; 65536];
    loop {
        match syscall!(SYS_read, 0, chunk.as_mut_ptr(), chunk.len()).map(usize::try_from) {
            Ok(Ok(0)) => return 0,
            Ok(Ok(length)) if write_to(1, &chunk[..length]) => {}
            _ => return 1,
        }
    }
}

fn fork() -> c_int {
    // SAFETY: this process has one thread.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "cannot fork: {}", std::io::Error::last_os_error());
    pid
}

fn exit_now(status: c_int) -> ! {
    // SAFETY: _exit only ends this process.
    unsafe { libc::_exit(status) }
}

fn process_id() -> c_int {
    // SAFETY: getpid only returns a number.
    unsafe { libc::getpid() }
}

fn pause() -> ! {
    loop {
        // SAFETY: pause only waits.
        unsafe { libc::pause() };
    }
}

fn say(text: &str) {
    write_to(1, text.as_bytes());
}

/// Whether all of it was written.
fn write_to(fd: c_int, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match syscall!(SYS_write, fd, bytes.as_ptr(), bytes.len()) {
            Ok(written) => bytes = &bytes[usize::try_from(written).unwrap_or(0)..],
            Err(_) => return false,
        }
    }
    true
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn number(word: &str) -> c_int {
    word.parse().unwrap_or_else(|_| panic!("{word} is no number"))
}

/// The number after this word.
fn option(words: &[&str], name: &str) -> Option<c_int> {
    words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1)).map(|word| number(word))
}
