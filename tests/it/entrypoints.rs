//! What well-known entrypoint scripts do, done by a configuration (examples/entrypoints) in a root without a shell, and
//! the ways in which such scripts are known to break.
//!
//! The numbers are those of the study the examples are taken from: P1 haproxy, P2 redis, P3 authelia, P4 varnish, P5
//! zookeeper, P6 the templates of nginx, P8 grafana, P10 bookstack, P11 wordpress, P12 nginx unit, one test for each line;
//! the warnings of P10.5 are names of steps.
//!
//! Where a script ends with status 1 for a configuration it cannot follow, onset ends with 125; 126 and 127 are as in
//! shells.

mod authelia;
mod bookstack;
mod breaks_args;
mod breaks_env;
mod breaks_files;
mod breaks_process;
mod breaks_templates;
mod breaks_user;
mod edits;
mod facts;
mod grafana;
mod haproxy;
mod killed;
mod limits;
mod nginx;
mod recipes;
mod redis;
mod secrets;
mod unit;
mod varnish;
mod wordpress;
mod zookeeper;
