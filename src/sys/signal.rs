//! Signals, all 64 of them, by number: libc's wrappers know fewer and differ in which.
//!
//! The loop hears signals through a signalfd and not through signal-hook's handlers, for reasons that were measured
//! (`benches/signal_intake.rs`): signal-hook keeps at most five queued signals of a kind and drops the rest, where the
//! kernel keeps them all in order; libc lets no handler be set for signals 32 to 34; and a handler that writes to
//! a pipe costs three system calls for each signal where the signalfd costs one. signal-hook serves for the names. When there
//! is nothing else to wait for, [`relay`] asks without the descriptor: it is shorter in the kernel, too.

use super::fd::above_stdio;
use nix::errno::Errno;
use nix::unistd::Pid;
use std::fmt;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// The highest signal number of Linux on the machines we are for (signal(7)).
const HIGHEST: u8 = 64;
/// The first that has no name of its own.
const LOWEST_NAMELESS: u8 = 32;
/// What SIGRTMIN is to those who send it: glibc's, which Docker and Kubernetes go by.
const LOWEST_REAL_TIME: u8 = 34;

/// A signal by number, 1 to 64.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(u8);

impl Signal {
    /// The terminal is gone.
    pub const HUP: Signal = Signal(1);
    /// Ctrl-C.
    pub const INT: Signal = Signal(2);
    /// Ctrl-\.
    pub const QUIT: Signal = Signal(3);
    /// The end that nobody can refuse.
    pub const KILL: Signal = Signal(9);
    /// A write into a pipe nobody reads.
    pub const PIPE: Signal = Signal(13);
    /// What `docker stop` and Kubernetes send.
    pub const TERM: Signal = Signal(15);
    /// A file grew beyond its limit.
    pub const XFSZ: Signal = Signal(25);
    /// A child ended or stopped.
    pub const CHLD: Signal = Signal(17);
    /// Go on after a stop.
    pub const CONT: Signal = Signal(18);
    /// A stop that nobody can refuse.
    pub const STOP: Signal = Signal(19);
    /// Ctrl-Z.
    pub const TSTP: Signal = Signal(20);
    /// A background process read from the terminal.
    pub const TTIN: Signal = Signal(21);
    /// A background process wrote to the terminal.
    pub const TTOU: Signal = Signal(22);

    /// What a terminal stops its processes by.
    pub const OF_TERMINALS: [Signal; 3] = [Signal::TSTP, Signal::TTIN, Signal::TTOU];

    /// The signal with this number, if there is one.
    pub fn new(number: i32) -> Option<Self> {
        u8::try_from(number).ok().filter(|number| (1..=HIGHEST).contains(number)).map(Signal)
    }

    /// 1 to 64.
    pub fn number(self) -> u8 {
        self.0
    }

    /// Every signal there is.
    pub fn all() -> impl Iterator<Item = Signal> {
        (1..=HIGHEST).map(Signal)
    }

    /// The signal of this name: `SIGTERM`, `TERM` in any case, or a number; real-time ones also as `SIGRTMIN+3` and
    /// `SIGRTMAX-1`, counted from 34 to 64 as Docker and Kubernetes do, whatever the C library keeps for itself.
    pub fn from_name(name: &str) -> Option<Self> {
        if let Ok(number) = name.parse::<u8>() {
            return Signal::new(i32::from(number));
        }
        let name = name.to_ascii_uppercase();
        let name = name.strip_prefix("SIG").unwrap_or(&name);
        let offset = |rest: &str, sign: char| match rest {
            "" => Some(0),
            rest => rest.strip_prefix(sign)?.parse::<u8>().ok().filter(|offset| *offset <= HIGHEST - LOWEST_REAL_TIME),
        };
        if let Some(rest) = name.strip_prefix("RTMIN") {
            return offset(rest, '+').map(|offset| Signal(LOWEST_REAL_TIME + offset));
        }
        if let Some(rest) = name.strip_prefix("RTMAX") {
            return offset(rest, '-').map(|offset| Signal(HIGHEST - offset));
        }
        let aliases = [("IOT", libc::SIGABRT), ("POLL", libc::SIGIO), ("CLD", libc::SIGCHLD)];
        match aliases.into_iter().find(|(alias, _)| *alias == name) {
            Some((_, number)) => Signal::new(number),
            None => {
                (1..LOWEST_NAMELESS).map(Signal).find(|signal| signal.to_string().strip_prefix("SIG") == Some(name))
            }
        }
    }

    fn raw(self) -> i32 {
        i32::from(self.0)
    }

    fn bit(self) -> u64 {
        1 << (self.0 - 1)
    }
}

/// `SIGTERM`; a real-time signal by its number, because what the first of them is called differs between libcs.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.raw() {
            // Two that signal-hook does not list.
            libc::SIGSTKFLT => Some("SIGSTKFLT"),
            libc::SIGPWR => Some("SIGPWR"),
            number => signal_hook::low_level::signal_name(number),
        };
        match name {
            Some(name) => f.pad(name),
            None => fmt::Display::fmt(&self.0, f),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A set of signals, as the kernel keeps it: bit n-1 for signal n.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalSet(u64);

impl SignalSet {
    /// Every signal. The kernel leaves SIGKILL and SIGSTOP out by itself.
    pub const ALL: SignalSet = SignalSet(u64::MAX);

    /// No signal.
    pub const NONE: SignalSet = SignalSet(0);

    /// One more.
    pub fn insert(&mut self, signal: Signal) {
        self.0 |= signal.bit();
    }

    /// One less.
    pub fn remove(&mut self, signal: Signal) {
        self.0 &= !signal.bit();
    }

    /// Whether it is in it.
    pub fn contains(self, signal: Signal) -> bool {
        self.0 & signal.bit() != 0
    }

    /// Each that is in it.
    pub fn iter(self) -> impl Iterator<Item = Signal> {
        Signal::all().filter(move |&signal| self.contains(signal))
    }

    /// As the kernel keeps it.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// All the others.
    #[must_use]
    pub fn complement(self) -> Self {
        SignalSet(!self.0)
    }

    /// As the kernel keeps it.
    pub fn from_bits(bits: u64) -> Self {
        SignalSet(bits)
    }
}

/// Blocks exactly `set`; returns what was blocked before. The system call itself, because libc's keeps signals 32 to
/// 34 out of every set.
pub fn set_mask(set: SignalSet) -> SignalSet {
    let mut old = 0_u64;
    // SAFETY: the kernel reads one 8-byte set and writes one through live pointers.
    unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const set.0, &raw mut old, size_of::<u64>());
    }
    SignalSet(old)
}

/// Takes back a blocked signal that our own system call has raised, if it has. The kernel hands out what is sent to a
/// thread before what is sent to its process (signal(7)), so one that was for this thread is taken before anybody else's.
pub(super) fn take_own(signal: Signal) {
    let set = SignalSet(signal.bit());
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel reads one 8-byte set and one timespec through live pointers, and writes no siginfo to null.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigtimedwait,
            &raw const set.0,
            std::ptr::null::<libc::siginfo_t>(),
            &raw const now,
            size_of::<u64>(),
        );
    }
}

/// Does something by which the kernel sends this process these blocked signals, and takes them away; one that waited
/// before stays.
pub fn without<T>(signals: [Signal; 2], act: impl FnOnce() -> T) -> T {
    let before = pending();
    let result = act();
    signals.into_iter().filter(|&signal| !before.contains(signal)).for_each(take_own);
    result
}

/// Which of the blocked signals wait for this process.
fn pending() -> SignalSet {
    let mut set = 0_u64;
    // SAFETY: the kernel writes one 8-byte set through a live pointer.
    unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut set, size_of::<u64>()) };
    SignalSet(set)
}

/// Lets SIGTERM, SIGINT and SIGQUIT end this process with 128+n while it prepares, also as PID 1, which they would not
/// end by default. One that was inherited as blocked or ignored stays so. execve(2) takes the handlers away.
pub fn let_stop_signals_end_us(inherited: SignalSet) {
    let mut mask = SignalSet::ALL;
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        if inherited.0 & signal.bit() == 0 && let_end_us(signal) {
            mask.0 &= !signal.bit();
        }
    }
    set_mask(mask);
}

/// Takes signals as any program does that supervises nobody: blocked is what was inherited so, and the others have their
/// default action. PID 1 has no default actions: there SIGHUP, SIGINT, SIGQUIT and SIGTERM end it with 128+n.
pub fn take_as_any_program(inherited: SignalSet) {
    if Pid::this() == Pid::from_raw(1) {
        for signal in [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM] {
            let_end_us(signal);
        }
    }
    set_mask(inherited);
}

/// Gives a signal a handler that ends this process with 128+n; `false`: it is ignored, and stays so.
fn let_end_us(signal: Signal) -> bool {
    let end = move || super::process::exit_now(128 + signal.number());
    // SAFETY: the handler calls _exit and nothing else, which is async-signal-safe.
    !is_ignored(signal) && unsafe { signal_hook::low_level::register(signal.raw(), end) }.is_ok()
}

fn is_ignored(signal: Signal) -> bool {
    let mut old = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: sigaction writes one struct through a live pointer.
    unsafe { libc::sigaction(signal.raw(), std::ptr::null(), old.as_mut_ptr()) };
    // SAFETY: every bit pattern sigaction writes is valid, and it was zeroed.
    unsafe { old.assume_init() }.sa_sigaction == libc::SIG_IGN
}

/// What SIGCHLD did when onset was started, for the application to find again.
pub struct ChildDisposition(libc::sigaction);

/// Gives SIGCHLD its default action. Inherited as ignored it would make the kernel reap for us and hide every status:
/// two of the peers hang on that for ever.
pub fn hear_children() -> ChildDisposition {
    let mut old = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a zeroed sigaction is valid: SIG_DFL, no flags, an empty mask.
    let default = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
    // SAFETY: sigaction reads and writes one struct each through live pointers.
    unsafe { libc::sigaction(libc::SIGCHLD, &raw const default, old.as_mut_ptr()) };
    // SAFETY: every bit pattern sigaction writes is valid, and it was zeroed.
    ChildDisposition(unsafe { old.assume_init() })
}

impl ChildDisposition {
    /// Makes SIGCHLD do what it did when onset was started.
    pub fn restore(&self) {
        // SAFETY: sigaction reads one struct that the kernel gave us; after execve no handler of anybody's is left,
        // so it names SIG_DFL or SIG_IGN.
        unsafe { libc::sigaction(libc::SIGCHLD, &raw const self.0, std::ptr::null_mut()) };
    }
}

/// A signal that came in, and from whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Which.
    pub signal: Signal,
    /// `si_code` (sigaction(2)): how it was sent.
    pub code: i32,
    /// The sender. 0: outside our PID namespace, or the kernel.
    pub pid: i32,
    /// The sender's real user.
    pub uid: u32,
    /// The value that came with it, if it was queued (sigqueue(3)).
    value: u64,
}

impl Received {
    /// One to try things with.
    #[cfg(test)]
    pub fn by_nobody(signal: Signal) -> Self {
        Received { signal, code: libc::SI_USER, pid: 0, uid: 0, value: 0 }
    }

    /// The field's name of `code`, where it has one.
    pub fn code_name(&self) -> Option<&'static str> {
        Some(match self.code {
            libc::SI_USER => "SI_USER",
            libc::SI_KERNEL => "SI_KERNEL",
            libc::SI_QUEUE => "SI_QUEUE",
            libc::SI_TKILL => "SI_TKILL",
            libc::SI_TIMER => "SI_TIMER",
            libc::SI_MESGQ => "SI_MESGQ",
            libc::SI_ASYNCIO => "SI_ASYNCIO",
            libc::SI_SIGIO => "SI_SIGIO",
            _ => return None,
        })
    }

    /// One of our own accord, as kill(2) would send it.
    pub fn own(signal: Signal) -> Self {
        Received { signal, code: libc::SI_USER, pid: 0, uid: 0, value: 0 }
    }

    /// The same with another signal in its place.
    #[must_use]
    pub fn rewritten(self, signal: Signal) -> Self {
        Received { signal, ..self }
    }

    /// Whether rt_sigqueueinfo(2) takes it: a code below zero, but for tgkill's, which only its sender may use.
    fn is_queued(&self) -> bool {
        self.code < 0 && self.code != libc::SI_TKILL
    }
}

/// How many signals one read takes at most.
const BATCH: usize = 8;

/// The signals of this process, in the kernel's order: a signalfd(2).
pub struct Intake {
    fd: OwnedFd,
}

impl Intake {
    /// Opens the intake for these signals, which must be blocked already.
    ///
    /// # Errors
    /// No descriptor or no memory left.
    pub fn open(signals: SignalSet) -> nix::Result<Self> {
        // SAFETY: the kernel reads one 8-byte set through a live pointer. The system call, because libc's wrapper
        // takes its own larger set type.
        let raw = unsafe {
            libc::syscall(libc::SYS_signalfd4, -1, &raw const signals.0, size_of::<u64>(), libc::SFD_CLOEXEC)
        };
        let raw = Errno::result(i32::try_from(raw).unwrap_or(-1))?;
        // SAFETY: signalfd4 has just made this descriptor, and nobody else has its number.
        let fd = above_stdio(unsafe { OwnedFd::from_raw_fd(raw) })?;
        Ok(Intake { fd })
    }

    /// Waits for a signal and hands each that is there to `each`, oldest first within one number, low numbers first.
    ///
    /// # Errors
    /// EINTR when a stop of onset itself interrupted the wait: ask again.
    pub fn read(&self, mut each: impl FnMut(Received)) -> nix::Result<()> {
        let mut batch = [const { MaybeUninit::<libc::signalfd_siginfo>::uninit() }; BATCH];
        // SAFETY: read writes at most the array's size into the live array.
        let length = unsafe { libc::read(self.fd.as_raw_fd(), batch.as_mut_ptr().cast(), size_of_val(&batch)) };
        let length = usize::try_from(Errno::result(length)?).unwrap_or(0);
        for info in &batch[..length / size_of::<libc::signalfd_siginfo>()] {
            // SAFETY: the kernel writes whole structs (signalfd(2)), and these are within what it wrote.
            let info = unsafe { info.assume_init_ref() };
            let Some(signal) = i32::try_from(info.ssi_signo).ok().and_then(Signal::new) else { continue };
            let pid = i32::try_from(info.ssi_pid).unwrap_or(0);
            each(Received { signal, code: info.ssi_code, pid, uid: info.ssi_uid, value: info.ssi_ptr });
        }
        Ok(())
    }

    /// The descriptor, to close all others.
    pub fn descriptor(&self) -> &OwnedFd {
        &self.fd
    }
}

impl AsFd for Intake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// `siginfo_t` on 64-bit Linux (include/uapi/asm-generic/siginfo.h): the three first words, the union at 16, which is that
/// of a signal that somebody sent, 128 bytes in all.
#[repr(C)]
struct Info {
    signo: i32,
    errno: i32,
    code: i32,
    _pad: i32,
    pid: i32,
    uid: u32,
    value: u64,
    _rest: [u64; 12],
}

impl Info {
    fn new(received: &Received) -> Self {
        let Received { signal, code, pid, uid, value } = *received;
        Info { signo: signal.raw(), errno: 0, code, _pad: 0, pid, uid, value, _rest: [0; 12] }
    }

    /// As [`Intake::read`] has it: a signal without a sender, a timer's above all, has other things in its place.
    fn received(&self) -> Option<Received> {
        let signal = Signal::new(self.signo)?;
        let is_sent = match self.code {
            libc::SI_TIMER | libc::SI_SIGIO => false,
            // The kernel's own reasons, by signal; a child's end is the one that has a process.
            1..libc::SI_KERNEL => signal == Signal::CHLD,
            _ => true,
        };
        let (pid, uid) = if is_sent { (self.pid, self.uid) } else { (0, 0) };
        Some(Received { signal, code: self.code, pid, uid, value: self.value })
    }
}

/// Waits for a signal as [`Intake::read`] does, for the one that comes first. Of `these` each that was sent plainly is sent on
/// to `main` on the spot, and the next is waited for: what PID 1 does for almost every signal in its life, in as few steps as it
/// can be, because the application waits meanwhile.
///
/// # Errors
/// EINTR when a stop of onset itself interrupted the wait: ask again.
pub fn relay(these: SignalSet, main: Pid) -> nix::Result<Received> {
    let all = SignalSet::ALL;
    loop {
        let mut info = MaybeUninit::<Info>::zeroed();
        let for_ever = std::ptr::null::<libc::timespec>();
        // SAFETY: the kernel reads one 8-byte set and writes one siginfo_t (128 bytes, Info's size) through live pointers.
        let number = unsafe {
            libc::syscall(libc::SYS_rt_sigtimedwait, &raw const all.0, info.as_mut_ptr(), for_ever, size_of::<u64>())
        };
        Errno::result(number)?;
        // SAFETY: numbers, of which every one is valid, and they were zeroed.
        let received = unsafe { info.assume_init_ref() }.received().ok_or(Errno::EINTR)?;
        let passes = these.contains(received.signal) && !received.is_queued();
        if !passes || kill(main, received.signal).is_err() {
            return Ok(received);
        }
    }
}

/// Sends on what came in: a queued signal with its value and its sender, any other plainly.
///
/// # Errors
/// ESRCH: no such process; EPERM: it is another user's, and we may not; EAGAIN: its queue is full (RLIMIT_SIGPENDING),
/// and a queued signal went without its value: that it came is known, how often and with what is not.
pub fn forward_to_process(target: Pid, received: &Received) -> nix::Result<()> {
    if received.is_queued() {
        let info = Info::new(received);
        // SAFETY: the kernel reads one siginfo_t (128 bytes, Info's size) through a live pointer.
        let result = unsafe {
            libc::syscall(libc::SYS_rt_sigqueueinfo, target.as_raw(), received.signal.raw(), &raw const info)
        };
        let result = Errno::result(result).map(drop);
        if result == Err(Errno::EAGAIN) {
            kill(target, received.signal)?;
        }
        return result;
    }
    kill(target, received.signal)
}

/// The same to a process group. The value of a queued signal comes along from Linux 6.9 on
/// (`PIDFD_SIGNAL_PROCESS_GROUP`); before, nothing can queue to a group, and the signal goes without it.
///
/// A main process that left its group gets the signal all the same.
pub fn forward_to_group(leader: Pid, received: &Received) -> nix::Result<()> {
    if nix::unistd::getpgid(Some(leader)).is_ok_and(|group| group != leader) {
        let _: nix::Result<()> = kill(Pid::from_raw(-leader.as_raw()), received.signal);
        return forward_to_process(leader, received);
    }
    if received.is_queued() && queue_to_group(leader, received).is_ok() {
        return Ok(());
    }
    kill(Pid::from_raw(-leader.as_raw()), received.signal)
}

fn queue_to_group(leader: Pid, received: &Received) -> nix::Result<()> {
    // include/uapi/linux/pidfd.h
    const PIDFD_SIGNAL_PROCESS_GROUP: u32 = 1 << 2;
    let info = Info::new(received);
    Holder::of(leader)?.send_with(received.signal, &raw const info, PIDFD_SIGNAL_PROCESS_GROUP)
}

/// Sends a signal; it is no failure that nobody is there any more, or that it is nobody we may send to.
pub fn send(target: Pid, signal: Signal) {
    let _: nix::Result<()> = kill(target, signal);
}

/// The same to a process group.
pub fn send_to_group(leader: Pid, signal: Signal) {
    send(Pid::from_raw(-leader.as_raw()), signal);
}

/// The same to everybody but this process itself (kill(2), -1). For PID 1 of a PID namespace only: elsewhere that is
/// everybody's processes.
///
/// # Errors
/// ESRCH: there is nobody else; EPERM: none of them may be signalled.
pub fn send_to_everybody(signal: Signal) -> nix::Result<()> {
    if Pid::this() != Pid::from_raw(1) {
        return Err(Errno::EPERM);
    }
    kill(Pid::from_raw(-1), signal)
}

/// A process that can be signalled although its number may be another's by then (pidfd_open(2), Linux 5.3).
pub struct Holder(OwnedFd);

impl Holder {
    /// Takes hold of a process.
    ///
    /// # Errors
    /// ESRCH: it is gone; ENOSYS or EPERM: the kernel or a seccomp filter is older than the call.
    pub fn of(process: Pid) -> nix::Result<Self> {
        // SAFETY: pidfd_open takes integers.
        let raw = unsafe { libc::syscall(libc::SYS_pidfd_open, process.as_raw(), 0) };
        let raw = Errno::result(i32::try_from(raw).unwrap_or(-1))?;
        // SAFETY: pidfd_open has just made this descriptor, and nobody else has its number.
        Ok(Holder(above_stdio(unsafe { OwnedFd::from_raw_fd(raw) })?))
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// ESRCH: it is gone; EPERM: it is another user's.
    pub fn send(&self, signal: Signal) -> nix::Result<()> {
        self.send_with(signal, std::ptr::null(), 0)
    }

    fn send_with(&self, signal: Signal, info: *const Info, flags: u32) -> nix::Result<()> {
        // SAFETY: the kernel reads one siginfo_t (128 bytes, Info's size) through the pointer unless it is null; our
        // callers pass null or a live one.
        let result =
            unsafe { libc::syscall(libc::SYS_pidfd_send_signal, self.0.as_raw_fd(), signal.raw(), info, flags) };
        Errno::result(result).map(drop)
    }
}

/// kill(2), for every signal: nix's cannot send a real-time one.
fn kill(target: Pid, signal: Signal) -> nix::Result<()> {
    // SAFETY: kill takes integers.
    Errno::result(unsafe { libc::kill(target.as_raw(), signal.raw()) }).map(drop)
}

/// Lets everything that Ctrl-Z stopped go on: SIGCONT to the group of `leader`.
pub fn resume_group(leader: Pid) -> nix::Result<()> {
    kill(Pid::from_raw(-leader.as_raw()), Signal::CONT)
}

/// Stops this process and its group as the terminal's key would have, so that the shell that started them sees its job
/// stop. Returns when it goes on again; `false` if it did not stop at all: PID 1 does not, nor does anybody whom no shell
/// could let go on (an orphaned process group, setpgid(2)).
pub fn stop_own_group(with: Signal) -> bool {
    let blocked = set_mask(SignalSet(SignalSet::ALL.0 & !with.bit()));
    let _: nix::Result<()> = kill(Pid::from_raw(0), with);
    set_mask(blocked);
    // What woke us is blocked again, so it waits in the intake.
    pending().0 & Signal::CONT.bit() != 0
}

/// Stops this process alone, by the signal that cannot be caught. Returns when it goes on again; `false` if it did not stop
/// at all, as PID 1 does not.
pub fn stop_self() -> bool {
    // There it would do nothing but take away a SIGCONT that waits (signal(7)).
    if Pid::this() == Pid::from_raw(1) {
        return false;
    }
    let _: nix::Result<()> = kill(Pid::this(), Signal::STOP);
    pending().contains(Signal::CONT)
}

/// Has this process sent `signal` when its parent ends (`PR_SET_PDEATHSIG`); at once if it has ended meanwhile. `parent`: who
/// that was. execve(2) keeps it, but for set-user-ID programs.
///
/// # Errors
/// It is none of the 31 standard signals.
pub fn expect_at_end_of(parent: Pid, signal: Signal) -> nix::Result<()> {
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::try_from(signal.raw())?)?;
    if Pid::parent() != parent {
        kill(Pid::this(), signal)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_up_to_31_have_names_and_real_time_ones_numbers() {
        let names: Vec<String> = Signal::all().map(|signal| signal.to_string()).collect();
        assert!(names[..31].iter().all(|name| name.starts_with("SIG")), "{names:?}");
        assert_eq!((names[14].as_str(), names[29].as_str(), names[31].as_str()), ("SIGTERM", "SIGPWR", "32"));
        assert_eq!(names.len(), 64);
    }

    #[test]
    fn a_signal_is_known_by_its_names_and_its_number() {
        for signal in Signal::all() {
            assert_eq!(Signal::from_name(&signal.to_string()), Some(signal));
        }
        for (name, number) in [
            ("term", 15),
            ("SigTerm", 15),
            ("15", 15),
            ("SIGRTMIN", 34),
            ("RTMIN+3", 37),
            ("SIGRTMAX-1", 63),
            ("RTMAX", 64),
            ("SIGPOLL", 29),
            ("SIGIOT", 6),
            ("SIGWINCH", 28),
        ] {
            assert_eq!(Signal::from_name(name), Signal::new(number), "{name}");
        }
        for name in
            ["", "SIG", "0", "65", "-1", "TERMS", "SIGRTMIN+31", "RTMIN-1", "RTMAX+1", "RTMAX-31", "RTMIN+", "SIG15"]
        {
            assert_eq!(Signal::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn there_is_no_signal_beside_1_to_64() {
        assert_eq!([0, 65, -1, i32::MAX].map(Signal::new), [None; 4]);
    }

    #[test]
    fn our_siginfo_has_the_kernels_size() {
        assert_eq!(size_of::<Info>(), size_of::<libc::siginfo_t>());
    }
}
