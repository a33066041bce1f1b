//! What tests look at: every event.

pub mod samples;
