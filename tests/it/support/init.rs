//! The builder: what onset is started with.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::spawn::{Hook, Recipe};
use super::{Folder, Lines, Mode, Running, sys};

/// A standard stream of the process.
#[derive(Debug)]
pub enum Stdio {
    /// A pipe to the test: see [`Running::write_stdin`], [`Running::wait_for_line`].
    Pipe,
    /// `/dev/null`.
    Null,
    /// No descriptor of that number at all.
    Closed,
    /// This file, socket, pipe or terminal.
    Fd(OwnedFd),
}

impl From<File> for Stdio {
    fn from(file: File) -> Self {
        Self::Fd(file.into())
    }
}

/// What is started, and in which surroundings.
///
/// Without further calls: stdin `/dev/null`, stdout and stderr pipes, no other descriptor, a session of its own (so no
/// controlling terminal), no signal blocked or ignored, `PATH=/usr/bin:/bin` as the whole environment, everything else as
/// the test has it.
pub struct Init {
    mode: Mode,
    program: PathBuf,
    args: Vec<Vec<u8>>,
    env: Vec<Vec<u8>>,
    stdio: [Stdio; 3],
    extra: Vec<(OwnedFd, RawFd)>,
    own_mounts: bool,
    binaries: Option<Folder>,
    recipe: Recipe,
}

impl Init {
    /// onset itself: the binary cargo built, or `$ONSET_BIN` (the release artifact under the same tests).
    pub fn new(mode: Mode) -> Self {
        Self::program(mode, onset())
    }

    /// This program instead of onset, in the same surroundings: what an application finds without onset.
    /// Further words come by [`Init::args`]. Note that `Mode::Pid1` makes *it* PID 1.
    pub fn bare(mode: Mode, program: impl AsRef<Path>) -> Self {
        Self::program(mode, program.as_ref().to_owned())
    }

    fn program(mode: Mode, program: PathBuf) -> Self {
        let recipe = Recipe {
            pid_namespace: mode == Mode::Pid1,
            mount_namespace: mode == Mode::Pid1,
            fds: Vec::new(),
            new_session: true,
            // A container's, and the same wherever the tests are started.
            cwd: Some(c"/".to_owned()),
            umask: None,
            limits: Vec::new(),
            ignored: 0,
            hook: None,
            user: None,
            mask: 0,
            hold: false,
            program: c"".to_owned(),
            argv: Vec::new(),
            envp: Vec::new(),
        };
        Self {
            mode,
            args: vec![program.as_os_str().as_bytes().to_vec()],
            program,
            env: vec![b"PATH=/usr/bin:/bin".to_vec()],
            stdio: [Stdio::Null, Stdio::Pipe, Stdio::Pipe],
            extra: Vec::new(),
            own_mounts: false,
            binaries: None,
            recipe,
        }
    }

    /// Words for the command line, as they are.
    pub fn args<I>(mut self, args: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().as_bytes().to_vec()));
        self
    }

    /// onset's own options: the same as [`Init::args`], for the reader's sake. Before [`Init::command`].
    pub fn options<I>(self, options: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.args(options)
    }

    /// `--log-level debug`.
    pub fn debug(self) -> Self {
        self.options(["--log-level", "debug"])
    }

    /// `--` and the command.
    pub fn command<I>(self, command: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.args(["--"]).args(command)
    }

    /// `--` and the probe (tests/probe/main.rs) with these arguments, as the main process.
    pub fn probe<I>(self, args: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let probe = self.probe_path();
        self.command([probe]).args(args)
    }

    /// The path under which the started process finds the probe (a copy anybody may read, after [`Init::user`]).
    pub fn probe_path(&self) -> PathBuf {
        self.binaries.as_ref().map_or_else(probe, |folder| folder.join("probe"))
    }

    /// `argv[0]` of the started program; else its path.
    pub fn arg0(mut self, arg0: impl AsRef<OsStr>) -> Self {
        self.args[0] = arg0.as_ref().as_bytes().to_vec();
        self
    }

    /// No argument at all, not even `argv[0]` (Linux from 5.18 on makes that one empty string).
    pub fn no_argv(mut self) -> Self {
        self.args.clear();
        self
    }

    /// The whole environment, as it is: duplicates and entries without `=` too.
    pub fn env<I>(mut self, env: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.env = env.into_iter().map(|entry| entry.as_ref().as_bytes().to_vec()).collect();
        self
    }

    /// One more entry at the end of the environment (`NAME=value`).
    pub fn add_env(mut self, entry: impl AsRef<OsStr>) -> Self {
        self.env.push(entry.as_ref().as_bytes().to_vec());
        self
    }

    /// The folder it starts in.
    pub fn cwd(mut self, cwd: impl AsRef<Path>) -> Self {
        self.recipe.cwd = Some(c_string(cwd.as_ref().as_os_str().as_bytes()));
        self
    }

    pub fn umask(mut self, umask: u32) -> Self {
        self.recipe.umask = Some(umask);
        self
    }

    /// `libc::RLIMIT_*`, soft and hard.
    pub fn limit(mut self, resource: u32, soft: u64, hard: u64) -> Self {
        self.recipe.limits.push((resource, soft, hard));
        self
    }

    /// Signals that are blocked when it starts, 1..=64.
    pub fn blocked(mut self, signals: impl IntoIterator<Item = i32>) -> Self {
        self.recipe.mask = sys::set_of(signals);
        self
    }

    /// Signals that are ignored when it starts, 1..=64.
    pub fn ignored(mut self, signals: impl IntoIterator<Item = i32>) -> Self {
        self.recipe.ignored = sys::set_of(signals);
        self
    }

    pub fn stdin(mut self, stdio: impl Into<Stdio>) -> Self {
        self.stdio[0] = stdio.into();
        self
    }

    pub fn stdout(mut self, stdio: impl Into<Stdio>) -> Self {
        self.stdio[1] = stdio.into();
        self
    }

    pub fn stderr(mut self, stdio: impl Into<Stdio>) -> Self {
        self.stdio[2] = stdio.into();
        self
    }

    /// A further inherited descriptor, numbered `target` (3..500).
    pub fn inherit(mut self, fd: impl Into<OwnedFd>, target: RawFd) -> Self {
        self.extra.push((fd.into(), target));
        self
    }

    /// Runs as this user and group, without supplementary groups. Only as root: see [`super::mode::is_root_or_skip`].
    /// Call it before [`Init::probe`]: program and probe are copied to where anybody may read them.
    pub fn user(mut self, uid: u32, gid: u32) -> Self {
        let folder = Folder::new();
        for (name, path) in [("program", &self.program), ("probe", &probe())] {
            folder.file(name, std::fs::read(path).expect("a program to copy"), 0o755);
        }
        self.program = folder.join("program");
        self.args[0] = self.program.as_os_str().as_bytes().to_vec();
        self.binaries = Some(folder);
        self.recipe.user = Some((uid, gid));
        self
    }

    /// Stays in the test's own session and process group.
    pub fn same_session(mut self) -> Self {
        self.recipe.new_session = false;
        self
    }

    /// A mount namespace of its own, in `Mode::SubReaper` too, so that the hook may mount. Without root this is a user
    /// namespace too: guard with [`super::mode::has_namespaces_or_skip`].
    pub fn own_mounts(mut self) -> Self {
        self.own_mounts = true;
        self
    }

    /// Code for the child, with descriptors in place and before it changes user; see [`Hook`] for what it may do.
    pub fn hook(mut self, hook: impl FnMut() -> io::Result<()> + 'static) -> Self {
        self.recipe.hook = Some(Box::new(hook) as Hook);
        self
    }

    /// [`Init::start`] returns with the child ready, just before its execve; [`Running::release`] lets it go.
    pub fn hold_before_exec(mut self) -> Self {
        self.recipe.hold = true;
        self
    }

    /// Starts it; returns as soon as the program is executed (its first instruction may be still to come).
    ///
    /// # Panics
    /// When the child cannot be set up.
    pub fn start(self) -> Running {
        let Self { mode, program, args, env, stdio, extra, own_mounts, binaries, mut recipe } = self;
        recipe.mount_namespace |= own_mounts;
        recipe.program = c_string(program.as_os_str().as_bytes());
        recipe.argv = args.iter().map(|arg| c_string(arg)).collect();
        recipe.envp = env.iter().map(|entry| c_string(entry)).collect();
        recipe.fds = extra;
        let [stdin, stdout, stderr] = stdio;
        let stdin = place(&mut recipe, stdin, 0);
        let stdout = place(&mut recipe, stdout, 1);
        let stderr = place(&mut recipe, stderr, 2);
        let what = args.iter().map(|arg| arg[..arg.len().min(100)].escape_ascii().to_string()).collect::<Vec<_>>();
        let what = format!("{mode:?} {}", what.join(" "));
        let child = recipe.start().unwrap_or_else(|err| panic!("{what}: {err}"));
        let lines = |end: Option<OwnedFd>| end.map_or_else(Lines::nothing, |end| Lines::read_from(File::from(end)));
        Running::new(what, child, stdin.map(File::from), lines(stdout), lines(stderr), binaries)
    }
}

/// Gives the recipe its end of a stream, and the test the other end of a pipe.
fn place(recipe: &mut Recipe, stdio: Stdio, target: RawFd) -> Option<OwnedFd> {
    let (theirs, ours) = match stdio {
        Stdio::Closed => return None,
        Stdio::Null => (open_null(), None),
        Stdio::Fd(fd) => (fd, None),
        Stdio::Pipe => {
            let (reader, writer) = sys::pipe();
            if target == 0 { (reader, Some(writer)) } else { (writer, Some(reader)) }
        }
    };
    recipe.fds.push((theirs, target));
    ours
}

fn open_null() -> OwnedFd {
    File::options().read(true).write(true).open("/dev/null").expect("/dev/null").into()
}

fn c_string(bytes: &[u8]) -> CString {
    CString::new(bytes).expect("no NUL byte can be handed to execve")
}

/// The path of onset: see [`Init::new`].
pub fn onset() -> PathBuf {
    let program = std::env::var_os("ONSET_BIN").filter(|path| !path.is_empty());
    let program = program.map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_onset")), PathBuf::from);
    std::path::absolute(&program).expect("a current directory")
}

/// The helper of tests/probe, which `cargo test` builds beside this binary.
///
/// # Panics
/// When it is missing or older than its source: `cargo test --test it` alone does not build examples.
pub fn probe() -> PathBuf {
    example("probe", "tests/probe/main.rs")
}

/// An example that cargo built, and not from an older source.
pub fn example(name: &str, source: &str) -> PathBuf {
    let this = std::env::current_exe().expect("the path of this test");
    let profile = this.ancestors().nth(2).expect("target/PROFILE/deps/it-HASH");
    let example = profile.join("examples").join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
    let changed = |path: &Path| path.metadata().and_then(|meta| meta.modified()).ok();
    let hint = format!("build it: cargo build --example {name} (cargo test without --test does)");
    assert!(changed(&example).is_some(), "{} is missing; {hint}", example.display());
    assert!(changed(&example) >= changed(&source), "{} is older than its source; {hint}", example.display());
    example
}
