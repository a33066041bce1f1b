//! Who says whether a condition holds: Jinja, with what it may know of the world.

use super::world::{self, Kind, World};
use crate::kept::{Kept, keep};
use crate::report::meaning;
use crate::template::jinja::{Access, Context, Engine, Facts, Files, Options, Values};
use nix::errno::Errno;
use std::cell::OnceCell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Evaluates expressions and templates over an environment, the container's arguments and the facts.
pub struct Judge {
    /// Made when the first expression asks for it: most configurations have none.
    engine: OnceCell<Kept<Engine>>,
    asked: Arc<Asked>,
    args: Vec<Vec<u8>>,
    facts: Arc<dyn Facts>,
}

/// Where programs are looked for without a PATH.
pub const USUAL_FOLDERS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The largest file that `contains` looks into, and that `file_text` reads.
const LARGEST_FILE: u64 = 16 << 20;

impl Judge {
    /// A judge who knows these arguments and facts, and asks `world` about files.
    pub fn new(world: &Arc<dyn World>, args: &[Vec<u8>], facts: Arc<dyn Facts>) -> Self {
        let (once, drawn) = (AtomicBool::new(false), AtomicBool::new(false));
        let asked = Arc::new(Asked { world: world.clone(), once, drawn });
        Judge { engine: OnceCell::new(), asked, args: args.to_vec(), facts }
    }

    fn engine(&self) -> &Engine {
        self.engine.get_or_init(|| {
            let files: Arc<dyn Files> = self.asked.clone();
            keep(Engine::new(&files, Options::default()))
        })
    }

    /// Whether the expression can be read at all.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check(&self, expression: &str) -> Result<(), String> {
        Ok(self.engine().check_expression(expression)?)
    }

    /// Whether a template can be read at all.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check_template(&self, name: &str, source: &str) -> Result<(), String> {
        Ok(self.engine().check(name, source)?)
    }

    /// Which variables the expression reads; `None`: it may read any.
    pub fn variables(&self, expression: &str) -> Option<Vec<String>> {
        let variables = self.engine().variables(expression).unwrap_or_default();
        (!variables.others).then_some(variables.names)
    }

    /// Whether the expression holds.
    ///
    /// # Errors
    /// What is wrong with it, without any value.
    pub fn holds(&self, expression: &str, env: Values) -> Result<bool, String> {
        Ok(self.engine().evaluate(expression, &self.context(env))?)
    }

    /// What the expression comes to.
    ///
    /// # Errors
    /// What is wrong with it, without any value.
    pub fn compute(&self, expression: &str, env: Values) -> Result<Vec<u8>, String> {
        Ok(self.engine().compute(expression, &self.context(env))?.into_bytes())
    }

    /// What becomes of a template.
    ///
    /// # Errors
    /// What is wrong with it, without any value.
    pub fn render(&self, name: &str, source: &str, env: Values) -> Result<Vec<u8>, String> {
        Ok(self.engine().render(name, source, &self.context(env))?)
    }

    /// The same of one that is written once, and may have random bytes in it; whether it has.
    ///
    /// # Errors
    /// As above.
    pub fn render_once(&self, name: &str, source: &str, env: Values) -> Result<(Vec<u8>, bool), String> {
        self.asked.drawn.store(false, Relaxed);
        self.asked.once.store(true, Relaxed);
        let result = self.render(name, source, env);
        self.asked.once.store(false, Relaxed);
        Ok((result?, self.asked.drawn.load(Relaxed)))
    }

    fn context(&self, env: Values) -> Context {
        Context::new(env, &self.args, self.facts.clone())
    }
}

/// The world, asked as templates ask.
struct Asked {
    world: Arc<dyn World>,
    /// Whether what is made now is made once: what is random would be another the next time.
    once: AtomicBool,
    /// Whether random bytes were given.
    drawn: AtomicBool,
}

/// Why something cannot be known.
fn why(error: Errno) -> String {
    meaning(error).to_owned()
}

impl Asked {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.world.read(Path::new(path), LARGEST_FILE).map_err(why)
    }
}

impl Files for Asked {
    fn exists(&self, path: &str) -> Result<bool, String> {
        Ok(self.world.kind(Path::new(path)).is_some())
    }

    fn is_dir(&self, path: &str) -> Result<bool, String> {
        Ok(self.world.kind(Path::new(path)) == Some(Kind::Directory))
    }

    fn is_empty(&self, path: &str) -> Result<bool, String> {
        match self.world.kind(Path::new(path)) {
            None => Ok(true),
            Some(Kind::File(length)) => Ok(length == 0),
            Some(Kind::Directory) => Ok(self.world.list(Path::new(path)).map_err(why)?.is_empty()),
            Some(Kind::Other) => Ok(false),
        }
    }

    fn contains(&self, path: &str, text: &str) -> Result<bool, String> {
        if self.world.kind(Path::new(path)).is_none() {
            return Ok(false);
        }
        let content = self.read(path)?;
        Ok(text.is_empty() || content.windows(text.len()).any(|window| window == text.as_bytes()))
    }

    fn text(&self, path: &str) -> Result<String, String> {
        let content = self.read(path)?;
        String::from_utf8(content).map_err(|_| "the file is not UTF-8".to_owned())
    }

    fn list(&self, path: &str) -> Result<Vec<String>, String> {
        let mut texts = Vec::new();
        let names = match self.world.list(Path::new(path)) {
            Err(Errno::ENOENT) => return Ok(texts),
            listed => listed.map_err(why)?,
        };
        for name in &names {
            texts.push(name.to_str().ok_or("a name is not UTF-8")?.to_owned());
        }
        Ok(texts)
    }

    fn random(&self, count: usize) -> Result<Vec<u8>, String> {
        if !self.once.load(Relaxed) {
            let why = "what is random is another at each start: it is for templates with `unless_exists = true`";
            return Err(why.to_owned());
        }
        self.drawn.store(true, Relaxed);
        self.world.random(count).map_err(why)
    }

    fn is_mount(&self, path: &str) -> Result<bool, String> {
        Ok(self.world.is_mount(Path::new(path)))
    }

    fn may(&self, access: Access, path: &str) -> Result<bool, String> {
        let access = match access {
            Access::Read => world::Access::Read,
            Access::Write => world::Access::Write,
            Access::Execute => world::Access::Execute,
        };
        Ok(self.world.may(access, Path::new(path)))
    }

    fn is_executable(&self, name: &str, search: Option<&str>) -> Result<bool, String> {
        let is = |path: &Path| {
            matches!(self.world.kind(path), Some(Kind::File(_))) && self.world.may(world::Access::Execute, path)
        };
        if name.is_empty() || name.contains('/') {
            return Ok(is(Path::new(name)));
        }
        let mut folders = search.unwrap_or(USUAL_FOLDERS).split(':');
        // An empty one is the working directory, as execvp(3) has it.
        Ok(folders.any(|folder| is(&Path::new(if folder.is_empty() { "." } else { folder }).join(name))))
    }
}
