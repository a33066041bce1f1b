"""The Docker client, and one container from its start to its removal."""

import datetime
import json
import os
import subprocess
import tempfile
import threading
import time
import uuid
from pathlib import Path

from harness import command, reports, transcript

LABEL = "onset-integration"
"""On every container and image of ours, with the pid of the run as its value."""

OWNED = f"{LABEL}={os.getpid()}"


def docker(*words, **options):
    """`docker` with these words; see command.run."""
    return command.run("docker", *words, **options)


def run(image, *words, options=(), stdin=None, check=False, limit=command.LIMIT):
    """`docker run --rm` to its end: for a container that ends by itself."""
    return docker("run", "--rm", *_names(), *options, image, *words, stdin=stdin, check=check, limit=limit)


class Container:
    """A container that is removed at the end of the `with`, whatever happens.

    `Container(image, "/probe", options=["--read-only"])` starts it; with `start=False` it is created only, for
    `start` or for a client on a terminal (`docker start --attach`).
    """

    def __init__(self, image, *words, options=(), start=True):
        verb = ["run", "--detach"] if start else ["create"]
        names = _names()
        try:
            result = docker(*verb, *names, *options, image, *words)
        except Exception:
            # One that the engine could not start is there all the same.
            docker("rm", "--force", "--volumes", names[1], check=False)
            raise
        self.id = result.stdout.split()[-1]
        self._follower = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind is not None:
            docker("inspect", "--format", "{{json .State}}", self.id, check=False)
            docker("logs", self.id, check=False)
        docker("rm", "--force", "--volumes", self.id, check=False)
        if self._follower:
            self._follower.close()

    def start(self):
        """`docker start`; what it wrote in its earlier lives stays in its log."""
        if self._follower:
            self._follower.close()
            self._follower = None
        return docker("start", self.id)

    def stop(self, grace=10):
        """`docker stop`; `.seconds` says how long it took. (`-t`: older clients know no `--timeout`, newer no `--time`.)"""
        return docker("stop", "-t", grace, self.id)

    def kill(self, signal):
        """`docker kill --signal`, which only sends it."""
        return docker("kill", "--signal", signal, self.id)

    def wait(self, limit=command.LIMIT):
        """The exit status, once it has ended."""
        return int(docker("wait", self.id, limit=limit).stdout)

    def state(self):
        """`.State` of `docker inspect`."""
        return json.loads(docker("inspect", "--format", "{{json .State}}", self.id).stdout)

    def host_pid(self):
        """The first process of the container, as the host numbers it."""
        return self.state()["Pid"]

    def finished_at(self):
        """When it ended, in UTC."""
        return moment(self.state()["FinishedAt"])

    def address(self):
        """Its address on the engine's own bridge, as long as it runs."""
        return docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", self.id).stdout.strip()

    def address_of(self, port):
        """Host and port at which a published port of the container answers."""
        host, _, number = docker("port", self.id, port).stdout.split()[0].rpartition(":")
        return host, int(number)

    def logs(self):
        """All that it wrote so far, as a command.Result with stdout and stderr apart."""
        return docker("logs", self.id)

    def reports(self):
        """onset's reports so far."""
        return reports.parse(self.logs().stderr)

    def follow(self):
        """What it writes from here on and wrote before, line by line."""
        if not self._follower:
            self._follower = Follower("docker", "logs", "--follow", self.id)
        return self._follower

    def read_file(self, path):
        """The content of a file in it, whether it runs or not."""
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "copy"
            docker("cp", f"{self.id}:{path}", copy)
            return copy.read_bytes()

    def write_file(self, path, text):
        """Puts a file into it, before its start too; folders on the way are made."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, path.lstrip("/")).parent.mkdir(parents=True)
            Path(folder, path.lstrip("/")).write_text(text)
            docker("cp", f"{folder}/.", f"{self.id}:/")

    def wait_for_line(self, text, times=1):
        """Waits until that many lines of the application or of onset contain `text`, and gives the last of them."""
        return self.follow().wait_for(f"a line with {text!r}", lambda line: text in line, times)

    def wait_for_report(self, event, **fields):
        """Waits for a report of onset, and gives it."""
        return reports.parse(
            self.follow().wait_for(
                f"a report {event} {fields}", lambda line: reports.select(reports.parse(line), event, **fields)
            )
        )[0]


class Follower:
    """Keeps each line that a running program writes, to stdout or stderr, and wakes who waits for one."""

    def __init__(self, *words, **options):
        self.lines = []
        self._changed = threading.Condition()
        self._open = 0
        transcript.add(f"$ {' '.join(words)} &")
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **{"stdin": subprocess.DEVNULL, **options}
        )
        for stream in (self.process.stdout, self.process.stderr):
            self._open += 1
            threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream):
        for line in stream:
            with self._changed:
                self.lines.append(line.decode(errors="replace").rstrip("\r\n"))
                self._changed.notify_all()
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    def wait_for(self, what, wanted, times=1, limit=command.LIMIT):
        """The first (or second, ...) line that is `wanted`; AssertionError when the program or the time ends before."""
        deadline = time.monotonic() + limit
        with self._changed:
            while True:
                found = [line for line in self.lines if wanted(line)]
                if len(found) >= times:
                    return found[times - 1]
                left = deadline - time.monotonic()
                if self._open == 0 or left <= 0:
                    why = "all output has ended" if self._open == 0 else f"{limit} s have passed"
                    raise AssertionError(f"no {what}: {why}; seen:\n" + "\n".join(self.lines))
                self._changed.wait(left)

    def close(self):
        """Ends the program, if it has not ended by itself."""
        self.process.kill()
        self.process.wait()


def moment(text):
    """An RFC 3339 time, of Docker (nanoseconds) or of onset (microseconds)."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    at = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    return at + datetime.timedelta(microseconds=int(fraction[:6].ljust(6, "0")))


def remove_leftovers():
    """Removes what a run that was broken off has left; another run on the same engine keeps its own."""
    for container, owner in _containers():
        if not _runs(owner):
            docker("rm", "--force", "--volumes", container, check=False)
    for image, owner in _images():
        if not _runs(owner):
            docker("image", "rm", "--force", image, check=False)
            docker("image", "prune", "--force", "--filter", f"label={LABEL}={owner}", check=False)


def _names():
    # The label lets a later run find the container when this one is killed.
    return ["--name", f"{LABEL}-{uuid.uuid4().hex[:12]}", "--label", OWNED]


def _containers():
    form = f'{{{{.ID}}}} {{{{.Label "{LABEL}"}}}}'
    listing = docker("ps", "--all", "--filter", f"label={LABEL}", "--format", form)
    return [line.split() for line in listing.stdout.splitlines()]


def _images():
    # Their tags are the pid of the run: see images.py.
    listing = docker("images", "--filter", f"reference={LABEL}-*", "--format", "{{.Repository}}:{{.Tag}} {{.Tag}}")
    return [line.split() for line in listing.stdout.splitlines()]


def _runs(pid):
    return os.path.exists(f"/proc/{pid}")
