//! Configurations and templates without measure: each ends in a line that says so and status 125, never in a hang, in
//! silence, or in a stack that overflows.

use std::time::{Duration, Instant};

use crate::support::root::{Outcome, Root};

const NONE: [&str; 0] = [];

/// How long any of these may take: far more than any does, and far less than "never".
const SOON: Duration = Duration::from_secs(20);
/// A quarter of what a container's main thread has, to leave a margin.
const STACK: u64 = 2 << 20;

fn app(config: &str) -> Root {
    Root::config(format!("version = 1\napp.command = ['app']\n{config}")).programs(["app"])
}

fn run(root: &Root) -> Outcome {
    let began = Instant::now();
    let outcome = root.start(NONE).limit(libc::RLIMIT_STACK, STACK).run();
    assert!(began.elapsed() < SOON, "it took {:?}\n{}", began.elapsed(), outcome.story());
    outcome
}

#[track_caller]
fn refused(root: &Root, said: &[&str]) {
    let outcome = run(root);
    outcome.assert_refused(125, said);
    assert!(outcome.stderr().len() < 100_000, "that much is no message");
}

fn template(source: &str, with: &str) -> Root {
    let step = format!("[[steps]]\ntemplate = {{ source = '/t', target = '/o', with = {{ {with} }} }}\n");
    app(&format!("[env.X]\n{step}")).file("/t", source)
}

fn jinja(source: &str) -> Root {
    template(source, "language = 'jinja'")
}

promise!(a_result_of_a_gigabyte_is_refused, {
    let root = template(&"${X}".repeat(10_000), "");
    let began = Instant::now();
    let outcome = root.start(NONE).env([format!("X={}", "x".repeat(100_000))]).run();
    outcome.assert_refused(125, &["/t", "16777216"]);
    assert!(began.elapsed() < SOON && !root.exists("/o"));
    for source in [
        "{% for i in range(99999) %}{{ 'x' * 10000 }}{% endfor %}",
        "{% set a = 'x' * 99999 %}{% for i in range(9999) %}{% set a = a ~ a %}{{ a }}{% endfor %}",
    ] {
        let root = jinja(source);
        refused(&root, &["/t:1", "16777216"]);
        assert!(!root.exists("/o"));
    }
    refused(&jinja("{{ 'x' * 1073741824 }}"), &["/t:1", "too large"]);
});

promise!(a_value_without_measure_is_refused, {
    let double = |n| format!("[env.V{}]\nvalue = '${{V{n}}}${{V{n}}}'\n", n + 1);
    let doubled = (0..40).map(double).collect::<Vec<_>>().concat();
    refused(&app(&format!("[env.V0]\nvalue = '0123456789abcdef'\n{doubled}")), &["131072"]);
});

promise!(a_loop_without_end_is_ended, {
    for source in [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    ] {
        refused(&jinja(source), &["/t:1"]);
    }
});

promise!(what_is_nested_without_measure_is_refused, {
    const DEEP: usize = 100_000;
    let nested = "${A:-".repeat(DEEP) + &"}".repeat(DEEP);
    refused(&app(&format!("[env.B]\nvalue = '{nested}'\n")), &["onset.toml:4:", "nested too deep"]);
    refused(&template(&nested, "operators = true, variables = ['*']"), &["/t:1", "nested too deep"]);
    refused(&Root::config("a = ".to_owned() + &"[".repeat(DEEP)), &["onset.toml:1:"]);
    refused(&Root::config("a = ".to_owned() + &"{ a = ".repeat(DEEP)), &["onset.toml:1:"]);
    refused(&Root::config("a".to_owned() + &".a".repeat(DEEP) + " = 1"), &["onset.toml:1:"]);
    refused(&Root::config("[".to_owned() + &"a.".repeat(DEEP) + "a]"), &["onset.toml:1:"]);
    refused(&Root::config("{\"a\": ".repeat(DEEP)), &["onset.toml:1:", "nested too deeply"]);
    refused(&Root::config("{\"a\": ".to_owned() + &"[".repeat(DEEP)), &["onset.toml:1:", "nested too deeply"]);
    for expression in
        ["(".repeat(DEEP), "[".repeat(DEEP), "not ".repeat(DEEP), "1 + ".repeat(DEEP) + "1", "-".repeat(DEEP)]
    {
        refused(&app(&format!("[[steps]]\nwhen = '{expression}'\nremove = {{ paths = [] }}\n")), &["onset.toml:4:"]);
        refused(&jinja(&format!("{{{{ {expression} }}}}")), &["/t:1"]);
    }
    refused(&jinja(&"{% if true %}".repeat(DEEP)), &["/t:"]);
    refused(&app(&format!("[env.X]\nmatches = '{}'\ndefault = 'x'\n", "(".repeat(DEEP))), &["regular expression"]);
});

// As much as the limits allow fits on a quarter of the stack: whatever comes of it, onset lives to say it.

fn survives(root: &Root) -> Outcome {
    let outcome = run(root);
    assert!([0, 125].contains(&outcome.code()), "{}", outcome.story());
    assert!(outcome.started() || outcome.stderr().contains("onset.toml:"), "{}", outcome.story());
    outcome
}

promise!(what_the_limits_allow_needs_no_more_stack_than_there_is, {
    // The deepest nesting that is still accepted is found by halving; one more is refused.
    let deepest = |make: &dyn Fn(usize) -> Root, most: usize| {
        let (mut good, mut bad) = (0, most);
        while bad - good > 1 {
            let depth = usize::midpoint(good, bad);
            let outcome = survives(&make(depth));
            let accepted = outcome.started() || outcome.stderr().contains("not known here");
            *(if accepted { &mut good } else { &mut bad }) = depth;
        }
        assert!(good > 20, "only {good} levels");
        survives(&make(bad));
    };
    deepest(&|depth| app(&format!("[env.B]\nvalue = '{}{}'\n", "${A:-".repeat(depth), "}".repeat(depth))), 40);
    deepest(&|depth| Root::config(format!("a = {}{}", "[".repeat(depth), "]".repeat(depth))), 90);
    deepest(&|depth| Root::config(format!("a = {}1{}", "{ a = ".repeat(depth), "}".repeat(depth))), 90);
    deepest(&|depth| Root::config(format!("{}1{}", "{\"a\": ".repeat(depth), "}".repeat(depth))), 90);
    let when = |expression: String| app(&format!("[[steps]]\nwhen = '{expression}'\nremove = {{ paths = [] }}\n"));
    deepest(&|depth| when(format!("{}1{}", "(".repeat(depth), ")".repeat(depth))), 160);
    deepest(&|depth| when(format!("{}1", "1 + ".repeat(depth))), 1200);
    deepest(&|depth| when(format!("{}1", "not ".repeat(depth))), 1200);
    deepest(&|depth| jinja(&format!("{}x{}", "{% if 1 %}".repeat(depth), "{% endif %}".repeat(depth))), 160);
    survives(&jinja(&format!("{{% set a = [] %}}{}{{{{ a }}}}", "{% set a = [a] %}".repeat(4000))));
    survives(&jinja("{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(10) }}"));
});

promise!(a_chain_of_variables_may_be_as_long_as_the_configuration, {
    let link = |n| format!("[env.V{n}]\nvalue='${{V{}}}'\ninternal=true\n", n + 1);
    let chain = (0..15_000).map(link).collect::<Vec<_>>().concat();
    let outcome = run(&app(&format!("{chain}[env.V15000]\nvalue='end'\n")));
    assert_eq!(outcome.app().text("V15000").as_deref(), Some("end"));
});

promise!(a_file_of_nothing_but_mistakes_ends, {
    const MOST: usize = 1 << 20;
    for text in ["=".repeat(MOST), "#".to_owned() + &"\u{1}".repeat(MOST - 1), "k = 1\n".repeat(MOST / 6)] {
        let outcome = run(&Root::config(text));
        outcome.assert_refused(125, &["onset.toml:", "more than 100 problems"]);
    }
});
