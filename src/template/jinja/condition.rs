//! What `when` says, taken apart where Jinja's idea of truth would surprise.
//!
//! Environment variables are texts, and to Jinja every text but the empty one is true: `when = "env.DEBUG"` would hold for
//! `DEBUG=false`, and `not env.DEBUG` would not. So the operands of `and`, `or`, `not` and the whole are judged by us:
//!
//! - a text is false if it is empty or spells a false: `false`, `no`, `off`, `0`, `f`, `n`, in any case, with white space
//!   around it or not; every other text is true;
//! - what is not set is false; everything else is what Jinja says: `0`, `none` and an empty list are false.
//!
//! Only the outer structure is taken apart, through parentheses around a whole operand. What is inside a call, a
//! comparison or `a if b else c` is Jinja's, as everything in a template is: `env.DEBUG|bool` is the spelling for there.

use minijinja::Value;

/// How deep parentheses and `not` are followed; beyond, all is Jinja's.
const MAX_DEPTH: usize = 64;

/// A condition, taken apart. A leaf is a piece of the text and where it starts.
#[derive(Debug, PartialEq, Eq)]
pub enum Condition<'a> {
    Leaf(&'a str, usize),
    Not(Box<Condition<'a>>),
    /// `and`; with `true`, `or`.
    Several(bool, Vec<Condition<'a>>),
}

impl<'a> Condition<'a> {
    /// `text` must be an expression.
    pub fn new(text: &'a str) -> Self {
        parse(text, 0, 0)
    }

    /// From left to right, as far as it takes.
    pub fn holds<E>(&self, leaf: &mut impl FnMut(&str, usize) -> Result<bool, E>) -> Result<bool, E> {
        match self {
            Condition::Leaf(text, at) => leaf(text, *at),
            Condition::Not(operand) => operand.holds(leaf).map(|holds| !holds),
            Condition::Several(one_suffices, operands) => {
                for operand in operands {
                    if operand.holds(leaf)? == *one_suffices {
                        return Ok(*one_suffices);
                    }
                }
                Ok(!one_suffices)
            }
        }
    }
}

/// Whether a value is true in a condition.
pub fn is_true(value: &Value) -> bool {
    value.as_str().map_or_else(|| value.is_true(), |text| spelled(text) != Some(false))
}

/// Whether a text spells true or false; `None` if neither.
pub fn spelled(text: &str) -> Option<bool> {
    let text = text.trim();
    let is = |word: &&str| text.eq_ignore_ascii_case(word);
    if ["", "false", "no", "off", "0", "f", "n"].iter().any(is) {
        Some(false)
    } else {
        ["true", "yes", "on", "1", "t", "y"].iter().any(is).then_some(true)
    }
}

fn parse(text: &str, at: usize, depth: usize) -> Condition<'_> {
    let at = at + (text.len() - text.trim_start().len());
    let text = text.trim();
    let leaf = Condition::Leaf(text, at);
    let words = outer_words(text);
    if depth == MAX_DEPTH || words.iter().any(|&(_, word)| word == "if") {
        return leaf;
    }
    for operator in ["or", "and"] {
        let mut operands = Vec::new();
        let mut start = 0;
        for &(end, _) in words.iter().filter(|(_, word)| *word == operator) {
            operands.push(parse(&text[start..end], at + start, depth + 1));
            start = end + operator.len();
        }
        if start > 0 {
            operands.push(parse(&text[start..], at + start, depth + 1));
            return Condition::Several(operator == "or", operands);
        }
    }
    if let Some(&(0, "not")) = words.first() {
        return Condition::Not(Box::new(parse(&text[3..], at + 3, depth + 1)));
    }
    match inside_parentheses(text) {
        Some(inside) => parse(inside, at + 1, depth + 1),
        None => leaf,
    }
}

/// What is inside the parentheses that are around the whole text; not a tuple.
fn inside_parentheses(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('(')?.strip_suffix(')')?;
    let mut depth = 0_usize;
    let mut whole = true;
    outside_strings(inside, &mut |_, byte| match byte {
        b'(' | b'[' | b'{' => depth += 1,
        b')' | b']' | b'}' => match depth.checked_sub(1) {
            Some(less) => depth = less,
            None => whole = false,
        },
        b',' if depth == 0 => whole = false,
        _ => {}
    });
    (whole && !inside.trim().is_empty()).then_some(inside)
}

/// The names and keywords that are in no bracket and no string, and no attribute, and where they start.
fn outer_words(text: &str) -> Vec<(usize, &str)> {
    let mut words: Vec<(usize, &str)> = Vec::new();
    let mut depth = 0_usize;
    let mut previous = b' ';
    let mut in_word = false;
    outside_strings(text, &mut |at, byte| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let belongs = byte == b'_' || byte.is_ascii_alphanumeric() || !byte.is_ascii();
        if belongs && !in_word && depth == 0 && previous != b'.' {
            let rest = &text[at..];
            let end = rest.find(|c: char| c != '_' && c.is_ascii() && !c.is_ascii_alphanumeric());
            words.push((at, &rest[..end.unwrap_or(rest.len())]));
        }
        in_word = belongs;
        if !byte.is_ascii_whitespace() {
            previous = byte;
        }
    });
    words
}

/// Every byte that is in no string; for a string, its first quote.
fn outside_strings(text: &str, see: &mut dyn FnMut(usize, u8)) {
    let mut quote = None;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if byte == b'\\' => escaped = true,
            Some(open) => {
                if byte == open {
                    quote = None;
                }
            }
            None => {
                if byte == b'"' || byte == b'\'' {
                    quote = Some(byte);
                }
                see(at, byte);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(condition: &Condition) -> String {
        let list = |list: &[Condition]| list.iter().map(show).collect::<Vec<_>>().join(" ");
        match condition {
            Condition::Leaf(text, _) => format!("<{text}>"),
            Condition::Not(operand) => format!("(not {})", show(operand)),
            Condition::Several(false, operands) => format!("(and {})", list(operands)),
            Condition::Several(true, operands) => format!("(or {})", list(operands)),
        }
    }

    #[test]
    fn operands_are_found_where_jinja_finds_them() {
        for (text, parts) in [
            ("env.A", "<env.A>"),
            ("not env.A", "(not <env.A>)"),
            ("not not a", "(not (not <a>))"),
            ("not(a)", "(not <a>)"),
            ("nothing and orange", "(and <nothing> <orange>)"),
            ("a or b and not c", "(or <a> (and <b> (not <c>)))"),
            ("(a or b) and c", "(and (or <a> <b>) <c>)"),
            ("((a))", "<a>"),
            ("not a == b and c", "(and (not <a == b>) <c>)"),
            ("a not in b or c is not defined", "(or <a not in b> <c is not defined>)"),
            ("'x or y' in a", "<'x or y' in a>"),
            (r#"a == "\" or " or b"#, r#"(or <a == "\" or "> <b>)"#),
            ("exists(a or b)", "<exists(a or b)>"),
            ("[a or b]", "<[a or b]>"),
            ("(a or b) == c", "<(a or b) == c>"),
            ("(a) == (b)", "<(a) == (b)>"),
            ("(a, b)", "<(a, b)>"),
            ("()", "<()>"),
            ("a if b or c else d", "<a if b or c else d>"),
            ("env.or and env . not", "(and <env.or> <env . not>)"),
            ("env['and'] or x", "(or <env['and']> <x>)"),
        ] {
            assert_eq!(show(&Condition::new(text)), parts, "{text}");
        }
    }

    #[test]
    fn a_leaf_knows_where_it_starts() {
        let text = " not ( a or  bb )";
        let mut starts = Vec::new();
        let holds = Condition::new(text).holds(&mut |leaf, at| {
            starts.push(at);
            Ok::<_, ()>(!text[at..].starts_with(leaf))
        });
        assert_eq!((holds, starts), (Ok(true), vec![7, 13]));
    }

    #[test]
    fn nothing_is_too_deep() {
        let deep = format!("{}a{}", "(".repeat(10_000), ")".repeat(10_000));
        assert!(matches!(Condition::new(&deep), Condition::Leaf(..)));
    }
}
