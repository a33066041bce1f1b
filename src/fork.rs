//! One process becomes two: PID 1, and the child that becomes the main process. For onset and for every face of it.
#![forbid(unsafe_code)]

use crate::exit;
use crate::handoff::{self, Receiver, Sender, StartFailure};
use crate::report::Event;
use crate::sys::fd::close_inherited;
use crate::sys::memory;
use crate::sys::process::{self, Side};
use crate::sys::signal::{Intake, SignalSet};
use crate::sys::terminal::Terminal;
use nix::unistd::Pid;
use std::os::fd::OwnedFd;

/// What PID 1 has right after the fork.
pub struct Born {
    /// The child.
    pub main: Pid,
    /// Every signal of PID 1.
    pub intake: Intake,
    /// How far the child has come.
    pub progress: Receiver,
}

/// Forks. `become_main` is the child's part, and returns only if it fails; in what comes before nothing but this can fail.
///
/// # Errors
/// Before the fork: what cannot be made.
pub fn fork(become_main: &dyn Fn(&Sender) -> Box<StartFailure>) -> Result<Born, Box<StartFailure>> {
    let (sender, progress) = handoff::channel().map_err(StartFailure::cannot("make a pipe"))?;
    let intake = supervising()?;
    match process::fork().map_err(StartFailure::cannot("make a process"))? {
        Side::Parent { child } => Ok(Born { main: child, intake, progress }),
        Side::Child => {
            drop(progress);
            memory::bring_in();
            let sender: &Sender = Box::leak(Box::new(sender));
            tell_panics_to(sender);
            be_child(become_main, sender)
        }
    }
}

/// The same for a child that has nothing to prepare: it borrows our memory for the few system calls that it makes, and we
/// wait for its execve. What comes in meanwhile waits too, and finds the application.
///
/// # Errors
/// As above.
pub fn fork_to_execute(become_main: &dyn Fn(&Sender) -> Box<StartFailure>) -> Result<Born, Box<StartFailure>> {
    let (sender, progress) = handoff::channel().map_err(StartFailure::cannot("make a pipe"))?;
    let intake = supervising()?;
    let main =
        process::fork_borrowing(&|| be_child(become_main, &sender)).map_err(StartFailure::cannot("make a process"))?;
    Ok(Born { main, intake, progress })
}

/// The child's part, to its end.
fn be_child(become_main: &dyn Fn(&Sender) -> Box<StartFailure>, sender: &Sender) -> ! {
    let failure = become_main(sender);
    sender.failed(&failure);
    process::exit_now(failure.status)
}

/// Makes this process one that hears every signal, and that orphans come to.
///
/// # Errors
/// What cannot be made.
pub fn supervising() -> Result<Intake, Box<StartFailure>> {
    let intake = Intake::open(SignalSet::ALL).map_err(StartFailure::cannot("open a signalfd"))?;
    let us = Pid::this();
    let sub_reaper = us != Pid::from_raw(1);
    if sub_reaper {
        process::set_sub_reaper(true).map_err(StartFailure::cannot("become a child sub-reaper"))?;
    }
    Event::Supervising { pid: us, sub_reaper }.emit();
    Ok(intake)
}

impl Born {
    /// Keeps nothing that is the application's: neither its folder nor its descriptors, but for stderr. From here on
    /// nothing may fail: there is an application.
    pub fn leave_the_rest(&self, record: Option<&OwnedFd>) {
        leave([Some(self.intake.descriptor()), Some(self.progress.descriptor()), record]);
    }
}

/// Has `/` for the working directory, and no descriptors but these and stderr.
pub fn leave(keep: [Option<&OwnedFd>; 3]) {
    let _: nix::Result<()> = nix::unistd::chdir("/");
    close_inherited(keep);
}

/// Puts this new process into a group of its own, and into the terminal's foreground if onset's group was there: in the
/// background it must not take the terminal away from whoever has it.
pub fn lead_own_group(our_group: Pid) {
    let this = Pid::this();
    process::lead_own_group(this);
    let Some(terminal) = Terminal::controlling() else { return };
    if terminal.foreground() == Some(our_group)
        && let Err(error) = terminal.set_foreground(this)
    {
        Event::TerminalNotHandedOver { error }.emit();
    }
}

/// In the child: PID 1 says it.
fn tell_panics_to(sender: &'static Sender) {
    explain_panics(|cause| sender.failed(&StartFailure::new(exit::REFUSED, cause)));
}

/// Makes a panic, which only a mistake of ours can cause, end this process with an explanation: where it was, and its
/// message if that is a constant one. One that was made then may have values in it, and so secrets.
pub fn explain_panics(tell: impl Fn(String) + Send + Sync + 'static) {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or_else(|| "somewhere".to_owned(), ToString::to_string);
        let message = panic.payload().downcast_ref::<&'static str>().map_or(String::new(), |text| format!(": {text}"));
        tell(format!("internal error, please report it: panicked at {place}{message}"));
        process::exit_now(exit::REFUSED);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::Progress;
    use crate::prepare::child::alone;
    use nix::sys::wait::{WaitStatus, waitpid};

    /// What PID 1 hears of a child that does this.
    fn heard(body: impl FnOnce()) -> String {
        let (sender, receiver) = handoff::channel().unwrap();
        let child = match process::fork().unwrap() {
            Side::Parent { child } => child,
            Side::Child => {
                tell_panics_to(Box::leak(Box::new(sender)));
                body();
                process::exit_now(0)
            }
        };
        assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, i32::from(exit::REFUSED))));
        match receiver.receive() {
            Progress::Failed(failure) if failure.status == exit::REFUSED => failure.cause,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_panic_of_the_child_is_told_with_its_place_and_without_values() {
        alone("fork::tests::a_panic_of_the_child_is_told_with_its_place_and_without_values", panics_are_told);
    }

    fn panics_are_told() {
        let start = "internal error, please report it: panicked at src/fork.rs:";
        let constant = heard(|| panic!("never so"));
        assert!(constant.starts_with(start) && constant.ends_with(": never so"), "{constant}");
        let secret = "hunter2".to_owned();
        for body in [
            &(|| assert!(secret.is_empty(), "{secret}")) as &dyn Fn(),
            &|| assert_eq!(secret[3..].parse::<u8>().map_err(|_| &secret).expect("a number"), 1),
            &|| drop(secret[std::hint::black_box(99)..].to_owned()),
        ] {
            let cause = heard(body);
            assert!(cause.starts_with("internal error, please report it: panicked at "), "{cause}");
            assert!(!cause.contains("hunter2") && !cause.contains("ter2"), "{cause}");
        }
    }
}
