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
//! | [`cli`] | argv to an `Invocation`; [`cli::faces`]: the same in the place of another init |
//! | [`config`] | a configuration file to a `Config`, every problem at once |
//! | [`template`] | the two languages, `${...}` and Jinja; pure |
//! | [`textfile`] | keys and lines of text files, set, deleted and read; pure |
//! | [`plan`] | what to do, decided before anything is done; pure |
//! | [`prepare`] | the child, up to execve(2): does the plan |
//! | [`supervise`] | PID 1, from fork(2) to its end |
//! | [`face`] | onset in the place of another init |
//! | [`fork`] | one process becomes two |
//! | [`install`] | `onset --install`: links by the names of those inits |
//! | [`policy`] | what PID 1 is to do about signals and the end; plain data |
//! | [`init`] | PID 1 as others see it in /proc |
//! | [`probe`] | `onset probe`: asks once, for health checks |
//! | [`exec`] | `onset exec`: a command beside the application |
//! | [`sleep`] | `onset sleep` |
//! | [`record`] | the application as it was started, for those who come later |
//! | [`stage`] | how far an onset is, as its name says it |
//! | [`handoff`] | what passes between the two |
//! | [`report`] | the closed list of events, one line each on stderr |
//! | [`exit`] | the table of exit statuses |
//! | [`glob`] | patterns for names |
//! | [`json`] | what JSON is |
//! | [`toml`] | TOML to a tree |
//! | [`tree`] | what TOML and JSON have in common |
//! | [`kept`] | what is never given back |
//! | [`net`] | a client of the network, for readiness and health |
//! | [`sys`] | the only `unsafe` |

pub mod cli;
pub mod config;
pub mod exec;
pub mod exit;
pub mod face;
pub mod fork;
pub mod glob;
pub mod handoff;
pub mod init;
mod inspect;
pub mod install;
pub mod json;
pub mod kept;
mod launch;
pub mod net;
pub mod plan;
pub mod policy;
pub mod prepare;
pub mod probe;
pub mod record;
pub mod report;
pub mod sleep;
pub mod stage;
pub mod supervise;
pub mod sys;
pub mod template;
pub mod textfile;
pub mod toml;
pub mod tree;

pub use launch::main;

#[cfg(test)]
mod documents {
    use crate::cli;
    use crate::config::{Problems, Source, parse};
    use crate::plan::check::statically;
    use crate::plan::world::World;
    use crate::plan::world::fake::FakeWorld;
    use std::path::Path;
    use std::sync::Arc;

    fn top() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    /// Pages name tests: `file::name`, or a whole file.
    #[test]
    fn every_test_that_is_named_exists() {
        let mut named = 0;
        for page in ["docs/breaks.md", "docs/constructs.md", "docs/faces.md"] {
            let text = std::fs::read_to_string(top().join(page)).unwrap();
            for word in text.split('`').skip(1).step_by(2).filter(|word| word.contains(".rs") && !word.contains(' ')) {
                let (file, test) = word.split_once("::").map_or((word, None), |(file, test)| (file, Some(test)));
                let places = ["tests/it", "src"].map(|folder| top().join(folder).join(file));
                let source = places.iter().find_map(|place| std::fs::read_to_string(place).ok());
                let source = source.unwrap_or_else(|| panic!("{page}: no file {file}"));
                if let Some(test) = test {
                    let starts = [format!("fn {test}("), format!("promise!({test},"), format!("both_modes!({test},")];
                    assert!(starts.iter().any(|start| source.contains(start)), "{page}: no test {test} in {file}");
                }
                named += 1;
            }
        }
        assert!(named > 100, "{named}");
    }

    /// Every configuration in the documents and among the examples is in order, as `onset check` sees it.
    #[test]
    fn every_configuration_is_in_order() {
        let mut checked = 0;
        let folder = |path: &str| std::fs::read_dir(top().join(path)).unwrap().map(|entry| entry.unwrap().path());
        let pages = folder("docs").filter(|path| path.extension().is_some_and(|end| end == "md"));
        for page in pages.chain([top().join("README.md")]) {
            let text = std::fs::read_to_string(&page).unwrap();
            for block in text.split("```toml\n").skip(1) {
                let block = block.split("```").next().unwrap_or_default();
                let head = if block.contains("version = 1") { "" } else { "version = 1\n" };
                check(&page, format!("{head}{block}"));
                checked += 1;
            }
        }
        let folders = ["examples/entrypoints", "examples/applications", "examples/docker"].into_iter().flat_map(folder);
        let examples = folders.filter(|path| path.is_dir()).map(|path| path.join("onset.toml"));
        for example in examples.chain([top().join("examples/onset.toml")]) {
            check(&example, std::fs::read_to_string(&example).unwrap());
            checked += 1;
        }
        assert!(checked > 70, "{checked}");
    }

    /// A link within a page names a heading of it, as GitHub calls it.
    #[test]
    fn every_link_within_a_page_leads_to_a_heading() {
        let mut followed = 0;
        for page in std::fs::read_dir(top().join("docs")).unwrap().map(|entry| entry.unwrap().path()) {
            let text = std::fs::read_to_string(&page).unwrap();
            let headings: Vec<String> = headings(&text).map(anchor).collect();
            for link in text.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap_or_default()) {
                assert!(headings.iter().any(|heading| heading == link), "{}: no heading for #{link}", page.display());
                followed += 1;
            }
        }
        assert!(followed > 40, "{followed}");
    }

    fn headings(text: &str) -> impl Iterator<Item = &str> {
        let mut in_block = false;
        text.lines().filter_map(move |line| {
            in_block ^= line.starts_with("```");
            let heading = line.trim_start_matches('#').strip_prefix(' ')?;
            (line.starts_with('#') && !in_block).then_some(heading)
        })
    }

    fn anchor(heading: &str) -> String {
        let kept = heading.chars().filter(|char| char.is_alphanumeric() || [' ', '-', '_'].contains(char));
        kept.map(|char| if char == ' ' { '-' } else { char.to_ascii_lowercase() }).collect()
    }

    /// Every command line of the subcommands for a container that runs, in the documents and in the help texts, is one
    /// that they take.
    #[test]
    fn every_command_line_is_understood() {
        let mut tried = 0;
        let page = |path: &str| std::fs::read_to_string(top().join(path)).unwrap();
        let helps = [cli::Topic::Probe, cli::Topic::Exec, cli::Topic::Sleep].map(cli::help).concat();
        let images = std::fs::read_dir(top().join("examples/docker")).unwrap().map(|entry| entry.unwrap().path());
        let images = images.filter_map(|path| std::fs::read_to_string(path.join("Dockerfile")).ok());
        let texts = ["docs/probe.md", "docs/migrating.md", "README.md", "Dockerfile.example"].map(page).into_iter();
        for line in texts.chain(images).chain([helps]).collect::<String>().lines() {
            let words: Vec<std::ffi::OsString> = if line.starts_with("ENTRYPOINT ") {
                continue;
            } else if let Some((_, list)) = line.split_once("[\"/onset\", ") {
                let list = list.split_once(']').unwrap_or_else(|| panic!("{line}")).0;
                let words: Vec<String> = serde_json::from_str(&format!("[{list}]")).unwrap();
                words.into_iter().map(Into::into).collect()
            } else if let Some(words) = line.strip_prefix("  onset probe ") {
                // As a shell would split it, as far as it is used here.
                let pieces = words.split('\'').enumerate();
                let split = pieces.flat_map(|(index, piece)| match index % 2 {
                    0 => piece.split_ascii_whitespace().collect(),
                    _ => vec![piece],
                });
                std::iter::once("probe").chain(split).map(Into::into).collect()
            } else {
                continue;
            };
            assert!(cli::parse(words, |_| None).is_ok(), "{line}");
            tried += 1;
        }
        assert!(tried > 10, "{tried}");
    }

    fn check(place: &Path, text: String) {
        let shown = text.clone();
        let source = Source { name: place.display().to_string(), text, hidden: Vec::new() };
        let found = parse(source).and_then(|(config, source)| {
            let world: Arc<dyn World> = Arc::new(FakeWorld::default());
            let mut problems = Problems::default();
            statically(config, &world, &mut problems);
            if problems.is_empty() { Ok(()) } else { Err(problems.explain(&source)) }
        });
        assert_eq!(found, Ok(()), "{shown}");
    }
}
