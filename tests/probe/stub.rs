//! A program whose behaviour a file says, line by line:
//!
//! | line | what it does |
//! |---|---|
//! | `record` | as `print` |
//! | `processes` | writes how many processes there are, as `processes N` |
//! | `stdout TEXT`, `stderr TEXT`, `extra TEXT` | writes the text and a newline to descriptor 1, 2 or 3; `\0` in it is a NUL |
//! | `cat` | copies stdin to stdout |
//! | `append PATH TEXT` | appends a line to a file |
//! | `read PATH` | exits 66 unless the file can be read |
//! | `fail-until PATH N` | appends a line to the file; exits 75 unless it has N of them now |
//! | `ignore-term` | ignores SIGTERM |
//! | `serve LOG [TARGET]` | listens at the socket that its argument `--control unix:PATH` names, and appends method, target and length of each request to the log; 400 to a PUT of that target, else 200; SIGTERM ends it and takes the socket away, unless it is ignored |
//! | `application LINE` | does that line if it is the application, and ends |
//! | `leave` | a child of it goes on living, in its group; `leave --session`: in a session of its own |
//! | `await-term` | goes on once SIGTERM comes |
//! | `stop` | stops itself, as SIGSTOP does |
//! | `wait` | waits for a signal that kills it |
//! | `die SIGNO`, `exit N` | ends so |

use std::ffi::{CString, OsStr, c_int};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::OnceLock;

use super::{cat, die, exit_now, fork, number, pause, print, sys, write_to};
use crate::syscall;

/// The behaviour of the program of that name, if there is one.
pub fn script(argv: &[&[u8]]) -> Option<String> {
    let name = Path::new(OsStr::from_bytes(argv.first()?)).file_name()?;
    std::fs::read_to_string(Path::new("/stubs").join(name)).ok()
}

/// Does as it says.
pub fn act(script: &str, argv: &[&[u8]]) -> c_int {
    for line in script.lines() {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let say = |fd| write_to(fd, format!("{}\n", rest.replace("\\0", "\0")).as_bytes());
        match verb {
            "record" => drop(print(argv, 1)),
            "processes" => drop(write_to(1, format!("processes {}\n", processes()).as_bytes())),
            "stdout" => drop(say(1)),
            "stderr" => drop(say(2)),
            "extra" => drop(say(3)),
            "cat" => drop(cat()),
            "append" => {
                let (path, text) = rest.split_once(' ').expect("a path and a text");
                append(path, text);
            }
            "read" => {
                if std::fs::read(rest).is_err() {
                    return 66;
                }
            }
            "fail-until" => {
                let (path, count) = rest.split_once(' ').expect("a path and a number");
                if append(path, "once") < count.parse().expect("a number") {
                    return 75;
                }
            }
            "ignore-term" => drop(sys::set_disposition(libc::SIGTERM, libc::SIG_IGN)),
            "serve" => serve(argv, rest),
            // The application is the child of PID 1; a program of a step has a preparation above it.
            "application" => {
                // SAFETY: it only returns a number.
                if unsafe { libc::getppid() } <= 1 {
                    return act(rest, argv);
                }
            }
            "leave" => {
                if fork() == 0 {
                    if rest == "--session" {
                        let _ = syscall!(SYS_setsid);
                    }
                    pause();
                }
            }
            "await-term" => {
                sys::set_mask(super::ALL_SIGNALS).expect("all signals can be blocked");
                super::say("ready\n");
                while super::next_signal()[0] != libc::SIGTERM {}
            }
            "stop" => drop(sys::kill(super::process_id(), libc::SIGSTOP)),
            "wait" => pause(),
            "die" => return die(number(rest), false),
            "exit" => exit_now(number(rest)),
            "" => {}
            other => {
                write_to(2, format!("stub: unknown line {other:?}\n").as_bytes());
                return 98;
            }
        }
    }
    0
}

/// Returns how many lines the file has now.
fn append(path: &str, text: &str) -> usize {
    let mut file = std::fs::File::options().create(true).append(true).open(path).expect("a file to append to");
    file.write_all(format!("{text}\n").as_bytes()).expect("a file to append to");
    std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

/// The socket that SIGTERM takes away.
static SOCKET: OnceLock<CString> = OnceLock::new();

extern "C" fn on_term(_: c_int) {
    if let Some(socket) = SOCKET.get() {
        // SAFETY: async-signal-safe both, and the path is a C string that lives for ever.
        unsafe {
            libc::unlink(socket.as_ptr());
            libc::_exit(0);
        }
    }
}

fn serve(argv: &[&[u8]], rest: &str) -> ! {
    let (log, refused) = rest.split_once(' ').unwrap_or((rest, ""));
    let control = argv.iter().find_map(|word| word.strip_prefix(b"unix:")).expect("--control unix:PATH");
    let path = CString::new(control).expect("no NUL");
    SOCKET.set(path).expect("once");
    // SAFETY: an old disposition of our own to ask for, and a handler that only does what handlers may.
    unsafe {
        if libc::signal(libc::SIGTERM, on_term as *const () as libc::sighandler_t) == libc::SIG_IGN {
            libc::signal(libc::SIGTERM, libc::SIG_IGN);
        }
    }
    let listener = UnixListener::bind(OsStr::from_bytes(control)).expect("a socket");
    for stream in listener.incoming() {
        let mut stream = BufReader::new(stream.expect("a connection"));
        let (mut first, mut length) = (String::new(), 0);
        stream.read_line(&mut first).expect("a request");
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).expect("a header");
            match line.trim_end().split_once(": ") {
                Some(("Content-Length", value)) => length = value.parse().expect("a number"),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).expect("a body");
        let mut words = first.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        append(log, &format!("{method} {target} {length}"));
        let status = if method == "PUT" && target == refused { "400 Bad Request" } else { "200 OK" };
        let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n{{\"answer\": \"{status}\"}}\r\n");
        stream.get_mut().write_all(answer.as_bytes()).expect("a reader");
    }
    unreachable!("connections never end");
}

fn processes() -> usize {
    let names = std::fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.filter(|name| name.as_bytes().iter().all(u8::is_ascii_digit)).count()
}
