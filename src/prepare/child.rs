//! For tests: work in a forked child, which may change what it likes of itself.

use crate::sys::fd::pipe;
use crate::sys::process::{Side, exit_now, fork};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work` in a child, and reads what it writes to its descriptor until nobody can write there any more.
pub fn output_of(work: impl FnOnce(OwnedFd)) -> String {
    let (reader, writer) = pipe().expect("a pipe");
    let child = start(|| work(writer.try_clone().expect("a descriptor")));
    drop(writer);
    let mut output = String::new();
    File::from(reader).read_to_string(&mut output).expect("text");
    wait_for(child, &output);
    output
}

/// Runs `work` in a child and returns what it returned.
pub fn in_child(work: impl FnOnce() -> String) -> String {
    output_of(|output| File::from(output).write_all(work().as_bytes()).expect("a reader"))
}

/// As [`in_child`], in a user namespace with these maps (user_namespaces(7)), which takes a root outside.
pub fn with_id_maps(users: &str, groups: &str, work: impl FnOnce() -> String) -> String {
    let (ready, tell_ready) = pipe().expect("a pipe");
    let (mapped, tell_mapped) = pipe().expect("a pipe");
    let hear = |pipe: OwnedFd| {
        let mut message = [0; 4];
        File::from(pipe).read_exact(&mut message).expect("four bytes");
        i32::from_le_bytes(message)
    };
    let tell = |pipe: OwnedFd, message: i32| File::from(pipe).write_all(&message.to_le_bytes()).expect("a reader");
    let copy = |pipe: &OwnedFd| pipe.try_clone().expect("a descriptor");
    let mapper = start(|| {
        let pid = hear(copy(&ready));
        std::fs::write(format!("/proc/{pid}/uid_map"), users).expect("root may");
        std::fs::write(format!("/proc/{pid}/gid_map"), groups).expect("root may");
        tell(copy(&tell_mapped), 0);
    });
    let result = in_child(|| {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWUSER).expect("user namespaces");
        tell(tell_ready, nix::unistd::getpid().as_raw());
        hear(mapped);
        work()
    });
    wait_for(mapper, &result);
    result
}

/// Runs `work`, which is this test's, in a new process that has no other test: what those hold at a fork, the lock of the
/// panic hook among it, is never let go in the child.
#[allow(clippy::disallowed_methods, reason = "a test may ask where it runs")]
pub fn alone(test: &str, work: impl FnOnce()) {
    const ALONE: &str = "ONSET_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return work();
    }
    let this = std::env::current_exe().expect("a program");
    let run = std::process::Command::new(this).args(["--exact", test, "--nocapture"]).env(ALONE, "1").output();
    let output = run.expect("another process");
    let said = String::from_utf8_lossy(&output.stdout);
    let all = format!("{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{all}");
}

/// A panic ends the child: it must not come back as a second test run.
fn start(work: impl FnOnce()) -> Pid {
    match fork().expect("a child") {
        Side::Parent { child } => child,
        Side::Child => exit_now(u8::from(catch_unwind(AssertUnwindSafe(work)).is_err())),
    }
}

fn wait_for(child: Pid, output: &str) {
    assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)), "{output}");
}

/// Whether this is root, who may become anybody; else the test is skipped.
pub fn is_root_or_skip(test: &str) -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        skip(test, "needs root");
    }
    root
}

/// Says past libtest's capture that this test was not done. Where `CI=true` that is a failure.
#[allow(clippy::disallowed_methods, reason = "a test may ask where it runs")]
pub fn skip(test: &str, reason: &str) {
    // io::stderr is not captured, unlike eprintln!. A test must not fail because nobody listens.
    let _: std::io::Result<()> = writeln!(std::io::stderr(), "\nSKIPPED {test}: {reason}\n");
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "skipped although CI=true: {reason}");
}
