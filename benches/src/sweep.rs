//! How the start grows with what there is to do: it has to be in proportion.

use crate::job;
use crate::stats::{Samples, rounded};
use crate::{Bench, Figures, counters, text};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const POINTS: [usize; 4] = [1, 10, 100, 1000];

/// What grows: its name, a unit of it, and how the job is written down.
type Kind = (&'static str, &'static str, fn(usize) -> Job);

const KINDS: [Kind; 4] = [
    ("variables", "variable, substituted once", variables),
    ("templates", "template with one substitution", templates),
    ("template size", "KB with ten substitutions", template_size),
    ("configuration size", "variable with a default and a type", configuration_size),
];

/// Above this, a last slope in relation to the one before is no noise: twice as much costs more than twice.
const SUPERLINEAR: f64 = 1.5;

/// The same for onset and for a script.
#[derive(Default)]
struct Job {
    environment: Vec<String>,
    configuration: String,
    script: String,
    templates: Vec<String>,
}

pub fn measure(bench: &Bench) -> Result<Value, String> {
    let mut figures = Figures::new();
    for (name, unit, job) in KINDS {
        let mut times = [const { Vec::new() }; 2];
        let mut instructions = Vec::new();
        for count in POINTS {
            let job = job(count);
            let folder = bench.new_folder(&format!("sweep-{}-{count}", name.replace(' ', "-")))?;
            job.write(&folder)?;
            let command = |entrypoint, application: &[&str]| {
                job::command(bench, entrypoint, &folder, application).env(&job.environment)
            };
            let mut samples = [Samples::default(), Samples::default()];
            // A thousand envsubst take most of a second.
            let rounds = if job.templates.len() > 100 { bench.times(1, 5) } else { bench.times(5, 40) };
            for round in 0..=rounds {
                for (samples, entrypoint) in samples.iter_mut().zip(["onset", job::REFERENCE]) {
                    let (reached, _) = job::once(&folder, &command(entrypoint, &[&bench.programs.app, "main"]))
                        .map_err(|error| format!("{name}, {count}, {entrypoint}: {error}"))?;
                    if round > 0 {
                        samples.add(reached);
                    }
                }
            }
            for (times, samples) in times.iter_mut().zip(samples) {
                times.push(samples.median());
            }
            let _ = fs::remove_dir_all(folder.join("run"));
            let counted = counters::instructions(bench, &command("onset", &["/missing"]))?;
            #[allow(clippy::cast_precision_loss)]
            instructions.push(counted.all as f64);
            fs::remove_dir_all(&folder).map_err(text)?;
        }
        let [onset, dash] = times;
        let figure = json!({
            "unit": unit,
            "points": POINTS,
            "onset_us": growth(&onset),
            "dash_us": growth(&dash),
            "onset_instructions": growth(&instructions),
        });
        figures.insert(name.to_owned(), figure);
    }
    Ok(figures.into())
}

/// The slope of the last stretch for each unit, and what that is in relation to the stretch before.
fn growth(values: &[f64]) -> Value {
    #[allow(clippy::cast_precision_loss)]
    let slope = |from: usize, to: usize| (values[to] - values[from]) / (POINTS[to] - POINTS[from]) as f64;
    let (before, last) = (slope(1, 2), slope(2, 3));
    let ratio = last / before;
    json!({
        "values": values.iter().map(|value| rounded(*value)).collect::<Vec<_>>(),
        "slope": rounded(last),
        "last_to_before": rounded(ratio),
        "superlinear": before > 0.0 && ratio > SUPERLINEAR,
    })
}

impl Job {
    fn write(&self, folder: &Path) -> Result<(), String> {
        let configuration = format!("version = 1\n{}", self.configuration);
        let script = format!("set -eu\n{}exec \"$@\"\n", self.script);
        fs::write(folder.join("onset.toml"), configuration).map_err(text)?;
        fs::write(folder.join("entrypoint.sh"), script).map_err(text)?;
        for (index, template) in self.templates.iter().enumerate() {
            fs::write(folder.join(format!("{index}.template")), template).map_err(text)?;
        }
        Ok(())
    }

    fn line(&mut self, configuration: &str, script: &str) {
        let _ = writeln!(self.configuration, "{configuration}");
        let _ = writeln!(self.script, "{script}");
    }

    fn templates(&mut self, names: &str) {
        let _ = writeln!(self.script, "mkdir run");
        let _ = writeln!(self.configuration, "[[steps]]\ndirectory = {{ path = \"run\" }}");
        for index in 0..self.templates.len() {
            self.line(
                &format!("[[steps]]\ntemplate = {{ source = \"{index}.template\", target = \"run/{index}\" }}"),
                &format!("envsubst '{names}' <{index}.template >run/{index}"),
            );
        }
    }
}

fn variables(count: usize) -> Job {
    let mut job = Job { templates: vec![String::new()], ..Job::default() };
    let mut names = String::new();
    for index in 0..count {
        job.environment.push(format!("V{index}=value {index}"));
        job.line(&format!("[env.V{index}]\nrequired = true"), &format!(": \"${{V{index}:?}}\""));
        let _ = writeln!(job.templates[0], "v{index} = ${{V{index}}}");
        let _ = write!(names, "$V{index} ");
    }
    job.templates(&names);
    job
}

fn templates(count: usize) -> Job {
    let mut job = one_variable();
    job.templates = (0..count).map(|index| format!("number = {index}\nname = ${{NAME}}\n")).collect();
    job.templates("$NAME");
    job
}

fn template_size(count: usize) -> Job {
    const LINE: &str =
        "a line of a hundred bytes, with ${NAME} in it, as configuration files have them, more or less ...\n\n\n\n";
    let mut job = one_variable();
    job.templates = vec![LINE.repeat(10 * count)];
    job.templates("$NAME");
    job
}

fn configuration_size(count: usize) -> Job {
    let mut job = Job::default();
    for index in 0..count {
        job.line(
            &format!("[env.D{index}]\ndefault = \"{index}\"\ntype = \"int\""),
            &format!("export D{index}=\"${{D{index}:-{index}}}\""),
        );
    }
    job
}

fn one_variable() -> Job {
    let mut job = Job { environment: vec!["NAME=a name".to_owned()], ..Job::default() };
    job.line("[env.NAME]\nrequired = true", ": \"${NAME:?}\"");
    job
}
