//! What a process has until its end, and never gives back: what frees each of the types in it would be code for nothing. A
//! fuzzer makes thousands of them in one process, so it does give them back.
#![forbid(unsafe_code)]

/// A value that is kept.
#[cfg(not(fuzzing))]
pub type Kept<T> = &'static T;
/// A value that is kept, but for a fuzzer.
#[cfg(fuzzing)]
pub type Kept<T> = Box<T>;

/// Keeps a value.
#[cfg(not(fuzzing))]
pub fn keep<T>(value: T) -> Kept<T> {
    Box::leak(Box::new(value))
}

/// Keeps a value, but for a fuzzer.
#[cfg(fuzzing)]
pub fn keep<T>(value: T) -> Kept<T> {
    Box::new(value)
}
