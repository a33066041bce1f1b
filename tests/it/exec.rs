//! `onset exec`, for `docker exec` and `kubectl exec`.

use serde_json::Value;

use onset::plan::model::Identity;
use onset::record::{Environ, Record};

use crate::both_modes;
use crate::support::mode::{has_namespaces_or_skip, is_root_or_skip};
use crate::support::{Fake, Finished, Folder, Init, Mode, Standing, probe, sys};

fn record(uid: u32, gid: u32, environ: &[&str]) -> Record {
    let environ = Environ(environ.iter().map(|entry| entry.as_bytes().to_vec()).collect());
    let identity = Identity { uid, gid, groups: if uid == 0 { Vec::new() } else { vec![20] } };
    Record {
        identity,
        umask: 0o027,
        workdir: "/etc".into(),
        environ,
        secrets: Environ::default(),
        stop_commands: Vec::new(),
    }
}

/// As who we are: then nobody has to be root.
fn ours(environ: &[&str]) -> Record {
    let ids = |field| {
        let text = crate::support::proc::status(std::process::id().cast_signed(), field).expect("/proc");
        text.split_whitespace().nth(1).and_then(|id| id.parse().ok()).unwrap_or(0)
    };
    let mut record = record(ids("Uid"), ids("Gid"), environ);
    record.identity.groups.clear();
    record
}

fn print_words() -> [String; 3] {
    ["--".to_owned(), probe().to_str().expect("UTF-8").to_owned(), "print".to_owned()]
}

fn text(hex: &Value) -> String {
    let hex = hex.as_str().expect("the probe says it").as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex");
    String::from_utf8(hex.chunks(2).map(byte).collect()).expect("UTF-8")
}

fn environ(found: &Value) -> Vec<String> {
    found["env"].as_array().expect("a list").iter().map(text).collect()
}

fn printed(finished: &Finished) -> Value {
    serde_json::from_slice(&finished.stdout).unwrap_or_else(|err| panic!("{err}\n{}", finished.story()))
}

#[track_caller]
fn assert_refused(finished: &Finished, status: i32, message: &str) {
    assert_eq!((finished.code(), finished.stderr()), (status, format!("onset: {message}\n")), "{}", finished.story());
    assert_eq!(finished.stdout(), "");
}

both_modes!(the_command_finds_what_the_application_found, |mode| {
    let fake = Fake::new("run").env(["PATH=/bin", "A=container"]);
    let environ_of = ["PATH=/usr/bin", "A=resolved", "B=", "A=twice", "no equals sign"];
    // In a namespace of its own everybody is root.
    let fake = fake.record(if mode == Mode::Pid1 { record(0, 0, &environ_of) } else { ours(&environ_of) });
    let words = print_words();
    let line = fake.line(mode, std::iter::once("exec").chain(words.iter().map(String::as_str)));
    let found: Value = serde_json::from_str(&line).unwrap_or_else(|err| panic!("{err}: {line}"));
    assert_eq!(environ(&found), ["PATH=/usr/bin", "A=resolved", "B=", "A=twice", "no equals sign"]);
    assert_eq!((found["umask"].as_str(), text(&found["cwd"]).as_str()), (Some("0027"), "/etc"));
});

#[test]
fn it_becomes_the_applications_user_and_can_be_told_not_to() {
    if !is_root_or_skip() {
        return;
    }
    let standing = Fake::new("drain").record(record(70, 71, &["A=b"])).stand();
    let [words @ .., _] = &[print_words().to_vec(), vec![String::new()]].concat()[..] else { return };
    let found = printed(&standing.run(&[&["exec".to_owned()], words].concat()));
    assert_eq!(
        (&found["uids"], &found["gids"], &found["groups"]),
        (&"70\t70\t70\t70".into(), &"71\t71\t71\t71".into(), &"20".into())
    );
    let found = printed(&standing.run(&[&["exec".to_owned(), "--keep-user".to_owned()], words].concat()));
    assert_eq!((&found["uids"], environ(&found)), (&"0\t0\t0\t0".into(), vec!["A=b".to_owned()]));
}

#[test]
fn it_is_this_very_process_with_its_signals_and_descriptors() {
    let standing = Fake::new("run").record(ours(&[])).stand();
    let init = Init::new(Mode::SubReaper).blocked([libc::SIGUSR1, 33, 40]).ignored([libc::SIGPIPE]);
    let init = init.inherit(std::fs::File::open("/dev/null").expect("/dev/null"), 9);
    let pid = standing.pid().to_string();
    let running = init.args(["exec", "--pid", &pid]).args(print_words()).start();
    let pid = running.pid();
    let found = printed(&running.finish());
    assert_eq!(found["pid"], pid);
    let set = |signals: &[i32]| format!("{:016x}", sys::set_of(signals.iter().copied()));
    let (blocked, ignored) = (set(&[libc::SIGUSR1, 33, 40]), set(&[libc::SIGPIPE]));
    assert_eq!((&found["blocked"], &found["ignored"]), (&blocked.into(), &ignored.into()));
    let fds: Vec<&String> = found["fds"].as_object().expect("an object").keys().filter(|fd| *fd != "3").collect();
    assert_eq!(fds, ["0", "1", "2", "9"]);
}

#[test]
fn the_terminal_is_the_callers_unless_the_application_has_one() {
    let caller = || {
        let init = Init::new(Mode::SubReaper);
        init.env(["TERM=xterm", "LINES=50", "COLUMNS=99", "LANG=C"])
    };
    let run = |environ_of: &[&str]| {
        let standing = Fake::new("run").record(ours(environ_of)).stand();
        environ(&printed(&standing.with(caller(), &[&["exec".to_owned()], &print_words()[..]].concat())))
    };
    assert_eq!(run(&["A=b"]), ["A=b", "TERM=xterm", "LINES=50", "COLUMNS=99"]);
    assert_eq!(run(&["TERM=linux"]), ["TERM=linux", "LINES=50", "COLUMNS=99"]);
}

#[test]
fn without_a_record_it_is_what_the_init_was_given() {
    let folder = Folder::new();
    let cwd = folder.path().to_str().expect("UTF-8");
    let standing = Fake::new("run").env(["A=container"]).place(cwd, 0o077).stand();
    let found = printed(&standing.run(&[&["exec".to_owned()], &print_words()[..]].concat()));
    assert_eq!((environ(&found), found["umask"].as_str()), (vec!["A=container".to_owned()], Some("0077")));
    if is_root_or_skip() {
        let standing = Fake::new("run").env(["A=container"]).user(70, 71).stand();
        let found = printed(&standing.run(&[&["exec".to_owned()], &print_words()[..]].concat()));
        assert_eq!((&found["uids"], environ(&found)), (&"70\t70\t70\t70".into(), vec!["A=container".to_owned()]));
    }
}

#[test]
fn who_is_not_root_can_become_nobody_else() {
    if !is_root_or_skip() {
        return;
    }
    let standing = Fake::new("run").record(record(70, 71, &["A=b"])).stand();
    // Who may not look into the init cannot know whom its application runs as.
    let nobody = || Init::new(Mode::SubReaper).user(65534, 65533).env(["OWN=1"]);
    let finished = standing.with(nobody(), &["exec", "--", "/no/such"]);
    let pid = standing.pid();
    let refused = format!(
        "onset: cannot look into process {pid} as 65534:65533 (permission denied (EACCES)), so who its application runs as is \
         not known: run this as root, or say --keep-user\n"
    );
    assert_eq!((finished.code(), finished.stderr()), (125, refused));
    let unseen = format!(
        "onset: cannot look into process {pid}: permission denied (EACCES); the command finds the environment that onset \
         exec was given\n"
    );
    let init = nobody();
    let program = init.probe_path();
    let words = ["exec".as_ref(), "--keep-user".as_ref(), program.as_os_str(), "print".as_ref()];
    let finished = standing.with(init, &words);
    assert_eq!((finished.stderr(), environ(&printed(&finished))), (unseen, vec!["OWN=1".to_owned()]));
}

#[test]
fn an_init_that_is_not_root_makes_nobody_root() {
    if !is_root_or_skip() {
        return;
    }
    let standing = Fake::new("run").user(70, 71).record(record(0, 0, &["LD_PRELOAD=/tmp/evil.so"])).stand();
    assert_not_believed(&standing);
}

#[test]
fn an_init_that_is_not_root_gives_nobody_a_group() {
    if !is_root_or_skip() {
        return;
    }
    let claim = |gid, groups: &[u32]| {
        let identity = Identity { uid: 70, gid, groups: groups.to_vec() };
        Fake::new("run").user(70, 71).record(Record { identity, ..record(70, 71, &["PATH=/tmp/evil"]) }).stand()
    };
    assert_not_believed(&claim(0, &[]));
    assert_not_believed(&claim(71, &[0, 42]));
    let found = printed(&claim(71, &[]).run(&[&["exec".to_owned()], &print_words()[..]].concat()));
    assert_eq!((&found["gids"], &found["groups"]), (&"71\t71\t71\t71".into(), &"".into()));
}

#[track_caller]
fn assert_not_believed(standing: &Standing) {
    let text = "is no root, and says that its application has another user or more groups than it has itself";
    let message = format!("process {} {text}", standing.pid());
    assert_refused(&standing.run(&["exec", "--", "/no/such"]), 125, &message);
}

#[test]
fn a_command_that_cannot_be_started_says_why() {
    let folder = Folder::new();
    let plain = folder.file("plain", "x", 0o644);
    let path = format!("PATH={}", folder.path().display());
    let standing = Fake::new("run").record(ours(&[&path])).stand();
    let not_found = format!("cannot start `nope`: not found in PATH `{}`", folder.path().display());
    assert_refused(&standing.run(&["exec", "nope"]), 127, &not_found);
    let finished = standing.run(&["exec".as_ref(), plain.as_os_str()]);
    assert_eq!(finished.code(), 126, "{}", finished.story());
    assert!(finished.stderr().contains("is not executable"), "{}", finished.story());
    let mut gone = ours(&[]);
    gone.workdir = "/no/such".into();
    let finished = Fake::new("run").record(gone).stand().run(&["exec", "nope"]);
    assert_eq!(finished.code(), 125);
    assert!(finished.stderr().starts_with("onset: cannot enter the working directory `/no/such`"), "{finished:?}");
}

#[test]
fn before_the_application_runs_there_is_nothing_to_join() {
    let standing = Fake::new("prepare").stand();
    let message = format!("process {} still prepares the application: it cannot be joined yet", standing.pid());
    assert_refused(&standing.run(&["exec", "/no/such"]), 125, &message);
    if has_namespaces_or_skip() {
        let finished = Init::new(Mode::Pid1).args(["exec", "/no/such"]).start().finish();
        assert_refused(&finished, 125, "no onset supervisor found");
    }
}
