//! The plan: everything decided, nothing done. Plain data that `prepare` executes and `onset plan` prints.

use super::shutdown::Shutdown;
use crate::config::model::Condition;
use crate::net::address::{Address, Url};
use std::ffi::CString;
use std::path::PathBuf;
use std::time::Duration;

/// All there is to do, in order: the process's state, the steps, the switch of the user, execve.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The application's arguments, the program first. At least one.
    pub argv: Vec<CString>,
    /// Which of them are parts of a secret, and not to be shown at all.
    pub hidden: Vec<bool>,
    /// Its environment: `NAME=value`.
    pub envp: Vec<CString>,
    /// Whom it runs as; `None`: as onset does.
    pub identity: Option<Identity>,
    /// The state of its process.
    pub process: ProcessState,
    /// How it is asked to end.
    pub shutdown: Shutdown,
}

/// A user with all that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Supplementary groups, without `gid`, sorted.
    pub groups: Vec<u32>,
}

/// What the application finds beside its arguments and environment. `None` and empty: as onset was given it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessState {
    /// The working directory.
    pub workdir: Option<PathBuf>,
    /// The umask.
    pub umask: Option<u32>,
    /// Limits: the resource by its number, soft and hard; `None` for one that stays, `u64::MAX` for no limit.
    pub limits: Vec<(u32, Option<u64>, Option<u64>)>,
    /// `/proc/self/oom_score_adj`.
    pub oom_score_adj: Option<i32>,
    /// setpriority(2).
    pub nice: Option<i32>,
    /// `PR_SET_NO_NEW_PRIVS`.
    pub no_new_privs: bool,
    /// The capabilities that stay in the bounding set, as a mask.
    pub bounding: Option<u64>,
    /// The ambient capabilities, as a mask.
    pub ambient: u64,
}

/// What a step does. Every path is absolute or relative to onset's working directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Make a directory and its parents.
    Directory {
        /// Where.
        path: PathBuf,
        /// Its mode, enforced; `None`: 0755 less the umask, for a new one.
        mode: Option<u32>,
        /// Its owner, enforced.
        owner: Ownership,
        /// Whether missing parents are made.
        parents: bool,
    },
    /// Copy a file or a tree.
    Copy {
        /// From.
        from: PathBuf,
        /// To.
        to: PathBuf,
        /// When.
        condition: crate::config::model::CopyIf,
        /// The owner of the copies; where neither is given, the originals' if permitted.
        owner: Ownership,
        /// Written last.
        marker: Option<PathBuf>,
        /// Patterns of names to leave out.
        exclude: Vec<String>,
        /// Paths in the target that say that nothing is to be copied.
        unless_exists: Vec<PathBuf>,
        /// Patterns of paths in the tree that are copied as a whole or not at all.
        whole: Vec<String>,
    },
    /// Make a symbolic link.
    Symlink {
        /// Where.
        path: PathBuf,
        /// To what.
        target: PathBuf,
        /// Whether a file or link there is replaced.
        replace: bool,
    },
    /// Remove files: literal paths, or patterns in the last component.
    Remove {
        /// Which.
        paths: Vec<PathBuf>,
    },
    /// Change the owner of what has another.
    Owner {
        /// The top.
        path: PathBuf,
        /// To whom.
        owner: Ownership,
        /// Only the top.
        flat: bool,
    },
    /// Make a secret.
    Generate(Box<Generate>),
    /// Hold a lock until the application starts.
    Lock {
        /// On this file.
        path: PathBuf,
        /// How long to wait for it.
        timeout: Duration,
    },
    /// Give stdout and stderr to a user; `None`: to nobody.
    Stdio(Option<u32>),
    /// Make sure that something holds.
    Check(Box<Assertion>),
    /// Write files, all of them rendered already.
    Write(Vec<File>),
    /// Run a program.
    Run(Box<Run>),
    /// Run a program that prints variables.
    PrintedEnv(Box<PrintedEnv>),
    /// What a directory of hooks holds, in order.
    Hooks(Vec<Hook>),
    /// Set variables.
    Set(Vec<Learned>),
    /// Change a file.
    Edit(Edit),
    /// Wait until others are ready.
    Wait(Wait),
    /// Set a variable to what a file says.
    Read(Box<Read>),
}

/// A program to run, and all that it finds.
#[derive(Clone, PartialEq, Eq)]
pub struct Program {
    /// Its arguments, itself first. At least one.
    pub argv: Vec<CString>,
    /// Its environment: `NAME=value`.
    pub envp: Vec<CString>,
    /// Its working directory; `None`: onset's.
    pub workdir: Option<PathBuf>,
    /// Whom it runs as; `None`: as onset does.
    pub identity: Option<Identity>,
    /// What it reads.
    pub stdin: Input,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// How long it has to end when it is told to.
    pub grace: Duration,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Program { argv, workdir, identity, timeout, grace, .. } = self;
        write!(f, "Program({argv:?} in {workdir:?} as {identity:?} for {timeout:?} and {grace:?})")
    }
}

/// What a program finds on stdin.
#[derive(Clone, PartialEq, Eq)]
pub enum Input {
    /// /dev/null
    Nothing,
    /// This text.
    Text(Vec<u8>),
    /// The content of this file.
    File(PathBuf),
}

/// A program to run, and when, how often and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Which.
    pub program: Program,
    /// What becomes of its stdout.
    pub output: Output,
    /// How often it is tried, 1 or more.
    pub attempts: u32,
    /// How long to wait after the first failure.
    pub backoff: Duration,
    /// The statuses that are a success.
    pub success: Vec<u8>,
    /// If this one succeeds there is nothing to do.
    pub unless: Option<Program>,
    /// Written last; if it is there, there is nothing to do.
    pub marker: Option<PathBuf>,
}

/// What becomes of a program's stdout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// It goes where onset's goes, as does its stderr.
    Pass,
    /// Each line of it, and of its stderr, is reported.
    Frame,
    /// It is the content of this file.
    File(File),
    /// Only its exit status counts, which is the value of this variable.
    Status(String),
    /// It is the value of a variable.
    Variable {
        /// Which.
        name: String,
        /// Whether it is a secret.
        secret: bool,
    },
}

/// A program that prints variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintedEnv {
    /// Which.
    pub program: Program,
    /// How it prints them.
    pub format: crate::config::model::PrintedFormat,
    /// The names it may set, as patterns; `None`: any.
    pub allow: Option<Vec<String>>,
    /// The names of secrets, as patterns.
    pub secret: Vec<String>,
}

/// A secret to make, if it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generate {
    /// Where.
    pub path: PathBuf,
    /// What it is made of.
    pub recipe: Recipe,
    /// The mode of a new file.
    pub mode: u32,
    /// The owner of a new file.
    pub owner: Ownership,
    /// The variable that is set to it.
    pub into: Option<String>,
}

/// What a secret is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipe {
    /// So many random bytes.
    Bytes(usize),
    /// So many, in hexadecimal.
    Hex(usize),
    /// So many, in Base64.
    Base64(usize),
    /// So many of these characters: 2 to 256.
    Characters(usize, Vec<char>),
    /// A UUID.
    Uuid,
}

/// Something that must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// What must be something.
    pub path: Option<PathBuf>,
    /// What it must be.
    pub is: Vec<Condition>,
    /// An expression that does not hold.
    pub failed: Option<String>,
    /// What to say before the cause.
    pub message: Option<String>,
}

/// A file of a directory of hooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Which.
    pub path: PathBuf,
    /// What it is good for.
    pub kind: HookKind,
}

/// What is done with a hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookKind {
    /// This program is run: it, or its handler.
    Run(Box<Program>),
    /// Its variables are set.
    Variables,
    /// Its steps are done.
    Steps,
    /// Nothing: it is not executable, and nothing is known of the end of its name.
    Ignored,
}

/// A variable that a step sets.
#[derive(Clone, PartialEq, Eq)]
pub struct Learned {
    /// Its name: not empty, without `=` and NUL.
    pub name: String,
    /// Its value, without NUL.
    pub value: Vec<u8>,
    /// Whether it may be shown.
    pub secret: bool,
}

impl std::fmt::Debug for Learned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Learned({}, {} bytes)", self.name, self.value.len())
    }
}

/// A file that was read, and what it becomes.
#[derive(Clone, PartialEq, Eq)]
pub struct Edit {
    /// What was in it when that was decided; `None`: it was not there.
    pub old: Option<Vec<u8>>,
    /// What it becomes; without a mode of its own it keeps the one it has.
    pub new: File,
    /// What is different, without any value.
    pub changes: Vec<String>,
}

impl std::fmt::Debug for Edit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Edit({:?}: {})", self.new, self.changes.join(", "))
    }
}

/// What to wait for, and how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// What must be ready, all of it.
    pub targets: Vec<Target>,
    /// How long all of it may take.
    pub timeout: Duration,
    /// How long there is between two tries.
    pub interval: Duration,
    /// How long one try may take.
    pub attempt: Duration,
}

/// What must be ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The answer to this must be yes.
    Ask(Question),
    /// This program must succeed.
    Run(Box<Program>),
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Whether somebody listens there.
    Tcp(Address),
    /// Whether somebody listens on that socket.
    Unix(PathBuf),
    /// Whether a page is answered.
    Http(HttpTarget),
    /// Whether a file is there.
    File(FileTarget),
    /// Whether a name has an address.
    Dns(String),
}

/// A page, and what the answer must be.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpTarget {
    /// Where.
    pub url: Url,
    /// The statuses that are a success; empty: 200 to 399.
    pub statuses: Vec<u16>,
    /// What must be in it.
    pub contains: Option<Vec<u8>>,
    /// What is sent, without line ends.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl std::fmt::Debug for HttpTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let HttpTarget { url, statuses, headers, .. } = self;
        write!(f, "HttpTarget({} {statuses:?}, {} headers)", url.address, headers.len())
    }
}

/// A file, and what it must be.
#[derive(Clone, PartialEq, Eq)]
pub struct FileTarget {
    /// Where.
    pub path: PathBuf,
    /// What must be in it.
    pub contains: Option<Vec<u8>>,
    /// It must not be empty.
    pub non_empty: bool,
}

impl std::fmt::Debug for FileTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileTarget({})", self.path.display())
    }
}

/// A value to read, and the variable it is for.
#[derive(Clone, PartialEq, Eq)]
pub struct Read {
    /// The file.
    pub path: PathBuf,
    /// What is looked for in it.
    pub query: Query,
    /// The variable.
    pub into: String,
    /// What becomes of the variable if the file, or that in it, is missing.
    pub fallback: Fallback,
    /// Whether the value may be shown.
    pub secret: bool,
}

/// What is looked for in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// The value of a key.
    Key {
        /// How the file is written.
        format: crate::textfile::Format,
        /// Its section, of an ini file.
        section: Vec<u8>,
        /// Itself.
        key: Vec<u8>,
    },
    /// What is at this path of a TOML file.
    Toml(Vec<u8>),
    /// What this regular expression finds.
    Pattern(String),
}

/// What becomes of a variable whose value is missing.
#[derive(Clone, PartialEq, Eq)]
pub enum Fallback {
    /// It is a failure.
    Refuse,
    /// It stays as it is.
    Keep,
    /// It is set to this.
    Value {
        /// The value, without NUL.
        value: Vec<u8>,
        /// Whether it may be shown.
        secret: bool,
    },
}

impl std::fmt::Debug for Read {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Read({} of {} into {})", self.query, self.path.display(), self.into)
    }
}

impl std::fmt::Display for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Query::Key { section, key, .. } if section.is_empty() => write!(f, "`{}`", key.escape_ascii()),
            Query::Key { section, key, .. } => write!(f, "`{}.{}`", section.escape_ascii(), key.escape_ascii()),
            Query::Toml(path) => write!(f, "`{}`", path.escape_ascii()),
            Query::Pattern(pattern) => write!(f, "`{pattern}`"),
        }
    }
}

/// A file to write.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// Where.
    pub target: PathBuf,
    /// What.
    pub content: Vec<u8>,
    /// Its final mode.
    pub mode: u32,
    /// Whether a file that is there keeps the mode it has.
    pub keep_mode: bool,
    /// Its final owner.
    pub owner: Ownership,
    /// Only if nothing is there.
    pub unless_exists: bool,
    /// Whether a target that cannot be written is no failure.
    pub skip_read_only: bool,
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let File { target, content, mode, owner, .. } = self;
        write!(f, "File({} {mode:04o} {owner:?}, {} bytes)", target.display(), content.len())
    }
}

/// An owner; `None` stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ownership {
    /// The user.
    pub uid: Option<u32>,
    /// The group.
    pub gid: Option<u32>,
}
