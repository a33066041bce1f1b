//! The entry point: before libc, every signal is blocked.
//!
//! The kernel drops a signal that PID 1 has no handler for, unless it is blocked: blocked, it waits for us. So the
//! very first system call of the process blocks them all, before libc starts; what was blocked before is kept for the
//! application. Every peer loses what arrives while its libc starts and its arguments are parsed.

use super::signal::{self, SignalSet};
use super::words::Words;
use std::ffi::{c_char, c_int};
use std::sync::atomic::{AtomicU64, Ordering};

/// No kernel reports SIGKILL as blocked, so this mask stands for "the entry point did not run".
const NOT_TAKEN: u64 = u64::MAX;

static EVERY_SIGNAL: AtomicU64 = AtomicU64::new(u64::MAX);
static INHERITED_MASK: AtomicU64 = AtomicU64::new(NOT_TAKEN);

// rt_sigprocmask(SIG_BLOCK, &EVERY_SIGNAL, &INHERITED_MASK, 8), then libc's own entry point with every register it
// looks at as it was: the stack pointer, and rdx (x86_64) or x0 (aarch64), where a dynamic loader leaves an address.
#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    ".pushsection .text.onset_start, \"ax\", @progbits",
    ".globl onset_start",
    ".type onset_start, @function",
    "onset_start:",
    "mov r12, rdx",
    "mov eax, 14",
    "xor edi, edi",
    "lea rsi, [rip + {every}]",
    "lea rdx, [rip + {inherited}]",
    "mov r10d, 8",
    "syscall",
    "mov rdx, r12",
    "jmp _start",
    ".popsection",
    every = sym EVERY_SIGNAL,
    inherited = sym INHERITED_MASK,
);

#[cfg(target_arch = "aarch64")]
std::arch::global_asm!(
    ".pushsection .text.onset_start, \"ax\", @progbits",
    ".globl onset_start",
    ".type onset_start, @function",
    "onset_start:",
    "mov x19, x0",
    "mov x8, #135",
    "mov x0, #0",
    "adrp x1, {every}",
    "add x1, x1, :lo12:{every}",
    "adrp x2, {inherited}",
    "add x2, x2, :lo12:{inherited}",
    "mov x3, #8",
    "svc #0",
    "mov x0, x19",
    "b _start",
    ".popsection",
    every = sym EVERY_SIGNAL,
    inherited = sym INHERITED_MASK,
);

/// What the process was started with, read once.
pub struct Start {
    /// The argument vector, onset's own name first. Empty if the caller of execve(2) passed none.
    pub argv: Words,
    /// The environment, each entry as it was given, well-formed or not.
    pub envp: Words,
    /// The signals that were blocked when onset started. All are blocked now.
    pub inherited_mask: SignalSet,
}

impl Start {
    /// Takes C's arguments of `main`.
    ///
    /// # Safety
    /// They are C's arguments of `main`, as they were passed.
    pub unsafe fn from_main(argc: c_int, argv: *const *const c_char, envp: *const *const c_char) -> Self {
        let inherited_mask = match INHERITED_MASK.load(Ordering::Relaxed) {
            NOT_TAKEN => signal::set_mask(SignalSet::ALL),
            taken => SignalSet::from_bits(taken),
        };
        let argc = usize::try_from(argc).unwrap_or(0);
        // SAFETY: main's arguments (our caller's duty): the kernel laid both vectors out, NULL at their ends, for the
        // life of the process, and argv has argc words.
        let argv = unsafe { Words::from_raw(argv, argc) };
        // SAFETY: as above.
        let envp = unsafe { Words::from_null_terminated(envp) };
        Start { argv, envp, inherited_mask }
    }
}
