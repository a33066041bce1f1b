//! Running one program to its end, and making sure that nothing of it is left.
//!
//! The program leads a process group of its own, so that it can be told to stop with all it started, and this process
//! is a child sub-reaper meanwhile, so that what the program leaves behind comes here and can be ended too. Signals wait
//! while it runs, but for those that end a preparation: they are forwarded to the group, and once all of it is gone this
//! process ends with 128 and the signal's number.

use super::exec::{Command, become_command};
use super::identity::become_user;
use crate::exit;
use crate::handoff::{self, Progress, Receiver, Sender, StartFailure};
use crate::plan::model::{Input, Program};
use crate::report::Because;
use crate::sys::clock;
use crate::sys::fd::{self, above_stdio, at_least, is_readable, pipe, place};
use crate::sys::file::{self, WORKING_DIRECTORY};
use crate::sys::process::{self, Side};
use crate::sys::signal::{self, Intake, Received, Signal, SignalSet};
use crate::sys::wait::{self, WaitStatus};
use crate::sys::words::Words;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Pid, lseek};
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::path::Path;
use std::time::Duration;

/// How much is read of a stream at a time.
const CHUNK: usize = 4096;
/// Where `exec.d` programs write.
const EXTRA: RawFd = 3;
/// How often it is looked whether processes that are no children of ours are gone: nothing tells.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A stream of a program that is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Descriptor 1.
    Stdout,
    /// Descriptor 2.
    Stderr,
    /// Descriptor 3.
    Extra,
}

impl Stream {
    fn number(self) -> RawFd {
        match self {
            Stream::Stdout => libc::STDOUT_FILENO,
            Stream::Stderr => libc::STDERR_FILENO,
            Stream::Extra => EXTRA,
        }
    }
}

/// How a program ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// By itself.
    Ended(WaitStatus),
    /// It took longer than it may, and was ended.
    TimedOut(Duration),
    /// It could not be started.
    NotStarted(Box<StartFailure>),
}

/// Runs it, for as long as `timeout` says. `each` gets what it writes on the `heard` streams; the others go where ours go.
/// Does not return if a stop signal comes in. The number of processes it left behind, which were ended.
pub fn run(
    program: &Program,
    timeout: Option<Duration>,
    mask: SignalSet,
    heard: &[Stream],
    each: &mut dyn FnMut(Stream, &[u8]),
) -> (End, usize) {
    let ours = signal::set_mask(SignalSet::ALL);
    let disposition = signal::hear_children();
    let was_reaper = process::is_sub_reaper();
    let _old_kernel: nix::Result<()> = process::set_sub_reaper(true);
    let result = match start(program, mask, heard, ours.complement()) {
        Ok(mut running) => (running.follow(timeout, program.grace, each), running.left_behind.unwrap_or(0)),
        Err(failure) => (End::NotStarted(failure), 0),
    };
    let _old_kernel: nix::Result<()> = process::set_sub_reaper(was_reaper);
    disposition.restore();
    signal::set_mask(ours);
    result
}

/// A program that was started.
struct Running {
    leader: Pid,
    /// The stop signals, and SIGCHLD.
    intake: Intake,
    streams: Vec<(Stream, OwnedFd)>,
    /// Closed by execve(2).
    progress: Option<Receiver>,
    /// Children that were here before, and are nobody's business.
    known: Vec<i32>,
    ended: Option<WaitStatus>,
    failure: Option<Box<StartFailure>>,
    timed_out: bool,
    /// The first stop signal that came in.
    stop: Option<Signal>,
    /// When whatever is left is killed, once it was told to stop.
    kill_at: Option<Duration>,
    /// What the leader left behind, once it ended; all of it was told to stop then.
    left_behind: Option<usize>,
}

fn start(
    program: &Program,
    mask: SignalSet,
    heard: &[Stream],
    stop_signals: SignalSet,
) -> Result<Box<Running>, Box<StartFailure>> {
    let known = children();
    let mut signals = stop_signals;
    signals.insert(Signal::CHLD);
    let intake = Intake::open(signals).map_err(StartFailure::cannot("open a signalfd"))?;
    let stdin = open_stdin(&program.stdin)?;
    // Whoever has that number in the new process loses it: that must be nothing of ours that is opened from here on.
    let _held = heard.contains(&Stream::Extra).then(|| at_least(&stdin, EXTRA));
    let mut streams = Vec::new();
    let mut ends = Vec::new();
    for &stream in heard {
        let (read, write) = pipe().map_err(StartFailure::cannot("make a pipe"))?;
        streams.push((stream, read));
        ends.push((stream, write));
    }
    let (sender, receiver) = handoff::channel().map_err(StartFailure::cannot("make a pipe"))?;
    let parent = Pid::this();
    match process::fork().map_err(StartFailure::cannot("make a process"))? {
        Side::Parent { child } => {
            process::lead_own_group(child);
            Ok(Box::new(Running {
                leader: child,
                intake,
                streams,
                progress: Some(receiver),
                known,
                ended: None,
                failure: None,
                timed_out: false,
                stop: None,
                kill_at: None,
                left_behind: None,
            }))
        }
        Side::Child => {
            process::lead_own_group(Pid::this());
            let failure = become_program(program, mask, &stdin, &ends, &sender, parent);
            sender.failed(&failure);
            process::exit_now(failure.status)
        }
    }
}

/// In the new process.
fn become_program(
    program: &Program,
    mask: SignalSet,
    stdin: &OwnedFd,
    ends: &[(Stream, OwnedFd)],
    sender: &Sender,
    parent: Pid,
) -> Box<StartFailure> {
    let arranged = (|| {
        let file = match &program.stdin {
            Input::File(path) => Some(open_file(path, mask)?),
            Input::Nothing | Input::Text(_) => None,
        };
        if let Some(identity) = &program.identity {
            become_user(identity, 0).map_err(|refusal| StartFailure::new(exit::REFUSED, refusal.to_string()))?;
        }
        // Who is killed cannot tell it to stop.
        process::end_with(parent);
        if let Some(workdir) = &program.workdir {
            file::enter(workdir).map_err(|error| {
                StartFailure::new(
                    exit::REFUSED,
                    format!("cannot enter the working directory `{}`: {}", workdir.display(), Because(error)),
                )
            })?;
        }
        place(file.as_ref().unwrap_or(stdin), libc::STDIN_FILENO).map_err(StartFailure::cannot("give it a stdin"))?;
        for (stream, end) in ends {
            place(end, stream.number()).map_err(StartFailure::cannot("give it its streams"))?;
        }
        Ok(())
    })();
    if let Err(failure) = arranged {
        return failure;
    }
    sender.executing(b"");
    let argv = Words::from_owned(program.argv.clone());
    let envp = Words::from_owned(program.envp.clone());
    become_command(&Command { argv, envp, mask }, None)
}

/// What it finds on its stdin; a file takes that place later.
fn open_stdin(input: &Input) -> Result<OwnedFd, Box<StartFailure>> {
    match input {
        // Where there is no /dev an empty file does as well.
        Input::Nothing | Input::File(_) => open(Path::new("/dev/null")).or_else(|_| in_memory(&[])),
        Input::Text(text) => in_memory(text),
    }
}

/// In the new process, and with the signals that the program will hear: to open a named pipe takes as long as nobody has its
/// other end, and a stop signal and the program's time have to end that.
fn open_file(path: &Path, mask: SignalSet) -> Result<OwnedFd, Box<StartFailure>> {
    let ours = signal::set_mask(mask);
    let result = open(path);
    signal::set_mask(ours);
    result.map_err(|error| {
        let cause = format!("cannot open {} for its stdin: {}", path.display(), Because(error));
        StartFailure::new(exit::REFUSED, cause)
    })
}

fn open(path: &Path) -> nix::Result<OwnedFd> {
    file::open(&WORKING_DIRECTORY, path, OFlag::O_RDONLY | OFlag::O_NOCTTY, 0).and_then(above_stdio)
}

fn in_memory(text: &[u8]) -> Result<OwnedFd, Box<StartFailure>> {
    let make = || {
        let fd = fd::in_memory(c"stdin")?;
        let mut rest = text;
        while !rest.is_empty() {
            rest = &rest[nix::unistd::write(&fd, rest)?..];
        }
        lseek(&fd, 0, nix::unistd::Whence::SeekSet)?;
        Ok(fd)
    };
    make().map_err(StartFailure::cannot("keep its stdin in memory"))
}

impl Running {
    /// Until it and everything it started is gone and said all it had to say.
    fn follow(&mut self, timeout: Option<Duration>, grace: Duration, each: &mut dyn FnMut(Stream, &[u8])) -> End {
        let deadline = timeout.map(|timeout| clock::monotonic() + timeout);
        loop {
            self.reap();
            if self.ended.is_some() && self.is_all_gone(grace) {
                break;
            }
            let now = clock::monotonic();
            if self.ended.is_none() && !self.timed_out && self.stop.is_none() && deadline.is_some_and(|end| end <= now)
            {
                self.timed_out = true;
                self.tell(Signal::TERM);
                self.kill_at = Some(now + grace);
            }
            if self.kill_at.is_some_and(|at| at <= now) {
                self.tell(Signal::KILL);
            }
            let deadline = deadline.filter(|_| !self.timed_out && self.stop.is_none());
            self.wait(deadline, grace, each);
        }
        // What it wrote last. Nobody else has these pipes open now, but for a process that could not be ended.
        let mut streams = std::mem::take(&mut self.streams);
        streams.retain(|(stream, fd)| {
            while is_readable(fd) && hear(*stream, fd, each) {}
            false
        });
        if let Some(stop) = self.stop {
            process::exit_now(exit::killed_by(stop));
        }
        match (self.failure.take(), self.timed_out, self.ended) {
            (Some(failure), _, _) => End::NotStarted(failure),
            (None, true, _) | (None, false, None) => End::TimedOut(timeout.unwrap_or_default()),
            (None, false, Some(status)) => End::Ended(status),
        }
    }

    /// Waits until there is something to do.
    fn wait(&mut self, deadline: Option<Duration>, grace: Duration, each: &mut dyn FnMut(Stream, &[u8])) {
        let now = clock::monotonic();
        // Of processes in the group that are no children of ours nobody tells us when they end.
        let look = (self.ended.is_some() || self.kill_at.is_some()).then(|| now + LOOK_AGAIN);
        let mut timeout = PollTimeout::NONE;
        for at in [deadline, self.kill_at.filter(|&at| at > now), look] {
            let until = at.map_or(PollTimeout::NONE, clock::timeout_until);
            if timeout.is_none() || !until.is_none() && until < timeout {
                timeout = until;
            }
        }
        let mut fds = vec![PollFd::new(self.intake.as_fd(), PollFlags::POLLIN)];
        fds.extend(self.streams.iter().map(|(_, fd)| PollFd::new(fd.as_fd(), PollFlags::POLLIN)));
        fds.extend(self.progress.iter().map(|progress| PollFd::new(progress.as_fd(), PollFlags::POLLIN)));
        let ready: Vec<bool> = match poll(&mut fds, timeout) {
            Ok(_) => fds.iter().map(|fd| fd.any().unwrap_or(false)).collect(),
            Err(_) => return,
        };
        let mut ready = ready.into_iter();
        if ready.next() == Some(true) {
            self.on_signals(grace);
        }
        self.streams.retain(|(stream, fd)| ready.next() != Some(true) || hear(*stream, fd, each));
        if ready.next() == Some(true) {
            self.follow_progress();
        }
    }

    fn on_signals(&mut self, grace: Duration) {
        let mut received: Vec<Received> = Vec::new();
        let _only_when_interrupted: nix::Result<()> = self.intake.read(|signal| received.push(signal));
        for stop in received.iter().filter(|received| received.signal != Signal::CHLD) {
            let _gone: nix::Result<()> = signal::forward_to_group(self.leader, stop);
            // Who is stopped would not hear of it.
            signal::send_to_group(self.leader, Signal::CONT);
            if self.stop.is_none() {
                self.stop = Some(stop.signal);
                self.kill_at.get_or_insert(clock::monotonic() + grace);
            }
        }
    }

    fn follow_progress(&mut self) {
        let Some(progress) = &self.progress else { return };
        match progress.receive() {
            Progress::None | Progress::Policy(..) | Progress::Executing(_) => {}
            Progress::Closed => self.progress = None,
            Progress::Failed(failure) => {
                self.failure = Some(failure);
                self.progress = None;
            }
        }
    }

    fn reap(&mut self) {
        while let Some(change) = wait::next_change() {
            match change.status {
                WaitStatus::Stopped(_) => {}
                status if change.pid == self.leader => {
                    self.ended = Some(status);
                    while self.progress.as_ref().is_some_and(is_readable) {
                        self.follow_progress();
                    }
                }
                WaitStatus::Exited(_) | WaitStatus::Killed { .. } => {}
            }
        }
    }

    /// Whether nothing is left of it; what is left is told to stop.
    fn is_all_gone(&mut self, grace: Duration) -> bool {
        let left = self.left();
        if left.is_empty() && !self.has_group() {
            return true;
        }
        if self.left_behind.is_none() {
            self.left_behind = Some(left.len().max(1));
            self.tell(Signal::TERM);
            self.kill_at.get_or_insert(clock::monotonic() + grace);
        }
        // A process that cannot be killed (it waits for a device) must not hold up the start for ever.
        self.kill_at.is_some_and(|at| clock::monotonic() > at + grace.max(LOOK_AGAIN * 100))
    }

    fn has_group(&self) -> bool {
        nix::sys::signal::killpg(self.leader, None).is_ok()
    }

    fn left(&self) -> Vec<i32> {
        let mut left = children();
        left.retain(|pid| !self.known.contains(pid));
        left
    }

    /// Sends a signal to the group, and to whatever left it.
    fn tell(&self, signal: Signal) {
        // Who is stopped would not hear of it.
        for signal in [signal, Signal::CONT] {
            signal::send_to_group(self.leader, signal);
            for pid in self.left() {
                signal::send(Pid::from_raw(pid), signal);
            }
        }
    }
}

/// Reads what is there; `false` at the end.
fn hear(stream: Stream, fd: &OwnedFd, each: &mut dyn FnMut(Stream, &[u8])) -> bool {
    let mut chunk = [0; CHUNK];
    match nix::unistd::read(fd, &mut chunk) {
        Ok(0) => false,
        Ok(length) => {
            each(stream, &chunk[..length]);
            true
        }
        Err(Errno::EINTR | Errno::EAGAIN) => true,
        Err(_) => false,
    }
}

/// The children of this process; none where /proc does not say, or is that of another PID namespace.
fn children() -> Vec<i32> {
    if !file::is_proc_ours() {
        return Vec::new();
    }
    let listed = file::text(Path::new("/proc/thread-self/children"));
    listed.unwrap_or_default().split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}
