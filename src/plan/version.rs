//! The order of names with numbers in them, as `ls -v` and `sort -V` have it: digits count by the number they write.

use std::cmp::Ordering;

/// Compares two names: runs of digits by value, everything else byte by byte. Names that differ only in leading zeros
/// come in the order of their bytes, so that there is always one order.
pub fn compare(one: &[u8], other: &[u8]) -> Ordering {
    let (mut left, mut right) = (one, other);
    loop {
        match (left.first(), right.first()) {
            (Some(a), Some(b)) if a.is_ascii_digit() && b.is_ascii_digit() => {
                let (a, b) = (number(&mut left), number(&mut right));
                match a.len().cmp(&b.len()).then_with(|| a.cmp(b)) {
                    Ordering::Equal => {}
                    order => return order,
                }
            }
            (Some(a), Some(b)) if a == b => {
                left = &left[1..];
                right = &right[1..];
            }
            (a, b) => return a.cmp(&b).then_with(|| one.cmp(other)),
        }
    }
}

/// Takes the digits off the front, without their leading zeros.
fn number<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    *text = rest;
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    &digits[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_by_value() {
        let sorted = ["1-a", "2-a", "2-b", "10-a", "010-b", "a", "a2", "a2b", "a10", "b"];
        for (index, one) in sorted.iter().enumerate() {
            for (other_index, other) in sorted.iter().enumerate() {
                let order = compare(one.as_bytes(), other.as_bytes());
                assert_eq!(order, index.cmp(&other_index), "{one} and {other}");
            }
        }
        assert_eq!(compare(b"01", b"1"), Ordering::Less, "one order for all");
    }
}
