//! PID 1 while the application runs: hear, decide, act.
//!
//! [`state::State`] decides and does nothing else; [`run`](run::supervise) is the loop that tells it what happened and
//! does what it says. May use `handoff`, `policy`, `record`, `report` and `sys`; does not know `prepare`.
#![forbid(unsafe_code)]

mod job_control;
mod oom;
mod pause;
mod rest;
mod run;
pub mod state;

pub use pause::pause;
pub use run::{Hears, Main, Manners, Stops, supervise};
