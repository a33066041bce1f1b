//! JSON for people to read: a field a line, two blanks for each level.

/// A text that is written field by field. Who writes it gives an object's fields in the order of their names, as every
/// version of onset has had them.
#[derive(Default)]
pub struct Json {
    text: String,
    depth: usize,
    /// Whether something stands in what was opened last.
    filled: bool,
}

impl Json {
    /// Begins an object (`{`) or a list (`[`). `name`: of the field that it is; empty in a list.
    pub fn open(&mut self, name: &str, bracket: char) {
        self.begin(name);
        self.text.push(bracket);
        self.depth += 1;
        self.filled = false;
    }

    /// Ends it.
    pub fn close(&mut self, bracket: char) {
        self.depth -= 1;
        if self.filled {
            self.new_line();
        }
        self.text.push(bracket);
        self.filled = true;
    }

    /// A text; `None`: there is none.
    pub fn text(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.word(name, &quoted(value)),
            None => self.word(name, "null"),
        }
    }

    /// A word of JSON's own.
    pub fn word(&mut self, name: &str, word: &str) {
        self.begin(name);
        self.text += word;
        self.filled = true;
    }

    /// All of it.
    pub fn finish(self) -> String {
        self.text + "\n"
    }

    fn begin(&mut self, name: &str) {
        if self.filled {
            self.text.push(',');
        }
        if self.depth > 0 {
            self.new_line();
        }
        if !name.is_empty() {
            self.text += &quoted(name);
            self.text += ": ";
        }
    }

    fn new_line(&mut self) {
        self.text.push('\n');
        for _ in 0..self.depth {
            self.text += "  ";
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_is_what_serde_json_writes() {
        let mut json = Json::default();
        json.open("", '{');
        json.open("empty list", '[');
        json.close(']');
        json.open("empty object", '{');
        json.close('}');
        json.open("list", '[');
        json.text("", Some("a \"b\"\n\u{1}é"));
        json.open("", '{');
        json.text("nothing", None);
        json.word("true", "true");
        json.close('}');
        json.close(']');
        json.close('}');
        let expected = json!({
            "empty list": [], "empty object": {}, "list": ["a \"b\"\n\u{1}é", {"nothing": null, "true": true}],
        });
        assert_eq!(json.finish(), serde_json::to_string_pretty(&expected).expect("it is JSON") + "\n");
    }
}
