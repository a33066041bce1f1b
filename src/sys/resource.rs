//! Resource limits and niceness of this process.

use nix::errno::Errno;

/// A resource limit; `u64::MAX` for none (`RLIM_INFINITY`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Limit {
    /// What is enforced.
    pub soft: u64,
    /// How far `soft` can be raised.
    pub hard: u64,
}

/// prlimit(2): the limit there is.
///
/// # Errors
/// EINVAL for a resource that the kernel does not know.
pub fn limit(resource: u32) -> nix::Result<Limit> {
    let mut limit = Limit { soft: 0, hard: 0 };
    prlimit(resource, std::ptr::null(), &raw mut limit)?;
    Ok(limit)
}

/// prlimit(2): a new limit.
///
/// # Errors
/// EPERM: `hard` is above what there is and `CAP_SYS_RESOURCE` is missing, or it is more files than the kernel takes;
/// EINVAL: `soft` is above `hard`.
pub fn set_limit(resource: u32, limit: Limit) -> nix::Result<()> {
    prlimit(resource, &raw const limit, std::ptr::null_mut())
}

/// The system call, whose limits have 64 bits under every libc.
fn prlimit(resource: u32, new: *const Limit, old: *mut Limit) -> nix::Result<()> {
    // SAFETY: the kernel reads one limit through `new` and writes one through `old`, where they are not null; both
    // callers pass live ones, laid out as its rlimit64.
    let result = unsafe { libc::syscall(libc::SYS_prlimit64, 0, resource, new, old) };
    Errno::result(result).map(drop)
}

/// The niceness, -20 to 19 (getpriority(2)).
pub fn niceness() -> i32 {
    // SAFETY: takes two integers. The system call itself cannot fail for this process, and answers 20 less the niceness,
    // where libc's wrapper cannot be told from a failure.
    let result = unsafe { libc::syscall(libc::SYS_getpriority, libc::PRIO_PROCESS, 0) };
    i32::try_from(20 - result).unwrap_or(0)
}

/// setpriority(2).
///
/// # Errors
/// EACCES: less nice than now, without `CAP_SYS_NICE` or enough of the limit `nice`.
pub fn set_niceness(niceness: i32) -> nix::Result<()> {
    // SAFETY: takes three integers.
    let result = unsafe { libc::syscall(libc::SYS_setpriority, libc::PRIO_PROCESS, 0, niceness) };
    Errno::result(result).map(drop)
}
