//! A start by configuration: decide everything, then do the steps in order, then become the application.

use super::exec::{Command, become_command};
use super::load::Loaded;
use super::steps;
use super::{Job, identity, state};
use crate::config::model::{OnFailure, Rights, Step};
use crate::config::{Problems, Source};
use crate::exit;
use crate::handoff::StartFailure;
use crate::plan::model::Action;
use crate::plan::redact::Redaction;
use crate::plan::resolve::{Inputs, Resolution, resolve};
use crate::report::Event;
use crate::sys::clock;
use crate::sys::signal;
use crate::sys::words::Words;

/// Becomes the application as the configuration says. Returns only if that fails.
pub fn become_declared(job: &Job, loaded: &Loaded, announce: &dyn Fn(&[u8])) -> StartFailure {
    let Loaded { config, source, world } = loaded;
    let args = bytes(job.argv);
    let environ = bytes(job.envp);
    let mut problems = Problems::default();
    let inputs = Inputs { config, args: &args, environ: &environ, world };
    let resolution = resolve(&inputs, &mut problems);
    if problems.is_empty() {
        resolution.look_ahead(&mut problems);
    }
    let redaction = Redaction::of(&resolution.env);
    let shown = |texts: Vec<String>| texts.iter().map(|text| redaction.sentence(text)).collect::<Vec<_>>();
    if !problems.is_empty() {
        return refuse(&shown(problems.explain(source)));
    }
    for notice in shown(resolution.env.notices.clone()) {
        Event::Notice { text: &notice }.emit();
    }
    if resolution.meeting.setup {
        // A step may take its time (a large tree to give away), and a stop signal ends it; any other waits.
        signal::let_stop_signals_end_us(job.mask);
        for (index, step) in config.steps.iter().enumerate() {
            if let Err(failure) = run_step(&resolution, step, index, source, &redaction) {
                return failure;
            }
        }
    }
    become_planned(job, resolution, &redaction, announce)
}

/// Says every problem, one line each, and sums them up.
pub fn refuse(problems: &[String]) -> StartFailure {
    let count = problems.len();
    let first_lines = || problems.iter().filter_map(|problem| problem.lines().next());
    if let [problem] = first_lines().collect::<Vec<_>>()[..] {
        return StartFailure { status: exit::REFUSED, cause: problem.to_owned() };
    }
    for problem in first_lines() {
        Event::Problem { text: problem }.emit();
    }
    StartFailure { status: exit::REFUSED, cause: format!("the configuration has {count} problems") }
}

fn run_step(
    resolution: &Resolution<'_>,
    step: &Step,
    index: usize,
    source: &Source,
    redaction: &Redaction,
) -> Result<(), StartFailure> {
    let started = clock::monotonic();
    let name = resolution.step_name(step, index);
    let mut problems = Problems::default();
    let action = resolution.action(step, &mut problems);
    let result = match action {
        _ if !problems.is_empty() => {
            let text = problems.explain(source);
            let cause = text.iter().filter_map(|problem| problem.lines().next()).collect::<Vec<_>>().join("; ");
            Err(Failure { cause, is_final: false })
        }
        None => return Ok(()),
        Some(action) => execute(resolution, step, &action),
    };
    match result {
        Ok(outcome) => {
            for note in &outcome.notes {
                Event::Notice { text: &redaction.sentence(&format!("step {name}: {note}")) }.emit();
            }
            let duration = clock::monotonic().saturating_sub(started);
            Event::StepDone { step: &name, changed: outcome.changes, duration }.emit();
            Ok(())
        }
        Err(Failure { cause, is_final }) => {
            let cause = redaction.sentence(&format!("step {name} ({}) failed: {cause}", source.locate(step.place)));
            if step.on_failure == Some(OnFailure::Warn) && !is_final {
                Event::Notice { text: &cause }.emit();
                return Ok(());
            }
            Err(StartFailure { status: exit::REFUSED, cause })
        }
    }
}

/// Why a step failed, and whether nothing may go on after that, whatever the step says of failures.
struct Failure {
    cause: String,
    is_final: bool,
}

fn execute(resolution: &Resolution<'_>, step: &Step, action: &Action) -> Result<steps::Outcome, Failure> {
    let work = || steps::execute(action).map_err(|error| Failure { cause: error.to_string(), is_final: false });
    match (&step.rights, &resolution.plan.identity) {
        (Some(Rights::App), Some(app)) => identity::with_rights_of(app, work)
            .map_err(|refusal| Failure { cause: refusal.to_string(), is_final: refusal.is_stranded() })?,
        (Some(Rights::App | Rights::Root) | None, _) => work(),
    }
}

fn become_planned(
    job: &Job,
    resolution: Resolution<'_>,
    redaction: &Redaction,
    announce: &dyn Fn(&[u8]),
) -> StartFailure {
    let words = redaction.command_line(&resolution.plan);
    announce(&words.iter().flat_map(|word| [word, &b"\0"[..]].concat()).collect::<Vec<u8>>());
    if let Err(problems) = state::apply(&resolution.plan.process, resolution.plan.identity.as_ref()) {
        return refuse(&problems.iter().map(ToString::to_string).collect::<Vec<_>>());
    }
    let command = Command {
        argv: Words::from_owned(resolution.plan.argv),
        envp: Words::from_owned(resolution.plan.envp),
        mask: job.mask,
    };
    let failure = become_command(&command, job.child_disposition.as_ref());
    StartFailure { cause: redaction.sentence(&failure.cause), ..failure }
}

/// The words as bytes, without their NULs.
pub fn bytes(words: Words) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.to_bytes().to_vec()).collect()
}
