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
        let secrets = env.variables().values().filter(|found| found.secret).filter_map(|found| found.value.clone());
        let mut secrets: Vec<Vec<u8>> = secrets.filter(|value| value.len() >= SHORTEST).collect();
        // What is said line by line shows one line of a key at a time.
        let lines =
            secrets.iter().filter(|value| value.contains(&b'\n')).flat_map(|value| value.split(|&byte| byte == b'\n'));
        let lines: Vec<Vec<u8>> =
            lines.map(<[u8]>::trim_ascii).filter(|line| line.len() >= SHORTEST_LINE).map(<[u8]>::to_vec).collect();
        secrets.extend(lines);
        secrets.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Redaction(secrets)
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
