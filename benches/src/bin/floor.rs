//! The least that an init can be: no libc, no allocation, five system calls in its life if nothing happens. It shows how
//! near the others are to what cannot be undercut; as an init it lacks everything else.
#![cfg_attr(not(test), no_std, no_main)]
#![cfg_attr(test, allow(dead_code, unused_imports))] // see bare::start
#![allow(unsafe_code, missing_docs)] // there is no libc below

use bare::{ALL, SIGCHLD, exit, kill, set_mask, wait, wait_for_signal};
use core::arch::asm;

bare::start!(begin);

extern "C" fn begin(_argc: usize, argv: *const usize, envp: usize) -> ! {
    // The kernel drops a signal that PID 1 has no handler for, unless it is blocked.
    set_mask(ALL);
    // SAFETY: argv[0] is our own name; the command is behind it.
    let command = unsafe { argv.add(1) };
    // SAFETY: argv has a null word at its end, so there is a word to be read.
    let program = unsafe { *command };
    let application = start(program, command as usize, envp);
    if application <= 0 {
        exit(125);
    }
    loop {
        let signal = wait_for_signal(None);
        if signal == SIGCHLD {
            reap(application);
        } else if signal > 0 {
            kill(application, signal);
        }
    }
}

fn reap(application: i32) {
    const WNOHANG: usize = 1;
    loop {
        let (pid, status) = wait(-1, WNOHANG);
        if pid == application {
            let signal = status & 0x7f;
            exit(if signal == 0 { (status >> 8) & 0xff } else { 128 + signal });
        }
        if pid <= 0 {
            return;
        }
    }
}

/// vfork, and in the child: no signal blocked, execve.
fn start(program: usize, argv: usize, envp: usize) -> i32 {
    let none = 0_u64;
    let pid: isize;
    // SAFETY: the child of vfork shares our memory and stack, and we stand still until it has executed or ended. It never
    // leaves this block, writes no memory, and what it does to registers is its own.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "mov eax, 14",      // rt_sigprocmask(SIG_SETMASK, &none, NULL, 8)
            "mov edi, 2",
            "mov rsi, r9",
            "xor edx, edx",
            "mov r10d, 8",
            "syscall",
            "mov eax, 59",      // execve(program, argv, envp)
            "mov rdi, r12",
            "mov rsi, r13",
            "mov rdx, r14",
            "syscall",
            "mov edi, 127",
            "mov eax, 231",     // exit_group(127)
            "syscall",
            "2:",
            inlateout("rax") 58_isize => pid, // vfork
            in("r9") &raw const none,
            in("r12") program,
            in("r13") argv,
            in("r14") envp,
            out("rdi") _,
            out("rsi") _,
            out("rdx") _,
            out("r10") _,
            out("rcx") _,
            out("r11") _,
        );
    }
    i32::try_from(pid).unwrap_or(-1)
}
