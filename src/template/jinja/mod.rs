//! Jinja: conditions (`when`), computed values, and the templates that ask for it. minijinja, set up for configuration files.
//!
//! What a template sees:
//!
//! | name | what |
//! |---|---|
//! | `env` | the variables, by name: `env.PORT`, `env["A-b"]`; one that is no UTF-8 is an error where it is used |
//! | `args` | the container arguments, a list |
//! | `facts` | what onset knows of the machine, see [`FACTS`]; each is looked up when it is used |
//! | `exists(path)` `is_dir(path)` `is_empty(path)` `contains(path, text)` | questions about files, answered by [`Files`] |
//! | `file_text(path)` `list_dir(path)` | what a file has in it; the names in a folder, none if it is not there |
//! | `random_hex(bytes)` | random digits, two for each byte, others each time; [`Files`] may have none to give |
//! | `is_mount(path)` `readable(path)` `writable(path)` `executable(path)` `is_executable(name)` | the same |
//! | `has_flag(flag)` `flag_value(flag)` | what the container arguments say before `--`: `--x`, `--x=y` and `--x y` |
//! | `range(from, to, step)` | numbers; 100,000 at most |
//!
//! How it differs from Jinja's own defaults, each for a reason:
//!
//! - What is not defined cannot be printed, compared, looped over or handed to a filter, but for `default`. `{% if env.X %}`
//!   is allowed: an `X` that is not set is not true. A name that is none of the above is refused before anything runs.
//! - Nothing is escaped, whatever the file is called: [`builtins`] say what is.
//! - What is no text is printed as JSON has it: `true`, `null`, `["a"]`; Jinja has Python's `True`, `None`. Only `~` still
//!   makes Python's words of them: that happens inside minijinja.
//! - The last newline of a file stays. A tag's own line stays too (`{%- ... -%}` removes it), unless [`Options::trim`].
//! - No `namespace`, `macro`, `include`: the first can hold itself and overflow the stack, the others have no use for one file.
//! - [`Options::fuel`] ends an endless loop, [`Options::limit`] an endless text, [`shape`] what would overflow the stack.
//!
//! What no limit of ours reaches, because minijinja has no hook there: what `~` and `*` make on the way to a result (one `*`
//! makes 100 MB at most), plain text captured by `{% set %}`, and comparing lists built to explode. That takes whoever writes
//! the template; who only sets a variable gets no further than the one `*`.
//!
//! A condition is true as people mean it with environment variables, see [`condition`].

mod builtins;
mod call;
mod condition;
mod context;
mod encode;
mod engine;
mod error;
mod flags;
mod lists;
mod md5;
mod numbers;
mod print;
mod shape;
mod texts;
mod url;

pub use context::{Access, Context, FACTS, Fact, Facts, Files, NoFacts, Values};
pub use encode::base64;
pub use engine::{Engine, Options, Variables};
pub use error::Error;
