//! Files to remove. A directory never is, and a device is left alone as well.

use super::Outcome;
use super::error::{Failures, Reason, Request, StepError};
use super::place::Kind;
use crate::glob;
use crate::sys::file::{self, WORKING_DIRECTORY};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub(super) fn remove(paths: &[PathBuf]) -> Result<Outcome, StepError> {
    let mut outcome = Outcome::default();
    let mut failures = Failures::default();
    for path in paths {
        match path.file_name() {
            Some(name) if glob::is_pattern(name.as_bytes()) => {
                remove_matches(path, name, &mut outcome, &mut failures);
            }
            Some(_) => remove_one(WORKING_DIRECTORY, path.as_os_str(), path, &mut outcome, &mut failures),
            None => outcome.notes.push(left(path, Kind::Directory)),
        }
    }
    failures.result(|| match paths {
        [path] => format!("remove `{}`", path.display()),
        _ => "remove files".to_owned(),
    })?;
    Ok(outcome)
}

fn left(path: &Path, kind: Kind) -> String {
    format!("`{}` is {}, and was not removed", path.display(), kind.words())
}

fn remove_matches(path: &Path, pattern: &OsStr, outcome: &mut Outcome, failures: &mut Failures) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let opened = file::open(WORKING_DIRECTORY, folder, OFlag::O_RDONLY | OFlag::O_DIRECTORY, 0);
    let listed = opened.and_then(|opened| {
        // All of them before the first goes, which could hide another.
        let names: Vec<OsString> = file::names(&opened).collect::<nix::Result<_>>()?;
        Ok((opened, names))
    });
    let (opened, mut names) = match listed {
        Ok(listed) => listed,
        Err(Errno::ENOENT | Errno::ENOTDIR) => return,
        Err(error) => {
            return failures.add(|| Reason::system(error, Request::Read, &folder.join(".")).of(folder));
        }
    };
    names.retain(|name| matches(pattern.as_bytes(), name.as_bytes()));
    names.sort();
    for name in names {
        remove_one(opened.as_fd(), &name, &folder.join(&name), outcome, failures);
    }
}

/// As in a shell: a name that begins with a dot only where the pattern does.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    (!name.starts_with(b".") || pattern.starts_with(b".")) && glob::matches(pattern, name)
}

fn remove_one(folder: impl AsFd, name: &OsStr, path: &Path, outcome: &mut Outcome, failures: &mut Failures) {
    let kind = match file::stat_at(folder.as_fd(), name) {
        Ok(stat) => Kind::of(&stat),
        Err(Errno::ENOENT | Errno::ENOTDIR) => return,
        Err(error) => return failures.add(|| Reason::system(error, Request::Read, path).of(path)),
    };
    match kind {
        Kind::File | Kind::Link | Kind::Fifo | Kind::Socket => match file::unlink(folder, name) {
            Ok(()) => outcome.changes += 1,
            Err(Errno::ENOENT) => {}
            Err(error) => failures.add(|| Reason::system(error, Request::Write, path).of(path)),
        },
        Kind::Directory | Kind::Device => outcome.notes.push(left(path, kind)),
    }
}
