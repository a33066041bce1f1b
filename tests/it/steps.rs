//! The steps that run programs, in a root without a shell: how programs are run, what becomes of what they print, and
//! that nothing is left of them.

mod env;
mod hooks;
mod plan;
mod read;
mod run;
mod stop;
mod template;
mod wait;
