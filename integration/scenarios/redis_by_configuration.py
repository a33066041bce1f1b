"""A Redis is set up by a configuration: its volume is given to it, it runs as its user, and what is not Redis is left alone."""

from harness import docker, images
from harness.docker import Container

AS_ROOT = "as root, onset gives the volume to redis and becomes that user"


def scenario():
    with Container(images.CONFIGURED_REDIS) as server:
        server.wait_for_line("Ready to accept connections")
        assert ids_of(server) == ("999", "999"), ids_of(server)
        [started] = [report for report in server.reports() if report["event"] == "main_started"]
        assert started["argv"] == ["redis-server"], started
        [step] = [report for report in server.reports() if report["event"] == "step_done"]
        assert (step["step"], step["changed"]) == ("`give the volume to redis`", 1), step
        server.stop()
        assert server.wait() == 0

        # The volume is redis's now: nothing is left to do.
        server.start()
        server.wait_for_line("Ready to accept connections", times=2)
        steps = [report["changed"] for report in server.reports() if report["event"] == "step_done"]
        assert steps == [1, 0], steps
        server.stop()
        assert server.wait() == 0

    arguments_meet_the_command()


def arguments_meet_the_command():
    with Container(images.CONFIGURED_REDIS, "--port", "7000") as server:
        server.wait_for_line("Ready to accept connections")
        [started] = [report for report in server.reports() if report["event"] == "main_started"]
        assert started["argv"] == ["redis-server", "--port", "7000"], started
        server.stop()
    client = docker.run(images.CONFIGURED_REDIS, "redis-cli", "--version")
    assert client.status == 0 and client.stdout.startswith("redis-cli "), client
    assert "step_done" not in client.stderr, client


def ids_of(server):
    """The user and the group of the server: the only child of the container's first process."""
    onset = server.host_pid()
    with open(f"/proc/{onset}/task/{onset}/children", encoding="ascii") as children:
        [child] = children.read().split()
    with open(f"/proc/{child}/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status)
    [uid], [gid] = set(fields["Uid"].split()), set(fields["Gid"].split())
    return uid, gid
