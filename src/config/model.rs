//! What a configuration can say: every table, every field, and what it means. The schema (`docs/onset.schema.json`) and
//! the reference (`docs/configuration.md`) are made from these very words.

use super::decode::{choice, table};
use super::named::Named;
use super::types::{
    ExitStatus, Expression, Glob, Mode, Rewrite, SignalName, Size, Text, TextOr, Texts, Time, Umask, UserIf, Within,
    YesOr,
};
use crate::report::{Format, Level};

table! {
    /// A configuration of onset.
    Config {
        /// The version of this format: 1.
        version: Within<1, 1>,
        /// The application, and the state it is to find.
        app: Option<App>,
        /// The variables that onset knows by name: where their values come from and what they must be.
        env: Named<Variable>,
        /// What becomes of all the other variables, and what holds between several.
        environment: Option<Environment>,
        /// What to do before the application starts, in this order.
        steps: Vec<Step>,
        /// How the application is asked to end, and how long it has. Absent: signals are forwarded, and nothing has a time.
        /// Like `signals` and `exit` it holds for what gets the set-up (`app.setup_for`).
        shutdown: Option<Shutdown>,
        /// What becomes of signals that come in, by name or number: another one, or nothing (`"drop"`). All others are
        /// forwarded as they are. Real-time signals are `SIGRTMIN+3` and the like, SIGRTMIN being 34.
        signals: Named<Rewrite>,
        /// What onset ends with for a status of the main process: `143 = 0`, or `SIGTERM = 0` for 128 and the signal's
        /// number. The status of a failed start stays what it is. Leave 137 alone: it is where runtimes look for an OOM kill.
        exit: Named<ExitStatus>,
        /// How onset reports.
        report: Option<Report>,
    }
}

impl Config {
    /// Whether it may be a drop-in among hooks: steps that are no hooks, and nothing else.
    pub fn is_only_steps(&self) -> bool {
        let Config { place: _, version: _, app, env, environment, steps, shutdown, signals, exit, report } = self;
        let others = [app.is_some(), !env.is_empty(), environment.is_some(), shutdown.is_some()];
        let more = [!signals.is_empty(), !exit.is_empty(), report.is_some()];
        !others.iter().chain(&more).any(|&is| is) && steps.iter().all(|step| step.hooks.is_none())
    }
}

table! {
    /// The application: its command, how container arguments meet it, and the state of the process it starts in.
    App {
        /// The program and its arguments. Used as it is without container arguments; arguments that begin with a dash
        /// are appended; others replace it, but for what `program_args`, `append_for` and `role` say.
        command: Vec<Text>,
        /// What to do with container arguments that begin with the program's own name.
        program_args: Option<ProgramArgs>,
        /// Container arguments are appended to `command` also if the first of them matches one of these:
        /// `["*.conf"]`.
        append_for: Vec<Glob>,
        /// Leading container arguments of the form `NAME=value` are variables of the container, as env(1) has it, and no
        /// arguments.
        argument_variables: bool,
        /// `${...}` in the container's arguments is expanded.
        expand_arguments: bool,
        /// Conditional words before the program: `numactl --interleave=all`.
        before: Vec<Arg>,
        /// There are no container arguments: whatever they are, `command` is started with its set-up.
        ignore_args: bool,
        /// Conditional arguments, between `command` and the container's.
        arg: Vec<Arg>,
        /// Arguments that stand behind all others.
        last: Vec<Text>,
        /// Commands with a name of their own: container arguments that begin with it start it.
        role: Named<Role>,
        /// The programs that get the set-up (environment, steps, conditional arguments, user), by name or path, as
        /// patterns; every other command starts as it is. Absent: the program of `command` and every role. With no
        /// container arguments, or arguments that are appended, there is always a set-up.
        setup_for: Option<Vec<Glob>>,
        /// Whom the application runs as: `user`, `user:group`, `uid` or `uid:gid`. Names come from /etc/passwd and
        /// /etc/group. Nothing changes if onset is that user already.
        user: Option<TextOr<UserIf>>,
        /// Supplementary groups, by name, by number, or by the path of something whose group it is (a socket); a path
        /// that leads nowhere adds none. Absent: those that /etc/group lists for a user given by name, none for a number.
        groups: Option<Vec<Text>>,
        /// What HOME, USER and LOGNAME become when the user changes.
        home: Option<Home>,
        /// The working directory.
        workdir: Option<Text>,
        /// The umask, in octal; for every command, with a set-up or without.
        umask: Option<TextOr<Umask>>,
        /// Resource limits by their names without `RLIMIT_`, in lower case: `nofile = "65536"`, or
        /// `{ soft = "1024", hard = "65536" }`, or `"unlimited"`.
        limits: Named<TextOr<Limit>>,
        /// How willing the kernel is to kill the application when memory runs out.
        oom_score_adj: Option<Within<-1000, 1000>>,
        /// Its niceness.
        nice: Option<Within<-20, 19>>,
        /// How long the preparation may take in all, from onset's start to the application's; then onset ends with 124.
        /// Absent: as long as it likes.
        start_timeout: Option<Time>,
        /// Never gain privileges by execve (`PR_SET_NO_NEW_PRIVS`).
        no_new_privs: bool,
        /// Which capabilities are left.
        capabilities: Option<Capabilities>,
    }
}

choice! {
    /// What to do with container arguments that begin with the program's own name.
    ProgramArgs {
        /// They are the command as they stand.
        Replace = "replace",
        /// The rest of them is appended to `command`.
        Append = "append",
    }
}

choice! {
    /// What HOME, USER and LOGNAME become when the user changes.
    Home {
        /// What /etc/passwd says of the user; without an entry there they stay as they are.
        Passwd = "passwd",
        /// They stay as they are.
        Keep = "keep",
    }
}

table! {
    /// What happens from the stop signal on. First comes the drain: the application knows nothing, and serves what still
    /// comes in. Then it is asked to end, by one signal or a ladder of several; who does not end in its time is killed
    /// with SIGKILL. A second stop signal ends the drain. Ctrl-C of the application's own terminal is none: it reaches the
    /// application, and begins nothing of this.
    ///
    /// Times are texts: `drain = "${DRAIN:-5s}"`. Variables that steps set count from the application's start on.
    Shutdown {
        /// Which signals ask to stop: as they come in, or as `signals` rewrites them. Absent: SIGTERM, SIGINT and SIGQUIT. The
        /// STOPSIGNAL of the image has to be among them, or it is forwarded like any other.
        on: Option<Vec<SignalName>>,
        /// How long the application goes on serving. Absent: it is asked to end at once.
        drain: Option<Text>,
        /// What asks the application to end. Absent: the signal that came in.
        signal: Option<SignalName>,
        /// How long it has then, until SIGKILL. Absent: as long as it likes.
        grace: Option<Text>,
        /// Several signals, each with its time, in the place of `signal` and `grace`; 8 at most. The last may have no time.
        ladder: Vec<Rung>,
        /// To whom the signals of `signal` and `ladder` go, and SIGKILL. Absent: to whom all others go: the main process, or
        /// its group with `--group`. SIGCONT follows where somebody may be stopped.
        target: Option<StopTarget>,
        /// How long the other processes have when the main process has ended: they get SIGTERM, and SIGKILL when that time is
        /// over. Absent: they are not asked, and as PID 1 the end of onset ends them. Not PID 1, onset asks its own
        /// descendants alone. Those of `docker exec` are asked, but nobody waits for them. After SIGKILL to the application
        /// onset ends at once.
        linger: Option<Text>,
        /// How long the platform waits before it kills everything (`terminationGracePeriodSeconds`, `docker stop -t`). Stops
        /// nothing: it is a warning if drain, ladder and linger together are longer.
        budget: Option<Text>,
        /// Programs to run when the stop signal has come in, one after the other, without a shell: to deregister, to flush.
        /// The drain lasts until they have ended. They find the application's environment, user and working directory. One
        /// that fails is reported, and stops nothing.
        run: Vec<StopCommand>,
    }
}

table! {
    /// A signal, and how long the application has to end.
    Rung {
        /// Which. Absent: the signal that came in.
        signal: Option<SignalName>,
        /// How long until the next one, or until SIGKILL. Absent, in the last one: as long as it likes.
        wait: Option<Text>,
    }
}

choice! {
    /// To whom signals go.
    StopTarget {
        /// The main process.
        Main = "main",
        /// Its process group.
        Group = "group",
        /// Everybody in the container; not PID 1, every descendant of onset.
        All = "all",
    }
}

table! {
    /// A program to run when the application is about to stop.
    StopCommand {
        /// The program and its arguments.
        command: Vec<Text>,
        /// How long it may take; then it is told to stop. Absent: 10s.
        timeout: Option<Text>,
        /// How long it has to end then; then it is killed. Absent: 2s.
        grace: Option<Text>,
    }
}

table! {
    /// What onset says about itself. `--log-format` and `--log-level`, and their variables, win over what stands here; what is
    /// said before the configuration is read follows them alone.
    Report {
        /// How a report is written.
        format: Option<Format>,
        /// Which reports are written: these and graver ones.
        level: Option<Level>,
        /// The file that gets the reason why onset ends, 4096 bytes at most, as Kubernetes shows it (`terminationMessagePath`);
        /// `false`: none. Absent: /dev/termination-log, if it is there. That it cannot be written is no failure.
        termination_message: Option<YesOr<Text>>,
    }
}

table! {
    /// Arguments that depend on something. With `each` or `each_prefix` they are repeated.
    Arg {
        /// Only if this holds.
        when: Option<Expression>,
        /// The argument, or several.
        value: Texts,
        /// Cut each into words as a shell does, quotes and backslashes respected, nothing expanded.
        split: bool,
        /// Once for each part of this text, which is `${item}`; none for an empty text.
        each: Option<Text>,
        /// What the parts of `each` stand between. Absent: blanks.
        separator: Option<String>,
        /// Once for each variable whose name begins so, in the order of their names: `${item}` is its value, `${name}`
        /// the rest of its name.
        each_prefix: Option<String>,
        /// What becomes of `${name}`.
        name_case: Option<NameCase>,
    }
}

choice! {
    /// How a variable's name is rewritten.
    NameCase {
        /// As it is.
        Keep = "keep",
        /// In lower case.
        Lower = "lower",
        /// In lower case, `_` as `-`.
        Dashed = "dashed",
        /// In lower case, `_` as `.`.
        Dotted = "dotted",
    }
}

table! {
    /// A command that container arguments name by one word.
    Role {
        /// The program and its arguments; the rest of the container arguments is appended.
        command: Vec<Text>,
        /// Variables only of this role, set after all others.
        env: Named<Text>,
    }
}

table! {
    /// A resource limit (setrlimit(2)).
    Limit {
        /// What the kernel enforces.
        soft: Option<Text>,
        /// How far the application may raise it.
        hard: Option<Text>,
    }
}

table! {
    /// Capabilities (capabilities(7)), by name: `NET_BIND_SERVICE`.
    Capabilities {
        /// Only if this holds.
        when: Option<Expression>,
        /// All that can ever be had again; the others are dropped. Absent: as it is.
        bounding: Option<Vec<String>>,
        /// What the application keeps although it is not root.
        ambient: Vec<String>,
    }
}

table! {
    /// One variable. Its value is the first of: `value` or `expr`; the variable itself as the container got it; the file
    /// that `NAME_FILE` names; an alias; an env file; `default`. Empty counts as unset,
    /// but in a file that `NAME_FILE` names: then there is no value, whatever comes behind it.
    Variable {
        /// Only if this holds; else the variable is left as it is.
        when: Option<Expression>,
        /// The value when there is none.
        default: Option<Text>,
        /// The value, whatever the container got.
        value: Option<Text>,
        /// The value, computed by a Jinja expression.
        expr: Option<Expression>,
        /// There must be a value; a text is the message when there is none.
        required: YesOr<Text>,
        /// What the value must be.
        kind ("type"): Option<Kind>,
        /// The least number, of `int`.
        min: Option<i64>,
        /// The greatest number, of `int`.
        max: Option<i64>,
        /// The values there are, of `enum`.
        one_of: Vec<String>,
        /// A regular expression that the whole value must match.
        matches: Option<String>,
        /// Its value is in no message, no plan, and in no file wider than 0600 unless `mode` says so, or the file was there
        /// before and is edited. What it goes into is secret too.
        secret: bool,
        /// It may come from a file: `NAME_FILE` names it. A list names the patterns, `{}` for the name:
        /// `["{}_FILE", "FILE__{}"]`. The variable and its file together are an error.
        file: YesOr<Vec<String>>,
        /// What is removed from the end of a file's content. Absent: all newlines.
        trim: Option<Trim>,
        /// The largest file. Absent: 1M.
        max_size: Option<Size>,
        /// Older names, the first that is set counts; using one is reported.
        aliases: Vec<String>,
        /// Put before the value there is.
        prepend: Option<Text>,
        /// Put after the value there is.
        append: Option<Text>,
        /// Stands between the value and what is prepended or appended. Absent: a blank.
        separator: Option<String>,
        /// Usable in this file, not handed to the application.
        internal: bool,
        /// An empty value counts as a value.
        allow_empty: bool,
    }
}

choice! {
    /// What a value must be.
    Kind {
        /// Anything.
        String = "string",
        /// A whole number, between `min` and `max`.
        Int = "int",
        /// A port: 1 to 65535.
        Port = "port",
        /// A boolean: 1, true, yes, on, 0, false, no, off in any case; the application gets `true` or `false`.
        Bool = "bool",
        /// One of `one_of`.
        Enum = "enum",
        /// A URL: a scheme, `://`, and something behind it.
        Url = "url",
        /// A time with its unit: `500ms`, `30s`, `5m`, `1h`.
        Duration = "duration",
        /// A number of bytes, K, M, G or T behind it or not.
        Size = "size",
        /// An absolute path.
        Path = "path",
    }
}

choice! {
    /// What is removed from the end of a file's content.
    Trim {
        /// All newlines.
        Newlines = "newlines",
        /// Blanks and newlines, at both ends.
        Space = "space",
        /// Nothing.
        None = "none",
    }
}

table! {
    /// What becomes of the variables that are not described one by one.
    Environment {
        /// `false`: only described variables and those of `keep` reach the application. Absent: all do.
        inherit: Option<bool>,
        /// Names that pass although `inherit` is false, as patterns.
        keep: Vec<Glob>,
        /// Names that do not reach the application, as patterns; they can be used in this file all the same.
        unset: Vec<Glob>,
        /// Files with variables, the later ones winning; a variable of the container wins over all of them.
        files: Vec<EnvFile>,
        /// Variables that files are named for without being described one by one. A prefix: every `PREFIX_X_FILE` becomes
        /// `PREFIX_X` with that file's content. Or the whole name of the pointer with a pattern of the variable's own name
        /// in braces: `"{GF_*}__FILE"`, `"FILE__{}"`.
        secret_files: Vec<String>,
        /// Names whose values are secrets, as patterns.
        secret: Vec<Glob>,
        /// Of each of these lists exactly one variable must be set.
        exactly_one_of: Vec<Vec<String>>,
        /// Of each of these lists at least one variable must be set.
        at_least_one_of: Vec<Vec<String>>,
        /// Of each of these lists at most one variable may be set.
        at_most_one_of: Vec<Vec<String>>,
        /// Variables that must not be set, with the message that says what to do instead.
        forbidden: Named<String>,
    }
}

table! {
    /// A file with variables.
    EnvFile {
        /// Where it is.
        path: Text,
        /// How it is written.
        format: Option<EnvFormat>,
        /// It may be missing.
        optional: bool,
    }
}

choice! {
    /// How a file with variables is written.
    EnvFormat {
        /// `NAME=value` lines, `#` comments, quotes as in Docker Compose, `export ` allowed; nothing is expanded.
        Dotenv = "dotenv",
        /// A directory: a file for each variable, named after it, its content the value (envdir, a mounted Secret).
        Directory = "directory",
    }
}

table! {
    /// One thing to do before the application starts. Beside `name`, `when`, `as` and `on_failure` it has exactly one
    /// more field, which says what.
    Step {
        /// What it is called in messages.
        name: Option<String>,
        /// Only if this holds.
        when: Option<Expression>,
        /// With whose rights.
        rights ("as"): Option<Rights>,
        /// What a failure means.
        on_failure: Option<OnFailure>,
        /// Make a directory.
        directory: Option<Directory>,
        /// Copy a file or a tree.
        copy: Option<Copy>,
        /// Make a symbolic link.
        symlink: Option<Symlink>,
        /// Remove files.
        remove: Option<Remove>,
        /// Change the owner of what has another.
        owner: Option<Owner>,
        /// Write a file from a template.
        template: Option<FileTemplate>,
        /// Write a file for each template of a directory.
        templates: Option<DirectoryTemplate>,
        /// Run a program to its end.
        run: Option<Run>,
        /// Run a program that prints variables, and set them.
        env: Option<PrintedEnv>,
        /// Do what a directory holds: run its programs, read its variables.
        hooks: Option<Hooks>,
        /// Set variables, from here on: for the later steps, the arguments and the application.
        set: Named<Text>,
        /// Change keys or lines of a text file.
        edit: Option<Edit>,
        /// Set a variable to what a text file says.
        read: Option<Read>,
        /// Wait until others are ready.
        wait: Option<Wait>,
        /// Make a random secret, once.
        generate: Option<Generate>,
        /// Hold a lock until the application starts.
        lock: Option<LockFile>,
        /// Have an entry in /etc/passwd.
        passwd: Option<Passwd>,
        /// Give stdout and stderr to the application's user.
        stdio: Option<Stdio>,
        /// Set the time zone.
        timezone: Option<Timezone>,
        /// Add certificates to a bundle.
        ca_bundle: Option<CaBundle>,
        /// Make sure that something holds.
        check: Option<Assertion>,
    }
}

/// Every kind of step there is.
pub const STEP_KINDS: &str = "directory copy symlink remove owner template templates \
    run env hooks set edit read wait generate lock passwd stdio timezone ca_bundle check";

impl Step {
    /// Which of [`STEP_KINDS`] it is. `None`: none of them, or several, which no configuration has that was checked.
    pub fn kind(&self) -> Option<&'static str> {
        let is = self.is();
        let first = is.iter().position(|&is| is)?;
        let is_only = !is[first + 1..].contains(&true);
        STEP_KINDS.split(' ').nth(first).filter(|_| is_only)
    }

    /// All of [`STEP_KINDS`] that are there.
    pub fn kinds(&self) -> Vec<&'static str> {
        let mut kinds = Vec::new();
        for (kind, is) in STEP_KINDS.split(' ').zip(self.is()) {
            if is {
                kinds.push(kind);
            }
        }
        kinds
    }

    /// Which of [`STEP_KINDS`] are there.
    fn is(&self) -> [bool; 21] {
        [
            self.directory.is_some(),
            self.copy.is_some(),
            self.symlink.is_some(),
            self.remove.is_some(),
            self.owner.is_some(),
            self.template.is_some(),
            self.templates.is_some(),
            self.run.is_some(),
            self.env.is_some(),
            self.hooks.is_some(),
            !self.set.is_empty(),
            self.edit.is_some(),
            self.read.is_some(),
            self.wait.is_some(),
            self.generate.is_some(),
            self.lock.is_some(),
            self.passwd.is_some(),
            self.stdio.is_some(),
            self.timezone.is_some(),
            self.ca_bundle.is_some(),
            self.check.is_some(),
        ]
    }
}

choice! {
    /// With whose rights a step is done.
    Rights {
        /// Those onset was started with.
        Root = "root",
        /// Those of the application's user.
        App = "app",
    }
}

choice! {
    /// What a failed step means.
    OnFailure {
        /// onset ends with status 125, and the application does not start.
        Fail = "fail",
        /// A warning, and on with the next.
        Warn = "warn",
    }
}

table! {
    /// A program that is run before the application, without a shell. It has its own process group, /dev/null as stdin
    /// and the environment the application will have. When it has ended, whatever it left behind is ended too. A stop
    /// signal is passed on to it, and onset ends with 128 and the signal's number once it has ended.
    ///
    /// It fails with its own status (128 and the signal's number if a signal ended it), 127 or 126 if it cannot be
    /// started, 124 if it takes too long; onset ends with that status, unless `on_failure` is `warn`.
    Run {
        /// The program and its arguments. It is looked for along the PATH of its environment.
        command: Vec<Text>,
        /// Variables of its own, over the others.
        env: Named<Text>,
        /// Its working directory. Absent: the one onset was started in.
        workdir: Option<Text>,
        /// Whom it runs as: `user`, `user:group`, by name or number. Absent: as `as` says.
        user: Option<Text>,
        /// What it reads on stdin.
        stdin: Option<Text>,
        /// The file that is its stdin.
        stdin_file: Option<Text>,
        /// The file its stdout becomes, complete or not at all, mode 0644 (0600 if `secret`).
        stdout_file: Option<Text>,
        /// The variable that is set to its stdout, without the newlines at the end.
        stdout_variable: Option<String>,
        /// The variable that is set to its exit status (128 and the signal's number, 127, 126, 124); none is a failure
        /// then, and what it prints is dropped.
        status_variable: Option<String>,
        /// Whether what it prints on stdout is a secret.
        secret: bool,
        /// Report each line it prints as a line of onset's own, rather than pass it through.
        frame: bool,
        /// How long it may take. Absent: as long as it likes.
        timeout: Option<Time>,
        /// How long it has to end when it is told to stop, by a stop signal or because it takes too long; then it is
        /// killed. Absent: 10s.
        grace: Option<Time>,
        /// How often it is tried again when it fails.
        retries: Option<Within<0, 1000>>,
        /// How long to wait before the first of these; each time twice as long, at most 30s. Absent: 1s.
        backoff: Option<Time>,
        /// The exit statuses that are a success. Absent: 0.
        success: Vec<Within<0, 255>>,
        /// A program that is run first; if it succeeds there is nothing to do.
        unless: Vec<Text>,
        /// A file that is written last, and whose presence means that there is nothing to do any more.
        marker: Option<Text>,
    }
}

table! {
    /// A program that prints variables. It is run as `run` does it.
    PrintedEnv {
        /// The program and its arguments.
        command: Vec<Text>,
        /// How it prints them.
        format: Option<PrintedFormat>,
        /// The names it may set, as patterns. Absent: any.
        allow: Option<Vec<Glob>>,
        /// The names whose values are secrets, as patterns.
        secret: Vec<Glob>,
        /// Whom it runs as. Absent: as `as` says.
        user: Option<Text>,
        /// How long it may take. Absent: as long as it likes.
        timeout: Option<Time>,
        /// As in `run`.
        grace: Option<Time>,
    }
}

choice! {
    /// How a program prints variables.
    PrintedFormat {
        /// `NAME=value`, a line each; the value is as it stands.
        Lines = "lines",
        /// `NAME=value`, a NUL behind each, as `env -0` prints: a value may have newlines in it.
        Nul = "nul",
        /// `NAME = "value"` in TOML, on descriptor 3: `exec.d` of Cloud Native Buildpacks.
        Toml = "toml",
    }
}

table! {
    /// A directory whose files are done one after the other, in the order of their names, numbers in them by value
    /// (`2-x` before `10-x`). What is no file, and what begins with a dot, is left alone; symbolic links are followed, as
    /// a mounted ConfigMap needs it. The first that fails is the step's failure.
    ///
    /// By the end of its name: one of `handlers` is run, with the file as its stdin; `.env` is read as variables;
    /// `.toml` as further steps (`version` and `[[steps]]`, no hooks in them); any other is run if it is executable,
    /// else reported and left alone.
    Hooks {
        /// The directory. If it is missing there is nothing to do.
        directory: Text,
        /// Programs by the end of a name: `".sql" = ["psql", "-f", "-"]`.
        handlers: Named<Vec<Text>>,
        /// Whom programs run as. Absent: as `as` says.
        user: Option<Text>,
        /// How long each program may take. Absent: as long as it likes.
        timeout: Option<Time>,
        /// As in `run`.
        grace: Option<Time>,
    }
}

table! {
    /// Others to wait for, all at the same time: a target that was ready once is not asked again, and the step is done when
    /// all were. onset says once what is not ready and why, and again every 10s.
    ///
    /// If that takes too long, the step fails with status 124 and says what was not ready and why; a stop signal ends it
    /// at once. A port that can be connected to says only that somebody listens: where there is a better question (`http`
    /// for a health page, `command` for `pg_isready`), ask it.
    ///
    /// Names are looked up anew for every try, by the C library: /etc/hosts and /etc/resolv.conf; all their addresses,
    /// IPv4 and IPv6, are tried.
    Wait {
        /// Ports somebody must listen on: `db:5432`, `[::1]:5432`, or a URL with a port in it, such as
        /// `${DATABASE_URL}`.
        tcp: Option<Texts>,
        /// Stream sockets somebody must listen on, by their paths.
        unix: Option<Texts>,
        /// Pages that must be answered, by their URLs; redirects are not followed, TLS is not spoken.
        http: Vec<TextOr<WaitHttp>>,
        /// Files that must be there, by their paths.
        file: Vec<TextOr<WaitFile>>,
        /// Names that must have an address.
        dns: Option<Texts>,
        /// A program, with its arguments, that must succeed. It is run as `run` does it; what it prints is not shown, but
        /// for its last line on stderr in the message of a failure. If there is no such program, the step fails at once.
        command: Vec<Text>,
        /// How long all of it may take. Absent: 30s.
        timeout: Option<Time>,
        /// How long to wait after a try before the next, 10ms at least. Absent: 500ms.
        interval: Option<Time>,
        /// How long one try may take; less if `timeout` is over sooner. Absent: 5s.
        attempt_timeout: Option<Time>,
    }
}

table! {
    /// A page that must be answered (HTTP/1.1, GET).
    WaitHttp {
        /// Where: `http://host:port/path`; port 80 if there is none.
        url: Text,
        /// The statuses that are a success. Absent: 200 to 399.
        status: Vec<Within<200, 599>>,
        /// A text that must be in the first 1M of the answer.
        contains: Option<Text>,
        /// Headers to send, by their names.
        headers: Named<Text>,
    }
}

table! {
    /// A file that must be there.
    WaitFile {
        /// Where.
        path: Text,
        /// A text that must be in the first 16M of it.
        contains: Option<Text>,
        /// It must not be empty.
        non_empty: bool,
    }
}

table! {
    /// A directory that must be there.
    Directory {
        /// Where. Missing parents are made, with mode 0755 and onset's owner.
        path: Text,
        /// `false`: a missing parent is a failure.
        parents: Option<bool>,
        /// Its mode; set on one that is there as well. Absent: 0755 less the umask, and one that is there stays.
        mode: Option<Mode>,
        /// Its owner: `user`, `user:group` or `:group`, by name or number.
        owner: Option<Text>,
    }
}

table! {
    /// A copy, for instance of an image's defaults into an empty volume. Modes and symbolic links are kept.
    Copy {
        /// A file or a directory.
        from: Text,
        /// What it is to be called; `.` for the working directory.
        to: Text,
        /// When to copy.
        unless ("if"): Option<CopyIf>,
        /// Paths in the target of which one is enough to say that nothing is to be copied, unless a copy was interrupted.
        unless_exists: Vec<String>,
        /// Paths in the tree, as patterns, that are copied as a whole or not at all: `["plugins/*/"]`, with the slash at
        /// its end for directories alone. What the target has of them is left as it is, with a warning.
        whole: Vec<Glob>,
        /// The owner of what is copied. Absent: the originals' where that is permitted.
        owner: Option<Text>,
        /// A file that is written last, and whose presence means that there is nothing to do any more.
        marker: Option<Text>,
        /// Names that are left out, as patterns.
        exclude: Vec<Glob>,
    }
}

choice! {
    /// When to copy.
    CopyIf {
        /// If the target is missing.
        Missing = "missing",
        /// If the target is missing or an empty directory.
        Empty = "empty",
        /// Entry by entry: those that are missing.
        Each = "each",
    }
}

table! {
    /// A symbolic link.
    Symlink {
        /// Where the link is.
        path: Text,
        /// What it points at.
        target: Text,
        /// A file or link that is there may be replaced. A directory never is.
        replace: bool,
    }
}

table! {
    /// Files to remove, such as a stale pid file. Directories are left alone, and so is what is not there.
    Remove {
        /// Paths; `*`, `?` and `[...]` in the last component stand for names.
        paths: Vec<Text>,
    }
}

table! {
    /// An owner for a tree. Only what differs is changed, no symbolic link is followed, no other file system entered.
    Owner {
        /// The top.
        path: Text,
        /// `user` (groups stay), `user:group` or `:group`, by name or number.
        owner: Text,
        /// Only the top itself.
        flat: bool,
    }
}

table! {
    /// A file written from a template. It appears complete, with its mode and owner, or not at all; a second start with
    /// the same values does not touch it.
    FileTemplate {
        /// The file with the template.
        source: Option<Text>,
        /// The template itself.
        content: Option<String>,
        /// The file to write.
        target: Text,
        /// How it is written, and what must hold of it.
        how ("with"): Option<Rendering>,
        /// Only if the target is missing.
        unless_exists: bool,
    }
}

table! {
    /// A file written for each template of a directory and of those below it.
    DirectoryTemplate {
        /// The directory with the templates. If it is missing there is nothing to do.
        source: Text,
        /// The directory to write to.
        target: Text,
        /// The end of a template's name, which is taken off; files without it are left alone. Absent: `.template`.
        suffix: Option<Text>,
        /// How they are written, and what must hold of them.
        how ("with"): Option<Rendering>,
    }
}

table! {
    /// How a template becomes a file.
    Rendering {
        /// The language of the template.
        language: Option<Language>,
        /// The variables that are substituted, as patterns. Absent: those under `[env]`. All others stay as they stand.
        variables: Option<Vec<Glob>>,
        /// A regular expression that names of variables must match as well; empty for none.
        variables_matching: Option<Text>,
        /// Variables that are not set are an error; else they stay as they stand.
        strict: bool,
        /// `$NAME` is substituted as well as `${NAME}`.
        bare: bool,
        /// `${NAME:-default}` and its like are understood.
        operators: bool,
        /// The mode of the file. Absent: 0644, and 0600 if a secret was used.
        mode: Option<Mode>,
        /// Its owner: `user`, `user:group` or `:group`. Absent: a new one is onset's. If it has a secret in it, and so mode
        /// 0600, the application's user cannot read it then.
        owner: Option<Text>,
        /// What the result must be.
        check: Option<Check>,
        /// A regular expression that must match somewhere in the result.
        must_match: Option<String>,
        /// The largest result. Absent: 16M.
        max_size: Option<Size>,
        /// What to do if the target cannot be written.
        on_read_only: Option<OnReadOnly>,
    }
}

choice! {
    /// The language of a template.
    Language {
        /// `${NAME}` and nothing else.
        Substitute = "substitute",
        /// Jinja, with `env`, `args` and `facts`. Where `unless_exists` holds there is also `random_hex(bytes)`: a file with
        /// random digits in it counts as one with a secret.
        Jinja = "jinja",
    }
}

choice! {
    /// What a result must be.
    Check {
        /// JSON.
        Json = "json",
        /// TOML.
        Toml = "toml",
    }
}

choice! {
    /// What to do if a target cannot be written.
    OnReadOnly {
        /// It is a failure.
        Fail = "fail",
        /// A warning that says who owns it; the file stays as it is.
        Skip = "skip",
    }
}

table! {
    /// Changes to a text file. Values are literal, whatever is in them; comments, order, blanks and line ends stay. What is
    /// so already is not touched, so a second start changes nothing. The file keeps its mode and owner; a mount point keeps
    /// its inode.
    Edit {
        /// The file.
        path: Text,
        /// How it is written.
        format: EditFormat,
        /// Keys and what they are to be, in the order of their names. In `ini` a key is `section.key`, divided at the last
        /// dot (without one it stands before the first section), in `json` a pointer: `/a/b/0`, `/a/-` for one more item.
        /// A key that is there more than once is set where it counts, which is the last time.
        set: Named<TextOr<Setting>>,
        /// Keys made of all variables whose names begin so. `set` and `delete` go before.
        set_prefix: Vec<SetPrefix>,
        /// Keys that are to be gone. `set` goes before.
        delete: Vec<Text>,
        /// The section of every key, of an `ini` file; then keys are taken as they are, dots and all.
        section: Option<Text>,
        /// What to do about keys that are not there. Absent: `append`; for the rules of `lines` `error`.
        missing: Option<MissingKey>,
        /// What becomes of a key whose value is empty. Absent: it is set to nothing.
        on_empty: Option<OnEmpty>,
        /// A key that is only there as a comment counts as there: it loses its comment sign.
        commented: bool,
        /// What stands between a new key and its value. Absent: what stands there at the keys that are there.
        separator: Option<String>,
        /// What becomes of lines, in this order, of `lines`.
        rules: Vec<LineRule>,
        /// A file that is missing is made, and begins empty; else it is a failure.
        create: bool,
        /// Its mode. Absent: it keeps the one it has; a new one has 0644, and 0600 if a secret was used.
        mode: Option<Mode>,
        /// Its owner: `user`, `user:group` or `:group`. Absent: it stays.
        owner: Option<Text>,
        /// What to do if it cannot be written.
        on_read_only: Option<OnReadOnly>,
    }
}

choice! {
    /// How a file that is edited is written.
    EditFormat {
        /// Lines, by `rules`; no keys.
        Lines = "lines",
        /// `key=value`, `key: value`, `key value` as Java reads them.
        Properties = "properties",
        /// `[section]` and `key = value`.
        Ini = "ini",
        /// `KEY=value`, `export` before it or not, quoted as a shell needs it.
        Shell = "shell",
        /// Lines that are `key: value` or `- key: value` at any depth; the least deep one is meant, and a value of several
        /// lines is refused.
        Yaml = "yaml",
        /// JSON; its form stays.
        Json = "json",
    }
}

choice! {
    /// What to do about what is not there.
    MissingKey {
        /// Add it at the end.
        Append = "append",
        /// It is a failure.
        Error = "error",
        /// Leave it out.
        Ignore = "ignore",
    }
}

choice! {
    /// What becomes of a key whose value is empty.
    OnEmpty {
        /// It is set to nothing.
        Set = "set",
        /// It is deleted.
        Delete = "delete",
        /// It stays as it is.
        Keep = "keep",
    }
}

table! {
    /// What a key is to be.
    Setting {
        /// The value.
        value: Text,
        /// Only if this holds.
        when: Option<Expression>,
        /// It is JSON (a number, a list) and no text: for `json` and `yaml`.
        json: bool,
        /// It stands in double quotes, needed or not: for `yaml` and `shell`.
        quoted: bool,
        /// What to do if this key is not there.
        missing: Option<MissingKey>,
    }
}

table! {
    /// Variables that become keys, in the order of their keys. Two that come to the same key are an error.
    SetPrefix {
        /// What the names of the variables begin with; it is taken off.
        prefix: String,
        /// What stands before the keys instead: `/` for `json`, `section.` for `ini`.
        start: Option<String>,
        /// What becomes of the rest of the name.
        key: Option<NameCase>,
        /// What stands for what in it, as pairs, before `key` is: `[["___", "_"], ["__", "-"]]`. At each place the first
        /// that fits.
        replace: Vec<Vec<String>>,
        /// Variables that are left out, as patterns for their whole names.
        exclude: Vec<Glob>,
    }
}

table! {
    /// What becomes of lines: those that `match` or `line` finds are replaced, deleted, or make it needless to append.
    LineRule {
        /// A regular expression that matches somewhere in the line; `^` and `$` are its beginning and end.
        pattern ("match"): Option<String>,
        /// The line, letter for letter.
        line: Option<Text>,
        /// Each line that was found becomes this line. Nothing in it is expanded but `${...}`.
        set: Option<Text>,
        /// The new line begins with the blanks that the old one began with.
        keep_indent: bool,
        /// Each line that was found is deleted.
        delete: bool,
        /// A line or several, added at the end if no line was found and they are not there already.
        append: Option<Text>,
        /// What to do if `set` finds no line, nor the new one.
        missing: Option<MissingKey>,
    }
}

table! {
    /// A variable that is set to what a text file says, when the step's turn comes: the value of a key, or what a regular
    /// expression matches. It is read with the rights that `as` says, and is at most 16M long.
    Read {
        /// The file.
        path: Text,
        /// How it is written, for `key`.
        format: Option<ReadFormat>,
        /// The key whose value it is, as a reader of the format has it: without quotes and escapes. In `ini` it is
        /// `section.key`, divided at the last dot, in `json` a pointer: `/a/b/0`, in `toml` a path: `a.b.0`, a name with
        /// dots in double quotes. A key that is there more than once has its last value.
        key: Option<Text>,
        /// The section of the key, of an `ini` file; then the key is taken as it is, dots and all.
        section: Option<Text>,
        /// A regular expression instead of a key: the value is what its first group matches first, without a group all
        /// that it matches. `^` and `$` are the beginning and the end of a line.
        pattern: Option<String>,
        /// The variable.
        into: String,
        /// Its value if the file, or the key in it, is missing. Absent: that is a failure.
        default: Option<Text>,
        /// If the file, or the key in it, is missing, the variable stays as it is.
        optional: bool,
        /// Whether the value is a secret.
        secret: bool,
    }
}

choice! {
    /// How a file that is read is written.
    ReadFormat {
        /// `key=value`, `key: value`, `key value` as Java reads them.
        Properties = "properties",
        /// `[section]` and `key = value`.
        Ini = "ini",
        /// `KEY=value`, `export` before it or not, with a shell's quotes; nothing is expanded.
        Shell = "shell",
        /// Lines that are `key: value` or `- key: value` at any depth; the least deep one is meant, and a value of several
        /// lines is refused.
        Yaml = "yaml",
        /// JSON. What is no text is the JSON it is; `null` counts as missing.
        Json = "json",
        /// TOML. A table or a list is refused.
        Toml = "toml",
    }
}

table! {
    /// A random secret in a file. It is made once, complete and synced to the disk, with no newline behind it, and never
    /// again: what is there is used as it is. Of two starts at once, on one volume, both get the same. A file that is
    /// there and empty is an error, because no secret is in it.
    Generate {
        /// The file.
        path: Text,
        /// What it is made of. Absent: `hex`.
        kind: Option<SecretKind>,
        /// How many random bytes, of `hex` (two digits each), `base64` and `bytes`. Absent: 32.
        bytes: Option<Within<1, 65536>>,
        /// How many characters, of `alphanumeric`. Absent: 32.
        length: Option<Within<1, 65536>>,
        /// The characters of `alphanumeric`, instead of letters and digits: 2 to 256 different ones.
        alphabet: Option<String>,
        /// The variable that is set to it, as a secret; without newlines at the end of a file that was there.
        into: Option<String>,
        /// The mode of a new file. Absent: 0600.
        mode: Option<Mode>,
        /// The owner of a new file. Absent: onset's, so the application's user cannot read it.
        owner: Option<Text>,
    }
}

choice! {
    /// What a secret is made of.
    SecretKind {
        /// Hexadecimal digits.
        Hex = "hex",
        /// Base64 (RFC 4648, padded).
        Base64 = "base64",
        /// Letters and digits, or the characters of `alphabet`.
        Alphanumeric = "alphanumeric",
        /// A random UUID (version 4).
        Uuid = "uuid",
        /// The random bytes as they are.
        Bytes = "bytes",
    }
}

table! {
    /// A lock (flock(2)) on a file, so that of several containers with one volume only one at a time does the steps behind
    /// this one. It is held until the application starts, or the start ends. The file is made if it is missing.
    LockFile {
        /// The file.
        path: Text,
        /// How long to wait for it; then onset ends with status 124. Absent: 60s.
        timeout: Option<Time>,
    }
}

table! {
    /// An entry in /etc/passwd, and one in /etc/group: for a user id that has none, or with other numbers for a name that
    /// has one. `user` and `owner` know it everywhere in this file, from the start. The files are replaced as a whole, or
    /// written in place if they are mounted.
    Passwd {
        /// The name of the user. If it has an entry, what is said here is changed in it; else it gets one.
        name: Text,
        /// Its number. Absent: that of an entry that is there, else onset's own user, which gets an entry only if it has
        /// none under any name.
        uid: Option<Text>,
        /// The number of its group. Absent: that of an entry that is there, of `group`, or onset's own group.
        gid: Option<Text>,
        /// The name of its group, which gets an entry in /etc/group as well, or `gid` as its number.
        group: Option<Text>,
        /// Its home directory. Absent: `/` in a new entry.
        home: Option<Text>,
        /// Its shell. Absent: `/sbin/nologin` in a new entry.
        shell: Option<Text>,
        /// What it is called in full.
        gecos: Option<Text>,
        /// What to do if the files cannot be written. HOME, USER and LOGNAME are right all the same.
        on_read_only: Option<OnReadOnly>,
    }
}

table! {
    /// Stdout and stderr for the application's user, so that it can open /dev/stdout and /dev/stderr anew. Only pipes and
    /// terminals change hands; where that is not permitted it is said, and no failure.
    Stdio {
        /// To whom. Absent: the application's user.
        owner: Option<Text>,
    }
}

table! {
    /// The time zone, as a symbolic link from /etc/localtime to its data.
    Timezone {
        /// Its name: `Europe/Berlin`. Empty: nothing is done.
        zone: Text,
        /// The directory with the data of all zones. Absent: /usr/share/zoneinfo.
        zoneinfo: Option<Text>,
        /// Where the link is made. Absent: /etc/localtime.
        path: Option<Text>,
        /// A copy of the data instead of a link; in place if /etc/localtime is mounted.
        copy: bool,
    }
}

table! {
    /// A bundle of certificates (PEM): a base, and more. Each certificate is in it once. For programs to use it, SSL_CERT_FILE
    /// or their own variable has to name it.
    CaBundle {
        /// The bundle to begin with, kept as it is. Absent: none.
        base: Option<Text>,
        /// Files with certificates; `*`, `?` and `[...]` in the last component stand for names. What a pattern does not
        /// find is no error, an empty text stands for none.
        add: Vec<Text>,
        /// The file to write.
        target: Text,
        /// Its mode. Absent: 0644.
        mode: Option<Mode>,
        /// Its owner.
        owner: Option<Text>,
        /// What to do if the target cannot be written.
        on_read_only: Option<OnReadOnly>,
    }
}

table! {
    /// Something that must hold, before it fails in the application in words of its own. Rights are those of the
    /// application's user, unless `as` is `root`; `on_failure = "warn"` makes a warning of it.
    Assertion {
        /// The path that `is` is about.
        path: Option<Text>,
        /// What it must be. Absent: there.
        is: Vec<Condition>,
        /// What must hold, as an expression.
        that: Option<Expression>,
        /// What to say if it does not, before the cause.
        message: Option<Text>,
    }
}

choice! {
    /// What a path must be, symbolic links followed.
    Condition {
        /// There.
        Exists = "exists",
        /// A regular file.
        File = "file",
        /// A directory.
        Dir = "dir",
        /// Readable.
        Readable = "readable",
        /// Writable.
        Writable = "writable",
        /// Executable; a directory: open to go through.
        Executable = "executable",
    }
}
