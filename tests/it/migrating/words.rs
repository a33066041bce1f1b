//! A line of a comparison, cut into words: at blanks, but for those in double quotes, where `\n` is a newline.

pub fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut begun, mut quoted) = (String::new(), false, false);
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => (begun, quoted) = (true, !quoted),
            '\\' if quoted => word.push(match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                other => other.expect("something behind the backslash"),
            }),
            ' ' if !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            other => {
                word.push(other);
                begun = true;
            }
        }
    }
    assert!(!quoted, "a quote that is not closed: {line}");
    if begun {
        words.push(word);
    }
    words
}
