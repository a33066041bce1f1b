//! What a plan may know of the world: read once, at the edge, and only read. The real one is `prepare::world`, tests make
//! their own.

use nix::errno::Errno;
use std::path::{Path, PathBuf};

/// Read access to the world. A path that is relative is so to the working directory onset was started in.
pub trait World: Send + Sync {
    /// The content of a regular file or a pipe.
    ///
    /// # Errors
    /// EFBIG if it is larger than `limit` bytes; EISDIR for a directory, EINVAL for a device or a socket; else what the
    /// system says.
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, Errno>;

    /// The names in a directory, sorted.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self, path: &Path) -> Result<Vec<PathBuf>, Errno>;

    /// What is at the path, symbolic links followed; `None` if nothing is there or it cannot be told.
    fn kind(&self, path: &Path) -> Option<Kind>;

    /// Whether a regular file may be executed by anybody at all, symbolic links followed.
    fn is_executable(&self, path: &Path) -> bool;

    /// The process onset was started as.
    fn process(&self) -> &Process;
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file of this many bytes.
    File(u64),
    /// A directory.
    Directory,
    /// Something else.
    Other,
}

/// The process onset was started as.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Process {
    /// Effective user.
    pub uid: u32,
    /// Effective group.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// The umask it inherited.
    pub umask: u32,
    /// The host's name as uname(2) has it.
    pub hostname: Vec<u8>,
}

/// A world for tests: these files and no others.
#[cfg(test)]
pub mod fake {
    use super::{Kind, Path, PathBuf, Process, World};
    use nix::errno::Errno;
    use std::collections::BTreeMap;

    /// Files by their paths; directories are there because files are in them.
    #[derive(Default)]
    pub struct FakeWorld {
        /// Their content, or why it cannot be read.
        pub files: BTreeMap<PathBuf, Result<Vec<u8>, Errno>>,
        /// The process.
        pub process: Process,
    }

    impl FakeWorld {
        /// A world of these files.
        pub fn of(files: &[(&str, &str)]) -> Self {
            let files = files.iter().map(|(path, text)| (PathBuf::from(path), Ok(text.as_bytes().to_vec())));
            FakeWorld { files: files.collect(), process: Process::default() }
        }
    }

    impl World for FakeWorld {
        fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, Errno> {
            let content = self.files.get(path).cloned().unwrap_or(Err(Errno::ENOENT))?;
            if content.len() as u64 > limit { Err(Errno::EFBIG) } else { Ok(content) }
        }

        fn list(&self, path: &Path) -> Result<Vec<PathBuf>, Errno> {
            let below = |file: &PathBuf| Some(PathBuf::from(file.strip_prefix(path).ok()?.iter().next()?));
            let mut names: Vec<PathBuf> = self.files.keys().filter_map(below).collect();
            names.dedup();
            if names.is_empty() { Err(Errno::ENOENT) } else { Ok(names) }
        }

        fn kind(&self, path: &Path) -> Option<Kind> {
            match self.files.get(path) {
                Some(content) => Some(Kind::File(content.as_ref().map_or(0, |content| content.len() as u64))),
                None => self.list(path).is_ok().then_some(Kind::Directory),
            }
        }

        /// What begins with `#!`.
        fn is_executable(&self, path: &Path) -> bool {
            self.files.get(path).is_some_and(|content| content.as_ref().is_ok_and(|text| text.starts_with(b"#!")))
        }

        fn process(&self) -> &Process {
            &self.process
        }
    }
}
