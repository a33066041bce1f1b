//! A policy as the bytes of a message from one process to another of the same program.

use super::{ExitMap, Ladder, Policy, Rewrites, Rung, Target};
use crate::report::{Format, Level};
use crate::sys::signal::{Signal, SignalSet};
use std::time::Duration;

/// What stands for no time.
const NO_TIME: u64 = u64::MAX;

impl Policy {
    /// As bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Policy {
            stop_on,
            rewrites,
            drain,
            commands,
            ladder,
            target,
            resume,
            forward_to,
            linger,
            start_timeout,
            exit,
            format,
            level,
        } = self;
        // More than enough.
        let mut bytes = Vec::with_capacity(512);
        let mut number = |number: u64| bytes.extend_from_slice(&number.to_le_bytes());
        number(stop_on.bits());
        for time in [Some(*drain), *commands, *linger, *start_timeout] {
            number(millis(time));
        }
        for rung in ladder.rungs {
            number(millis(rung.wait));
        }
        bytes.extend(ladder.rungs.map(|rung| rung.signal.map_or(0, Signal::number)));
        let count = u8::try_from(ladder.count).unwrap_or(0);
        bytes.extend([count, target.code(), u8::from(*resume), forward_to.code(), format.code(), level.code()]);
        bytes.extend_from_slice(&rewrites.0);
        bytes.extend_from_slice(&exit.0);
        bytes
    }

    /// From what [`Policy::to_bytes`] made of it.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let stop_on = SignalSet::from_bits(reader.number()?);
        let numbers = [reader.number()?, reader.number()?, reader.number()?, reader.number()?];
        let [drain, commands, linger, start_timeout] = numbers.map(time);
        let mut rungs = [Rung { signal: None, wait: None }; super::MOST_RUNGS];
        for rung in &mut rungs {
            rung.wait = time(reader.number()?);
        }
        for rung in &mut rungs {
            rung.signal = Signal::new(i32::from(reader.byte()?));
        }
        let ladder = Ladder::of(rungs.get(..usize::from(reader.byte()?))?)?;
        Some(Policy {
            stop_on,
            drain: drain?,
            commands,
            linger,
            start_timeout,
            ladder,
            target: Target::from_code(reader.byte()?)?,
            resume: reader.byte()? != 0,
            forward_to: Target::from_code(reader.byte()?)?,
            format: Format::from_code(reader.byte()?)?,
            level: Level::from_code(reader.byte()?)?,
            rewrites: Rewrites(reader.array()?),
            exit: ExitMap(reader.array()?),
        })
        .filter(|_| reader.0.is_empty())
    }
}

fn millis(time: Option<Duration>) -> u64 {
    time.map_or(NO_TIME, |time| u64::try_from(time.as_millis()).unwrap_or(NO_TIME - 1))
}

fn time(millis: u64) -> Option<Duration> {
    (millis != NO_TIME).then(|| Duration::from_millis(millis))
}

impl Target {
    fn code(self) -> u8 {
        match self {
            Target::Main => 0,
            Target::Group => 1,
            Target::All => 2,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        [Target::Main, Target::Group, Target::All].get(usize::from(code)).copied()
    }
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let wait = |millis| Some(Duration::from_millis(millis));
        let signal = |number| Signal::new(number);
        let rungs = [Rung { signal: signal(64), wait: wait(1) }, Rung { signal: None, wait: None }];
        let plain = Policy::plain(Target::Group, Format::Text, Level::Debug);
        let mut full = Policy {
            drain: Duration::from_millis(5001),
            commands: wait(7),
            ladder: Ladder::of(&rungs).unwrap(),
            target: Target::All,
            resume: true,
            linger: wait(0),
            start_timeout: wait(9),
            ..plain
        };
        full.stop_on.insert(Signal::new(64).unwrap());
        full.rewrites.set(Signal::TERM, None);
        full.rewrites.set(Signal::INT, signal(64));
        full.exit.set(143, 0);
        for policy in [plain, full] {
            let bytes = policy.to_bytes();
            assert_eq!(Policy::from_bytes(&bytes), Some(policy));
            assert!((0..bytes.len()).all(|length| Policy::from_bytes(&bytes[..length]).is_none()));
            assert_eq!(Policy::from_bytes(&[&bytes[..], b"x"].concat()), None);
        }
    }
}
