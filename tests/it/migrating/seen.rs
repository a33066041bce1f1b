//! What one side did, as far as it can be compared with the other, and what may be said of it alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::root::{App, Outcome, Root};

/// What a shell adds to an environment, and onset does not.
const OF_THE_SHELL: [&str; 4] = ["PWD", "OLDPWD", "SHLVL", "_"];

/// What is there only for one of the sides, or for the test.
const OF_THE_SIDE: [&str; 13] = [
    "bin",
    "sbin",
    "usr",
    "lib",
    "lib64",
    "proc",
    "dev",
    "recorder",
    "stubs",
    "etc/alternatives",
    "etc/onset",
    "tmp",
    "docker-entrypoint.sh",
];

#[derive(Debug)]
pub struct Seen {
    /// What the two sides are compared by.
    pub facts: Facts,
    said: String,
    pub story: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    status: i32,
    app: Option<Process>,
    programs: Vec<Process>,
    /// By path: the mode, the owner, and the content or where a link points.
    files: BTreeMap<String, (u32, (u32, u32), String)>,
}

/// What a process was started as.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Process {
    argv: Vec<String>,
    env: BTreeSet<String>,
    identity: String,
    /// Supplementary groups but its own: in that one it is, listed or not.
    groups: BTreeSet<u32>,
    umask: u32,
    cwd: String,
    no_new_privs: String,
    ambient: String,
}

impl Seen {
    pub fn new(outcome: &Outcome, root: &Root) -> Self {
        let facts = Facts {
            status: outcome.code(),
            app: outcome.started().then(|| Process::of(outcome.app())),
            programs: outcome.programs().iter().map(Process::of).collect(),
            files: files(root),
        };
        Self { facts, said: outcome.stderr(), story: outcome.story() }
    }

    /// Whether the application ran.
    pub fn started(&self) -> bool {
        self.facts.app.is_some()
    }

    /// Whether the start was refused so.
    pub fn refused(&self, status: impl Fn(i32) -> bool) -> bool {
        !self.started() && status(self.facts.status)
    }

    pub fn says(&self, text: &str) -> bool {
        self.said.contains(text)
    }

    /// Whether one line of a comparison is true of it.
    pub fn holds(&self, check: &[String]) -> bool {
        let words: Vec<&str> = check.iter().map(String::as_str).collect();
        let app = self.facts.app.as_ref();
        let file = |path: &str| self.facts.files.get(path.trim_start_matches('/'));
        match words.as_slice() {
            ["starts"] => self.started(),
            ["starts", "not"] => !self.started(),
            ["status", status] => self.facts.status.to_string() == *status,
            ["says", text] => self.says(text),
            ["keeps", text] => !self.says(text),
            ["argv", argv @ ..] => app.is_some_and(|app| app.argv == argv),
            ["env", entry] if entry.contains('=') => app.is_some_and(|app| app.env.contains(*entry)),
            ["env", name] => app.is_some_and(|app| app.env.iter().any(|entry| name_of(entry) == *name)),
            ["no-env", name] => app.is_some_and(|app| app.env.iter().all(|entry| name_of(entry) != *name)),
            ["runs", names @ ..] => {
                self.facts.programs.iter().map(|program| name_in(&program.argv[0])).eq(names.iter().copied())
            }
            ["user", ids] => app.is_some_and(|app| app.identity == *ids),
            ["groups", groups @ ..] => {
                app.is_some_and(|app| app.groups.iter().map(u32::to_string).eq(groups.iter().map(ToString::to_string)))
            }
            ["file", path, text] => file(path).is_some_and(|(.., content)| content == text),
            ["no-file", path] => file(path).is_none(),
            ["mode", path, octal] => file(path).is_some_and(|(mode, ..)| format!("{:04o}", mode & 0o7777) == *octal),
            ["owner", path, ids] => file(path).is_some_and(|(_, (uid, gid), _)| format!("{uid}:{gid}") == *ids),
            _ => panic!("no such line in a comparison: {words:?}"),
        }
    }
}

impl Facts {
    /// The rest, without these variables and files.
    pub fn without(&self, variables: &[String], files: &[String]) -> Self {
        let mut rest = self.clone();
        for process in rest.app.iter_mut().chain(&mut rest.programs) {
            process.env.retain(|entry| !variables.iter().any(|name| name == name_of(entry)));
        }
        rest.files.retain(|path, _| !files.iter().any(|file| file.trim_start_matches('/') == path));
        rest
    }
}

impl Process {
    fn of(app: &App) -> Self {
        let identity = app.identity();
        let environ = app.environ().into_iter().map(|entry| entry.to_string_lossy().into_owned());
        Self {
            argv: app.argv(),
            env: environ.filter(|entry| !OF_THE_SHELL.contains(&name_of(entry))).collect(),
            groups: app
                .groups()
                .into_iter()
                .filter(|group| identity.split(':').nth(1) != Some(&group.to_string()))
                .collect(),
            identity,
            umask: app.umask(),
            cwd: app.cwd(),
            no_new_privs: app.field("no_new_privs").to_string(),
            ambient: app.field("ambient").to_string(),
        }
    }
}

fn name_in(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn name_of(entry: &str) -> &str {
    entry.split('=').next().unwrap_or_default()
}

fn files(root: &Root) -> BTreeMap<String, (u32, (u32, u32), String)> {
    let top = root.path("/");
    let mut files = BTreeMap::new();
    for (path, entry) in root.snapshot("/") {
        let path = path.strip_prefix(&top).expect("below the root");
        if path.as_os_str().is_empty() || OF_THE_SIDE.iter().any(|folder| path.starts_with(folder)) {
            continue;
        }
        let (mode, owner, content) = entry.seen();
        let content = String::from_utf8_lossy(content).into_owned();
        files.insert(path.to_string_lossy().into_owned(), (mode, owner, content));
    }
    files
}

/// Where two differ, for people; nothing if they do not.
pub fn difference(before: &Facts, after: &Facts) -> Option<String> {
    if before == after {
        return None;
    }
    let (left, right) = (format!("{before:#?}"), format!("{after:#?}"));
    let only = |side: &str, of: &str, other: &str| -> String {
        let others: Vec<&str> = other.lines().collect();
        let lines: Vec<String> =
            of.lines().filter(|line| !others.contains(line)).map(|line| format!("{side}: {line}\n")).collect();
        lines.concat()
    };
    Some(only("before", &left, &right) + &only("after", &right, &left))
}
