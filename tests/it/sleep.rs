//! `onset sleep`, for preStop hooks.

use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use crate::both_modes;
use crate::support::{Init, Mode, proc};

both_modes!(it_waits_as_long_as_it_is_told, |mode| {
    for (time, millis) in [("200ms", 200), ("0.2", 200), ("0", 0)] {
        let begin = Instant::now();
        let finished = Init::new(mode).args(["sleep", time]).start().finish();
        assert!(begin.elapsed() >= Duration::from_millis(millis), "{time}: {:?}", begin.elapsed());
        assert_eq!((finished.code(), finished.stdout(), finished.stderr()), (0, String::new(), String::new()));
    }
});

both_modes!(a_signal_ends_it_at_once, |mode| {
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGHUP] {
        let init = Init::new(mode).args(["sleep", "infinity"]).start();
        // It is not blocked any more, and as PID 1 it has a handler.
        init.until("that it listens", || {
            let bit = 1 << (signal - 1);
            let has = |field| proc::signal_set(init.pid(), field).is_some_and(|set| set & bit != 0);
            (!has("SigBlk") && (mode == Mode::SubReaper || has("SigCgt"))).then_some(())
        });
        init.kill(signal);
        match mode {
            Mode::Pid1 => assert_eq!(init.finish().code(), 128 + signal),
            Mode::SubReaper => assert_eq!(init.finish().status.signal(), Some(signal)),
        }
    }
});

both_modes!(what_is_no_time_is_refused, |mode| {
    let finished = Init::new(mode).args(["sleep", "soon"]).start().finish();
    let accepted = "accepted are a number of seconds, or a number with ms, s, m, h or d: 5, 0.5, 500ms, 2m, infinity";
    let expected = format!("onset: `soon` is not a time: {accepted}\nusage: onset sleep TIME\n");
    assert_eq!((finished.code(), finished.stderr()), (125, expected));
});
