//! Medians and spreads.

use serde_json::{Value, json};

/// Measured values of one thing.
#[derive(Clone, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    pub fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// The value below which this part of them lies, 0 to 1.
    pub fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let index = (last as f64 * part).round() as usize;
        sorted.get(index).copied().unwrap_or(f64::NAN)
    }

    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// For the figures: the median, the middle half, and how many.
    pub fn json(&self) -> Value {
        json!({
            "median": rounded(self.median()),
            "p25": rounded(self.quantile(0.25)),
            "p75": rounded(self.quantile(0.75)),
            "n": self.0.len(),
        })
    }
}

/// Digits that mean nothing are left out.
pub fn rounded(value: f64) -> Value {
    json!((value * 1000.0).round() / 1000.0)
}
