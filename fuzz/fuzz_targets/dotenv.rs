//! Files with variables, of any bytes: no panic, mistakes in lines there are, and what was read can be written and read
//! again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use onset::plan::dotenv::parse;

fuzz_target!(|text: &[u8]| {
    let lines = text.split(|&byte| byte == b'\n').count();
    let entries = match parse(text) {
        Ok(entries) => entries,
        Err(mistakes) => {
            assert!(!mistakes.is_empty());
            assert!(mistakes.iter().all(|mistake| (1..=lines).contains(&mistake.line)));
            assert!(mistakes.is_sorted_by(|one, next| one.line < next.line));
            return;
        }
    };
    assert!(entries.len() <= lines);
    let mut written = Vec::new();
    for entry in &entries {
        assert!(!entry.name.is_empty() && !entry.name.iter().any(|byte| b" \t\r\n=\0".contains(byte)));
        assert!(!entry.value.contains(&0));
        let escaped = entry.value.iter().flat_map(|&byte| match byte {
            b'"' | b'\\' | b'$' => vec![b'\\', byte],
            byte => vec![byte],
        });
        written.extend([&entry.name[..], b"=\"", &escaped.collect::<Vec<u8>>(), b"\" # comment\n"].concat());
    }
    // A name that begins like a comment or like the mark at the start of a file cannot be written so.
    if entries.iter().all(|entry| ![&b"#"[..], b"\xef\xbb\xbf"].iter().any(|start| entry.name.starts_with(start))) {
        assert_eq!(parse(&written).as_deref(), Ok(&entries[..]));
    }
});
