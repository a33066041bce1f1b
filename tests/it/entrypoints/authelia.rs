//! P3: PUID, PGID and UMASK.

use crate::support::root::{Outcome, Root};

fn authelia() -> Root {
    Root::example("authelia").programs(["authelia", "foo"]).file("/config/x", "x")
}

fn ownership(root: &Root) -> [String; 2] {
    ["/config", "/config/x"].map(|path| root.owner_of(path))
}

const NONE: [&str; 0] = [];

#[track_caller]
fn assert_is(outcome: &Outcome, argv: &[&str], identity: &str) {
    assert_eq!(outcome.app().argv(), argv);
    assert_eq!(outcome.app().identity(), identity);
}

promise!(p3_1_puid_and_pgid_own_the_volume_and_run_the_program, {
    let root = authelia();
    let outcome = root.start(NONE).env(["PUID=7", "PGID=8"]).groups([4, 5]).run();
    assert_is(&outcome, &["authelia"], "7:8");
    assert!(outcome.app().groups().is_empty());
    assert_eq!(ownership(&root), ["7:8", "7:8"]);
    let first = root.snapshot("/config");
    root.start(NONE).env(["PUID=7", "PGID=8"]).run().app();
    assert_eq!(root.snapshot("/config"), first, "a second start changes nothing");
});

promise!(p3_2_flags_are_its_arguments_and_umask_is_set, {
    let root = authelia();
    let outcome = root.start(["--config", "/config/c.yml"]).env(["PUID=7", "PGID=8", "UMASK=027"]).run();
    assert_is(&outcome, &["authelia", "--config", "/config/c.yml"], "7:8");
    assert_eq!(outcome.app().umask(), 0o027);
});

promise!(p3_3_another_command_gets_only_the_umask, {
    let root = authelia();
    let outcome = root.start(["foo", "x"]).env(["UMASK=077", "PUID=7", "PGID=8"]).run();
    assert_is(&outcome, &["foo", "x"], "0:0");
    assert_eq!(outcome.app().umask(), 0o077);
    assert_eq!(ownership(&root), ["0:0", "0:0"]);
});

promise!(p3_4_its_own_name_spelled_out_is_no_set_up, {
    let root = authelia();
    let outcome = root.start(["authelia", "--config", "x"]).env(["PUID=7", "PGID=8"]).run();
    assert_is(&outcome, &["authelia", "--config", "x"], "0:0");
    assert_eq!(ownership(&root), ["0:0", "0:0"]);
});

promise!(p3_5_somebody_else_stays_who_it_is, {
    let root = authelia();
    let outcome = root.start(["--config", "x"]).user(1234, 1234).env(["PUID=7", "PGID=8"]).run();
    assert_is(&outcome, &["authelia", "--config", "x"], "1234:1234");
    assert_eq!(ownership(&root), ["0:0", "0:0"]);
});

promise!(p3_6_root_with_another_group_stays_so, {
    let root = authelia();
    let outcome = root.start(NONE).user(0, 5).env(["PUID=7", "PGID=8"]).run();
    assert_is(&outcome, &["authelia"], "0:5");
    assert_eq!(ownership(&root), ["0:0", "0:0"]);
});

promise!(p3_7_puid_0_is_root, {
    let root = authelia();
    assert_is(&root.start(NONE).env(["PUID=0", "PGID=0"]).run(), &["authelia"], "0:0");
    assert_is(&root.start(NONE).run(), &["authelia"], "0:0");
    assert_eq!(root.start(NONE).run().app().umask(), 0o022, "without UMASK it stays");
});

promise!(p3_8_a_volume_that_is_not_there_is_a_warning, {
    let root = Root::example("authelia").programs(["authelia"]);
    let outcome = root.start(NONE).env(["PUID=7", "PGID=8"]).run();
    assert_is(&outcome, &["authelia"], "7:8");
    outcome.assert_says(&["/config"]);
    assert_eq!(outcome.code(), 0);
});

promise!(p3_9_every_flag_is_an_argument, {
    let root = authelia();
    let outcome = root.start(["--version"]).env(["PUID=7", "PGID=8"]).run();
    assert_is(&outcome, &["authelia", "--version"], "7:8");
    assert_eq!(ownership(&root), ["7:8", "7:8"]);
});

promise!(a_puid_that_is_no_number_is_refused, {
    let root = authelia();
    for wrong in ["abc", "-1", "7 8", "99999999999999999999", "0x10"] {
        root.start(NONE).env([format!("PUID={wrong}")]).run().assert_refused(125, &["`PUID`"]);
    }
    assert_eq!(ownership(&root), ["0:0", "0:0"]);
});

promise!(an_umask_that_is_none_is_refused, {
    let root = authelia();
    for wrong in ["abc", "08", "1777", "-1"] {
        root.start(NONE).env([format!("UMASK={wrong}")]).run().assert_refused(125, &["umask"]);
    }
});
