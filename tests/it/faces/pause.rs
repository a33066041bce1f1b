//! `catatonit -P`: no command, and whoever is orphaned is reaped.

use super::{Called, each};
use crate::support::{Mode, Running, proc, sys};
use crate::{both_modes, syscall};

fn wait_until_idle(init: &Running) {
    // The peer closes what it does not need last.
    init.until("the wait for signals", || {
        let fds = proc::fds(init.pid());
        let hears = fds.values().any(|target| target == "anon_inode:[signalfd]");
        (hears && proc::state(init.pid()) == Some('S')).then_some(())
    });
}

both_modes!(a_pause_ends_by_term_and_by_int_with_0, |mode| {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        for words in [&["-P"][..], &["-gP", "--", "/no/such"]] {
            each("catatonit", |called| {
                let init = called.init(mode).args(words).start();
                wait_until_idle(&init);
                for other in [libc::SIGHUP, libc::SIGUSR1, libc::SIGTSTP, libc::SIGWINCH, 40] {
                    init.kill(other);
                }
                init.kill(signal);
                let finished = init.finish();
                assert_eq!((finished.code(), finished.stderr().as_str(), finished.stdout().as_str()), (0, "", ""));
            });
        }
    }
});

both_modes!(a_pause_reaps, |mode| {
    let have_a_child = || match syscall!(SYS_clone, libc::SIGCHLD, 0, 0, 0, 0)? {
        0 => {
            // The harness waits until nobody has its pipe open.
            syscall!(SYS_close_range, 0, i32::MAX, 0)?;
            loop {
                // SAFETY: pause only waits.
                unsafe { libc::pause() };
            }
        }
        _ => Ok(()),
    };
    each("catatonit", |called| {
        let init = called.init(mode).hook(have_a_child).args(["-P"]).start();
        wait_until_idle(&init);
        let child = proc::children(init.pid())[0];
        sys::kill(child, libc::SIGKILL).expect("it lives");
        init.until("nobody left", || proc::children(init.pid()).is_empty().then_some(()));
        init.kill(libc::SIGTERM);
        let _status = init.wait();
    });
});

both_modes!(a_pause_keeps_nothing, |mode| {
    let called = Called::onset("podman-init");
    let (reader, writer) = sys::pipe();
    let init = called.init(mode).inherit(writer, 7).cwd("/usr").args(["-P"]).start();
    init.until("onset at rest", || proc::is_idle(init.pid()).then_some(()));
    drop(reader);
    assert_eq!(proc::fds(init.pid()).into_keys().filter(|&fd| fd != 2).count(), 1, "{:?}", proc::fds(init.pid()));
    assert_eq!(proc::cwd(init.pid()), Some("/".into()));
    if mode == Mode::SubReaper {
        init.kill(libc::SIGINT);
        assert_eq!(init.wait().code(), Some(0));
    }
});
