//! The examples of docs/facts.md, each started.

use crate::support::root::{Outcome, Root};
use std::fs;

const NONE: [&str; 0] = [];

/// The configurations in the page, by the headings above them.
fn example(heading: &str) -> String {
    documented("facts.md", heading)
}

/// The configuration below a heading of a page in docs.
pub fn documented(page: &str, heading: &str) -> String {
    let page = fs::read_to_string(format!("{}/docs/{page}", env!("CARGO_MANIFEST_DIR"))).expect("the page");
    let section = page.split("\n## ").find(|section| section.starts_with(heading)).expect("the heading");
    let (_, rest) = section.split_once("```toml\n").expect("an example");
    rest.split("\n```").next().expect("its end").to_owned()
}

fn start(heading: &str, program: &str, env: &[&str]) -> Outcome {
    Root::config(example(heading)).programs([program]).start(NONE).env(env.iter().copied()).run()
}

/// What /proc/meminfo says is all there is: no control group is mounted in a root.
fn memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").expect("/proc");
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:")).expect("a total");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

fn processors() -> usize {
    // The cpuset, and here no quota.
    let text = fs::read_to_string("/proc/self/status").expect("/proc");
    let mask = text.lines().find_map(|line| line.strip_prefix("Cpus_allowed:")).expect("a mask");
    let allowed: u32 = mask.chars().filter_map(|digit| digit.to_digit(16)).map(u32::count_ones).sum();
    let online = fs::read_to_string("/proc/cpuinfo").expect("/proc").matches("processor\t:").count();
    online.min(usize::try_from(allowed).expect("a number"))
}

promise!(a_heap_for_the_jvm, {
    let heap = format!("-Xmx{}m", memory() * 3 / 4 / 1_048_576);
    assert_eq!(start("A heap for the JVM", "java", &[]).app().argv(), ["java", &heap, "-jar", "/app.jar"]);
    let outcome = start("A heap for the JVM", "java", &["JAVA_HEAP=64m"]);
    assert_eq!(outcome.app().argv()[1], "-Xmx64m");
    assert_eq!(outcome.app().text("HEAP"), None);
});

promise!(as_many_workers_as_processors, {
    let workers = |env: &[&str]| start("As many workers as processors", "gunicorn", env).app().text("WEB_CONCURRENCY");
    assert_eq!(workers(&[]), Some((processors() * 2 + 1).min(12).to_string()));
    assert_eq!(workers(&["WEB_CONCURRENCY=3"]).as_deref(), Some("3"));
});

promise!(limits_for_the_go_runtime, {
    let limits = |env: &[&str]| {
        let outcome = start("Limits for the Go runtime", "server", env);
        (outcome.app().text("GOMEMLIMIT"), outcome.app().text("GOMAXPROCS"))
    };
    assert_eq!(limits(&[]), (None, Some(processors().to_string())), "no limit of memory is mounted here");
    assert_eq!(limits(&["GOMEMLIMIT=1GiB", "GOMAXPROCS=1"]), (Some("1GiB".to_owned()), Some("1".to_owned())));
});

promise!(an_address_to_advertise, {
    let outcome = start("An address to advertise", "consul", &[]);
    // A machine without a network has none to tell, and says so.
    if outcome.started() {
        let word = outcome.app().argv()[2].clone();
        let address = word.strip_prefix("-advertise=").expect("the flag");
        let address: std::net::Ipv4Addr = address.parse().expect("an address");
        assert!(!address.is_loopback() && !address.is_unspecified());
    } else {
        outcome.assert_refused(125, &["source_address"]);
    }
});

promise!(resolvers_and_ipv6_for_nginx, {
    let config = example("Resolvers and IPv6 for nginx");
    let root = Root::config(config).programs(["nginx"]).dir("/etc/nginx/conf.d");
    let root = root.file("/etc/resolv.conf", "nameserver 10.0.0.2\nnameserver fe80::1%eth0\n");
    assert!(root.start(NONE).run().started());
    let text = root.text("/etc/nginx/conf.d/net.conf");
    assert_eq!(text.strip_prefix("listen [::]:80;\n").unwrap_or(&text), "resolver 10.0.0.2 [fe80::1];\n");
});

promise!(a_fact_that_is_not_known_is_an_error, {
    let config = "version = 1\napp.command = [\"app\"]\n[env.LIMIT]\nexpr = \"facts.memory_limit\"\n";
    let outcome = Root::config(config).programs(["app"]).start(NONE).run();
    outcome.assert_refused(125, &["`facts.memory_limit` is not known here", "default"]);
    let config = "version = 1\napp.command = [\"app\"]\n[env.LIMIT]\nexpr = \"facts.memmory|default(1)\"\n";
    let outcome = Root::config(config).programs(["app"]).start(NONE).run();
    outcome.assert_refused(125, &["unknown fact `memmory`"]);
});
