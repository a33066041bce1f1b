//! What `--help` prints, of onset and of its subcommands that need more than a line.

use super::options::{Flag, OPTIONS};
use super::{beside, options};
use std::fmt::Write;

/// What help is asked for, and what a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// onset itself; `check`, `plan` and `render` too.
    Onset,
    /// `onset probe`
    Probe,
    /// `onset exec`
    Exec,
    /// `onset sleep`
    Sleep,
}

/// The usage line.
pub fn usage(topic: Topic) -> &'static str {
    match topic {
        Topic::Onset => "usage: onset [OPTIONS] [--] COMMAND [ARGS...]",
        Topic::Probe => "usage: onset probe [OPTIONS] TARGET...",
        Topic::Exec => "usage: onset exec [OPTIONS] [--] COMMAND [ARGS...]",
        Topic::Sleep => "usage: onset sleep TIME",
    }
}

/// What `--help` prints.
pub fn help(topic: Topic) -> String {
    match topic {
        Topic::Onset => onset(),
        Topic::Probe => page(topic, PROBE, &beside::PROBE, PROBE_EXAMPLES),
        Topic::Exec => page(topic, EXEC, &beside::EXEC, EXEC_EXAMPLES),
        Topic::Sleep => page(topic, SLEEP, &[&options::HELP], SLEEP_EXAMPLES),
    }
}

fn page(topic: Topic, about: &str, flags: &[&Flag], examples: &str) -> String {
    let mut text = format!("{}\n\n{about}\nOptions:\n", usage(topic));
    for flag in flags {
        text += &flag.line();
    }
    text + "\n" + examples
}

#[inline(never)]
fn onset() -> String {
    let mut text = format!(
        "onset {}: PID 1 for containers that have no shell\n\n{}\n\n\
         Starts COMMAND as the main process, forwards every signal to it, reaps every orphan, ends with its status.\n\
         A configuration says what is to be done before. Options end at the first word that is not one, or at `--`.\n\n\
         Options:\n",
        env!("CARGO_PKG_VERSION"),
        usage(Topic::Onset),
    );
    for flag in OPTIONS {
        text += &flag.line();
    }
    text += "\nWithout starting anything, and without changing anything:\n";
    text += &commands(&[
        ("check [--env]", "is the configuration in order?"),
        ("plan [--format json] [ARGS...]", "what would happen, in order; secrets are not shown"),
        ("render [TARGET...]", "the files that would be written; secrets are not shown"),
    ]);
    text += "\nIn a container that runs (`onset probe --help` says more, and so on):\n";
    text += &commands(&[
        ("probe [OPTIONS] TARGET...", "does it answer, is it ready? for health checks"),
        ("exec [OPTIONS] [--] COMMAND...", "COMMAND with the application's environment and user"),
        ("sleep TIME", "for preStop hooks, where no sleep is"),
    ]);
    text += "\nExit status: COMMAND's own; 128+n if signal n ended it; 127 not found; 126 not executable;\n\
             125 onset's own refusal. Reports go to stderr, one line each.\n";
    text
}

fn commands(commands: &[(&str, &str)]) -> String {
    let mut lines = String::new();
    for (command, help) in commands {
        let _ = writeln!(lines, "  onset {command:<32}{help}");
    }
    lines
}

const PROBE: &str = "\
Asks once whether all TARGETs hold, prints one line, and ends with 0 if they do, with 1 if one does not.

Targets:
  http://HOST[:PORT][/PATH]  a page is answered, with a status of 200 to 399; redirects are not followed
  tcp:HOST:PORT              somebody listens there
  unix:/PATH                 somebody listens on that socket
  file:/PATH                 a file is there
  ready                      onset says that the application runs, and is not asked to stop
  live                       onset says that the application has not ended
  started                    onset says that the application is prepared

`${NAME}` and `${NAME:-default}` in targets, headers, texts and socket paths stand for the application's variables, as
onset resolved them; where they may not be read, for the container's. A `$` is written `$$`.
";

const PROBE_EXAMPLES: &str = "\
Examples:
  HEALTHCHECK CMD [\"/onset\", \"probe\", \"http://localhost:${PORT:-8080}/health\"]
  onset probe --timeout 1s ready tcp:localhost:5432
  onset probe -H 'Authorization: Bearer ${TOKEN}' --status 200 --contains '\"ok\"' http://localhost/status
  onset probe --unix-socket /run/app.sock http://localhost/health
  onset probe --younger-than 1m file:/run/app/heartbeat

Exit status: 0 all hold; 1 one does not, or there was no answer in time; 125 wrong usage.
";

const EXEC: &str = "\
Becomes COMMAND, which finds what the application found when it was started: its environment, working directory, umask
and user. For `docker exec` and `kubectl exec`, which know only what the container was given.
TERM, LINES and COLUMNS stay the caller's if the application has none.
";

const EXEC_EXAMPLES: &str = "\
Examples:
  docker exec -it web /onset exec -- /app/console
  kubectl exec web -- /onset exec -- /app/migrate status

Exit status: COMMAND's own; 127 not found; 126 not executable; 125 onset's own refusal.
";

const SLEEP: &str = "\
Waits, and ends with 0. TIME is a number of seconds, or a number with ms, s, m, h or d behind it: 5, 0.5, 500ms, 2m; or
`infinity`. A signal ends it at once, as it does sleep(1), also as PID 1.
";

const SLEEP_EXAMPLES: &str = "\
Example:
  lifecycle: { preStop: { exec: { command: [\"/onset\", \"sleep\", \"5s\"] } } }
";
