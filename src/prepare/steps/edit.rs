//! A file that is changed: written like any other, if it still is what the change was decided by.
//!
//! That is looked at where it is written and with the rights it is written with. So nobody gets to see, by way of a link
//! or a folder that was exchanged meanwhile, what only onset may read; and what another container has written into the
//! same volume meanwhile is not lost.

use super::Outcome;
use super::error::{Reason, Request, StepError};
use super::place::Place;
use super::write::{same_content, write_if};
use crate::plan::model::Edit;

pub(super) fn edit(edit: &Edit) -> Result<Outcome, StepError> {
    write_if(std::slice::from_ref(&edit.new), &|place| is_unchanged(edit, place))
}

fn is_unchanged(edit: &Edit, place: &Place) -> Result<(), Reason> {
    let changed = || Reason::text("it has changed since it was read, or this user may not read it".to_owned());
    match (&edit.old, &place.there) {
        (None, None) => Ok(()),
        (Some(old), Some(_)) => match same_content(place, old) {
            Ok(same) => same.map(drop).ok_or_else(changed),
            Err(error) => Err(Reason::system(error, Request::Read, &place.path)),
        },
        (None, Some(_)) | (Some(_), None) => Err(changed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::model::{Action, File};
    use crate::prepare::child::is_root_or_skip;
    use crate::prepare::steps::testing::{
        directory, done, file, give, identities, link, mode, mounting, owner, put, refused, settled, strays, to,
    };
    use crate::sys::testing::{as_user, bind};
    use std::fs;
    use std::path::{Path, PathBuf};

    fn from(old: Option<&str>, new: File) -> Action {
        let old = old.map(|old| old.as_bytes().to_vec());
        Action::Edit(Edit { old, new: File { keep_mode: true, ..new }, changes: vec!["set `a`".to_owned()] })
    }

    #[test]
    fn mode_and_owner_stay() {
        let top = directory();
        let path = top.path().join("app.conf");
        put(&path, "a=1\n", 0o640);
        if is_root_or_skip("mode_and_owner_stay") {
            give(&path, 7, 8);
        }
        let before = owner(&path);
        assert_eq!(done(&from(Some("a=1\n"), file(&path, "a=2\n"))).changes, 1);
        assert_eq!((fs::read(&path).unwrap(), mode(&path), owner(&path)), (b"a=2\n".to_vec(), 0o640, before));
        settled(top.path(), &from(Some("a=2\n"), file(&path, "a=2\n")));
        let narrow =
            Edit { old: Some(b"a=2\n".to_vec()), new: File { mode: 0o600, ..file(&path, "a=2\n") }, changes: vec![] };
        assert_eq!(done(&Action::Edit(narrow)).changes, 1);
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_new_file_has_the_mode_of_a_new_one() {
        let top = directory();
        let path = top.path().join("new/app.conf");
        done(&from(None, File { mode: 0o600, ..file(&path, "secret") }));
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"secret".to_vec(), 0o600));
    }

    #[test]
    fn what_has_changed_meanwhile_is_not_written_over() {
        let top = directory();
        let path = top.path().join("app.conf");
        let end = "it has changed since it was read, or this user may not read it";
        put(&path, "another's", 0o644);
        for action in [from(Some("old"), file(&path, "new")), from(None, file(&path, "new"))] {
            assert_eq!(refused(&action), format!("cannot write `{}`: {end}", path.display()));
        }
        assert_eq!(fs::read(&path).unwrap(), b"another's");
        assert!(refused(&from(Some("old"), file(&top.path().join("gone"), "new"))).ends_with(end));
        assert_eq!(strays(top.path()), Vec::<PathBuf>::new());
    }

    /// What root has read for it does not get into a file of a user who may not read it.
    #[test]
    fn a_user_changes_only_what_it_may_read() {
        if !is_root_or_skip("a_user_changes_only_what_it_may_read") {
            return;
        }
        let top = directory();
        let folder = top.path().join("volume");
        let path = folder.join("app.conf");
        put(&path, "secret", 0o600);
        give(&folder, 1000, 1000);
        let action = from(Some("secret"), File { owner: to(1000, 1000), ..file(&path, "secret too") });
        let message = as_user(1000, 1000, || refused(&action));
        assert!(message.ends_with("this user may not read it"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"secret");
    }

    #[test]
    fn a_link_is_edited_where_it_leads() {
        let top = directory();
        let (path, real) = (top.path().join("app.conf"), top.path().join("volume/app.conf"));
        put(&real, "old", 0o640);
        link(&path, "volume/app.conf");
        assert_eq!(done(&from(Some("old"), file(&path, "new"))).notes, [""; 0]);
        assert!(path.is_symlink());
        assert_eq!((fs::read(&real).unwrap(), mode(&real)), (b"new".to_vec(), 0o640));
    }

    #[test]
    fn a_mount_point_keeps_its_inode_and_its_mode() {
        let top = directory();
        let (path, outside) = (top.path().join("etc/app.conf"), top.path().join("host.conf"));
        put(&path, "", 0o644);
        put(&outside, "a long old content", 0o660);
        mounting("a_mount_point_keeps_its_inode_and_its_mode", || {
            bind(&outside, &path, false);
            let before = identities(top.path());
            let outcome = done(&from(Some("a long old content"), file(&path, "new")));
            assert_eq!((outcome.changes, outcome.notes.len()), (1, 1), "{outcome:?}");
            assert_eq!((fs::read(&outside).unwrap(), mode(&outside)), (b"new".to_vec(), 0o660));
            assert_eq!(before[Path::new("host.conf")].0, identities(top.path())[Path::new("host.conf")].0);
            settled(top.path(), &from(Some("new"), file(&path, "new")));
        });
    }
}
