"""memcached, which keeps its items over a restart; and what becomes of one that puts itself into the background."""

import socket
import time

from harness import clients, command, docker, processes, reports, rootfs, transcript
from harness.application import Application, Refusal, dpkg_version


class App(Application):
    packages = ("memcached",)
    instructions = ("VOLUME /cache",)
    secret = None
    environment = {"CACHE": "64"}
    port = 11211
    volume = "/cache"
    tmpfs = ()
    refused = (
        Refusal(("--env", "CACHE=much"), ("`CACHE` is not",)),
        Refusal(("--env", "PORT=0"), ("`PORT` is not",)),
    )
    client = ("memcached", "--version", "memcached 1.")
    probe_words = ("tcp:127.0.0.1:${PORT}",)

    @property
    def title(self):
        return f"memcached {dpkg_version('memcached')}"

    def files(self):
        return rootfs.of(programs=["/usr/bin/memcached"]) | {"/cache": (0o700, None, rootfs.NONROOT)}

    def wait_ready(self, server, times=1):
        # It says nothing.
        server.wait_for_report("main_started")
        self.wait_until(server, "/onset", "probe", "ready", f"tcp:127.0.0.1:{self.port}")

    def start_again(self, server):
        # A cache that was left in this very second counts as one of the future, and memcached begins anew.
        stopped = server.finished_at().timestamp()
        processes.until("the next second", lambda: int(time.time()) > int(stopped))
        super().start_again(server)

    def ask(self, address):
        assert ask(address, "version").startswith("VERSION 1.")

    def change(self, address):
        assert ask(address, "set greeting 0 0 5\r\nhello") == "STORED"

    def assert_changed(self, address):
        assert ask(address, "get greeting") == "VALUE greeting 0 5"

    def stop_under_load(self):
        with self.started() as server:
            address = self.address(server)
            numbers = iter(range(self.crowd))
            with clients.Crowd(self.crowd, lambda begun: count_up(address, next(numbers), begun)) as crowd:
                stopping = server.stop(grace=30)
                counted = dict(result for result, _ in crowd.finish())
            self.assert_stopped(server, stopping)
            self.start_again(server)
            kept = {number: int(ask(self.address(server), f"incr counter-{number} 0")) for number in counted}
            lost = [number for number, count in counted.items() if not count <= kept[number] <= count + 1]
            assert not lost, f"acknowledged {counted}, kept {kept}"

    def also_in_the_background_it_ends_the_container_and_is_ended_in_order(self):
        found = docker.run(self.image, "-d", options=self.options())
        assert found.status == 0, found
        said = reports.parse(found.stderr)
        assert reports.only(said, "main_ended")["exit_code"] == 0
        assert reports.only(said, "lingering")["linger_ms"] == 10000
        assert not reports.select(said, "rest_killed"), said


def ask(address, line):
    """The first line of an answer."""
    with socket.create_connection(address, timeout=command.LIMIT) as connection, connection.makefile("rb") as answer:
        connection.sendall(f"{line}\r\n".encode())
        text = answer.readline().decode().strip()
    transcript.add(f"memcached {line!r} -> {text}")
    return text


def count_up(address, number, begun):
    """Counts until the server is gone; its number, and what was acknowledged."""
    assert ask(address, f"set counter-{number} 0 0 1\r\n0") == "STORED"
    count = 0
    with socket.create_connection(address, timeout=command.LIMIT) as connection, connection.makefile("rb") as answer:
        try:
            while True:
                connection.sendall(f"incr counter-{number} 1\r\n".encode())
                line = answer.readline()
                if not line.endswith(b"\n"):
                    break
                count = int(line)
                if count == 1:
                    begun()
        except OSError:
            pass
    return number, count
