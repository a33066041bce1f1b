//! Values under names of the user's own, in the order of the names.

/// A map of few entries that is made once: a sorted list, which is a fraction of a `BTreeMap`'s code for each type of value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T>(Vec<(String, T)>);

impl<T> Named<T> {
    /// One without entries.
    pub const fn new() -> Self {
        Named(Vec::new())
    }

    /// One more, whose name comes after those of all others.
    pub fn push(&mut self, name: String, value: T) {
        debug_assert!(self.0.last().is_none_or(|(last, _)| *last < name), "in order, each once");
        self.0.push((name, value));
    }

    /// What has this name.
    pub fn get(&self, name: &str) -> Option<&T> {
        let index = self.0.binary_search_by(|(own, _)| own.as_str().cmp(name)).ok()?;
        Some(&self.0[index].1)
    }

    /// Whether anything has this name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each name and its value.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&String, &T)> {
        self.into_iter()
    }

    /// The names.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.iter().map(|(name, _)| name)
    }

    /// The values.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, value)| value)
    }
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Named::new()
    }
}

impl<'a, T> IntoIterator for &'a Named<T> {
    type Item = (&'a String, &'a T);
    type IntoIter = std::iter::Map<std::slice::Iter<'a, (String, T)>, fn(&'a (String, T)) -> (&'a String, &'a T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(name, value)| (name, value))
    }
}
