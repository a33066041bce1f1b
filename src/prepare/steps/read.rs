//! A value out of a file, read when its turn comes and with the rights of the step: whoever may not read the file does not
//! get to see it by way of a variable.

use super::error::{Reason, Request, StepError};
use crate::plan::env::LONGEST_VALUE;
use crate::plan::model::{Fallback, Query, Read};
use crate::plan::world::World;
use crate::textfile::extract;
use nix::errno::Errno;

/// The largest file, in bytes.
const LARGEST: u64 = 16 << 20;

pub(super) fn value(read: &Read, world: &dyn World) -> Result<Option<Vec<u8>>, StepError> {
    let Read { path, query, fallback, .. } = read;
    let may_be_missing = *fallback != Fallback::Refuse;
    let attempt = || format!("read {query} of `{}`", path.display());
    let refuse = |why: String| StepError::new(attempt(), Reason::text(why));
    let text = match world.read(path, LARGEST) {
        Ok(text) => text,
        Err(Errno::ENOENT) if may_be_missing => return Ok(None),
        Err(error) => return Err(StepError::new(attempt(), Reason::system(error, Request::Read, path))),
    };
    let found = match query {
        Query::Key { format, section, key } => extract::key(*format, &text, section, key),
        Query::Toml(path) => extract::toml(&text, path),
        Query::Pattern(pattern) => match extract::regex(pattern) {
            Some(regex) => extract::pattern(&text, &regex),
            None => Err("it is no regular expression".into()),
        },
    };
    match found.map_err(|why| refuse(why.into_owned()))? {
        None if may_be_missing => Ok(None),
        None => Err(refuse("it is not there; `default` or `optional` would allow that".to_owned())),
        Some(value) if value.contains(&0) => Err(refuse("its value has a NUL byte in it".to_owned())),
        Some(value) if value.len() > LONGEST_VALUE => {
            Err(refuse(format!("its value is longer than {LONGEST_VALUE} bytes")))
        }
        Some(value) => Ok(Some(value)),
    }
}
