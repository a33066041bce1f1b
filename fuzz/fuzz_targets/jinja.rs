//! Jinja on any text: no panic, no overflow of the stack, nothing beyond the limits, no value in a message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onset::config::named::Named;
use onset::template::jinja::{Access, Context, Engine, Files, NoFacts, Options};
use std::sync::Arc;

const LIMIT: usize = 1 << 16;
const SECRET: &str = "q7Zk-493817";

struct NoFiles;

impl Files for NoFiles {
    fn exists(&self, path: &str) -> Result<bool, String> {
        Ok(path.len() > 3)
    }
    fn is_dir(&self, path: &str) -> Result<bool, String> {
        Ok(path.len() > 4)
    }
    fn is_empty(&self, _: &str) -> Result<bool, String> {
        Err("permission denied".to_owned())
    }
    fn contains(&self, path: &str, text: &str) -> Result<bool, String> {
        Ok(path == text)
    }
    fn text(&self, path: &str) -> Result<String, String> {
        if path == "/there" { Ok("one\ntwo\n".to_owned()) } else { Err("no such file".to_owned()) }
    }
    fn list(&self, path: &str) -> Result<Vec<String>, String> {
        Ok(path.split('/').map(str::to_owned).collect())
    }
    fn random(&self, count: usize) -> Result<Vec<u8>, String> {
        if count == 13 { Err("none to give".to_owned()) } else { Ok(vec![0xa7; count]) }
    }
    fn is_mount(&self, path: &str) -> Result<bool, String> {
        Ok(path.len() > 5)
    }
    fn may(&self, _: Access, path: &str) -> Result<bool, String> {
        Ok(path.len() > 6)
    }
    fn is_executable(&self, name: &str, _: Option<&str>) -> Result<bool, String> {
        Ok(name.len() > 2)
    }
}

fuzz_target!(|source: &str| {
    let files: Arc<dyn Files> = Arc::new(NoFiles);
    let engine = Engine::new(&files, Options { fuel: 10_000, limit: LIMIT, trim: source.len() % 2 == 0 });
    let env =
        [("A", SECRET), ("B", ""), ("C", "493817")].map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
    let context = Context::new(Arc::new(Named::of(env.into())), &[b"-x".to_vec(), b"\xff".to_vec()], Arc::new(NoFacts));
    let errors = [
        engine.render("t", source, &context).map(|result| assert!(result.len() <= LIMIT)).err(),
        engine.compute(source, &context).map(|result| assert!(result.len() <= LIMIT)).err(),
        engine.evaluate(source, &context).map(drop).err(),
        engine.variables(source).map(drop).err(),
    ];
    for error in errors.into_iter().flatten() {
        let message = error.to_string();
        assert!(source.contains("493817") || !message.contains("493817"), "{message}");
        assert!(source.contains("q7Zk") || !message.contains("q7Zk"), "{message}");
    }
});
