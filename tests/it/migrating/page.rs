//! docs/migrating.md, taken apart: chapters, sections, and in them pairs of what there is today and what takes its place.

use std::fs;

/// What somebody has today, what takes its place, and how the two are compared.
pub struct Pair {
    pub chapter: String,
    pub section: String,
    pub before: Block,
    pub after: Vec<Block>,
    /// The lines of the comment behind the blocks.
    pub comparison: Vec<String>,
}

/// A fenced block.
#[derive(Clone)]
pub struct Block {
    pub language: String,
    pub text: String,
}

/// Every pair of the page, in its order.
pub fn pairs() -> Vec<Pair> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/migrating.md");
    let text = fs::read_to_string(path).expect("the page");
    let mut pairs = Vec::new();
    for chapter in text.split("\n## ").skip(1) {
        for section in chapter.split("\n### ").skip(1) {
            pairs.extend(pairs_of(title(chapter), section));
        }
        let preface = chapter.split("\n### ").next().unwrap_or_default();
        assert!(!preface.contains("```"), "{}: every block is in a section, so that it is run", title(chapter));
    }
    pairs
}

fn pairs_of(chapter: &str, section: &str) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let mut blocks: Vec<Block> = Vec::new();
    let mut lines = section.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text = lines.by_ref().take_while(|line| *line != "```").map(|line| line.to_owned() + "\n").collect();
            blocks.push(Block { language: language.to_owned(), text });
        } else if line == "<!-- compare" {
            let comparison = lines.by_ref().take_while(|line| *line != "-->").map(str::to_owned).collect();
            let mut blocks = blocks.drain(..);
            pairs.push(Pair {
                chapter: chapter.to_owned(),
                section: title(section).to_owned(),
                before: blocks.next().expect("a block before the comparison"),
                after: blocks.collect(),
                comparison,
            });
        }
    }
    assert!(blocks.is_empty(), "{}: nothing says how its blocks are compared", title(section));
    pairs
}

fn title(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
