//! A lock that is held until the application starts.

use super::error::{Reason, Request, StepError};
use super::folder::Folders;
use super::place::Kind;
use crate::report::Because;
use crate::sys::clock;
use crate::sys::file::{self, Lock};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::os::fd::{IntoRawFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

/// The first pause before it is tried again, and the longest: flock(2) cannot wait for a limited time.
const PAUSES: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(200)];

/// Takes it; `false`: others held it for all this time. `notice` is told when there is something to wait for.
pub(super) fn hold(path: &Path, timeout: Duration, notice: &dyn Fn(&str)) -> Result<bool, StepError> {
    let error = |reason| StepError::new(format!("lock `{}`", path.display()), reason);
    let file = open(path).map_err(error)?;
    let start = clock::monotonic();
    let mut pause = PAUSES[0];
    loop {
        match file::lock(&file, Lock::Exclusive) {
            Ok(()) => {
                // Closed by execve, or with the process.
                let _held = file.into_raw_fd();
                return Ok(true);
            }
            Err(Errno::EWOULDBLOCK) => {}
            Err(cause) => {
                let text = format!("there are no locks on this file system: {}", Because(cause));
                return Err(error(Reason::text(text)));
            }
        }
        let left = timeout.saturating_sub(clock::monotonic().saturating_sub(start));
        if left.is_zero() {
            return Ok(false);
        }
        if pause == PAUSES[0] {
            notice(&format!("`{}` is locked by others; waiting for up to {timeout:?}", path.display()));
        }
        clock::pause(pause.min(left));
        pause = (pause * 2).min(PAUSES[1]);
    }
}

fn open(path: &Path) -> Result<OwnedFd, Reason> {
    let place = Folders::default().follow(path)?;
    if let Some(kind) = place.there.as_ref().map(Kind::of).filter(|kind| *kind != Kind::File) {
        return Err(Reason::text(format!("there is {}", kind.words())));
    }
    let open = |flags| {
        let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        file::open(&place.folder, Path::new(&place.name), flags, 0o644)
    };
    // For writing, because NFS has no exclusive lock without; another user's file can only be read.
    match open(OFlag::O_RDWR | OFlag::O_CREAT) {
        Err(Errno::EACCES | Errno::EPERM | Errno::EROFS) if place.there.is_some() => open(OFlag::O_RDONLY),
        opened => opened,
    }
    .map_err(|error| Reason::system(error, Request::Write, &place.path))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{directory, mode, put};
    use super::*;

    fn take(path: &Path, timeout: Duration) -> Result<bool, StepError> {
        hold(path, timeout, &|_| ())
    }

    fn is_free(path: &Path) -> bool {
        file::lock(open(path).unwrap(), Lock::Exclusive).is_ok()
    }

    #[test]
    fn a_lock_is_held_and_others_wait_in_vain() {
        let top = directory();
        let path = top.path().join("data/lock");
        assert_eq!(take(&path, Duration::ZERO), Ok(true));
        assert_eq!(mode(&path) & 0o600, 0o600);
        assert!(!is_free(&path));
        assert_eq!(take(&path, Duration::from_millis(20)), Ok(false));
    }

    #[test]
    fn a_lock_is_taken_when_it_becomes_free() {
        let top = directory();
        let path = top.path().join("lock");
        put(&path, "content", 0o600);
        let held = open(&path).unwrap();
        file::lock(&held, Lock::Exclusive).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| take(&path, Duration::from_mins(1)));
            drop(held);
            assert_eq!(waiting.join().unwrap(), Ok(true));
        });
        assert_eq!(std::fs::read(&path).unwrap(), b"content");
    }

    #[test]
    fn what_cannot_be_locked_is_told() {
        let top = directory();
        let error = take(top.path(), Duration::ZERO).unwrap_err().to_string();
        assert_eq!(error, format!("cannot lock `{}`: there is a directory", top.path().display()));
        let path = top.path().join("lock");
        let fails = |_: usize, name: &str| (name == "lock").then_some(Errno::ENOLCK);
        let (result, _) = file::fault::with(fails, || take(&path, Duration::ZERO));
        let error = result.unwrap_err().to_string();
        assert!(error.contains("there are no locks on this file system: "), "{error}");
    }
}
