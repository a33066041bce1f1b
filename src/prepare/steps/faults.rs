//! Whatever call fails, and wherever onset is killed: each thing is as it was or as it is to be, and the next start
//! completes it and leaves nothing of its own.

use super::testing::{directory, done, file, identities, link, put, set_mode, settled, strays, tree};
use super::{Outcome, StepError, execute};
use crate::config::model::CopyIf;
use crate::plan::model::{Action, Ownership};
use crate::sys::file::fault;
use nix::errno::Errno;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// One call fails.
    Once(Errno),
    /// Nothing is done from this call on: SIGKILL, as the disk sees it.
    Kill,
}

const FAULTS: [Fault; 7] = [
    Fault::Once(Errno::ENOSPC),
    Fault::Once(Errno::EROFS),
    Fault::Once(Errno::EACCES),
    Fault::Once(Errno::EBUSY),
    Fault::Once(Errno::EPERM),
    Fault::Once(Errno::EINTR),
    Fault::Kill,
];

impl Fault {
    fn at(self, number: usize, first: usize) -> Option<Errno> {
        match self {
            Fault::Once(error) => (number == first).then_some(error),
            Fault::Kill => (number >= first).then_some(Errno::EIO),
        }
    }
}

/// A start in which call number `first` fails; `None` if there are not so many.
fn start(action: &Action, fault: Fault, first: usize) -> Option<Result<Outcome, StepError>> {
    let (result, calls) = fault::with(move |number, _| fault.at(number, first), || execute(action));
    (calls.len() > first).then_some(result)
}

fn whatever_fails(prepare: impl Fn(&Path), action: impl Fn(&Path) -> Action) {
    let (old, new) = {
        let top = directory();
        prepare(top.path());
        let old = tree(top.path());
        assert_ne!(done(&action(top.path())).changes, 0);
        settled(top.path(), &action(top.path()));
        (old, tree(top.path()))
    };
    for fault in FAULTS {
        for first in 0.. {
            let top = directory();
            let top = top.path();
            prepare(top);
            let action = action(top);
            let Some(result) = start(&action, fault, first) else {
                assert!(first > 3, "{fault:?} met no call");
                break;
            };
            let case = format!("{fault:?} at call {first}: {result:?}");
            let now = tree(top);
            for (path, entry) in &now {
                let known = old.get(path) == Some(entry) || new.get(path) == Some(entry);
                assert!(known, "{case}: {} is {entry:?}", path.display());
            }
            assert!(old.keys().all(|path| now.contains_key(path) || !new.contains_key(path)), "{case}: {now:?}");
            match (fault, &result) {
                (Fault::Once(Errno::EINTR), result) => assert!(result.is_ok(), "{case}"),
                (Fault::Once(_), Ok(outcome)) if outcome.notes.is_empty() => assert_eq!(now, new, "{case}"),
                (Fault::Once(_) | Fault::Kill, _) => {}
            }
            if fault != Fault::Kill {
                let left = strays(top).into_iter().filter(|path| !path.ends_with(super::folder::INCOMPLETE));
                assert_eq!(left.collect::<Vec<_>>(), Vec::<PathBuf>::new(), "{case}");
            }
            execute(&action).unwrap_or_else(|error| panic!("{case}; then {error}"));
            assert_eq!(tree(top), new, "{case}");
            assert_eq!(strays(top), Vec::<PathBuf>::new(), "{case}");
            let ids = identities(top);
            execute(&action).unwrap_or_else(|error| panic!("{case}; then {error}"));
            assert_eq!(identities(top), ids, "{case}");
        }
    }
}

#[test]
fn files_are_written_whole_or_not_at_all() {
    let secret = |top: &Path, content: &str| {
        let mut file = file(&top.join("etc/secret"), content);
        file.mode = 0o600;
        file
    };
    whatever_fails(
        |top| {
            put(&top.join("etc/old"), "old", 0o640);
            put(&top.join("etc/same"), "same", 0o644);
            put(&top.join("etc/wide"), "wide", 0o664);
            link(&top.join("link"), "etc/linked");
        },
        |top| {
            Action::Write(vec![
                file(&top.join("etc/old"), "a new one"),
                file(&top.join("etc/same"), "same"),
                file(&top.join("etc/wide"), "wide"),
                file(&top.join("etc/sub/new"), "new"),
                file(&top.join("link"), "linked"),
                secret(top, "hidden"),
            ])
        },
    );
}

#[test]
fn a_file_that_is_written_once_is_whole() {
    whatever_fails(
        |_| {},
        |top| {
            let mut file = file(&top.join("id"), "generated");
            file.unless_exists = true;
            Action::Write(vec![file])
        },
    );
}

fn defaults(top: &Path) {
    put(&top.join("from/a"), "aaa", 0o640);
    put(&top.join("from/sub/b"), "bbbb", 0o755);
    put(&top.join("from/sub/deep/c"), "", 0o600);
    link(&top.join("from/sub/l"), "../a");
    link(&top.join("from/dangling"), "/nowhere");
    set_mode(&top.join("from/sub"), 0o750);
    set_mode(&top.join("from/sub/deep"), 0o2775);
}

fn copy(top: &Path, condition: CopyIf, marker: Option<&str>) -> Action {
    Action::Copy {
        from: top.join("from"),
        to: top.join("data/to"),
        condition,
        owner: Ownership::default(),
        marker: marker.map(|marker| top.join(marker)),
        exclude: vec!["dang*".to_owned()],
        unless_exists: Vec::new(),
        whole: Vec::new(),
    }
}

#[test]
fn a_tree_is_copied_to_its_end() {
    whatever_fails(defaults, |top| copy(top, CopyIf::Missing, None));
    // As a guard has it that is true halfway, with a folder that may not be mistaken for somebody else's.
    whatever_fails(defaults, |top| match copy(top, CopyIf::Each, None) {
        Action::Copy { from, to, condition, owner, marker, exclude, .. } => {
            let (unless_exists, whole) = (vec!["a".into()], vec!["sub/*/".to_owned()]);
            Action::Copy { from, to, condition, owner, marker, exclude, unless_exists, whole }
        }
        other => other,
    });
    whatever_fails(
        |top| {
            defaults(top);
            std::fs::create_dir_all(top.join("data/to")).unwrap();
        },
        |top| copy(top, CopyIf::Empty, Some("data/to/.done")),
    );
    whatever_fails(
        |top| {
            defaults(top);
            put(&top.join("data/to/sub/b"), "mine", 0o600);
        },
        |top| copy(top, CopyIf::Each, None),
    );
}

#[test]
fn a_file_is_copied_whole() {
    whatever_fails(
        |top| put(&top.join("from"), "content", 0o4750),
        |top| copy(top, CopyIf::Missing, Some("data/marker")),
    );
}

#[test]
fn a_link_is_made_whole() {
    let action = |top: &Path| Action::Symlink { path: top.join("a/b"), target: "to".into(), replace: true };
    whatever_fails(|_| {}, action);
    whatever_fails(|top| put(&top.join("a/b"), "old", 0o644), action);
    whatever_fails(|top| link(&top.join("a/b"), "old"), action);
}

#[test]
fn a_directory_is_made_with_its_mode() {
    whatever_fails(
        |_| {},
        |top| Action::Directory {
            path: top.join("a/b/c"),
            mode: Some(0o2751),
            owner: Ownership::default(),
            parents: true,
        },
    );
}

#[test]
fn files_are_removed() {
    whatever_fails(
        |top| ["x.pid", "y.pid", "z"].iter().for_each(|name| put(&top.join(name), "1", 0o644)),
        |top| Action::Remove { paths: vec![top.join("*.pid"), top.join("z")] },
    );
}

/// In place there is no other way: a kill can leave a half file, and the next start puts it right. A failure cannot.
#[test]
fn a_file_written_in_place_survives_every_failure() {
    for (old, new) in [("a long old content", "new"), ("old", "a long new content"), ("", "new"), ("old", "")] {
        for fault in FAULTS {
            for first in 0.. {
                let top = directory();
                let path = top.path().join("file");
                put(&path, old, 0o644);
                let before = identities(top.path());
                let action = Action::Write(vec![file(&path, new)]);
                let plan = move |number: usize, name: &str| {
                    let mount_point = (name == "rename").then_some(Errno::EBUSY);
                    fault.at(number, first).or(mount_point)
                };
                let (result, calls) = fault::with(plan, || execute(&action));
                let now = std::fs::read_to_string(&path).unwrap();
                let case = format!("{fault:?} at call {first}: {result:?}");
                match (fault, &result) {
                    (Fault::Once(Errno::EINTR), Err(_)) => panic!("{case}"),
                    (Fault::Once(_), Ok(_)) => assert_eq!(now, new, "{case}"),
                    // Only the mode and the owner, which come last, may be what could not be set.
                    (Fault::Once(_), Err(_)) => assert!(now == old || now == new, "{case}: {now}"),
                    (Fault::Kill, _) => {}
                }
                if calls.len() <= first {
                    assert_eq!(identities(top.path())[Path::new("file")].0, before[Path::new("file")].0);
                    break;
                }
                done(&action);
                assert_eq!(std::fs::read_to_string(&path).unwrap(), new, "{case}");
                assert_eq!(strays(top.path()), Vec::<PathBuf>::new(), "{case}");
            }
        }
    }
}
