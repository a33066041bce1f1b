//! A step that sets a variable to what a file says: what is looked for, and where.

use super::edit::divide;
use super::env::LONGEST_VALUE;
use super::model::{Action, Fallback, Query, Read};
use super::resolve::{Resolution, path};
use crate::config::model::{self, ReadFormat};
use crate::config::problem::Problems;
use crate::textfile::Format;

impl Resolution<'_> {
    #[inline(never)]
    pub(super) fn reading(&self, read: &model::Read, problems: &mut Problems) -> Option<Action> {
        let path = path(&read.path, &self.env, problems);
        let query = self.query(read, problems);
        let fallback = match &read.default {
            Some(text) => Fallback::Value {
                value: self.env.expand(text, LONGEST_VALUE, problems)?,
                secret: self.env.is_secret(text),
            },
            None if read.optional => Fallback::Keep,
            None => Fallback::Refuse,
        };
        let (path, query) = (path?, query?);
        Some(Action::Read(Box::new(Read { path, query, into: read.into.clone(), fallback, secret: read.secret })))
    }

    fn query(&self, read: &model::Read, problems: &mut Problems) -> Option<Query> {
        let (Some(format), Some(key)) = (read.format, &read.key) else {
            return read.pattern.clone().map(Query::Pattern);
        };
        let key = self.env.expand(key, LONGEST_VALUE, problems)?;
        let format = match format {
            ReadFormat::Properties => Format::Properties,
            ReadFormat::Ini => Format::Ini,
            ReadFormat::Shell => Format::Shell,
            ReadFormat::Yaml => Format::Yaml,
            ReadFormat::Json => Format::Json,
            ReadFormat::Toml => return Some(Query::Toml(key)),
        };
        let section = match &read.section {
            Some(section) => Some(self.env.expand(section, LONGEST_VALUE, problems)?),
            None => None,
        };
        let (section, key) = divide(format, section.as_deref(), key);
        Some(Query::Key { format, section, key })
    }
}
