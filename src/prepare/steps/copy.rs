//! A copy of a file or a tree: when, and what says that it is complete (how: see `entries`).
//!
//! While a tree is not complete its copy contains [`INCOMPLETE`], so that the next start goes on where this one was
//! killed although the target is no longer missing or empty. Two starts that copy to one shared volume at once go on
//! where the other is: nothing that is there is replaced.

use super::entries::{Copier, Original, complete, mark};
use super::error::{Reason, Request, StepError};
use super::folder::{Folder, Folders, INCOMPLETE, is_ours};
use super::place::{Kind, Place};
use super::{Outcome, marker};
use crate::config::model::CopyIf;
use crate::plan::model::Ownership;
use crate::sys::file::{self, Stat, WORKING_DIRECTORY};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// What the root of a new ext file system contains; it is empty all the same.
const LOST_AND_FOUND: &str = "lost+found";

/// What to copy.
pub(super) struct Order<'a> {
    pub(super) from: &'a Path,
    pub(super) to: &'a Path,
    pub(super) condition: CopyIf,
    pub(super) owner: Ownership,
    pub(super) exclude: &'a [String],
    pub(super) unless_exists: &'a [PathBuf],
    pub(super) whole: &'a [String],
}

#[inline(never)]
pub(super) fn copy(order: &Order<'_>, marker: Option<&Path>) -> Result<Outcome, StepError> {
    let attempt = || format!("copy `{}` to `{}`", order.from.display(), order.to.display());
    let refuse = |reason| StepError::new(attempt(), reason);
    if let Some(marker) = marker
        && marker::is_there(marker).map_err(refuse)?
    {
        // All that a kill right after the marker was written leaves to do.
        let _: nix::Result<()> = file::unlink(&WORKING_DIRECTORY, order.to.join(INCOMPLETE).as_os_str());
        return Ok(Outcome::default());
    }
    let mut folders = Folders::default();
    let mut copier = Copier::new(order.owner, order.exclude, order.whole);
    let copied = start(order, &mut folders, &mut copier).map_err(refuse)?;
    let mut outcome = Outcome { changes: copier.copied + folders.made, notes: copier.notes };
    if let (Copied::File | Copied::Tree(_), Some(marker)) = (&copied, marker) {
        outcome.changes += marker::write(marker, order.owner)?.changes;
    }
    if let Copied::Tree(Some(unfinished)) = copied {
        unfinished.finish().map_err(refuse)?;
    }
    Ok(outcome)
}

enum Copied {
    /// There is something, and it is not to be looked at.
    NotAsked,
    File,
    Tree(Option<Unfinished>),
}

/// A tree that is complete, and says that it is not.
struct Unfinished {
    target: Rc<Folder>,
    /// The original, if onset made the top.
    made: Option<Stat>,
}

impl Unfinished {
    fn finish(&self) -> Result<(), Reason> {
        let finished = match file::unlink(&self.target, OsStr::new(INCOMPLETE)) {
            Err(Errno::ENOENT) => Ok(()),
            result => result,
        };
        let finished = finished.and_then(|()| self.made.map_or(Ok(()), |stat| complete(&stat, &self.target)));
        let path = self.target.path();
        finished.map_err(|error| Reason::system(error, Request::Write, path).of(path))
    }
}

#[inline(never)]
fn start(order: &Order<'_>, folders: &mut Folders, copier: &mut Copier<'_>) -> Result<Copied, Reason> {
    let from = order.from;
    let read = |error| Reason::system(error, Request::Read, from).of(from);
    let opened = file::open(&WORKING_DIRECTORY, from, OFlag::O_RDONLY | OFlag::O_NONBLOCK, 0).map_err(read)?;
    let stat = file::stat(&opened).map_err(read)?;
    let original = Original { opened, stat, path: from.to_owned() };
    let named = if order.to.file_name().is_some() { order.to.to_owned() } else { name_of(order.to)? };
    let place = folders.follow(&named)?;
    match Kind::of(&stat) {
        Kind::File => copy_file(&original, &place, order.condition, copier),
        Kind::Directory => copy_tree(&original, &place, order, copier),
        other @ (Kind::Link | Kind::Fifo | Kind::Socket | Kind::Device) => {
            Err(Reason::text(format!("`{}` is {}", from.display(), other.words())))
        }
    }
}

/// The name of what has none: `.`, `..`
fn name_of(path: &Path) -> Result<PathBuf, Reason> {
    std::fs::canonicalize(path).map_err(|error| {
        let error = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
        Reason::system(error, Request::Read, path).of(path)
    })
}

fn copy_file(original: &Original, place: &Place, condition: CopyIf, copier: &mut Copier<'_>) -> Result<Copied, Reason> {
    match &place.there {
        None => {
            copier.file(original, &place.folder, &place.name)?;
            let synced = file::sync_file_system(&place.folder);
            synced.map_err(|error| Reason::system(error, Request::Write, &place.path).of(&place.path))?;
            Ok(Copied::File)
        }
        // A start that was killed may have come this far, and not to the marker.
        Some(there) if Kind::of(there) == Kind::File => Ok(Copied::File),
        Some(there) if condition == CopyIf::Empty && Kind::of(there) == Kind::Directory => {
            Err(Reason::text(format!("`{}` is a directory, the source is none", place.path.display())))
        }
        Some(_) => Ok(Copied::NotAsked),
    }
}

#[inline(never)]
fn copy_tree(original: &Original, place: &Place, order: &Order<'_>, copier: &mut Copier<'_>) -> Result<Copied, Reason> {
    let Place { folder, name, path, there } = place;
    let Order { condition, unless_exists, .. } = *order;
    let write = |error| Reason::system(error, Request::Write, path).of(path);
    let made = there.is_none();
    if made {
        copier.directory(original, folder, name, true)?;
    } else if there.is_some_and(|there| Kind::of(&there) != Kind::Directory) {
        return match condition {
            CopyIf::Missing | CopyIf::Empty => Ok(Copied::NotAsked),
            CopyIf::Each => Err(Reason::text(format!("`{}` is no directory, the source is one", path.display()))),
        };
    }
    let target = folder.child(name).map_err(write)?;
    let incomplete = target.look(OsStr::new(INCOMPLETE)).map_err(write)?.is_some();
    let is_there = |path: &PathBuf| file::stat_at(&target, path.as_os_str()).is_ok();
    let asked = match condition {
        _ if !incomplete && unless_exists.iter().any(is_there) => false,
        CopyIf::Each => true,
        CopyIf::Missing => incomplete,
        CopyIf::Empty => incomplete || is_empty(&target).map_err(write)?,
    };
    if !asked {
        return Ok(Copied::NotAsked);
    }
    let marked = incomplete || condition != CopyIf::Each || !unless_exists.is_empty();
    if marked && !incomplete {
        mark(&target).map_err(write)?;
    }
    let before = copier.copied;
    copier.tree(original, &target)?;
    if marked || copier.copied > before {
        file::sync_file_system(&target).map_err(write)?;
    }
    Ok(Copied::Tree(marked.then(|| Unfinished { target, made: made.then_some(original.stat) })))
}

fn is_empty(folder: &Rc<Folder>) -> nix::Result<bool> {
    file::rewind(folder)?;
    for name in file::names(folder) {
        let name = name?;
        if !is_ours(&name) && name != LOST_AND_FOUND {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {

    use super::super::entries::CHUNK;
    use super::*;
    use crate::plan::model::Action;
    use crate::prepare::child::is_root_or_skip;
    use crate::prepare::steps::testing::{
        directory, done, file, give, identities, link, mode, mounting, owner, put, refused, set_mode, settled, to, tree,
    };
    use crate::sys::testing::{as_user, tmpfs};
    use nix::sys::stat::Mode;
    use std::fs;
    use std::os::unix::net::UnixListener;

    const NOBODY: Ownership = Ownership { uid: None, gid: None };

    fn copied(top: &Path, condition: CopyIf) -> Action {
        let (from, to, owner) = (top.join("from"), top.join("to"), NOBODY);
        Action::Copy {
            from,
            to,
            condition,
            owner,
            marker: None,
            exclude: vec!["*.bak".to_owned()],
            unless_exists: Vec::new(),
            whole: Vec::new(),
        }
    }

    fn defaults(top: &Path) {
        put(&top.join("from/a"), &"a".repeat(CHUNK + 1), 0o640);
        put(&top.join("from/sub/tool"), "", 0o755);
        put(&top.join("from/sub/b.bak"), "", 0o600);
        link(&top.join("from/l"), "/nowhere");
        set_mode(&top.join("from/sub"), 0o550);
    }

    #[test]
    fn a_tree_keeps_its_modes_its_links_and_its_times() {
        let top = directory();
        let top = top.path();
        defaults(top);
        let long_ago = nix::sys::time::TimeSpec::new(1_000_000_000, 5);
        for name in ["from/a", "from/sub", "from/l", "from"] {
            let follow = nix::sys::stat::UtimensatFlags::NoFollowSymlink;
            nix::sys::stat::utimensat(WORKING_DIRECTORY, &top.join(name), &long_ago, &long_ago, follow).unwrap();
        }
        assert_eq!(done(&copied(top, CopyIf::Missing)).changes, 5);
        let mut expected = tree(&top.join("from"));
        expected.remove(Path::new("sub/b.bak"));
        assert_eq!(tree(&top.join("to")), expected);
        let ids = identities(top);
        for name in ["to", "to/a", "to/sub", "to/l"] {
            let (_, seconds, nanoseconds) = ids[Path::new(name)];
            assert_eq!((seconds, nanoseconds), (1_000_000_000, 5), "{name}");
        }
        for condition in [CopyIf::Missing, CopyIf::Empty, CopyIf::Each] {
            settled(top, &copied(top, condition));
        }
    }

    #[test]
    fn a_volume_that_is_empty_is_filled_and_one_that_is_not_is_left_alone() {
        let top = directory();
        let top = top.path();
        defaults(top);
        fs::create_dir_all(top.join("to/lost+found")).unwrap();
        settled(top, &copied(top, CopyIf::Missing));
        assert_eq!(done(&copied(top, CopyIf::Empty)).changes, 4);
        fs::remove_file(top.join("to/a")).unwrap();
        settled(top, &copied(top, CopyIf::Missing));
        settled(top, &copied(top, CopyIf::Empty));
        assert_eq!(done(&copied(top, CopyIf::Each)).changes, 1);
    }

    #[test]
    fn what_is_there_already_can_be_a_guard() {
        let top = directory();
        let top = top.path();
        defaults(top);
        let action = |guard: &str| match copied(top, CopyIf::Each) {
            Action::Copy { from, to, condition, owner, marker, exclude, whole, .. } => {
                let unless_exists = vec!["none".into(), guard.into()];
                Action::Copy { from, to, condition, owner, marker, exclude, unless_exists, whole }
            }
            other => other,
        };
        put(&top.join("to/installed/version"), "1", 0o644);
        settled(top, &action("installed/version"));
        // A start that was killed.
        put(&top.join("to").join(INCOMPLETE), "", 0o600);
        assert_eq!(done(&action("installed/version")).changes, 4);
        settled(top, &action("installed/version"));
        fs::remove_file(top.join("to/a")).unwrap();
        settled(top, &action("installed/version"));
        assert_eq!(done(&action("a")).changes, 1);
        settled(top, &action("a"));
    }

    #[test]
    fn what_is_copied_as_a_whole_is_left_as_it_is_with_a_warning() {
        let top = directory();
        let top = top.path();
        for name in ["conf", "plugins/one/x", "plugins/one/y", "plugins/two/x", "plugins/file", "plugins/three/x"] {
            put(&top.join("from").join(name), "new", 0o644);
        }
        for name in ["conf", "plugins/one/x", "plugins/file", "plugins/three/x"] {
            put(&top.join("to").join(name), "old", 0o644);
        }
        // A start that was killed was here.
        put(&top.join("to/plugins/three").join(INCOMPLETE), "", 0o600);
        put(&top.join("from/plugins/three/y"), "new", 0o644);
        let action = match copied(top, CopyIf::Each) {
            Action::Copy { from, to, condition, owner, marker, exclude, unless_exists, .. } => {
                let whole = ["conf", "plugins/*/", "one/x"].map(str::to_owned).to_vec();
                Action::Copy { from, to, condition, owner, marker, exclude, unless_exists, whole }
            }
            other => other,
        };
        let outcome = done(&action);
        assert_eq!(outcome.changes, 3, "plugins/two, plugins/two/x, plugins/three/y");
        let mut notes = outcome.notes;
        notes.sort();
        let left = |name: &str| format!("`{}/to/{name}` is there already, and left as it is", top.display());
        assert_eq!(notes, [left("conf"), left("plugins/one")]);
        assert!(!top.join("to/plugins/one/y").exists());
        assert_eq!(fs::read(top.join("to/plugins/file")).unwrap(), b"old");
        assert!(!top.join("to/plugins/three").join(INCOMPLETE).exists());
        settled(top, &action);
    }

    #[test]
    fn each_adds_what_is_missing_and_replaces_nothing() {
        let top = directory();
        let top = top.path();
        defaults(top);
        put(&top.join("to/a"), "mine", 0o600);
        put(&top.join("elsewhere/kept"), "", 0o644);
        link(&top.join("to/sub"), "../elsewhere");
        let outcome = done(&copied(top, CopyIf::Each));
        assert_eq!(outcome.changes, 1);
        let sub = top.join("to/sub");
        assert_eq!(
            outcome.notes,
            [format!(
                "`{}/from/sub` was left out: `{}` is a symbolic link, not a directory",
                top.display(),
                sub.display()
            )]
        );
        assert_eq!(fs::read(top.join("to/a")).unwrap(), b"mine");
        assert!(!top.join("elsewhere/tool").exists());
    }

    #[test]
    fn starts_that_share_a_volume_do_not_trip_over_each_other() {
        for condition in [CopyIf::Missing, CopyIf::Empty, CopyIf::Each] {
            let top = directory();
            let top = top.path();
            defaults(top);
            set_mode(&top.join("from/sub"), 0o755);
            (0..50).for_each(|name| put(&top.join("from/sub").join(name.to_string()), "content", 0o644));
            let files = (0..20).map(|name| file(&top.join("to/sub/conf").join(name.to_string()), "rendered"));
            let written = Action::Write(files.collect());
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        done(&copied(top, condition));
                        done(&written);
                    });
                }
            });
            for action in [copied(top, condition), written] {
                settled(top, &action);
            }
            let mut expected = tree(&top.join("from"));
            expected.remove(Path::new("sub/b.bak"));
            let copies = tree(&top.join("to"));
            assert!(expected.iter().all(|(path, entry)| copies.get(path) == Some(entry)));
            assert_eq!(copies.len(), expected.len() + 21);
        }
    }

    #[test]
    fn a_marker_comes_last_and_ends_it_for_ever() {
        let top = directory();
        let top = top.path();
        defaults(top);
        let marker = top.join("state/copied");
        let (from, to, owner) = (top.join("from"), top.join("to"), NOBODY);
        let condition = CopyIf::Each;
        let action = Action::Copy {
            from,
            to,
            condition,
            owner,
            marker: Some(marker.clone()),
            exclude: Vec::new(),
            unless_exists: Vec::new(),
            whole: Vec::new(),
        };
        assert_eq!(done(&action).changes, 8);
        assert_eq!(mode(&marker), 0o644);
        fs::remove_file(top.join("to/a")).unwrap();
        settled(top, &action);
    }

    #[test]
    fn a_link_into_a_volume_is_followed() {
        let top = directory();
        let top = top.path();
        defaults(top);
        fs::create_dir(top.join("volume")).unwrap();
        link(&top.join("to"), "volume/data");
        assert_eq!(done(&copied(top, CopyIf::Missing)).changes, 5);
        assert!(top.join("volume/data/sub/tool").exists());
        assert!(top.join("to").is_symlink());
        settled(top, &copied(top, CopyIf::Missing));
    }

    #[test]
    fn what_is_neither_file_nor_link_nor_directory_is_left_out_with_a_note() {
        let top = directory();
        let top = top.path();
        fs::create_dir(top.join("from")).unwrap();
        drop(UnixListener::bind(top.join("from/socket")).unwrap());
        nix::unistd::mkfifo(&top.join("from/pipe"), Mode::S_IRWXU).unwrap();
        let mut notes = done(&copied(top, CopyIf::Missing)).notes;
        notes.sort();
        let said = |name: &str, kind: &str| format!("`{}/from/{name}` was left out: it is {kind}", top.display());
        assert_eq!(notes, [said("pipe", "a named pipe"), said("socket", "a socket")]);
    }

    #[test]
    fn a_copy_into_its_own_source_ends() {
        let top = directory();
        let top = top.path();
        put(&top.join("a/b"), "", 0o644);
        let (from, to, owner) = (top.to_owned(), top.join("a/copy"), NOBODY);
        let action = Action::Copy {
            from,
            to,
            condition: CopyIf::Each,
            owner,
            marker: None,
            exclude: Vec::new(),
            unless_exists: Vec::new(),
            whole: Vec::new(),
        };
        done(&action);
        assert!(top.join("a/copy/a/b").exists());
        assert!(!top.join("a/copy/a/copy").exists());
        settled(top, &action);
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let top = directory();
        let top = top.path();
        let said = |words: &str| format!("cannot copy `{0}/from` to `{0}/to`: {words}", top.display());
        let from = top.join("from").display().to_string();
        let message = refused(&copied(top, CopyIf::Missing));
        assert_eq!(message, said(&format!("`{from}`: no such file or directory (ENOENT)")));
        defaults(top);
        put(&top.join("to"), "", 0o644);
        settled(top, &copied(top, CopyIf::Missing));
        let message = refused(&copied(top, CopyIf::Each));
        assert_eq!(message, said(&format!("`{}/to` is no directory, the source is one", top.display())));
    }

    #[test]
    fn copies_get_their_owner_or_keep_the_originals() {
        if !is_root_or_skip("copies_get_their_owner_or_keep_the_originals") {
            return;
        }
        let top = directory();
        let top = top.path();
        defaults(top);
        set_mode(&top.join("from/sub"), 0o555);
        set_mode(&top.join("from/a"), 0o644);
        give(&top.join("from/sub/tool"), 7, 8);
        set_mode(&top.join("from/sub/tool"), 0o4755);
        give(&top.join("from/sub"), 7, 8);
        give(&top.join("from/l"), 7, 8);
        done(&copied(top, CopyIf::Missing));
        for name in ["to/sub/tool", "to/sub", "to/l"] {
            assert_eq!(owner(&top.join(name)), (7, 8), "{name}");
        }
        assert_eq!(mode(&top.join("to/sub/tool")), 0o4755);
        let (from, given) = (top.join("from"), top.join("given"));
        let owner_given = Ownership { uid: Some(1000), gid: None };
        let condition = CopyIf::Missing;
        let order = Action::Copy {
            from,
            to: given.clone(),
            condition,
            owner: owner_given,
            marker: None,
            exclude: Vec::new(),
            unless_exists: Vec::new(),
            whole: Vec::new(),
        };
        done(&order);
        assert_eq!(["", "a", "sub", "sub/tool", "l"].map(|name| owner(&given.join(name)).0), [1000; 5]);
        assert_eq!(owner(&given.join("sub/tool")).1, 8);
        settled(top, &order);
        // A user cannot keep the originals' owners, and lends nobody his rights.
        give(top, 1000, 1000);
        fs::remove_dir_all(top.join("to")).unwrap();
        as_user(1000, 1000, || done(&copied(top, CopyIf::Missing)));
        assert_eq!(owner(&top.join("to/sub/tool")), (1000, 1000));
        assert_eq!(mode(&top.join("to/sub/tool")), 0o755);
        settled(top, &copied(top, CopyIf::Missing));
        assert_eq!(to(1, 2).to_string(), "1:2");
    }

    #[test]
    fn a_full_disk_leaves_whole_files_and_the_next_start_goes_on() {
        let top = directory();
        let top = top.path();
        (0..10).for_each(|name| put(&top.join("from").join(name.to_string()), &"x".repeat(9000), 0o644));
        fs::create_dir(top.join("to")).unwrap();
        mounting("a_full_disk_leaves_whole_files_and_the_next_start_goes_on", || {
            tmpfs(&top.join("to"), "size=64k");
            let message = refused(&copied(top, CopyIf::Empty));
            assert!(message.ends_with("no space left on device (ENOSPC)"), "{message}");
            let whole = tree(&top.join("to"));
            assert!(!whole.is_empty() && whole.values().all(|entry| entry.content.len() == 9000));
            let more = Some("size=256k");
            nix::mount::mount(None::<&str>, &top.join("to"), None::<&str>, nix::mount::MsFlags::MS_REMOUNT, more)
                .unwrap();
            done(&copied(top, CopyIf::Empty));
            assert_eq!(tree(&top.join("to")), tree(&top.join("from")));
            settled(top, &copied(top, CopyIf::Empty));
        });
    }
}
