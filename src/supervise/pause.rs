//! PID 1 without a main process: it reaps, and ends when it is told to. What holds the namespaces of a pod together.

use crate::report::Event;
use crate::sys::memory;
use crate::sys::signal::{Intake, Signal};
use crate::sys::wait::{self, WaitStatus};

/// Until SIGTERM or SIGINT comes in.
pub fn pause(intake: &Intake) {
    memory::give_back();
    let mut told = false;
    while !told {
        // Before the first wait as well: whoever executed onset may have left children behind.
        while let Some(change) = wait::next_change() {
            if !matches!(change.status, WaitStatus::Stopped(_)) {
                Event::OrphanReaped { pid: change.pid, status: change.status }.emit();
            }
        }
        // The only error there is: a stop of our own interrupted the wait.
        let _: nix::Result<()> = intake.read(|received| told |= [Signal::TERM, Signal::INT].contains(&received.signal));
    }
}
