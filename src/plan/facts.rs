//! What onset knows of the machine and the process, for expressions: `facts.uid`, `facts.cpus`, ... (docs/facts.md). A
//! fact is found out when an expression first asks for it, and stays what it was.
#![forbid(unsafe_code)]

mod cgroup;

use super::world::{Address, Kind, World};
use crate::template::jinja::{self, Fact};
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// The largest file that is read for a fact.
const LARGEST: u64 = 64 * 1024;
/// Set by Kubernetes in every container.
const KUBERNETES: &[u8] = b"KUBERNETES_SERVICE_HOST=";
/// Mounted by Kubernetes into every container that may ask it something.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The facts of a world.
pub struct Facts {
    world: Arc<dyn World>,
    in_kubernetes: bool,
    /// By name. They are few.
    known: Mutex<Vec<(String, Option<Fact>)>>,
}

impl Facts {
    /// Of this world and the container's environment. Nothing is looked up yet.
    pub fn new(world: &Arc<dyn World>, environ: &[Vec<u8>]) -> Self {
        let in_kubernetes = environ.iter().any(|entry| entry.starts_with(KUBERNETES) && entry.len() > KUBERNETES.len());
        Facts { world: world.clone(), in_kubernetes, known: Mutex::default() }
    }

    fn look_up(&self, name: &str) -> Option<Fact> {
        let world = &*self.world;
        let process = world.process();
        Some(match name {
            "uid" => number(process.uid),
            "gid" => number(process.gid),
            "groups" => {
                let mut groups = Vec::new();
                for &group in &process.groups {
                    groups.push(number(group));
                }
                Fact::List(groups)
            }
            "umask" => Fact::Text(format!("{:04o}", process.umask)),
            "hostname" => Fact::Text(lossy(&process.hostname)),
            "fqdn" => Fact::Text(full_name(&lossy(&process.hostname), &self.read("/etc/hosts"))),
            "arch" => Fact::Text(lossy(&process.machine)),
            "ipv4" => usable(world, IpAddr::is_ipv4).into_iter().next()?,
            "ipv6" => usable(world, IpAddr::is_ipv6).into_iter().next()?,
            "ipv4_addresses" => Fact::List(usable(world, IpAddr::is_ipv4)),
            "ipv6_addresses" => Fact::List(usable(world, IpAddr::is_ipv6)),
            "interfaces" => interfaces(&world.addresses()),
            "ipv6_available" => {
                let disabled = self.read("/proc/sys/net/ipv6/conf/all/disable_ipv6").trim() == "1";
                Fact::Flag(!disabled && world.has_ipv6())
            }
            "resolvers" => Fact::List(resolvers(&self.read("/etc/resolv.conf"))),
            "cpus" => {
                let quota = cgroup::processors(world).map_or(u32::MAX, whole);
                number(world.processors().min(quota).max(1))
            }
            "cpu_limit" => {
                let limit = cgroup::processors(world)?;
                if limit.fract() == 0.0 { number(whole(limit)) } else { Fact::Decimal(limit) }
            }
            "memory_limit" => bytes(cgroup::memory(world)?),
            "memory" => {
                let total = total_memory(&self.read("/proc/meminfo"));
                bytes(match (cgroup::memory(world), total) {
                    (Some(limit), Some(total)) => limit.min(total),
                    (limit, total) => limit.or(total)?,
                })
            }
            "numa_nodes" => number(count(&self.read("/sys/devices/system/node/online")).max(1)),
            "kubernetes" => {
                Fact::Flag(self.in_kubernetes || world.kind(Path::new(SERVICE_ACCOUNT)) == Some(Kind::Directory))
            }
            _ => return None,
        })
    }

    /// What is in a file; nothing if it cannot be read.
    fn read(&self, path: &str) -> String {
        lossy(&self.world.read(Path::new(path), LARGEST).unwrap_or_default())
    }
}

impl jinja::Facts for Facts {
    fn get(&self, name: &str) -> Option<Fact> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, fact)) = known.iter().find(|(known, _)| known == name) {
            return fact.clone();
        }
        let fact = self.look_up(name);
        known.push((name.to_owned(), fact.clone()));
        fact
    }

    fn source_address(&self, target: &str) -> Result<Option<String>, String> {
        let bare = target.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(target);
        let target: IpAddr = bare.parse().map_err(|_| "`source_address` takes an IP address, no name".to_owned())?;
        Ok(self.world.source_address(target).map(|address| address.to_string()))
    }
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

fn number(number: u32) -> Fact {
    Fact::Number(number.into())
}

fn bytes(bytes: u64) -> Fact {
    Fact::Number(i64::try_from(bytes).unwrap_or(i64::MAX))
}

fn text(address: &Address) -> Fact {
    Fact::Text(address.ip.to_string())
}

/// The words between blanks.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for word in line.split_whitespace() {
        words.push(word);
    }
    words
}

/// A number of processors, rounded up.
fn whole(processors: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a quotient of two u32: it fits")]
    let whole = processors.ceil() as u32;
    whole
}

/// The addresses others can be told, in order. Docker Swarm gives an interface its virtual addresses as well, which are in
/// no network (/32); where there are others they come first.
fn usable(world: &dyn World, family: fn(&IpAddr) -> bool) -> Vec<Fact> {
    let (mut found, mut virtual_ones) = (Vec::new(), Vec::new());
    for address in &world.addresses() {
        if !family(&address.ip) || address.ip.is_loopback() || is_link_local(address.ip) {
            continue;
        }
        let list = if is_in_no_network(address) { &mut virtual_ones } else { &mut found };
        list.push(text(address));
    }
    found.append(&mut virtual_ones);
    found
}

fn is_in_no_network(address: &Address) -> bool {
    address.prefix == if address.ip.is_ipv4() { 32 } else { 128 }
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// Each interface with its first addresses, and all of them.
fn interfaces(addresses: &[Address]) -> Fact {
    let mut interfaces: Vec<(String, Fact)> = Vec::new();
    for Address { interface, .. } in addresses {
        if interfaces.iter().any(|(name, _)| name == interface) {
            continue;
        }
        let mut facts = Vec::new();
        for (first, all, family) in [
            ("ipv4", "ipv4_addresses", IpAddr::is_ipv4 as fn(&IpAddr) -> bool),
            ("ipv6", "ipv6_addresses", IpAddr::is_ipv6),
        ] {
            let mut here = Vec::new();
            let mut best: Option<&Address> = None;
            for address in addresses {
                if address.interface != *interface || !family(&address.ip) {
                    continue;
                }
                here.push(text(address));
                let is_better = best.is_none_or(|best| is_in_no_network(best) && !is_in_no_network(address));
                if is_better && !is_link_local(address.ip) {
                    best = Some(address);
                }
            }
            facts.push((all.to_owned(), Fact::List(here)));
            if let Some(address) = best {
                facts.push((first.to_owned(), text(address)));
            }
        }
        interfaces.push((interface.clone(), Fact::Map(facts)));
    }
    Fact::Map(interfaces)
}

/// The host's name with its domain, as hosts(5) has it; without one there it is the name alone. No name server is asked.
fn full_name(hostname: &str, hosts: &str) -> String {
    let start = format!("{hostname}.");
    for line in hosts.lines() {
        let words = words(line.split('#').next().unwrap_or_default());
        let Some((_address, names)) = words.split_first() else { continue };
        if names.contains(&hostname)
            && let Some(name) = names.iter().find(|name| name.starts_with(&start))
        {
            return (*name).to_owned();
        }
    }
    hostname.to_owned()
}

/// resolv.conf(5): `nameserver ADDRESS` lines. IPv6 in brackets, as programs that take a port want it, and without the
/// interface behind `%`, which they do not understand.
fn resolvers(text: &str) -> Vec<Fact> {
    let mut resolvers = Vec::new();
    for line in text.lines() {
        if let ["nameserver", address, ..] = words(line)[..] {
            let address = address.split('%').next().unwrap_or_default();
            let address = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
            resolvers.push(Fact::Text(address));
        }
    }
    resolvers
}

/// `MemTotal:  16307016 kB`, in bytes.
fn total_memory(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    words(line).first()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// How many numbers there are in `0-3,8`.
fn count(list: &str) -> u32 {
    let range = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
        last.checked_sub(first)?.checked_add(1)
    };
    list.trim().split(',').filter_map(range).fold(0, u32::saturating_add)
}

#[cfg(test)]
mod tests;
