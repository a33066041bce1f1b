//! How long it takes until the application runs, and what that costs.

use crate::counters;
use crate::inits::{Init, NONE};
use crate::stats::Samples;
use crate::{Bench, Figures, text};
use serde_json::{Value, json};

#[derive(Default)]
struct Found {
    /// From execve to the application's main, in microseconds.
    main: Samples,
    /// From execve to the end of PID 1, in microseconds.
    run: Samples,
    /// User and system time of all processes, in microseconds.
    cpu: Samples,
    faults: Samples,
    /// The same as `main` and `run`, less what they are without init in the same round.
    main_added: Samples,
    run_added: Samples,
    cpu_added: Samples,
    faults_added: Samples,
}

pub fn measure(bench: &Bench) -> Result<Value, String> {
    let mut found: Vec<Found> = bench.inits.iter().map(|_| Found::default()).collect();
    for round in 0..=bench.times(20, 500) {
        let figures = bench.inits.iter().map(|init| once(bench, init)).collect::<Result<Vec<_>, _>>()?;
        if round == 0 {
            // The first of each reads its file.
            continue;
        }
        let none = bench.inits.iter().position(|init| init.name == NONE).map_or([0.0; 4], |index| figures[index]);
        for (found, [main, run, cpu, faults]) in found.iter_mut().zip(figures) {
            found.main.add(main);
            found.run.add(run);
            found.cpu.add(cpu);
            found.faults.add(faults);
            found.main_added.add(main - none[0]);
            found.run_added.add(run - none[1]);
            found.cpu_added.add(cpu - none[2]);
            found.faults_added.add(faults - none[3]);
        }
    }
    let figures = bench.inits.iter().zip(found).map(|(init, found)| {
        let figure = json!({
            "main_us": found.main.json(), "main_added_us": found.main_added.json(),
            "run_us": found.run.json(), "run_added_us": found.run_added.json(),
            "cpu_us": found.cpu.json(), "cpu_added_us": found.cpu_added.json(),
            "faults": found.faults.json(), "faults_added": found.faults_added.json(),
        });
        (init.name.to_owned(), figure)
    });
    Ok(Value::Object(figures.collect()))
}

/// What needs no repetition: system calls and instructions.
pub fn count(bench: &Bench) -> Result<Value, String> {
    let mut figures = Figures::new();
    for init in &bench.inits {
        let command = init.command(&[&bench.programs.app, "main"]);
        let calls = counters::system_calls(bench, &command)?;
        let stepped = counters::instructions_before_application(&command, &bench.programs.app)?;
        let whole = counters::instructions(bench, &command)?;
        let figure = json!({
            "calls_before_application": calls.before_application,
            "calls_of_pid_1": calls.of_pid_1,
            "instructions_before_application": stepped,
            "instructions_of_pid_1": if init.name == NONE { Value::Null } else { json!(whole.of_pid_1) },
        });
        figures.insert(init.name.to_owned(), figure);
    }
    Ok(figures.into())
}

/// To main, the whole run, processor time, page faults.
fn once(bench: &Bench, init: &Init) -> Result<[f64; 4], String> {
    let (mut container, end) = init.command(&[&bench.programs.app, "main"]).run().map_err(text)?;
    let reached = container.application_started().map_err(|error| format!("{}: {error}", init.name))?;
    if end.status != 0 {
        return Err(format!("{}: status {}: {}", init.name, end.status, container.stderr()));
    }
    let since = |at: u64| micros(at - container.executed);
    #[allow(clippy::cast_precision_loss)]
    let faults = end.faults as f64;
    Ok([since(reached), since(end.at), end.cpu.as_secs_f64() * 1e6, faults])
}

#[allow(clippy::cast_precision_loss)]
pub fn micros(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1000.0
}
