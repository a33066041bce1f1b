//! Where entrypoint scripts break on variables: DEFAULT, DERIVE, ALIAS, UNSET, OPTAPPEND, HOMESET, REQUIRE, ONEOF, ENUM,
//! TRUTHY, ENVFORBID, ENVFILE.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::support::root::{Outcome, Root};

const NONE: [&str; 0] = [];

fn app(config: &str) -> Root {
    Root::config(format!("version = 1\napp.command = ['app']\n{config}")).programs(["app"])
}

fn run(root: &Root, env: &[&str]) -> Outcome {
    root.start(NONE).env(env).run()
}

/// A variable of an application that was started so.
fn got(root: &Root, env: &[&str], name: &str) -> Option<String> {
    run(root, env).app().text(name)
}

promise!(empty_is_not_set_unless_it_says_otherwise, {
    let root = app("[env.A]\ndefault = 'd'\n[env.B]\ndefault = 'd'\nallow_empty = true\n[env.C]\n");
    assert_eq!(got(&root, &[], "A").as_deref(), Some("d"));
    assert_eq!(got(&root, &["A="], "A").as_deref(), Some("d"));
    assert_eq!(got(&root, &["A= "], "A").as_deref(), Some(" "));
    assert_eq!(got(&root, &[], "B").as_deref(), Some("d"));
    assert_eq!(got(&root, &["B="], "B").as_deref(), Some(""));
    assert_eq!(got(&root, &[], "C"), None);
    assert_eq!(got(&root, &["C="], "C").as_deref(), Some(""), "an empty one stays as it is");
});

promise!(a_default_is_made_of_other_variables, {
    let root = app(
        "[env.URL]\ndefault = 'pg://${USER_NAME}@${HOST:-db}/${NAME:-${USER_NAME}}'\n[env.USER_NAME]\ndefault = 'u'\n",
    );
    assert_eq!(got(&root, &[], "URL").as_deref(), Some("pg://u@db/u"));
    assert_eq!(got(&root, &["USER_NAME=${X}&|/\\", "HOST=h"], "URL").as_deref(), Some("pg://${X}&|/\\@h/${X}&|/\\"));
    assert_eq!(got(&root, &["URL=own"], "URL").as_deref(), Some("own"));
});

promise!(a_circle_of_defaults_is_refused, {
    let root = app("[env.A]\ndefault = '${B}'\n[env.B]\ndefault = '${A}'\n");
    run(&root, &[]).assert_refused(125, &["A", "B", "circle"]);
});

promise!(an_internal_variable_is_not_handed_on, {
    let root = app("[env.A]\ninternal = true\ndefault = 'x'\n[env.B]\nvalue = '${A}y'\n");
    let outcome = run(&root, &[]);
    assert_eq!((outcome.app().text("A"), outcome.app().text("B").as_deref()), (None, Some("xy")));
    assert_eq!(got(&root, &["A=z"], "A"), None);
});

promise!(a_kubernetes_service_link_is_no_port, {
    let root = app("[env.APP_PORT]\ndefault = '8080'\ntype = 'port'\n[env.N]\ntype = 'int'\n");
    run(&root, &["APP_PORT=tcp://10.0.0.1:80"]).assert_refused(125, &["`APP_PORT`", "port", "enableServiceLinks"]);
    run(&root, &["N=tcp://10.0.0.1:80"]).assert_refused(125, &["`N`", "enableServiceLinks"]);
    assert_eq!(got(&root, &["APP_PORT=9090"], "APP_PORT").as_deref(), Some("9090"));
});

promise!(an_old_name_counts_and_is_reported, {
    let root = app("[env.DB_HOST]\ndefault = 'localhost'\naliases = ['POSTGRES_HOST', 'PGHOST']\n");
    let outcome = run(&root, &["PGHOST=pg"]);
    assert_eq!(outcome.app().text("DB_HOST").as_deref(), Some("pg"), "the default does not hide it");
    outcome.assert_says(&["PGHOST", "DB_HOST"]);
    assert_eq!(got(&root, &["PGHOST=pg", "POSTGRES_HOST=first"], "DB_HOST").as_deref(), Some("first"));
    assert_eq!(got(&root, &["PGHOST=pg", "DB_HOST=new"], "DB_HOST").as_deref(), Some("new"));
    assert_eq!(got(&root, &["PGHOST=pg", "DB_HOST="], "DB_HOST").as_deref(), Some("pg"));
});

promise!(variables_are_removed_by_pattern, {
    let root = app("environment.unset = ['ZBX_*', 'X.?']\n[env.Y]\ndefault = '${ZBX_A}'\n");
    let outcome = run(&root, &["ZBX_A=1", "ZBX_=2", "X.1=3", "X.12=4", "A_ZBX_=5"]);
    let mut environ = outcome.app().environ();
    environ.sort();
    assert_eq!(environ, ["A_ZBX_=5", "PATH=/usr/bin", "X.12=4", "Y=1"]);
});

promise!(only_what_is_kept_reaches_the_application, {
    let root = app("environment = { inherit = false, keep = ['PATH', 'LC_*'] }\n[env.A]\ndefault = 'a'\n");
    let outcome = run(&root, &["LC_ALL=C", "SECRET=1", "A=b", "junk"]);
    let mut environ = outcome.app().environ();
    environ.sort();
    assert_eq!(environ, ["A=b", "LC_ALL=C", "PATH=/usr/bin"]);
});

promise!(options_are_added_to_what_is_there, {
    let root = app("[env.OPTS]\nprepend = '-Dx=y'\nappend = '-Dz'\n[env.LIST]\nappend = 'b'\nseparator = ','\n");
    assert_eq!(got(&root, &["OPTS=-a 'b c'"], "OPTS").as_deref(), Some("-Dx=y -a 'b c' -Dz"));
    assert_eq!(got(&root, &[], "OPTS").as_deref(), Some("-Dx=y -Dz"));
    assert_eq!(got(&root, &["OPTS="], "OPTS").as_deref(), Some("-Dx=y -Dz"));
    assert_eq!(got(&root, &["LIST=a"], "LIST").as_deref(), Some("a,b"));
});

promise!(a_value_that_is_set_replaces_the_container_s, {
    let root = app("[env.A]\nvalue = 'mine'\n[env.B]\nexpr = \"env.A | upper\"\n");
    let outcome = run(&root, &["A=theirs", "A=again", "B=x"]);
    assert_eq!(outcome.app().text("A").as_deref(), Some("mine"));
    assert_eq!(outcome.app().text("B").as_deref(), Some("MINE"));
});

promise!(every_missing_variable_is_told_at_once, {
    let root = app(concat!(
        "[env.APP_KEY]\nrequired = true\n[env.APP_URL]\nrequired = 'such as https://example.org'\n",
        "[env.DB]\nrequired = true\nfile = true\n[env.OK]\nrequired = true\n",
        "[env.N]\ntype = 'int'\nmax = 5\n",
    ));
    let said = ["`APP_KEY`", "`APP_URL`", "https://example.org", "`DB`", "DB_FILE", "`N`", "onset.toml:"];
    let outcome = run(&root, &["APP_KEY=", "OK=1", "N=6"]);
    outcome.assert_refused(125, &said);
    assert!(!outcome.stderr().contains("`OK`"), "{}", outcome.story());
});

promise!(a_variable_is_required_under_a_condition, {
    let root = app("[env.S3_KEY]\nwhen = \"env.STORAGE == 's3'\"\nrequired = true\n");
    run(&root, &["STORAGE=file"]).app();
    run(&root, &["STORAGE=s3"]).assert_refused(125, &["`S3_KEY`"]);
});

promise!(a_value_must_be_one_of_those_there_are, {
    let root =
        app("[env.MODE]\ntype = 'enum'\none_of = ['fast', 'safe']\ndefault = 'safe'\n[env.ID]\nmatches = '[a-z]+'\n");
    assert_eq!(got(&root, &["MODE=fast", "ID=abc"], "MODE").as_deref(), Some("fast"));
    run(&root, &["MODE=Fast"]).assert_refused(125, &["`MODE`", "fast", "safe"]);
    run(&root, &["ID=abc\n"]).assert_refused(125, &["`ID`", "[a-z]+"]);
});

promise!(a_boolean_is_true_or_false_and_nothing_in_between, {
    let root = app("[env.FLAG]\ntype = 'bool'\n");
    for (values, result) in [(["1", "true", "YES", "On"], "true"), (["0", "False", "no", "OFF"], "false")] {
        for value in values {
            assert_eq!(got(&root, &[&format!("FLAG={value}")], "FLAG").as_deref(), Some(result), "{value}");
        }
    }
    for value in ["2", "enabled", "-1", " true", "truee"] {
        run(&root, &[&format!("FLAG={value}")]).assert_refused(125, &["`FLAG`", "true", "false"]);
    }
});

promise!(a_boolean_is_only_what_the_reference_says, {
    let root = app("[env.FLAG]\ntype = 'bool'\n");
    for value in ["t", "y", "f", "N"] {
        run(&root, &[&format!("FLAG={value}")]).assert_refused(125, &["`FLAG`"]);
    }
});

promise!(rules_hold_between_variables, {
    let root = app(
        "[environment]\nexactly_one_of = [['A', 'B']]\nat_least_one_of = [['C', 'D']]\nat_most_one_of = [['E', 'F']]\n",
    );
    run(&root, &["A=1", "B=", "C=1", "D=1"]).app();
    run(&root, &["C=1"]).assert_refused(125, &["A, B"]);
    run(&root, &["A=1", "B=1", "C=1"]).assert_refused(125, &["A, B"]);
    run(&root, &["A=1", "D="]).assert_refused(125, &["C, D"]);
    run(&root, &["A=1", "C=1", "E=1", "F=1"]).assert_refused(125, &["E, F"]);
});

promise!(a_forbidden_variable_is_refused_with_what_to_do_instead, {
    let root = app("[environment.forbidden]\nOLD_KEY = 'put it into /etc/app.conf'\n");
    run(&root, &[]).app();
    run(&root, &["OLD_KEY=hunter2"]).assert_refused(125, &["`OLD_KEY`", "put it into /etc/app.conf"]);
    run(&root, &["OLD_KEY=hunter2"]).assert_never_says(&["hunter2"]);
});

promise!(a_file_of_variables_is_read_and_not_run, {
    let text = concat!(
        "# comment\n\nexport A=1\nB='a  $HOME `id`'\nC=\"x\\ny $HOME\"\nD=a b # comment\nE=\nF=from the file\n",
        "dotted.name=x\nG=$(rm -rf /)\nH='two\nlines'\n",
    );
    let root = app(
        "environment.files = [{ path = '/etc/app.env' }, { path = '/none', optional = true }]\n[env.I]\ndefault = '${A}'\n",
    );
    let root = root.file("/etc/app.env", text);
    let outcome = run(&root, &["F=from the container"]);
    let app = outcome.app();
    for (name, value) in [
        ("A", "1"),
        ("B", "a  $HOME `id`"),
        ("C", "x\ny $HOME"),
        ("D", "a b"),
        ("E", ""),
        ("F", "from the container"),
        ("dotted.name", "x"),
        ("G", "$(rm -rf /)"),
        ("H", "two\nlines"),
        ("I", "1"),
    ] {
        assert_eq!(app.text(name).as_deref(), Some(value), "{name}");
    }
});

promise!(a_file_of_variables_that_is_missing_or_wrong_is_refused, {
    let root = app("environment.files = [{ path = '/etc/app.env' }]\n");
    run(&root, &[]).assert_refused(125, &["/etc/app.env"]);
    root.put("/etc/app.env", "A=1\nnonsense hunter2\n");
    let outcome = run(&root, &[]);
    outcome.assert_refused(125, &["/etc/app.env:2"]);
    outcome.assert_never_says(&["hunter2"]);
});

promise!(a_folder_of_variables_is_a_mounted_secret, {
    let root = app("environment.files = [{ path = '/secrets', format = 'directory' }]\n")
        .file("/secrets/..2026/TOKEN", "hunter2\n")
        .file("/secrets/..2026/multi.line", "a\nb\n")
        .link("/secrets/..data", "..2026")
        .link("/secrets/TOKEN", "..data/TOKEN")
        .link("/secrets/multi.line", "..data/multi.line");
    let outcome = root.start(NONE).debug().run();
    assert_eq!(outcome.app().text("TOKEN").as_deref(), Some("hunter2"));
    assert_eq!(outcome.app().text("multi.line").as_deref(), Some("a\nb"));
    assert!(!outcome.app().environ().iter().any(|entry| entry.as_bytes().starts_with(b"..")));
});

promise!(names_and_values_of_any_bytes_pass, {
    let root = app("environment.unset = ['NOTHING']\n[env.A]\nvalue = '${RAW}'\n");
    let raw: &[u8] = b"RAW=\xff\xfe=\n";
    let outcome = root.start(NONE).env([raw, b"\xc3\x28=1", b"a.b-c d=2", b"=x"].map(OsStr::from_bytes)).run();
    let environ = outcome.app().environ();
    assert_eq!(environ[1..5], [raw, b"\xc3\x28=1", b"a.b-c d=2", b"=x"].map(OsStr::from_bytes));
    assert_eq!(outcome.app().var("A").as_deref(), Some(&b"\xff\xfe=\n"[..]));
});

/// What each problem says, without its file, line and column.
fn problems(outcome: &Outcome) -> Vec<String> {
    assert!(!outcome.started(), "{}", outcome.story());
    let message = |event: &serde_json::Value| {
        let text = event["message"].as_str().expect("a message").lines().next().unwrap_or_default();
        text.split_once(": ").map_or(text, |(_, message)| message).to_owned()
    };
    outcome.events("problem").iter().map(message).collect()
}

promise!(what_is_wrong_because_of_a_wrong_variable_is_not_told_beside_it, {
    let root = Root::config(
        r#"
        version = 1
        [app]
        command = ["app", "${TWICE}", "${OTHER}"]
        user = "${PUID}:${PGID}"
        umask = "${MASK}"
        [[app.arg]]
        when = "env.COUNT | int > 1"
        value = "${MASK}"
        [env]
        PUID = { default = "1000", type = "int", min = 0 }
        PGID = { default = "1000", type = "int", max = 70000 }
        MASK = { required = true }
        COUNT = { default = "1", type = "int" }
        TWICE = { expr = "env.COUNT | int * 2", type = "int" }
        HOST = { default = "localhost", matches = "[a-z]+" }
        LINK = { value = "http://${HOST}/", type = "url" }
        [[steps]]
        owner = { path = "/config", owner = "${PUID}:${PGID}" }
        [[steps]]
        when = "env.COUNT | int > 2"
        template = { content = "${MASK} ${HOST}", target = "/x", with = { strict = true, must_match = "^0" } }
        [[steps]]
        template = { content = "{{ env.COUNT | int }}", target = "/y", with = { language = "jinja" } }
        [[steps]]
        check = { that = "env.COUNT | int > 0" }
        "#,
    );
    let root = root.programs(["app"]);
    let outcome = run(&root, &["PUID=abc", "PGID=abc", "COUNT=x", "HOST=a b"]);
    assert_eq!(
        problems(&outcome),
        [
            "`OTHER` is not set",
            "`PUID` is not a whole number of 0 or more (it comes from: container)",
            "`PGID` is not a whole number of 70000 or less (it comes from: container)",
            "`MASK` is required and not set",
            "`COUNT` is not a whole number (it comes from: container)",
            "`HOST` does not match `[a-z]+` (it comes from: container)",
        ]
    );
    // What would be wrong all the same waits its turn only where it stands beside one that is.
    let outcome = run(&root, &["PUID=nobody", "PGID=0", "COUNT=1", "MASK=9", "OTHER="]);
    assert_eq!(problems(&outcome).len(), 2, "{}", outcome.story());
});

promise!(a_user_whose_number_is_wrong_is_not_missing_as_well, {
    let root = Root::config(
        "version = 1\napp.command = ['app']\napp.user = 'abc:grp'\n[env.PUID]\ntype = 'int'\ndefault = '7'\n\
         [[steps]]\npasswd = { name = 'abc', uid = '${PUID}', group = 'grp' }\n",
    );
    let root = root.programs(["app"]);
    let outcome = run(&root, &["PUID=abc"]);
    outcome.assert_refused(125, &["`PUID` is not a whole number (it comes from: container)"]);
    outcome.assert_never_says(&["there is no user", "there is no group"]);
    assert_eq!(run(&root, &[]).app().identity(), "7:7");
});
