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
    dropped: AtomicU64,
}

impl Lines {
    /// Lines of this format.
    pub fn new(format: Format) -> Self {
        Lines { format, dropped: AtomicU64::new(0) }
    }

    fn put(&self, event: &tracing::Event<'_>) -> bool {
        let mut buffer = Line::new();
        line::write(&mut buffer, self.format, &clock::utc(), event).is_ok()
            && stderr::write_line(buffer.as_bytes()).is_ok()
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
