//! The application as it was started: kept by PID 1 in a file in memory (memfd_create(2)), for those who come later and
//! cannot know. The child that prepares writes it; `onset exec`, `onset probe` and the stop commands read it.
//!
//! `/proc/PID/environ` will not do: many a server writes its title over it, and a root without `CAP_SYS_PTRACE` may not
//! read that of another user. The file is as secret as PID 1's own memory: who may open `/proc/1/fd` may read both.
//!
//! Until it is written, the file has the name of the step that is being done, for PID 1 to say if that is where the child
//! ends. A file wakes nobody, and a step may be done before PID 1 would be awake.
//!
//! Text fields that end with NUL, since none of the values can have one: `onset 1`; uid, gid, groups, umask; the working
//! directory; the number of variables and the variables; the number of values that no message may show, and these; then
//! each stop command: its times, the number of its words and the words.
#![forbid(unsafe_code)]

use crate::plan::model::Identity;
use crate::sys::{fd, file};
use nix::errno::Errno;
use std::ffi::{CString, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the file is called: `/memfd:onset-application` is where its link in `/proc/PID/fd` points.
const NAME: &std::ffi::CStr = c"onset-application";
/// The first field, with the version of all others.
const MAGIC: &[u8] = b"onset 1";
/// What a step's name has before it, with its length in two bytes.
const STEP: &[u8] = b"step";
/// The longest name of a step, in bytes; a report shows no more of it.
const LONGEST_NAME: usize = 2048;
/// The largest file that is read, in bytes: an environment has 6 MiB at most (execve(2)), and the stop commands share it.
const LARGEST: u64 = 16 << 20;

/// The application, as it was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whom it runs as.
    pub identity: Identity,
    /// Its umask.
    pub umask: u32,
    /// Its working directory.
    pub workdir: PathBuf,
    /// Its environment: `NAME=value`, and whatever else it was given.
    pub environ: Environ,
    /// What messages about the stop commands may not show, longest first.
    pub secrets: Environ,
    /// What is to be run when it is asked to stop.
    pub stop_commands: Vec<StopCommand>,
}

/// An environment, which nobody prints: there are secrets in it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environ(pub Vec<Vec<u8>>);

impl std::fmt::Debug for Environ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Environ({} entries)", self.0.len())
    }
}

impl Environ {
    /// The value of a variable: of the first entry, as getenv(3) finds it.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
    }
}

/// As execve(2) takes them; one with a NUL in it, which cannot be, is left out.
pub fn c_strings(words: &[Vec<u8>]) -> Vec<CString> {
    words.iter().filter_map(|word| CString::new(&word[..]).ok()).collect()
}

/// A program to run when the application is asked to stop.
#[derive(Clone, PartialEq, Eq)]
pub struct StopCommand {
    /// Its arguments, itself first. At least one.
    pub argv: Vec<Vec<u8>>,
    /// How long it may take.
    pub timeout: Duration,
    /// How long it then has to end.
    pub grace: Duration,
}

impl std::fmt::Debug for StopCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let StopCommand { argv, timeout, grace } = self;
        write!(f, "StopCommand({} words for {timeout:?} and {grace:?})", argv.len())
    }
}

/// An empty file.
///
/// # Errors
/// As [`fd::in_memory`].
pub fn create() -> nix::Result<OwnedFd> {
    fd::in_memory(NAME)
}

/// Whether that is where a link in `/proc/PID/fd` points that is such a file.
pub fn is_link_to_one(link: &Path) -> bool {
    let name = [b"/memfd:", NAME.to_bytes()].concat();
    link.as_os_str().as_bytes().starts_with(&name)
}

/// Writes it, for good: then nobody can change it any more, nor can the application where it has the user of PID 1.
///
/// # Errors
/// No memory left, or it is more than a file may have (`RLIMIT_FSIZE`). Then it is empty.
pub fn write(file: &OwnedFd, record: &Record) -> nix::Result<()> {
    let bytes = record.to_bytes();
    let written = file::write(file, &bytes);
    // What a step's name may have left behind it, or a half.
    let length = written.map_or(0, |()| i64::try_from(bytes.len()).unwrap_or(i64::MAX));
    let _stays_as_it_is: nix::Result<()> = file::truncate(file, length);
    fd::seal(file);
    written
}

/// Notes the step that is being done, until the record is written. What cannot be noted is not.
pub fn note_step(file: &OwnedFd, name: &str) {
    let name = &name.as_bytes()[..name.len().min(LONGEST_NAME)];
    let length = u16::try_from(name.len()).unwrap_or(0).to_le_bytes();
    let _: nix::Result<usize> = file::write_at_start(file, &[STEP, &length, name].concat());
}

/// The step that the child was at which has ended; `None`: none is known.
pub fn step(file: &OwnedFd) -> Option<String> {
    let mut bytes = vec![0; STEP.len() + 2 + LONGEST_NAME];
    // Its position is nobody's any more.
    file::rewind(file).ok()?;
    file::read(file, &mut bytes).ok()?;
    let (length, name) = bytes.strip_prefix(STEP)?.split_first_chunk()?;
    Some(String::from_utf8_lossy(name.get(..u16::from_le_bytes(*length).into())?).into_owned())
}

/// Reads it, from its beginning; `None`: it is not written yet, or is no such file.
///
/// # Errors
/// What the system says.
pub fn read(file: &OwnedFd) -> nix::Result<Option<Box<Record>>> {
    let file = File::from(file.try_clone().map_err(|error| errno(&error))?);
    let mut bytes = Vec::new();
    // Not by its own position, which others share.
    let mut at = 0;
    let mut chunk = vec![0; 1 << 16];
    loop {
        use std::os::unix::fs::FileExt;
        match file.read_at(&mut chunk, at) {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(errno(&error)),
        }
        at = bytes.len() as u64;
        if at > LARGEST {
            return Ok(None);
        }
    }
    Ok(Record::from_bytes(&bytes))
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))
}

impl Record {
    fn to_bytes(&self) -> Vec<u8> {
        let Record { identity: Identity { uid, gid, groups }, umask, workdir, environ, secrets, stop_commands } = self;
        let mut bytes = Vec::new();
        let mut put = |field: &[u8]| {
            bytes.extend_from_slice(field);
            bytes.push(0);
        };
        put(MAGIC);
        let groups: Vec<String> = groups.iter().map(u32::to_string).collect();
        for text in [uid.to_string(), gid.to_string(), groups.join(","), umask.to_string()] {
            put(text.as_bytes());
        }
        put(workdir.as_os_str().as_bytes());
        for Environ(all) in [environ, secrets] {
            put(all.len().to_string().as_bytes());
            all.iter().for_each(|one| put(one));
        }
        for StopCommand { argv, timeout, grace } in stop_commands {
            for number in [timeout.as_millis(), grace.as_millis(), argv.len() as u128] {
                put(number.to_string().as_bytes());
            }
            argv.iter().for_each(|word| put(word));
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Box<Self>> {
        let mut fields = bytes.strip_suffix(&[0])?.split(|&byte| byte == 0);
        if fields.next()? != MAGIC {
            return None;
        }
        let (uid, gid) = (number(fields.next()?)?, number(fields.next()?)?);
        let (mut groups, text) = (Vec::new(), fields.next()?);
        for group in text.split(|&byte| byte == b',').filter(|_| !text.is_empty()) {
            groups.push(number(group)?);
        }
        let umask = number(fields.next()?)?;
        let workdir = PathBuf::from(OsString::from_vec(fields.next()?.to_vec()));
        let (environ, secrets) = (Environ(list(&mut fields)?), Environ(list(&mut fields)?));
        let mut stop_commands = Vec::new();
        while let Some(timeout) = fields.next() {
            let (timeout, grace) = (number(timeout)?, number(fields.next()?)?);
            let (timeout, grace) = (Duration::from_millis(timeout), Duration::from_millis(grace));
            let argv = list(&mut fields).filter(|argv| !argv.is_empty())?;
            stop_commands.push(StopCommand { argv, timeout, grace });
        }
        let identity = Identity { uid, gid, groups };
        Some(Box::new(Record { identity, umask, workdir, environ, secrets, stop_commands }))
    }
}

/// As many fields as the first of them says.
fn list(fields: &mut dyn Iterator<Item = &[u8]>) -> Option<Vec<Vec<u8>>> {
    let count: usize = number(fields.next()?)?;
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(fields.next()?.to_vec());
    }
    Some(all)
}

fn number<T: TryFrom<u64>>(text: &[u8]) -> Option<T> {
    T::try_from(std::str::from_utf8(text).ok()?.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(1..=255_u8, 0..20), 0..9)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            ids in any::<(u32, u32)>(),
            groups in prop::collection::vec(any::<u32>(), 0..5),
            umask in 0..0o1000_u32,
            environ in words(),
            secrets in words(),
            workdir in "/[a-z]{0,9}",
            commands in prop::collection::vec((words(), any::<u32>(), any::<u32>()), 0..4),
        ) {
            let millis = |time: u32| Duration::from_millis(time.into());
            let stop_commands = commands
                .into_iter()
                .filter(|(argv, ..)| !argv.is_empty())
                .map(|(argv, timeout, grace)| StopCommand { argv, timeout: millis(timeout), grace: millis(grace) })
                .collect();
            let identity = Identity { uid: ids.0, gid: ids.1, groups };
            let (environ, secrets) = (Environ(environ), Environ(secrets));
            let record = Record { identity, umask, workdir: workdir.into(), environ, secrets, stop_commands };
            let file = create().expect("a file in memory");
            prop_assert_eq!(read(&file), Ok(None));
            write(&file, &record).expect("memory");
            prop_assert_eq!(read(&file), Ok(Some(Box::new(record.clone()))));
            prop_assert_eq!(read(&file), Ok(Some(Box::new(record))), "as often as you like");
            prop_assert_eq!(nix::unistd::write(&file, b"x"), Err(Errno::EPERM), "by nobody");
            prop_assert_eq!(file::truncate(&file, 0), Err(Errno::EPERM), "by nobody");
        }

        #[test]
        fn whatever_is_in_the_file_it_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Record::from_bytes(&bytes);
            let _ = Record::from_bytes(&[b"onset 1\0", &bytes[..]].concat());
        }
    }

    #[test]
    fn a_half_of_it_is_none() {
        let whole = b"onset 1\x000\x000\x00\x0018\0/\x001\0A=b\x000\x001000\x000\x002\0x\0y\0";
        let record = Record::from_bytes(whole).expect("a record");
        assert_eq!(record.environ.get("A"), Some(&b"b"[..]));
        assert_eq!(record.stop_commands[0].argv, [b"x", b"y"]);
        let read = (0..whole.len()).filter(|&length| Record::from_bytes(&whole[..length]).is_some()).count();
        assert_eq!(read, 1, "without the command alone it is whole");
        assert_eq!(format!("{:?}", record.environ), "Environ(1 entries)");
    }

    #[test]
    fn until_then_it_has_the_step_that_is_being_done() {
        let file = create().expect("a file in memory");
        assert_eq!(step(&file), None);
        // As PID 1 asks, when nobody writes any more.
        let step = |file: &OwnedFd| {
            let step = super::step(file);
            file::rewind(file).expect("a position");
            step
        };
        for name in ["`migrate`", &"x".repeat(LONGEST_NAME), "3 (run)", "`a\0b`"] {
            note_step(&file, name);
            assert_eq!(step(&file).as_deref(), Some(name));
            assert_eq!(read(&file), Ok(None));
        }
        note_step(&file, &"x".repeat(5000));
        assert_eq!(step(&file), Some("x".repeat(LONGEST_NAME)));
        let record = Record::from_bytes(b"onset 1\x000\x000\x00\x0018\0/\x000\x000\0").expect("a record");
        write(&file, &record).expect("memory");
        assert_eq!((step(&file), read(&file)), (None, Ok(Some(record))));
    }

    #[test]
    fn its_link_is_known() {
        let file = create().expect("a file in memory");
        let link = std::fs::read_link(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file))).unwrap();
        assert!(is_link_to_one(&link), "{link:?}");
        assert!(!is_link_to_one(Path::new("/memfd:other")));
    }
}
