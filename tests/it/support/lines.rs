//! What a process wrote, collected line by line by a thread of its own.

use std::io::{ErrorKind, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::LIMIT;

/// One of the two streams of a [`super::Running`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// Everything read so far from a pipe, a socket or the master of a pty.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    shared: Arc<(Mutex<Seen>, Condvar)>,
}

#[derive(Debug, Default)]
struct Seen {
    bytes: Vec<u8>,
    ended: bool,
}

impl Lines {
    /// Reads `source` to its end (an error is an end too: a pty's master gives EIO).
    pub fn read_from(mut source: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let shared = Arc::clone(&lines.shared);
        std::thread::spawn(move || {
            let mut chunk = vec![0; 65536];
            loop {
                let read = source.read(&mut chunk);
                if matches!(&read, Err(err) if err.kind() == ErrorKind::Interrupted) {
                    continue;
                }
                let read = read.unwrap_or(0);
                let mut seen = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
                seen.bytes.extend_from_slice(&chunk[..read]);
                seen.ended = read == 0;
                shared.1.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        lines
    }

    /// A stream that is not ours to read: nothing ever comes.
    pub fn nothing() -> Self {
        Self::read_from(std::io::empty())
    }

    /// Every byte so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.lock().bytes.clone()
    }

    /// The complete lines so far, without their newline; after the end, an unfinished last one too.
    pub fn lines(&self) -> Vec<String> {
        let seen = self.lock();
        complete(&seen, 0).map(|(line, _)| line).collect()
    }

    /// The first line, of those before and those to come, that `wanted` accepts. `None` at the end or after [`LIMIT`].
    pub fn wait_for(&self, mut wanted: impl FnMut(&str) -> bool) -> Option<String> {
        let deadline = Instant::now() + LIMIT;
        let mut looked_at = 0;
        let mut seen = self.lock();
        loop {
            for (line, end) in complete(&seen, looked_at) {
                looked_at = end;
                if wanted(&line) {
                    return Some(line);
                }
            }
            seen = self.wait(seen, deadline)?;
        }
    }

    /// Whether the other side closed before [`LIMIT`].
    pub fn wait_for_end(&self) -> bool {
        let deadline = Instant::now() + LIMIT;
        let mut seen = self.lock();
        while !seen.ended {
            match self.wait(seen, deadline) {
                Some(more) => seen = more,
                None => return self.lock().ended,
            }
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for more; `None` when there will be none.
    fn wait<'a>(&self, seen: MutexGuard<'a, Seen>, deadline: Instant) -> Option<MutexGuard<'a, Seen>> {
        let left = deadline.saturating_duration_since(Instant::now());
        if seen.ended || left.is_zero() {
            return None;
        }
        let (seen, _) = self.shared.1.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner);
        Some(seen)
    }
}

/// The complete lines from offset `start` on, each with the offset after it.
fn complete(seen: &Seen, start: usize) -> impl Iterator<Item = (String, usize)> {
    let mut at = start;
    seen.bytes[start..].split_inclusive(|&byte| byte == b'\n').filter_map(move |line| {
        at += line.len();
        let text = line.strip_suffix(b"\n");
        let text = if seen.ended { Some(text.unwrap_or(line)) } else { text };
        text.map(|text| (String::from_utf8_lossy(text).into_owned(), at))
    })
}
