//! What must hold of the environment, as tables of configuration, environment and files.

use super::*;
use crate::config::{Source, parse};
use crate::plan::world::fake::FakeWorld;
use crate::template::jinja::NoFacts;
use std::sync::Arc;

/// Resolves; the entries as text, or the first line of every problem without its place.
fn resolved(config: &str, environ: &[&str], files: &[(&str, &str)]) -> Result<Vec<String>, Vec<String>> {
    let environ: Vec<Vec<u8>> = environ.iter().map(|entry| entry.as_bytes().to_vec()).collect();
    let entries = resolved_bytes(config, &environ, files)?.entries;
    Ok(entries.into_iter().map(|entry| String::from_utf8_lossy(&entry).into_owned()).collect())
}

fn resolved_bytes(config: &str, environ: &[Vec<u8>], files: &[(&str, &str)]) -> Result<Environment, Vec<String>> {
    let text = format!("version = 1\n{config}");
    let (config, source) = parse(Source { name: "f".into(), text, hidden: vec![] }).expect("a configuration");
    let world: Arc<dyn World> = Arc::new(FakeWorld::of(files));
    let judge = Judge::new(&world, &[], Arc::new(NoFacts));
    let mut problems = Problems::default();
    let env = resolve(config, environ, &judge, &*world, &mut problems);
    if problems.is_empty() {
        return Ok(env);
    }
    let told = problems.explain(&source).into_iter().map(|problem| {
        let line = problem.lines().next().unwrap_or_default().to_owned();
        line.split_once(": ").map_or(line.clone(), |(_, message)| message.to_owned())
    });
    Err(told.collect())
}

#[test]
fn what_is_not_described_passes_byte_for_byte() {
    let environ: Vec<Vec<u8>> = [&b"A=1"[..], b"no sign", b"=x", b"", b"B=\xff\xfe\n", b"\xff=1", b"A=2", b"a.b-c==d"]
        .iter()
        .map(|entry| entry.to_vec())
        .collect();
    assert_eq!(resolved_bytes("", &environ, &[]).unwrap().entries, environ);
}

#[test]
fn empty_counts_as_unset_unless_it_may_be_empty() {
    let config = "[env.A]\ndefault = \"x\"\n[env.B]\ndefault = \"x\"\nallow_empty = true";
    assert_eq!(resolved(config, &["A=", "B="], &[]).unwrap(), ["A=x", "B="]);
    assert_eq!(resolved(config, &[], &[]).unwrap(), ["A=x", "B=x"]);
    assert_eq!(resolved("[env.A]\nrequired = true\nallow_empty = true", &["A="], &[]).unwrap(), ["A="]);
    assert_eq!(resolved("[env.A]\nrequired = true", &["A="], &[]).unwrap_err(), ["`A` is required and not set"]);
}

#[test]
fn one_precedence() {
    let config = r#"
        [env.V]
        default = "default"
        file = true
        aliases = ["OLD"]
        [environment]
        files = [{ path = "/env" }]
    "#;
    let files = [("/secret", "file\n\n"), ("/env", "V=envfile\n"), ("/none", "")];
    let value = |environ: &[&str], env_file: bool| {
        let config = if env_file { config.to_owned() } else { config.replace("/env", "/none") };
        let entries = resolved(&config, environ, &files).unwrap();
        entries.into_iter().find_map(|entry| entry.strip_prefix("V=").map(str::to_owned)).unwrap()
    };
    assert_eq!(value(&["V=own", "OLD=old"], true), "own");
    assert_eq!(value(&["V_FILE=/secret", "OLD=old"], true), "file");
    assert_eq!(value(&["OLD=old"], true), "old");
    assert_eq!(value(&[], true), "envfile");
    assert_eq!(value(&[], false), "default");
    assert_eq!(resolved("[env.V]\nvalue = \"fixed\"", &["V=own"], &[]).unwrap(), ["V=fixed"]);
}

#[test]
fn a_secret_file_loses_its_newlines_and_its_pointer() {
    let config = "[env.P]\nfile = true\n[env.Q]\nfile = [\"FILE__{}\"]\ntrim = \"none\"";
    let files = [("/p", "hunter2\r\n\n"), ("/q", " x\n")];
    let environ = ["P_FILE=/p", "FILE__Q=/q", "X=1"];
    assert_eq!(resolved(config, &environ, &files).unwrap(), ["X=1", "P=hunter2", "Q= x\n"]);
}

#[test]
fn an_empty_file_is_no_value_and_nothing_takes_its_place() {
    let config = "[env.P]\nfile = true\ndefault = \"x\"\naliases = [\"OLD\"]";
    let files = [("/p", "\n")];
    assert_eq!(resolved(config, &["P_FILE=/p", "OLD=o"], &files).unwrap(), ["OLD=o"]);
    let config = config.replace("default = \"x\"", "allow_empty = true");
    assert_eq!(resolved(&config, &["P_FILE=/p", "OLD=o"], &files).unwrap(), ["OLD=o", "P="]);
    let told = resolved(&config.replace("allow_empty", "required"), &["P_FILE=/p"], &files).unwrap_err();
    assert_eq!(told, ["`P` is required, and /p, which P_FILE names, is empty"]);
}

#[test]
fn what_is_wrong_with_secret_files_is_told_without_the_secret() {
    let config = "[env.P]\nfile = true\n[env.Q]\nfile = true\nmax_size = 3\n[env.R]\nfile = true\nrequired = true";
    let files = [("/q", "hunter2")];
    let told = resolved(config, &["P=hunter2", "P_FILE=/p", "Q_FILE=/q", "R_FILE=/gone"], &files).unwrap_err();
    assert_eq!(
        told,
        [
            "`P` and `P_FILE` are both set: accepted is one of them",
            "cannot read `Q` from /q, which Q_FILE names: file too large (EFBIG)",
            "cannot read `R` from /gone, which R_FILE names: no such file or directory (ENOENT)",
        ]
    );
}

#[test]
fn secret_files_come_by_prefix_too() {
    let config = "[environment]\nsecret_files = [\"APP_\"]";
    let environ = ["APP_A_FILE=/a", "APP_B=b", "APP_B_FILE=", "OTHER_FILE=/x"];
    let entries = resolved(config, &environ, &[("/a", "1\n")]).unwrap();
    assert_eq!(entries, ["APP_B=b", "APP_B_FILE=", "OTHER_FILE=/x", "APP_A=1"]);
}

#[test]
fn secret_files_come_by_any_pattern() {
    let config = "[environment]\nsecret_files = [\"{GF_*}__FILE\", \"FILE__{*}\", \"{}_SECRET\"]";
    let environ = ["GF_A__FILE=/a", "FILE__B=/a", "GF_C_FILE=/a", "X__FILE=/a", "FILE__=/a", "_SECRET=/a"];
    let entries = resolved(config, &environ, &[("/a", "1\n")]).unwrap();
    assert_eq!(entries, ["GF_C_FILE=/a", "X__FILE=/a", "FILE__=/a", "_SECRET=/a", "B=1", "GF_A=1"]);
}

#[test]
fn variables_use_each_other_in_any_order_and_in_no_circle() {
    let config = "[env.A]\nvalue = \"${B}!\"\n[env.B]\nexpr = \"env.C | upper\"\n[env.C]\ndefault = \"${D:-d}\"";
    assert_eq!(resolved(config, &[], &[]).unwrap(), ["A=D!", "B=D", "C=d"]);
    let circle = "[env.A]\nvalue = \"${B}\"\n[env.B]\ndefault = \"${C}\"\n[env.C]\nexpr = \"env.A\"";
    let told = resolved(circle, &[], &[]).unwrap_err();
    assert_eq!(told, ["the variables depend on each other in a circle: A -> B -> C -> A"]);
    let required = circle.replace("]\n", "]\nrequired = true\ntype = \"int\"\n");
    assert_eq!(resolved(&required, &[], &[]).unwrap_err(), told, "nothing of it is told twice");
}

#[test]
fn a_chain_of_variables_may_be_as_long_as_the_configuration() {
    let link = |number: usize, next: usize| format!("[env.V{number}]\nvalue = \"${{V{next}}}\"\n");
    let chain: String = (0..20_000).map(|number| link(number, number + 1)).collect();
    let entries = resolved(&format!("{chain}[env.V20000]\nvalue = \"end\"\n"), &[], &[]).unwrap();
    assert_eq!(entries.len(), 20_001);
    assert!(entries.iter().all(|entry| entry.ends_with("=end")));
    let circle: String = (0..20_000).map(|number| link(number, (number + 1) % 20_000)).collect();
    assert!(resolved(&circle, &[], &[]).unwrap_err()[0].contains("in a circle: V0 -> V1 -> V2 -> "));
}

#[test]
fn a_variable_that_names_itself_means_the_one_from_outside() {
    assert_eq!(resolved("[env.P]\nvalue = \"/x:${P}\"", &["P=/y"], &[]).unwrap(), ["P=/x:/y"]);
    let ends = "[env.O]\nprepend = \"-a\"\nappend = \"-b\"";
    assert_eq!(resolved(ends, &["O=mid"], &[]).unwrap(), ["O=-a mid -b"]);
    assert_eq!(resolved(ends, &[], &[]).unwrap(), ["O=-a -b"]);
}

#[test]
fn what_depends_on_a_missing_variable_is_no_second_problem() {
    let config = "[env.A]\nrequired = \"ask the operator\"\n[env.B]\nvalue = \"x${A}\"\n[env.C]\nvalue = \"${NOPE}\"";
    assert_eq!(
        resolved(config, &[], &[]).unwrap_err(),
        ["`A` is required and not set: ask the operator", "`NOPE` is not set"]
    );
}

#[test]
fn what_is_made_of_a_wrong_variable_is_no_second_problem() {
    let config = r#"
        [env.A]
        type = "int"
        [env.OWN]
        default = "${A}"
        type = "int"
        [env.BEHIND]
        value = "1"
        append = "${OWN}"
        separator = ""
        type = "int"
        [env.COMPUTED]
        expr = "env.BEHIND | int"
        [env.ALIASED]
        aliases = ["A"]
        type = "int"
        [env.WHEN]
        when = "env.A | int"
        value = "x"
    "#;
    let wrong = |name: &str| format!("`{name}` is not a whole number (it comes from: container)");
    assert_eq!(resolved(config, &["A=x"], &[]).unwrap_err(), [wrong("A")]);
    // A value of its own has nothing to do with it.
    assert_eq!(resolved(config, &["A=x", "OWN=y"], &[]).unwrap_err(), [wrong("A"), wrong("OWN")]);
    assert_eq!(resolved(config, &["A=x", "OWN=1"], &[]).unwrap_err(), [wrong("A")]);
    assert!(resolved(config, &["A=1"], &[]).is_ok());
}

#[test]
fn groups_hold_between_variables() {
    let config = r#"
        [environment]
        exactly_one_of = [["A", "B"]]
        at_least_one_of = [["C", "D"]]
        at_most_one_of = [["A", "E"]]
        forbidden = { OLD = "use A" }
    "#;
    assert!(resolved(config, &["A=1", "C=1", "D=1"], &[]).is_ok());
    assert_eq!(
        resolved(config, &["A=1", "B=1", "E=1", "OLD=1"], &[]).unwrap_err(),
        [
            "exactly one of A, B must be set; set: A, B",
            "at least one of C, D must be set; none is",
            "at most one of A, E must be set; set: A, E",
            "`OLD` must not be set: use A",
        ]
    );
}

#[test]
fn what_reaches_the_application() {
    let config = r#"
        [env.KEEP]
        [env.INSIDE]
        internal = true
        value = "x"
        [env.USES]
        value = "${INSIDE}${GONE}"
        [environment]
        inherit = false
        keep = ["LC_*"]
        unset = ["GONE"]
    "#;
    let environ = ["KEEP=1", "LC_ALL=C", "LD_PRELOAD=x", "GONE=y", "not a variable"];
    assert_eq!(resolved(config, &environ, &[]).unwrap(), ["KEEP=1", "LC_ALL=C", "USES=xy"]);
}

#[test]
fn env_files_and_directories() {
    let config = r#"
        [environment]
        files = [
            { path = "${DIR}/a.env" },
            { path = "/secrets", format = "directory" },
            { path = "/nope", optional = true },
        ]
    "#;
    let files = [("/d/a.env", "A=a\nB='b c'\n"), ("/secrets/B", "from dir\n"), ("/secrets/..data/x", "no")];
    let entries = resolved(config, &["DIR=/d", "A=own"], &files).unwrap();
    assert_eq!(entries, ["DIR=/d", "A=own", "B=from dir"]);
    let told = resolved(&config.replace(", optional = true", ""), &["DIR=/e"], &files).unwrap_err();
    assert_eq!(
        told,
        [
            "cannot read variables from /e/a.env: no such file or directory (ENOENT)",
            "cannot read variables from /nope: no such file or directory (ENOENT)",
        ]
    );
}

#[test]
fn a_condition_leaves_the_variable_alone() {
    let config = "[env.A]\nwhen = \"env.ON\"\nvalue = \"set\"";
    assert_eq!(resolved(config, &["A=own"], &[]).unwrap(), ["A=own"]);
    assert_eq!(resolved(config, &["A=own", "ON=1"], &[]).unwrap(), ["A=set", "ON=1"]);
}

#[test]
fn what_a_secret_goes_into_is_secret() {
    let config =
        "[env.A]\nsecret = true\n[env.B]\nvalue = \"x${A}\"\n[env.C]\nexpr = \"env.B\"\n[env.D]\nvalue = \"d\"";
    let env = resolved_bytes(config, &[b"A=hunter2".to_vec()], &[]).unwrap();
    let secret: Vec<&str> =
        env.variables().iter().filter(|(_, found)| found.secret).map(|(name, _)| name.as_str()).collect();
    assert_eq!(secret, ["A", "B", "C"]);
    assert!(!format!("{:?}", env.variables()).contains("hunter2"));
}

#[test]
fn a_value_that_is_not_what_it_must_be_is_told_without_it() {
    let told = resolved("[env.P]\ntype = \"port\"\nsecret = true", &["P=hunter2"], &[]).unwrap_err();
    assert_eq!(told, ["`P` is not a port, 1 to 65535 (it comes from: container)"]);
}

#[test]
fn a_described_variable_replaces_every_entry_of_its_name() {
    let config = "[env.A]\nvalue = \"new\"";
    assert_eq!(resolved(config, &["A=1", "B=2", "A=3"], &[]).unwrap(), ["A=new", "B=2"]);
}
