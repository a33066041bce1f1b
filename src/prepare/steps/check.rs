//! Something that must hold.

use super::Outcome;
use super::error::{Reason, Request, StepError};
use super::place::Kind;
use crate::config::model::Condition;
use crate::plan::model::Assertion;
use crate::sys::{file, look};
use nix::errno::Errno;
use nix::unistd::AccessFlags;
use std::path::Path;

/// Makes sure of it, with the rights the process has now.
#[inline(never)]
pub(super) fn check(assertion: &Assertion) -> Result<Outcome, StepError> {
    let error = |attempt: String, reason| {
        let message = assertion.message.as_ref().map(|message| format!("go on: {message}: cannot {attempt}"));
        StepError::new(message.unwrap_or(attempt), reason)
    };
    if let Some(path) = &assertion.path {
        for condition in &assertion.is {
            let (attempt, result) = is(path, *condition);
            result.map_err(|reason| error(format!("{attempt} `{}`", path.display()), reason))?;
        }
    }
    match &assertion.failed {
        None => Ok(Outcome::default()),
        Some(expression) => {
            Err(error("go on".to_owned(), Reason::text(format!("the condition `{expression}` does not hold"))))
        }
    }
}

/// What is tried, and how that ends.
fn is(path: &Path, condition: Condition) -> (&'static str, Result<(), Reason>) {
    let kind = |wanted: Kind| {
        let stat = file::stat_of(path).map_err(|error| Reason::system(error, Request::Read, path))?;
        let found = Kind::of(&stat);
        if found == wanted { Ok(()) } else { Err(Reason::text(format!("there is {}", found.words()))) }
    };
    let may = |wanted, request| {
        look::access(path, wanted).map_err(|error| {
            // A directory on the way may be what is closed; who owns what is told of the path itself.
            let error = if error == Errno::EPERM { Errno::EACCES } else { error };
            Reason::system(error, request, path)
        })
    };
    match condition {
        Condition::Exists => ("find", may(AccessFlags::F_OK, Request::Read)),
        Condition::File => ("use as a file", kind(Kind::File)),
        Condition::Dir => ("use as a directory", kind(Kind::Directory)),
        Condition::Readable => ("read", may(AccessFlags::R_OK, Request::Read)),
        Condition::Writable => ("write", may(AccessFlags::W_OK, Request::Write)),
        Condition::Executable => ("execute", may(AccessFlags::X_OK, Request::Read)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{directory, put};
    use super::*;

    fn checked(path: &Path, is: &[Condition], message: Option<&str>) -> Result<Outcome, String> {
        let assertion = Assertion {
            path: Some(path.to_owned()),
            is: is.to_vec(),
            failed: None,
            message: message.map(ToOwned::to_owned),
        };
        check(&assertion).map_err(|error| error.to_string())
    }

    #[test]
    fn what_holds_is_no_change() {
        let top = directory();
        let file = top.path().join("file");
        put(&file, "x", 0o755);
        let all = [Condition::Exists, Condition::File, Condition::Readable, Condition::Writable, Condition::Executable];
        assert_eq!(checked(&file, &all, None), Ok(Outcome::default()));
        assert_eq!(checked(top.path(), &[Condition::Dir, Condition::Executable], None), Ok(Outcome::default()));
    }

    #[test]
    fn what_does_not_hold_is_told() {
        let top = directory();
        let file = top.path().join("file");
        let shown = file.display();
        let error = checked(&file, &[Condition::Exists], Some("mount a volume")).unwrap_err();
        let because = "no such file or directory (ENOENT)";
        assert_eq!(error, format!("cannot go on: mount a volume: cannot find `{shown}`: {because}"));
        put(&file, "x", 0o644);
        let error = checked(&file, &[Condition::Exists, Condition::Dir], None).unwrap_err();
        assert_eq!(error, format!("cannot use as a directory `{shown}`: there is a file"));
        let error = checked(&file, &[Condition::Executable], None).unwrap_err();
        assert!(error.contains(&format!("`{shown}` has mode 0644 and owner")), "{error}");
    }
}
