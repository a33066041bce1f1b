//! What the application may do although it is not root, and what it can never do again (capabilities(7)).
//!
//! Securebits are left alone: who set them meant it.

use crate::plan::capability::names;
use crate::report::Because;
use crate::sys::capability::{self, Sets, numbers};
use nix::errno::Errno;
use std::fmt;

/// Why the capabilities could not be arranged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Ambient capabilities that onset does not have itself.
    NotPermitted {
        /// Which.
        missing: u64,
    },
    /// Ambient capabilities that are not in the bounding set any more.
    NotInBounding {
        /// Which.
        missing: u64,
    },
    /// The bounding set can only be cut with `CAP_SETPCAP`.
    CannotDrop {
        /// What was to go.
        surplus: u64,
    },
    /// The system refused for another reason.
    System {
        /// What it was to do.
        what: &'static str,
        /// What it said.
        error: Errno,
    },
}

/// Takes everything but `bounding` out of the bounding set. What is not in it is not needed, so nothing happens where
/// nothing is too much.
///
/// # Errors
/// Without `CAP_SETPCAP`.
pub fn limit_bounding(bounding: u64) -> Result<(), Refusal> {
    let surplus = capability::bounding(!bounding);
    numbers(surplus).try_for_each(capability::drop_from_bounding).map_err(|error| match error {
        Errno::EPERM => Refusal::CannotDrop { surplus },
        error => Refusal::System { what: "cut the bounding set", error },
    })
}

/// Makes `ambient` capabilities the application's own, whatever user it is: each has to be permitted and inheritable
/// first. Those that were ambient before stay.
///
/// # Errors
/// Onset does not have them, or securebits forbid it.
pub fn make_ambient(ambient: u64) -> Result<(), Refusal> {
    let wanted = ambient & !capability::ambient(ambient);
    if wanted == 0 {
        return Ok(());
    }
    make_inheritable(wanted)?;
    numbers(wanted).try_for_each(capability::raise_ambient).map_err(system("raise ambient capabilities"))
}

/// Prepares a change of user that is to leave `ambient` in the permitted set (`PR_SET_KEEPCAPS`; execve(2) clears that
/// flag by itself).
///
/// # Errors
/// Onset does not have them, or securebits forbid it.
pub fn keep_over_switch(ambient: u64) -> Result<(), Refusal> {
    make_inheritable(ambient)?;
    nix::sys::prctl::set_keepcaps(true).map_err(system("keep capabilities over the change of user"))
}

/// After a change of user: of all that was kept only `ambient` is left, which is what the application will have.
///
/// # Errors
/// None that is known.
pub fn keep_only(ambient: u64) -> Result<(), Refusal> {
    let Sets { inheritable, .. } = get()?;
    let kept = Sets { effective: ambient, permitted: ambient, inheritable };
    capability::set(kept).map_err(system("drop capabilities"))?;
    nix::sys::prctl::set_keepcaps(false).map_err(system("drop capabilities"))?;
    make_ambient(ambient)
}

fn make_inheritable(wanted: u64) -> Result<(), Refusal> {
    let sets = get()?;
    let missing = wanted & !sets.permitted;
    if missing != 0 {
        return Err(Refusal::NotPermitted { missing });
    }
    if wanted & !sets.inheritable == 0 {
        return Ok(());
    }
    let inheritable = sets.inheritable | wanted;
    capability::set(Sets { inheritable, ..sets }).map_err(|error| match wanted & !capability::bounding(wanted) {
        0 => Refusal::System { what: "make capabilities inheritable", error },
        missing => Refusal::NotInBounding { missing },
    })
}

/// The sets of this process.
///
/// # Errors
/// A seccomp filter forbids to ask.
pub fn get() -> Result<Sets, Refusal> {
    capability::get().map_err(system("read its capabilities"))
}

fn system(what: &'static str) -> impl Fn(Errno) -> Refusal {
    move |error| Refusal::System { what, error }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NotPermitted { missing } => {
                let names = names(*missing);
                write!(f, "cannot keep {names} for the application: onset does not have it; ")?;
                f.write_str("start the container as root, and add it (Docker's --cap-add) if it is dropped")
            }
            Refusal::NotInBounding { missing } => {
                let names = names(*missing);
                write!(
                    f,
                    "cannot keep {names} for the application: it is not in the bounding set the container was given"
                )
            }
            Refusal::CannotDrop { surplus } => {
                let names = names(*surplus);
                write!(f, "cannot take {names} out of the bounding set without CAP_SETPCAP; ")?;
                f.write_str("start the container as root, or drop it there (Docker's --cap-drop)")
            }
            Refusal::System { what, error: Errno::EPERM } => {
                write!(f, "cannot {what}: securebits or a security module of the container forbid it (EPERM)")
            }
            Refusal::System { what, error } => write!(f, "cannot {what}: {}", Because(*error)),
        }
    }
}
