//! The reference, docs/configuration.md, made from the docs of the model.

use super::decode::{Decode, FieldShape, Shape, TableShape};
use super::model::Config;
use std::fmt::Write;

const HEAD: &str = include_str!("reference.head.md");

/// The whole page.
fn reference() -> String {
    let mut page = HEAD.to_owned();
    let mut tables = Vec::new();
    collect(&Config::shape(), "", &mut tables);
    for (path, table) in tables {
        let title = if path.is_empty() { "The file".to_owned() } else { format!("`{path}`") };
        let _ = write!(page, "\n## {title}\n\n{}\n\n| key | value | |\n|---|---|---|\n", plain(table.docs));
        for FieldShape { key, docs, required, shape } in &table.fields {
            let required = if *required { "**Required.** " } else { "" };
            let docs = plain(docs).replace('|', "\\|");
            let _ = writeln!(page, "| `{key}` | {} | {required}{docs} |", name(shape));
        }
    }
    page
}

/// Every table with the path that leads to it, the outer ones first.
fn collect(shape: &Shape, path: &str, tables: &mut Vec<(String, TableShape)>) {
    match shape {
        Shape::Table(table) => {
            if tables.iter().any(|(_, known)| known.name == table.name) {
                return;
            }
            tables.push((path.to_owned(), table.clone()));
            for field in &table.fields {
                let path = if path.is_empty() { field.key.to_owned() } else { format!("{path}.{}", field.key) };
                collect(&field.shape, &path, tables);
            }
        }
        Shape::List(item) => collect(item, &format!("{path}[]"), tables),
        Shape::Map(item) => collect(item, &format!("{path}.NAME"), tables),
        Shape::Either(shapes) => shapes.iter().for_each(|shape| collect(shape, path, tables)),
        Shape::String { .. } | Shape::Bool | Shape::Integer { .. } | Shape::Choice(_) => {}
    }
}

fn name(shape: &Shape) -> String {
    match shape {
        Shape::String { kind, .. } => (*kind).to_owned(),
        Shape::Bool => "`true` or `false`".to_owned(),
        Shape::Integer { least, greatest } => match (*least, *greatest) {
            (i64::MIN, i64::MAX) => "number".to_owned(),
            (least, i64::MAX) => format!("number from {least}"),
            (least, greatest) if least == greatest => least.to_string(),
            (least, greatest) => format!("number from {least} to {greatest}"),
        },
        Shape::Choice(words) => {
            let each: Vec<String> = words
                .iter()
                .map(|(word, docs)| format!("`\"{word}\"`: {}", plain(docs).trim_end_matches('.')))
                .collect();
            each.join("; ")
        }
        Shape::List(item) => format!("list of {}", name(item)),
        Shape::Map(item) => format!("table: a name and {} each", name(item)),
        Shape::Either(shapes) => shapes.iter().map(name).collect::<Vec<_>>().join(", or "),
        Shape::Table(table) => format!("table {}", table.name),
    }
}

/// Docs of several lines as one.
pub fn plain(docs: &str) -> String {
    docs.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Compares a generated file with the one in the repository; `UPDATE=1` writes it.
pub fn in_step(path: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    #[allow(clippy::disallowed_methods)] // of a test run, not of the product
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).expect("the docs can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "{} is not what the model says: run `UPDATE=1 cargo test --lib in_step`", path.display());
}

#[test]
fn the_reference_is_in_step_with_the_model() {
    in_step("docs/configuration.md", &reference());
}
