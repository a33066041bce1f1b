//! The format for people: when, how grave, a sentence, and `name=value` for what can be looked for.

use super::line::{Line, Said};
use super::profile::{LOWER, rank};
use super::value::{Value, visit};
use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

/// Writes the line of one event, without its end.
///
/// # Errors
/// The line has no room.
pub fn write(line: &mut Line, said: &Said<'_>) -> io::Result<()> {
    let Said { now, event, cut } = said;
    let level = LOWER[rank(*event.metadata().level())];
    write!(line, "{now} onset {level}: ")?;
    let mut result = Ok(());
    visit(event, cut, &mut |field, value| {
        if result.is_ok() {
            result = match value {
                Value::Text(message) if field == "message" => {
                    write!(line, "{message} event={}", event.metadata().name())
                }
                value => write_field(line, field, value),
            };
        }
    });
    result?;
    if cut.get() { line.write_all(b" truncated=true") } else { Ok(()) }
}

/// ` name=value`: times and sizes with their unit, texts without quotes where nothing needs them, all else as JSON.
fn write_field(line: &mut Line, name: &str, value: &Value<'_>) -> io::Result<()> {
    match (name.rsplit_once('_'), value) {
        (Some((name, "us")), Value::Unsigned(time)) => write!(line, " {name}={}", Time(Duration::from_micros(*time))),
        (Some((name, "ms")), Value::Unsigned(time)) => write!(line, " {name}={}", Time(Duration::from_millis(*time))),
        (Some((name, "kib")), Value::Unsigned(size)) => write!(line, " {name}={}", Size(*size)),
        (_, Value::Text(text)) if text.is_plain() => write!(line, " {name}={text}"),
        (_, value) => {
            write!(line, " {name}=")?;
            line.put_json(value)
        }
    }
}

/// `812µs`, `15.312ms`, `3.25s`
struct Time(Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_zero() { f.write_str("0s") } else { fmt::Debug::fmt(&self.0, f) }
    }
}

/// KiB as `512KiB`, `33.4MiB`, `1.5GiB`, rounded down
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0..0x400 => return write!(f, "{}KiB", self.0),
            0x400..0x10_0000 => (0x400, "MiB"),
            _ => (0x10_0000, "GiB"),
        };
        write!(f, "{}.{}{name}", self.0 / unit, self.0 % unit * 10 / unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::catalogue::samples::main_ended;
    use crate::report::lines::tests::captured;
    use crate::report::{Event, Format};
    use nix::unistd::Pid;

    #[track_caller]
    fn assert_reads(event: &Event<'_>, expected: &str) {
        let line = captured(Format::Text, event);
        let (time, rest) = line.split_once(' ').unwrap();
        assert_eq!(time.len(), "2026-11-22T05:54:10.123456Z".len());
        assert_eq!(rest.strip_suffix('\n'), Some(expected));
    }

    #[test]
    fn an_event_reads_well() {
        assert_reads(
            &Event::MainStarted {
                pid: Pid::from_raw(7),
                argv: b"redis-server\0a b\0",
                startup: Duration::from_micros(812),
            },
            r#"onset info: main process started event=main_started pid=7 argv=["redis-server","a b"] startup=812µs"#,
        );
        assert_reads(
            &main_ended(),
            "onset error: main process was killed by signal SIGKILL because memory ran out event=main_ended pid=7 status=137 \
             signal=SIGKILL signal_number=9 core_dumped=false uptime=3.25s user_cpu=15.312ms system_cpu=0s \
             max_rss=33.4MiB oom_kills=1 oom_killed=main",
        );
        assert_reads(
            &Event::InternalError { cause: "a\u{1b}[31m\u{9b}b\nc" },
            r"onset error: a\u{1b}[31m\u{9b}b\nc event=internal_error",
        );
    }

    #[test]
    fn sizes_are_in_the_unit_that_fits() {
        let sizes = [0, 1023, 1024, 34_299, 1_048_575, 1_048_576, 1_572_864].map(|kib| Size(kib).to_string());
        assert_eq!(sizes, ["0KiB", "1023KiB", "1.0MiB", "33.4MiB", "1023.9MiB", "1.0GiB", "1.5GiB"]);
        let _ = Size(u64::MAX).to_string();
    }
}
