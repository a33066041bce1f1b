//! Whether memory ran out while the main process ran, and who had to die of it: what the kernel has counted for our
//! control group.
//!
//! The count is raised before the process is killed, so whoever has waited for that process sees it (`mm/oom_kill.c`).
//! Version 2 counts for the group and all below it, version 1 for the group alone (cgroups(7)). Every process that is
//! killed counts, also where `memory.oom.group` has the whole group killed: then PID 1 is among them, and says nothing.
#![forbid(unsafe_code)]

use crate::report::{OomKilled, OomKills};
use crate::sys::file::read_once;
use crate::sys::signal::Signal;
use crate::sys::wait::WaitStatus;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Which groups this process is in (cgroups(7)).
const GROUPS: &str = "/proc/self/cgroup";
/// The most that is read of it, in bytes: version 1 has a line for each of some dozen controllers.
const LONGEST_GROUPS: usize = 4096;
/// The most that is read of a file of counters, in bytes: a handful of keys, each with a number.
const LONGEST_COUNTERS: usize = 512;
/// The longest path of a file of counters, in bytes. Those of Kubernetes have some 250.
const LONGEST_PATH: usize = 512;
/// The key, in both versions.
const KEY: &[u8] = b"oom_kill ";

/// What the kernel had counted when the watch began. Fixed in size, and nothing is open between its two looks.
pub struct Watch(Option<Counter>);

impl Watch {
    /// Looks up where the kernel counts for us, and how far it has come. A container without `/proc`, without control
    /// groups, or without that counter (before Linux 4.13) has nothing to say, then and later.
    #[inline(never)] // its buffer is not to be part of what PID 1 waits in
    pub fn begin() -> Self {
        let mut groups = [0; LONGEST_GROUPS];
        let length = read_once(Path::new(GROUPS), &mut groups).unwrap_or(0);
        Watch(find(&groups[..length], read_once))
    }

    /// What there is to say of memory now that the main process ended so; `we_killed`: onset itself has sent SIGKILL.
    #[inline(never)] // as above
    pub fn kills(&self, main: WaitStatus, we_killed: bool) -> Option<OomKills> {
        judge(self.count()?, main, we_killed)
    }

    /// How many processes were killed since it began; `None`: not known.
    fn count(&self) -> Option<u64> {
        let counter = self.0.as_ref()?;
        oom_kills(&counter.path, read_once)?.checked_sub(counter.before)
    }
}

/// Whom so many kills hit.
pub fn judge(count: u64, main: WaitStatus, we_killed: bool) -> Option<OomKills> {
    let whom = match main {
        WaitStatus::Killed { signal: Signal::KILL, .. } if we_killed => OomKilled::Unknown,
        WaitStatus::Killed { signal: Signal::KILL, .. } => OomKilled::Main,
        WaitStatus::Killed { .. } | WaitStatus::Exited(_) | WaitStatus::Stopped(_) => OomKilled::Other,
    };
    (count > 0).then_some(OomKills { count, whom })
}

/// A file of counters, and what it said.
struct Counter {
    path: PathBuffer,
    before: u64,
}

/// The first place that has the counter. `read` reads a file as [`read_once`] does.
fn find(groups: &[u8], read: impl Fn(&Path, &mut [u8]) -> nix::Result<usize>) -> Option<Counter> {
    let Group { mounts, file, path } = Group::of_memory(groups)?;
    // Below a mount, or at its top, because a container sees its own group there, whatever the path says.
    let places: &[&[u8]] = if path == b"/" { &[b""] } else { &[path, b""] };
    for mount in mounts {
        for place in places {
            let Some(path) = PathBuffer::of([mount.as_bytes(), place, b"/", file.as_bytes()]) else { continue };
            if let Some(before) = oom_kills(&path, &read) {
                return Some(Counter { path, before });
            }
        }
    }
    None
}

/// The counter in the file; `None`: there is none.
fn oom_kills(path: &PathBuffer, read: impl Fn(&Path, &mut [u8]) -> nix::Result<usize>) -> Option<u64> {
    let mut text = [0; LONGEST_COUNTERS];
    let length = read(path.as_path(), &mut text).ok()?;
    let number = lines(&text[..length]).find_map(|line| line.strip_prefix(KEY))?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// The lines that are whole: half a number is another number.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = text.iter().rposition(|&byte| byte == b'\n').unwrap_or(0);
    text[..end].split(|&byte| byte == b'\n')
}

/// Our group in the hierarchy that counts memory.
#[derive(Debug, PartialEq, Eq)]
struct Group<'a> {
    /// Where that hierarchy is mounted, as everybody does it.
    mounts: &'static [&'static str],
    /// What the file of counters is called.
    file: &'static str,
    /// The way from the top of the hierarchy.
    path: &'a [u8],
}

impl<'a> Group<'a> {
    /// Of lines `NUMBER:CONTROLLERS:PATH`. A controller is in one hierarchy only: version 1 names it there, and whatever
    /// it does not name is in version 2, whose line has no controllers.
    fn of_memory(groups: &'a [u8]) -> Option<Self> {
        let path = |wanted: &[u8]| {
            lines(groups).find_map(|line| {
                let mut fields = line.splitn(3, |&byte| byte == b':').skip(1);
                let (controllers, path) = (fields.next()?, fields.next()?);
                controllers.split(|&byte| byte == b',').any(|one| one == wanted).then_some(path)
            })
        };
        let version_1 = |path| Group { mounts: &["/sys/fs/cgroup/memory"], file: "memory.oom_control", path };
        let version_2 =
            |path| Group { mounts: &["/sys/fs/cgroup", "/sys/fs/cgroup/unified"], file: "memory.events", path };
        path(b"memory").map(version_1).or_else(|| path(b"").map(version_2))
    }
}

/// A path of limited length.
struct PathBuffer {
    bytes: [u8; LONGEST_PATH],
    length: usize,
}

impl PathBuffer {
    /// Of these parts; `None`: that is too long.
    fn of(parts: [&[u8]; 4]) -> Option<Self> {
        let mut path = PathBuffer { bytes: [0; LONGEST_PATH], length: 0 };
        for part in parts {
            let end = path.length + part.len();
            path.bytes.get_mut(path.length..end)?.copy_from_slice(part);
            path.length = end;
        }
        Some(path)
    }

    fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.bytes[..self.length]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::errno::Errno;

    /// Linux 6.1; before 5.17 without the last line.
    const EVENTS: &str = "low 0\nhigh 0\nmax 171\noom 4\noom_kill 3\noom_group_kill 1\n";
    const OOM_CONTROL: &str = "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n";
    /// Before Linux 4.13.
    const OLD_OOM_CONTROL: &str = "oom_kill_disable 0\nunder_oom 0\n";

    const V2_PRIVATE: &str = "0::/\n";
    const V2_HOST: &str = "0::/system.slice/docker-1f0c.scope\n";
    /// Docker with version 1, seen from inside without a namespace of its own.
    const V1_HOST: &str = "12:rdma:/\n11:cpu,cpuacct:/docker/1f0c\n10:memory:/docker/1f0c\n9:pids:/docker/1f0c\n\
                           1:name=systemd:/docker/1f0c\n0::/system.slice/containerd.service\n";
    const V1_PRIVATE: &str = "2:memory:/\n1:name=systemd:/\n0::/\n";
    /// Version 1 for systemd's own book-keeping and for what version 2 has not; memory is in version 2.
    const HYBRID_V2: &str = "2:freezer:/docker/1f0c\n1:name=systemd:/docker/1f0c\n0::/docker/1f0c\n";

    /// A watch that begins where there are these files, and the path of the one it found.
    fn found(groups: &str, files: &[(&str, &str)]) -> Option<(String, u64)> {
        let counter = find(groups.as_bytes(), |path, buffer| {
            let (_, text) = files.iter().find(|(name, _)| Path::new(name) == path).ok_or(Errno::ENOENT)?;
            let length = text.len().min(buffer.len());
            buffer[..length].copy_from_slice(&text.as_bytes()[..length]);
            Ok(length)
        })?;
        Some((counter.path.as_path().display().to_string(), counter.before))
    }

    /// What is found in one file that is there.
    fn count_in(groups: &str, file: &str, text: &str) -> Option<u64> {
        let (path, count) = found(groups, &[(file, text)])?;
        assert_eq!(path, file);
        Some(count)
    }

    #[test]
    fn version_2_in_a_namespace_of_its_own() {
        assert_eq!(count_in(V2_PRIVATE, "/sys/fs/cgroup/memory.events", EVENTS), Some(3));
        let old = EVENTS.replace("oom_group_kill 1\n", "");
        assert_eq!(count_in(V2_PRIVATE, "/sys/fs/cgroup/memory.events", &old), Some(3));
    }

    #[test]
    fn version_2_with_the_paths_of_the_host() {
        assert_eq!(
            count_in(V2_HOST, "/sys/fs/cgroup/system.slice/docker-1f0c.scope/memory.events", EVENTS),
            Some(3),
            "the host's tree is mounted"
        );
        assert_eq!(count_in(V2_HOST, "/sys/fs/cgroup/memory.events", EVENTS), Some(3), "its own part is");
        let kubernetes = format!(
            "0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/\
             kubelet-kubepods-burstable-pod{id}.slice/cri-containerd-{id}{id}.scope\n",
            id = "0123456789abcdef0123456789abcdef"
        );
        let path = format!("/sys/fs/cgroup{}/memory.events", kubernetes["0::".len()..].trim_end());
        assert_eq!(count_in(&kubernetes, &path, EVENTS), Some(3));
    }

    #[test]
    fn ones_own_group_comes_before_those_above() {
        let files = [
            ("/sys/fs/cgroup/memory.events", "oom_kill 9\n"),
            ("/sys/fs/cgroup/system.slice/docker-1f0c.scope/memory.events", "oom_kill 1\n"),
        ];
        assert_eq!(found(V2_HOST, &files).map(|(_, count)| count), Some(1));
        let files = [
            ("/sys/fs/cgroup/memory/memory.oom_control", "oom_kill 9\n"),
            ("/sys/fs/cgroup/memory/docker/1f0c/memory.oom_control", "oom_kill 1\n"),
        ];
        assert_eq!(found(V1_HOST, &files).map(|(_, count)| count), Some(1));
    }

    #[test]
    fn version_1_sees_its_group_as_the_top_or_by_its_path() {
        let top = "/sys/fs/cgroup/memory/memory.oom_control";
        assert_eq!(count_in(V1_HOST, top, OOM_CONTROL), Some(5));
        assert_eq!(count_in(V1_PRIVATE, top, OOM_CONTROL), Some(5));
        let by_path = "/sys/fs/cgroup/memory/docker/1f0c/memory.oom_control";
        assert_eq!(count_in(V1_HOST, by_path, OOM_CONTROL), Some(5));
        assert_eq!(count_in(V1_HOST, top, OLD_OOM_CONTROL), None, "not counted yet");
    }

    #[test]
    fn both_versions_at_once() {
        let both = [
            ("/sys/fs/cgroup/memory/memory.oom_control", OOM_CONTROL),
            ("/sys/fs/cgroup/unified/memory.events", EVENTS),
            ("/sys/fs/cgroup/unified/system.slice/containerd.service/memory.events", EVENTS),
        ];
        assert_eq!(found(V1_HOST, &both).map(|(_, count)| count), Some(5), "version 1 has the memory");
        for file in ["/sys/fs/cgroup/unified/memory.events", "/sys/fs/cgroup/unified/docker/1f0c/memory.events"] {
            assert_eq!(count_in(HYBRID_V2, file, EVENTS), Some(3), "version 2 has it");
        }
        assert_eq!(found(HYBRID_V2, &both[..1]), None);
        let mounted_together = "4:cpu,memory:/x\n0::/\n";
        assert_eq!(count_in(mounted_together, "/sys/fs/cgroup/memory/x/memory.oom_control", OOM_CONTROL), Some(5));
    }

    #[test]
    fn what_cannot_be_known_is_not() {
        let here = |groups: &str, text: &str| found(groups, &[("/sys/fs/cgroup/memory.events", text)]);
        assert_eq!(here(V2_PRIVATE, EVENTS).map(|(_, count)| count), Some(3));
        for text in [
            "",
            "\n",
            "low 0\nhigh 0\nmax 0\noom 0\n",
            "oom_kill_disable 0\noom_group_kill 7\n",
            "oom_kill\n",
            "oom_kill \n",
            "oom_kill many\n",
            "oom_kill -1\n",
            "oom_kill 18446744073709551616\n",
            "oom_kill \u{fffd}\n",
            "low 0\noom_kill 12",
        ] {
            assert_eq!(here(V2_PRIVATE, text), None, "{text:?}");
        }
        let long = format!("0::/{}\n", "x".repeat(LONGEST_PATH));
        assert!(here(&long, EVENTS).is_some(), "the top is tried all the same");
        for groups in ["", "\n", "0", "0:", "0::", "0::/", "::\n:\n", "4:cpu:/\n", "10:memory", "\0\n\u{fffd}\n"] {
            assert_eq!(found(groups, &[("/sys/fs/cgroup/x", EVENTS)]), None, "{groups:?}");
        }
        assert_eq!(here(V2_PRIVATE.trim_end(), EVENTS), None, "half a path is another path");
        assert_eq!(found(V2_PRIVATE, &[]), None, "nothing is mounted");
    }

    #[test]
    fn a_group_that_was_moved_out_of_the_namespace_is_looked_for_at_the_top() {
        assert_eq!(count_in("0::/../moved\n", "/sys/fs/cgroup/memory.events", EVENTS), Some(3));
    }

    #[test]
    fn whom_the_kernel_has_killed() {
        let killed = |number, core_dumped| WaitStatus::Killed { signal: Signal::new(number).unwrap(), core_dumped };
        let (main, other, unknown) = (Some(OomKilled::Main), Some(OomKilled::Other), Some(OomKilled::Unknown));
        for (status, by_others, by_us) in [
            (killed(9, false), main, unknown),
            (killed(15, false), other, other),
            (killed(11, true), other, other),
            (killed(64, false), other, other),
            (WaitStatus::Exited(0), other, other),
            (WaitStatus::Exited(137), other, other),
            (WaitStatus::Stopped(Signal::STOP), other, other),
        ] {
            for count in [1, 2, u64::MAX] {
                let expected = |whom: Option<OomKilled>| whom.map(|whom| OomKills { count, whom });
                assert_eq!(judge(count, status, false), expected(by_others), "{status}");
                assert_eq!(judge(count, status, true), expected(by_us), "{status}");
            }
            assert_eq!(judge(0, status, false), None);
            assert_eq!(judge(0, status, true), None);
        }
    }

    #[test]
    fn a_watch_of_this_process_has_seen_nobody_killed() {
        let watch = Watch::begin();
        assert!(matches!(watch.count(), None | Some(0)));
        let killed = WaitStatus::Killed { signal: Signal::KILL, core_dumped: false };
        assert_eq!(watch.kills(killed, false), None);
        assert_eq!(Watch(None).kills(killed, false), None);
        let ahead = find(V2_PRIVATE.as_bytes(), |_, buffer| {
            buffer[..11].copy_from_slice(b"oom_kill 9\n");
            Ok(11)
        });
        assert_eq!(Watch(ahead).count(), None, "no such file, or a count that went back");
    }
}
