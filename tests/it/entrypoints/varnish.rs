//! P4: arguments made of variables.

use crate::support::root::Root;

fn varnish() -> Root {
    Root::example("varnish").programs(["varnishd", "varnishadm"])
}

const NONE: [&str; 0] = [];

fn argv<'a>(vcl: &'a str, http: &'a str, size: &'a str) -> Vec<&'a str> {
    let rest = ["-a", http, "-a", "proxy=:8443,PROXY", "-p", "feature=+http2", "-s", size];
    [&["varnishd", "-F", "-f", vcl][..], &rest].concat()
}

fn defaults() -> Vec<&'static str> {
    argv("/etc/varnish/default.vcl", "http=:80,HTTP", "malloc,100M")
}

promise!(p4_1_no_arguments_are_the_defaults, {
    let root = varnish();
    assert_eq!(root.start(NONE).env(["VARNISH_SIZE=100M"]).run().app().argv(), defaults());
});

promise!(p4_2_variables_and_flags, {
    let root = varnish();
    let env = ["VARNISH_SIZE=1G", "VARNISH_HTTP_PORT=8080", "VARNISH_VCL_FILE=/x.vcl"];
    let outcome = root.start(["-p", "a=b"]).env(env).run();
    let expected = [argv("/x.vcl", "http=:8080,HTTP", "malloc,1G"), vec!["-p", "a=b"]].concat();
    assert_eq!(outcome.app().argv(), expected);
});

promise!(p4_3_empty_is_not_set, {
    let root = varnish();
    let outcome = root.start(NONE).env(["VARNISH_SIZE=100M", "VARNISH_PROXY_PORT="]).run();
    assert_eq!(outcome.app().argv(), defaults());
});

promise!(p4_4_a_command_that_is_named_gets_no_defaults, {
    let root = varnish();
    for args in [&["varnishadm", "ping"][..], &["varnishd", "-F"]] {
        assert_eq!(root.start(args).env(["VARNISH_SIZE=100M"]).run().app().argv(), args);
        assert_eq!(root.start(args).run().app().argv(), args, "without a size, too: it is not used");
    }
});

promise!(p4_5_variables_stay_and_so_does_the_user, {
    let root = varnish();
    let env = ["VARNISH_SIZE=1G", "VARNISH_HTTP_PORT=8080", "VARNISH_PROXY_PORT="];
    let outcome = root.start(NONE).user(1234, 1234).env(env).run();
    assert_eq!(outcome.app().environ(), [&["PATH=/usr/bin"], &env[..]].concat());
    assert_eq!(outcome.app().identity(), "1234:1234");
});

promise!(p4_6_a_blank_splits_nothing, {
    let root = varnish();
    let outcome = root.start(NONE).env(["VARNISH_SIZE=100M", "VARNISH_VCL_FILE=/a b.vcl"]).run();
    assert_eq!(outcome.app().argv(), argv("/a b.vcl", "http=:80,HTTP", "malloc,100M"));
});

promise!(p4_7_no_size_is_an_error_that_names_the_variable, {
    let root = varnish();
    root.start(NONE).run().assert_refused(125, &["VARNISH_SIZE"]);
    root.start(NONE).env(["VARNISH_SIZE="]).run().assert_refused(125, &["VARNISH_SIZE"]);
});
