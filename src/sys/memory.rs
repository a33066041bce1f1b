//! Memory that was needed to start and is not needed to wait, and memory that is about to be needed.

use std::ffi::{c_int, c_ulong};

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
fn with_program(each: &mut dyn FnMut(usize, usize)) {
    let table: *const libc::Elf64_Phdr = std::ptr::with_exposed_provenance(told_at_start(libc::AT_PHDR));
    if table.is_null() {
        return;
    }
    // SAFETY: the kernel says where the program's table is, and how many entries it has; it is part of what never changes.
    let headers = unsafe { std::slice::from_raw_parts(table, told_at_start(libc::AT_PHNUM)) };
    let mut moved = 0;
    for header in headers {
        let start = address(header.p_vaddr).wrapping_add(moved);
        match header.p_type {
            // The table comes before all else, and says where it was to be: a program may be loaded anywhere.
            libc::PT_PHDR => moved = table.addr().wrapping_sub(start),
            libc::PT_LOAD if header.p_flags & libc::PF_W == 0 => {
                let aligned = start & !(page_size() - 1);
                each(aligned, address(header.p_memsz) + (start - aligned));
            }
            _ => {}
        }
    }
}

/// A number of the program's headers, which are as wide as an address.
fn address(number: impl TryInto<usize>) -> usize {
    number.try_into().unwrap_or(0)
}

/// What the kernel told the process when it started it (getauxval(3)).
fn told_at_start(what: c_ulong) -> usize {
    // SAFETY: takes an integer.
    address(unsafe { libc::getauxval(what) })
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

/// The largest there is where the kernel does not say.
fn page_size() -> usize {
    match told_at_start(libc::AT_PAGESZ) {
        0 => 65536,
        size => size,
    }
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
