//! P10: required variables, a database to wait for, programs before the start.

use std::net::TcpListener;

use crate::support::root::{App, Outcome, Root};
use crate::support::{Running, Stream};

const NONE: [&str; 0] = [];
/// Nobody listens there.
const NOBODY: &str = "127.0.0.1:1";

fn bookstack() -> Root {
    Root::example("bookstack").programs(["apache2-foreground"]).stub("php", "record")
}

fn env(host: &str) -> Vec<String> {
    let rest = ["APP_KEY=k-e-y", "APP_URL=http://b", "DB_DATABASE=d", "DB_PASSWORD=p-w-d", "DB_USERNAME=u"];
    rest.into_iter().map(str::to_owned).chain([format!("DB_HOST={host}")]).collect()
}

/// A database, and where it is.
fn database(address: &str) -> (TcpListener, String) {
    let listener = TcpListener::bind(address).expect("a loopback address");
    let address = listener.local_addr().expect("its address").to_string();
    (listener, address)
}

fn wait_until_it_waits(init: &Running) {
    init.wait_for_line(Stream::Stderr, "what is not ready", |line| line.contains("is not ready"));
}

#[track_caller]
fn assert_starts(outcome: &Outcome) {
    assert_eq!(outcome.app().argv(), ["apache2-foreground"]);
    let argv: Vec<_> = outcome.programs().iter().map(App::argv).collect();
    let expected = [&["php", "artisan", "migrate", "--force"][..], &["php", "artisan", "cache:clear"]];
    assert_eq!(argv, [&expected[..], &[&["php", "artisan", "view:clear"]]].concat());
    outcome.assert_never_says(&["p-w-d\"", "k-e-y\""]);
}

promise!(p10_1_what_is_missing_is_told, {
    let root = bookstack();
    for missing in ["APP_KEY", "APP_URL", "DB_DATABASE", "DB_HOST", "DB_PASSWORD", "DB_USERNAME"] {
        let mut env = env(NOBODY);
        env.retain(|entry| !entry.starts_with(missing));
        root.start(NONE).env(&env).run().assert_refused(125, &[missing]);
        env.push(format!("{missing}="));
        root.start(NONE).env(&env).run().assert_refused(125, &[missing]);
    }
    root.start(NONE).run().assert_refused(125, &["APP_KEY", "APP_URL", "DB_HOST", "DB_PASSWORD", "DB_USERNAME"]);
});

promise!(p10_2_it_waits_migrates_and_starts, {
    let root = bookstack();
    let (_listener, address) = database("127.0.0.1:0");
    let outcome = root.start(NONE).env(env(&address)).run();
    assert_starts(&outcome);
    assert_eq!(outcome.app().text("DB_HOST"), Some(address));
    assert_eq!(outcome.app().text("DB_PORT"), None);
    assert_eq!(outcome.app().text("DATABASE_PORT"), None);
});

promise!(p10_3_the_port_is_that_of_the_host_or_3306, {
    let root = bookstack();
    for (more, probed) in [("", "tcp db:3306,"), (":33060", "tcp db:33060,"), (":", "tcp db:3306,")] {
        let plan = root.onset(["plan"]).env(env(&format!("db{more}"))).run();
        plan.assert_stdout_has(&[probed]);
    }
    let (_listener, address) = database("127.0.0.1:0");
    let port = address.rsplit(':').next().map(str::to_owned);
    let outcome = root.start(NONE).env(env(&address)).env(["DB_PORT=1"]).run();
    assert_eq!(outcome.app().text("DB_PORT"), port);
});

promise!(p10_4_arguments_are_ignored, {
    let root = bookstack();
    let (_listener, address) = database("127.0.0.1:0");
    for args in [&["sh", "-c", "x"][..], &["-x"], &["apache2-foreground", "x"]] {
        assert_starts(&root.start(args).env(env(&address)).run());
    }
});

promise!(p10_5_an_env_file_is_put_aside, {
    let root = bookstack().file("/srv/.env", "OLD=1\n").file("/srv/.env.bak", "OLDER=1\n").mode("/srv/.env", 0o640);
    let (_listener, address) = database("127.0.0.1:0");
    let outcome = root.start(NONE).env(env(&address)).cwd("/srv").run();
    assert_starts(&outcome);
    outcome.assert_says(&["keep .env as .env.bak", "set the variables in the environment instead"]);
    assert!(!root.exists("/srv/.env"));
    assert_eq!((root.text("/srv/.env.bak"), root.mode_of("/srv/.env.bak")), ("OLD=1\n".into(), 0o640));
    let first = root.snapshot("/srv");
    assert_starts(&root.start(NONE).env(env(&address)).cwd("/srv").run());
    assert_eq!(root.snapshot("/srv"), first, "a second start changes nothing");
});

promise!(p10_6_a_command_that_fails_is_the_end, {
    let root = bookstack().stub("php", "record\nexit 5");
    let (_listener, address) = database("127.0.0.1:0");
    let outcome = root.start(NONE).env(env(&address)).run();
    outcome.assert_refused(5, &["`php` exited with status 5"]);
    assert_eq!(outcome.programs().len(), 1);
});

promise!(p10_7_a_database_that_comes_later_is_waited_for, {
    let root = bookstack();
    let (listener, address) = database("127.10.7.1:0");
    drop(listener);
    let init = root.start(NONE).env(env(&address)).begin();
    wait_until_it_waits(&init);
    let (_listener, _) = database(&address);
    assert_starts(&Outcome::new(init.finish()));
});

// With another time: nobody wants to wait for 15s. That these are there is what the plan says.
promise!(p10_8_nobody_there_is_told, {
    let root = bookstack();
    let plan = root.onset(["plan"]).env(env(NOBODY)).run();
    plan.assert_stdout_has(&["wait for tcp 127.0.0.1:1, 15s at most"]);
    root.put("/etc/onset/onset.toml", root.text("/etc/onset/onset.toml").replace("15s", "300ms"));
    let outcome = root.start(NONE).env(env(NOBODY)).run();
    let said = "after 300ms tcp 127.0.0.1:1 is not ready: connection refused (ECONNREFUSED)";
    outcome.assert_refused(124, &["step `database`", said]);
    assert!(outcome.programs().is_empty());
});

promise!(p10_9_a_stop_signal_ends_the_wait, {
    let root = bookstack();
    let init = root.start(NONE).env(env(NOBODY)).begin();
    wait_until_it_waits(&init);
    init.kill(libc::SIGTERM);
    assert_eq!(init.finish().code(), 143);
});
