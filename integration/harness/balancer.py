"""A load balancer that does what it is told and nothing else: haproxy, on loopback, for the length of a `with`."""

import socket
import tempfile
from pathlib import Path

from harness import command, images, transcript
from harness.docker import Follower
from harness.processes import until

SLOTS = 20
"""How many servers it can have at a time."""

CONFIGURATION = """
global
    maxconn 500
    stats socket {control} mode 600 level admin
defaults
    mode http
    timeout client 30s
    timeout connect 500ms
    timeout server 30s
    timeout http-keep-alive 30s
    # What one server refuses is a failure that the client sees: no second try, no other server, no health check.
    retries 0
    no option redispatch
frontend clients
    bind fd@{listener}
    default_backend servers
backend servers
    balance roundrobin
    server-template server 1-{slots} 127.0.0.1:1 disabled
"""


class Balancer:
    """Deals requests out to the servers in turn; `address` is where it takes them, as (host, port)."""

    def __init__(self):
        # Bound here and inherited by haproxy, so that the port is free for certain.
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._slots = {}

    def __enter__(self):
        command.run("integration/install-packages", "haproxy", limit=images.BUILD_LIMIT)
        self._folder = tempfile.TemporaryDirectory()
        self._control = Path(self._folder.name) / "control"
        configuration = Path(self._folder.name) / "haproxy.cfg"
        listener = self._listener.fileno()
        configuration.write_text(CONFIGURATION.format(control=self._control, listener=listener, slots=SLOTS))
        self._haproxy = Follower("haproxy", "-db", "-f", str(configuration), pass_fds=[listener])
        until("haproxy to take commands", self._control.exists)
        return self

    def __exit__(self, *_):
        self._haproxy.close()
        transcript.add("\n".join(self._haproxy.lines))
        self._listener.close()
        self._folder.cleanup()

    def add(self, host, port):
        """This server gets requests from now on."""
        slot = next(number for number in range(1, SLOTS + 1) if number not in self._slots.values())
        self._slots[host] = slot
        self._ask(f"set server servers/server{slot} addr {host} port {port}")
        self._ask(f"set server servers/server{slot} state ready")

    def remove(self, host):
        """That server gets no more requests from now on; those it has go on."""
        self._ask(f"set server servers/server{self._slots.pop(host)} state maint")

    def _ask(self, words):
        # https://docs.haproxy.org/2.6/management.html#9.3: a line, answered by lines, and the connection ends.
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(command.LIMIT)
            connection.connect(str(self._control))
            connection.sendall(words.encode() + b"\n")
            with connection.makefile("r") as answer:
                said = answer.read().strip()
        transcript.add(f"haproxy {words} -> {said}")
        assert not said or said.startswith(("IP changed from", "no need to change")), f"haproxy: {words}: {said}"
