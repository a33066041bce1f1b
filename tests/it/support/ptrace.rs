//! A tiny tracer (ptrace(2)): it reports every system call of onset and of its child, and can hold one of them at one
//! call while the rest runs on. It needs no strace, only that we may trace our own children.
//!
//! All ptrace requests must come from the thread that attached, so that each [`Tracer`] is a thread of its own.

use std::collections::BTreeMap;
use std::mem::size_of;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{LIMIT, proc};

/// Whose system call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The process that was seized.
    Seized,
    /// What it forked, up to its execve.
    Child,
}

/// Which end of a system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    Entry,
    Exit,
}

/// One system call stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    pub who: Who,
    pub edge: Edge,
    /// `libc::SYS_...`
    pub call: i64,
    /// The call's arguments, at its entry.
    pub args: [u64; 6],
    /// Where the instruction that made the call is.
    pub instruction: u64,
    /// Stops of this process before this one, since its start or its execve.
    pub nth: usize,
}

/// What the test tells the tracer.
enum Ask {
    GoOn,
    Release,
    Kill(Victim),
}

/// Whom [`Tracer::kill`] kills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// The process that is held.
    Held,
    /// The process that was seized; as PID 1 it takes all others with it.
    Seized,
}

/// What the tracer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A process passed this stop.
    Passed(Stop),
    /// A process is held at this stop, until [`Tracer::release`].
    Held(Stop),
    /// The child (if one was to come) has made its execve, and the seized process sleeps in a system call; or the
    /// seized process itself has made a second execve.
    Settled,
    /// Nobody is left to trace.
    Ended,
}

pub struct Tracer {
    ask: Sender<Ask>,
    events: Receiver<Event>,
    thread: JoinHandle<()>,
}

impl Tracer {
    /// Traces `pid`, which waits at a gate, from its execve on, and its child up to the child's execve.
    /// The first stop for which `hold` is true is held.
    pub fn before_exec(pid: i32, hold: impl FnMut(&Stop) -> bool + Send + 'static) -> Tracer {
        Self::start(pid, false, Box::new(hold))
    }

    /// Traces the running process `pid`.
    pub fn attach(pid: i32) -> Tracer {
        Self::attach_and_hold(pid, |_| false)
    }

    /// Traces the running process `pid`. The first stop for which `hold` is true is held.
    pub fn attach_and_hold(pid: i32, hold: impl FnMut(&Stop) -> bool + Send + 'static) -> Tracer {
        Self::start(pid, true, Box::new(hold))
    }

    fn start(pid: i32, running: bool, hold: Box<dyn FnMut(&Stop) -> bool + Send>) -> Tracer {
        let (seized, wait_seized) = channel();
        let (ask, asked) = channel();
        let (tell, events) = channel();
        let thread = std::thread::spawn(move || {
            let options = if running { RUNNING } else { BEFORE_EXEC };
            request(libc::PTRACE_SEIZE, pid, options).expect("PTRACE_SEIZE");
            if running {
                request(libc::PTRACE_INTERRUPT, pid, 0).expect("PTRACE_INTERRUPT");
            }
            seized.send(()).expect("the test waits for this");
            let mut trace = Trace { seized: pid, tracees: BTreeMap::new(), hold, tell, started: running, told: false };
            trace.tracees.insert(pid, Tracee::new(Who::Seized, running));
            trace.run(&asked);
        });
        wait_seized.recv_timeout(LIMIT).expect("the tracer is attached");
        Tracer { ask, events, thread }
    }

    /// The next event, or `None` when nothing happens within `limit`.
    pub fn next(&self, limit: Duration) -> Option<Event> {
        match self.events.recv_timeout(limit) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("the tracer ended"),
        }
    }

    /// Waits until somebody is held, or until nobody ever will be: `Held`, `Settled` or `Ended`.
    pub fn outcome(&self) -> Event {
        let deadline = Instant::now() + LIMIT;
        loop {
            match self.next(deadline.saturating_duration_since(Instant::now())) {
                Some(Event::Passed(_)) => {}
                Some(event) => return event,
                None => panic!("the traced processes neither reach the stop nor fall asleep"),
            }
        }
    }

    /// Lets the held process go on, still traced.
    pub fn go_on(&self) {
        let _ = self.ask.send(Ask::GoOn);
    }

    /// Kills (SIGKILL) while one is held, which never makes the call it is held at. Lets go of the others.
    pub fn kill(self, victim: Victim) {
        let _ = self.ask.send(Ask::Kill(victim));
        self.thread.join().expect("the tracer ends well");
    }

    /// Lets go of everybody.
    pub fn release(self) {
        let _ = self.ask.send(Ask::Release);
        self.thread.join().expect("the tracer ends well");
    }
}

// EXITKILL: a test that fails leaves nobody behind.
const RUNNING: i32 = libc::PTRACE_O_TRACESYSGOOD;
const BEFORE_EXEC: i32 = libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_EXITKILL;

struct Tracee {
    who: Who,
    /// It runs the program under test by now (until execve it is still the harness).
    ours: bool,
    stops: usize,
    /// The system call it is in; exit stops do not say it.
    call: Option<i64>,
    held: bool,
}

impl Tracee {
    fn new(who: Who, ours: bool) -> Tracee {
        Tracee { who, ours, stops: 0, call: None, held: false }
    }
}

struct Trace {
    seized: i32,
    tracees: BTreeMap<i32, Tracee>,
    hold: Box<dyn FnMut(&Stop) -> bool + Send>,
    tell: Sender<Event>,
    /// The child has made its execve.
    started: bool,
    /// An `Settled` was told since the last stop.
    told: bool,
}

impl Trace {
    fn run(&mut self, asked: &Receiver<Ask>) {
        let mut idle_rounds = 0_u32;
        while !self.tracees.is_empty() {
            if let Some((pid, status)) = wait_any() {
                idle_rounds = 0;
                self.on_status(pid, status);
                continue;
            }
            self.tell_if_settled();
            // waitpid and a channel cannot be waited for together: look often at first, then less often.
            idle_rounds += 1;
            let ask = if idle_rounds < 50 {
                std::thread::yield_now();
                asked.try_recv().or_else(|err| if err == TryRecvError::Empty { Err(()) } else { Ok(Ask::Release) })
            } else {
                let nap = Duration::from_micros(u64::from(idle_rounds.min(1000)));
                let ask = asked.recv_timeout(nap);
                ask.or_else(|err| if err == RecvTimeoutError::Timeout { Err(()) } else { Ok(Ask::Release) })
            };
            match ask {
                Ok(Ask::Release) => return self.detach_all(),
                Ok(Ask::GoOn) => self.resume_held(),
                Ok(Ask::Kill(victim)) => return self.kill(victim),
                Err(()) => {}
            }
        }
        let _ = self.tell.send(Event::Ended);
    }

    fn on_status(&mut self, pid: i32, status: i32) {
        if !libc::WIFSTOPPED(status) {
            self.tracees.remove(&pid);
            return;
        }
        // A new child may be seen before its parent's fork event.
        let tracee = self.tracees.entry(pid).or_insert_with(|| Tracee::new(Who::Child, true));
        let signal = libc::WSTOPSIG(status);
        let go_on = if tracee.ours { libc::PTRACE_SYSCALL } else { libc::PTRACE_CONT };
        match status >> 16 {
            0 if signal == libc::SIGTRAP | 0x80 => self.on_call(pid),
            0 => resume(go_on, pid, signal),
            libc::PTRACE_EVENT_EXEC if tracee.ours => {
                self.started = true;
                if tracee.who == Who::Seized {
                    let _ = self.tell.send(Event::Settled);
                }
                self.tracees.remove(&pid);
                resume(libc::PTRACE_DETACH, pid, 0);
            }
            libc::PTRACE_EVENT_EXEC => {
                tracee.ours = true;
                resume(libc::PTRACE_SYSCALL, pid, 0);
            }
            libc::PTRACE_EVENT_STOP if signal != libc::SIGTRAP => resume(libc::PTRACE_LISTEN, pid, 0),
            _ => resume(go_on, pid, 0),
        }
    }

    fn on_call(&mut self, pid: i32) {
        let tracee = self.tracees.get_mut(&pid).expect("on_status has put it there");
        let (entered, instruction) = system_call_entered(pid);
        let edge = if entered.is_some() { Edge::Entry } else { Edge::Exit };
        let args = entered.map_or([0; 6], |(_, args)| args);
        let entered = entered.map(|(call, _)| call);
        // A first exit without an entry ends the execve or the fork that this process came from.
        let Some(call) = entered.or(tracee.call.take()) else { return resume(libc::PTRACE_SYSCALL, pid, 0) };
        tracee.call = entered;
        let stop = Stop { who: tracee.who, edge, call, args, instruction, nth: tracee.stops };
        tracee.stops += 1;
        self.told = false;
        if (self.hold)(&stop) {
            tracee.held = true;
            self.hold = Box::new(|_| false);
            let _ = self.tell.send(Event::Held(stop));
        } else {
            let _ = self.tell.send(Event::Passed(stop));
            resume(libc::PTRACE_SYSCALL, pid, 0);
        }
    }

    fn tell_if_settled(&mut self) {
        let held = self.tracees.values().any(|tracee| tracee.held);
        if self.started && !self.told && !held && proc::state(self.seized) == Some('S') {
            self.told = true;
            let _ = self.tell.send(Event::Settled);
        }
    }

    fn resume_held(&mut self) {
        for (&pid, tracee) in self.tracees.iter_mut().filter(|(_, tracee)| tracee.held) {
            tracee.held = false;
            resume(libc::PTRACE_SYSCALL, pid, 0);
        }
    }

    fn detach_all(&mut self) {
        // The held one first: another may wait for it where nothing can interrupt it (vfork).
        for pid in self.tracees.iter().filter(|(_, tracee)| tracee.held).map(|(&pid, _)| pid) {
            resume(libc::PTRACE_DETACH, pid, 0);
        }
        self.detach_all_but_held();
    }

    fn detach_all_but_held(&mut self) {
        for pid in self.tracees.iter().filter(|(_, tracee)| !tracee.held).map(|(&pid, _)| pid) {
            if request(libc::PTRACE_INTERRUPT, pid, 0).is_ok() {
                detach_at_next_stop(pid);
            }
        }
    }

    /// The seized process is let go first: a tracer that is its parent's thread would take its status away.
    fn kill(&mut self, victim: Victim) {
        self.detach_all_but_held();
        let held = self.tracees.iter().find(|(_, tracee)| tracee.held).map(|(&pid, _)| pid).expect("somebody is held");
        let victim = match victim {
            Victim::Held => held,
            Victim::Seized => self.seized,
        };
        super::sys::kill(victim, libc::SIGKILL).expect("a process of ours, not waited for yet");
        // Without us it would stay a zombie, and keep its PID namespace.
        let mut status = 0;
        // SAFETY: waitpid writes one c_int through the pointer; `status` is a live local.
        while unsafe { libc::waitpid(held, &raw mut status, libc::__WALL) } == held && libc::WIFSTOPPED(status) {}
    }
}

fn detach_at_next_stop(pid: i32) {
    let mut status = 0;
    // SAFETY: waitpid writes one c_int through the pointer; `status` is a live local.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, libc::__WALL) };
    if waited == pid && libc::WIFSTOPPED(status) {
        let signal = libc::WSTOPSIG(status);
        let delivers = status >> 16 == 0 && signal != libc::SIGTRAP | 0x80;
        resume(libc::PTRACE_DETACH, pid, if delivers { signal } else { 0 });
    }
}

/// A child of this thread that changed its state: other threads of the test binary wait for their own.
fn wait_any() -> Option<(i32, i32)> {
    let mut status = 0;
    // SAFETY: waitpid writes one c_int through the pointer; `status` is a live local.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | libc::__WNOTHREAD | libc::WNOHANG) };
    (pid > 0).then_some((pid, status))
}

/// Goes on. A tracee that was killed in its stop is told by waitpid, so that ESRCH says nothing new.
fn resume(how: u32, pid: i32, signal: i32) {
    let _ = request(how, pid, signal);
}

fn request(request: u32, pid: i32, data: i32) -> nix::Result<()> {
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: the requests used here take an integer as data and write to no memory of ours.
    let result = unsafe { libc::ptrace(request, pid, none, libc::c_long::from(data)) };
    nix::errno::Errno::result(result).map(drop)
}

/// The call that a system call stop enters, with its arguments, or `None` when it leaves one; and where it was made.
fn system_call_entered(pid: i32) -> (Option<(i64, [u64; 6])>, u64) {
    // SAFETY: all zeroes is a value of this plain C struct.
    let mut info: libc::ptrace_syscall_info = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::ptrace_syscall_info>();
    // SAFETY: the kernel writes at most `size` bytes into `info`, which is that large.
    let got = unsafe { libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, pid, size, &raw mut info) };
    assert!(got > 0, "PTRACE_GET_SYSCALL_INFO (Linux 5.3): {}", std::io::Error::last_os_error());
    if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return (None, info.instruction_pointer);
    }
    // SAFETY: `op` says that the kernel has filled this arm of the union.
    let entry = unsafe { info.u.entry };
    (i64::try_from(entry.nr).ok().map(|call| (call, entry.args)), info.instruction_pointer)
}
