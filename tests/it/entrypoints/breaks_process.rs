//! Where entrypoint scripts break on the process they hand over: CMDEXISTS, ULIMIT, LDPRELOAD, DERIVE, ARGINSPECT, ARGEXPAND,
//! COPYCONF.

use crate::support::root::Root;

const NONE: [&str; 0] = [];

fn app(config: &str) -> Root {
    Root::config(format!("version = 1\n[app]\ncommand = ['app']\n{config}")).programs(["app"])
}

promise!(a_directory_or_a_file_that_is_none_is_no_program, {
    let root = app("").dir("/opt/a/tool").file("/opt/b/tool", "text").programs(["/opt/c/tool"]);
    // The path of the start, not of a set-up: another command gets none.
    let outcome = root.start(["tool"]).path("/opt/a:/opt/b:/opt/c").run();
    assert_eq!(outcome.app().argv(), ["tool"], "the first that can be executed");
    root.start(["/opt/a/tool"]).run().assert_refused(126, &["/opt/a/tool", "directory"]);
});

promise!(a_limit_is_what_is_said_however_large_the_container_s_is, {
    let root = app("limits.nofile = { soft = '${FILES:-1024}' }\nlimits.core = '0'\n");
    let outcome = root.start(NONE).limit(libc::RLIMIT_NOFILE, 8192).run();
    assert_eq!(outcome.app().limit(libc::RLIMIT_NOFILE), (1024, 8192));
    assert_eq!(outcome.app().limit(libc::RLIMIT_CORE), (0, 0));
    let outcome = root.start(NONE).limit(libc::RLIMIT_NOFILE, 8192).env(["FILES=4096"]).run();
    assert_eq!(outcome.app().limit(libc::RLIMIT_NOFILE), (4096, 8192));
    root.start(NONE).env(["FILES=many"]).run().assert_refused(125, &["nofile"]);
});

promise!(a_library_is_preloaded_only_where_it_is, {
    let root = app("[env.LD_PRELOAD]\nwhen = \"exists('/opt/libx.so')\"\nvalue = '/opt/libx.so'\n");
    assert_eq!(root.start(NONE).run().app().text("LD_PRELOAD"), None);
    let plan = root.file("/opt/libx.so", "").onset(["plan"]).run();
    assert!(plan.stdout().contains("LD_PRELOAD=/opt/libx.so"), "{}", plan.story());
});

promise!(a_url_is_made_of_all_of_its_parts_or_not_at_all, {
    let root = app(concat!(
        "[env.DB_PASSWORD]\nsecret = true\n",
        "[env.DB_URL]\nwhen = 'env.DB_HOST and env.DB_PASSWORD'\n",
        "expr = \"'pg://app:' ~ env.DB_PASSWORD | urlencode ~ '@' ~ env.DB_HOST\"\n",
    ));
    let url = |env: &[&str]| root.start(NONE).env(env).run().app().text("DB_URL");
    assert_eq!(url(&["DB_HOST=db", "DB_PASSWORD=a/b@c d"]).as_deref(), Some("pg://app:a%2Fb%40c%20d@db"));
    assert_eq!(url(&["DB_HOST=db"]), None);
    assert_eq!(url(&["DB_PASSWORD=x", "DB_HOST="]), None);
});

promise!(a_flag_is_found_in_both_of_its_forms, {
    let when = "'--config' in args or '-c' in args or args | select('startingwith', '--config=') | list | length > 0";
    let root = app(&format!("[[app.arg]]\nwhen = \"not ({when})\"\nvalue = '--config=/etc/default'\n"));
    let added = |args: &[&str]| root.start(args).run().app().argv().contains(&"--config=/etc/default".to_owned());
    assert!(added(&["-x"]) && added(&["--configure"]) && added(&[]));
    assert!(!added(&["--config", "/x"]) && !added(&["--config=/x"]) && !added(&["-x", "-c", "/x"]));
});

promise!(the_container_s_arguments_are_not_expanded, {
    let root = app("[env.X]\nvalue = 'x'\n");
    let args = ["-a", "${X}", "$X", "$(id)", "`id`", "{{ env.X }}", "*", "~", "$$"];
    assert_eq!(root.start(args).run().app().argv()[1..], args);
});

promise!(a_copied_config_map_is_whole, {
    let root = app("[[steps]]\ncopy = { from = '/map', to = '/run/conf' }\n")
        .file("/map/..2026/app.conf", "x")
        .link("/map/..data", "..2026")
        .link("/map/app.conf", "..data/app.conf");
    root.start(NONE).run().app();
    assert_eq!(root.text("/run/conf/..data/app.conf"), "x");
    assert_eq!(root.text("/run/conf/app.conf"), "x");
});
