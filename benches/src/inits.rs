//! Those who are compared.

use crate::launch::Command;
use std::path::{Path, PathBuf};

/// The one that the others are related to.
pub const REFERENCE: &str = "tini-static";

/// The reference a second time: how far its ratio is from 1 is the noise of the run.
pub const CONTROL: &str = "tini-static, again";

/// The application as PID 1 itself.
pub const NONE: &str = "none";

/// An init, or none.
#[derive(Clone)]
pub struct Init {
    pub name: &'static str,
    /// What stands before the application's words; nothing for none.
    before: Vec<PathBuf>,
    environment: &'static [&'static str],
    /// Whether it is the same file as another's.
    pub again: bool,
}

impl Init {
    /// Its binary.
    pub fn file(&self) -> Option<&Path> {
        self.before.first().map(PathBuf::as_path)
    }

    /// It, with this under it.
    pub fn command(&self, application: &[&str]) -> Command {
        Command::new(&self.before).args(application).env(self.environment)
    }
}

/// Where the programs are.
pub struct Programs {
    pub onset: PathBuf,
    pub pid1: Option<PathBuf>,
    pub app: String,
    floor: PathBuf,
}

impl Programs {
    pub fn find() -> Result<Self, String> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let this = std::env::current_exe().map_err(|error| error.to_string())?;
        let beside = |name: &str| this.with_file_name(name);
        let onset = variable("ONSET_BIN").ok_or("ONSET_BIN does not say where onset is")?;
        let onset = onset.canonicalize().map_err(|error| format!("{}: {error}", onset.display()))?;
        let app =
            beside("app").into_os_string().into_string().map_err(|path| format!("{}: no UTF-8", path.display()))?;
        Ok(Self { onset, pid1: variable("PID1_BIN"), app, floor: beside("floor") })
    }

    /// All that are here. Those that are missing are named on stderr.
    pub fn inits(&self) -> Vec<Init> {
        let debian = |name: &str| Some(PathBuf::from(format!("/usr/bin/{name}")));
        let init = |name, file: Option<PathBuf>, words: &[&str]| {
            let words = words.iter().map(PathBuf::from);
            let before = file.into_iter().chain(words).collect();
            Init { name, before, environment: &[], again: false }
        };
        let onset = || Some(self.onset.clone());
        let all = [
            init(NONE, None, &[]),
            init("floor", Some(self.floor.clone()), &[]),
            init("onset", onset(), &["--"]),
            Init {
                environment: &["ONSET_LOG_LEVEL=error"],
                again: true,
                ..init("onset, errors only", onset(), &["--"])
            },
            init(REFERENCE, debian("tini-static"), &["--"]),
            Init { again: true, ..init(CONTROL, debian("tini-static"), &["--"]) },
            init("dumb-init", debian("dumb-init"), &["--"]),
            init("catatonit", debian("catatonit"), &["--"]),
            init("pid1-exe", self.pid1.clone().or_else(|| Some(PathBuf::new())), &["--"]),
        ];
        let here = |init: &Init| {
            let here = init.file().is_none_or(Path::exists);
            if !here {
                eprintln!("bench: {} is not here, and is left out", init.name);
            }
            here
        };
        all.into_iter().filter(here).collect()
    }
}
