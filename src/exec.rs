//! `onset exec`: becomes a command that finds what the application found when it was started, for `docker exec` and
//! `kubectl exec`: what they start has the container's environment and user, not what onset made of them.
//!
//! May use `init`, `record`, `prepare` and `sys`.
#![forbid(unsafe_code)]

use crate::exit;
use crate::handoff::StartFailure;
use crate::init::{self, Init};
use crate::plan::model::{Identity, ProcessState};
use crate::prepare::{Command, apply, become_command};
use crate::record::{Environ, c_strings};
use crate::report::Because;
use crate::stage::Stage;
use crate::sys::file;
use crate::sys::start::Start;
use crate::sys::stderr;
use crate::sys::words::Words;
use nix::unistd::{Uid, getegid, geteuid};
use std::path::PathBuf;

/// What the terminal of the caller is like, which the application knows nothing about.
const TERMINAL: [&str; 3] = ["TERM", "LINES", "COLUMNS"];

/// What to run, and how.
#[derive(Debug, PartialEq, Eq)]
pub struct Exec {
    /// As who this process is, not as the application's user.
    pub keep_user: bool,
    /// The number of the init; `None`: it is looked for.
    pub pid: Option<i32>,
    /// Where in argv the command starts. There is one.
    pub command: usize,
}

/// What the application found.
struct Application {
    /// Whom it runs as; `None`: that cannot be found out.
    identity: Option<Identity>,
    umask: Option<u32>,
    /// Its working directory, where it must be entered.
    workdir: Option<PathBuf>,
    /// Its working directory, where it is only tried.
    perhaps: Option<PathBuf>,
    environ: Environ,
}

/// Becomes the command. Returns only if that fails.
pub fn run(exec: &Exec, start: &Start) -> Box<StartFailure> {
    match prepare(exec, start) {
        Ok(envp) => {
            let argv = start.argv.skip(exec.command);
            become_command(&Command { argv, envp, mask: start.inherited_mask }, None)
        }
        Err(cause) => StartFailure::new(exit::REFUSED, cause),
    }
}

/// Gives this process the application's state, and finds its environment.
#[inline(never)]
fn prepare(exec: &Exec, start: &Start) -> Result<Words, String> {
    let own = Environ(start.envp.to_bytes());
    let init = init::find(exec.pid).map_err(|error| error.to_string())?;
    let Application { identity, umask, workdir, perhaps, mut environ } = application(&init, &own, exec.keep_user)?;
    let identity = identity.filter(|_| !exec.keep_user);
    let state = ProcessState { workdir, umask, ..ProcessState::default() };
    if let Some(identity) = &identity {
        become_its_user(identity)?;
    }
    apply(&state, None).map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
    if let Some(path) = perhaps {
        let _stays_here: nix::Result<()> = file::enter(&path);
    }
    for name in TERMINAL {
        if let (None, Some(value)) = (environ.get(name), own.get(name)) {
            environ.0.push([name.as_bytes(), b"=", value].concat());
        }
    }
    Ok(Words::from_owned(c_strings(&environ.0)))
}

/// What the init has recorded; without a record, what it was given itself: then it has followed no configuration, and its
/// application is as it is.
#[inline(never)]
fn application(init: &Init, own: &Environ, keep_user: bool) -> Result<Application, String> {
    let owner = init.owner();
    let record = init.record();
    let (uid, gid) = (geteuid(), getegid());
    if let Err(error) = record
        && !keep_user
        && owner.as_ref().is_none_or(|owner| owner.identity.uid != uid.as_raw())
    {
        let text = "so who its application runs as is not known: run this as root, or say --keep-user";
        return Err(format!("cannot look into process {} as {uid}:{gid} ({}), {text}", init.pid, Because(error)));
    }
    if let Ok(Some(record)) = record {
        if !owner.is_some_and(|owner| may_become(&owner.identity, &record.identity)) {
            let text = "is no root, and says that its application has another user or more groups than it has itself";
            return Err(format!("process {} {text}", init.pid));
        }
        return Ok(Application {
            identity: Some(record.identity),
            umask: Some(record.umask),
            workdir: Some(record.workdir),
            perhaps: None,
            environ: record.environ,
        });
    }
    if init.stage() == Ok(Stage::Prepare) {
        return Err(format!("process {} still prepares the application: it cannot be joined yet", init.pid));
    }
    let environ = init.environ().unwrap_or_else(|error| {
        let pid = init.pid;
        let text = format!(
            "onset: cannot look into process {pid}: {}; the command finds the environment that onset exec was given\n",
            Because(error)
        );
        let _nobody_listens: nix::Result<()> = stderr::write_line(text.as_bytes());
        own.clone()
    });
    Ok(Application {
        umask: owner.as_ref().and_then(|owner| owner.umask),
        identity: owner.map(|owner| owner.identity),
        workdir: None,
        perhaps: init.working_directory(),
        environ,
    })
}

/// Whether that user can have made its application run as this one: who is not root can have made nobody anybody else, nor
/// given anybody a group, and what it says is as good as what its user says.
fn may_become(owner: &Identity, wanted: &Identity) -> bool {
    let has = |group| owner.gid == group || owner.groups.contains(&group);
    owner.uid == 0 || owner.uid == wanted.uid && has(wanted.gid) && wanted.groups.iter().all(|&group| has(group))
}

/// Who has the user already may have other groups, and goes on with them if they cannot be changed.
#[inline(never)]
fn become_its_user(identity: &Identity) -> Result<(), String> {
    let (uid, gid) = (geteuid(), getegid());
    let Err(problems) = apply(&ProcessState::default(), Some(identity)) else { return Ok(()) };
    if uid == Uid::from_raw(identity.uid) {
        return Ok(());
    }
    let stay = format!("or say --keep-user to run the command as {uid}:{gid}");
    if uid.is_root() {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        return Err(format!("{}; {stay}", problems.join("; ")));
    }
    let Identity { uid: wanted, gid: group, groups: _ } = identity;
    Err(format!(
        "cannot become user {wanted}:{group}, whom the application runs as, because this is {uid}:{gid}: \
         run it as root (docker exec -u 0), {stay}"
    ))
}
