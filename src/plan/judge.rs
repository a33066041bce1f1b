//! Who says whether a condition holds: Jinja, with what it may know.

use std::collections::BTreeMap;

/// Evaluates expressions over an environment, the arguments and the facts.
pub trait Judge {
    /// Whether the expression holds.
    ///
    /// # Errors
    /// What is wrong with it, without any value.
    fn holds(&self, expression: &str, env: &BTreeMap<String, Vec<u8>>) -> Result<bool, String>;

    /// What the expression comes to.
    ///
    /// # Errors
    /// What is wrong with it, without any value.
    fn compute(&self, expression: &str, env: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, String>;
}
