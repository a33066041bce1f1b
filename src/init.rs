//! The onset that supervises here, as others see it in /proc: for `onset probe` and `onset exec`, which come later and are no
//! children of it.
//!
//! It says its state in its name (`/proc/PID/comm`), which anybody may read; what it knows of the application is in its
//! [`crate::record`], and what it was given itself in `/proc/PID/environ`, both for those only who might as well trace
//! it (ptrace(2)).
//!
//! May use `record`, `stage`, `sys` and types of `plan`.
#![forbid(unsafe_code)]

use crate::plan::model::Identity;
use crate::record::{self, Environ, Record};
use crate::stage::{Stage, is_supervisor};
use crate::sys::file::{self, WORKING_DIRECTORY};
use nix::fcntl::OFlag;
use std::fmt;
use std::path::{Path, PathBuf};

/// Why there is no onset to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotFound {
    /// None is there.
    None,
    /// More than one could be meant.
    Several(Vec<i32>),
    /// The process that was named is another.
    Other {
        /// Its number.
        pid: i32,
        /// Its name; `None`: there is no such process.
        name: Option<String>,
    },
}

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotFound::None => f.write_str("no onset supervisor found"),
            NotFound::Several(pids) => {
                let pids = pids.iter().map(i32::to_string).collect::<Vec<_>>().join(", ");
                write!(f, "there are several onset supervisors, {pids}: say which one with --pid")
            }
            NotFound::Other { pid, name: Some(name) } => {
                write!(f, "process {pid} is no onset supervisor, it is called `{}`", name.escape_debug())
            }
            NotFound::Other { pid, name: None } => write!(f, "there is no process {pid}"),
        }
    }
}

/// Who a process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its effective user and group, and its groups.
    pub identity: Identity,
    /// Its umask; `None`: the kernel does not say (Linux before 4.7).
    pub umask: Option<u32>,
}

/// /proc.
struct Proc(PathBuf);

/// An onset that supervises.
pub struct Init {
    proc: Proc,
    /// Its number.
    pub pid: i32,
}

/// Finds the one that is meant: that of this number; or PID 1; or the only one whose root is ours (in a pod that shares
/// its processes others may have theirs).
///
/// # Errors
/// There is none, or several.
pub fn find(named: Option<i32>) -> Result<Init, NotFound> {
    find_in(Proc(PathBuf::from("/proc")), named)
}

fn find_in(proc: Proc, named: Option<i32>) -> Result<Init, NotFound> {
    let pid = match named {
        Some(pid) if proc.is_onset(pid) => pid,
        Some(pid) => return Err(NotFound::Other { pid, name: proc.name(pid) }),
        // That of another container, which shares its processes with ours, is not meant.
        None if proc.is_onset(1) && proc.is_here(1) != Some(false) => 1,
        None => proc.only_one()?,
    };
    Ok(Init { proc, pid })
}

/// Whether PID 1 is an onset, and its root is ours for sure.
pub fn is_pid_1_here() -> bool {
    let proc = Proc(PathBuf::from("/proc"));
    proc.is_onset(1) && proc.is_here(1) == Some(true)
}

impl Proc {
    fn path(&self, pid: i32, entry: &str) -> PathBuf {
        self.0.join(pid.to_string()).join(entry)
    }

    fn name(&self, pid: i32) -> Option<String> {
        let name = file::contents(&self.path(pid, "comm")).ok()?;
        Some(String::from_utf8_lossy(&name).trim_end_matches('\n').to_owned())
    }

    fn is_onset(&self, pid: i32) -> bool {
        self.name(pid).is_some_and(|name| is_supervisor(&name))
    }

    /// A line of `/proc/PID/status`, which anybody may read.
    fn status(&self, pid: i32, field: &str) -> Option<String> {
        // Its name may be no UTF-8.
        let text = file::contents(&self.path(pid, "status")).ok()?;
        String::from_utf8_lossy(&text)
            .lines()
            .find_map(|line| Some(line.strip_prefix(field)?.strip_prefix(':')?.trim().to_owned()))
    }

    /// What a process has as its root; `None`: we may not see it.
    fn root(&self, process: &str) -> Option<(u64, u64)> {
        file::stat_of(&self.0.join(process).join("root")).ok().map(|stat| (stat.st_dev, stat.st_ino))
    }

    /// Whether a process has the root that we have; `None`: it cannot be told.
    fn is_here(&self, pid: i32) -> Option<bool> {
        Some(self.root(&pid.to_string())? == self.root("self")?)
    }

    fn only_one(&self) -> Result<i32, NotFound> {
        let mut all = file::numbers_in(&self.0).map_err(|_| NotFound::None)?;
        all.retain(|&pid| self.is_onset(pid));
        all.sort_unstable();
        // Its child has its name until it becomes the application.
        let parent = |pid| self.status(pid, "PPid")?.parse::<i32>().ok();
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for &pid in all.iter().filter(|&&pid| !parent(pid).is_some_and(|parent| all.contains(&parent))) {
            match self.is_here(pid) {
                Some(true) => known.push(pid),
                Some(false) => {}
                None => unknown.push(pid),
            }
        }
        // Whose root we may not see is meant only if there is none that is ours for sure.
        let candidates = if known.is_empty() { unknown } else { known };
        match candidates[..] {
            [] => Err(NotFound::None),
            [pid] => Ok(pid),
            _ => Err(NotFound::Several(candidates)),
        }
    }
}

impl Init {
    /// How far it is.
    ///
    /// # Errors
    /// What it says instead, in words.
    pub fn stage(&self) -> Result<Stage, String> {
        let name = self.proc.name(self.pid).ok_or_else(|| NotFound::None.to_string())?;
        let state = Stage::of_name(&name);
        state.ok_or_else(|| format!("process {} is called `{}`, which is no state", self.pid, name.escape_debug()))
    }

    /// What it knows of the application; `None`: nothing (yet), for it follows no configuration, or still prepares.
    ///
    /// # Errors
    /// We may not look into it (EACCES), or what else the system says.
    pub fn record(&self) -> nix::Result<Option<Box<Record>>> {
        let folder = self.proc.path(self.pid, "fd");
        for fd in file::numbers_in(&folder)? {
            let path = folder.join(fd.to_string());
            let target = file::read_link(&WORKING_DIRECTORY, path.as_os_str());
            if target.is_ok_and(|target| record::is_link_to_one(Path::new(&target))) {
                return record::read(&file::open(&WORKING_DIRECTORY, &path, OFlag::O_RDONLY, 0)?);
            }
        }
        Ok(None)
    }

    /// The environment that it was given.
    ///
    /// # Errors
    /// We may not look into it (EACCES), or what else the system says.
    pub fn environ(&self) -> nix::Result<Environ> {
        let bytes = file::contents(&self.proc.path(self.pid, "environ"))?;
        let entries = bytes.strip_suffix(&[0]).unwrap_or(&bytes).split(|&byte| byte == 0);
        Ok(Environ(entries.filter(|entry| !entry.is_empty()).map(<[u8]>::to_vec).collect()))
    }

    /// Who it is, and so who it can have started the application as if it is not root.
    #[inline(never)]
    pub fn owner(&self) -> Option<Owner> {
        let field = |name| self.proc.status(self.pid, name);
        let effective = |ids: String| ids.split_whitespace().nth(1)?.parse().ok();
        let groups = field("Groups")?;
        let (uid, gid) = (effective(field("Uid")?)?, effective(field("Gid")?)?);
        let mut groups: Vec<u32> = groups.split_whitespace().filter_map(|group| group.parse().ok()).collect();
        groups.retain(|&group| group != gid);
        groups.sort_unstable();
        let umask = field("Umask").and_then(|mask| u32::from_str_radix(&mask, 8).ok());
        Some(Owner { identity: Identity { uid, gid, groups }, umask })
    }

    /// The working directory of its first child, which is the application while that lives.
    #[inline(never)]
    pub fn working_directory(&self) -> Option<PathBuf> {
        let children = self.proc.path(self.pid, "task").join(self.pid.to_string()).join("children");
        let children = file::text(&children)?;
        let cwd = self.proc.path(children.split_whitespace().next()?.parse().ok()?, "cwd");
        file::read_link(&WORKING_DIRECTORY, cwd.as_os_str()).ok().map(PathBuf::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::errno::Errno;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// A /proc of these processes: number, name, parent, and the root they have, if we may see it.
    fn proc(processes: &[(i32, &str, i32, Option<&str>)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |pid: &str, name: &str, parent: i32, root: Option<&str>| {
            let own = folder.path().join(pid);
            fs::create_dir(&own).expect("a new folder");
            fs::write(own.join("comm"), format!("{name}\n")).expect("a new file");
            let status = format!(
                "Name:\t{name}\nUmask:\t0027\nPPid:\t{parent}\nUid:\t1\t7\t7\t7\nGid:\t2\t8\t8\t8\n\
                 Groups:\t9 8 3 \n"
            );
            fs::write(own.join("status"), status).expect("a new file");
            if let Some(root) = root {
                symlink(root, own.join("root")).expect("a new link");
            }
        };
        put("self", "onset", 1, Some("/"));
        for &(pid, name, parent, root) in processes {
            put(&pid.to_string(), name, parent, root);
        }
        folder
    }

    fn found(processes: &[(i32, &str, i32, Option<&str>)], named: Option<i32>) -> Result<i32, String> {
        let folder = proc(processes);
        find_in(Proc(folder.path().to_owned()), named).map(|init| init.pid).map_err(|error| error.to_string())
    }

    #[test]
    fn pid_1_is_it_whoever_else_is_there() {
        assert_eq!(found(&[(1, "onset:run", 0, None), (7, "onset:run", 1, Some("/"))], None), Ok(1));
    }

    #[test]
    fn else_the_only_one_is_it_that_has_our_root() {
        let pause = (1, "pause", 0, None);
        assert_eq!(found(&[pause, (7, "onset:drain", 1, Some("/"))], None), Ok(7));
        assert_eq!(found(&[pause, (7, "onset:run", 1, Some("/")), (8, "onset:run", 1, Some("/proc"))], None), Ok(7));
        assert_eq!(found(&[pause, (7, "onset:run", 1, Some("/")), (8, "onset:run", 1, None)], None), Ok(7));
        assert_eq!(found(&[pause, (8, "onset:run", 1, None)], None), Ok(8), "it is not known to be another's");
    }

    #[test]
    fn the_children_of_one_are_not_meant() {
        let all = [(7, "onset:prepare", 1, Some("/")), (9, "onset:prepare", 7, Some("/")), (10, "onset:run", 9, None)];
        assert_eq!(found(&all, None), Ok(7));
    }

    #[test]
    fn none_or_several_are_told() {
        let none = Err("no onset supervisor found".to_owned());
        assert_eq!(found(&[(1, "pause", 0, None), (7, "onset", 1, Some("/"))], None), none);
        assert_eq!(found(&[(7, "onset:run", 1, Some("/proc"))], None), none, "another's root");
        assert_eq!(find_in(Proc("/none".into()), None).map(|init| init.pid), Err(NotFound::None));
        let several = found(&[(7, "onset:run", 1, Some("/")), (10, "onset:run", 1, Some("/"))], None);
        assert_eq!(several, Err("there are several onset supervisors, 7, 10: say which one with --pid".to_owned()));
    }

    #[test]
    fn one_that_is_named_must_be_one() {
        let all = [(1, "onset:run", 0, None), (7, "onset:run", 1, Some("/proc")), (8, "nginx", 1, None)];
        assert_eq!(found(&all, Some(7)), Ok(7));
        assert_eq!(found(&all, Some(8)), Err("process 8 is no onset supervisor, it is called `nginx`".to_owned()));
        assert_eq!(found(&all, Some(9)), Err("there is no process 9".to_owned()));
    }

    #[test]
    fn its_state_and_its_user_are_read() {
        let states = ["prepare", "run", "drain", "stop", "linger", "later"].map(|name| {
            let folder = proc(&[(1, &format!("onset:{name}"), 0, None)]);
            let init = find_in(Proc(folder.path().to_owned()), None).unwrap_or_else(|error| panic!("{error}"));
            let identity = Identity { uid: 7, gid: 8, groups: vec![3, 9] };
            assert_eq!(init.owner(), Some(Owner { identity, umask: Some(0o027) }));
            init.stage().map_or_else(|error| error, |state| state.to_string())
        });
        let unknown = "process 1 is called `onset:later`, which is no state";
        assert_eq!(states, ["preparing", "running", "draining", "stopping", "lingering", unknown]);
    }

    #[test]
    fn its_environment_is_read() {
        let init = |pid| Init { proc: Proc("/proc".into()), pid };
        assert!(init(nix::unistd::getpid().as_raw()).environ().is_ok_and(|environ| environ.get("PATH").is_some()));
        let gone = init(i32::MAX);
        assert_eq!((gone.record(), gone.environ()), (Err(Errno::ENOENT), Err(Errno::ENOENT)));
    }
}
