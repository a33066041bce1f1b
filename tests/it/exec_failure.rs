//! A program that cannot be started: the status and the message name the one cause.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::{Value, json};

use crate::both_modes;
use crate::support::{Folder, Init, Mode, mode, probe, proc, sys};
use crate::syscall;

const NOBODY: (u32, u32) = (65534, 65534);

/// That this start fails, with this status and exactly this message, and says nothing else.
#[track_caller]
fn assert_fails(init: Init, command: &[&OsStr], status: i32, message: &str) {
    let finished = init.command(command).start().finish();
    let events = finished.events();
    assert_eq!(events.len(), 1, "one event\n{}", finished.story());
    let failed = &events[0];
    assert_eq!(failed["message"], message, "\n{}", finished.story());
    assert_eq!(failed["event"], "start_failed", "\n{}", finished.story());
    assert_eq!(failed["level"], "error", "\n{}", finished.story());
    assert_eq!(failed["status"], status, "\n{}", finished.story());
    let argv: Value = command.iter().map(|word| word.to_string_lossy()).collect();
    assert_eq!(failed["argv"], argv, "\n{}", finished.story());
    assert_eq!(finished.code(), status, "\n{}", finished.story());
    assert_eq!(finished.stdout(), "", "\n{}", finished.story());
}

/// The same for a path: `said` is what follows "cannot start `path`: ".
#[track_caller]
fn assert_path_fails(mode: Mode, path: &Path, status: i32, said: &str) {
    let message = format!("cannot start `{}`: {said}", path.display());
    assert_fails(Init::new(mode), &[path.as_os_str()], status, &message);
}

/// Our user and group as onset sees them: without root, PID 1 runs in a user namespace, as its root.
fn ourselves(mode: Mode) -> String {
    match mode {
        Mode::Pid1 => "0:0".to_owned(),
        Mode::SubReaper => format!("{}:{}", sys::effective_uid(), sys::effective_gid()),
    }
}

both_modes!(no_such_file, |mode| {
    let folder = Folder::new();
    assert_path_fails(mode, &folder.join("nope"), 127, "no such file");
});

both_modes!(no_such_folder, |mode| {
    let folder = Folder::new();
    let first = folder.join("missing");
    let said = format!("the folder `{}` does not exist", first.display());
    assert_path_fails(mode, &folder.join("missing/app"), 127, &said);
    assert_path_fails(mode, &folder.join("missing/deeper/still/app"), 127, &said);
});

both_modes!(a_relative_path_is_said_as_it_was_given, |mode| {
    let folder = Folder::new();
    let message = "cannot start `./nope`: no such file";
    assert_fails(Init::new(mode).cwd(folder.path()), &["./nope".as_ref()], 127, message);
    let message = "cannot start `bin/nope`: the folder `bin` does not exist";
    assert_fails(Init::new(mode).cwd(folder.path()), &["bin/nope".as_ref()], 127, message);
});

both_modes!(not_found_in_path, |mode| {
    let message = "cannot start `nope`: not found in PATH `/usr/bin:/bin`";
    assert_fails(Init::new(mode), &["nope".as_ref()], 127, message);
});

both_modes!(not_found_in_an_empty_path, |mode| {
    let folder = Folder::new();
    let init = Init::new(mode).cwd(folder.path()).env(["PATH="]);
    assert_fails(init, &["nope".as_ref()], 127, "cannot start `nope`: not found in PATH ``");
});

both_modes!(not_found_and_path_is_not_set, |mode| {
    let message = "cannot start `nope`: not found in the default PATH \
                   `/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin` (PATH is not set)";
    assert_fails(Init::new(mode).env([""; 0]), &["nope".as_ref()], 127, message);
});

both_modes!(an_empty_command, |mode| {
    let message = "cannot start ``: the command is empty";
    assert_fails(Init::new(mode), &["".as_ref()], 127, message);
    assert_fails(Init::new(mode), &["".as_ref(), "argument".as_ref()], 127, message);
});

both_modes!(a_dangling_symbolic_link, |mode| {
    let folder = Folder::new();
    let link = folder.join("link");
    symlink("/gone/app", &link).expect("a link");
    assert_path_fails(mode, &link, 127, "it is a symbolic link to `/gone/app`, which does not exist");
});

both_modes!(a_file_used_as_a_folder, |mode| {
    let folder = Folder::new();
    let file = folder.file("file", "", 0o644);
    let said = format!("`{}` is not a directory", file.display());
    assert_path_fails(mode, &file.join("app"), 127, &said);
    assert_path_fails(mode, &file.join("deeper/app"), 127, &said);
});

both_modes!(a_directory, |mode| {
    let folder = Folder::new();
    assert_path_fails(mode, folder.path(), 126, "it is a directory");
});

both_modes!(not_executable, |mode| {
    let folder = Folder::new();
    let us = ourselves(mode);
    for bits in [0o644, 0o600, 0o4644] {
        let file = folder.file(&format!("{bits:o}"), "#!/bin/sh\n", bits);
        assert_path_fails(
            mode,
            &file,
            126,
            &format!("it is not executable (mode {bits:04o}, owner {us}; running as {us})"),
        );
    }
});

both_modes!(not_executable_for_this_user, |mode| {
    if !mode::is_root_or_skip() {
        return;
    }
    let folder = Folder::new();
    let file = folder.file("f", "#!/bin/sh\n", 0o744);
    let message = format!(
        "cannot start `{}`: it is not executable (mode 0744, owner 0:0; running as 65534:65534)",
        file.display()
    );
    assert_fails(Init::new(mode).user(NOBODY.0, NOBODY.1), &[file.as_os_str()], 126, &message);
});

both_modes!(a_folder_that_may_not_be_entered, |mode| {
    if !mode::is_root_or_skip() {
        return;
    }
    let folder = Folder::new();
    let closed = folder.folder("closed", 0o700);
    let file = folder.file("closed/f", "#!/bin/sh\n", 0o755);
    let message = format!(
        "cannot start `{}`: the folder `{}` may not be entered (mode 0700, owner 0:0; running as 65534:65534)",
        file.display(),
        closed.display()
    );
    assert_fails(Init::new(mode).user(NOBODY.0, NOBODY.1), &[file.as_os_str()], 126, &message);
});

both_modes!(a_file_system_mounted_noexec, |mode| {
    if !mode::has_namespaces_or_skip() {
        return;
    }
    let folder = Folder::new();
    let target = c_path(folder.path());
    let app = folder.join("app");
    let file = c_path(&app);
    let mount = move || {
        let tmpfs = c"tmpfs".as_ptr();
        syscall!(SYS_mount, tmpfs, target.as_ptr(), tmpfs, libc::MS_NOEXEC, c"mode=0755".as_ptr())?;
        let fd = syscall!(SYS_openat, libc::AT_FDCWD, file.as_ptr(), libc::O_CREAT | libc::O_WRONLY, 0o755)?;
        let text = c"#!/bin/sh\n";
        syscall!(SYS_write, fd, text.as_ptr(), text.count_bytes())?;
        syscall!(SYS_close, fd).map(drop)
    };
    let message = format!("cannot start `{}`: its file system is mounted noexec", app.display());
    assert_fails(Init::new(mode).own_mounts().hook(mount), &[app.as_os_str()], 126, &message);
});

both_modes!(an_empty_file, |mode| {
    let folder = Folder::new();
    assert_path_fails(mode, &folder.file("f", "", 0o755), 126, "the file is empty");
});

const NO_SHEBANG: &str = "it has no `#!` line, and onset runs no shell: name the interpreter in its first line, or start \
                          the interpreter with this file as argument";

both_modes!(a_script_without_interpreter, |mode| {
    let folder = Folder::new();
    for (name, text) in [("f", "exit 0\n"), ("g", "e"), ("h", "# a comment\n#!/bin/sh\n"), ("i", " #!/bin/sh\n")] {
        assert_path_fails(mode, &folder.file(name, text, 0o755), 126, NO_SHEBANG);
    }
});

both_modes!(a_program_for_another_machine, |mode| {
    let (here, other, machine) = if cfg!(target_arch = "aarch64") {
        ("aarch64", "x86_64", libc::EM_X86_64)
    } else {
        ("x86_64", "aarch64", libc::EM_AARCH64)
    };
    let folder = Folder::new();
    let said = format!("it is a program for {other}, this machine is {here}");
    assert_path_fails(mode, &folder.file("f", elf(machine, "/lib/ld.so"), 0o755), 126, &said);
});

both_modes!(an_unknown_format, |mode| {
    let folder = Folder::new();
    let cases: [(&str, &[u8], &str); 4] = [
        ("elf", b"\x7fELF", "7f 45 4c 46"),
        ("broken", &[b"\x7fELF\x02\x01\x01".as_slice(), &[0; 57]].concat(), "7f 45 4c 46"),
        ("wasm", b"\0asm\x01\0\0\0", "00 61 73 6d"),
        ("short", b"\xca\xfe\0", "ca fe 00"),
    ];
    for (name, bytes, start) in cases {
        let said = format!("the kernel knows no such format (it starts with {start})");
        assert_path_fails(mode, &folder.file(name, bytes, 0o755), 126, &said);
    }
});

both_modes!(a_missing_interpreter, |mode| {
    let folder = Folder::new();
    for (name, line) in [("f", "#!/no/interp\n"), ("g", "#! /no/interp -x\n"), ("h", "#!/no/interp")] {
        let said = "its interpreter `/no/interp` does not exist";
        assert_path_fails(mode, &folder.file(name, line, 0o755), 127, said);
    }
});

both_modes!(a_missing_interpreter_of_the_interpreter, |mode| {
    let folder = Folder::new();
    let inner = folder.file("inner", "#!/no/interp\n", 0o755);
    let outer = folder.file("outer", format!("#!{}\n", inner.display()), 0o755);
    let finished = Init::new(mode).command([outer]).start().finish();
    assert_eq!(finished.code(), 127, "{}", finished.story());
    let message = finished.event("start_failed")["message"].to_string();
    assert!(message.contains("`/no/interp` does not exist"), "{message}");
});

both_modes!(an_interpreter_with_a_carriage_return, |mode| {
    let folder = Folder::new();
    // Written so that it can be seen: a backslash and an r.
    let said = "its interpreter `/bin/sh\\r` does not exist: the first line ends with a carriage return";
    assert_path_fails(mode, &folder.file("f", "#!/bin/sh\r\nexit 0\r\n", 0o755), 127, said);
});

both_modes!(an_interpreter_that_is_not_executable, |mode| {
    let folder = Folder::new();
    let us = ourselves(mode);
    let interpreter = folder.file("interpreter", "", 0o644);
    let said = format!(
        "its interpreter `{}` is not executable (mode 0644, owner {us}; running as {us})",
        interpreter.display()
    );
    let script = folder.file("script", format!("#!{}\n", interpreter.display()), 0o755);
    assert_path_fails(mode, &script, 126, &said);
});

both_modes!(an_interpreter_that_is_a_directory, |mode| {
    let folder = Folder::new();
    let script = folder.file("script", format!("#!{}\n", folder.path().display()), 0o755);
    let said = format!("its interpreter `{}` is a directory", folder.path().display());
    assert_path_fails(mode, &script, 126, &said);
});

both_modes!(a_missing_dynamic_loader, |mode| {
    let folder = Folder::new();
    let machine = if cfg!(target_arch = "aarch64") { libc::EM_AARCH64 } else { libc::EM_X86_64 };
    let said = "its dynamic loader `/lib64/ld-x.so` does not exist";
    assert_path_fails(mode, &folder.file("f", elf(machine, "/lib64/ld-x.so"), 0o755), 127, said);
});

both_modes!(too_many_symbolic_links, |mode| {
    let folder = Folder::new();
    let link = folder.join("a");
    symlink("a", &link).expect("a link");
    assert_path_fails(mode, &link, 127, "too many levels of symbolic links");
});

both_modes!(a_name_too_long, |mode| {
    let said = "the name is too long (at most 255 bytes a component, 4095 in all)";
    let name = "n".repeat(256);
    assert_path_fails(mode, &Path::new("/tmp").join(&name), 127, said);
    assert_path_fails(mode, Path::new(&name), 127, said);
});

both_modes!(a_path_too_long_is_cut_in_the_report, |mode| {
    let path = "/tmp/".repeat(2000);
    let finished = Init::new(mode).command([&path]).start().finish();
    assert_eq!(finished.code(), 127, "{}", finished.story());
    let failed = finished.event("start_failed");
    let message = failed["message"].as_str().expect("a string");
    assert!(message.starts_with("cannot start `/tmp/"), "{message}");
    assert_eq!(failed["truncated"], true, "{failed}");
    assert!(finished.stderr.len() < 4096, "{} bytes", finished.stderr.len());
});

both_modes!(a_program_that_is_being_written, |mode| {
    let folder = Folder::new();
    let program = folder.file("f", std::fs::read(probe()).expect("the probe"), 0o755);
    let _writer = File::options().append(true).open(&program).expect("our own file");
    assert_path_fails(mode, &program, 126, "text file busy (ETXTBSY)");
});

both_modes!(no_descriptors_left_for_onset_itself, |mode| {
    // Enough for a dynamic loader, which opens one at a time; a pipe takes two.
    let init = Init::new(mode).limit(libc::RLIMIT_NOFILE, 4, 4);
    assert_fails(init, &["true".as_ref()], 125, "cannot make a pipe: too many open files (EMFILE)");
});

both_modes!(no_process_left_for_the_application, |mode| {
    if !mode::is_root_or_skip() {
        return;
    }
    // Its one process is onset.
    let init = Init::new(mode).user(54_321, 54_321).limit(libc::RLIMIT_NPROC, 1, 1);
    assert_fails(init, &["true".as_ref()], 125, "cannot make a process: try again (EAGAIN)");
});

both_modes!(with_log_level_off_only_the_status_tells, |mode| {
    let finished = Init::new(mode).options(["--log-level", "off"]).command(["/no/such"]).start().finish();
    assert_eq!((finished.code(), finished.stderr().as_str()), (127, ""));
});

// Along PATH.

both_modes!(looking_along_a_long_path_costs_pid_1_nothing, |mode| {
    let heap = |path: &str| {
        let probe = probe();
        let (folder, name) = (probe.parent().unwrap(), probe.file_name().unwrap());
        let path = format!("PATH={path}:{}", folder.display());
        let running = Init::new(mode).env([path]).command([name, OsStr::new("sleep")]).start();
        running.wait_for_ready();
        running.until("onset at rest", || proc::is_idle(running.pid()).then_some(()));
        let data = proc::status(running.pid(), "VmData").unwrap();
        data.trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let (short, long) = (heap("/none"), heap(&"/none:".repeat(20_000)));
    assert!(long < short + 512, "{short} KiB, and {long} KiB after 20,000 folders");
});

/// A program `app` for PATH: the probe under another name.
fn app(folder: &Path) {
    symlink(probe(), folder.join("app")).expect("a link");
}

/// `app exit 7`, with PATH made of these folders.
fn on_path(init: Init, folders: &[&Path]) -> Init {
    let path = folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(":");
    init.env([format!("PATH={path}")])
}

#[track_caller]
fn assert_app_runs(init: Init) {
    let finished = init.command(["app", "exit", "7"]).start().finish();
    assert_eq!(finished.code(), 7, "{}", finished.story());
}

both_modes!(an_empty_element_of_path_is_the_working_directory, |mode| {
    let folder = Folder::new();
    app(folder.path());
    for path in ["PATH=:/usr/bin", "PATH=/usr/bin:", "PATH=/no/such::/usr/bin", "PATH="] {
        let init = Init::new(mode).cwd(folder.path()).env([path]);
        assert_app_runs(init);
    }
    let elsewhere = Folder::new();
    let init = Init::new(mode).cwd(elsewhere.path()).env(["PATH=:/no/such"]);
    assert_fails(init, &["app".as_ref()], 127, "cannot start `app`: not found in PATH `:/no/such`");
});

both_modes!(a_relative_element_of_path_starts_at_the_working_directory, |mode| {
    let folder = Folder::new();
    app(&folder.folder("bin", 0o755));
    assert_app_runs(Init::new(mode).cwd(folder.path()).env(["PATH=bin"]));
});

both_modes!(the_first_on_path_wins, |mode| {
    let folder = Folder::new();
    let (first, second) = (folder.folder("first", 0o755), folder.folder("second", 0o755));
    app(&first);
    folder.file("second/app", "#!/no/interp\n", 0o755);
    assert_app_runs(on_path(Init::new(mode), &[&first, &second]));
});

both_modes!(what_cannot_be_started_is_skipped_when_a_later_one_can, |mode| {
    let folder = Folder::new();
    let closed = folder.folder("closed", 0o755);
    let directory = folder.folder("directory", 0o755);
    let good = folder.folder("good", 0o755);
    let file = folder.file("file", "", 0o644);
    folder.file("closed/app", "#!/no/interp\n", 0o644);
    folder.folder("directory/app", 0o755);
    app(&good);
    let missing = folder.join("missing");
    assert_app_runs(on_path(Init::new(mode), &[&missing, &file, &closed, &directory, &good]));
});

both_modes!(a_folder_on_path_that_may_not_be_entered_is_skipped, |mode| {
    if !mode::is_root_or_skip() {
        return;
    }
    let folder = Folder::new();
    let (closed, good) = (folder.folder("closed", 0o700), folder.folder("good", 0o755));
    app(&closed);
    let init = Init::new(mode).user(NOBODY.0, NOBODY.1);
    symlink(init.probe_path(), good.join("app")).expect("a link");
    assert_app_runs(on_path(init, &[&closed, &good]));
});

both_modes!(the_one_refused_on_path_is_named_when_no_other_is_found, |mode| {
    let folder = Folder::new();
    let us = ourselves(mode);
    let (closed, empty) = (folder.folder("closed", 0o755), folder.folder("empty", 0o755));
    let file = folder.file("closed/app", "#!/bin/sh\n", 0o644);
    let message = format!(
        "cannot start `app` ({}): it is not executable (mode 0644, owner {us}; running as {us})",
        file.display()
    );
    assert_fails(on_path(Init::new(mode), &[&closed, &empty]), &["app".as_ref()], 126, &message);
});

both_modes!(no_shell_runs_what_has_no_interpreter_line, |mode| {
    // glibc's execvp(3) would hand it to /bin/sh, and exit 0.
    let folder = Folder::new();
    let file = folder.file("app", "exit 0\n", 0o755);
    let message = format!("cannot start `app` ({}): {NO_SHEBANG}", file.display());
    assert_fails(on_path(Init::new(mode), &[folder.path(), "/usr/bin".as_ref()]), &["app".as_ref()], 126, &message);
});

both_modes!(a_missing_interpreter_on_path_is_not_passed_over, |mode| {
    let folder = Folder::new();
    let (first, second) = (folder.folder("first", 0o755), folder.folder("second", 0o755));
    let file = folder.file("first/app", "#!/no/interp\n", 0o755);
    app(&second);
    let message = format!("cannot start `app` ({}): its interpreter `/no/interp` does not exist", file.display());
    assert_fails(on_path(Init::new(mode), &[&first, &second]), &["app".as_ref()], 127, &message);
});

both_modes!(a_name_with_a_slash_is_not_looked_up, |mode| {
    let folder = Folder::new();
    app(&folder.folder("bin", 0o755));
    let elsewhere = Folder::new();
    let init = on_path(Init::new(mode), &[folder.path()]).cwd(elsewhere.path());
    let message = "cannot start `bin/app`: the folder `bin` does not exist";
    assert_fails(init, &["bin/app".as_ref()], 127, message);
});

both_modes!(without_path_the_default_one_is_searched, |mode| {
    let finished = Init::new(mode).env([""; 0]).command(["true"]).start().finish();
    assert_eq!(finished.code(), 0, "{}", finished.story());
});

both_modes!(argv_0_is_the_name_as_it_was_given, |mode| {
    let folder = Folder::new();
    app(folder.path());
    let finished = on_path(Init::new(mode), &[folder.path()]).command(["app", "print"]).start().finish();
    let found: Value = serde_json::from_slice(&finished.stdout).expect("the probe's line");
    assert_eq!(found["argv"], json!(["617070", "7072696e74"]), "{}", finished.story());
});

/// The header of a 64-bit program for this machine, and one segment: the path of its dynamic loader (elf(5)).
fn elf(machine: u16, loader: &str) -> Vec<u8> {
    let half = |values: &[u16]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    let word = |values: &[u32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    let xword = |values: &[u64]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    let size = loader.len() as u64 + 1;
    [
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec(),
        half(&[libc::ET_EXEC, machine]),
        word(&[1]),
        // The entry, and where the headers of segments and sections are.
        xword(&[0, 64, 0]),
        word(&[0]),
        // Sizes and numbers: this header, one of a segment, none of a section.
        half(&[64, 56, 1, 64, 0, 0]),
        // The segment: kind, readable, offset, two addresses, two sizes, alignment.
        word(&[libc::PT_INTERP, 4]),
        xword(&[120, 120, 120, size, size, 1]),
        format!("{loader}\0").into_bytes(),
    ]
    .concat()
}

fn c_path(path: &Path) -> std::ffi::CString {
    std::ffi::CString::new(path.as_os_str().as_bytes()).expect("no NUL in a path")
}
