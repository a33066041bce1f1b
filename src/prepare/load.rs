//! The configuration file, from the place it is in to a [`Config`].

use super::world::RealWorld;
use crate::cli::ConfigFile;
use crate::config::{self, Config, Source};
use crate::plan::world::{Kind, World};
use crate::report::Because;
use nix::errno::Errno;
use std::path::Path;

/// Where a configuration is looked for that nobody names.
pub const USUAL: &str = "/etc/onset/onset.toml";
/// The largest configuration, in bytes.
const LARGEST: u64 = 1 << 20;

/// Reads a configuration; `None` if nobody named one and there is none in the usual place.
///
/// # Errors
/// Every problem: it cannot be read, is no regular file, is too large, or says what no configuration says.
pub fn load(file: &ConfigFile, world: &RealWorld) -> Result<Option<(Config, Source)>, Vec<String>> {
    let path = match file {
        ConfigFile::Usual => Path::new(USUAL),
        ConfigFile::Named(path) => Path::new(path),
    };
    let cannot = |why: &str| Err(vec![format!("cannot read the configuration {}: {why}", path.display())]);
    match world.kind(path) {
        Some(Kind::File(_)) => {}
        Some(Kind::Directory) => return cannot("it is a directory"),
        Some(Kind::Other) => return cannot("it is no regular file"),
        None if *file == ConfigFile::Usual => return Ok(None),
        None => {}
    }
    let text = match world.read(path, LARGEST) {
        Ok(text) => text,
        Err(Errno::EFBIG) => return cannot(&format!("it has more than {LARGEST} bytes")),
        Err(error) => return cannot(&Because(error).to_string()),
    };
    let Ok(text) = String::from_utf8(text) else { return cannot("it is not UTF-8") };
    let source = Source { name: path.display().to_string(), text, hidden: Vec::new() };
    config::parse(source).map(Some)
}
