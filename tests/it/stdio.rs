//! Whatever the standard streams are, closed, full, broken or slow, onset does its work, and the application finds them
//! as they were.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::{Value, json};

use crate::both_modes;
use crate::support::ptrace::{Edge, Event, Stop, Tracer, Who};
use crate::support::{Folder, Init, Lines, Running, Stdio, proc, sys};

// Closed.

both_modes!(closed_streams_stay_closed_in_the_application, |mode| {
    for open in subsets_of_the_streams() {
        let folder = Folder::new();
        let path = folder.join("report");
        let report = File::create(&path).expect("a file");
        let init = with_only(Init::new(mode), &open).inherit(report, 9).probe(["print", "--fd", "9"]).start();
        let status = init.wait();
        assert_eq!(status.code(), Some(0), "only {open:?} open\n{}", init.story());

        let text = std::fs::read_to_string(&path).expect("a report");
        let found: Value =
            serde_json::from_str(&text).unwrap_or_else(|err| panic!("only {open:?} open: {err}: {text}"));
        let fds: Vec<_> = found["fds"].as_object().expect("an object").keys().cloned().collect();
        let expected: Vec<_> = open.iter().chain(&[9]).map(ToString::to_string).collect();
        assert_eq!(fds, expected, "only {open:?} open: {found}");
    }
});

both_modes!(with_closed_streams_onset_opens_none_of_these_numbers, |mode| {
    for open in subsets_of_the_streams() {
        let init = with_only(Init::new(mode), &open).probe(["sleep"]).start();
        init.until("onset at rest", || proc::is_idle(init.pid()).then_some(()));
        let fds = proc::fds(init.pid());
        let low: Vec<i32> = fds.keys().copied().filter(|&fd| fd < 3).collect();
        let expected: &[i32] = if open.contains(&2) { &[2] } else { &[] };
        assert_eq!(low, expected, "only {open:?} open: {fds:?}");
        init.kill(libc::SIGTERM);
        assert_eq!(init.wait().code(), Some(143), "only {open:?} open\n{}", init.story());
    }
});

both_modes!(a_closed_stdin_is_no_reason_to_complain, |mode| {
    let finished = Init::new(mode).stdin(Stdio::Closed).probe(["exit", "0"]).start().finish();
    let events: Vec<_> = finished.events().iter().map(|event| event["event"].clone()).collect();
    assert_eq!(events, ["main_started", "main_ended"], "{}", finished.story());
});

both_modes!(a_start_that_fails_without_stderr_has_its_status, |mode| {
    let init = Init::new(mode).stderr(Stdio::Closed).command(["/no/such"]).start();
    assert_eq!(init.wait().code(), Some(127));
});

both_modes!(stdin_is_the_applications, |mode| {
    let mut init = Init::new(mode).stdin(Stdio::Pipe).probe(["cat"]).start();
    init.write_stdin(b"line\n\xff\0 not a line");
    init.close_stdin();
    let finished = init.finish();
    assert_eq!(finished.stdout, b"line\n\xff\0 not a line", "{}", finished.story());
    assert_eq!(finished.code(), 0, "{}", finished.story());
});

// Nobody reads.

both_modes!(a_pipe_that_was_full_before_the_start_stops_nothing, |mode| {
    let (_reader, writer) = full_pipe();
    let ours = writer.try_clone().expect("a copy");
    let init = Init::new(mode).debug().stderr(Stdio::Fd(writer)).probe(["signals", "--exit", "7"]).start();
    init.wait_for_ready();
    init.kill(libc::SIGUSR1);
    init.wait_for_output("SIGUSR1", |signal| signal["signo"] == libc::SIGUSR1);
    assert!(!sys::is_nonblocking(&ours), "the application's stderr is the same open file: it must keep blocking");
    init.kill(libc::SIGTERM);
    assert_eq!(init.wait().code(), Some(7), "{}", init.story());
    assert!(!sys::is_nonblocking(&ours));
});

both_modes!(a_start_that_fails_ends_with_a_full_stderr, |mode| {
    let (_reader, writer) = full_pipe();
    let init = Init::new(mode).stderr(Stdio::Fd(writer)).command(["/no/such"]).start();
    assert_eq!(init.wait().code(), Some(127));
});

both_modes!(wrong_arguments_end_with_a_full_stderr, |mode| {
    let (_reader, writer) = full_pipe();
    let init = Init::new(mode).stderr(Stdio::Fd(writer)).args(["--bogus"]).start();
    assert_eq!(init.wait().code(), Some(125));
});

both_modes!(lines_dropped_are_counted_and_reported_once_somebody_reads, |mode| {
    let (reader, writer) = sys::pipe();
    let mut ours = File::from(writer.try_clone().expect("a copy"));
    let init = Init::new(mode).debug().stderr(Stdio::Fd(writer)).probe(["signals"]).start();
    init.wait_for_ready();
    at_rest(&init);
    let started = take(&reader);
    assert!(started.contains("main_started"), "{started}");

    fill(&mut ours);
    for signal in [libc::SIGUSR1, libc::SIGUSR2, libc::SIGWINCH] {
        init.kill(signal);
        init.wait_for_output("the signal", |received| received["signo"] == signal);
    }
    at_rest(&init);
    let filler = take(&reader);
    assert!(!filler.contains("signal_forwarded"), "a line got through a full pipe");
    init.kill(libc::SIGHUP);
    init.wait_for_output("SIGHUP", |received| received["signo"] == libc::SIGHUP);
    init.kill(libc::SIGTERM);
    assert_eq!(init.wait().code(), Some(0), "{}", init.story());

    drop(ours);
    let lines = Lines::read_from(File::from(reader));
    assert!(lines.wait_for_end());
    let events: Vec<Value> = lines.lines().iter().map(|line| serde_json::from_str(line).expect(line)).collect();
    let names: Vec<_> = events.iter().map(|event| &event["event"]).collect();
    assert_eq!(names, ["reports_dropped", "signal_forwarded", "signal_forwarded", "main_ended"], "{events:?}");
    assert_eq!(events[0]["count"], 3, "{events:?}");
    assert_eq!(events[0]["level"], "warn", "{events:?}");
    assert_eq!(events[1]["signal"], "SIGHUP", "{events:?}");
});

both_modes!(lines_dropped_at_the_start_are_counted_too, |mode| {
    let (reader, writer) = full_pipe();
    let init = Init::new(mode).debug().stderr(Stdio::Fd(writer)).probe(["signals"]).start();
    init.wait_for_ready();
    at_rest(&init);
    take(&reader);
    init.kill(libc::SIGTERM);
    assert_eq!(init.wait().code(), Some(0), "{}", init.story());
    let lines = Lines::read_from(File::from(reader));
    let first = lines.wait_for(|_| true).expect("a line");
    let first: Value = serde_json::from_str(&first).expect(&first);
    // "supervising" and "main_started".
    assert_eq!(json!([first["event"], first["count"]]), json!(["reports_dropped", 2]), "{first}");
});

both_modes!(lines_dropped_are_counted_in_every_format, |mode| {
    for (format, count) in [
        ("json", r#""count":2"#),
        ("gcp", r#""count":2"#),
        ("ecs", r#""count":2"#),
        ("otel", r#""onset.count":2"#),
        ("datadog", r#""count":2"#),
        ("text", " count=2"),
    ] {
        let (reader, writer) = full_pipe();
        let init = Init::new(mode).debug().options(["--log-format", format]);
        let init = init.stderr(Stdio::Fd(writer)).probe(["signals"]).start();
        init.wait_for_ready();
        at_rest(&init);
        take(&reader);
        init.kill(libc::SIGTERM);
        assert_eq!(init.wait().code(), Some(0), "{}", init.story());
        let first = Lines::read_from(File::from(reader)).wait_for(|_| true).expect("a line");
        assert!(first.contains("reports_dropped") && first.contains(count), "{format}: {first}");
    }
});

both_modes!(a_socket_nobody_reads_stops_nothing, |mode| {
    let (reader, writer) = UnixStream::pair().expect("a pair of sockets");
    let mut filler = File::from(OwnedFd::from(writer.try_clone().expect("a copy")));
    fill(&mut filler);
    let init = Init::new(mode).debug().stderr(Stdio::Fd(writer.into())).probe(["signals", "--exit", "7"]).start();
    init.wait_for_ready();
    init.kill(libc::SIGTERM);
    assert_eq!(init.wait().code(), Some(7), "{}", init.story());
    assert!(!sys::is_nonblocking(&filler));
    drop(reader);
});

// Nobody is there to read.

both_modes!(a_reader_that_is_gone_is_no_signal_for_the_application, |mode| {
    let (reader, writer) = sys::pipe();
    drop(reader);
    let init = Init::new(mode).debug().stderr(Stdio::Fd(writer)).probe(["signals"]).start();
    broken_but_alive(&init);
});

both_modes!(a_reader_that_goes_away_is_no_signal_for_the_application, |mode| {
    let (reader, writer) = sys::pipe();
    let init = Init::new(mode).debug().stderr(Stdio::Fd(writer)).probe(["signals"]).start();
    init.wait_for_ready();
    drop(reader);
    broken_but_alive(&init);
});

both_modes!(a_socket_whose_reader_is_gone_is_no_signal_for_the_application, |mode| {
    let (reader, writer) = UnixStream::pair().expect("a pair of sockets");
    drop(reader);
    let init = Init::new(mode).debug().stderr(Stdio::Fd(writer.into())).probe(["signals"]).start();
    broken_but_alive(&init);
});

both_modes!(a_broken_stderr_does_not_swallow_a_sigpipe_from_outside, |mode| {
    let (reader, pipe) = sys::pipe();
    let (other, socket) = UnixStream::pair().expect("a pair of sockets");
    drop((reader, other));
    for stderr in [pipe, socket.into()] {
        let init = Init::new(mode).debug().stderr(Stdio::Fd(stderr)).probe(["signals"]);
        let mut init = init.hold_before_exec().start();
        // Held after its first report and before it looks at signals: whoever takes back the SIGPIPE of his own write with
        // sigtimedwait(2) must not take this one.
        let tracer = Tracer::before_exec(init.pid(), |stop: &Stop| {
            stop.who == Who::Seized && stop.edge == Edge::Entry && stop.call == libc::SYS_setpgid
        });
        init.release();
        let outcome = tracer.outcome();
        assert!(matches!(outcome, Event::Held(_)), "{outcome:?}");
        init.wait_for_ready();
        init.kill(libc::SIGPIPE);
        tracer.release();
        init.wait_for_output("SIGPIPE", |received| received["signo"] == libc::SIGPIPE);
        init.kill(libc::SIGTERM);
        assert_eq!(init.wait().code(), Some(0), "{}", init.story());
    }
});

both_modes!(the_applications_own_sigpipe_ends_it_as_ever, |mode| {
    let (reader, writer) = sys::pipe();
    drop(reader);
    let init = Init::new(mode).stderr(Stdio::Fd(writer)).probe(["say", "hello"]).start();
    assert_eq!(init.wait().code(), Some(128 + libc::SIGPIPE));
});

/// With every write to stderr failing by EPIPE, the application gets exactly the signals that were sent, a SIGPIPE from
/// outside among them.
fn broken_but_alive(init: &Running) {
    init.wait_for_ready();
    let sent = [libc::SIGUSR1, libc::SIGPIPE, libc::SIGUSR2, libc::SIGTERM];
    for signal in sent {
        init.kill(signal);
        init.wait_for_output("the signal", |received| received["signo"] == signal);
        if signal != libc::SIGTERM {
            at_rest(init);
        }
    }
    assert_eq!(init.wait().code(), Some(0), "{}", init.story());
    let received: Vec<_> = init.outputs().iter().map(|signal| signal["signo"].clone()).collect();
    assert_eq!(received, sent, "{}", init.story());
}

// Other kinds of stderr.

both_modes!(a_device_that_is_full_stops_nothing, |mode| {
    let full = File::options().write(true).open("/dev/full").expect("/dev/full");
    let init = Init::new(mode).debug().stderr(full).probe(["signals", "--exit", "7"]).start();
    init.wait_for_ready();
    init.kill(libc::SIGTERM);
    assert_eq!(init.wait().code(), Some(7), "{}", init.story());
});

both_modes!(a_file_that_may_not_grow_is_no_signal_for_the_application, |mode| {
    let file = tempfile::tempfile().expect("a file");
    let init =
        Init::new(mode).debug().limit(libc::RLIMIT_FSIZE, 0, 0).stderr(file).probe(["signals", "--exit", "7"]).start();
    init.wait_for_ready();
    init.kill(libc::SIGTERM);
    assert_eq!(init.wait().code(), Some(7), "{}", init.story());
});

both_modes!(a_stderr_that_cannot_be_written_stops_nothing, |mode| {
    let null = File::open("/dev/null").expect("/dev/null");
    assert_eq!(Init::new(mode).debug().stderr(null).probe(["exit", "7"]).start().wait().code(), Some(7));
});

both_modes!(a_socket_gets_every_line, |mode| {
    let (reader, writer) = UnixStream::pair().expect("a pair of sockets");
    let init = Init::new(mode).stderr(Stdio::Fd(writer.into())).probe(["say", "hello"]).start();
    let lines = Lines::read_from(reader);
    assert_eq!(init.wait().code(), Some(0), "{}", init.story());
    assert!(lines.wait_for_end());
    assert_story(&lines.lines());
});

both_modes!(a_file_gets_every_line_in_order_with_the_applications, |mode| {
    // Not opened for appending: onset and the application share one offset, so that neither overwrites the other.
    let folder = Folder::new();
    let path = folder.join("log");
    let init = Init::new(mode).stderr(File::create(&path).expect("a file")).probe(["say", "hello"]).start();
    assert_eq!(init.wait().code(), Some(0), "{}", init.story());
    assert_story(&lines_of(&path));
});

both_modes!(a_file_opened_for_appending_gets_every_line, |mode| {
    let folder = Folder::new();
    let path = folder.file("log", "before\n", 0o644);
    let file = File::options().append(true).open(&path).expect("a file");
    let init = Init::new(mode).stderr(file).probe(["say", "hello"]).start();
    assert_eq!(init.wait().code(), Some(0), "{}", init.story());
    let lines = lines_of(&path);
    assert_eq!(lines[0], "before");
    assert_story(&lines[1..]);
});

// Signals that were handed down so that a careless init hangs.

both_modes!(an_ignored_sigchld_hides_no_end, |mode| {
    let finished = Init::new(mode).ignored([libc::SIGCHLD]).probe(["exit", "7"]).start().finish();
    assert_eq!(finished.code(), 7, "{}", finished.story());
    let finished = Init::new(mode).ignored([libc::SIGCHLD]).probe(["orphans", "20", "--exit", "3"]).start().finish();
    assert_eq!(finished.code(), 3, "{}", finished.story());
});

both_modes!(a_blocked_sigterm_is_forwarded_all_the_same, |mode| {
    let init = Init::new(mode).blocked([libc::SIGTERM]).probe(["sleep"]).start();
    init.wait_for_ready();
    init.kill(libc::SIGTERM);
    assert_eq!(init.wait_for_event("signal_forwarded")["signal"], "SIGTERM");
    // It waits at the application, which has it blocked as it was told.
    let main = init.main_pid();
    assert_eq!(proc::signal_set(main, "ShdPnd"), Some(sys::set_of([libc::SIGTERM])), "{}", init.story());
    sys::kill(main, libc::SIGKILL).expect("the main process");
    assert_eq!(init.wait().code(), Some(137), "{}", init.story());
});

fn at_rest(init: &Running) {
    init.until("onset at rest", || proc::is_idle(init.pid()).then_some(()));
}

/// Which of the standard streams are open: every way but all.
fn subsets_of_the_streams() -> impl Iterator<Item = Vec<i32>> {
    (0..7).map(|set| (0..3).filter(|fd| set & (1 << fd) != 0).collect())
}

fn with_only(init: Init, open: &[i32]) -> Init {
    let stream = |fd: i32| if open.contains(&fd) { Stdio::Null } else { Stdio::Closed };
    init.stdin(stream(0)).stdout(stream(1)).stderr(stream(2))
}

/// A pipe without room for a byte more. Its ends block.
fn full_pipe() -> (OwnedFd, OwnedFd) {
    let (reader, writer) = sys::pipe();
    let mut file = File::from(writer.try_clone().expect("a copy"));
    fill(&mut file);
    (reader, writer)
}

/// Writes until nothing more goes in, not even a byte.
fn fill(file: &mut File) {
    sys::set_nonblocking(file, true);
    for size in [4096, 1] {
        let chunk = vec![b'.'; size];
        let full = loop {
            if let Err(err) = file.write(&chunk) {
                break err;
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
    }
    sys::set_nonblocking(file, false);
}

/// What is in the pipe now.
fn take(reader: &OwnedFd) -> String {
    let mut file = File::from(reader.try_clone().expect("a copy"));
    sys::set_nonblocking(&file, true);
    let mut bytes = Vec::new();
    let end = file.read_to_end(&mut bytes);
    assert_eq!(end.map_err(|err| err.kind()), Err(ErrorKind::WouldBlock), "the pipe has ended");
    sys::set_nonblocking(&file, false);
    String::from_utf8(bytes).expect("UTF-8")
}

fn lines_of(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).expect("a file").lines().map(str::to_owned).collect()
}

/// That these are the three lines of a run of `say hello`, each whole. onset may say late that main was started.
#[track_caller]
fn assert_story(lines: &[String]) {
    let event = |line: &String| {
        let value: Result<Value, _> = serde_json::from_str(line);
        value.map_or_else(|_| line.clone(), |value| value["event"].as_str().unwrap_or_default().to_owned())
    };
    let mut events: Vec<_> = lines.iter().map(event).collect();
    assert_eq!(events.last().map(String::as_str), Some("main_ended"), "{lines:?}");
    events.sort();
    assert_eq!(events, ["hello", "main_ended", "main_started"], "{lines:?}");
}
