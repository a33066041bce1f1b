//! The end of the way: a `tracing` subscriber that knows events only, no spans, and writes each as a line.

use super::Format;
use super::event::Event;
use super::line::{self, Line};
use crate::sys::{clock, stderr};
use std::sync::atomic::{AtomicU64, Ordering};
use tracing::span;

/// Writes what it is given to stderr, and counts what it could not write.
pub struct Lines {
    format: Format,
    write: fn(&[u8]) -> nix::Result<()>,
    dropped: AtomicU64,
}

impl Lines {
    /// Lines of this format, to stderr.
    pub fn new(format: Format) -> Self {
        Lines { format, write: stderr::write_line, dropped: AtomicU64::new(0) }
    }

    fn put(&self, event: &tracing::Event<'_>) -> bool {
        let mut buffer = Line::new();
        line::write(&mut buffer, self.format, &clock::utc(), event).is_ok() && (self.write)(buffer.as_bytes()).is_ok()
    }
}

impl tracing::Subscriber for Lines {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &tracing::Event<'_>) {
        // Taken before the line about it is written, which comes through here as well.
        let count = self.dropped.swap(0, Ordering::Relaxed);
        if count > 0 {
            Event::ReportsDropped { count }.emit();
            // Dropped as well: the count stands, and so it does for the event at hand.
            if self.dropped.swap(0, Ordering::Relaxed) > 0 {
                self.dropped.store(count + 1, Ordering::Relaxed);
                return;
            }
        }
        if !self.put(event) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use std::cell::RefCell;

    thread_local! {
        static WRITTEN: RefCell<Vec<Result<String, ()>>> = const { RefCell::new(Vec::new()) };
    }

    #[allow(clippy::unnecessary_wraps)] // as Lines wants it
    fn write(line: &[u8]) -> nix::Result<()> {
        let line = String::from_utf8(line.to_vec()).map_err(drop);
        WRITTEN.with_borrow_mut(|written| written.push(line));
        Ok(())
    }

    /// The one line that an event makes.
    pub fn captured(format: Format, event: &Event<'_>) -> String {
        let lines = Lines { format, write, dropped: AtomicU64::new(0) };
        tracing::subscriber::with_default(lines, || event.emit());
        let mut written = WRITTEN.take();
        assert_eq!(written.len(), 1);
        written.remove(0).expect("UTF-8")
    }
}
