//! What a step has to say when it cannot be done: to what, why, who owns what is in the way, and what would help.

use crate::plan::model::Ownership;
use crate::report::Because;
use crate::sys::file::{self, Stat, WORKING_DIRECTORY};
use crate::sys::look;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::statvfs::FsFlags;
use nix::unistd::{getegid, geteuid};
use std::fmt;
use std::path::Path;

/// How many of several reasons are told.
const MOST_REASONS: usize = 3;

/// Why a step was not done. Displays as one sentence; never says what is in a file. A pointer, for it is passed on a lot.
#[derive(Debug, PartialEq, Eq)]
pub struct StepError(Box<Parts>);

#[derive(Debug, PartialEq, Eq)]
struct Parts {
    attempt: String,
    reasons: Vec<Reason>,
    more: usize,
}

impl StepError {
    /// `attempt` stands behind "cannot": ``write `/etc/app.conf` ``.
    pub(super) fn new(attempt: String, reason: Reason) -> Self {
        StepError(Box::new(Parts { attempt, reasons: vec![reason], more: 0 }))
    }
}

/// `cannot write ...: permission denied (EACCES): ...; onset runs as ...`
impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { attempt, reasons, more } = &*self.0;
        write!(f, "cannot {attempt}: ")?;
        for (index, reason) in reasons.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "; " })?;
            f.write_str(&reason.0.text)?;
        }
        if *more > 0 {
            write!(f, "; and {more} more")?;
        }
        match reasons.iter().find_map(|reason| reason.0.advice.as_ref()) {
            Some(advice) => write!(f, "; onset runs as {}:{}; {advice}", geteuid(), getegid()),
            None => Ok(()),
        }
    }
}

impl std::error::Error for StepError {}

/// Collects what fails while the rest goes on.
#[derive(Default)]
pub(super) struct Failures {
    reasons: Vec<Reason>,
    more: usize,
}

impl Failures {
    pub(super) fn add(&mut self, reason: impl FnOnce() -> Reason) {
        if self.reasons.len() < MOST_REASONS {
            self.reasons.push(reason());
        } else {
            self.more += 1;
        }
    }

    /// The error, if anything failed.
    pub(super) fn result(self, attempt: impl FnOnce() -> String) -> Result<(), StepError> {
        let Failures { reasons, more } = self;
        if reasons.is_empty() { Ok(()) } else { Err(StepError(Box::new(Parts { attempt: attempt(), reasons, more }))) }
    }
}

/// One reason, in words. A pointer, for it is passed on a lot.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reason(Box<Told>);

#[derive(Debug, PartialEq, Eq)]
struct Told {
    error: Option<Errno>,
    text: String,
    /// What would help, where rights are what is missing.
    advice: Option<String>,
}

/// What was asked of the system, as far as it says what would help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// To read something.
    Read,
    /// To make, replace, change or remove something.
    Write,
    /// To give something to this owner.
    Own(Ownership),
    /// To set this mode.
    Mode(u32),
}

/// What the system refused, and what was asked of it.
pub(super) type Refusal = (Errno, Request);

pub(super) fn for_read(error: Errno) -> Refusal {
    (error, Request::Read)
}

pub(super) fn for_write(error: Errno) -> Refusal {
    (error, Request::Write)
}

impl Reason {
    fn new(error: Option<Errno>, text: String, advice: Option<String>) -> Self {
        Reason(Box::new(Told { error, text, advice }))
    }

    /// What is there already stands in the way.
    pub(super) fn text(text: String) -> Self {
        Reason::new(None, text, None)
    }

    /// The system refused `request` for `path`. Looks at what is there: to be called right after.
    pub(super) fn system(error: Errno, request: Request, path: &Path) -> Self {
        let mut text = match request {
            Request::Own(owner) => format!("cannot give it to {owner}: {}", Because(error)),
            Request::Mode(mode) => format!("cannot set mode {mode:04o}: {}", Because(error)),
            Request::Read | Request::Write => Because(error).to_string(),
        };
        if !denies(error) {
            return Reason::new(Some(error), text, None);
        }
        let folder = path.ancestors().skip(1).map(non_empty).find_map(|folder| Some((folder, look(folder)?)));
        if let Some((folder, stat)) = &folder {
            text = format!("{text}: the folder `{}` has {}", folder.display(), Rights::of(stat));
        }
        if let Some(stat) = look(path) {
            let joint = if folder.is_some() { "," } else { ":" };
            text = format!("{text}{joint} `{}` has {}", path.display(), Rights::of(&stat));
        }
        Reason::denied(error, text, request, folder.map_or(path, |(folder, _)| folder))
    }

    /// One of many: the path, what it is, and why.
    pub(super) fn brief(error: Errno, request: Request, path: &Path, stat: Option<&Stat>) -> Self {
        let rights = stat.map(|stat| format!(" has {}", Rights::of(stat))).unwrap_or_default();
        let text = format!("`{}`{rights}: {}", path.display(), Because(error));
        if denies(error) { Reason::denied(error, text, request, path) } else { Reason::new(Some(error), text, None) }
    }

    fn denied(error: Errno, text: String, request: Request, place: &Path) -> Self {
        Reason::new(Some(error), text, Some(advice(error, request, place)))
    }

    /// The same with the path before it.
    pub(super) fn of(mut self, path: &Path) -> Self {
        self.0.text = format!("`{}`: {}", path.display(), self.0.text);
        self
    }

    /// Whether rights are what is missing: a mode, an owner, a file system that can be written.
    pub(super) fn is_refusal(&self) -> bool {
        self.0.error.is_some_and(denies)
    }
}

/// Without the advice.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

fn denies(error: Errno) -> bool {
    matches!(error, Errno::EACCES | Errno::EPERM | Errno::EROFS)
}

fn advice(error: Errno, request: Request, place: &Path) -> String {
    let read_only = error == Errno::EROFS || look::mount_flags(place).contains(FsFlags::ST_RDONLY);
    let text = match request {
        _ if read_only => {
            return format!("the file system of `{}` is read-only: mount a volume or a tmpfs there", place.display());
        }
        Request::Own(_) => "giving files away takes CAP_CHOWN, and a file system that permits it",
        Request::Mode(_) => "a mode is set by the owner, or with CAP_FOWNER",
        Request::Read if !geteuid().is_root() => "make it readable for this user or group",
        Request::Write if !geteuid().is_root() => {
            "make the folder writable for this user or group, or mount a volume or a tmpfs there"
        }
        Request::Read | Request::Write => {
            "root is refused where it lacks CAP_DAC_OVERRIDE, where a file is immutable, or by SELinux or AppArmor"
        }
    };
    text.to_owned()
}

fn non_empty(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

fn look(path: &Path) -> Option<Stat> {
    let file = file::open(&WORKING_DIRECTORY, path, OFlag::O_PATH | OFlag::O_NOFOLLOW, 0).ok()?;
    file::stat(file).ok()
}

/// A mode and an owner in words.
pub(super) struct Rights {
    mode: u32,
    owner: (u32, u32),
}

impl Rights {
    pub(super) fn of(stat: &Stat) -> Self {
        Rights { mode: stat.st_mode & 0o7777, owner: (stat.st_uid, stat.st_gid) }
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rights { mode, owner: (uid, gid) } = self;
        write!(f, "mode {mode:04o} and owner {uid}:{gid}")
    }
}
