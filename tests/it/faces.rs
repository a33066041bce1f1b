//! Called by the name of another init onset is that one to whoever calls it. Each promise is checked of the other init
//! itself first, as Debian has it, and then of onset under its name; where they differ on purpose, of each its own. What
//! differs, and why, is in docs/faces.md.

mod command;
mod job_control;
mod pause;
mod signals;
mod surroundings;
mod words;

use std::path::{Path, PathBuf};

use crate::support::init::{onset, probe};
use crate::support::{Finished, Folder, Init, Mode, run, skip};

/// The init that Debian has by this name, or onset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Peer,
    Onset,
}

/// Somebody who is called by the name of an init.
pub struct Called {
    pub who: Who,
    name: &'static str,
    program: PathBuf,
    _folder: Folder,
}

impl Called {
    /// onset by this name: a link of it.
    pub fn onset(name: &'static str) -> Self {
        let folder = Folder::new();
        let program = folder.join(name);
        std::os::unix::fs::symlink(onset(), &program).expect("a new link");
        Called { who: Who::Onset, name, program, _folder: folder }
    }

    /// The init of this name itself; without it the caller's test is skipped.
    fn peer(name: &'static str) -> Option<Self> {
        let program = Path::new("/usr/bin").join(name);
        if !program.exists() {
            skip(&format!("{name} is not installed: integration/install-packages tini dumb-init catatonit"));
            return None;
        }
        Some(Called { who: Who::Peer, name, program, _folder: Folder::new() })
    }

    pub fn program(&self) -> &Path {
        &self.program
    }

    pub fn is_onset(&self) -> bool {
        self.who == Who::Onset
    }

    /// Not started yet; messages begin with its bare name.
    pub fn init(&self, mode: Mode) -> Init {
        Init::bare(mode, &self.program).arg0(self.name)
    }

    /// With these words, to the end.
    pub fn finish(&self, mode: Mode, words: &[&str], env: &[&str]) -> Finished {
        env.iter().fold(self.init(mode), Init::add_env).args(words).start().finish()
    }
}

/// Checks it of the peer, and of onset by its name.
pub fn each(name: &'static str, check: impl Fn(&Called)) {
    if let Some(peer) = Called::peer(name) {
        check(&peer);
    }
    check(&Called::onset(name));
}

/// The same as PID 1, where the numbers of processes are the same for both.
pub fn each_as_pid1(name: &'static str, check: impl Fn(&Called)) {
    run(Mode::Pid1, |_| each(name, check));
}

/// How a run ended, and what was written.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The same of a run as PID 1.
pub fn told(called: &Called, words: &[&str], env: &[&str]) -> Told {
    let finished = called.finish(Mode::Pid1, words, env);
    Told { status: finished.code(), stdout: finished.stdout(), stderr: finished.stderr() }
}

/// What onset tells under this name, next to what the peer tells, if that is here.
pub fn both_told(name: &'static str, words: &[&str], env: &[&str]) -> (Told, Option<Told>) {
    let peer = Called::peer(name).map(|peer| told(&peer, words, env));
    (told(&Called::onset(name), words, env), peer)
}

/// The probe, as a word.
pub fn probe_word() -> String {
    probe().display().to_string()
}
