//! The steps that run programs, and those that set variables: from the configuration to what is to be run.

use super::env::{LONGEST_VALUE, set_entry};
use super::identity;
use super::model::{Action, File, Hook, HookKind, Identity, Input, Learned, Output, PrintedEnv, Program, Run};
use super::others::plain;
use super::resolve::{Resolution, all, argument, c_strings, path, variable};
use super::version;
use super::world::{Kind, World};
use crate::config::model::{self, Hooks, PrintedFormat, Rights, Step};
use crate::config::named::Named;
use crate::config::problem::Problems;
use crate::config::types::{Glob, Text, Time};
use crate::report::Because;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a program has to end when it is told to, where `grace` does not say otherwise.
const GRACE: Duration = Duration::from_secs(10);
/// How long to wait before a program is tried again, where `backoff` does not say otherwise.
const BACKOFF: Duration = Duration::from_secs(1);
/// The largest file of variables among hooks.
const LARGEST_DROP_IN: u64 = 1 << 20;
/// The mode of a file that a program's output becomes, without and with a secret in it.
const MODES: [u32; 2] = [0o644, 0o600];

/// What programs have in common, and a step says of all it runs.
struct Common<'a> {
    own: &'a Named<Text>,
    workdir: Option<&'a Text>,
    user: Option<&'a Text>,
    rights: Option<Rights>,
    timeout: Option<Time>,
    grace: Option<Time>,
}

impl Resolution<'_> {
    pub(super) fn program_action(&self, step: &Step, problems: &mut Problems) -> Option<Action> {
        if let Some(run) = &step.run {
            return self.run(run, step.rights, problems);
        }
        if let Some(printed) = &step.env {
            let common = Common {
                own: &Named::new(),
                workdir: None,
                user: printed.user.as_ref(),
                rights: step.rights,
                timeout: printed.timeout,
                grace: printed.grace,
            };
            let program = self.program(&printed.command, &common, problems)?;
            return Some(Action::PrintedEnv(Box::new(PrintedEnv {
                program,
                format: printed.format.unwrap_or(PrintedFormat::Lines),
                allow: printed.allow.as_deref().map(Glob::texts),
                secret: Glob::texts(&printed.secret),
            })));
        }
        if let Some(wait) = &step.wait {
            return Some(Action::Wait(self.wait(wait, step.rights, problems)));
        }
        if let Some(hooks) = &step.hooks {
            return self.hooks(hooks, step.rights, problems);
        }
        let mut learned = Vec::new();
        for (name, text) in &step.set {
            if let Some(value) = self.env.expand(text, LONGEST_VALUE, problems) {
                learned.push(Learned { name: name.clone(), value, secret: self.env.is_secret(text) });
            }
        }
        Some(Action::Set(learned))
    }

    #[inline(never)]
    fn run(&self, run: &model::Run, rights: Option<Rights>, problems: &mut Problems) -> Option<Action> {
        let common = Common {
            own: &run.env,
            workdir: run.workdir.as_ref(),
            user: run.user.as_ref(),
            rights,
            timeout: run.timeout,
            grace: run.grace,
        };
        let mut program = self.program(&run.command, &common, problems)?;
        let unless = if run.unless.is_empty() { None } else { Some(self.program(&run.unless, &common, problems)?) };
        if let Some(text) = &run.stdin {
            program.stdin = Input::Text(self.env.expand(text, usize::MAX, problems)?);
        }
        if let Some(text) = &run.stdin_file {
            program.stdin = Input::File(path(text, &self.env, problems)?);
        }
        let output = match (&run.stdout_file, &run.stdout_variable) {
            (Some(text), _) => {
                let target = path(text, &self.env, problems)?;
                Output::File(File { mode: MODES[usize::from(run.secret)], ..plain(target, Vec::new()) })
            }
            (None, Some(name)) => Output::Variable { name: name.clone(), secret: run.secret },
            (None, None) => match &run.status_variable {
                Some(name) => Output::Status(name.clone()),
                None if run.frame => Output::Frame,
                None => Output::Pass,
            },
        };
        let mut success = Vec::new();
        for status in &run.success {
            success.push(u8::try_from(status.0).unwrap_or_default());
        }
        if success.is_empty() {
            success.push(0);
        }
        Some(Action::Run(Box::new(Run {
            program,
            output,
            attempts: 1 + run.retries.and_then(|retries| u32::try_from(retries.0).ok()).unwrap_or(0),
            backoff: run.backoff.map_or(BACKOFF, |Time(time)| time),
            success,
            unless,
            marker: match &run.marker {
                Some(text) => Some(path(text, &self.env, problems)?),
                None => None,
            },
        })))
    }

    /// A program about which no more is said than its arguments.
    pub(super) fn plain_program(
        &self,
        command: &[Text],
        rights: Option<Rights>,
        grace: Option<Duration>,
        problems: &mut Problems,
    ) -> Option<Program> {
        let own = Named::new();
        let grace = grace.map(Time);
        let common = Common { own: &own, workdir: None, user: None, rights, timeout: None, grace };
        self.program(command, &common, problems)
    }

    fn program(&self, command: &[Text], common: &Common<'_>, problems: &mut Problems) -> Option<Program> {
        let argv = c_strings(self.env.expand_each(command, problems), &argument, problems);
        let (identity, mut entries) = self.whose(common, problems)?;
        for (name, text) in common.own {
            if let Some(value) = self.env.expand(text, LONGEST_VALUE, problems) {
                set_entry(&mut entries, name, Some(&value));
            }
        }
        let workdir = match common.workdir {
            Some(text) => Some(path(text, &self.env, problems)?),
            None => None,
        };
        (argv.len() == command.len()).then(|| Program {
            argv,
            envp: c_strings(entries, &variable, problems),
            workdir,
            identity,
            stdin: Input::Nothing,
            timeout: common.timeout.map(|Time(time)| time),
            grace: common.grace.map_or(GRACE, |Time(time)| time),
        })
    }

    /// Whom a program runs as, and the environment it gets: HOME, USER and LOGNAME are those of whom it runs as.
    fn whose(&self, common: &Common<'_>, problems: &mut Problems) -> Option<(Option<Identity>, Vec<Vec<u8>>)> {
        let mut entries = self.env.entries.clone();
        if let (None, Some(Rights::App)) = (common.user, common.rights) {
            return Some((self.plan.identity.clone(), entries));
        }
        for (name, value) in &self.own_home {
            set_entry(&mut entries, name, value.as_deref());
        }
        let Some(text) = common.user else { return Some((None, entries)) };
        let user = self.env.expand(text, LONGEST_VALUE, problems)?;
        let process = self.world.process();
        let person = all(identity::person(&self.accounts, Some(&user), None, process), text.place, problems)?;
        for (name, value) in person.variables(None, process) {
            set_entry(&mut entries, name, Some(value));
        }
        Some((Some(person.identity), entries))
    }

    #[inline(never)]
    fn hooks(&self, hooks: &Hooks, rights: Option<Rights>, problems: &mut Problems) -> Option<Action> {
        let directory = path(&hooks.directory, &self.env, problems)?;
        let mut names = match self.world.list(&directory) {
            Ok(names) => names,
            Err(nix::errno::Errno::ENOENT) => Vec::new(),
            Err(error) => {
                problems
                    .at(hooks.directory.place, format_args!("cannot list {}: {}", directory.display(), Because(error)));
                return None;
            }
        };
        names.sort_unstable_by(|one, other| version::compare(one.as_os_str().as_bytes(), other.as_os_str().as_bytes()));
        let common = Common {
            own: &Named::new(),
            workdir: None,
            user: hooks.user.as_ref(),
            rights,
            timeout: hooks.timeout,
            grace: hooks.grace,
        };
        let mut found = Vec::new();
        for name in &names {
            let path = directory.join(name);
            let is_hidden = name.as_os_str().as_bytes().starts_with(b".");
            if !is_hidden
                && matches!(self.world.kind(&path), Some(Kind::File(_)))
                && let Some(hook) = self.hook(path, hooks, &common, problems)
            {
                found.push(hook);
            }
        }
        Some(Action::Hooks(found))
    }

    #[inline(never)]
    fn hook(&self, path: PathBuf, hooks: &Hooks, common: &Common<'_>, problems: &mut Problems) -> Option<Hook> {
        let name = path.file_name().unwrap_or_default().as_bytes();
        // The longest end counts: `.sql.gz` before `.gz`.
        let mut handler: Option<(&str, &[Text])> = None;
        for (end, command) in &hooks.handlers {
            if name.ends_with(end.as_bytes()) && handler.is_none_or(|(longest, _)| end.len() > longest.len()) {
                handler = Some((end, command));
            }
        }
        let kind = if let Some((_, command)) = handler {
            let mut program = self.program(command, common, problems)?;
            program.stdin = Input::File(path.clone());
            HookKind::Run(Box::new(program))
        } else if name.ends_with(b".env") {
            HookKind::Variables
        } else if name.ends_with(b".toml") {
            HookKind::Steps
        } else if self.world.is_executable(&path) {
            let mut program = self.program(&[], common, problems)?;
            program.argv.push(CString::new(path.as_os_str().as_bytes()).ok()?);
            HookKind::Run(Box::new(program))
        } else {
            HookKind::Ignored
        };
        Some(Hook { path, kind })
    }

    /// The variables of a drop-in file.
    ///
    /// # Errors
    /// Why it cannot be read, without any value.
    pub fn drop_in_variables(&self, path: &Path) -> Result<Vec<Learned>, String> {
        let refuse = |why: &str| format!("cannot read the variables in {}: {why}", path.display());
        let text = self.world.read(path, LARGEST_DROP_IN).map_err(|error| refuse(&Because(error).to_string()))?;
        let entries = super::dotenv::parse(&text).map_err(|mistakes| {
            let each: Vec<String> = mistakes.iter().map(|it| format!("line {}: {}", it.line, it.message)).collect();
            refuse(&each.join("; "))
        })?;
        let mut learned = Vec::new();
        for entry in entries {
            let name = String::from_utf8(entry.name).map_err(|_| refuse("a name is not UTF-8"))?;
            learned.push(Learned { name, value: entry.value, secret: false });
        }
        Ok(learned)
    }

    /// What may be known of the world.
    pub fn world(&self) -> &Arc<dyn World> {
        self.world
    }
}
