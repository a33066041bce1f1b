//! A network namespace with addresses of the test's choice, all of them on the loopback interface: that one is there
//! whatever modules the kernel has.

use std::io;
use std::net::Ipv4Addr;

use crate::syscall;

/// A request to the kernel (netdevice(7)): its number and its `struct ifreq`, a name of 16 bytes and 24 of what is asked.
pub type Request = (libc::c_ulong, [u8; 40]);

/// What gives the interface these addresses and no others, in this order: the first takes the place of 127.0.0.1, which
/// comes by itself when the interface goes up.
pub fn requests(addresses: &[Ipv4Addr]) -> Vec<Request> {
    let up = u16::try_from(libc::IFF_UP).expect("a flag");
    let mut requests = vec![request(libc::SIOCSIFFLAGS, "lo", &up.to_ne_bytes())];
    for (index, address) in addresses.iter().enumerate() {
        // `struct sockaddr_in`: the family, no port, the address.
        let family = u16::try_from(libc::AF_INET).expect("a family");
        let socket_address = [&family.to_ne_bytes()[..], &[0; 2], &address.octets()].concat();
        let name = if index == 0 { "lo".to_owned() } else { format!("lo:{index}") };
        requests.push(request(libc::SIOCSIFADDR, &name, &socket_address));
    }
    requests
}

fn request(number: libc::c_ulong, interface: &str, what: &[u8]) -> Request {
    let mut data = [0; 40];
    data[..interface.len()].copy_from_slice(interface.as_bytes());
    data[16..16 + what.len()].copy_from_slice(what);
    (number, data)
}

/// Gives this process a network of its own. Does not allocate.
pub fn enter(requests: &[Request]) -> io::Result<()> {
    syscall!(SYS_unshare, libc::CLONE_NEWNET)?;
    let socket = syscall!(SYS_socket, libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0)?;
    for (number, data) in requests {
        syscall!(SYS_ioctl, socket, *number, data.as_ptr())?;
    }
    syscall!(SYS_close, socket).map(drop)
}
