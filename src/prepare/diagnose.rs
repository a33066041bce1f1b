//! Why execve(2) failed, in words that name the file, the folder or the interpreter to look at.
//!
//! The kernel says one number for many causes: ENOENT for a missing program and for its missing interpreter, EACCES
//! for a mode, a folder and a mount option. So the file is looked at once more, after the failure.

use super::elf::Elf;
use crate::exit;
use crate::handoff::StartFailure;
use crate::report::Because;
use crate::sys::file::{self, Stat, WORKING_DIRECTORY};
use crate::sys::look;
use nix::errno::Errno;
use nix::sys::statvfs::FsFlags;
use nix::unistd::{AccessFlags, getegid, geteuid};
use std::ffi::{CStr, OsStr};
use std::fmt;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Says why `path`, which was looked up for `name`, could not be executed.
pub fn diagnose(name: &CStr, path: &CStr, error: Errno) -> Box<StartFailure> {
    let cause = find_cause(Path::new(OsStr::from_bytes(path.to_bytes())), error, MOST_INTERPRETERS);
    cannot_start(name, path, &cause.to_string(), cause.status(), error)
}

/// The one shape all these failures have.
pub fn cannot_start(name: &CStr, path: &CStr, cause: &str, status: u8, error: Errno) -> Box<StartFailure> {
    let shown = name.to_string_lossy();
    let found = if path == name { String::new() } else { format!(" ({})", path.to_string_lossy()) };
    let cause = format!("cannot start `{shown}`{found}: {cause}");
    let mut failure = StartFailure::new(status, cause);
    failure.error = Some(error);
    failure
}

/// An interpreter can be a script itself; the kernel follows five of them (exec_binprm in fs/exec.c).
const MOST_INTERPRETERS: u32 = 5;
/// How much of a file the kernel looks at (`BINPRM_BUF_SIZE`).
const START_LENGTH: usize = 256;

#[derive(Debug)]
enum Cause {
    EmptyName,
    Missing,
    MissingFolder(PathBuf),
    DanglingLink(PathBuf),
    NotAFolder(PathBuf),
    TooManyLinks,
    NameTooLong,
    ClosedFolder(PathBuf, Rights),
    Directory,
    NotAFile,
    NotExecutable(Rights),
    NoExecMount,
    EmptyFile,
    NoShebang,
    EmptyShebang,
    TooManyInterpreters,
    OtherMachine(String),
    UnknownFormat(Vec<u8>),
    Interpreter { kind: &'static str, path: PathBuf, cause: Box<Cause> },
    Other(Errno),
}

/// Who may what: the mode and owner of a file, and who asks.
#[derive(Debug)]
struct Rights {
    mode: u32,
    owner: (u32, u32),
}

fn find_cause(path: &Path, error: Errno, interpreters_left: u32) -> Cause {
    match file::stat_of(path) {
        Err(_) => leads_nowhere(path, error),
        Ok(stat) => unusable(path, &stat, error, interpreters_left),
    }
}

/// The path leads nowhere.
fn leads_nowhere(path: &Path, error: Errno) -> Cause {
    let above = path.parent().unwrap_or(Path::new(""));
    match error {
        Errno::ENOENT if path.as_os_str().is_empty() => Cause::EmptyName,
        Errno::ENOENT => {
            match outermost(above, &|folder| file::stat_at(&WORKING_DIRECTORY, folder.as_os_str()).is_err()) {
                Some(folder) => Cause::MissingFolder(folder.to_owned()),
                None => match file::read_link(&WORKING_DIRECTORY, path.as_os_str()) {
                    Ok(target) => Cause::DanglingLink(target.into()),
                    Err(_) => Cause::Missing,
                },
            }
        }
        Errno::ENOTDIR => {
            match outermost(above, &|folder| file::stat_of(folder).is_ok_and(|stat| !file::is_directory(&stat))) {
                Some(file) => Cause::NotAFolder(file.to_owned()),
                None => Cause::NotAFolder(path.to_owned()),
            }
        }
        Errno::ELOOP => Cause::TooManyLinks,
        Errno::ENAMETOOLONG => Cause::NameTooLong,
        Errno::EACCES => match outermost(above, &is_closed) {
            Some(folder) => match file::stat_of(folder) {
                Ok(stat) => Cause::ClosedFolder(folder.to_owned(), Rights::of(&stat)),
                Err(_) => Cause::Other(error),
            },
            None => Cause::Other(error),
        },
        other => Cause::Other(other),
    }
}

/// Of a path and the folders on the way to it the first that this is so of.
pub fn outermost<'a>(path: &'a Path, is_so: &dyn Fn(&Path) -> bool) -> Option<&'a Path> {
    path.ancestors().filter(|folder| !folder.as_os_str().is_empty() && is_so(folder)).last()
}

/// Whether a folder may not be entered.
pub fn is_closed(folder: &Path) -> bool {
    look::access(folder, AccessFlags::X_OK).is_err()
}

/// The path leads to something, and that cannot be executed.
fn unusable(path: &Path, stat: &Stat, error: Errno, interpreters_left: u32) -> Cause {
    if file::is_directory(stat) {
        return Cause::Directory;
    }
    if !file::is_regular(stat) {
        return Cause::NotAFile;
    }
    if error == Errno::EACCES {
        if look::mount_flags(path).contains(FsFlags::ST_NOEXEC) {
            return Cause::NoExecMount;
        }
        if is_closed(path) {
            return Cause::NotExecutable(Rights::of(stat));
        }
    }
    // A file may be executable and not readable; then this is all there is to know.
    let Some((file, start)) = read_start(path) else { return Cause::Other(error) };
    let elf = Elf::parse(&start);
    let interpreted = match error {
        // Of the file itself, or of what its `#!` line names. A file of ours that is ELF and broken never gets so far
        // that its loader is asked for.
        Errno::ENOEXEC => elf.is_none(),
        Errno::ENOENT | Errno::ENOTDIR | Errno::EACCES | Errno::ELOOP | Errno::ENAMETOOLONG | Errno::ELIBBAD => true,
        _ => false,
    };
    if let Some(elf) = &elf
        && error == Errno::ENOEXEC
        && elf.machine() != std::env::consts::ARCH
    {
        return Cause::OtherMachine(elf.machine());
    }
    let named = match &elf {
        Some(elf) => elf.loader(&file).map(|loader| ("dynamic loader", loader)),
        None => shebang(&start).map(|name| ("interpreter", name.to_vec())),
    };
    match named {
        Some((_, name)) if interpreted && name.is_empty() => Cause::EmptyShebang,
        Some((kind, name)) if interpreted => {
            let Some(left) = interpreters_left.checked_sub(1) else { return Cause::TooManyInterpreters };
            let path = PathBuf::from(OsStr::from_bytes(&name));
            let cause = Box::new(find_cause(&path, error, left));
            Cause::Interpreter { kind, path, cause }
        }
        Some(_) | None if error == Errno::ENOEXEC => bad_format(&start),
        Some(_) | None => Cause::Other(error),
    }
}

fn bad_format(start: &[u8]) -> Cause {
    let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    if start.is_empty() {
        Cause::EmptyFile
    } else if start.iter().all(is_text) {
        Cause::NoShebang
    } else {
        Cause::UnknownFormat(start[..start.len().min(4)].to_vec())
    }
}

/// What the first line names after `#!`, cut where the kernel cuts it (load_script in fs/binfmt_script.c): a carriage
/// return belongs to the name.
fn shebang(start: &[u8]) -> Option<&[u8]> {
    let line = start.strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?;
    let mut words = line.split(|byte| b" \t\0".contains(byte)).filter(|word| !word.is_empty());
    Some(words.next().unwrap_or_default())
}

fn read_start(path: &Path) -> Option<(File, Vec<u8>)> {
    let file = File::open(path).ok()?;
    let mut start = vec![0; START_LENGTH];
    let length = file.read_at(&mut start, 0).ok()?;
    start.truncate(length);
    Some((file, start))
}

impl Rights {
    fn of(stat: &Stat) -> Self {
        Rights { mode: stat.st_mode & 0o7777, owner: (stat.st_uid, stat.st_gid) }
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rights { mode, owner: (uid, gid) } = self;
        write!(f, "mode {mode:04o}, owner {uid}:{gid}; running as {}:{}", geteuid(), getegid())
    }
}

impl Cause {
    fn status(&self) -> u8 {
        match self {
            Cause::EmptyName
            | Cause::Missing
            | Cause::MissingFolder(_)
            | Cause::DanglingLink(_)
            | Cause::NotAFolder(_)
            | Cause::TooManyLinks
            | Cause::NameTooLong => exit::NOT_FOUND,
            Cause::ClosedFolder(..)
            | Cause::Directory
            | Cause::NotAFile
            | Cause::NotExecutable(_)
            | Cause::NoExecMount
            | Cause::EmptyFile
            | Cause::NoShebang
            | Cause::EmptyShebang
            | Cause::TooManyInterpreters
            | Cause::OtherMachine(_)
            | Cause::UnknownFormat(_)
            | Cause::Other(_) => exit::NOT_EXECUTABLE,
            Cause::Interpreter { cause, .. } => cause.status(),
        }
    }
}

/// The cause as it is said of the program itself.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::EmptyName => f.write_str("the command is empty"),
            Cause::Missing => f.write_str("no such file"),
            Cause::MissingFolder(folder) => write!(f, "the folder `{}` does not exist", folder.display()),
            Cause::DanglingLink(target) => {
                write!(f, "it is a symbolic link to `{}`, which does not exist", target.display())
            }
            Cause::NotAFolder(file) => write!(f, "`{}` is not a directory", file.display()),
            Cause::TooManyLinks => f.write_str("too many levels of symbolic links"),
            Cause::NameTooLong => f.write_str("the name is too long (at most 255 bytes a component, 4095 in all)"),
            Cause::ClosedFolder(folder, rights) => {
                write!(f, "the folder `{}` may not be entered ({rights})", folder.display())
            }
            Cause::Directory => f.write_str("it is a directory"),
            Cause::NotAFile => f.write_str("it is not a regular file"),
            Cause::NotExecutable(rights) => write!(f, "it is not executable ({rights})"),
            Cause::NoExecMount => f.write_str("its file system is mounted noexec"),
            Cause::EmptyFile => f.write_str("the file is empty"),
            Cause::NoShebang => f.write_str(
                "it has no `#!` line, and onset runs no shell: name the interpreter in its first line, \
                 or start the interpreter with this file as argument",
            ),
            Cause::EmptyShebang => f.write_str("its `#!` line names no interpreter"),
            Cause::TooManyInterpreters => f.write_str("its interpreters are scripts themselves, more than 5 deep"),
            Cause::OtherMachine(machine) => {
                write!(f, "it is a program for {machine}, this machine is {}", std::env::consts::ARCH)
            }
            Cause::UnknownFormat(start) => {
                f.write_str("the kernel knows no such format (it starts with")?;
                start.iter().try_for_each(|byte| write!(f, " {byte:02x}"))?;
                f.write_str(")")
            }
            Cause::Interpreter { kind, path, cause } => {
                // The carriage return of a file with Windows line ends must be seen.
                write!(f, "its {kind} `{}` ", path.display().to_string().escape_debug())?;
                match &**cause {
                    Cause::Missing | Cause::MissingFolder(_) if path.as_os_str().as_bytes().ends_with(b"\r") => {
                        f.write_str("does not exist: the first line ends with a carriage return")
                    }
                    Cause::Missing | Cause::MissingFolder(_) => f.write_str("does not exist"),
                    Cause::Directory => f.write_str("is a directory"),
                    Cause::NotExecutable(rights) => write!(f, "is not executable ({rights})"),
                    other => write!(f, "cannot be started: {other}"),
                }
            }
            Cause::Other(error) => Because(*error).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shebang_is_cut_where_the_kernel_cuts_it() {
        assert_eq!(shebang(b"#!/bin/sh\nexit"), Some(&b"/bin/sh"[..]));
        assert_eq!(shebang(b"#! \t/usr/bin/env python3\n"), Some(&b"/usr/bin/env"[..]));
        assert_eq!(shebang(b"#!/bin/sh\r\n"), Some(&b"/bin/sh\r"[..]));
        assert_eq!(shebang(b"#!\n/bin/sh"), Some(&b""[..]));
        assert_eq!(shebang(b"#!/bin/sh"), Some(&b"/bin/sh"[..]));
        assert_eq!(shebang(b" #!/bin/sh"), None);
    }

    #[test]
    fn formats_are_told_apart() {
        assert!(matches!(bad_format(b""), Cause::EmptyFile));
        assert!(matches!(bad_format(b"echo hello\r\n"), Cause::NoShebang));
        assert!(matches!(bad_format("echo grüße\n".as_bytes()), Cause::NoShebang));
        assert_eq!(bad_format(b"\xca\xfe\0").to_string(), "the kernel knows no such format (it starts with ca fe 00)");
    }
}
