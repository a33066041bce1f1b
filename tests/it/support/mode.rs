//! As what onset runs, and whether this machine lets us.

use std::io::Write as _;
use std::sync::OnceLock;

use super::{spawn, sys};

/// As what onset runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// PID 1 of a fresh PID namespace, with its own `/proc`. Without root, in a fresh user namespace too.
    Pid1,
    /// A plain child of the test, which has to make itself a child sub-reaper.
    SubReaper,
}

/// Runs `check`, or says loudly that this machine does not allow it.
pub fn run(mode: Mode, check: impl FnOnce(Mode)) {
    if mode == Mode::SubReaper || has_namespaces_or_skip() {
        check(mode);
    }
}

/// Whether PID and mount namespaces can be made here; if not, the caller's test is skipped. For tests that use
/// [`super::Init::own_mounts`] in `Mode::SubReaper`; [`run`] asks for the others.
pub fn has_namespaces_or_skip() -> bool {
    static NAMESPACES: OnceLock<Result<(), String>> = OnceLock::new();
    match NAMESPACES.get_or_init(spawn::try_namespaces) {
        Ok(()) => true,
        Err(reason) => {
            skip(&format!("no fresh PID namespace: {reason}"));
            false
        }
    }
}

/// Says past libtest's capture that this test was not done. Where `CI=true` that is a failure.
///
/// The caller returns right after: `return skip("...")`.
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("a test").to_owned();
    // io::stderr is not captured, unlike eprintln!. A test must not fail because nobody listens.
    let _ = writeln!(std::io::stderr(), "\nSKIPPED {name}: {reason}\n");
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "skipped although CI=true: {reason}");
}

/// Whether we are root; if not, the caller's test is skipped: `if !is_root_or_skip() { return; }`.
pub fn is_root_or_skip() -> bool {
    let root = sys::effective_uid() == 0;
    if !root {
        skip("needs root");
    }
    root
}
