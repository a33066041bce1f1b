//! What the release binary may cost, in figures that do not depend on the machine's load. Times are not among them:
//! `benches/compare` measures those, beside other inits.
//!
//! Only for the static release binary (`ONSET_BIN=target/static/onset`), and only as root. That PID 1 makes no system call
//! while nothing happens holds for every build: `idle.rs`. That more of something costs in proportion: `growth.rs`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::support::init::onset;
use crate::support::release::{instructions, instructions_to_prepare, is_release_or_skip, section_size};
use crate::support::{Folder, Init, Mode, Stream, proc, skip};

/// The most there may be of something.
struct Limit {
    most: u64,
    unit: &'static str,
    /// What it is of, and where the figure comes from.
    source: &'static str,
}

const fn limit(most: u64, unit: &'static str, source: &'static str) -> Limit {
    Limit { most, unit, source }
}

// One line each. "Measured" is with Debian 12's toolchain on x86_64 (integration/build-static). Instructions have 3 % on
// top: the digits of times, addresses, and the order in hash tables differ from run to run, by 1 % of the first and less
// of the second.
#[rustfmt::skip]
mod limits {
    use super::{Limit, limit};
    pub const SIZE: Limit               = limit(1_048_576, "bytes", "the release binary: DESIGN.md, 1 MiB; measured: 1,047,888 (docs/performance.md has what it is made of)");
    pub const PRIVATE_DIRTY: Limit      = limit(36, "KiB", "private dirty memory of PID 1 while the application sleeps; measured: 32");
    pub const CALLS_PLAIN: Limit        = limit(21, "system calls", "from PID 1's start to the application's, strace; measured: 21");
    pub const CALLS_JOB: Limit          = limit(173, "system calls", "the same with the entrypoint job of benches/job; measured: 173");
    pub const INSTRUCTIONS_PLAIN: Limit = limit(75_200, "instructions", "of PID 1 in its life, callgrind; measured: 73,000");
    pub const INSTRUCTIONS_JOB: Limit   = limit(1_295_000, "instructions", "of the entrypoint job's preparation, callgrind; measured: 1,257,000");
}

#[test]
fn the_binary_is_no_larger() {
    if !is_release_or_skip() {
        return;
    }
    check(&limits::SIZE, onset().metadata().unwrap().len());
}

/// A list that is too old puts nothing there any more.
#[test]
fn the_code_of_a_start_lies_together() {
    const LEAST: usize = 45_000;
    if !is_release_or_skip() {
        return;
    }
    let size = section_size(".text.start");
    let _ = writeln!(std::io::stdout(), "{size} bytes of code that a start needs lie together; measured: 55,700");
    assert!(size >= LEAST, "{size} bytes, and it was {LEAST} at least: run integration/start-order");
}

#[test]
fn pid_1_dirties_no_more_memory() {
    if !is_release_or_skip() {
        return;
    }
    // A file that has just been written and is not on the disk yet counts as dirty memory of whoever runs it.
    fs::File::open(onset()).unwrap().sync_all().unwrap();
    let dirty = || {
        let init = Init::new(Mode::Pid1).probe(["sleep"]).start();
        init.wait_for_ready();
        init.until("onset at rest", || proc::is_idle(init.pid()).then_some(()));
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", init.pid())).unwrap();
        let field =
            rollup.lines().find_map(|line| line.strip_prefix("Private_Dirty:")).expect("a field of smaps_rollup");
        field.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    // The kernel has the stack begin at random: it may need a page more.
    check(&limits::PRIVATE_DIRTY, (0..5).map(|_| dirty()).min().unwrap());
}

#[test]
fn the_application_starts_after_no_more_system_calls() {
    if !is_release_or_skip() {
        return;
    }
    check(&limits::CALLS_PLAIN, calls_before_application(Init::new(Mode::Pid1)));
}

#[test]
fn the_entrypoint_job_makes_no_more_system_calls() {
    if !is_release_or_skip() {
        return;
    }
    let job = Job::new();
    let init = Init::new(Mode::Pid1).env(Job::ENVIRONMENT).cwd(job.folder.path()).options(["--config", "onset.toml"]);
    check(&limits::CALLS_JOB, calls_before_application(init));
    job.assert_done();
}

#[test]
fn pid_1_executes_no_more_instructions() {
    if !is_release_or_skip() {
        return;
    }
    let count = || Some(instructions(&Folder::new(), |valgrind| valgrind.args(["--", "/usr/bin/true"]), 0)?[&1]);
    // On a busy machine PID 1 may wake more often for the same news.
    if let Some(least) = (0..3).filter_map(|_| count()).min() {
        check(&limits::INSTRUCTIONS_PLAIN, least);
    }
}

#[test]
fn the_entrypoint_job_executes_no_more_instructions() {
    if !is_release_or_skip() {
        return;
    }
    let job = Job::new();
    let with_job = |valgrind: Init| {
        let valgrind = valgrind.env(Job::ENVIRONMENT).cwd(job.folder.path());
        valgrind.args(["--config", "onset.toml", "--", "/missing"])
    };
    if let Some(preparation) = instructions_to_prepare(&job.folder, with_job) {
        job.assert_done();
        check(&limits::INSTRUCTIONS_JOB, preparation);
    }
}

fn check(limit: &Limit, measured: u64) {
    let Limit { most, unit, source } = limit;
    // Seen with --nocapture.
    let _ = writeln!(std::io::stdout(), "{measured} {unit} of {most}: {source}");
    assert!(measured <= *most, "{measured} {unit}, and no more than {most} are allowed: {source}");
}

/// On the way from PID 1's start to the application's: of PID 1 up to its fork, then of the child up to its execve, which
/// is one of them.
fn calls_before_application(init: Init) -> u64 {
    const STRACE: &str = "/usr/bin/strace";
    const APPLICATION: &str = "/usr/bin/true";
    if !Path::new(STRACE).exists() {
        skip("needs strace");
        return 0;
    }
    let folder = Folder::new();
    let mut init = init.hold_before_exec().command([APPLICATION]).start();
    let traces = folder.join("trace");
    let tracer = Init::bare(Mode::SubReaper, STRACE)
        .args([Path::new("-ff"), Path::new("-o"), &traces])
        .args(["-p", &init.pid().to_string()])
        .start();
    tracer.wait_for_line(Stream::Stderr, "strace's own", |line| line.contains("attached"));
    init.release();
    assert_eq!(init.wait().code(), Some(0), "{}", init.story());
    tracer.wait();

    let calls = |path: PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let is_call = |line: &&str| line.starts_with(|first: char| first.is_ascii_lowercase());
        text.lines().filter(is_call).map(str::to_owned).collect::<Vec<_>>()
    };
    let count_to = |calls: &[String], last: &dyn Fn(&str) -> bool| {
        let at = calls.iter().position(|call| last(call));
        at.unwrap_or_else(|| panic!("not as expected: {calls:#?}")) as u64 + 1
    };
    let pid_1 = calls(folder.join(&format!("trace.{}", init.pid())));
    let start = format!("execve({:?}", onset().display().to_string());
    let after_start = count_to(&pid_1, &|call| call.starts_with(&start));
    let is_fork = |call: &str| ["fork(", "vfork(", "clone(", "clone3("].iter().any(|fork| call.starts_with(fork));
    let of_pid_1 = count_to(&pid_1, &is_fork) - after_start;

    let files = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let execution = format!("execve({APPLICATION:?}");
    let mut main = files.map(calls).filter(|calls| calls.iter().any(|call| call.starts_with(&execution)));
    let main = main.next().expect("the application's trace");
    of_pid_1 + count_to(&main, &|call| call.starts_with(&execution))
}

/// The entrypoint job of the benchmark, in a folder of its own.
struct Job {
    folder: Folder,
}

impl Job {
    const ENVIRONMENT: [&str; 7] = [
        "PATH=/usr/bin:/bin",
        "DB_HOST=db.internal",
        "DB_NAME=shop",
        "DB_USER=shop",
        "SERVER_NAME=example.org",
        "DB_PASSWORD_FILE=secrets/db_password",
        "API_TOKEN_FILE=secrets/api_token",
    ];

    fn new() -> Self {
        let folder = Folder::new();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/job");
        folder.file("onset.toml", fs::read(source.join("onset.toml")).unwrap(), 0o644);
        for part in ["templates", "secrets"] {
            folder.folder(part, 0o755);
            for entry in fs::read_dir(source.join(part)).unwrap() {
                let entry = entry.unwrap();
                let name = format!("{part}/{}", entry.file_name().display());
                folder.file(&name, fs::read(entry.path()).unwrap(), 0o644);
            }
        }
        Self { folder }
    }

    fn assert_done(&self) {
        let site = fs::read_to_string(self.folder.join("run/conf/site.conf")).unwrap();
        assert!(site.contains("server_name site7.example.org;") && !site.contains("${SERVER_NAME}"), "{site}");
    }
}
