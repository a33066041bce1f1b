//! The command line: what onset takes, what it prints, and what it refuses. The exact words of each refusal are with
//! the parser; here is what a user meets.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;

use crate::both_modes;
use crate::support::{Finished, Init, Mode, Stdio, sys};

const USAGE: &str = "usage: onset [OPTIONS] [--] COMMAND [ARGS...]";

const HELP: &str = "\
onset 0.1.0: PID 1 for containers that have no shell

usage: onset [OPTIONS] [--] COMMAND [ARGS...]

Starts COMMAND as the main process, forwards every signal to it, reaps every orphan, ends with its status.
A configuration says what is to be done before. Options end at the first word that is not one, or at `--`.

Options:
      --config FILE        the configuration (default /etc/onset/onset.toml, if there) [ONSET_CONFIG]
      --exec               become COMMAND: no supervisor stays behind [ONSET_EXEC]
      --group              forward signals to COMMAND's whole process group [ONSET_GROUP]
      --log-format FORMAT  json (default), gcp, ecs, otel, datadog or text [ONSET_LOG_FORMAT]
      --log-level LEVEL    off, error, warn, info (default) or debug [ONSET_LOG_LEVEL]
      --install DIR        make DIR, and in it links tini, docker-init, dumb-init, catatonit
  -h, --help               print this and exit
  -V, --version            print the version and exit

Without starting anything, and without changing anything:
  onset check [--env]                   is the configuration in order?
  onset plan [--format json] [ARGS...]  what would happen, in order; secrets are not shown
  onset render [TARGET...]              the files that would be written; secrets are not shown

In a container that runs (`onset probe --help` says more, and so on):
  onset probe [OPTIONS] TARGET...       does it answer, is it ready? for health checks
  onset exec [OPTIONS] [--] COMMAND...  COMMAND with the application's environment and user
  onset sleep TIME                      for preStop hooks, where no sleep is

Exit status: COMMAND's own; 128+n if signal n ended it; 127 not found; 126 not executable;
125 onset's own refusal. Reports go to stderr, one line each.
";

/// That onset refuses these words with 125, one line for each problem, and the usage.
#[track_caller]
fn assert_refused(finished: &Finished, problems: &[&str]) {
    let mut expected: Vec<String> = problems.iter().map(|problem| format!("onset: {problem}")).collect();
    expected.push(USAGE.to_owned());
    assert_eq!(finished.stderr().lines().collect::<Vec<_>>(), expected, "{}", finished.story());
    assert!(finished.stderr.ends_with(b"\n"));
    assert_eq!(finished.stdout(), "");
    assert_eq!(finished.code(), 125);
}

fn run(mode: Mode, args: &[&str], env: &[&str]) -> Finished {
    env.iter().fold(Init::new(mode), Init::add_env).args(args).start().finish()
}

/// That these words print exactly this on stdout, and nothing else.
#[track_caller]
fn assert_prints(finished: &Finished, text: &str) {
    assert_eq!(finished.stdout(), text);
    assert_eq!(finished.stderr(), "");
    assert_eq!(finished.code(), 0);
}

both_modes!(help, |mode| {
    assert_prints(&run(mode, &["--help"], &[]), HELP);
    assert_prints(&run(mode, &["-h"], &[]), HELP);
    assert_prints(&run(mode, &["--group", "--help"], &[]), HELP);
    assert_prints(&run(mode, &["--help", "/no/such"], &[]), HELP);
});

both_modes!(version, |mode| {
    for words in ["--version", "-V", "version"] {
        assert_prints(&run(mode, &[words], &[]), "onset 0.1.0\n");
    }
});

both_modes!(no_command_is_refused, |mode| {
    let problem = ["no command: say which program to start"];
    assert_refused(&run(mode, &[], &[]), &problem);
    assert_refused(&run(mode, &["--"], &[]), &problem);
    assert_refused(&run(mode, &["--group"], &[]), &problem);
    assert_refused(&Init::new(mode).no_argv().start().finish(), &problem);
});

both_modes!(an_unknown_option_is_refused, |mode| {
    let accepted = "accepted are --config, --exec, --group, --log-format, --log-level, --install, --help, --version";
    for (word, shown) in
        [("--bogus", "--bogus"), ("-x", "-x"), ("--bogus=value", "--bogus"), ("--Group", "--Group"), ("--gro", "--gro")]
    {
        assert_refused(&run(mode, &[word, "/no/such"], &[]), &[&format!("unknown option `{shown}`: {accepted}")]);
    }
    let finished = Init::new(mode).args([OsStr::from_bytes(b"--\xff"), OsStr::new("/no/such")]).start().finish();
    assert_refused(&finished, &[&format!("unknown option `--\u{fffd}`: {accepted}")]);
});

both_modes!(a_wrong_value_is_refused, |mode| {
    let levels = "accepted are off, error, warn, info (default) or debug";
    let formats = "accepted are json (default), gcp, ecs, otel, datadog or text";
    let refused = |words: &[&str], problem: &str| assert_refused(&run(mode, words, &[]), &[problem]);
    refused(&["--log-level", "loud", "/no/such"], &format!("`--log-level` is `loud`: {levels}"));
    refused(&["--log-level=INFO", "/no/such"], &format!("`--log-level` is `INFO`: {levels}"));
    refused(&["--log-level=", "/no/such"], &format!("`--log-level` is ``: {levels}"));
    refused(&["--log-format", "xml", "/no/such"], &format!("`--log-format` is `xml`: {formats}"));
});

both_modes!(a_missing_value_is_refused, |mode| {
    let finished = run(mode, &["--log-level"], &[]);
    let problem = "`--log-level` needs a value: off, error, warn, info (default) or debug";
    assert_refused(&finished, &[problem]);
});

both_modes!(a_wrong_variable_is_refused, |mode| {
    let refused = |entry: &str, problem: &str| assert_refused(&run(mode, &["/no/such"], &[entry]), &[problem]);
    let booleans = "accepted are 1, true, yes, on, 0, false, no, off";
    refused("ONSET_EXEC=maybe", &format!("ONSET_EXEC is `maybe`: {booleans}"));
    refused("ONSET_GROUP=2", &format!("ONSET_GROUP is `2`: {booleans}"));
    refused(
        "ONSET_LOG_FORMAT=xml",
        "ONSET_LOG_FORMAT is `xml`: accepted are json (default), gcp, ecs, otel, datadog or text",
    );
    refused(
        "ONSET_LOG_LEVEL=loud",
        "ONSET_LOG_LEVEL is `loud`: accepted are off, error, warn, info (default) or debug",
    );
});

both_modes!(all_problems_are_said_at_once, |mode| {
    let words = ["--bogus", "--log-level", "loud", "--log-format=xml", "/no/such"];
    let accepted = "accepted are --config, --exec, --group, --log-format, --log-level, --install, --help, --version";
    let finished = run(mode, &words, &["ONSET_EXEC=maybe", "ONSET_GROUP=maybe", "ONSET_LOG_LEVEL=ignored"]);
    let mut lines: Vec<_> = finished.stderr().lines().map(str::to_owned).collect();
    assert_eq!(lines.pop().as_deref(), Some(USAGE), "{}", finished.story());
    let mut expected = [
        format!("onset: unknown option `--bogus`: {accepted}"),
        "onset: `--log-level` is `loud`: accepted are off, error, warn, info (default) or debug".to_owned(),
        "onset: `--log-format` is `xml`: accepted are json (default), gcp, ecs, otel, datadog or text".to_owned(),
        "onset: ONSET_EXEC is `maybe`: accepted are 1, true, yes, on, 0, false, no, off".to_owned(),
        "onset: ONSET_GROUP is `maybe`: accepted are 1, true, yes, on, 0, false, no, off".to_owned(),
    ];
    // All of them, in whatever order.
    lines.sort();
    expected.sort();
    assert_eq!(lines, expected, "{}", finished.story());
    assert_eq!(finished.code(), 125);
});

both_modes!(a_value_for_an_option_that_takes_none_is_refused, |mode| {
    assert_refused(&run(mode, &["--exec=1", "/no/such"], &[]), &["`--exec` takes no value"]);
    assert_refused(&run(mode, &["--group=no", "/no/such"], &[]), &["`--group` takes no value"]);
});

both_modes!(subcommands_have_a_help_of_their_own, |mode| {
    for word in ["probe", "exec", "sleep"] {
        for help in ["--help", "-h"] {
            let finished = run(mode, &[word, help], &[]);
            let start = format!("usage: onset {word} ");
            assert!(finished.stdout().starts_with(&start), "{}", finished.story());
            assert!(finished.stdout().contains("Example"), "{}", finished.story());
            assert_eq!((finished.code(), finished.stderr().as_str()), (0, ""));
        }
    }
});

both_modes!(after_two_dashes_every_word_is_a_command, |mode| {
    for word in ["check", "plan", "render", "probe", "exec", "sleep", "version", "--help", "-V", "--"] {
        let finished = Init::new(mode).env(["PATH=/no/such"]).args(["--", word]).start().finish();
        let message = format!("cannot start `{word}`: not found in PATH `/no/such`");
        assert_eq!(finished.event("start_failed")["message"], message, "{}", finished.story());
        assert_eq!(finished.code(), 127);
    }
});

both_modes!(a_reserved_word_is_a_command_when_it_is_a_path, |mode| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let finished = Init::new(mode).cwd(folder.path()).args(["./check"]).start().finish();
    assert_eq!(finished.code(), 127, "{}", finished.story());
});

both_modes!(options_end_at_the_first_word_that_is_none, |mode| {
    let init = Init::new(mode);
    let probe = init.probe_path();
    let finished = init.args([probe]).args(["print", "--help", "--log-level", "off", "--", "-V"]).start().finish();
    assert_eq!(finished.code(), 0, "{}", finished.story());
    let argv = finished.event("main_started")["argv"].as_array().cloned().unwrap_or_default();
    assert_eq!(argv[1..], ["print", "--help", "--log-level", "off", "--", "-V"], "{}", finished.story());
});

both_modes!(a_boolean_variable_takes_what_people_write, |mode| {
    let cases = [
        ("group", vec!["1", "true", "yes", "on"]),
        // Empty is unset.
        ("main", vec!["0", "false", "no", "off", ""]),
    ];
    for (target, values) in cases {
        for value in values {
            let init = Init::new(mode).add_env(format!("ONSET_GROUP={value}")).probe(["signals"]).start();
            init.wait_for_ready();
            init.kill(libc::SIGTERM);
            let finished = init.finish();
            assert_eq!(finished.event("signal_forwarded")["target"], target, "ONSET_GROUP={value}");
        }
    }
});

both_modes!(an_option_wins_over_its_variable, |mode| {
    let init = Init::new(mode).add_env("ONSET_GROUP=no").args(["--group"]).probe(["signals"]).start();
    init.wait_for_ready();
    init.kill(libc::SIGTERM);
    assert_eq!(init.finish().event("signal_forwarded")["target"], "group");
});

both_modes!(onset_exec_is_the_variable_of_exec, |mode| {
    let init = Init::new(mode).add_env("ONSET_EXEC=1").probe(["print"]).start();
    let pid = if mode == Mode::Pid1 { 1 } else { init.pid() };
    let finished = init.finish();
    let found: serde_json::Value = serde_json::from_slice(&finished.stdout).expect("the probe's line");
    assert_eq!(found["pid"], pid, "{}", finished.story());
});

both_modes!(what_cannot_be_printed_is_no_success, |mode| {
    for word in ["--help", "--version", "version"] {
        let full = File::options().write(true).open("/dev/full").expect("/dev/full");
        let (reader, writer) = sys::pipe();
        drop(reader);
        for (stdout, cause) in [
            (full.into(), "no space left on device (ENOSPC)"),
            (Stdio::Closed, "bad file number (EBADF)"),
            (Stdio::Fd(writer), "broken pipe (EPIPE)"),
        ] {
            let finished = Init::new(mode).args([word]).stdout(stdout).start().finish();
            assert_eq!(finished.stderr(), format!("onset: cannot write to stdout: {cause}\n"), "{word}");
            assert_eq!(finished.code(), 125, "{word}");
        }
    }
});

both_modes!(any_name_of_its_own_will_do, |mode| {
    for name in ["", "init", "/sbin/init", "--help", "a name"] {
        let finished = Init::new(mode).arg0(name).probe(["exit", "7"]).start().finish();
        assert_eq!(finished.code(), 7, "called `{name}`: {}", finished.story());
    }
});

both_modes!(a_refusal_needs_no_stderr, |mode| {
    let finished = Init::new(mode).args(["--bogus"]).stderr(Stdio::Closed).start().finish();
    assert_eq!((finished.code(), finished.stdout().as_str()), (125, ""));
});
