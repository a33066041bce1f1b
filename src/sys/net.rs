//! What the kernel knows of this machine's addresses. Nothing is ever sent.

use nix::errno::Errno;
use std::ffi::CStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::ptr;

/// An address of an interface that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The interface's name.
    pub interface: String,
    /// The address.
    pub ip: IpAddr,
    /// How many bits of it name the network; all of them: it is in none.
    pub prefix: u32,
}

/// Every address of every interface that is up, in the kernel's order (getifaddrs(3)).
///
/// # Errors
/// A seccomp filter forbids netlink.
pub fn addresses() -> nix::Result<Vec<Address>> {
    let mut first: *mut libc::ifaddrs = ptr::null_mut();
    // SAFETY: getifaddrs writes one pointer; `first` is a live local.
    Errno::result(unsafe { libc::getifaddrs(&raw mut first) })?;
    let mut found = Vec::new();
    let mut next = first;
    // SAFETY: NULL, or an entry of the list, which lives until freeifaddrs below.
    while let Some(entry) = unsafe { next.as_ref() } {
        found.extend(address(entry));
        next = entry.ifa_next;
    }
    // SAFETY: it is the list getifaddrs made, and nothing refers to it any more.
    unsafe { libc::freeifaddrs(first) };
    Ok(found)
}

fn address(entry: &libc::ifaddrs) -> Option<Address> {
    let is_up = u32::try_from(libc::IFF_UP).is_ok_and(|up| entry.ifa_flags & up != 0);
    let ip = ip(entry.ifa_addr).filter(|_| is_up)?;
    let prefix = match self::ip(entry.ifa_netmask) {
        Some(IpAddr::V4(mask)) => mask.to_bits().count_ones(),
        Some(IpAddr::V6(mask)) => mask.to_bits().count_ones(),
        None => 0,
    };
    // SAFETY: the name of an entry is a C string, and lives as long as the entry.
    let label = unsafe { CStr::from_ptr(entry.ifa_name) }.to_string_lossy();
    // The second IPv4 address of eth0 may be labelled `eth0:1`.
    let interface = label.split(':').next().unwrap_or_default().to_owned();
    Some(Address { interface, ip, prefix })
}

fn ip(address: *const libc::sockaddr) -> Option<IpAddr> {
    // SAFETY: NULL, or an address of the list, which lives.
    let family = unsafe { address.as_ref() }?.sa_family;
    match i32::from(family) {
        libc::AF_INET => {
            // SAFETY: what is of this family is so large, and the read needs no alignment.
            let address = unsafe { address.cast::<libc::sockaddr_in>().read_unaligned() };
            Some(Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: as above.
            let address = unsafe { address.cast::<libc::sockaddr_in6>().read_unaligned() };
            Some(Ipv6Addr::from(address.sin6_addr.s6_addr).into())
        }
        _ => None,
    }
}

/// The address that packets to `target` would have as their source: of a datagram socket that is connected to it, which
/// sends nothing (udp(7)). `None`: there is no route.
pub fn source_address(target: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match target {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    // Any port will do, for it is not used; 0 is none.
    socket.connect((target, 9)).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

/// Whether an IPv6 socket can be made and bound.
pub fn has_ipv6() -> bool {
    UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_has_its_address() {
        let found = addresses().unwrap();
        let lo = found.iter().find(|address| address.ip == Ipv4Addr::LOCALHOST);
        // A network namespace of its own may have it down.
        if let Some(lo) = lo {
            assert_eq!((lo.interface.as_str(), lo.prefix), ("lo", 8));
            assert_eq!(source_address(Ipv4Addr::LOCALHOST.into()), Some(lo.ip));
        }
    }
}
