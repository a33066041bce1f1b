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
