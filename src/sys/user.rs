//! Who this process is to the kernel (credentials(7)). The system calls: libc's functions change all threads, with a good
//! deal of code, and there is one.

use nix::errno::Errno;
use std::ffi::c_long;

/// For setresuid(2) and setresgid(2): the id stays.
const SAME: u32 = u32::MAX;

/// The supplementary groups, in order.
pub fn groups() -> nix::Result<Vec<u32>> {
    // SAFETY: for a size of 0 nothing is written (getgroups(2)).
    let count = Errno::result(unsafe { libc::getgroups(0, std::ptr::null_mut()) })?;
    let mut groups = vec![0; usize::try_from(count).unwrap_or(0)];
    // SAFETY: the kernel writes at most `count` ids to a live slice of that length.
    Errno::result(unsafe { libc::getgroups(count, groups.as_mut_ptr()) })?;
    groups.sort_unstable();
    Ok(groups)
}

/// Sets the supplementary groups.
pub fn set_groups(groups: &[u32]) -> nix::Result<()> {
    // SAFETY: setgroups reads that many ids from a live slice.
    let result = unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) };
    Errno::result(result).map(drop)
}

/// The real, effective and saved group.
pub fn set_group(group: u32) -> nix::Result<()> {
    set(libc::SYS_setresgid, [group, group, group])
}

/// The real, effective and saved user.
pub fn set_user(user: u32) -> nix::Result<()> {
    set(libc::SYS_setresuid, [user, user, user])
}

/// The effective group alone.
pub fn set_effective_group(group: u32) -> nix::Result<()> {
    set(libc::SYS_setresgid, [SAME, group, SAME])
}

/// The effective user alone.
pub fn set_effective_user(user: u32) -> nix::Result<()> {
    set(libc::SYS_setresuid, [SAME, user, SAME])
}

fn set(call: c_long, ids: [u32; 3]) -> nix::Result<()> {
    // SAFETY: both take three integers.
    Errno::result(unsafe { libc::syscall(call, ids[0], ids[1], ids[2]) }).map(drop)
}
