//! Measures onset beside other inits: `benches/compare` builds and runs it, docs/performance.md says how.
//!
//! ```text
//! compare [--quick] [--out FOLDER] [PART...]
//! compare start-one WORDS...                  # for itself: under strace, PID 1 of a new namespace
//! ```
//!
//! `launch` makes containers, `counters` asks strace and callgrind; each part has a file of its name and gives its figures
//! as JSON, of which `table` makes Markdown.

mod counters;
mod idle;
mod inits;
mod launch;
mod memory;
mod size;
mod start;
mod stats;

use inits::{Init, Programs};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

/// Figures by name.
type Figures = serde_json::Map<String, Value>;

type Part = (&'static str, fn(&Bench) -> Result<Value, String>);

const PARTS: [Part; 5] = [
    ("size", size::measure),
    ("start", start::measure),
    ("counters", start::count),
    ("memory", memory::measure),
    ("idle", idle::measure),
];

/// What every part needs.
pub struct Bench {
    programs: Programs,
    inits: Vec<Init>,
    quick: bool,
    /// For files that are gone afterwards.
    folder: PathBuf,
}

impl Bench {
    /// How often something is repeated.
    fn times(&self, quick: usize, full: usize) -> usize {
        if self.quick { quick } else { full }
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
    let (mut quick, mut wanted) = (false, Vec::new());
    let known = |name: &str| PARTS.iter().any(|(part, _)| *part == name);
    for word in words {
        match word.as_str() {
            "--quick" => quick = true,
            name if known(name) => wanted.push(name.to_owned()),
            other => return Err(format!("no part is called {other}")),
        }
    }
    let programs = Programs::find()?;
    let folder = std::env::temp_dir().join(format!("onset-bench.{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(text)?;
    let bench = Bench { inits: programs.inits(), programs, quick, folder };

    let mut figures = Figures::new();
    figures.insert("quick".to_owned(), json!(quick));
    for (name, measure) in PARTS.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|part| part == name))
    {
        eprintln!("bench: {name}");
        figures.insert((*name).to_owned(), measure(&bench).map_err(|problem| format!("{name}: {problem}"))?);
    }
    println!("{:#}", Value::Object(figures));
    std::fs::remove_dir_all(&bench.folder).map_err(text)
}

fn start_one(words: impl Iterator<Item = String>) -> Result<(), String> {
    let environment = std::env::var("BENCH_ENVIRONMENT").map_err(text)?;
    let environment: Vec<String> = serde_json::from_str(&environment).map_err(text)?;
    launch::Command::exactly(words, &environment).run().map(drop).map_err(text)
}

/// An error as the text that it is for its reader.
fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
