//! P9: keys of files that are there, from variables and the address of the machine.

use crate::support::root::{Outcome, Root};

const CONF: &str = "/etc/cassandra";
const YAML: &str = "/etc/cassandra/cassandra.yaml";
const RACKDC: &str = "/etc/cassandra/cassandra-rackdc.properties";

const OLD: &str = "\
# Cassandra storage config YAML
cluster_name: \"Test Cluster\"
num_tokens: 16
seed_provider:
    - class_name: org.apache.cassandra.locator.SimpleSeedProvider
      parameters:
          - seeds: \"127.0.0.1:7000\"
listen_address: localhost
# broadcast_address: 1.2.3.4
# broadcast_rpc_address: 1.2.3.4
rpc_address: localhost
endpoint_snitch: SimpleSnitch
";

fn cassandra() -> Root {
    Root::example("cassandra")
        .programs(["cassandra", "cqlsh"])
        .passwd("cassandra:x:999:999::/var/lib/cassandra:/none")
        .group("cassandra:x:999:")
        .file(YAML, OLD)
        .file(RACKDC, "# racks\ndc=dc1\nrack=rack1\n")
        .owner(RACKDC, 0, 7)
        .file("/var/lib/cassandra/data/a", "x")
        .file("/var/lib/cassandra/data/b", "x")
        .owner("/var/lib/cassandra/data/b", 999, 55)
        .dir("/var/log/cassandra")
        .own_network([[169, 254, 1, 1], [10, 7, 0, 3]])
}

fn run(root: &Root, args: &[&str], env: &[&str]) -> Outcome {
    root.start(args).env(["CASSANDRA_CONF=/etc/cassandra"]).env(env).run()
}

/// What becomes of the file: these lines instead of those.
#[track_caller]
fn becomes(env: &[&str], lines: &[(&str, &str)]) {
    let root = cassandra();
    run(&root, &[], env).app();
    let mut expected = OLD.to_owned();
    for (old, new) in lines {
        assert!(expected.contains(old), "{old}");
        expected = expected.replace(old, new);
    }
    assert_eq!(root.text(YAML), expected);
    let first = root.snapshot(CONF);
    run(&root, &[], env).app();
    assert_eq!(root.snapshot(CONF), first, "a second start changes nothing");
}

const ALL_INTERFACES: (&str, &str) = ("rpc_address: localhost", "rpc_address: 0.0.0.0");
const LISTEN: (&str, &str) = ("listen_address: localhost", "listen_address: 10.7.0.3");

promise!(p9_1_root_gives_the_files_to_cassandra_and_becomes_it, {
    let root = cassandra();
    let outcome = run(&root, &[], &[]);
    assert_eq!(outcome.app().argv(), ["cassandra", "-f"]);
    assert_eq!((outcome.app().identity().as_str(), outcome.code()), ("999:999", 0));
    for path in [CONF, YAML, "/var/lib/cassandra", "/var/lib/cassandra/data/a", "/var/log/cassandra"] {
        assert_eq!(root.owner_of(path), "999:0", "{path}: groups stay");
    }
    assert_eq!((root.owner_of(RACKDC), root.owner_of("/var/lib/cassandra/data/b")), ("999:7".into(), "999:55".into()));
});

promise!(p9_2_the_address_is_the_first_that_others_can_reach, {
    becomes(
        &[],
        &[
            ("          - seeds: \"127.0.0.1:7000\"", "          - seeds: \"10.7.0.3\""),
            ("# broadcast_address: 1.2.3.4", "broadcast_address: 10.7.0.3"),
            ("# broadcast_rpc_address: 1.2.3.4", "broadcast_rpc_address: 10.7.0.3"),
            LISTEN,
            ALL_INTERFACES,
        ],
    );
});

promise!(p9_3_what_variables_say_stands_in_its_lines, {
    let env = [
        "CASSANDRA_CLUSTER_NAME=My C",
        "CASSANDRA_SEEDS=a,b",
        "CASSANDRA_BROADCAST_ADDRESS=9.9.9.9",
        "CASSANDRA_NUM_TOKENS=4",
        "CASSANDRA_ENDPOINT_SNITCH=G",
    ];
    assert_eq!(run(&cassandra(), &["-R"], &env).app().argv(), ["cassandra", "-f", "-R"]);
    becomes(
        &env,
        &[
            ("\"Test Cluster\"", "\"My C\""),
            ("num_tokens: 16", "num_tokens: 4"),
            ("\"127.0.0.1:7000\"", "\"a,b\""),
            ("# broadcast_address: 1.2.3.4", "broadcast_address: 9.9.9.9"),
            ("# broadcast_rpc_address: 1.2.3.4", "broadcast_rpc_address: 9.9.9.9"),
            ("endpoint_snitch: SimpleSnitch", "endpoint_snitch: G"),
            LISTEN,
            ALL_INTERFACES,
        ],
    );
});

promise!(p9_4_data_centre_and_rack, {
    let root = cassandra();
    run(&root, &[], &["CASSANDRA_DC=DC9", "CASSANDRA_RACK=R1"]).app();
    assert_eq!(root.text(RACKDC), "# racks\ndc=DC9\nrack=R1\n");
});

promise!(p9_5_a_key_that_is_not_there_is_not_added, {
    let root = cassandra();
    run(&root, &[], &["CASSANDRA_START_RPC=true"]).app();
    assert!(!root.text(YAML).contains("start_rpc"));
    root.put(YAML, "start_rpc: false\n");
    run(&root, &[], &["CASSANDRA_START_RPC=true"]).app();
    assert_eq!(root.text(YAML), "start_rpc: true\n");
});

promise!(p9_6_a_linked_container_is_the_seed_and_an_empty_address_is_none, {
    let root = cassandra();
    run(&root, &[], &["CASSANDRA_NAME=/me/cassandra"]).app();
    assert!(root.text(YAML).contains("- seeds: \"cassandra\"\n"));
    becomes(&["CASSANDRA_LISTEN_ADDRESS="], &[ALL_INTERFACES]);
});

promise!(p9_7_another_command_starts_as_it_is, {
    let root = cassandra();
    let before = ["/etc", "/var"].map(|path| root.snapshot(path));
    let outcome = run(&root, &["cqlsh", "h"], &["CASSANDRA_DC=DC9"]);
    assert_eq!(outcome.app().argv(), ["cqlsh", "h"]);
    assert_eq!(outcome.app().identity(), "0:0");
    assert_eq!(["/etc", "/var"].map(|path| root.snapshot(path)), before);
});

promise!(p9_8_files_that_are_mounted_one_by_one_are_edited_in_their_places, {
    let root = cassandra().mount_point(YAML).mount_point(RACKDC);
    let inodes = || [YAML, RACKDC].map(|path| std::os::unix::fs::MetadataExt::ino(&root.meta(path)));
    let before = inodes();
    run(&root, &[], &["CASSANDRA_DC=DC9"]).app();
    assert!(root.text(YAML).contains("\nlisten_address: 10.7.0.3\nbroadcast_address: 10.7.0.3\n"));
    assert_eq!(root.text(RACKDC), "# racks\ndc=DC9\nrack=rack1\n");
    assert_eq!(inodes(), before);
});

promise!(p9_9_what_was_found_out_is_not_exported, {
    let outcome = run(&cassandra(), &[], &["CASSANDRA_SEEDS=a,b"]);
    let mut names: Vec<String> = outcome.app().environ().iter().map(|entry| entry.to_string_lossy().into()).collect();
    names.retain(|entry| !entry.starts_with("PATH="));
    let of_user = ["HOME=/var/lib/cassandra", "USER=cassandra", "LOGNAME=cassandra"];
    assert_eq!(names, [&["CASSANDRA_CONF=/etc/cassandra", "CASSANDRA_SEEDS=a,b"][..], &of_user].concat());
});

promise!(p9_10_values_are_literal, {
    let name = ("\"Test Cluster\"", "\"a/b & \\\\1 \\\"c\\\"\"");
    becomes(&["CASSANDRA_LISTEN_ADDRESS=", "CASSANDRA_CLUSTER_NAME=a/b & \\1 \"c\""], &[name, ALL_INTERFACES]);
});
