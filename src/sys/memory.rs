//! Memory that was needed to start and is not needed to wait.

use std::ffi::{c_int, c_void};

/// How far below a local variable of a function that makes nothing but a system call the stack may be in use, in bytes.
const CALLS: usize = 1024;
/// How much stack may have been in use: a part of what the kernel keeps free of other mappings below a stack (1 MiB), so
/// that nothing else can be meant.
const DEEPEST: usize = 256 * 1024;

/// Gives back what this process has touched and hardly needs again: the pages of its program that nothing has written to,
/// which are the file's and come back when they are wanted, and the stack below the caller, which comes back empty.
///
/// For the one thread there is. It never fails: what cannot be given back stays.
pub fn give_back() {
    // SAFETY: the callback is called with what dl_iterate_phdr(3) promises, and keeps none of it.
    unsafe { libc::dl_iterate_phdr(Some(give_back_program), std::ptr::null_mut()) };
    give_back_stack();
}

/// The segments of the first object, the program itself, that cannot be written to.
extern "C" fn give_back_program(object: *mut libc::dl_phdr_info, _: usize, _: *mut c_void) -> c_int {
    const STOP: c_int = 1;
    // SAFETY: valid for this call (dl_iterate_phdr(3)).
    let object = unsafe { &*object };
    // SAFETY: the table has that many entries.
    let headers = unsafe { std::slice::from_raw_parts(object.dlpi_phdr, usize::from(object.dlpi_phnum)) };
    for header in headers.iter().filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0) {
        if let (Ok(start), Ok(length)) = (usize::try_from(header.p_vaddr), usize::try_from(header.p_memsz)) {
            let page = page_size();
            let start = usize::try_from(object.dlpi_addr).unwrap_or(0).wrapping_add(start);
            let aligned = start & !(page - 1);
            forget(aligned, length + (start - aligned));
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
}
