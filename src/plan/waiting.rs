//! The step that waits: from the configuration to what is to be ready.

use super::env::LONGEST_VALUE;
use super::model::{FileTarget, HttpTarget, Question, Target, Wait};
use super::resolve::{Resolution, path};
use crate::config::model::{self, Rights, WaitFile, WaitHttp};
use crate::config::problem::Problems;
use crate::config::types::{Text, TextOr, Texts, Time};
use crate::net::address::{Address, Url};
use crate::net::http;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

/// How long all of it may take, where `timeout` does not say otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long there is between two tries, where `interval` does not say otherwise.
const INTERVAL: Duration = Duration::from_millis(500);
/// The least of that: nobody needs to know sooner.
const LEAST_INTERVAL: Duration = Duration::from_millis(10);
/// How long one try may take, where `attempt_timeout` does not say otherwise.
const ATTEMPT: Duration = Duration::from_secs(5);
/// How long a program has to end that took too long for a try.
const GRACE: Duration = Duration::from_secs(1);

impl Resolution<'_> {
    #[inline(never)]
    pub(super) fn wait(&self, wait: &model::Wait, rights: Option<Rights>, problems: &mut Problems) -> Wait {
        let mut targets = Vec::new();
        let mut add = |question: Option<Question>| targets.extend(question.map(Target::Ask));
        for text in Texts::of(wait.tcp.as_ref()) {
            add(self.parsed(text, |text| Address::parse(text).map(Question::Tcp), problems));
        }
        for text in Texts::of(wait.unix.as_ref()) {
            add(path(text, &self.env, problems).map(Question::Unix));
        }
        for http in &wait.http {
            add(self.http_target(http, problems));
        }
        for file in &wait.file {
            add(self.file_target(file, problems));
        }
        for text in Texts::of(wait.dns.as_ref()) {
            add(self.parsed(text, |text| Address::parse_name(text).map(Question::Dns), problems));
        }
        // Last: while a program runs, the others are asked.
        if !wait.command.is_empty() {
            let program = self.plain_program(&wait.command, rights, Some(GRACE), problems);
            targets.extend(program.map(Box::new).map(Target::Run));
        }
        let time = |time: Option<Time>, absent| time.map_or(absent, |Time(time)| time);
        Wait {
            targets,
            timeout: time(wait.timeout, TIMEOUT),
            interval: time(wait.interval, INTERVAL).max(LEAST_INTERVAL),
            attempt: time(wait.attempt_timeout, ATTEMPT),
        }
    }

    #[inline(never)]
    fn http_target(&self, http: &TextOr<WaitHttp>, problems: &mut Problems) -> Option<Question> {
        let (text, more) = match http {
            TextOr::Text(text) => (text, None),
            TextOr::Table(table) => (&table.url, Some(table)),
        };
        let url = self.parsed(text, Url::parse, problems)?;
        let mut target = HttpTarget { url, statuses: Vec::new(), contains: None, headers: Vec::new() };
        let Some(WaitHttp { place: _, url: _, status, contains, headers }) = more else {
            return Some(Question::Http(target));
        };
        target.statuses = status.iter().map(|status| u16::try_from(status.0).unwrap_or_default()).collect();
        if let Some(text) = contains {
            target.contains = Some(self.env.expand(text, LONGEST_VALUE, problems)?);
        }
        for (name, text) in headers {
            let value = self.env.expand(text, LONGEST_VALUE, problems)?;
            if !http::is_header_name(name) || !http::is_header_value(&value) {
                problems
                    .at(text.place, "this can be no header: its name has blanks or the like, its value a line's end");
                return None;
            }
            target.headers.push((name.clone(), value));
        }
        Some(Question::Http(target))
    }

    fn file_target(&self, file: &TextOr<WaitFile>, problems: &mut Problems) -> Option<Question> {
        let (at, more) = match file {
            TextOr::Text(text) => (text, None),
            TextOr::Table(table) => (&table.path, Some(table)),
        };
        let mut target = FileTarget { path: path(at, &self.env, problems)?, contains: None, non_empty: false };
        if let Some(WaitFile { place: _, path: _, contains, non_empty }) = more {
            target.non_empty = *non_empty;
            if let Some(text) = contains {
                target.contains = Some(self.env.expand(text, LONGEST_VALUE, problems)?);
            }
        }
        Some(Question::File(target))
    }

    fn parsed<T>(&self, text: &Text, parse: fn(&str) -> Result<T, &'static str>, problems: &mut Problems) -> Option<T> {
        let read = parse(&self.utf8(text, problems)?);
        read.map_err(|message| problems.at(text.place, message)).ok()
    }

    fn utf8(&self, text: &Text, problems: &mut Problems) -> Option<String> {
        let value = self.env.expand(text, LONGEST_VALUE, problems)?;
        String::from_utf8(value).map_err(|_| problems.at(text.place, "this is not UTF-8")).ok()
    }
}

/// What it is called in messages: `tcp db:5432`.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Question::Tcp(address) => write!(f, "tcp {address}"),
            Question::Unix(path) => write!(f, "unix {}", path.display()),
            Question::Http(http) => write!(f, "{}", http.url),
            Question::File(file) => write!(f, "file {}", file.path.display()),
            Question::Dns(name) => write!(f, "dns {name}"),
        }
    }
}

/// As its question; a program by its name.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Ask(question) => write!(f, "{question}"),
            Target::Run(program) => {
                let name = program.argv.first().map(|name| PathBuf::from(OsStr::from_bytes(name.to_bytes())));
                write!(f, "command {}", name.unwrap_or_default().display())
            }
        }
    }
}
