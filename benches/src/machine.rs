//! Where and with what it was measured.

use crate::Bench;
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

pub fn describe(bench: &Bench, quick: bool) -> Value {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpuinfo.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value.trim()).to_owned()
    };
    let first_line = |program: &str, words: &[&str]| {
        let output = Command::new(program).args(words).output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        text.lines().next().unwrap_or_default().to_owned()
    };
    let package = |name: &str| first_line("dpkg-query", &["--show", "--showformat", "${Version}", name]);
    json!({
        "date": first_line("date", &["--utc", "+%Y-%m-%d"]),
        "quick": quick,
        "processors": cpuinfo.lines().filter(|line| line.starts_with("processor")).count(),
        "processor": field("model name"),
        "virtual": field("flags").contains("hypervisor"),
        "kernel": fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
        "load": fs::read_to_string("/proc/loadavg").unwrap_or_default().trim(),
        "onset": first_line(&bench.programs.onset.display().to_string(), &["--version"]),
        "versions": {
            "tini": package("tini"), "dumb-init": package("dumb-init"), "catatonit": package("catatonit"),
            "pid1-exe": "0.1.6", "dash": package("dash"), "bash": package("bash"), "gettext": package("gettext-base"),
            "python": package("python3"),
        },
    })
}
