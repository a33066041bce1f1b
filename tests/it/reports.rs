//! What onset says on stderr: one line an event, exact, short, and never broken by what it quotes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::both_modes;
use crate::support::{Finished, Init, Mode, Running, probe, proc, sys};

const FORMATS: [&str; 6] = ["json", "gcp", "ecs", "otel", "datadog", "text"];

/// onset with the probe on PATH, so that the command is `probe` on every machine.
fn onset(mode: Mode) -> Init {
    Init::new(mode).env([format!("PATH={}", probe().parent().expect("a folder").display())])
}

/// A run with one signal and a stop signal.
fn signalled(init: Init) -> Finished {
    let init = init.command(["probe", "signals"]).start();
    init.wait_for_ready();
    init.kill(libc::SIGUSR1);
    init.wait_for_output("SIGUSR1", |signal| signal["signo"] == libc::SIGUSR1);
    init.kill(libc::SIGTERM);
    init.finish()
}

/// The lines on stderr with `0` for every number, and without the time, which is looked at first.
#[track_caller]
fn lines(finished: &Finished) -> Vec<String> {
    let text = String::from_utf8(finished.stderr.clone()).expect("UTF-8");
    assert!(text.ends_with('\n'), "{text}");
    text.lines().map(|line| without_numbers(&without_time(line))).collect()
}

#[track_caller]
fn without_time(line: &str) -> String {
    let start = if line.starts_with('{') { r#"{"time":""#.len() } else { 0 };
    let time = line.get(start..start + 27).unwrap_or_else(|| panic!("no time in {line}"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    assert!(now.abs_diff(seconds(time)) < 120, "{line} is not of now");
    [&line[..start], &line[start + 27..]].concat()
}

/// Seconds since 1970 of a time like 2026-11-22T05:54:10.123456Z.
#[track_caller]
fn seconds(time: &str) -> u64 {
    let shape = time.bytes().map(|byte| if byte.is_ascii_digit() { '0' } else { char::from(byte) });
    assert_eq!(shape.collect::<String>(), "0000-00-00T00:00:00.000000Z", "{time}");
    let number = |from: usize, to: usize| time[from..to].parse::<u64>().expect("digits");
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    // Years start in March here, so that the leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468;
    ((days * 24 + number(11, 13)) * 60 + number(14, 16)) * 60 + number(17, 19)
}

/// Digits after a letter belong to a name (SIGUSR1). A time in text has any unit and a fraction or none: `0s`.
fn without_numbers(line: &str) -> String {
    let mut masked = String::new();
    for character in line.chars() {
        match masked.chars().last() {
            Some('0') if character.is_ascii_digit() => {}
            Some(last) if character.is_ascii_digit() && !last.is_alphabetic() => masked.push('0'),
            _ => masked.push(character),
        }
    }
    ["=0.0s", "=0ms", "=0.0ms", "=0µs"].iter().fold(masked, |line, time| line.replace(time, "=0s"))
}

both_modes!(a_run_as_json, |mode| {
    let finished = signalled(onset(mode).debug());
    let sub_reaper = mode == Mode::SubReaper;
    let event = |level: &str, rest: &str| format!(r#"{{"time":"","level":"{level}","logger":"onset","event":{rest}}}"#);
    let forwarded = |signal: &str| {
        format!(
            r#""signal_forwarded","message":"{signal} forwarded","signal":"{signal}","signal_number":0,"code":"SI_USER","sender_pid":0,"sender_uid":0,"target":"main""#
        )
    };
    let expected = [
        event("debug", &format!(r#""supervising","message":"onset is supervising","pid":0,"sub_reaper":{sub_reaper}"#)),
        event(
            "info",
            r#""main_started","message":"main process started","pid":0,"argv":["probe","signals"],"startup_us":0"#,
        ),
        event("debug", &forwarded("SIGUSR1")),
        event("info", &forwarded("SIGTERM")),
        event(
            "info",
            r#""main_ended","message":"main process exited with status 0","pid":0,"status":0,"exit_code":0,"uptime_ms":0,"user_cpu_us":0,"system_cpu_us":0,"max_rss_kib":0"#,
        ),
    ];
    assert_eq!(lines(&finished), expected);
});

both_modes!(a_run_as_text, |mode| {
    let finished = signalled(onset(mode).debug().options(["--log-format", "text"]));
    let forwarded = |level: &str, signal: &str| {
        format!(
            " onset {level}: {signal} forwarded event=signal_forwarded signal={signal} signal_number=0 code=SI_USER \
             sender_pid=0 sender_uid=0 target=main"
        )
    };
    let expected = [
        format!(" onset debug: onset is supervising event=supervising pid=0 sub_reaper={}", mode == Mode::SubReaper),
        r#" onset info: main process started event=main_started pid=0 argv=["probe","signals"] startup=0s"#.to_owned(),
        forwarded("debug", "SIGUSR1"),
        forwarded("info", "SIGTERM"),
        " onset info: main process exited with status 0 event=main_ended pid=0 status=0 exit_code=0 uptime=0s \
         user_cpu=0s system_cpu=0s max_rss=0.0MiB"
            .to_owned(),
    ];
    assert_eq!(lines(&finished), expected);
});

both_modes!(a_death_by_signal_as_json_and_as_text, |mode| {
    let json = onset(mode).command(["probe", "die", "9"]).start().finish();
    let expected = r#"{"time":"","level":"error","logger":"onset","event":"main_ended","message":"main process was killed by signal SIGKILL","pid":0,"status":0,"signal":"SIGKILL","signal_number":0,"core_dumped":false,"uptime_ms":0,"user_cpu_us":0,"system_cpu_us":0,"max_rss_kib":0}"#;
    assert_eq!(lines(&json)[1], expected);
    let text = onset(mode).options(["--log-format", "text"]).command(["probe", "die", "9"]).start().finish();
    let expected = " onset error: main process was killed by signal SIGKILL event=main_ended pid=0 status=0 \
                    signal=SIGKILL signal_number=0 core_dumped=false uptime=0s user_cpu=0s system_cpu=0s \
                    max_rss=0.0MiB";
    assert_eq!(lines(&text)[1], expected);
});

both_modes!(a_failed_start_as_json_and_as_text, |mode| {
    let json = onset(mode).command(["/no such", "word"]).start().finish();
    let expected = r#"{"time":"","level":"error","logger":"onset","event":"start_failed","message":"cannot start `/no such`: no such file","status":0,"argv":["/no such","word"]}"#;
    assert_eq!(lines(&json), [expected]);
    let text = onset(mode).options(["--log-format", "text"]).command(["/no such", "word"]).start().finish();
    let expected =
        r#" onset error: cannot start `/no such`: no such file event=start_failed status=0 argv=["/no such","word"]"#;
    assert_eq!(lines(&text), [expected]);
});

both_modes!(a_start_in_each_format, |mode| {
    for (format, start, end) in [
        ("gcp", r#"{"time":"#, r#""event":"main_started","pid":0,"argv":["probe","exit","0"],"startup_us":0}"#),
        ("ecs", r#"{"@timestamp":"#, r#""onset":{"pid":0,"argv":["probe","exit","0"],"startup_us":0}}"#),
        (
            "otel",
            r#"{"timestamp":"#,
            r#""attributes":{"onset.pid":0,"onset.argv":["probe","exit","0"],"onset.startup_us":0}}"#,
        ),
        ("datadog", r#"{"timestamp":"#, r#""onset":{"pid":0,"argv":["probe","exit","0"],"startup_us":0}}"#),
    ] {
        let finished = onset(mode).options(["--log-format", format]).command(["probe", "exit", "0"]).start().finish();
        let text = finished.stderr();
        let started = without_numbers(text.lines().next().unwrap_or_default());
        assert!(started.starts_with(start) && started.ends_with(end), "{format}: {started}");
        assert!(started.contains(r#"":"main_started""#), "{format}: {started}");
    }
});

both_modes!(the_numbers_are_those_of_the_main_process, |mode| {
    let before = SystemTime::now();
    let init = onset(mode).debug().command(["probe", "signals", "--exit", "5"]).start();
    init.wait_for_ready();
    let onset_pid = if mode == Mode::Pid1 { 1 } else { init.pid() };
    let main_pid = proc::inner_pid(init.main_pid()).expect("a pid");
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    let limit = u64::try_from(before.elapsed().expect("a clock").as_micros()).expect("a short while");

    assert_eq!(finished.event("supervising")["pid"], onset_pid);
    let started = finished.event("main_started");
    assert_eq!(started["pid"], main_pid);
    assert!((1..limit).contains(&started["startup_us"].as_u64().expect("a number")), "{started}");
    let forwarded = finished.event("signal_forwarded");
    let sender = if mode == Mode::Pid1 { 0 } else { std::process::id() };
    assert_eq!([&forwarded["sender_pid"], &forwarded["signal_number"]], [&json!(sender), &json!(15)]);
    let ended = finished.event("main_ended");
    assert_eq!([&ended["pid"], &ended["status"]], [&json!(main_pid), &json!(5)]);
    let number = |field: &str| ended[field].as_u64().unwrap_or_else(|| panic!("{field} is no number: {ended}"));
    assert!(number("uptime_ms") <= limit / 1000, "{ended}");
    assert!(number("user_cpu_us") + number("system_cpu_us") <= limit, "{ended}");
    // A dynamically linked program needs some hundred KiB; onset's own memory is not meant.
    assert!((200..200_000).contains(&number("max_rss_kib")), "{ended}");
});

both_modes!(cpu_time_and_memory_are_what_the_application_used, |mode| {
    let mostly_counts = |_| {
        let finished = onset(mode).command(["probe", "burn", "100", "64"]).start().finish();
        let ended = finished.event("main_ended");
        let number = |field: &str| ended[field].as_u64().unwrap_or_else(|| panic!("{field} is no number: {ended}"));
        let (user, system) = (number("user_cpu_us"), number("system_cpu_us"));
        assert!((100_000..10_000_000).contains(&(user + system)), "{ended}");
        assert!(number("uptime_ms") >= 90, "{ended}");
        assert!((64 * 1024..80 * 1024).contains(&number("max_rss_kib")), "{ended}");
        user > system
    };
    // Counting, and the kernel's part: 64 MiB to be zeroed. It divides them by where its ticks fell, which are few, and
    // may all be in one part; not every time.
    assert!((0..10).any(mostly_counts), "the kernel's part was never the smaller one");
});

both_modes!(a_queued_signal_says_so, |mode| {
    let init = onset(mode).debug().command(["probe", "signals"]).start();
    init.wait_for_ready();
    init.sigqueue(34, 7);
    let event = init.wait_for_event("signal_forwarded");
    let got = json!([event["signal"], event["signal_number"], event["code"], event["message"], event["level"]]);
    assert_eq!(got, json!(["34", 34, "SI_QUEUE", "34 forwarded", "debug"]), "{event}");
});

both_modes!(the_group_as_target_is_said, |mode| {
    let finished = signalled(onset(mode).options(["--group"]));
    assert_eq!(finished.event("signal_forwarded")["target"], "group", "{}", finished.story());
});

both_modes!(a_stopped_main_process_is_reported, |mode| {
    let init = onset(mode).debug().command(["probe", "sleep"]).start();
    init.wait_for_ready();
    let main = init.main_pid();
    sys::kill(main, libc::SIGSTOP).expect("the main process");
    let mut event = init.wait_for_event("main_stopped");
    assert_eq!(event["pid"], proc::inner_pid(main).expect("a pid"));
    event["pid"] = json!(0);
    event["time"] = json!("");
    let expected = json!({
        "time": "", "level": "debug", "logger": "onset", "event": "main_stopped",
        "message": "main process stopped by SIGSTOP", "pid": 0, "signal": "SIGSTOP", "signal_number": 19,
    });
    assert_eq!(event, expected);
    sys::kill(main, libc::SIGKILL).expect("the main process");
    assert_eq!(init.wait().code(), Some(137));
});

both_modes!(a_reaped_orphan_is_reported_with_its_exit_code, |mode| {
    let init = onset(mode).debug().command(["probe", "orphans", "1"]).start();
    let expected = json!({
        "time": "", "level": "debug", "logger": "onset", "event": "orphan_reaped", "message": "orphan reaped", "pid": 0,
        "exit_code": 0,
    });
    assert_eq!(anonymous(init.wait_for_event("orphan_reaped")), expected);
});

both_modes!(a_reaped_orphan_is_reported_with_its_signal, |mode| {
    let init = onset(mode).debug().command(["probe", "orphans", "1", "--live"]).start();
    init.wait_for_ready();
    let main = init.main_pid();
    let orphan = init.until("an orphan", || proc::children(init.pid()).into_iter().find(|&pid| pid != main));
    let inner = proc::inner_pid(orphan).expect("a pid");
    sys::kill(orphan, libc::SIGKILL).expect("the orphan");
    let event = init.wait_for_event("orphan_reaped");
    assert_eq!(event["pid"], inner, "{event}");
    let expected = json!({
        "time": "", "level": "debug", "logger": "onset", "event": "orphan_reaped", "message": "orphan reaped", "pid": 0,
        "signal": "SIGKILL", "signal_number": 9,
    });
    assert_eq!(anonymous(event), expected);
});

fn anonymous(mut event: Value) -> Value {
    assert!(event["pid"].as_u64().is_some_and(|pid| pid > 1), "{event}");
    event["pid"] = json!(0);
    event["time"] = json!("");
    event
}

// Levels, formats, and where they are set.

/// The events of a run that ends well, of one that fails, and of one that is stopped.
fn events_at(mode: Mode, level: &str) -> [Vec<String>; 3] {
    let start = || onset(mode).options(["--log-level", level]);
    let run = |args: [&str; 2]| start().command(["probe"]).args(args).start().finish();
    [run(["exit", "0"]), run(["exit", "3"]), signalled(start())].map(|finished| {
        let events = finished.events().iter().map(|event| event["event"].as_str().unwrap_or("?").to_owned()).collect();
        let lines = finished.stderr().lines().count();
        assert_eq!(lines, Vec::len(&events), "a line is no event\n{}", finished.story());
        events
    })
}

both_modes!(every_level_shows_its_events_and_the_graver_ones, |mode| {
    let none: &[&str] = &[];
    assert_eq!(events_at(mode, "off"), [none, none, none]);
    assert_eq!(events_at(mode, "error"), [none, &["main_ended"], none]);
    assert_eq!(events_at(mode, "warn"), [none, &["main_ended"], none]);
    let run = ["main_started", "main_ended"];
    assert_eq!(events_at(mode, "info"), [&run[..], &run, &["main_started", "signal_forwarded", "main_ended"]]);
    let run = ["supervising", "main_started", "main_ended"];
    let stopped = ["supervising", "main_started", "signal_forwarded", "signal_forwarded", "main_ended"];
    assert_eq!(events_at(mode, "debug"), [&run[..], &run, &stopped]);
});

/// Whether the report is text, and whether it is detailed, with these options and this environment.
fn format_and_level(mode: Mode, options: &[&str], env: &[&str]) -> (bool, bool) {
    let init = env.iter().fold(onset(mode), Init::add_env);
    let finished = init.options(options).command(["probe", "exit", "0"]).start().finish();
    assert_eq!(finished.code(), 0, "{}", finished.story());
    (
        finished.stderr().contains(" onset info: main process started"),
        finished.stderr().contains("onset is supervising"),
    )
}

both_modes!(format_and_level_are_set_by_options_or_variables_and_options_win, |mode| {
    type Case<'a> = (&'a [&'a str], &'a [&'a str], (bool, bool));
    let cases: [Case<'_>; 11] = [
        (&[], &[], (false, false)),
        (&["--log-format", "text", "--log-level", "debug"], &[], (true, true)),
        (&["--log-format=text", "--log-level=debug"], &[], (true, true)),
        (&["--log-format", "json", "--log-level", "info"], &[], (false, false)),
        (&[], &["ONSET_LOG_FORMAT=text"], (true, false)),
        (&[], &["ONSET_LOG_LEVEL=debug"], (false, true)),
        (&["--log-format=json"], &["ONSET_LOG_FORMAT=text", "ONSET_LOG_LEVEL=debug"], (false, true)),
        (&["--log-level=info"], &["ONSET_LOG_FORMAT=text", "ONSET_LOG_LEVEL=debug"], (true, false)),
        (&[], &["ONSET_LOG_FORMAT=", "ONSET_LOG_LEVEL="], (false, false)),
        (&["--log-format=text"], &["ONSET_LOG_FORMAT=nonsense"], (true, false)),
        // The last one counts.
        (&["--log-level=debug", "--log-level=info"], &[], (false, false)),
    ];
    for (options, env, expected) in cases {
        assert_eq!(format_and_level(mode, options, env), expected, "{options:?} {env:?}");
    }
});

// What is quoted cannot break a line.

both_modes!(whatever_the_arguments_are_the_lines_are_json, |mode| {
    let args: [&[u8]; 9] = [
        b"",
        b" ",
        b"quote \" backslash \\ slash /",
        b"line\nline\r\n\ttab",
        b"\x01\x08\x0c\x1b[31m",
        b"not UTF-8: \xff\xc3\x28\xed\xa0\x80",
        "grüße, 世界, 🦀".as_bytes(),
        "\u{2028}\u{2029}\u{feff}".as_bytes(),
        b"{\"event\":\"main_ended\"}",
    ];
    let finished = onset(mode).command(["probe"]).args(args.map(OsStr::from_bytes)).start().finish();
    let argv = finished.event("main_started")["argv"].clone();
    let expected: Vec<_> = std::iter::once("probe".into()).chain(args.map(String::from_utf8_lossy)).collect();
    assert_eq!(argv, json!(expected), "{}", finished.story());

    let failed = Init::new(mode).command(["/no\n\"such\"\\\u{1b}[31m"]).start().finish();
    let message = failed.event("start_failed")["message"].clone();
    assert_eq!(message, "cannot start `/no\n\"such\"\\\u{1b}[31m`: no such file");
    assert_eq!(failed.stderr().lines().count(), 1, "{}", failed.story());
});

both_modes!(no_control_character_reaches_the_terminal, |mode| {
    let hostile = "a\nb\rc\u{1b}]0;title\u{7}d\u{7f}e\u{9b}31mf\u{202e}g\u{2066}h\u{200f}";
    for format in FORMATS {
        let options = ["--log-format", format];
        let started = onset(mode).options(options).command(["probe", "exit", "0", hostile]).start().finish();
        let failed = onset(mode).options(options).command([&format!("/{hostile}")]).start().finish();
        for finished in [started, failed] {
            let text = finished.stderr();
            let lines: Vec<_> = text.lines().filter(|line| line.contains("onset")).collect();
            assert!(lines.iter().any(|line| line.contains("title")), "{}", finished.story());
            for line in lines {
                let bent = |character| matches!(character, '\u{200f}' | '\u{202e}' | '\u{2066}');
                assert!(!line.chars().any(|character| character.is_control() || bent(character)), "{line:?}");
            }
        }
    }
});

/// Arguments that no line has room for, each with what it is.
fn huge_arguments() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let long = |bytes: &[u8]| vec![bytes.repeat(120 * 1024 / bytes.len())];
    vec![
        ("one long", long(b"x")),
        ("quotes", long(b"\"")),
        ("control characters", long(b"\x01")),
        ("not UTF-8", long(b"\xff")),
        ("two bytes each", long("ä".as_bytes())),
        ("four bytes each", long("🦀".as_bytes())),
        ("escaped in five", long("\u{9b}".as_bytes())),
        ("many", vec![b"word".to_vec(); 20_000]),
        ("many empty", vec![Vec::new(); 20_000]),
        ("two long", vec![b"y".repeat(3000), b"z".repeat(3000)]),
    ]
}

both_modes!(a_line_is_shorter_than_4096_bytes_whatever_it_quotes, |mode| {
    for (what, args) in huge_arguments() {
        for (format, command) in FORMATS.into_iter().flat_map(|format| [(format, "probe"), (format, "/no/such")]) {
            let init = onset(mode).options(["--log-format", format]).command([command, "exit", "0"]);
            let finished = init.args(args.iter().map(|arg| OsStr::from_bytes(arg))).start().finish();
            let text = String::from_utf8(finished.stderr.clone()).expect("UTF-8");
            let line = text
                .split_inclusive('\n')
                .find(|line| line.contains(r#"["probe","exit","0""#) || line.contains(r#"["/no/such","exit","0""#))
                .unwrap_or_else(|| panic!("{what}: no argv\n{}", finished.story()));
            assert!(line.len() < 4096, "{what} as {format}: {} bytes", line.len());
            assert!(line.ends_with('\n'), "{what} as {format}: {line}");
            let object = || serde_json::from_str::<Value>(line).expect("JSON");
            let truncated = match format {
                "json" | "gcp" => object()["truncated"] == true,
                "ecs" | "datadog" => object()["onset"]["truncated"] == true,
                "otel" => object()["attributes"]["onset.truncated"] == true,
                _ => line.ends_with(" truncated=true\n"),
            };
            assert!(truncated, "{what} as {format}: {line}");
        }
    }
});

both_modes!(what_is_not_cut_does_not_say_truncated, |mode| {
    let args: Vec<String> = (0..20).map(|n| format!("argument {n}")).collect();
    let finished = onset(mode).command(["probe", "exit", "0"]).args(&args).start().finish();
    let started = finished.event("main_started");
    assert_eq!(started["argv"].as_array().map(Vec::len), Some(23), "{started}");
    assert_eq!(started.get("truncated"), None, "{started}");
});

both_modes!(each_line_is_written_at_once, |mode| {
    // A datagram socket keeps every write apart.
    let (reader, writer) = std::os::unix::net::UnixDatagram::pair().expect("a pair of sockets");
    let stderr = crate::support::Stdio::Fd(writer.into());
    let init: Running = onset(mode).debug().stderr(stderr).command(["probe", "exit", "0"]).start();
    assert_eq!(init.wait().code(), Some(0));
    reader.set_nonblocking(true).expect("our own socket");
    let mut buffer = [0; 8192];
    let writes = std::iter::from_fn(|| reader.recv(&mut buffer).ok().map(|length| buffer[..length].to_vec()));
    let events: Vec<Value> = writes.map(|write| serde_json::from_slice(&write).expect("one line")).collect();
    assert_eq!(events.len(), 3, "{events:?}");
});
