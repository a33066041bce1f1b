//! Modes and owners: set so that at no moment anybody may do what neither the old nor the new ones permit.

use super::error::{Refusal, Request, for_write};
use crate::plan::model::Ownership;
use crate::sys::file::{self, Stat};
use nix::errno::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Whose mode and owner are changed.
pub(super) enum Subject<'a> {
    Open(BorrowedFd<'a>),
    Named(BorrowedFd<'a>, &'a OsStr),
}

impl Subject<'_> {
    fn own(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), Refusal> {
        let result = match self {
            Subject::Open(file) => file::change_owner(file, uid, gid),
            Subject::Named(folder, name) => file::change_owner_at(folder, name, uid, gid),
        };
        result.map_err(|error| (error, Request::Own(Ownership { uid, gid })))
    }

    fn mode(&self, mode: u32) -> Result<(), Refusal> {
        let result = match self {
            Subject::Open(file) => file::change_mode(file, mode),
            Subject::Named(folder, name) => file::change_mode_at(folder, name, mode),
        };
        result.map_err(|error| (error, Request::Mode(mode)))
    }
}

/// The part of an owner that something does not have yet.
pub(super) fn missing(owner: Ownership, stat: &Stat) -> Option<Ownership> {
    let uid = owner.uid.filter(|&uid| uid != stat.st_uid);
    let gid = owner.gid.filter(|&gid| gid != stat.st_gid);
    (uid.is_some() || gid.is_some()).then_some(Ownership { uid, gid })
}

/// Makes mode and owner what they are to be, if they are not; whether they were not. At no moment may anybody do what
/// neither the old nor the new ones permit. The user comes last: a root with CAP_CHOWN and no more could not set the
/// mode of what is no longer its own.
pub(super) fn settle(subject: &Subject<'_>, stat: &Stat, mode: Option<u32>, owner: Ownership) -> Result<bool, Refusal> {
    let old = stat.st_mode & 0o7777;
    let mode = mode.unwrap_or(old);
    let Some(Ownership { uid, gid }) = missing(owner, stat) else {
        return if mode == old { Ok(false) } else { subject.mode(mode).map(|()| true) };
    };
    // The kernel takes these bits away with every change of the owner (chown(2)).
    let special = mode & 0o6000;
    let mut now = old;
    if old & !mode != 0 {
        now = old & mode;
        subject.mode(now)?;
    }
    if gid.is_some() {
        subject.own(None, gid)?;
        now &= !special;
    }
    if now != mode {
        subject.mode(mode)?;
    }
    if uid.is_some() {
        subject.own(uid, None)?;
        if special != 0 {
            subject.mode(mode)?;
        }
    }
    Ok(true)
}

/// [`settle`] for something new in the place of, or after the model of, something else: what is not asked for stays as
/// it is there, where that is permitted. Returns whether it could be.
pub(super) fn dress(file: &OwnedFd, mode: u32, owner: Ownership, model: Option<&Stat>) -> Result<bool, Refusal> {
    let kept = Ownership {
        uid: owner.uid.or(model.map(|stat| stat.st_uid)),
        gid: owner.gid.or(model.map(|stat| stat.st_gid)),
    };
    let settle = |mode, owner| {
        let stat = file::stat(file).map_err(for_write)?;
        settle(&Subject::Open(file.as_fd()), &stat, Some(mode), owner)
    };
    match settle(mode, kept) {
        // Not permitted, or an owner our user namespace does not know. Bits that lend an owner's rights are not for
        // another owner.
        Err((Errno::EPERM | Errno::EINVAL, Request::Own(_))) if kept != owner => {
            settle(mode & !0o6000, owner).map(|_| false)
        }
        result => result.map(|_| true),
    }
}
