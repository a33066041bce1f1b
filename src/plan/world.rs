//! What a plan may know of the world: read once, at the edge, and only read. The real one is `prepare::world`, tests make
//! their own.

use nix::errno::Errno;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

pub use crate::sys::net::Address;

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

    /// Whether onset may do that with what is at the path.
    fn may(&self, access: Access, path: &Path) -> bool;

    /// Whether something is mounted at the path; `false` if it cannot be told.
    fn is_mount(&self, path: &Path) -> bool;

    /// The addresses of the interfaces that are up, in the kernel's order; none if it does not say.
    fn addresses(&self) -> Vec<Address>;

    /// The address that packets to this one would have as their source; `None` if there is no route.
    fn source_address(&self, target: IpAddr) -> Option<IpAddr>;

    /// Whether an IPv6 socket can be made.
    fn has_ipv6(&self) -> bool;

    /// How many processors the process may run on, quotas apart. At least 1.
    fn processors(&self) -> u32;

    /// The group of what is at the path, symbolic links followed; `None` if nothing is there or it cannot be told.
    fn group_of(&self, path: &Path) -> Option<u32>;

    /// The process onset was started as.
    fn process(&self) -> &Process;
}

/// What may be done with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read it, or list it.
    Read,
    /// Write it, or make something in it.
    Write,
    /// Execute it, or pass through it.
    Execute,
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
    /// The machine as uname(2) has it: `x86_64`, `aarch64`.
    pub machine: Vec<u8>,
}

/// A world for tests and for fuzzing: these files and no others.
#[cfg(any(test, fuzzing))]
pub mod fake {
    use super::{Access, Address, IpAddr, Kind, Path, PathBuf, Process, World};
    use nix::errno::Errno;
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Files by their paths; directories are there because files are in them.
    #[derive(Default)]
    pub struct FakeWorld {
        /// Their content, or why it cannot be read.
        pub files: BTreeMap<PathBuf, Result<Vec<u8>, Errno>>,
        /// The process.
        pub process: Process,
        /// The addresses there are; the first of a family is the source of every packet.
        pub addresses: Vec<Address>,
        /// Paths that something is mounted at.
        pub mounts: Vec<PathBuf>,
        /// What may not be done.
        pub forbidden: Vec<(Access, PathBuf)>,
        /// How many processors there are, less one.
        pub more_processors: u32,
        /// How often something was read.
        pub reads: AtomicUsize,
    }

    impl FakeWorld {
        /// A world of these files.
        pub fn of(files: &[(&str, &str)]) -> Self {
            let files = files.iter().map(|(path, text)| (PathBuf::from(path), Ok(text.as_bytes().to_vec())));
            FakeWorld { files: files.collect(), ..FakeWorld::default() }
        }
    }

    impl World for FakeWorld {
        fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, Errno> {
            self.reads.fetch_add(1, Ordering::Relaxed);
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

        fn may(&self, access: Access, path: &Path) -> bool {
            self.kind(path).is_some() && !self.forbidden.contains(&(access, path.to_owned()))
        }

        fn is_mount(&self, path: &Path) -> bool {
            self.mounts.iter().any(|mount| mount == path)
        }

        fn addresses(&self) -> Vec<Address> {
            self.addresses.clone()
        }

        fn source_address(&self, target: IpAddr) -> Option<IpAddr> {
            self.addresses.iter().map(|address| address.ip).find(|ip| ip.is_ipv4() == target.is_ipv4())
        }

        fn has_ipv6(&self) -> bool {
            self.addresses.iter().any(|address| address.ip.is_ipv6())
        }

        fn processors(&self) -> u32 {
            self.more_processors + 1
        }

        fn group_of(&self, path: &Path) -> Option<u32> {
            self.kind(path).map(|_| 0)
        }

        fn process(&self) -> &Process {
            &self.process
        }
    }
}
