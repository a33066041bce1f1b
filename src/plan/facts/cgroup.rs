//! What the control groups of this process allow it: processors and memory, of cgroup v1 and v2 alike (cgroups(7)).
//!
//! A limit can be at any level, and the tightest counts: from the process's own group up to the top that is mounted, every
//! file there is is read. What is above the container's view no version 2 tells; version 1 does, for memory.

use super::super::world::World;
use std::path::{Path, PathBuf};

/// The largest file about control groups or mounts.
const LARGEST: u64 = 1 << 20;
/// What version 1 says for no limit is the largest multiple of the page size; nobody has so much.
const UNLIMITED: u64 = 1 << 60;

/// The tightest limit of processors, in processors: 1.5.
pub fn processors(world: &dyn World) -> Option<f64> {
    let quota = |folder: &Path| {
        let v2 = read(world, &folder.join("cpu.max"));
        let v1 = || {
            let [quota, period] = ["cpu.cfs_quota_us", "cpu.cfs_period_us"].map(|name| read(world, &folder.join(name)));
            Some(format!("{} {}", quota?.trim(), period?.trim()))
        };
        // `max`, and the -1 of version 1, are no numbers here.
        let text = v2.or_else(v1)?;
        let mut numbers = text.split_whitespace().map(|number| number.parse::<u32>().ok());
        let (quota, period) = (numbers.next()??, numbers.next()??);
        (quota > 0 && period > 0).then(|| f64::from(quota) / f64::from(period))
    };
    folders(world, "cpu").iter().filter_map(|folder| quota(folder)).min_by(f64::total_cmp)
}

/// The tightest limit of memory, in bytes.
pub fn memory(world: &dyn World) -> Option<u64> {
    let limit = |folder: &PathBuf| {
        let text = |name: &str| read(world, &folder.join(name)).unwrap_or_default();
        let number = |text: &str| text.trim().parse::<u64>().ok();
        // Version 1 knows what holds above the container, too.
        let above = |line: &str| number(line.strip_prefix("hierarchical_memory_limit ")?);
        let above = text("memory.stat").lines().find_map(above);
        let limits = [number(&text("memory.max")), number(&text("memory.limit_in_bytes")), above];
        limits.into_iter().flatten().filter(|&limit| limit < UNLIMITED).min()
    };
    folders(world, "memory").iter().filter_map(limit).min()
}

/// The folders of the groups this process is in, wherever this controller may be, up to the top of each mount.
fn folders(world: &dyn World, controller: &str) -> Vec<PathBuf> {
    let groups = read(world, Path::new("/proc/self/cgroup")).unwrap_or_default();
    let mounts = read(world, Path::new("/proc/self/mountinfo")).unwrap_or_default();
    let mut folders = Vec::new();
    for line in mounts.lines() {
        let Some(mount) = Mount::parse(line).filter(|mount| mount.has(controller)) else { continue };
        let Some(own) = group(&groups, if mount.version == 2 { "" } else { controller }) else { continue };
        // What is mounted is a part of the tree: how far below its top is our group?
        let below = Path::new(own).strip_prefix(mount.root).ok().filter(|below| !below.starts_with(".."));
        match below {
            Some(below) => {
                for below in below.ancestors() {
                    folders.push(Path::new(mount.point).join(below));
                }
            }
            // Moved there from outside, or a runtime that shows another path: the usual place is ours all the same.
            None if mount.point.starts_with("/sys/fs/cgroup") => folders.push(PathBuf::from(mount.point)),
            None => {}
        }
    }
    folders
}

/// The path of our group in the hierarchy of a controller; in that of version 2 for none.
fn group<'a>(groups: &'a str, controller: &str) -> Option<&'a str> {
    groups.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_number, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        controllers.split(',').any(|one| one == controller).then_some(path)
    })
}

/// A line of /proc/self/mountinfo that mounts control groups.
struct Mount<'a> {
    version: u8,
    root: &'a str,
    point: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    /// `36 35 0:31 ROOT POINT OPTIONS ... - TYPE SOURCE OPTIONS` (proc_pid_mountinfo(5)).
    fn parse(line: &'a str) -> Option<Self> {
        let (mount, kind) = line.split_once(" - ")?;
        let mut mount = mount.split(' ').skip(3);
        let mut kind = kind.split(' ');
        let version = match kind.next()? {
            "cgroup2" => 2,
            "cgroup" => 1,
            _ => return None,
        };
        let options = kind.nth(1).unwrap_or_default();
        Some(Mount { version, root: mount.next()?, point: mount.next()?, options })
    }

    fn has(&self, controller: &str) -> bool {
        self.version == 2 || self.options.split(',').any(|option| option == controller)
    }
}

fn read(world: &dyn World, path: &Path) -> Option<String> {
    world.read(path, LARGEST).ok().and_then(|text| String::from_utf8(text).ok())
}

#[cfg(test)]
mod tests {
    use super::super::super::world::fake::FakeWorld;
    use super::*;

    /// Both limits of a world with these files.
    fn limits(files: &[(&str, &str)]) -> (Option<f64>, Option<u64>) {
        let world = FakeWorld::of(files);
        (processors(&world), memory(&world))
    }

    const V2: &str = "22 1 0:20 / /proc rw - proc proc rw\n\
                      30 23 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate\n";
    const V1: &str = "31 23 0:27 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n\
                      32 23 0:28 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
    const V1_GROUPS: &str = "4:cpu,cpuacct:/docker/abc\n3:memory:/docker/abc\n0::/\n";

    #[test]
    fn a_container_of_version_2_in_a_namespace_of_its_own() {
        let base = [("/proc/self/mountinfo", V2), ("/proc/self/cgroup", "0::/\n")];
        let with = |cpu: &'static str, memory: &'static str| {
            let files = [("/sys/fs/cgroup/cpu.max", cpu), ("/sys/fs/cgroup/memory.max", memory)];
            limits(&[&base[..], &files].concat())
        };
        assert_eq!(with("150000 100000\n", "536870912\n"), (Some(1.5), Some(536_870_912)));
        assert_eq!(with("max 100000\n", "max\n"), (None, None));
        assert_eq!(with("max\n", "0\n"), (None, Some(0)));
        assert_eq!(with("nonsense\n", "\n"), (None, None));
        assert_eq!(limits(&base), (None, None), "the controllers may not be there");
    }

    #[test]
    fn the_tightest_of_nested_groups_counts() {
        let files = [
            ("/proc/self/mountinfo", V2),
            ("/proc/self/cgroup", "0::/kubepods/pod1/c1\n"),
            ("/sys/fs/cgroup/kubepods/pod1/c1/cpu.max", "400000 100000"),
            ("/sys/fs/cgroup/kubepods/pod1/cpu.max", "50000 20000"),
            ("/sys/fs/cgroup/kubepods/cpu.max", "max 100000"),
            ("/sys/fs/cgroup/kubepods/pod1/c1/memory.max", "max"),
            ("/sys/fs/cgroup/kubepods/memory.max", "1000"),
            ("/sys/fs/cgroup/other/memory.max", "1"),
        ];
        assert_eq!(limits(&files), (Some(2.5), Some(1000)));
    }

    #[test]
    fn a_container_of_version_1_sees_its_group_as_the_top() {
        let files = [
            ("/proc/self/mountinfo", V1),
            ("/proc/self/cgroup", V1_GROUPS),
            ("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "25000\n"),
            ("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            (
                "/sys/fs/cgroup/memory/memory.stat",
                "cache 0\nhierarchical_memory_limit 2147483648\nhierarchical_memsw 1\n",
            ),
        ];
        assert_eq!(limits(&files), (Some(0.25), Some(2_147_483_648)), "memory is limited above the container");
    }

    #[test]
    fn no_limit_in_version_1_is_minus_one_and_a_huge_number() {
        let files = [
            ("/proc/self/mountinfo", V1),
            ("/proc/self/cgroup", V1_GROUPS),
            ("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n"),
            ("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("/sys/fs/cgroup/memory/memory.stat", "hierarchical_memory_limit 9223372036854710272\n"),
        ];
        assert_eq!(limits(&files), (None, None));
    }

    #[test]
    fn both_versions_at_once_as_systemd_mounts_them() {
        let mounts = [V1, "33 23 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"].concat();
        let files = [
            ("/proc/self/mountinfo", mounts.as_str()),
            ("/proc/self/cgroup", "3:memory:/docker/abc/inner\n0::/system.slice\n"),
            ("/sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "4096"),
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "8192"),
            ("/sys/fs/cgroup/unified/system.slice/cpu.max", "100000 100000"),
        ];
        assert_eq!(limits(&files), (Some(1.0), Some(4096)));
    }

    #[test]
    fn a_group_outside_of_what_is_mounted() {
        let elsewhere = "40 23 0:26 /../.. /host/sys/fs/cgroup ro - cgroup2 cgroup rw\n";
        let mounts = [V2, elsewhere].concat();
        let files = [
            ("/proc/self/mountinfo", mounts.as_str()),
            ("/proc/self/cgroup", "0::/../moved\n"),
            ("/sys/fs/cgroup/memory.max", "100"),
            ("/host/sys/fs/cgroup/memory.max", "1"),
        ];
        assert_eq!(limits(&files), (None, Some(100)), "the host's tree is not ours");
        assert_eq!(limits(&[("/sys/fs/cgroup/memory.max", "1")]), (None, None), "without /proc nothing is known");
    }
}
