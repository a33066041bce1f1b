//! What PID 1 holds while the application sleeps.

use crate::stats::Samples;
use crate::{Bench, Figures, text};
use serde_json::{Value, json};

const FIELDS: [(&str, &str); 5] = [
    ("smaps_rollup", "Rss"),
    ("smaps_rollup", "Pss"),
    ("smaps_rollup", "Private_Dirty"),
    ("smaps_rollup", "Private_Clean"),
    ("status", "VmPTE"),
];

pub fn measure(bench: &Bench) -> Result<Value, String> {
    let mut figures = Figures::new();
    for init in bench.inits.iter().filter(|init| !init.again) {
        let mut found = [const { None::<Samples> }; FIELDS.len()];
        let (mut fds, mut threads) = (0, 0);
        // One at a time: what two of the same file share would be counted by halves.
        for _ in 0..bench.times(1, 5) {
            let mut container = init.command(&[&bench.programs.app, "sleep"]).start().map_err(text)?;
            container.application_started().map_err(text)?;
            container.settle().map_err(text)?;
            for (found, (file, field)) in found.iter_mut().zip(FIELDS) {
                let number = container.proc_number(file, field).map_err(text)?;
                #[allow(clippy::cast_precision_loss)]
                found.get_or_insert_default().add(number as f64);
            }
            threads = container.proc_number("status", "Threads").map_err(text)?;
            fds = std::fs::read_dir(format!("/proc/{}/fd", container.pid)).map_err(text)?.count();
        }
        let mut figure = Figures::new();
        for (found, (_, field)) in found.iter().flatten().zip(FIELDS) {
            figure.insert(format!("{field}_kib"), found.json());
        }
        figure.insert("fds".to_owned(), json!(fds));
        figure.insert("threads".to_owned(), json!(threads));
        figures.insert(init.name.to_owned(), figure.into());
    }
    Ok(figures.into())
}
