//! The subcommands for a container that runs: `probe`, `exec` and `sleep`.

use super::options::{
    CONTAINS, Flag, HEADER, HELP, KEEP_USER, METHOD, PID, STATUS, TIMEOUT, UNIX_SOCKET, YOUNGER_THAN,
};
use super::parse::Reader;
use super::{Invocation, Topic, time};
use crate::exec::Exec;
use crate::net::http::{is_header_name, is_header_value, is_token};
use crate::probe::{Content, Http, Probe, Question, Target, statuses};
use crate::template::substitute::Template;
use std::ffi::{OsStr, OsString};
use std::time::Duration;

/// The options of `probe`.
pub const PROBE: [&Flag; 9] =
    [&METHOD, &HEADER, &STATUS, &CONTAINS, &UNIX_SOCKET, &YOUNGER_THAN, &TIMEOUT, &PID, &HELP];
/// The options of `exec`.
pub const EXEC: [&Flag; 3] = [&KEEP_USER, &PID, &HELP];

/// How long a probe may take where nobody says otherwise.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

impl Reader<'_> {
    #[inline(never)]
    pub(super) fn probe(&mut self) -> Invocation {
        self.topic = Topic::Probe;
        let words = match self.mixed(&PROBE) {
            Ok(words) => words,
            Err(asked) => return asked,
        };
        let mut targets = Vec::new();
        for word in &words {
            targets.extend(self.target(word));
        }
        if words.is_empty() {
            self.problems.push("no target: say what to ask".to_owned());
        }
        self.mind_what_is_not_used(&targets, words.len());
        let timeout = self.read(&TIMEOUT, time::ACCEPTED, time::parse).unwrap_or(PROBE_TIMEOUT);
        if timeout.is_zero() {
            self.problems.push(format!("`--{}` is no time at all: nothing can answer in it", TIMEOUT.long));
        }
        let method = self.read(&METHOD, "accepted is one word, such as HEAD", |text| {
            is_token(text).then(|| text.to_ascii_uppercase())
        });
        let http = Http {
            method: method.unwrap_or_else(|| "GET".to_owned()),
            headers: self.headers(),
            statuses: self
                .read(&STATUS, "accepted are statuses and ranges of them, such as 200-299,401", statuses)
                .unwrap_or_default(),
            contains: self.template(&CONTAINS),
            unix_socket: self.template(&UNIX_SOCKET),
        };
        if http.contains.is_some() && http.method == "HEAD" {
            self.problems.push(format!("`--{}` needs an answer with content, and HEAD asks for none", CONTAINS.long));
        }
        let younger_than = self.read(&YOUNGER_THAN, time::ACCEPTED, time::parse);
        Invocation::Probe(Box::new(Probe { targets, http, younger_than, pid: self.pid(), timeout }))
    }

    #[inline(never)]
    pub(super) fn exec(&mut self) -> Invocation {
        self.topic = Topic::Exec;
        let command = match self.rest(&EXEC) {
            Ok(command) => command,
            Err(asked) => return asked,
        };
        if command > self.words.len() {
            self.problems.push("no command: say which program to run".to_owned());
        }
        Invocation::Exec(Exec { keep_user: self.is_given(&KEEP_USER), pid: self.pid(), command })
    }

    #[inline(never)]
    pub(super) fn sleep(&mut self) -> Invocation {
        self.topic = Topic::Sleep;
        let words = match self.mixed(&[&HELP]) {
            Ok(words) => words,
            Err(asked) => return asked,
        };
        let time = match &words[..] {
            [word] if word == "infinity" => Some(Duration::MAX),
            [word] => word.to_str().and_then(time::parse),
            [] | [_, _, ..] => None,
        };
        if time.is_none() {
            let words = words.join(OsStr::new(" "));
            let words = words.to_string_lossy();
            self.problems.push(format!("`{words}` is not a time: {}, infinity", time::ACCEPTED));
        }
        Invocation::Sleep(time.unwrap_or_default())
    }

    fn target(&mut self, word: &OsString) -> Option<Target> {
        let target = word.to_str().ok_or_else(not_utf8).and_then(Target::parse);
        target.map_err(|why| self.problems.push(format!("`{}` is no target: {why}", word.to_string_lossy()))).ok()
    }

    /// An option that nothing would heed is a mistake: the check would be weaker than somebody thinks.
    #[inline(never)]
    fn mind_what_is_not_used(&mut self, targets: &[Target], count: usize) {
        let is_used = |wanted: fn(&Question) -> bool| {
            targets.len() < count
                || targets.iter().any(|target| match &target.content {
                    Content::Known(question) => wanted(question),
                    Content::Open(_) => true,
                })
        };
        let http = is_used(|question| matches!(question, Question::Http(_)));
        let file = is_used(|question| matches!(question, Question::File(_)));
        let for_pages = [&METHOD, &HEADER, &STATUS, &CONTAINS, &UNIX_SOCKET].map(|flag| (flag, http, "http://"));
        for (flag, is_used, kind) in for_pages.into_iter().chain([(&YOUNGER_THAN, file, "file:")]) {
            if self.is_given(flag) && !is_used {
                self.problems.push(format!("`--{}` is for {kind} targets, and there is none", flag.long));
            }
        }
    }

    #[inline(never)]
    fn headers(&mut self) -> Vec<(String, Template)> {
        let mut headers = Vec::new();
        let mut problems = Vec::new();
        for value in self.values(&HEADER) {
            match header(value) {
                Ok(header) => headers.push(header),
                // Not shown: a header is where people put passwords.
                Err(why) => problems.push(format!("a `--{}` cannot be sent: {why}", HEADER.long)),
            }
        }
        self.problems.extend(problems);
        headers
    }

    fn template(&mut self, flag: &Flag) -> Option<Template> {
        let value = self.value(flag).cloned()?;
        let template = value.to_str().ok_or_else(not_utf8);
        let template = template.and_then(|text| Template::parse(text).map_err(|error| error.to_string()));
        template.map_err(|why| self.problems.push(format!("`--{}`: {why}", flag.long))).ok()
    }

    fn pid(&mut self) -> Option<i32> {
        self.read(&PID, "accepted is the number of a process", |text| text.parse().ok().filter(|&pid| pid > 0))
    }

    /// The value of an option, if it is given.
    fn read<T>(&mut self, flag: &Flag, accepted: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = self.value(flag)?.clone();
        let parsed = value.to_str().and_then(parse);
        if parsed.is_none() {
            self.refuse_option(flag, &value, accepted);
        }
        parsed
    }
}

fn header(value: &OsStr) -> Result<(String, Template), String> {
    let halves = value.to_str().ok_or_else(not_utf8)?.split_once(':');
    let halves = halves.filter(|(name, value)| is_header_name(name) && is_header_value(value.as_bytes()));
    let (name, value) = halves.ok_or("accepted is 'NAME: VALUE', without line ends, and not Connection")?;
    let template = Template::parse(value.trim()).map_err(|error| error.to_string())?;
    Ok((name.to_owned(), template))
}

fn not_utf8() -> String {
    "it is not UTF-8".to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn parsed(line: &[&str]) -> Result<Invocation, Vec<String>> {
        let refused = |refusal: super::super::Refusal| {
            assert_eq!(refusal.topic == Topic::Sleep, line[0] == "sleep");
            refusal.problems
        };
        parse(line.iter().map(OsString::from).collect(), |_| None).map_err(refused)
    }

    fn probe(line: &[&str]) -> Probe {
        match parsed(&[&["probe"], line].concat()) {
            Ok(Invocation::Probe(probe)) => *probe,
            other => panic!("{line:?}: {other:?}"),
        }
    }

    fn template(text: &str) -> Template {
        Template::parse(text).expect("a template")
    }

    #[test]
    fn a_probe_has_targets_and_options_in_any_order() {
        let Probe { targets, http, younger_than, pid, timeout } = probe(&["ready"]);
        assert_eq!(targets, [Target::parse("ready").expect("a target")]);
        let plain = Http {
            method: "GET".to_owned(),
            headers: Vec::new(),
            statuses: Vec::new(),
            contains: None,
            unix_socket: None,
        };
        assert_eq!((http, younger_than, pid, timeout), (plain, None, None, PROBE_TIMEOUT));
        let line = "-X head http://a/ --header=A:b --timeout 500ms --pid=7 file:/x -H B:${C} --younger-than 1m \
            --status 200,300-399 --unix-socket /run/${S} -- live";
        let Probe { targets, http, younger_than, pid, timeout } =
            probe(&line.split_ascii_whitespace().collect::<Vec<_>>());
        let written: Vec<&str> = targets.iter().map(|target| target.written.as_str()).collect();
        assert_eq!(written, ["http://a/", "file:/x", "live"]);
        let expected = Http {
            method: "HEAD".to_owned(),
            headers: vec![("A".to_owned(), template("b")), ("B".to_owned(), template("${C}"))],
            statuses: vec![200..=200, 300..=399],
            contains: None,
            unix_socket: Some(template("/run/${S}")),
        };
        assert_eq!(http, expected);
        let seconds = Duration::from_secs;
        assert_eq!((younger_than, pid, timeout), (Some(seconds(60)), Some(7), seconds(1) / 2));
    }

    #[test]
    fn all_problems_of_a_probe_are_told_at_once() {
        let line = "probe db:5432 -X a,b -H Authorization=hunter2 --status 2xx --contains $x --timeout 0s --pid 0 \
            --younger-than soon --nope";
        let problems = parsed(&line.split_ascii_whitespace().collect::<Vec<_>>()).expect_err("problems");
        let expected = [
            "unknown option `--nope`",
            "`db:5432` is no target: accepted are http://host",
            "`--timeout` is no time at all",
            "`--method` is `a,b`",
            "a `--header` cannot be sent",
            "`--status` is `2xx`",
            "`--contains`: ",
            "`--younger-than` is `soon`",
            "`--pid` is `0`",
        ];
        assert_eq!(problems.len(), expected.len(), "{problems:#?}");
        for (problem, start) in problems.iter().zip(expected) {
            assert!(problem.starts_with(start) && !problem.contains("hunter2"), "{problem}");
        }
        assert_eq!(parsed(&["probe"]), Err(vec!["no target: say what to ask".to_owned()]));
        assert!(parsed(&["probe", "https://web/"]).is_err_and(|problems| problems[0].contains("only http://")));
    }

    #[test]
    fn an_option_that_nothing_heeds_is_refused() {
        let unused = |line: &[&str]| parsed(&[&["probe"], line].concat()).expect_err("it is refused");
        let pages = "is for http:// targets, and there is none";
        assert_eq!(unused(&["tcp:a:1", "-H", "A: b"]), [format!("`--header` {pages}")]);
        let expected = ["`--younger-than` is for file: targets, and there is none"];
        assert_eq!(unused(&["http://a", "--younger-than", "1s"]), expected);
        assert!(unused(&["-X", "HEAD", "--contains", "x", "http://a"])[0].starts_with("`--contains` needs an answer"));
        // What it will be is not known yet.
        assert_eq!(probe(&["${URL}", "--status", "200"]).http.statuses, [200..=200]);
    }

    #[test]
    fn exec_has_a_command() {
        let exec = |line: &[&str]| parsed(&[&["exec"], line].concat());
        let made = |keep_user, pid, command| Ok(Invocation::Exec(Exec { keep_user, pid, command }));
        assert_eq!(exec(&["ls", "--pid"]), made(false, None, 2));
        assert_eq!(exec(&["--keep-user", "--pid", "7", "--", "-x"]), made(true, Some(7), 6));
        let none = Err(vec!["no command: say which program to run".to_owned()]);
        assert_eq!(exec(&[]), none);
        assert_eq!(exec(&["--"]), none);
        assert_eq!(exec(&["--keep-user"]), none);
    }

    #[test]
    fn sleep_has_one_time() {
        let sleep = |line: &[&str]| parsed(&[&["sleep"], line].concat());
        assert_eq!(sleep(&["1.5"]), Ok(Invocation::Sleep(Duration::from_millis(1500))));
        assert_eq!(sleep(&["--", "2m"]), Ok(Invocation::Sleep(Duration::from_mins(2))));
        assert_eq!(sleep(&["infinity"]), Ok(Invocation::Sleep(Duration::MAX)));
        for (line, shown) in [(&["soon"][..], "soon"), (&["1", "2"], "1 2"), (&[], "")] {
            let expected = format!("`{shown}` is not a time: {}, infinity", time::ACCEPTED);
            assert_eq!(sleep(line), Err(vec![expected]));
        }
    }

    #[test]
    fn each_has_a_help_of_its_own() {
        for (word, topic) in [("probe", Topic::Probe), ("exec", Topic::Exec), ("sleep", Topic::Sleep)] {
            for help in ["--help", "-h"] {
                assert_eq!(parsed(&[word, help]), Ok(Invocation::Help(topic)));
            }
        }
        assert_eq!(parsed(&["check", "--help"]), Ok(Invocation::Help(Topic::Onset)));
    }
}
