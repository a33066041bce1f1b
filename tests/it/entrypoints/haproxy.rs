//! P1: the container's arguments meet a command with fixed arguments.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::support::root::Root;

fn haproxy() -> Root {
    Root::example("haproxy").programs(["haproxy", "foo"])
}

promise!(p1_1_its_own_name_and_flags_follow_the_fixed_arguments, {
    let root = haproxy().app_status(42);
    let env = ["A=b  c", "EMPTY=", "dotted.name=1", "dashed-name=2", "LINES=1\n2=3\n", "A=twice", "not an assignment"];
    let outcome = root.start(["haproxy", "-f", "/x.cfg"]).env(env).run();
    let app = outcome.app();
    assert_eq!(app.argv(), ["haproxy", "-W", "-db", "-f", "/x.cfg"]);
    assert_eq!((app.identity(), app.umask(), app.cwd()), ("0:0".into(), 0o022, "/".into()));
    assert!(app.groups().is_empty());
    assert_eq!(app.environ(), [&["PATH=/usr/bin"], &env[..]].concat());
    assert_eq!(outcome.code(), 42, "the application's own status");
});

promise!(p1_1_what_it_inherits_stays_as_it_is, {
    let root = haproxy().dir("/work");
    let start = root.start(["haproxy"]).user(1234, 55).groups([7, 8]).umask(0o027).cwd("/work");
    let outcome = start.env([OsStr::from_bytes(b"RAW=\xff\xfe")]).run();
    let app = outcome.app();
    assert_eq!(app.argv(), ["haproxy", "-W", "-db"]);
    assert_eq!((app.identity(), app.umask(), app.cwd()), ("1234:55".into(), 0o027, "/work".into()));
    assert_eq!(app.groups(), [7, 8]);
    assert_eq!(app.var("RAW").as_deref(), Some(&b"\xff\xfe"[..]));
});

promise!(p1_2_flags_follow_the_fixed_arguments, {
    let root = haproxy();
    assert_eq!(root.start(["-f", "/x"]).run().app().argv(), ["haproxy", "-W", "-db", "-f", "/x"]);
});

promise!(p1_3_another_command_gets_nothing_added, {
    let root = haproxy();
    assert_eq!(root.start(["foo", "bar"]).run().app().argv(), ["foo", "bar"]);
});

promise!(p1_4_a_command_that_is_not_there_is_not_found, {
    let root = haproxy();
    root.start(["nosuch"]).run().assert_refused(127, &["nosuch", "not found"]);
});

promise!(p1_5_argument_values_arrive_byte_for_byte, {
    let root = haproxy();
    let values: [&[u8]; 9] = [
        b"-x",
        b" two  blanks ",
        b"'single' \"double\"",
        b"$HOME ${HOME} $$ `id`",
        b"a\nb\n",
        b"",
        b"*",
        b"\\",
        b"\xff\x01",
    ];
    let outcome = root.start(values.map(OsStr::from_bytes)).run();
    let words = outcome.app().words();
    assert_eq!(words[..3], [&b"haproxy"[..], b"-W", b"-db"]);
    assert_eq!(words[3..], values);
    let outcome = root.start([b"foo"].into_iter().map(|word| &word[..]).chain(values).map(OsStr::from_bytes)).run();
    assert_eq!(outcome.app().words()[1..], values);
});

promise!(p1_6_no_arguments_are_the_default_command_and_never_a_silent_success, {
    let root = haproxy().app_status(3);
    let nothing: [&str; 0] = [];
    let outcome = root.start(nothing).run();
    assert_eq!(outcome.app().argv(), ["haproxy", "-W", "-db"]);
    assert_eq!(outcome.code(), 3);
});
