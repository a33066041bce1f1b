//! From clone(2) to execve(2): everything is made ready by the parent, because a child of a process with threads may
//! only make system calls.

use std::ffi::{CString, c_char};
use std::io::{self, Read as _};
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::ptr::null;

use super::{files, sys};
use crate::syscall;

/// Descriptors of the harness itself are numbered from here, so that they cannot be in the way of those a test asks for.
pub const HARNESS_FDS: RawFd = 500;

/// A test's own code in the child, just before it changes user: it may only make system calls (no allocation, no lock,
/// no panic). The error it returns fails the start.
pub type Hook = Box<dyn FnMut() -> io::Result<()>>;

/// What the child does, in this order.
#[allow(clippy::struct_excessive_bools, reason = "a recipe is a list of independent choices")]
pub struct Recipe {
    /// PID namespace and a `/proc` of its own.
    pub pid_namespace: bool,
    /// A mount namespace of its own, from which nothing propagates back.
    pub mount_namespace: bool,
    /// Descriptors to hand on, with the number they get. Every other one is closed.
    pub fds: Vec<(OwnedFd, RawFd)>,
    pub new_session: bool,
    pub cwd: Option<CString>,
    pub umask: Option<u32>,
    /// `RLIMIT_*`, soft, hard.
    pub limits: Vec<(u32, u64, u64)>,
    /// Signals to be ignored; all others get their default disposition.
    pub ignored: u64,
    pub hook: Option<Hook>,
    pub user: Option<(u32, u32)>,
    /// Blocked signals.
    pub mask: u64,
    /// Whether to wait for [`Child::release`] at the very end.
    pub hold: bool,
    pub program: CString,
    pub argv: Vec<CString>,
    pub envp: Vec<CString>,
}

/// The child, before or after its execve.
pub struct Child {
    pub pid: i32,
    gate: Option<OwnedFd>,
    news: OwnedFd,
}

/// What the child could not do; a first `Hold` only says that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Step {
    Hold,
    Namespace,
    Fds,
    Session,
    Cwd,
    Umask,
    Limits,
    Signals,
    Hook,
    User,
    Mask,
    Exec,
}

const STEPS: [Step; 12] = [
    Step::Hold,
    Step::Namespace,
    Step::Fds,
    Step::Session,
    Step::Cwd,
    Step::Umask,
    Step::Limits,
    Step::Signals,
    Step::Hook,
    Step::User,
    Step::Mask,
    Step::Exec,
];

impl Recipe {
    /// Clones a child that follows this recipe. Returns when its execve has succeeded, or when it holds before it.
    /// The child is killed when the calling thread ends.
    ///
    /// # Errors
    /// What the child could not do.
    pub fn start(mut self) -> Result<Child, String> {
        let (news, news_writer) = sys::pipe();
        let (gate_reader, gate) = sys::pipe();
        let above = |fd| sys::duplicate_above(&fd, HARNESS_FDS).expect("a descriptor above 500");
        let (news_writer, gate_reader) = (above(news_writer), above(gate_reader));
        self.fds = self.fds.into_iter().map(|(fd, target)| (above(fd), target)).collect();
        let gaps =
            gaps(self.fds.iter().map(|(_, target)| *target).chain([news_writer.as_raw_fd(), gate_reader.as_raw_fd()]));

        let as_user = sys::effective_uid() != 0 && (self.pid_namespace || self.mount_namespace);
        let flags = [
            (true, libc::SIGCHLD),
            (self.pid_namespace, libc::CLONE_NEWPID),
            (self.pid_namespace || self.mount_namespace, libc::CLONE_NEWNS),
            (as_user, libc::CLONE_NEWUSER),
        ];
        let flags = flags.iter().filter(|(wanted, _)| *wanted).fold(0, |all, (_, flag)| all | flag);
        let argv = pointers(&self.argv);
        let envp = pointers(&self.envp);

        let _no_executable_is_written = files::forking();
        let pid = syscall!(SYS_clone, flags, 0, 0, 0, 0).map_err(|err| format!("cannot clone: {err}"))?;
        if pid == 0 {
            let (news, gate) = (news_writer.as_raw_fd(), gate_reader.as_raw_fd());
            // execve does not return when it succeeds.
            let (step, err) = self.follow(as_user, &gaps, news, gate, &argv, &envp);
            tell(news, step, err.raw_os_error().unwrap_or(0));
            // SAFETY: _exit only ends this process.
            unsafe { libc::_exit(125) }
        }
        drop((news_writer, gate_reader));
        let mut child = Child { pid: i32::try_from(pid).expect("a pid"), gate: Some(gate), news };
        if as_user {
            map_ids(child.pid).map_err(|err| format!("cannot map user and group: {err}"))?;
            child.open_gate();
        }
        let held = child.hear()?;
        assert_eq!(held, self.hold, "the child holds where it was asked to");
        Ok(child)
    }

    fn follow(
        &mut self,
        as_user: bool,
        gaps: &[(RawFd, RawFd)],
        news: RawFd,
        gate: RawFd,
        argv: &[*const c_char],
        envp: &[*const c_char],
    ) -> (Step, io::Error) {
        let step = |step| move |err| (step, err);
        let result = (|| {
            if as_user {
                wait_at(gate).map_err(step(Step::Namespace))?;
            }
            self.enter_namespaces().map_err(step(Step::Namespace))?;
            self.place_fds(gaps).map_err(step(Step::Fds))?;
            if self.new_session {
                syscall!(SYS_setsid).map_err(step(Step::Session))?;
            }
            if let Some(cwd) = &self.cwd {
                syscall!(SYS_chdir, cwd.as_ptr()).map_err(step(Step::Cwd))?;
            }
            if let Some(umask) = self.umask {
                syscall!(SYS_umask, umask).map_err(step(Step::Umask))?;
            }
            for (resource, soft, hard) in &self.limits {
                let limit = [*soft, *hard];
                syscall!(SYS_prlimit64, 0, *resource, &raw const limit, 0).map_err(step(Step::Limits))?;
            }
            self.set_dispositions().map_err(step(Step::Signals))?;
            if let Some(hook) = &mut self.hook {
                hook().map_err(step(Step::Hook))?;
            }
            if let Some((uid, gid)) = self.user {
                become_user(uid, gid).map_err(step(Step::User))?;
            }
            // A test binary that is killed cannot clean up. Only execve of a set-user-ID program forgets this.
            syscall!(SYS_prctl, libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0).map_err(step(Step::User))?;
            sys::set_mask(self.mask).map_err(step(Step::Mask))?;
            if self.hold {
                tell(news, Step::Hold, 0);
                wait_at(gate).map_err(step(Step::Hold))?;
            }
            syscall!(SYS_execve, self.program.as_ptr(), argv.as_ptr(), envp.as_ptr()).map_err(step(Step::Exec))
        })();
        match result {
            Err(failure) => failure,
            Ok(_) => (Step::Exec, io::Error::from_raw_os_error(0)),
        }
    }

    fn enter_namespaces(&self) -> io::Result<()> {
        if self.pid_namespace || self.mount_namespace {
            syscall!(SYS_mount, 0, c"/".as_ptr(), 0, libc::MS_REC | libc::MS_PRIVATE, 0)?;
        }
        if self.pid_namespace {
            let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
            syscall!(SYS_mount, c"proc".as_ptr(), c"/proc".as_ptr(), c"proc".as_ptr(), flags, 0)?;
        }
        Ok(())
    }

    fn place_fds(&self, gaps: &[(RawFd, RawFd)]) -> io::Result<()> {
        for (fd, target) in &self.fds {
            syscall!(SYS_dup3, fd.as_raw_fd(), *target, 0)?;
        }
        for &(first, last) in gaps {
            if syscall!(SYS_close_range, first, last, 0).is_err() {
                for fd in first..=last.min(4096) {
                    let _not_open = syscall!(SYS_close, fd);
                }
            }
        }
        Ok(())
    }

    fn set_dispositions(&self) -> io::Result<()> {
        for signal in (1..=64).filter(|&signal| signal != libc::SIGKILL && signal != libc::SIGSTOP) {
            let ignored = self.ignored & (1 << (signal - 1)) != 0;
            sys::set_disposition(signal, if ignored { libc::SIG_IGN } else { libc::SIG_DFL })?;
        }
        Ok(())
    }
}

impl Child {
    /// Lets a child go on that holds before its execve.
    ///
    /// # Errors
    /// What the child could not do.
    pub fn release(&mut self) -> Result<(), String> {
        self.open_gate();
        self.hear().map(drop)
    }

    fn open_gate(&mut self) {
        if let Some(gate) = &self.gate {
            let written = syscall!(SYS_write, gate.as_raw_fd(), c"g".as_ptr(), 1);
            assert_eq!(written.expect("the child waits at the gate"), 1);
        }
    }

    /// Whether the child holds (true) or has execve'd.
    fn hear(&mut self) -> Result<bool, String> {
        let mut news = [0; 5];
        let mut reader = std::fs::File::from(self.news.try_clone().expect("a descriptor"));
        match reader.read(&mut news) {
            Ok(0) => Ok(false),
            Ok(5) if news[0] == Step::Hold as u8 => Ok(true),
            Ok(5) => {
                let errno = i32::from_le_bytes([news[1], news[2], news[3], news[4]]);
                let step = STEPS.iter().find(|step| **step as u8 == news[0]);
                let error = io::Error::from_raw_os_error(errno);
                let _reaped = syscall!(SYS_wait4, self.pid, 0, 0, 0);
                Err(format!("the child failed at {step:?}: {error}"))
            }
            other => Err(format!("the child wrote nonsense: {other:?} {news:?}")),
        }
    }
}

/// Whether a PID and mount namespace (and a user namespace, without root) can be made here.
///
/// # Errors
/// Why not.
pub fn try_namespaces() -> Result<(), String> {
    let recipe = Recipe {
        pid_namespace: true,
        mount_namespace: true,
        fds: Vec::new(),
        new_session: true,
        cwd: None,
        umask: None,
        limits: Vec::new(),
        ignored: 0,
        // The first process of a PID namespace may fork, or there would be no sense in it.
        hook: Some(Box::new(|| {
            let pid = syscall!(SYS_clone, libc::SIGCHLD, 0, 0, 0, 0)?;
            if pid == 0 {
                // SAFETY: _exit only ends this process.
                unsafe { libc::_exit(0) }
            }
            syscall!(SYS_wait4, pid, 0, 0, 0).map(drop)
        })),
        user: None,
        mask: 0,
        hold: false,
        program: c"/proc/self/exe".to_owned(),
        argv: vec![c"it".to_owned(), c"--list".to_owned()],
        envp: Vec::new(),
    };
    let child = recipe.start()?;
    let _killed = sys::kill(child.pid, libc::SIGKILL);
    let _reaped = syscall!(SYS_wait4, child.pid, 0, 0, 0);
    Ok(())
}

/// Root in the child's user namespace is us outside.
fn map_ids(pid: i32) -> io::Result<()> {
    std::fs::write(format!("/proc/{pid}/setgroups"), "deny")?;
    std::fs::write(format!("/proc/{pid}/uid_map"), format!("0 {} 1", sys::effective_uid()))?;
    std::fs::write(format!("/proc/{pid}/gid_map"), format!("0 {} 1", sys::effective_gid()))
}

/// Raw, because libc's own functions would tell the threads that this child does not have.
fn become_user(uid: u32, gid: u32) -> io::Result<()> {
    syscall!(SYS_setgroups, 0, 0)?;
    syscall!(SYS_setresgid, gid, gid, gid)?;
    syscall!(SYS_setresuid, uid, uid, uid).map(drop)
}

fn wait_at(gate: RawFd) -> io::Result<()> {
    let mut byte = 0_u8;
    match syscall!(SYS_read, gate, &raw mut byte, 1)? {
        1 => Ok(()),
        // The test is gone.
        _ => Err(io::Error::from_raw_os_error(libc::EPIPE)),
    }
}

fn tell(news: RawFd, step: Step, errno: i32) {
    let [a, b, c, d] = errno.to_le_bytes();
    let message = [step as u8, a, b, c, d];
    let _nobody_listens = syscall!(SYS_write, news, message.as_ptr(), message.len());
}

/// The ranges between the descriptors to keep.
fn gaps(keep: impl Iterator<Item = RawFd>) -> Vec<(RawFd, RawFd)> {
    let mut keep: Vec<_> = keep.collect();
    keep.sort_unstable();
    let mut first = 0;
    let mut gaps = Vec::new();
    for fd in keep {
        if fd > first {
            gaps.push((first, fd - 1));
        }
        first = fd + 1;
    }
    gaps.push((first, RawFd::MAX));
    gaps
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([null()]).collect()
}
