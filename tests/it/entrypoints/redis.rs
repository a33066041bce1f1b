//! P2: root gives its volume to a user and becomes that user.

use crate::support::root::{Root, Start};

fn redis() -> Root {
    Root::example("redis")
        .programs(["redis-server", "redis-cli"])
        .passwd("redis:x:999:1000::/nonexistent:/none")
        .group("redis:x:1000:")
        .file("/data/a", "a")
        .file("/data/sub/x", "x")
        .file("/data/b", "b")
        .owner("/data/b", 999, 55)
}

fn start<'r>(root: &'r Root, args: &[&str]) -> Start<'r> {
    root.start(args).cwd("/data")
}

/// `uid:gid` of everything in the volume.
fn owners(root: &Root) -> Vec<String> {
    ["/data", "/data/a", "/data/sub", "/data/sub/x", "/data/b"].map(|path| root.owner_of(path)).to_vec()
}

const GIVEN: [&str; 5] = ["999:0", "999:0", "999:0", "999:0", "999:55"];
const UNTOUCHED: [&str; 5] = ["0:0", "0:0", "0:0", "0:0", "999:55"];

promise!(p2_1_root_becomes_redis, {
    let root = redis();
    let outcome = start(&root, &["redis-server"]).groups([0, 7]).env(["HOME=/root"]).run();
    let app = outcome.app();
    assert_eq!(app.argv(), ["redis-server"]);
    assert_eq!(app.identity(), "999:1000");
    assert!(app.groups().iter().all(|group| *group == 1000), "none of root's groups: {:?}", app.groups());
    assert_eq!((app.umask(), app.cwd()), (0o077, "/data".into()));
    assert_eq!(app.text("HOME").as_deref(), Some("/nonexistent"));
    assert_eq!(outcome.code(), 0);
});

promise!(p2_2_the_volume_is_given_away_groups_stay, {
    let root = redis();
    start(&root, &["redis-server"]).run().app();
    assert_eq!(owners(&root), GIVEN);
    let first = root.snapshot("/data");
    start(&root, &["redis-server"]).run().app();
    assert_eq!(root.snapshot("/data"), first, "a second start changes nothing");
});

promise!(p2_3_a_configuration_file_or_flags_are_arguments_of_redis_server, {
    let root = redis();
    for (args, argv) in [
        (&["/x/my.conf", "--port", "1"][..], &["redis-server", "/x/my.conf", "--port", "1"][..]),
        (&["--port", "1"], &["redis-server", "--port", "1"]),
    ] {
        let outcome = start(&root, args).run();
        assert_eq!(outcome.app().argv(), argv);
        assert_eq!(outcome.app().identity(), "999:1000");
    }
});

promise!(p2_4_only_the_usual_umask_is_replaced, {
    let root = redis();
    assert_eq!(start(&root, &["redis-server"]).umask(0o027).run().app().umask(), 0o027);
    assert_eq!(start(&root, &["redis-server"]).umask(0o022).run().app().umask(), 0o077);
});

promise!(p2_5_another_command_stays_root_and_changes_no_owner, {
    let root = redis();
    let outcome = start(&root, &["redis-cli", "ping"]).run();
    assert_eq!(outcome.app().argv(), ["redis-cli", "ping"]);
    assert_eq!((outcome.app().identity(), outcome.app().umask()), ("0:0".into(), 0o077));
    assert_eq!(owners(&root), UNTOUCHED);
});

promise!(p2_6_somebody_else_stays_who_it_is_and_changes_no_owner, {
    let root = redis();
    let outcome = start(&root, &["redis-server"]).user(1234, 1234).run();
    assert_eq!((outcome.app().identity(), outcome.app().umask()), ("1234:1234".into(), 0o077));
    assert_eq!(outcome.code(), 0);
    assert_eq!(owners(&root), UNTOUCHED);
});

// The script ends with 1.
promise!(p2_7_a_user_that_is_not_there_is_refused_by_name, {
    let root = redis().passwd("other:x:999:1000::/:/none");
    start(&root, &["redis-server"]).run().assert_refused(125, &["`redis`"]);
    assert_eq!(owners(&root), UNTOUCHED, "nothing was done before the refusal");
});

promise!(p2_8_no_symbolic_link_is_followed, {
    let root =
        redis().file("/outside/f", "f").dir("/outside/d").link("/data/l", "/outside/f").link("/data/d", "/outside/d");
    start(&root, &["redis-server"]).run().app();
    assert_eq!(root.owner_of("/outside/f"), "0:0");
    assert_eq!(root.owner_of("/outside/d"), "0:0");
    assert_eq!(owners(&root), GIVEN);
});

promise!(the_absolute_path_of_the_program_gets_the_set_up_too, {
    let root = redis();
    let outcome = start(&root, &["/usr/bin/redis-server", "--port", "1"]).run();
    assert_eq!(outcome.app().argv(), ["/usr/bin/redis-server", "--port", "1"]);
    assert_eq!(outcome.app().identity(), "999:1000");
    assert_eq!(owners(&root), GIVEN);
});
