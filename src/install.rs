//! `onset --install DIR`: links by the names of the inits that onset stands in for, for images without a shell to make them.
//!
//! May use `cli` and `report`.
#![forbid(unsafe_code)]

use crate::cli::faces::NAMES;
use crate::report::Because;
use nix::errno::Errno;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

/// Makes the links, each to this very program. What is there already and is it stays. What there is to print.
///
/// # Errors
/// Every problem, and nothing was made; or what happened in between.
pub fn install(folder: &Path) -> Result<String, Vec<String>> {
    let program = fs::read_link("/proc/self/exe");
    let program = program.map_err(|error| vec![format!("cannot tell where onset is: {}", because(&error))])?;
    link(&program, folder)
}

fn link(program: &Path, folder: &Path) -> Result<String, Vec<String>> {
    let file = |path: &Path| fs::metadata(path).map(|meta| (meta.dev(), meta.ino()));
    let own = file(program).map_err(|error| vec![format!("cannot find {}: {}", program.display(), because(&error))])?;
    if let Err(error) = fs::read_dir(folder) {
        return Err(vec![format!("cannot install into {}: {}", folder.display(), because(&error))]);
    }
    let paths = NAMES.map(|name| folder.join(name));
    let is_free = |path: &PathBuf| match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(format!("cannot look at {}: {}", path.display(), because(&error))),
        Ok(_) if file(path).is_ok_and(|found| found == own) => Ok(false),
        Ok(_) => Err(format!("{} is there, and is not {}: remove it first", path.display(), program.display())),
    };
    let looked = paths.each_ref().map(is_free);
    let problems: Vec<String> = looked.iter().filter_map(|free| free.clone().err()).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    let free = paths.iter().zip(looked).filter(|(_, free)| *free == Ok(true));
    let made = free.map(|(path, _)| {
        let made = symlink(program, path).map(|()| format!("{} -> {}\n", path.display(), program.display()));
        made.map_err(|error| format!("cannot make {}: {}", path.display(), because(&error)))
    });
    let (made, failed): (Vec<_>, Vec<_>) = made.partition(Result::is_ok);
    match failed.into_iter().filter_map(Result::err).collect::<Vec<_>>() {
        problems if problems.is_empty() => Ok(made.into_iter().flatten().collect()),
        problems => Err(problems),
    }
}

fn because(error: &io::Error) -> Because {
    Because(Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place {
        folder: tempfile::TempDir,
        program: PathBuf,
    }

    fn place() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("onset");
        fs::write(&program, "").unwrap();
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
    fn what_is_onset_under_another_link_stays() {
        let place = place();
        fs::hard_link(&place.program, place.bin().join("tini")).unwrap();
        symlink("../onset", place.bin().join("dumb-init")).unwrap();
        assert_eq!(place.link().unwrap().lines().count(), 2);
        assert_eq!(fs::read_link(place.bin().join("dumb-init")).unwrap(), Path::new("../onset"));
    }

    #[test]
    fn whatever_else_is_there_is_told_at_once_and_nothing_is_made() {
        let place = place();
        let bin = place.bin();
        fs::write(bin.join("tini"), "tini").unwrap();
        symlink("/no/such", bin.join("dumb-init")).unwrap();
        fs::create_dir(bin.join("catatonit")).unwrap();
        let problems = place.link().unwrap_err();
        let expected = ["tini", "dumb-init", "catatonit"].map(|name| {
            format!("{} is there, and is not {}: remove it first", bin.join(name).display(), place.program.display())
        });
        assert_eq!(problems, expected);
        assert!(!bin.join("docker-init").exists());
        assert_eq!(fs::read(bin.join("tini")).unwrap(), b"tini");
    }

    #[test]
    fn without_the_folder_there_is_one_problem() {
        let place = place();
        fs::remove_dir(place.bin()).unwrap();
        let problem = format!("cannot install into {}: no such file or directory (ENOENT)", place.bin().display());
        assert_eq!(place.link(), Err(vec![problem]));
    }
}
