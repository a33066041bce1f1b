//! What became of templates when all was checked, until their steps' turns come.

use crate::tree::Place;
use std::cell::{Cell, RefCell};

/// How many bytes are kept at most, templates and results together: those beyond are made again.
const MOST_KEPT: usize = 4 << 20;

/// Results with what they were made of: a template that was written since is no longer the same, and is rendered anew. They
/// belong to the variables as they are, which is why [`super::env::Environment`] has them, and forgets them with any change.
#[derive(Debug, Default, Clone)]
pub struct Rendered {
    kept: RefCell<Vec<Made>>,
    size: Cell<usize>,
    /// Whether results are kept now: while all is checked.
    pub keeps: bool,
}

/// What one template became.
#[derive(Debug, Clone)]
struct Made {
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
            self.kept.borrow_mut().push(Made { place, name, source, content, secret });
        }
    }

    /// What it became, if it is as it was. It is not kept any longer.
    pub fn take(&self, place: Place, name: &str, source: &[u8]) -> Option<(Vec<u8>, bool)> {
        let mut kept = self.kept.borrow_mut();
        let index = kept.iter().position(|kept| kept.place == place && kept.name == name)?;
        let found = kept.swap_remove(index);
        self.size.set(self.size.get() - found.source.len() - found.content.len());
        are_same(&found.source, source).then_some((found.content, found.secret))
    }
}

/// Whether all bytes are the same. Eight at a time: musl's memcmp(3) goes byte by byte, and these are whole templates.
fn are_same(one: &[u8], other: &[u8]) -> bool {
    let ((words, rest), (other_words, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    rest == other_rest
        && words.len() == other_words.len()
        && words.iter().zip(other_words).all(|(one, other)| u64::from_ne_bytes(*one) == u64::from_ne_bytes(*other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(start: usize) -> Place {
        Place { start, end: start + 1 }
    }

    #[test]
    fn what_is_as_it_was_is_given_once() {
        let rendered = Rendered { keeps: true, ..Rendered::default() };
        rendered.keep(place(1), "a", b"${A}", b"x", true);
        rendered.keep(place(1), "b", b"${B}", b"y", false);
        assert_eq!(rendered.take(place(2), "a", b"${A}"), None);
        assert_eq!(rendered.take(place(1), "a", b"${A}"), Some((b"x".to_vec(), true)));
        assert_eq!(rendered.take(place(1), "a", b"${A}"), None);
        assert_eq!(rendered.take(place(1), "b", b"${C}"), None, "it was written since");
        assert_eq!(rendered.size.get(), 0);
    }

    #[test]
    fn only_so_much_is_kept_and_only_while_all_is_checked() {
        let rendered = Rendered::default();
        rendered.keep(place(1), "a", b"", b"", false);
        let large = vec![0; MOST_KEPT];
        let rendered = Rendered { keeps: true, ..rendered };
        rendered.keep(place(2), "b", &large, b"x", false);
        rendered.keep(place(3), "c", &large, b"", false);
        let taken = [("a", 1), ("b", 2), ("c", 3)].map(|(name, at)| rendered.take(place(at), name, &large).is_some());
        assert_eq!(taken, [false, false, true]);
    }

    #[test]
    fn one_byte_makes_the_difference() {
        for length in [0, 1, 7, 8, 9, 16, 17, 64] {
            let text: Vec<u8> = (0..length).collect();
            assert!(are_same(&text, &text.clone()));
            assert!(!are_same(&text, &[&text[..], b"x"].concat()));
            for index in 0..text.len() {
                let mut other = text.clone();
                other[index] ^= 0x80;
                assert!(!are_same(&text, &other), "{length} {index}");
            }
        }
    }
}
