//! Asks one target. This may hang, for as long as a resolver or a file system does: the caller sees to it that nobody waits.

use super::target::{Content, Http, Probe, Question, Target, Wanted};
use crate::init::{self, NotFound};
use crate::net::connect::connect;
use crate::net::http::{self, Request, is_success};
use crate::net::{because, in_words};
use crate::record::Environ;
use crate::stage::Stage;
use crate::sys::clock;
use crate::sys::file;
use crate::sys::words::Words;
use crate::template::substitute::Template;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest text with its variables, in bytes.
const LONGEST: usize = 128 << 10;

/// Asks, and should be done by that time (of [`clock::monotonic`]).
///
/// # Errors
/// The whole line that says why it does not hold.
pub fn ask(target: &Target, probe: &Probe, own: Words, deadline: Duration) -> Result<(), String> {
    let failed = |why: String| format!("failed: {}: {why}", target.written);
    let variables = Variables { pid: probe.pid, own, found: OnceCell::new() };
    let question = match &target.content {
        Content::Known(question) => question,
        Content::Open(template) => &variables.question(template).map_err(failed)?,
    };
    let (result, host) = match question {
        Question::Init(wanted) => return has_state(probe.pid, *wanted, &failed),
        Question::Http(url) => {
            let asked = Asked { http: &probe.http, variables: &variables };
            (asked.ask(url, deadline), Some(&url.address.host))
        }
        Question::Tcp(address) => (connect(address, deadline).map(drop), Some(&address.host)),
        Question::Unix(path) => (UnixStream::connect(path).map(drop).map_err(|error| because(&error)), None),
        Question::File(path) => (look_at(path, probe.younger_than), None),
    };
    result.map_err(|why| failed(without_host(&target.content, host, why)))
}

/// A host that a variable names may be anything, a secret that is in the wrong place too.
fn without_host(content: &Content, host: Option<&String>, why: String) -> String {
    match (content, host) {
        (Content::Open(_), Some(host)) => why.replace(&format!("`{host}`"), "its host"),
        (Content::Open(_), None) | (Content::Known(_), _) => why,
    }
}

#[inline(never)] // a frame of its own, as for each: what is in a small one takes less to reach
fn look_at(path: &Path, younger_than: Option<Duration>) -> Result<(), String> {
    let stat = file::stat_of(path).map_err(in_words)?;
    let Some(limit) = younger_than else { return Ok(()) };
    let (seconds, nanos) = (u64::try_from(stat.st_mtime), u32::try_from(stat.st_mtime_nsec));
    let modified = Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0));
    // One of the future is young: clocks differ.
    let age = clock::realtime().saturating_sub(modified);
    if age < limit { Ok(()) } else { Err(format!("its last change was {} seconds ago", age.as_secs())) }
}

#[inline(never)]
fn has_state(pid: Option<i32>, wanted: Wanted, failed: &dyn Fn(String) -> String) -> Result<(), String> {
    let stage = init::find(pid).map_err(|error| error.to_string()).and_then(|init| init.stage());
    let state = stage.map_err(failed)?;
    if holds(wanted, state) { Ok(()) } else { Err(format!("not {}: {state}", wanted.name())) }
}

fn holds(wanted: Wanted, state: Stage) -> bool {
    match (wanted, state) {
        (Wanted::Started, Stage::Prepare) => false,
        (Wanted::Started, Stage::Run | Stage::Drain | Stage::Stop | Stage::Linger) => true,
        (Wanted::Ready, Stage::Run) => true,
        (Wanted::Ready, Stage::Prepare | Stage::Drain | Stage::Stop | Stage::Linger) => false,
        (Wanted::Live, Stage::Prepare | Stage::Run | Stage::Drain | Stage::Stop) => true,
        (Wanted::Live, Stage::Linger) => false,
    }
}

/// How a page is asked for, and with which variables.
struct Asked<'a> {
    http: &'a Http,
    variables: &'a Variables,
}

impl Asked<'_> {
    #[inline(never)]
    fn ask(&self, url: &crate::net::address::Url, deadline: Duration) -> Result<(), String> {
        let Http { method, headers, statuses, contains, unix_socket } = self.http;
        let mut sent = Vec::new();
        for (name, template) in headers {
            let value = self.variables.expand(template)?;
            if !http::is_header_value(&value) {
                return Err(format!("the header {name} cannot have a line's end in its value"));
            }
            sent.push((name.clone(), value));
        }
        let expanded = |template: &Option<Template>| match template {
            Some(template) => self.variables.expand(template).map(Some),
            None => Ok(None),
        };
        let contains = expanded(contains)?;
        let socket = expanded(unix_socket)?.map(|path| PathBuf::from(OsString::from_vec(path)));
        let (socket, wants_body) = (socket.as_deref(), contains.is_some());
        let answer = Request { method, url, socket, headers: &sent, wants_body }.ask(deadline)?;
        let accepted = |status| match &statuses[..] {
            [] => is_success(status),
            ranges => ranges.iter().any(|range| range.contains(&status)),
        };
        answer.judge(accepted, contains.as_deref())
    }
}

/// The application's variables, looked up when the first one is needed.
struct Variables {
    pid: Option<i32>,
    own: Words,
    found: OnceCell<Result<Environ, String>>,
}

impl Variables {
    fn expand(&self, template: &Template) -> Result<Vec<u8>, String> {
        if let Some(text) = template.constant() {
            return Ok(text.as_bytes().to_vec());
        }
        let environ = self.found.get_or_init(|| self.find()).as_ref().map_err(Clone::clone)?;
        template.expand(&|name| environ.get(name).map(Cow::Borrowed), LONGEST).map_err(|error| error.to_string())
    }

    fn question(&self, template: &Template) -> Result<Question, String> {
        let text = String::from_utf8(self.expand(template)?).map_err(|_| "with its variables it is not UTF-8")?;
        Ok(Question::parse(&text)?)
    }

    /// Those the application was started with; where we may not know them, those the container has; without an onset our
    /// own.
    fn find(&self) -> Result<Environ, String> {
        let known = match init::find(self.pid) {
            Ok(init) => match init.record() {
                Ok(Some(record)) => Some(record.environ),
                Ok(None) | Err(_) => init.environ().ok(),
            },
            Err(NotFound::None) => None,
            Err(error @ (NotFound::Several(_) | NotFound::Other { .. })) => return Err(error.to_string()),
        };
        Ok(known.unwrap_or_else(|| Environ(self.own.to_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_state_is_worth() {
        let states = [Stage::Prepare, Stage::Run, Stage::Drain, Stage::Stop, Stage::Linger];
        let of = |wanted| states.map(|state| holds(wanted, state));
        assert_eq!(of(Wanted::Started), [false, true, true, true, true]);
        assert_eq!(of(Wanted::Ready), [false, true, false, false, false]);
        assert_eq!(of(Wanted::Live), [true, true, true, true, false]);
    }

    #[test]
    fn a_host_out_of_a_variable_is_not_shown() {
        let open = |text| Target::parse(text).expect("a target").content;
        let why = "cannot look up `hunter2`: no such name";
        let told = |text| without_host(&open(text), Some(&"hunter2".to_owned()), why.to_owned());
        assert_eq!(told("tcp:hunter2:1"), why);
        assert_eq!(told("tcp:${X}:1"), "cannot look up its host: no such name");
    }
}
