//! `onset --install DIR`: links by the names of the inits that onset stands in for, for images without a shell to make them.
//!
//! May use `cli`, `report` and `sys`.
#![forbid(unsafe_code)]

use crate::cli::faces::NAMES;
use crate::report::Because;
use crate::sys::file;
use nix::errno::Errno;
use std::fmt::Write;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, symlink};
use std::path::Path;

/// Makes the links, each to this very program, and the folder if it is not there: an image from scratch has none, and no
/// program to make it. What is there already and is onset stays, be it a link or a copy. What there is to print.
///
/// # Errors
/// Every problem, and nothing was made; or what happened in between.
pub fn install(folder: &Path) -> Result<String, Vec<String>> {
    let program = fs::read_link("/proc/self/exe");
    let program = program.map_err(|error| vec![format!("cannot tell where onset is: {}", because(&error))])?;
    link(&program, folder)
}

fn link(program: &Path, folder: &Path) -> Result<String, Vec<String>> {
    let own = fs::metadata(program)
        .map_err(|error| vec![format!("cannot find {}: {}", program.display(), because(&error))])?;
    match fs::read_dir(folder) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(folder)?,
        Err(error) => return Err(vec![format!("cannot install into {}: {}", folder.display(), because(&error))]),
    }
    let is_onset = |path: &Path| {
        fs::metadata(path).is_ok_and(|found| {
            (found.dev(), found.ino()) == (own.dev(), own.ino())
                || (found.is_file() && found.len() == own.len() && is_copy(path, program))
        })
    };
    let mut problems = Vec::new();
    let mut free = Vec::new();
    for name in NAMES {
        let path = folder.join(name);
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => free.push(path),
            Err(error) => problems.push(format!("cannot look at {}: {}", path.display(), because(&error))),
            Ok(_) if is_onset(&path) => {}
            Ok(_) => {
                let (path, program) = (path.display(), program.display());
                problems
                    .push(format!("{path} is there, and is not {program}: remove it first, or copy {program} over it"));
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut made = String::new();
    for path in free {
        match symlink(program, &path) {
            Ok(()) => {
                let _ = writeln!(made, "{} -> {}", path.display(), program.display());
            }
            Err(error) => problems.push(format!("cannot make {}: {}", path.display(), because(&error))),
        }
    }
    if problems.is_empty() { Ok(made) } else { Err(problems) }
}

fn make(folder: &Path) -> Result<(), Vec<String>> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o755).create(folder);
    made.map_err(|error| vec![format!("cannot make {}: {}", folder.display(), because(&error))])
}

/// Whether both have the same content: `COPY` in a Dockerfile makes no links.
fn is_copy(one: &Path, other: &Path) -> bool {
    matches!((file::contents(one), file::contents(other)), (Ok(one), Ok(other)) if one == other)
}

fn because(error: &io::Error) -> Because {
    Because(Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    struct Place {
        folder: tempfile::TempDir,
        program: PathBuf,
    }

    fn place() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("onset");
        fs::write(&program, "onset").unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        Place { folder, program }
    }

    impl Place {
        fn bin(&self) -> PathBuf {
            self.folder.path().join("bin")
        }

        fn link(&self) -> Result<String, Vec<String>> {
            link(&self.program, &self.bin())
        }
    }

    #[test]
    fn every_name_becomes_a_link_and_a_second_time_changes_nothing() {
        let place = place();
        let made = place.link().unwrap();
        assert_eq!(made.lines().count(), NAMES.len(), "{made}");
        for name in NAMES {
            assert_eq!(fs::read_link(place.bin().join(name)).unwrap(), place.program);
            assert!(made.contains(&format!("/bin/{name} -> {}\n", place.program.display())), "{made}");
        }
        assert_eq!(place.link(), Ok(String::new()));
    }

    #[test]
    fn what_is_onset_under_another_link_or_as_a_copy_stays() {
        let place = place();
        fs::hard_link(&place.program, place.bin().join("tini")).unwrap();
        symlink("../onset", place.bin().join("dumb-init")).unwrap();
        fs::copy(&place.program, place.bin().join("catatonit")).unwrap();
        assert_eq!(place.link().unwrap().lines().count(), 1);
        assert_eq!(fs::read_link(place.bin().join("dumb-init")).unwrap(), Path::new("../onset"));
        assert!(fs::symlink_metadata(place.bin().join("catatonit")).unwrap().is_file());
    }

    #[test]
    fn whatever_else_is_there_is_told_at_once_and_nothing_is_made() {
        let place = place();
        let bin = place.bin();
        fs::write(bin.join("tini"), "tini!").unwrap(); // as long as onset
        symlink("/no/such", bin.join("dumb-init")).unwrap();
        fs::create_dir(bin.join("catatonit")).unwrap();
        let problems = place.link().unwrap_err();
        let expected = ["tini", "dumb-init", "catatonit"].map(|name| {
            let (path, program) = (bin.join(name), place.program.display());
            format!("{} is there, and is not {program}: remove it first, or copy {program} over it", path.display())
        });
        assert_eq!(problems, expected);
        assert!(!bin.join("docker-init").exists());
        assert_eq!(fs::read(bin.join("tini")).unwrap(), b"tini!");
    }

    #[test]
    fn a_folder_that_is_not_there_is_made_with_those_above_it() {
        let place = place();
        let folder = place.bin().join("a/b");
        assert_eq!(link(&place.program, &folder).unwrap().lines().count(), NAMES.len());
        assert_eq!(fs::read_link(folder.join("tini")).unwrap(), place.program);
        let mode = fs::metadata(&folder).unwrap().mode() & 0o7777;
        assert_eq!((mode & !0o755, mode & 0o700), (0, 0o700), "0755, less the umask");
    }

    #[test]
    fn without_a_folder_there_is_one_problem() {
        let place = place();
        let file = place.program.display();
        for (below, problem) in [
            ("", format!("cannot install into {file}: not a directory (ENOTDIR)")),
            ("a", format!("cannot install into {file}/a: not a directory (ENOTDIR)")),
        ] {
            let folder = if below.is_empty() { place.program.clone() } else { place.program.join(below) };
            assert_eq!(link(&place.program, &folder), Err(vec![problem]));
        }
        symlink("/no/such", place.bin().join("bin")).unwrap();
        let problem = format!("cannot make {}: file exists (EEXIST)", place.bin().join("bin").display());
        assert_eq!(link(&place.program, &place.bin().join("bin")), Err(vec![problem]));
    }
}
