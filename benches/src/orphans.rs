//! 20,000 orphans at one stroke: how long until none is left, and what that costs.

use crate::inits::NONE;
use crate::start::micros;
use crate::stats::Samples;
use crate::{Bench, text};
use serde_json::{Value, json};
use std::time::Duration;

const COUNT: usize = 20_000;

/// For making them and watching them go; the application itself gives up on those that stay.
const LIMIT: Duration = Duration::from_mins(1);

#[derive(Default)]
struct Found {
    gone: Samples,
    cpu: Samples,
    left: u64,
}

pub fn measure(bench: &Bench) -> Result<Value, String> {
    let mut found: Vec<Found> = bench.inits.iter().map(|_| Found::default()).collect();
    for round in 0..bench.times(1, 7) {
        for (init, found) in bench.inits.iter().zip(&mut found) {
            if round > 0 && found.left > 0 {
                continue;
            }
            let command = init.command(&[&bench.programs.app, "orphans", &COUNT.to_string()]);
            let mut container = command.start().map_err(text)?;
            container.application_started().map_err(text)?;
            let before = container.cpu().map_err(text)?;
            let Some([took, left]) = container.hear(LIMIT).map_err(text)? else {
                return Err(format!("{}: the orphans could not be made", init.name));
            };
            found.left = found.left.max(left);
            if left == 0 {
                found.gone.add(micros(took) / 1000.0);
                found.cpu.add(micros(container.cpu().map_err(text)? - before) / 1000.0);
            }
        }
    }
    let figures = bench.inits.iter().zip(found).map(|(init, found)| {
        let figure = if init.name == NONE || found.left > 0 {
            json!({ "left": found.left })
        } else {
            json!({ "left": 0, "gone_ms": found.gone.json(), "cpu_ms": found.cpu.json() })
        };
        (init.name.to_owned(), figure)
    });
    Ok(Value::Object(figures.collect()))
}
