//! onset: PID 1 for containers that have no shell.
//!
//! ```text
//! argv, environ -> cli::Invocation -> fork -+- child:  config -> plan -> prepare -> execve(application)
//!                                           +- PID 1:  supervise (the loop and its pure state) -> exit status
//! ```
//!
//! PID 1 parses argv and nothing else. All that can fail happens in the child, which becomes the application and says
//! over a close-on-exec pipe ([`handoff`]) how far it came.
//!
//! | place | what it is for |
//! |---|---|
//! | [`cli`] | argv to an `Invocation` |
//! | [`config`] | a configuration file to a `Config`, every problem at once |
//! | [`template`] | the two languages, `${...}` and Jinja; pure |
//! | [`textfile`] | keys and lines of text files, set, deleted and read; pure |
//! | [`plan`] | what to do, decided before anything is done; pure |
//! | [`prepare`] | the child, up to execve(2): does the plan |
//! | [`supervise`] | PID 1, from fork(2) to its end |
//! | [`handoff`] | what passes between the two |
//! | [`report`] | the closed list of events, one line each on stderr |
//! | [`exit`] | the table of exit statuses |
//! | [`glob`] | patterns for names |
//! | [`net`] | a client of the network, for readiness and health |
//! | [`sys`] | the only `unsafe` |

pub mod cli;
pub mod config;
pub mod exit;
pub mod glob;
pub mod handoff;
mod inspect;
mod launch;
pub mod net;
pub mod plan;
pub mod prepare;
pub mod report;
pub mod supervise;
pub mod sys;
pub mod template;
pub mod textfile;

pub use launch::main;
