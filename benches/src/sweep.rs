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
        figures
            .insert(name.to_owned(), one(bench, unit, &POINTS.map(job)).map_err(|error| format!("{name}: {error}"))?);
    }
    Ok(figures.into())
}

fn one(bench: &Bench, unit: &str, jobs: &[Job]) -> Result<Value, String> {
    let mut folders = Vec::new();
    for (job, count) in jobs.iter().zip(POINTS) {
        let folder = bench.new_folder(&format!("sweep-{count}"))?;
        job.write(&folder)?;
        folders.push(folder);
    }
    let command = |index: usize, entrypoint, application: &[&str]| {
        job::command(bench, entrypoint, &folders[index], application).env(&jobs[index].environment)
    };

    let mut samples = [const { [const { None::<Samples> }; POINTS.len()] }; 2];
    for round in 0..=bench.times(5, 40) {
        for (index, job) in jobs.iter().enumerate() {
            // A thousand envsubst take most of a second.
            if job.templates.len() > 100 && round > bench.times(1, 5) {
                continue;
            }
            for (samples, entrypoint) in samples.iter_mut().zip(["onset", job::REFERENCE]) {
                let started = job::once(&folders[index], &command(index, entrypoint, &[&bench.programs.app, "main"]));
                let (reached, _) = started.map_err(|error| format!("{}, {entrypoint}: {error}", POINTS[index]))?;
                if round > 0 {
                    samples[index].get_or_insert_default().add(reached);
                }
            }
        }
    }
    let [onset, dash] = samples.map(|points| points.map(|samples| samples.unwrap_or_default().median()));

    let mut instructions = [0.0; POINTS.len()];
    for (index, folder) in folders.iter().enumerate() {
        let _ = fs::remove_dir_all(folder.join("run"));
        let counted = counters::instructions(bench, &command(index, "onset", &["/missing"]))?;
        #[allow(clippy::cast_precision_loss)]
        let all = counted.all as f64;
        instructions[index] = all;
        fs::remove_dir_all(folder).map_err(text)?;
    }
    Ok(json!({
        "unit": unit,
        "points": POINTS,
        "onset_us": growth(&onset),
        "dash_us": growth(&dash),
        "onset_instructions": growth(&instructions),
    }))
}

/// The slope of the last stretch for each unit, and what that is in relation to the stretch before. Nothing is said of the
/// relation where the stretch before is lost in what a start costs anyway.
fn growth(values: &[f64; POINTS.len()]) -> Value {
    #[allow(clippy::cast_precision_loss)]
    let slope = |from: usize, to: usize| (values[to] - values[from]) / (POINTS[to] - POINTS[from]) as f64;
    let (before, last) = (slope(1, 2), slope(2, 3));
    let can_be_seen = values[2] - values[1] > values[2] / 5.0;
    json!({
        "values": values.map(rounded),
        "slope": rounded(last),
        "last_to_before": if can_be_seen { rounded(last / before) } else { Value::Null },
        "superlinear": can_be_seen && last / before > SUPERLINEAR,
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
