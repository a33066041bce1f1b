//! Who: `user`, `user:group`, `user:`, `:group`, by name or number, to the numbers the kernel knows.
//!
//! A name that is all digits is looked up as a name first and is a number if there is none of that name, as chown(1)
//! has it. A number needs no entry anywhere: arbitrary numbers are what OpenShift gives.
#![forbid(unsafe_code)]

use super::accounts::{Accounts, GROUP, PASSWD, User, id};
use super::model::{Identity, Ownership};
use super::world::Process;
use crate::config::model::Home;
use crate::report::NotRead;
use nix::errno::Errno;
use std::fmt;

/// What may stand where a user or a group is named.
const ACCEPTED: &str = "accepted are `user`, `user:group` and `:group`";

/// Whom the application is to run as, and what /etc/passwd says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The numbers.
    pub identity: Identity,
    /// Its name and home directory, if /etc/passwd has an entry.
    entry: Option<(Vec<u8>, Vec<u8>)>,
}

/// What is wrong with a user, a group or an owner, in words.
pub type Problem = String;

/// What a name is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A user.
    User,
    /// A group.
    Group,
}

/// The two parts of a text, before anything is looked up.
struct Spec<'a> {
    user: Option<&'a [u8]>,
    group: Part<'a>,
}

enum Part<'a> {
    /// No colon.
    Absent,
    /// Nothing behind the colon: the user's own.
    Login,
    Given(&'a [u8]),
}

/// A user that was looked up.
struct Found<'a> {
    uid: u32,
    entry: Option<User<'a>>,
    by_name: bool,
}

/// Resolves whom the application runs as. `None` for `user` is the user onset has; `None` for `groups` the groups that
/// belong to the user.
///
/// - Group: the one given, or the user's login group; 0 for a number without an entry, as `docker run --user` has it.
/// - Supplementary groups: those given; or those that /etc/group lists for a user given by name, with a group or
///   without (so do systemd and sudo; Docker drops them with a group); none for a number.
/// - Nothing changes for who is that user already: a text that leaves the group open is content with whatever group
///   onset has, and if user and group are right and no groups are given, those that the container was given stay
///   (Kubernetes' `fsGroup` and `supplementalGroups`).
/// - `:group` changes the group and nothing else.
///
/// # Errors
/// Every problem of the text and of the groups.
pub fn person(
    accounts: &Accounts,
    user: Option<&[u8]>,
    groups: Option<&[Vec<u8>]>,
    process: &Process,
) -> Result<Person, Vec<Problem>> {
    let mut problems = Vec::new();
    let chosen = match user.map_or(Ok(Spec { user: None, group: Part::Absent }), Spec::parse) {
        Ok(spec) => choose(accounts, &spec, process, &mut problems),
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    let given = groups.map(|groups| {
        let mut given = Vec::new();
        groups.iter().for_each(|name| given.extend(keep(find_group(accounts, name), &mut problems)));
        given
    });
    let Some((found, gid)) = chosen.filter(|_| problems.is_empty()) else { return Err(problems) };
    let unchanged = found.uid == process.uid && gid == process.gid;
    let keeps_groups = unchanged || user.is_some_and(|user| user.starts_with(b":"));
    let mut groups = match (given, found.entry) {
        (Some(given), _) => given,
        (None, _) if keeps_groups => process.groups.clone(),
        (None, Some(entry)) if found.by_name => accounts.groups_of(entry.name),
        (None, Some(_) | None) => Vec::new(),
    };
    groups.retain(|&group| group != gid);
    groups.sort_unstable();
    groups.dedup();
    let entry = found.entry.map(|entry| (entry.name.to_vec(), entry.home.to_vec()));
    Ok(Person { identity: Identity { uid: found.uid, gid, groups }, entry })
}

fn choose<'a>(
    accounts: &'a Accounts,
    spec: &Spec<'_>,
    process: &Process,
    problems: &mut Vec<Problem>,
) -> Option<(Found<'a>, u32)> {
    let found = match spec.user {
        Some(user) => keep(find_user(accounts, user), problems),
        None => Some(Found { uid: process.uid, entry: accounts.user_numbered(process.uid), by_name: false }),
    };
    let gid = match (&spec.group, &found) {
        (Part::Given(group), _) => keep(find_group(accounts, group), problems),
        (Part::Login, Some(found)) => keep(found.login_group(), problems),
        (Part::Absent, Some(found)) if found.uid == process.uid => Some(process.gid),
        (Part::Absent, Some(found)) => Some(found.entry.map_or(0, |entry| entry.gid)),
        (Part::Login | Part::Absent, None) => None,
    };
    Some((found?, gid?))
}

/// Resolves the owner of a file: `user` and `:group` leave the other as it is, `user:` is the user with its login
/// group.
///
/// # Errors
/// Every problem of the text.
pub fn owner(accounts: &Accounts, text: &[u8]) -> Result<Ownership, Vec<Problem>> {
    let spec = Spec::parse(text).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let user = spec.user.map(|user| keep(find_user(accounts, user), &mut problems));
    let gid = match (&spec.group, &user) {
        (Part::Given(group), _) => keep(find_group(accounts, group), &mut problems),
        (Part::Login, Some(Some(found))) => keep(found.login_group(), &mut problems),
        (Part::Login | Part::Absent, _) => None,
    };
    if problems.is_empty() { Ok(Ownership { uid: user.flatten().map(|found| found.uid), gid }) } else { Err(problems) }
}

fn find_user<'a>(accounts: &'a Accounts, name: &[u8]) -> Result<Found<'a>, Problem> {
    if let Some(entry) = accounts.user_named(name) {
        return Ok(Found { uid: entry.uid, entry: Some(entry), by_name: true });
    }
    let uid = number(Kind::User, name, accounts.passwd_error())?;
    Ok(Found { uid, entry: accounts.user_numbered(uid), by_name: false })
}

fn find_group(accounts: &Accounts, name: &[u8]) -> Result<u32, Problem> {
    match accounts.group_named(name) {
        Some(gid) => Ok(gid),
        None => number(Kind::Group, name, accounts.group_error()),
    }
}

/// What no file lists has to be a number.
fn number(kind: Kind, name: &[u8], unreadable: Option<Errno>) -> Result<u32, Problem> {
    let digits = !name.is_empty() && name.iter().all(u8::is_ascii_digit);
    match (name.is_empty(), digits) {
        (true, _) => Err(empty()),
        (false, false) => Err(unknown(kind, name, unreadable)),
        (false, true) => {
            id(name).ok_or_else(|| format!("`{}` is no number of a {kind}: accepted are 0 to 4294967294", shown(name)))
        }
    }
}

/// Collects the problem, and lets the search for others go on.
fn keep<T>(result: Result<T, Problem>, problems: &mut Vec<Problem>) -> Option<T> {
    result.map_err(|problem| problems.push(problem)).ok()
}

impl<'a> Spec<'a> {
    fn parse(text: &'a [u8]) -> Result<Self, Problem> {
        let mut parts = text.split(|&byte| byte == b':');
        let (user, group, more) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        if more.is_some() {
            return Err(format!("`{}` has more than one colon: {ACCEPTED}", shown(text)));
        }
        match (user, group) {
            (b"", None | Some(b"")) => Err(empty()),
            (b"", Some(group)) => Ok(Spec { user: None, group: Part::Given(group) }),
            (user, None) => Ok(Spec { user: Some(user), group: Part::Absent }),
            (user, Some(b"")) => Ok(Spec { user: Some(user), group: Part::Login }),
            (user, Some(group)) => Ok(Spec { user: Some(user), group: Part::Given(group) }),
        }
    }
}

impl Found<'_> {
    fn login_group(&self) -> Result<u32, Problem> {
        self.entry.map(|entry| entry.gid).ok_or_else(|| {
            let uid = self.uid;
            format!("`{uid}:` stands for the login group of user {uid}, who has no entry in {PASSWD}; name the group")
        })
    }
}

impl Person {
    /// What HOME, USER and LOGNAME become, as far as they change: only if the user does, only from its entry, and HOME
    /// only if that names one. Absent, `policy` is `passwd`.
    pub fn variables(&self, policy: Option<Home>, process: &Process) -> Vec<(&'static str, &[u8])> {
        match (policy.unwrap_or(Home::Passwd), &self.entry) {
            (Home::Passwd, Some((name, home))) if self.identity.uid != process.uid => {
                let mut variables = vec![("USER", name.as_slice()), ("LOGNAME", name)];
                if !home.is_empty() {
                    variables.insert(0, ("HOME", home));
                }
                variables
            }
            (Home::Passwd | Home::Keep, _) => Vec::new(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::User => "user",
            Kind::Group => "group",
        })
    }
}

fn empty() -> Problem {
    format!("a user or group is empty: {ACCEPTED}")
}

fn unknown(kind: Kind, name: &[u8], unreadable: Option<Errno>) -> Problem {
    let file = match kind {
        Kind::User => PASSWD,
        Kind::Group => GROUP,
    };
    let why = match unreadable {
        Some(Errno::ENOENT) => ", which does not exist".to_owned(),
        Some(Errno::EFBIG) => ", which is larger than 64M and was not read".to_owned(),
        Some(error) => format!(", which cannot be read: {}", NotRead(error)),
        None => String::new(),
    };
    let name = shown(name);
    format!("there is no {kind} `{name}` in {file}{why}; add it to the image, or give the number of a {kind}")
}

fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD_TEXT: &[u8] =
        b"root:x:0:0:root:/root:/bin/ash\nredis:x:999:1000::/nonexistent\nnohome:x:7:8\n5:x:500:501::/five\n";
    const GROUP_TEXT: &[u8] =
        b"root:x:0:root\nredis:x:1000:redis\ndialout:x:20:redis,root\naudio:x:11:redis\n6:x:600:redis\n";

    fn accounts() -> Accounts {
        Accounts::of(PASSWD_TEXT, GROUP_TEXT)
    }

    fn process(uid: u32, gid: u32, groups: &[u32]) -> Process {
        Process { uid, gid, groups: groups.to_vec(), ..Process::default() }
    }

    fn messages(problems: &[Problem]) -> Vec<String> {
        problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn a_user_brings_its_groups() {
        let root = process(0, 0, &[0, 1, 2, 20]);
        let cases: [(&str, u32, u32, &[u32]); 14] = [
            ("redis", 999, 1000, &[11, 20, 600]),
            ("redis:", 999, 1000, &[11, 20, 600]),
            ("redis:audio", 999, 11, &[20, 600, 1000]),
            ("redis:0", 999, 0, &[11, 20, 600, 1000]),
            ("redis:12345", 999, 12345, &[11, 20, 600, 1000]),
            ("999", 999, 1000, &[]),
            ("999:", 999, 1000, &[]),
            ("999:audio", 999, 11, &[]),
            ("1234", 1234, 0, &[]),
            ("1234:1234", 1234, 1234, &[]),
            ("5", 500, 501, &[]),
            ("1234:6", 1234, 600, &[]),
            ("4294967294:0", u32::MAX - 1, 0, &[]),
            ("nohome", 7, 8, &[]),
        ];
        for (user, uid, gid, groups) in cases {
            let expected = Identity { uid, gid, groups: groups.to_vec() };
            let found = person(&accounts(), Some(user.as_bytes()), None, &root);
            assert_eq!(found.map(|found| found.identity), Ok(expected), "{user}");
        }
    }

    #[test]
    fn groups_that_are_given_are_all_there_are() {
        let given = |user: Option<&str>, groups: &[&str]| {
            let groups: Vec<Vec<u8>> = groups.iter().map(|group| group.as_bytes().to_vec()).collect();
            let found = person(&accounts(), user.map(str::as_bytes), Some(&groups), &process(0, 0, &[0, 1]));
            found.map(|found| found.identity)
        };
        let identity = |uid, gid, groups: &[u32]| Ok(Identity { uid, gid, groups: groups.to_vec() });
        assert_eq!(given(Some("redis"), &[]), identity(999, 1000, &[]));
        assert_eq!(given(Some("redis"), &["dialout", "4", "redis", "20"]), identity(999, 1000, &[4, 20]));
        assert_eq!(given(Some("1234"), &["audio"]), identity(1234, 0, &[11]));
        assert_eq!(given(None, &["audio"]), identity(0, 0, &[11]));
        assert_eq!(given(Some("root"), &[]), identity(0, 0, &[]));
    }

    #[test]
    fn nothing_changes_for_who_is_that_user_already() {
        let cases: [(&str, Process, u32, &[u32]); 6] = [
            ("redis", process(999, 1000, &[2000]), 1000, &[2000]),
            ("redis", process(999, 3000, &[2000, 5]), 3000, &[5, 2000]),
            ("999", process(999, 3000, &[]), 3000, &[]),
            ("redis:1000", process(999, 1000, &[2000]), 1000, &[2000]),
            ("redis:1000", process(999, 3000, &[2000]), 1000, &[11, 20, 600]),
            (":audio", process(999, 3000, &[2000, 11]), 11, &[2000]),
        ];
        for (user, process, gid, groups) in cases {
            let expected = Identity { uid: 999, gid, groups: groups.to_vec() };
            let found = person(&accounts(), Some(user.as_bytes()), None, &process).map(|found| found.identity);
            assert_eq!(found, Ok(expected), "{user} {process:?}");
        }
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let root = process(0, 0, &[]);
        let cases = [
            ("", vec!["a user or group is empty: accepted are `user`, `user:group` and `:group`"]),
            (":", vec!["a user or group is empty: accepted are `user`, `user:group` and `:group`"]),
            ("a:b:c", vec!["`a:b:c` has more than one colon: accepted are `user`, `user:group` and `:group`"]),
            (
                "nosuch:none\n",
                vec![
                    "there is no user `nosuch` in /etc/passwd; add it to the image, or give the number of a user",
                    "there is no group `none\\n` in /etc/group; add it to the image, or give the number of a group",
                ],
            ),
            ("-1", vec!["there is no user `-1` in /etc/passwd; add it to the image, or give the number of a user"]),
            ("4294967295", vec!["`4294967295` is no number of a user: accepted are 0 to 4294967294"]),
            (
                "1234:",
                vec![
                    "`1234:` stands for the login group of user 1234, who has no entry in /etc/passwd; name the group",
                ],
            ),
        ];
        for (user, expected) in cases {
            let problems = person(&accounts(), Some(user.as_bytes()), None, &root).expect_err(user);
            assert_eq!(messages(&problems), expected, "{user}");
            let problems = owner(&accounts(), user.as_bytes()).expect_err(user);
            assert_eq!(messages(&problems), expected, "{user}");
        }
        let groups = [b"x".to_vec(), b"audio".to_vec(), Vec::new()];
        let problems = person(&accounts(), Some(b"y"), Some(&groups), &root).expect_err("three problems");
        assert_eq!(problems.len(), 3, "{problems:?}");
    }

    #[test]
    fn a_missing_file_is_part_of_the_message() {
        let message = |error| {
            let problems = owner(&Accounts::unreadable(error), b"redis").expect_err("no file");
            messages(&problems).concat()
        };
        let end = "; add it to the image, or give the number of a user";
        let says = |error, why| {
            assert_eq!(message(error), format!("there is no user `redis` in /etc/passwd, which {why}{end}"));
        };
        says(Errno::ENOENT, "does not exist");
        says(Errno::EACCES, "cannot be read: permission denied (EACCES)");
        assert_eq!(owner(&Accounts::unreadable(Errno::ENOENT), b"7:8"), Ok(Ownership { uid: Some(7), gid: Some(8) }));
    }

    #[test]
    fn an_owner_is_as_much_as_is_said() {
        let cases = [
            ("redis", Some(999), None),
            ("redis:", Some(999), Some(1000)),
            ("redis:audio", Some(999), Some(11)),
            (":audio", None, Some(11)),
            (":0", None, Some(0)),
            ("1234", Some(1234), None),
            ("1234:1234", Some(1234), Some(1234)),
            ("5:6", Some(500), Some(600)),
            ("999:", Some(999), Some(1000)),
        ];
        for (text, uid, gid) in cases {
            assert_eq!(owner(&accounts(), text.as_bytes()), Ok(Ownership { uid, gid }), "{text}");
        }
    }

    #[test]
    fn home_user_and_logname_follow_the_user() {
        let root = process(0, 0, &[]);
        let of = |user: &str, policy, process: &Process| {
            let found = person(&accounts(), Some(user.as_bytes()), None, process).expect(user);
            let variables = found.variables(policy, process);
            variables
                .iter()
                .map(|(name, value)| format!("{name}={}", value.escape_ascii()))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(of("redis", None, &root), "HOME=/nonexistent USER=redis LOGNAME=redis");
        assert_eq!(of("999:0", Some(Home::Passwd), &root), "HOME=/nonexistent USER=redis LOGNAME=redis");
        assert_eq!(of("nohome", None, &root), "USER=nohome LOGNAME=nohome");
        assert_eq!(of("redis", Some(Home::Keep), &root), "");
        assert_eq!(of("1234", None, &root), "");
        assert_eq!(of("root", None, &root), "");
        assert_eq!(of("redis", None, &process(999, 0, &[])), "");
        assert_eq!(of(":audio", None, &root), "");
    }
}
