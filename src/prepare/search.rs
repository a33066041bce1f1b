//! Where a program is looked for: along PATH, unless its name has a slash (POSIX, "Environment Variables", PATH).

use super::diagnose::cannot_start;
use crate::exit;
use crate::handoff::StartFailure;
use crate::plan::judge::USUAL_FOLDERS;
use crate::sys::words::Words;
use nix::errno::Errno;
use std::ffi::CStr;

/// Where to look when PATH is not set: what Docker sets it to.
const DEFAULT_PATH: &[u8] = USUAL_FOLDERS.as_bytes();

/// The longest name in a folder (`NAME_MAX`).
const LONGEST_NAME: usize = 255;

/// The value of PATH in an environment: of the first entry, as getenv(3) finds it.
pub fn path(environment: Words) -> Option<&'static [u8]> {
    environment.iter().find_map(|entry| entry.to_bytes().strip_prefix(b"PATH="))
}

/// The paths to try for a name, in order. Each is made when it is asked for, in the place of the one before: who looks may
/// do so in borrowed memory, may end there at any time, and never comes back to give anything back.
pub struct Candidates<'a> {
    name: &'a [u8],
    /// What is left of PATH; `None`: nothing.
    folders: Option<&'a [u8]>,
    many: bool,
    /// The candidate, with a NUL behind it.
    path: Vec<u8>,
}

impl<'a> Candidates<'a> {
    /// The name in every folder of PATH; the name itself if it is empty, has a slash, or is longer than a name in any
    /// folder can be.
    pub fn new(name: &'a CStr, path: Option<&'a [u8]>) -> Self {
        let name = name.to_bytes();
        let many = !name.is_empty() && !name.contains(&b'/') && name.len() <= LONGEST_NAME;
        let folders = if many { path.unwrap_or(DEFAULT_PATH) } else { &[] };
        let longest = folders.split(|&byte| byte == b':').map(<[u8]>::len).max().unwrap_or(0);
        let path = Vec::with_capacity(longest + name.len() + 2);
        Candidates { name, folders: Some(folders), many, path }
    }

    /// Whether PATH made them: then one that is not there is no failure.
    pub fn are_many(&self) -> bool {
        self.many
    }

    /// How long the longest of them can be, with its NUL.
    pub fn longest(&self) -> usize {
        self.path.capacity()
    }

    /// The one that [`Candidates::next`] returned last.
    pub fn last(&self) -> &CStr {
        CStr::from_bytes_with_nul(&self.path).unwrap_or_default()
    }

    /// The next one. Allocates nothing.
    pub fn next(&mut self) -> Option<&CStr> {
        let left = self.folders?;
        let end = left.iter().position(|&byte| byte == b':');
        let folder = &left[..end.unwrap_or(left.len())];
        self.folders = end.map(|end| &left[end + 1..]);
        self.path.clear();
        self.path.extend_from_slice(folder);
        // An empty entry is the working directory.
        if !folder.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(self.name);
        self.path.push(0);
        Some(self.last())
    }
}

/// The failure when none of the candidates is there.
pub fn not_found(name: &CStr, path: Option<&[u8]>) -> Box<StartFailure> {
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
        let mut candidates = Candidates::new(name, path.map(str::as_bytes));
        let room = candidates.path.capacity();
        let mut paths = Vec::new();
        while let Some(path) = candidates.next() {
            paths.push(path.to_str().unwrap().to_owned());
        }
        assert_eq!(candidates.path.capacity(), room, "nothing was allocated on the way");
        paths
    }

    #[test]
    fn a_name_with_a_slash_is_a_path() {
        assert_eq!(candidates(c"./app", Some("/bin")), ["./app"]);
        assert_eq!(candidates(c"/app", None), ["/app"]);
        assert_eq!(candidates(c"", Some("/bin")), [""]);
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
