//! What a directory contains, for tests to compare.

use super::folder::is_ours;
use super::{Outcome, execute};
use crate::plan::model::{Action, File, Ownership};
use crate::prepare::child::skip;
use crate::sys::testing::with_own_mounts;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What is under a name, as far as a user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub content: Vec<u8>,
    pub mode: u32,
    pub owner: (u32, u32),
}

/// The tree below `top`, without what is onset's own.
pub fn tree(top: &Path) -> BTreeMap<PathBuf, Entry> {
    let each = |path: &Path, data: &fs::Metadata| Entry {
        content: match data.file_type() {
            kind if kind.is_symlink() => {
                let target = fs::read_link(path).unwrap();
                // Each test has a directory of its own.
                let target = target.strip_prefix(top).map_or(target.clone(), |rest| Path::new("TOP").join(rest));
                target.into_os_string().into_encoded_bytes()
            }
            kind if kind.is_file() => fs::read(path).unwrap(),
            _ => Vec::new(),
        },
        mode: data.mode(),
        owner: (data.uid(), data.gid()),
    };
    walk(top, &each)
}

/// The same with what no second start may change: inodes and times.
pub fn identities(top: &Path) -> BTreeMap<PathBuf, (u64, i64, i64)> {
    walk(top, &|_, data| (data.ino(), data.mtime(), data.mtime_nsec()))
}

fn walk<T>(top: &Path, each: &impl Fn(&Path, &fs::Metadata) -> T) -> BTreeMap<PathBuf, T> {
    let mut found = BTreeMap::new();
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let data = fs::symlink_metadata(&path).unwrap();
            if path.file_name().is_some_and(is_ours) {
                continue;
            }
            if data.is_dir() {
                folders.push(path.clone());
            }
            found.insert(path.strip_prefix(top).unwrap().to_owned(), each(&path, &data));
        }
    }
    found
}

/// Whether onset has left something of its own.
pub fn strays(top: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(is_ours) {
                found.push(path.clone());
            }
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            }
        }
    }
    found
}

/// Runs `body` where mounts are nobody else's.
pub fn mounting(test: &str, body: impl FnOnce() + Send) {
    if with_own_mounts(body).is_none() {
        skip(test, "needs to mount");
    }
}

/// A directory that everybody may enter.
pub fn directory() -> TempDir {
    // In memory where there is such a place: syncing is not what is tested.
    let memory = Path::new("/dev/shm");
    let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    set_mode(directory.path(), 0o755);
    directory
}

pub fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

pub fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

pub fn owner(path: &Path) -> (u32, u32) {
    let data = fs::symlink_metadata(path).unwrap();
    (data.uid(), data.gid())
}

pub fn give(path: &Path, uid: u32, gid: u32) {
    std::os::unix::fs::lchown(path, Some(uid), Some(gid)).unwrap();
}

/// A file with its folders.
pub fn put(path: &Path, content: &str, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    set_mode(path, mode);
}

pub fn link(path: &Path, target: impl AsRef<OsStr>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink(target.as_ref(), path).unwrap();
}

/// A file to write, as plain as can be.
pub fn file(target: &Path, content: &str) -> File {
    File {
        target: target.to_owned(),
        content: content.as_bytes().to_vec(),
        mode: 0o644,
        keep_mode: false,
        owner: Ownership::default(),
        unless_exists: false,
        skip_read_only: false,
    }
}

pub fn to(uid: u32, gid: u32) -> Ownership {
    Ownership { uid: Some(uid), gid: Some(gid) }
}

/// Does it, and it can be done.
pub fn done(action: &Action) -> Outcome {
    execute(action).unwrap_or_else(|error| panic!("{error}"))
}

/// Does it, and it cannot be done: why.
pub fn refused(action: &Action) -> String {
    execute(action).expect_err("a refusal").to_string()
}

/// Does it again: nothing changes.
pub fn settled(top: &Path, action: &Action) {
    let (before, ids) = (tree(top), identities(top));
    let outcome = done(action);
    assert_eq!(outcome.changes, 0, "{outcome:?}");
    assert_eq!(tree(top), before);
    assert_eq!(identities(top), ids);
    assert_eq!(strays(top), Vec::<PathBuf>::new());
}
