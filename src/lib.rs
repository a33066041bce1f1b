//! onset: PID 1 for containers that have no shell.
//!
//! ```text
//! argv, environ -> cli::Invocation -> fork -+- child:  config -> plan -> prepare -> execve(application)
//!                                           +- PID 1:  supervise (the loop and its pure state) -> exit status
//! ```
//!
//! PID 1 parses argv and nothing else. All that can fail happens in the child, which becomes the application and says
//! over a close-on-exec pipe ([`handoff`]) how far it came.
//!
//! | place | what it is for |
//! |---|---|
//! | [`cli`] | argv to an `Invocation` |
//! | [`config`] | a configuration file to a `Config`, every problem at once |
//! | [`template`] | the two languages, `${...}` and Jinja; pure |
//! | [`textfile`] | keys and lines of text files, set, deleted and read; pure |
//! | [`plan`] | what to do, decided before anything is done; pure |
//! | [`prepare`] | the child, up to execve(2): does the plan |
//! | [`supervise`] | PID 1, from fork(2) to its end |
//! | [`handoff`] | what passes between the two |
//! | [`report`] | the closed list of events, one line each on stderr |
//! | [`exit`] | the table of exit statuses |
//! | [`glob`] | patterns for names |
//! | [`sys`] | the only `unsafe` |

pub mod cli;
pub mod config;
pub mod exit;
pub mod glob;
pub mod handoff;
mod inspect;
mod launch;
pub mod plan;
pub mod prepare;
pub mod report;
pub mod supervise;
pub mod sys;
pub mod template;
pub mod textfile;

pub use launch::main;

#[cfg(test)]
mod documents {
    use std::path::Path;

    /// docs/breaks.md names tests: `file::name`.
    #[test]
    fn every_test_that_is_named_exists() {
        let top = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(top.join("docs/breaks.md")).unwrap();
        let mut named = 0;
        for (file, test) in text.split('`').skip(1).step_by(2).filter_map(|word| word.split_once(".rs::")) {
            let file = format!("{file}.rs");
            let found = ["tests/it", "src"].iter().find_map(|folder| std::fs::read(top.join(folder).join(&file)).ok());
            let source = String::from_utf8(found.unwrap_or_else(|| panic!("no file {file}"))).unwrap();
            let is_there =
                [format!("fn {test}("), format!("promise!({test},")].iter().any(|line| source.contains(line));
            assert!(is_there, "no test {test} in {file}");
            named += 1;
        }
        assert!(named > 60, "{named}");
    }
}
