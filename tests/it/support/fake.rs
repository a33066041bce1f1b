//! A process that is called as an onset in some state, and has what such a one has.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;

use onset::record::{self, Record};

use super::init::onset;
use super::{Finished, Folder, Init, Mode, Running, Stream, probe};

/// What is to be found in /proc.
pub struct Fake {
    state: &'static str,
    env: Vec<String>,
    record: Option<Record>,
    cwd: String,
    umask: u32,
    user: Option<(u32, u32)>,
}

/// The stand-in, running.
pub struct Standing {
    init: Running,
    _folder: Folder,
}

impl Fake {
    /// In this state: `run` ...
    pub fn new(state: &'static str) -> Self {
        Self { state, env: Vec::new(), record: None, cwd: "/".to_owned(), umask: 0o022, user: None }
    }

    /// The environment it was given.
    pub fn env<'e>(mut self, env: impl IntoIterator<Item = &'e str>) -> Self {
        self.env = env.into_iter().map(str::to_owned).collect();
        self
    }

    /// What it has recorded.
    pub fn record(mut self, record: Record) -> Self {
        self.record = Some(record);
        self
    }

    /// Its working directory and its umask.
    pub fn place(mut self, cwd: &str, umask: u32) -> Self {
        (self.cwd, self.umask) = (cwd.to_owned(), umask);
        self
    }

    /// Its user and group, for [`Fake::stand`].
    pub fn user(mut self, uid: u32, gid: u32) -> Self {
        self.user = Some((uid, gid));
        self
    }

    /// Starts it. [`Standing::run`] lets onset look at it.
    pub fn stand(&self) -> Standing {
        let folder = Folder::new();
        let init = self.init(Mode::SubReaper, &folder);
        let init = self.user.iter().fold(init, |init, &(uid, gid)| init.hook(move || become_user(uid, gid)));
        let init = init.args(["sleep"]).start();
        init.wait_for_ready();
        Standing { init, _folder: folder }
    }

    /// The line that `onset WORDS` prints beside it: it is PID 1, or named by its number.
    pub fn line<'w>(&self, mode: Mode, words: impl IntoIterator<Item = &'w str>) -> String {
        let words: Vec<&str> = words.into_iter().collect();
        match mode {
            Mode::SubReaper => {
                let finished = self.stand().run(&words);
                finished.stdout().trim_end().to_owned()
            }
            Mode::Pid1 => {
                let folder = Folder::new();
                let init = self.init(mode, &folder).args(["siblings"]).args([onset()]).args(words).start();
                let line = init.wait_for_line(Stream::Stdout, "any", |_| true);
                init.kill(libc::SIGKILL);
                line
            }
        }
    }

    fn init(&self, mode: Mode, folder: &Folder) -> Init {
        let name = format!("onset:{}", self.state);
        let program = folder.file(&name, std::fs::read(probe()).expect("the probe"), 0o755);
        let init = Init::bare(mode, program).env(&self.env).cwd(&self.cwd).umask(self.umask);
        match &self.record {
            Some(record) => init.inherit(memory(record), 7),
            None => init,
        }
    }
}

impl Standing {
    /// Its number.
    pub fn pid(&self) -> i32 {
        self.init.pid()
    }

    /// How `onset WORDS` ends, with `--pid` after the first word.
    pub fn run<W: AsRef<OsStr>>(&self, words: &[W]) -> Finished {
        self.with(Init::new(Mode::SubReaper), words)
    }

    /// The same, in these surroundings.
    pub fn with<W: AsRef<OsStr>>(&self, init: Init, words: &[W]) -> Finished {
        let (first, rest) = words.split_first().expect("a subcommand");
        let pid = self.pid().to_string();
        init.args([first.as_ref(), "--pid".as_ref(), pid.as_ref()]).args(rest).start().finish()
    }
}

fn memory(record: &Record) -> OwnedFd {
    let file = record::create().expect("memfd_create");
    record::write(&file, record).expect("memory");
    file
}

fn become_user(uid: u32, gid: u32) -> std::io::Result<()> {
    crate::syscall!(SYS_setgroups, 0, 0)?;
    crate::syscall!(SYS_setresgid, gid, gid, gid)?;
    crate::syscall!(SYS_setresuid, uid, uid, uid).map(drop)
}
