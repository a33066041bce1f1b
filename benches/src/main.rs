//! Measures onset beside other inits: `benches/compare` builds and runs it, docs/performance.md says how.
//!
//! ```text
//! compare [--quick] [--readme] [PART...]
//! compare start-one WORDS...                  # for itself: under strace, PID 1 of a new namespace
//! ```
//!
//! `launch` makes containers, `counters` asks strace and callgrind; each part has a file of its name and gives its figures
//! as JSON, of which `table` makes Markdown.

mod counters;
mod idle;
mod inits;
mod job;
mod launch;
mod machine;
mod memory;
mod orphans;
mod signals;
mod size;
mod start;
mod stats;
mod sweep;
mod table;

use inits::{Init, Programs};
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Figures by name.
type Figures = serde_json::Map<String, Value>;

type Part = (&'static str, fn(&Bench) -> Result<Value, String>);

const PARTS: [Part; 9] = [
    ("size", size::measure),
    ("start", start::measure),
    ("counters", start::count),
    ("memory", memory::measure),
    ("idle", idle::measure),
    ("signals", signals::measure),
    ("orphans", orphans::measure),
    ("job", job::measure),
    ("sweep", sweep::measure),
];

/// What every part needs.
pub struct Bench {
    programs: Programs,
    inits: Vec<Init>,
    quick: bool,
    /// For files that are gone afterwards. In memory if possible: how fast a disk is today says nothing about who writes to it.
    folder: PathBuf,
}

impl Bench {
    /// How often something is repeated.
    fn times(&self, quick: usize, full: usize) -> usize {
        if self.quick { quick } else { full }
    }

    /// A new folder.
    fn new_folder(&self, name: &str) -> Result<PathBuf, String> {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder).map_err(text)?;
        Ok(folder)
    }
}

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1).peekable();
    let done =
        if words.peek().is_some_and(|word| word == "start-one") { start_one(words.skip(1)) } else { compare(words) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn compare(words: impl Iterator<Item = String>) -> Result<(), String> {
    let (mut quick, mut readme, mut wanted) = (false, false, Vec::new());
    let known = |name: &str| PARTS.iter().any(|(part, _)| *part == name);
    for word in words {
        match word.as_str() {
            "--quick" => quick = true,
            "--readme" => readme = true,
            name if known(name) => wanted.push(name.to_owned()),
            other => return Err(format!("no part is called {other}")),
        }
    }
    let programs = Programs::find()?;
    let in_memory = Path::new("/dev/shm");
    let place = if in_memory.is_dir() { in_memory.to_owned() } else { std::env::temp_dir() };
    let folder = place.join(format!("onset-bench.{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(text)?;
    let bench = Bench { inits: programs.inits(), programs, quick, folder };

    let mut figures = Figures::new();
    figures.insert("machine".to_owned(), machine::describe(&bench, quick));
    for (name, measure) in PARTS.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|part| part == name))
    {
        eprintln!("bench: {name}");
        figures.insert((*name).to_owned(), measure(&bench).map_err(|problem| format!("{name}: {problem}"))?);
    }
    std::fs::remove_dir_all(&bench.folder).map_err(text)?;

    let out = Path::new("target/bench");
    let tables = table::all(&figures);
    std::fs::create_dir_all(out).map_err(text)?;
    std::fs::write(out.join("figures.json"), format!("{:#}\n", Value::Object(figures.clone()))).map_err(text)?;
    std::fs::write(out.join("table.md"), &tables).map_err(text)?;
    if readme {
        table::put_between_marks(Path::new("README.md"), &table::summary(&figures))?;
        table::put_between_marks(Path::new("docs/performance.md"), &tables)?;
    }
    std::io::stdout().write_all(tables.as_bytes()).map_err(text)
}

fn start_one(words: impl Iterator<Item = String>) -> Result<(), String> {
    let environment = std::env::var("BENCH_ENVIRONMENT").map_err(text)?;
    let environment: Vec<String> = serde_json::from_str(&environment).map_err(text)?;
    let here = std::env::current_dir().map_err(text)?;
    let (mut container, end) = launch::Command::exactly(words, &environment).cwd(&here).run().map_err(text)?;
    if end.status == 0 { Ok(()) } else { Err(format!("status {}: {}", end.status, container.stderr())) }
}

/// An error as the text that it is for its reader.
fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
