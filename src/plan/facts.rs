//! What onset knows of the machine and the process, for expressions: `facts.uid`, `facts.hostname`, ...

use super::world::World;
use crate::template::jinja::Fact;
use std::collections::BTreeMap;
use std::path::Path;

/// The largest resolv.conf.
const LARGEST: u64 = 64 * 1024;

/// The facts by their names: `uid`, `gid` and `groups` (numbers), `umask` (octal, as in `umask`), `hostname`, `arch`
/// (as `uname -m` says it), `resolvers` (the addresses in /etc/resolv.conf, IPv6 in brackets).
pub fn facts(world: &dyn World) -> BTreeMap<String, Fact> {
    let process = world.process();
    let number = |number: u32| Fact::Number(i64::from(number));
    let text = |text: &[u8]| Fact::Text(String::from_utf8_lossy(text).into_owned());
    let resolv = world.read(Path::new("/etc/resolv.conf"), LARGEST).unwrap_or_default();
    BTreeMap::from([
        ("uid".to_owned(), number(process.uid)),
        ("gid".to_owned(), number(process.gid)),
        ("groups".to_owned(), Fact::List(process.groups.iter().copied().map(number).collect())),
        ("umask".to_owned(), Fact::Text(format!("{:04o}", process.umask))),
        ("hostname".to_owned(), text(&process.hostname)),
        ("arch".to_owned(), text(std::env::consts::ARCH.as_bytes())),
        ("resolvers".to_owned(), Fact::List(resolvers(&resolv).into_iter().map(Fact::Text).collect())),
    ])
}

/// resolv.conf(5): `nameserver ADDRESS` lines.
fn resolvers(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let address = |line: &str| {
        let mut words = line.split_whitespace();
        let address = (words.next() == Some("nameserver")).then(|| words.next()).flatten()?;
        Some(if address.contains(':') { format!("[{address}]") } else { address.to_owned() })
    };
    text.lines().filter_map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolvers_are_read_as_the_resolver_does() {
        let text = b"# nameserver 9.9.9.9\nnameserver 10.0.0.2 \n\tnameserver\tfd00::1\nsearch x\nnameserver\n";
        assert_eq!(resolvers(text), ["10.0.0.2", "[fd00::1]"]);
    }
}
