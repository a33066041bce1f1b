//! A helper program for the first start of PostgreSQL: starts the server for itself alone, on a socket of its own, has
//! psql run SQL files, and stops it. What onset guarantees it and expects of it: docs/helpers.md.
//!
//! ```text
//! postgres-init [--setup FILE] [--scripts DIR] [--socket DIR] [--patience SECONDS] -- POSTGRES [ARGS...]
//! ```
//!
//! FILE is run in the database `postgres`, then every `*.sql` of DIR (default /docker-entrypoint-initdb.d), in the order
//! of their names, in the one that PGDATABASE names. psql runs as `postgres`, has the environment of the helper
//! (`\getenv` reads it), and stops at the first error. PGDATA is the cluster, which is there already: initdb needs a
//! shell, so it is called where there is one, when the image is built. Each wait takes at most SECONDS (default 60).
//!
//! It needs nothing but the standard library: `rustc --target x86_64-unknown-linux-musl postgres-init.rs` is a static
//! binary.
#![allow(unsafe_code, clippy::disallowed_methods, reason = "a program of its own, not a part of onset")]

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

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
    let _ = writeln!(std::io::stderr(), "postgres-init: {text}");
}

fn variable(name: &str) -> Result<String> {
    std::env::var(name).map_err(|error| format!("{name}: {error}").into())
}

/// What the command line asks for.
struct Order {
    setup: Option<PathBuf>,
    scripts: PathBuf,
    socket: PathBuf,
    patience: Duration,
    server: Vec<String>,
}

impl Order {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut order = Order {
            setup: None,
            scripts: "/docker-entrypoint-initdb.d".into(),
            socket: "/tmp".into(),
            patience: Duration::from_mins(1),
            server: Vec::new(),
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--setup" => order.setup = Some(value()?.into()),
                "--scripts" => order.scripts = value()?.into(),
                "--socket" => order.socket = value()?.into(),
                "--patience" => order.patience = Duration::try_from_secs_f64(value()?.parse()?)?,
                "--" => order.server = words.by_ref().collect(),
                _ => return Err(format!("unknown argument {word}").into()),
            }
        }
        if order.server.is_empty() {
            return Err("no server: it is given behind --".into());
        }
        Ok(order)
    }

    fn carry_out(&self) -> Result<()> {
        let scripts = scripts(&self.scripts)?;
        let mut server = self.start()?;
        server.wait_until_ready()?;
        if let Some(setup) = &self.setup {
            self.run(setup, "postgres")?;
        }
        for script in scripts {
            self.run(&script, &variable("PGDATABASE")?)?;
        }
        server.stop()
    }

    /// Nobody else gets in while it is not what it is to be: no network. A statement that fails may have a password in
    /// it, so none is logged.
    fn start(&self) -> Result<Server> {
        let socket = format!("unix_socket_directories={}", self.socket.display());
        let mut command = Command::new(&self.server[0]);
        command.args(&self.server[1..]);
        for setting in ["listen_addresses=", &socket, "log_min_error_statement=panic", "log_statement=none"] {
            command.args(["-c", setting]);
        }
        let state = Path::new(&variable("PGDATA")?).join("postmaster.pid");
        let stale = modified(&state);
        let child = command.spawn().map_err(|error| format!("cannot start {}: {error}", self.server[0]))?;
        Ok(Server { child, state, stale, patience: self.patience })
    }

    fn run(&self, file: &Path, database: &str) -> Result<()> {
        let shown = file.display();
        say(&format!("running {shown} in {database}"));
        let status = Command::new("psql")
            .args(["--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--username=postgres"])
            .arg("--host")
            .arg(&self.socket)
            .args(["--dbname", database])
            .arg("--file")
            .arg(file)
            .status()
            .map_err(|error| format!("cannot start psql: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("{shown}: {status}").into()) }
    }
}

/// When a file was written last; none if it is not there.
fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|file| file.modified()).ok()
}

/// In the order of their names; none if there is no folder.
fn scripts(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|error| format!("cannot list {}: {error}", folder.display()))?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<_>>>()?;
    let (mut scripts, others): (Vec<_>, Vec<_>) =
        paths.into_iter().partition(|path| path.extension().is_some_and(|end| end == "sql"));
    for path in others {
        say(&format!("ignoring {}", path.display()));
    }
    scripts.sort();
    Ok(scripts)
}

/// The server, which is killed if it is not stopped.
struct Server {
    child: Child,
    state: PathBuf,
    stale: Option<SystemTime>,
    patience: Duration,
}

impl Server {
    /// The eighth line of postmaster.pid is what pg_ctl looks at, too (miscadmin.h, LOCK_FILE_LINE_PM_STATUS).
    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + self.patience;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the server ended before it was ready: {status}").into());
            }
            // That of a server that was killed is there still, and may have the same pid: those of a container repeat.
            let state = fs::read_to_string(&self.state).unwrap_or_default();
            let ready = state.lines().nth(7).is_some_and(|status| status.trim_end() == "ready");
            if ready && modified(&self.state) != self.stale {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("the server is not ready after {:?}", self.patience).into());
            }
            sleep(INTERVAL);
        }
    }

    /// The fast shutdown: everybody is sent away, all is written.
    fn stop(mut self) -> Result<()> {
        interrupt(self.child.id())?;
        let deadline = Instant::now() + self.patience;
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("the server ended with {status}").into()),
                None if Instant::now() > deadline => return Err("the server does not stop".into()),
                None => sleep(INTERVAL),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The standard library has only SIGKILL.
fn interrupt(pid: u32) -> Result<()> {
    unsafe extern "C" {
        fn kill(pid: i32, signal: i32) -> i32;
    }
    const SIGINT: i32 = 2;
    // SAFETY: kill takes two numbers; the process is our own child, not waited for yet, so the number is still its.
    match unsafe { kill(i32::try_from(pid)?, SIGINT) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error().into()),
    }
}
