//! The real world, read for the plan.

use crate::plan::world::{Kind, Process, World};
use crate::sys::file::{self, WORKING_DIRECTORY};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{Mode, umask};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// How much is read at a time.
const CHUNK: usize = 16 * 1024;

/// The world this process is in.
pub struct RealWorld {
    process: Process,
}

impl RealWorld {
    /// Looks at the process. One thread only: to learn the umask it must be set.
    ///
    /// # Errors
    /// The system does not say.
    pub fn new() -> nix::Result<Self> {
        let inherited = umask(Mode::from_bits_truncate(0o077));
        umask(inherited);
        let mut groups: Vec<u32> = nix::unistd::getgroups()?.into_iter().map(u32::from).collect();
        groups.sort_unstable();
        groups.dedup();
        let process = Process {
            uid: nix::unistd::geteuid().as_raw(),
            gid: nix::unistd::getegid().as_raw(),
            groups,
            umask: inherited.bits(),
            hostname: nix::unistd::gethostname()?.as_bytes().to_vec(),
        };
        Ok(RealWorld { process })
    }
}

impl World for RealWorld {
    /// A named pipe that nobody writes to is empty; for one that somebody has open for writing this waits.
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, Errno> {
        refuse(&nix::sys::stat::stat(path)?)?;
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let file = file::open(WORKING_DIRECTORY, path, flags, 0)?;
        // It may be another one by now.
        let stat = file::stat(&file)?;
        refuse(&stat)?;
        if u64::try_from(stat.st_size).is_ok_and(|size| size > limit) {
            return Err(Errno::EFBIG);
        }
        read_all(&file, limit)
    }

    fn list(&self, path: &Path) -> Result<Vec<PathBuf>, Errno> {
        let folder = file::open(WORKING_DIRECTORY, path, OFlag::O_RDONLY | OFlag::O_DIRECTORY, 0)?;
        let mut names: Vec<PathBuf> =
            file::names(&folder).map(|name| name.map(PathBuf::from)).collect::<Result<_, _>>()?;
        names.sort_by(|one, other| one.as_os_str().cmp(other.as_os_str()));
        Ok(names)
    }

    fn kind(&self, path: &Path) -> Option<Kind> {
        let stat = nix::sys::stat::stat(path).ok()?;
        Some(match stat.st_mode & libc::S_IFMT {
            libc::S_IFREG => Kind::File(u64::try_from(stat.st_size).unwrap_or(0)),
            libc::S_IFDIR => Kind::Directory,
            _ => Kind::Other,
        })
    }

    fn process(&self) -> &Process {
        &self.process
    }
}

fn refuse(stat: &file::Stat) -> Result<(), Errno> {
    match stat.st_mode & libc::S_IFMT {
        libc::S_IFREG | libc::S_IFIFO => Ok(()),
        libc::S_IFDIR => Err(Errno::EISDIR),
        _ => Err(Errno::EINVAL),
    }
}

fn read_all(file: &OwnedFd, limit: u64) -> Result<Vec<u8>, Errno> {
    let mut content = Vec::new();
    loop {
        let start = content.len();
        content.resize(start + CHUNK, 0);
        // Not file::read: what it has read before it would have to wait would be lost.
        let length = match nix::unistd::read(file, &mut content[start..]) {
            Err(Errno::EINTR) => 0,
            // A pipe that somebody has open for writing.
            Err(Errno::EAGAIN) => {
                fcntl(file, FcntlArg::F_SETFL(OFlag::empty()))?;
                content.truncate(start);
                continue;
            }
            Ok(0) => {
                content.truncate(start);
                return Ok(content);
            }
            length => length?,
        };
        content.truncate(start + length);
        if content.len() as u64 > limit {
            return Err(Errno::EFBIG);
        }
    }
}
