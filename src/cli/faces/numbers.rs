//! Numbers as C reads them: the peers' own reading is part of what they accept.

/// The number that a text begins with, and what is left: white space, a sign, digits (strtol(3), and `%d` of scanf(3)).
pub fn leading(text: &[u8]) -> Option<(i64, &[u8])> {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = digits.split_at(count);
    let add = |number: i64, digit: &u8| number.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
    let number = digits.iter().fold(0, add);
    (count > 0).then_some((if negative { -number } else { number }, rest))
}

/// A number and nothing else.
pub fn whole(text: &[u8]) -> Option<i64> {
    leading(text).and_then(|(number, rest)| rest.is_empty().then_some(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        assert_eq!(leading(b" \t+15:10"), Some((15, &b":10"[..])));
        assert_eq!(leading(b"-3x"), Some((-3, &b"x"[..])));
        assert_eq!(leading(b"99999999999999999999"), Some((i64::MAX, &b""[..])));
        assert_eq!([leading(b""), leading(b"x1"), leading(b"+"), leading(b"- 1")], [None; 4]);
        assert_eq!((whole(b"143"), whole(b" 143"), whole(b"143 "), whole(b"")), (Some(143), Some(143), None, None));
    }
}
