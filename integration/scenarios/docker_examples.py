"""Every image of examples/docker builds, is checked as it is built, becomes healthy, stops in time, and ends with 0.

Public images have stand-ins (harness/stand_ins.py); the applications are the real ones, but for the one in C#.
"""

import concurrent.futures
import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from harness import docker, images
from harness.docker import Container
from harness.processes import until
from harness.stand_ins import StandIns

FOLDERS = sorted(path.parent for path in Path("examples/docker").glob("*/Dockerfile"))

ONSET = f"onset-integration-onset:{os.getpid()}"
"""In the place of `onset:0.1`, which is Dockerfile.example's."""

OPTIONS = ["--cap-drop=ALL", "--security-opt=no-new-privileges", "--health-interval=1s", "--env=DRAIN=0s"]
VARIABLES = {"chainguard": ["--env=REDIS_PASSWORD=hunter2"]}


def scenario():
    assert len(FOLDERS) >= 8, FOLDERS
    tags = {folder: f"onset-integration-{folder.name}:{os.getpid()}" for folder in FOLDERS}
    with StandIns() as stand_ins, contextlib.ExitStack() as stack:
        stack.callback(docker.docker, "image", "rm", "--force", ONSET, *tags.values(), check=False)
        images.scratch(ONSET, {"/onset": (0o755, images.ONSET.read_bytes())})
        recipes = {folder: stand_ins.in_place(folder / "Dockerfile", others={"onset:0.1": ONSET}) for folder in FOLDERS}
        # A builder waits more than it works.
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for built in pool.map(build, FOLDERS, recipes.values(), tags.values()):
                assert "/etc/onset/onset.toml: in order" in built.stdout, built
            broken = pool.submit(what_is_not_in_order_is_not_built, FOLDERS[0], recipes[FOLDERS[0]])
        running = [stack.enter_context(start(folder, tag)) for folder, tag in tags.items()]
        for container in running:
            until("it to be healthy", lambda: container.state()["Health"]["Status"] == "healthy")
            stopped = container.stop()
            assert (container.wait(), stopped.seconds < 9) == (0, True), (container.logs(), stopped.seconds)
        broken.result()


def build(context, recipe, tag, check=True):
    return docker.docker("build", "--tag", tag, "--file", "-", context, stdin=recipe, check=check)


def start(folder, tag):
    user = docker.docker("inspect", "--format", "{{.Config.User}}", tag).stdout.strip()
    assert user.partition(":")[0].isdecimal() and int(user.partition(":")[0]) > 0, f"{folder}: user {user!r}"
    return Container(tag, options=OPTIONS + VARIABLES.get(folder.name, []))


def what_is_not_in_order_is_not_built(folder, recipe):
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        with open(f"{copy}/onset.toml", "a") as file:
            file.write("\n[[steps]]\nmkdir = { path = \"/data\" }\n")
        failed = build(copy, recipe, "none", check=False)
        assert failed.status != 0 and "`mkdir` is not known here" in failed.stdout, failed
