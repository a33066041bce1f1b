"""A HEALTHCHECK without a shell or curl: healthy as soon as the server answers, unhealthy as soon as it is to stop.

`CMD ["/onset", "probe", "http://127.0.0.1:${PORT}/", "ready"]`, where PORT is a default of the configuration that nothing in
the container's own environment says.
"""

import urllib.request

from harness import images
from harness.docker import Container, docker
from harness.processes import until

OPTIONS = ["--read-only", "--user", "65532:65532", "--cap-drop", "ALL", "--tmpfs", "/tmp", "--env", "DRAIN=60s"]


def scenario():
    the_port_is_nowhere_else()
    with Container(images.WEB, options=OPTIONS) as server:
        until("it to be healthy", lambda: health(server) == "healthy")
        server.kill("TERM")
        until("it to be unhealthy", lambda: health(server) == "unhealthy")
        server.wait_for_report("draining")
        said = server.state()["Health"]["Log"][-1]
        assert said["ExitCode"] == 1 and "drain" in said["Output"], said
        # It drains: that is no reason not to answer.
        with urllib.request.urlopen(f"http://{server.address()}:8080/", timeout=10) as response:
            assert response.status == 200

        # The second one ends the drain.
        server.kill("TERM")
        assert server.wait() == 0


def the_port_is_nowhere_else():
    environment = docker("inspect", "--format", "{{.Config.Env}} {{.Config.ExposedPorts}}", images.WEB).stdout
    assert "8080" not in environment and "PORT=" not in environment, environment


def health(server):
    """`starting`, `healthy` or `unhealthy`, as `docker ps` shows it."""
    return server.state()["Health"]["Status"]
