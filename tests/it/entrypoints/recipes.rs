//! The examples of docs/recipes.md, each started, and what happens where they cannot be followed.

use super::facts::documented;
use crate::support::Stream;
use crate::support::root::{Outcome, Root};
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

const NONE: [&str; 0] = [];

fn root(heading: &str) -> Root {
    Root::config(documented("recipes.md", heading)).programs(["app"])
}

fn with_steps(steps: &str) -> Root {
    Root::config(format!("version = 1\napp.command = ['app']\n{steps}\n")).programs(["app"])
}

fn started(root: &Root) -> Outcome {
    let outcome = root.start(NONE).run();
    assert!(outcome.started(), "{}", outcome.story());
    outcome
}

promise!(a_secret_is_made_once, {
    for uid in [0, 65532] {
        let root = root("A secret, once").dir("/data").owner("/data", uid, uid);
        let start = || root.start(NONE).user(uid, uid).run();
        let first = start();
        let secret = first.app().text("SECRET_KEY").expect("a secret");
        assert_eq!(secret.len(), 44);
        first.assert_never_says(&[&secret]);
        assert_eq!(root.text("/data/secret_key"), secret);
        assert_eq!(
            (root.mode_of("/data/secret_key"), root.owner_of("/data/secret_key")),
            (0o600, format!("{uid}:{uid}"))
        );
        let before = root.snapshot("/data");
        assert_eq!(start().app().text("SECRET_KEY"), Some(secret));
        assert_eq!(root.snapshot("/data"), before);
    }
});

promise!(two_starts_at_once_have_one_secret, {
    let root = root("A secret, once").dir("/data");
    let starts = [(); 4].map(|()| root.start(NONE).begin());
    let secrets = starts.map(|start| Outcome::new(start.finish()).app().text("SECRET_KEY"));
    assert!(secrets[0].is_some() && secrets.iter().all(|secret| *secret == secrets[0]));
    assert_eq!(root.text("/data/secret_key"), *secrets[0].as_ref().expect("a secret"));
});

promise!(a_secret_that_cannot_be_made_is_told, {
    let root = root("A secret, once").dir("/data").read_only("/data");
    root.start(NONE).run().assert_refused(125, &["cannot make the secret `/data/secret_key`", "read-only"]);
    let root = with_steps("[[steps]]\ngenerate = { path = '/data/key', into = 'KEY' }").file("/data/key", "");
    root.start(NONE).run().assert_refused(125, &["there is an empty file, and no secret in it"]);
    let root = with_steps("[[steps]]\ngenerate = { path = '/data/key', into = 'KEY' }").file("/data/key", "mine\n");
    assert_eq!(started(&root).app().text("KEY").as_deref(), Some("mine"));
    let root = with_steps("[[steps]]\ngenerate = { path = '/k', kind = 'bytes', into = 'KEY' }");
    root.start(NONE).run().assert_refused(125, &["a variable cannot hold any bytes"]);
});

fn lock(root: &Root) -> File {
    let file = File::create(root.path("/data/.lock")).expect("a file");
    file.lock().expect("the lock");
    file
}

promise!(a_lock_that_is_free_is_taken, {
    let root = root("One container at a time").dir("/data").file("/defaults/a", "1");
    started(&root);
    assert_eq!(root.text("/data/config/a"), "1");
    assert!(root.exists("/data/.lock"));
    let read_only = with_steps("[[steps]]\nlock = { path = '/data/.lock' }").file("/data/.lock", "").read_only("/data");
    started(&read_only);
});

promise!(waiting_in_vain_ends_with_124, {
    let root = root("One container at a time").dir("/data").file("/defaults/a", "1");
    let _held = lock(&root);
    root.start(NONE).run().assert_refused(124, &["cannot lock `/data/.lock`: others have held it for 2s"]);
    assert!(!root.exists("/data/config"));
});

promise!(a_lock_is_waited_for, {
    let root = with_steps("[[steps]]\nlock = { path = '/data/.lock' }").dir("/data");
    let held = lock(&root);
    let init = root.start(NONE).begin();
    init.wait_for_line(Stream::Stderr, "the wait", |line| line.contains("is locked by others"));
    drop(held);
    assert!(Outcome::new(init.finish()).started());
});

promise!(a_stop_signal_ends_the_waiting, {
    let root = with_steps("[[steps]]\nlock = { path = '/data/.lock' }").dir("/data");
    let _held = lock(&root);
    let init = root.start(NONE).begin();
    init.wait_for_line(Stream::Stderr, "the wait", |line| line.contains("is locked by others"));
    init.kill(libc::SIGTERM);
    assert_eq!(init.finish().code(), 143);
});

promise!(where_no_lock_can_be_made_that_is_told, {
    let root = with_steps("[[steps]]\nlock = { path = '/data/.lock' }").dir("/data").read_only("/data");
    root.start(NONE).run().assert_refused(125, &["cannot lock `/data/.lock`", "read-only"]);
});

promise!(any_user_gets_an_entry, {
    let root = root("Any user").mode("/etc/passwd", 0o664);
    let start = |uid| root.start(NONE).user(uid, 0).env(["HOME=/"]).run();
    let outcome = start(1_000_650_000);
    let home = |outcome: &Outcome| ["HOME", "USER", "LOGNAME"].map(|name| outcome.app().text(name));
    let expected = ["/work", "app", "app"].map(|value| Some(value.to_owned()));
    assert_eq!(home(&outcome), expected);
    let passwd = root.text("/etc/passwd");
    assert!(passwd.ends_with("\napp:x:1000650000:0::/work:/sbin/nologin\n"), "{passwd}");
    assert_eq!((root.mode_of("/etc/passwd"), root.owner_of("/etc/passwd")), (0o664, "0:0".to_owned()));
    let before = root.snapshot("/etc");
    start(1_000_650_000);
    assert_eq!(root.snapshot("/etc"), before);
    assert_eq!(home(&start(0))[0].as_deref(), Some("/"), "root has an entry");
});

promise!(without_a_writable_passwd_home_is_right_all_the_same, {
    for root in [root("Any user"), root("Any user").read_only("/etc/passwd")] {
        let outcome = root.start(NONE).user(65532, 65532).run();
        assert_eq!(outcome.app().text("HOME").as_deref(), Some("/work"));
        outcome.assert_says(&["cannot write `/etc/passwd`", "it is left as it is"]);
    }
    let strict = with_steps("[[steps]]\npasswd = { name = 'app' }");
    strict.start(NONE).user(65532, 65532).run().assert_refused(125, &["/etc/passwd", "owner 0:0", "65532:65532"]);
});

promise!(a_user_gets_the_numbers_it_is_asked_for, {
    let root = root("PUID and PGID").passwd("abc:x:911:911:abc:/config:/bin/false").group("abc:x:911:");
    let root = root.dir("/config").file("/config/a", "").mount_point("/etc/passwd");
    let outcome = root.start(NONE).env(["PUID=1000", "PGID=100"]).run();
    assert_eq!(outcome.app().identity(), "1000:100");
    assert_eq!(outcome.app().text("HOME").as_deref(), Some("/config"));
    assert_eq!((root.owner_of("/config"), root.owner_of("/config/a")), ("1000:100".to_owned(), "1000:100".to_owned()));
    assert!(root.text("/etc/passwd").ends_with("\nabc:x:1000:100:abc:/config:/bin/false\n"));
    assert!(root.text("/etc/group").ends_with("\nabc:x:100:\n"));
    let outcome = root.start(NONE).env(["PUID=0"]).run();
    outcome.assert_refused(125, &["PUID"]);
    assert_eq!(root.start(NONE).run().app().identity(), "911:911", "and back");
});

promise!(an_entry_that_is_none_is_refused, {
    for (fields, said) in [
        ("name = 'a:b'", "a field of an entry has no colon"),
        ("name = '7up'", "a name of a user or group begins with a letter"),
        ("name = 'a', uid = 'x'", "this is no number of a user or group"),
        ("name = 'a', home = \"/a\\nroot::0:0::/:\"", "a field of an entry has no colon, no newline"),
    ] {
        let root = with_steps(&format!("[[steps]]\npasswd = {{ {fields} }}"));
        root.start(NONE).run().assert_refused(125, &[said]);
    }
});

promise!(stdout_belongs_to_the_application, {
    let root = root("Log files that are /dev/stdout");
    let outcome = started(&root);
    let done = outcome.events("step_done");
    assert_eq!(done[0]["changed"], 2, "{}", outcome.story());
    let outcome = root.start(NONE).without_capability(0).run();
    assert!(outcome.started(), "{}", outcome.story());
    outcome.assert_says(&["stdout stays as it is, with mode 0600 and owner 0:0: cannot give it to 1000", "EPERM"]);
    let outcome = root.start(NONE).user(1000, 1000).run();
    assert!(outcome.started(), "{}", outcome.story());
});

/// The words of a line as redis reads them (sdssplitargs of its sds.c), as far as they stand in double quotes or in none.
fn as_redis_reads(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let (mut quoted, mut characters) = (false, line.chars());
    while let Some(character) = characters.next() {
        let word = words.last_mut().expect("at least one");
        match (character, quoted) {
            ('\\', true) => match characters.next().expect("a character behind the backslash") {
                'n' => word.push('\n'),
                other => word.push(other),
            },
            ('"', _) => quoted = !quoted,
            (' ', false) => words.push(String::new()),
            _ => word.push(character),
        }
    }
    assert!(!quoted, "{line}");
    words
}

promise!(a_secret_does_not_leave_its_place_in_a_file, {
    let root = root("A secret in a file of another program");
    for password in
        ["plain", "a\"b", "a\\", "\\\"", "\\n", "x\" \nport 7000 #'\\x41", "ü ${PASSWORD} {{ env.PASSWORD }}\t"]
    {
        let outcome = root.start(NONE).env([format!("REDIS_PASSWORD={password}"), "PASSWORD=x".to_owned()]).run();
        assert!(outcome.started(), "{}", outcome.story());
        let text = root.text("/run/redis.conf");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert_eq!(as_redis_reads(text.trim_end()), ["requirepass", password]);
        assert_eq!(root.mode_of("/run/redis.conf"), 0o600);
    }
    assert_eq!(root.text("/run/users"), "admin:{PLAIN}x\n");
    for password in ["x:y", "x\ny", "x\r"] {
        let outcome = root.start(NONE).env([format!("PASSWORD={password}"), "REDIS_PASSWORD=x".to_owned()]).run();
        outcome.assert_refused(125, &["`PASSWORD` does not match"]);
    }
});

promise!(the_time_zone_is_a_link, {
    let root = root("The time zone").file("/usr/share/zoneinfo/Europe/Berlin", "TZif2...");
    let start = |zone: &str| root.start(NONE).env([format!("TZ={zone}")]).run();
    assert!(start("Europe/Berlin").started());
    let link = fs::read_link(root.path("/etc/localtime")).expect("a link");
    assert_eq!(link.to_str(), Some("/usr/share/zoneinfo/Europe/Berlin"));
    start("Europe/Nowhere").assert_says(&["there is no time zone `Europe/Nowhere` in /usr/share/zoneinfo"]);
    start("Europe").assert_says(&["`Europe` is a region"]);
    start("../../etc/passwd").assert_says(&["this is no name of a time zone"]);
    let without = self::root("The time zone");
    without.start(NONE).run().assert_says(&["there is no /usr/share/zoneinfo", "tzdata"]);
    let copy = with_steps("[[steps]]\ntimezone = { zone = 'A', copy = true }");
    let copy = copy.file("/usr/share/zoneinfo/A", "TZif1").file("/etc/localtime", "").mount_point("/etc/localtime");
    started(&copy);
    assert_eq!(copy.text("/etc/localtime"), "TZif1");
});

fn certificate(data: &str) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{data}\n-----END CERTIFICATE-----\n")
}

promise!(certificates_are_added_to_a_bundle, {
    let base = format!("# Base\n{}", certificate("AAAA"));
    let root = root("Certificates").file("/etc/ssl/certs/ca-certificates.crt", &base);
    started(&root);
    assert_eq!(root.text("/run/ca/bundle.crt"), base, "none were mounted");
    let root = root.file("/certs/..data/x.crt", "").file("/certs/b.pem", certificate("BBBB") + &certificate("AAAA"));
    let root = root.file("/certs/a.crt", certificate("CCCC")).file("/certs/README", "no certificate");
    let outcome = started(&root);
    assert_eq!(outcome.app().text("SSL_CERT_FILE").as_deref(), Some("/run/ca/bundle.crt"));
    let bundle = [base, certificate("CCCC"), certificate("BBBB")].concat();
    assert_eq!(root.text("/run/ca/bundle.crt"), bundle);
    assert_eq!(root.mode_of("/run/ca/bundle.crt"), 0o644);
    let before = root.snapshot("/run");
    started(&root);
    assert_eq!(root.snapshot("/run"), before);
    let root = root.file("/certs/z.pem", "-----BEGIN PRIVATE KEY-----\nSECRETDATA\n-----END PRIVATE KEY-----\n");
    let outcome = root.start(NONE).run();
    outcome.assert_refused(125, &["cannot use /certs/z.pem: line 1: this is no certificate"]);
    outcome.assert_never_says(&["SECRETDATA"]);
});

promise!(what_must_hold_is_asked_as_the_application, {
    let root = root("What must hold").dir("/data");
    let start = |license: &str| root.start(NONE).env([format!("LICENSE={license}")]).run();
    let outcome = start("yes");
    outcome.assert_refused(
        125,
        &[
            "the volume for /data must belong to 65532: cannot write `/data`: permission denied (EACCES)",
            "`/data` has mode 0755 and owner 0:0; onset runs as 65532:65532",
        ],
    );
    root.set_owner("/data", 65532, 65532);
    assert!(start("yes").started());
    start("no").assert_refused(125, &["set LICENSE=yes to accept the licence", "env.LICENSE | default('') == 'yes'"]);
    root.start(NONE).run().assert_refused(125, &["set LICENSE=yes to accept the licence"]);
    let warn = with_steps("[[steps]]\ncheck = { path = '/none' }\non_failure = 'warn'");
    started(&warn).assert_says(&["cannot find `/none`: no such file or directory (ENOENT)"]);
    let root = with_steps("[[steps]]\ncheck = { path = '/data', is = ['writable'] }").dir("/data");
    started(&root);
    let outcome = root.start(NONE).user(65532, 65532).run();
    outcome.assert_refused(125, &["cannot write `/data`", "onset runs as 65532:65532"]);
    let as_root = "version = 1\n[app]\ncommand = ['app']\nuser = '65532'\n[[steps]]\nas = 'root'\n\
                   check = { path = '/data', is = ['writable'] }\n";
    started(&Root::config(as_root).programs(["app"]).dir("/data"));
});

promise!(a_plan_shows_them_and_does_nothing, {
    for heading in ["A secret, once", "One container at a time", "Any user", "Log files that are /dev/stdout"] {
        let root = root(heading).dir("/data");
        let before = (root.snapshot("/data"), fs::metadata(root.path("/etc/passwd")).expect("a file").ino());
        let outcome = root.onset(["plan"]).run();
        assert_eq!(outcome.code(), 0, "{}", outcome.story());
        assert_eq!((root.snapshot("/data"), fs::metadata(root.path("/etc/passwd")).expect("a file").ino()), before);
        assert_eq!(fs::metadata(root.path("/data")).expect("a folder").permissions().mode() & 0o777, 0o755);
    }
});
