//! `onset probe`, for HEALTHCHECK and exec probes.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt as _;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, SystemTime};

use onset::plan::model::Identity;
use onset::record::{Environ, Record};

use crate::both_modes;
use crate::support::mode::is_root_or_skip;
use crate::support::root::Root;
use crate::support::{Fake, Finished, Folder, Init, Mode, Stdio, proc, sys, until};

/// Nobody listens there.
const NOBODY: &str = "127.0.0.1:1";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nall well";

fn probe(mode: Mode, words: &[&str]) -> Finished {
    Init::new(mode).args(["probe"]).args(words).start().finish()
}

/// What stands behind `name` in the text, up to what is no digit.
fn number_behind(text: &str, name: &str) -> u32 {
    let (_, rest) = text.split_once(name).unwrap_or_else(|| panic!("no {name} in {text}"));
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("{name} and no number in {text}"))
}

#[test]
fn in_every_example_the_health_shows_the_drain() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = std::fs::read_dir(root.join("examples/docker")).expect("the examples");
    let folders = folders.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir());
    let images = folders.map(|folder| (folder.join("Dockerfile"), folder.join("onset.toml")));
    let first = (root.join("Dockerfile.example"), root.join("examples/onset.toml"));
    let mut count = 0;
    for (dockerfile, configuration) in images.chain([first]) {
        let [file, text] = [&dockerfile, &configuration].map(|path| std::fs::read_to_string(path).expect("a file"));
        // Docker says so after these (https://docs.docker.com/reference/dockerfile/#healthcheck).
        let noticed = number_behind(&file, "--interval=") * number_behind(&file, "--retries=");
        let drain = number_behind(&text, "drain = \"${DRAIN:-");
        assert!(noticed < drain, "{}: {noticed} s, {drain} s", dockerfile.display());
        assert!(drain + number_behind(&text, "grace = \"") < number_behind(&text, "budget = \""));
        count += 1;
    }
    assert!(count >= 9, "{count}");
}

#[track_caller]
fn assert_ends(finished: &Finished, status: i32, line: &str) {
    assert_eq!(finished.stdout(), format!("{line}\n"), "{}", finished.story());
    assert_eq!((finished.code(), finished.stderr().as_str()), (status, ""), "{}", finished.story());
}

#[track_caller]
fn assert_holds(mode: Mode, words: &[&str], line: &str) {
    assert_ends(&probe(mode, words), 0, &format!("ok: {line}"));
}

#[track_caller]
fn assert_fails(mode: Mode, words: &[&str], line: &str) {
    assert_ends(&probe(mode, words), 1, &format!("failed: {line}"));
}

/// Gives this answer to everybody, and hands out what it was asked.
fn serve<S: Read + Write>(accept: impl Fn() -> S + Send + 'static, answer: &'static str) -> mpsc::Receiver<String> {
    let (sender, asked) = mpsc::channel();
    thread::spawn(move || {
        loop {
            let mut stream = accept();
            let lines = BufReader::new(&mut stream).lines();
            let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let _gone = stream.write_all(answer.as_bytes());
            if sender.send(head.join("\n")).is_err() {
                return;
            }
        }
    });
    asked
}

fn web(answer: &'static str) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    (address, serve(move || listener.accept().expect("a connection").0, answer))
}

/// Takes connections, and never answers.
fn mute() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    (listener, address)
}

fn record(environ: &[&str]) -> Record {
    let environ = Environ(environ.iter().map(|entry| entry.as_bytes().to_vec()).collect());
    let identity = Identity { uid: 0, gid: 0, groups: Vec::new() };
    Record {
        identity,
        umask: 0o022,
        workdir: "/".into(),
        environ,
        secrets: Environ::default(),
        stop_commands: Vec::new(),
    }
}

both_modes!(a_page_is_asked_for_and_its_status_counts, |mode| {
    let (web, asked) = web(OK);
    let url = format!("http://{web}/health?deep");
    assert_holds(mode, &[&url], &url);
    let expected = format!(
        "GET /health?deep HTTP/1.1\nHost: {web}\nUser-Agent: onset\nAccept: */*\nAccept-Encoding: identity\nConnection: close"
    );
    assert_eq!(asked.recv(), Ok(expected));
    assert_holds(mode, &[&url, "--contains", "well"], &url);
    assert_fails(mode, &[&url, "--contains", "ill"], &format!("{url}: its answer does not have the text in it"));
    assert_holds(mode, &["--status", "200-299,401", &url], &url);
    assert_fails(mode, &["--status", "204,401", &url], &format!("{url}: it answers with status 200"));
});

both_modes!(a_redirect_is_an_answer_and_an_error_is_none, |mode| {
    for (answer, status) in [
        ("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", None),
        ("HTTP/1.1 404 Not Found\r\n\r\n", Some(404)),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", Some(503)),
    ] {
        let url = format!("http://{}/", web(answer).0);
        match status {
            None => assert_holds(mode, &[&url], &url),
            Some(status) => assert_fails(mode, &[&url], &format!("{url}: it answers with status {status}")),
        }
    }
    let url = format!("http://{}/", web("SSH-2.0-x\r\n").0);
    assert_fails(mode, &[&url], &format!("{url}: the answer is not HTTP/1"));
});

both_modes!(method_and_headers_are_sent, |mode| {
    let (web, asked) = web("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    let url = format!("http://{web}/");
    assert_holds(mode, &["-X", "HEAD", "-H", "Host: a.example", "-H", "X-A: b $$", &url], &url);
    let asked = asked.recv().expect("it was asked");
    assert!(asked.starts_with("HEAD / HTTP/1.1\nUser-Agent"), "{asked}");
    assert!(asked.contains("\nHost: a.example\nX-A: b $\n"), "{asked}");
});

both_modes!(a_page_can_be_asked_for_at_a_socket, |mode| {
    let folder = Folder::new();
    let path = folder.join("s");
    let listener = UnixListener::bind(&path).expect("a socket");
    let asked = serve(move || listener.accept().expect("a connection").0, OK);
    let socket = path.to_str().expect("UTF-8");
    let words = ["--unix-socket", socket, "http://localhost/x", "--contains", "all well"];
    assert_holds(mode, &words, "http://localhost/x");
    let asked = asked.recv().expect("it was asked");
    assert!(asked.starts_with("GET /x HTTP/1.1\nHost: localhost\n"), "{asked}");
    let nothing = folder.join("none");
    let words = ["--unix-socket", nothing.to_str().expect("UTF-8"), "http://localhost/x"];
    assert_fails(mode, &words, "http://localhost/x: no such file or directory (ENOENT)");
});

both_modes!(all_targets_must_hold_and_the_first_that_does_not_is_told, |mode| {
    let (_listener, tcp) = mute();
    let folder = Folder::new();
    let _socket = UnixListener::bind(folder.join("s")).expect("a socket");
    let [tcp, unix, file] =
        [format!("tcp:{tcp}"), format!("unix:{}", folder.join("s").display()), "file:/etc/passwd".to_owned()];
    assert_holds(mode, &[&tcp, &unix, &file], &format!("{tcp}, {unix}, {file}"));
    let nobody = format!("tcp:{NOBODY}");
    let refused = format!("{nobody}: connection refused (ECONNREFUSED)");
    assert_fails(mode, &[&file, &nobody, "file:/no/such"], &refused);
    assert_fails(mode, &["file:/no/such"], "file:/no/such: no such file or directory (ENOENT)");
    assert_fails(mode, &["unix:/no/such"], "unix:/no/such: no such file or directory (ENOENT)");
});

both_modes!(a_file_can_be_too_old, |mode| {
    let folder = Folder::new();
    let path = folder.file("beat", "", 0o644);
    let target = format!("file:{}", path.display());
    assert_holds(mode, &[&target, "--younger-than", "1h"], &target);
    let file = File::options().write(true).open(&path).expect("our own file");
    file.set_modified(SystemTime::now() - Duration::from_hours(2)).expect("our own file");
    assert_holds(mode, &[&target], &target);
    let finished = probe(mode, &[&target, "--younger-than", "1h"]);
    assert!(finished.stdout().starts_with(&format!("failed: {target}: its last change was 720")), "{finished:?}");
    assert_eq!(finished.code(), 1);
    file.set_modified(SystemTime::now() + Duration::from_hours(2)).expect("our own file");
    assert_holds(mode, &[&target, "--younger-than", "1s"], &target);
});

both_modes!(who_does_not_answer_in_time_has_failed, |mode| {
    let (_listener, mute) = mute();
    let url = format!("http://{mute}/");
    assert_fails(mode, &["--timeout", "200ms", &url], &format!("{url}: no answer in time"));
});

// connect(2) to a socket whose queue is full knows no time; a file system that is gone knows none either.
both_modes!(the_time_holds_for_what_knows_none, |mode| {
    let folder = Folder::new();
    let path = folder.join("s");
    let listener = UnixListener::bind(&path).expect("a socket");
    // std's has room for more than a user may have descriptors.
    crate::syscall!(SYS_listen, std::os::fd::AsRawFd::as_raw_fd(&listener), 0).expect("it listens already");
    let _waiting = fill(&path);
    let target = format!("unix:{}", path.display());
    let init = Init::new(mode).args(["probe", "--timeout", "300ms", &target]).start();
    let asking = init.until("who asks", || proc::children(init.pid()).first().copied());
    assert_ends(&init.finish(), 1, &format!("failed: {target}: no answer within 300ms"));
    until("nobody asks any more", || proc::state(asking).is_none_or(|state| state == 'Z').then_some(()));
});

/// Connections until there is room for no more.
fn fill(path: &std::path::Path) -> Vec<std::os::fd::OwnedFd> {
    let mut name = [0_u8; 110];
    name[..2].copy_from_slice(&1_u16.to_ne_bytes());
    let bytes = path.as_os_str().as_encoded_bytes();
    name[2..2 + bytes.len()].copy_from_slice(bytes);
    let mut all = Vec::new();
    loop {
        let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        let fd = crate::syscall!(SYS_socket, libc::AF_UNIX, kind, 0).expect("a socket");
        // SAFETY: socket has just made it.
        let fd = unsafe { <std::os::fd::OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(i32::try_from(fd).unwrap()) };
        let raw = std::os::fd::AsRawFd::as_raw_fd(&fd);
        if crate::syscall!(SYS_connect, raw, name.as_ptr(), name.len()).is_err() {
            return all;
        }
        all.push(fd);
    }
}

promise!(the_time_holds_for_a_resolver_that_waits, {
    let Ok(_mute) = UdpSocket::bind("127.9.9.9:53") else { return };
    let root = Root::new().file("/etc/resolv.conf", "nameserver 127.9.9.9\noptions timeout:30\n");
    let start = root.onset(["probe", "--timeout", "300ms", "http://web.example/"]);
    let finished = start.begin().finish();
    assert_ends(&finished, 1, "failed: http://web.example/: no answer within 300ms");
});

both_modes!(a_stop_signal_ends_it_and_whoever_asks, |mode| {
    let (listener, mute) = mute();
    let init = Init::new(mode).args(["probe", "--timeout", "1h", &format!("http://{mute}/")]).start();
    let _stream = listener.accept().expect("it is asked");
    let asking = proc::children(init.pid());
    assert_eq!(asking.len(), 1);
    init.kill(libc::SIGTERM);
    let finished = init.finish();
    match mode {
        Mode::Pid1 => assert_eq!(finished.code(), 143),
        Mode::SubReaper => assert_eq!(finished.status.signal(), Some(libc::SIGTERM)),
    }
    until("nobody asks any more", || proc::state(asking[0]).is_none_or(|state| state == 'Z').then_some(()));
});

both_modes!(the_status_is_the_answer_whoever_reads_the_line, |mode| {
    let full = || File::options().write(true).open("/dev/full").expect("/dev/full").into();
    let nobody = || {
        let (reader, writer) = sys::pipe();
        drop(reader);
        Stdio::Fd(writer)
    };
    for (target, status) in [("file:/etc/passwd", 0), ("file:/no/such", 1)] {
        for stdout in [Stdio::Closed, full(), nobody()] {
            let finished = Init::new(mode).args(["probe", target]).stdout(stdout).start().finish();
            assert_eq!((finished.code(), finished.stderr()), (status, String::new()), "{}", finished.story());
        }
        let init = Init::new(mode).args(["probe", target]).stdin(Stdio::Closed).stdout(Stdio::Closed);
        assert_eq!(init.stderr(Stdio::Closed).start().finish().code(), status);
    }
});

both_modes!(the_init_says_its_state, |mode| {
    let cases = [
        ("prepare", ["not started: preparing", "not ready: preparing", "ok: live"]),
        ("run", ["ok: started", "ok: ready", "ok: live"]),
        ("drain", ["ok: started", "not ready: draining", "ok: live"]),
        ("stop", ["ok: started", "not ready: stopping", "ok: live"]),
        ("linger", ["ok: started", "not ready: lingering", "not live: lingering"]),
    ];
    for (state, lines) in cases {
        for (word, line) in ["started", "ready", "live"].into_iter().zip(lines) {
            assert_eq!(Fake::new(state).line(mode, ["probe", word]), line, "{state}");
        }
    }
});

#[test]
fn its_state_is_the_exit_status_and_the_init_can_be_named() {
    let standing = Fake::new("drain").stand();
    assert_ends(&standing.run(&["probe", "live", "started"]), 0, "ok: live, started");
    assert_ends(&standing.run(&["probe", "live", "ready", "started"]), 1, "not ready: draining");
    let this = std::process::id().to_string();
    let finished = probe(Mode::SubReaper, &["--pid", &this, "live"]);
    assert!(finished.stdout().starts_with(&format!("failed: live: process {this} is no onset")), "{finished:?}");
    assert_eq!(finished.code(), 1);
}

#[test]
fn without_an_init_nothing_is_ready() {
    if crate::support::mode::has_namespaces_or_skip() {
        assert_fails(Mode::Pid1, &["ready"], "ready: no onset supervisor found");
    }
}

both_modes!(variables_are_the_applications, |mode| {
    let (web, _asked) = web(OK);
    let port = web.rsplit(':').next().expect("a port").to_owned();
    let url = "http://127.0.0.1:${PORT:-1}/";
    let ok = format!("ok: {url}");
    let entry = format!("PORT={port}");
    let recorded = || record(&[&entry]);
    assert_eq!(Fake::new("run").env(["PORT=2"]).record(recorded()).line(mode, ["probe", url]), ok);
    assert_eq!(Fake::new("run").env([entry.as_str()]).line(mode, ["probe", url]), ok);
    let refused = format!("failed: {url}: connection refused (ECONNREFUSED)");
    assert_eq!(Fake::new("run").line(mode, ["probe", url]), refused);
});

#[test]
fn without_an_init_or_its_leave_variables_are_our_own() {
    let target = "file:${PLACE}";
    let own = |init: Init| init.add_env("PLACE=/etc/passwd");
    if crate::support::mode::has_namespaces_or_skip() {
        let finished = own(Init::new(Mode::Pid1)).args(["probe", target]).start().finish();
        assert_ends(&finished, 0, "ok: file:${PLACE}");
    }
    if is_root_or_skip() {
        let standing = Fake::new("run").env(["PLACE=/no/such"]).record(record(&["PLACE=/no/such"])).stand();
        let nobody = own(Init::new(Mode::SubReaper)).user(65534, 65534);
        assert_ends(&standing.with(nobody, &["probe", target]), 0, "ok: file:${PLACE}");
    }
}

#[test]
fn a_variable_that_is_not_set_is_named_and_none_is_shown() {
    let standing = Fake::new("run").env(["TOKEN=hunter2", "URL=db://u:hunter2@[::1"]).stand();
    let says = |words: &[&str], line: &str| {
        let finished = standing.run(&[&["probe"], words].concat());
        assert_ends(&finished, 1, line);
        assert!(!finished.stdout().contains("hunter2"));
    };
    let set = "is not set";
    says(&["http://${HOST}/${TOKEN}"], &format!("failed: http://${{HOST}}/${{TOKEN}}: `HOST` {set}"));
    says(&["http://x/", "-H", "A: ${NOPE}"], &format!("failed: http://x/: `NOPE` {set}"));
    says(&["tcp:${URL}"], "failed: tcp:${URL}: a `[` without its `]`: accepted is [IPv6 address]:port");
    let finished = standing.run(&["probe", "--timeout", "30s", "tcp:${TOKEN}.invalid:1"]);
    assert!(finished.stdout().starts_with("failed: tcp:${TOKEN}.invalid:1: cannot look up its host: "), "{finished:?}");
    assert_eq!((finished.code(), finished.stdout().lines().count()), (1, 1));
}

both_modes!(wrong_usage_is_no_failed_check, |mode| {
    let finished = probe(mode, &["https://web/", "--timeout", "soon", "--younger-than", "1s"]);
    let expected = "\
onset: `https://web/` is no target: only http:// is spoken here: for another protocol ask with a program of your own
onset: `--timeout` is `soon`: accepted are a number of seconds, or a number with ms, s, m, h or d: 5, 0.5, 500ms, 2m
usage: onset probe [OPTIONS] TARGET...
";
    assert_eq!((finished.code(), finished.stdout(), finished.stderr()), (125, String::new(), expected.to_owned()));
});
