//! The figures as Markdown. Everything in the tables is in the figures, and a part that was not measured is left out.

use crate::inits::REFERENCE;
use crate::{Figures, job, text};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// The lines between which [`put_between_marks`] writes.
const MARKS: [&str; 2] = ["<!-- measured: benches/compare -->", "<!-- /measured -->"];

const SHOWN: [&str; 6] = ["onset", REFERENCE, "dumb-init", "catatonit", "pid1-exe", "floor"];

/// What is known about one place in the figures, or `-`.
type Cell<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A column: its head, and what it shows of an init's figures.
type Column<'a> = (&'a str, &'a dyn Fn(&Value) -> Option<String>);

/// Rewrites a file's part that is between the marks.
pub fn put_between_marks(path: &Path, tables: &str) -> Result<(), String> {
    let old = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let parts = old.split_once(MARKS[0]).and_then(|(before, rest)| Some((before, rest.split_once(MARKS[1])?.1)));
    let (before, after) = parts.ok_or_else(|| format!("{} lacks {}", path.display(), MARKS.join(" ... ")))?;
    fs::write(path, format!("{before}{}\n\n{}\n\n{}{after}", MARKS[0], tables.trim(), MARKS[1])).map_err(text)
}

/// What README quotes: the inits beside each other, and the job.
pub fn summary(figures: &Figures) -> String {
    inits_table(figures) + &job_table(figures, false).unwrap_or_default()
}

fn inits_table(figures: &Figures) -> String {
    let mut page = where_and_when(figures);
    let at = |part: &str, name: &str, field: &str| number(figures, &[part, name, field]);
    let rows: [(&str, Cell<'_>); 11] = [
        ("to ship, bytes", &|name| Some(shown(at("size", name, "shipped")?))),
        ("time added to the start of the application, µs", &|name| {
            Some(with_ratio(at("start", name, "main_added_us")?, at("start", REFERENCE, "main_added_us")?))
        }),
        ("processor time added to a whole run, µs", &|name| Some(shown(at("start", name, "cpu_added_us")?))),
        ("system calls before the application", &|name| Some(shown(at("counters", name, "calls_before_application")?))),
        ("private dirty memory of PID 1, KiB", &|name| Some(shown(at("memory", name, "Private_Dirty_kib")?))),
        ("resident memory of PID 1, KiB", &|name| Some(shown(at("memory", name, "Rss_kib")?))),
        ("system calls while idle, per second", &|name| {
            Some(shown(at("idle", name, "calls")? / number(figures, &["idle", "seconds"])?))
        }),
        ("signal to the application, median, µs", &|name| {
            Some(with_ratio(at("signals", name, "p50_us")?, at("signals", REFERENCE, "p50_us")?))
        }),
        ("kinds of signals that do not arrive, of 61", &|name| Some(kinds_lost(figures, name)?.len().to_string())),
        ("20,000 orphans, ms until none is left", &|name| Some(shown(at("orphans", name, "gone_ms")?))),
        ("processor time for each of them, µs", &|name| Some(shown(at("orphans", name, "cpu_ms")? / 20.0))),
    ];
    let here: Vec<&str> = SHOWN.into_iter().filter(|name| rows.iter().any(|(_, cell)| cell(name).is_some())).collect();
    if here.is_empty() {
        return page;
    }
    let rows = rows.iter().filter(|(_, cell)| here.iter().any(|name| cell(name).is_some()));
    let rows: Vec<_> = rows.map(|(title, cell)| (*title, here.iter().map(|name| cell(name)).collect())).collect();
    table(&mut page, &here, &rows);
    page
}

/// Everything.
pub fn all(figures: &Figures) -> String {
    let mut page = inits_table(figures);
    let mut part = |title: &str, name: &str, columns: &[Column<'_>]| {
        let Some(Value::Object(inits)) = figures.get(name) else { return };
        let heads: Vec<&str> = columns.iter().map(|(head, _)| *head).collect();
        let rows = inits.iter().filter(|(_, figure)| figure.is_object());
        let rows: Vec<_> = rows
            .map(|(init, figure)| (init.as_str(), columns.iter().map(|(_, cell)| cell(figure)).collect()))
            .collect();
        let _ = write!(page, "\n### {title}\n\n");
        table(&mut page, &heads, &rows);
    };
    let field = |name: &'static str| move |figure: &Value| Some(shown(value(&figure[name])?));
    let half = |name: &'static str| move |figure: &Value| spread(&figure[name]);
    part(
        "Size, bytes",
        "size",
        &[("file", &field("file")), ("with libraries", &field("shipped")), ("compressed", &field("compressed"))],
    );
    part(
        "Start, µs",
        "start",
        &[
            ("to main", &half("main_us")),
            ("added", &half("main_added_us")),
            ("whole run, added", &half("run_added_us")),
            ("processor time, added", &half("cpu_added_us")),
            ("page faults, added", &field("faults_added")),
        ],
    );
    part(
        "System calls and instructions of that start",
        "counters",
        &[
            ("calls before the application", &field("calls_before_application")),
            ("calls of PID 1, whole run", &field("calls_of_pid_1")),
            ("instructions before the application", &field("instructions_before_application")),
            ("instructions of PID 1, whole run", &field("instructions_of_pid_1")),
        ],
    );
    part(
        "PID 1 while the application sleeps, KiB",
        "memory",
        &[
            ("resident", &field("Rss_kib")),
            ("proportional", &field("Pss_kib")),
            ("private, dirty", &field("Private_Dirty_kib")),
            ("private, clean", &field("Private_Clean_kib")),
            ("page tables", &field("VmPTE_kib")),
            ("descriptors", &field("fds")),
            ("threads", &field("threads")),
        ],
    );
    let seconds = number(figures, &["idle", "seconds"]).unwrap_or_default();
    part(
        &format!("Idle for {seconds} s"),
        "idle",
        &[
            ("system calls", &field("calls")),
            ("wake-ups", &field("wake_ups")),
            ("processor time, µs", &field("cpu_us")),
        ],
    );
    part(
        "Signals",
        "signals",
        &[
            ("median, µs", &half("latency_us")),
            ("99 %, µs", &field("p99_us")),
            ("sent", &field("sent")),
            ("lost", &field("lost")),
            ("kinds lost, of 61", &|figure| Some(ranges(figure["kinds_lost"].as_array()?))),
            ("lost of 100 queued", &field("queued_lost")),
        ],
    );
    part(
        "20,000 orphans",
        "orphans",
        &[
            ("until none is left, ms", &half("gone_ms")),
            ("processor time of PID 1, ms", &half("cpu_ms")),
            ("left after 5 s", &field("left")),
        ],
    );
    if let Some(job) = job_table(figures, true) {
        page.push_str(&job.replacen("\nAn entrypoint's job: ", "\n### An entrypoint's job\n\n", 1));
    }
    if let Some(Value::Object(sweep)) = figures.get("sweep") {
        page.push_str(&sweep_table(sweep));
    }
    page
}

fn where_and_when(figures: &Figures) -> String {
    let machine = figures.get("machine").unwrap_or(&Value::Null);
    let word = |field: &str| machine[field].as_str().unwrap_or("?").to_owned();
    let version = |name: &str| {
        let full = machine["versions"][name].as_str().unwrap_or("?");
        full.split(['-', '+']).next().unwrap_or(full).to_owned()
    };
    let quick = if machine["quick"] == true { " Few repetitions: for a glance only." } else { "" };
    let kind = if machine["virtual"] == true { "virtual processors" } else { "processors" };
    format!(
        "{}, {} {kind} ({}), Linux {}; {}, tini {}, dumb-init {}, catatonit {}, pid1-exe {}.{quick}\n\n",
        word("date"),
        machine["processors"],
        word("processor"),
        word("kernel").split('-').next().unwrap_or_default(),
        word("onset"),
        version("tini"),
        version("dumb-init"),
        version("catatonit"),
        version("pid1-exe"),
    )
}

fn job_table(figures: &Figures, whole: bool) -> Option<String> {
    let Some(Value::Object(_)) = figures.get("job") else { return None };
    let at = |name: &str, field: &str| number(figures, &["job", name, field]);
    let mut heads =
        vec!["until the application's main, µs", "to dash, x", "programs started", "system calls", "page faults"];
    if whole {
        heads.extend([
            "middle half, µs",
            "processor time, µs",
            "instructions of PID 1",
            "instructions of the preparation",
        ]);
    }
    let row = |name: &'static str| {
        let main = at(name, "main_us");
        let reference = at(job::REFERENCE, "main_us");
        let mut cells = vec![
            main.map(shown),
            main.zip(reference).map(|(main, reference)| format!("{:.2}", main / reference)),
            at(name, "programs").map(shown),
            at(name, "calls").map(shown),
            at(name, "faults").map(shown),
        ];
        if whole {
            let figure = &figures["job"][name]["main_us"];
            let ends = value(&figure["p25"]).zip(value(&figure["p75"]));
            cells.push(ends.map(|(low, high)| format!("{} to {}", shown(low), shown(high))));
            cells.push(at(name, "cpu_us").map(shown));
            cells.push(at(name, "instructions_of_pid_1").map(shown));
            cells.push(at(name, "instructions_of_preparation").map(shown));
        }
        (name, cells)
    };
    let mut page = String::from(
        "\nAn entrypoint's job: 12 variables, 2 of them secrets in files, a folder, templates of 2, 5 and 20 KB, exec.\n\n",
    );
    table(&mut page, &heads, &job::ENTRYPOINTS.map(row));
    Some(page)
}

fn sweep_table(sweep: &Figures) -> String {
    let mut page = String::from("\n### Growth\n\n");
    let heads = ["1", "10", "100", "1000", "for each one more", "last slope to the one before, x"];
    let mut rows: Vec<(String, Vec<Option<String>>)> = Vec::new();
    for (name, figure) in sweep {
        let series = [
            ("onset_instructions", "instructions of onset"),
            ("onset_us", "onset, µs"),
            ("dash_us", "dash + envsubst, µs"),
        ];
        for (field, title) in series {
            let growth = &figure[field];
            let values = growth["values"].as_array().into_iter().flatten();
            let mut cells: Vec<_> = values.map(|number| value(number).map(shown)).collect();
            cells.push(value(&growth["slope"]).map(shown));
            let flag = if growth["superlinear"] == true { ", **more than in proportion**" } else { "" };
            cells.push(value(&growth["last_to_before"]).map(|ratio| format!("{ratio:.2}{flag}")));
            rows.push((format!("{name}: {title}"), cells));
        }
    }
    let rows: Vec<_> = rows.iter().map(|(title, cells)| (title.as_str(), cells.clone())).collect();
    table(&mut page, &heads, &rows);
    page
}

fn table(page: &mut String, heads: &[&str], rows: &[(&str, Vec<Option<String>>)]) {
    let _ = writeln!(page, "| | {} |", heads.join(" | "));
    let _ = writeln!(page, "|---|{}", "--:|".repeat(heads.len()));
    for (title, cells) in rows {
        let cells: Vec<_> = cells.iter().map(|cell| cell.as_deref().unwrap_or("-")).collect();
        let _ = writeln!(page, "| {title} | {} |", cells.join(" | "));
    }
}

fn number(figures: &Figures, path: &[&str]) -> Option<f64> {
    let (first, rest) = path.split_first()?;
    value(rest.iter().fold(figures.get(*first)?, |at, name| &at[*name]))
}

/// A number, or the median of several.
fn value(figure: &Value) -> Option<f64> {
    figure.as_f64().or_else(|| figure["median"].as_f64())
}

fn kinds_lost<'a>(figures: &'a Figures, name: &str) -> Option<&'a Vec<Value>> {
    figures.get("signals")?[name]["kinds_lost"].as_array()
}

/// `4-8, 11`.
fn ranges(numbers: &[Value]) -> String {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for number in numbers.iter().filter_map(Value::as_u64) {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let shown = |(first, last): &(u64, u64)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    if ranges.is_empty() { "none".to_owned() } else { ranges.iter().map(shown).collect::<Vec<_>>().join(", ") }
}

/// A median and the middle half.
fn spread(figure: &Value) -> Option<String> {
    let [low, high] = ["p25", "p75"].map(|end| figure[end].as_f64());
    Some(format!("{} ({} to {})", shown(value(figure)?), shown(low?), shown(high?)))
}

fn with_ratio(number: f64, reference: f64) -> String {
    format!("{} (x {:.2})", shown(number), number / reference)
}

/// Three digits that count, and whole numbers as they are, in groups of three.
fn shown(number: f64) -> String {
    let digits = match number.abs() {
        _ if number.fract() == 0.0 => 0,
        small if small < 10.0 => 2,
        middle if middle < 100.0 => 1,
        _ => 0,
    };
    let plain = format!("{number:.digits$}");
    let (sign, plain) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("-", rest));
    let (whole, fraction) = plain.split_once('.').map_or((plain, ""), |(whole, fraction)| (whole, fraction));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let fraction = if fraction.is_empty() { String::new() } else { format!(".{fraction}") };
    format!("{sign}{grouped}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_have_the_digits_that_count() {
        let cases =
            [(0.0, "0"), (3.661, "3.66"), (52.0, "52"), (307.47, "307"), (2_069_600.0, "2,069,600"), (-12.34, "-12.3")];
        cases.iter().for_each(|(number, text)| assert_eq!(shown(*number), *text));
    }

    #[test]
    fn neighbours_are_one_range() {
        assert_eq!(ranges(&[json!(4), json!(5), json!(6), json!(11)]), "4-6, 11");
        assert_eq!(ranges(&[]), "none");
    }
}
