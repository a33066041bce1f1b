//! The users and groups of the image: /etc/passwd and /etc/group, read as leniently as libc reads them (passwd(5),
//! group(5)), and nothing else: no NSS, so the answer is the same under every libc, static or not.
//!
//! A line that says no name and number is passed over, as are comments, blank lines and the `+` and `-` lines of NIS.
//! Fields missing at the end are empty (glibc does so, musl drops the whole line). The first entry of a name or a
//! number counts.
#![forbid(unsafe_code)]

use super::world::World;
use nix::errno::Errno;
use std::cell::OnceCell;
use std::path::Path;
use std::sync::Arc;

/// The file with the users.
pub const PASSWD: &str = "/etc/passwd";
/// The file with the groups.
pub const GROUP: &str = "/etc/group";

/// The largest file that is read: room for a million accounts.
const LARGEST: u64 = 64 << 20;

/// A file's content, or why there is none.
type Content = Result<Vec<u8>, Errno>;

/// Both files, each as it was when it was first asked for: most starts ask for neither. A step can write them: make a new
/// one for what comes after it.
pub struct Accounts {
    /// `None`: both are known.
    world: Option<Arc<dyn World>>,
    passwd: OnceCell<Content>,
    group: OnceCell<Content>,
}

/// A line of /etc/passwd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User<'a> {
    /// What it is called. Not empty, without a NUL.
    pub name: &'a [u8],
    /// Its number.
    pub uid: u32,
    /// Its login group.
    pub gid: u32,
    /// Its home directory; may be empty.
    pub home: &'a [u8],
}

/// A line of /etc/group.
struct Group<'a> {
    name: &'a [u8],
    members: &'a [u8],
}

impl Accounts {
    /// Those of this world. A file that cannot be read has no entries; messages about what is missing there say why.
    pub fn of_world(world: &Arc<dyn World>) -> Self {
        Accounts { world: Some(world.clone()), passwd: OnceCell::new(), group: OnceCell::new() }
    }

    /// Accounts of other contents.
    pub fn with_files(passwd: Vec<u8>, group: Vec<u8>) -> Self {
        Self::with_contents(Ok(passwd), Ok(group))
    }

    fn with_contents(passwd: Content, group: Content) -> Self {
        Accounts { world: None, passwd: OnceCell::from(passwd), group: OnceCell::from(group) }
    }

    /// The content of both files.
    pub fn files(&self) -> [(&'static str, &Content); 2] {
        [(PASSWD, self.passwd()), (GROUP, self.group())]
    }

    /// The content of /etc/passwd.
    pub fn passwd(&self) -> &Content {
        self.passwd.get_or_init(|| self.read(PASSWD))
    }

    /// The content of /etc/group.
    pub fn group(&self) -> &Content {
        self.group.get_or_init(|| self.read(GROUP))
    }

    fn read(&self, path: &str) -> Content {
        self.world.as_ref().map_or(Ok(Vec::new()), |world| world.read(Path::new(path), LARGEST))
    }

    /// The first user of this name.
    pub fn user_named(&self, name: &[u8]) -> Option<User<'_>> {
        self.user(&|user| user.name == name)
    }

    /// The first user of this number.
    pub fn user_numbered(&self, uid: u32) -> Option<User<'_>> {
        self.user(&|user| user.uid == uid)
    }

    fn user(&self, is_it: &dyn Fn(&User<'_>) -> bool) -> Option<User<'_>> {
        for fields in Entries::of(self.passwd()) {
            let [name, _, uid, gid, more @ ..] = &fields[..] else { continue };
            let (Some(uid), Some(gid)) = (id(uid), id(gid)) else { continue };
            let user = User { name, uid, gid, home: more.get(1).copied().unwrap_or_default() };
            if is_it(&user) {
                return Some(user);
            }
        }
        None
    }

    /// The number of the first group of this name.
    pub fn group_named(&self, name: &[u8]) -> Option<u32> {
        self.groups(&|group| group.name == name).first().copied()
    }

    /// The groups that list this user as their member, in the order of the file.
    pub fn groups_of(&self, user: &[u8]) -> Vec<u32> {
        self.groups(&|group| group.members.split(|&byte| byte == b',').any(|name| trim(name) == user))
    }

    /// The numbers of those that are meant.
    fn groups(&self, is_meant: &dyn Fn(&Group<'_>) -> bool) -> Vec<u32> {
        let mut numbers = Vec::new();
        for fields in Entries::of(self.group()) {
            let [name, _, gid, more @ ..] = &fields[..] else { continue };
            let Some(gid) = id(gid) else { continue };
            if is_meant(&Group { name, members: more.first().copied().unwrap_or_default() }) {
                numbers.push(gid);
            }
        }
        numbers
    }

    /// Why /etc/passwd could not be read.
    pub fn passwd_error(&self) -> Option<Errno> {
        self.passwd().as_ref().err().copied()
    }

    /// Why /etc/group could not be read.
    pub fn group_error(&self) -> Option<Errno> {
        self.group().as_ref().err().copied()
    }
}

/// The lines that are entries, each as its fields.
struct Entries<'a> {
    rest: &'a [u8],
}

impl<'a> Entries<'a> {
    fn of(file: &'a Content) -> Self {
        Entries { rest: file.as_deref().unwrap_or_default() }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Vec<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let end = self.rest.iter().position(|&byte| byte == b'\n').unwrap_or(self.rest.len());
            let line = trim(&self.rest[..end]);
            self.rest = self.rest.get(end + 1..).unwrap_or_default();
            if is_entry(line) {
                return Some(split(line, b':'));
            }
        }
        None
    }
}

/// What stands between the separators.
pub(super) fn split(text: &[u8], separator: u8) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    for part in text.split(|&byte| byte == separator) {
        parts.push(part);
    }
    parts
}

fn is_entry(line: &[u8]) -> bool {
    // `:` first: no name. A NUL could not be handed on in a variable; libc cuts the line there.
    line.first().is_some_and(|first| !b"#+-:".contains(first)) && !line.contains(&0)
}

/// Without the blanks of people who align their files, and the carriage return of those who edit them on Windows.
fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}

/// The number of a user or a group: decimal digits. Not 4294967295, which is -1: to chown(2) and setresuid(2) that says
/// "leave it as it is".
pub fn id(text: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(trim(text)).ok()?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|&id| id != u32::MAX)
}

#[cfg(test)]
impl Accounts {
    pub(super) fn of(passwd: &[u8], group: &[u8]) -> Self {
        Accounts::with_files(passwd.to_vec(), group.to_vec())
    }

    pub(super) fn unreadable(error: Errno) -> Self {
        Accounts::with_contents(Err(error), Err(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Number, login group, home.
    type Entry<'a> = Option<(u32, u32, &'a [u8])>;

    fn in_passwd<'a>(accounts: &'a Accounts, name: &str) -> Entry<'a> {
        accounts.user_named(name.as_bytes()).map(|user| (user.uid, user.gid, user.home))
    }

    #[test]
    fn a_line_of_passwd_is_read_as_libc_reads_it() {
        let cases: [(&[u8], &str, Entry<'_>); 22] = [
            (b"redis:x:999:1000:Redis:/data:/bin/sh\n", "redis", Some((999, 1000, b"/data"))),
            (b"redis:x:999:1000:Redis:/data:/bin/sh", "redis", Some((999, 1000, b"/data"))),
            (b"redis:x:999:1000::/nonexistent", "redis", Some((999, 1000, b"/nonexistent"))),
            (b"redis:x:999:1000", "redis", Some((999, 1000, b""))),
            (b"redis::999:1000:::", "redis", Some((999, 1000, b""))),
            (b"redis:x:999:1000::/data:/bin/sh\r\n", "redis", Some((999, 1000, b"/data"))),
            (b"redis:x:999:1000::/data\r\n", "redis", Some((999, 1000, b"/data"))),
            (b"redis:x:999:1000::/a b/\xff:sh:more:fields\n", "redis", Some((999, 1000, b"/a b/\xff"))),
            (b"\n\n  \n# redis:x:1:1\nredis:x:999:1000\n", "redis", Some((999, 1000, b""))),
            (b"  redis:x:999:1000\n", "redis", Some((999, 1000, b""))),
            (b"+redis:x:1:1\n-redis:x:2:2\n+\n+::::::\nredis:x:3:3", "redis", Some((3, 3, b""))),
            (b"+redis:x:1:1\n", "+redis", None),
            (b"redis\nredis:x\nredis:x:1\nredis:x:a:1\nredis:x::1\nredis:x:5:5", "redis", Some((5, 5, b""))),
            (b"redis:x:-1:0\nredis:x:+1:0\nredis:x:1x:0\nredis:x:0x1:0", "redis", None),
            (b"redis:x:4294967294:4294967294", "redis", Some((u32::MAX - 1, u32::MAX - 1, b""))),
            (b"redis:x:4294967295:0\nredis:x:4294967296:0\nredis:x:1:4294967295", "redis", None),
            (b"redis:x:1:1\nredis:x:2:2\n", "redis", Some((1, 1, b""))),
            (b"\xff\xfe:x:1:1\nredis:x:2:2", "redis", Some((2, 2, b""))),
            (b"redis:x:1:1::/\0\nredis:x:2:2", "redis", Some((2, 2, b""))),
            (b"redisx:x:1:1\nredi:x:2:2", "redis", None),
            (b":x:1:1", "", None),
            (b"", "redis", None),
        ];
        for (passwd, name, expected) in cases {
            let accounts = Accounts::of(passwd, b"");
            assert_eq!(in_passwd(&accounts, name), expected, "{}", passwd.escape_ascii());
        }
        let accounts = Accounts::of(b"caf\xe9:x:7:8", b"");
        assert_eq!(accounts.user_named(b"caf\xe9").map(|user| user.uid), Some(7));
    }

    #[test]
    fn the_first_user_of_a_number_counts() {
        let accounts = Accounts::of(b"+x:x:5:5\na:x:5:1\nb:x:5:2\n", b"");
        assert_eq!(accounts.user_numbered(5).map(|user| user.name), Some(&b"a"[..]));
        assert_eq!(accounts.user_numbered(6), None);
    }

    #[test]
    fn groups_list_their_members() {
        let group =
            b"root:x:0:root\n#c:x:1:redis\nbin:x:2:root,redis\n\n+nis:x:3:redis\nempty:x:4\nx:x:5:redisx,xredis\n\
            blanks:x:6: a , redis\nbad:x:?:redis\nlast:x:7:,,redis,\r\ntwice:x:2:redis";
        let accounts = Accounts::of(b"", group);
        assert_eq!(accounts.groups_of(b"redis"), [2, 6, 7, 2]);
        assert!(accounts.groups_of(b"nobody").is_empty());
        assert_eq!(accounts.group_named(b"empty"), Some(4));
        assert_eq!(accounts.group_named(b"bad"), None);
        assert_eq!(accounts.group_named(b"+nis"), None);
    }

    #[test]
    fn a_hundred_thousand_lines_are_no_matter() {
        use std::fmt::Write as _;
        let (mut passwd, mut group) = (String::new(), String::new());
        for id in 1..=100_000 {
            writeln!(passwd, "user{id}:x:{id}:{id}:User {id}:/home/user{id}:/bin/sh").unwrap();
            writeln!(group, "group{id}:x:{id}:user{}", id % 10).unwrap();
        }
        let accounts = Accounts::of(passwd.as_bytes(), group.as_bytes());
        assert_eq!(in_passwd(&accounts, "user100000"), Some((100_000, 100_000, &b"/home/user100000"[..])));
        assert_eq!(accounts.user_numbered(99_999).map(|user| user.name), Some(&b"user99999"[..]));
        assert_eq!(accounts.groups_of(b"user7").len(), 10_000);
        let members: Vec<String> = (0..100_000).map(|id| format!("user{id}")).collect();
        let accounts = Accounts::of(b"", format!("all:x:9:{}\n", members.join(",")).as_bytes());
        assert_eq!(accounts.groups_of(b"user99999"), [9]);
    }
}
