//! The steps that run programs: whether, how often, and what becomes of what they print.

use super::failure::Failure;
use super::identity::with_rights_of;
use super::program::{self, End, Stream};
use super::steps::{self, Outcome, StepError};
use crate::config::model::PrintedFormat;
use crate::exit;
use crate::plan::env::LONGEST_VALUE;
use crate::plan::model::{Action, Fallback, File, Generate, Identity, Learned, Output, PrintedEnv, Program, Read, Run};
use crate::plan::printed;
use crate::plan::redact::Redaction;
use crate::plan::world::World;
use crate::report::Event;
use crate::sys::clock;
use crate::sys::signal::SignalSet;
use crate::sys::wait::WaitStatus;
use std::path::Path;
use std::time::Duration;

/// The most that a program may print into a file.
const LARGEST_FILE: usize = 16 << 20;
/// The most that a program may print as variables.
const LARGEST_ENV: usize = 1 << 20;
/// The longest line that is reported in one, in bytes; a longer one is reported in pieces. A report shows no more of it.
const LONGEST_LINE: usize = 900;
/// The longest pause before a program is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How much of a program's last line a message shows, in bytes.
const SHOWN: usize = 300;

/// All that a program prints.
const OUTPUT: [Stream; 2] = [Stream::Stdout, Stream::Stderr];

/// What all the programs of a step find.
pub struct Surroundings<'a> {
    /// The signals they find blocked.
    pub mask: SignalSet,
    /// What the step is called.
    pub step: &'a str,
    /// What must not be shown.
    pub redaction: &'a Redaction,
    /// With whose rights files are written; `None`: onset's.
    pub rights: Option<&'a Identity>,
}

/// What such a step has done.
#[derive(Debug, Default)]
pub struct Done {
    /// As of every step.
    pub outcome: Outcome,
    /// The variables it sets.
    pub learned: Vec<Learned>,
}

impl Surroundings<'_> {
    /// Does what is done to files.
    pub fn execute(&self, action: &Action) -> Result<Outcome, Box<Failure>> {
        self.with_rights(|| steps::execute(action))
    }

    /// Makes a secret if it is not there, and sets the variable it goes into.
    #[inline(never)] // a frame of its own, as for each kind of step
    pub fn generate(&self, order: &Generate) -> Result<Done, Box<Failure>> {
        let (outcome, content) = self.with_rights(|| steps::make_secret(order))?;
        let Some(name) = order.into.clone() else { return Ok(Done { outcome, learned: Vec::new() }) };
        let value = without_newlines(content);
        if value.is_empty() || value.contains(&0) {
            let what = if value.is_empty() { "only newlines" } else { "a NUL byte" };
            let path = order.path.display();
            return Err(Failure::refused(format!("there is {what} in `{path}`: no value for `{name}`")));
        }
        Ok(Done { outcome, learned: vec![Learned { name, value, secret: true }] })
    }

    /// Takes a lock; it is held until the application starts.
    #[inline(never)]
    pub fn lock(&self, path: &Path, timeout: Duration) -> Result<Done, Box<Failure>> {
        let notice = |text: &str| {
            let text = self.redaction.sentence(&format!("step {}: {text}", self.step));
            Event::Notice { text: &text }.emit();
        };
        if self.with_rights(|| steps::hold_lock(path, timeout, &notice))? {
            return Ok(Done::default());
        }
        let cause = format!("cannot lock `{}`: others have held it for {timeout:?}", path.display());
        Err(Failure::new(exit::TIMED_OUT, cause))
    }

    /// Does what a `run` says.
    pub fn run(&self, run: &Run) -> Result<Done, Box<Failure>> {
        let mut done = Done::default();
        if let Some(marker) = &run.marker
            && self.with_rights(|| steps::has_marker(marker))?
        {
            return Ok(done);
        }
        if let Some(unless) = &run.unless
            && self.succeeds(unless)?
        {
            return Ok(done);
        }
        if let Output::Status(name) = &run.output {
            let (end, _) = program::run(&run.program, run.program.timeout, self.mask, &OUTPUT, &mut |_, _| {});
            let status = judge(&run.program, end, &[0]).err().map_or(0, |failure| failure.status);
            done.learned.push(Learned { name: name.clone(), value: status.to_string().into_bytes(), secret: false });
            return Ok(done);
        }
        let printed = self.try_often(run, &mut done.outcome.notes)?;
        done.outcome.changes = 1;
        match &run.output {
            Output::Pass | Output::Frame | Output::Status(_) => {}
            Output::File(file) => {
                let file = File { content: printed, ..file.clone() };
                done.outcome.changes += self.execute(&Action::Write(vec![file]))?.changes;
            }
            Output::Variable { name, secret } => {
                let value = without_newlines(printed);
                if value.contains(&0) {
                    return Err(Failure::refused(format!("what it printed for `{name}` has a NUL byte in it")));
                }
                done.learned.push(Learned { name: name.clone(), value, secret: *secret });
            }
        }
        if let Some(marker) = &run.marker {
            done.outcome.changes += self.with_rights(|| steps::write_marker(marker))?.changes;
        }
        Ok(done)
    }

    fn try_often(&self, run: &Run, notes: &mut Vec<String>) -> Result<Vec<u8>, Box<Failure>> {
        let mut pause = run.backoff.min(LONGEST_PAUSE);
        let mut attempt = 1;
        loop {
            match self.once(&run.program, &run.output, &run.success, notes) {
                Ok(printed) => return Ok(printed),
                Err(failure) if failure.may_pass && attempt < run.attempts => {
                    let text = format!(
                        "step {}: {}; attempt {attempt} of {}, the next one in {pause:?}",
                        self.step, failure.cause, run.attempts
                    );
                    Event::Notice { text: &self.redaction.sentence(&text) }.emit();
                    clock::pause(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    attempt += 1;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Runs it once. What it printed, where that is wanted.
    fn once(
        &self,
        program: &Program,
        output: &Output,
        success: &[u8],
        notes: &mut Vec<String>,
    ) -> Result<Vec<u8>, Box<Failure>> {
        let (heard, limit): (&[Stream], usize) = match output {
            Output::Pass | Output::Status(_) => (&[], 0),
            Output::Frame => (&OUTPUT, 0),
            Output::File(_) => (&[Stream::Stdout], LARGEST_FILE),
            Output::Variable { .. } => (&[Stream::Stdout], LONGEST_VALUE),
        };
        let mut printed = Vec::new();
        let mut lines = [Lines::new(self, Stream::Stdout), Lines::new(self, Stream::Stderr)];
        let frame = matches!(output, Output::Frame);
        let (end, left) = program::run(program, program.timeout, self.mask, heard, &mut |stream, bytes| {
            if frame {
                lines[usize::from(stream == Stream::Stderr)].push(bytes);
            } else {
                keep(&mut printed, bytes, limit);
            }
        });
        lines.iter_mut().for_each(Lines::finish);
        notes.extend(left_behind(program, left));
        match judge(program, end, success) {
            Ok(()) if printed.len() > limit && !frame => {
                Err(Failure::refused(format!("`{}` printed more than {limit} bytes", name(program))))
            }
            Ok(()) => Ok(printed),
            Err(mut failure) => {
                failure.cause = with_last_line(failure.cause, lines[1].last.trim_ascii_end());
                Err(failure)
            }
        }
    }

    /// Whether a program ends with status 0; what it prints does not matter.
    pub fn succeeds(&self, program: &Program) -> Result<bool, Box<Failure>> {
        let (end, _) = program::run(program, program.timeout, self.mask, &OUTPUT, &mut |_, _| {});
        match end {
            End::NotStarted(failure) => Err(failure.into()),
            End::Ended(status) => Ok(status == WaitStatus::Exited(0)),
            End::TimedOut(_) => Ok(false),
        }
    }

    /// Asks a program, which may take so long: whether it ends with status 0, or else how it ends, with the last line it writes on stderr.
    ///
    /// # Errors
    /// There is no such program, or none that can be executed: asking again will not help.
    #[inline(never)]
    pub fn ask(&self, program: &Program, limit: Duration) -> Result<Result<(), String>, Box<Failure>> {
        let mut tail = Vec::new();
        let (end, _) = program::run(program, Some(limit), self.mask, &OUTPUT, &mut |stream, bytes| {
            if stream == Stream::Stderr {
                tail.extend_from_slice(bytes);
                tail.drain(..tail.len().saturating_sub(LONGEST_LINE));
            }
        });
        match judge(program, end, &[0]) {
            Ok(()) => Ok(Ok(())),
            Err(failure) if !failure.may_pass && [exit::NOT_FOUND, exit::NOT_EXECUTABLE].contains(&failure.status) => {
                Err(failure)
            }
            Err(failure) => {
                let last = tail.trim_ascii_end().rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
                Ok(Err(with_last_line(failure.cause, last)))
            }
        }
    }

    /// Runs a hook, or its handler.
    #[inline(never)]
    pub fn hook(&self, program: &Program) -> Result<Outcome, Box<Failure>> {
        let mut outcome = Outcome::default();
        self.once(program, &Output::Pass, &[0], &mut outcome.notes)?;
        outcome.changes = 1;
        Ok(outcome)
    }

    /// Runs a program that prints variables.
    #[inline(never)]
    pub fn printed_env(&self, env: &PrintedEnv) -> Result<Done, Box<Failure>> {
        let stream = if env.format == PrintedFormat::Toml { Stream::Extra } else { Stream::Stdout };
        let mut text = Vec::new();
        let (end, left) = program::run(&env.program, env.program.timeout, self.mask, &[stream], &mut |_, bytes| {
            keep(&mut text, bytes, LARGEST_ENV);
        });
        judge(&env.program, end, &[0])?;
        if text.len() > LARGEST_ENV {
            let name = name(&env.program);
            return Err(Failure::refused(format!("`{name}` printed more than {LARGEST_ENV} bytes")));
        }
        let refuse = |why| Failure::refused(format!("`{}`: {why}", name(&env.program)));
        let learned = printed::read(&text, env.format, env.allow.as_deref(), &env.secret).map_err(refuse)?;
        let notes = left_behind(&env.program, left).into_iter().collect();
        Ok(Done { outcome: Outcome { changes: learned.len(), notes }, learned })
    }

    /// Reads a value.
    pub fn read(&self, read: &Read, world: &dyn World) -> Result<Done, Box<Failure>> {
        let found = self.with_rights(|| steps::read_value(read, world))?;
        let (value, secret) = match (found, &read.fallback) {
            (Some(value), _) => (value, read.secret),
            (None, Fallback::Value { value, secret }) => (value.clone(), read.secret || *secret),
            // None is a failure, and was told.
            (None, Fallback::Keep | Fallback::Refuse) => return Ok(Done::default()),
        };
        let learned = vec![Learned { name: read.into.clone(), value, secret }];
        Ok(Done { outcome: Outcome { changes: 1, notes: Vec::new() }, learned })
    }

    /// Does `work` with the rights the step asks for.
    fn with_rights<T>(&self, work: impl FnOnce() -> Result<T, StepError>) -> Result<T, Box<Failure>> {
        // In words already there: the message names who tried.
        let work = || work().map_err(Box::<Failure>::from);
        match self.rights {
            Some(identity) => with_rights_of(identity, work)?,
            None => work(),
        }
    }
}

/// Why a program failed, and the beginning of the last line it wrote.
fn with_last_line(cause: String, last: &[u8]) -> String {
    if last.is_empty() {
        return cause;
    }
    format!("{cause}: {}", String::from_utf8_lossy(&last[..last.len().min(SHOWN)]))
}

/// Without those at its end, as a shell has it.
fn without_newlines(mut text: Vec<u8>) -> Vec<u8> {
    let length = text.iter().rposition(|&byte| byte != b'\n' && byte != b'\r').map_or(0, |last| last + 1);
    text.truncate(length);
    text
}

/// Keeps what was printed, and one byte more than the limit at most: then it is known to be too much.
fn keep(printed: &mut Vec<u8>, bytes: &[u8], limit: usize) {
    let room = (limit + 1).saturating_sub(printed.len());
    printed.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

/// Whether that is a success; or why not.
fn judge(program: &Program, end: End, success: &[u8]) -> Result<(), Box<Failure>> {
    let name = name(program);
    let failed = |cause, status| {
        let mut failure = Failure::new(status, cause);
        failure.may_pass = true;
        Err(failure)
    };
    match end {
        End::Ended(WaitStatus::Exited(status)) if success.contains(&status) => Ok(()),
        End::Ended(ended) => {
            let status = match ended {
                WaitStatus::Exited(0) => exit::REFUSED,
                WaitStatus::Exited(status) => status,
                WaitStatus::Killed { signal, .. } | WaitStatus::Stopped(signal) => exit::killed_by(signal),
            };
            failed(format!("`{name}` {ended}"), status)
        }
        End::TimedOut(limit) => failed(format!("`{name}` took longer than {limit:?}, and was ended"), exit::TIMED_OUT),
        End::NotStarted(failure) => Err(failure.into()),
    }
}

/// What there is to know of processes that a program left behind.
fn left_behind(program: &Program, count: usize) -> Option<String> {
    (count > 0).then(|| format!("`{}` left processes behind; they were ended", name(program)))
}

fn name(program: &Program) -> String {
    program.argv.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What a program writes on one stream, reported line by line.
struct Lines<'a> {
    surroundings: &'a Surroundings<'a>,
    stream: Stream,
    line: Vec<u8>,
    last: Vec<u8>,
}

impl<'a> Lines<'a> {
    fn new(surroundings: &'a Surroundings<'a>, stream: Stream) -> Self {
        Lines { surroundings, stream, line: Vec::new(), last: Vec::new() }
    }

    fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' {
                self.say();
            } else {
                self.line.push(byte);
                if self.line.len() == LONGEST_LINE {
                    self.say();
                }
            }
        }
    }

    fn finish(&mut self) {
        if !self.line.is_empty() {
            self.say();
        }
    }

    fn say(&mut self) {
        let Surroundings { step, redaction, .. } = self.surroundings;
        let stream = if self.stream == Stream::Stderr { "stderr" } else { "stdout" };
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        let text = redaction.sentence(&String::from_utf8_lossy(line));
        Event::StepOutput { step, stream, text: &text }.emit();
        self.last = std::mem::take(&mut self.line);
    }
}
