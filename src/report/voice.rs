//! Another init's words in the place of reports, where onset has its name ([`crate::cli::faces`]).

use super::event::Event;
use crate::sys::stderr::{self, LONGEST_LINE};
use std::sync::OnceLock;

/// What to say about an event; `None`: nothing. One line or more.
pub type Voice = dyn Fn(&Event<'_>) -> Option<String> + Send + Sync;

static VOICE: OnceLock<Box<Voice>> = OnceLock::new();

/// Has everything said so from here on, instead of reported. To be called once; a second call changes nothing.
pub fn speak(voice: Box<Voice>) {
    let _spoken_already: Result<(), Box<Voice>> = VOICE.set(voice);
}

/// Whether there is one.
pub fn is_there() -> bool {
    VOICE.get().is_some()
}

/// Says the event if there is a voice. Whether there is.
pub fn has_said(event: &Event<'_>) -> bool {
    let Some(voice) = VOICE.get() else { return false };
    if let Some(text) = voice(event) {
        say(&text);
    }
    true
}

/// Writes it to stderr without waiting for its reader, cut to what a pipe takes at once.
pub fn say(text: &str) {
    let text = text.as_bytes();
    if text.is_empty() {
        return;
    }
    let _nobody_listens: nix::Result<()> = if text.len() < LONGEST_LINE {
        stderr::write_line(text)
    } else {
        stderr::write_line(&[&text[..LONGEST_LINE - 1], b"\n"].concat())
    };
}
