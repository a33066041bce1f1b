//! Random bytes of the kernel's.

use nix::errno::Errno;

/// Fills the buffer (getrandom(2)). Waits until the kernel has enough, which it has long before a container starts.
///
/// # Errors
/// ENOSYS or EPERM: a seccomp filter forbids it.
pub fn fill(mut buffer: &mut [u8]) -> nix::Result<()> {
    while !buffer.is_empty() {
        // SAFETY: the kernel writes at most as many bytes as the buffer has.
        let filled = unsafe { libc::getrandom(buffer.as_mut_ptr().cast(), buffer.len(), 0) };
        match Errno::result(filled) {
            Err(Errno::EINTR) => {}
            filled => buffer = &mut buffer[usize::try_from(filled?).unwrap_or(0)..],
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn all_of_a_buffer_is_filled() {
        let mut buffer = [0; 4096];
        super::fill(&mut buffer).unwrap();
        assert!(buffer.chunks(64).all(|chunk| chunk.iter().any(|&byte| byte != 0)));
    }
}
