//! The step that waits until others are ready.
//!
//! Each target is asked again and again until it is ready once. All are asked at the same time, each try in a process of
//! its own ([`crate::net::attempt`]), so that none waits for another; only while a program is run to its end nobody else is
//! looked after, for `attempt_timeout` at most.

use super::failure::Failure;
use super::identity::become_user;
use super::programs::{Done, Surroundings};
use crate::exit;
use crate::net::attempt::{self, Attempt};
use crate::net::connect::{connect, resolve};
use crate::net::http::{Request, has, is_success};
use crate::net::{because, in_words};
use crate::plan::model::{FileTarget, HttpTarget, Question, Target, Wait};
use crate::report::Event;
use crate::sys::clock;
use crate::sys::file::{self, WORKING_DIRECTORY};
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, poll};
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How often it is said what is waited for.
const SAID_EVERY: Duration = Duration::from_secs(10);
/// The most of a file that is looked through.
const LARGEST_FILE: usize = 16 << 20;

/// A target, and how far it is.
struct Watched<'a> {
    target: &'a Target,
    state: State,
    /// Why the last try failed.
    error: Option<String>,
}

enum State {
    /// It is asked at this time.
    Idle(Duration),
    /// It is being asked, from the first time to the second.
    Asked(Attempt, Duration, Duration),
    Ready,
}

impl Surroundings<'_> {
    /// Waits until all is ready, or the time is over.
    #[inline(never)] // a frame of its own, as for each kind of step
    pub fn wait(&self, wait: &Wait) -> Result<Done, Box<Failure>> {
        let started = clock::monotonic();
        let deadline = started.saturating_add(wait.timeout);
        let mut say_at = started.saturating_add(SAID_EVERY);
        let mut all = Vec::new();
        for target in &wait.targets {
            all.push(Watched { target, state: State::Idle(started), error: None });
        }
        loop {
            for one in &mut all {
                self.go_on(one, wait, deadline)?;
            }
            all.retain(|one| !matches!(one.state, State::Ready));
            if all.is_empty() {
                return Ok(Done::default());
            }
            let now = clock::monotonic();
            if now >= deadline {
                let each: Vec<String> = all.iter().map(Watched::complaint).collect();
                let cause = format!("after {:?} {}", wait.timeout, each.join("; "));
                return Err(Failure::new(exit::TIMED_OUT, cause));
            }
            if now >= say_at {
                say_at = now.saturating_add(SAID_EVERY);
                let each: Vec<String> = all.iter().map(Watched::complaint).collect();
                let seconds = now.saturating_sub(started).as_secs();
                self.notice(&format!("still waiting after {seconds}s: {}", each.join("; ")));
            }
            sleep(&all, deadline.min(say_at));
        }
    }

    /// Hears what has been found out of one, and asks again if it is time.
    #[inline(never)]
    fn go_on(&self, one: &mut Watched, wait: &Wait, deadline: Duration) -> Result<(), Box<Failure>> {
        if let State::Asked(attempt, since, until) = &mut one.state {
            let (since, until) = (*since, *until);
            match attempt.result() {
                Some(result) => self.conclude(one, result, (since, until), wait),
                None if clock::monotonic() >= until => {
                    self.conclude(one, Err(too_slow(one.target).to_owned()), (since, until), wait);
                }
                None => {}
            }
        }
        let now = clock::monotonic();
        match one.state {
            State::Idle(at) if at <= now && now < deadline => {}
            _ => return Ok(()),
        }
        let limit = wait.attempt.min(deadline.saturating_sub(now));
        let until = now.saturating_add(limit);
        match one.target {
            Target::Ask(question) => {
                let become_its_user = || match self.rights {
                    Some(identity) => become_user(identity, 0).map_err(|refusal| refusal.to_string()),
                    None => Ok(()),
                };
                match attempt::start(limit, &become_its_user, &|deadline| ask(question, deadline)) {
                    Ok(attempt) => one.state = State::Asked(attempt, now, until),
                    Err(text) => self.conclude(one, Err(text), (now, until), wait),
                }
            }
            Target::Run(program) => {
                let result = self.ask(program, limit)?;
                self.conclude(one, result, (now, until), wait);
            }
        }
        Ok(())
    }

    /// Notes how a try ended that began and had to end at these times.
    fn conclude(
        &self,
        one: &mut Watched,
        result: Result<(), String>,
        (since, until): (Duration, Duration),
        wait: &Wait,
    ) {
        let Err(text) = result else {
            one.state = State::Ready;
            return;
        };
        let now = clock::monotonic();
        one.state = State::Idle(now.saturating_add(wait.interval));
        // The last try has less time than it should: that it took too long is no news then.
        let limit = until.saturating_sub(since);
        let cut_short = limit < wait.attempt && now.saturating_add(limit / 5) >= until;
        match &one.error {
            Some(_) if cut_short => {}
            Some(_) => one.error = Some(text),
            None => {
                one.error = Some(text);
                self.notice(&one.complaint());
            }
        }
    }

    fn notice(&self, text: &str) {
        let text = format!("step {}: {text}", self.step);
        Event::Notice { text: &self.redaction.sentence(&text) }.emit();
    }
}

impl Watched<'_> {
    fn complaint(&self) -> String {
        let error = self.error.as_deref().unwrap_or_else(|| too_slow(self.target));
        format!("{} is not ready: {error}", self.target)
    }
}

/// Until an answer comes in or it is time for something.
fn sleep(all: &[Watched], at_most: Duration) {
    let mut until = at_most;
    let mut fds = Vec::new();
    for one in all {
        match &one.state {
            State::Idle(at) => until = until.min(*at),
            State::Asked(attempt, _, at) => {
                until = until.min(*at);
                fds.push(PollFd::new(attempt.as_fd(), PollFlags::POLLIN));
            }
            State::Ready => {}
        }
    }
    let _interrupted: nix::Result<i32> = poll(&mut fds, clock::timeout_until(until));
}

/// What a try waits for that does not end by itself. An address has no name to look up.
fn too_slow(target: &Target) -> &'static str {
    let name = match target {
        Target::Ask(Question::Tcp(address)) => Some(&address.host),
        Target::Ask(Question::Http(page)) => Some(&page.url.address.host),
        Target::Ask(Question::Dns(name)) => Some(name),
        Target::Ask(Question::Unix(_) | Question::File(_)) | Target::Run(_) => None,
    };
    match name {
        Some(name) if name.parse::<IpAddr>().is_err() => "looking up its name takes too long",
        Some(_) | None => "no answer in time",
    }
}

/// Asks once.
fn ask(question: &Question, deadline: Duration) -> Result<(), String> {
    match question {
        Question::Tcp(address) => connect(address, deadline).map(drop),
        Question::Unix(path) => UnixStream::connect(path).map(drop).map_err(|error| because(&error)),
        Question::Http(target) => ask_http(target, deadline),
        Question::File(target) => look_at(target),
        Question::Dns(name) => resolve(name, 0).map(drop),
    }
}

fn ask_http(target: &HttpTarget, deadline: Duration) -> Result<(), String> {
    let HttpTarget { url, statuses, contains, headers } = target;
    let answer = Request { headers, wants_body: contains.is_some(), ..Request::get(url) }.ask(deadline)?;
    let accepted = |status| if statuses.is_empty() { is_success(status) } else { statuses.contains(&status) };
    answer.judge(accepted, contains.as_deref())
}

fn beginning(path: &Path) -> nix::Result<Vec<u8>> {
    let opened = file::open(&WORKING_DIRECTORY, path, OFlag::O_RDONLY, 0)?;
    let mut content = file::beginning(&opened, LARGEST_FILE)?;
    content.truncate(LARGEST_FILE);
    Ok(content)
}

fn look_at(target: &FileTarget) -> Result<(), String> {
    let stat = file::stat_of(&target.path).map_err(in_words)?;
    if !target.non_empty && target.contains.is_none() {
        return Ok(());
    }
    if !file::is_regular(&stat) {
        return Err("it is no regular file".to_owned());
    }
    if target.non_empty && stat.st_size == 0 {
        return Err("it is empty".to_owned());
    }
    let Some(text) = &target.contains else { return Ok(()) };
    let content = beginning(&target.path).map_err(in_words)?;
    if has(&content, text) { Ok(()) } else { Err("it does not have the text in it".to_owned()) }
}
