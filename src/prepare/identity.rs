//! Becoming the application's user: for good, or for the time of one step.
//!
//! Groups, then group, then user: the other way round the right to change groups would be gone before they are. Then it
//! is looked at, because nothing is worse than an application that is root and thinks it is not.

use super::capability;
use crate::plan::capability::names;
use crate::plan::model::Identity;
use crate::report::Because;
use crate::sys;
use crate::sys::capability::Sets;
use crate::sys::file;
use crate::sys::user;
use nix::errno::Errno;
use nix::unistd::{Gid, Uid};
use std::fmt;
use std::path::Path;

const CAP_SETGID: u64 = 1 << 6;
const CAP_SETUID: u64 = 1 << 7;

/// Why this process is not that user. A pointer, for it is passed on a lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(Box<Parts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    wanted: Identity,
    /// Who it was when it tried.
    was: (u32, u32),
    cause: Cause,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Cause {
    /// The privilege is missing.
    MissingCapability { missing: u64, no_new_privs: bool },
    /// The user namespace has no such id.
    NotMapped { kind: &'static str, id: u32, map: String },
    /// The user namespace lets nobody set groups.
    SetgroupsDenied,
    /// More groups than the kernel takes (`NGROUPS_MAX`).
    TooManyGroups,
    /// The system call said so.
    System { call: &'static str, error: Errno },
    /// Every system call was content, and yet.
    NotThere { found: Ids },
    /// A capability that was to be kept could not be.
    Capability(capability::Refusal),
    /// A step was done as that user, and there is no way back.
    Stranded { error: Errno },
}

/// All that the kernel knows of who a process is: real, effective and saved.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ids {
    user: [u32; 3],
    group: [u32; 3],
    groups: Vec<u32>,
}

impl Ids {
    fn now() -> nix::Result<Self> {
        let (user, group) = (nix::unistd::getresuid()?, nix::unistd::getresgid()?);
        Ok(Ids {
            user: [user.real, user.effective, user.saved].map(Uid::as_raw),
            group: [group.real, group.effective, group.saved].map(Gid::as_raw),
            groups: user::groups()?,
        })
    }

    /// Whether the process is that user in every respect. That its group is among the supplementary ones as well says
    /// nothing more.
    fn is(&self, identity: &Identity) -> bool {
        self.user == [identity.uid; 3] && self.group == [identity.gid; 3] && self.has_groups_of(identity)
    }

    /// Whether the process acts as that user.
    fn acts_as(&self, identity: &Identity) -> bool {
        self.user[1] == identity.uid && self.group[1] == identity.gid && self.has_groups_of(identity)
    }

    fn has_groups_of(&self, identity: &Identity) -> bool {
        let is_other = |group: &&u32| **group != identity.gid;
        self.groups.iter().filter(is_other).eq(identity.groups.iter().filter(is_other))
    }
}

/// Becomes that user, for good, with these capabilities left as ambient ones. Who is that user already, with these
/// groups, needs no privilege.
///
/// # Errors
/// The privilege is missing, or the user namespace has no such user. The process may have lost groups then, and has to
/// end.
pub fn become_user(identity: &Identity, ambient: u64) -> Result<(), Refusal> {
    let before = Ids::now().map_err(|error| refusal(identity, Cause::System { call: "getresuid", error }))?;
    let capability = |error| refusal(identity, Cause::Capability(error));
    if before.is(identity) {
        return capability::make_ambient(ambient).map_err(capability);
    }
    // The kernel takes all capabilities from a root who becomes somebody else, unless it is told not to.
    let keep = ambient != 0 && before.user.contains(&0) && identity.uid != 0;
    if keep {
        capability::keep_over_switch(ambient).map_err(capability)?;
    }
    switch(identity, &before)?;
    match Ids::now() {
        Ok(after) if after.is(identity) => {}
        Ok(found) => return Err(refusal(identity, Cause::NotThere { found })),
        Err(error) => return Err(refusal(identity, Cause::System { call: "getresuid", error })),
    }
    if keep { capability::keep_only(ambient) } else { capability::make_ambient(ambient) }.map_err(capability)
}

fn switch(identity: &Identity, before: &Ids) -> Result<(), Refusal> {
    let explain = |call| move |error| explain(identity, before, call, error);
    if !before.has_groups_of(identity) {
        user::set_groups(&identity.groups).map_err(explain(Call::Setgroups))?;
    }
    if before.group != [identity.gid; 3] {
        user::set_group(identity.gid).map_err(explain(Call::Setresgid))?;
    }
    if before.user != [identity.uid; 3] {
        user::set_user(identity.uid).map_err(explain(Call::Setresuid))?;
    }
    Ok(())
}

/// Does `work` with the rights of that user, in this process, and becomes who it was again: only the effective ids
/// change, and no capability is effective meanwhile (but for root). Who acts as that user already needs no privilege.
///
/// # Errors
/// As [`become_user`]; then nothing was done, and the process is who it was. But if [`Refusal::is_stranded`], it was
/// done and there is no way back: onset has to end.
pub fn with_rights_of<T>(identity: &Identity, work: impl FnOnce() -> T) -> Result<T, Refusal> {
    let before = borrow(identity)?;
    let result = work();
    give_back(identity, before)?;
    Ok(result)
}

/// Who this process was before it borrowed the rights of another.
struct Before {
    ours: Ids,
    powers: Sets,
}

/// `None`: it had these rights already.
fn borrow(identity: &Identity) -> Result<Option<Box<Before>>, Refusal> {
    let ours = Ids::now().map_err(|error| refusal(identity, Cause::System { call: "getresuid", error }))?;
    if ours.acts_as(identity) {
        return Ok(None);
    }
    let powers = capability::get().map_err(|error| refusal(identity, Cause::Capability(error)))?;
    let acting = act_as(identity, &ours);
    let before = Some(Box::new(Before { ours, powers }));
    match acting {
        Ok(()) => Ok(before),
        Err(refusal) => give_back(identity, before).and(Err(refusal)),
    }
}

fn give_back(identity: &Identity, before: Option<Box<Before>>) -> Result<(), Refusal> {
    let Some(before) = before else { return Ok(()) };
    come_back(&before.ours, before.powers).map_err(|error| refusal(identity, Cause::Stranded { error }))
}

fn act_as(identity: &Identity, ours: &Ids) -> Result<(), Refusal> {
    let explain = |call| move |error| explain(identity, ours, call, error);
    if !ours.has_groups_of(identity) {
        user::set_groups(&identity.groups).map_err(explain(Call::Setgroups))?;
    }
    if ours.group[1] != identity.gid {
        user::set_effective_group(identity.gid).map_err(explain(Call::Setresgid))?;
    }
    if ours.user[1] != identity.uid {
        user::set_effective_user(identity.uid).map_err(explain(Call::Setresuid))?;
    }
    if identity.uid != 0 {
        // The kernel has done so already where it was root, if no securebits forbid it.
        let lower = || sys::capability::set(Sets { effective: 0, ..sys::capability::get()? });
        lower().map_err(explain(Call::Capset))?;
    }
    match Ids::now() {
        Ok(found) if found.acts_as(identity) => Ok(()),
        Ok(found) => Err(refusal(identity, Cause::NotThere { found })),
        Err(error) => Err(refusal(identity, Cause::System { call: "getresuid", error })),
    }
}

/// Capabilities first: they are what it takes to change back. And last, because to become root makes them all effective.
fn come_back(ours: &Ids, powers: Sets) -> nix::Result<()> {
    let regain = || if sys::capability::get()? == powers { Ok(()) } else { sys::capability::set(powers) };
    regain()?;
    let now = Ids::now()?;
    if now.user != ours.user {
        user::set_effective_user(ours.user[1])?;
    }
    if now.group != ours.group {
        user::set_effective_group(ours.group[1])?;
    }
    if now.groups != ours.groups {
        user::set_groups(&ours.groups)?;
    }
    regain()?;
    if Ids::now()? == *ours { Ok(()) } else { Err(Errno::EPERM) }
}

/// A system call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Setgroups,
    Setresgid,
    Setresuid,
    Capset,
}

impl Call {
    fn name(self) -> &'static str {
        match self {
            Call::Setgroups => "setgroups",
            Call::Setresgid => "setresgid",
            Call::Setresuid => "setresuid",
            Call::Capset => "capset",
        }
    }
}

fn refusal(wanted: &Identity, cause: Cause) -> Refusal {
    let was = (Uid::effective().as_raw(), Gid::effective().as_raw());
    Refusal(Box::new(Parts { wanted: wanted.clone(), was, cause }))
}

/// Asks the kernel once more, to say why: EPERM and EINVAL stand for several causes.
fn explain(wanted: &Identity, before: &Ids, call: Call, error: Errno) -> Refusal {
    let cause = match (error, call) {
        (Errno::EPERM, Call::Setgroups | Call::Setresgid | Call::Setresuid) => why_not_permitted(wanted, before, call),
        (Errno::EINVAL, Call::Setgroups) if wanted.groups.len() > 65536 => Some(Cause::TooManyGroups),
        (Errno::EINVAL, Call::Setgroups) => not_mapped("group", &wanted.groups),
        (Errno::EINVAL, Call::Setresgid) => not_mapped("group", &[wanted.gid]),
        (Errno::EINVAL, Call::Setresuid) => not_mapped("user", &[wanted.uid]),
        (_, Call::Setgroups | Call::Setresgid | Call::Setresuid | Call::Capset) => None,
    };
    let cause = cause.unwrap_or(Cause::System { call: call.name(), error });
    Refusal(Box::new(Parts { wanted: wanted.clone(), was: (before.user[1], before.group[1]), cause }))
}

fn why_not_permitted(wanted: &Identity, before: &Ids, call: Call) -> Option<Cause> {
    let effective = capability::get().ok()?.effective;
    let setgid = if before.group == [wanted.gid; 3] && before.has_groups_of(wanted) { 0 } else { CAP_SETGID };
    let setuid = if before.user == [wanted.uid; 3] { 0 } else { CAP_SETUID };
    let missing = (setgid | setuid) & !effective;
    if missing != 0 {
        let no_new_privs = nix::sys::prctl::get_no_new_privs().unwrap_or(false);
        return Some(Cause::MissingCapability { missing, no_new_privs });
    }
    let policy = file::text(Path::new("/proc/self/setgroups")).unwrap_or_default();
    (call == Call::Setgroups && policy.trim() == "deny").then_some(Cause::SetgroupsDenied)
}

/// The first of these ids that the user namespace does not have.
fn not_mapped(kind: &'static str, ids: &[u32]) -> Option<Cause> {
    let path = if kind == "user" { "/proc/self/uid_map" } else { "/proc/self/gid_map" };
    let ranges = ranges(&file::text(Path::new(path))?);
    let is_mapped = |id: u32| ranges.iter().any(|&(first, last)| (first..=last).contains(&id.into()));
    let id = ids.iter().copied().find(|&id| !is_mapped(id))?;
    let mut map = String::new();
    for (index, (first, last)) in ranges.iter().enumerate() {
        map += if index == 0 { "" } else { ", " };
        map += &first.to_string();
        if first != last {
            map = map + "-" + &last.to_string();
        }
    }
    Some(Cause::NotMapped { kind, id, map })
}

/// The ids inside the namespace, of the lines "inside outside count" (user_namespaces(7)).
fn ranges(map: &str) -> Vec<(u64, u64)> {
    let range = |line: &str| {
        let mut numbers = line.split_ascii_whitespace().map(|number| number.parse::<u64>().ok());
        let (first, _outside, count) = (numbers.next()??, numbers.next()??, numbers.next()??);
        Some((first, first + count.checked_sub(1)?))
    };
    map.lines().filter_map(range).collect()
}

impl Refusal {
    /// Whether this process is in between, and can neither go on nor back.
    pub fn is_stranded(&self) -> bool {
        matches!(self.0.cause, Cause::Stranded { .. })
    }
}

/// How many groups a message names.
const MOST_SHOWN: usize = 8;

/// `999:1000`, and its groups.
struct Name<'a>(&'a Identity);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity { uid, gid, groups } = self.0;
        write!(f, "{uid}:{gid}")?;
        if groups.is_empty() {
            return Ok(());
        }
        f.write_str(" (groups ")?;
        for (index, group) in groups.iter().take(MOST_SHOWN).enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            group.fmt(f)?;
        }
        f.write_str(if groups.len() > MOST_SHOWN { ", ...)" } else { ")" })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { wanted, was: (uid, gid), cause } = &*self.0;
        let verb = if self.is_stranded() { "come back from user" } else { "become user" };
        write!(f, "cannot {verb} {}: onset runs as {uid}:{gid}", Name(wanted))?;
        match cause {
            Cause::MissingCapability { missing, no_new_privs } => {
                write!(f, " without {}", names(*missing))?;
                if *no_new_privs {
                    f.write_str(" (and no_new_privs is set, so that onset's own file cannot give it)")?;
                }
                let Identity { uid: wanted_uid, gid: wanted_gid, .. } = wanted;
                match uid {
                    0 => write!(f, "; do not drop it, or start the container as {wanted_uid}:{wanted_gid}"),
                    _ => write!(f, "; start the container as root, or as {wanted_uid}:{wanted_gid} right away"),
                }
            }
            Cause::NotMapped { kind, id, map } => {
                write!(f, ", and its user namespace has no {kind} {id}: those it has are {map}; ")?;
                write!(
                    f,
                    "choose one of them, or map more ({})",
                    if *kind == "user" { "/etc/subuid" } else { "/etc/subgid" }
                )
            }
            Cause::SetgroupsDenied => f.write_str(
                ", and its user namespace lets nobody set groups (/proc/self/setgroups is `deny`); \
                 map groups with newgidmap (/etc/subgid), or leave user and groups as they are",
            ),
            Cause::TooManyGroups => {
                write!(f, ", and the kernel takes no more than 65536 groups, not {}", wanted.groups.len())
            }
            Cause::System { call, error: Errno::EPERM } => {
                write!(
                    f,
                    " and has the capabilities, but {call} is forbidden (EPERM): by a seccomp filter or a security module"
                )
            }
            Cause::System { call, error } => write!(f, ", and {call} failed: {}", Because(*error)),
            Cause::NotThere { found: Ids { user, group, groups } } => write!(
                f,
                ", and every system call succeeded, but now it is user {user:?}, group {group:?}, groups {groups:?} \
                 (real, effective, saved)"
            ),
            Cause::Capability(refusal) => write!(f, ", and {refusal}"),
            Cause::Stranded { error } => write!(f, ", and what it was before is out of reach: {}", Because(*error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::child::{in_child, is_root_or_skip, skip, with_id_maps};
    use super::*;
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    fn identity(uid: u32, gid: u32, groups: &[u32]) -> Identity {
        Identity { uid, gid, groups: groups.to_vec() }
    }

    fn with_groups_of_root() {
        user::set_groups(&[0, 1, 2, 3, 27]).expect("root");
    }

    fn said(result: Result<(), Refusal>) -> String {
        result.map_or_else(|refusal| refusal.to_string(), |()| "ok".to_owned())
    }

    /// Who the kernel says this process is: real, effective, saved and file system user and group, and the groups.
    fn who() -> String {
        let status = fs::read_to_string("/proc/self/status").expect("/proc");
        let line = |name| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("?");
        let words = |name| line(name).split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{} / {} / {}", words("Uid:"), words("Gid:"), words("Groups:"))
    }

    #[test]
    fn no_group_of_root_is_left() {
        if !is_root_or_skip("no_group_of_root_is_left") {
            return;
        }
        let after = |wanted: Identity| {
            in_child(move || {
                with_groups_of_root();
                format!("{}; {}", said(become_user(&wanted, 0)), who())
            })
        };
        assert_eq!(after(identity(65534, 65534, &[])), "ok; 65534 65534 65534 65534 / 65534 65534 65534 65534 / ");
        assert_eq!(after(identity(999, 1000, &[20, 600])), "ok; 999 999 999 999 / 1000 1000 1000 1000 / 20 600");
        assert_eq!(after(identity(999, 1000, &[0])), "ok; 999 999 999 999 / 1000 1000 1000 1000 / 0");
        assert_eq!(after(identity(0, 5, &[])), "ok; 0 0 0 0 / 5 5 5 5 / ");
    }

    #[test]
    fn there_is_no_way_back_to_root() {
        if !is_root_or_skip("there_is_no_way_back_to_root") {
            return;
        }
        let story = in_child(|| {
            let first = said(become_user(&identity(999, 1000, &[]), 0));
            let sets = sys::capability::get().expect("capget");
            let back = user::set_user(0);
            format!("{first}; {} {}; {back:?}", sets.effective, sets.permitted)
        });
        assert_eq!(story, "ok; 0 0; Err(EPERM)");
    }

    #[test]
    fn who_is_that_user_already_needs_no_privilege() {
        if !is_root_or_skip("who_is_that_user_already_needs_no_privilege") {
            return;
        }
        let story = in_child(|| {
            let nobody = identity(65534, 65534, &[7]);
            // The group among the supplementary ones as well is the same user.
            user::set_groups(&[7, 65534]).expect("root");
            let first = said(become_user(&nobody, 0));
            let again = said(become_user(&nobody, 0));
            let step = with_rights_of(&nobody, || "done").expect("nothing to change");
            format!("{first} {again} {step}; {}", who())
        });
        assert_eq!(story, "ok ok done; 65534 65534 65534 65534 / 65534 65534 65534 65534 / 7 65534");
    }

    #[test]
    fn without_the_privilege_the_message_names_it() {
        if !is_root_or_skip("without_the_privilege_the_message_names_it") {
            return;
        }
        let refused = |was: Identity, wanted: Identity, no_new_privs: bool| {
            in_child(move || {
                become_user(&was, 0).expect("root");
                if no_new_privs {
                    nix::sys::prctl::set_no_new_privs().expect("always");
                }
                let before = who();
                let step = with_rights_of(&wanted, || ()).expect_err("no privilege");
                assert_eq!(who(), before);
                assert!(!step.is_stranded());
                let message = said(become_user(&wanted, 0));
                assert_eq!(step.to_string(), message);
                message
            })
        };
        assert_eq!(
            refused(identity(1234, 1234, &[]), identity(999, 1000, &[5, 6]), false),
            "cannot become user 999:1000 (groups 5, 6): onset runs as 1234:1234 without CAP_SETGID and CAP_SETUID; \
             start the container as root, or as 999:1000 right away"
        );
        assert_eq!(
            refused(identity(1234, 1000, &[]), identity(999, 1000, &[]), true),
            "cannot become user 999:1000: onset runs as 1234:1000 without CAP_SETUID (and no_new_privs is set, so that \
             onset's own file cannot give it); start the container as root, or as 999:1000 right away"
        );
        assert_eq!(
            refused(identity(1234, 1000, &[]), identity(1234, 1000, &[9]), false),
            "cannot become user 1234:1000 (groups 9): onset runs as 1234:1000 without CAP_SETGID; \
             start the container as root, or as 1234:1000 right away"
        );
    }

    #[test]
    fn a_root_without_capabilities_is_told_so() {
        if !is_root_or_skip("a_root_without_capabilities_is_told_so") {
            return;
        }
        let message = in_child(|| {
            let sets = sys::capability::get().expect("capget");
            let without = |set: u64| set & !CAP_SETUID;
            let (effective, permitted) = (without(sets.effective), without(sets.permitted));
            sys::capability::set(Sets { effective, permitted, ..sets }).expect("fewer are always possible");
            said(become_user(&identity(999, 1000, &[]), 0))
        });
        assert_eq!(
            message,
            "cannot become user 999:1000: onset runs as 0:0 without CAP_SETUID; do not drop it, or start the container as \
             999:1000"
        );
    }

    #[test]
    fn an_id_the_user_namespace_does_not_have_is_named() {
        if !is_root_or_skip("an_id_the_user_namespace_does_not_have_is_named") {
            return;
        }
        let refused = |maps: &'static str, wanted: Identity| {
            with_id_maps(maps, maps, move || {
                let before = who();
                let step = with_rights_of(&wanted, || ()).expect_err("not mapped");
                let unchanged = who() == before && !step.is_stranded();
                format!("{} {unchanged}", said(become_user(&wanted, 0)))
            })
        };
        let help = "choose one of them, or map more";
        assert_eq!(
            refused("0 0 1\n1000 5000 9", identity(999, 1000, &[])),
            format!(
                "cannot become user 999:1000: onset runs as 0:0, and its user namespace has no user 999: those it has are \
                 0, 1000-1008; {help} (/etc/subuid) true"
            )
        );
        assert_eq!(
            refused("0 0 1\n1000 5000 9", identity(1000, 999, &[])),
            format!(
                "cannot become user 1000:999: onset runs as 0:0, and its user namespace has no group 999: those it has are \
                 0, 1000-1008; {help} (/etc/subgid) true"
            )
        );
        assert_eq!(
            refused("0 0 1", identity(0, 0, &[7])),
            format!(
                "cannot become user 0:0 (groups 7): onset runs as 0:0, and its user namespace has no group 7: those it has \
                 are 0; {help} (/etc/subgid) true"
            )
        );
    }

    #[test]
    fn a_user_namespace_that_denies_setgroups_is_named() {
        let message = in_child(|| {
            let (uid, gid) = (Uid::effective(), Gid::effective());
            if nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWUSER).is_err() {
                return String::new();
            }
            fs::write("/proc/self/setgroups", "deny").expect("in a fresh namespace");
            fs::write("/proc/self/uid_map", format!("0 {uid} 1")).expect("our own id");
            fs::write("/proc/self/gid_map", format!("0 {gid} 1")).expect("our own id");
            said(become_user(&identity(0, 0, &[7]), 0))
        });
        let expected = "cannot become user 0:0 (groups 7): onset runs as 0:0, and its user namespace lets nobody set groups \
             (/proc/self/setgroups is `deny`); map groups with newgidmap (/etc/subgid), or leave user and groups as they are";
        if message.is_empty() {
            return skip("a_user_namespace_that_denies_setgroups_is_named", "no user namespaces here");
        }
        assert_eq!(message, expected);
    }

    #[test]
    fn a_step_has_the_rights_of_the_user_and_no_more() {
        if !is_root_or_skip("a_step_has_the_rights_of_the_user_and_no_more") {
            return;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let (path, own) = (folder.path().join("file"), folder.path().join("own"));
        let story = in_child(|| {
            with_groups_of_root();
            fs::write(&path, "root's").expect("root may");
            fs::create_dir(&own).expect("root may");
            std::os::unix::fs::chown(&own, Some(999), Some(1000)).expect("root may");
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(folder.path(), mode).expect("root may");
            let (before, powers) = (who(), sys::capability::get());
            let inside = with_rights_of(&identity(999, 1000, &[20]), || {
                let refused = fs::write(&path, "x").expect_err("root's file").kind();
                let made = fs::write(own.join("made"), "x").is_ok();
                format!("{refused:?} {made} {}", who())
            });
            let same = who() == before && sys::capability::get() == powers;
            let root_again = fs::write(&path, "y").is_ok();
            format!("{}; {same} {root_again}", inside.expect("root may"))
        });
        assert_eq!(story, "PermissionDenied true 0 999 0 999 / 0 1000 0 1000 / 20; true true");
        let metadata = fs::metadata(own.join("made")).expect("the file made inside");
        assert_eq!((metadata.uid(), metadata.gid()), (999, 1000));
    }

    #[test]
    fn a_step_of_somebody_who_is_not_root_but_may_change_user_has_no_capability() {
        if !is_root_or_skip("a_step_of_somebody_who_is_not_root_but_may_change_user_has_no_capability") {
            return;
        }
        let story = in_child(|| {
            let powers = CAP_SETUID | CAP_SETGID | 1 << 1;
            become_user(&identity(1234, 1234, &[5]), powers).expect("root");
            let before = sys::capability::get().expect("capget");
            let inside = with_rights_of(&identity(999, 1000, &[]), || {
                let effective = sys::capability::get().map(|sets| sets.effective);
                format!("{effective:?} {}", who())
            });
            let same = sys::capability::get() == Ok(before) && before.effective == powers;
            format!("{}; {same} {}", inside.expect("it may"), who())
        });
        let inside = "Ok(0) 1234 999 1234 999 / 1234 1000 1234 1000 / ";
        assert_eq!(story, format!("{inside}; true 1234 1234 1234 1234 / 1234 1234 1234 1234 / 5"));
    }

    #[test]
    fn more_groups_than_the_kernel_takes_are_counted() {
        if !is_root_or_skip("more_groups_than_the_kernel_takes_are_counted") {
            return;
        }
        let groups: Vec<u32> = (1..=65537).collect();
        let message = in_child(|| said(become_user(&identity(0, 0, &groups), 0)));
        assert_eq!(
            message,
            "cannot become user 0:0 (groups 1, 2, 3, 4, 5, 6, 7, 8, ...): onset runs as 0:0, and the kernel takes no more \
             than 65536 groups, not 65537"
        );
    }
}
