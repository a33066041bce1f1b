use super::super::world::Process;
use super::super::world::fake::FakeWorld;
use super::*;
use crate::template::jinja::{FACTS, Facts as _};
use std::sync::atomic::Ordering;

fn facts(world: FakeWorld) -> Facts {
    let world: Arc<dyn World> = Arc::new(world);
    Facts::new(&world, &[])
}

fn with_files(files: &[(&str, &str)]) -> Facts {
    facts(FakeWorld::of(files))
}

fn address(interface: &str, ip: &str, prefix: u32) -> Address {
    Address { interface: interface.to_owned(), ip: ip.parse().unwrap(), prefix }
}

fn of_addresses(addresses: &[(&str, &str, u32)]) -> Facts {
    let addresses = addresses.iter().map(|(interface, ip, prefix)| address(interface, ip, *prefix)).collect();
    facts(FakeWorld { addresses, ..FakeWorld::default() })
}

/// A fact as a template would print it.
fn shown(facts: &Facts, name: &str) -> String {
    fn show(fact: &Fact) -> String {
        match fact {
            Fact::Flag(flag) => flag.to_string(),
            Fact::Number(number) => number.to_string(),
            Fact::Decimal(number) => number.to_string(),
            Fact::Text(text) => text.clone(),
            Fact::List(list) => list.iter().map(show).collect::<Vec<_>>().join(" "),
            Fact::Map(map) => {
                let mut parts: Vec<_> = map.iter().map(|(name, fact)| format!("{name}=({})", show(fact))).collect();
                parts.sort();
                parts.join(" ")
            }
        }
    }
    facts.get(name).as_ref().map_or("-".to_owned(), show)
}

const QUOTA: &[(&str, &str)] = &[
    ("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n"),
    ("/proc/self/cgroup", "0::/\n"),
    ("/proc/meminfo", "MemTotal:        1000 kB\nMemFree: 1 kB\n"),
];

#[test]
fn every_fact_that_has_a_name_is_one() {
    let files = [("/sys/fs/cgroup/cpu.max", "1 1"), ("/sys/fs/cgroup/memory.max", "1")];
    let world = FakeWorld::of(&[QUOTA, &files].concat());
    let facts = facts(FakeWorld { addresses: vec![address("e", "10.0.0.1", 8), address("e", "fd00::1", 64)], ..world });
    for name in FACTS.split(' ') {
        assert!(facts.get(name).is_some(), "{name}");
    }
    assert_eq!(facts.get("none"), None);
}

#[test]
fn the_first_address_is_one_that_others_can_use() {
    let facts = of_addresses(&[
        ("lo", "127.0.0.1", 8),
        ("eth0", "169.254.3.4", 16),
        ("eth0", "10.0.0.2", 32),
        ("eth0", "10.0.0.3", 24),
        ("eth1", "192.168.7.1", 24),
        ("lo", "::1", 128),
        ("eth0", "fe80::1", 64),
        ("eth1", "fd00::7", 64),
    ]);
    assert_eq!(shown(&facts, "ipv4"), "10.0.0.3", "no link-local one, and no virtual one of Docker Swarm");
    assert_eq!(shown(&facts, "ipv4_addresses"), "10.0.0.3 192.168.7.1 10.0.0.2");
    assert_eq!(shown(&facts, "ipv6"), "fd00::7");
    assert_eq!(
        shown(&facts, "interfaces"),
        "eth0=(ipv4=(10.0.0.3) ipv4_addresses=(169.254.3.4 10.0.0.2 10.0.0.3) ipv6_addresses=(fe80::1)) \
         eth1=(ipv4=(192.168.7.1) ipv4_addresses=(192.168.7.1) ipv6=(fd00::7) ipv6_addresses=(fd00::7)) \
         lo=(ipv4=(127.0.0.1) ipv4_addresses=(127.0.0.1) ipv6=(::1) ipv6_addresses=(::1))"
    );
}

#[test]
fn an_address_in_no_network_is_better_than_none() {
    let facts = of_addresses(&[("eth0", "10.244.1.7", 32)]);
    assert_eq!((shown(&facts, "ipv4").as_str(), shown(&facts, "ipv6").as_str()), ("10.244.1.7", "-"));
}

#[test]
fn without_a_network_there_is_no_address() {
    let facts = of_addresses(&[("lo", "127.0.0.1", 8)]);
    for name in ["ipv4", "ipv6"] {
        assert_eq!(facts.get(name), None);
    }
    assert_eq!(shown(&facts, "ipv4_addresses"), "");
}

#[test]
fn the_source_address_is_that_of_the_family() {
    let facts = of_addresses(&[("eth0", "10.0.0.3", 24), ("eth0", "fd00::7", 64)]);
    assert_eq!(facts.source_address("192.0.2.1"), Ok(Some("10.0.0.3".to_owned())));
    assert_eq!(facts.source_address("[2001:db8::1]"), Ok(Some("fd00::7".to_owned())));
    assert_eq!(facts.source_address("db.local"), Err("`source_address` takes an IP address, no name".to_owned()));
    assert_eq!(of_addresses(&[]).source_address("192.0.2.1"), Ok(None));
}

#[test]
fn ipv6_may_be_there_and_disabled() {
    let there = vec![address("lo", "::1", 128)];
    let disabled = FakeWorld::of(&[("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1\n")]);
    let enabled = FakeWorld::of(&[("/proc/sys/net/ipv6/conf/all/disable_ipv6", "0\n")]);
    let available = |world: FakeWorld| shown(&facts(world), "ipv6_available");
    assert_eq!(available(FakeWorld { addresses: there.clone(), ..disabled }), "false");
    assert_eq!(available(FakeWorld { addresses: there, ..enabled }), "true");
    assert_eq!(available(FakeWorld::default()), "false", "no socket can be made");
}

#[test]
fn the_full_name_is_looked_for_in_hosts() {
    let name = |hostname: &str, hosts: &str| {
        let process = Process { hostname: hostname.as_bytes().to_vec(), ..Process::default() };
        shown(&facts(FakeWorld { process, ..FakeWorld::of(&[("/etc/hosts", hosts)]) }), "fqdn")
    };
    let pod = "127.0.0.1 localhost.localdomain localhost\n10.1.2.3\tweb-0.web.ns.svc.cluster.local\tweb-0 # x\n";
    assert_eq!(name("web-0", pod), "web-0.web.ns.svc.cluster.local");
    assert_eq!(name("web", pod), "web", "of another host");
    assert_eq!(name("db", "10.0.0.1 db # db.example\n10.0.0.1 db db.example.org"), "db.example.org");
    assert_eq!(name("host.example.org", ""), "host.example.org");
}

#[test]
fn resolvers_are_read_as_the_resolver_does() {
    let text = "# nameserver 9.9.9.9\nnameserver 10.0.0.2 \n\tnameserver\tfd00::1\nsearch x\nnameserver\n\
                nameserver fe80::1%eth0\n";
    assert_eq!(shown(&with_files(&[("/etc/resolv.conf", text)]), "resolvers"), "10.0.0.2 [fd00::1] [fe80::1]");
    assert_eq!(shown(&with_files(&[]), "resolvers"), "");
}

#[test]
fn processors_are_those_of_the_quota_or_of_the_machine() {
    let of = |quota: &'static str, more_processors: u32| {
        let world = FakeWorld::of(&[QUOTA, &[("/sys/fs/cgroup/cpu.max", quota)]].concat());
        let facts = facts(FakeWorld { more_processors, ..world });
        (shown(&facts, "cpus"), shown(&facts, "cpu_limit"))
    };
    let told = |cpus: &str, limit: &str| (cpus.to_owned(), limit.to_owned());
    assert_eq!(of("150000 100000", 7), told("2", "1.5"));
    assert_eq!(of("200000 100000", 7), told("2", "2"));
    assert_eq!(of("1000 100000", 7), told("1", "0.01"));
    assert_eq!(of("900000 100000", 3), told("4", "9"), "a cpuset is tighter");
    assert_eq!(of("max 100000", 3), told("4", "-"));
}

#[test]
fn memory_is_the_limit_or_all_there_is() {
    let of = |limit: &'static str| {
        let facts = with_files(&[QUOTA, &[("/sys/fs/cgroup/memory.max", limit)]].concat());
        (shown(&facts, "memory"), shown(&facts, "memory_limit"))
    };
    let told = |memory: &str, limit: &str| (memory.to_owned(), limit.to_owned());
    assert_eq!(of("65536"), told("65536", "65536"));
    assert_eq!(of("max"), told("1024000", "-"));
    assert_eq!(of("2048000"), told("1024000", "2048000"), "more than there is");
    assert_eq!(shown(&with_files(&[]), "memory"), "-");
}

#[test]
fn numa_nodes_are_counted() {
    assert_eq!(shown(&with_files(&[("/sys/devices/system/node/online", "0-1,3\n")]), "numa_nodes"), "3");
    assert_eq!(shown(&with_files(&[]), "numa_nodes"), "1");
}

#[test]
fn kubernetes_shows_by_its_variable_or_its_folder() {
    let world: Arc<dyn World> = Arc::new(FakeWorld::default());
    let by_variable = |entry: &[u8]| shown(&Facts::new(&world, &[entry.to_vec()]), "kubernetes");
    assert_eq!(by_variable(b"KUBERNETES_SERVICE_HOST=10.0.0.1"), "true");
    assert_eq!(by_variable(b"KUBERNETES_SERVICE_HOST="), "false");
    let token = "/var/run/secrets/kubernetes.io/serviceaccount/token";
    assert_eq!(shown(&with_files(&[(token, "t")]), "kubernetes"), "true");
}

#[test]
fn a_fact_stays_what_it_was() {
    let fake = Arc::new(FakeWorld::of(&[("/etc/resolv.conf", "")]));
    let world: Arc<dyn World> = fake.clone();
    let facts = Facts::new(&world, &[]);
    let reads = || fake.reads.load(Ordering::Relaxed);
    assert_eq!(reads(), 0, "nothing is read before anybody asks");
    for _ in 0..3 {
        facts.get("resolvers");
    }
    assert_eq!(reads(), 1);
}
