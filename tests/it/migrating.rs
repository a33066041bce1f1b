//! docs/migrating.md, run: what people have today beside what takes its place, in the same container, and compared.
//!
//! The page consists of chapters (`##`) and sections (`###`). A section has a block with what there is (`sh`: a script,
//! `#!/bin/sh` and `set -e` above it unless it begins with `#!`; `dockerfile`, `yaml`: the instruction or the hook in
//! it), one or two with what takes its place (`toml`: a configuration; `dockerfile`, `yaml`), and a comment that says how
//! the two are compared. A script is run with the shell and the programs of this machine, the rest in a root without any.
//!
//! The comment begins with `<!-- compare`, and each of its lines is one of these. A line holds for those below it.
//!
//! | line | |
//! |---|---|
//! | `file PATH TEXT`, `dir PATH`, `link PATH TARGET`, `mode PATH MODE`, `owner PATH UID:GID`, `read-only PATH`, `passwd LINE`, `group LINE` | what both find |
//! | `app NAME` | a program that records how it was started; there is always `app` |
//! | `stub NAME LINE; LINE` | a program that does so (tests/probe/stub.rs) |
//! | `user UID:GID`, `umask OCTAL` | as what both are started |
//! | `status N` | the status that programs end with |
//! | `signal N` | once the application says `ready`, both get this signal; `signal none`: no more |
//! | `serve N` | there is a server that answers with this status; `PORT` says where |
//! | `replace OLD NEW` | in the blocks: to make a time short |
//! | `again` | what is the `same` is started twice, the second time in what the first has left |
//! | `ignore NAME...`, `ignore-file PATH...` | these variables and files are not compared |
//! | `needs PROGRAM` | for the script; a machine without it skips the pair |
//! | `same [ENV...] [-- ARG...]` | what the application and all programs find (arguments, environment, user, groups, capabilities, umask, directory), all files, and the status are the same |
//! | `refused [ENV...] [-- ARG...] => TEXT` | neither starts the application; onset ends with 125, and says TEXT |
//! | `differs [ENV...] [-- ARG...]` | they are not the same, but as the lines below say |
//! | `gives [ENV...] [-- ARG...]` | the script is not run, only onset, as the lines below say |
//! | `before CHECK`, `after CHECK` | below one of these: `starts`, `starts not`, `status N`, `says TEXT`, `keeps TEXT` (it does not say it), `argv WORD...`, `env NAME=VALUE`, `env NAME`, `no-env NAME`, `user UID:GID`, `groups GID...`, `runs PROGRAM...` (before the application, in this order), `file PATH TEXT`, `no-file PATH`, `mode PATH MODE`, `owner PATH UID:GID` |

mod compare;
mod page;
mod seen;
mod setting;
mod side;
mod words;

/// Every pair of this chapter.
fn holds(chapter: &str) {
    let pairs: Vec<_> = page::pairs().into_iter().filter(|pair| pair.chapter == chapter).collect();
    assert!(!pairs.is_empty(), "no chapter {chapter}");
    let broken: Vec<String> = pairs.iter().filter_map(|pair| compare::compare(pair).err()).collect();
    assert!(broken.is_empty(), "{} of {} pairs\n{}", broken.len(), pairs.len(), broken.join("\n\n"));
}

/// A test for each chapter.
macro_rules! chapter {
    ($name:ident, $chapter:expr) => {
        promise!($name, {
            holds($chapter);
        });
    };
}

chapter!(the_command_is_what_a_script_makes_of_it, "docker-entrypoint.sh: the command");
chapter!(variables_are_what_a_script_makes_of_them, "docker-entrypoint.sh: variables");
chapter!(files_are_what_a_script_makes_of_them, "docker-entrypoint.sh: files");
chapter!(the_user_is_who_a_script_makes_it, "docker-entrypoint.sh: users");
chapter!(programs_are_run_as_a_script_runs_them, "docker-entrypoint.sh: programs");
chapter!(other_inits_are_replaced, "tini, dumb-init, catatonit");
chapter!(those_who_change_the_user_are_replaced, "gosu, su-exec, setpriv");
chapter!(those_who_fill_templates_are_replaced, "envsubst and dockerize");
chapter!(those_who_wait_are_replaced, "wait-for-it, wait4x");
chapter!(those_who_ask_for_health_are_replaced, "curl in a HEALTHCHECK");
chapter!(those_who_sleep_before_the_stop_are_replaced, "sleep in a preStop hook");
