//! A start by configuration: decide everything, then do the steps in order, then become the application.

use super::exec::{Command, become_command};
use super::failure::Failure;
use super::load::Loaded;
use super::programs::{Done, Surroundings};
use super::steps;
use super::steps::Outcome;
use super::{Job, state};
use crate::config::model::{OnFailure, Rights, Step};
use crate::config::problem::MOST;
use crate::config::{Config, Problems, Source};
use crate::exit;
use crate::handoff::{Sender, StartFailure};
use crate::plan::model::{Action, Hook, HookKind, Identity, Plan};
use crate::plan::redact::Redaction;
use crate::plan::resolve::{Inputs, Resolution, resolve};
use crate::plan::steps::step_name;
use crate::plan::world::Process;
use crate::record::{self, Environ, Record};
use crate::report::{self, Because, Event, Format, Level, termination};
use crate::sys::clock;
use crate::sys::signal::SignalSet;
use crate::sys::words::Words;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Becomes the application as the configuration says. Returns only if that fails.
pub fn become_declared(
    job: &Job<'_>,
    loaded: &Loaded,
    sender: Option<&Sender>,
    last_words: &mut PathBuf,
) -> Box<StartFailure> {
    let started = clock::monotonic();
    let Loaded { config, source, world } = loaded;
    let (format, level) = reporting(job, config);
    report::change(format, level);
    let args = job.argv.to_bytes();
    let environ = job.envp.to_bytes();
    let mut problems = Problems::default();
    let inputs = Inputs { config, args: &args, environ: &environ, world };
    let mut resolution = resolve(&inputs, &mut problems);
    if problems.is_empty() {
        resolution.look_ahead(&mut problems);
    }
    // First of all, for a start that is refused too: how it is to be told, and where.
    if !job.guest {
        resolution.plan.shutdown.last_words.clone_into(last_words);
        if let Err(error) = termination::forget(last_words) {
            let text = format!("no termination message can be written to {}: {}", last_words.display(), Because(error));
            Event::Notice { text: &text }.emit();
        }
    }
    let mut told = Vec::new();
    tell_policy(job, &resolution, sender, (format, level), last_words, &mut told);
    let redaction = Redaction::of(&resolution.env);
    if !problems.is_empty() {
        return refuse(&redacted(&problems.explain(source), &redaction));
    }
    let duration = clock::monotonic().saturating_sub(started);
    let setup = resolution.meeting.setup;
    Event::ConfigRead { path: &source.name, steps: config.steps.len(), setup, duration }.emit();
    let shutdown = &resolution.plan.shutdown;
    let useless = "`shutdown`, `signals`, `exit` and `start_timeout` do nothing with --exec: there is no supervisor";
    let mut notices = resolution.env.notices.clone();
    notices.extend(shutdown.warnings());
    if sender.is_none() && shutdown.needs_supervisor() {
        notices.push(useless.to_owned());
    }
    for notice in &notices {
        Event::Notice { text: &redaction.sentence(notice) }.emit();
    }
    if setup {
        steps::sweep_once();
        let mut steps = Steps { resolution: &mut resolution, source, mask: job.mask };
        for (index, step) in config.steps.iter().enumerate() {
            let name = step_name(step, index);
            if let Some(Ok(file)) = &job.record {
                record::note_step(file, &name);
            }
            if let Err(failure) = steps.run(step, &name) {
                return StartFailure::new(failure.status, failure.cause);
            }
        }
        if !config.steps.is_empty() {
            resolution.finish(&mut problems);
            if !problems.is_empty() {
                return refuse(&redacted(&problems.explain(source), &Redaction::of(&resolution.env)));
            }
            // Now that every variable is known.
            tell_policy(job, &resolution, sender, (format, level), last_words, &mut told);
        }
    }
    let redaction = Redaction::of(&resolution.env);
    become_planned(job, resolution, &redaction, sender)
}

/// How reports are written, and which: the command line wins over the configuration.
fn reporting(job: &Job<'_>, config: &Config) -> (Format, Level) {
    let report = config.report.as_ref();
    let format = job.format.or(report.and_then(|report| report.format));
    let level = job.level.or(report.and_then(|report| report.level));
    (format.unwrap_or_default(), level.unwrap_or_default())
}

/// Tells PID 1 what to do from here on, if that is not what it was told; `told`: the policy of then, as it was handed over.
fn tell_policy(
    job: &Job<'_>,
    resolution: &Resolution<'_>,
    sender: Option<&Sender>,
    (format, level): (Format, Level),
    last_words: &Path,
    told: &mut Vec<u8>,
) {
    let Some(sender) = sender else { return };
    let policy = resolution.plan.shutdown.policy(job.forward_to, format, level);
    let bytes = policy.to_bytes();
    if *told != bytes {
        sender.policy(&policy, last_words.as_os_str().as_bytes());
        *told = bytes;
    }
}

/// Says every problem, one line each, and sums them up.
pub fn refuse(problems: &[String]) -> Box<StartFailure> {
    let count = match problems.len() {
        count if count > MOST => format!("more than {MOST}"),
        count => count.to_string(),
    };
    let problems = first_lines(problems);
    if let [problem] = &problems[..] {
        return StartFailure::new(exit::REFUSED, problem.clone());
    }
    for problem in &problems {
        Event::Problem { text: problem }.emit();
    }
    let mut failure = StartFailure::new(exit::REFUSED, format!("the configuration has {count} problems"));
    failure.problems = problems;
    failure
}

fn redacted(texts: &[String], redaction: &Redaction) -> Vec<String> {
    texts.iter().map(|text| redaction.sentence(text)).collect()
}

/// What each problem is; the lines below that show where.
fn first_lines(problems: &[String]) -> Vec<String> {
    problems.iter().filter_map(|problem| problem.lines().next()).map(str::to_owned).collect()
}

/// The steps of one file, and what they are done with.
struct Steps<'a, 'b> {
    resolution: &'a mut Resolution<'b>,
    source: &'a Source,
    mask: SignalSet,
}

impl Steps<'_, '_> {
    /// Does a step, and reports it.
    fn run(&mut self, step: &Step, name: &str) -> Result<(), Box<Failure>> {
        let started = clock::monotonic();
        let mut problems = Problems::default();
        let action = self.resolution.action(step, &mut problems);
        let result = match action {
            _ if !problems.is_empty() => Err(Failure::refused(first_lines(&problems.explain(self.source)).join("; "))),
            None => return Ok(()),
            Some(action) => self.execute(step, name, action),
        };
        // Of what is known then: the step may have found out another secret.
        let redacted = |text: &str| Redaction::of(&self.resolution.env).sentence(text);
        match result {
            Ok(outcome) => {
                for note in &outcome.notes {
                    Event::Notice { text: &redacted(&format!("step {name}: {note}")) }.emit();
                }
                let duration = clock::monotonic().saturating_sub(started);
                Event::StepDone { step: name, changed: outcome.changes, duration }.emit();
                Ok(())
            }
            Err(mut failure) => {
                let place = self.source.locate(step.place);
                failure.cause = redacted(&format!("step {name} ({place}) failed: {}", failure.cause));
                if step.on_failure == Some(OnFailure::Warn) && !failure.is_final {
                    Event::Notice { text: &failure.cause }.emit();
                    return Ok(());
                }
                Err(failure)
            }
        }
    }

    #[inline(never)] // a frame of its own, as for each kind of what is done there: what is in a small one takes less to reach
    fn execute(&mut self, step: &Step, name: &str, action: Action) -> Result<Outcome, Box<Failure>> {
        let redaction = Redaction::of(&self.resolution.env);
        let as_app = match step.rights {
            Some(rights) => rights == Rights::App,
            // What must hold must hold for the application.
            None => step.check.is_some(),
        };
        let rights = self.resolution.plan.identity.clone().filter(|_| as_app);
        let surroundings = Surroundings { mask: self.mask, step: name, redaction: &redaction, rights: rights.as_ref() };
        let done = match action {
            Action::Run(run) => surroundings.run(&run),
            Action::PrintedEnv(env) => surroundings.printed_env(&env),
            Action::Wait(wait) => surroundings.wait(&wait),
            Action::Read(read) => surroundings.read(&read, &**self.resolution.world()),
            Action::Set(learned) => {
                Ok(Done { outcome: Outcome { changes: learned.len(), notes: Vec::new() }, learned })
            }
            Action::Hooks(hooks) => return self.hooks(step, name, hooks),
            Action::Generate(order) => surroundings.generate(&order),
            Action::Lock { path, timeout } => surroundings.lock(&path, timeout),
            action => return surroundings.execute(&action),
        };
        let done = done?;
        for learned in done.learned {
            self.resolution.learn(learned, name);
        }
        Ok(done.outcome)
    }

    /// Does the hooks of a directory, one after the other. Once one has set variables, those after it are decided anew.
    #[inline(never)]
    fn hooks(&mut self, step: &Step, name: &str, mut hooks: Vec<Hook>) -> Result<Outcome, Box<Failure>> {
        let mut outcome = Outcome::default();
        let mut next = 0;
        while let Some(hook) = hooks.get(next) {
            next += 1;
            match &hook.kind {
                HookKind::Ignored => {
                    let text = "is not executable, and nothing handles the end of its name; it was left alone";
                    outcome.notes.push(format!("{} {text}", hook.path.display()));
                    continue;
                }
                HookKind::Run(program) => {
                    let redaction = Redaction::of(&self.resolution.env);
                    let surroundings =
                        Surroundings { mask: self.mask, step: name, redaction: &redaction, rights: None };
                    let done = surroundings.hook(program)?;
                    outcome.changes += done.changes;
                    outcome.notes.extend(done.notes);
                    continue;
                }
                HookKind::Variables => {
                    for learned in self.resolution.drop_in_variables(&hook.path).map_err(Failure::refused)? {
                        self.resolution.learn(learned, name);
                        outcome.changes += 1;
                    }
                }
                HookKind::Steps => self.drop_in_steps(&hook.path, name)?,
            }
            let mut problems = Problems::default();
            if let Some(Action::Hooks(anew)) = self.resolution.action(step, &mut problems) {
                hooks = anew;
            }
            if !problems.is_empty() {
                return Err(Failure::refused(problems.explain(self.source).join("; ")));
            }
        }
        Ok(outcome)
    }

    #[inline(never)]
    fn drop_in_steps(&mut self, path: &Path, name: &str) -> Result<(), Box<Failure>> {
        let one_line = |problems: Vec<String>| Failure::refused(first_lines(&problems).join("; "));
        let (config, source) = super::load::read(path, &**self.resolution.world()).map_err(one_line)?;
        if !config.is_only_steps() {
            let text = "a drop-in has `version` and `[[steps]]`, none of them `hooks`, and nothing else";
            return Err(Failure::refused(format!("{}: {text}", path.display())));
        }
        let mut steps = Steps { resolution: self.resolution, source: &source, mask: self.mask };
        for (index, step) in config.steps.iter().enumerate() {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("{name}, {file} {}", step_name(step, index));
            steps.run(step, &name)?;
        }
        Ok(())
    }
}

fn become_planned(
    job: &Job<'_>,
    resolution: Resolution<'_>,
    redaction: &Redaction,
    sender: Option<&Sender>,
) -> Box<StartFailure> {
    if let Some(file) = &job.record
        && let Err(error) = keep_record(file, &resolution.plan, resolution.world().process(), redaction)
    {
        // The application can do without.
        let commands = if resolution.plan.shutdown.commands.is_empty() { "" } else { ", and no stop command is run" };
        let instead = "`onset exec` and `onset probe` find what PID 1 was given instead";
        let text = format!("cannot keep what was resolved in memory: {}; {instead}{commands}", Because(error));
        Event::Notice { text: &text }.emit();
    }
    if let Some(sender) = sender {
        let mut words = Vec::new();
        for word in redaction.command_line(&resolution.plan) {
            words.extend(word);
            words.push(0);
        }
        sender.executing(&words);
    }
    if let Err(problems) = state::apply(&resolution.plan.process, resolution.plan.identity.as_ref()) {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        return refuse(&redacted(&problems, redaction));
    }
    let command = Command {
        argv: Words::from_owned(resolution.plan.argv),
        envp: Words::from_owned(resolution.plan.envp),
        mask: job.mask,
    };
    let mut failure = become_command(&command, job.child_disposition.as_ref());
    failure.cause = redaction.sentence(&failure.cause);
    failure
}

/// Keeps the application as it is about to be started for those who come later.
fn keep_record(file: &nix::Result<OwnedFd>, plan: &Plan, process: &Process, redaction: &Redaction) -> nix::Result<()> {
    let file = file.as_ref().map_err(|error| *error)?;
    let as_it_is = || {
        let mut groups = process.groups.clone();
        groups.retain(|&group| group != process.gid);
        Identity { uid: process.uid, gid: process.gid, groups }
    };
    let here = nix::unistd::getcwd().unwrap_or_else(|_| Path::new("/").to_owned());
    let record = Record {
        identity: plan.identity.clone().unwrap_or_else(as_it_is),
        umask: plan.process.umask.unwrap_or(process.umask),
        workdir: plan.process.workdir.as_ref().map_or(here.clone(), |workdir| here.join(workdir)),
        environ: Environ(plan.envp.iter().map(|entry| entry.to_bytes().to_vec()).collect()),
        secrets: Environ(redaction.values().to_vec()),
        stop_commands: plan.shutdown.commands.clone(),
    };
    record::write(file, &record)
}
