"""Dockerfile.example builds, and what it builds starts, is ready, forwards and stops.

The images it names have to be pulled, so stand-ins take their place (harness/stand_ins.py).
"""

import json
import os

from harness import docker, images, reports
from harness.docker import Container
from harness.processes import until
from harness.stand_ins import StandIns

EXAMPLE = f"onset-integration-example:{os.getpid()}"
ONSET = f"onset-integration-onset:{os.getpid()}"


def scenario():
    with StandIns() as stand_ins:
        recipe = stand_ins.in_place("Dockerfile.example")
        try:
            docker.docker("build", "--tag", ONSET, "--target", "onset", "--file", "-", ".", stdin=recipe)
            size = docker.docker("image", "inspect", "--format", "{{.Size}}", ONSET).stdout
            assert int(size) == images.ONSET.stat().st_size, "there is something beside /onset"
            built = docker.docker("build", "--tag", EXAMPLE, "--file", "-", ".", stdin=recipe)
            assert "/etc/onset/onset.toml: in order" in built.stdout, built.stdout
            the_example_works()
        finally:
            docker.docker("image", "rm", "--force", EXAMPLE, ONSET, check=False)


def the_example_works():
    with Container(EXAMPLE, options=["--env", "STATUS=7", "--health-interval", "1s"]) as main:
        main.wait_for_line("ready")
        until("it to be healthy", lambda: main.state()["Health"]["Status"] == "healthy")
        assert 5 <= main.stop().seconds < 9, "it drains for five seconds"
        assert main.wait() == 7
        assert reports.only(main.reports(), "main_started")["argv"] == ["/app", "signals", "--exit", "7"]
    found = json.loads(docker.run(EXAMPLE, "/app", "print").stdout)
    assert (found["uid"], found["gid"]) == (65532, 65532), found
