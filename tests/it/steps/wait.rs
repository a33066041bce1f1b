//! `wait`

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::sync::mpsc;
use std::thread;

use crate::support::root::{Outcome, Root};
use crate::support::{Folder, Init, Mode, Running, Stream, proc};

const CONFIG: &str = "version = 1\n[app]\ncommand = ['app']\n[[steps]]\n";
/// Nobody listens there.
const NOBODY: &str = "127.0.0.1:1";

fn root(wait: &str) -> Root {
    Root::config(format!("{CONFIG}wait = {wait}\n")).programs(["app"])
}

fn run(root: &Root) -> Outcome {
    root.start([""; 0]).run()
}

fn begin(root: &Root) -> Running {
    root.start([""; 0]).begin()
}

/// Until it has been said that something is not ready.
fn until_it_waits(init: &Running) {
    init.wait_for_line(Stream::Stderr, "what is not ready", |line| line.contains("is not ready"));
}

fn listener(address: &str) -> (TcpListener, String) {
    let listener = TcpListener::bind(address).expect("a loopback address");
    let address = listener.local_addr().expect("its address").to_string();
    (listener, address)
}

/// A web server that gives one answer after the other, the last one for ever, and hands out what it was asked.
fn web(answers: &'static [&'static str]) -> (String, mpsc::Receiver<String>) {
    let (listener, address) = listener("127.0.0.1:0");
    let (sender, asked) = mpsc::channel();
    thread::spawn(move || {
        let mut answers = answers.iter().peekable();
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let lines = BufReader::new(stream.try_clone().expect("a descriptor")).lines();
            let head: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let answer = answers.peek().copied().expect("an answer");
            if answers.len() > 1 {
                answers.next();
            }
            let _gone = stream.write_all(answer.as_bytes());
            if sender.send(head.join("\n")).is_err() {
                return;
            }
        }
    });
    (address, asked)
}

/// A web server that takes the question and never answers.
fn mute() -> (String, mpsc::Receiver<TcpStream>) {
    let (listener, address) = listener("127.0.0.1:0");
    let (sender, asked) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            if sender.send(stream.expect("a connection")).is_err() {
                return;
            }
        }
    });
    (address, asked)
}

promise!(what_is_ready_is_not_waited_for, {
    let (_four, four) = listener("127.0.0.1:0");
    let six = TcpListener::bind("[::1]:0").ok();
    let six = six.as_ref().map_or(four.clone(), |six| six.local_addr().expect("its address").to_string());
    let (web, asked) = web(&["HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n"]);
    let root = root(&format!(
        "{{ tcp = ['{four}', '{six}', 'db://u:p@{four}/x'], unix = ['/run/s'], http = ['http://{web}/health?x'],
          file = ['/tmp', {{ path = '/ready', contains = 'yes', non_empty = true }}], dns = ['127.0.0.1', '::1'],
          command = ['ask', '${{A}}'] }}"
    ));
    let root = root.dir("/run").file("/ready", "oh yes\n").stub("ask", "record");
    let _socket = UnixListener::bind(root.path("/run/s")).expect("a socket");
    let outcome = root.start([""; 0]).env(["A=1"]).run();
    outcome.app();
    outcome.assert_says(&["step 1 (wait) done", "changed=0"]);
    assert!(outcome.events("notice").is_empty(), "{}", outcome.story());
    let asked = asked.recv().expect("it was asked");
    let expected = format!(
        "GET /health?x HTTP/1.1\nHost: {web}\nUser-Agent: onset\nAccept: */*\nAccept-Encoding: identity\nConnection: close"
    );
    assert_eq!(asked, expected);
});

promise!(a_listener_that_comes_later_is_waited_for, {
    for host in ["127.10.1.1:0", "[::1]:0"] {
        // Not every machine has IPv6.
        let Ok(listener) = TcpListener::bind(host) else { continue };
        let address = listener.local_addr().expect("its address").to_string();
        drop(listener);
        let root = root(&format!("{{ tcp = ['{address}'], interval = '10ms' }}"));
        let init = begin(&root);
        until_it_waits(&init);
        let _listener = TcpListener::bind(&address).expect("the same address");
        Outcome::new(init.finish()).app();
    }
});

promise!(a_socket_and_a_file_that_come_later_are_waited_for, {
    let root = root("{ unix = ['/run/s'], file = [{ path = '/run/f', contains = 'done' }], interval = '10ms' }");
    let root = root.dir("/run");
    let init = begin(&root);
    let said = |what: &str| {
        init.wait_for_line(Stream::Stderr, what, |line| line.contains(what));
    };
    said("unix /run/s is not ready: no such file or directory (ENOENT)");
    said("file /run/f is not ready: no such file or directory (ENOENT)");
    root.put("/run/f", "not yet");
    let _socket = UnixListener::bind(root.path("/run/s")).expect("a socket");
    root.put("/run/f", "it is done");
    Outcome::new(init.finish()).app();
});

promise!(a_page_is_asked_for_until_its_answer_is_right, {
    let (web, asked) = web(&[
        "HTTP/1.1 503 Service Unavailable\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nstarting",
        "",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n6\r\n ready\r\n0\r\n\r\n",
    ]);
    let root = root(&format!(
        "{{ http = [{{ url = 'http://{web}', contains = 'all ready', headers = {{ Authorization = 'Bearer ${{T}}' }} }}],
          interval = '10ms' }}"
    ));
    let outcome = root.start([""; 0]).env(["T=t-o-k-e-n"]).run();
    outcome.app();
    outcome.assert_says(&["is not ready: it answers with status 503"]);
    assert_eq!(outcome.events("notice").len(), 1, "what is not ready is said once\n{}", outcome.story());
    let asked: Vec<String> = asked.try_iter().collect();
    assert_eq!(asked.len(), 4);
    assert!(asked.iter().all(|head| head.contains("\nAuthorization: Bearer t-o-k-e-n")), "{asked:?}");
});

promise!(a_status_can_be_asked_for, {
    let (web, _asked) = web(&["HTTP/1.1 401 Unauthorized\r\n\r\n"]);
    let root = root(&format!("{{ http = [{{ url = 'http://{web}', status = [200, 401] }}] }}"));
    run(&root).app();
    let config = format!("{CONFIG}wait = {{ http = ['http://{web}'], timeout = '200ms' }}\n");
    root.put("/etc/onset/onset.toml", config);
    run(&root).assert_refused(124, &[&format!("http://{web}/ is not ready: it answers with status 401")]);
});

promise!(a_program_is_asked_until_it_succeeds, {
    let root = root("{ command = ['ask'], interval = '10ms' }");
    let root = root.stub("ask", "stdout noise\nstderr first\nstderr not yet\nfail-until /tmp/count 3");
    let outcome = run(&root);
    outcome.app();
    outcome.assert_says(&["command ask is not ready: `ask` exited with status 75: not yet"]);
    outcome.assert_never_says(&["noise", "first"]);
    assert_eq!(root.text("/tmp/count").lines().count(), 3);
});

promise!(a_program_that_is_not_there_is_no_use_to_wait_for, {
    let root = root("{ command = ['ask'] }");
    run(&root).assert_refused(127, &["cannot start `ask`"]);
});

promise!(a_program_that_takes_too_long_is_ended, {
    let root = root("{ command = ['ask'], timeout = '1s', attempt_timeout = '50ms', interval = '10ms' }");
    let root = root.stub("ask", "leave\nwait");
    run(&root).assert_refused(124, &["command ask is not ready: `ask` took longer than 50ms, and was ended"]);
});

promise!(all_that_is_not_ready_is_told_with_its_reason, {
    let (_listener, address) = listener("127.0.0.1:0");
    let (mute, _asked) = mute();
    let root = root(&format!(
        "{{ tcp = ['{NOBODY}', '{address}'], http = ['http://{mute}'], unix = ['/none'],
          file = [{{ path = '/empty', non_empty = true }}, {{ path = '/tmp', contains = 'x' }}],
          command = ['ask'], timeout = '1s', interval = '10ms', attempt_timeout = '200ms' }}"
    ));
    let root = root.file("/empty", "").stub("ask", "stderr no tables\nexit 3");
    let outcome = run(&root);
    outcome.assert_refused(
        124,
        &[
            "step 1 (wait) (/etc/onset/onset.toml:4:1) failed: after 1s tcp 127.0.0.1:1 is not ready: connection refused (ECONNREFUSED); ",
            "; unix /none is not ready: no such file or directory (ENOENT); ",
            &format!("; http://{mute}/ is not ready: no answer in time; "),
            "; file /empty is not ready: it is empty; file /tmp is not ready: it is no regular file; ",
            "; command ask is not ready: `ask` exited with status 3: no tables",
        ],
    );
    outcome.assert_never_says(&[&format!("tcp {address}")]);
    assert_eq!(outcome.events("notice").len(), 6, "each of them once\n{}", outcome.story());
});

promise!(a_name_without_address_is_waited_for, {
    // No /etc/hosts and no /etc/resolv.conf: what the C library makes of that is its own business.
    let root = root("{ dns = ['no-such-host.invalid'], timeout = '1s', attempt_timeout = '300ms' }");
    let outcome = run(&root);
    outcome.assert_refused(124, &["dns no-such-host.invalid is not ready: "]);
});

promise!(a_time_that_is_over_can_be_a_warning, {
    let config = format!("{CONFIG}on_failure = 'warn'\nwait = {{ tcp = ['{NOBODY}'], timeout = '100ms' }}\n");
    let root = Root::config(config).programs(["app"]);
    let outcome = run(&root);
    outcome.app();
    outcome.assert_says(&["after 100ms tcp 127.0.0.1:1 is not ready"]);
});

promise!(one_that_hangs_does_not_hold_up_the_others, {
    let (mute, asked) = mute();
    let root = root(&format!(
        "{{ http = ['http://{mute}'], file = ['/run/f'], timeout = '60s', attempt_timeout = '60s', interval = '10ms' }}"
    ));
    let root = root.dir("/run");
    let init = begin(&root);
    let mut stream = asked.recv().expect("it is asked");
    until_it_waits(&init);
    root.put("/run/f", "");
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("it listens");
    drop(stream);
    Outcome::new(init.finish()).app();
});

promise!(a_stop_signal_ends_it_at_once, {
    let (mute, asked) = mute();
    for (signal, status) in [(libc::SIGTERM, 143), (libc::SIGINT, 130), (libc::SIGQUIT, 131)] {
        let root = root(&format!("{{ http = ['http://{mute}'], timeout = '1h', attempt_timeout = '1h' }}"));
        let init = begin(&root);
        let _stream = asked.recv().expect("it is asked");
        init.kill(signal);
        assert_eq!(init.finish().code(), status);
    }
    let root = root(&format!("{{ tcp = ['{NOBODY}'], timeout = '1h', interval = '1h' }}"));
    let init = begin(&root);
    until_it_waits(&init);
    init.kill(libc::SIGTERM);
    assert_eq!(init.finish().code(), 143);
});

// Not PID 1, the end of onset ends nobody: whoever asks has to end by itself.
#[test]
fn as_sub_reaper_nobody_goes_on_asking() {
    let (mute, asked) = mute();
    let folder = Folder::new();
    let wait = format!("wait = {{ http = ['http://{mute}'], timeout = '1h', attempt_timeout = '1h' }}\n");
    let config = folder.file("onset.toml", format!("{CONFIG}{wait}"), 0o644);
    let init = Init::new(Mode::SubReaper).options(["--config".as_ref(), config.as_os_str()]).start();
    let _stream = asked.recv().expect("it is asked");
    let descendants = proc::descendants(init.pid());
    assert_eq!(descendants.len(), 2, "the preparation, and who asks for it: {descendants:?}");
    init.kill(libc::SIGTERM);
    assert_eq!(init.finish().code(), 143);
    for pid in descendants {
        crate::support::until("nobody asks any more", || proc::state(pid).is_none().then_some(()));
    }
}

promise!(nothing_is_left_of_it_when_the_application_starts, {
    let root = root("{ file = ['/tmp'] }").stub("app", "processes");
    // PID 1 and the application.
    run(&root).assert_stdout_has(&["processes 2\n"]);
});

promise!(without_privilege_and_on_a_read_only_root_it_is_the_same, {
    let (_listener, address) = listener("127.0.0.1:0");
    let root = root(&format!("{{ tcp = ['{address}'], file = ['/etc/passwd'], command = ['ask'] }}"));
    let root = root.stub("ask", "record").read_only("/etc").read_only("/tmp");
    let outcome = root.start([""; 0]).user(65532, 65532).run();
    assert_eq!(outcome.app().identity(), "65532:65532");
});

promise!(as_app_it_asks_with_the_rights_of_the_application, {
    let config = |rights: &str| {
        format!(
            "version = 1\n[app]\ncommand = ['app']\nuser = '70:71'\n[[steps]]\n{rights}\
             wait = {{ file = ['/closed/f'], command = ['ask'], timeout = '200ms' }}\n"
        )
    };
    let root = Root::config(config("")).programs(["app"]).stub("ask", "read /key");
    let root = root.file("/closed/f", "").mode("/closed", 0o700).file("/key", "").mode("/key", 0o600);
    assert_eq!(run(&root).app().identity(), "70:71", "root may");
    root.put("/etc/onset/onset.toml", config("as = 'app'\n"));
    let said = [
        "file /closed/f is not ready: permission denied (EACCES)",
        "command ask is not ready: `ask` exited with status 66",
    ];
    run(&root).assert_refused(124, &said);
    root.set_mode("/closed", 0o755);
    root.set_mode("/key", 0o644);
    run(&root).app();
});

promise!(the_same_without_a_supervisor, {
    let (_listener, address) = listener("127.0.0.1:0");
    let root = root(&format!("{{ tcp = ['{address}'] }}"));
    let outcome = root.onset(["--exec", "--", "app"]).run();
    assert_eq!(outcome.app().field("pid").as_i64(), Some(1));
});

promise!(secrets_are_not_shown, {
    let config = format!(
        "version = 1\n[app]\ncommand = ['app']\n[env]\nURL = {{ secret = true }}\nKEY = {{ secret = true }}\n[[steps]]\n\
         wait = {{ tcp = ['${{URL}}'], http = [{{ url = 'http://{NOBODY}/?key=${{KEY}}', contains = '${{KEY}}' }}],\
         timeout = '200ms' }}\n"
    );
    let root = Root::config(config).programs(["app"]);
    let env = [format!("URL=db://user:hunter2@{NOBODY}/x"), "KEY=hunter3".to_owned()];
    let outcome = root.start([""; 0]).env(&env).debug().run();
    outcome.assert_refused(124, &["tcp 127.0.0.1:1 is not ready", "http://127.0.0.1:1/?key=[secret] is not ready"]);
    outcome.assert_never_says(&["hunter"]);
    let plan = root.onset(["plan"]).env(&env).run();
    plan.assert_stdout_has(&["wait for tcp 127.0.0.1:1, http://127.0.0.1:1/?key=[secret], 200ms at most"]);
    plan.assert_never_says(&["hunter"]);
    root.start([""; 0]).env(["URL=db://user:hunter2@db/x", "KEY=k"]).run().assert_refused(125, &["there is no port"]);
});

promise!(what_cannot_be_waited_for_is_refused, {
    for (wait, said) in [
        ("{ timeout = '5s' }", "a wait has at least one of `tcp`, `unix`, `http`, `file`, `dns` and `command`"),
        ("{ tcp = ['db'] }", "there is no port: accepted are host:port"),
        ("{ tcp = 'db' }", "there is no port: accepted are host:port"),
        ("{ tcp = { host = 'db' } }", "expected a"),
        ("{ tcp = [':80'] }", "there is no host"),
        ("{ tcp = ['db:70000'] }", "a port is a number from 1 to 65535"),
        ("{ unix = [''] }", "this is no path"),
        ("{ http = ['https://web'] }", "only http:// is spoken here"),
        ("{ http = [{ url = 'http://web', headers = { 'a b' = 'x' } }] }", "this can be no header"),
        ("{ http = [{ url = 'http://web', headers = { A = \"x\\ny\" } }] }", "this can be no header"),
        ("{ http = [{ url = 'http://web', status = [99] }] }", "99 is out of range"),
        ("{ file = ['/x'], timeout = '0s' }", "longer than nothing"),
    ] {
        run(&root(wait)).assert_refused(125, &[said]);
    }
});
