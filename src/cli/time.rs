//! Times on the command line.

use std::time::Duration;

/// What can be written.
pub const ACCEPTED: &str = "accepted are a number of seconds, or a number with ms, s, m, h or d: 5, 0.5, 500ms, 2m";

/// Reads `5`, `0.5`, `500ms`, `5s`, `2m`, `1h` or `1d`.
pub fn parse(text: &str) -> Option<Duration> {
    let is_of_number = |character: char| character.is_ascii_digit() || character == '.';
    let (number, unit) = text.split_at(text.find(|character| !is_of_number(character)).unwrap_or(text.len()));
    let number: f64 = number.parse().ok()?;
    let seconds = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_and_fractions() {
        for (text, millis) in [
            ("5", 5000),
            ("0.5", 500),
            (".25", 250),
            ("5s", 5000),
            ("500ms", 500),
            ("1.5m", 90_000),
            ("1h", 3_600_000),
            ("1d", 86_400_000),
            ("0", 0),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        let none = ["", "s", ".", "1.2.3", "-5", "+5", "5 s", "1e3", "5S", "inf", "99999999999999999999d"];
        assert_eq!(none.map(parse), [None; 11]);
    }
}
