//! What both sides find, and what happens to them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;

use super::page::Block;
use crate::support::root::{Root, Start};

/// Where the applications are.
const PROGRAMS: &str = "/usr/local/bin";
const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/sbin";

#[derive(Default)]
pub struct Setting {
    files: Vec<Vec<String>>,
    passwd: Vec<String>,
    group: Vec<String>,
    apps: Vec<String>,
    stubs: Vec<(String, String)>,
    user: (u32, u32),
    umask: Option<u32>,
    status: Option<u8>,
    replaced: Vec<(String, String)>,
    env: Vec<String>,
    pub signal: Option<i32>,
    pub again: bool,
    /// Variables that are not compared.
    pub ignored: Vec<String>,
    /// Files that are not compared.
    pub ignored_files: Vec<String>,
}

impl Setting {
    /// One line of the comparison.
    pub fn take(&mut self, words: &[String]) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["app", name] => self.apps.push((*name).to_owned()),
            ["stub", name, lines @ ..] => self.stubs.push(((*name).to_owned(), lines.join(" ").replace("; ", "\n"))),
            ["passwd", line] => self.passwd.push((*line).to_owned()),
            ["group", line] => self.group.push((*line).to_owned()),
            ["user", ids] => self.user = ids_of(ids),
            ["umask", octal] => self.umask = Some(octal_of(octal)),
            ["status", status] => self.status = Some(status.parse().expect("a status")),
            ["replace", old, new] => self.replaced.push(((*old).to_owned(), (*new).to_owned())),
            ["signal", "none"] => self.signal = None,
            ["signal", number] => self.signal = Some(number.parse().expect("a number")),
            ["serve", status] => self.env = vec![format!("PORT={}", serve(status))],
            ["ignore", names @ ..] => self.ignored.extend(names.iter().map(|name| (*name).to_owned())),
            ["ignore-file", paths @ ..] => self.ignored_files.extend(paths.iter().map(|path| (*path).to_owned())),
            ["again"] => self.again = true,
            ["file" | "dir" | "link" | "owner" | "mode" | "read-only", ..] => {
                self.files.push(words.iter().map(|word| (*word).to_owned()).collect());
            }
            _ => panic!("no such line in a comparison: {words:?}"),
        }
    }

    /// The text of a block, with its long times made short.
    pub fn text(&self, block: &Block) -> String {
        self.replaced.iter().fold(block.text.clone(), |text, (old, new)| text.replace(old, new))
    }

    /// A root with all of it.
    pub fn furnish(&self, mut root: Root) -> Root {
        let apps: Vec<String> = self.apps.iter().map(|name| path_of(name)).collect();
        root = root.programs(apps.iter().map(String::as_str)).dir(PROGRAMS).dir("/var");
        if !self.stubs.iter().any(|(name, _)| name == "app") {
            root = root.programs([format!("{PROGRAMS}/app").as_str()]);
        }
        for (name, lines) in &self.stubs {
            root = root.stub(&path_of(name), lines);
        }
        root = root.file("/etc/hosts", "127.0.0.1 localhost\n");
        root = root.passwd(&self.passwd.join("\n")).group(&self.group.join("\n"));
        if let Some(status) = self.status {
            root = root.app_status(status);
        }
        self.files.iter().fold(root, |root, words| {
            match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["file", path] => root.file(path, ""),
                ["file", path, text] => root.file(path, text),
                ["dir", path] => root.dir(path),
                ["link", path, target] => root.link(path, target),
                ["owner", path, ids] => {
                    let (uid, gid) = ids_of(ids);
                    root.owner(path, uid, gid)
                }
                ["mode", path, octal] => root.mode(path, octal_of(octal)),
                ["read-only", path] => root.read_only(path),
                _ => panic!("no such line in a comparison: {words:?}"),
            }
        })
    }

    /// As whom and with what it is started.
    pub fn start<'r>(&self, start: Start<'r>, env: &[String]) -> Start<'r> {
        // A start that says PORT itself means another one.
        let own = self.env.iter().filter(|_| !env.iter().any(|entry| entry.starts_with("PORT=")));
        let start = start.path(PATH).user(self.user.0, self.user.1).env(own.chain(env));
        match self.umask {
            Some(umask) => start.umask(umask),
            None => start,
        }
    }
}

fn path_of(name: &str) -> String {
    if name.contains('/') { name.to_owned() } else { format!("{PROGRAMS}/{name}") }
}

/// Where a program of that name is in a root.
pub fn find(root: &Root, name: &str) -> String {
    let folders = if name.contains('/') { vec![""] } else { vec!["/usr/local/bin/", "/bin/", "/sbin/"] };
    let mut paths = folders.iter().map(|folder| format!("{folder}{name}"));
    // What is in /bin here is only mounted there when it starts.
    let is_there = |path: &String| root.exists(path) || Path::new("/usr").join(path.trim_start_matches('/')).exists();
    paths.find(is_there).unwrap_or_else(|| panic!("no program {name}"))
}

/// A server that gives this status to everybody; its port.
fn serve(status: &str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let answer = format!("HTTP/1.1 {status} Status\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let lines = BufReader::new(&mut stream).lines();
            lines.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
    port
}

fn ids_of(text: &str) -> (u32, u32) {
    let (uid, gid) = text.split_once(':').expect("UID:GID");
    (uid.parse().expect("a number"), gid.parse().expect("a number"))
}

fn octal_of(text: &str) -> u32 {
    u32::from_str_radix(text, 8).expect("octal")
}
