//! What the fields about signals and the end cannot say of each other, and the keys that are signals and statuses.

use super::model::{Config, Shutdown};
use super::problem::Problems;
use super::types::{SIGNAL_ACCEPTED, SignalName, TIME_ACCEPTED, Text, parse_time};
use crate::exit;
use crate::policy::MOST_RUNGS;
use crate::sys::signal::{Signal, SignalSet};

/// Checks one table.
pub(super) fn check(shutdown: &Shutdown, problems: &mut Problems) {
    let Shutdown { place, on, drain, signal, grace, ladder, linger, budget, run, .. } = shutdown;
    if !ladder.is_empty() && (signal.is_some() || grace.is_some()) {
        problems.at(*place, "a shutdown has either `ladder`, or `signal` and `grace`");
    }
    if ladder.len() > MOST_RUNGS {
        problems.at(*place, format_args!("a ladder has {MOST_RUNGS} signals at most, not {}", ladder.len()));
    }
    for (index, rung) in ladder.iter().enumerate() {
        let has_no_time = rung.wait.as_ref().is_none_or(|wait| wait.template.constant() == Some(""));
        if has_no_time && index + 1 < ladder.len() {
            problems.at(rung.place, "`wait` is missing: the next signal would never be sent");
        }
        check_signal(rung.signal, problems);
        check_time(rung.wait.as_ref(), problems);
    }
    if let Some(on) = on {
        if on.is_empty() {
            problems.at(*place, "`on` names at least one signal");
        }
        for SignalName { place, signal } in on {
            if !can_come_in(*signal) {
                problems.at(*place, format_args!("{signal} never comes in: it can be none that asks to stop"));
            }
        }
    }
    check_signal(*signal, problems);
    for time in [drain, grace, linger, budget] {
        check_time(time.as_ref(), problems);
    }
    for command in run {
        if command.command.is_empty() {
            problems.at(command.place, super::NO_COMMAND);
        }
        check_time(command.timeout.as_ref(), problems);
        check_time(command.grace.as_ref(), problems);
    }
}

fn check_signal(name: Option<SignalName>, problems: &mut Problems) {
    if let Some(SignalName { place, signal }) = name
        && [Signal::STOP, Signal::CHLD].contains(&signal)
    {
        problems.at(place, format_args!("{signal} asks nobody to end"));
    }
}

/// Checks a time; one with variables in it is for whoever knows the environment.
fn check_time(text: Option<&Text>, problems: &mut Problems) {
    if let Some(text) = text
        && let Some(time) = text.template.constant()
        && !time.is_empty()
        && parse_time(time).is_none()
    {
        problems.at(text.place, format_args!("`{time}` is no time: {TIME_ACCEPTED}"));
    }
}

/// Checks the tables whose keys are signals and statuses.
pub(super) fn check_maps(config: &Config, problems: &mut Problems) {
    let mut seen = SignalSet::NONE;
    for (key, rewrite) in &config.signals {
        match Signal::from_name(key) {
            None => problems.at(rewrite.place, format_args!("`{key}` is no signal: {SIGNAL_ACCEPTED}")),
            Some(signal) if !can_come_in(signal) => {
                problems.at(rewrite.place, format_args!("{signal} never comes in: there is nothing to rewrite"));
            }
            Some(signal) if seen.contains(signal) => {
                problems.at(rewrite.place, format_args!("`{key}` is {signal}, which has another name here as well"));
            }
            Some(signal) => seen.insert(signal),
        }
    }
    let mut seen = [false; 256];
    for (key, status) in &config.exit {
        match exit_status(key) {
            None => {
                let accepted = "accepted are a status from 0 to 255, and the name of a signal for 128 and its number";
                problems.at(status.place, format_args!("`{key}` is no exit status: {accepted}"));
            }
            Some(from) if std::mem::replace(&mut seen[usize::from(from)], true) => {
                problems.at(
                    status.place,
                    format_args!("`{key}` is the exit status {from}, which has another name here as well"),
                );
            }
            Some(_) => {}
        }
    }
}

/// Whether it ever comes in: the kernel keeps two for itself, and SIGCHLD is between it and onset.
fn can_come_in(signal: Signal) -> bool {
    ![Signal::KILL, Signal::STOP, Signal::CHLD].contains(&signal)
}

/// The status that a key of `[exit]` stands for.
pub fn exit_status(key: &str) -> Option<u8> {
    if key.bytes().all(|byte| byte.is_ascii_digit()) {
        return key.parse().ok();
    }
    Signal::from_name(key).map(exit::killed_by)
}

#[cfg(test)]
mod tests {
    use crate::config::{Source, parse};

    fn problems(text: &str) -> Vec<String> {
        let text = format!("version = 1\n{text}");
        let found = parse(Source { name: "t".to_owned(), text, hidden: Vec::new() });
        found.err().unwrap_or_default()
    }

    #[test]
    fn what_a_shutdown_says_is_checked() {
        assert_eq!(problems("[shutdown]\n"), Vec::<String>::new());
        let full = "[shutdown]\non = ['TERM', 28, 'SIGRTMIN+3']\ndrain = '${D:-5s}'\ntarget = 'all'\nlinger = '1s'\n\
                    ladder = [{ signal = 'SIGQUIT', wait = '5s' }, { wait = '1m' }, { signal = 'KILL' }]\n\
                    [[shutdown.run]]\ncommand = ['/x', '${A}']\n[signals]\nHUP = 'USR1'\n28 = 'drop'\n\
                    [exit]\n143 = 0\nSIGINT = 1\n[report]\nformat = 'text'\nlevel = 'warn'\ntermination_message = false\n";
        assert_eq!(problems(full), Vec::<String>::new());
        for (text, said) in [
            (
                "[shutdown]\ngrace = '1s'\nladder = [{ wait = '1s' }]",
                "a shutdown has either `ladder`, or `signal` and `grace`",
            ),
            ("[shutdown]\nladder = [{ }, { wait = '1s' }]", "`wait` is missing: the next signal would never be sent"),
            ("[shutdown]\nladder = [{ wait = '' }, { wait = '1s' }]", "`wait` is missing"),
            ("[shutdown]\non = []", "`on` names at least one signal"),
            ("[shutdown]\non = ['KILL']", "SIGKILL never comes in"),
            ("[shutdown]\non = ['TREM']", "`TREM` is no signal: accepted are names such as SIGTERM"),
            ("[shutdown]\nsignal = 'STOP'", "SIGSTOP asks nobody to end"),
            ("[shutdown]\nsignal = 65", "`65` is no signal"),
            ("[shutdown]\n[[shutdown.run]]\ncommand = []", "a command has at least one word"),
            ("[signals]\nCHLD = 'drop'", "SIGCHLD never comes in"),
            ("[signals]\nSIGFOO = 'drop'", "`SIGFOO` is no signal"),
            ("[signals]\nHUP = 'dorp'", "`dorp` is no signal"),
            ("[exit]\n256 = 0", "`256` is no exit status"),
            ("[exit]\n1 = 256", "out of range"),
            ("[exit]\nSIGX = 0", "`SIGX` is no exit status"),
            ("[shutdown]\ndrain = '5'", "t:3:9: `5` is no time"),
            ("[shutdown]\nladder = [{ wait = 'soon' }]", "`soon` is no time"),
            ("[shutdown]\n[[shutdown.run]]\ncommand = ['/x']\ntimeout = '1y'", "`1y` is no time"),
            ("[signals]\nHUP = 'INT'\n1 = 'QUIT'", "`HUP` is SIGHUP, which has another name here as well"),
            ("[exit]\n143 = 0\nSIGTERM = 1", "`SIGTERM` is the exit status 143, which has another name"),
            ("[app]\ncommand = ['x']\nstart_timeout = '0s'", "`start_timeout` is longer than nothing"),
            ("[report]\nformat = 'xml'", "`xml` is not known here"),
        ] {
            let found = problems(text);
            assert!(found.len() == 1 && found[0].contains(said), "{text}: {found:?}");
        }
        let nine = format!("[shutdown]\nladder = [{}]", "{ wait = '1s' },".repeat(9));
        assert!(problems(&nine)[0].contains("8 signals at most, not 9"));
    }
}
