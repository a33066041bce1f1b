//! The two template languages: `${...}` and Jinja. Pure: no I/O, no environment, no clock; what they look up is handed in.
//!
//! | file | language |
//! |---|---|
//! | [`substitute`] | `${V}`, `${V:-default}` ...: the strings of the configuration. Read [`substitute::Template`] first |
//! | [`file`] | the same in files, as envsubst(1): only listed variables are touched |
//! | [`jinja`] | `when`, computed values, and templates that ask for it. Read [`jinja::Engine`] first |
//!
//! Values are bytes. No message holds one: errors name the variable and the place.

#![forbid(unsafe_code)]

pub mod file;
pub mod jinja;
mod name;
mod position;
pub mod substitute;

pub use position::Position;

use std::borrow::Cow;

/// Looks a variable up; `None` if it is not set.
pub type Lookup<'a> = dyn Fn(&str) -> Option<Cow<'a, [u8]>> + 'a;
