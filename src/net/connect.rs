//! A connection: every address of a name is tried, within a time.

use super::address::Address;
use super::because;
use crate::sys::clock;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How many addresses' errors are told.
const MOST_TOLD: usize = 4;

/// The addresses of a name, by the C library's resolver, IPv4 and IPv6 in its order; an IP address is its own. How long
/// that takes is for the resolver to say.
///
/// # Errors
/// Why there is none.
pub fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let found = (host, port).to_socket_addrs().map_err(|error| {
        let text = because(&error);
        let why = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
        format!("cannot look up `{host}`: {why}")
    })?;
    let found: Vec<SocketAddr> = found.collect();
    if found.is_empty() { Err(format!("cannot look up `{host}`: it has no address")) } else { Ok(found) }
}

/// Connects to the first address that answers. Each gets its share of the time that is left.
///
/// # Errors
/// Why none did; of several each with its own reason.
pub fn connect(address: &Address, deadline: Duration) -> Result<TcpStream, String> {
    let all = resolve(&address.host, address.port)?;
    let mut errors: Vec<String> = Vec::new();
    for (index, one) in all.iter().enumerate() {
        let shares = u32::try_from(all.len() - index).unwrap_or(u32::MAX);
        match TcpStream::connect_timeout(one, left(deadline) / shares) {
            Ok(stream) => return Ok(stream),
            Err(error) => errors.push(because(&error)),
        }
    }
    if let [error] = &errors[..] {
        return Err(error.clone());
    }
    let each = all.iter().zip(&errors).take(MOST_TOLD).map(|(one, error)| format!("{}: {error}", one.ip()));
    Err(each.collect::<Vec<_>>().join(", "))
}

/// The time until then, and at least some: no time at all would mean no limit.
pub(super) fn left(deadline: Duration) -> Duration {
    deadline.saturating_sub(clock::monotonic()).max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn soon() -> Duration {
        clock::monotonic() + Duration::from_secs(30)
    }

    #[test]
    fn a_listener_is_connected_to_and_nobody_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let address = Address { host: "127.0.0.1".to_owned(), port };
        assert!(connect(&address, soon()).is_ok());
        drop(listener);
        assert_eq!(connect(&address, soon()).err(), Some("connection refused (ECONNREFUSED)".to_owned()));
    }

    #[test]
    fn a_name_that_is_none_is_told() {
        let error = resolve("no such name", 1).expect_err("blanks are in no name");
        assert!(error.starts_with("cannot look up `no such name`: "), "{error}");
        assert!(!error.contains("failed to lookup"), "{error}");
    }
}
