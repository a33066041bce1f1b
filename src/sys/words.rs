//! A vector of C strings as execve(2) gives and takes it: argv, the environment.

use std::ffi::{CStr, CString, c_char};

/// Words that live as long as the process, in one NULL-terminated vector: handed on without a copy, byte for byte.
#[derive(Clone, Copy)]
pub struct Words {
    first: *const *const c_char,
    count: usize,
}

impl Words {
    /// # Safety
    /// `first` points at `count` pointers to C strings and a NULL, none of which changes or goes away while the
    /// process lives.
    pub unsafe fn from_raw(first: *const *const c_char, count: usize) -> Self {
        Words { first, count }
    }

    /// # Safety
    /// As [`Words::from_raw`], the end being the first NULL.
    pub unsafe fn from_null_terminated(first: *const *const c_char) -> Self {
        let mut count = 0;
        // SAFETY: the caller says that a NULL ends the vector; no element beyond it is read.
        while !unsafe { *first.wrapping_add(count) }.is_null() {
            count += 1;
        }
        Words { first, count }
    }

    /// Words of our own, kept for the life of the process.
    pub fn from_owned(words: Vec<CString>) -> Self {
        Words::from_pointers(words.into_iter().map(|word| word.into_raw().cast_const()).collect())
    }

    fn from_pointers(mut words: Vec<*const c_char>) -> Self {
        let count = words.len();
        words.push(std::ptr::null());
        Words { first: words.leak().as_ptr(), count }
    }

    /// How many words there are.
    pub fn len(self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.count == 0
    }

    /// The words from `start` on; none if there are fewer.
    #[must_use]
    pub fn skip(self, start: usize) -> Words {
        let start = start.min(self.count);
        Words { first: self.first.wrapping_add(start), count: self.count - start }
    }

    /// The words but for the one at `index`.
    #[must_use]
    pub fn without(self, index: usize) -> Words {
        let mut words: Vec<_> = self.iter().map(CStr::as_ptr).collect();
        if index < words.len() {
            words.remove(index);
        }
        Words::from_pointers(words)
    }

    /// The word at `index`.
    pub fn get(self, index: usize) -> Option<&'static CStr> {
        if index >= self.count {
            return None;
        }
        // SAFETY: the vector has an element at every index below count (from_raw's duty).
        let word = unsafe { *self.first.wrapping_add(index) };
        // SAFETY: each is a C string that lives as long as the process (from_raw's duty).
        Some(unsafe { CStr::from_ptr(word) })
    }

    /// The words in order.
    pub fn iter(self) -> impl Iterator<Item = &'static CStr> {
        (0..self.count).filter_map(move |index| self.get(index))
    }

    /// Copies, without their NULs.
    pub fn to_bytes(self) -> Vec<Vec<u8>> {
        self.iter().map(|word| word.to_bytes().to_vec()).collect()
    }

    /// The vector for execve(2).
    pub(super) fn as_ptr(self) -> *const *const c_char {
        self.first
    }
}
