//! What onset says: a closed list of events, one line each on stderr.
//!
//! [`Event`] is the list. An event becomes fields and a sentence ([`emit`]), goes through `tracing`, which asks the
//! level first, to [`lines`], which builds the line ([`line`]) in a fixed buffer after one of the formats
//! ([`profile`], [`text`]), and writes it: no allocation, no waiting, no panic, and no error for the caller.
//! In another init's place onset has that one's voice instead ([`speak`]). [`termination`] says the last word, where Kubernetes looks for it. May use types of `sys` and `policy`, and the table
//! of exit statuses.
#![forbid(unsafe_code)]

mod choice;
mod emit;
mod errno;
mod event;
mod line;
mod lines;
mod profile;
pub mod termination;
mod text;
mod value;
mod voice;
mod words;

#[cfg(test)]
mod catalogue;

pub use choice::{Format, Level};
pub use emit::tells_all;
pub use errno::meaning;
pub use event::{Event, OomKilled, OomKills, command_line};
pub use lines::{change, start};
pub use voice::{say, speak};
pub use words::{Because, NotRead};
