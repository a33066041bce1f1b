//! From the start of the process to the two that go on: the arrow of the crate's documentation as code.
#![forbid(unsafe_code)]

use crate::cli::{self, Invocation, Refusal, Run, Topic};
use crate::exec;
use crate::exit;
use crate::handoff::{self, Sender, StartFailure};
use crate::init;
use crate::inspect;
use crate::policy::{Policy, Target};
use crate::prepare::{self, Job, load};
use crate::probe;
use crate::record;
use crate::report::{self, Because, Event, termination};
use crate::sleep;
use crate::supervise::{self, Main};
use crate::sys::clock;
use crate::sys::fd::close_inherited;
use crate::sys::process::{self, Side};
use crate::sys::signal::{self, Intake, SignalSet};
use crate::sys::start::Start;
use crate::sys::stderr;
use crate::sys::terminal::Terminal;
use nix::errno::Errno;
use nix::unistd::{Pid, getpgrp};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

/// The program. Ends the process; the return type is for C's `main`.
pub fn main(start: &Start) -> i32 {
    let started = clock::monotonic();
    let arguments = start.argv.skip(1).iter().map(|word| OsStr::from_bytes(word.to_bytes()).to_owned()).collect();
    let status = match cli::parse(arguments, |name| variable(start, name)) {
        Ok(Invocation::Run(run)) => launch(start, &run, started),
        Ok(Invocation::Help(topic)) => print(&cli::help(topic)),
        Ok(Invocation::Version) => print(concat!("onset ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Invocation::Check { config, env }) => tell(inspect::check(&config, env.then_some((start.argv, start.envp)))),
        Ok(Invocation::Plan { config, json, arguments }) => {
            tell(inspect::plan(&config, start.argv.skip(arguments), start.envp, json))
        }
        Ok(Invocation::Render { config, targets }) => {
            tell(inspect::render(&config, start.argv.skip(targets), start.envp))
        }
        Ok(Invocation::Probe(probe)) => probe::run(&probe, start.envp, start.inherited_mask),
        Ok(Invocation::Exec(exec)) => {
            let failure = exec::run(&exec, start);
            let _: nix::Result<()> = stderr::write_line(format!("onset: {}\n", failure.cause).as_bytes());
            failure.status
        }
        Ok(Invocation::Sleep(time)) => sleep::run(time, start.inherited_mask),
        Err(refusal) => refuse(&refusal),
    };
    process::exit_now(status)
}

/// Prints what was found out, or every problem.
fn tell(found: Result<String, Vec<String>>) -> u8 {
    match found {
        Ok(text) => print(&text),
        Err(problems) => {
            for problem in &problems {
                let _: nix::Result<()> = stderr::write_line(format!("onset: {problem}\n").as_bytes());
            }
            exit::REFUSED
        }
    }
}

/// The value of a variable: of the first entry, as getenv(3) finds it.
fn variable(start: &Start, name: &str) -> Option<OsString> {
    start.envp.iter().find_map(|entry| {
        let value = entry.to_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(OsStr::from_bytes(value).to_owned())
    })
}

/// Prints what was asked for. The system call itself, because std's stdout takes a closed one for a success.
fn print(text: &str) -> u8 {
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        match nix::unistd::write(std::io::stdout(), rest) {
            Ok(length) => rest = &rest[length..],
            Err(Errno::EINTR) => {}
            Err(error) => {
                let problem = format!("onset: cannot write to stdout: {}\n", Because(error));
                let _: nix::Result<()> = stderr::write_line(problem.as_bytes());
                return exit::REFUSED;
            }
        }
    }
    0
}

fn refuse(refusal: &Refusal) -> u8 {
    for problem in &refusal.problems {
        let _: nix::Result<()> = stderr::write_line(format!("onset: {problem}\n").as_bytes());
    }
    let _: nix::Result<()> = stderr::write_line(format!("{}\n", cli::usage(refusal.topic)).as_bytes());
    exit::REFUSED
}

fn launch(start: &Start, run: &Run, started: Duration) -> u8 {
    let argv = start.argv.skip(run.command);
    let config = load::find(&run.config);
    if argv.is_empty() && config.is_none() {
        return refuse(&Refusal {
            topic: Topic::Onset,
            problems: vec!["no command: say which program to start".to_owned()],
        });
    }
    report::start(run.log_format.unwrap_or_default(), run.log_level.unwrap_or_default());
    explain_panics(|cause| Event::InternalError { cause: &cause }.emit());
    let mut job = Job {
        argv,
        envp: start.envp,
        mask: start.inherited_mask,
        child_disposition: None,
        config,
        forward_to: if run.group { Target::Group } else { Target::Main },
        format: run.log_format,
        level: run.log_level,
        guest: Pid::this() != Pid::from_raw(1) && init::is_pid_1_here(),
        record: None,
    };
    if job.guest {
        let text = "PID 1 is an onset already: for a command beside its application there is `onset exec`";
        Event::Notice { text }.emit();
    }
    let failure = if run.exec {
        prepare::become_application(&job, None)
    } else {
        job.child_disposition = Some(signal::hear_children());
        match launch_supervised(&mut job, started) {
            Ok(status) => return status,
            Err(failure) => failure,
        }
    };
    let argv = report::command_line(argv.iter());
    Event::StartFailed { status: failure.status, cause: &failure.cause, argv: &argv, stopped: false }.emit();
    failure.status
}

/// Forks: the child becomes the application, and this process stays to supervise it. Fails only before the fork.
fn launch_supervised(job: &mut Job<'_>, started: Duration) -> Result<u8, StartFailure> {
    let (sender, receiver) = handoff::channel().map_err(cannot("make a pipe"))?;
    let intake = Intake::open(SignalSet::ALL).map_err(cannot("open a signalfd"))?;
    job.record = job.config.map(|_| record::create());
    let us = Pid::this();
    let sub_reaper = us != Pid::from_raw(1);
    if sub_reaper {
        process::set_sub_reaper(true).map_err(cannot("become a child sub-reaper"))?;
    }
    Event::Supervising { pid: us, sub_reaper }.emit();
    let our_group = getpgrp();
    let main = match process::fork().map_err(cannot("make a process"))? {
        Side::Parent { child } => child,
        Side::Child => {
            drop(receiver);
            let sender: &Sender = Box::leak(Box::new(sender));
            tell_panics_to(sender);
            lead_own_group(our_group);
            let failure = prepare::become_application(job, Some(sender));
            sender.failed(&failure);
            process::exit_now(failure.status)
        }
    };
    process::lead_own_group(main);
    drop(sender);
    // From here on nothing may fail: there is an application.
    let _: nix::Result<()> = nix::unistd::chdir("/");
    let record = job.record.as_ref().and_then(|record| record.as_ref().ok());
    close_inherited([Some(intake.descriptor()), Some(receiver.descriptor()), record]);
    let (format, level) = (job.format.unwrap_or_default(), job.level.unwrap_or_default());
    let main = Main {
        pid: main,
        argv: report::command_line(job.argv.iter()),
        onset_started: started,
        policy: Policy::plain(job.forward_to, format, level),
        declared: job.config.is_some(),
        last_words: if job.guest { PathBuf::new() } else { PathBuf::from(termination::USUAL) },
        run_stop_commands: &|| run_stop_commands(job),
    };
    Ok(supervise::supervise(main, &intake, receiver))
}

/// Makes the process that runs the stop commands.
fn run_stop_commands(job: &Job<'_>) -> nix::Result<Pid> {
    match process::fork()? {
        Side::Parent { child } => Ok(child),
        Side::Child => {
            if let Some(Ok(file)) = &job.record {
                prepare::run_stop_commands(file, job.mask);
            }
            process::exit_now(0)
        }
    }
}

/// Puts this new process into a group of its own, and into the terminal's foreground if onset's group was there: in the
/// background it must not take the terminal away from whoever has it.
fn lead_own_group(our_group: Pid) {
    let this = Pid::this();
    process::lead_own_group(this);
    let Some(terminal) = Terminal::controlling() else { return };
    if terminal.foreground() == Some(our_group)
        && let Err(error) = terminal.set_foreground(this)
    {
        Event::TerminalNotHandedOver { error }.emit();
    }
}

fn cannot(what: &'static str) -> impl Fn(Errno) -> StartFailure {
    move |error| StartFailure::new(exit::REFUSED, format!("cannot {what}: {}", Because(error)))
}

/// In the child: PID 1 says it.
fn tell_panics_to(sender: &'static Sender) {
    explain_panics(|cause| sender.failed(&StartFailure::new(exit::REFUSED, cause)));
}

/// Makes a panic, which only a mistake of ours can cause, end this process with an explanation: where it was, and its
/// message if that is a constant one. One that was made then may have values in it, and so secrets.
fn explain_panics(tell: impl Fn(String) + Send + Sync + 'static) {
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
            Progress::Failed(StartFailure { status: exit::REFUSED, cause, .. }) => cause,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_panic_of_the_child_is_told_with_its_place_and_without_values() {
        let start = "internal error, please report it: panicked at src/launch.rs:";
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
