"""The Dockerfile lines of docs/faces.md put onset in the place of other inits, in an image that has no shell and no root.

The base has neither /usr/bin nor a program that could make it, and starts as nonroot; the second one has a tini already.
"""

import json
import os
import re
import shutil
import tempfile
from pathlib import Path

from harness import docker, images
from harness.docker import Container

BASE = f"onset-integration-nonroot-base:{os.getpid()}"
IMAGE = f"onset-integration-installed:{os.getpid()}"


def scenario():
    links, copy = re.findall(r"^```dockerfile\n(.*?)^```$", Path("docs/faces.md").read_text(), re.MULTILINE | re.DOTALL)
    try:
        image(links, {})
        found = json.loads(docker.run(IMAGE, "/probe", "print", check=True).stdout)
        assert (found["uid"], found["gid"]) == (65532, 65532), found
        it_is("dumb-init", "[dumb-init] /no/such: No such file or directory\n")
        versions = {"tini": "tini version 0.19.0 ", "docker-init": "tini version 0.19.0 ", "catatonit": "tini version 0.2.1_"}
        for name, version in versions.items():
            said = docker.run(IMAGE, "--version", options=["--entrypoint", f"/usr/bin/{name}"], check=True).stdout
            assert said.startswith(version), (name, said)

        image(copy, {"/usr/bin/tini": (0o755, b"another init")})
        it_is("tini", "[FATAL tini (1)] exec /no/such failed: No such file or directory\n")

        refused = image(links, {"/usr/bin/tini": (0o755, b"another init")}, check=False)
        assert refused.status != 0, refused
        said = "onset: /usr/bin/tini is there, and is not /onset: remove it first, or copy /onset over it"
        assert said in refused.stdout + refused.stderr, refused
    finally:
        docker.docker("image", "rm", "--force", IMAGE, BASE, check=False)


def image(instructions, files, check=True):
    """An image of these instructions on the base, which has these files as well."""
    images.scratch(BASE, {"/probe": (0o755, images.PROBE.read_bytes()), **files}, "USER 65532")
    with tempfile.TemporaryDirectory() as context:
        shutil.copy(images.ONSET, f"{context}/onset")
        recipe = f"FROM {BASE}\nLABEL {docker.OWNED}\n{instructions}"
        return docker.docker("build", "--force-rm", "--tag", IMAGE, "--file", "-", context, stdin=recipe, check=check)


def it_is(name, not_found):
    """That PID 1 has this name and these words, forwards, and ends as its command does."""
    with Container(IMAGE, "/probe", "signals", "--exit", "7") as main:
        main.wait_for_line("ready")
        assert Path(f"/proc/{main.host_pid()}/comm").read_text() == f"{name}\n"
        assert main.stop().seconds < 5
        assert main.wait() == 7
    failed = docker.run(IMAGE, "/no/such")
    assert (failed.status, failed.stderr) == (127, not_found), failed
