//! Values from files: secrets that a variable names, files and directories of variables.

use super::Origin;
use crate::config::model::Trim;
use crate::config::types::Size;
use crate::plan::dotenv::{self, Entry, Mistake};
use crate::plan::world::{Kind, World};
use crate::report::NotRead;
use nix::errno::Errno;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The largest file with a secret, where `max_size` does not say otherwise.
const LARGEST_SECRET: Size = Size(1024 * 1024);
/// The largest file with variables.
const LARGEST_ENV_FILE: u64 = 1024 * 1024;

/// Why there are no variables.
pub(super) struct Unreadable {
    /// Whether there is nothing at all at the path.
    pub is_missing: bool,
    pub messages: Vec<String>,
}

fn unreadable(path: &Path, error: Errno) -> Unreadable {
    let message = format!("cannot read variables from {}: {}", path.display(), NotRead(error));
    Unreadable { is_missing: error == Errno::ENOENT, messages: vec![message] }
}

pub(super) type Pairs = Vec<(String, Vec<u8>)>;

#[inline(never)]
pub(super) fn read_dotenv(path: &Path, world: &dyn World) -> Result<Pairs, Unreadable> {
    let text = world.read(path, LARGEST_ENV_FILE).map_err(|error| unreadable(path, error))?;
    let mut messages = Vec::new();
    match dotenv::parse(&text) {
        Ok(entries) => {
            let mut pairs = Vec::new();
            for Entry { name, value } in entries {
                let Ok(name) = String::from_utf8(name) else {
                    messages.push(format!("{}: a name is not UTF-8", path.display()));
                    return Err(Unreadable { is_missing: false, messages });
                };
                pairs.push((name, value));
            }
            Ok(pairs)
        }
        Err(mistakes) => {
            for Mistake { line, message } in mistakes {
                messages.push(format!("{}:{line}: {message}", path.display()));
            }
            Err(Unreadable { is_missing: false, messages })
        }
    }
}

/// A file for each variable. Names that begin with a dot are what Kubernetes keeps its versions in.
#[inline(never)]
pub(super) fn read_directory(path: &Path, world: &dyn World) -> Result<Pairs, Unreadable> {
    let names = world.list(path).map_err(|error| unreadable(path, error))?;
    let mut pairs = Vec::new();
    let mut wrong = Vec::new();
    for name in names {
        let Some(name) = name.to_str().filter(|name| !name.starts_with('.') && !name.contains('=')) else { continue };
        let file = path.join(name);
        if matches!(world.kind(&file), Some(Kind::Directory)) {
            continue;
        }
        match world.read(&file, LARGEST_ENV_FILE) {
            Ok(content) if content.contains(&0) => wrong.push(format!("{}: it contains a NUL byte", file.display())),
            Ok(content) => pairs.push((name.to_owned(), trimmed(content, Trim::Newlines))),
            Err(error) => wrong.push(format!("cannot read `{name}` from {}: {}", file.display(), NotRead(error))),
        }
    }
    if wrong.is_empty() { Ok(pairs) } else { Err(Unreadable { is_missing: false, messages: wrong }) }
}

pub(super) fn read_secret(
    name: &str,
    pointer: &str,
    path: &[u8],
    max_size: Option<Size>,
    trim: Option<Trim>,
    world: &dyn World,
) -> Result<(Vec<u8>, Origin), String> {
    let path = Path::new(OsStr::from_bytes(path));
    let Size(limit) = max_size.unwrap_or(LARGEST_SECRET);
    let told = path.display();
    let content = world
        .read(path, limit)
        .map_err(|error| format!("cannot read `{name}` from {told}, which {pointer} names: {}", NotRead(error)))?;
    if content.contains(&0) {
        return Err(format!("cannot take `{name}` from {told}, which {pointer} names: it contains a NUL byte"));
    }
    Ok((trimmed(content, trim.unwrap_or(Trim::Newlines)), Origin::File(pointer.to_owned(), told.to_string())))
}

fn trimmed(content: Vec<u8>, trim: Trim) -> Vec<u8> {
    match trim {
        Trim::None => content,
        Trim::Space => content.trim_ascii().to_vec(),
        Trim::Newlines => {
            let end = content.iter().rposition(|byte| !b"\r\n".contains(byte)).map_or(0, |last| last + 1);
            content[..end].to_vec()
        }
    }
}
