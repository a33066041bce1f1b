//! P7: subcommands, addresses of interfaces, directories, a user that keeps the right to low ports.

use crate::support::root::{Outcome, Root};

// The only interface that is there whatever modules the kernel has stands for eth0.
fn consul() -> Root {
    Root::example("consul")
        .programs(["consul", "foo"])
        .passwd("consul:x:100:1000::/consul:/none")
        .group("consul:x:1000:")
        .file("/consul/data/f", "data")
        .dir("/consul/config")
        .own_network([[10, 5, 0, 7]])
}

fn run(root: &Root, args: &[&str], env: &[&str]) -> Outcome {
    root.start(args).env(env).run()
}

const AGENT: [&str; 4] = ["consul", "agent", "-data-dir=/consul/data", "-config-dir=/consul/config"];

fn agent_with(more: &[&str]) -> Vec<String> {
    AGENT.iter().chain(more).map(|word| (*word).to_owned()).collect()
}

promise!(p7_1_an_agent_gets_its_directories_and_owns_them, {
    let root = consul();
    let outcome = run(&root, &["agent", "-dev"], &[]);
    assert_eq!(outcome.app().argv(), agent_with(&["-dev"]));
    assert_eq!(outcome.app().identity(), "100:1000");
    let owners = ["/consul/data", "/consul/config", "/consul/data/f"].map(|path| root.owner_of(path));
    assert_eq!(owners, ["100:1000", "100:1000", "0:0"], "the top and nothing below it");
    let first = root.snapshot("/consul");
    run(&root, &["agent", "-dev"], &[]).app();
    assert_eq!(root.snapshot("/consul"), first, "a second start changes nothing");
});

promise!(p7_2_addresses_of_interfaces, {
    let env = ["CONSUL_BIND_INTERFACE=lo", "CONSUL_CLIENT_INTERFACE=lo"];
    let outcome = run(&consul(), &["agent", "-server"], &env);
    assert_eq!(outcome.app().argv(), agent_with(&["-bind=10.5.0.7", "-client=10.5.0.7", "-server"]));
    outcome.assert_says(&["step `Found address to bind to` done", "step `Found address for clients` done"]);
});

promise!(p7_3_an_interface_without_an_address_is_refused, {
    let outcome = run(&consul(), &["agent"], &["CONSUL_BIND_INTERFACE=eth9"]);
    outcome.assert_refused(125, &["Could not find IP for interface 'eth9', exiting"]);
    let outcome = run(&consul(), &["agent"], &["CONSUL_CLIENT_INTERFACE=eth9"]);
    outcome.assert_refused(125, &["Could not find IP for interface 'eth9', exiting"]);
});

promise!(p7_4_what_the_container_says_goes_before_the_interface, {
    let env = ["CONSUL_BIND=-bind=1.2.3.4", "CONSUL_BIND_INTERFACE=eth9"];
    assert_eq!(run(&consul(), &["agent", "-x"], &env).app().argv(), agent_with(&["-bind=1.2.3.4", "-x"]));
});

promise!(p7_5_a_configuration_from_a_variable, {
    let root = consul();
    run(&root, &["agent"], &["CONSUL_LOCAL_CONFIG={\"a\":1}"]).app();
    assert_eq!(root.text("/consul/config/local.json"), "{\"a\":1}\n");
    assert_eq!(root.mode_of("/consul/config/local.json"), 0o644, "user 100 can read it");
});

promise!(p7_6_other_directories, {
    let root = consul().dir("/d").dir("/c");
    let outcome = run(&root, &["agent"], &["CONSUL_DATA_DIR=/d", "CONSUL_CONFIG_DIR=/c"]);
    assert_eq!(outcome.app().argv(), ["consul", "agent", "-data-dir=/d", "-config-dir=/c"]);
    assert_eq!(["/d", "/c", "/consul/data"].map(|path| root.owner_of(path)), ["100:1000", "100:1000", "0:0"]);
});

promise!(p7_7_its_subcommands_and_flags_are_words_of_its_own, {
    let root = consul();
    for (args, argv) in [
        (&["version"][..], &["consul", "version"][..]),
        (&["members", "-a"], &["consul", "members", "-a"]),
        (&["-v"], &["consul", "-v"]),
    ] {
        let outcome = run(&root, args, &[]);
        assert_eq!(outcome.app().argv(), argv);
        assert_eq!(outcome.app().identity(), "100:1000");
    }
});

promise!(p7_8_another_command_starts_as_it_is, {
    let root = consul();
    let outcome = run(&root, &["foo", "z"], &[]);
    assert_eq!((outcome.app().argv(), outcome.app().identity()), (vec!["foo".into(), "z".into()], "0:0".into()));
    assert_eq!(root.owner_of("/consul/data"), "0:0");
});

promise!(p7_9_permissions_can_be_left_alone, {
    for value in ["CONSUL_DISABLE_PERM_MGMT=1", "CONSUL_DISABLE_PERM_MGMT="] {
        let root = consul();
        let outcome = run(&root, &["agent"], &[value]);
        assert_eq!((outcome.app().identity(), root.owner_of("/consul/data")), ("0:0".into(), "0:0".into()));
    }
});

promise!(p7_10_other_numbers, {
    let root = consul();
    let outcome = run(&root, &["agent"], &["CONSUL_UID=5", "CONSUL_GID=6"]);
    assert_eq!(outcome.app().identity(), "5:6");
    assert_eq!(["/consul/data", "/consul/config"].map(|path| root.owner_of(path)), ["5:6", "5:6"]);
});

promise!(p7_11_the_right_to_low_ports_is_kept, {
    let root = consul();
    let ambient = |env: &[&str]| {
        let outcome = run(&root, &["agent"], env);
        assert_eq!(outcome.app().identity(), "100:1000");
        outcome.app().field("ambient").as_str().map(str::to_owned)
    };
    assert_eq!(ambient(&["CONSUL_ALLOW_PRIVILEGED_PORTS="]).as_deref(), Some("0000000000000400"));
    assert_eq!(ambient(&[]).as_deref(), Some("0000000000000000"));
});

promise!(p7_12_another_user_is_told_what_it_cannot_own, {
    let outcome = consul().start(["agent"]).user(1234, 1234).run();
    outcome.assert_refused(125, &["/consul/data", "1234"]);
});
