//! Files that were rendered: all of them are made under temporary names first, then all get their own.

use super::Outcome;
use super::error::{Reason, Refusal, Request, Rights, StepError, for_read, for_write};
use super::folder::{self, Folders, Temporary};
use super::in_place;
use super::place::{Kind, Place};
use super::rights::{Subject, dress, missing, settle};
use crate::plan::model::File;
use crate::sys::file::{self, Stat};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::geteuid;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// How much of a file is compared at a time.
const CHUNK: usize = 16 * 1024;

pub(super) fn write(files: &[File]) -> Result<Outcome, StepError> {
    write_if(files, &|_| Ok(()))
}

/// The same, if what is at their places is what it has to be.
pub(super) fn write_if(files: &[File], accept: &dyn Fn(&Place) -> Result<(), Reason>) -> Result<Outcome, StepError> {
    let mut outcome = Outcome::default();
    let mut folders = Folders::default();
    let mut ready = Vec::new();
    for file in files {
        match Change::prepare(file, &mut folders, accept) {
            Ok(None) => {}
            Ok(Some(change)) => ready.push(change),
            Err(reason) => fail(file, reason, &mut outcome)?,
        }
    }
    for change in ready {
        let file = change.file;
        match change.commit(&mut outcome.notes) {
            Ok(true) => outcome.changes += 1,
            Ok(false) => {}
            Err(reason) => fail(file, reason, &mut outcome)?,
        }
    }
    outcome.changes += folders.made;
    Ok(outcome)
}

/// Passes it on, or makes a note of it where that is what was asked for.
fn fail(file: &File, reason: Reason, outcome: &mut Outcome) -> Result<(), StepError> {
    let error = |reason| StepError::new(format!("write `{}`", file.target.display()), reason);
    if file.skip_read_only && reason.is_refusal() {
        outcome.notes.push(format!("{}; it is left as it is", error(reason)));
        Ok(())
    } else {
        Err(error(reason))
    }
}

/// What is to be done to one file.
struct Change<'a> {
    file: &'a File,
    place: Box<Place>,
    how: How,
}

enum How {
    /// All but the name is done.
    Name(Temporary),
    /// The content is to be written over the old one.
    InPlace(OwnedFd),
    /// The content is right, the mode or the owner is not.
    Settle(OwnedFd),
}

impl<'a> Change<'a> {
    /// All that can be done before the first file changes. `None`: nothing is to be done.
    fn prepare(
        file: &'a File,
        folders: &mut Folders,
        accept: &dyn Fn(&Place) -> Result<(), Reason>,
    ) -> Result<Option<Self>, Reason> {
        let place = folders.follow(&file.target)?;
        if let Some(there) = &place.there {
            let kind = Kind::of(there);
            if file.unless_exists {
                return Ok(None);
            }
            if kind != Kind::File {
                return Err(Reason::text(format!("there is {}", kind.words())));
            }
        }
        let told = |reason: Reason| if place.path == file.target { reason } else { reason.of(&place.path) };
        accept(&place).map_err(told)?;
        let how = How::decide(file, &place).map_err(|refusal| explain(file, &place, refusal))?;
        Ok(how.map(|how| Change { file, place, how }))
    }

    /// Does it; whether anything changed.
    fn commit(self, notes: &mut Vec<String>) -> Result<bool, Reason> {
        let Change { file, place, how } = self;
        let result = match how {
            How::Name(temporary) => name(file, &place, temporary, notes),
            How::InPlace(opened) => in_place::write(file, &place, &opened, notes).map(|()| true),
            How::Settle(opened) => {
                let stat = file::stat(&opened).map_err(for_read);
                stat.and_then(|stat| {
                    settle(&Subject::Open(opened.as_fd()), &stat, Some(mode_at(file, Some(&stat))), file.owner)
                })
            }
        };
        let changed = result.map_err(|refusal| explain(file, &place, refusal))?;
        if changed {
            notes.extend(note_of_rights(file, &place));
        }
        Ok(changed)
    }
}

/// The mode a file is to have, where this is.
pub(super) fn mode_at(file: &File, there: Option<&Stat>) -> u32 {
    there.filter(|_| file.keep_mode).map_or(file.mode, |there| there.st_mode & 0o7777)
}

fn explain(file: &File, place: &Place, (error, request): Refusal) -> Reason {
    let reason = Reason::system(error, request, &place.path);
    if place.path == file.target { reason } else { reason.of(&place.path) }
}

impl How {
    fn decide(file: &File, place: &Place) -> Result<Option<How>, Refusal> {
        let mut same = false;
        if let Some(there) = &place.there
            && let Some(opened) = same_content(place, &file.content).map_err(for_read)?
        {
            if there.st_mode & 0o7777 == mode_at(file, Some(there)) && missing(file.owner, there).is_none() {
                return Ok(None);
            }
            // Who may not do that may replace the file all the same.
            if geteuid().is_root() || geteuid().as_raw() == there.st_uid {
                return Ok(Some(How::Settle(opened)));
            }
            same = true;
        }
        match (fill(file, place), &place.there) {
            (Ok(temporary), _) => Ok(Some(How::Name(temporary))),
            (Err((Errno::EACCES | Errno::EPERM | Errno::EROFS, Request::Write)), Some(there)) if same => {
                match missing(file.owner, there) {
                    Some(lacking) => Err((Errno::EPERM, Request::Own(lacking))),
                    None if in_place::shows_more(there, file) => {
                        Err((Errno::EPERM, Request::Mode(mode_at(file, Some(there)))))
                    }
                    None => Ok(None),
                }
            }
            (Err((error @ (Errno::EACCES | Errno::EPERM | Errno::EROFS), Request::Write)), Some(_)) => {
                let opened = in_place::open(place).map_err(|_| (error, Request::Write))?;
                Ok(Some(How::InPlace(opened)))
            }
            (Err(refusal), _) => Err(refusal),
        }
    }
}

/// The new content under a temporary name, with its mode and owner. What is not said of the owner stays as it was.
fn fill(file: &File, place: &Place) -> Result<Temporary, Refusal> {
    let (temporary, opened) = place.folder.temporary_file().map_err(for_write)?;
    let written = file::write(&opened, &file.content);
    // No later start would see that it is empty after a crash of the machine.
    let written = if file.unless_exists { written.and_then(|()| file::sync(&opened)) } else { written };
    written.map_err(for_write)?;
    dress(&opened, mode_at(file, place.there.as_ref()), file.owner, place.there.as_ref())?;
    Ok(temporary)
}

fn name(file: &File, place: &Place, temporary: Temporary, notes: &mut Vec<String>) -> Result<bool, Refusal> {
    let mut first = Some(temporary);
    let mut make = || first.take().map_or_else(|| fill(file, place), Ok);
    let placed = folder::place(&mut make, &|temporary| {
        if file.unless_exists { temporary.place_new(&place.name) } else { temporary.place(&place.name) }
    });
    match placed {
        // A mount point; or a file of another user's in a folder with the sticky bit.
        Err((Errno::EBUSY | Errno::EXDEV | Errno::EPERM | Errno::EACCES, Request::Write)) if place.there.is_some() => {
            let opened = in_place::open(place).map_err(for_write)?;
            in_place::write(file, place, &opened, notes).map(|()| true)
        }
        placed => placed,
    }
}

/// The file, opened, if it has this content. One that may not be read has another.
pub(super) fn same_content(place: &Place, content: &[u8]) -> nix::Result<Option<OwnedFd>> {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let opened = match file::open(&place.folder, Path::new(&place.name), flags, 0) {
        Err(Errno::EACCES | Errno::EPERM | Errno::ENOENT | Errno::ELOOP) => return Ok(None),
        opened => opened?,
    };
    let size = file::stat(&opened)?.st_size;
    // The files of /proc and /sys say 0, or a page.
    let is_real = size != 0 && size != 4096;
    if is_real && i64::try_from(content.len()) != Ok(size) {
        return Ok(None);
    }
    let mut chunk = vec![0; CHUNK.min(content.len() + 1)];
    let mut rest = content;
    loop {
        let length = file::read(&opened, &mut chunk)?;
        match rest.split_at_checked(length) {
            Some((same, left)) if same == &chunk[..length] => rest = left,
            Some(_) | None => return Ok(None),
        }
        if length < chunk.len() {
            return Ok(rest.is_empty().then_some(opened));
        }
    }
}

/// What is behind a link may be somebody else's: that it changed hands is said.
fn note_of_rights(file: &File, place: &Place) -> Option<String> {
    let old: &Stat = place.there.as_ref().filter(|_| place.path != file.target)?;
    let new = file::stat_at(&place.folder, &place.name).ok()?;
    let differ = (old.st_uid, old.st_gid, old.st_mode) != (new.st_uid, new.st_gid, new.st_mode);
    let (link, path) = (file.target.display(), place.path.display());
    differ.then(|| {
        let (old, new) = (Rights::of(old), Rights::of(&new));
        format!("`{link}` is a symbolic link to `{path}`, which had {old} and now has {new}")
    })
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::plan::model::Action;
    use crate::prepare::child::is_root_or_skip;
    use crate::prepare::steps::testing::{
        directory, done, file, give, identities, link, mode, mounting, owner, put, refused, set_mode, settled, strays,
        to,
    };
    use crate::sys::file::fault;
    use crate::sys::testing::{as_user, bind, with_umask};
    use std::fs;
    use std::path::PathBuf;

    fn one(file: File) -> Action {
        Action::Write(vec![file])
    }

    #[test]
    fn a_file_has_its_mode_whatever_the_umask_is() {
        let top = directory();
        let path = top.path().join("conf.d/sub/a.conf");
        let action = one(File { mode: 0o664, ..file(&path, "a") });
        with_umask(0o077, || assert_eq!(done(&action).changes, 3));
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"a".to_vec(), 0o664));
        assert_eq!(mode(path.parent().unwrap()), 0o755);
        settled(top.path(), &action);
    }

    #[test]
    fn only_what_differs_is_touched() {
        let top = directory();
        let paths = ["same", "mode", "content"].map(|name| top.path().join(name));
        let action = Action::Write(paths.iter().map(|path| file(path, "new")).collect());
        put(&paths[0], "new", 0o644);
        put(&paths[1], "new", 0o600);
        put(&paths[2], "nex", 0o644);
        let before = identities(top.path());
        assert_eq!(done(&action).changes, 2);
        let after = identities(top.path());
        assert_eq!(before[Path::new("same")], after[Path::new("same")]);
        assert_eq!(before[Path::new("mode")], after[Path::new("mode")]);
        assert_ne!(before[Path::new("content")].0, after[Path::new("content")].0);
        assert_eq!(mode(&paths[1]), 0o644);
        settled(top.path(), &action);
    }

    #[test]
    fn a_large_file_is_compared_to_its_end() {
        let top = directory();
        let path = top.path().join("large");
        for length in [CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let mut content = "x".repeat(length);
            done(&one(file(&path, &content)));
            settled(top.path(), &one(file(&path, &content)));
            content.pop();
            content.push('y');
            assert_eq!(done(&one(file(&path, &content))).changes, 1);
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }

    #[test]
    fn of_a_set_nothing_appears_when_one_cannot_be_made() {
        let top = directory();
        fs::create_dir(top.path().join("b")).unwrap();
        put(&top.path().join("a"), "old", 0o644);
        let files = ["a", "new", "b"].map(|name| file(&top.path().join(name), "new"));
        let message = refused(&Action::Write(files.to_vec()));
        assert_eq!(message, format!("cannot write `{}/b`: there is a directory", top.path().display()));
        assert_eq!(fs::read(top.path().join("a")).unwrap(), b"old");
        assert!(!top.path().join("new").exists());
        assert_eq!(strays(top.path()), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_large_set_needs_few_descriptors() {
        let top = directory();
        let files = (0..1500).map(|name| file(&top.path().join(name.to_string()), "x")).collect();
        let action = Action::Write(files);
        assert_eq!(done(&action).changes, 1500);
        settled(top.path(), &action);
    }

    #[test]
    fn what_is_there_stays_if_it_is_to_be_written_only_once() {
        let top = directory();
        let path = top.path().join("file");
        put(&path, "mine", 0o600);
        settled(top.path(), &one(File { unless_exists: true, ..file(&path, "new") }));
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }

    /// Looks before each call at every file there is.
    #[test]
    fn a_secret_is_at_no_moment_for_others_to_read() {
        for old in [None, Some(0o644), Some(0o600)] {
            let top = directory();
            let path = top.path().join("secret");
            if let Some(mode) = old {
                put(&path, "old", mode);
            }
            for in_place in [false, true] {
                let folder = top.path().to_owned();
                let look = move |_: usize, name: &str| {
                    for entry in fs::read_dir(&folder).unwrap() {
                        let path = entry.unwrap().path();
                        let secret = fs::read(&path).unwrap().starts_with(b"se");
                        assert!(!secret || mode(&path) == 0o600, "{:o} before {name}", mode(&path));
                    }
                    (in_place && name == "rename").then_some(Errno::EBUSY)
                };
                let secret = if in_place { "second secret" } else { "secret" };
                let action = one(File { mode: 0o600, ..file(&path, secret) });
                fault::with(look, || done(&action));
                assert_eq!(fs::read_to_string(&path).unwrap(), secret);
                set_mode(&path, if in_place { 0o600 } else { old.unwrap_or(0o600) });
                fs::write(&path, "old").unwrap();
            }
        }
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced() {
        let top = directory();
        let (path, real) = (top.path().join("etc/app.conf"), top.path().join("volume/conf/app.conf"));
        link(&path, "../volume/conf/app.conf");
        let action = one(file(&path, "new"));
        assert_eq!(done(&action), Outcome { changes: 3, notes: Vec::new() });
        assert!(path.is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
        settled(top.path(), &action);
        set_mode(&real, 0o600);
        fs::write(&real, "another's").unwrap();
        let outcome = done(&action);
        let (uid, gid) = owner(&real);
        let expected = format!(
            "`{}` is a symbolic link to `{}/etc/../volume/conf/app.conf`, which had mode 0600 and owner {uid}:{gid} \
             and now has mode 0644 and owner {uid}:{gid}",
            path.display(),
            top.path().display()
        );
        assert_eq!(outcome.notes, [expected]);
        link(&top.path().join("loop"), "loop");
        assert!(refused(&one(file(&top.path().join("loop"), ""))).ends_with("too many levels of symbolic links"));
    }

    #[test]
    fn root_follows_no_link_of_another_user() {
        if !is_root_or_skip("root_follows_no_link_of_another_user") {
            return;
        }
        let top = directory();
        let (path, real) = (top.path().join("app.conf"), top.path().join("passwd"));
        put(&real, "root", 0o644);
        link(&path, "passwd");
        give(&path, 1000, 1000);
        let message = refused(&one(file(&path, "new")));
        let end = "is a symbolic link to `passwd` that user 1000 made, and root follows only its own";
        assert!(message.ends_with(end), "{message}");
        assert_eq!(fs::read(&real).unwrap(), b"root");
    }

    #[test]
    fn an_owner_is_given_or_kept() {
        if !is_root_or_skip("an_owner_is_given_or_kept") {
            return;
        }
        let top = directory();
        let (given, kept) = (top.path().join("given"), top.path().join("kept"));
        put(&kept, "old", 0o644);
        give(&kept, 7, 8);
        let action = Action::Write(vec![
            File { owner: to(1000, 1001), mode: 0o6640, ..file(&given, "new") },
            file(&kept, "new"),
        ]);
        done(&action);
        assert_eq!((owner(&given), mode(&given)), ((1000, 1001), 0o6640));
        assert_eq!(owner(&kept), (7, 8));
        settled(top.path(), &action);
        give(&given, 0, 0);
        done(&action);
        assert_eq!((owner(&given), mode(&given)), ((1000, 1001), 0o6640));
        settled(top.path(), &action);
    }

    #[test]
    fn a_file_that_is_a_mount_point_is_written_in_place() {
        let top = directory();
        let (path, outside) = (top.path().join("etc/app.conf"), top.path().join("host.conf"));
        put(&path, "", 0o644);
        put(&outside, "a long old content", 0o600);
        mounting("a_file_that_is_a_mount_point_is_written_in_place", || {
            bind(&outside, &path, false);
            let before = identities(top.path());
            let outcome = done(&one(file(&path, "new")));
            let note = "was written in place, because it is a mount point or its folder cannot be written";
            assert_eq!(outcome, Outcome { changes: 1, notes: vec![format!("`{}` {note}", path.display())] });
            assert_eq!((fs::read(&outside).unwrap(), mode(&outside)), (b"new".to_vec(), 0o644));
            let after = identities(top.path());
            assert_eq!(before[Path::new("host.conf")].0, after[Path::new("host.conf")].0);
            settled(top.path(), &one(file(&path, "new")));
        });
    }

    #[test]
    fn a_writable_file_in_a_read_only_root_is_written_in_place() {
        let top = directory();
        let (path, outside) = (top.path().join("etc/app.conf"), top.path().join("host.conf"));
        put(&path, "", 0o644);
        put(&outside, "old", 0o644);
        mounting("a_writable_file_in_a_read_only_root_is_written_in_place", || {
            let etc = top.path().join("etc");
            bind(&etc, &etc, true);
            let message = refused(&one(file(&etc.join("other"), "new")));
            let end = format!("the file system of `{}` is read-only: mount a volume or a tmpfs there", etc.display());
            assert!(message.ends_with(&end), "{message}");
            bind(&outside, &path, false);
            assert_eq!(done(&one(file(&path, "new"))).changes, 1);
            settled(top.path(), &one(file(&path, "new")));
            assert_eq!(fs::read(&outside).unwrap(), b"new");
        });
    }

    /// As the official nginx image does for a user without rights.
    #[test]
    fn what_cannot_be_written_is_left_with_an_explanation_if_that_is_asked_for() {
        if !is_root_or_skip("what_cannot_be_written_is_left_with_an_explanation_if_that_is_asked_for") {
            return;
        }
        let top = directory();
        let path = top.path().join("conf.d/default.conf");
        put(&path, "old", 0o644);
        let action = one(File { skip_read_only: true, ..file(&path, "new") });
        let outcome = as_user(1000, 1001, || done(&action));
        let folder = path.parent().unwrap().display();
        let expected = format!(
            "cannot write `{0}`: permission denied (EACCES): the folder `{folder}` has mode 0755 and owner 0:0, `{0}` \
             has mode 0644 and owner 0:0; onset runs as 1000:1001; make the folder writable for this user or group, \
             or mount a volume or a tmpfs there; it is left as it is",
            path.display()
        );
        assert_eq!(outcome, Outcome { changes: 0, notes: vec![expected] });
        assert_eq!(fs::read(&path).unwrap(), b"old");
        // A failure of another kind is one all the same.
        let below = one(File { skip_read_only: true, ..file(&path.join("below"), "new") });
        assert!(as_user(1000, 1001, || refused(&below)).ends_with("not a directory (ENOTDIR)"));
    }

    /// As OpenShift starts containers: any user, group 0.
    #[test]
    fn a_user_of_the_files_group_writes_it() {
        if !is_root_or_skip("a_user_of_the_files_group_writes_it") {
            return;
        }
        let top = directory();
        let (shut, open) = (top.path().join("shut/a"), top.path().join("open/a"));
        put(&shut, "old", 0o664);
        put(&open, "old", 0o664);
        set_mode(&top.path().join("open"), 0o775);
        let action = Action::Write([&shut, &open].map(|path| file(path, "new")).to_vec());
        let outcome = as_user(123_456, 0, || done(&action));
        assert_eq!(outcome.changes, 2);
        assert!(outcome.notes[1].ends_with("keeps mode 0664 instead of 0644, because it is another's"), "{outcome:?}");
        assert_eq!((fs::read(&shut).unwrap(), owner(&shut), mode(&shut)), (b"new".to_vec(), (0, 0), 0o664));
        assert_eq!((fs::read(&open).unwrap(), owner(&open), mode(&open)), (b"new".to_vec(), (123_456, 0), 0o644));
        as_user(123_456, 0, || settled(top.path(), &action));
        let secret = one(File { mode: 0o600, ..file(&shut, "secret") });
        let message = as_user(123_456, 0, || refused(&secret));
        assert!(message.contains("cannot set mode 0600: operation not permitted (EPERM)"), "{message}");
        assert_eq!(fs::read(&shut).unwrap(), b"new");
    }
}
