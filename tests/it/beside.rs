//! What comes later and beside a real onset: `probe` follows its stages, `exec` finds what its application found. What they
//! do in every other case is in probe.rs and exec.rs, with a stand-in.

use crate::both_modes;
use crate::shutdown::with_policy;
use crate::support::init::onset;
use crate::support::{Finished, Folder, Init, Mode, Running, probe};

/// `onset WORDS...` in the namespaces of that onset, as `docker exec` has it.
fn beside(init: &Running, mode: Mode, words: &[&str]) -> Finished {
    let pid = init.pid().to_string();
    let path = onset().display().to_string();
    match mode {
        Mode::Pid1 => {
            let enter = ["--target", &pid, "--pid", "--mount", "--user", "--preserve-credentials", "--", &path];
            // Without root the namespaces are in a user namespace; root needs none, and may not enter its own again.
            let enter: Vec<&str> = if crate::support::sys::effective_uid() == 0 {
                enter.into_iter().filter(|word| !["--user", "--preserve-credentials"].contains(word)).collect()
            } else {
                enter.to_vec()
            };
            Init::bare(Mode::SubReaper, "/usr/bin/nsenter").args(enter).args(words).start().finish()
        }
        // Others of its kind run here as well.
        Mode::SubReaper => {
            let words = [&words[..1], &["--pid", &pid], &words[1..]].concat();
            Init::bare(Mode::SubReaper, onset()).args(words).start().finish()
        }
    }
}

#[track_caller]
fn assert_probe(init: &Running, mode: Mode, word: &str, expected: (i32, &str)) {
    let finished = beside(init, mode, &["probe", word]);
    assert_eq!((finished.code(), finished.stdout().trim_end()), expected, "{}", finished.story());
}

both_modes!(a_probe_follows_the_stages, |mode| {
    let folder = Folder::new();
    let go = folder.join("go");
    let policy = format!(
        "[shutdown]\ndrain = '1h'\ngrace = '1h'\nlinger = '1h'\n[[steps]]\nwait = {{ file = [{go:?}], timeout = '1h' }}"
    );
    let init = with_policy(mode, &folder, &policy, &["heirs", "1", "--deaf"]).start();
    init.wait_for_event_where("notice", |event| event["message"].to_string().contains("is not ready"));
    assert_probe(&init, mode, "ready", (1, "not ready: preparing"));
    assert_probe(&init, mode, "started", (1, "not started: preparing"));
    assert_probe(&init, mode, "live", (0, "ok: live"));
    std::fs::write(&go, "").expect("a folder of ours");
    init.wait_for_ready();
    init.wait_for_event("main_started");
    assert_probe(&init, mode, "ready", (0, "ok: ready"));
    init.kill(libc::SIGTERM);
    init.wait_for_event("draining");
    crate::shutdown::wait_for_name(&init, "onset:drain");
    assert_probe(&init, mode, "ready", (1, "not ready: draining"));
    assert_probe(&init, mode, "live", (0, "ok: live"));
    assert_probe(&init, mode, "started", (0, "ok: started"));
    init.kill(libc::SIGTERM);
    init.wait_for_event("lingering");
    crate::shutdown::wait_for_name(&init, "onset:linger");
    assert_probe(&init, mode, "live", (1, "not live: lingering"));
    init.kill(libc::SIGTERM);
    assert_eq!(init.finish().code(), 0);
});

both_modes!(a_probe_and_a_command_find_what_was_resolved, |mode| {
    let folder = Folder::new();
    let secret = folder.file("secret", "hunter2\n", 0o644);
    let policy = "workdir = '/usr'\numask = '0027'\n[env.PASSWORD]\nsecret = true\nfile = true\n\
                  [env.MARK]\ndefault = '/proc'\n[[steps]]\nset = { FOUND = 'by a step' }";
    let pointer = format!("PASSWORD_FILE={}", secret.display());
    let init = with_policy(mode, &folder, policy, &["sleep"]).add_env(pointer).start();
    init.wait_for_ready();
    init.wait_for_event("main_started");
    let finished = beside(&init, mode, &["probe", "file:${MARK}/self"]);
    assert_eq!(finished.stdout(), "ok: file:${MARK}/self\n", "{}", finished.story());
    let probe = probe().display().to_string();
    let finished = beside(&init, mode, &["exec", "--", &probe, "print"]);
    let found: serde_json::Value = serde_json::from_slice(&finished.stdout).expect("JSON");
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let environ = found["env"].to_string();
    for entry in ["FOUND=by a step", "MARK=/proc", "PASSWORD=hunter2"] {
        assert!(environ.contains(&hex(entry)), "{entry}: {found}");
    }
    assert_eq!((&found["cwd"], &found["umask"]), (&hex("/usr").into(), &"0027".into()), "{found}");
});

#[test]
fn a_second_onset_in_the_container_is_told_of_exec_and_has_no_last_words() {
    crate::support::run(Mode::Pid1, |mode| {
        let folder = Folder::new();
        let file = folder.join("message");
        let policy = format!("[report]\ntermination_message = {file:?}");
        let init = with_policy(mode, &folder, &policy, &["sleep"]).start();
        init.wait_for_ready();
        init.wait_for_event("main_started");
        crate::shutdown::wait_for_name(&init, "onset:run");
        let config = folder.join("onset.toml").display().to_string();
        let finished = beside(&init, mode, &["--config", &config, "--", "/bin/true"]);
        let text = "PID 1 is an onset already: for a command beside its application there is `onset exec`";
        assert_eq!((finished.code(), &finished.event("notice")["message"]), (0, &text.into()), "{}", finished.story());
        assert!(!file.exists(), "the last words are PID 1's");
    });
}
