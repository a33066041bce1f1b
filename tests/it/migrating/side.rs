//! Before and after: each is started in a root of its own.

use super::page::{Block, Pair};
use super::seen::Seen;
use super::setting::{Setting, find};
use crate::support::root::{Outcome, Root, Start};

const SCRIPT: &str = "/docker-entrypoint.sh";

/// A container of one of the two sides, which can be started again and again.
pub struct Side {
    root: Root,
    /// The instruction of a Dockerfile, or the words of a hook, that says what is started.
    words: Option<Vec<String>>,
    /// What `CMD` says, in the place of arguments.
    default: Vec<String>,
    script: bool,
}

impl Side {
    /// A script, the words of a Dockerfile or those of a hook, with all programs of this machine.
    pub fn before(pair: &Pair, setting: &Setting) -> Self {
        let text = setting.text(&pair.before);
        let root = setting.furnish(Root::new()).with_shell();
        let mut side = Self { root, words: None, default: Vec::new(), script: pair.before.language == "sh" };
        if side.script {
            // What the snippets of the page leave out.
            let head = if text.starts_with("#!") { "" } else { "#!/bin/sh\nset -e\n" };
            side.root = side.root.file(SCRIPT, format!("{head}{text}")).mode(SCRIPT, 0o755);
        } else {
            side.take(&pair.before.language, &text);
        }
        side
    }

    /// onset with the configuration, in a root with nothing else.
    pub fn after(pair: &Pair, setting: &Setting) -> Self {
        let mut side = Self { root: Root::new(), words: None, default: Vec::new(), script: false };
        for Block { language, .. } in &pair.after {
            assert!(["toml", "dockerfile", "yaml"].contains(&language.as_str()), "{}: {language}", pair.section);
        }
        let blocks = || pair.after.iter().map(|block| (block.language.as_str(), setting.text(block)));
        if let Some((_, text)) = blocks().find(|(language, _)| *language == "toml") {
            let head = if text.contains("version = 1") { "" } else { "version = 1\n" };
            side.root = Root::config(format!("{head}{text}"));
        }
        side.root = setting.furnish(side.root);
        blocks().for_each(|(language, text)| side.take(language, &text));
        side
    }

    /// Starts it, and waits for its end.
    pub fn run(&self, setting: &Setting, env: &[String], args: &[String]) -> Seen {
        let running = setting.start(self.start(args), env).begin();
        if let Some(signal) = setting.signal {
            running.wait_for_ready();
            running.kill(signal);
        }
        let outcome = Outcome::new(running.finish());
        Seen::new(&outcome, &self.root)
    }

    /// What stands in a block that says how something is started.
    fn take(&mut self, language: &str, text: &str) {
        for line in text.lines().map(str::trim) {
            let (instruction, rest) = line.split_once(' ').unwrap_or((line, ""));
            match (language, instruction) {
                ("dockerfile", "ENTRYPOINT") => self.words = Some(words(rest)),
                ("dockerfile", "CMD") => self.default = words(rest),
                ("dockerfile", "HEALTHCHECK") => {
                    let (_options, command) = rest.split_once("CMD ").expect("a command");
                    self.words = Some(words(command));
                }
                ("yaml", _) if line.contains("command: [") => {
                    let (_, list) = line.split_once("command: ").expect("it is there");
                    self.words = Some(words(list.trim_end_matches([' ', '}'])));
                }
                _ => {}
            }
        }
    }

    fn start(&self, args: &[String]) -> Start<'_> {
        let args = if args.is_empty() { &self.default } else { args };
        if self.script {
            // As the first step of a migration has it: onset, without a configuration, before the script.
            return self.root.start([&[SCRIPT.to_owned()], args].concat());
        }
        let Some(words) = &self.words else { return self.root.start(args) };
        let (program, rest) = words.split_first().expect("a program");
        let rest = [rest, args].concat();
        match program.as_str() {
            "/onset" => self.root.onset(rest),
            name => self.root.program(&find(&self.root, name), rest),
        }
    }
}

/// The exec form, or the other one as Docker hands it to a shell.
fn words(text: &str) -> Vec<String> {
    match text.strip_prefix('[') {
        Some(_) => serde_json::from_str(text).unwrap_or_else(|err| panic!("{text}: {err}")),
        None => ["/bin/sh", "-c", text].map(str::to_owned).to_vec(),
    }
}
