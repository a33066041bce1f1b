//! What becomes of signals: how long they take, which arrive at all, and how many of those that are queued.

use crate::inits::Init;
use crate::launch::Container;
use crate::start::micros;
use crate::stats::{Samples, rounded};
use crate::{Bench, Figures, text};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// Later than this it is lost; of those measured here the slowest took some milliseconds.
const LIMIT: Duration = Duration::from_millis(100);

/// At a time, before it is the next one's turn.
const BLOCK: usize = 20;

/// So many lost without one that arrived, and it is not asked any more.
const HOPELESS: usize = 5;

const QUEUED: usize = 100;

/// A real-time signal that both libcs leave to applications.
const REAL_TIME: i32 = 40;

#[derive(Default)]
struct Found {
    latency: Samples,
    sent: usize,
    lost: usize,
}

pub fn measure(bench: &Bench) -> Result<Value, String> {
    let mut found: Vec<Found> = bench.inits.iter().map(|_| Found::default()).collect();
    on_one_processor(|| latencies(bench, &mut found))?;

    let mut figures = Figures::new();
    for (init, found) in bench.inits.iter().zip(found) {
        let mut figure = json!({
            "p50_us": rounded(found.latency.quantile(0.5)),
            "p99_us": rounded(found.latency.quantile(0.99)),
            "latency_us": found.latency.json(),
            "sent": found.sent,
            "lost": found.lost,
        });
        if !init.again {
            let (offered, lost) = kinds(bench, init)?;
            figure["kinds"] = json!(offered);
            figure["kinds_lost"] = json!(lost);
            figure["queued"] = json!(QUEUED);
            figure["queued_lost"] = json!(QUEUED - queued(bench, init)?);
        }
        figures.insert(init.name.to_owned(), figure);
    }
    Ok(figures.into())
}

/// From kill(2) to the application's return from sigtimedwait(2).
fn latencies(bench: &Bench, found: &mut [Found]) -> Result<(), String> {
    let mut containers = Vec::new();
    for init in &bench.inits {
        containers.push(listening(bench, init)?);
    }
    for container in &containers {
        container.settle().map_err(text)?;
    }
    for _ in 0..bench.times(10, 100) {
        for (container, found) in containers.iter_mut().zip(&mut *found) {
            for _ in 0..BLOCK {
                if found.lost == found.sent && found.lost >= HOPELESS {
                    break;
                }
                found.sent += 1;
                let sent = bare::now();
                container.signal(libc::SIGUSR1);
                match container.hear(LIMIT).map_err(text)? {
                    Some([heard, _]) => found.latency.add(micros(heard - sent)),
                    None => found.lost += 1,
                }
            }
        }
    }
    Ok(())
}

/// Every signal that can be caught, each to a container of its own, as some of them may end it: how many kinds there are,
/// and which did not arrive. Not SIGCHLD, which is PID 1's own.
fn kinds(bench: &Bench, init: &Init) -> Result<(usize, BTreeSet<i32>), String> {
    let kinds = (1..=64).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP, libc::SIGCHLD].contains(signal));
    let (mut offered, mut lost) = (0, BTreeSet::new());
    for signal in kinds {
        offered += 1;
        let mut container = listening(bench, init)?;
        container.signal(signal);
        let heard = container.hear(LIMIT).map_err(text)?;
        if heard.is_none_or(|[_, heard]| heard != u64::from(signal.unsigned_abs())) {
            lost.insert(signal);
        }
    }
    Ok((offered, lost))
}

/// How many of those arrive that are sent one after the other without waiting.
fn queued(bench: &Bench, init: &Init) -> Result<usize, String> {
    let mut container = listening(bench, init)?;
    (0..QUEUED).for_each(|_| container.queue(REAL_TIME));
    let mut heard = 0;
    while container.hear::<2>(LIMIT).map_err(text)?.is_some() {
        heard += 1;
    }
    Ok(heard)
}

fn listening(bench: &Bench, init: &Init) -> Result<Container, String> {
    let mut container = init.command(&[&bench.programs.app, "signals"]).start().map_err(text)?;
    container.application_started().map_err(|error| format!("{}: {error}", init.name))?;
    Ok(container)
}

/// Between several, the time it takes to wake another one hides everything else.
fn on_one_processor(measure: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let us = Pid::from_raw(0);
    let all = sched_getaffinity(us).map_err(text)?;
    let last = (0..CpuSet::count()).rev().find(|&cpu| all.is_set(cpu).unwrap_or(false)).unwrap_or(0);
    let mut one = CpuSet::new();
    one.set(last).map_err(text)?;
    sched_setaffinity(us, &one).map_err(text)?;
    let done = measure();
    sched_setaffinity(us, &all).map_err(text)?;
    done
}
