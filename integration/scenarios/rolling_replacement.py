"""Ten servers behind a balancer are replaced under load: with a drain not one request fails; without one some do.

As Kubernetes does it: a server is told to stop, and gets requests until all who send them have heard of it, here for three
seconds (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination-flow). The servers are nginx,
which closes its listener at the stop signal, and the balancer asks no second one where the first refuses.
"""

import urllib.request
from concurrent.futures import ThreadPoolExecutor
from threading import Timer

from harness import images
from harness.balancer import Balancer
from harness.docker import Container
from harness.load import Load
from harness.processes import until

SERVERS = 10
AT_A_TIME = 5

HEARD_AFTER = 3
"""Seconds after the stop signal, until the balancer knows."""

DRAIN = "4s"

PORT = 8080

LOCKED_DOWN = ["--read-only", "--user", "65532:65532", "--cap-drop", "ALL", "--tmpfs", "/tmp", "--no-healthcheck"]


def scenario():
    drained = replace_all(DRAIN)
    at_once = replace_all("0s")
    assert drained.failed() == 0, drained.failures()
    assert at_once.failed() > 0, "without a drain nothing failed either: this scenario shows nothing"


def replace_all(drain):
    """The load, when every server has been replaced."""
    with Servers(drain) as servers, Balancer() as balancer:
        old = servers.start(SERVERS)
        for server in old:
            balancer.add(server.address(), PORT)
        with Load(balancer.address) as load:
            until("all to have answered", lambda: len(load.answers()) == SERVERS)
            for _ in range(SERVERS // AT_A_TIME):
                for server in servers.start(AT_A_TIME):
                    balancer.add(server.address(), PORT)
                servers.stop([old.pop() for _ in range(AT_A_TIME)], balancer)
            until("the new ones to have answered too", lambda: len(load.answers()) == 2 * SERVERS)
    how = "".join(f", {count} by {failure}" for failure, count in load.failures().items())
    print(f"        drain {drain}: {load.requests()} requests, {load.failed()} failed{how}", flush=True)
    return load


class Servers:
    """All that were started, removed at the end of the `with`. Several at a time, for the engine takes its time."""

    def __init__(self, drain):
        self._options = [*LOCKED_DOWN, "--env", f"DRAIN={drain}"]
        self._all = []
        self._pool = ThreadPoolExecutor(AT_A_TIME)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        list(self._pool.map(lambda server: server.__exit__(kind, error, traceback), self._all))
        self._pool.shutdown()

    def start(self, count):
        """That many more, all of which answer."""
        return list(self._pool.map(self._start, range(count)))

    def _start(self, _):
        server = Container(images.WEB, options=self._options)
        self._all.append(server)
        until("it to answer", lambda: answers(server.address()))
        return server

    def stop(self, stopped, balancer):
        """Tells all of these to stop, and the balancer later; they have ended with 0 when it returns."""
        list(self._pool.map(lambda server: self._stop(server, balancer), stopped))

    def _stop(self, server, balancer):
        later = Timer(HEARD_AFTER, balancer.remove, [server.address()])
        later.start()
        server.stop(grace=30)
        later.join()
        assert server.wait() == 0, "it did not end by itself"


def answers(host):
    try:
        with urllib.request.urlopen(f"http://{host}:{PORT}/", timeout=1) as response:
            return response.status == 200
    except OSError:
        return False
