"""A Docker engine of our own, beside the one of the machine: for what is a setting of the whole engine."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness import command, transcript
from harness.processes import until


@contextlib.contextmanager
def engine(*options):
    """A dockerd with these options, without networks; while it runs, everything in the harness talks to it. Yields its log.

    It needs root. Nothing of it is left at the end: its images and containers are in a folder of its own.
    """
    assert shutil.which("dockerd"), "there is no dockerd on PATH to start a second engine with"
    with tempfile.TemporaryDirectory(prefix="onset-engine-") as folder:
        folder = Path(folder)
        # Not /etc/docker/daemon.json, which is the other one's.
        (folder / "daemon.json").write_text(json.dumps({"storage-driver": "vfs", "bridge": "none", "iptables": False}))
        socket = f"unix://{folder}/socket"
        log = folder / "log"
        words = ["dockerd", "--config-file", folder / "daemon.json", "--host", socket, "--pidfile", folder / "pid"]
        words += ["--data-root", folder / "data", "--exec-root", folder / "exec", *options]
        transcript.add("$ " + " ".join(map(str, words)) + " &")
        with log.open("wb") as output:
            daemon = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            with _host(socket):
                until("the engine to answer, or to end", lambda: daemon.poll() is not None or _answers())
                assert daemon.poll() is None, "the second engine does not run: " + log.read_text(errors="replace")
                yield log
        except BaseException:
            transcript.add(log.read_text(errors="replace"))
            raise
        finally:
            daemon.terminate()
            daemon.wait(timeout=command.LIMIT)


def _answers():
    return command.run("docker", "version", check=False).status == 0


@contextlib.contextmanager
def _host(socket):
    before = os.environ.get("DOCKER_HOST")
    os.environ["DOCKER_HOST"] = socket
    try:
        yield
    finally:
        del os.environ["DOCKER_HOST"]
        if before is not None:
            os.environ["DOCKER_HOST"] = before
