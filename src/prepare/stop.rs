//! The stop commands: run in a process of their own while the application drains, as the application is: its environment,
//! its user, its working directory. What they print goes to stderr, which is all that PID 1 has kept.

use super::programs::Surroundings;
use crate::plan::model::{Input, Output, Program, Run};
use crate::plan::redact::Redaction;
use crate::record::{self, Record, c_strings};
use crate::report::{Because, Event};
use crate::sys::clock;
use crate::sys::process;
use crate::sys::signal::{self, SignalSet};
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// Runs what the record says, one after the other. One that fails is told, and the next is run all the same.
pub fn run_stop_commands(file: &OwnedFd, mask: SignalSet) {
    // PID 1's own name would say that this is a supervisor.
    process::set_name(c"onset-stop");
    signal::let_stop_signals_end_us(mask);
    let _closed: nix::Result<()> = nix::unistd::dup2_stdout(std::io::stderr());
    let record = match record::read(file) {
        Ok(Some(record)) => record,
        Ok(None) => return,
        Err(error) => {
            let text = format!("cannot read which stop commands there are: {}", Because(error));
            Event::Notice { text: &text }.emit();
            return;
        }
    };
    let redaction = Redaction::of_values(record.secrets.0.clone());
    let notice = |text: &str| Event::Notice { text: &redaction.sentence(text) }.emit();
    for (index, command) in record.stop_commands.iter().enumerate() {
        let argv = c_strings(&command.argv);
        let program = argv.first().map(|program| program.to_string_lossy().into_owned()).unwrap_or_default();
        let name = redaction.sentence(&format!("stop command {} (`{program}`)", index + 1));
        let started = clock::monotonic();
        let surroundings = Surroundings { mask, step: &name, redaction: &redaction, rights: None };
        match surroundings.run(&to_run(&record, argv, command.timeout, command.grace)) {
            Ok(done) => {
                for note in &done.outcome.notes {
                    notice(&format!("{name}: {note}"));
                }
                let duration = clock::monotonic().saturating_sub(started);
                Event::StepDone { step: &name, changed: done.outcome.changes, duration }.emit();
            }
            Err(failure) => notice(&format!("{name} failed: {}", failure.cause)),
        }
    }
}

fn to_run(record: &Record, argv: Vec<CString>, timeout: Duration, grace: Duration) -> Run {
    let program = Program {
        argv,
        envp: c_strings(&record.environ.0),
        workdir: Some(record.workdir.clone()),
        identity: Some(record.identity.clone()),
        stdin: Input::Nothing,
        timeout: Some(timeout),
        grace,
    };
    Run {
        program,
        output: Output::Pass,
        attempts: 1,
        backoff: Duration::ZERO,
        success: vec![0],
        unless: None,
        marker: None,
    }
}
