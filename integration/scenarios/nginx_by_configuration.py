"""An nginx serves what a template says: the variables of the container are in it, and nginx's own ($uri) are nginx's still."""

import urllib.request

from harness import docker, images
from harness.docker import Container

OPTIONS = ["--env", "PORT=8080", "--env", "GREETING=hello; $uri", "--publish", "127.0.0.1::8080", "--tmpfs", "/tmp"]


def scenario():
    with Container(images.CONFIGURED_NGINX, options=OPTIONS) as server:
        server.wait_for_line("start worker process ")
        assert answer(server, "/a/b?who=me") == "/a/b for me: hello; /a/b at 127.0.0.1\n"
        server.stop()
        assert server.wait() == 0

        # Rendered anew, into the file that is there already.
        server.start()
        server.wait_for_line("start worker process ", times=2)
        assert answer(server, "/?who=you") == "/ for you: hello; / at 127.0.0.1\n"
        changed = [report["changed"] for report in server.reports() if report.get("step") == "`http`"]
        assert changed[1] == 0, f"the second start changed what was right: {changed}"
        server.stop()
        assert server.wait() == 0

    # nginx itself says what is wrong, in the words it always says it.
    without = docker.run(images.CONFIGURED_NGINX, "nginx", "-t", options=["--env", "GREETING=x", "--tmpfs", "/tmp"])
    assert without.status == 1 and "${PORT}" in without.stderr, without


def answer(server, path):
    host, port = server.address_of(8080)
    with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=10) as response:
        return response.read().decode()
