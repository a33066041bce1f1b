//! The state that the application finds: limits, niceness, capabilities, user, working directory, umask.
//!
//! The order, and why:
//!
//! | | before or after the user changes |
//! |---|---|
//! | limits | before: to raise a hard limit takes `CAP_SYS_RESOURCE` |
//! | oom_score_adj | before: the file belongs to root once the user has changed (proc(5), `dumpable`) |
//! | nice | before: to lower it takes `CAP_SYS_NICE`; after the limits, because one of them allows it |
//! | bounding set | before: it takes `CAP_SETPCAP` |
//! | user | |
//! | working directory | after: where the application may not be it must not start, for relative paths lead nowhere there; and a directory that only it may enter (a home, NFS without root) is fine |
//! | umask | after, so that nothing onset makes is affected |
//! | no_new_privs | last: it takes nothing away from us, but a security module may think otherwise |

use super::capability;
use super::diagnose::{is_closed, outermost};
use super::identity::{self, become_user};
use crate::plan::limit::{Amount, Limit, UNLIMITED, name};
use crate::plan::model::{Identity, ProcessState};
use crate::report::Because;
use crate::sys::file::{self, WORKING_DIRECTORY};
use crate::sys::resource;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{getegid, geteuid};
use std::fmt;
use std::path::{Path, PathBuf};

/// `RLIMIT_NOFILE`.
const NOFILE: u32 = 7;
const OOM_SCORE_ADJ: &str = "/proc/self/oom_score_adj";

/// What could not be arranged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// A resource limit.
    Limit {
        /// Which.
        resource: u32,
        /// What it was to be: soft, hard.
        wanted: (u64, u64),
        /// What it is.
        current: Option<(u64, u64)>,
        /// The most files there can be, where that is the cause.
        most: Option<u64>,
        /// What the system said.
        error: Errno,
    },
    /// The OOM killer's mind.
    OomScoreAdj {
        /// What it was to be.
        wanted: i32,
        /// What it is.
        current: Option<i32>,
        /// What the system said.
        error: Errno,
    },
    /// The niceness.
    Nice {
        /// What it was to be.
        wanted: i32,
        /// What it is.
        current: i32,
        /// What the system said.
        error: Errno,
    },
    /// The capabilities.
    Capability(capability::Refusal),
    /// The user.
    User(identity::Refusal),
    /// The working directory.
    Workdir {
        /// Which.
        path: PathBuf,
        /// The folder on the way that may not be entered, with its mode and owner.
        closed: Option<(PathBuf, u32, u32, u32)>,
        /// What the system said.
        error: Errno,
    },
    /// `PR_SET_NO_NEW_PRIVS`.
    NoNewPrivs {
        /// What the system said.
        error: Errno,
    },
}

/// Arranges all of it, and becomes that user (`None`: stays who it is). What is so already is not touched, and takes no
/// privilege. To be called when every step is done: the limits are the application's, and a step may make its working
/// directory.
///
/// # Errors
/// Everything that could not be arranged while it is still the user it was; or the first thing after. The process has to
/// end then.
pub fn apply(state: &ProcessState, identity: Option<&Identity>) -> Result<(), Vec<Problem>> {
    before_switch(state)?;
    let one = |problem| vec![problem];
    match identity {
        Some(identity) => become_user(identity, state.ambient).map_err(Problem::User).map_err(one)?,
        None => capability::make_ambient(state.ambient).map_err(Problem::Capability).map_err(one)?,
    }
    after_switch(state).map_err(one)
}

fn before_switch(state: &ProcessState) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    for &limit in &state.limits {
        problems.extend(set_limit(limit).err());
    }
    if let Some(score) = state.oom_score_adj {
        problems.extend(set_oom_score_adj(score).err());
    }
    if let Some(nice) = state.nice {
        problems.extend(set_nice(nice).err());
    }
    if let Some(bounding) = state.bounding {
        problems.extend(capability::limit_bounding(bounding).map_err(Problem::Capability).err());
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn after_switch(state: &ProcessState) -> Result<(), Problem> {
    if let Some(path) = &state.workdir {
        file::enter(path).map_err(|error| Problem::Workdir {
            path: path.clone(),
            closed: closed_folder(path, error),
            error,
        })?;
    }
    if let Some(mask) = state.umask {
        umask(Mode::from_bits_truncate(mask));
    }
    if state.no_new_privs {
        nix::sys::prctl::set_no_new_privs().map_err(|error| Problem::NoNewPrivs { error })?;
    }
    Ok(())
}

/// A hard limit that falls below the soft one takes it along; only both together can be wrong (`plan::limit`).
fn set_limit((resource, soft, hard): Limit) -> Result<(), Problem> {
    let problem = |wanted, current, error| {
        let most = (resource == NOFILE && error == Errno::EPERM).then(most_files).flatten();
        Problem::Limit { resource, wanted, current, most: most.filter(|&most| wanted.1 > most), error }
    };
    let current = resource::limit(resource)
        .map_err(|error| problem((soft.unwrap_or(UNLIMITED), hard.unwrap_or(UNLIMITED)), None, error))?;
    let hard = hard.unwrap_or(current.hard);
    let wanted = resource::Limit { soft: soft.unwrap_or(current.soft.min(hard)), hard };
    if wanted == current {
        return Ok(());
    }
    resource::set_limit(resource, wanted)
        .map_err(|error| problem((wanted.soft, wanted.hard), Some((current.soft, current.hard)), error))
}

fn most_files() -> Option<u64> {
    file::text(Path::new("/proc/sys/fs/nr_open"))?.trim().parse().ok()
}

fn set_oom_score_adj(wanted: i32) -> Result<(), Problem> {
    let current = file::text(Path::new(OOM_SCORE_ADJ)).and_then(|text| text.trim().parse().ok());
    if current == Some(wanted) {
        return Ok(());
    }
    let opened = file::open(&WORKING_DIRECTORY, Path::new(OOM_SCORE_ADJ), OFlag::O_WRONLY, 0);
    let written = opened.and_then(|opened| file::write(&opened, wanted.to_string().as_bytes()));
    written.map_err(|error| Problem::OomScoreAdj { wanted, current, error })
}

fn set_nice(wanted: i32) -> Result<(), Problem> {
    let current = resource::niceness();
    if current == wanted {
        return Ok(());
    }
    resource::set_niceness(wanted).map_err(|error| Problem::Nice { wanted, current, error })
}

/// The first folder on the way to `path`, and `path` itself, that may not be entered.
fn closed_folder(path: &Path, error: Errno) -> Option<(PathBuf, u32, u32, u32)> {
    let folder = outermost(path, &is_closed)?;
    let stat = file::stat_of(folder).ok().filter(|_| error == Errno::EACCES)?;
    Some((folder.to_owned(), stat.st_mode & 0o7777, stat.st_uid, stat.st_gid))
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Limit { resource, wanted: (soft, hard), current, most, error } => {
                let (soft, hard, name) = (Amount(*soft), Amount(*hard), name(*resource));
                write!(f, "cannot set the limit `{name}` to {soft} (hard {hard})")?;
                if let Some((soft, hard)) = current {
                    write!(f, ", it is {} (hard {})", Amount(*soft), Amount(*hard))?;
                }
                match (most, error, current) {
                    (Some(most), _, _) => {
                        write!(f, ": the kernel takes no more than {most} files (/proc/sys/fs/nr_open)")
                    }
                    (None, Errno::EPERM, _) => f.write_str(
                        ": to raise a hard limit takes CAP_SYS_RESOURCE; raise it where the container is started \
                         (Docker's --ulimit), or stay below it",
                    ),
                    (None, Errno::EINVAL, Some(_)) => {
                        f.write_str(": the soft limit can be no higher than the hard one; give both")
                    }
                    (None, error, _) => write!(f, ": {}", Because(*error)),
                }
            }
            Problem::OomScoreAdj { wanted, current, error } => {
                write!(f, "cannot set oom_score_adj to {wanted}")?;
                if let Some(current) = current {
                    write!(f, ", it is {current}")?;
                }
                match error {
                    Errno::EACCES | Errno::EPERM if current.is_some_and(|current| *wanted < current) => f.write_str(
                        ": to lower it takes CAP_SYS_RESOURCE; set it where the container is started \
                         (Docker's --oom-score-adj)",
                    ),
                    Errno::ENOENT => write!(f, ": there is no {OOM_SCORE_ADJ}; is /proc mounted?"),
                    error => write!(f, ": {OOM_SCORE_ADJ}: {}", Because(*error)),
                }
            }
            Problem::Nice { wanted, current, error } => {
                write!(f, "cannot set the niceness to {wanted}, it is {current}")?;
                match error {
                    Errno::EACCES | Errno::EPERM => f.write_str(
                        ": to lower it takes CAP_SYS_NICE (Docker's --cap-add SYS_NICE) or a higher limit `nice`",
                    ),
                    error => write!(f, ": {}", Because(*error)),
                }
            }
            Problem::Capability(refusal) => refusal.fmt(f),
            Problem::User(refusal) => refusal.fmt(f),
            Problem::Workdir { path, closed, error } => {
                let path = path.display().to_string();
                write!(f, "cannot enter the working directory `{}`", path.escape_debug())?;
                let (uid, gid) = (geteuid(), getegid());
                match (closed, error) {
                    (Some((folder, mode, owner, group)), _) => {
                        let folder = folder.display().to_string();
                        write!(f, " as {uid}:{gid}: `{}` may not be entered ", folder.escape_debug())?;
                        write!(
                            f,
                            "(mode {mode:04o}, owner {owner}:{group}); change its mode or owner, by a step for instance"
                        )
                    }
                    (None, Errno::ENOENT) => f.write_str(": it does not exist; a `directory` step makes it"),
                    (None, Errno::ENOTDIR) => f.write_str(": it is not a directory"),
                    (None, error) => write!(f, " as {uid}:{gid}: {}", Because(*error)),
                }
            }
            Problem::NoNewPrivs { error } => write!(f, "cannot set no_new_privs: {}", Because(*error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::child::{in_child, is_root_or_skip, output_of};
    use super::*;
    use std::fs;
    use std::net::{Ipv4Addr, TcpListener};

    const NET_BIND_SERVICE: u64 = 1 << 10;
    const SETPCAP: u64 = 1 << 8;
    const SYS_RESOURCE: u64 = 1 << 24;

    fn nobody() -> Identity {
        Identity { uid: 65534, gid: 65534, groups: Vec::new() }
    }

    fn said(result: Result<(), Vec<Problem>>) -> String {
        match result {
            Ok(()) => "ok".to_owned(),
            Err(problems) => problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"),
        }
    }

    /// These lines of /proc/self/status.
    fn status(names: &[&str], status: &str) -> String {
        let line = |name: &&str| status.lines().find_map(|line| line.strip_prefix(*name)?.strip_prefix(':'));
        names.iter().map(|name| line(name).unwrap_or("?").trim()).collect::<Vec<_>>().join(" ")
    }

    /// What a program finds that is executed in that state: /proc/self/status of a cat(1).
    fn status_after_exec(state: &ProcessState, identity: Option<&Identity>) -> String {
        output_of(|output| {
            nix::unistd::dup2_stdout(output).expect("a descriptor");
            apply(state, identity).expect("root may");
            let words = [c"cat", c"/proc/self/status"];
            nix::unistd::execve(c"/bin/cat", &words, &[c""; 0]).expect("a cat");
        })
    }

    #[test]
    fn port_80_can_be_bound_by_nobody() {
        if !is_root_or_skip("port_80_can_be_bound_by_nobody") {
            return;
        }
        let bind = |ambient| {
            in_child(move || {
                // A network of its own: there port 80 is free, and not for everybody.
                nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).expect("root may");
                let state = ProcessState { ambient, no_new_privs: true, ..ProcessState::default() };
                let applied = said(apply(&state, Some(&nobody())));
                let bound = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 80)).map(drop).map_err(|error| error.kind());
                format!("{applied} {} {bound:?}", geteuid())
            })
        };
        assert_eq!(bind(NET_BIND_SERVICE), "ok 65534 Ok(())");
        assert_eq!(bind(0), "ok 65534 Err(PermissionDenied)");
    }

    #[test]
    fn ambient_capabilities_and_nothing_else_outlive_execve() {
        if !is_root_or_skip("ambient_capabilities_and_nothing_else_outlive_execve") {
            return;
        }
        let names = ["Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs"];
        let state = ProcessState { ambient: NET_BIND_SERVICE, no_new_privs: true, ..ProcessState::default() };
        let ids = "65534\t65534\t65534\t65534";
        let mask = "0000000000000400";
        let text = status_after_exec(&state, Some(&nobody()));
        assert_eq!(status(&names, &text), format!("{ids} {ids}  {mask} {mask} {mask} {mask} 1"), "{text}");
        let none = "0000000000000000";
        let text = status_after_exec(&ProcessState::default(), Some(&nobody()));
        assert_eq!(status(&names, &text), format!("{ids} {ids}  {none} {none} {none} {none} 0"), "{text}");
    }

    #[test]
    fn the_bounding_set_is_cut_for_root_as_well() {
        if !is_root_or_skip("the_bounding_set_is_cut_for_root_as_well") {
            return;
        }
        let state = ProcessState { bounding: Some(NET_BIND_SERVICE | 1), ..ProcessState::default() };
        let text = status_after_exec(&state, None);
        assert_eq!(status(&["CapBnd", "CapPrm"], &text), "0000000000000401 0000000000000401", "{text}");
        let state = ProcessState { ambient: NET_BIND_SERVICE, ..state };
        let text = status_after_exec(&state, Some(&nobody()));
        assert_eq!(status(&["CapBnd", "CapPrm"], &text), "0000000000000401 0000000000000400", "{text}");
    }

    #[test]
    fn what_is_missing_is_told_all_at_once() {
        if !is_root_or_skip("what_is_missing_is_told_all_at_once") {
            return;
        }
        let messages = in_child(|| {
            resource::set_limit(NOFILE, resource::Limit { soft: 100, hard: 200 }).expect("lower");
            fs::write(OOM_SCORE_ADJ, "500").expect("higher");
            resource::set_niceness(10).expect("nicer");
            apply(&ProcessState::default(), Some(&nobody())).expect("root may");
            let state = ProcessState {
                limits: vec![(NOFILE, Some(300), Some(300)), (3, None, None), (NOFILE, Some(150), None)],
                oom_score_adj: Some(-100),
                nice: Some(-5),
                bounding: Some(!SETPCAP),
                ambient: NET_BIND_SERVICE,
                ..ProcessState::default()
            };
            let first = said(apply(&state, None));
            let state = ProcessState { ambient: NET_BIND_SERVICE, ..ProcessState::default() };
            format!("{first}\n{}\n{}", said(apply(&state, None)), said(apply(&state, Some(&nobody()))))
        });
        let ambient = "cannot keep CAP_NET_BIND_SERVICE for the application: onset does not have it; \
             start the container as root, and add it (Docker's --cap-add) if it is dropped";
        // The file is root's from the change of user on, and the score as well.
        assert_eq!(
            messages.lines().collect::<Vec<_>>(),
            [
                "cannot set the limit `nofile` to 300 (hard 300), it is 100 (hard 200): to raise a hard limit takes \
                 CAP_SYS_RESOURCE; raise it where the container is started (Docker's --ulimit), or stay below it",
                "cannot set oom_score_adj to -100, it is 500: to lower it takes CAP_SYS_RESOURCE; set it where the container \
                 is started (Docker's --oom-score-adj)",
                "cannot set the niceness to -5, it is 10: to lower it takes CAP_SYS_NICE (Docker's --cap-add SYS_NICE) or a \
                 higher limit `nice`",
                "cannot take CAP_SETPCAP out of the bounding set without CAP_SETPCAP; start the container as root, or drop it \
                 there (Docker's --cap-drop)",
                ambient,
                &format!("cannot become user 65534:65534: onset runs as 65534:65534, and {ambient}"),
            ]
        );
    }

    #[test]
    fn limits_are_set_as_far_as_they_are_given() {
        let limits = |limits: Vec<Limit>| {
            in_child(move || {
                resource::set_limit(NOFILE, resource::Limit { soft: 100, hard: 200 }).expect("lower");
                let state = ProcessState { limits, ..ProcessState::default() };
                let said = said(apply(&state, None));
                format!("{said} {:?}", resource::limit(NOFILE).map(|limit| (limit.soft, limit.hard)))
            })
        };
        assert_eq!(limits(vec![]), "ok Ok((100, 200))");
        assert_eq!(limits(vec![(NOFILE, None, None)]), "ok Ok((100, 200))");
        assert_eq!(limits(vec![(NOFILE, Some(150), None)]), "ok Ok((150, 200))");
        assert_eq!(limits(vec![(NOFILE, None, Some(50))]), "ok Ok((50, 50))");
        assert_eq!(limits(vec![(NOFILE, Some(10), Some(150))]), "ok Ok((10, 150))");
        assert_eq!(
            limits(vec![(NOFILE, Some(300), None)]),
            "cannot set the limit `nofile` to 300 (hard 200), it is 100 (hard 200): the soft limit can be no higher than the \
             hard one; give both Ok((100, 200))"
        );
    }

    #[test]
    fn root_raises_limits_up_to_what_the_kernel_takes() {
        if !is_root_or_skip("root_raises_limits_up_to_what_the_kernel_takes") {
            return;
        }
        let story = in_child(|| {
            resource::set_limit(NOFILE, resource::Limit { soft: 100, hard: 200 }).expect("lower");
            let state =
                |value| ProcessState { limits: vec![(NOFILE, Some(value), Some(value))], ..ProcessState::default() };
            format!("{}\n{}", said(apply(&state(400), Some(&nobody()))), said(apply(&state(UNLIMITED), None)))
        });
        let most = most_files().expect("/proc");
        let (raised, unlimited) = story.split_once('\n').expect("two lines");
        // A container's root has no CAP_SYS_RESOURCE; then only the message can be looked at.
        let may = capability::get().is_ok_and(|sets| sets.effective & SYS_RESOURCE != 0);
        assert_eq!(raised == "ok", may, "{raised}");
        let end = format!(": the kernel takes no more than {most} files (/proc/sys/fs/nr_open)");
        assert!(
            unlimited.starts_with("cannot set the limit `nofile` to unlimited (hard unlimited), it is "),
            "{unlimited}"
        );
        assert!(unlimited.ends_with(&end), "{unlimited}");
    }

    #[test]
    fn the_rest_is_set_and_what_is_so_already_takes_no_privilege() {
        if !is_root_or_skip("the_rest_is_set_and_what_is_so_already_takes_no_privilege") {
            return;
        }
        let story = in_child(|| {
            let state = ProcessState {
                workdir: Some("/proc".into()),
                umask: Some(0o027),
                limits: vec![(NOFILE, Some(400), Some(400))],
                oom_score_adj: Some(7),
                nice: Some(-3),
                no_new_privs: true,
                bounding: Some(NET_BIND_SERVICE),
                ambient: NET_BIND_SERVICE,
            };
            let first = said(apply(&state, Some(&nobody())));
            let again = said(apply(&state, Some(&nobody())));
            let text = fs::read_to_string("/proc/self/status").expect("/proc");
            let score = fs::read_to_string(OOM_SCORE_ADJ).expect("/proc");
            let cwd = std::env::current_dir().expect("a folder");
            let facts = status(&["Umask", "NoNewPrivs", "CapBnd"], &text);
            format!("{first} {again} {} {facts} {} {}", cwd.display(), score.trim(), resource::niceness())
        });
        assert_eq!(story, "ok ok /proc 0027 1 0000000000000400 7 -3");
    }

    #[test]
    fn the_working_directory_is_entered_as_the_user() {
        if !is_root_or_skip("the_working_directory_is_entered_as_the_user") {
            return;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("root may");
        };
        let path = |name: &str| folder.path().join(name);
        mode(folder.path(), 0o755);
        for name in ["nobodys", "roots", "roots/below"] {
            fs::create_dir(path(name)).expect("root may");
        }
        std::os::unix::fs::chown(path("nobodys"), Some(65534), Some(65534)).expect("root may");
        mode(&path("nobodys"), 0o700);
        mode(&path("roots"), 0o700);
        fs::write(path("file"), "").expect("root may");
        let enter = |name: &str| {
            let state = ProcessState { workdir: Some(path(name)), ..ProcessState::default() };
            in_child(|| said(apply(&state, Some(&nobody()))))
        };
        let cannot = |name: &str| format!("cannot enter the working directory `{}`", path(name).display());
        let closed = format!(
            " as 65534:65534: `{}` may not be entered (mode 0700, owner 0:0); change its mode or owner, by a step for instance",
            path("roots").display()
        );
        assert_eq!(enter("nobodys"), "ok");
        assert_eq!(enter("roots"), format!("{}{closed}", cannot("roots")));
        assert_eq!(enter("roots/below"), format!("{}{closed}", cannot("roots/below")));
        assert_eq!(enter("missing"), format!("{}: it does not exist; a `directory` step makes it", cannot("missing")));
        assert_eq!(enter("file"), format!("{}: it is not a directory", cannot("file")));
    }
}
