//! The harness: starts onset (or any program) as the kernel would start it in a container, and watches it.
//!
//! ```ignore
//! both_modes!(term_is_forwarded, |mode| {
//!     let init = Init::new(mode).options(["--log-level", "debug"]).probe(["signals"]).start();
//!     init.wait_for_ready();                                // the probe printed "ready"
//!     init.kill(libc::SIGTERM);
//!     assert_eq!(init.wait_for_event("signal_forwarded")["signal"], "SIGTERM");
//!     assert_eq!(init.wait().code(), Some(0));
//! });
//! ```
//!
//! * [`Init`] is the builder, [`Running`] what it starts; both speak of the process as *we* see it, with host pids.
//! * [`both_modes!`] makes two tests of one promise, `name::as_pid1` and `name::as_sub_reaper`.
//! * Nothing here sleeps for a while: every wait is for an event, [`until`] polls where the kernel has none, and each
//!   wait gives up after [`LIMIT`], showing all that was seen.
//! * Only `Init::start` may fork, and files that will be executed are written by [`files::write_executable`]: a child forked by
//!   another test would else hold the file open for writing, and execve(2) would say "text file busy".
//!   A test that needs another program (strace, bash) starts it with `Init::bare`.
//! * Names, in `/proc` too, are host pids; see [`proc`].

pub mod fake;
pub mod files;
pub mod init;
pub mod lines;
pub mod mode;
mod network;
pub mod proc;
pub mod ptrace;
pub mod pty;
pub mod release;
pub mod root;
pub mod running;
mod spawn;
pub mod sys;

pub use fake::{Fake, Standing};
pub use files::Folder;
pub use init::{Init, Stdio, probe};
pub use lines::{Lines, Stream};
pub use mode::{Mode, run, skip};
pub use running::{Finished, Running};

use std::time::{Duration, Instant};

/// How long any wait may take before the test fails; generous, because it is only ever reached by a failure.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Two tests for one promise: as PID 1 of a fresh PID namespace, and as a child sub-reaper.
#[macro_export]
macro_rules! both_modes {
    ($name:ident, $check:expr) => {
        mod $name {
            #[allow(unused_imports, reason = "not every promise needs all of its file")]
            use super::*;

            #[test]
            fn as_pid1() {
                $crate::support::run($crate::support::Mode::Pid1, $check);
            }

            #[test]
            fn as_sub_reaper() {
                $crate::support::run($crate::support::Mode::SubReaper, $check);
            }
        }
    };
}

/// Polls `/proc` and the like, where the kernel gives no event, until `look` finds something.
///
/// # Panics
/// After [`LIMIT`], naming `what` was waited for.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {LIMIT:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
