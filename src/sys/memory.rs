//! Memory that was needed to start and is not needed to wait, and memory that is about to be needed.

use std::ffi::{c_int, c_void};

/// How far below a local variable of a function that makes nothing but a system call the stack may be in use, in bytes.
const CALLS: usize = 1024;
/// How much stack may have been in use: a part of what the kernel keeps free of other mappings below a stack (1 MiB), so
/// that nothing else can be meant.
const DEEPEST: usize = 256 * 1024;

/// How much memory and how much stack a preparation takes that renders a few templates, in bytes.
const HEAP: usize = 128 * 1024;
const STACK: usize = 40 * 1024;

/// Has the kernel bring in at once what a new process is about to touch: memory, stack, and the program's pages. One by one
/// they are some seventy page faults, a tenth of what an ordinary preparation costs.
///
/// It never fails: what is not brought in comes when it is wanted, as always before Linux 5.14 (madvise(2)).
pub fn bring_in() {
    let room = Vec::<u8>::with_capacity(HEAP);
    bring_in_range(room.as_ptr().addr(), HEAP, libc::MADV_POPULATE_WRITE);
    let here = 0_u8;
    bring_in_range((&raw const here).addr().saturating_sub(STACK), STACK, libc::MADV_POPULATE_WRITE);
    with_program(&mut |start, length| bring_in_range(start, length, libc::MADV_POPULATE_READ));
}

/// The pages that are in the range as a whole.
fn bring_in_range(start: usize, length: usize, how: c_int) {
    let page = page_size();
    let (first, end) = (start.next_multiple_of(page), (start + length) & !(page - 1));
    // SAFETY: makes pages present that are there by right, and changes nothing in them.
    unsafe { libc::madvise(std::ptr::without_provenance_mut(first), end.saturating_sub(first), how) };
}

/// Gives back what this process has touched and hardly needs again: the pages of its program that nothing has written to,
/// which are the file's and come back when they are wanted, and the stack below the caller, which comes back empty.
///
/// For the one thread there is. It never fails: what cannot be given back stays.
pub fn give_back() {
    with_program(&mut forget);
    give_back_stack();
}

/// The segments of the program itself that cannot be written to: where each starts, at a page, and its length.
fn with_program(mut each: &mut dyn FnMut(usize, usize)) {
    // SAFETY: the callback is called with what dl_iterate_phdr(3) promises, and keeps none of it; what it is passed is ours
    // for as long as the call lasts.
    unsafe { libc::dl_iterate_phdr(Some(first_object), (&raw mut each).cast()) };
}

/// The program is the first object.
extern "C" fn first_object(object: *mut libc::dl_phdr_info, _: usize, each: *mut c_void) -> c_int {
    const STOP: c_int = 1;
    // SAFETY: from `with_program`, which waits for us.
    let each = unsafe { &mut *each.cast::<&mut dyn FnMut(usize, usize)>() };
    // SAFETY: valid for this call (dl_iterate_phdr(3)).
    let object = unsafe { &*object };
    // SAFETY: the table has that many entries.
    let headers = unsafe { std::slice::from_raw_parts(object.dlpi_phdr, usize::from(object.dlpi_phnum)) };
    for header in headers.iter().filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0) {
        if let (Ok(start), Ok(length)) = (usize::try_from(header.p_vaddr), usize::try_from(header.p_memsz)) {
            let start = usize::try_from(object.dlpi_addr).unwrap_or(0).wrapping_add(start);
            let aligned = start & !(page_size() - 1);
            each(aligned, length + (start - aligned));
        }
    }
    STOP
}

#[inline(never)]
fn give_back_stack() {
    let here = 0_u8;
    let top = (&raw const here).addr().saturating_sub(CALLS) & !(page_size() - 1);
    forget(top.saturating_sub(DEEPEST), DEEPEST);
}

/// madvise(2). Of an error there is nothing to be done: a part of the range may never have been mapped.
fn forget(start: usize, length: usize) {
    // SAFETY: what is given back is either a file's, unchanged, or stack below every live frame: reading it again gives the
    // same, or nobody reads it.
    unsafe { libc::madvise(std::ptr::without_provenance_mut(start), length, libc::MADV_DONTNEED) };
}

fn page_size() -> usize {
    // SAFETY: takes an integer.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(65536)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_back_is_there_when_it_is_wanted() {
        let words = ["read-only", "data"];
        let before = words.concat();
        give_back();
        assert_eq!(words.concat(), before);
    }

    #[test]
    fn what_is_brought_in_is_as_it_was() {
        let words = ["read-only", "data"];
        bring_in();
        assert_eq!(words.concat(), "read-onlydata");
    }
}
