//! Where a program is looked for: along PATH, unless its name has a slash (POSIX, "Environment Variables", PATH).

use super::diagnose::cannot_start;
use crate::exit;
use crate::handoff::StartFailure;
use crate::plan::judge::USUAL_FOLDERS;
use crate::sys::words::Words;
use nix::errno::Errno;
use std::ffi::{CStr, CString};

/// Where to look when PATH is not set: what Docker sets it to.
const DEFAULT_PATH: &[u8] = USUAL_FOLDERS.as_bytes();

/// The longest name in a folder (`NAME_MAX`).
const LONGEST_NAME: usize = 255;

/// The value of PATH in an environment: of the first entry, as getenv(3) finds it.
pub fn path(environment: Words) -> Option<&'static [u8]> {
    environment.iter().find_map(|entry| entry.to_bytes().strip_prefix(b"PATH="))
}

/// The paths to try for a name, in order.
pub struct Candidates {
    paths: Vec<CString>,
    many: bool,
}

impl Candidates {
    /// The name in every folder of PATH; the name itself if it is empty, has a slash, or is longer than a name in any
    /// folder can be.
    pub fn new(name: &CStr, path: Option<&[u8]>) -> Self {
        let bytes = name.to_bytes();
        if bytes.is_empty() || bytes.contains(&b'/') || bytes.len() > LONGEST_NAME {
            return Candidates { paths: vec![name.to_owned()], many: false };
        }
        let folders = path.unwrap_or(DEFAULT_PATH).split(|&byte| byte == b':');
        let paths = folders.filter_map(|folder| {
            let mut path = folder.to_vec();
            // An empty entry is the working directory.
            if !folder.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(bytes);
            CString::new(path).ok()
        });
        Candidates { paths: paths.collect(), many: true }
    }

    /// Whether PATH made them: then one that is not there is no failure.
    pub fn are_many(&self) -> bool {
        self.many
    }
}

impl<'a> IntoIterator for &'a Candidates {
    type Item = CString;
    type IntoIter = std::iter::Cloned<std::slice::Iter<'a, CString>>;

    fn into_iter(self) -> Self::IntoIter {
        self.paths.iter().cloned()
    }
}

/// The failure when none of the candidates is there.
pub fn not_found(name: &CStr, path: Option<&[u8]>) -> StartFailure {
    let cause = match path {
        Some(path) => format!("not found in PATH `{}`", String::from_utf8_lossy(path)),
        None => {
            format!("not found in the default PATH `{}` (PATH is not set)", String::from_utf8_lossy(DEFAULT_PATH))
        }
    };
    cannot_start(name, name, &cause, exit::NOT_FOUND, Errno::ENOENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(name: &CStr, path: Option<&str>) -> Vec<String> {
        let candidates = Candidates::new(name, path.map(str::as_bytes));
        (&candidates).into_iter().map(|path| path.into_string().unwrap()).collect()
    }

    #[test]
    fn a_name_with_a_slash_is_a_path() {
        assert_eq!(candidates(c"./app", Some("/bin")), ["./app"]);
        assert_eq!(candidates(c"/app", None), ["/app"]);
    }

    #[test]
    fn an_empty_entry_of_path_is_the_working_directory() {
        assert_eq!(candidates(c"app", Some("/a::/b/:")), ["/a/app", "app", "/b//app", "app"]);
        assert_eq!(candidates(c"app", Some("")), ["app"]);
    }

    #[test]
    fn without_path_dockers_is_used() {
        assert_eq!(candidates(c"app", None)[0], "/usr/local/sbin/app");
        assert_eq!(candidates(c"app", None).len(), 6);
    }
}
