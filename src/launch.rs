//! From the start of the process to the two that go on: the arrow of the crate's documentation as code.
#![forbid(unsafe_code)]

use crate::cli::faces::Face;
use crate::cli::{self, Invocation, Refusal, Run, Topic};
use crate::exec;
use crate::exit;
use crate::face;
use crate::fork::{self, explain_panics};
use crate::handoff::StartFailure;
use crate::init;
use crate::inspect;
use crate::install;
use crate::policy::{Policy, Target};
use crate::prepare::{self, Job, load};
use crate::probe;
use crate::record;
use crate::report::{self, Because, Event, termination};
use crate::sleep;
use crate::supervise::{self, Hears, Main, Manners, Stops};
use crate::sys::clock;
use crate::sys::process::{self, Side};
use crate::sys::signal;
use crate::sys::start::Start;
use crate::sys::stderr;
use nix::errno::Errno;
use nix::unistd::{Pid, getpgrp};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

/// The program. Ends the process; the return type is for C's `main`.
pub fn main(start: &Start) -> i32 {
    let started = clock::monotonic();
    if let Some(face) = start.argv.get(0).and_then(|name| Face::of(name.to_bytes())) {
        process::exit_now(face::run(face, start, started));
    }
    let mut arguments = Vec::new();
    for word in start.argv.skip(1).iter() {
        arguments.push(OsStr::from_bytes(word.to_bytes()).to_owned());
    }
    let status = match cli::parse(arguments, |name| variable(start, name)) {
        Ok(Invocation::Run(run)) => launch(start, &run, started),
        Ok(other) => run_subcommand(other, start),
        Err(refusal) => refuse(&refusal),
    };
    process::exit_now(status)
}

#[inline(never)] // PID 1 waits in what is called beside it: every page of stack that this would take stays taken
fn run_subcommand(invocation: Invocation, start: &Start) -> u8 {
    // Each has a frame of its own (`inline(never)`): what is in a small one takes less to reach.
    match invocation {
        Invocation::Run(_) => unreachable!("this is no subcommand"),
        Invocation::Help(topic) => tell(Ok(cli::help(topic))),
        Invocation::Version => tell(Ok(concat!("onset ", env!("CARGO_PKG_VERSION"), "\n").to_owned())),
        Invocation::Install(folder) => tell(install::install(folder.as_ref())),
        Invocation::Check { config, env } => tell(inspect::check(&config, env.then_some((start.argv, start.envp)))),
        Invocation::Plan { config, json, arguments } => {
            tell(inspect::plan(&config, start.argv.skip(arguments), start.envp, json))
        }
        Invocation::Render { config, targets } => tell(inspect::render(&config, start.argv.skip(targets), start.envp)),
        Invocation::Probe(probe) => probe::run(&probe, start.envp, start.inherited_mask),
        Invocation::Exec(exec) => {
            let failure = exec::run(&exec, start);
            complain(std::slice::from_ref(&failure.cause));
            failure.status
        }
        Invocation::Sleep(time) => sleep::run(time, start.inherited_mask),
    }
}

/// Prints what was found out, or every problem.
fn tell(found: Result<String, Vec<String>>) -> u8 {
    let problems = match found {
        Err(problems) => problems,
        Ok(text) => match print(&text) {
            Ok(()) => return 0,
            Err(error) => vec![format!("cannot write to stdout: {}", Because(error))],
        },
    };
    complain(&problems);
    exit::REFUSED
}

/// Says what is wrong, a line for each problem.
fn complain(problems: &[String]) {
    for problem in problems {
        let _: nix::Result<()> = stderr::write_line(format!("onset: {problem}\n").as_bytes());
    }
}

/// The value of a variable: of the first entry, as getenv(3) finds it.
pub fn variable(start: &Start, name: &str) -> Option<OsString> {
    start.envp.iter().find_map(|entry| {
        let value = entry.to_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
        Some(OsStr::from_bytes(value).to_owned())
    })
}

/// Prints what was asked for. The system call itself, because std's stdout takes a closed one for a success.
///
/// # Errors
/// What the file says.
pub fn print(text: &str) -> nix::Result<()> {
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        match nix::unistd::write(std::io::stdout(), rest) {
            Ok(length) => rest = &rest[length..],
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn refuse(refusal: &Refusal) -> u8 {
    complain(&refusal.problems);
    let _: nix::Result<()> = stderr::write_line(format!("{}\n", cli::usage(refusal.topic)).as_bytes());
    exit::REFUSED
}

#[inline(never)] // a frame of its own, as below: what is in a small one takes less to reach
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
#[inline(never)]
fn launch_supervised(job: &mut Job<'_>, started: Duration) -> Result<u8, Box<StartFailure>> {
    job.record = job.config.map(|_| record::create());
    let our_group = getpgrp();
    let fork = if job.config.is_some() { fork::fork } else { fork::fork_to_execute };
    let born = fork(&|sender| {
        fork::lead_own_group(our_group);
        prepare::become_application(job, Some(sender))
    })?;
    process::lead_own_group(born.main);
    let record = job.record.as_ref().and_then(|record| record.as_ref().ok());
    born.leave_the_rest(record);
    let (format, level) = (job.format.unwrap_or_default(), job.level.unwrap_or_default());
    let hears = if job.config.is_some() { Hears::WhenDeclared } else { Hears::AtOnce };
    let main = Main {
        pid: born.main,
        argv: report::command_line(job.argv.iter()),
        onset_started: started,
        policy: Policy::plain(job.forward_to, format, level),
        last_words: if job.guest { PathBuf::new() } else { PathBuf::from(termination::USUAL) },
        manners: Manners { hears, stops: Stops::WithMain, shows_stage: true },
        record,
        run_stop_commands: &|| run_stop_commands(job),
    };
    Ok(supervise::supervise(main, &born.intake, born.progress))
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
