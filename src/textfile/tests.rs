use super::lines::{Find, Rule, Then};
use super::names::Mapping;
use super::{Format, Missing, Order, Wish, edit, extract, lines};
use proptest::prelude::*;

fn order(key: &str, wish: Wish) -> Order {
    let (section, key) = key.rsplit_once('!').unwrap_or(("", key));
    let (section, key) = (section.as_bytes().to_vec(), key.as_bytes().to_vec());
    Order { section, key, wish, missing: Missing::Append, commented: false }
}

fn set(key: &str, value: &str) -> Order {
    order(key, Wish::Text(value.as_bytes().to_vec()))
}

fn uncomment(key: &str, value: &str) -> Order {
    Order { commented: true, missing: Missing::Ignore, ..set(key, value) }
}

fn delete(key: &str) -> Order {
    order(key, Wish::Deleted)
}

/// What becomes of the text, and what is said of it; the second time nothing does.
#[track_caller]
fn edited(format: Format, text: &str, orders: &[Order]) -> (String, Vec<String>) {
    let first = edit(format, text.as_bytes(), orders, None).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let second = edit(format, &first.content, orders, None).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    assert_eq!(second.changes, [""; 0]);
    assert!(second.content == first.content);
    (String::from_utf8(first.content).unwrap(), first.changes)
}

#[track_caller]
fn becomes(format: Format, text: &str, orders: &[Order], expected: &str) {
    assert_eq!(edited(format, text, orders).0, expected);
}

#[track_caller]
fn refused(format: Format, text: &str, orders: &[Order]) -> Vec<String> {
    let Err(mistakes) = edit(format, text.as_bytes(), orders, None) else { panic!("it was not refused") };
    mistakes.iter().map(ToString::to_string).collect()
}

#[test]
fn a_line_keeps_all_but_its_value() {
    for (format, text, orders, expected) in [
        (
            Format::Properties,
            "  a = 1\nb:2\nc 3\nd\n",
            vec![set("a", "x"), set("b", "y"), set("c", "z"), set("d", "w")],
            "  a = x\nb:y\nc z\nd=w\n",
        ),
        (Format::Ini, "[s]\n\ta=1\n b : 2\n", vec![set("s!a", "x"), set("s!b", "y")], "[s]\n\ta=x\n b : y\n"),
        (
            Format::Shell,
            "export A=1 # one\n\tB='2'\nC=\"3\"\n",
            vec![set("A", "x"), set("B", "y"), set("C", "z")],
            "export A=x # one\n\tB='y'\nC=\"z\"\n",
        ),
        (
            Format::Yaml,
            "a:   1  # one\nl:\n    - b: '2'\n      c: \"3\"\n",
            vec![set("a", "x"), set("b", "y"), set("c", "z")],
            "a:   x  # one\nl:\n    - b: 'y'\n      c: \"z\"\n",
        ),
        (
            Format::Json,
            "{\n \"b\" : 1,\n \"a\": {\"c\":[1, 2]}\n}\n",
            vec![set("/b", "x"), set("/a/c/1", "y")],
            "{\n \"b\" : \"x\",\n \"a\": {\"c\":[1, \"y\"]}\n}\n",
        ),
    ] {
        becomes(format, text, &orders, expected);
    }
}

#[test]
fn line_ends_stay_as_they_are() {
    becomes(Format::Properties, "a=1\r\nb=2", &[set("a", "x"), set("c", "3")], "a=x\r\nb=2\r\nc=3");
    becomes(
        Format::Ini,
        "[s]\r\na=1\r\n",
        &[set("s!b", "2"), set("t!c", "3")],
        "[s]\r\na=1\r\nb=2\r\n\r\n[t]\r\nc=3\r\n",
    );
    becomes(Format::Yaml, "a: 1", &[set("b", "2")], "a: 1\nb: 2");
    becomes(Format::Shell, "A=1\nB=2", &[delete("B")], "A=1");
    becomes(Format::Shell, "", &[set("B", "2"), set("A", "1")], "B=2\nA=1\n");
    becomes(Format::Json, "", &[set("/a/b", "1")], "{\"a\": {\"b\": \"1\"}}\n");
}

/// `/ & | \` and the like are what sed fails on.
#[test]
fn values_are_literal() {
    let value = r"a/b & c|d \1 $x `y` é";
    becomes(Format::Properties, "k=1\n", &[set("k", value)], "k=a/b & c|d \\\\1 $x `y` \\u00e9\n");
    becomes(Format::Ini, "k=1\n", &[set("k", value)], &format!("k={value}\n"));
    becomes(Format::Shell, "k=1\n", &[set("k", value)], &format!("k='{value}'\n"));
    becomes(Format::Yaml, "k: 1\n", &[set("k", value)], &format!("k: {value}\n"));
    becomes(Format::Json, r#"{"k":1}"#, &[set("/k", value)], r#"{"k":"a/b & c|d \\1 $x `y` é"}"#);
}

#[test]
fn a_newline_is_escaped_or_refused() {
    becomes(Format::Properties, "", &[set("k", "a\nb")], "k=a\\nb\n");
    becomes(Format::Shell, "", &[set("k", "a\nb")], "k='a\nb'\n");
    becomes(Format::Yaml, "", &[set("k", "a\nb")], "k: \"a\\nb\"\n");
    becomes(Format::Json, "", &[set("/k", "a\nb")], "{\"k\": \"a\\nb\"}\n");
    let told = refused(Format::Ini, "", &[set("s!k", "hidden\nvalue"), set("fine", "1")]);
    assert_eq!(told, ["`s.k`: a value of an ini file is one line, and this one has a newline in it"]);
}

#[test]
fn of_several_the_last_counts() {
    becomes(Format::Properties, "a=1\na=2\nb=3\n", &[set("a", "x")], "a=1\na=x\nb=3\n");
    becomes(
        Format::Ini,
        "[s]\na=1\n[t]\na=2\n[s]\na=3\n",
        &[set("s!a", "x"), set("s!b", "y")],
        "[s]\na=1\n[t]\na=2\n[s]\na=x\nb=y\n",
    );
    becomes(Format::Yaml, "a: 1\nb:\n  a: 2\na: 3\n", &[set("a", "x")], "a: 1\nb:\n  a: 2\na: x\n");
    becomes(Format::Json, r#"{"a":1,"a":2}"#, &[set("/a", "x")], r#"{"a":1,"a":"x"}"#);
    becomes(Format::Shell, "A=1\nB=2\nA=3\n", &[delete("A")], "B=2\n");
}

#[test]
fn a_key_is_that_key_and_no_pattern() {
    becomes(Format::Properties, "a.b=1\naxb=2\n", &[set("a.b", "x")], "a.b=x\naxb=2\n");
    becomes(Format::Properties, "a\\ b\\u003d=1\n", &[set("a b=", "x")], "a\\ b\\u003d=x\n");
    becomes(Format::Properties, "", &[set("a b=é", "x")], "a\\ b\\=\\u00e9=x\n");
    becomes(Format::Yaml, "\"a\": 1\n'b': 2\nab: 3\n", &[set("a", "x"), set("b", "y")], "\"a\": x\n'b': y\nab: 3\n");
    becomes(Format::Json, r#"{"a/b":1,"m~n":2}"#, &[set("/a~1b", "x"), set("/m~0n", "y")], r#"{"a/b":"x","m~n":"y"}"#);
}

#[test]
fn what_is_missing_is_added_refused_or_left_out() {
    for (format, text, added) in [
        (Format::Properties, "a = 1\n", "a = 1\nk = v\n"),
        (Format::Ini, "a=1\n", "a=1\nk=v\n"),
        (Format::Shell, "A=1\n", "A=1\nk=v\n"),
        (Format::Yaml, "a:    1\n", "a:    1\nk: v\n"),
    ] {
        becomes(format, text, &[set("k", "v")], added);
        assert_eq!(
            refused(format, text, &[Order { missing: Missing::Refuse, ..set("k", "v") }]),
            ["`k`: it is not there"]
        );
        becomes(format, text, &[Order { missing: Missing::Ignore, ..set("k", "v") }], text);
        becomes(format, text, &[Order { missing: Missing::Refuse, ..delete("k") }], text);
    }
    let text = r#"{"a":{}}"#;
    assert_eq!(
        refused(Format::Json, text, &[Order { missing: Missing::Refuse, ..set("/b", "v") }]),
        ["`/b`: it is not there"]
    );
    becomes(Format::Json, text, &[Order { missing: Missing::Ignore, ..set("/a/b", "v") }], text);
    let spaced = edit(Format::Properties, b"a=1\n", &[set("k", "v")], Some(b" : ")).unwrap_or_else(|_| panic!());
    assert_eq!(spaced.content, b"a=1\nk : v\n");
}

#[test]
fn a_comment_becomes_a_key_only_if_no_other_is() {
    becomes(Format::Yaml, "# k: the key\n# k: 1 # one\n", &[uncomment("k", "x")], "# k: the key\nk: x # one\n");
    becomes(
        Format::Yaml,
        "a:\n  #k: 1\n#   l: 2\n",
        &[uncomment("k", "x"), uncomment("l", "y")],
        "a:\n  k: x\n  l: y\n",
    );
    becomes(Format::Yaml, "k: 2\n# k: 1\n", &[uncomment("k", "x")], "k: x\n# k: 1\n");
    becomes(
        Format::Ini,
        "[s]\n;k = 1\n; a sentence\n[t]\n#k=2\n",
        &[uncomment("s!k", "x")],
        "[s]\nk = x\n; a sentence\n[t]\n#k=2\n",
    );
    becomes(Format::Shell, "# export K=it's\nB=1\n", &[uncomment("K", "x")], "export K=x\nB=1\n");
    becomes(
        Format::Properties,
        "#k is what it is\n#k=1\\\nb=2\n",
        &[uncomment("k", "x")],
        "#k is what it is\nk=x\nb=2\n",
    );
    becomes(Format::Properties, "#k=1\n", &[set("k", "x")], "#k=1\nk=x\n");
    assert_eq!(edited(Format::Yaml, "# k: 1\n", &[uncomment("k", "1")]).1, ["uncomment `k`"]);
    becomes(Format::Yaml, "a: 1\n", &[uncomment("k", "x")], "a: 1\n");
}

#[test]
fn what_is_so_already_stays_however_it_is_written() {
    for (format, text, order) in [
        (Format::Properties, "k = a\\\n    b\\u0063\n", set("k", "abc")),
        (Format::Shell, "K=\"a\"'b'\\c\n", set("K", "abc")),
        (Format::Yaml, "k: \"a\\x62c\" # so\n", set("k", "abc")),
        (Format::Json, "{\"k\": \"a\\u0062c\"}", set("/k", "abc")),
        (Format::Json, "{\"k\": {\"a\": 1, \"b\": [ ]}}", order_json("/k", "{\"b\":[],\"a\":1}")),
    ] {
        assert_eq!(edited(format, text, &[order]), (text.to_owned(), vec![]));
    }
}

fn order_json(key: &str, json: &str) -> Order {
    order(key, Wish::Json(json.as_bytes().to_vec()))
}

#[test]
fn properties_go_on_over_lines() {
    becomes(Format::Properties, "a = 1,\\\n  2,\\\r\n  3\nb=4\n", &[set("a", "5")], "a = 5\nb=4\n");
    becomes(Format::Properties, "a=1\\\\\nb=2\n", &[set("b", "x")], "a=1\\\\\nb=x\n");
    becomes(Format::Properties, "# no \\\nb=2\n", &[set("b", " x ")], "# no \\\nb=\\ x \n");
    becomes(Format::Properties, "a=1\\\n#b=2\n", &[delete("a")], "");
    becomes(Format::Properties, "\n", &[set("k", "\u{1F600}")], "\nk=\\ud83d\\ude00\n");
    let told = refused(Format::Properties, "a=1\\\n", &[set("b", "2")]);
    assert_eq!(told, ["`b`: the last line of the file ends with a backslash, so nothing can be added behind it"]);
}

#[test]
fn sections_are_told_apart() {
    let text = "a=0\n\n[s]\na=1\n\n; the next\n[t.u]\n";
    becomes(
        Format::Ini,
        text,
        &[set("s!b", "2"), set("t.u!a", "3"), set("b", "4")],
        "a=0\nb=4\n\n[s]\na=1\nb=2\n\n; the next\n[t.u]\na=3\n",
    );
    becomes(
        Format::Ini,
        "[s]\na=1\n",
        &[set("v!b", "1"), set("u!a", "2"), set("v!a", "3")],
        "[s]\na=1\n\n[u]\na=2\n\n[v]\nb=1\na=3\n",
    );
    becomes(Format::Ini, "", &[set("s!a", "1")], "[s]\na = 1\n");
    becomes(
        Format::Ini,
        "[s]\nskip-name-resolve\nk =\n",
        &[set("s!k", "v"), set("s!skip-name-resolve", "1")],
        "[s]\nskip-name-resolve = 1\nk =v\n",
    );
    becomes(Format::Ini, "url = a:b\nC:\\x = 1\n", &[set("url", "c"), set("C:\\x", "2")], "url = c\nC:\\x = 2\n");
}

#[test]
fn a_last_line_that_gets_a_value_gets_it_before_a_new_one_follows() {
    let orders = [set("s!b", "2"), set("s!flag", "x")];
    becomes(Format::Ini, "[s]\na=1\nflag", &orders, "[s]\na=1\nflag = x\nb=2");
}

#[test]
fn a_shell_reads_back_what_is_written() {
    let written = |value: &str| edited(Format::Shell, "", &[set("K", value)]).0;
    assert_eq!(written("a-b/c:d"), "K=a-b/c:d\n");
    assert_eq!(written(""), "K=\n");
    assert_eq!(written("a b"), "K='a b'\n");
    assert_eq!(written("it's \"$5\""), "K=\"it's \\\"\\$5\\\"\"\n");
    becomes(Format::Shell, "A='one\ntwo' # both\nB=1\n", &[set("A", "x")], "A='x' # both\nB=1\n");
    becomes(Format::Shell, "A=one two\nC=1\n", &[set("A", "x"), set("C", "y")], "A=x\nC=y\n");
    assert_eq!(
        refused(Format::Shell, "A=1\nB=it's\n", &[set("A", "x")]),
        ["`B`: a quote in its value is never closed"]
    );
    assert!(refused(Format::Shell, "", &[set("a b", "")])[0].contains("no name of a variable"));
}

#[test]
fn yaml_is_quoted_where_it_has_to_be() {
    let written = |value: &str| edited(Format::Yaml, "k: old\n", &[set("k", value)]).0;
    for plain in ["4", "true", "10.7.0.3", "a,b", "-1", "http://x/y?z#a", "it's", "My C", "é"] {
        assert_eq!(written(plain), format!("k: {plain}\n"));
    }
    for special in ["", " a", "a: b", "a #b", "#a", "- a", "[a]", "*a", "a:", "%a", "@a"] {
        assert_eq!(written(special), format!("k: \"{special}\"\n"));
    }
    assert_eq!(written("\"\t\u{1}"), "k: \"\\\"\\t\\x01\"\n");
    becomes(Format::Yaml, "k: 'a'\n", &[set("k", "it's")], "k: 'it''s'\n");
    becomes(Format::Yaml, "k:\nl: 1\n", &[set("k", "v")], "k: v\nl: 1\n");
    becomes(Format::Yaml, "k: # what\n", &[set("k", "v")], "k: v # what\n");
    becomes(Format::Yaml, "k: no\n", &[order("k", Wish::Quoted(b"no".to_vec()))], "k: \"no\"\n");
    becomes(Format::Yaml, "k: []\n", &[order_json("k", "[\"a\", 1]")], "k: [\"a\", 1]\n");
}

#[test]
fn yaml_of_several_lines_is_left_alone() {
    let several = ["its value goes on over several lines, and cannot be replaced"];
    // What stands in an open quote is text, whatever it looks like.
    let open = "a: \"x\n  c: hello\"\nc: 2\n";
    becomes(Format::Yaml, open, &[set("c", "1")], "a: \"x\n  c: hello\"\nc: 1\n");
    assert_eq!(refused(Format::Yaml, open, &[set("a", "1")]), [format!("`a`: {}", several[0])]);
    for text in [
        "k:\n  a: 1\n",
        "k:\n- a\n",
        "k: |\n  a: 1\nb: 2\n",
        "k: a\n  b\n",
        "k: \"a\n  b\"\n",
        "k:\n\n# c\n  - a\n",
        "k: [a,\n  b]\n",
    ] {
        let told = refused(Format::Yaml, text, &[set("k", "x")]);
        assert_eq!(told, several.map(|what| format!("`k`: {what}")), "{text:?}");
        assert!(refused(Format::Yaml, text, &[delete("k")])[0].contains("cannot be taken out"));
    }
    // What looks like a key in a text is none.
    becomes(Format::Yaml, "t: |\n  k: 1\n\n  k: 2\nk: 3\n", &[set("k", "x")], "t: |\n  k: 1\n\n  k: 2\nk: x\n");
    becomes(Format::Yaml, "l:\n- k: >-\n    a: 1\n  a: 2\n", &[set("a", "x")], "l:\n- k: >-\n    a: 1\n  a: x\n");
    assert_eq!(
        refused(Format::Yaml, "a:\n  k: 1\nb:\n  k: 2\n", &[set("k", "x")]),
        ["`k`: it is there more than once, below different keys"]
    );
    assert!(refused(Format::Yaml, "a:\n  - k: 1\n", &[delete("k")])[0].contains("begins an item of a list"));
}

#[test]
fn json_keeps_its_form() {
    let text = "{\n  \"a\": 1,\n  \"b\": [\n    1\n  ]\n}\n";
    becomes(Format::Json, text, &[set("/c", "x")], "{\n  \"a\": 1,\n  \"b\": [\n    1\n  ],\n  \"c\": \"x\"\n}\n");
    becomes(Format::Json, text, &[order_json("/b/1", "2")], "{\n  \"a\": 1,\n  \"b\": [\n    1,\n    2\n  ]\n}\n");
    becomes(Format::Json, text, &[delete("/a")], "{\n  \"b\": [\n    1\n  ]\n}\n");
    becomes(Format::Json, text, &[delete("/b")], "{\n  \"a\": 1\n}\n");
    becomes(Format::Json, "{\"a\": 1}", &[delete("/a")], "{}");
    becomes(Format::Json, "{\"a\": 1}", &[set("/b", "x")], "{\"a\": 1, \"b\": \"x\"}");
    becomes(
        Format::Json,
        "{\"a\":1,\"b\":2}",
        &[set("/c/d/e", "x")],
        "{\"a\":1,\"b\":2,\"c\":{\"d\": {\"e\": \"x\"}}}",
    );
    becomes(
        Format::Json,
        "[ {\"a\": \"}]\\\"\"}, [] ]",
        &[order_json("/0/a", "null"), order_json("/1/0", "1")],
        "[ {\"a\": null}, [1] ]",
    );
    becomes(Format::Json, "1", &[order_json("", "[2]")], "[2]");
}

#[test]
fn json_that_cannot_be_so_is_refused() {
    let one = |text: &str, order| refused(Format::Json, text, &[order])[0].clone();
    assert_eq!(one("{\"a\": hidden}", set("/a", "")), "it is not JSON: line 1, column 7");
    assert_eq!(one("{\"a\": 1}", set("/a/b", "")), "`/a/b`: `/a` is neither an object nor a list");
    assert_eq!(one("{\"a\": [1]}", set("/a/2", "")), "`/a/2`: `2` is no place in a list of 1");
    assert_eq!(one("{\"a\": [1]}", set("/a/x", "")), "`/a/x`: `x` is no place in a list of 1");
    assert_eq!(one("{}", set("a", "")), "`a`: a JSON pointer begins with `/`, as in `/a/b/0`");
    assert_eq!(one("{}", order_json("/a", "{hidden")), "`/a`: the value is not JSON");
    assert_eq!(one("{}", delete("")), "all of it cannot be deleted");
    assert_eq!(one(&"[".repeat(100_000), set("/0", "")), "it is not JSON: line 1, column 100000");
}

#[test]
fn changes_are_named_without_values() {
    let orders = [set("k", "hidden"), set("n", "hidden"), delete("d"), set("same", "1"), uncomment("c", "hidden")];
    let (_, changes) = edited(Format::Properties, "k=1\nd=2\nsame=1\n#c=3\n", &orders);
    assert_eq!(changes, ["set `k`", "add `n`", "delete `d`", "uncomment `c`"]);
}

fn rule(pattern: &str, then: Then) -> Rule {
    Rule { find: Find::Match(regex_lite::Regex::new(pattern).unwrap()), then }
}

fn set_line(line: &str, keep_indent: bool, missing: Missing) -> Then {
    Then::Set { line: line.as_bytes().to_vec(), keep_indent, missing }
}

#[track_caller]
fn ruled(text: &str, rules: &[Rule]) -> (String, Vec<String>) {
    let first = lines::edit(text.as_bytes(), rules).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let second = lines::edit(&first.content, rules).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    assert!(second.content == first.content && second.changes.is_empty());
    (String::from_utf8(first.content).unwrap(), first.changes)
}

#[test]
fn lines_are_set_deleted_and_added_once() {
    use Missing::{Append, Ignore, Refuse};
    for (text, rule, expected) in [
        ("a\n  port=1\r\nb", rule("^ *port=", set_line("port=$1 \\1 &", true, Refuse)), "a\n  port=$1 \\1 &\r\nb"),
        ("\tport=1\n", rule("port=", set_line("port=2", false, Refuse)), "port=2\n"),
        ("a\n", rule("^b", set_line("b", false, Append)), "a\nb\n"),
        ("a\r\nc", rule("^b", set_line("b", false, Append)), "a\r\nc\r\nb"),
        ("a\n", rule("^b", set_line("b", false, Ignore)), "a\n"),
        ("", rule("^b", set_line("b", false, Append)), "b\n"),
        ("old\n", rule("^old$", set_line("new", false, Refuse)), "new\n"),
        ("a\nb\na\n", rule("^a$", Then::Delete), "b\n"),
        ("a\nb", rule("^b$", Then::Delete), "a"),
        ("a\n", rule("^b$", Then::Delete), "a\n"),
        (
            "http {\n}\n",
            rule("^stream *\\{", Then::Append(b"stream {\n  x;\n}".to_vec())),
            "http {\n}\nstream {\n  x;\n}\n",
        ),
        ("stream {\n}\n", rule("^stream *\\{", Then::Append(b"stream {\n  x;\n}".to_vec())), "stream {\n}\n"),
        ("x\n", Rule { find: Find::Nothing, then: Then::Append(b"a\nb\n".to_vec()) }, "x\na\nb\n"),
        ("a\nb\nx\n", Rule { find: Find::Nothing, then: Then::Append(b"a\nb\n".to_vec()) }, "a\nb\nx\n"),
        ("a.b\naxb\n", Rule { find: Find::Line(b"a.b".to_vec()), then: Then::Delete }, "axb\n"),
    ] {
        assert_eq!(ruled(text, &[rule]).0, expected, "{text:?}");
    }
    let rules = [rule("^x", set_line("x", false, Refuse)), rule("^y", set_line("y", true, Refuse))];
    let Err(mistakes) = lines::edit(b"a\n\xff\n", &rules) else { panic!() };
    let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["rule 1: no line matches `^x`", "rule 2: no line matches `^y`"]);
    let (_, changes) = ruled("a\nb\nc\n", &[rule("^b", set_line("B", false, Refuse)), rule("^c", Then::Delete)]);
    assert_eq!(changes, ["set line 2", "delete line 3"]);
}

#[test]
fn a_value_is_read_as_a_reader_would() {
    let read = |format, text: &str, section: &str, key: &str| {
        let value = extract::key(format, text.as_bytes(), section.as_bytes(), key.as_bytes());
        value.map(|value| value.map(|value| String::from_utf8(value).unwrap()))
    };
    for (format, text, section, key, value) in [
        (Format::Ini, "a=0\n[s]\n#a=1\na = 2 \n", "s", "a", Some("2")),
        (Format::Ini, "a=0\n[s]\na = 2 \n", "", "a", Some("0")),
        (Format::Properties, "#a=0\na : x\\\n  y\\u00e9\n", "", "a", Some("xyé")),
        (Format::Shell, "export A='x y'\"z\" # c\n", "", "A", Some("x yz")),
        (Format::Shell, "A=x y\n", "", "A", Some("x y")),
        (Format::Yaml, "# a: 0\na: 'it''s'\n", "", "a", Some("it's")),
        (Format::Yaml, "a:\n", "", "a", Some("")),
        (Format::Json, "{\"a\": [1, \"x\\n\", null, {\"b\" : 1}, true]}", "", "/a/1", Some("x\n")),
        (Format::Json, "{\"a\": [1, null, {\"b\" : 1}]}", "", "/a/2", Some("{\"b\" : 1}")),
        (Format::Json, "{\"a\": [1, null]}", "", "/a/1", None),
        (Format::Json, "{\"a\": 1}", "", "/a/b", None),
        (Format::Yaml, "b: 1\n", "", "a", None),
    ] {
        assert_eq!(read(format, text, section, key), Ok(value.map(str::to_owned)), "{text:?}");
    }
    assert!(read(Format::Yaml, "a:\n  b: 1\n", "", "a").is_err());
    assert!(read(Format::Json, "{", "", "/a").is_err());
}

#[test]
fn toml_and_patterns_are_read() {
    let text = b"a = 0x10\nf = 1.50\nd = 1979-05-27\n[s.'x.y']\nt = ['u', { v = true }]\n";
    let read = |path: &str| {
        extract::toml(text, path.as_bytes()).map(|value| value.map(|value| String::from_utf8(value).unwrap()))
    };
    for (path, value) in [
        ("a", Some("16")),
        ("f", Some("1.50")),
        ("d", Some("1979-05-27")),
        ("s.\"x.y\".t.0", Some("u")),
        ("s.\"x.y\".t.1.v", Some("true")),
        ("s.\"x.y\".t.7", None),
        ("s.z", None),
        ("a.b", None),
    ] {
        assert_eq!(read(path), Ok(value.map(str::to_owned)), "{path}");
    }
    assert!(read("s").is_err() && read("s.\"x").is_err());
    assert_eq!(extract::toml(b"a = 1\nb = hidden\n", b"a").unwrap_err(), "it is not TOML: line 2");
    let regex = |pattern: &str| regex_lite::Regex::new(pattern).unwrap();
    let version = b"x\n$wp_version = '6.5.2';\n";
    assert_eq!(extract::pattern(version, &regex(r"(?m)^\$wp_version = '([^']*)'")), Ok(Some(b"6.5.2".to_vec())));
    assert_eq!(extract::pattern(version, &regex(r"\d+")), Ok(Some(b"6".to_vec())));
    assert_eq!(extract::pattern(version, &regex("none")), Ok(None));
}

#[test]
fn names_become_keys() {
    let kafka = Mapping {
        prefix: "KAFKA_",
        start: "",
        replace: vec![("___", "_"), ("__", "-"), ("_", ".")],
        lower: true,
        exclude: vec!["KAFKA_HEAP_*"],
    };
    for (name, key) in [
        ("KAFKA_LOG_DIRS", Some("log.dirs")),
        ("KAFKA_A__B___C_D", Some("a-b_c.d")),
        ("KAFKA_HEAP_OPTS", None),
        ("KAFKA_", None),
        ("OTHER", None),
        ("kafka_x", None),
    ] {
        assert_eq!(kafka.key(name).as_deref(), key, "{name}");
    }
    let keys = kafka.keys(["KAFKA_B", "KAFKA_A_C", "X"].into_iter()).unwrap();
    assert_eq!(keys.into_iter().collect::<Vec<_>>(), [("a.c".to_owned(), "KAFKA_A_C"), ("b".to_owned(), "KAFKA_B")]);
    let clash = kafka.keys(["KAFKA_A_B", "KAFKA_a_b"].into_iter()).unwrap_err();
    assert_eq!(clash, ("KAFKA_A_B", "KAFKA_a_b", "a.b".to_owned()));
}

const FORMATS: [Format; 5] = [Format::Properties, Format::Ini, Format::Shell, Format::Yaml, Format::Json];

proptest! {
    /// Whatever the file is: twice is once, and what was set is what is read.
    #[test]
    fn twice_is_once(
        format in proptest::sample::select(&FORMATS[..]),
        text in "([ab#;\\[\\]:= \\t'\"\\\\\\-|{},1]{0,8}\r?\n){0,5}[ab:= \\\\]{0,4}|(\\{\"a\":(1|\\[\\]|\"\\\\\"\")(, \"b\" : \\{ \\})?\\})",
        orders in proptest::collection::vec(("[ab]|a\\.b|/a|/b/a", "[ab '\"\\\\#:=/\n\té\u{1F600}-]{0,8}", any::<(bool, bool)>()), 1..4),
    ) {
        let mut known = Vec::new();
        let orders: Vec<Order> = orders
            .into_iter()
            .filter(|(key, ..)| { let new = !known.contains(key); known.push(key.clone()); new })
            .map(|(key, value, (deleted, commented))| {
                let order = if deleted { delete(&key) } else { set(&key, &value) };
                Order { commented, ..order }
            })
            .collect();
        if let Ok(first) = edit(format, text.as_bytes(), &orders, None) {
            let second = edit(format, &first.content, &orders, None);
            let second = second.map_err(|mistakes| TestCaseError::fail(format!("{mistakes:?}")))?;
            prop_assert_eq!(String::from_utf8_lossy(&second.content), String::from_utf8_lossy(&first.content));
            prop_assert_eq!(second.changes, Vec::<String>::new());
            for order in &orders {
                let found = extract::key(format, &first.content, &order.section, &order.key);
                match &order.wish {
                    // An ini file cannot say where a value's blanks are.
                    Wish::Text(value) if format == Format::Ini =>
                        prop_assert_eq!(found, Ok(Some(value.trim_ascii().to_vec()))),
                    Wish::Text(value) => prop_assert_eq!(found, Ok(Some(value.clone()))),
                    _ => prop_assert_eq!(found, Ok(None)),
                }
            }
        }
    }

    /// What was not asked for stays.
    #[test]
    fn nothing_else_changes(
        format in proptest::sample::select(&FORMATS[..4]),
        lines in proptest::collection::vec("[ab#; \\[\\]1-]{0,8}", 0..6),
        value in "[a-z0-9]{1,4}",
    ) {
        let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        if let Ok(edited) = edit(format, text.as_bytes(), &[set("key", &value)], None) {
            let content = String::from_utf8(edited.content).unwrap();
            let rest: String = content.split_inclusive('\n').filter(|line| !line.contains("key")).collect();
            prop_assert_eq!(rest, text);
            prop_assert_eq!(content.lines().filter(|line| line.contains("key")).count(), 1);
        }
    }
}
