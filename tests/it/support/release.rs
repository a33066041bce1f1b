//! What the release binary's costs are counted with.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;

use super::init::onset;
use super::{Folder, Init, Mode, mode, skip};

/// Whether what is tested is a static build for this machine, and we are root; if not, the caller's test is skipped.
///
/// Another build is no failure where `CI=true`, unlike in [`mode::skip`]: the tests run against it as well, and only the
/// release is measured.
pub fn is_release_or_skip() -> bool {
    const PROGRAM_HEADERS: usize = 32;
    const PT_INTERP: u32 = 3;
    let elf = fs::read(onset()).unwrap();
    let mut ours = [0; 20];
    fs::File::open("/proc/self/exe").unwrap().read_exact(&mut ours).unwrap();
    let number = |at, size| number(&elf, at, size);
    let (table, size, count) = (number(PROGRAM_HEADERS, 8), number(54, 2), number(56, 2));
    let is_dynamic = (0..count).any(|index| number(table + index * size, 4) == PT_INTERP as usize);
    if is_dynamic || elf[18..20] != ours[18..20] {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("a test").to_owned();
        let _ = writeln!(std::io::stderr(), "\nSKIPPED {name}: only the static release binary has budgets\n");
        return false;
    }
    mode::is_root_or_skip()
}

/// How many bytes a section of onset has; 0 if there is none of that name.
pub fn section_size(name: &str) -> usize {
    let elf = fs::read(onset()).unwrap();
    let number = |at, size| number(&elf, at, size);
    let sections: Vec<usize> = (0..number(60, 2)).map(|index| number(40, 8) + index * number(58, 2)).collect();
    let names = number(sections[number(62, 2)] + 24, 8);
    let is_it = |section: &&usize| elf[names + number(**section, 4)..].starts_with(format!("{name}\0").as_bytes());
    sections.iter().find(is_it).map_or(0, |section| number(section + 32, 8))
}

/// A number of an ELF file (elf(5)).
fn number(elf: &[u8], at: usize, size: usize) -> usize {
    elf[at..at + size].iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

/// Instructions of the process that prepares, for an application that is missing: callgrind forgets what a process did
/// before its execve, so this one fails, and what onset then finds out about the cause is some part of a hundred.
pub fn instructions_to_prepare(folder: &Folder, with: impl FnOnce(Init) -> Init) -> Option<u64> {
    let counted = instructions(folder, with, 127)?;
    let preparation: Vec<u64> = counted.iter().filter(|(pid, _)| **pid != 1).map(|(_, count)| *count).collect();
    assert_eq!(preparation.len(), 1, "one process prepares: {counted:?}");
    Some(preparation[0])
}

/// Instructions of each process, by its pid in the namespace. `with` has onset's words to add. `None`: there is no valgrind,
/// and the caller's test is skipped.
pub fn instructions(folder: &Folder, with: impl FnOnce(Init) -> Init, status: i32) -> Option<BTreeMap<u32, u64>> {
    const VALGRIND: &str = "/usr/bin/valgrind";
    if !Path::new(VALGRIND).exists() {
        skip("needs valgrind");
        return None;
    }
    let counts = folder.folder("counts", 0o755);
    let file = format!("--callgrind-out-file={}/%p", counts.display());
    let valgrind = Init::bare(Mode::Pid1, VALGRIND).args(["-q", "--tool=callgrind", &file]).args([onset()]);
    let ended = with(valgrind).start().finish();
    assert_eq!(ended.code(), status, "{}", ended.story());
    let count = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok()).expect("a pid");
        let text = fs::read_to_string(entry.path()).unwrap();
        let total = text.lines().find_map(|line| line.strip_prefix("totals: ")?.parse().ok()).expect("a total");
        (pid, total)
    };
    Some(fs::read_dir(counts).unwrap().map(|entry| count(entry.unwrap())).collect())
}
