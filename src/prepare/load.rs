//! The configuration file, from the place it is in to a [`Config`].

use super::world::RealWorld;
use crate::cli::ConfigFile;
use crate::config::{self, Config, Source};
use crate::kept::Kept;
use crate::plan::world::{Kind, World};
use crate::report::Because;
use nix::errno::Errno;
use std::path::Path;
use std::sync::Arc;

/// Where a configuration is looked for that nobody names.
pub const USUAL: &str = "/etc/onset/onset.toml";
/// The largest configuration, in bytes.
const LARGEST: u64 = 1 << 20;

/// A configuration, and the world it is to be followed in.
pub struct Loaded {
    /// What it says.
    pub config: Kept<Config>,
    /// Its text, to point into.
    pub source: Source,
    /// The world.
    pub world: Arc<dyn World>,
}

/// Where the configuration is; `None` if nobody named one and there is none in the usual place.
pub fn find(file: &ConfigFile) -> Option<&Path> {
    match file {
        // The only look at the world of a start without a configuration.
        ConfigFile::Usual => Some(Path::new(USUAL)).filter(|path| path.exists()),
        ConfigFile::Named(path) => Some(Path::new(path)),
    }
}

/// Reads the configuration in this place.
///
/// # Errors
/// Every problem: it cannot be read, is no regular file, is too large, or says what no configuration says.
pub fn load(path: &Path) -> Result<Loaded, Vec<String>> {
    let world = RealWorld::new().map_err(|error| cannot(path, &Because(error).to_string()))?;
    let (config, source) = read(path, &world)?;
    Ok(Loaded { config, source, world: Arc::new(world) })
}

fn cannot(path: &Path, why: &str) -> Vec<String> {
    vec![format!("cannot read the configuration {}: {why}", path.display())]
}

/// Reads one file.
///
/// # Errors
/// As [`load`].
pub fn read(path: &Path, world: &dyn World) -> Result<(Kept<Config>, Source), Vec<String>> {
    let cannot = |why: &str| cannot(path, why);
    match world.kind(path) {
        Some(Kind::File(_)) | None => {}
        Some(Kind::Directory) => return Err(cannot("it is a directory")),
        Some(Kind::Other) => return Err(cannot("it is no regular file")),
    }
    let text = world.read(path, LARGEST).map_err(|error| match error {
        Errno::EFBIG => cannot(&format!("it has more than {LARGEST} bytes")),
        error => cannot(&Because(error).to_string()),
    })?;
    let text = String::from_utf8(text).map_err(|_| cannot("it is not UTF-8"))?;
    config::parse(Source { name: path.display().to_string(), text, hidden: Vec::new() })
}
