//! The C library's words for errors: ours (`onset::report`), which are in the program anyway. std asks for them where
//! it shows an error of its own.

use nix::errno::Errno;
use onset::report::meaning;
use std::ffi::{c_char, c_int};

// SAFETY: as POSIX has strerror_r(3), which std calls by musl's name for it; nothing else of musl's that is linked does.
#[unsafe(no_mangle)]
unsafe extern "C" fn __xpg_strerror_r(number: c_int, buffer: *mut c_char, size: usize) -> c_int {
    let Some(room) = size.checked_sub(1) else { return libc::ERANGE };
    let words = meaning(Errno::from_raw(number)).as_bytes();
    let length = words.len().min(room);
    // SAFETY: the caller has room for `size` bytes there, and those are fewer.
    unsafe { buffer.cast::<u8>().copy_from_nonoverlapping(words.as_ptr(), length) };
    // SAFETY: this is the last of them.
    unsafe { buffer.add(length).write(0) };
    0
}
