//! Where entrypoint scripts break on users: IFROOT, DROPUSER, SUPGROUP, HOMESET, CHDIR.

use crate::support::root::{Outcome, Root};

const NONE: [&str; 0] = [];
const CAP_CHOWN: libc::c_ulong = 0;
const CAP_SETGID: libc::c_ulong = 6;
const CAP_SETUID: libc::c_ulong = 7;

fn app(config: &str) -> Root {
    Root::config(format!("version = 1\n[app]\ncommand = ['app']\n{config}"))
        .programs(["app"])
        .passwd("app:x:100:1000:An App:/home/app:/none\nother:x:101:101::/o:/none")
        .group("app:x:1000:\nlogs:x:50:app,other\nmedia:x:51:other,app\nother:x:101:\ndocker:x:999:")
}

fn run(root: &Root) -> Outcome {
    root.start(NONE).groups([0, 4]).env(["HOME=/root", "USER=root", "LOGNAME=root"]).run()
}

#[track_caller]
fn assert_is(outcome: &Outcome, identity: &str, groups: &[u32]) {
    assert_eq!(outcome.app().identity(), identity);
    let mut found = outcome.app().groups();
    found.sort_unstable();
    // A user's own group among the supplementary ones is as usual as its absence.
    let own: u32 = identity.split_once(':').and_then(|(_, gid)| gid.parse().ok()).expect("uid:gid");
    found.retain(|group| *group != own);
    assert_eq!(found, groups);
}

fn home(outcome: &Outcome) -> [Option<String>; 3] {
    ["HOME", "USER", "LOGNAME"].map(|name| outcome.app().text(name))
}

fn of(texts: [&str; 3]) -> [Option<String>; 3] {
    texts.map(|text| Some(text.to_owned()))
}

promise!(a_user_by_name_has_its_groups_and_its_home, {
    let outcome = run(&app("user = 'app'\n"));
    assert_is(&outcome, "100:1000", &[50, 51]);
    assert_eq!(home(&outcome), of(["/home/app", "app", "app"]));
    assert_eq!(outcome.app().cwd(), "/", "the working directory does not follow");
});

promise!(a_group_can_be_another, {
    assert_is(&run(&app("user = 'app:docker'\n")), "100:999", &[50, 51]);
    assert_is(&run(&app("user = 'app:77'\n")), "100:77", &[50, 51]);
});

promise!(numbers_need_no_entry, {
    let outcome = run(&app("user = '4711:4712'\n"));
    assert_is(&outcome, "4711:4712", &[]);
    assert_eq!(home(&outcome), of(["/root", "root", "root"]), "nobody knows better");
});

promise!(a_number_with_an_entry_has_that_home_and_no_groups, {
    let outcome = run(&app("user = '100:1000'\n"));
    assert_is(&outcome, "100:1000", &[]);
    assert_eq!(home(&outcome)[0].as_deref(), Some("/home/app"));
});

promise!(numbers_need_no_passwd_at_all, {
    let root = Root::config("version = 1\n[app]\ncommand = ['app']\nuser = '4711:4712'\n").programs(["app"]);
    std::fs::remove_file(root.path("/etc/passwd")).expect("it is there");
    std::fs::remove_file(root.path("/etc/group")).expect("it is there");
    assert_is(&run(&root), "4711:4712", &[]);
});

promise!(home_is_kept_where_that_is_said, {
    let outcome = run(&app("user = 'app'\nhome = 'keep'\n"));
    assert_eq!(home(&outcome), of(["/root", "root", "root"]));
});

promise!(groups_can_be_said, {
    assert_is(&run(&app("user = 'app'\ngroups = ['docker', '12']\n")), "100:1000", &[12, 999]);
    assert_is(&run(&app("user = 'app'\ngroups = []\n")), "100:1000", &[]);
});

promise!(who_it_is_already_it_stays, {
    let root = app("user = 'app'\n");
    let outcome = root.start(NONE).user(100, 1000).groups([50, 51]).env(["HOME=/x"]).run();
    assert_is(&outcome, "100:1000", &[50, 51]);
    assert_eq!(outcome.app().text("HOME").as_deref(), Some("/x"));
});

promise!(without_the_privilege_a_switch_is_refused_and_nothing_starts, {
    let root = app("user = 'app'\n");
    let outcome = root.start(NONE).user(1234, 1234).run();
    outcome.assert_refused(125, &["1234", "100"]);
    for capability in [CAP_SETUID, CAP_SETGID] {
        // docker run --cap-drop ALL, OpenShift
        let outcome = root.start(NONE).without_capability(capability).run();
        outcome.assert_refused(125, &["CAP_SET"]);
    }
});

promise!(an_unknown_or_senseless_user_is_refused_and_never_root, {
    for user in
        ["nobody", "app:nogroup", "1234:", ":", "a b", "-1", "4294967295", "4294967296", "100:4294967295", "0x1"]
    {
        let root = app(&format!("user = '{user}'\n"));
        let outcome = run(&root);
        assert!(!outcome.started(), "{user:?} started\n{}", outcome.story());
        assert_eq!(outcome.code(), 125, "{user:?}\n{}", outcome.story());
    }
});

promise!(an_empty_user_is_refused_and_never_root, {
    let root = app("user = '${RUN_AS:-}'\n");
    let outcome = run(&root);
    assert!(!outcome.started(), "started as {}\n{}", outcome.app().identity(), outcome.story());
});

promise!(a_user_from_variables_that_are_empty_is_refused, {
    let root = app("user = '${PUID:-}:${PGID:-}'\n");
    let outcome = run(&root);
    assert!(!outcome.started(), "{}", outcome.story());
    assert_is(&root.start(NONE).env(["PUID=7", "PGID=8"]).run(), "7:8", &[]);
});

promise!(another_working_directory, {
    let root = app("workdir = '${DIR:-/srv}'\n").dir("/srv").dir("/a b");
    assert_eq!(run(&root).app().cwd(), "/srv");
    assert_eq!(root.start(NONE).env(["DIR=/a b"]).run().app().cwd(), "/a b");
    root.start(NONE).env(["DIR=/none"]).run().assert_refused(125, &["/none"]);
});

promise!(a_working_directory_the_user_may_not_enter_is_refused, {
    let root = app("user = 'app'\nworkdir = '/closed'\n").dir("/closed").mode("/closed", 0o700);
    run(&root).assert_refused(125, &["/closed"]);
});

promise!(steps_have_the_rights_they_ask_for, {
    let root = app(
        "user = 'app'\n[[steps]]\nas = 'app'\ndirectory = { path = '/srv/by-app' }\n[[steps]]\ndirectory = { path = '/by-root' }\n",
    );
    let root = root.dir("/srv").owner("/srv", 100, 1000);
    run(&root).app();
    assert_eq!((root.owner_of("/srv/by-app"), root.owner_of("/by-root")), ("100:1000".into(), "0:0".into()));
    let refused = app("user = 'app'\n[[steps]]\nas = 'app'\ndirectory = { path = '/srv/by-app' }\n").dir("/srv");
    run(&refused).assert_refused(125, &["/srv", "100"]);
});

promise!(root_that_may_not_chown_is_told_where, {
    // NFS with root squash, user namespaces, --cap-drop ALL
    let config = "[[steps]]\nname = 'give'\nowner = { path = '/data', owner = '7:8' }\n";
    let root = app(config).file("/data/f", "f");
    root.start(NONE).without_capability(CAP_CHOWN).run().assert_refused(125, &["`give`", "/data", "7:8"]);
    let root = app(&config.replace("name =", "on_failure = 'warn'\nname =")).file("/data/f", "f");
    let outcome = root.start(NONE).without_capability(CAP_CHOWN).run();
    outcome.app();
    outcome.assert_says(&["`give`", "/data", "7:8"]);
});

// An image cannot know which number the group of the host's docker.sock has.
promise!(a_group_can_be_that_of_a_file, {
    let config =
        "version = 1\n[app]\ncommand = ['app']\nuser = '7:8'\ngroups = ['/run/docker.sock', '/run/none', '55']\n";
    let root = Root::config(config).programs(["app"]).file("/run/docker.sock", "").owner("/run/docker.sock", 0, 998);
    assert_eq!(root.start(NONE).run().app().groups(), [55, 998]);
});
