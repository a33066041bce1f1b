//! Copying and comparing bytes: C's memcpy, memmove and memcmp, which the compiler calls whenever a value is moved and
//! whenever names are compared. musl's begin with `rep movsq`, which takes some 20 ns to get going, and compare byte by
//! byte; most of what we copy and compare is shorter than 64 bytes. Measured: 4 to 6 % of the time of an entrypoint's job.
//!
//! A static program with musl has these in place of musl's; any other has its own C library's, and only tests these.

use std::ffi::c_int;

/// memmove(3): `length` bytes from `from` to `to`, which may overlap.
///
/// What a copy of up to 32 bytes reads it has read before it writes. A longer one has read its last 16 bytes (first, if it goes
/// backwards) before, and writes them at the end; between, it goes away from the side on which the two overlap.
///
/// # Safety
/// As C says: so many bytes can be read there and written here.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
#[cfg_attr(all(target_env = "musl", target_feature = "crt-static"), unsafe(no_mangle))]
pub unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    // rdi: to, rsi: from, rdx: length; rax: what is returned
    std::arch::naked_asm!(
        "mov rax, rdi",
        "cmp rdx, 16",
        "jb 20f",
        "cmp rdx, 32",
        "ja 30f",
        // 16 to 32: the first and the last 16, which may be partly the same
        "movups xmm0, [rsi]",
        "movups xmm1, [rsi + rdx - 16]",
        "movups [rdi], xmm0",
        "movups [rdi + rdx - 16], xmm1",
        "ret",
        // below 16: in the same way by 8, by 4, and the first, the middle and the last of up to 3
        "20:",
        "cmp edx, 8",
        "jb 21f",
        "mov rcx, [rsi]",
        "mov r8, [rsi + rdx - 8]",
        "mov [rdi], rcx",
        "mov [rdi + rdx - 8], r8",
        "ret",
        "21:",
        "cmp edx, 4",
        "jb 22f",
        "mov ecx, [rsi]",
        "mov r8d, [rsi + rdx - 4]",
        "mov [rdi], ecx",
        "mov [rdi + rdx - 4], r8d",
        "ret",
        "22:",
        "test edx, edx",
        "jz 23f",
        "mov r9d, edx",
        "shr r9d",
        "movzx ecx, byte ptr [rsi]",
        "movzx r8d, byte ptr [rsi + rdx - 1]",
        "movzx r10d, byte ptr [rsi + r9]",
        "mov [rdi], cl",
        "mov [rdi + r9], r10b",
        "mov [rdi + rdx - 1], r8b",
        "23:",
        "ret",
        // above 32
        "30:",
        "mov rcx, rdi",
        "sub rcx, rsi",
        "cmp rcx, rdx",
        "jb 40f",
        // forwards: `to` is before `from`, or behind all that is read
        "movups xmm1, [rsi + rdx - 16]",
        "lea r8, [rdi + rdx - 16]",
        "31:",
        "movups xmm0, [rsi]",
        "movups [rdi], xmm0",
        "add rsi, 16",
        "add rdi, 16",
        "cmp rdi, r8",
        "jb 31b",
        "movups [r8], xmm1",
        "ret",
        // backwards: `to` is within what is read
        "40:",
        "movups xmm1, [rsi]",
        "41:",
        "movups xmm0, [rsi + rdx - 16]",
        "movups [rdi + rdx - 16], xmm0",
        "sub rdx, 16",
        "cmp rdx, 16",
        "ja 41b",
        "movups [rdi], xmm1",
        "ret",
    )
}

/// memcpy(3): the same for what does not overlap.
///
/// # Safety
/// As for [`memmove`].
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
#[cfg_attr(all(target_env = "musl", target_feature = "crt-static"), unsafe(no_mangle))]
pub unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    std::arch::naked_asm!("jmp {memmove}", memmove = sym memmove)
}

/// memcmp(3): how the first bytes that differ compare.
///
/// # Safety
/// As C says: so many bytes can be read at both.
#[cfg_attr(all(target_env = "musl", target_feature = "crt-static"), unsafe(no_mangle))]
pub unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, length: usize) -> c_int {
    /// Compares the next of this type, and returns if they differ.
    macro_rules! compare {
        ($number:ty, $at:ident) => {
            // SAFETY: there are as many bytes left, as the caller of memcmp says.
            let left: $number = unsafe { left.wrapping_add($at).cast::<$number>().read_unaligned() };
            // SAFETY: the same.
            let right: $number = unsafe { right.wrapping_add($at).cast::<$number>().read_unaligned() };
            if left != right {
                // The first byte is what counts most.
                return left.to_be().cmp(&right.to_be()) as c_int;
            }
            $at += size_of::<$number>();
        };
    }
    let mut at = 0;
    while length - at >= 8 {
        compare!(u64, at);
    }
    if length - at >= 4 {
        compare!(u32, at);
    }
    while at < length {
        compare!(u8, at);
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than every step at once, and one more.
    const LONGEST: usize = 150;

    fn numbered() -> Vec<u8> {
        (0_u8..=255).chain(0..=255).collect()
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn bytes_are_copied_wherever_they_overlap() {
        for length in 0..=LONGEST {
            for (from, to) in (0..=LONGEST + 20).map(|to| (LONGEST / 2, to)) {
                let (mut copied, mut expected) = (numbered(), numbered());
                expected.copy_within(from..from + length, to);
                let start = copied.as_mut_ptr();
                // SAFETY: all of it is within the 512 bytes.
                let returned = unsafe { memmove(start.wrapping_add(to), start.wrapping_add(from), length) };
                assert_eq!(copied, expected, "{length} bytes from {from} to {to}");
                assert_eq!(returned.addr() - start.addr(), to);
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn bytes_are_copied_to_elsewhere() {
        let from = numbered();
        for length in 0..=LONGEST {
            let mut to = vec![b'.'; LONGEST + 2];
            // SAFETY: all of it is within both.
            unsafe { memcpy(to.as_mut_ptr().wrapping_add(1), from.as_ptr().wrapping_add(3), length) };
            assert_eq!((to[0], &to[1..=length]), (b'.', &from[3..3 + length]));
            assert!(to[1 + length..].iter().all(|&byte| byte == b'.'), "{length} bytes");
        }
    }

    #[test]
    fn the_first_bytes_that_differ_decide() {
        let left = numbered();
        // SAFETY: all of it is within both.
        let compare = |right: &[u8], length| unsafe {
            memcmp(left.as_ptr().wrapping_add(1), right.as_ptr().wrapping_add(1), length)
        };
        for length in 0..=LONGEST {
            assert_eq!(compare(&left.clone(), length), 0);
            for differs in 0..length {
                let mut right = left.clone();
                right[1 + differs] = 0;
                right[1 + length - 1] = 255;
                assert_eq!(
                    compare(&right, length).signum(),
                    if differs + 1 == length { -1 } else { 1 },
                    "{differs} of {length}"
                );
                assert_eq!(compare(&right, differs), 0, "before {differs}");
            }
        }
    }
}
