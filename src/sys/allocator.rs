//! The allocator of the binary: dlmalloc, without a lock, for onset has one thread.
//!
//! The C library's gives memory back to the kernel, and asks for it again, with every other allocation: a hundred system
//! calls in an ordinary preparation, which is over in a millisecond.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::ffi::c_void;

/// To be had as `#[global_allocator]` by a program that never starts a thread, and by no other.
pub struct OneThread(UnsafeCell<dlmalloc::Dlmalloc>);

impl OneThread {
    /// One that has allocated nothing yet.
    ///
    /// # Safety
    /// The program has one thread for as long as it lives.
    pub const unsafe fn new() -> Self {
        OneThread(UnsafeCell::new(dlmalloc::Dlmalloc::new()))
    }
}

/// For C's functions (malloc(3)), which do not say how large what they give back is. No memory is a null pointer.
impl OneThread {
    /// `size` bytes at a multiple of `align`, which is a power of two.
    pub fn give(&self, align: usize, size: usize) -> *mut c_void {
        // SAFETY: the only reference there is, see below.
        let allocator = unsafe { &mut *self.0.get() };
        // SAFETY: dlmalloc wants nothing of who calls it.
        unsafe { allocator.c_memalign(align, size) }.cast()
    }

    /// The same with `size` bytes; a null pointer is nothing yet.
    ///
    /// # Safety
    /// `pointer` is null, or came from here and was not taken back.
    pub unsafe fn resize(&self, pointer: *mut c_void, size: usize) -> *mut c_void {
        // SAFETY: the only reference there is, see below.
        let allocator = unsafe { &mut *self.0.get() };
        // SAFETY: as the caller says.
        unsafe { allocator.c_realloc(pointer.cast(), size) }.cast()
    }

    /// Takes it back, if it is not null.
    ///
    /// # Safety
    /// As for [`OneThread::resize`]; nobody uses it any more.
    pub unsafe fn take_back(&self, pointer: *mut c_void) {
        // SAFETY: the only reference there is, see below.
        let allocator = unsafe { &mut *self.0.get() };
        // SAFETY: as the caller says.
        unsafe { allocator.c_free(pointer.cast()) };
    }
}

// SAFETY: there is one thread (`new`), so nobody shares it.
unsafe impl Sync for OneThread {}

// SAFETY: what comes from dlmalloc is what the trait wants; each reference to it ends within the call, and nothing in there
// allocates.
unsafe impl GlobalAlloc for OneThread {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the only reference there is, see above.
        let allocator = unsafe { &mut *self.0.get() };
        // SAFETY: as the caller says.
        unsafe { allocator.malloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the only reference there is, see above.
        let allocator = unsafe { &mut *self.0.get() };
        // SAFETY: as the caller says.
        unsafe { allocator.free(pointer, layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the only reference there is, see above.
        let allocator = unsafe { &mut *self.0.get() };
        // SAFETY: as the caller says.
        unsafe { allocator.calloc(layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the only reference there is, see above.
        let allocator = unsafe { &mut *self.0.get() };
        // SAFETY: as the caller says.
        unsafe { allocator.realloc(pointer, layout.size(), layout.align(), size) }
    }
}
