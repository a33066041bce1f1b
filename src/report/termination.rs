//! The last word, for whoever looks at the container afterwards: Kubernetes shows it with the container's state
//! (`kubectl describe pod`), out of a file that it mounts for that.
//!
//! What is in the file already stays as it is: the application, or a program of a step, has said for itself what there is
//! to say, and some do it in a form that is read by machines. Plain text, no more than Kubernetes shows, in which nothing
//! is for a terminal to obey. Like a report it never waits, never fails its caller and allocates nothing.
#![forbid(unsafe_code)]

use super::{OomKilled, OomKills};
use crate::exit;
use crate::sys::file::{self, WORKING_DIRECTORY};
use crate::sys::look::access;
use crate::sys::signal::Signal;
use crate::sys::wait::{Usage, WaitStatus};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::SFlag;
use nix::unistd::AccessFlags;
use std::fmt::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

/// Where Kubernetes mounts the file unless `terminationMessagePath` says otherwise.
pub const USUAL: &str = "/dev/termination-log";
/// The most that Kubernetes shows, in bytes.
const LONGEST: usize = 4096;
/// Of a file that onset makes.
const MODE: u32 = 0o644;

/// What is said.
#[derive(Debug, Clone, Copy)]
pub enum Message<'a> {
    /// The application was not started.
    NotStarted {
        /// What onset ends with.
        status: u8,
        /// The cause in the first line; each problem of a configuration that has several in a line of its own. Without
        /// secrets.
        cause: &'a str,
    },
    /// The main process ended.
    MainEnded {
        /// How.
        status: WaitStatus,
        /// What onset ends with.
        exit: u8,
        /// Since it was started.
        uptime: Duration,
        /// What was to end it; `None`: it ended by itself.
        stopped: Option<Stopped>,
        /// What it used.
        usage: Usage,
        /// Who was killed because memory ran out.
        oom: Option<OomKills>,
    },
}

/// How a main process was asked to end.
#[derive(Debug, Clone, Copy)]
pub struct Stopped {
    /// By which signal.
    pub by: Signal,
    /// Whether it did in its time: else onset has killed it.
    pub in_time: bool,
}

/// Writes it to this file, an absolute path: PID 1 is in `/`. One that is not there is made, in a folder that is; but not
/// [`USUAL`], which only those make who read it. An empty path is nowhere.
pub fn tell(path: &Path, message: &Message<'_>) {
    if path.as_os_str().is_empty() {
        return;
    }
    let Ok(file) = open(path) else { return };
    if length(&file) == Some(0) {
        let _: nix::Result<()> = file::write(&file, Text::of(message).as_bytes());
    }
}

/// Empties the file of what a run before this one has said there; for a start that has the path from its configuration.
/// [`USUAL`] stays as it is: Kubernetes makes a file for each run.
///
/// # Errors
/// Why nothing will be written there, as far as that can be told now.
pub fn forget(path: &Path) -> nix::Result<()> {
    if path.as_os_str().is_empty() || path == Path::new(USUAL) {
        return Ok(());
    }
    match open_present(path) {
        Ok(file) => match length(&file) {
            Some(0) => Ok(()),
            Some(_) => file::truncate(&file, 0),
            None => Err(Errno::EINVAL),
        },
        Err(Errno::ENOENT) => access(path.parent().unwrap_or(Path::new("/")), AccessFlags::W_OK),
        Err(error) => Err(error),
    }
}

fn open(path: &Path) -> nix::Result<OwnedFd> {
    match open_present(path) {
        Err(Errno::ENOENT) if path != Path::new(USUAL) => {
            let new = file::open(&WORKING_DIRECTORY, path, FLAGS | OFlag::O_CREAT | OFlag::O_EXCL, MODE)?;
            // Those who are to read it are others than those the umask is about.
            file::change_mode(&new, MODE)?;
            Ok(new)
        }
        result => result,
    }
}

/// No symbolic link: PID 1 may be root where the application is not, and must not write where the application points.
/// Without `O_TRUNC`, because what it is shows only when it is open.
const FLAGS: OFlag = OFlag::O_WRONLY.union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY).union(OFlag::O_NOFOLLOW);

fn open_present(path: &Path) -> nix::Result<OwnedFd> {
    file::open(&WORKING_DIRECTORY, path, FLAGS, 0)
}

/// How much is in it; `None`: it is no regular file, or has another name as well, which is as bad as a link.
fn length(file: &OwnedFd) -> Option<i64> {
    let stat = file::stat(file).ok()?;
    let kind = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
    (kind == SFlag::S_IFREG && stat.st_nlink == 1).then_some(stat.st_size)
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Message::NotStarted { status, cause } => {
                write!(f, "onset: the application was not started (exit status {status}): {}", cause.trim_end())
            }
            Message::MainEnded { status, exit, uptime, stopped, usage, oom } => {
                let (of_main, of_others) = match oom.map(|oom| oom.whom) {
                    Some(whom @ OomKilled::Main) => (whom.clause(), ""),
                    Some(whom @ (OomKilled::Other | OomKilled::Unknown)) => ("", whom.clause()),
                    None => ("", ""),
                };
                write!(f, "main process {status}{of_main}{} after {}", Exit { status, exit }, Span(uptime))?;
                if let Some(Stopped { by, in_time }) = stopped {
                    let late = if in_time { "" } else { ", and killed when its time was over" };
                    write!(f, ", stopped by {by}{late}")?;
                }
                f.write_str(of_others)?;
                match usage.max_rss_kib {
                    // Where the kernel does not count it.
                    0 => Ok(()),
                    peak => write!(f, "; peak memory {}", Size(peak)),
                }
            }
        }
    }
}

/// What onset ends with, where how the main process ended does not say it.
struct Exit {
    status: WaitStatus,
    exit: u8,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Exit { status, exit } = *self;
        match status {
            WaitStatus::Exited(code) if code == exit => Ok(()),
            WaitStatus::Killed { signal, .. } if exit::killed_by(signal) == exit => write!(f, " (exit status {exit})"),
            WaitStatus::Exited(_) | WaitStatus::Killed { .. } | WaitStatus::Stopped(_) => {
                write!(f, " (onset's exit status {exit})")
            }
        }
    }
}

/// A time in at most two units, rounded down.
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        let (seconds, millis) = (self.0.as_secs(), self.0.subsec_millis());
        match seconds {
            0 => write!(f, "{millis}ms"),
            1..MINUTE => write!(f, "{seconds}.{}s", millis / 100),
            MINUTE..HOUR => write!(f, "{}m {}s", seconds / MINUTE, seconds % MINUTE),
            HOUR..DAY => write!(f, "{}h {}m", seconds / HOUR, seconds % HOUR / MINUTE),
            DAY.. => write!(f, "{}d {}h", seconds / DAY, seconds % DAY / HOUR),
        }
    }
}

/// A size in KiB, rounded to the nearest.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MIB: u64 = 1024;
        const GIB: u64 = 1024 * MIB;
        match self.0 {
            kib @ ..MIB => write!(f, "{kib} KiB"),
            kib @ MIB..GIB => write!(f, "{} MiB", (kib + MIB / 2) / MIB),
            kib @ GIB.. => {
                let tenths = kib / GIB * 10 + (kib % GIB * 10 + GIB / 2) / GIB;
                write!(f, "{}.{} GiB", tenths / 10, tenths % 10)
            }
        }
    }
}

/// A text of limited length, without control characters but newlines; if there is more, it ends with `…`.
struct Text {
    bytes: [u8; LONGEST],
    length: usize,
    /// How much of it stays if it has to be cut.
    fits: usize,
}

const CUT: &str = "…";

impl Text {
    fn of(message: &Message<'_>) -> Self {
        let mut text = Text { bytes: [0; LONGEST], length: 0, fits: 0 };
        if write!(text, "{message}").is_err() {
            text.length = text.fits;
            text.append(CUT);
        }
        text
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Whether there was room for it.
    fn append(&mut self, part: &str) -> bool {
        let end = self.length + part.len();
        let Some(room) = self.bytes.get_mut(self.length..end) else { return false };
        room.copy_from_slice(part.as_bytes());
        self.length = end;
        true
    }

    /// As [`Text::append`], and then it can be cut behind it.
    fn push(&mut self, character: char) -> bool {
        let whole = if character.is_control() && character != '\n' {
            // As reports write it: a terminal must not obey what is quoted here.
            character.escape_debug().all(|part| self.append(part.encode_utf8(&mut [0; 4])))
        } else {
            self.append(character.encode_utf8(&mut [0; 4]))
        };
        if self.length <= LONGEST - CUT.len() {
            self.fits = self.length;
        }
        whole
    }
}

impl fmt::Write for Text {
    /// An error if it has to be cut.
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if part.chars().all(|character| self.push(character)) { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prepare::child::{in_child, is_root_or_skip};
    use crate::sys::testing::{as_user, with_umask};
    use nix::sys::stat::Mode;
    use proptest::prelude::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    fn text(message: &Message<'_>) -> String {
        String::from_utf8(Text::of(message).as_bytes().to_vec()).expect("UTF-8")
    }

    fn signal(number: i32) -> Signal {
        Signal::new(number).unwrap()
    }

    fn exited(code: u8) -> WaitStatus {
        WaitStatus::Exited(code)
    }

    fn killed(number: i32) -> WaitStatus {
        WaitStatus::Killed { signal: signal(number), core_dumped: false }
    }

    fn ended(status: WaitStatus, exit: u8, uptime: f64) -> String {
        ended_so(status, exit, uptime, None, None)
    }

    fn ended_so(
        status: WaitStatus,
        exit: u8,
        uptime: f64,
        stopped_by: Option<Signal>,
        whom: Option<OomKilled>,
    ) -> String {
        let usage = Usage { max_rss_kib: 61 * 1024 + 100, ..Usage::default() };
        let oom = whom.map(|whom| OomKills { count: 1, whom });
        let uptime = Duration::from_secs_f64(uptime);
        // Where SIGKILL ended it although there was a stop signal, it was ours.
        let in_time = !matches!(status, WaitStatus::Killed { signal: Signal::KILL, .. });
        let stopped = stopped_by.map(|by| Stopped { by, in_time });
        text(&Message::MainEnded { status, exit, uptime, stopped, usage, oom })
    }

    fn not_started(cause: &str) -> String {
        text(&Message::NotStarted { status: 125, cause })
    }

    #[test]
    fn a_start_that_failed_says_why() {
        assert_eq!(
            not_started("step db: nobody answers on db:5432"),
            "onset: the application was not started (exit status 125): step db: nobody answers on db:5432"
        );
        assert_eq!(
            not_started(
                "the configuration has 2 problems\n/etc/onset/onset.toml:7:9: unknown key `prot`\n\
                 /etc/onset/onset.toml:9:1: DB_PASSWORD is not set\n"
            ),
            "onset: the application was not started (exit status 125): the configuration has 2 problems\n\
             /etc/onset/onset.toml:7:9: unknown key `prot`\n/etc/onset/onset.toml:9:1: DB_PASSWORD is not set"
        );
    }

    #[test]
    fn an_end_says_how_when_and_with_what() {
        assert_eq!(ended(exited(3), 3, 302.9), "main process exited with status 3 after 5m 2s; peak memory 61 MiB");
        assert_eq!(
            ended_so(exited(0), 0, 302.0, Some(Signal::TERM), None),
            "main process exited with status 0 after 5m 2s, stopped by SIGTERM; peak memory 61 MiB"
        );
        assert_eq!(
            ended_so(killed(15), 143, 4000.0, Some(Signal::TERM), None),
            "main process was killed by signal SIGTERM (exit status 143) after 1h 6m, stopped by SIGTERM; \
             peak memory 61 MiB"
        );
        let dumped = WaitStatus::Killed { signal: signal(11), core_dumped: true };
        assert_eq!(
            ended(dumped, 139, 0.0121),
            "main process was killed by signal SIGSEGV and dumped core (exit status 139) after 12ms; \
             peak memory 61 MiB"
        );
    }

    #[test]
    fn an_exit_status_that_was_mapped_is_onsets_own() {
        assert_eq!(
            ended_so(exited(143), 0, 12.3, Some(Signal::TERM), None),
            "main process exited with status 143 (onset's exit status 0) after 12.3s, stopped by SIGTERM; \
             peak memory 61 MiB"
        );
        assert_eq!(
            ended(killed(34), 1, 12.3),
            "main process was killed by signal 34 (onset's exit status 1) after 12.3s; peak memory 61 MiB"
        );
    }

    #[test]
    fn memory_that_ran_out_is_told() {
        assert_eq!(
            ended_so(killed(9), 137, 12.39, None, Some(OomKilled::Main)),
            "main process was killed by signal SIGKILL because memory ran out (exit status 137) after 12.3s; \
             peak memory 61 MiB"
        );
        assert_eq!(
            ended_so(exited(1), 1, 12.3, None, Some(OomKilled::Other)),
            "main process exited with status 1 after 12.3s; memory ran out, and another process was killed; \
             peak memory 61 MiB"
        );
        assert_eq!(
            ended_so(killed(9), 137, 12.3, Some(Signal::TERM), Some(OomKilled::Unknown)),
            "main process was killed by signal SIGKILL (exit status 137) after 12.3s, stopped by SIGTERM, \
             and killed when its time was over; \
             memory ran out; peak memory 61 MiB"
        );
    }

    #[test]
    fn a_peak_that_nobody_counted_is_not_told() {
        let (uptime, usage) = (Duration::ZERO, Usage::default());
        let message = Message::MainEnded { status: exited(0), exit: 0, uptime, stopped: None, usage, oom: None };
        assert_eq!(text(&message), "main process exited with status 0 after 0ms");
    }

    #[test]
    fn times_and_sizes_are_for_people() {
        let span = |millis| Span(Duration::from_millis(millis)).to_string();
        let spans = [0, 999, 1000, 59_999, 60_000, 3_599_999, 3_600_000, 86_399_999, 86_400_000, 200_000_000];
        assert_eq!(
            spans.map(span),
            ["0ms", "999ms", "1.0s", "59.9s", "1m 0s", "59m 59s", "1h 0m", "23h 59m", "1d 0h", "2d 7h"]
        );
        assert_eq!(Span(Duration::MAX).to_string(), "213503982334601d 7h");
        let sizes = [1, 1023, 1024, 1536, 1024 * 1024 - 1, 1024 * 1024, 1_600_000];
        let size = |kib| Size(kib).to_string();
        assert_eq!(sizes.map(size), ["1 KiB", "1023 KiB", "1 MiB", "2 MiB", "1024 MiB", "1.0 GiB", "1.5 GiB"]);
        assert_eq!(size(u64::MAX), "17592186044416.0 GiB");
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        let shown = not_started("a\u{1b}[31m\u{9b}b\tc\r\u{7f}\0é\nnext");
        assert!(shown.ends_with("a\\u{1b}[31m\\u{9b}b\\tc\\r\\u{7f}\\0é\nnext"), "{shown}");
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        let room = LONGEST - not_started("").len() - 1;
        let whole = format!(" {}", "x".repeat(room));
        assert_eq!(not_started(&whole).len(), LONGEST);
        assert!(not_started(&whole).ends_with("xx"));
        for end in ["x", "é", "\u{1b}", "€uro"] {
            let cut = not_started(&format!("{whole}{end}"));
            assert!(cut.ends_with("xx…") && cut.len() == LONGEST, "{end:?}: {} bytes", cut.len());
        }
        let before = "x".repeat(room - 5);
        let cut = not_started(&format!(" {before}\u{1b}"));
        assert!(cut.ends_with("xx…") && cut.len() == LONGEST - 2, "an escape is cut as one");
    }

    proptest! {
        #[test]
        fn whatever_is_said_it_is_short_and_harmless(
            cause in prop_oneof![".{0,3000}", "[\\x00-\\x1f\u{80}-\u{9f}é€]{0,3000}", "\\PC{3900,4200}"],
            status in any::<u8>(),
        ) {
            let said = text(&Message::NotStarted { status, cause: &cause });
            prop_assert!(said.len() <= LONGEST, "{} bytes", said.len());
            prop_assert!(said.chars().all(|character| character == '\n' || !character.is_control()), "{said:?}");
            let plain = !cause.chars().any(char::is_control);
            let head = not_started("").len() + 1;
            if plain && head + cause.len() <= LONGEST {
                prop_assert!(said.ends_with(cause.trim_end()));
            } else if said.len() < LONGEST - 10 {
                prop_assert!(!said.ends_with(CUT) || cause.ends_with(CUT), "cut without need");
            }
        }
    }

    const ENDED: Message<'_> = Message::MainEnded {
        status: WaitStatus::Exited(0),
        exit: 0,
        uptime: Duration::from_secs(2),
        stopped: None,
        usage: Usage { user_cpu: Duration::ZERO, system_cpu: Duration::ZERO, max_rss_kib: 0 },
        oom: None,
    };
    const SAID: &str = "main process exited with status 0 after 2.0s";

    #[test]
    fn a_file_is_filled_or_made_for_all_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("message");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        tell(&path, &ENDED);
        assert_eq!(fs::read_to_string(&path).unwrap(), SAID);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o666);

        let new = folder.path().join("new");
        with_umask(0o077, || tell(&new, &ENDED));
        assert_eq!(fs::read_to_string(&new).unwrap(), SAID);
        assert_eq!(fs::metadata(&new).unwrap().mode() & 0o7777, 0o644);

        let nowhere = folder.path().join("none/message");
        tell(&nowhere, &ENDED);
        assert!(!nowhere.exists());
    }

    #[test]
    fn the_usual_file_is_never_made() {
        let before = Path::new(USUAL).exists();
        if !before {
            tell(Path::new(USUAL), &ENDED);
            assert!(!Path::new(USUAL).exists());
        }
    }

    #[test]
    fn what_others_have_said_stays_unless_it_is_of_another_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("message");
        fs::write(&path, "[{\"key\":\"digest\"}]").unwrap();
        tell(&path, &ENDED);
        assert_eq!(fs::read_to_string(&path).unwrap(), "[{\"key\":\"digest\"}]");

        assert_eq!(forget(&path), Ok(()));
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
        tell(&path, &Message::NotStarted { status: 124, cause: "first" });
        tell(&path, &ENDED);
        let said = "onset: the application was not started (exit status 124): first";
        assert_eq!(fs::read_to_string(&path).unwrap(), said);

        assert_eq!(forget(&folder.path().join("none")), Ok(()));
        assert_eq!(forget(&folder.path().join("no/none")), Err(Errno::ENOENT));
        assert!(!folder.path().join("none").exists());
    }

    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let [target, link, broken, second] =
            ["target", "link", "broken", "second"].map(|name| folder.path().join(name));
        fs::write(&target, "").unwrap();
        symlink(&target, &link).unwrap();
        symlink(folder.path().join("none"), &broken).unwrap();
        tell(&link, &ENDED);
        tell(&broken, &ENDED);
        assert_eq!(fs::read_to_string(&target).unwrap(), "");
        assert!(!folder.path().join("none").exists());

        fs::hard_link(&target, &second).unwrap();
        tell(&second, &ENDED);
        assert_eq!(fs::read_to_string(&target).unwrap(), "");
        fs::write(&target, "precious").unwrap();
        assert_eq!([&link, &second].map(|path| forget(path)), [Err(Errno::ELOOP), Err(Errno::EINVAL)]);
        assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    }

    #[test]
    fn what_is_no_file_does_not_stop_us() {
        let folder = tempfile::tempdir().unwrap();
        tell(folder.path(), &ENDED);
        assert_eq!(forget(folder.path()), Err(Errno::EISDIR));

        let fifo = folder.path().join("fifo");
        nix::unistd::mkfifo(&fifo, Mode::S_IRWXU).unwrap();
        tell(&fifo, &ENDED);
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK;
        let reader = file::open(&WORKING_DIRECTORY, &fifo, flags, 0).unwrap();
        tell(&fifo, &ENDED);
        assert_eq!(file::read(&reader, &mut [0; 8]), Ok(0), "nothing was written to it");

        for device in ["/dev/null", "/dev/full", "/dev/tty"] {
            tell(Path::new(device), &ENDED);
        }
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        tell(&folder.path().join("socket"), &ENDED);
        let long = folder.path().join("x".repeat(300));
        tell(&long, &ENDED);
        tell(Path::new("\0"), &ENDED);
        tell(Path::new(""), &ENDED);
    }

    #[test]
    fn what_may_not_be_written_stays() {
        if !is_root_or_skip("what_may_not_be_written_stays") {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let [path, new, open] = ["message", "new", "open"].map(|name| folder.path().join(name));
        fs::write(&path, "").unwrap();
        fs::write(&open, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o666)).unwrap();
        as_user(65532, 65532, || [&path, &new, &open].into_iter().for_each(|path| tell(path, &ENDED)));
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
        assert!(!new.exists());
        assert_eq!(fs::read_to_string(&open).unwrap(), SAID, "as Kubernetes makes it");
    }

    #[test]
    fn a_limit_of_file_sizes_leaves_no_signal_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("message");
        let left = in_child(|| {
            crate::sys::signal::set_mask(crate::sys::signal::SignalSet::ALL);
            nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_FSIZE, 8, 8).unwrap();
            tell(&path, &ENDED);
            let status = fs::read_to_string("/proc/thread-self/status").unwrap();
            status.lines().find(|line| line.starts_with("SigPnd:")).unwrap_or_default().to_owned()
        });
        assert_eq!(left, "SigPnd:\t0000000000000000");
        assert_eq!(fs::read_to_string(&path).unwrap(), SAID[..8]);
    }
}
