"""Read-only, another user, no capabilities, no new privileges: onset works, and Redis under it."""

import json

from harness import docker, images, redis, reports
from harness.docker import Container

LOCKED_DOWN = [
    *("--read-only", "--user", "65532"),
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
]  # fmt: skip


def scenario():
    ended = docker.run(images.PROBES, "/probe", "print", options=LOCKED_DOWN)
    assert ended.status == 0, ended
    found = json.loads(ended.stdout)
    assert (found["uid"], found["no_new_privs"], found["ppid"]) == (65532, "1", 1), found
    assert reports.only(reports.parse(ended.stderr), "main_ended")["status"] == 0

    with Container(images.PROBES, "/probe", "signals", options=LOCKED_DOWN) as main:
        main.wait_for_line("ready")
        assert main.stop().seconds < 5
        assert main.wait() == 0
        assert reports.only(main.reports(), "signal_forwarded")["signal"] == "SIGTERM"

    with Container(images.REDIS, options=[*LOCKED_DOWN, "--publish", "127.0.0.1::6379"]) as server:
        server.wait_for_line("Ready to accept connections")
        assert redis.ask(server.address_of(6379), "SET", "greeting", "hello") == "OK"
        server.stop()
        assert server.wait() == 0
        assert server.read_file("/data/dump.rdb").startswith(b"REDIS")
