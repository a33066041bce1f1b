"""podman run --init, and the pause of its pods: onset is what podman takes for its catatonit, and ends as it is told to.

Podman is Debian's. What it stores, its locks and its configuration are in a folder of this run's own.
"""

import contextlib
import json
import shutil
import tarfile
import tempfile
from pathlib import Path

from harness import command, images
from harness.processes import children, command_line, pid_inside, until

IMAGE = "onset-integration-bare:1"
"""The tests' probe, and no init at all."""

ORPHANS = 200

# docs/faces.md has init_path; helper_binaries_dir is in the place of podman's usual folders. Locks are in files, since those
# in shared memory are the whole machine's. No limit is raised and no systemd asked: a machine that is a container may have
# none of it.
CONFIGURATION = """
[containers]
init_path = "{folder}/bin/catatonit"
apparmor_profile = "unconfined"
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
helper_binaries_dir = ["{folder}/bin", "/usr/libexec/podman", "/usr/lib/podman"]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
"""

ALONE = ("--network=none", "--security-opt=seccomp=unconfined")


def scenario():
    command.run("integration/install-packages", "podman", limit=images.BUILD_LIMIT)
    with tempfile.TemporaryDirectory(prefix="onset-podman-", ignore_cleanup_errors=True) as folder:
        podman = Podman(Path(folder))
        with podman:
            it_is_pid_1_and_forwards_and_reaps(podman)
            statuses_are_passed_on(podman)
            it_is_the_pause_of_a_pod(podman)


class Podman:
    """`podman` with a store of its own, for a `with`."""

    def __init__(self, folder):
        self._folder = folder
        self._environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder)}
        self._environment["CONTAINERS_CONF"] = str(folder / "containers.conf")
        # The one that the Docker engine brings along, whoever packaged it: Debian's would drive others out.
        runtime = shutil.which("runc") or shutil.which("crun")
        self._words = ["podman", "--root", folder / "root", "--runroot", folder / "run", "--tmpdir", folder / "tmp"]
        self._words += ["--storage-driver", "vfs", "--runtime", runtime]

    def __enter__(self):
        command.run(images.ONSET.resolve(), "--install", self._folder / "bin")
        (self._folder / "containers.conf").write_text(CONFIGURATION.format(folder=self._folder))
        with tarfile.open(self._folder / "image.tar", "w") as archive:
            archive.add(images.PROBE, "probe")
        self("import", self._folder / "image.tar", IMAGE)
        return self

    def __exit__(self, *_):
        self("pod", "rm", "--all", "--force", check=False)
        self("rm", "--all", "--force", "--time", "0", check=False)

    def __call__(self, *words, **options):
        return command.run(*self._words, *words, env=self._environment, **options)

    def inspect(self, container):
        """What `podman inspect` knows of a container."""
        return json.loads(self("container", "inspect", container).stdout)[0]

    @contextlib.contextmanager
    def container(self, *words):
        """One that has said `ready`: its name, and its first process as the host numbers it."""
        name = self("run", "--detach", *words).stdout.split()[-1]
        until("a line with 'ready'", lambda: "ready\n" in self("logs", name).stdout)
        yield name, self.inspect(name)["State"]["Pid"]
        self("rm", "--force", "--time", "0", name)


def it_is_pid_1_and_forwards_and_reaps(podman):
    with podman.container("--init", *ALONE, IMAGE, "/probe", "orphans", ORPHANS) as (name, init):
        assert pid_inside(init) == 1
        assert command_line(init)[:2] == ["/run/podman-init", "--"], command_line(init)
        assert Path(f"/proc/{init}/comm").read_text() == "podman-init\n"
        assert Path(f"/proc/{init}/exe").read_bytes() == images.ONSET.read_bytes()
        until("all orphans to be reaped", lambda: len(children(init)) == 1)
        podman("kill", "--signal", "USR1", name)
        until("the signal to arrive", lambda: "told" in podman("logs", name).stdout)
        assert podman("stop", name).seconds < 5
        assert podman.inspect(name)["State"]["ExitCode"] == 0
        assert podman("logs", name).stderr == "", "it has nothing to say"


def statuses_are_passed_on(podman):
    run = ("run", "--rm", "--init", *ALONE, IMAGE)
    for words, status in [(("exit", 7), 7), (("die", 9), 137), (("die", 15), 143), (("die", 64), 192)]:
        assert podman(*run, "/probe", *words, check=False).status == status, words
    failed = podman(*run, "/no/such", check=False)
    said = "ERROR (catatonit:1): failed to exec pid1: No such file or directory"
    assert failed.status == 127 and said in failed.stderr, failed


def it_is_the_pause_of_a_pod(podman):
    pod = podman("pod", "create", "--network=none", "--share=pid", "--security-opt=seccomp=unconfined").stdout.split()[-1]
    with podman.container("--pod", pod, ALONE[1], IMAGE, "/probe", "orphans", ORPHANS) as (name, main):
        infra = json.loads(podman("pod", "inspect", pod).stdout)["InfraContainerID"]
        pause = podman.inspect(infra)["State"]["Pid"]
        assert (pid_inside(pause), command_line(pause)) == (1, ["/catatonit", "-P"])
        assert Path(f"/proc/{pause}/exe").read_bytes() == images.ONSET.read_bytes()
        assert pid_inside(main) != 1
        until("all orphans to be reaped", lambda: not children(pause))
        assert podman("stop", name).seconds < 5
        assert podman("pod", "stop", pod).seconds < 5
        assert podman.inspect(infra)["State"]["ExitCode"] == 0
