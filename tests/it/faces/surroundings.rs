//! What a face is to everybody else: its name, its orphans, and nothing of onset.

use std::os::unix::fs::MetadataExt as _;

use super::{Called, Who, each, probe_word};
use crate::both_modes;
use crate::support::mode::is_root_or_skip;
use crate::support::{Folder, Init, Mode, Stream, init::onset, proc, run};
use crate::syscall;

both_modes!(the_name_in_ps_is_the_peers, |mode| {
    for name in ["tini", "docker-init", "dumb-init", "catatonit"] {
        each(name, |called| {
            let init = called.init(mode).args([&probe_word(), "sleep"]).start();
            init.wait_for_ready();
            assert_eq!(proc::comm(init.pid()).as_deref(), Some(name));
            if called.is_onset() {
                let program = std::fs::metadata(format!("/proc/{}/exe", init.pid())).expect("it lives");
                assert_eq!(program.ino(), std::fs::metadata(onset()).expect("onset").ino());
            }
        });
    }
});

both_modes!(orphans_are_reaped_and_with_w_told, |mode| {
    let probe = probe_word();
    for (name, options, env, told) in [
        ("tini", &["-s"][..], "", ""),
        ("tini", &["-s", "-w"], "", "Reaped zombie process with pid="),
        ("tini", &["-w"], "TINI_SUBREAPER=", "Reaped zombie process with pid="),
        ("tini", &["-sw"], "TINI_VERBOSITY=0", ""),
        ("catatonit", &[], "", ""),
        ("catatonit", &[], "CATATONIT_DEBUG=", "exited with code 0"),
    ] {
        each(name, |called| {
            let init = called.init(mode).add_env(env).args(options).args(["--", &probe, "orphans", "3"]).start();
            let main = init.main_pid();
            init.wait_for_ready();
            init.until("main being the only child", || (proc::children(init.pid()) == [main]).then_some(()));
            if !told.is_empty() {
                init.until("the lines", || {
                    (init.stderr().lines().iter().filter(|line| line.contains(told)).count() == 3).then_some(())
                });
            }
            init.kill(libc::SIGTERM);
            let finished = init.finish();
            assert_eq!(finished.code(), 0, "{}", finished.story());
            assert_eq!(finished.stderr().contains("eaped"), told.contains("eaped"), "{}", finished.story());
        });
    }
});

#[test]
fn onset_is_a_sub_reaper_whether_it_is_told_to_be_or_not() {
    run(Mode::SubReaper, |mode| {
        for name in ["tini", "dumb-init", "catatonit"] {
            each(name, |called| {
                let init = called.init(mode).args(["--", &probe_word(), "orphans", "1", "--live"]).start();
                init.wait_for_ready();
                let children = proc::children(init.pid()).len();
                let reaps = called.is_onset() || name == "catatonit";
                assert_eq!(children, if reaps { 2 } else { 1 }, "{}", init.story());
                // So tini's warning is only tini's.
                let warned =
                    || init.stderr().lines().iter().any(|line| line.contains("isn't registered as a child subreaper"));
                if (called.who, name) == (Who::Peer, "tini") {
                    init.wait_for_line(Stream::Stderr, "the warning", |line| line.contains("child subreaper"));
                } else {
                    assert!(!warned(), "{}", init.story());
                }
                init.kill(libc::SIGTERM);
                assert_eq!(init.wait().code(), Some(0));
            });
        }
    });
}

both_modes!(nothing_of_onsets_own_is_read, |mode| {
    let env = [
        "ONSET_EXEC=1",
        "ONSET_CONFIG=/no/such",
        "ONSET_LOG_LEVEL=debug",
        "ONSET_LOG_FORMAT=nonsense",
        "ONSET_GROUP=?",
    ];
    for name in ["tini", "dumb-init", "catatonit"] {
        let finished = Called::onset(name).finish(mode, &[&probe_word(), "exit", "4"], &env);
        assert_eq!((finished.code(), finished.stderr().as_str(), finished.stdout().as_str()), (4, "", ""));
        // Subcommands are programs.
        let finished = Called::onset(name).finish(mode, &["check"], &[]);
        assert_eq!(finished.code(), 127, "{}", finished.story());
    }
});

#[test]
fn nothing_is_left_in_the_termination_message() {
    run(Mode::Pid1, |mode| {
        for (name, command, says) in
            [("onset", "exit", true), ("tini", "exit", false), ("dumb-init", "/no/such", false)]
        {
            let folder = Folder::new();
            let log = folder.file("log", "", 0o666);
            let source = std::ffi::CString::new(log.as_os_str().as_encoded_bytes()).expect("no NUL");
            let hook = move || {
                syscall!(SYS_mount, c"none".as_ptr(), c"/dev".as_ptr(), c"tmpfs".as_ptr(), 0, 0)?;
                let path = c"/dev/termination-log".as_ptr();
                let file = syscall!(SYS_openat, libc::AT_FDCWD, path, libc::O_CREAT | libc::O_WRONLY, 0o666)?;
                syscall!(SYS_close, file)?;
                syscall!(SYS_mount, source.as_ptr(), path, 0, libc::MS_BIND, 0).map(drop)
            };
            let called = Called::onset(name);
            let words =
                if command == "exit" { vec![probe_word(), "exit".into(), "3".into()] } else { vec![command.into()] };
            let finished = called.init(mode).hook(hook).args(words).start().finish();
            assert!(finished.code() != 0);
            let text = std::fs::read_to_string(&log).expect("our own file");
            assert_eq!(!text.is_empty(), says, "{name}: {text}");
        }
    });
}

#[test]
fn install_makes_links_by_which_onset_is_called() {
    run(Mode::SubReaper, |mode| {
        let root = Folder::new();
        let folder = root.join("usr/bin");
        let target = folder.display().to_string();
        let finished = Init::new(mode).args(["--install", &target]).start().finish();
        assert_eq!((finished.code(), finished.stderr().as_str()), (0, ""));
        assert_eq!(finished.stdout().lines().count(), 4, "{}", finished.story());
        for (name, version) in [
            ("tini", "tini version 0.19.0"),
            ("docker-init", "tini version 0.19.0"),
            ("catatonit", "tini version 0.2.1"),
            ("dumb-init", "dumb-init v1.2.5"),
        ] {
            assert_eq!(std::fs::read_link(folder.join(name)).expect("a link"), onset().canonicalize().expect("onset"));
            let finished = Init::bare(mode, folder.join(name)).args(["--version"]).start().finish();
            assert!((finished.stdout() + &finished.stderr()).starts_with(version), "{}", finished.story());
        }
        let again = Init::new(mode).args(["--install", &target]).start().finish();
        assert_eq!((again.code(), again.stdout().as_str()), (0, ""));
    });
}

#[test]
fn install_overwrites_nothing() {
    run(Mode::SubReaper, |mode| {
        let folder = Folder::new();
        let [tini, catatonit] = ["tini", "catatonit"].map(|name| folder.file(name, "", 0o755).display().to_string());
        let finished = Init::new(mode).args(["--install", &folder.path().display().to_string()]).start().finish();
        let program = onset().canonicalize().expect("onset").display().to_string();
        let said = [tini, catatonit].map(|path| {
            format!("onset: {path} is there, and is not {program}: remove it first, or copy {program} over it\n")
        });
        assert_eq!((finished.code(), finished.stderr()), (125, said.concat()));
        assert!(!folder.join("docker-init").exists());
    });
}

#[test]
fn a_copy_is_called_as_a_link_is_and_install_leaves_it() {
    run(Mode::Pid1, |mode| {
        let folder = Folder::new();
        let copied = std::fs::read(onset()).expect("onset's own file");
        for name in ["tini", "dumb-init"] {
            folder.file(name, &copied, 0o755);
            let words = [probe_word(), "exit".into(), "7".into()];
            let finished = Init::bare(mode, folder.join(name)).args(["--"]).args(words).start().finish();
            assert_eq!((finished.code(), finished.stderr().as_str()), (7, ""));
            let finished = Init::bare(mode, folder.join(name)).args(["/no/such"]).start().finish();
            assert!(finished.code() == 127 && finished.stderr().contains(name), "{}", finished.story());
        }
        let finished = Init::new(mode).args(["--install", &folder.path().display().to_string()]).start().finish();
        assert_eq!((finished.code(), finished.stdout().lines().count()), (0, 2), "{}", finished.story());
        assert!(std::fs::symlink_metadata(folder.join("tini")).expect("the copy").is_file());
    });
}

#[test]
fn a_user_without_rights_may_be_given_a_face() {
    if is_root_or_skip() {
        run(Mode::Pid1, |mode| {
            for name in ["tini", "dumb-init", "catatonit"] {
                let init = Init::new(mode).user(65534, 65534).arg0(name);
                let probe = init.probe_path();
                let finished = init.args([probe]).args(["exit", "6"]).start().finish();
                assert_eq!((finished.code(), finished.stderr().as_str()), (6, ""));
            }
        });
    }
}
