//! What a preparation costs grows in proportion to what there is to do: of anything that a configuration can have many of,
//! the next nine hundred cost no more each than the ninety before.
//!
//! Counted in instructions, of the static release binary alone. `benches/compare sweep` has times, and a script's beside them.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::support::Folder;
use crate::support::release::{instructions_to_prepare, is_release_or_skip};

/// How much more each of the next nine hundred may cost: sorted lists and trees are searched in some more steps.
const MOST: f64 = 1.35;

/// A configuration, and what belongs to it.
struct Job {
    folder: Folder,
    configuration: String,
    environment: Vec<String>,
}

impl Job {
    fn file(&self, name: &str, content: &str) {
        self.folder.file(name, content, 0o644);
    }

    fn variable(&mut self, name: &str, value: &str) {
        self.environment.push(format!("{name}={value}"));
    }

    /// A variable that names a file with a secret.
    fn secret(&mut self, index: usize) {
        self.file(&format!("secret-{index}"), "hunter2");
        self.variable(&format!("V{index}_FILE"), &format!("secret-{index}"));
    }

    fn line(&mut self, line: &str) {
        let _ = writeln!(self.configuration, "{line}");
    }

    fn template(&mut self, content: &str, more: &str) {
        self.file("template", content);
        self.line(&format!("[[steps]]\ntemplate = {{ source = \"template\", target = \"target\"{more} }}"));
    }
}

fn lines(many: usize, line: impl Fn(usize) -> String) -> String {
    (0..many).map(line).collect()
}

/// Counts what a job costs with 10, 100 and 1000 of something.
fn grows_in_proportion(write: fn(&mut Job, usize)) {
    if !is_release_or_skip() {
        return;
    }
    let count = |many: usize| {
        let mut job = Job { folder: Folder::new(), configuration: "version = 1\n".to_owned(), environment: Vec::new() };
        write(&mut job, many);
        job.file("onset.toml", &job.configuration);
        instructions_to_prepare(&job.folder, |valgrind| {
            let valgrind = valgrind.env(&job.environment).cwd(job.folder.path());
            valgrind.args(["--config", "onset.toml", "--", "/missing"])
        })
    };
    let [Some(ten), Some(hundred), Some(thousand)] = [10, 100, 1000].map(count) else { return };
    #[allow(clippy::cast_precision_loss)]
    let (before, last) = ((hundred - ten) as f64 / 90.0, (thousand - hundred) as f64 / 900.0);
    // Seen with --nocapture.
    let test = std::thread::current();
    let name = test.name().unwrap_or("a test");
    let _ =
        writeln!(std::io::stdout(), "{name}: {before:.0}, then {last:.0} instructions each: x {:.2}", last / before);
    assert!(
        last / before < MOST,
        "{before:.0} instructions for each up to a hundred, {last:.0} for each up to a thousand"
    );
}

#[test]
fn variables_of_the_container() {
    grows_in_proportion(|job, many| {
        for index in 0..many {
            job.variable(&format!("V{index}"), "a value");
            job.line(&format!("[env.V{index}]\nrequired = true"));
        }
        let lines = lines(many, |index| format!("v{index} = ${{V{index}}}\n"));
        job.template(&lines, "");
    });
}

#[test]
fn variables_in_one_table() {
    grows_in_proportion(|job, many| {
        job.line("[env]");
        for index in 0..many {
            job.line(&format!("V{index} = {{ default = \"{index}\" }}"));
        }
    });
}

#[test]
fn variables_by_dotted_keys() {
    grows_in_proportion(|job, many| {
        job.line("[env]");
        (0..many).for_each(|index| job.line(&format!("V{index}.default = \"{index}\"")));
        (0..many).for_each(|index| job.line(&format!("V{index}.type = \"int\"")));
    });
}

#[test]
fn variables_made_of_others() {
    grows_in_proportion(|job, many| {
        job.line("env.V0.default = \"a\"");
        for index in 0..many {
            job.line(&format!("[env.V{}]\nvalue = \"${{V{index}}}\"", index + 1));
        }
    });
}

#[test]
fn variables_of_an_env_file() {
    grows_in_proportion(|job, many| {
        job.file("env", &lines(many, |index| format!("V{index}=\"value {index}\"\n")));
        job.line("environment.files = [{ path = \"env\" }]");
    });
}

#[test]
fn secrets_of_files() {
    grows_in_proportion(|job, many| {
        for index in 0..many {
            job.secret(index);
            job.line(&format!("[env.V{index}]\nfile = true"));
        }
    });
}

#[test]
fn secrets_of_files_by_a_pattern() {
    grows_in_proportion(|job, many| {
        (0..many).for_each(|index| job.secret(index));
        job.line("environment.secret_files = [\"V\"]");
    });
}

#[test]
fn expressions() {
    grows_in_proportion(|job, many| {
        job.line("env.A.default = \"a\"");
        for index in 0..many {
            job.line(&format!("[env.V{index}]\nexpr = \"env.A ~ '{index}'\"\nwhen = \"env.A == 'a'\""));
        }
    });
}

#[test]
fn what_steps_set() {
    grows_in_proportion(|job, many| {
        (0..many).for_each(|index| job.line(&format!("[[steps]]\nset = {{ V{index} = \"{index}\" }}")));
    });
}

#[test]
fn steps_with_conditions() {
    grows_in_proportion(|job, many| {
        job.line("env.A.default = \"a\"");
        (0..many).for_each(|_| job.line("[[steps]]\nwhen = \"env.A == 'b'\"\nset = { B = \"b\" }"));
    });
}

#[test]
fn files_of_templates() {
    grows_in_proportion(|job, many| {
        job.variable("A", "a");
        (0..many).for_each(|index| {
            job.line(&format!("[[steps]]\ntemplate = {{ content = \"${{A}}\", target = \"{index}\" }}"));
        });
    });
}

#[test]
fn variables_of_a_jinja_template() {
    grows_in_proportion(|job, many| {
        (0..many).for_each(|index| job.line(&format!("env.V{index}.default = \"{index}\"")));
        let lines = lines(many, |index| format!("v{index} = {{{{ env.V{index} }}}}\n"));
        job.template(&lines, ", with = { language = \"jinja\" }");
    });
}

#[test]
fn keys_of_a_file_that_is_edited() {
    grows_in_proportion(|job, many| {
        job.file("file", &lines(many, |index| format!("k{index} = 0\n")));
        job.line("[[steps]]\nedit = { path = \"file\", format = \"properties\", set = {");
        (0..many).for_each(|index| job.line(&format!("k{index} = \"1\",")));
        job.line("} }");
    });
}
