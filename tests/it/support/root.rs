//! A root file system without a shell, as an image has it: onset as PID 1 of fresh PID and mount namespaces, and the
//! probe under every name a test asks for, which records what it was started as.
//!
//! ```ignore
//! let root = Root::example("haproxy").programs(["haproxy"]);
//! let outcome = root.start(["-f", "/x"]).run();
//! assert_eq!(outcome.app().argv(), ["haproxy", "-W", "-db", "-f", "/x"]);
//! ```
//!
//! Programs and the libraries they may need are bound into it by the child that becomes onset, so a root costs a
//! temporary folder with a few empty files.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, lchown, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::init::onset;
use super::pty::{Pty, make_controlling};
use super::{Finished, Folder, Init, Mode, Running, Stdio, mode, network, probe};
use crate::syscall;

/// Where programs are found that have no slash in their name.
const BIN: &str = "/usr/bin";
/// The probe is a recorder where this file is; its content is the status it ends with.
const RECORDER: &str = "/recorder";
/// The umask of containers.
const UMASK: u32 = 0o022;

/// Whether a root can be made here; if not, the caller's test is skipped: `if !root::is_possible_or_skip() { return; }`.
pub fn is_possible_or_skip() -> bool {
    mode::is_root_or_skip() && mode::has_namespaces_or_skip()
}

/// A root file system.
pub struct Root {
    folder: Folder,
    mounts: Vec<Mount>,
    /// The addresses of a network namespace of its own.
    network: Option<Vec<Ipv4Addr>>,
}

#[derive(Clone)]
struct Mount {
    source: CString,
    target: CString,
    kind: CString,
    flags: libc::c_ulong,
}

impl Root {
    /// onset, /etc/passwd and /etc/group with root alone, /etc/onset, /tmp and /proc; nothing else.
    pub fn new() -> Self {
        let mut root = Self { folder: Folder::new(), mounts: Vec::new(), network: None };
        for path in ["/etc/onset", "/usr/bin", "/proc", "/tmp"] {
            root.make_folder(path);
        }
        root.put("/etc/passwd", "root:x:0:0:root:/root:/none\n");
        root.put("/etc/group", "root:x:0:\n");
        root.put(RECORDER, "0");
        root.bind_libraries();
        root.bind_program("onset", &onset());
        root
    }

    /// With this configuration in the usual place.
    pub fn config(text: impl AsRef<[u8]>) -> Self {
        let root = Self::new();
        root.put("/etc/onset/onset.toml", text);
        root
    }

    /// With the configuration of examples/entrypoints/NAME.
    pub fn example(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/entrypoints").join(name).join("onset.toml");
        Self::config(fs::read(&path).unwrap_or_else(|err| panic!("cannot read {}: {err}", path.display())))
    }

    /// The recorder under these names, in /usr/bin or with a path.
    pub fn programs<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
        for name in names {
            self.bind_program(name, &probe());
        }
        self
    }

    /// A program in /usr/bin, or with a path, that does as these lines say (tests/probe/stub.rs).
    pub fn stub(self, name: &str, lines: &str) -> Self {
        let base = name.rsplit('/').next().unwrap_or(name).to_owned();
        self.put(&format!("/stubs/{base}"), lines);
        self.programs([name])
    }

    /// The example of that name in /usr/bin, built of this source.
    pub fn example_program(mut self, name: &str, source: &str) -> Self {
        self.bind_program(name, &super::init::example(name, source));
        self
    }

    /// This machine's own programs, a shell among them, in /bin and /sbin, where nobody can write: for what a script does
    /// that onset takes the place of.
    pub fn with_shell(mut self) -> Self {
        for (source, target) in
            [("/usr/bin", "/bin"), ("/usr/sbin", "/sbin"), ("/etc/alternatives", "/etc/alternatives")]
        {
            if Path::new(source).is_dir() {
                self.make_folder(target);
                let inside = self.path(target);
                self.mount(OsStr::new(source), &inside, "none", libc::MS_BIND);
                self.mount(OsStr::new("none"), &inside, "none", libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY);
            }
        }
        for path in ["/dev/null", "/usr/bin/env"] {
            self.put(path, "");
            let inside = self.path(path);
            self.mount(OsStr::new(path), &inside, "none", libc::MS_BIND);
        }
        self
    }

    /// Lines for /etc/passwd.
    pub fn passwd(self, lines: &str) -> Self {
        self.put("/etc/passwd", format!("root:x:0:0:root:/root:/none\n{lines}\n"));
        self
    }

    /// Lines for /etc/group.
    pub fn group(self, lines: &str) -> Self {
        self.put("/etc/group", format!("root:x:0:\n{lines}\n"));
        self
    }

    /// The status every recorded program ends with.
    pub fn app_status(self, status: u8) -> Self {
        self.put(RECORDER, status.to_string());
        self
    }

    /// A file, 0644 and root's.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.put(path, content);
        self
    }

    /// A folder, 0755 and root's, and those it is in.
    pub fn dir(self, path: &str) -> Self {
        self.make_folder(path);
        self
    }

    /// Another mode for what is there.
    pub fn mode(self, path: &str, mode: u32) -> Self {
        self.set_mode(path, mode);
        self
    }

    /// Another owner for what is there.
    pub fn owner(self, path: &str, uid: u32, gid: u32) -> Self {
        self.set_owner(path, uid, gid);
        self
    }

    /// A symbolic link.
    pub fn link(self, path: &str, target: &str) -> Self {
        self.make_parent(path);
        symlink(target, self.path(path)).expect("a new symbolic link");
        self
    }

    /// A mount point of its own for the file or folder that is there, as `docker run -v FILE:FILE` makes.
    pub fn mount_point(mut self, path: &str) -> Self {
        let inside = self.path(path);
        self.mount(inside.as_os_str(), &inside, "none", libc::MS_BIND);
        self
    }

    /// The same, and it cannot be written.
    pub fn read_only(self, path: &str) -> Self {
        let mut root = self.mount_point(path);
        let inside = root.path(path);
        root.mount(OsStr::new("none"), &inside, "none", libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY);
        root
    }

    /// An empty tmpfs.
    pub fn tmpfs(mut self, path: &str) -> Self {
        self.make_folder(path);
        let inside = self.path(path);
        self.mount(OsStr::new("tmpfs"), &inside, "tmpfs", 0);
        self
    }

    /// A network of its own: 127.0.0.1 and these addresses, in this order.
    pub fn own_network(mut self, addresses: impl IntoIterator<Item = [u8; 4]>) -> Self {
        self.network = Some(addresses.into_iter().map(Ipv4Addr::from).collect());
        self
    }

    /// Where the test finds what is at this path in the root.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.folder.join(inside.trim_start_matches('/'))
    }

    /// Writes a file.
    pub fn put(&self, path: &str, content: impl AsRef<[u8]>) {
        self.make_parent(path);
        let path = self.path(path);
        fs::write(&path, content).unwrap_or_else(|err| panic!("cannot write {}: {err}", path.display()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("our own file");
    }

    pub fn set_mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).expect("our own file");
    }

    pub fn set_owner(&self, path: &str, uid: u32, gid: u32) {
        lchown(self.path(path), Some(uid), Some(gid)).expect("root may");
    }

    /// The bytes of a file.
    pub fn read(&self, path: &str) -> Vec<u8> {
        let path = self.path(path);
        fs::read(&path).unwrap_or_else(|err| panic!("cannot read {}: {err}", path.display()))
    }

    /// The text of a file.
    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.read(path)).expect("UTF-8")
    }

    /// Whether something is there, a dangling link too.
    pub fn exists(&self, path: &str) -> bool {
        self.path(path).symlink_metadata().is_ok()
    }

    /// `uid:gid` of what is there, not of what a link points at.
    pub fn owner_of(&self, path: &str) -> String {
        let meta = self.meta(path);
        format!("{}:{}", meta.uid(), meta.gid())
    }

    /// The permission bits.
    pub fn mode_of(&self, path: &str) -> u32 {
        self.meta(path).mode() & 0o7777
    }

    pub fn meta(&self, path: &str) -> fs::Metadata {
        let path = self.path(path);
        path.symlink_metadata().unwrap_or_else(|err| panic!("cannot look at {}: {err}", path.display()))
    }

    /// All there is below a path: what a second start must not change.
    pub fn snapshot(&self, path: &str) -> Snapshot {
        let mut entries = BTreeMap::new();
        record(&self.path(path), &mut entries);
        entries
    }

    /// `onset -- ARGS`, or `onset` alone without any.
    pub fn start<I>(&self, args: I) -> Start<'_>
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        let args: Vec<OsString> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
        let words = if args.is_empty() { Vec::new() } else { [vec![OsString::from("--")], args].concat() };
        self.onset(words)
    }

    /// `onset ARGS`.
    pub fn onset<I>(&self, words: I) -> Start<'_>
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.program(&format!("{BIN}/onset"), words)
    }

    /// Another program, by its path, as PID 1 in the place of onset.
    pub fn program<I>(&self, path: &str, words: I) -> Start<'_>
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        Start {
            root: self,
            program: path.to_owned(),
            options: Vec::new(),
            words: words.into_iter().map(|word| word.as_ref().to_owned()).collect(),
            env: vec![format!("PATH={BIN}").into()],
            user: (0, 0),
            groups: Vec::new(),
            umask: UMASK,
            cwd: "/".to_owned(),
            dropped: Vec::new(),
            terminal: None,
            limits: Vec::new(),
        }
    }

    fn make_folder(&self, path: &str) {
        let path = self.path(path);
        let mut made = PathBuf::new();
        for part in path.components() {
            made.push(part);
            if !made.exists() {
                fs::create_dir(&made).unwrap_or_else(|err| panic!("cannot make {}: {err}", made.display()));
                fs::set_permissions(&made, fs::Permissions::from_mode(0o755)).expect("our own folder");
            }
        }
    }

    fn make_parent(&self, path: &str) {
        if let Some((parent, _)) = path.rsplit_once('/') {
            self.make_folder(parent);
        }
    }

    fn bind_program(&mut self, name: &str, program: &Path) {
        let path = if name.contains('/') { name.to_owned() } else { format!("{BIN}/{name}") };
        self.put(&path, "");
        self.set_mode(&path, 0o755);
        let target = self.path(&path);
        self.mount(program.as_os_str(), &target, "none", libc::MS_BIND);
    }

    /// For binaries that are not static: the folders of libraries, as they are here. There is no shell in them.
    fn bind_libraries(&mut self) {
        for path in ["/usr/lib", "/usr/lib64", "/lib", "/lib64"] {
            let Ok(meta) = fs::symlink_metadata(path) else { continue };
            if meta.is_symlink() {
                let target = fs::read_link(path).expect("a symbolic link");
                symlink(target, self.path(path)).expect("a new symbolic link");
            } else {
                self.make_folder(path);
                let target = self.path(path);
                self.mount(OsStr::new(path), &target, "none", libc::MS_BIND | libc::MS_REC);
            }
        }
    }

    fn mount(&mut self, source: &OsStr, target: &Path, kind: &str, flags: libc::c_ulong) {
        let c_string = |bytes: &[u8]| CString::new(bytes).expect("no NUL");
        self.mounts.push(Mount {
            source: c_string(source.as_bytes()),
            target: c_string(target.as_os_str().as_bytes()),
            kind: c_string(kind.as_bytes()),
            flags,
        });
    }
}

/// One start of onset in a [`Root`]. Without further calls: as root without supplementary groups, umask 0022, in `/`,
/// `PATH=/usr/bin` as the whole environment.
pub struct Start<'r> {
    root: &'r Root,
    program: String,
    options: Vec<OsString>,
    words: Vec<OsString>,
    env: Vec<OsString>,
    user: (u32, u32),
    groups: Vec<u32>,
    umask: u32,
    cwd: String,
    dropped: Vec<libc::c_ulong>,
    terminal: Option<OwnedFd>,
    limits: Vec<(u32, u64)>,
}

impl Start<'_> {
    /// onset's own options, before the rest.
    pub fn options<'o>(mut self, options: impl IntoIterator<Item = &'o str>) -> Self {
        self.options.extend(options.into_iter().map(OsString::from));
        self
    }

    /// `--log-level debug`.
    pub fn debug(self) -> Self {
        self.options(["--log-level", "debug"])
    }

    /// Entries after `PATH`.
    pub fn env<I>(mut self, entries: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.env.extend(entries.into_iter().map(|entry| entry.as_ref().to_owned()));
        self
    }

    /// Another `PATH`.
    pub fn path(mut self, path: &str) -> Self {
        self.env[0] = format!("PATH={path}").into();
        self
    }

    pub fn user(mut self, uid: u32, gid: u32) -> Self {
        self.user = (uid, gid);
        self
    }

    pub fn groups(mut self, groups: impl IntoIterator<Item = u32>) -> Self {
        self.groups = groups.into_iter().collect();
        self
    }

    pub fn umask(mut self, umask: u32) -> Self {
        self.umask = umask;
        self
    }

    pub fn cwd(mut self, cwd: &str) -> Self {
        cwd.clone_into(&mut self.cwd);
        self
    }

    /// As the leader of a session on this terminal, which is its stdin, as in `docker run -it`.
    pub fn on_terminal(mut self, pty: &Pty) -> Self {
        self.terminal = Some(pty.slave());
        self
    }

    /// Takes this capability away for good, by number.
    pub fn without_capability(mut self, capability: libc::c_ulong) -> Self {
        self.dropped.push(capability);
        self
    }

    /// `RLIMIT_*`, both the soft and the hard one.
    pub fn limit(mut self, resource: u32, limit: u64) -> Self {
        self.limits.push((resource, limit));
        self
    }

    /// Starts it; [`Start::run`] also waits for its end.
    pub fn begin(self) -> Running {
        self.init().start()
    }

    /// The same, and it waits before its execve for [`Running::release`].
    pub fn begin_held(self) -> Running {
        self.init().hold_before_exec().start()
    }

    fn init(self) -> Init {
        let mounts = self.root.mounts.clone();
        let network = self.root.network.as_deref().map(network::requests);
        let c_string = |text: &OsStr| CString::new(text.as_bytes()).expect("no NUL");
        let root = c_string(self.root.folder.path().as_os_str());
        let proc = c_string(self.root.path("/proc").as_os_str());
        let cwd = c_string(OsStr::new(&self.cwd));
        let Self { user: (uid, gid), groups, dropped, terminal, .. } = self;
        let on_terminal = terminal.is_some();
        let enter = move || -> io::Result<()> {
            if let Some(requests) = &network {
                network::enter(requests)?;
            }
            for Mount { source, target, kind, flags } in &mounts {
                syscall!(SYS_mount, source.as_ptr(), target.as_ptr(), kind.as_ptr(), *flags, 0)?;
            }
            syscall!(SYS_mount, c"proc".as_ptr(), proc.as_ptr(), c"proc".as_ptr(), 0, 0)?;
            syscall!(SYS_chroot, root.as_ptr())?;
            syscall!(SYS_chdir, cwd.as_ptr())?;
            for capability in &dropped {
                syscall!(SYS_prctl, libc::PR_CAPBSET_DROP, *capability, 0, 0, 0)?;
            }
            syscall!(SYS_setgroups, groups.len(), groups.as_ptr())?;
            syscall!(SYS_setresgid, gid, gid, gid)?;
            if on_terminal {
                make_controlling(0)?;
            }
            syscall!(SYS_setresuid, uid, uid, uid).map(drop)
        };
        let init = Init::bare(Mode::Pid1, &self.program).args(&self.options).args(&self.words);
        let init = if let Some(slave) = terminal { init.stdin(Stdio::Fd(slave)) } else { init };
        let init = init.env(&self.env).umask(self.umask).hook(enter);
        self.limits.iter().fold(init, |init, &(resource, limit)| init.limit(resource, limit, limit))
    }

    /// Runs it to its end.
    pub fn run(self) -> Outcome {
        let finished = self.begin().finish();
        Outcome::new(finished)
    }
}

/// How a start ended.
pub struct Outcome {
    finished: Finished,
    app: Option<App>,
    programs: Vec<App>,
}

impl Outcome {
    /// What is known after the end.
    pub fn new(finished: Finished) -> Self {
        let values = finished.stdout();
        let values = values.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        // The application is the child of PID 1, or PID 1; a program of a step is a child of the child.
        let is_app = |value: &Value| value["pid"] == 1 || value["ppid"] == 1;
        let recorded = values.filter(|value| value["argv"].is_array());
        let (mut apps, programs): (Vec<Value>, Vec<Value>) = recorded.partition(is_app);
        let programs = programs.into_iter().map(App).collect();
        Outcome { finished, app: apps.pop().map(App), programs }
    }

    /// The programs of steps that recorded what they found, in order.
    pub fn programs(&self) -> &[App] {
        &self.programs
    }

    /// The reports of this event.
    pub fn events(&self, event: &str) -> Vec<Value> {
        self.finished.events().into_iter().filter(|value| value["event"] == event).collect()
    }

    /// That all of these are on stdout.
    #[track_caller]
    pub fn assert_stdout_has(&self, said: &[&str]) {
        for text in said {
            assert!(self.stdout().contains(text), "stdout does not say {text:?}\n{}", self.story());
        }
    }

    /// What was written to stdout.
    pub fn stdout(&self) -> String {
        self.finished.stdout()
    }

    /// The application, as which onset must have ended well.
    #[track_caller]
    pub fn app(&self) -> &App {
        self.app.as_ref().unwrap_or_else(|| panic!("the application did not start\n{}", self.story()))
    }

    /// That the application did not start, that onset ended so, and that it said all of these.
    #[track_caller]
    pub fn assert_refused(&self, status: i32, said: &[&str]) {
        assert!(self.app.is_none(), "the application started\n{}", self.story());
        assert_eq!(self.code(), status, "{}", self.story());
        self.assert_says(said);
    }

    /// That all of these are on stderr.
    #[track_caller]
    pub fn assert_says(&self, said: &[&str]) {
        for text in said {
            assert!(self.stderr().contains(text), "stderr does not say {text:?}\n{}", self.story());
        }
    }

    /// That none of these is in anything that was written.
    #[track_caller]
    pub fn assert_never_says(&self, secrets: &[&str]) {
        for secret in secrets {
            let seen = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!seen(&self.finished.stderr), "stderr says {secret:?}\n{}", self.story());
            assert!(!seen(&self.finished.stdout), "stdout says {secret:?}\n{}", self.story());
        }
    }

    pub fn started(&self) -> bool {
        self.app.is_some()
    }

    pub fn code(&self) -> i32 {
        self.finished.code()
    }

    /// All of stderr, in its messages quotes and backslashes as they are meant.
    pub fn stderr(&self) -> String {
        let plain = |line: &str| {
            let value: Option<Value> = serde_json::from_str(line).ok();
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let fields = value.as_ref().and_then(Value::as_object);
            let words = fields.map(|fields| fields.iter().map(|(name, value)| format!("{name}={}", text(value))));
            words.map_or_else(|| line.to_owned(), |words| words.collect::<Vec<_>>().join(" "))
        };
        self.finished.stderr().lines().map(|line| plain(line) + "\n").collect()
    }

    pub fn story(&self) -> String {
        self.finished.story()
    }
}

/// What the recorder found.
pub struct App(Value);

impl App {
    /// The command line, byte for byte.
    pub fn words(&self) -> Vec<Vec<u8>> {
        hex_list(&self.0["argv"])
    }

    /// The command line as text.
    pub fn argv(&self) -> Vec<String> {
        self.words().into_iter().map(|word| String::from_utf8(word).expect("UTF-8")).collect()
    }

    /// The environment, byte for byte and in its order.
    pub fn environ(&self) -> Vec<OsString> {
        hex_list(&self.0["env"]).into_iter().map(OsString::from_vec).collect()
    }

    /// The value of a variable that is there at most once.
    pub fn var(&self, name: &str) -> Option<Vec<u8>> {
        let prefix = format!("{name}=");
        let values = hex_list(&self.0["env"]).into_iter();
        let mut values: Vec<_> =
            values.filter_map(|entry| entry.strip_prefix(prefix.as_bytes()).map(<[u8]>::to_vec)).collect();
        assert!(values.len() < 2, "{name} is there more than once");
        values.pop()
    }

    /// The same as text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.var(name).map(|value| String::from_utf8(value).expect("UTF-8"))
    }

    /// `uid:gid`, of which no other is left: real, effective, saved and that of the file system are the same.
    pub fn identity(&self) -> String {
        let one = |field: &str| {
            let text = self.0[field].as_str().expect("the probe says it");
            let mut ids: Vec<&str> = text.split_whitespace().collect();
            ids.dedup();
            assert_eq!(ids.len(), 1, "{field}: {text}");
            ids[0].to_owned()
        };
        format!("{}:{}", one("uids"), one("gids"))
    }

    /// Anything else of what the probe prints.
    pub fn field(&self, name: &str) -> &Value {
        &self.0[name]
    }

    /// Supplementary groups.
    pub fn groups(&self) -> Vec<u32> {
        let text = self.0["groups"].as_str().expect("the probe says it");
        text.split_whitespace().map(|group| group.parse().expect("a number")).collect()
    }

    /// A resource limit, soft and hard, by its number.
    pub fn limit(&self, resource: u32) -> (u64, u64) {
        let pair = &self.0["limits"][resource as usize];
        (pair[0].as_u64().expect("the probe says it"), pair[1].as_u64().expect("the probe says it"))
    }

    pub fn umask(&self) -> u32 {
        u32::from_str_radix(self.0["umask"].as_str().expect("the probe says it"), 8).expect("octal")
    }

    pub fn cwd(&self) -> String {
        String::from_utf8(bytes_of(&self.0["cwd"])).expect("UTF-8")
    }
}

fn hex_list(value: &Value) -> Vec<Vec<u8>> {
    value.as_array().expect("a list").iter().map(bytes_of).collect()
}

fn bytes_of(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("a string").as_bytes();
    text.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).expect("hex")).collect()
}

/// Paths, and what a start may not change of them.
pub type Snapshot = BTreeMap<PathBuf, Entry>;

/// An entry of a file system. The change time says more than that of the content: a chown to the same owner moves it.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    inode: u64,
    mode: u32,
    owner: (u32, u32),
    modified: (i64, i64),
    changed: (i64, i64),
    content: Vec<u8>,
}

impl Entry {
    /// What a user sees: the mode, the owner, and the content or where a link points.
    pub fn seen(&self) -> (u32, (u32, u32), &[u8]) {
        (self.mode, self.owner, &self.content)
    }
}

fn record(path: &Path, entries: &mut Snapshot) {
    let Ok(meta) = path.symlink_metadata() else { return };
    let content = match meta.file_type() {
        kind if kind.is_file() => fs::read(path).expect("root may"),
        kind if kind.is_symlink() => fs::read_link(path).expect("a link").into_os_string().into_vec(),
        _ => Vec::new(),
    };
    let entry = Entry {
        inode: meta.ino(),
        mode: meta.mode(),
        owner: (meta.uid(), meta.gid()),
        modified: (meta.mtime(), meta.mtime_nsec()),
        changed: (meta.ctime(), meta.ctime_nsec()),
        content,
    };
    entries.insert(path.to_owned(), entry);
    if meta.is_dir() {
        for child in fs::read_dir(path).expect("root may") {
            record(&child.expect("an entry").path(), entries);
        }
    }
}
