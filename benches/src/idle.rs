//! What PID 1 does while nothing happens.

use crate::counters::is_call;
use crate::launch::Container;
use crate::{Bench, Figures, text};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub fn measure(bench: &Bench) -> Result<Value, String> {
    let seconds: u64 = if bench.quick { 3 } else { 10 };
    let inits: Vec<_> = bench.inits.iter().filter(|init| !init.again).collect();
    let start = |init: &&crate::inits::Init| {
        let mut container = init.command(&[&bench.programs.app, "sleep"]).start()?;
        container.application_started()?;
        container.settle()?;
        Ok(container)
    };
    let containers = inits.iter().map(start).collect::<Result<Vec<Container>, std::io::Error>>().map_err(text)?;

    // First without a tracer, which would itself wake them; all at once, as they have nothing to do with each other.
    let before = containers.iter().map(state).collect::<Result<Vec<_>, _>>()?;
    std::thread::sleep(Duration::from_secs(seconds));
    let after = containers.iter().map(state).collect::<Result<Vec<_>, _>>()?;

    let mut traces = Vec::new();
    for container in &containers {
        traces.push(trace(bench, container)?);
    }
    std::thread::sleep(Duration::from_secs(seconds));
    let mut calls = Vec::new();
    for (tracer, path) in traces {
        calls.push(finish(tracer, &path)?);
    }

    let mut figures = Figures::new();
    figures.insert("seconds".to_owned(), json!(seconds));
    for (index, init) in inits.iter().enumerate() {
        let (woken, cpu) = (after[index].0 - before[index].0, after[index].1 - before[index].1);
        let figure = json!({ "wake_ups": woken, "cpu_us": cpu / 1000, "calls": calls[index] });
        figures.insert(init.name.to_owned(), figure);
    }
    Ok(figures.into())
}

/// How often it was switched away from, and its processor time in nanoseconds.
fn state(container: &Container) -> Result<(u64, u64), String> {
    let switches = container.proc_number("status", "voluntary_ctxt_switches").map_err(text)?;
    Ok((switches, container.cpu().map_err(text)?))
}

fn trace(bench: &Bench, container: &Container) -> Result<(Child, std::path::PathBuf), String> {
    let path = bench.folder.join(format!("idle.{}", container.pid));
    let mut tracer = Command::new("strace")
        .arg("-o")
        .arg(&path)
        .args(["-p", &container.pid.to_string()])
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("strace: {error}"))?;
    // It says when it has attached.
    if let Some(stderr) = tracer.stderr.as_mut() {
        BufReader::new(stderr).read_line(&mut String::new()).map_err(text)?;
    }
    Ok((tracer, path))
}

/// Calls that came back: the one it slept in when the tracer came is not its doing.
fn finish(mut tracer: Child, path: &std::path::Path) -> Result<usize, String> {
    let pid = nix::unistd::Pid::from_raw(i32::try_from(tracer.id()).map_err(text)?);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).map_err(text)?;
    tracer.wait().map_err(text)?;
    let trace = std::fs::read_to_string(path).map_err(text)?;
    Ok(trace.lines().filter(|line| is_call(line) && line.contains(" = ")).count())
}
