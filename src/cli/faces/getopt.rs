//! getopt(3) as the GNU C library has it, messages included, but for one thing: an option behind the command is the
//! command's.
//!
//! GNU's looks for options in all of argv, which makes `tini ls -d /` fail, and `tini app -v` eat the `-v`. Here options end
//! at the first word that is none, as POSIX has it. What such a search does with `--` stays ([`Getopt::command`]).

/// What there is to look for.
pub struct Syntax {
    /// The letters, a `:` behind each that takes a value.
    pub letters: &'static [u8],
    /// Long names, and the letter each stands for.
    pub names: &'static [(&'static str, u8)],
}

/// An option: its letter, and its value if it takes one.
pub type Given<'a> = (u8, &'a [u8]);

/// What is read, and how far.
pub struct Getopt<'a> {
    argv: &'a [&'a [u8]],
    syntax: &'static Syntax,
    next: usize,
    /// What is left of a word with several letters.
    letters: &'a [u8],
    /// Whether a `--` ended the options.
    ended: bool,
}

/// Where the command is in argv.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command {
    /// Its first word; there may be none.
    pub first: usize,
    /// A `--` among its words that is no word of it.
    pub without: Option<usize>,
}

impl<'a> Getopt<'a> {
    /// Before the first word behind the name.
    pub fn new(argv: &'a [&'a [u8]], syntax: &'static Syntax) -> Self {
        Getopt { argv, syntax, next: 1, letters: &[], ended: false }
    }

    /// The next option; `None`: there is none left.
    ///
    /// # Errors
    /// The message of getopt(3), without the program's name in front.
    pub fn option(&mut self) -> Result<Option<Given<'a>>, String> {
        if self.letters.is_empty() {
            let Some(&word) = self.argv.get(self.next) else { return Ok(None) };
            match word {
                b"--" => {
                    self.next += 1;
                    self.ended = true;
                    return Ok(None);
                }
                [b'-', b'-', name @ ..] if !self.syntax.names.is_empty() => {
                    self.next += 1;
                    return self.named(name).map(Some);
                }
                [b'-', letters @ ..] if !letters.is_empty() => {
                    self.next += 1;
                    self.letters = letters;
                }
                _ => return Ok(None),
            }
        }
        self.letter()
    }

    fn letter(&mut self) -> Result<Option<Given<'a>>, String> {
        let Some((&letter, rest)) = self.letters.split_first() else { return Ok(None) };
        self.letters = rest;
        let problem = match self.takes_value(letter) {
            None => "invalid option",
            Some(false) => return Ok(Some((letter, &[]))),
            Some(true) => {
                self.letters = &[];
                match if rest.is_empty() { self.word() } else { Some(rest) } {
                    Some(value) => return Ok(Some((letter, value))),
                    None => "option requires an argument",
                }
            }
        };
        Err(format!("{problem} -- '{}'", char::from(letter)))
    }

    fn named(&mut self, text: &'a [u8]) -> Result<Given<'a>, String> {
        let (name, attached) = match text.iter().position(|&byte| byte == b'=') {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        let shown = String::from_utf8_lossy(text);
        // A part of a name will do, where it is a part of one only.
        let names = self.syntax.names;
        let exact = names.iter().find(|(known, _)| known.as_bytes() == name);
        let mut similar = names.iter().filter(|(known, _)| known.as_bytes().starts_with(name));
        let &(known, letter) = match (exact, similar.next(), similar.next()) {
            (Some(one), ..) | (None, Some(one), None) => one,
            (None, None, _) => return Err(format!("unrecognized option '--{shown}'")),
            (None, Some(first), Some(second)) => {
                let mut text = format!("option '--{shown}' is ambiguous; possibilities:");
                for (known, _) in [first, second].into_iter().chain(similar) {
                    text = text + " '--" + known + "'";
                }
                return Err(text);
            }
        };
        let problem = match (self.takes_value(letter), attached) {
            (Some(true), _) => match attached.or_else(|| self.word()) {
                Some(value) => return Ok((letter, value)),
                None => "requires an argument",
            },
            (_, None) => return Ok((letter, &[])),
            (_, Some(_)) => "doesn't allow an argument",
        };
        Err(format!("option '--{known}' {problem}"))
    }

    /// Whether a letter takes a value; `None`: there is no such letter.
    fn takes_value(&self, letter: u8) -> Option<bool> {
        let letters = self.syntax.letters;
        let at = letters.iter().position(|&known| known == letter && letter != b':')?;
        Some(letters.get(at + 1) == Some(&b':'))
    }

    fn word(&mut self) -> Option<&'a [u8]> {
        let word = self.argv.get(self.next).copied()?;
        self.next += 1;
        Some(word)
    }

    /// Where the command is, once all options are read. `searched`: the peer looks for options behind the command too, and
    /// so takes a `--` there for the end of them. One that it would have found, before any option, is left out, because the
    /// peers' own usage has it so (`tini PROGRAM -- ARGS`).
    pub fn command(&self, searched: bool) -> Command {
        let command = self.argv.get(self.next..).unwrap_or_default();
        let is_plain = |word: &&&[u8]| word.first() != Some(&b'-') || word.len() == 1;
        let without = self.next + command.iter().take_while(is_plain).count();
        let is_dashes = searched && !self.ended && self.argv.get(without) == Some(&&b"--"[..]);
        Command { first: self.next, without: is_dashes.then_some(without) }
    }

    /// Whether there is a command.
    pub fn has_command(&self) -> bool {
        self.next < self.argv.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static LETTERS: Syntax = Syntax { letters: b"hvp:", names: &[] };
    static NAMES: Syntax = Syntax {
        letters: b"hvVcr:",
        names: &[("help", b'h'), ("rewrite", b'r'), ("verbose", b'v'), ("version", b'V')],
    };

    /// The options, and the command.
    fn read(syntax: &'static Syntax, words: &[&str]) -> Result<(String, Command), String> {
        let argv: Vec<&[u8]> = std::iter::once(&"x").chain(words).map(|word| word.as_bytes()).collect();
        let mut getopt = Getopt::new(&argv, syntax);
        let mut found = Vec::new();
        while let Some((letter, value)) = getopt.option()? {
            found.push(format!("{}{}", char::from(letter), String::from_utf8_lossy(value)));
        }
        Ok((found.join(" "), getopt.command(true)))
    }

    fn options(syntax: &'static Syntax, words: &[&str]) -> String {
        read(syntax, words).map_or_else(|error| error, |(found, _)| found)
    }

    #[test]
    fn letters_stand_alone_or_together_and_values_are_attached_or_follow() {
        assert_eq!(options(&LETTERS, &["-v", "-h"]), "v h");
        assert_eq!(options(&LETTERS, &["-vhv"]), "v h v");
        assert_eq!(options(&LETTERS, &["-vpX", "-p", "Y", "-p", "-h"]), "v pX pY p-h");
        assert_eq!(options(&LETTERS, &["-vx"]), "invalid option -- 'x'");
        assert_eq!(options(&LETTERS, &["-:"]), "invalid option -- ':'");
        assert_eq!(options(&LETTERS, &["-vp"]), "option requires an argument -- 'p'");
        assert_eq!(options(&LETTERS, &["--help"]), "invalid option -- '-'", "there are no long names");
    }

    #[test]
    fn long_names_may_be_short_as_long_as_they_are_clear() {
        assert_eq!(options(&NAMES, &["--help", "--rewrite=1:2", "--rewrite", "3:4", "--rewrite="]), "h r1:2 r3:4 r");
        assert_eq!(options(&NAMES, &["--h", "--verb", "--rew=1:2", "-cr5:6"]), "h v r1:2 c r5:6");
        let ambiguous = "option '--ver' is ambiguous; possibilities: '--verbose' '--version'";
        assert_eq!(options(&NAMES, &["--ver"]), ambiguous);
        assert_eq!(options(&NAMES, &["--foo=3"]), "unrecognized option '--foo=3'");
        assert_eq!(options(&NAMES, &["--rewrite"]), "option '--rewrite' requires an argument");
        assert_eq!(options(&NAMES, &["--hel=3"]), "option '--help' doesn't allow an argument");
    }

    #[test]
    fn options_end_at_the_command() {
        let command = |words: &[&str]| read(&LETTERS, words).unwrap().1;
        let at = |first| Command { first, without: None };
        assert_eq!(command(&["-v", "ls", "-d", "/"]), at(2));
        assert_eq!(command(&["--", "-v"]), at(2));
        assert_eq!(command(&["-v", "--", "ls", "--", "-x"]), at(3), "the first `--` is the one");
        assert_eq!(command(&["-", "-v"]), at(1));
        assert_eq!(command(&["", "-v"]), at(1));
        assert_eq!(command(&["-v"]), at(2));
    }

    #[test]
    fn two_dashes_behind_the_command_are_left_out_where_the_peer_would_leave_them_out() {
        let without = |words: &[&str]| read(&LETTERS, words).unwrap().1.without;
        assert_eq!(without(&["ls", "--", "-d"]), Some(2));
        assert_eq!(without(&["-v", "ls", "a", "-", "--", "-d", "--"]), Some(5));
        assert_eq!(without(&["ls", "-d", "--", "x"]), None, "the peer refuses this one");
        let argv = [&b"x"[..], b"ls", b"--"];
        assert_eq!(Getopt::new(&argv, &LETTERS).command(false).without, None);
    }
}
