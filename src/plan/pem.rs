//! Certificates as PEM has them (RFC 7468), as far as a bundle needs to know them.
#![forbid(unsafe_code)]

use crate::config::named::Names;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
/// What a certificate may be called.
const LABELS: [&str; 3] = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"];

/// Whether there are certificates in it, and nothing that is no certificate.
///
/// # Errors
/// What is wrong with it, in words that hold nothing of it.
pub fn check(content: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(content).map_err(|_| {
        let der = content.first() == Some(&0x30);
        let hint = if der { "; it looks like DER: `openssl x509 -inform der` makes PEM of it" } else { "" };
        format!("it is no PEM{hint}")
    })?;
    let found = blocks(text)?;
    if found.is_empty() { Err("there is no certificate in it".to_owned()) } else { Ok(()) }
}

/// A certificate: its label and its data, without white space.
type Block<'a> = (&'a str, String);

fn blocks(text: &str) -> Result<Vec<Block<'_>>, String> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().map(str::trim).enumerate() {
        let at = |what: &str| format!("line {}: {what}", number + 1);
        if let Some(label) = label(line, BEGIN) {
            if open.is_some() {
                return Err(at("the certificate before this has no end"));
            }
            if !LABELS.contains(&label) {
                return Err(at("this is no certificate; a bundle holds nothing else"));
            }
            open = Some((label, String::new()));
        } else if let Some(label) = label(line, END) {
            match open.take() {
                Some(block) if block.0 == label && !block.1.is_empty() => blocks.push(block),
                Some(_) | None => return Err(at("this ends no certificate")),
            }
        } else if let Some((_, data)) = &mut open {
            let is_data = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
            if !line.bytes().all(is_data) {
                return Err(at("this is no Base64"));
            }
            data.push_str(line);
        }
    }
    if open.is_some() { Err("its last certificate has no end".to_owned()) } else { Ok(blocks) }
}

fn label<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.strip_prefix(start)?.strip_suffix("-----")
}

/// A bundle in the making.
#[derive(Default)]
pub struct Bundle {
    content: Vec<u8>,
    /// The data of those that are in it.
    known: Names,
}

impl Bundle {
    /// It begins with this, as it is.
    pub fn of(content: Vec<u8>) -> Self {
        let mut bundle = Bundle::default();
        for (_, data) in of(&content) {
            bundle.known.insert(&data, ());
        }
        bundle.content = content;
        bundle
    }

    /// Adds the certificates it does not have yet, without the text around them.
    pub fn add(&mut self, content: &[u8]) {
        for (label, data) in of(content) {
            if self.known.contains_key(&data) {
                continue;
            }
            self.known.insert(&data, ());
            if self.content.last().is_some_and(|&last| last != b'\n') {
                self.content.push(b'\n');
            }
            self.content.extend_from_slice(format!("{BEGIN}{label}-----\n").as_bytes());
            for chunk in data.as_bytes().chunks(64) {
                self.content.extend_from_slice(chunk);
                self.content.push(b'\n');
            }
            self.content.extend_from_slice(format!("{END}{label}-----\n").as_bytes());
        }
    }

    /// What is to be written.
    pub fn into_content(self) -> Vec<u8> {
        self.content
    }
}

/// Of what was checked.
fn of(content: &[u8]) -> Vec<Block<'_>> {
    std::str::from_utf8(content).ok().and_then(|text| blocks(text).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(data: &str) -> String {
        format!("-----BEGIN CERTIFICATE-----\n{data}\n-----END CERTIFICATE-----\n")
    }

    #[test]
    fn a_bundle_has_each_certificate_once() {
        let base = format!("# Example Root\n{}\n# Other\n{}", certificate("AAAA"), certificate("BBBB").trim_end());
        let mut bundle = Bundle::of(base.clone().into_bytes());
        bundle.add(format!("subject=x\n{}", certificate("CCCC")).replace('\n', "\r\n").as_bytes());
        bundle.add([certificate("BB\nBB"), certificate("CCCC")].concat().as_bytes());
        let content = String::from_utf8(bundle.into_content()).unwrap();
        assert_eq!(content, format!("{base}\n{}", certificate("CCCC")));
        let mut again = Bundle::of(content.clone().into_bytes());
        again.add(certificate("CCCC").as_bytes());
        assert_eq!(again.into_content(), content.as_bytes(), "a second time changes nothing");
    }

    #[test]
    fn long_data_is_broken_into_lines() {
        let mut bundle = Bundle::default();
        bundle.add(certificate(&"A".repeat(130)).as_bytes());
        let text = String::from_utf8(bundle.into_content()).unwrap();
        assert_eq!(text.lines().map(str::len).collect::<Vec<_>>(), [27, 64, 64, 2, 25]);
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        for (content, why) in [
            ("", "there is no certificate in it"),
            ("hello\n", "there is no certificate in it"),
            (key, "line 1: this is no certificate; a bundle holds nothing else"),
            (&[&certificate("AAAA"), key].concat(), "line 4: this is no certificate; a bundle holds nothing else"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n", "its last certificate has no end"),
            ("-----BEGIN CERTIFICATE-----\n<html>\n", "line 2: this is no Base64"),
            ("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "line 2: this ends no certificate"),
            ("-----END CERTIFICATE-----\n", "line 1: this ends no certificate"),
        ] {
            assert_eq!(check(content.as_bytes()), Err(why.to_owned()), "{content}");
        }
        let der = check(b"0\x82\x03\xff").unwrap_err();
        assert_eq!(der, "it is no PEM; it looks like DER: `openssl x509 -inform der` makes PEM of it");
        assert_eq!(check(certificate("AA+/A==").as_bytes()), Ok(()));
    }
}
