//! `onset --install DIR`: links by the names of the inits that onset stands in for, for images without a shell to make them.
//!
//! May use `cli`, `report` and `sys`.
#![forbid(unsafe_code)]

use crate::cli::faces::NAMES;
use crate::report::Because;
use crate::sys::file::{self, WORKING_DIRECTORY};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::ffi::OsStr;
use std::fmt::Write;
use std::path::Path;

/// Makes the links, each to this very program, and the folder if it is not there: an image from scratch has none, and no
/// program to make it. What is there already and is onset stays, be it a link or a copy. What there is to print.
///
/// # Errors
/// Every problem, and nothing was made; or what happened in between.
pub fn install(folder: &Path) -> Result<String, Vec<String>> {
    let program = file::read_link(&WORKING_DIRECTORY, OsStr::new("/proc/self/exe"));
    let program = program.map_err(|error| vec![format!("cannot tell where onset is: {}", Because(error))])?;
    link(Path::new(&program), folder)
}

#[inline(never)]
fn link(program: &Path, folder: &Path) -> Result<String, Vec<String>> {
    let own = file::stat_of(program).map_err(|error| vec![cannot("find", program, error)])?;
    match file::open(&WORKING_DIRECTORY, folder, OFlag::O_RDONLY | OFlag::O_DIRECTORY, 0) {
        Ok(_) => {}
        Err(Errno::ENOENT) => make(folder).map_err(|error| vec![cannot("make", folder, error)])?,
        Err(error) => return Err(vec![cannot("install into", folder, error)]),
    }
    let is_onset = |path: &Path| {
        file::stat_of(path).is_ok_and(|found| {
            (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino)
                || (file::is_regular(&found) && found.st_size == own.st_size && is_copy(path, program))
        })
    };
    let mut problems = Vec::new();
    let mut free = Vec::new();
    for name in NAMES {
        let path = folder.join(name);
        match file::stat_at(&WORKING_DIRECTORY, path.as_os_str()) {
            Err(Errno::ENOENT) => free.push(path),
            Err(error) => problems.push(cannot("look at", &path, error)),
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
        match file::make_link(program, &WORKING_DIRECTORY, path.as_os_str()) {
            Ok(()) => {
                let _ = writeln!(made, "{} -> {}", path.display(), program.display());
            }
            Err(error) => problems.push(cannot("make", &path, error)),
        }
    }
    if problems.is_empty() { Ok(made) } else { Err(problems) }
}

fn cannot(verb: &str, path: &Path, error: Errno) -> String {
    format!("cannot {verb} {}: {}", path.display(), Because(error))
}

/// Makes a folder, and those above it.
fn make(folder: &Path) -> nix::Result<()> {
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
    let made = match (file::make_directory(&WORKING_DIRECTORY, folder.as_os_str(), 0o755), above) {
        (Err(Errno::ENOENT), Some(above)) => {
            make(above)?;
            file::make_directory(&WORKING_DIRECTORY, folder.as_os_str(), 0o755)
        }
        (made, _) => made,
    };
    // Somebody else was quicker; or it ends with `..`.
    made.or_else(|error| match file::stat_of(folder) {
        Ok(found) if file::is_directory(&found) => Ok(()),
        Ok(_) | Err(_) => Err(error),
    })
}

/// Whether both have the same content: `COPY` in a Dockerfile makes no links.
fn is_copy(one: &Path, other: &Path) -> bool {
    matches!((file::contents(one), file::contents(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};
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
