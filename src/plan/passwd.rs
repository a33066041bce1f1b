//! What a `passwd` step makes of /etc/passwd and /etc/group. The accounts a plan is made with have it in them from the
//! start, so that names and numbers are right everywhere.

use super::accounts::{self, Accounts, GROUP, PASSWD, split};
use super::env::{Environment, LONGEST_VALUE};
use super::judge::Judge;
use super::model::File;
use super::others::plain;
use super::resolve::holds;
use super::world::{Process, World};
use crate::config::model::{Config, OnReadOnly, Passwd};
use crate::config::problem::Problems;
use crate::config::types::Text;
use crate::report::Because;
use nix::errno::Errno;
use std::path::PathBuf;
use std::sync::Arc;

/// What a new entry has where nothing is said.
const HOME: &[u8] = b"/";
const SHELL: &[u8] = b"/sbin/nologin";

/// An entry as it is to be; `None` stays, or is as usual.
#[derive(Debug, Default, PartialEq, Eq)]
struct Entry {
    name: Vec<u8>,
    uid: Option<u32>,
    gid: Option<u32>,
    group: Option<Vec<u8>>,
    home: Option<Vec<u8>>,
    shell: Option<Vec<u8>>,
    gecos: Option<Vec<u8>>,
}

/// Reads the fields of an entry until one of them has a problem.
struct Fields<'a> {
    env: &'a Environment,
    problems: &'a mut Problems,
    is_wrong: bool,
}

impl Fields<'_> {
    fn wrong(&mut self, text: &Text, why: &str) {
        self.problems.at(text.place, why);
        self.is_wrong = true;
    }

    /// A field that may be empty, and is if it is wrong.
    fn field(&mut self, text: &Text) -> Vec<u8> {
        if self.is_wrong {
            return Vec::new();
        }
        let Some(value) = self.env.expand(text, LONGEST_VALUE, self.problems) else {
            self.is_wrong = true;
            return Vec::new();
        };
        if value.iter().any(|byte| b":\n\0".contains(byte)) {
            self.wrong(text, "a field of an entry has no colon, no newline and no NUL byte in it");
        }
        value
    }

    fn optional(&mut self, text: Option<&Text>) -> Option<Vec<u8>> {
        Some(self.field(text?)).filter(|value| !value.is_empty())
    }

    fn number(&mut self, text: Option<&Text>) -> Option<u32> {
        let value = self.optional(text)?;
        let id = accounts::id(&value);
        if id.is_none() && !self.is_wrong {
            self.wrong(text?, "this is no number of a user or group: accepted are 0 to 4294967294");
        }
        id
    }
}

impl Entry {
    fn of(passwd: &Passwd, env: &Environment, problems: &mut Problems) -> Option<Self> {
        let mut fields = Fields { env, problems, is_wrong: false };
        let entry = Entry {
            name: fields.field(&passwd.name),
            uid: fields.number(passwd.uid.as_ref()),
            gid: fields.number(passwd.gid.as_ref()),
            group: fields.optional(passwd.group.as_ref()),
            home: fields.optional(passwd.home.as_ref()),
            shell: fields.optional(passwd.shell.as_ref()),
            gecos: fields.optional(passwd.gecos.as_ref()),
        };
        if fields.is_wrong {
            return None;
        }
        let name = |value: &[u8]| {
            let first = value.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_');
            first && value.iter().all(|byte| byte.is_ascii_graphic() && !b",/".contains(byte))
        };
        if !name(&entry.name) || !entry.group.as_deref().is_none_or(name) {
            problems.at(
                passwd.place,
                "a name of a user or group begins with a letter and has no blank, comma or slash in it",
            );
            return None;
        }
        Some(entry)
    }

    /// Of an entry only the names, with a number that is nobody's.
    fn named(passwd: &Passwd, env: &Environment) -> Option<Self> {
        let expand = |text: &Text| env.expand(text, LONGEST_VALUE, &mut Problems::default());
        let group = passwd.group.as_ref().and_then(expand);
        Some(Entry { name: expand(&passwd.name)?, group, uid: Some(u32::MAX - 1), ..Entry::default() })
    }

    /// Both files with this entry in them.
    fn apply(&self, accounts: &Accounts, process: &Process) -> (Vec<u8>, Vec<u8>) {
        let passwd = accounts.passwd().as_deref().unwrap_or_default();
        let group = accounts.group().as_deref().unwrap_or_default();
        let there = accounts.user_named(&self.name);
        let is_own = self.uid.is_none() && there.is_none();
        if is_own && accounts.user_numbered(process.uid).is_some() {
            return (passwd.to_vec(), group.to_vec());
        }
        let known_group = self.group.as_deref().and_then(|name| accounts.group_named(name));
        let uid = self.uid.or(there.map(|user| user.uid)).unwrap_or(process.uid);
        let own_gid = if is_own { process.gid } else { uid };
        let gid = self.gid.or(known_group).or(there.map(|user| user.gid)).unwrap_or(own_gid);
        let (uid, gid) = (uid.to_string(), gid.to_string());
        let (uid, gid) = (Some(uid.as_bytes()), Some(gid.as_bytes()));
        let group = match &self.group {
            None => group.to_vec(),
            Some(name) => with_line(group, name, &[(gid, b""), (None, b"")]),
        };
        let fields = [
            (uid, &b""[..]),
            (gid, b""),
            (self.gecos.as_deref(), b""),
            (self.home.as_deref(), HOME),
            (self.shell.as_deref(), SHELL),
        ];
        (with_line(passwd, &self.name, &fields), group)
    }
}

/// The file with these fields in the line of this name, or with a new line at the end. The fields are those behind the
/// password: what each is to be, and what it is in a new line where that is not said.
fn with_line(file: &[u8], name: &[u8], fields: &[(Option<&[u8]>, &[u8])]) -> Vec<u8> {
    let mut lines = split(file, b'\n');
    let is_it = |line: &[u8]| {
        let mut parts = line.trim_ascii().split(|&byte| byte == b':');
        parts.next() == Some(name) && parts.nth(1).is_some_and(|id| accounts::id(id).is_some())
    };
    let (changed, added);
    match lines.iter_mut().find(|line| is_it(line)) {
        Some(line) => {
            let mut parts = split(line.trim_ascii(), b':');
            for (index, &(value, _)) in fields.iter().enumerate() {
                let Some(value) = value else { continue };
                while parts.len() <= index + 2 {
                    parts.push(b"");
                }
                parts[index + 2] = value;
            }
            changed = parts.join(&b':');
            // As it stands, blanks and all, if nothing in it changes.
            if changed != line.trim_ascii() {
                *line = &changed;
            }
        }
        None => {
            // The last of them is empty if the file ends with a newline.
            if lines.last().is_some_and(|line| line.is_empty()) {
                lines.pop();
            }
            let mut parts = vec![name, b"x"];
            for &(value, usual) in fields {
                parts.push(value.unwrap_or(usual));
            }
            added = parts.join(&b':');
            lines.push(&added);
            lines.push(b"");
        }
    }
    lines.join(&b'\n')
}

/// Puts into the accounts what the steps will put into the files. If onset's own user has an entry only by that: its name
/// and home.
#[inline(never)]
pub(super) fn foresee(
    config: &Config,
    accounts: &mut Accounts,
    env: &Environment,
    judge: &Judge,
    world: &dyn World,
) -> Option<(Vec<u8>, Vec<u8>)> {
    if config.steps.iter().all(|step| step.passwd.is_none()) {
        return None;
    }
    let process = world.process();
    let had_entry = accounts.user_numbered(process.uid).is_some();
    let mut any = false;
    for step in &config.steps {
        let Some(passwd) = &step.passwd else { continue };
        // What is wrong is told when the steps are resolved.
        if !holds(step.when.as_ref(), env, judge, &mut Problems::default()) {
            continue;
        }
        let entry = match Entry::of(passwd, env, &mut Problems::default()) {
            // A start with a variable that failed is refused. Until then there is somebody of that name.
            None if !env.failed.is_empty() => Entry::named(passwd, env),
            entry => entry,
        };
        let Some(entry) = entry else { continue };
        let (passwd, group) = entry.apply(accounts, process);
        *accounts = Accounts::with_files(passwd, group);
        any = true;
    }
    let own = accounts.user_numbered(process.uid).filter(|_| any && !had_entry)?;
    Some((own.name.to_vec(), own.home.to_vec()))
}

/// The files a step writes: as they are now, with its entry.
pub(super) fn files(
    passwd: &Passwd,
    env: &Environment,
    world: &Arc<dyn World>,
    problems: &mut Problems,
) -> Option<Vec<File>> {
    let entry = Entry::of(passwd, env, problems)?;
    let accounts = Accounts::of_world(world);
    for (path, content) in accounts.files() {
        match content {
            Ok(_) | Err(Errno::ENOENT) => {}
            Err(error) => {
                problems.at(passwd.place, format_args!("cannot read {path}: {}", Because(*error)));
                return None;
            }
        }
    }
    let (users, groups) = entry.apply(&accounts, world.process());
    let file = |path: &str, content: Vec<u8>| File {
        keep_mode: true,
        skip_read_only: passwd.on_read_only == Some(OnReadOnly::Skip),
        ..plain(PathBuf::from(path), content)
    };
    let mut files = vec![file(PASSWD, users)];
    if entry.group.is_some() {
        files.insert(0, file(GROUP, groups));
    }
    Some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/sh\n# comment\nabc:x:911:911:Old:/config:/bin/false\nlast:x:5:5";
    const GROUPS: &str = "root:x:0:\nabc:x:911:other\n";

    fn applied(entry: &Entry, users: &str, own: (u32, u32)) -> (String, String) {
        let accounts = Accounts::with_files(users.as_bytes().to_vec(), GROUPS.as_bytes().to_vec());
        let process = Process { uid: own.0, gid: own.1, ..Process::default() };
        let (users, groups) = entry.apply(&accounts, &process);
        let again = entry.apply(&Accounts::with_files(users.clone(), groups.clone()), &process);
        assert_eq!(again, (users.clone(), groups.clone()), "a second time changes nothing");
        (String::from_utf8(users).unwrap(), String::from_utf8(groups).unwrap())
    }

    fn named(name: &str) -> Entry {
        Entry { name: name.as_bytes().to_vec(), ..Entry::default() }
    }

    #[test]
    fn an_arbitrary_user_gets_an_entry() {
        let home = Some(b"/work".to_vec());
        let (users, groups) = applied(&Entry { home, ..named("app") }, USERS, (1_000_650_000, 0));
        assert_eq!(users, format!("{USERS}\napp:x:1000650000:0::/work:/sbin/nologin\n"));
        assert_eq!(groups, GROUPS);
        assert_eq!(applied(&named("app"), "", (7, 8)).0, "app:x:7:8::/:/sbin/nologin\n");
    }

    #[test]
    fn a_user_that_has_an_entry_under_another_name_gets_none() {
        assert_eq!(applied(&named("app"), USERS, (911, 0)).0, USERS);
        assert_eq!(applied(&named("app"), USERS, (0, 0)).0, USERS);
        let (users, _) = applied(&Entry { uid: Some(911), ..named("app") }, USERS, (0, 0));
        assert_eq!(users, format!("{USERS}\napp:x:911:911::/:/sbin/nologin\n"), "unless its number is said");
    }

    #[test]
    fn a_name_that_is_there_gets_other_numbers() {
        let entry = Entry { uid: Some(1000), gid: Some(100), group: Some(b"abc".to_vec()), ..named("abc") };
        let (users, groups) = applied(&entry, USERS, (0, 0));
        assert_eq!(users, USERS.replace(":911:911:", ":1000:100:"));
        assert_eq!(groups, GROUPS.replace("911", "100"));
        let shell = Entry { shell: Some(b"/bin/sh".to_vec()), ..named("last") };
        assert!(applied(&shell, USERS, (0, 0)).0.ends_with("\nlast:x:5:5:::/bin/sh"));
        assert_eq!(applied(&named("abc"), USERS, (0, 0)), (USERS.to_owned(), GROUPS.to_owned()));
    }

    #[test]
    fn a_group_is_made_or_gives_its_number() {
        let new = Entry { uid: Some(1000), group: Some(b"app".to_vec()), ..named("app") };
        let (users, groups) = applied(&new, USERS, (0, 0));
        assert!(users.ends_with("\napp:x:1000:1000::/:/sbin/nologin\n"));
        assert_eq!(groups, format!("{GROUPS}app:x:1000:\n"));
        let known = Entry { uid: Some(1000), group: Some(b"abc".to_vec()), ..named("app") };
        let (users, groups) = applied(&known, USERS, (0, 0));
        assert!(users.ends_with("\napp:x:1000:911::/:/sbin/nologin\n"));
        assert_eq!(groups, GROUPS);
    }
}
