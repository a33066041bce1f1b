//! A random secret, made once.

use super::Outcome;
use super::error::{Reason, Refusal, Request, StepError, for_read, for_write};
use super::folder::{self, Folders, Temporary};
use super::place::{Kind, Place};
use super::rights::dress;
use crate::plan::model::{Generate, Recipe};
use crate::sys::{file, random};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::path::Path;

/// The largest secret that is read.
const LARGEST: usize = 1 << 20;

/// Makes it if it is not there; with its bytes, if they are asked for.
pub(super) fn generate(generate: &Generate) -> Result<(Outcome, Vec<u8>), StepError> {
    let mut folders = Folders::default();
    let result = ensure(generate, &mut folders);
    let attempt = || format!("make the secret `{}`", generate.path.display());
    let (made, content) = result.map_err(|reason| StepError::new(attempt(), reason))?;
    Ok((Outcome { changes: folders.made + usize::from(made), notes: Vec::new() }, content))
}

#[inline(never)]
fn ensure(generate: &Generate, folders: &mut Folders) -> Result<(bool, Vec<u8>), Reason> {
    let place = folders.follow(&generate.path)?;
    let explain = |(error, request): Refusal| Reason::system(error, request, &place.path);
    let mut made = false;
    if place.there.is_none() {
        let placed = folder::place(&mut || fill(generate, &place), &|temporary| temporary.place_new(&place.name));
        made = placed.map_err(explain)?;
        if made {
            // The name is to last as long as the content. A folder that may not be read cannot be synced.
            match file::sync(&place.folder) {
                Ok(()) | Err(Errno::EBADF | Errno::EINVAL) => {}
                Err(error) => return Err(explain(for_write(error))),
            }
        }
    }
    // Also of what another start has made in the meantime.
    let there = file::stat_at(&place.folder, &place.name).map_err(for_read).map_err(explain)?;
    match Kind::of(&there) {
        Kind::File => {}
        kind => return Err(Reason::text(format!("there is {}", kind.words()))),
    }
    if there.st_size == 0 {
        return Err(Reason::text(
            "there is an empty file, and no secret in it: remove it for one to be made".to_owned(),
        ));
    }
    if generate.into.is_none() {
        return Ok((made, Vec::new()));
    }
    Ok((made, read(&place).map_err(explain)?))
}

/// A new secret under a temporary name, on the disk.
fn fill(generate: &Generate, place: &Place) -> Result<Temporary, Refusal> {
    let (temporary, opened) = place.folder.temporary_file().map_err(for_write)?;
    let content = make(&generate.recipe).map_err(for_read)?;
    file::write(&opened, &content).map_err(for_write)?;
    dress(&opened, generate.mode, generate.owner, None)?;
    file::sync(&opened).map_err(for_write)?;
    Ok(temporary)
}

fn read(place: &Place) -> Result<Vec<u8>, Refusal> {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let opened = file::open(&place.folder, Path::new(&place.name), flags, 0).map_err(for_read)?;
    let mut content = vec![0; LARGEST + 1];
    let length = file::read(&opened, &mut content).map_err(for_read)?;
    content.truncate(length);
    if length > LARGEST { Err((Errno::EFBIG, Request::Read)) } else { Ok(content) }
}

fn make(recipe: &Recipe) -> nix::Result<Vec<u8>> {
    let bytes = |count: usize| {
        let mut bytes = vec![0; count];
        random::fill(&mut bytes).map(|()| bytes)
    };
    Ok(match recipe {
        Recipe::Bytes(count) => bytes(*count)?,
        Recipe::Hex(count) => hex(&bytes(*count)?),
        Recipe::Base64(count) => crate::template::jinja::base64(&bytes(*count)?).into_bytes(),
        Recipe::Characters(count, alphabet) => characters(*count, alphabet)?.into_bytes(),
        Recipe::Uuid => {
            let mut uuid = bytes(16)?;
            // RFC 9562: version 4, and the variant.
            uuid[6] = uuid[6] & 0x0f | 0x40;
            uuid[8] = uuid[8] & 0x3f | 0x80;
            let mut text = hex(&uuid);
            for place in [8, 13, 18, 23] {
                text.insert(place, b'-');
            }
            text
        }
    })
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for byte in bytes {
        text.extend([byte >> 4, byte & 15].map(|digit| b"0123456789abcdef"[usize::from(digit)]));
    }
    text
}

/// Each as likely as any other: a byte beyond the last whole multiple of their number is drawn again.
fn characters(count: usize, alphabet: &[char]) -> nix::Result<String> {
    let fair = 256 / alphabet.len() * alphabet.len();
    let mut text = String::new();
    let mut left = count;
    while left > 0 {
        let mut drawn = vec![0; left];
        random::fill(&mut drawn)?;
        for byte in drawn.into_iter().map(usize::from).filter(|&byte| byte < fair) {
            text.push(alphabet[byte % alphabet.len()]);
            left -= 1;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{directory, identities, mode, put, strays};
    use super::*;
    use crate::plan::model::Ownership;
    use crate::sys::file::fault;
    use std::collections::BTreeSet;
    use std::fs;

    fn text(recipe: &Recipe) -> String {
        String::from_utf8(make(recipe).unwrap()).unwrap()
    }

    fn secret(path: &Path) -> Generate {
        let owner = Ownership::default();
        Generate { path: path.to_owned(), recipe: Recipe::Hex(16), mode: 0o600, owner, into: Some("KEY".to_owned()) }
    }

    #[test]
    fn every_kind_has_its_form() {
        assert_eq!(make(&Recipe::Bytes(33)).unwrap().len(), 33);
        let hex = text(&Recipe::Hex(24));
        assert!(hex.len() == 48 && hex.bytes().all(|byte| b"0123456789abcdef".contains(&byte)), "{hex}");
        assert_eq!(text(&Recipe::Base64(32)).len(), 44);
        let uuid = text(&Recipe::Uuid);
        let form = regex_lite::Regex::new("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$");
        assert!(form.unwrap().is_match(&uuid), "{uuid}");
        assert_ne!(uuid, text(&Recipe::Uuid));
    }

    #[test]
    fn every_character_is_as_likely_as_any_other() {
        let alphabet: Vec<char> = ('a'..='z').chain(['é']).collect();
        let text = text(&Recipe::Characters(27_000, alphabet.clone()));
        assert_eq!(text.chars().count(), 27_000);
        for character in alphabet {
            // 1000 each; a bias of one in ten, as `% 27` alone has, would be 1111 and more. 6 deviations are 190.
            let count = text.chars().filter(|&other| other == character).count();
            assert!((810..1190).contains(&count), "{character}: {count}");
        }
    }

    #[test]
    fn a_secret_is_made_once() {
        let top = directory();
        let order = secret(&top.path().join("data/key"));
        let (outcome, content) = generate(&order).unwrap();
        assert_eq!((outcome.changes, content.len()), (2, 32));
        assert_eq!(mode(&order.path), 0o600);
        assert_eq!(fs::read(&order.path).unwrap(), content);
        let before = identities(top.path());
        assert_eq!(generate(&order).unwrap(), (Outcome::default(), content));
        assert_eq!(identities(top.path()), before);
        assert_eq!(strays(top.path()), Vec::<std::path::PathBuf>::new());
    }

    #[test]
    fn what_is_there_is_used_unless_it_is_empty() {
        let top = directory();
        let order = secret(&top.path().join("key"));
        put(&order.path, "mine\n", 0o644);
        assert_eq!(generate(&order).unwrap(), (Outcome::default(), b"mine\n".to_vec()));
        assert_eq!(mode(&order.path), 0o644);
        put(&order.path, "", 0o600);
        let error = generate(&order).unwrap_err().to_string();
        assert!(
            error.ends_with("there is an empty file, and no secret in it: remove it for one to be made"),
            "{error}"
        );
        let folder = secret(top.path());
        assert!(generate(&folder).unwrap_err().to_string().ends_with("there is a directory"));
    }

    #[test]
    fn starts_at_once_have_one_secret() {
        let top = directory();
        let order = secret(&top.path().join("data/key"));
        let contents: Vec<Vec<u8>> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(|| generate(&order).unwrap().1)).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert_eq!(contents.iter().collect::<BTreeSet<_>>().len(), 1);
        assert_eq!(contents[0], fs::read(&order.path).unwrap());
        assert_eq!(strays(top.path()), Vec::<std::path::PathBuf>::new());
    }

    #[test]
    fn whatever_fails_there_is_a_whole_secret_or_none() {
        for error in [Errno::ENOSPC, Errno::EACCES, Errno::EIO] {
            // One call fails, or onset is killed there.
            for killed in [false, true] {
                for first in 0.. {
                    let top = directory();
                    let order = secret(&top.path().join("key"));
                    let fails =
                        move |number: usize, _: &str| (number == first || killed && number > first).then_some(error);
                    let (result, calls) = fault::with(fails, || generate(&order));
                    if calls.len() <= first {
                        assert!(first > 3);
                        break;
                    }
                    if let Ok(content) = fs::read(&order.path) {
                        assert_eq!(content.len(), 32, "{error} at {first}: {result:?}");
                    }
                    assert_eq!(generate(&order).unwrap().1.len(), 32);
                    assert_eq!(strays(top.path()), Vec::<std::path::PathBuf>::new());
                }
            }
        }
    }
}
