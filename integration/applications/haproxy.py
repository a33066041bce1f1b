"""haproxy in front of a server: a template that is checked before the start, and a soft stop by SIGUSR1."""

import base64
import contextlib
import http.server
import threading
import time

from harness import clients, rootfs
from harness.application import SECRET, Application, Refusal, dpkg_version

NOWHERE = "no.such.host.invalid"

LOGIN = {"Authorization": "Basic " + base64.b64encode(f"admin:{SECRET}".encode()).decode()}


class App(Application):
    packages = ("haproxy",)
    environment = {"BACKEND": "192.0.2.1:80"}
    secret = "STATS_PASSWORD"
    refused = (
        Refusal(("--env", "STATS_PASSWORD=x"), ("BACKEND is needed",)),
        Refusal(("--env", "STATS_PASSWORD=x", "--env", "BACKEND=alone"), ("`BACKEND`",)),
        Refusal(("--env", "STATS_PASSWORD=x", "--env", "BACKEND=h\nx:80"), ("`BACKEND`",)),
        Refusal(("--env", "STATS_PASSWORD=x\ny", "--env", "BACKEND=h:80"), ("`STATS_PASSWORD` does not match",)),
        # What haproxy itself refuses: its own status and its own words.
        Refusal(("--env", "STATS_PASSWORD=x", "--env", f"BACKEND={NOWHERE}:80"), (NOWHERE, "`check`"), status=1),
    )
    client = ("haproxy", "-v", "HAProxy version")
    probe_words = ("--contains", "ok", "http://127.0.0.1:${PORT}/health")

    @property
    def title(self):
        return f"haproxy {dpkg_version('haproxy')}"

    def files(self):
        return rootfs.of(programs=["/usr/sbin/haproxy"]) | {
            "/etc/haproxy/haproxy.cfg.jinja": (0o644, self.example / "haproxy.cfg.jinja")
        }

    def wait_ready(self, server, times=1):
        # It says nothing.
        self.wait_until(server, "/onset", "probe", *self.probe_words)

    def ask(self, address):
        assert clients.get(address, "/health") == (200, "ok\n")
        assert clients.get(address, "/stats")[0] == 401
        assert clients.get(address, "/stats", LOGIN)[0] == 200

    def ask_slowly(self, address, begun):
        assert clients.get_slowly(address, "/slow", begun) == "begun\ndone\n"

    def stop_under_load(self):
        with backend() as port:
            self.environment = {"BACKEND": f"server:{port}"}
            super().stop_under_load()
        del self.environment  # that of the class counts again

    def options(self, environment=None, secret=True):
        # The name that its configuration file has for this machine.
        return [*super().options(environment, secret), "--add-host", "server:host-gateway"]

    def assert_nothing_to_do(self, changed):
        # A program that was run counts as a change.
        super().assert_nothing_to_do(changed | {"`check`": 0})


class Slow(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"begun\n")
        self.wfile.flush()
        time.sleep(clients.SLOW)
        self.wfile.write(b"done\n")

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def backend():
    """A server on this machine, on all its addresses, because containers come in by one that only Docker knows; its port."""
    with http.server.ThreadingHTTPServer(("", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()
