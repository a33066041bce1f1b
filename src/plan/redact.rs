//! Secrets taken out of what is shown, by value: whoever put one into an argument did not say so.

use super::env::Environment;
use super::model::Plan;
use std::ffi::CString;

/// What stands for a secret.
pub const MARK: &[u8] = b"[secret]";
/// A value shorter than this is in every text, and taking it out would only tell that it is.
const SHORTEST: usize = 3;
/// The same of a line of a value: a brace or `}` and its like are in every text.
const SHORTEST_LINE: usize = 6;

/// The values that must not be shown.
#[derive(Default)]
pub struct Redaction(Vec<Vec<u8>>);

impl Redaction {
    /// The secrets of an environment, longest first: one may be in another.
    pub fn of(env: &Environment) -> Self {
        let mut secrets: Vec<&[u8]> = Vec::new();
        let mut lines: Vec<&[u8]> = Vec::new();
        for value in env.variables().values().filter(|found| found.secret).filter_map(|found| found.value.as_deref()) {
            if value.len() >= SHORTEST {
                secrets.push(value);
                // What is said line by line shows one line of a key at a time.
                if value.contains(&b'\n') {
                    lines.extend(value.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii));
                }
            }
        }
        lines.retain(|line| line.len() >= SHORTEST_LINE);
        secrets.append(&mut lines);
        secrets.sort_unstable_by_key(|value| std::cmp::Reverse(value.len()));
        Redaction(secrets.iter().map(|secret| secret.to_vec()).collect())
    }

    /// Of these values, longest first.
    pub fn of_values(values: Vec<Vec<u8>>) -> Self {
        Redaction(values)
    }

    /// The values, longest first.
    pub fn values(&self) -> &[Vec<u8>] {
        &self.0
    }

    /// The application's arguments as they may be shown.
    pub fn command_line(&self, plan: &Plan) -> Vec<Vec<u8>> {
        let shown =
            |(word, hidden): (&CString, &bool)| if *hidden { MARK.to_vec() } else { self.apply(word.to_bytes()) };
        plan.argv.iter().zip(&plan.hidden).map(shown).collect()
    }

    /// A sentence without them.
    pub fn sentence(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.apply(text.as_bytes())).into_owned()
    }

    /// The text without them.
    pub fn apply(&self, text: &[u8]) -> Vec<u8> {
        let mut shown = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some((&first, tail)) = rest.split_first() {
            match self.0.iter().find(|secret| rest.starts_with(secret)) {
                Some(secret) => {
                    shown.extend_from_slice(MARK);
                    rest = &rest[secret.len()..];
                }
                None => {
                    shown.push(first);
                    rest = tail;
                }
            }
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_the_longest_first() {
        let redaction = Redaction(vec![b"hunter22".to_vec(), b"hunter2".to_vec()]);
        assert_eq!(redaction.apply(b"a=hunter2&b=hunter22!"), b"a=[secret]&b=[secret]!");
        assert_eq!(redaction.apply(b""), b"");
    }
}
