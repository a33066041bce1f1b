//! How far an onset is, as it says it in its name (`/proc/PID/comm`): written by `supervise`, read by [`crate::init`].
#![forbid(unsafe_code)]

use std::ffi::CStr;
use std::fmt;

/// What the name of every onset that supervises begins with.
const MARK: &str = "onset:";

/// How far an onset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The application is being prepared.
    Prepare,
    /// The application runs.
    Run,
    /// It runs on for a while, and is to be asked nothing new.
    Drain,
    /// It has been asked to stop.
    Stop,
    /// It has ended; the others that it left are waited for.
    Linger,
}

impl Stage {
    /// All of them.
    pub const ALL: [Stage; 5] = [Stage::Prepare, Stage::Run, Stage::Drain, Stage::Stop, Stage::Linger];

    /// What the process is called: 15 bytes at most, as the kernel keeps it.
    pub fn name(self) -> &'static CStr {
        match self {
            Stage::Prepare => c"onset:prepare",
            Stage::Run => c"onset:run",
            Stage::Drain => c"onset:drain",
            Stage::Stop => c"onset:stop",
            Stage::Linger => c"onset:linger",
        }
    }

    /// That of a process of this name; `None`: it is none that a version of onset would have that we know.
    pub fn of_name(name: &str) -> Option<Self> {
        Stage::ALL.into_iter().find(|stage| stage.name().to_bytes() == name.as_bytes())
    }
}

/// Whether a process of this name is an onset that supervises, of whatever version.
pub fn is_supervisor(name: &str) -> bool {
    name.starts_with(MARK)
}

/// `draining`: the end of a sentence about the application.
impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Prepare => "preparing",
            Stage::Run => "running",
            Stage::Drain => "draining",
            Stage::Stop => "stopping",
            Stage::Linger => "lingering",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_one_of_a_supervisor_and_short_enough() {
        for stage in Stage::ALL {
            let name = stage.name().to_str().unwrap();
            assert!(is_supervisor(name) && name.len() <= 15, "{name}");
            assert_eq!(Stage::of_name(name), Some(stage));
        }
        assert_eq!(Stage::of_name("onset:later"), None);
        assert!(!is_supervisor("onset"));
    }
}
