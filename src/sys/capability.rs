//! Capabilities of this process (capabilities(7)), as masks: bit n for capability n.

use nix::errno::Errno;

/// What the process may do now, what it could take back, and what passes to a file that inherits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sets {
    /// What the kernel looks at.
    pub effective: u64,
    /// What can be made effective.
    pub permitted: u64,
    /// What execve(2) hands to a file that asks for it; an ambient capability has to be in it too.
    pub inheritable: u64,
}

/// `_LINUX_CAPABILITY_VERSION_3`: 64 bits, in two halves.
const VERSION: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

/// One half: effective, permitted, inheritable.
type Half = [u32; 3];

/// capget(2) of this process.
///
/// # Errors
/// A seccomp filter forbids it; nothing else can.
pub fn get() -> nix::Result<Sets> {
    let header = Header { version: VERSION, pid: 0 };
    let mut halves: [Half; 2] = [[0; 3]; 2];
    // SAFETY: capget reads the header and, of this version, writes two halves, through live pointers. The system call,
    // because libc has no wrapper.
    let result = unsafe { libc::syscall(libc::SYS_capget, &raw const header, &raw mut halves) };
    Errno::result(result)?;
    let [low, high] = halves;
    let join = |set: usize| u64::from(high[set]) << 32 | u64::from(low[set]);
    Ok(Sets { effective: join(0), permitted: join(1), inheritable: join(2) })
}

/// capset(2) of this process.
///
/// # Errors
/// EPERM: more permitted than before, effective beyond permitted, or inheritable beyond what was inheritable, permitted
/// or in the bounding set.
pub fn set(sets: Sets) -> nix::Result<()> {
    let header = Header { version: VERSION, pid: 0 };
    let Sets { effective, permitted, inheritable } = sets;
    let half = |shift: u32| {
        [effective, permitted, inheritable].map(|set| u32::try_from(set >> shift & u64::from(u32::MAX)).unwrap_or(0))
    };
    let halves: [Half; 2] = [half(0), half(32)];
    // SAFETY: capset reads the header and, of this version, two halves, through live pointers.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw const header, &raw const halves) };
    Errno::result(result).map(drop)
}

/// Which of these are in the bounding set: what execve(2) can ever give.
pub fn bounding(of: u64) -> u64 {
    each(of, libc::PR_CAPBSET_READ, 0)
}

/// Which of these are in the ambient set: what execve(2) leaves to a user who is not root. None before Linux 4.3.
pub fn ambient(of: u64) -> u64 {
    each(of, libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_IS_SET)
}

/// Asks for one capability after the other; the kernel refuses those it does not know.
fn each(of: u64, option: i32, action: i32) -> u64 {
    let is_set = |number: &i32| {
        let (first, second) = if option == libc::PR_CAP_AMBIENT { (action, *number) } else { (*number, 0) };
        prctl(option, first, second) == Ok(1)
    };
    numbers(of).filter(is_set).fold(0, |set, number| set | 1 << number)
}

/// The numbers of the capabilities in a set.
pub fn numbers(set: u64) -> impl Iterator<Item = i32> {
    (0..64).filter(move |number| set & 1 << number != 0)
}

/// Takes one capability out of the bounding set, for good.
///
/// # Errors
/// EPERM without `CAP_SETPCAP`; EINVAL for one the kernel does not know.
pub fn drop_from_bounding(number: i32) -> nix::Result<()> {
    prctl(libc::PR_CAPBSET_DROP, number, 0).map(drop)
}

/// Puts one capability into the ambient set.
///
/// # Errors
/// EPERM if it is not both permitted and inheritable, or if securebits forbid it; EINVAL for one the kernel does not
/// know, or before Linux 4.3.
pub fn raise_ambient(number: i32) -> nix::Result<()> {
    prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, number).map(drop)
}

fn prctl(option: i32, first: i32, second: i32) -> nix::Result<i32> {
    let arguments = [first, second].map(libc::c_long::from);
    let none: libc::c_long = 0;
    // SAFETY: these options take integers only.
    Errno::result(unsafe { libc::prctl(option, arguments[0], arguments[1], none, none) })
}
