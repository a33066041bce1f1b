//! One pair, done as its comparison says.

use super::page::Pair;
use super::seen::{Seen, difference};
use super::setting::Setting;
use super::side::Side;
use super::words::split;
use crate::support::skip;

/// What is promised of one start.
struct Case<'p> {
    pair: &'p Pair,
    line: &'p str,
    env: Vec<String>,
    args: Vec<String>,
    /// What is behind `=>`.
    said: Option<String>,
    /// `before ...` and `after ...`.
    checks: Vec<Vec<String>>,
}

/// All that the pair's comparison promises; else what does not hold.
pub fn compare(pair: &Pair) -> Result<(), String> {
    let mut setting = Setting::default();
    let mut lines = pair.comparison.iter().map(|line| line.trim()).peekable();
    while let Some(line) = lines.next() {
        let words = split(line);
        match words[0].as_str() {
            "needs" if !is_here(&words[1]) => {
                skip(&format!("{}: there is no {} on this machine", pair.section, words[1]));
                return Ok(());
            }
            "needs" => {}
            "same" | "refused" | "differs" | "gives" => {
                let mut checks = Vec::new();
                while let Some(check) = lines.next_if(|line| line.starts_with("before ") || line.starts_with("after "))
                {
                    checks.push(split(check));
                }
                Case::new(pair, line, &words[1..], checks).run(&words[0], &setting)?;
            }
            _ => {
                let mut blocks = pair.after.iter().chain([&pair.before]);
                let is_there = words[0] != "replace" || blocks.any(|block| block.text.contains(&words[1]));
                assert!(is_there, "{}: nothing to replace: {line}", pair.section);
                setting.take(&words);
            }
        }
    }
    Ok(())
}

impl<'p> Case<'p> {
    fn new(pair: &'p Pair, line: &'p str, words: &[String], checks: Vec<Vec<String>>) -> Self {
        let (words, said) = match words.iter().position(|word| word == "=>") {
            Some(at) => (&words[..at], Some(words[at + 1].clone())),
            None => (words, None),
        };
        let (env, args) = match words.iter().position(|word| word == "--") {
            Some(at) => (&words[..at], &words[at + 1..]),
            None => (words, &words[..0]),
        };
        Self { pair, line, env: env.to_vec(), args: args.to_vec(), said, checks }
    }

    fn run(&self, kind: &str, setting: &Setting) -> Result<(), String> {
        let after = Side::after(self.pair, setting);
        let run = |side: &Side| side.run(setting, &self.env, &self.args);
        if kind == "gives" {
            return self.check("after", &run(&after));
        }
        let before = Side::before(self.pair, setting);
        for _ in 0..=usize::from(setting.again && kind == "same") {
            let (before, after) = (run(&before), run(&after));
            match kind {
                "same" => self.same(setting, &before, &after)?,
                "refused" => self.refused(&before, &after)?,
                _ => self.differs(&before, &after)?,
            }
            self.check("before", &before)?;
            self.check("after", &after)?;
        }
        Ok(())
    }

    fn same(&self, setting: &Setting, before: &Seen, after: &Seen) -> Result<(), String> {
        let rest = |seen: &Seen| seen.facts.without(&setting.ignored, &setting.ignored_files);
        match difference(&rest(before), &rest(after)) {
            None => Ok(()),
            Some(how) => Err(self.story(&format!("they differ:\n{how}"), &[before, after])),
        }
    }

    /// Neither starts the application. A script ends as it likes, onset with 125, and it says why.
    fn refused(&self, before: &Seen, after: &Seen) -> Result<(), String> {
        let said = self.said.as_ref().expect("=> what onset says");
        if before.refused(|status| status != 0) && after.refused(|status| status == 125) && after.says(said) {
            return Ok(());
        }
        Err(self.story(&format!("both should refuse, and onset say {said:?}"), &[before, after]))
    }

    fn differs(&self, before: &Seen, after: &Seen) -> Result<(), String> {
        assert!(!self.checks.is_empty(), "{}: how?", self.line);
        match difference(&before.facts, &after.facts) {
            Some(_) => Ok(()),
            None => Err(self.story("there is no difference", &[before, after])),
        }
    }

    fn check(&self, side: &str, seen: &Seen) -> Result<(), String> {
        for check in self.checks.iter().filter(|check| check[0] == side) {
            if !seen.holds(&check[1..]) {
                return Err(self.story(&format!("this is not so: {check:?}\n{:#?}", seen.facts), &[seen]));
            }
        }
        Ok(())
    }

    fn story(&self, why: &str, seen: &[&Seen]) -> String {
        let stories: Vec<&str> = seen.iter().map(|seen| seen.story.as_str()).collect();
        format!("{}: {}: {why}\n{}", self.pair.section, self.line, stories.join("\n----\n"))
    }
}

fn is_here(program: &str) -> bool {
    ["/usr/bin", "/usr/sbin"].iter().any(|folder| std::path::Path::new(folder).join(program).exists())
}
