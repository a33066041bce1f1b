//! Files a test makes, and that the main process may execute.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// Held for reading from clone to execve, for writing while an executable is open for writing: a child of another test
/// must not inherit that descriptor, or execve(2) of the file answers ETXTBSY.
static FORKING: RwLock<()> = RwLock::new(());

/// Keeps executables from being written until dropped.
pub fn forking() -> RwLockReadGuard<'static, ()> {
    FORKING.read().unwrap_or_else(PoisonError::into_inner)
}

/// Writes a file with this mode, safe to be executed at once.
pub fn write_executable(path: &Path, contents: impl AsRef<[u8]>, mode: u32) {
    let _nobody_forks = FORKING.write().unwrap_or_else(PoisonError::into_inner);
    fs::write(path, contents).unwrap_or_else(|err| panic!("cannot write {}: {err}", path.display()));
    set_mode(path, mode);
}

/// chmod(2).
pub fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .unwrap_or_else(|err| panic!("cannot change the mode of {}: {err}", path.display()));
}

/// A temporary folder that anybody may enter (0755), removed when dropped. Its path has no symbolic link in it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _keep: tempfile::TempDir,
}

impl Folder {
    pub fn new() -> Self {
        let keep = tempfile::Builder::new().prefix("onset-").tempdir().expect("a temporary folder");
        set_mode(keep.path(), 0o755);
        let path = keep.path().canonicalize().expect("the folder just made");
        Self { path, _keep: keep }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of `name` in it, whether it exists or not.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes an executable file (see [`write_executable`]) and gives its path.
    pub fn file(&self, name: &str, contents: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.join(name);
        write_executable(&path, contents, mode);
        path
    }

    /// Makes a folder inside it.
    pub fn folder(&self, name: &str, mode: u32) -> PathBuf {
        let path = self.join(name);
        fs::create_dir(&path).unwrap_or_else(|err| panic!("cannot make {}: {err}", path.display()));
        set_mode(&path, mode);
        path
    }
}
