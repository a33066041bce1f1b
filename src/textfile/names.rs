//! Names of variables to keys: `KAFKA_LOG__DIRS` to `log_dirs`. A name is bytes in upper case and `_`, a key is not; so what
//! stands for what has to be said, and two variables may come to the same key, which is an error.

use crate::glob;

/// How names become keys.
pub struct Mapping<'a> {
    /// What the names begin with; it is taken off.
    pub prefix: &'a str,
    /// What is put before the key instead.
    pub start: &'a str,
    /// What stands for what, the first that fits at each place: `___` before `__` before `_`.
    pub replace: Vec<(&'a str, &'a str)>,
    /// Whether letters become lower case, but for those that `replace` puts in.
    pub lower: bool,
    /// Names that are left out, as patterns.
    pub exclude: Vec<&'a str>,
}

/// Two variables that come to the same key, and the key.
type Clash<'n> = (&'n str, &'n str, String);

impl Mapping<'_> {
    /// The key of a variable; `None`: it has none.
    pub fn key(&self, name: &str) -> Option<String> {
        let mut rest = name.strip_prefix(self.prefix).filter(|rest| !rest.is_empty())?;
        if self.exclude.iter().any(|pattern| glob::matches(pattern.as_bytes(), name.as_bytes())) {
            return None;
        }
        let mut key = self.start.to_owned();
        while let Some(first) = rest.chars().next() {
            let fits = |(from, _): &&(&str, &str)| !from.is_empty() && rest.starts_with(from);
            if let Some((from, to)) = self.replace.iter().find(fits) {
                key.push_str(to);
                rest = &rest[from.len()..];
            } else {
                if self.lower {
                    key.extend(first.to_lowercase());
                } else {
                    key.push(first);
                }
                rest = &rest[first.len_utf8()..];
            }
        }
        Some(key)
    }

    /// The keys of these variables in their order, each with its variable.
    ///
    /// # Errors
    /// Two variables, the first two of those that come to the same key, and the key.
    pub fn keys<'n>(&self, names: impl Iterator<Item = &'n str>) -> Result<Vec<(String, &'n str)>, Clash<'n>> {
        let mut keys: Vec<(String, &str)> = Vec::new();
        for name in names {
            let Some(key) = self.key(name) else { continue };
            match keys.binary_search_by(|(known, _)| known.cmp(&key)) {
                Ok(at) => return Err((keys[at].1, name, key)),
                Err(at) => keys.insert(at, (key, name)),
            }
        }
        Ok(keys)
    }
}
