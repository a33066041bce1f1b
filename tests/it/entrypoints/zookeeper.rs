//! P5: a configuration and a number that are written once, by the user root becomes.

use crate::support::root::{Outcome, Root};

/// What the image sets.
const IMAGE: [&str; 12] = [
    "ZOO_CONF_DIR=/conf",
    "ZOO_DATA_DIR=/data",
    "ZOO_DATA_LOG_DIR=/datalog",
    "ZOO_LOG_DIR=/logs",
    "ZOO_TICK_TIME=2000",
    "ZOO_INIT_LIMIT=5",
    "ZOO_SYNC_LIMIT=2",
    "ZOO_AUTOPURGE_PURGEINTERVAL=0",
    "ZOO_AUTOPURGE_SNAPRETAINCOUNT=3",
    "ZOO_MAX_CLIENT_CNXNS=60",
    "ZOO_STANDALONE_ENABLED=true",
    "ZOO_ADMINSERVER_ENABLED=true",
];

const CONFIGURATION: &str = "\
dataDir=/data
dataLogDir=/datalog
tickTime=2000
initLimit=5
syncLimit=2
autopurge.snapRetainCount=3
autopurge.purgeInterval=0
maxClientCnxns=60
standaloneEnabled=true
admin.enableServer=true
";
const ONE_SERVER: &str = "server.1=localhost:2888:3888;2181\n";

const SERVER: [&str; 2] = ["zkServer.sh", "start-foreground"];

/// All but the transaction log.
fn without_log() -> Root {
    Root::example("zookeeper")
        .programs(["zkServer.sh", "zkCli.sh"])
        .passwd("zookeeper:x:1000:1000::/home/zookeeper:/none")
        .group("zookeeper:x:1000:")
        .dir("/conf")
        .owner("/conf", 1000, 1000)
        .file("/data/version-2/snapshot.0", "x")
        .dir("/logs")
}

fn zookeeper() -> Root {
    without_log().file("/datalog/version-2/log.1", "x")
}

fn run(root: &Root, args: &[&str], env: &[&str]) -> Outcome {
    root.start(args).env(IMAGE).env(env).run()
}

promise!(p5_1_root_gives_the_data_to_zookeeper_and_becomes_it, {
    let root = zookeeper();
    let outcome = run(&root, &SERVER, &[]);
    assert_eq!(outcome.app().argv(), SERVER);
    assert_eq!(outcome.app().identity(), "1000:1000");
    let given =
        ["/data", "/data/version-2", "/data/version-2/snapshot.0", "/datalog", "/datalog/version-2/log.1", "/logs"];
    for path in given {
        assert_eq!(root.owner_of(path), "1000:0", "{path}: groups stay");
    }
    assert_eq!(outcome.code(), 0);
});

promise!(p5_2_the_configuration_line_by_line, {
    let root = zookeeper();
    run(&root, &SERVER, &[]).app();
    assert_eq!(root.text("/conf/zoo.cfg"), format!("{CONFIGURATION}{ONE_SERVER}"));
    assert_eq!((root.mode_of("/conf/zoo.cfg"), root.owner_of("/conf/zoo.cfg")), (0o644, "1000:1000".into()));
});

promise!(p5_2_what_the_image_does_not_set_has_the_same_defaults, {
    let root = zookeeper();
    root.start(SERVER).run().app();
    assert_eq!(root.text("/conf/zoo.cfg"), format!("{CONFIGURATION}{ONE_SERVER}"));
});

promise!(p5_3_the_number, {
    let root = zookeeper();
    run(&root, &SERVER, &[]).app();
    assert_eq!((root.text("/data/myid"), root.owner_of("/data/myid")), ("1\n".into(), "1000:1000".into()));
});

promise!(p5_4_both_are_written_once, {
    let root = zookeeper();
    run(&root, &SERVER, &[]).app();
    let first = ["/conf", "/data", "/datalog", "/logs"].map(|path| root.snapshot(path));
    run(&root, &SERVER, &["ZOO_MY_ID=9", "ZOO_TICK_TIME=1"]).app();
    assert_eq!(["/conf", "/data", "/datalog", "/logs"].map(|path| root.snapshot(path)), first);
});

promise!(p5_5_servers_and_further_lines, {
    let root = zookeeper();
    let env = [
        "ZOO_MY_ID=3",
        "ZOO_SERVERS=server.1=a:2888:3888;2181 server.2=b:2888:3888;2181",
        "ZOO_4LW_COMMANDS_WHITELIST=srvr, mntr",
        "ZOO_CFG_EXTRA=metrics.port=7000 foo=bar",
    ];
    run(&root, &SERVER, &env).app();
    let rest = "server.1=a:2888:3888;2181\nserver.2=b:2888:3888;2181\n4lw.commands.whitelist=srvr, mntr\n\
        metrics.port=7000\nfoo=bar\n";
    assert_eq!(root.text("/conf/zoo.cfg"), format!("{CONFIGURATION}{rest}"));
    assert_eq!(root.text("/data/myid"), "3\n");
});

promise!(p5_6_a_folder_that_cannot_be_written_stops_the_start, {
    let root = zookeeper();
    let outcome = root.start(SERVER).user(1234, 1234).env(IMAGE).run();
    outcome.assert_refused(125, &["step `configuration`", "/conf/zoo.cfg", "1234"]);
    assert!(!root.exists("/data/myid"));
});

promise!(p5_7_a_folder_that_is_missing_stops_the_start, {
    let root = without_log();
    run(&root, &SERVER, &[]).assert_refused(125, &["step `give the transaction log to zookeeper`", "/datalog"]);
    assert!(!root.exists("/conf/zoo.cfg"));
});

// The script writes both files all the same, and they are root's.
promise!(p5_8_another_command_stays_root_and_writes_nothing, {
    let root = zookeeper();
    let before = ["/conf", "/data"].map(|path| root.snapshot(path));
    let outcome = run(&root, &["zkCli.sh", "-x"], &[]);
    assert_eq!(outcome.app().argv(), ["zkCli.sh", "-x"]);
    assert_eq!(outcome.app().identity(), "0:0");
    assert_eq!(["/conf", "/data"].map(|path| root.snapshot(path)), before);
});

promise!(no_variable_is_added_that_the_container_has_not, {
    let root = zookeeper();
    let outcome = run(&root, &SERVER, &[]);
    assert_eq!((outcome.app().text("ZOO_MY_ID"), outcome.app().text("ZOO_SERVERS")), (None, None));
});
