//! Where entrypoint scripts break on files: MKDIR, CHOWN, CHOWNIF, CHMOD, SYMLINK, RMSTALE, SEED, FIRSTBOOT.

use std::os::unix::fs::MetadataExt as _;

use crate::support::root::{Outcome, Root};

const NONE: [&str; 0] = [];

fn app(steps: &str) -> Root {
    Root::config(format!("version = 1\napp.command = ['app']\n{steps}")).programs(["app"])
}

fn run(root: &Root) -> Outcome {
    let outcome = root.start(NONE).run();
    outcome.app();
    outcome
}

/// Runs it, and a second time, which changes nothing below the path.
fn run_twice(root: &Root, path: &str) {
    run(root);
    let first = root.snapshot(path);
    run(root);
    assert_eq!(root.snapshot(path), first, "a second start changes nothing");
}

// Folders.

promise!(a_folder_is_made_with_its_parents_mode_and_owner, {
    let root = app("[[steps]]\ndirectory = { path = '${BASE:-/var/lib}/a b/c', mode = '2750', owner = '7:8' }\n");
    let outcome = root.start(NONE).umask(0o077).run();
    outcome.app();
    assert_eq!((root.mode_of("/var/lib/a b/c"), root.owner_of("/var/lib/a b/c")), (0o2750, "7:8".into()));
    assert_eq!((root.mode_of("/var/lib/a b"), root.owner_of("/var/lib/a b")), (0o755, "0:0".into()));
    let first = root.snapshot("/var");
    run(&root);
    assert_eq!(root.snapshot("/var"), first, "a second start changes nothing");
});

promise!(a_folder_without_a_mode_follows_the_umask, {
    let root = app("[[steps]]\ndirectory = { path = '/a' }\n");
    root.start(NONE).umask(0o027).run().app();
    assert_eq!(root.mode_of("/a"), 0o750);
});

promise!(a_folder_that_is_there_keeps_what_is_not_asked_for, {
    let root = app(
        "[[steps]]\ndirectory = { path = '/a' }\n[[steps]]\ndirectory = { path = '/b', mode = '0700', owner = ':9' }\n",
    );
    let root = root.dir("/a").mode("/a", 0o1777).owner("/a", 5, 6).dir("/b").owner("/b", 5, 6);
    run_twice(&root, "/a");
    assert_eq!((root.mode_of("/a"), root.owner_of("/a")), (0o1777, "5:6".into()));
    assert_eq!((root.mode_of("/b"), root.owner_of("/b")), (0o700, "5:9".into()));
});

promise!(a_folder_that_cannot_be_made_is_told_with_path_cause_and_who, {
    let root = app("[[steps]]\nname = 'state'\ndirectory = { path = '/closed/state' }\n").dir("/closed");
    let outcome = root.start(NONE).user(1234, 55).run();
    outcome.assert_refused(125, &["`state`", "/closed/state", "ermission denied", "1234:55", "0:0", "0755"]);
    let root = app("[[steps]]\ndirectory = { path = '/ro/state' }\n").dir("/ro").read_only("/ro");
    root.start(NONE).run().assert_refused(125, &["/ro/state", "ead-only"]);
    let root = app("[[steps]]\ndirectory = { path = '/file/x' }\n").file("/file", "");
    root.start(NONE).run().assert_refused(125, &["/file"]);
});

// Owners.

promise!(owners_change_only_where_they_differ, {
    let root = app("[[steps]]\nowner = { path = '/data', owner = '7:8' }\n")
        .file("/data/right", "x")
        .owner("/data/right", 7, 8)
        .mode("/data/right", 0o4755)
        .file("/data/wrong", "x");
    let before = root.meta("/data/right");
    run_twice(&root, "/data");
    let after = root.meta("/data/right");
    assert_eq!((after.ctime(), after.ctime_nsec()), (before.ctime(), before.ctime_nsec()), "never touched");
    assert_eq!(after.mode() & 0o7777, 0o4755, "chown(2) would have taken the set-user-ID bit");
    assert_eq!([root.owner_of("/data"), root.owner_of("/data/wrong")], ["7:8", "7:8"]);
});

promise!(a_user_alone_leaves_groups_and_a_group_alone_users, {
    let root =
        app("[[steps]]\nowner = { path = '/u', owner = '7' }\n[[steps]]\nowner = { path = '/g', owner = ':8' }\n");
    let root = root.file("/u/f", "").owner("/u/f", 1, 2).file("/g/f", "").owner("/g/f", 1, 2);
    run(&root);
    assert_eq!([root.owner_of("/u/f"), root.owner_of("/g/f")], ["7:2", "1:8"]);
});

promise!(a_flat_owner_is_that_of_the_top, {
    let root = app("[[steps]]\nowner = { path = '/data', owner = '7:8', flat = true }\n").file("/data/f", "");
    run(&root);
    assert_eq!([root.owner_of("/data"), root.owner_of("/data/f")], ["7:8", "0:0"]);
});

promise!(a_symbolic_link_gets_the_owner_and_its_target_does_not, {
    let root = app("[[steps]]\nowner = { path = '/data', owner = '7:8' }\n")
        .file("/outside/f", "")
        .link("/data/file", "/outside/f")
        .link("/data/folder", "/outside")
        .link("/data/dangling", "/nowhere")
        .link("/data/loop", "loop");
    run_twice(&root, "/data");
    assert_eq!([root.owner_of("/outside"), root.owner_of("/outside/f")], ["0:0", "0:0"]);
    assert_eq!(root.owner_of("/data/dangling"), "7:8");
});

promise!(no_other_file_system_is_entered, {
    let root = app("[[steps]]\nowner = { path = '/data', owner = '7:8' }\n").file("/data/f", "").tmpfs("/data/tmp");
    run(&root);
    assert_eq!(root.owner_of("/data/f"), "7:8");
});

promise!(a_read_only_config_map_below_the_tree_is_no_failure, {
    // The same device as the tree: Docker's volumes usually are.
    let root =
        app("[[steps]]\nowner = { path = '/data', owner = '7:8' }\n").file("/data/f", "").file("/data/map/f", "");
    let root = root.read_only("/data/map");
    run(&root);
    assert_eq!([root.owner_of("/data/f"), root.owner_of("/data/map/f")], ["7:8", "0:0"]);
});

promise!(a_read_only_file_below_the_tree_is_no_failure, {
    let root =
        app("[[steps]]\nowner = { path = '/data', owner = '7:8' }\n").file("/data/f", "").file("/data/z.conf", "");
    let root = root.read_only("/data/z.conf");
    run(&root);
    assert_eq!([root.owner_of("/data/f"), root.owner_of("/data/z.conf")], ["7:8", "0:0"]);
});

promise!(an_owner_for_what_is_not_there_is_a_failure_with_its_path, {
    app("[[steps]]\nowner = { path = '/data', owner = '7:8' }\n").start(NONE).run().assert_refused(125, &["/data"]);
});

promise!(names_of_any_bytes_are_given_away, {
    use std::os::unix::ffi::OsStrExt as _;
    let root = app("[[steps]]\nowner = { path = '/data', owner = '7:8' }\n").dir("/data");
    let odd = root.path("/data").join(std::ffi::OsStr::from_bytes(b"\xff \n'\"$"));
    std::fs::write(&odd, "").expect("a name like any other");
    run(&root);
    assert_eq!(odd.metadata().expect("it is there").uid(), 7);
});

// Links.

promise!(a_link_is_made_and_not_inside_what_it_points_at, {
    let root = app("[[steps]]\nsymlink = { path = '/app/conf', target = '/data/${WHAT:-conf}' }\n").dir("/data/conf");
    run_twice(&root, "/app");
    assert_eq!(std::fs::read_link(root.path("/app/conf")).expect("a link").to_str(), Some("/data/conf"));
    assert_eq!(root.snapshot("/data/conf").len(), 1, "nothing in the folder");
});

promise!(a_link_replaces_only_where_that_is_said_and_never_a_folder, {
    let steps = "[[steps]]\nsymlink = { path = '/app/conf', target = '/data' }\n";
    let replacing = steps.replace(" }", ", replace = true }");
    for old in ["link", "file"] {
        let with_old = |steps: &str| match old {
            "link" => app(steps).link("/app/conf", "/old"),
            _ => app(steps).file("/app/conf", "old"),
        };
        let root = with_old(steps);
        root.start(NONE).run().assert_refused(125, &["/app/conf"]);
        let root = with_old(&replacing);
        run_twice(&root, "/app");
        assert_eq!(std::fs::read_link(root.path("/app/conf")).expect("a link").to_str(), Some("/data"));
    }
    let root = app(&replacing).file("/app/conf/kept", "");
    root.start(NONE).run().assert_refused(125, &["/app/conf"]);
    assert!(root.exists("/app/conf/kept"));
    assert_eq!(root.snapshot("/app").len(), 3);
});

// Stale files.

promise!(stale_files_are_removed_and_nothing_else, {
    let root =
        app("[[steps]]\nremove = { paths = ['/run/${NAME:-app}.pid', '/run/*.sock', '/none/x', '/run/literal[*'] }\n")
            .file("/run/app.pid", "1")
            .file("/run/a.sock", "")
            .file("/run/.b.sock", "")
            .file("/run/c.socks", "")
            .file("/run/dir.sock/f", "")
            .file("/outside", "")
            .link("/run/l.sock", "/outside");
    run_twice(&root, "/run");
    assert!(!root.exists("/run/app.pid") && !root.exists("/run/a.sock") && !root.exists("/run/l.sock"));
    assert!(root.exists("/run/c.socks") && root.exists("/run/dir.sock/f") && root.exists("/outside"));
});

promise!(a_pattern_in_a_value_is_a_name_and_no_pattern, {
    let root =
        app("[[steps]]\nremove = { paths = ['/run/${NAME}.pid'] }\n").file("/run/a.pid", "").file("/run/*.pid", "");
    root.start(NONE).env(["NAME=*"]).run().app();
    assert!(root.exists("/run/a.pid"), "values are literal text");
    assert!(!root.exists("/run/*.pid"));
});

promise!(a_stale_file_that_cannot_be_removed_is_told, {
    let root = app("[[steps]]\nremove = { paths = ['/run/app.pid'] }\n").file("/run/app.pid", "1");
    root.start(NONE).user(1234, 1234).run().assert_refused(125, &["/run/app.pid", "1234"]);
});

// Seeds.

fn defaults(step: &str) -> Root {
    app(&format!("[[steps]]\nname = 'seed'\ncopy = {{ from = '/defaults', to = '/data', {step} }}\n"))
        .file("/defaults/app.yml", "default")
        .file("/defaults/bin/run", "#!")
        .mode("/defaults/bin/run", 0o4755)
        .dir("/defaults/empty")
        .mode("/defaults/empty", 0o1770)
        .link("/defaults/current", "app.yml")
        .link("/defaults/dangling", "/nowhere")
        .file("/defaults/own", "x")
        .owner("/defaults/own", 3, 4)
}

/// Everything was copied, and its kind and modes with it.
#[track_caller]
fn assert_seeded(root: &Root) {
    assert_eq!((root.text("/data/app.yml"), root.text("/data/bin/run")), ("default".into(), "#!".into()));
    assert_eq!((root.mode_of("/data/bin/run"), root.mode_of("/data/empty")), (0o4755, 0o1770));
    let target = |path| std::fs::read_link(root.path(path)).expect("a link").into_os_string();
    assert_eq!((target("/data/current"), target("/data/dangling")), ("app.yml".into(), "/nowhere".into()));
}

promise!(a_missing_volume_is_seeded_once, {
    let root = defaults("if = 'missing'");
    run_twice(&root, "/data");
    assert_seeded(&root);
    assert_eq!(root.owner_of("/data/own"), "3:4");
    root.put("/data/app.yml", "mine");
    run(&root);
    assert_eq!(root.text("/data/app.yml"), "mine");
});

promise!(an_empty_volume_is_seeded_with_its_owner, {
    let root = defaults("if = 'empty', owner = '7:8', exclude = ['own', '*.bak']").dir("/data").mount_point("/data");
    let root = root.file("/defaults/x.bak", "");
    run_twice(&root, "/data");
    assert_seeded(&root);
    assert_eq!([root.owner_of("/data/app.yml"), root.owner_of("/data/bin/run")], ["7:8", "7:8"]);
    assert!(!root.exists("/data/own") && !root.exists("/data/x.bak"));
});

promise!(a_volume_with_something_in_it_is_not_empty, {
    let root = defaults("if = 'empty'").file("/data/mine", "");
    run(&root);
    assert_eq!(root.snapshot("/data").len(), 2);
});

promise!(each_entry_that_is_missing_is_added_and_none_replaced, {
    let root =
        defaults("if = 'each'").file("/data/app.yml", "mine").file("/data/bin/other", "").mode("/data/bin", 0o700);
    run_twice(&root, "/data");
    assert_eq!((root.text("/data/app.yml"), root.text("/data/bin/run")), ("mine".into(), "#!".into()));
    assert_eq!(root.mode_of("/data/bin"), 0o700);
    assert!(root.exists("/data/empty") && root.exists("/data/bin/other"));
});

promise!(an_interrupted_copy_is_completed, {
    for condition in ["missing", "empty", "each"] {
        for marker in ["", ", marker = '/data/.seeded'"] {
            let case = format!("if = '{condition}'{marker}");
            let root = defaults(&case);
            for number in 0..2000 {
                root.put(&format!("/defaults/many/{number}"), "0123456789");
            }
            // The container is killed amid its first start, as soon as there is something.
            let running = root.start(NONE).begin();
            let _started = running.until("the copy", || std::fs::read_dir(root.path("/data/many")).ok()?.next());
            running.kill(libc::SIGKILL);
            running.wait();
            let left = root.snapshot("/data").len();
            run_twice(&root, "/data");
            assert_seeded(&root);
            let whole = root.snapshot("/defaults").len() + usize::from(!marker.is_empty());
            assert_eq!(root.snapshot("/data").len(), whole, "{case}, after {left}");
            let whole = |number| root.read(&format!("/data/many/{number}")) == b"0123456789";
            assert!((0..2000).all(whole), "{case}: a file is there only in part");
        }
    }
});

promise!(a_marker_says_that_all_is_done, {
    let root = defaults("if = 'each', marker = '/data/.seeded'");
    run_twice(&root, "/data");
    assert_seeded(&root);
    std::fs::remove_file(root.path("/data/app.yml")).expect("it is there");
    run(&root);
    assert!(!root.exists("/data/app.yml"), "what the user removed stays away");
});

promise!(a_failed_copy_leaves_no_marker, {
    let root = defaults("if = 'each', marker = '/data/.seeded'")
        .file("/data/ro/x", "")
        .dir("/defaults/ro")
        .file("/defaults/ro/y", "");
    let root = root.read_only("/data/ro");
    root.start(NONE).run().assert_refused(125, &["`seed`", "/data/ro"]);
    assert!(!root.exists("/data/.seeded"));
});

promise!(a_copy_by_somebody_else_keeps_going_without_the_owners, {
    let root = defaults("if = 'empty'").dir("/data").owner("/data", 1234, 1234);
    let root = root.mode("/defaults/bin/run", 0o755).mode("/defaults/empty", 0o1775);
    let outcome = root.start(NONE).user(1234, 1234).run();
    outcome.app();
    assert_eq!(root.owner_of("/data/own"), "1234:1234");
    assert_eq!(root.mode_of("/data"), 0o755);
});

promise!(a_seed_that_is_not_there_is_told, {
    app("[[steps]]\ncopy = { from = '/none', to = '/data' }\n").start(NONE).run().assert_refused(125, &["/none"]);
});

promise!(a_failed_step_stops_those_behind_it, {
    let root = app("[[steps]]\nowner = { path = '/none', owner = '7' }\n[[steps]]\ndirectory = { path = '/made' }\n");
    root.start(NONE).run().assert_refused(125, &["/none"]);
    assert!(!root.exists("/made"));
});

promise!(a_step_sees_what_those_before_it_made, {
    let root = app(concat!(
        "[[steps]]\nwhen = \"not exists('/data/v')\"\ndirectory = { path = '/data/v' }\n",
        "[[steps]]\nwhen = \"is_dir('/data/v') and is_empty('/data/v')\"\ntemplate = { content = 'x', target = '/data/v/f' }\n",
        "[[steps]]\nwhen = \"contains('/data/v/f', 'x')\"\ndirectory = { path = '/seen' }\n",
    ));
    run(&root);
    assert!(root.exists("/seen"));
});
