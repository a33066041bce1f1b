//! `onset check`, `plan` and `render`: what a start would do, without doing it, as any user, without a shell.
#![forbid(unsafe_code)]

mod json;

use crate::cli::ConfigFile;
use crate::config::{Config, Problems, Source};
use crate::plan::env::{Environment, Resolved};
use crate::plan::model::{Action, Edit, Fallback, File, HookKind, Ownership, Program};
use crate::plan::redact::Redaction;
use crate::plan::resolve::{Inputs, Resolution, resolve};
use crate::plan::shutdown::Shutdown;
use crate::plan::steps::{Planned, step_name};
use crate::plan::{check as static_check, limit, shutdown};
use crate::prepare::load::{Loaded, USUAL, find, load};
use crate::sys::words::Words;
use json::Json;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

/// Whether the configuration is in order; with argv and the environment, whether a start with them would be.
#[inline(never)]
pub fn check(file: &ConfigFile, start: Option<(Words, Words)>) -> Result<String, Vec<String>> {
    let loaded = loaded(file)?;
    let Loaded { config, source, world } = &loaded;
    let mut problems = Problems::default();
    static_check::statically(config, world, &mut problems);
    let mut redaction = Redaction::default();
    let mut warnings = Vec::new();
    if let (Some((_, envp)), true) = (start, problems.is_empty()) {
        let environ = envp.to_bytes();
        let mut resolution = resolve(&Inputs { config, args: &[], environ: &environ, world }, &mut problems);
        resolution.look_ahead(&mut problems);
        redaction = Redaction::of(&resolution.env);
        warnings = resolution.plan.shutdown.warnings();
    } else if problems.is_empty() {
        // What depends on the environment is not judged without one.
        warnings = shutdown::resolve(config, &Environment::default(), &mut Problems::default()).warnings();
    }
    if problems.is_empty() {
        let warnings = joined(&mut warnings.iter().map(|text| format!("{}: warning: {text}\n", source.name)), "");
        Ok(format!("{warnings}{}: in order\n", source.name))
    } else {
        Err(explained(problems, source, &redaction))
    }
}

/// Every problem, without the secrets that were resolved.
fn explained(problems: Problems, source: &Source, redaction: &Redaction) -> Vec<String> {
    problems.explain(source).iter().map(|problem| redaction.sentence(problem)).collect()
}

fn loaded(file: &ConfigFile) -> Result<Loaded, Vec<String>> {
    let path = find(file).ok_or_else(|| vec![format!("there is no configuration: {USUAL} does not exist")])?;
    load(path)
}

/// Resolves everything, has it shown, and explains what is wrong.
fn resolved(
    file: &ConfigFile,
    args: &[Vec<u8>],
    envp: Words,
    show: &dyn Fn(&mut Resolution<'_>, &Config, &mut Problems) -> String,
) -> Result<String, Vec<String>> {
    let loaded = loaded(file)?;
    let Loaded { config, source, world } = &loaded;
    let environ = envp.to_bytes();
    let mut problems = Problems::default();
    let mut resolution = resolve(&Inputs { config, args, environ: &environ, world }, &mut problems);
    let shown = problems.is_empty().then(|| show(&mut resolution, config, &mut problems));
    match shown {
        Some(shown) if problems.is_empty() => Ok(shown),
        _ => Err(explained(problems, source, &Redaction::of(&resolution.env))),
    }
}

/// What would happen, in order.
pub fn plan(file: &ConfigFile, args: Words, envp: Words, as_json: bool) -> Result<String, Vec<String>> {
    let args = args.to_bytes();
    resolved(file, &args, envp, &|resolution, config, problems| {
        let steps = planned_steps(resolution, config, problems);
        let shown = Shown { redaction: Redaction::of(&resolution.env), resolution, config, steps };
        if as_json { shown.json() } else { shown.text() }
    })
}

/// The files that would be written; of those that are named, or all.
pub fn render(file: &ConfigFile, targets: Words, envp: Words) -> Result<String, Vec<String>> {
    let targets = targets.to_bytes();
    resolved(file, &[], envp, &|resolution, config, problems| {
        let redaction = Redaction::of(&resolution.env);
        let wanted = |file: &File| {
            let target = file.target.as_os_str().as_bytes();
            targets.is_empty() || targets.iter().any(|wanted| wanted == target)
        };
        let mut files = planned_files(resolution, config, problems);
        files.retain(wanted);
        // A template can make anything of a secret, which nobody could find in the result: what is shown is made without.
        let env = resolution.env.clone();
        resolution.env.mask();
        let shown = planned_files(resolution, config, &mut Problems::default());
        resolution.env = env;
        for target in &targets {
            let name = String::from_utf8_lossy(target);
            if !files.iter().any(|file| *file.target.as_os_str() == *name) {
                problems.add(format_args!("no template writes {name}"));
            }
        }
        // One alone is the file itself, several have their names above them.
        let mut text = String::new();
        for file in &files {
            if files.len() > 1 {
                let _ = writeln!(text, "==> {} <==", file.target.display());
            }
            match shown.iter().find(|shown| shown.target == file.target) {
                Some(shown) => text += &String::from_utf8_lossy(&redaction.apply(&shown.content)),
                None => text += "[secret]\n",
            }
        }
        text
    })
}

type Steps = Vec<(String, Planned)>;

fn planned_steps(resolution: &mut Resolution<'_>, config: &Config, problems: &mut Problems) -> Steps {
    if !resolution.meeting.setup {
        return Vec::new();
    }
    let mut steps = Vec::new();
    for (index, step) in config.steps.iter().enumerate() {
        steps.push((step_name(step, index), resolution.planned(index, problems)));
    }
    steps
}

fn planned_files(resolution: &mut Resolution<'_>, config: &Config, problems: &mut Problems) -> Vec<File> {
    let mut all = Vec::new();
    for (_, planned) in planned_steps(resolution, config, problems) {
        match planned {
            Planned::Do(Action::Write(files)) => all.extend(files),
            Planned::Do(_) | Planned::Nothing | Planned::Later => {}
        }
    }
    all
}

/// A plan, as it is shown.
struct Shown<'a> {
    resolution: &'a Resolution<'a>,
    config: &'a Config,
    steps: Steps,
    redaction: Redaction,
}

impl Shown<'_> {
    fn word(&self, bytes: &[u8]) -> String {
        String::from_utf8_lossy(&self.redaction.apply(bytes)).into_owned()
    }

    fn argv(&self) -> Vec<String> {
        let words = self.redaction.command_line(&self.resolution.plan);
        words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    fn value(&self, found: &Resolved) -> Option<String> {
        let value = found.value.as_deref()?;
        Some(if found.secret { "[secret]".to_owned() } else { self.word(value) })
    }

    /// The described variables, whose values onset has to answer for.
    fn variables(&self) -> impl Iterator<Item = (&String, &Resolved)> {
        let all = self.resolution.env.variables().iter();
        all.filter(|(name, found)| {
            self.config.env.contains_key(name) || found.origin != crate::plan::env::Origin::Container
        })
    }

    fn process(&self) -> Vec<(&'static str, String)> {
        let plan = &self.resolution.plan;
        let state = &plan.process;
        let mut lines = Vec::new();
        let mut say = |what, how: String| lines.push((what, how));
        if let Some(identity) = &plan.identity {
            let mut groups = joined(&mut identity.groups.iter().map(u32::to_string), ", ");
            if groups.is_empty() {
                groups += "none";
            }
            say("user", format!("{}:{}, other groups: {groups}", identity.uid, identity.gid));
        }
        if let Some(path) = &state.workdir {
            say("workdir", self.word(path.as_os_str().as_bytes()));
        }
        if let Some(umask) = state.umask {
            say("umask", format!("{umask:04o}"));
        }
        for (resource, soft, hard) in &state.limits {
            let shown = |limit: &Option<u64>| match limit {
                None => "as it is".to_owned(),
                Some(limit::UNLIMITED) => "unlimited".to_owned(),
                Some(limit) => limit.to_string(),
            };
            say("limit", format!("{} {} (at most {})", limit::name(*resource), shown(soft), shown(hard)));
        }
        if let Some(score) = state.oom_score_adj {
            say("oom_score_adj", score.to_string());
        }
        if let Some(nice) = state.nice {
            say("nice", nice.to_string());
        }
        if state.no_new_privs {
            say("no_new_privs", "true".to_owned());
        }
        if let Some(mask) = state.bounding {
            say("bounding", crate::plan::capability::names(mask));
        }
        if state.ambient != 0 {
            say("ambient", crate::plan::capability::names(state.ambient));
        }
        if plan.shutdown != Shutdown::default() {
            say("stop", self.word(plan.shutdown.describe().as_bytes()));
        }
        lines
    }

    #[inline(never)]
    fn text(&self) -> String {
        let mut text = String::new();
        let setup = if self.resolution.meeting.setup { "" } else { " (no set-up: not in `setup_for`)" };
        let argv = joined(&mut self.argv().iter().map(|word| quoted(word)), " ");
        let _ = writeln!(text, "command: {argv}{setup}");
        for (what, how) in self.process() {
            let _ = writeln!(text, "{what}: {how}");
        }
        let _ = writeln!(text, "environment:");
        for (name, found) in self.variables() {
            let value = self.value(found).map_or("(not set)".to_owned(), |value| quoted(&value));
            let name = quoted(name);
            let _ = writeln!(text, "  {name}={value}  # {}", found.origin);
        }
        let _ = writeln!(text, "steps:");
        for (name, action) in &self.steps {
            let action = match action {
                Planned::Do(action) => describe(action),
                Planned::Nothing => "nothing, its condition does not hold".to_owned(),
                Planned::Later => LATER.to_owned(),
            };
            let _ = writeln!(text, "  {name}: {}", self.word(action.as_bytes()));
        }
        text
    }

    #[inline(never)]
    fn json(&self) -> String {
        // In the order of their names, and a name once: there may be several limits.
        let mut process: Vec<(&'static str, String)> = Vec::new();
        for (what, how) in self.process() {
            let place = process.partition_point(|(name, _)| *name < what);
            match process.get_mut(place) {
                Some((name, all)) if *name == what => *all = format!("{all}, {how}"),
                Some(_) | None => process.insert(place, (what, how)),
            }
        }
        let mut json = Json::default();
        json.open("", '{');
        json.open("argv", '[');
        for word in self.argv() {
            json.text("", Some(&word));
        }
        json.close(']');
        json.open("environment", '[');
        for (name, found) in self.variables() {
            json.open("", '{');
            json.text("from", Some(&found.origin.to_string()));
            json.text("name", Some(name));
            json.text("value", self.value(found).as_deref());
            json.close('}');
        }
        json.close(']');
        json.open("process", '{');
        for (what, how) in &process {
            json.text(what, Some(how));
        }
        json.close('}');
        json.word("setup", if self.resolution.meeting.setup { "true" } else { "false" });
        json.open("steps", '[');
        for (name, action) in &self.steps {
            let action = match action {
                Planned::Do(action) => Some(self.word(describe(action).as_bytes())),
                Planned::Nothing => None,
                Planned::Later => Some(LATER.to_owned()),
            };
            json.open("", '{');
            json.text("action", action.as_deref());
            json.text("step", Some(name));
            json.close('}');
        }
        json.close(']');
        json.close('}');
        json.finish()
    }
}

/// A word as a shell would have to be given it, so that it can be told where it ends.
fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "_-./:=,+@%".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// What is said of a step that cannot be decided yet.
const LATER: &str = "depends on what an earlier step finds out";

fn joined(all: &mut dyn Iterator<Item = String>, between: &str) -> String {
    let all: Vec<String> = all.collect();
    all.join(between)
}

fn command(program: &Program) -> String {
    let words = joined(&mut program.argv.iter().map(|word| quoted(&word.to_string_lossy())), " ");
    let user = program.identity.as_ref().map(|identity| format!(" as {}:{}", identity.uid, identity.gid));
    format!("{words}{}", user.unwrap_or_default())
}

/// What an action does, in a line.
fn describe(action: &Action) -> String {
    let owner = |owner: &Ownership| match owner {
        Ownership { uid: None, gid: None } => String::new(),
        owner => format!(", owner {owner}"),
    };
    match action {
        Action::Directory { path, mode, owner: to, parents: _ } => {
            let mode = mode.map_or(String::new(), |mode| format!(", mode {mode:04o}"));
            format!("make the directory {}{mode}{}", path.display(), owner(to))
        }
        Action::Copy { from, to, .. } => format!("copy {} to {}", from.display(), to.display()),
        Action::Symlink { path, target, .. } => format!("link {} to {}", path.display(), target.display()),
        Action::Remove { paths } => {
            format!("remove {}", joined(&mut paths.iter().map(|path| path.display().to_string()), ", "))
        }
        Action::Owner { path, owner: to, flat } => {
            let what = if *flat { "of" } else { "of all below" };
            format!("change the owner {what} {}{}", path.display(), owner(to))
        }
        Action::Edit(Edit { old, new, changes }) => {
            let changes = if changes.is_empty() { "nothing to change".to_owned() } else { changes.join(", ") };
            let mode = match old {
                None => format!(", a new file, mode {:04o}", new.mode),
                Some(_) if new.keep_mode => String::new(),
                Some(_) => format!(", mode {:04o}", new.mode),
            };
            format!("edit {}{mode}{}: {changes}", new.target.display(), owner(&new.owner))
        }
        Action::Read(read) => {
            let missing = match &read.fallback {
                Fallback::Refuse => "",
                Fallback::Keep => ", if it is there",
                Fallback::Value { .. } => ", or to the default",
            };
            format!("set {} to {} of {}{missing}", read.into, read.query, read.path.display())
        }
        Action::Write(files) => {
            let mut each = files.iter().map(|file| {
                let bytes = file.content.len();
                format!("{} ({bytes} bytes, mode {:04o}{})", file.target.display(), file.mode, owner(&file.owner))
            });
            if files.is_empty() { "write nothing".to_owned() } else { format!("write {}", joined(&mut each, ", ")) }
        }
        Action::Run(run) => {
            let unless = run.unless.as_ref().map_or(String::new(), |unless| format!(", unless {}", command(unless)));
            format!("run {}{unless}", command(&run.program))
        }
        Action::PrintedEnv(env) => format!("set the variables that {} prints", command(&env.program)),
        Action::Hooks(hooks) => {
            let mut each = hooks.iter().map(|hook| match &hook.kind {
                HookKind::Run(program) => format!("run {} for {}", command(program), hook.path.display()),
                HookKind::Variables => format!("set the variables in {}", hook.path.display()),
                HookKind::Steps => format!("do the steps in {}", hook.path.display()),
                HookKind::Ignored => format!("leave {} alone, it is not executable", hook.path.display()),
            });
            if hooks.is_empty() { "nothing: no hook found".to_owned() } else { joined(&mut each, "; ") }
        }
        Action::Wait(wait) => {
            let each = joined(&mut wait.targets.iter().map(ToString::to_string), ", ");
            format!("wait for {each}, {:?} at most", wait.timeout)
        }
        Action::Generate(secret) => {
            let into = secret.into.as_ref().map_or(String::new(), |name| format!(", into {name}"));
            format!("make the secret {} if it is not there{into}", secret.path.display())
        }
        Action::Lock { path, timeout } => format!("lock {}, waiting for up to {timeout:?}", path.display()),
        Action::Stdio(uid) => match uid {
            Some(uid) => format!("give stdout and stderr to {uid}"),
            None => "nothing: stdout and stderr are the application's already".to_owned(),
        },
        Action::Check(check) => match &check.path {
            Some(path) => format!("make sure of {}", path.display()),
            None => "make sure of a condition".to_owned(),
        },
        Action::Set(learned) => {
            format!("set {}", joined(&mut learned.iter().map(|learned| learned.name.clone()), ", "))
        }
    }
}
