//! onset is killed (SIGKILL) at each system call that can change a file, in turn: each target is old or new, and the next
//! start completes everything and leaves nothing of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::Running;
use crate::support::ptrace::{Edge, Event, Stop, Tracer, Victim, Who};
use crate::support::root::Root;

const NONE: [&str; 0] = [];

/// One step of every kind that changes files, over old files and new ones.
const CONFIG: &str = r#"
version = 1
app.command = ["app", "sleep"]
[env.X]
default = "a value"
[[steps]]
directory = { path = "/d/run", mode = "2750", owner = "7:8" }
[[steps]]
copy = { from = "/defaults", to = "/d/volume", if = "each", marker = "/d/volume/.seeded", owner = "7:8" }
[[steps]]
copy = { from = "/defaults/a", to = "/d/missing/a", if = "missing" }
[[steps]]
symlink = { path = "/d/link", target = "/new", replace = true }
[[steps]]
remove = { paths = ["/d/pids/*.pid"] }
[[steps]]
template = { source = "/t/one.template", target = "/d/old", with = { mode = "0640", owner = "7:8" } }
[[steps]]
template = { content = "k=${X}", target = "/d/once", unless_exists = true }
[[steps]]
templates = { source = "/t", target = "/d/set" }
[[steps]]
owner = { path = "/d/owned", owner = "7:8" }
"#;

fn root() -> Root {
    Root::config(CONFIG)
        .programs(["app"])
        .file("/t/one.template", "one ${X}")
        .file("/t/sub/two.template", "two ${X}")
        .file("/t/three.template", "three ${X}")
        .file("/defaults/a", "aaa")
        .file("/defaults/sub/b", "bbb")
        .mode("/defaults/sub/b", 0o750)
        .link("/defaults/sub/l", "../a")
        .dir("/defaults/empty")
        .file("/d/volume/sub/mine", "mine")
        .link("/d/link", "/old")
        .file("/d/pids/x.pid", "1")
        .file("/d/pids/keep", "")
        .file("/d/old", "old")
        .file("/d/set/three", "old")
        .file("/d/owned/sub/f", "")
        .link("/d/owned/l", "/t")
}

/// The mode, the owner, and the content or where a link points.
type Seen = (u32, (u32, u32), Vec<u8>);

/// What a user sees below `/d`.
fn seen(root: &Root) -> BTreeMap<PathBuf, Seen> {
    let top = root.path("/d");
    let entries = root.snapshot("/d");
    let each = |(path, entry): (&PathBuf, _)| {
        let (mode, owner, content) = crate::support::root::Entry::seen(entry);
        (path.strip_prefix(&top).expect("below it").to_owned(), (mode, owner, content.to_owned()))
    };
    entries.iter().map(each).collect()
}

fn is_own(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str().to_string_lossy().starts_with(".onset-"))
}

/// Calls that can change no file, whatever their arguments are.
const HARMLESS: [i64; 42] = [
    libc::SYS_read,
    libc::SYS_pread64,
    libc::SYS_readlinkat,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_fstatfs,
    libc::SYS_faccessat,
    libc::SYS_lseek,
    libc::SYS_getdents64,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_close,
    libc::SYS_close_range,
    libc::SYS_fcntl,
    libc::SYS_ioctl,
    libc::SYS_ppoll,
    libc::SYS_flock,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getgroups,
    libc::SYS_setpgid,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_prlimit64,
    libc::SYS_getrandom,
    libc::SYS_uname,
    libc::SYS_clock_gettime,
    libc::SYS_futex,
    libc::SYS_prctl,
];

/// Whether a call can change no file. What is not listed can.
fn is_harmless(stop: &Stop) -> bool {
    let call = stop.call;
    if call == libc::SYS_openat {
        return stop.args[2] & (libc::O_CREAT | libc::O_TRUNC) as u64 == 0;
    }
    #[cfg(target_arch = "x86_64")]
    if [libc::SYS_stat, libc::SYS_lstat, libc::SYS_readlink, libc::SYS_access, libc::SYS_poll, libc::SYS_time]
        .contains(&call)
    {
        return true;
    }
    HARMLESS.contains(&call)
}

/// A start that is held where the child enters the `nth` call that may change a file; `None`: there are not so many.
fn held(root: &Root, nth: usize) -> Option<(Running, Tracer, Stop)> {
    let mut left = nth;
    // The probe is no recorder, but sleeps: who ends while it is traced is lost to its parent.
    std::fs::remove_file(root.path("/recorder")).expect("it is there");
    let mut running = root.start(NONE).begin_held();
    let tracer = Tracer::before_exec(running.pid(), move |stop| {
        let counts = stop.who == Who::Child && stop.edge == Edge::Entry && !is_harmless(stop);
        let hold = counts && left == 0;
        left = left.saturating_sub(usize::from(counts));
        hold
    });
    running.release();
    match tracer.outcome() {
        Event::Held(stop) => Some((running, tracer, stop)),
        Event::Settled => {
            tracer.release();
            None
        }
        event => running.fail(&format!("{event:?}")),
    }
}

promise!(killed_at_any_call_a_start_leaves_all_old_or_new, {
    let (old, new) = {
        let root = root();
        let old = seen(&root);
        root.start(NONE).run().app();
        (old, seen(&root))
    };
    assert!(!new.contains_key(Path::new("pids/x.pid")) && new.len() > old.len() + 10, "{new:?}");
    for nth in 0.. {
        let root = root();
        let Some((running, tracer, stop)) = held(&root, nth) else {
            assert!(nth > 60, "only {nth} calls that may change a file");
            return;
        };
        let case = format!("at call {nth}, {stop:?}");
        // The preparing child alone, or all of the container: to the files it is the same.
        let victim = if nth % 2 == 0 { Victim::Held } else { Victim::Seized };
        tracer.kill(victim);
        let finished = running.finish();
        if victim == Victim::Held {
            assert_eq!(finished.code(), 137, "{case}\n{}", finished.story());
            assert!(finished.stderr().contains("SIGKILL"), "{case}\n{}", finished.story());
        }
        let now = seen(&root);
        for (path, entry) in now.iter().filter(|(path, _)| !is_own(path)) {
            let known = old.get(path) == Some(entry) || new.get(path) == Some(entry);
            assert!(known, "{case}: {} is neither old nor new: {entry:?}", path.display());
        }
        for path in old.keys().filter(|path| new.contains_key(*path)) {
            assert!(now.contains_key(path), "{case}: {} is gone", path.display());
        }
        root.put("/recorder", "0");
        root.start(NONE).run().app();
        assert_eq!(seen(&root), new, "{case}: after the next start");
    }
});

promise!(a_second_start_changes_nothing_whatever_the_step, {
    let root = root();
    root.start(NONE).run().app();
    let first = root.snapshot("/d");
    let outcome = root.start(NONE).run();
    outcome.app();
    assert_eq!(root.snapshot("/d"), first, "inodes, times, owners, modes and contents");
    let done = outcome.stderr().lines().filter(|line| line.contains("step_done")).count();
    let unchanged = outcome.stderr().lines().filter(|line| line.contains("changed=0")).count();
    assert_eq!((done, unchanged), (9, 9), "{}", outcome.story());
});
