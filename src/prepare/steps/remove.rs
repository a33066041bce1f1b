//! Files to remove. A directory never is, and a device is left alone as well.

use super::Outcome;
use super::error::{Failures, Reason, Request, StepError};
use super::place::Kind;
use crate::glob;
use crate::sys::file::{self, WORKING_DIRECTORY};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

#[inline(never)]
pub(super) fn remove(paths: &[PathBuf]) -> Result<Outcome, StepError> {
    let mut outcome = Outcome::default();
    let mut failures = Failures::default();
    for path in paths {
        match path.file_name() {
            Some(name) if glob::is_pattern(name.as_bytes()) => {
                remove_matches(path, name, &mut outcome, &mut failures);
            }
            Some(_) => remove_one(&WORKING_DIRECTORY, path.as_os_str(), path, &mut outcome, &mut failures),
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

#[inline(never)]
fn remove_matches(path: &Path, pattern: &OsStr, outcome: &mut Outcome, failures: &mut Failures) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let opened = file::open(&WORKING_DIRECTORY, folder, OFlag::O_RDONLY | OFlag::O_DIRECTORY, 0);
    let listed = opened.and_then(|opened| {
        // All of them before the first goes, which could hide another.
        let names = file::all_names(&opened)?;
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
    names.sort_unstable();
    for name in names {
        remove_one(&opened, &name, &folder.join(&name), outcome, failures);
    }
}

/// As in a shell: a name that begins with a dot only where the pattern does.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    (!name.starts_with(b".") || pattern.starts_with(b".")) && glob::matches(pattern, name)
}

fn remove_one(folder: &dyn AsFd, name: &OsStr, path: &Path, outcome: &mut Outcome, failures: &mut Failures) {
    let kind = match file::stat_at(folder, name) {
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

#[cfg(test)]
mod tests {

    use super::*;
    use crate::plan::model::Action;
    use crate::prepare::child::is_root_or_skip;
    use crate::prepare::steps::testing::{directory, done, link, put, refused, settled, tree};
    use crate::sys::testing::as_user;
    use nix::sys::stat::Mode;
    use std::fs;
    use std::os::unix::net::UnixListener;

    fn names(top: &Path) -> Vec<String> {
        tree(top).keys().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn files_links_sockets_and_pipes_are_removed_and_nothing_behind_them() {
        let top = directory();
        let top = top.path();
        put(&top.join("file.pid"), "1", 0o444);
        put(&top.join("kept"), "1", 0o644);
        link(&top.join("link.pid"), "kept");
        link(&top.join("dangling.pid"), "nowhere");
        drop(UnixListener::bind(top.join("socket.pid")).unwrap());
        nix::unistd::mkfifo(&top.join("pipe.pid"), Mode::S_IRWXU).unwrap();
        fs::create_dir(top.join("directory.pid")).unwrap();
        let action = Action::Remove { paths: vec![top.join("*.pid")] };
        let outcome = done(&action);
        assert_eq!(outcome.changes, 5);
        let left = top.join("directory.pid");
        assert_eq!(outcome.notes, [format!("`{}` is a directory, and was not removed", left.display())]);
        assert_eq!(names(top), ["directory.pid", "kept"]);
        settled(top, &action);
    }

    #[test]
    fn a_pattern_stands_for_names_in_the_last_component_only() {
        let top = directory();
        let top = top.path();
        for name in ["a/x1", "a/x2", "a/.x3", "b/x1", "[x]/x1"] {
            put(&top.join(name), "", 0o644);
        }
        let remove = |path: &str| done(&Action::Remove { paths: vec![top.join(path)] }).changes;
        assert_eq!(remove("*/x1"), 0, "no folder is called so");
        assert_eq!(remove("[x]/x[0-9]"), 1);
        assert_eq!(remove("a/*"), 2);
        assert_eq!(names(top), ["[x]", "a", "a/.x3", "b", "b/x1"]);
        assert_eq!(remove("a/.x*"), 1);
    }

    #[test]
    fn what_is_not_there_is_fine() {
        let top = directory();
        put(&top.path().join("file"), "", 0o644);
        let paths = ["no", "no/where", "no/*", "file/below", "file/*", "*.none"].map(|path| top.path().join(path));
        assert_eq!(done(&Action::Remove { paths: paths.to_vec() }), Outcome::default());
    }

    #[test]
    fn what_cannot_be_removed_is_told_and_the_rest_is_removed() {
        if !is_root_or_skip("what_cannot_be_removed_is_told_and_the_rest_is_removed") {
            return;
        }
        let top = directory();
        let top = top.path();
        for name in ["shut/1", "shut/2", "shut/3", "shut/4", "open/1"] {
            put(&top.join(name), "", 0o644);
        }
        super::super::testing::give(&top.join("open"), 1000, 1000);
        let action = Action::Remove { paths: vec![top.join("shut/*"), top.join("open/*")] };
        let message = as_user(1000, 1000, || refused(&action));
        let first = format!("cannot remove files: `{0}/shut/1`: permission denied (EACCES): ", top.display());
        assert!(message.starts_with(&first), "{message}");
        assert!(message.contains("; and 1 more; onset runs as 1000:1000; make the folder writable"), "{message}");
        assert_eq!(names(top), ["open", "shut", "shut/1", "shut/2", "shut/3", "shut/4"]);
    }
}
