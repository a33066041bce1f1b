//! Values under names of the user's own, in the order of the names.

use std::cmp::Ordering;

/// A map that is made at once and changed rarely: a sorted list, which is a fraction of a `BTreeMap`'s code for each type of
/// value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T>(Vec<(String, T)>);

/// Names alone.
pub type Names = Named<()>;

impl<T> Named<T> {
    /// One without entries.
    pub const fn new() -> Self {
        Named(Vec::new())
    }

    /// One of entries in any order; of those with one name the first counts.
    pub fn of(mut entries: Vec<(String, T)>) -> Self {
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        entries.dedup_by(|(later, _), (first, _)| later == first);
        Named(entries)
    }

    /// How many names come before this one; `Err`: so many would, and it is not there.
    pub fn position(&self, name: &str) -> Result<usize, usize> {
        search(self.0.len(), &|index| self.0[index].0.as_bytes(), name.as_bytes())
    }

    /// One more, whose name comes after those of all others.
    pub fn push(&mut self, name: String, value: T) {
        debug_assert!(self.0.last().is_none_or(|(last, _)| *last < name), "in order, each once");
        self.0.push((name, value));
    }

    /// What has this name.
    pub fn get(&self, name: &str) -> Option<&T> {
        let index = self.position(name).ok()?;
        Some(&self.0[index].1)
    }

    /// The entry at a position.
    pub fn entry(&self, index: usize) -> Option<&(String, T)> {
        self.0.get(index)
    }

    /// Gives a name its value, a new one if it has one.
    pub fn insert(&mut self, name: &str, value: T) {
        match self.position(name) {
            Ok(index) => self.0[index].1 = value,
            Err(index) => self.0.insert(index, (name.to_owned(), value)),
        }
    }

    /// Takes a name away.
    pub fn remove(&mut self, name: &str) {
        if let Ok(index) = self.position(name) {
            self.0.remove(index);
        }
    }

    /// Whether anything has this name.
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
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

    /// The values, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// The entries themselves, in the order of their names.
    pub fn into_entries(self) -> Vec<(String, T)> {
        self.0
    }
}

/// Where a name is among so many, or would be. Unlike std's search it ends where it has found it.
fn search<'a>(count: usize, name_at: &dyn Fn(usize) -> &'a [u8], name: &[u8]) -> Result<usize, usize> {
    let (mut start, mut end) = (0, count);
    while start < end {
        let middle = usize::midpoint(start, end);
        // Names differ early, mostly: byte by byte that is told sooner than memcmp(3) has begun.
        match name_at(middle).iter().cmp(name) {
            Ordering::Less => start = middle + 1,
            Ordering::Equal => return Ok(middle),
            Ordering::Greater => end = middle,
        }
    }
    Err(start)
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
