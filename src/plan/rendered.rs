//! What became of templates when all was checked, until their steps' turns come.

use crate::config::tree::Place;
use std::cell::{Cell, RefCell};

/// How many bytes are kept at most, templates and results together: those beyond are made again.
const MOST_KEPT: usize = 4 << 20;

/// Results with what they were made of: a template that was written since is no longer the same, and is rendered anew. They
/// belong to the variables as they are, which is why [`super::env::Environment`] has them, and forgets them with any change.
#[derive(Debug, Default, Clone)]
pub struct Rendered {
    kept: RefCell<Vec<Kept>>,
    size: Cell<usize>,
    /// Whether results are kept now: while all is checked.
    pub keeps: bool,
}

#[derive(Debug, Clone)]
struct Kept {
    place: Place,
    name: String,
    source: Vec<u8>,
    content: Vec<u8>,
    secret: bool,
}

impl Rendered {
    /// Keeps what the template `name` of the step at `place` became, and whether it has a secret in it.
    pub fn keep(&self, place: Place, name: &str, source: &[u8], content: &[u8], secret: bool) {
        let size = self.size.get() + source.len() + content.len();
        if self.keeps && size <= MOST_KEPT {
            self.size.set(size);
            let (name, source, content) = (name.to_owned(), source.to_vec(), content.to_vec());
            self.kept.borrow_mut().push(Kept { place, name, source, content, secret });
        }
    }

    /// What it became, if it is as it was. It is not kept any longer.
    pub fn take(&self, place: Place, name: &str, source: &[u8]) -> Option<(Vec<u8>, bool)> {
        let mut kept = self.kept.borrow_mut();
        let index = kept.iter().position(|kept| kept.place == place && kept.name == name)?;
        let found = kept.remove(index);
        self.size.set(self.size.get() - found.source.len() - found.content.len());
        (found.source == source).then_some((found.content, found.secret))
    }
}
