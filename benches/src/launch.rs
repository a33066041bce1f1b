//! From clone(2) to execve(2): a program becomes PID 1 of a PID namespace of its own.
#![allow(unsafe_code)] // clone, execve and a page that two processes share

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::ptr::null;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What the container of every init finds, beside what a part adds.
const ENVIRONMENT: [&str; 3] = ["PATH=/usr/bin:/bin", "HOME=/", "HOSTNAME=bench"];

/// What is started. Stdin is /dev/null, stdout and stderr are pipes, every other descriptor is closed.
#[derive(Clone, Default)]
pub struct Command {
    words: Vec<CString>,
    environment: Vec<CString>,
    cwd: Option<PathBuf>,
    /// Whether it is traced by its parent, and stops before its first instruction.
    traced: bool,
}

/// One that runs, or has run. Dropping it ends it, and with it all that is in its namespace.
pub struct Container {
    pub pid: i32,
    /// When it called execve, as `CLOCK_MONOTONIC` has it, in nanoseconds.
    pub executed: u64,
    stdout: File,
    stderr: File,
    ended: bool,
}

/// How it ended.
#[derive(Clone, Copy)]
pub struct End {
    pub status: i32,
    /// When its parent heard of it, in nanoseconds.
    pub at: u64,
    /// User and system time of PID 1 and of all that it waited for.
    pub cpu: Duration,
    /// Page faults that needed no file to be read.
    pub faults: i64,
}

impl Command {
    pub fn new(words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let words = words.into_iter().map(|word| c_string(word.as_ref())).collect();
        let environment = ENVIRONMENT.iter().map(|entry| c_string(OsStr::new(entry))).collect();
        Self { words, environment, cwd: None, traced: false }
    }

    /// With this environment and nothing more.
    pub fn exactly(words: impl IntoIterator<Item = impl AsRef<OsStr>>, environment: &[String]) -> Self {
        let environment = environment.iter().map(|entry| c_string(OsStr::new(entry))).collect();
        Self { environment, ..Self::new(words) }
    }

    pub fn words(&self) -> impl Iterator<Item = &OsStr> {
        self.words.iter().map(|word| OsStr::from_bytes(word.to_bytes()))
    }

    /// Where it starts.
    pub fn folder(&self) -> &Path {
        self.cwd.as_deref().unwrap_or(Path::new("/"))
    }

    pub fn program(&self) -> String {
        self.words.first().map_or_else(String::new, |word| word.to_string_lossy().into_owned())
    }

    pub fn environment_as_json(&self) -> String {
        let entries: Vec<_> = self.environment.iter().map(|entry| entry.to_string_lossy()).collect();
        serde_json::json!(entries).to_string()
    }

    pub fn args(mut self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.words.extend(words.into_iter().map(|word| c_string(word.as_ref())));
        self
    }

    /// More of the environment: `NAME=value`.
    pub fn env(mut self, entries: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.environment.extend(entries.into_iter().map(|entry| c_string(entry.as_ref())));
        self
    }

    pub fn cwd(mut self, folder: &Path) -> Self {
        self.cwd = Some(folder.to_owned());
        self
    }

    pub fn traced(mut self) -> Self {
        self.traced = true;
        self
    }

    /// The same under another program: `words` come first.
    pub fn under(&self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let mut all: Vec<CString> = words.into_iter().map(|word| c_string(word.as_ref())).collect();
        all.extend_from_slice(&self.words);
        Self { words: all, ..self.clone() }
    }

    /// Starts it as PID 1 of a new PID namespace, with a /proc that shows it.
    pub fn start(&self) -> io::Result<Container> {
        let (stdout, stdout_writer) = pipe()?;
        let (stderr, stderr_writer) = pipe()?;
        // Nobody reads while it is measured, and what is said then must have room.
        // SAFETY: takes numbers.
        if unsafe { libc::fcntl(stderr.as_raw_fd(), libc::F_SETPIPE_SZ, 1 << 20) } < 0 {
            return Err(io::Error::last_os_error());
        }
        let stdin: OwnedFd = File::open("/dev/null")?.into();
        let cwd = c_string(self.folder().as_os_str());
        let pointers = |words: &[CString]| {
            let list = words.iter().map(|word| word.as_ptr()).chain([null()]);
            list.collect::<Vec<_>>()
        };
        let (argv, envp) = (pointers(&self.words), pointers(&self.environment));
        let stamp = stamp();

        let flags = libc::SIGCHLD | libc::CLONE_NEWPID | libc::CLONE_NEWNS;
        // SAFETY: without CLONE_VM the child has a copy of everything; this process has one thread.
        let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
        if pid < 0 {
            return Err(io::Error::last_os_error());
        }
        if pid == 0 {
            let fds = [stdin.as_raw_fd(), stdout_writer.as_raw_fd(), stderr_writer.as_raw_fd()];
            let failed = become_program(fds, &cwd, self.traced, stamp, &argv, &envp);
            // Nobody else would say it: the parent hears 125 only.
            let _gone = writeln_raw(&format!("bench: cannot start {:?}: {failed}\n", self.words));
            // SAFETY: ends this process without what its parent has registered to be done at the end.
            unsafe { libc::_exit(125) }
        }
        let pid = i32::try_from(pid).map_err(io::Error::other)?;
        // Not this process's to hold: the end of the output is the end of all writers.
        drop((stdout_writer, stderr_writer));
        Ok(Container { pid, executed: 0, stdout: stdout.into(), stderr: stderr.into(), ended: false })
    }

    /// Starts it and waits for its end.
    pub fn run(&self) -> io::Result<(Container, End)> {
        let mut container = self.start()?;
        let end = container.wait()?;
        Ok((container, end))
    }
}

impl Container {
    /// The next numbers that the application said, waited for as long as that.
    pub fn hear<const N: usize>(&mut self, limit: Duration) -> io::Result<Option<[u64; N]>> {
        let mut poll = libc::pollfd { fd: self.stdout.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one live pollfd.
        match unsafe { libc::poll(&raw mut poll, 1, i32::try_from(limit.as_millis()).unwrap_or(i32::MAX)) } {
            0 => return Ok(None),
            1 => {}
            _ => return Err(io::Error::last_os_error()),
        }
        let mut numbers = [0; N];
        for number in &mut numbers {
            let mut bytes = [0; 8];
            match self.stdout.read_exact(&mut bytes) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                read => read?,
            }
            *number = u64::from_ne_bytes(bytes);
        }
        self.executed = stamp().load(Ordering::Relaxed);
        Ok(Some(numbers))
    }

    /// When the application's main was reached, waited for at most ten seconds.
    pub fn application_started(&mut self) -> io::Result<u64> {
        match self.hear(Duration::from_secs(10))? {
            Some([reached]) => Ok(reached),
            None => Err(io::Error::other(format!("no application was started; stderr: {}", self.stderr()))),
        }
    }

    /// What is on stdout, after its end.
    pub fn stdout(&mut self) -> io::Result<String> {
        let mut text = String::new();
        self.stdout.read_to_string(&mut text)?;
        Ok(text)
    }

    /// What is on stderr by now.
    pub fn stderr(&mut self) -> String {
        let mut text = Vec::new();
        let mut poll = libc::pollfd { fd: self.stderr.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let mut chunk = [0; 4096];
        // SAFETY: one live pollfd.
        while unsafe { libc::poll(&raw mut poll, 1, 0) } == 1 {
            match self.stderr.read(&mut chunk) {
                Ok(0) | Err(_) => break,
                Ok(read) => text.extend_from_slice(&chunk[..read]),
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: takes numbers.
        unsafe { libc::kill(self.pid, signal) };
    }

    /// Queues a signal, as sigqueue(3) does.
    pub fn queue(&self, signal: i32) {
        let value = libc::sigval { sival_ptr: std::ptr::null_mut() };
        // SAFETY: takes numbers and a value that nobody dereferences.
        unsafe { libc::sigqueue(self.pid, signal, value) };
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> io::Result<End> {
        let mut status = 0;
        // SAFETY: a zeroed rusage is one.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: writes to two live locals.
        let waited = unsafe { libc::wait4(self.pid, &raw mut status, 0, &raw mut usage) };
        let at = bare::now();
        if waited != self.pid {
            return Err(io::Error::last_os_error());
        }
        self.ended = true;
        self.executed = stamp().load(Ordering::Relaxed);
        let time = |time: libc::timeval| {
            Duration::from_micros(time.tv_sec.unsigned_abs() * 1_000_000 + time.tv_usec.unsigned_abs())
        };
        Ok(End { status, at, cpu: time(usage.ru_utime) + time(usage.ru_stime), faults: usage.ru_minflt })
    }

    /// A file of its /proc.
    pub fn proc(&self, name: &str) -> io::Result<String> {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.pid))
    }

    /// The number behind `field:` in a file of its /proc; in KiB where the kernel says kB.
    pub fn proc_number(&self, name: &str, field: &str) -> io::Result<u64> {
        let text = self.proc(name)?;
        let number = text.lines().find_map(|line| {
            let value = line.strip_prefix(field)?.strip_prefix(':')?;
            value.split_whitespace().next()?.parse().ok()
        });
        number.ok_or_else(|| io::Error::other(format!("no {field} in {name}")))
    }

    /// How long it has been on a processor, in nanoseconds.
    pub fn cpu(&self) -> io::Result<u64> {
        let text = self.proc("schedstat")?;
        text.split_whitespace().next().and_then(|word| word.parse().ok()).ok_or_else(|| io::Error::other("schedstat"))
    }

    /// Waits until it has slept for some time on end: what it had to do after the start is done.
    pub fn settle(&self) -> io::Result<()> {
        let switches = || {
            let [willing, forced] = ["voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"]
                .map(|field| self.proc_number("status", field));
            io::Result::Ok(willing? + forced?)
        };
        // As long as nothing changes for a tenth of a second: shorter than tini's timer, longer than any start.
        let mut before = switches()?;
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(100));
            let now = switches()?;
            if now == before {
                return Ok(());
            }
            before = now;
        }
        Err(io::Error::other("it does not come to rest"))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if !self.ended {
            self.signal(libc::SIGKILL);
            let _gone = self.wait();
        }
    }
}

/// Where the child says when it called execve. One for all: only one child is ever on its way.
fn stamp() -> &'static AtomicU64 {
    static PAGE: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    let page = *PAGE.get_or_init(|| bare::shared_page() as usize);
    assert_ne!(page, 0, "no memory that is shared with children");
    // SAFETY: the page is zeroed, aligned, large enough, and never unmapped.
    unsafe { &*(page as *const AtomicU64) }
}

fn become_program(
    fds: [RawFd; 3],
    cwd: &CString,
    traced: bool,
    stamp: &AtomicU64,
    argv: &[*const libc::c_char],
    envp: &[*const libc::c_char],
) -> io::Error {
    let proc = (c"proc".as_ptr(), c"/proc".as_ptr());
    let private = libc::MS_REC | libc::MS_PRIVATE;
    let mut result: libc::c_long = 0;
    let mut step = |returned: libc::c_long| result = result.min(returned);
    // SAFETY: constant strings.
    step(unsafe { libc::mount(null(), c"/".as_ptr(), null(), private, null()) }.into());
    // SAFETY: constant strings.
    step(unsafe { libc::mount(proc.0, proc.1, proc.0, 0, null()) }.into());
    // SAFETY: takes nothing.
    step(unsafe { libc::setsid() }.into());
    for (target, fd) in (0..).zip(fds) {
        // SAFETY: takes numbers. The originals are above 2 and close with execve.
        step(unsafe { libc::dup2(fd, target) }.into());
    }
    // What whoever started the benchmark has left open is not the container's.
    // SAFETY: takes numbers.
    step(unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) });
    // SAFETY: a string that lives.
    step(unsafe { libc::chdir(cwd.as_ptr()) }.into());
    if traced {
        // SAFETY: takes numbers.
        step(unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) });
        // Its addresses decide how much there is to do in some places, for instance in hash tables.
        // SAFETY: takes a number.
        step(unsafe { libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong) }.into());
    }
    if result < 0 {
        return io::Error::last_os_error();
    }
    stamp.store(bare::now(), Ordering::Relaxed);
    // SAFETY: both lists end with a null pointer, and their strings live.
    unsafe { libc::execve(argv[0], argv.as_ptr(), envp.as_ptr()) };
    io::Error::last_os_error()
}

fn writeln_raw(text: &str) -> isize {
    // SAFETY: reads from a live string.
    unsafe { libc::write(2, text.as_ptr().cast(), text.len()) }
}

/// Both ends close with execve, and are none of the standard descriptors.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends: [RawFd; 2] = [-1; 2];
    // SAFETY: writes two numbers into a live array.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: pipe2 has just made both, and nobody else knows them.
    Ok(ends.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }).into())
}

fn c_string(word: &OsStr) -> CString {
    CString::new(word.as_bytes()).unwrap_or_default()
}
