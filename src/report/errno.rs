//! What the errors of the system are called, and what they mean (errno(3)): nix's words. They are one text here, because what
//! finds them in nix are tables of 8 KB.

use nix::errno::Errno;

/// A line for each number from 0 on: its name, a blank, its meaning. They are the same on every machine that onset is for.
const ERRORS: &str = include_str!("errno.txt");

/// As C names it: `ENOENT`.
pub fn name(error: Errno) -> &'static str {
    line(error).0
}

/// What it means: `No such file or directory`.
pub fn meaning(error: Errno) -> &'static str {
    line(error).1
}

fn line(error: Errno) -> (&'static str, &'static str) {
    let line = usize::try_from(error as i32).ok().and_then(|number| ERRORS.lines().nth(number));
    line.and_then(|line| line.split_once(' ')).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_called_as_nix_calls_them() {
        for number in 0..1000 {
            let error = Errno::from_raw(number);
            assert_eq!((name(error), meaning(error)), (format!("{error:?}").as_str(), error.desc()), "{number}");
        }
        assert_eq!(line(Errno::ENOENT), ("ENOENT", "No such file or directory"));
    }
}
