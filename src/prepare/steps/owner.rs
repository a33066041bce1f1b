//! An owner for a tree: only what differs is changed, no symbolic link is followed, no other file system entered.

use super::error::{Failures, Reason, Request, StepError};
use super::place::Kind;
use super::rights::missing;
use super::{DEEPEST, Outcome};
use crate::plan::model::Ownership;
use crate::sys::file::{self, Stat, WORKING_DIRECTORY};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

#[inline(never)]
pub(super) fn change(path: &Path, owner: Ownership, flat: bool) -> Result<Outcome, StepError> {
    let attempt = || {
        let below = if flat { "" } else { " and all below it" };
        format!("give `{}`{below} to {owner}", path.display())
    };
    let mut tree =
        Tree { owner, device: 0, path: path.to_owned(), changes: 0, read_only: 0, failures: Failures::default() };
    if let Err(reason) = tree.top(flat) {
        return Err(StepError::new(attempt(), reason));
    }
    tree.failures.result(attempt)?;
    let left = format!("{} below `{}` stay as they are: they are mounted read-only", tree.read_only, path.display());
    let notes = if tree.read_only > 0 { vec![left] } else { Vec::new() };
    Ok(Outcome { changes: tree.changes, notes })
}

struct Tree {
    owner: Ownership,
    /// The file system to stay on.
    device: u64,
    /// Where we are, for messages.
    path: PathBuf,
    changes: usize,
    /// How many are on read-only mounts below the top: a ConfigMap, a secret. They are not ours to give away.
    read_only: usize,
    failures: Failures,
}

impl Tree {
    fn top(&mut self, flat: bool) -> Result<(), Reason> {
        let name = self.path.clone().into_os_string();
        let stat = file::stat_at(&WORKING_DIRECTORY, &name);
        let stat = stat.map_err(|error| Reason::system(error, Request::Read, &self.path))?;
        self.device = stat.st_dev;
        if Kind::of(&stat) == Kind::Link {
            let target = file::read_link(&WORKING_DIRECTORY, &name).unwrap_or_default();
            let target = Path::new(&target).display();
            return Err(Reason::text(format!(
                "it is a symbolic link to `{target}`, and none is followed: name `{target}` itself"
            )));
        }
        if Kind::of(&stat) == Kind::Directory && !flat {
            match open_directory(&WORKING_DIRECTORY, &self.path) {
                Ok(directory) => self.directory(&directory, 0),
                Err(error) => self.fail(error, Request::Read, Some(&stat)),
            }
        }
        let result = |own: Ownership| file::change_owner_at(&WORKING_DIRECTORY, &name, own.uid, own.gid);
        let missing = missing(self.owner, &stat);
        match missing.map(result) {
            None => {}
            Some(Ok(())) => self.changes += 1,
            Some(Err(error)) => self.fail(error, Request::Own(missing.unwrap_or_default()), Some(&stat)),
        }
        Ok(())
    }

    /// All that is in a directory; the directory itself is its caller's: once it is given away, a root without
    /// CAP_DAC_OVERRIDE may have no entry.
    fn directory(&mut self, directory: &OwnedFd, depth: usize) {
        let mut below: Vec<(OsString, Stat)> = Vec::new();
        for name in file::names(directory) {
            let name = match name {
                Ok(name) => name,
                Err(error) => return self.fail(error, Request::Read, None),
            };
            self.path.push(&name);
            match file::stat_at(directory, &name) {
                Ok(stat) if stat.st_dev != self.device => {}
                Ok(stat) if Kind::of(&stat) == Kind::Directory => below.push((name, stat)),
                Ok(stat) => self.own(&stat, |own| file::change_owner_at(directory, &name, own.uid, own.gid)),
                Err(Errno::ENOENT) => {}
                Err(error) => self.fail(error, Request::Read, None),
            }
            self.path.pop();
        }
        for (name, stat) in below {
            self.path.push(&name);
            self.below(directory, &name, &stat, depth + 1);
            self.path.pop();
        }
    }

    fn below(&mut self, parent: &OwnedFd, name: &OsString, seen: &Stat, depth: usize) {
        if depth > DEEPEST {
            return self
                .failures
                .add(|| Reason::text(format!("`{}` is more than {DEEPEST} levels deep", self.path.display())));
        }
        let opened = open_directory(parent, Path::new(name)).and_then(|opened| Ok((file::stat(&opened)?, opened)));
        match opened {
            Ok((stat, _)) if stat.st_dev != self.device => {}
            Ok((stat, directory)) => {
                self.directory(&directory, depth);
                self.own(&stat, |own| file::change_owner(&directory, own.uid, own.gid));
            }
            // It is gone, or something else by now.
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => {}
            Err(error) => self.fail(error, Request::Read, Some(seen)),
        }
    }

    fn own(&mut self, stat: &Stat, change: impl Fn(Ownership) -> nix::Result<()>) {
        let Some(missing) = missing(self.owner, stat) else { return };
        match change(missing) {
            Ok(()) => self.changes += 1,
            Err(Errno::ENOENT) => {}
            Err(Errno::EROFS) => self.read_only += 1,
            Err(error) => self.fail(error, Request::Own(missing), Some(stat)),
        }
    }

    fn fail(&mut self, error: Errno, request: Request, stat: Option<&Stat>) {
        self.failures.add(|| Reason::brief(error, request, &self.path, stat));
    }
}

fn open_directory(at: &dyn AsFd, name: &Path) -> nix::Result<OwnedFd> {
    file::open(at, name, OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW, 0)
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::plan::model::Action;
    use crate::prepare::child::is_root_or_skip;
    use crate::prepare::steps::testing::{
        directory, done, give, link, mode, mounting, owner, put, refused, set_mode, settled, to,
    };
    use crate::sys::testing::{as_user, bind, tmpfs};
    use std::fs;

    fn owned(path: &Path, owner: Ownership) -> Action {
        Action::Owner { path: path.to_owned(), owner, flat: false }
    }

    /// As redis's entrypoint does it, but for the link that leads out.
    #[test]
    fn only_what_differs_is_changed_and_no_link_is_followed() {
        if !is_root_or_skip("only_what_differs_is_changed_and_no_link_is_followed") {
            return;
        }
        let top = directory();
        let (data, outside) = (top.path().join("data"), top.path().join("outside"));
        for name in ["a", "b", "sub/x", "sub/deep/y"] {
            put(&data.join(name), "", 0o640);
        }
        give(&data.join("b"), 999, 55);
        put(&outside.join("f"), "", 0o644);
        link(&data.join("l"), outside.join("f"));
        link(&data.join("d"), &outside);
        fs::hard_link(data.join("a"), data.join("sub/a")).unwrap();
        let user = Ownership { uid: Some(999), gid: None };
        let outcome = done(&owned(&data, user));
        assert_eq!(outcome.changes, 8, "data, a (and sub/a), sub, sub/x, sub/deep, sub/deep/y, l, d");
        for name in ["", "a", "sub", "sub/x", "sub/deep/y", "l", "d"] {
            assert_eq!(owner(&data.join(name)), (999, 0), "{name}");
        }
        assert_eq!(owner(&data.join("b")), (999, 55));
        assert_eq!([owner(&outside), owner(&outside.join("f"))], [(0, 0); 2]);
        settled(top.path(), &owned(&data, user));
        let message = refused(&owned(&data.join("d"), user));
        assert!(message.contains("it is a symbolic link to `"), "{message}");
    }

    #[test]
    fn flat_is_the_top_only() {
        if !is_root_or_skip("flat_is_the_top_only") {
            return;
        }
        let top = directory();
        put(&top.path().join("data/a"), "", 0o644);
        let data = top.path().join("data");
        let action = Action::Owner { path: data.clone(), owner: to(7, 8), flat: true };
        assert_eq!(done(&action).changes, 1);
        assert_eq!([owner(&data), owner(&data.join("a"))], [(7, 8), (0, 0)]);
        settled(top.path(), &action);
    }

    #[test]
    fn no_other_file_system_is_entered_and_a_read_only_mount_is_told() {
        if !is_root_or_skip("no_other_file_system_is_entered_and_a_read_only_mount_is_told") {
            return;
        }
        let top = directory();
        let data = top.path().join("data");
        for name in ["other/x", "here/x", "fixed/x", "fixed/y"] {
            put(&data.join(name), "", 0o644);
        }
        mounting("no_other_file_system_is_entered_and_a_read_only_mount_is_told", || {
            tmpfs(&data.join("other"), "size=64k");
            put(&data.join("other/inside"), "", 0o644);
            bind(&data.join("fixed"), &data.join("fixed"), true);
            let outcome = crate::prepare::steps::execute(&owned(&data, to(7, 7)))
                .expect("what is mounted read-only is left alone");
            let left = format!("3 below `{}` stay as they are: they are mounted read-only", data.display());
            assert_eq!(outcome.notes, [left]);
            assert_eq!([owner(&data.join("other/inside")), owner(&data.join("fixed/x"))], [(0, 0); 2]);
            let message = refused(&owned(&data.join("fixed"), to(7, 7)));
            assert!(message.ends_with("is read-only: mount a volume or a tmpfs there"), "{message}");
            assert_eq!([owner(&data), owner(&data.join("here/x"))], [(7, 7); 2]);
        });
    }

    #[test]
    fn who_may_not_give_files_away_is_told_so_with_the_first_few() {
        if !is_root_or_skip("who_may_not_give_files_away_is_told_so_with_the_first_few") {
            return;
        }
        let top = directory();
        let data = top.path().join("data");
        (0..5).for_each(|name| put(&data.join(name.to_string()), "", 0o604));
        let message = as_user(1000, 1000, || refused(&owned(&data, to(1000, 1000))));
        assert!(message.contains("has mode 0604 and owner 0:0: operation not permitted (EPERM); `"), "{message}");
        let end = "; and 3 more; onset runs as 1000:1000; giving files away takes CAP_CHOWN, and a file system that \
                   permits it";
        assert!(message.ends_with(end), "{message}");
        let message = as_user(1000, 1000, || refused(&owned(&data.join("none"), to(1, 1))));
        assert!(message.ends_with("no such file or directory (ENOENT)"), "{message}");
    }

    #[test]
    fn a_tree_without_end_has_one() {
        if !is_root_or_skip("a_tree_without_end_has_one") {
            return;
        }
        let top = directory();
        let mut path = top.path().to_owned();
        path.extend(std::iter::repeat_n("d", DEEPEST));
        fs::create_dir_all(&path).unwrap();
        assert_eq!(done(&owned(top.path(), to(7, 7))).changes, DEEPEST + 1);
        fs::create_dir(path.join("e")).unwrap();
        let message = refused(&owned(top.path(), to(7, 7)));
        assert!(message.ends_with("/d/e` is more than 200 levels deep"), "{message}");
    }

    #[test]
    fn modes_stay_but_for_the_bits_that_lend_rights() {
        if !is_root_or_skip("modes_stay_but_for_the_bits_that_lend_rights") {
            return;
        }
        let top = directory();
        put(&top.path().join("tool"), "", 0o755);
        set_mode(&top.path().join("tool"), 0o4755);
        done(&owned(top.path(), to(7, 7)));
        assert_eq!(mode(&top.path().join("tool")), 0o755);
    }
}
