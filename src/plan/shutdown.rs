//! From `[shutdown]`, `[signals]`, `[exit]` and `[report]` to the policy that PID 1 follows.

use super::env::{Environment, LONGEST_VALUE};
use super::resolve::path;
use crate::config::model::{self, Config, StopTarget};
use crate::config::problem::Problems;
use crate::config::shutdown::exit_status;
use crate::config::types::{SignalName, TIME_ACCEPTED, Text, YesOr, parse_time};
use crate::policy::{Ladder, MOST_RUNGS, Policy, Rung, Target};
use crate::record::StopCommand;
use crate::report::{Format, Level, termination};
use crate::sys::signal::{Signal, SignalSet};
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

/// The longest path of another file for that, in bytes: it is told to PID 1 in one message.
const LONGEST_PATH: usize = 1024;
/// How long a stop command may take, where `timeout` does not say otherwise.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it has to end then, where `grace` does not say otherwise.
const COMMAND_GRACE: Duration = Duration::from_secs(2);
/// How much longer the process that runs them may take to be done with one.
const COMMAND_SLACK: Duration = Duration::from_millis(500);

/// All that a configuration says of the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shutdown {
    /// For PID 1, but for what the command line says.
    policy: Policy,
    /// To whom the stop signals go; `None`: to whom all others go.
    target: Option<Target>,
    /// How long the platform waits.
    budget: Option<Duration>,
    /// What is to be run at the beginning.
    pub commands: Vec<StopCommand>,
    /// Where the reason of the end goes; empty: nowhere.
    pub last_words: PathBuf,
}

impl Default for Shutdown {
    fn default() -> Self {
        let policy = Policy::plain(Target::Main, Format::default(), Level::default());
        let last_words = PathBuf::from(termination::USUAL);
        Shutdown { policy, target: None, budget: None, commands: Vec::new(), last_words }
    }
}

impl Shutdown {
    /// The policy, with what the command line says of forwarding, and how reports are written.
    pub fn policy(&self, forward_to: Target, format: Format, level: Level) -> Policy {
        Policy { forward_to, target: self.target.unwrap_or(forward_to), format, level, ..self.policy }
    }

    /// Whether there is anything that only a supervisor can do.
    pub fn needs_supervisor(&self) -> bool {
        let plain = Shutdown::default();
        self.policy != plain.policy || self.target.is_some()
    }

    /// What users are to know, and what stops nothing.
    pub fn warnings(&self) -> Vec<String> {
        let Policy { stop_on, rewrites, exit, .. } = self.policy;
        let mut warnings = Vec::new();
        for signal in stop_on.iter().filter(|&signal| rewrites.get(signal).is_none()) {
            warnings.push(format!("{signal} asks to stop, and `signals` drops it: nothing will stop"));
        }
        if exit.get(137) != 137 {
            let oom = "where runtimes look for an OOM kill: one would go unseen";
            warnings.push(format!("`exit` maps 137, which is {oom}"));
        }
        warnings.extend(self.too_long());
        warnings
    }

    /// That a stop may take longer than the platform waits.
    fn too_long(&self) -> Option<String> {
        let budget = self.budget?;
        let Policy { drain, commands, ladder, linger, .. } = self.policy;
        let Some(longest) = self.policy.longest_stop() else {
            let text =
                "the application has as long as it likes to end: a `grace` limits it, or a `wait` of the last rung";
            return Some(format!("`shutdown.budget` is {budget:?}, and {text}"));
        };
        if longest <= budget {
            return None;
        }
        let parts = [
            ("drain", drain.max(commands.unwrap_or_default())),
            ("grace", ladder.length().unwrap_or_default()),
            ("linger", linger.unwrap_or_default()),
        ];
        let mut told = Vec::new();
        for (name, time) in parts.iter().filter(|(_, time)| !time.is_zero()) {
            told.push(format!("{name} {time:?}"));
        }
        let text = "the platform kills everything before that";
        Some(format!("a stop may take {longest:?} ({}), and `shutdown.budget` is {budget:?}: {text}", told.join(", ")))
    }

    /// What happens from the stop signal on, in a line.
    pub fn describe(&self) -> String {
        let Policy { stop_on, rewrites, drain, ladder, linger, exit, .. } = self.policy;
        let asks = |signal: Signal| {
            rewrites.get(signal).is_some_and(|sent| stop_on.contains(signal) || stop_on.contains(sent))
        };
        let mut on = Vec::new();
        for signal in Signal::all().filter(|&signal| asks(signal)) {
            on.push(signal.to_string());
        }
        let on = if on.is_empty() { "nothing".to_owned() } else { on.join(", ") };
        let mut text = format!("on {on}:");
        let mut add = |part: std::fmt::Arguments<'_>| {
            let comma = if text.ends_with(':') { "" } else { "," };
            let _ = write!(text, "{comma} {part}");
        };
        if !drain.is_zero() {
            add(format_args!("drain {drain:?}"));
        }
        if !self.commands.is_empty() {
            add(format_args!("{} stop commands", self.commands.len()));
        }
        for rung in ladder.rungs() {
            match rung.signal {
                Some(signal) => add(format_args!("{signal}")),
                None => add(format_args!("the same signal")),
            }
            match rung.wait {
                Some(wait) => add(format_args!("{wait:?}")),
                None => add(format_args!("as long as it likes")),
            }
        }
        if ladder.length().is_some() {
            add(format_args!("SIGKILL"));
        }
        if let Some(linger) = linger {
            add(format_args!("{linger:?} for the rest"));
        }
        for signal in Signal::all().filter(|&signal| rewrites.get(signal) != Some(signal)) {
            match rewrites.get(signal) {
                Some(sent) => write!(text, "; {signal} becomes {sent}"),
                None => write!(text, "; {signal} is dropped"),
            }
            .unwrap_or_default();
        }
        for status in (0..=u8::MAX).filter(|&status| exit.get(status) != status) {
            let _ = write!(text, "; status {status} becomes {}", exit.get(status));
        }
        text
    }
}

/// Resolves it; what is wrong is added to `problems`, and counts for nothing in the result.
pub fn resolve(config: &Config, env: &Environment, problems: &mut Problems) -> Shutdown {
    let mut all = Shutdown { last_words: last_words(config, env, problems), ..Shutdown::default() };
    for (key, rewrite) in &config.signals {
        if let Some(signal) = Signal::from_name(key) {
            all.policy.rewrites.set(signal, rewrite.to);
        }
    }
    for (key, status) in &config.exit {
        if let Some(from) = exit_status(key) {
            all.policy.exit.set(from, status.status);
        }
    }
    all.policy.start_timeout = config.app.as_ref().and_then(|app| app.start_timeout).map(|timeout| timeout.0);
    if let Some(shutdown) = &config.shutdown {
        add(shutdown, env, &mut all, problems);
    }
    all
}

fn add(shutdown: &model::Shutdown, env: &Environment, all: &mut Shutdown, problems: &mut Problems) {
    let mut time = |text: &Option<Text>| text.as_ref().and_then(|text| self::time(text, env, problems));
    let policy = &mut all.policy;
    policy.resume = true;
    policy.drain = time(&shutdown.drain).unwrap_or_default();
    policy.linger = time(&shutdown.linger);
    all.budget = time(&shutdown.budget);
    let signal = |name: &Option<SignalName>| name.as_ref().map(|name| name.signal);
    let mut rungs = Vec::new();
    if shutdown.ladder.is_empty() {
        rungs.push(Rung { signal: signal(&shutdown.signal), wait: time(&shutdown.grace) });
    }
    for rung in shutdown.ladder.iter().take(MOST_RUNGS) {
        rungs.push(Rung { signal: signal(&rung.signal), wait: time(&rung.wait) });
    }
    policy.ladder = Ladder::of(&rungs).unwrap_or(policy.ladder);
    let before_last = shutdown.ladder.split_last().map_or(&[][..], |(_, before)| before);
    for wait in before_last.iter().filter_map(|rung| rung.wait.as_ref()) {
        if env.expand(wait, LONGEST_VALUE, &mut Problems::default()).is_some_and(|wait| wait.is_empty()) {
            problems.at(wait.place, "`wait` is empty: the next signal would never be sent");
        }
    }
    if let Some(names) = &shutdown.on {
        policy.stop_on = SignalSet::NONE;
        names.iter().for_each(|name| policy.stop_on.insert(name.signal));
    }
    all.target = shutdown.target.map(|target| match target {
        StopTarget::Main => Target::Main,
        StopTarget::Group => Target::Group,
        StopTarget::All => Target::All,
    });
    for command in &shutdown.run {
        if let Some(command) = stop_command(command, env, problems) {
            let longest = command.timeout.saturating_add(command.grace).saturating_add(COMMAND_SLACK);
            all.policy.commands = Some(all.policy.commands.unwrap_or_default().saturating_add(longest));
            all.commands.push(command);
        }
    }
}

fn stop_command(command: &model::StopCommand, env: &Environment, problems: &mut Problems) -> Option<StopCommand> {
    let mut time = |text: &Option<Text>, absent| match text {
        Some(text) => self::time(text, env, problems).unwrap_or(absent),
        None => absent,
    };
    let (timeout, grace) = (time(&command.timeout, COMMAND_TIMEOUT), time(&command.grace, COMMAND_GRACE));
    let argv = env.expand_each(&command.command, problems);
    if argv.len() != command.command.len() {
        return None;
    }
    if argv.iter().any(|word| word.contains(&0)) || argv.first().is_none_or(Vec::is_empty) {
        problems.at(command.place, "this is no command: its program is empty, or a word has a NUL byte in it");
        return None;
    }
    Some(StopCommand { argv, timeout, grace })
}

/// A time from a text; nothing from an empty one.
fn time(text: &Text, env: &Environment, problems: &mut Problems) -> Option<Duration> {
    let value = env.expand(text, LONGEST_VALUE, problems).filter(|value| !value.is_empty())?;
    let time = std::str::from_utf8(&value).ok().and_then(parse_time);
    if time.is_none() {
        let shown = if env.is_secret(text) { "[secret]".into() } else { String::from_utf8_lossy(&value) };
        problems.at(text.place, format!("`{shown}` is no time: {TIME_ACCEPTED}"));
    }
    time
}

fn last_words(config: &Config, env: &Environment, problems: &mut Problems) -> PathBuf {
    let usual = || PathBuf::from(termination::USUAL);
    match config.report.as_ref().and_then(|report| report.termination_message.as_ref()) {
        None | Some(YesOr::Plain(true)) => usual(),
        Some(YesOr::Plain(false)) => PathBuf::new(),
        Some(YesOr::So(text)) => match path(text, env, problems) {
            Some(path) if path.is_absolute() && path.as_os_str().len() <= LONGEST_PATH => path,
            Some(_) => {
                let accepted = format!("accepted is an absolute one of {LONGEST_PATH} bytes at most");
                problems.at(text.place, format!("this is no path for the termination message: {accepted}"));
                usual()
            }
            None => usual(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Source, parse};
    use crate::plan::resolve::{Inputs, resolve};
    use crate::plan::world::World;
    use crate::plan::world::fake::FakeWorld;
    use std::sync::Arc;

    /// What this text and these variables come to, and every problem.
    fn resolved(text: &str, environ: &[&str], args: &[&str]) -> (Shutdown, Vec<String>) {
        let text = format!("version = 1\n[app]\ncommand = ['/app']\n{text}");
        let (config, source) = parse(Source { name: "t".to_owned(), text, hidden: Vec::new() }).unwrap();
        let world: Arc<dyn World> = Arc::new(FakeWorld::default());
        let [environ, args] =
            [environ, args].map(|all| all.iter().map(|one| one.as_bytes().to_vec()).collect::<Vec<_>>());
        let mut problems = Problems::default();
        let resolution = resolve(&Inputs { config, args: &args, environ: &environ, world: &world }, &mut problems);
        (resolution.plan.shutdown, problems.explain(&source))
    }

    fn well(text: &str, environ: &[&str]) -> Shutdown {
        let (shutdown, problems) = resolved(text, environ, &[]);
        assert_eq!(problems, Vec::<String>::new());
        shutdown
    }

    fn signal(number: i32) -> Signal {
        Signal::new(number).unwrap()
    }

    #[test]
    fn without_a_word_it_is_the_plain_one() {
        assert_eq!(well("", &[]), Shutdown::default());
        assert!(!well("", &[]).needs_supervisor());
        let group = Shutdown::default().policy(Target::Group, Format::Text, Level::Warn);
        assert_eq!(group, Policy::plain(Target::Group, Format::Text, Level::Warn));
    }

    #[test]
    fn everything_reaches_the_policy() {
        let text = "start_timeout = '1m'\n[shutdown]\non = ['WINCH']\ndrain = '${D:-5s}'\nsignal = 'QUIT'\ngrace = '20s'\n\
                    target = 'all'\nlinger = '500ms'\n[signals]\nHUP = 'USR1'\nWINCH = 'drop'\n[exit]\nSIGTERM = 0\n";
        let shutdown = well(text, &[]);
        let policy = shutdown.policy(Target::Group, Format::Json, Level::Info);
        let seconds = Duration::from_secs;
        assert_eq!(policy.stop_on.iter().collect::<Vec<_>>(), [signal(28)]);
        assert_eq!((policy.drain, policy.linger), (seconds(5), Some(Duration::from_millis(500))));
        assert_eq!(policy.ladder.rungs(), [Rung { signal: Some(Signal::QUIT), wait: Some(seconds(20)) }]);
        assert_eq!((policy.target, policy.forward_to), (Target::All, Target::Group));
        assert_eq!(policy.rewrites.get(signal(1)), Some(signal(10)));
        assert_eq!(policy.rewrites.get(signal(28)), None);
        assert_eq!((policy.exit.get(143), policy.start_timeout), (0, Some(seconds(60))));
        assert!(policy.resume && shutdown.needs_supervisor());
        // SIGWINCH, which is the only one, is dropped.
        let text = "on nothing: drain 5s, SIGQUIT, 20s, SIGKILL, 500ms for the rest; SIGHUP becomes SIGUSR1; SIGWINCH is dropped; \
                    status 143 becomes 0";
        assert_eq!(shutdown.describe(), text);
        assert_eq!(well(text_with("drain = '${D:-5s}'").as_str(), &["D=1m"]).policy.drain, seconds(60));
    }

    fn text_with(line: &str) -> String {
        format!("[shutdown]\n{line}\n")
    }

    #[test]
    fn a_ladder_and_commands_have_their_times() {
        let text = "[shutdown]\nladder = [{ signal = 'TERM', wait = '20s' }, { signal = 'QUIT' }]\n\
                    [[shutdown.run]]\ncommand = ['/bin/bye', '${NAME}']\ntimeout = '3s'\n[[shutdown.run]]\ncommand = ['/x']\n";
        let shutdown = well(text, &["NAME=me"]);
        assert_eq!(shutdown.commands[0].argv, [b"/bin/bye".to_vec(), b"me".to_vec()]);
        assert_eq!(shutdown.policy.commands, Some(Duration::from_secs(3 + 2 + 10 + 2 + 1)));
        assert_eq!(shutdown.policy.ladder.length(), None);
        let text = "on SIGINT, SIGQUIT, SIGTERM: 2 stop commands, SIGTERM, 20s, SIGQUIT, as long as it likes";
        assert_eq!(shutdown.describe(), text);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_without_secrets() {
        let text = "[shutdown]\ndrain = '${D}'\nladder = [{ wait = '${EMPTY:-}' }, { wait = '${G}' }]\nlinger = '${S}'\n\
                    [env.S]\nsecret = true\n[report]\ntermination_message = 'x'\n";
        let (_, problems) = resolved(text, &["D=soon", "G=5", "S=hunter2"], &[]);
        assert_eq!(problems.len(), 5, "{problems:?}");
        assert!(problems.iter().any(|problem| problem.contains("`wait` is empty: the next signal")), "{problems:?}");
        assert!(
            problems.iter().any(|problem| problem.starts_with("t:5:9: `soon` is no time: accepted are")),
            "{problems:?}"
        );
        assert!(problems.iter().any(|problem| problem.contains("`[secret]` is no time")), "{problems:?}");
        assert!(problems.iter().any(|problem| problem.contains("no path for the termination message")));
        assert!(!problems.concat().contains("hunter2"));
    }

    #[test]
    fn a_stop_that_takes_longer_than_the_platform_waits_is_a_warning() {
        let warning = |lines: &str| well(&text_with(lines), &[]).warnings().pop();
        assert_eq!(warning("drain = '5s'\ngrace = '20s'\nbudget = '30s'"), None);
        assert_eq!(warning("drain = '5s'\ngrace = '20s'"), None);
        let text = "a stop may take 36s (drain 5s, grace 30s, linger 1s), and `shutdown.budget` is 30s: \
                    the platform kills everything before that";
        assert_eq!(warning("drain = '5s'\ngrace = '30s'\nlinger = '1s'\nbudget = '30s'").as_deref(), Some(text));
        assert!(warning("drain = '5s'\nbudget = '30s'").is_some_and(|text| text.contains("a `grace` limits it")));
    }

    #[test]
    fn what_makes_a_stop_or_an_oom_kill_go_unseen_is_a_warning() {
        let shutdown = well("[signals]\nTERM = 'drop'\n[exit]\n137 = 0\n", &[]);
        let warnings = shutdown.warnings();
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].starts_with("SIGTERM asks to stop, and `signals` drops it"), "{warnings:?}");
        assert!(warnings[1].starts_with("`exit` maps 137"), "{warnings:?}");
        let text = "on SIGINT, SIGQUIT: the same signal, as long as it likes; SIGTERM is dropped; status 137 becomes 0";
        assert_eq!(shutdown.describe(), text);
    }

    #[test]
    fn a_command_without_a_set_up_has_no_policy() {
        let (shutdown, problems) = resolved("[shutdown]\ndrain = '5s'\n[exit]\n1 = 0\n", &[], &["/other"]);
        assert_eq!((shutdown, problems), (Shutdown::default(), Vec::new()));
    }

    #[test]
    fn the_termination_message_can_go_elsewhere_or_nowhere() {
        let to = |value: &str| well(&format!("[report]\ntermination_message = {value}\n"), &["P=/x"]).last_words;
        for (value, path) in [("false", ""), ("true", "/dev/termination-log"), ("'${P}/y'", "/x/y")] {
            assert_eq!(to(value), PathBuf::from(path));
        }
    }
}
