"""An application in an image without a shell, and what has to hold for every one of them.

A module of integration/applications describes one: a class `App` that says what is different. The checks are methods,
one for each column of the table; `CHECKS` has their order. A check that makes no sense for an application raises
`NotApplicable` with the reason.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness import clients, docker, images, processes, reports, rootfs, transcript
from harness.docker import Container, moment

CHECKS = {
    "first_start": "first start",
    "restart": "restart",
    "refusals": "refusals",
    "stop_under_load": "stop under load",
    "read_only": "read-only root, uid 65532",
    "exec_": "`onset exec`",
    "probe": "`onset probe`",
    "no_shell": "no shell",
}
"""Method -> what stands above its column."""

SECRET = "correct-'horse'-\"battery\"-$staple-\\x"
"""What secrets are: with characters in it that a shell, SQL or a template might trip over."""

SHELLS = {"sh", "ash", "bash", "csh", "dash", "fish", "ksh", "mksh", "tcsh", "zsh", "busybox", "toybox"}
COREUTILS = {
    *("[", "cat", "chmod", "chown", "cp", "cut", "date", "dd", "echo", "env", "expr", "head", "id", "install", "ln"),
    *("ls", "mkdir", "mktemp", "mv", "nohup", "printenv", "printf", "pwd", "readlink", "rm", "rmdir", "seq", "sleep"),
    *("sort", "stat", "stty", "su", "tail", "tee", "test", "timeout", "touch", "tr", "true", "uname", "wc", "whoami"),
    *("awk", "curl", "envsubst", "find", "gosu", "grep", "ps", "sed", "setpriv", "tini", "wget", "xargs"),
}
PROGRAM_FOLDERS = ("/bin/", "/sbin/", "/libexec/")


class NotApplicable(Exception):
    """Why a check is left out."""


@dataclass(frozen=True)
class Refusal:
    """A start that has to be refused: with these options (`docker run`), by messages that have these texts in them."""

    options: tuple
    says: tuple
    status: int = 125


class Application:
    """What most of them share; an application overrides what is different."""

    title = ""
    """Its name and version, for the table; `dpkg_version` helps."""
    packages = ()
    """The Debian packages to install."""
    instructions = ()
    """What its image has beside ENTRYPOINT and USER."""
    user = rootfs.NONROOT
    """Whom the image starts as."""
    environment = {}
    """What a right start is given."""
    secret = "API_TOKEN"
    """The variable that has a secret; None if there is none."""
    port = 8080
    ready = "listening"
    """A line that says that it serves."""
    volume = None
    """Where its state is."""
    tmpfs = ("/tmp",)
    """Where it writes besides."""
    refused = ()
    """More that has to be refused, beside a secret that is missing or given twice."""
    client = ()
    """A program of its own for `onset exec`, and what it is to print."""
    probe_words = ()
    """Arguments for `onset probe`."""
    exit_status = 0
    """What a stop ends with."""
    stop_seconds = 8
    """How long that may take, with answers under way."""
    crowd = 6
    """How many clients it has when it is stopped."""

    def __init__(self):
        self.name = type(self).__module__.rpartition(".")[2].replace("_", "-")
        self.example = Path("examples/applications") / self.name
        self.image = f"{docker.LABEL}-{self.name}:{os.getpid()}"
        self._folder = tempfile.mkdtemp(prefix=f"onset-{self.name}-")
        self._tags = [self.image]

    # What an application says about itself.

    def files(self):
        """The files of its image, from harness.rootfs."""
        raise NotImplementedError

    def ask(self, address):
        """A client's question, and whether the answer is right."""
        raise NotImplementedError

    def ask_slowly(self, address, begun):
        """The same, with an answer that takes `clients.SLOW` seconds."""
        raise NotImplementedError

    def change(self, address):
        """Makes a state that a restart has to keep."""

    def assert_changed(self, address):
        """That the state is there."""

    # Its image and its containers.

    def build(self):
        """Makes the image."""
        self.build_as(self.image, self.files(), self.user)

    def build_as(self, tag, files, user):
        """An image of these files and the configuration under examples/applications."""
        configuration = {"/etc/onset/onset.toml": (0o644, self.example / "onset.toml")}
        images.scratch(tag, configuration | files, 'ENTRYPOINT ["/onset", "--"]', f"USER {user}:{user}", *self.instructions)

    def size(self):
        """How large its image is: `12 MB`."""
        size = docker.docker("image", "inspect", "--format", "{{.Size}}", self.image).stdout
        return f"{int(size) / 1e6:.0f} MB"

    def remove(self):
        """Takes off what `build` has made."""
        docker.docker("image", "rm", "--force", *self._tags, check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def host_file(self, name, content):
        """A file to be mounted that everybody may read; its path."""
        folder = Path(self._folder)
        folder.chmod(0o755)
        path = folder / name
        path.write_text(content)
        path.chmod(0o644)
        return path

    def options(self, environment=None, secret=True):
        """What `docker run` is given for a right start."""
        variables = self.environment if environment is None else environment
        words = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
        return words + (self.secret_options() if secret and self.secret else [])

    def secret_options(self):
        """The secret, in a file as Docker and Kubernetes mount it."""
        path = f"/run/secrets/{self.secret.lower()}"
        source = self.host_file("secret", SECRET + "\n")
        return ["--volume", f"{source}:{path}:ro", "--env", f"{self.secret}_FILE={path}"]

    def started(self, *words, options=None):
        """A container that is ready to serve, for a `with`."""
        return Serving(self, words, self.options() if options is None else options)

    def address(self, server):
        """Where it serves: not a published port, whose proxy ends with the container, whatever it has yet to pass on."""
        return server.address(), self.port

    def wait_ready(self, server, times=1):
        """Waits until it serves, for the first or a later time."""
        server.wait_for_line(self.ready, times=times)

    def start_again(self, server):
        """Starts it for the second time."""
        server.start()
        self.wait_ready(server, times=2)

    def wait_until(self, server, *words):
        """Waits until a program in it succeeds, for those that do not say when they are ready."""

        def succeeds():
            found = execute(server, *words)
            assert "is not running" not in found.stderr, "the container has ended"
            return found.status == 0

        processes.until(" ".join(words), succeeds)

    # The checks.

    def first_start(self):
        with self.started() as server:
            self.ask(self.address(server))
            checked = execute(server, "/onset", "check")
            assert checked.status == 0, checked
            assert main_ids(server) == {rootfs.NONROOT}, f"it runs as {main_ids(server)}"
            self.assert_no_secret(server)

    def restart(self):
        with self.started() as server:
            self.change(self.address(server))
            server.stop(grace=20)
            assert server.wait() == self.exit_status
            self.start_again(server)
            self.ask(self.address(server))
            self.assert_changed(self.address(server))
            events = server.reports()
            starts = [index for index, report in enumerate(events) if report["event"] == "main_started"]
            later = reports.select(events[starts[0] :], "step_done")
            self.assert_nothing_to_do({step["step"]: step["changed"] for step in later if "changed" in step})

    def assert_nothing_to_do(self, changed):
        """That the steps of a second start found all as it should be."""
        assert not any(changed.values()), f"the second start changed what was right: {changed}"

    def refusals(self):
        for refusal in [*self._secret_refusals(), *self.refused]:
            found = docker.run(self.image, options=refusal.options)
            assert found.status == refusal.status, f"status {found.status}, not {refusal.status}: {found.stderr}"
            for text in refusal.says:
                assert text in found.stderr, f"no {text!r} in {found.stderr}"
            assert not reports.select(reports.parse(found.stderr), "main_started"), found.stderr
            assert SECRET not in found.stdout + found.stderr, "a secret was shown"

    def _secret_refusals(self):
        if not self.secret:
            return
        name = self.secret
        plain = tuple(self.options(secret=False))
        yield Refusal(plain, (name,))
        yield Refusal((*plain, "--env", f"{name}_FILE=/run/secrets/nothing"), (f"{name}_FILE", "/run/secrets/nothing"))
        yield Refusal((*self.options(), "--env", f"{name}={SECRET}"), (name, f"{name}_FILE"))

    def stop_under_load(self):
        with self.started() as server:
            address = self.address(server)
            with clients.Crowd(self.crowd, lambda begun: self.ask_slowly(address, begun)) as crowd:
                stopping = server.stop(grace=30)
                served = crowd.finish()
            self.assert_stopped(server, stopping)
            asked = stop_asked(server)
            early = [at for _, at in served if at < asked.timestamp()]
            assert not early, "an answer was complete before the stop signal came: nothing was tested"
            transcript.add(f"{len(served)} answers were completed after the stop signal")

    def assert_stopped(self, server, stopping):
        """That a stop ended as it should, and in time."""
        status = server.wait()
        assert status == self.exit_status, f"ended with {status}, not {self.exit_status}"
        assert stopping.seconds < self.stop_seconds, f"the stop took {stopping.seconds:.1f} s"

    def read_only(self):
        mounts = [word for path in self.tmpfs for word in ("--tmpfs", f"{path}:mode=1777")]
        options = ["--read-only", "--user", f"{rootfs.NONROOT}:{rootfs.NONROOT}", "--cap-drop", "ALL", *mounts]
        options += ["--security-opt", "no-new-privileges"]
        options += self.volume_options()
        with self.started(options=[*self.options(), *options]) as server:
            self.ask(self.address(server))
            server.stop(grace=20)
            assert server.wait() == self.exit_status

    def volume_options(self):
        """A volume that belongs to nonroot, if it has a state."""
        return ["--tmpfs", f"{self.volume}:mode=0700,uid={rootfs.NONROOT},gid={rootfs.NONROOT}"] if self.volume else []

    def exec_(self):
        *words, expected = self.client
        with self.started() as server:
            found = execute(server, "/onset", "exec", "--", *words)
            assert found.status == 0, found
            assert expected in found.stdout + found.stderr, f"no {expected!r} in {found}"

    def probe(self):
        with self.started() as server:
            found = execute(server, "/onset", "probe", "ready", *self.probe_words)
            assert found.status == 0 and found.stdout.startswith("ok: ready, "), found
            failed = execute(server, "/onset", "probe", "--timeout", "2s", "tcp:127.0.0.1:1")
            assert failed.status == 1 and failed.stdout.startswith("failed: tcp:127.0.0.1:1: "), failed
            assert SECRET not in found.stdout + failed.stdout

    def no_shell(self):
        programs = {path for path in images.files(self.image) if any(folder in path for folder in PROGRAM_FOLDERS)}
        transcript.add(f"programs: {sorted(programs)}")
        found = {path for path in programs if Path(path).name in SHELLS | COREUTILS}
        assert not found, f"a shell or tools in the image: {found}"
        with self.started() as server:
            for word in ["sh", "/bin/sh", "bash", "busybox", "ls", "env"]:
                asked = execute(server, word)
                assert asked.status in (126, 127), f"`docker exec ... {word}` ended with {asked.status}"
                assert "not found" in asked.stdout + asked.stderr or "no such file" in asked.stdout + asked.stderr, asked

    def assert_no_secret(self, server):
        said = server.logs()
        assert SECRET not in said.stdout + said.stderr, "a secret is in the container's log"


class Serving(Container):
    """A container that is ready to serve when it is entered."""

    def __init__(self, app, words, options):
        super().__init__(app.image, *words, options=options)
        self._app = app

    def __enter__(self):
        try:
            self._app.wait_ready(self)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self


def execute(server, *words):
    """`docker exec`, to its end."""
    return docker.docker("exec", server.id, *words, check=False)


def main_ids(server):
    """The users of the main process."""
    [child] = processes.children(server.host_pid())
    status = Path(f"/proc/{child}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("Uid:"))
    return {int(word) for word in line.split()[1:]}


def stop_asked(server):
    """When onset got the stop signal, or said that the drain began."""
    events = ("signal_forwarded", "draining", "stop_signal_sent")
    asked = [report for report in server.reports() if report["event"] in events]
    assert asked, server.reports()
    return moment(asked[0]["time"])


def dpkg_version(package):
    """The upstream version of a Debian package: `1.22.1`."""
    version = docker.command.run("dpkg-query", "--show", "--showformat", "${Version}", package).stdout
    return version.partition(":")[2].partition("-")[0] if ":" in version else version.partition("-")[0]
