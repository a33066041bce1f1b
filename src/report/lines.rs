//! The end of the way: a `tracing` subscriber that knows events only, no spans, and writes each as a line.

use super::choice::{Format, Level};
use super::event::Event;
use super::line::{self, Line};
use crate::sys::{clock, stderr};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use tracing::span;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::Layered;
use tracing_subscriber::reload;

/// The format of the next line, by its number.
static FORMAT: AtomicU8 = AtomicU8::new(0);
/// Where the level can be changed.
static FILTER: OnceLock<Filter> = OnceLock::new();

type Filter = reload::Handle<LevelFilter, Lines>;

/// Makes [`Event::emit`] write. To be called once; a second call changes nothing.
#[inline(never)] // its frame is not to be part of what PID 1 waits in
pub fn start(format: Format, level: Level) {
    let (lines, filter) = Lines::new(&FORMAT, stderr::write_line).filtered(level);
    if FILTER.set(filter).is_ok() {
        FORMAT.store(format.code(), Ordering::Relaxed);
        let _ = tracing::subscriber::set_global_default(lines);
    }
}

/// Has what comes be written so, as often as wanted. Before [`start`] it changes nothing.
pub fn change(format: Format, level: Level) {
    if let Some(filter) = FILTER.get() {
        change_in(&FORMAT, filter, format, level);
    }
}

fn change_in(of: &AtomicU8, filter: &Filter, format: Format, level: Level) {
    of.store(format.code(), Ordering::Relaxed);
    // The subscriber lives as long as the process, and nothing panics while it is locked.
    let _ = filter.reload(level.filter());
}

/// Writes what it is given, and counts what it could not write.
struct Lines {
    format: &'static AtomicU8,
    write: fn(&[u8]) -> nix::Result<()>,
    dropped: AtomicU64,
}

impl Lines {
    fn new(format: &'static AtomicU8, write: fn(&[u8]) -> nix::Result<()>) -> Self {
        Lines { format, write, dropped: AtomicU64::new(0) }
    }

    /// With a level that is asked first.
    fn filtered(self, level: Level) -> (Layered<reload::Layer<LevelFilter, Self>, Self>, Filter) {
        let (filter, handle) = reload::Layer::new(level.filter());
        (filter.with_subscriber(self), handle)
    }

    fn put(&self, event: &tracing::Event<'_>) -> bool {
        let format = Format::from_code(self.format.load(Ordering::Relaxed)).unwrap_or_default();
        let mut buffer = Line::new();
        line::write(&mut buffer, format, &clock::utc(), event).is_ok() && (self.write)(buffer.as_bytes()).is_ok()
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

    /// What was written since the last time.
    fn written() -> Vec<String> {
        WRITTEN.take().into_iter().map(|line| line.expect("UTF-8")).collect()
    }

    fn lines(format: Format) -> Lines {
        Lines::new(Box::leak(Box::new(AtomicU8::new(format.code()))), write)
    }

    /// The one line that an event makes.
    pub fn captured(format: Format, event: &Event<'_>) -> String {
        tracing::subscriber::with_default(lines(format), || event.emit());
        let mut written = written();
        assert_eq!(written.len(), 1);
        written.remove(0)
    }

    #[test]
    fn format_and_level_change_whenever_they_are_told_to() {
        let lines = lines(Format::Json);
        let format = lines.format;
        let (lines, filter) = lines.filtered(Level::Error);
        tracing::subscriber::with_default(lines, || {
            let say = || {
                Event::Problem { text: "error" }.emit();
                Event::ReportsDropped { count: 1 }.emit();
                Event::Supervising { pid: nix::unistd::Pid::from_raw(1), sub_reaper: false }.emit();
                written()
            };
            assert_eq!(say().len(), 1);
            for _ in 0..2 {
                change_in(format, &filter, Format::Text, Level::Debug);
                let lines = say();
                assert_eq!(lines.len(), 3);
                assert!(lines.iter().all(|line| line.contains(" onset ") && line.contains(" event=")), "{lines:?}");
            }
            change_in(format, &filter, Format::Ecs, Level::Warn);
            let lines = say();
            assert_eq!(lines.len(), 2);
            assert!(lines.iter().all(|line| line.starts_with(r#"{"@timestamp":"#)), "{lines:?}");
            change_in(format, &filter, Format::Ecs, Level::Off);
            assert_eq!(say(), [""; 0]);
            change_in(format, &filter, Format::Json, Level::Info);
            assert_eq!(say().len(), 2);
        });
    }

    #[test]
    fn before_the_start_nothing_changes() {
        change(Format::Text, Level::Debug);
        assert_eq!(FORMAT.load(Ordering::Relaxed), 0);
    }
}
