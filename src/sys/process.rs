//! Processes: making one, becoming another, ending.

use super::words::Words;
use nix::errno::Errno;
use nix::unistd::{ForkResult, Pid};
use std::ffi::{CStr, c_int, c_void};

/// What [`fork`] returns, once in each of the two processes.
pub enum Side {
    /// In the process that called.
    Parent {
        /// The new process.
        child: Pid,
    },
    /// In the new process.
    Child,
}

/// fork(2). onset has one thread, so the child may do all that its parent may.
pub fn fork() -> nix::Result<Side> {
    // SAFETY: the hazard of fork is other threads' locks; onset never starts a thread.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Side::Parent { child }),
        ForkResult::Child => Ok(Side::Child),
    }
}

/// How much stack a child that borrows our memory has. What it does not touch costs nothing.
const BORROWED_STACK: usize = 256 * 1024;

/// Makes a process that has our memory, and waits until it has executed a program or ended (clone(2) with `CLONE_VM` and
/// `CLONE_VFORK`, as posix_spawn(3) does it). No page table is copied and no page of ours is made twice, which is a third of
/// what a start costs. Everything else is the child's own: its signal mask, dispositions, group, descriptors, folder.
///
/// What `child` leaves in memory is ours when it is gone, so it leaves nothing that must not be; where this is emulated
/// (qemu-user) it has a copy, so nothing may depend on it either. It has to end in [`exec`] or [`exit_now`].
pub fn fork_borrowing(child: &dyn Fn()) -> nix::Result<Pid> {
    extern "C" fn enter(child: *mut c_void) -> c_int {
        // SAFETY: what is passed below, in the frame of a caller who waits.
        let child = unsafe { &*child.cast::<&dyn Fn()>() };
        child();
        exit_now(1)
    }
    let (read_write, private) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: asks for new memory, wherever there is room.
    let stack =
        unsafe { libc::mmap(std::ptr::null_mut(), BORROWED_STACK, read_write, private | libc::MAP_STACK, -1, 0) };
    if stack == libc::MAP_FAILED {
        return Err(Errno::last());
    }
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    let argument = (&raw const child).cast_mut().cast();
    // SAFETY: one past the end of the mapping, whose start and length are those of pages, and so aligned for a stack.
    let top = unsafe { stack.byte_add(BORROWED_STACK) };
    // SAFETY: the child has a stack of its own, and we touch nothing until it is gone.
    let process = Errno::result(unsafe { libc::clone(enter, top, flags, argument) });
    // SAFETY: mapped above, and nobody's any more.
    unsafe { libc::munmap(stack, BORROWED_STACK) };
    process.map(Pid::from_raw)
}

/// execve(2). Returns only when it fails.
pub fn exec(path: &CStr, argv: Words, envp: Words) -> Errno {
    // SAFETY: path is a C string, both vectors are NULL-terminated and live as long as the process (Words).
    unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    Errno::last()
}

/// Puts `process` into a process group of its own. Parent and child both call it, so that the group is there for
/// whichever goes on first; the one that comes late fails (EACCES after the child's execve), and that is right.
pub fn lead_own_group(process: Pid) {
    let _: nix::Result<()> = nix::unistd::setpgid(process, process);
}

/// The name that `ps` and `/proc/PID/comm` show of this process, 15 bytes at most (`PR_SET_NAME`).
pub fn set_name(name: &CStr) {
    // SAFETY: prctl reads a C string through a live pointer; it copies 16 bytes at most, and stops at the NUL.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr(), 0, 0, 0) };
}

/// Makes orphaned descendants come to this process, as they come to PID 1 (`PR_SET_CHILD_SUBREAPER`, Linux 3.4), or no
/// more. execve(2) keeps it.
///
/// # Errors
/// The kernel is older.
pub fn set_sub_reaper(on: bool) -> nix::Result<()> {
    // SAFETY: prctl takes integers here.
    let result = unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, i32::from(on), 0, 0, 0) };
    Errno::result(result).map(drop)
}

/// Makes this process end when its parent does, by whatever that is ended. The kernel forgets this when the user changes, so it
/// comes after that; execve(2) keeps it.
pub fn end_with(parent: Pid) {
    let _old_kernel: nix::Result<()> = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
    if nix::unistd::getppid() != parent {
        exit_now(0)
    }
}

/// Whether orphaned descendants come to this process because of [`set_sub_reaper`].
pub fn is_sub_reaper() -> bool {
    let mut on: libc::c_int = 0;
    // SAFETY: prctl writes one int through the pointer; `on` is a live local.
    unsafe { libc::prctl(libc::PR_GET_CHILD_SUBREAPER, &raw mut on, 0, 0, 0) };
    on != 0
}

/// Ends the process at once: no exit handlers, nothing to flush.
pub fn exit_now(status: u8) -> ! {
    // SAFETY: _exit takes an integer and does not return.
    unsafe { libc::_exit(i32::from(status)) }
}
