"""Every image of examples/docker builds, is checked as it is built, runs by its own line, drains in sight, and ends with 0.

Public images have stand-ins (harness/stand_ins.py); the applications are the real ones, but for the one in C#.
"""

import concurrent.futures
import contextlib
import os
import re
import shlex
import shutil
import tempfile
from pathlib import Path

from harness import clients, docker, images
from harness.docker import Container
from harness.processes import until
from harness.redis import Session
from harness.stand_ins import StandIns

EXAMPLES = Path("examples/docker")
FOLDERS = sorted(path.parent for path in EXAMPLES.glob("*/Dockerfile"))

ONSET = f"onset-integration-onset:{os.getpid()}"
"""In the place of `onset:0.1`, which is Dockerfile.example's."""
VOLUME = f"onset-integration-redis-{os.getpid()}"

# A drain that is not over before its health was looked at, on a machine that has much to do; a second signal ends it.
OPTIONS = ["--cap-drop=ALL", "--security-opt=no-new-privileges", "--env=DRAIN=60s"]

HOSTILE = "a\"b\\c\nport 7000\t'd' \\x41 ${PORT} {{ env.PORT }} #"
"""A password that would end the quotes, or the line, that it is written into."""


def scenario():
    assert len(FOLDERS) >= 8, FOLDERS
    lines = {folder: run_line(folder) for folder in FOLDERS}
    readme_lines_are_those_of_the_folders(lines)
    tags = {folder: f"onset-integration-{folder.name}:{os.getpid()}" for folder in FOLDERS}
    with StandIns() as stand_ins, contextlib.ExitStack() as stack:
        stack.callback(docker.docker, "volume", "rm", "--force", VOLUME, check=False)
        stack.callback(docker.docker, "image", "rm", "--force", ONSET, *tags.values(), check=False)
        images.scratch(ONSET, {"/onset": (0o755, images.ONSET.read_bytes())})
        recipes = {folder: stand_ins.in_place(folder / "Dockerfile", others={"onset:0.1": ONSET}) for folder in FOLDERS}
        # A builder waits more than it works.
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for built in pool.map(build, FOLDERS, recipes.values(), tags.values()):
                assert "/etc/onset/onset.toml: in order" in built.stdout, built
            broken = pool.submit(what_is_not_in_order_is_not_built, FOLDERS[0], recipes[FOLDERS[0]])
        with contextlib.ExitStack() as containers:
            running = {folder: containers.enter_context(start(folder, tag, lines[folder])) for folder, tag in tags.items()}
            for folder, container in running.items():
                until(f"{folder} to be healthy", lambda: health(container) == "healthy")
                assert ask(folder, container), f"{folder} does not answer"
            they_drain_in_sight_and_end_in_time(running)
        redis_has_any_password(tags[EXAMPLES / "chainguard"])
        broken.result()


def run_line(folder):
    """The options of the `docker run` that a Dockerfile gives, below the builds that it needs."""
    text = (folder / "Dockerfile").read_text()
    commands = re.findall(r"^#     (docker .*)$", text, re.MULTILINE)
    onset, build, run = commands
    assert onset == "docker build --file Dockerfile.example --target onset --tag onset:0.1 .", f"{folder}: {onset}"
    assert build == f"docker build --tag example {folder}", f"{folder}: {build}"
    assert run.startswith("docker run --rm ") and run.endswith(" example"), f"{folder}: {run}"
    return run


def readme_lines_are_those_of_the_folders(lines):
    commands = re.findall(r"^    (docker run .*)$", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    assert commands == [lines[EXAMPLES / "go"], lines[EXAMPLES / "chainguard"]], commands


def build(context, recipe, tag, check=True):
    return docker.docker("build", "--force-rm", "--tag", tag, "--file", "-", context, stdin=recipe, check=check)


def start(folder, tag, line):
    user = docker.docker("inspect", "--format", "{{.Config.User}}", tag).stdout.strip()
    assert user.partition(":")[0].isdecimal() and int(user.partition(":")[0]) > 0, f"{folder}: user {user!r}"
    # The ports and the volumes of this machine are not the scenario's.
    line = re.sub(r"--publish \d+:(\d+)", r"--publish 127.0.0.1::\1", line).replace("--volume redis:", f"--volume {VOLUME}:")
    return Container(tag, options=shlex.split(line)[3:-1] + OPTIONS)


def ask(folder, container):
    """Whether it answers at the port that it publishes."""
    if folder.name != "chainguard":
        status, text = clients.get(container.address_of(8080))
        return status == 200 and text.startswith("hello")
    with Session(container.address_of(6379)) as stranger:
        assert stranger.ask("PING").startswith("-NOAUTH")
    with Session(container.address_of(6379), "secret") as session:
        return session.ask("SET", "greeting", "hello") == "OK"


def they_drain_in_sight_and_end_in_time(running):
    for container in running.values():
        # What Ctrl-C is to `docker run` without a terminal.
        container.kill("INT")
    for folder, container in running.items():
        until(f"{folder} to be seen to drain", lambda: health(container) == "unhealthy")
        assert ask(folder, container), f"{folder} does not serve on"
        # The second signal ends the drain.
        stopped = container.stop()
        assert (container.wait(), stopped.seconds < 6) == (0, True), (container.logs(), stopped.seconds)


def redis_has_any_password(tag):
    options = ["--publish=127.0.0.1::6379", f"--volume={VOLUME}:/data", f"--env=REDIS_PASSWORD={HOSTILE}", "--env=DRAIN=0s"]
    with Container(tag, options=options) as redis:
        redis.wait_for_line("Ready to accept connections")
        with Session(redis.address_of(6379), HOSTILE) as session:
            assert session.ask("GET", "greeting") == "hello", "what was set before, on the same volume"
        redis.stop()
        assert redis.wait() == 0


def health(container):
    return container.state()["Health"]["Status"]


def what_is_not_in_order_is_not_built(folder, recipe):
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        with open(f"{copy}/onset.toml", "a") as file:
            file.write("\n[[steps]]\nmkdir = { path = \"/data\" }\n")
        failed = build(copy, recipe, "none", check=False)
        assert failed.status != 0 and "`mkdir` is not known here" in failed.stdout, failed
