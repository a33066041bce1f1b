//! An entrypoint's job: variables, secrets, templates, and then the application (benches/job).

use crate::launch::{Command, End};
use crate::start::micros;
use crate::stats::Samples;
use crate::{Bench, Figures, counters, text};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// What the scripts are compared to, and they to each other.
pub const REFERENCE: &str = "dash + envsubst";

/// What the container is given: the required variables, the files with the secrets, and one that has a default.
const ENVIRONMENT: [&str; 7] = [
    "DB_HOST=db.internal",
    "DB_NAME=shop",
    "DB_USER=shop",
    "SERVER_NAME=example.org",
    "PORT=9000",
    "DB_PASSWORD_FILE=secrets/db_password",
    "API_TOKEN_FILE=secrets/api_token",
];

/// Who does the job; the first only executes the application.
pub const ENTRYPOINTS: [&str; 7] = [
    "exec only",
    "onset",
    "onset, errors only",
    REFERENCE,
    "tini-static + dash + envsubst",
    "bash + envsubst",
    "python3",
];

pub fn command(bench: &Bench, entrypoint: &str, folder: &Path, application: &[&str]) -> Command {
    let onset = bench.programs.onset.display().to_string();
    let onset = [onset.as_str(), "--config", "onset.toml", "--"];
    let words: &[&str] = match entrypoint {
        "onset" | "onset, errors only" => &onset,
        REFERENCE => &["/usr/bin/dash", "entrypoint.sh"],
        "tini-static + dash + envsubst" => &["/usr/bin/tini-static", "--", "/usr/bin/dash", "entrypoint.sh"],
        "bash + envsubst" => &["/usr/bin/bash", "entrypoint.sh"],
        "python3" => &["/usr/bin/python3", "entrypoint.py"],
        _ => &[],
    };
    let quiet = (entrypoint == "onset, errors only").then_some("ONSET_LOG_LEVEL=error");
    Command::new(words).args(application).cwd(folder).env(quiet)
}

#[derive(Default)]
struct Found {
    main: Samples,
    added: Samples,
    cpu: Samples,
    faults: Samples,
}

pub fn measure(bench: &Bench) -> Result<Value, String> {
    let folder = bench.new_folder("job")?;
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("job"), &folder)?;
    let with =
        |entrypoint: &str, application: &[&str]| command(bench, entrypoint, &folder, application).env(ENVIRONMENT);
    same_result(&folder, &with)?;

    let main = [bench.programs.app.as_str(), "main"];
    let mut found: Vec<Found> = ENTRYPOINTS.iter().map(|_| Found::default()).collect();
    for round in 0..=bench.times(10, 200) {
        let mut none = 0.0;
        for (entrypoint, found) in ENTRYPOINTS.iter().zip(&mut found) {
            let (reached, end) =
                once(&folder, &with(entrypoint, &main)).map_err(|error| format!("{entrypoint}: {error}"))?;
            if *entrypoint == "exec only" {
                none = reached;
            }
            if round > 0 {
                found.main.add(reached);
                found.added.add(reached - none);
                found.cpu.add(end.cpu.as_secs_f64() * 1e6);
                #[allow(clippy::cast_precision_loss)]
                found.faults.add(end.faults as f64);
            }
        }
    }

    let mut figures = Figures::new();
    for (entrypoint, found) in ENTRYPOINTS.iter().zip(found) {
        first_start(&folder)?;
        let calls = counters::system_calls(bench, &with(entrypoint, &main))?;
        let mut figure = json!({
            "main_us": found.main.json(), "main_added_us": found.added.json(),
            "cpu_us": found.cpu.json(), "faults": found.faults.json(),
            "calls": calls.all, "processes": calls.processes, "programs": calls.programs,
        });
        if entrypoint.starts_with("onset") {
            first_start(&folder)?;
            // An application that is missing, because callgrind forgets what a process did before it became another.
            let counted = counters::instructions(bench, &with(entrypoint, &["/missing"]))?;
            figure["instructions_of_pid_1"] = json!(counted.of_pid_1);
            figure["instructions_of_preparation"] = json!(counted.all - counted.of_pid_1);
        }
        figures.insert((*entrypoint).to_owned(), figure);
    }
    Ok(figures.into())
}

/// To the application's main, in microseconds, of a first start.
pub fn once(folder: &Path, command: &Command) -> Result<(f64, End), String> {
    first_start(folder)?;
    let (mut container, end) = command.run().map_err(text)?;
    if end.status != 0 {
        return Err(format!("status {}: {}", end.status, container.stderr()));
    }
    let reached = container.application_started().map_err(text)?;
    Ok((micros(reached - container.executed), end))
}

/// Nothing is there of an earlier one.
fn first_start(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder.join("run")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(text(error)),
        _ => Ok(()),
    }
}

/// All do the same: the files, their modes, and the environment of the application, but for what shells and Python add.
fn same_result(folder: &Path, with: &dyn Fn(&str, &[&str]) -> Command) -> Result<(), String> {
    let mut first: Option<(&str, Files, Vec<String>)> = None;
    for entrypoint in ENTRYPOINTS.into_iter().filter(|name| *name != "exec only") {
        first_start(folder)?;
        let (mut container, end) = with(entrypoint, &["/usr/bin/env"]).run().map_err(text)?;
        if end.status != 0 {
            return Err(format!("{entrypoint}: status {}: {}", end.status, container.stderr()));
        }
        let mut environment: Vec<String> = container.stdout().map_err(text)?.lines().map(str::to_owned).collect();
        let theirs = ["PWD=", "OLDPWD=", "SHLVL=", "_=", "LC_CTYPE=", "ONSET_LOG_LEVEL="];
        environment.retain(|entry| !theirs.iter().any(|name| entry.starts_with(name)));
        environment.sort();
        let files = files(&folder.join("run"))?;
        match &first {
            None => first = Some((entrypoint, files, environment)),
            Some((other, theirs, variables)) => {
                if files != *theirs || environment != *variables {
                    return Err(format!("{entrypoint} and {other} differ: {environment:?}, {variables:?}"));
                }
            }
        }
    }
    match first {
        Some((_, files, _)) if files.len() == 4 => Ok(()),
        other => Err(format!("a folder and three files were expected: {other:?}")),
    }
}

/// Modes and contents.
type Files = BTreeMap<PathBuf, (u32, Vec<u8>)>;

fn files(folder: &Path) -> Result<Files, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(text)? {
        let path = entry.map_err(text)?.path();
        let meta = path.metadata().map_err(text)?;
        let content = if meta.is_dir() {
            found.append(&mut files(&path)?);
            Vec::new()
        } else {
            fs::read(&path).map_err(text)?
        };
        found.insert(path, (meta.permissions().mode(), content));
    }
    Ok(found)
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::create_dir_all(to).map_err(text)?;
    for entry in fs::read_dir(from).map_err(text)? {
        let path = entry.map_err(text)?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target).map_err(text)?;
        }
    }
    Ok(())
}
