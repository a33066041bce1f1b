//! What an image gets bigger by: the file, the libraries it needs, and both compressed.

use crate::{Bench, Figures};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub fn measure(bench: &Bench) -> Result<Value, String> {
    let mut figures = Figures::new();
    for init in bench.inits.iter().filter(|init| !init.again) {
        let Some(file) = init.file() else { continue };
        let libraries = libraries(file)?;
        let mut all: Vec<&Path> = vec![file];
        all.extend(libraries.iter().map(PathBuf::as_path));
        let shipped = all.iter().map(|path| bytes(path)).sum::<Result<u64, _>>()?;
        let packed = all.iter().map(|path| compressed(path)).sum::<Result<u64, _>>()?;
        let libraries: Vec<_> = libraries.iter().map(|path| path.display().to_string()).collect();
        let figure = json!({ "file": bytes(file)?, "shipped": shipped, "compressed": packed, "libraries": libraries });
        figures.insert(init.name.to_owned(), figure);
    }
    Ok(figures.into())
}

fn bytes(path: &Path) -> Result<u64, String> {
    path.metadata().map(|meta| meta.len()).map_err(|error| format!("{}: {error}", path.display()))
}

/// As gzip makes it, which is what registries keep.
fn compressed(path: &Path) -> Result<u64, String> {
    let output = Command::new("gzip").args(["-9", "--stdout"]).arg(path).output();
    output.map(|output| output.stdout.len() as u64).map_err(|error| format!("gzip: {error}"))
}

/// The libraries that the dynamic loader would load, itself included.
fn libraries(file: &Path) -> Result<BTreeSet<PathBuf>, String> {
    // It ends with 1 for a static file, and says so on stderr.
    let output =
        Command::new("ldd").arg(file).stderr(Stdio::null()).output().map_err(|error| format!("ldd: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect())
}
