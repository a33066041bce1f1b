//! P6: every template of a directory becomes a file.

use crate::support::root::{Outcome, Root};

const TEMPLATE: &str = "r ${NGINX_LOCAL_RESOLVERS} u $uri x ${XVAR} un ${UNDEF} $XVAR";
const RENDERED: &str = "r ${NGINX_LOCAL_RESOLVERS} u $uri x v1 un ${UNDEF} v1";

fn bare() -> Root {
    Root::example("nginx")
        .programs(["nginx", "foo"])
        .dir("/etc/nginx/conf.d")
        .dir("/etc/nginx/stream-conf.d")
        .file("/etc/resolv.conf", "nameserver 10.0.0.2\nnameserver fd00::1\n")
}

fn nginx() -> Root {
    bare()
        .file("/etc/nginx/templates/a.conf.template", TEMPLATE)
        .file("/etc/nginx/templates/sub/b.conf.template", TEMPLATE)
}

fn run(root: &Root, env: &[&str]) -> Outcome {
    let outcome = root.start(["nginx", "-g", "daemon off;"]).env(env).run();
    assert_eq!(outcome.app().argv(), ["nginx", "-g", "daemon off;"]);
    outcome
}

promise!(p6_1_what_is_a_variable_is_replaced_and_nothing_else, {
    let root = nginx();
    run(&root, &["XVAR=v1"]);
    assert_eq!(root.text("/etc/nginx/conf.d/a.conf"), RENDERED);
    assert_eq!(root.text("/etc/nginx/conf.d/sub/b.conf"), RENDERED);
    assert_eq!(root.mode_of("/etc/nginx/conf.d/a.conf"), 0o644);
    assert_eq!(root.owner_of("/etc/nginx/conf.d/a.conf"), "0:0");
    let first = root.snapshot("/etc/nginx");
    run(&root, &["XVAR=v1"]);
    assert_eq!(root.snapshot("/etc/nginx"), first, "a second start changes nothing");
});

promise!(p6_2_resolvers, {
    let root = nginx();
    run(&root, &["XVAR=v1", "NGINX_ENTRYPOINT_LOCAL_RESOLVERS=1"]);
    let expected = RENDERED.replace("${NGINX_LOCAL_RESOLVERS}", "10.0.0.2 [fd00::1]");
    assert_eq!(root.text("/etc/nginx/conf.d/a.conf"), expected);
});

promise!(p6_3_a_filter_on_names, {
    let root = nginx();
    run(&root, &["XVAR=v1", "NGINX_ENVSUBST_FILTER=^NGINX_"]);
    assert_eq!(root.text("/etc/nginx/conf.d/a.conf"), TEMPLATE);
});

promise!(p6_4_other_places, {
    let root = bare().file("/t/c.tpl", TEMPLATE).file("/t/d.template", TEMPLATE).dir("/o");
    let env = [
        "XVAR=v1",
        "NGINX_ENVSUBST_TEMPLATE_DIR=/t",
        "NGINX_ENVSUBST_TEMPLATE_SUFFIX=.tpl",
        "NGINX_ENVSUBST_OUTPUT_DIR=/o",
    ];
    run(&root, &env);
    assert_eq!(root.text("/o/c"), RENDERED);
    assert!(!root.exists("/o/d") && !root.exists("/o/d.template"));
    assert_eq!(root.snapshot("/etc/nginx/conf.d").len(), 1, "only the folder");
});

const HTTP: &str = "http {\n    include /etc/nginx/conf.d/*.conf;\n}\n";
const STREAM: &str = "stream {\n    include /etc/nginx/stream-conf.d/*.conf;\n}\n";

promise!(p6_5_stream_templates_go_to_their_own_folder_and_nginx_conf_gets_a_block_once, {
    let root =
        bare().file("/etc/nginx/templates/s.stream-template", "listen $XVAR;").file("/etc/nginx/nginx.conf", HTTP);
    run(&root, &["XVAR=v1"]);
    assert_eq!(root.text("/etc/nginx/stream-conf.d/s"), "listen v1;");
    assert_eq!(root.snapshot("/etc/nginx/conf.d").len(), 1, "only the folder");
    assert_eq!(root.text("/etc/nginx/nginx.conf"), format!("{HTTP}{STREAM}"));
    let first = root.snapshot("/etc/nginx");
    run(&root, &["XVAR=v1"]);
    assert_eq!(root.snapshot("/etc/nginx"), first, "a second start changes nothing");
});

promise!(p6_5_a_block_that_is_there_stays_and_none_comes_without_streams, {
    let other = "stream {\n}\n";
    let with =
        bare().file("/etc/nginx/templates/s.stream-template", "listen $XVAR;").file("/etc/nginx/nginx.conf", other);
    run(&with, &["XVAR=v1"]);
    assert_eq!(with.text("/etc/nginx/nginx.conf"), other);
    let without = nginx().file("/etc/nginx/nginx.conf", HTTP);
    run(&without, &["XVAR=v1"]);
    assert_eq!(without.text("/etc/nginx/nginx.conf"), HTTP);
});

promise!(p6_6_another_start_renders_anew, {
    let root = nginx();
    run(&root, &["XVAR=v1"]);
    run(&root, &["XVAR=v2"]);
    assert_eq!(root.text("/etc/nginx/conf.d/a.conf"), RENDERED.replace("v1", "v2"));
});

promise!(p6_7_another_command_renders_nothing, {
    let root = nginx().app_status(9);
    let outcome = root.start(["foo"]).env(["XVAR=v1"]).run();
    assert_eq!(outcome.app().argv(), ["foo"]);
    assert_eq!(outcome.code(), 9);
    assert_eq!(root.snapshot("/etc/nginx/conf.d").len(), 1, "only the folder");
});

promise!(p6_7_no_templates_are_no_error, {
    let root = bare().app_status(9);
    assert_eq!(run(&root, &["XVAR=v1"]).code(), 9);
    assert_eq!(root.snapshot("/etc/nginx/conf.d").len(), 1, "only the folder");
});

promise!(p6_8_a_folder_that_cannot_be_written_is_a_message_and_no_more, {
    let root = nginx().file("/etc/nginx/conf.d/a.conf", "old");
    let before = root.snapshot("/etc/nginx");
    let outcome = root.start(["nginx"]).user(1234, 1234).env(["XVAR=v1"]).run();
    assert_eq!(outcome.app().argv(), ["nginx"]);
    outcome.assert_says(&["/etc/nginx/conf.d", "1234"]);
    assert_eq!(root.snapshot("/etc/nginx"), before);
});

promise!(p6_9_a_hook_that_fails_stops_the_start, {
    let root = nginx().stub("/docker-entrypoint.d/10-check", "stderr no certificate\nexit 3");
    let outcome = root.start(["nginx"]).env(["XVAR=v1"]).run();
    outcome
        .assert_refused(3, &["no certificate", "step `hooks`", "`/docker-entrypoint.d/10-check` exited with status 3"]);
    assert_eq!(root.snapshot("/etc/nginx/conf.d").len(), 1, "nothing is rendered after it");
});

promise!(p6_9_a_hook_that_is_not_executable_is_reported_and_left_alone, {
    let root = nginx().file("/docker-entrypoint.d/20-tune.sh", "#!/bin/sh\nexit 3\n").app_status(9);
    let outcome = run(&root, &["XVAR=v1"]);
    assert_eq!(outcome.code(), 9);
    outcome.assert_says(&["/docker-entrypoint.d/20-tune.sh is not executable"]);
});

// The script sources *.envsh in a sub-shell, so that what it sets reaches later hooks and not nginx itself.
promise!(p6_9_variables_of_a_hook_reach_the_templates_and_nginx, {
    let root = nginx().file("/docker-entrypoint.d/15-local.env", "XVAR=v1\n");
    let outcome = run(&root, &[]);
    assert_eq!(root.text("/etc/nginx/conf.d/a.conf"), RENDERED);
    assert_eq!(outcome.app().text("XVAR"), Some("v1".into()));
});

// The script has a variable of its own for this, NGINX_ENTRYPOINT_QUIET_LOGS; onset has its log level.
promise!(p6_10_quiet_is_silent, {
    let root = nginx();
    let outcome = run(&root, &["XVAR=v1", "ONSET_LOG_LEVEL=warn"]);
    assert_eq!(outcome.stderr(), "");
    assert_eq!(root.text("/etc/nginx/conf.d/a.conf"), RENDERED);
});
