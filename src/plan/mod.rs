//! What to do, decided before anything is done: a pure function of argv, the configuration, the environment and what may
//! be known of the world ([`world::World`]). Reports all problems at once.
//!
//! May use `cli`, `config`, `template`, the types of `policy` and `record`, and what reads addresses in `net`; knows nothing of what acts.
#![forbid(unsafe_code)]

pub mod accounts;
pub mod args;
pub mod capability;
pub mod check;
pub mod dotenv;
mod edit;
pub mod env;
mod facts;
pub mod identity;
pub mod judge;
pub mod limit;
pub mod model;
mod others;
mod passwd;
mod pem;
pub mod printed;
mod programs;
mod read;
pub mod redact;
mod rendered;
pub mod resolve;
pub mod shutdown;
pub mod steps;
pub mod value;
mod version;
mod waiting;
pub mod words;
pub mod world;
