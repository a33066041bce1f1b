//! What a template may look like, so that nothing made of it overflows the stack.
//!
//! minijinja refuses brackets and blocks nested deeper than 150 levels. But `1 + 1 + 1 ...` makes a tree as deep as it is long,
//! and `{% set a = [a] %}` a value that grows a level with every line, which its destructor climbs down. So one tag may have
//! [`MAX_OPERATORS`] names and operators, and all statements together [`MAX_STATEMENTS`] brackets, and be as many.

/// How many names and operators one tag may have; texts, numbers and commas do not count.
pub const MAX_OPERATORS: usize = 1000;
/// How many statements (`{% ... %}`) a template may have, and how many brackets in them.
pub const MAX_STATEMENTS: usize = 4096;

/// What is too much in a template: where, and the sentence about it.
pub fn too_much(source: &str) -> Option<(usize, String)> {
    let bytes = source.as_bytes();
    let mut statements = 0;
    let mut brackets = 0;
    let mut at = 0;
    while let Some(brace) = bytes[at..].iter().position(|&byte| byte == b'{') {
        let start = at + brace;
        let (is_statement, close) = match bytes.get(start + 1) {
            Some(b'{') => (false, *b"}}"),
            Some(b'%') => (true, *b"%}"),
            Some(b'#') => {
                at = source[start + 2..].find("#}").map_or(bytes.len(), |length| start + 2 + length + 2);
                continue;
            }
            _ => {
                at = start + 1;
                continue;
            }
        };
        let tag = Tag::measure(&bytes[start + 2..], close);
        at = start + 2 + tag.length;
        if tag.operators > MAX_OPERATORS {
            return Some((start, long_expression()));
        }
        if is_statement {
            statements += 1;
            brackets += tag.brackets;
        }
        if statements.max(brackets) > MAX_STATEMENTS {
            let message = format!(
                "the template is too large: {MAX_STATEMENTS} statements, and as many brackets in them, are accepted"
            );
            return Some((start, message));
        }
    }
    None
}

/// The same for an expression alone.
pub fn too_long(expression: &str) -> Option<(usize, String)> {
    let tag = Tag::measure(expression.as_bytes(), *b"}}");
    // What ends the tag ends the expression, and is no syntax.
    (tag.operators > MAX_OPERATORS).then(|| (0, long_expression()))
}

fn long_expression() -> String {
    format!("the expression is too long: {MAX_OPERATORS} names and operators are accepted")
}

/// What is in a tag.
#[derive(Default)]
struct Tag {
    length: usize,
    operators: usize,
    brackets: usize,
}

impl Tag {
    /// As much of `text` as minijinja takes for the tag: up to `close` outside of strings and brackets, or to the end.
    fn measure(text: &[u8], close: [u8; 2]) -> Tag {
        let mut tag = Tag::default();
        let mut depth = 0_usize;
        let mut in_word = false;
        while let Some(&byte) = text.get(tag.length) {
            if depth == 0 && text[tag.length..].starts_with(&close) {
                tag.length += 2;
                break;
            }
            let word = byte == b'_' || byte.is_ascii_alphanumeric();
            match byte {
                b'"' | b'\'' => tag.length += string(&text[tag.length + 1..], byte),
                b'(' | b'[' | b'{' => {
                    depth += 1;
                    tag.brackets += 1;
                    tag.operators += 1;
                }
                b')' | b']' | b'}' => depth = depth.saturating_sub(1),
                b'+' | b'-' | b'*' | b'/' | b'%' | b'~' | b'|' | b'.' | b'=' | b'<' | b'>' | b'!' => tag.operators += 1,
                _ if word && !in_word && !byte.is_ascii_digit() => tag.operators += 1,
                _ => {}
            }
            in_word = word;
            tag.length += 1;
        }
        tag
    }
}

/// How long the rest of a string is, with its closing quote.
fn string(rest: &[u8], quote: u8) -> usize {
    let mut escaped = false;
    for (at, &byte) in rest.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if byte == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_lists_and_plain_braces_are_not_too_much() {
        let strings = format!("{{% set a = [{}] %}}", "\"x + y\", ".repeat(50_000));
        let numbers = format!("{{{{ [{}1] }}}}", "1, ".repeat(50_000));
        let braces = "{ a + b }\n".repeat(50_000);
        let comment = format!("{{# {} #}}", "{% a + b".repeat(50_000));
        let values = "{{ a.b | c }}".repeat(50_000);
        for source in [strings, numbers, braces, comment, values, "{{".to_owned(), "{{ '\\".to_owned()] {
            assert_eq!(too_much(&source), None, "{}", &source[..20.min(source.len())]);
        }
    }

    #[test]
    fn long_expressions_and_many_statements_are() {
        let plus = format!("text {{{{ 1{} }}}}", "+1".repeat(1001));
        assert_eq!(too_much(&plus).map(|(at, _)| at), Some(5));
        assert_eq!(too_long(&"a.".repeat(501)).map(|(at, _)| at), Some(0));
        assert!(too_much(&"{% set a = b %}".repeat(4097)).is_some());
        assert!(too_much(&"{% set a = [[[b]]] %}".repeat(1366)).is_some());
        assert!(too_much(&format!("{{{{ '}}}}' {} }}}}", "+ a".repeat(1001))).is_some());
    }
}
