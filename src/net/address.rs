//! Where a connection goes to: `host:port`, and `http://` URLs.

use std::fmt;
use std::net::Ipv6Addr;

/// What a port can be.
const PORT: &str = "a port is a number from 1 to 65535";

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A name or an IP address; one of IPv6 without its brackets.
    pub host: String,
    /// 1 to 65535.
    pub port: u16,
}

impl Address {
    /// Reads `host:port`, `[IPv6 address]:port`, or a URL with a port in it: `postgres://user:password@db:5432/app`.
    ///
    /// # Errors
    /// What is wrong and what would be accepted, without the text: there may be a password in it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let authority = text.split_once("://").map_or(text, |(_, rest)| authority(rest).0);
        let authority = authority.rsplit_once('@').map_or(authority, |(_, rest)| rest);
        let (host, port) = host_and_port(authority)?;
        let port =
            port.ok_or("there is no port: accepted are host:port, [IPv6 address]:port, and a URL with a port")?;
        Ok(Address { host: host.to_owned(), port })
    }

    /// Reads the name of a host, or an IP address.
    ///
    /// # Errors
    /// What is wrong, without the text.
    pub fn parse_name(text: &str) -> Result<String, &'static str> {
        if text.parse::<Ipv6Addr>().is_ok() {
            return Ok(text.to_owned());
        }
        match host_and_port(text)? {
            (host, None) => Ok(host.to_owned()),
            (_, Some(_)) => Err("a port stands here: accepted is a name alone"),
        }
    }
}

/// As it is read.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Address { host, port } = self;
        let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{open}{host}{close}:{port}")
    }
}

/// An `http://` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Where to connect to.
    pub address: Address,
    /// What is asked for: the path and the query, `/` at least.
    pub target: String,
}

impl Url {
    /// Reads `http://host[:port][/path][?query]`; the port is 80 if there is none, and a `#fragment` is dropped.
    ///
    /// # Errors
    /// What is wrong and what would be accepted, without the text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err("this is no URL: accepted is http://host[:port][/path]");
        };
        if !scheme.eq_ignore_ascii_case("http") {
            return Err("only http:// is spoken here: for another protocol ask with a program of your own");
        }
        if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("a URL has no blanks and nothing but ASCII in it: accepted is the percent-encoded form");
        }
        let (authority, target) = authority(rest);
        if authority.contains('@') {
            return Err("a URL with a user in it is not accepted: say it in an Authorization header");
        }
        let (host, port) = host_and_port(authority)?;
        let target = target.split('#').next().unwrap_or_default();
        let slash = if target.starts_with('/') { "" } else { "/" };
        let address = Address { host: host.to_owned(), port: port.unwrap_or(80) };
        Ok(Url { address, target: [slash, target].concat() })
    }

    /// What the Host header says.
    pub fn host(&self) -> String {
        let mut text = self.address.to_string();
        if self.address.port == 80 {
            text.truncate(text.len() - ":80".len());
        }
        text
    }
}

/// `http://host/path`
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.host(), self.target)
    }
}

/// The authority of a URL, and what stands behind it.
fn authority(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
}

fn host_and_port(text: &str) -> Result<(&str, Option<u16>), &'static str> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("a `[` without its `]`: accepted is [IPv6 address]:port")?;
        // Behind `%` stands an interface, for a link-local address.
        if host.split('%').next().is_none_or(|address| address.parse::<Ipv6Addr>().is_err()) {
            return Err("what stands in brackets is no IPv6 address: accepted is [::1]:port");
        }
        match rest.strip_prefix(':') {
            _ if rest.is_empty() => (host, None),
            Some(port) => (host, Some(port)),
            None => return Err("something stands behind the `]`: accepted is [IPv6 address]:port"),
        }
    } else {
        match text.split_once(':') {
            Some((_, rest)) if rest.contains(':') => {
                return Err("there is more than one `:`: an IPv6 address stands in brackets, [::1]:port");
            }
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    if host.is_empty() {
        return Err("there is no host: accepted is host:port, or [IPv6 address]:port");
    }
    if host.bytes().any(|byte| byte <= b' ' || byte == 0x7f || byte == b'/') {
        return Err("a host has no blanks and no slashes in its name: accepted is host:port");
    }
    let port = match port {
        None => None,
        Some(port) => {
            let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            Some(port.parse().ok().filter(|&port| digits && port != 0).ok_or(PORT)?)
        }
    };
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Result<(String, u16), &'static str> {
        Address::parse(text).map(|Address { host, port }| (host, port))
    }

    #[test]
    fn hosts_and_ports_are_read_and_written() {
        for (text, host, port) in [
            ("db:5432", "db", 5432),
            ("127.0.0.1:1", "127.0.0.1", 1),
            ("[::1]:65535", "::1", 65535),
            ("[fe80::1%eth0]:80", "fe80::1%eth0", 80),
            ("my_db.internal.:80", "my_db.internal.", 80),
        ] {
            assert_eq!(address(text), Ok((host.to_owned(), port)));
            assert_eq!(Address::parse(text).map(|address| address.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn of_a_url_the_host_and_the_port_count() {
        for text in ["postgres://u:p@w@db:5432/app?x=1", "tcp://db:5432", "redis://db:5432#0", "amqp://u@db:5432?a@b"] {
            assert_eq!(address(text), Ok(("db".to_owned(), 5432)), "{text}");
        }
        assert_eq!(address("redis://:pw@[::1]:6379/0"), Ok(("::1".to_owned(), 6379)));
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_would_be_one() {
        for (text, said) in [
            ("db", "there is no port: accepted are host:port"),
            ("postgres://u:secret@db/app", "there is no port"),
            ("[::1]", "there is no port"),
            ("", "there is no host"),
            (":80", "there is no host"),
            ("db:", "1 to 65535"),
            ("db:0", "1 to 65535"),
            ("db:65536", "1 to 65535"),
            ("db:+80", "1 to 65535"),
            ("db:http", "1 to 65535"),
            ("::1:80", "an IPv6 address stands in brackets"),
            ("[::1:80", "without its `]`"),
            ("[db]:80", "no IPv6 address"),
            ("[::1]80", "behind the `]`"),
            ("d b:80", "no blanks"),
            ("db/x:80", "no slashes"),
        ] {
            let error = address(text).expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
        for name in ["db", "127.0.0.1", "::1"] {
            assert_eq!(Address::parse_name(name), Ok(name.to_owned()));
        }
        assert!(Address::parse_name("db:80").is_err_and(|error| error.contains("a name alone")));
    }

    #[test]
    fn urls_are_read_and_written() {
        for (text, host, port, target, written) in [
            ("http://web", "web", 80, "/", "http://web/"),
            ("HTTP://web:8080/a/b?c=d#e", "web", 8080, "/a/b?c=d", "http://web:8080/a/b?c=d"),
            ("http://[::1]:80?q", "::1", 80, "/?q", "http://[::1]/?q"),
        ] {
            let url = Url::parse(text).expect(text);
            assert_eq!((url.address.host.as_str(), url.address.port, url.target.as_str()), (host, port, target));
            assert_eq!(url.to_string(), written);
        }
    }

    #[test]
    fn what_is_no_plain_url_is_refused() {
        for (text, said) in [
            ("web/health", "accepted is http://host"),
            ("https://web/", "only http:// is spoken here"),
            ("http://u:p@web/", "Authorization"),
            ("http://web/a b", "no blanks"),
            ("http://web/\r\nX: y", "no blanks"),
            ("http://wéb/", "ASCII"),
            ("http:///x", "there is no host"),
            ("http://web:99999/", "1 to 65535"),
        ] {
            assert!(Url::parse(text).is_err_and(|error| error.contains(said)), "{text}");
        }
    }
}
