//! System calls without a libc, for programs whose own cost must not hide that of others. x86_64 only.
#![no_std]
#![allow(unsafe_code)] // this is what is below every libc

#[cfg(not(target_arch = "x86_64"))]
compile_error!("the benchmark's own programs know the system calls of x86_64 only");

use core::arch::asm;

/// A set of all signals.
pub const ALL: u64 = u64::MAX;

static EVERY: u64 = ALL;

/// SIGCHLD.
pub const SIGCHLD: i32 = 17;

/// The start of a program: `$main` gets argc, argv and envp as the kernel laid them out, and must not return.
///
/// Not where the program is checked as a test, which has std and a start of its own.
#[macro_export]
macro_rules! start {
    ($main:ident) => {
        #[cfg(not(test))]
        core::arch::global_asm!(
            ".globl _start",
            "_start:",
            "mov rdi, [rsp]",
            "lea rsi, [rsp + 8]",
            "lea rdx, [rsp + rdi * 8 + 16]",
            "and rsp, -16",
            "call {main}",
            "ud2",
            main = sym $main,
        );

        #[cfg(not(test))]
        #[panic_handler]
        fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
            $crate::exit(101)
        }
    };
}

/// A system call as it is; a negative result is an error number.
///
/// # Safety
/// As the man page of that call says. Arguments that are not given are zero.
#[inline(always)]
#[allow(clippy::inline_always, reason = "the floor is to have no call that could be left out")]
pub unsafe fn syscall<const N: usize>(number: usize, args: [usize; N]) -> isize {
    let arg = |index: usize| args.get(index).copied().unwrap_or(0);
    let result;
    // SAFETY: the kernel changes rax, rcx and r11, and what the caller has answered for.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") arg(0),
            in("rsi") arg(1),
            in("rdx") arg(2),
            in("r10") arg(3),
            in("r8") arg(4),
            in("r9") arg(5),
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// exit_group(2).
pub fn exit(status: i32) -> ! {
    loop {
        // SAFETY: ends the process.
        unsafe { syscall(231, [status.cast_unsigned() as usize]) };
    }
}

/// write(2), once.
pub fn write(fd: usize, bytes: &[u8]) {
    // SAFETY: reads from a live slice.
    unsafe { syscall(1, [fd, bytes.as_ptr() as usize, bytes.len()]) };
}

/// `CLOCK_MONOTONIC`, in nanoseconds.
pub fn now() -> u64 {
    let mut time = [0_u64; 2];
    // SAFETY: writes a timespec, which is two words, into the live array.
    unsafe { syscall(228, [1, time.as_mut_ptr() as usize]) };
    time[0] * 1_000_000_000 + time[1]
}

/// rt_sigprocmask(2) with `SIG_SETMASK`.
pub fn set_mask(set: u64) {
    // SAFETY: reads 8 bytes of a live local.
    unsafe { syscall(14, [2, &raw const set as usize, 0, 8]) };
}

/// rt_sigtimedwait(2) for all signals; without a limit if there is none. The signal, or a negative error number.
pub fn wait_for_signal(limit: Option<&[u64; 2]>) -> i32 {
    let limit = limit.map_or(0, |limit| limit.as_ptr() as usize);
    // SAFETY: reads 8 bytes of a constant and, if there is one, a timespec of two words.
    let signal = unsafe { syscall(128, [&raw const EVERY as usize, 0, limit, 8]) };
    i32::try_from(signal).unwrap_or(-1)
}

/// kill(2). Zero, or a negative error number.
pub fn kill(pid: i32, signal: i32) -> isize {
    // SAFETY: takes numbers.
    unsafe { syscall(62, [pid.cast_unsigned() as usize, signal.cast_unsigned() as usize]) }
}

/// wait4(2): the pid, zero or a negative error number, and the status.
pub fn wait(pid: i32, options: usize) -> (i32, i32) {
    let mut status = 0_i32;
    // SAFETY: writes an int into a live local.
    let pid = unsafe { syscall(61, [pid.cast_unsigned() as usize, &raw mut status as usize, options]) };
    (i32::try_from(pid).unwrap_or(-1), status)
}

/// waitid(2) for the end of this child, which stays a zombie.
pub fn wait_and_leave(pid: i32) {
    const P_PID: usize = 1;
    const WEXITED_WNOWAIT: usize = 4 | 0x0100_0000;
    let mut info = [0_u64; 16];
    let args = [P_PID, pid.cast_unsigned() as usize, info.as_mut_ptr() as usize, WEXITED_WNOWAIT];
    // SAFETY: writes a siginfo, 128 bytes, into the live array, and no rusage.
    unsafe { syscall(247, args) };
}

/// fork(2).
pub fn fork() -> i32 {
    // SAFETY: the child has a copy of everything.
    i32::try_from(unsafe { syscall(57, []) }).unwrap_or(-1)
}

/// pause(2), for ever.
pub fn sleep() -> ! {
    loop {
        // SAFETY: takes nothing.
        unsafe { syscall(34, []) };
    }
}

/// nanosleep(2).
pub fn rest(nanoseconds: u64) {
    let time = [0, nanoseconds];
    // SAFETY: reads a timespec of two words.
    unsafe { syscall(35, [time.as_ptr() as usize]) };
}

/// A new page, zeroed, that is shared with children. Null if there is none to be had.
pub fn shared_page() -> *mut u8 {
    const READ_AND_WRITE: usize = 3;
    const SHARED_AND_ANONYMOUS: usize = 0x21;
    // SAFETY: the kernel chooses the place, where nothing is yet.
    let page = unsafe { syscall(9, [0, 4096, READ_AND_WRITE, SHARED_AND_ANONYMOUS, usize::MAX, 0]) };
    if page < 0 { core::ptr::null_mut() } else { page.cast_unsigned() as *mut u8 }
}
