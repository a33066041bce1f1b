"""A main process that the kernel kills for its memory: status 137, OOMKilled says docker inspect, and onset says who died of it."""

from harness import images, redis, reports
from harness.docker import Container

OPTIONS = [
    *("--memory", "64m", "--memory-swap", "64m"),
    *("--publish", "127.0.0.1::6379"),
]  # fmt: skip


def scenario():
    with Container(images.REDIS, options=OPTIONS) as server:
        server.wait_for_line("Ready to accept connections")
        try:
            redis.ask(server.address_of(6379), "SETRANGE", "big", str(400 * 2**20), "x")
        except (OSError, AssertionError):
            pass  # the server is killed before it answers
        assert server.wait() == 137
        ended = reports.only(server.reports(), "main_ended")
        assert (ended["signal"], ended["status"], ended["level"]) == ("SIGKILL", 137, "error"), ended
        assert ended["oom_kills"] >= 1 and ended["oom_killed"] == "main", ended
        assert server.state()["OOMKilled"] is True
