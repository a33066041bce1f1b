//! What can be asked, as it is written on the command line. Pure.

use crate::net::address::{Address, Url};
use crate::template::substitute::Template;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// What a target can be.
const ACCEPTED: &str =
    "accepted are http://host[:port][/path], tcp:host:port, unix:/path, file:/path, ready, live and started";

/// Everything that is asked, and how.
#[derive(Debug, PartialEq, Eq)]
pub struct Probe {
    /// What must hold: all of it. At least one.
    pub targets: Vec<Target>,
    /// How pages are asked for.
    pub http: Http,
    /// How long ago a file may have been changed at most; `None`: it is only to be there.
    pub younger_than: Option<Duration>,
    /// The number of the init; `None`: it is looked for.
    pub pid: Option<i32>,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// How pages are asked for, and what a good answer is.
#[derive(Debug, PartialEq, Eq)]
pub struct Http {
    /// `GET` ...
    pub method: String,
    /// Beside our own, Host in the place of ours.
    pub headers: Vec<(String, Template)>,
    /// The statuses that are a success; empty: 200 to 399.
    pub statuses: Vec<RangeInclusive<u16>>,
    /// What must be in the answer.
    pub contains: Option<Template>,
    /// The socket that is asked at instead of the URL's address.
    pub unix_socket: Option<Template>,
}

/// Something to ask.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    /// As it is written: that is what messages show, because a variable's value may be a secret.
    pub written: String,
    /// What it is.
    pub content: Content,
}

/// What is known of a target before anything is looked up.
#[derive(Debug, PartialEq, Eq)]
pub enum Content {
    /// All.
    Known(Question),
    /// It has variables in it.
    Open(Template),
}

/// What is asked.
#[derive(Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether a page is answered.
    Http(Url),
    /// Whether somebody listens there.
    Tcp(Address),
    /// Whether somebody listens on that socket.
    Unix(PathBuf),
    /// Whether a file is there, and young.
    File(PathBuf),
    /// Whether the init says so.
    Init(Wanted),
}

/// What the init is to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The application is prepared.
    Started,
    /// It runs, and is not asked to stop.
    Ready,
    /// It has not ended.
    Live,
}

impl Wanted {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Wanted::Started => "started",
            Wanted::Ready => "ready",
            Wanted::Live => "live",
        }
    }
}

impl Target {
    /// Reads a target.
    ///
    /// # Errors
    /// What is wrong and what would be accepted.
    pub fn parse(written: &str) -> Result<Self, String> {
        let template = Template::parse(written).map_err(|error| error.to_string())?;
        let content = match template.constant() {
            Some(text) => Content::Known(Question::parse(text)?),
            None => Content::Open(template),
        };
        Ok(Target { written: written.to_owned(), content })
    }
}

impl Question {
    /// Reads a target that has no variables any more.
    ///
    /// # Errors
    /// What is wrong and what would be accepted, without the text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let wanted = [Wanted::Started, Wanted::Ready, Wanted::Live].into_iter().find(|wanted| wanted.name() == text);
        if let Some(wanted) = wanted {
            return Ok(Question::Init(wanted));
        }
        match text.split_once(':') {
            // `tcp://host:port` as well.
            Some(("tcp", rest)) => Address::parse(rest.strip_prefix("//").unwrap_or(rest)).map(Question::Tcp),
            Some(("unix", rest)) => path(rest).map(Question::Unix),
            Some(("file", rest)) => path(rest).map(Question::File),
            Some((_, rest)) if rest.starts_with("//") => Url::parse(text).map(Question::Http),
            Some(_) | None => Err(ACCEPTED),
        }
    }
}

/// `/path`, or what stands in a URL before it.
fn path(text: &str) -> Result<PathBuf, &'static str> {
    let path = text.strip_prefix("//").unwrap_or(text);
    if path.starts_with('/') { Ok(path.into()) } else { Err("this is no path: it begins with `/`") }
}

/// Reads the statuses that are a success: `200`, `200-299,401`.
pub fn statuses(text: &str) -> Option<Vec<RangeInclusive<u16>>> {
    let status = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|status| digits && (100..=999).contains(status))
    };
    let range = |text: &str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (status(first)?, status(last)?);
        (first <= last).then_some(first..=last)
    };
    let mut ranges = Vec::new();
    for text in text.split(',') {
        ranges.push(range(text)?);
    }
    Some(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(text: &str) -> Question {
        match Target::parse(text).expect(text) {
            Target { written, content: Content::Known(question) } => {
                assert_eq!(written, text);
                question
            }
            open @ Target { .. } => panic!("{open:?}"),
        }
    }

    #[test]
    fn targets_are_read() {
        assert_eq!(known("http://web:81/a"), Question::Http(Url::parse("http://web:81/a").expect("a URL")));
        let address = |host: &str, port| Question::Tcp(Address { host: host.to_owned(), port });
        assert_eq!(known("tcp:db:5432"), address("db", 5432));
        assert_eq!(known("tcp://[::1]:5432"), address("::1", 5432));
        for text in ["unix:/run/s", "unix:///run/s"] {
            assert_eq!(known(text), Question::Unix("/run/s".into()));
        }
        assert_eq!(known("file:/run/a:b"), Question::File("/run/a:b".into()));
        assert_eq!(known("file:/$$"), Question::File("/$".into()));
        for wanted in [Wanted::Started, Wanted::Ready, Wanted::Live] {
            assert_eq!(known(wanted.name()), Question::Init(wanted));
        }
    }

    #[test]
    fn one_with_variables_is_read_later() {
        for text in ["http://localhost:${PORT:-8080}/", "${URL}", "ftp:${X}"] {
            assert!(Target::parse(text).is_ok_and(|target| matches!(target.content, Content::Open(_))), "{text}");
        }
    }

    #[test]
    fn what_is_no_target_is_refused_with_what_would_be_one() {
        for (text, said) in [
            ("", ACCEPTED),
            ("db:5432", ACCEPTED),
            ("Ready", ACCEPTED),
            ("/run/file", ACCEPTED),
            ("https://web/", "only http:// is spoken here"),
            ("ftp://web/", "only http:// is spoken here"),
            ("tcp:db", "there is no port"),
            ("unix:s", "no path"),
            ("file:", "no path"),
            ("file://x", "no path"),
            ("http://web:0/", "1 to 65535"),
            ("http://web/$x", "`$$`"),
            ("http://web/${x", "`}`"),
        ] {
            let error = Target::parse(text).expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn statuses_are_single_ones_and_ranges() {
        assert_eq!(statuses("200"), Some(vec![200..=200]));
        assert_eq!(statuses("200-299,401"), Some(vec![200..=299, 401..=401]));
        assert_eq!(
            ["", "200,", "99", "1000", "2xx", "+200", "300-200", "200-", "-200", "200 "].map(statuses),
            [const { None }; 10]
        );
    }
}
