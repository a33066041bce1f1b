//! The C library's allocator: ours, for what getaddrinfo, opendir and others of its functions allocate. Its own, which a
//! static program has only if something calls it, is 9 KB.

use super::ALLOCATOR;
use std::ffi::{c_int, c_void};
use std::ptr;

/// What malloc's memory is aligned to: good for every type of C (`max_align_t`).
const ANY_TYPE: usize = 16;

// SAFETY: with those below it is all that gives and takes C's memory, so no two allocators meet.
#[unsafe(no_mangle)]
extern "C" fn malloc(size: usize) -> *mut c_void {
    ALLOCATOR.give(ANY_TYPE, size)
}

// SAFETY: see malloc.
#[unsafe(no_mangle)]
extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    let Some(size) = count.checked_mul(size) else { return ptr::null_mut() };
    let pointer = ALLOCATOR.give(ANY_TYPE, size);
    if !pointer.is_null() {
        // SAFETY: `size` bytes that nobody else has.
        unsafe { pointer.cast::<u8>().write_bytes(0, size) };
    }
    pointer
}

// SAFETY: see malloc.
#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(pointer: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: as the caller says.
    unsafe { ALLOCATOR.resize(pointer, size) }
}

// SAFETY: see malloc.
#[unsafe(no_mangle)]
unsafe extern "C" fn free(pointer: *mut c_void) {
    // SAFETY: as the caller says.
    unsafe { ALLOCATOR.take_back(pointer) };
}

// SAFETY: see malloc.
#[unsafe(no_mangle)]
unsafe extern "C" fn posix_memalign(result: *mut *mut c_void, align: usize, size: usize) -> c_int {
    let pointer = ALLOCATOR.give(align, size);
    if pointer.is_null() {
        return libc::ENOMEM;
    }
    // SAFETY: the caller has room for a pointer there.
    unsafe { result.write(pointer) };
    0
}
