"""dockerd --init-path: onset is what `docker run --init` puts before a command, and the engine knows it for its init."""

import json
import tempfile
from pathlib import Path

from harness import command, docker, images
from harness.docker import Container
from harness.engine import engine
from harness.processes import children, command_line, pid_inside, until
from harness.terminal import Terminal

IMAGE = "onset-integration-bare:1"
"""The tests' probe, and no init at all."""

OPTIONS = ["--init", "--network", "none"]
ORPHANS = 200
CTRL_C = "\x03"


def scenario():
    with tempfile.TemporaryDirectory() as folder:
        # The engine asks it for its version by the name it is configured with, so it needs that of an init.
        command.run(images.ONSET.resolve(), "--install", folder)
        init = Path(folder) / "docker-init"
        with engine("--init-path", init) as log:
            the_engine_knows_its_init(init)
            assert "init version" not in log.read_text(), log.read_text()
            images.scratch(IMAGE, {"/probe": (0o755, images.PROBE.read_bytes())})
            it_is_pid_1_and_forwards_and_reaps()
            statuses_are_passed_on()
            ctrl_c_ends_main()


def the_engine_knows_its_init(init):
    info = json.loads(docker.docker("info", "--format", "{{json .}}").stdout)
    assert info["InitBinary"] == str(init), info["InitBinary"]
    assert info["InitCommit"]["ID"] == "onset", info["InitCommit"]
    version = docker.docker("version", "--format", "{{json .Server.Components}}").stdout
    (component,) = [part for part in json.loads(version) if part["Name"] == "docker-init"]
    assert component["Version"] == "0.19.0", component


def it_is_pid_1_and_forwards_and_reaps():
    with Container(IMAGE, "/probe", "orphans", ORPHANS, options=OPTIONS) as main:
        main.wait_for_line("ready")
        init = main.host_pid()
        assert pid_inside(init) == 1
        assert command_line(init)[:2] == ["/sbin/docker-init", "--"], command_line(init)
        assert Path(f"/proc/{init}/comm").read_text() == "docker-init\n"
        assert Path(f"/proc/{init}/exe").read_bytes() == images.ONSET.read_bytes()
        until("all orphans to be reaped", lambda: len(children(init)) == 1)
        main.kill("USR1")
        main.wait_for_line("told")
        assert main.stop().seconds < 5
        assert main.wait() == 0
        assert main.logs().stderr == "", "it has nothing to say"


def statuses_are_passed_on():
    for words, status in [(("exit", 7), 7), (("die", 9), 137), (("die", 15), 143), (("die", 64), 192)]:
        assert docker.run(IMAGE, "/probe", *words, options=OPTIONS).status == status, words
    failed = docker.run(IMAGE, "/no/such", options=OPTIONS)
    assert (failed.status, failed.stderr.strip()) == (127, "[FATAL tini (1)] exec /no/such failed: No such file or directory")


def ctrl_c_ends_main():
    with Container(IMAGE, "/probe", "sleep", options=[*OPTIONS, "--interactive", "--tty"], start=False) as main:
        with Terminal("docker", "start", "--attach", "--interactive", main.id) as screen:
            screen.wait_for("ready")
            screen.press(CTRL_C)
            assert screen.wait() == 130
