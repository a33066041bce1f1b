//! The real world, read for the plan.

use crate::plan::world::{Access, Address, Kind, Process, World};
use crate::sys::file::{self, WORKING_DIRECTORY};
use crate::sys::{look, net, random, user};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::{Mode, umask};
use nix::unistd::AccessFlags;
use std::net::IpAddr;
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
        let mut groups = user::groups()?;
        groups.dedup();
        let name = nix::sys::utsname::uname()?;
        let process = Process {
            uid: nix::unistd::geteuid().as_raw(),
            gid: nix::unistd::getegid().as_raw(),
            groups,
            umask: inherited.bits(),
            hostname: name.nodename().as_bytes().to_vec(),
            machine: name.machine().as_bytes().to_vec(),
        };
        Ok(RealWorld { process })
    }
}

impl World for RealWorld {
    /// A named pipe that nobody writes to is empty; for one that somebody has open for writing this waits.
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, Errno> {
        refuse(&file::stat_of(path)?)?;
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let file = file::open(&WORKING_DIRECTORY, path, flags, 0)?;
        // It may be another one by now.
        let stat = file::stat(&file)?;
        refuse(&stat)?;
        if u64::try_from(stat.st_size).is_ok_and(|size| size > limit) {
            return Err(Errno::EFBIG);
        }
        read_all(&file, usize::try_from(stat.st_size).unwrap_or(0), limit)
    }

    fn list(&self, path: &Path) -> Result<Vec<PathBuf>, Errno> {
        let folder = file::open(&WORKING_DIRECTORY, path, OFlag::O_RDONLY | OFlag::O_DIRECTORY, 0)?;
        let mut names = file::all_names(&folder)?;
        names.sort_unstable();
        Ok(names.into_iter().map(PathBuf::from).collect())
    }

    fn kind(&self, path: &Path) -> Option<Kind> {
        let stat = file::stat_of(path).ok()?;
        Some(match stat.st_mode & libc::S_IFMT {
            libc::S_IFREG => Kind::File(u64::try_from(stat.st_size).unwrap_or(0)),
            libc::S_IFDIR => Kind::Directory,
            _ => Kind::Other,
        })
    }

    fn is_executable(&self, path: &Path) -> bool {
        file::stat_of(path).is_ok_and(|stat| file::is_regular(&stat) && stat.st_mode & 0o111 != 0)
    }

    fn may(&self, access: Access, path: &Path) -> bool {
        let wanted = match access {
            Access::Read => AccessFlags::R_OK,
            Access::Write => AccessFlags::W_OK,
            Access::Execute => AccessFlags::X_OK,
        };
        look::access(path, wanted).is_ok()
    }

    fn is_mount(&self, path: &Path) -> bool {
        look::is_mount(path).unwrap_or(false)
    }

    fn addresses(&self) -> Vec<Address> {
        net::addresses().unwrap_or_default()
    }

    fn source_address(&self, target: IpAddr) -> Option<IpAddr> {
        net::source_address(target)
    }

    fn has_ipv6(&self) -> bool {
        net::has_ipv6()
    }

    fn processors(&self) -> u32 {
        look::processors()
    }

    fn group_of(&self, path: &Path) -> Option<u32> {
        file::stat_of(path).ok().map(|stat| stat.st_gid)
    }

    fn random(&self, count: usize) -> Result<Vec<u8>, Errno> {
        let mut bytes = vec![0; count];
        random::fill(&mut bytes).map(|()| bytes)
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

/// `expected`: how much it seems to be; files of the kernel's seem empty or larger, and pipes empty.
fn read_all(file: &OwnedFd, expected: usize, limit: u64) -> Result<Vec<u8>, Errno> {
    // One more, for the end to be found.
    let mut content = Vec::with_capacity(expected + 1);
    loop {
        if content.len() == content.capacity() {
            content.reserve(CHUNK);
        }
        // Not file::read: what it has read before it would have to wait would be lost.
        match file::read_behind(file, &mut content) {
            // A pipe that somebody has open for writing.
            Err(Errno::EAGAIN) => {
                fcntl(file, FcntlArg::F_SETFL(OFlag::empty()))?;
            }
            Ok(0) => return Ok(content),
            length => drop(length?),
        }
        if content.len() as u64 > limit {
            return Err(Errno::EFBIG);
        }
        // There was room for more than the file says it has, and no more came.
        if expected > 0 && content.len() == expected {
            return Ok(content);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::testing::with_umask;
    use std::fs;
    use std::os::fd::AsRawFd;

    /// In a thread with a umask of its own: other tests make files meanwhile.
    fn world() -> RealWorld {
        with_umask(0o027, || RealWorld::new().unwrap())
    }

    #[test]
    fn files_and_pipes_are_read_and_nothing_else() {
        let top = tempfile::tempdir().unwrap();
        let world = world();
        let path = top.path().join("file");
        let content = b"x".repeat(3 * CHUNK + 1);
        fs::write(&path, &content).unwrap();
        assert_eq!(world.read(&path, content.len() as u64), Ok(content.clone()));
        assert_eq!(world.read(&path, content.len() as u64 - 1), Err(Errno::EFBIG));
        assert_eq!(world.read(top.path(), 1), Err(Errno::EISDIR));
        assert_eq!(world.read(&path.join("below"), 1), Err(Errno::ENOTDIR));
        assert_eq!(world.read(&top.path().join("none"), 1), Err(Errno::ENOENT));
        assert_eq!(world.read(Path::new("/dev/zero"), 1), Err(Errno::EINVAL));
        assert!(world.read(Path::new("/proc/self/status"), 1 << 16).unwrap().starts_with(b"Name:"));
        assert_eq!(world.read(Path::new("/proc/self/status"), 5), Err(Errno::EFBIG));
    }

    #[test]
    fn a_pipe_is_read_to_its_end_and_one_without_a_writer_is_empty() {
        let top = tempfile::tempdir().unwrap();
        let world = world();
        let path = top.path().join("pipe");
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
        assert_eq!(world.read(&path, 10), Ok(Vec::new()));
        let (read, write) = nix::unistd::pipe().unwrap();
        nix::unistd::write(&write, b"one").unwrap();
        let path = PathBuf::from(format!("/proc/self/fd/{}", read.as_raw_fd()));
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| world.read(&path, 10));
            nix::unistd::write(&write, b"two").unwrap();
            drop(write);
            assert_eq!(reader.join().unwrap(), Ok(b"onetwo".to_vec()));
        });
    }

    #[test]
    fn names_are_sorted_and_kinds_are_told() {
        let top = tempfile::tempdir().unwrap();
        let world = world();
        for name in ["b", "a", "C", ".d"] {
            fs::write(top.path().join(name), "12").unwrap();
        }
        assert_eq!(world.list(top.path()), Ok([".d", "C", "a", "b"].map(PathBuf::from).to_vec()));
        assert_eq!(world.list(&top.path().join("a")), Err(Errno::ENOTDIR));
        assert_eq!(world.kind(&top.path().join("a")), Some(Kind::File(2)));
        assert_eq!(world.kind(top.path()), Some(Kind::Directory));
        assert_eq!(world.kind(Path::new("/dev/null")), Some(Kind::Other));
        assert_eq!(world.kind(&top.path().join("none")), None);
    }

    #[test]
    fn the_process_is_this_one() {
        let world = world();
        let status = String::from_utf8(world.read(Path::new("/proc/self/status"), 1 << 16).unwrap()).unwrap();
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        assert_eq!(world.process().umask, 0o027);
        assert_eq!(field("Uid:").split('\t').nth(1), Some(world.process().uid.to_string().as_str()));
        assert!(!world.process().hostname.is_empty());
    }
}
