//! Dates and times (RFC 3339; TOML 1.1, in which the seconds may be missing).

const FORMS: &str = "invalid datetime, expected YYYY-MM-DD, HH:MM, HH:MM:SS or a date, `T` and a time";

/// A date, a time or both, `T` between them, and fractions of a second without zeros at the end, nine digits at most.
///
/// # Errors
/// What it is to be.
pub fn normal(text: &str) -> Result<String, &'static str> {
    let mut rest = text;
    let mut said = String::new();
    let date = take(&mut rest, "0000-00-00");
    if let Some([year, month, day]) = date {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let (days, message) = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => (31, "invalid date, expected day between 01 and 31"),
            4 | 6 | 9 | 11 => (30, "invalid date, expected day between 01 and 30"),
            2 if leap => (29, "invalid date, expected day between 01 and 29"),
            2 => (28, "invalid date, expected day between 01 and 28"),
            _ => return Err("invalid date, expected month between 01 and 12"),
        };
        within(day, 1, days, message)?;
        said.push_str(&text[..10]);
        if rest.is_empty() {
            return Ok(said);
        }
        rest = rest.strip_prefix(['T', 't', ' ']).ok_or("invalid date-time, expected `T` between date and time")?;
        said.push('T');
    }
    let time = rest;
    let [hour, minute, _] = take(&mut rest, "00:00").ok_or(FORMS)?;
    within(hour, 0, 23, "invalid time, expected hour between 00 and 23")?;
    within(minute, 0, 59, "invalid time, expected minute between 00 and 59")?;
    let seconds = take(&mut rest, ":00");
    if let Some([_, second, _]) = seconds {
        within(second, 0, 60, "invalid time, expected second between 00 and 60")?;
    }
    said.push_str(&time[..time.len() - rest.len()]);
    if seconds.is_some()
        && let Some(fraction) = rest.strip_prefix('.')
    {
        rest = fraction.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let digits = &fraction[..fraction.len() - rest.len()];
        let told = digits[..digits.len().min(9)].trim_end_matches('0');
        if digits.is_empty() {
            return Err("invalid time, expected nanosecond");
        }
        said.push('.');
        said.push_str(if told.is_empty() { "0" } else { told });
    }
    match rest.as_bytes().first() {
        Some(b'Z' | b'z') if date.is_some() => {
            rest = &rest[1..];
            said.push('Z');
        }
        Some(b'+' | b'-') if date.is_some() => {
            let offset = rest;
            rest = &rest[1..];
            let [hours, minutes, _] = take(&mut rest, "00:00").ok_or("invalid offset, expected HH:MM")?;
            within(hours, 0, 23, "invalid offset, expected hours between 00 and 23")?;
            within(minutes, 0, 59, "invalid offset, expected minutes between 00 and 59")?;
            said.push_str(if offset.starts_with("-00:00") { "+00:00" } else { &offset[..6] });
        }
        _ => {}
    }
    if rest.is_empty() { Ok(said) } else { Err(FORMS) }
}

/// Takes a digit for each `0` of a form, and its other signs as they are: the numbers between these.
fn take(rest: &mut &str, form: &str) -> Option<[u16; 3]> {
    let mut numbers = [0; 3];
    let mut index = 0;
    for (at, sign) in form.bytes().enumerate() {
        match rest.as_bytes().get(at)? {
            digit @ b'0'..=b'9' if sign == b'0' => numbers[index] = numbers[index] * 10 + u16::from(digit - b'0'),
            other if sign != b'0' && *other == sign => index += 1,
            _ => return None,
        }
    }
    *rest = &rest[form.len()..];
    Some(numbers)
}

fn within(number: u16, least: u16, most: u16, message: &'static str) -> Result<(), &'static str> {
    if (least..=most).contains(&number) { Ok(()) } else { Err(message) }
}
