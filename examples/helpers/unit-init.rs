//! A helper program for the entrypoint of nginx unit: starts the daemon for itself alone, gives it its first
//! configuration over its control socket, and stops it. What onset guarantees it and expects of it: docs/helpers.md.
//!
//! ```text
//! unit-init [--control PATH] [--directory DIR] [--welcome FILE] [--state DIR] [--patience SECONDS] -- UNITD [ARGS...]
//! ```
//!
//! From DIR (default /docker-entrypoint.d): `*.pem` become certificates, `*.js` modules, `*.json` the configuration,
//! `*.sh` are executed, in this order and each kind in the order of the names; other files are reported. With no file
//! there, FILE becomes the configuration. Each wait takes at most SECONDS (default 5). The folder that `--state` names
//! is emptied first, but for names that begin with a dot: what a start that was killed has left there is half a state.
//!
//! It needs nothing but the standard library: `rustc --target x86_64-unknown-linux-musl unit-init.rs` is a static binary.
#![allow(unsafe_code, clippy::disallowed_methods, reason = "a program of its own, not a part of onset")]

use std::error::Error;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::thread::sleep;
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How often it is looked.
const INTERVAL: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    match Order::parse(std::env::args().skip(1)).and_then(|order| order.carry_out()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// That nobody reads it is no reason to fail, as it is for `eprintln!`.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "unit-init: {text}");
}

/// What the command line asks for.
struct Order {
    control: PathBuf,
    directory: PathBuf,
    welcome: PathBuf,
    state: Option<PathBuf>,
    patience: Duration,
    daemon: Vec<String>,
}

impl Order {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut order = Order {
            control: "/var/run/control.unit.sock".into(),
            directory: "/docker-entrypoint.d".into(),
            welcome: "/usr/share/unit/welcome/welcome.json".into(),
            state: None,
            patience: Duration::from_secs(5),
            daemon: Vec::new(),
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--control" => order.control = value()?.into(),
                "--directory" => order.directory = value()?.into(),
                "--welcome" => order.welcome = value()?.into(),
                "--state" => order.state = Some(value()?.into()),
                "--patience" => order.patience = Duration::try_from_secs_f64(value()?.parse()?)?,
                "--" => order.daemon = words.by_ref().collect(),
                _ => return Err(format!("unknown argument {word}").into()),
            }
        }
        if order.daemon.is_empty() {
            return Err("no daemon: it is given behind --".into());
        }
        Ok(order)
    }

    fn carry_out(&self) -> Result<()> {
        if let Some(state) = &self.state {
            empty(state).map_err(|error| format!("cannot empty {}: {error}", state.display()))?;
        }
        let control = format!("unix:{}", self.control.display());
        let mut command = Command::new(&self.daemon[0]);
        command.args(&self.daemon[1..]).args(["--no-daemon", "--control", &control]);
        let child = command.spawn().map_err(|error| format!("cannot start {}: {error}", self.daemon[0]))?;
        let mut daemon = Daemon { child, control: &self.control, patience: self.patience };
        daemon.wait_until_it_answers()?;
        self.configure(&daemon)?;
        daemon.stop()
    }

    fn configure(&self, daemon: &Daemon<'_>) -> Result<()> {
        let mut files = Vec::new();
        collect(&self.directory, &mut files)?;
        if files.is_empty() {
            return daemon.put("/config", &self.welcome);
        }
        for (extension, target) in [("pem", "/certificates"), ("js", "/js_modules")] {
            for path in of_kind(&files, extension) {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                daemon.put(&format!("{target}/{stem}"), path)?;
            }
        }
        for path in of_kind(&files, "json") {
            daemon.put("/config", path)?;
        }
        for path in of_kind(&files, "sh") {
            let shown = path.display();
            let status = Command::new(path).status().map_err(|error| format!("cannot start {shown}: {error}"))?;
            if !status.success() {
                return Err(format!("{shown}: {status}").into());
            }
        }
        let known =
            |path: &&PathBuf| ["pem", "js", "json", "sh"].iter().any(|kind| path.extension() == Some(kind.as_ref()));
        for path in files.iter().filter(|path| !known(path)) {
            say(&format!("ignoring {}", path.display()));
        }
        Ok(())
    }
}

fn of_kind<'f>(files: &'f [PathBuf], extension: &'f str) -> impl Iterator<Item = &'f PathBuf> {
    files.iter().filter(move |path| path.extension() == Some(extension.as_ref()))
}

/// Every file below a folder, in the order of their names; none if there is no folder.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| format!("cannot list {}: {error}", folder.display()))?,
    };
    let mut paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

/// Removes all there is in a folder, but for names that begin with a dot.
fn empty(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
    }
    Ok(())
}

/// The daemon, which is killed if it is not stopped.
struct Daemon<'o> {
    child: Child,
    control: &'o Path,
    patience: Duration,
}

impl Daemon<'_> {
    /// That there is a socket does not mean that anybody listens.
    fn wait_until_it_answers(&mut self) -> Result<()> {
        let deadline = Instant::now() + self.patience;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the daemon ended before it was configured: {status}").into());
            }
            let Err(error) = self.request("GET", "/", b"") else { return Ok(()) };
            if Instant::now() > deadline {
                let control = self.control.display();
                return Err(format!("nobody answers at {control} after {:?}: {error}", self.patience).into());
            }
            sleep(INTERVAL);
        }
    }

    /// Sends a file; any status but 200 is an error.
    fn put(&self, target: &str, path: &Path) -> Result<()> {
        let shown = path.display();
        let content = fs::read(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
        let (status, answer) = self
            .request("PUT", target, &content)
            .map_err(|error| format!("cannot send {shown} to {target}: {error}"))?;
        if status != 200 {
            return Err(format!("{shown} was refused by {target} with status {status}: {}", answer.trim()).into());
        }
        say(&format!("{shown} is {target}"));
        Ok(())
    }

    /// One exchange of HTTP/1.1: the status and the body.
    fn request(&self, method: &str, target: &str, body: &[u8]) -> Result<(u16, String)> {
        let mut stream = UnixStream::connect(self.control)?;
        stream.set_read_timeout(Some(self.patience))?;
        stream.set_write_timeout(Some(self.patience))?;
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or("this is no HTTP")?;
        Ok((status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()))
    }

    /// TERM, and once it is out of patience KILL. The daemon takes its socket away when it ends in order; the one it
    /// leaves would be in the way of the next.
    fn stop(mut self) -> Result<()> {
        terminate(self.child.id())?;
        let deadline = Instant::now() + self.patience;
        while self.is_there() || self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                say("the daemon does not stop; it is killed");
                self.child.kill()?;
                self.child.wait()?;
                if self.is_there() {
                    fs::remove_file(self.control)?;
                }
                return Ok(());
            }
            sleep(INTERVAL);
        }
        Ok(())
    }

    fn is_there(&self) -> bool {
        fs::symlink_metadata(self.control).is_ok_and(|meta| meta.file_type().is_socket())
    }
}

/// Whatever failed: no daemon stays, and no socket of a dead one.
impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if self.is_there() {
            let _ = fs::remove_file(self.control);
        }
    }
}

/// The standard library has only SIGKILL.
fn terminate(pid: u32) -> Result<()> {
    unsafe extern "C" {
        fn kill(pid: i32, signal: i32) -> i32;
    }
    const SIGTERM: i32 = 15;
    // SAFETY: kill takes two numbers; the process is our own child, not waited for yet, so the number is still its.
    match unsafe { kill(i32::try_from(pid)?, SIGTERM) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error().into()),
    }
}
