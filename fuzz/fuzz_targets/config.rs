//! A configuration, from any text to a plan: no panic, no overflow of the stack, every problem at a place of the file,
//! and a secret that stands in the file in no message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onset::config::{self, Problems, Source};
use onset::plan::check;
use onset::plan::resolve::{Inputs, resolve};
use onset::plan::world::World;
use onset::plan::world::fake::FakeWorld;
use std::sync::Arc;

const SECRET: &str = "q7Zk-493817";

fuzz_target!(|text: &str| {
    read(text, None);
    // The same with a secret behind it, or around it.
    if !text.contains("493817") && !text.contains("q7Zk") {
        let toml = format!("{text}\n[env.Q7]\nsecret = true\ndefault = '{SECRET}'\n");
        read(&toml, Some(SECRET));
        let json = format!("{{\"env\": {{\"Q7\": {{\"secret\": true, \"default\": \"{SECRET}\", \"x\": {text}}}}}}}");
        read(&json, Some(SECRET));
    }
});

fn read(text: &str, secret: Option<&str>) {
    let source = Source { name: "f".to_owned(), text: text.to_owned(), hidden: Vec::new() };
    let (config, source) = match config::parse(source) {
        Ok(read) => read,
        Err(problems) => return sound(&problems, text, secret),
    };
    let world: Arc<dyn World> = Arc::new(FakeWorld::of(&[("/f", "A=1\n${A} {{ env.A }}")]));
    let mut problems = Problems::default();
    check::statically(&config, &world, &mut problems);
    sound(&problems.explain(&source), text, secret);
    let mut problems = Problems::default();
    let (args, environ) = ([b"app".to_vec(), b"-x".to_vec()], [b"A=1".to_vec(), b"B=".to_vec(), b"C=\xff".to_vec()]);
    let inputs = Inputs { config: &config, args: &args, environ: &environ, world: &world };
    resolve(&inputs, &mut problems).look_ahead(&mut problems);
    sound(&problems.explain(&source), text, secret);
}

/// That there is something to say, and that all of it points into the file.
fn sound(problems: &[String], text: &str, secret: Option<&str>) {
    for problem in problems {
        let rest = problem.strip_prefix("f:").expect("a problem begins with the file's name");
        if let Some(secret) = secret {
            assert!(!problem.contains(secret), "{problem}");
        }
        let mut parts = rest.splitn(3, ':');
        let (Some(Ok(line)), Some(Ok(column))) = (parts.next().map(str::parse), parts.next().map(str::parse)) else {
            assert!(rest.starts_with(' ') && rest.len() > 1, "{problem}");
            continue;
        };
        let (line, column): (usize, usize) = (line, column);
        assert!(parts.next().is_some_and(|message| message.len() > 1), "{problem}");
        let told = text.split('\n').nth(line - 1).unwrap_or_else(|| panic!("no such line: {problem}"));
        assert!((1..=told.chars().count() + 1).contains(&column), "no such column: {problem}");
    }
}
