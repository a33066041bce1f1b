"""A Redis without a shell saves when it is stopped, ends with 0 within a second, and has its data back.

The main job: the image of examples/redis, ENTRYPOINT ["/onset", "--"].
"""

import datetime
import uuid

from harness import docker, images, redis
from harness.docker import Container, moment


def scenario():
    the_image_has_no_shell()
    with Container(images.REDIS, options=["--publish", "127.0.0.1::6379"]) as server:
        server.wait_for_line("Ready to accept connections")
        greeting = uuid.uuid4().hex
        assert redis.ask(server.address_of(6379), "SET", "greeting", greeting) == "OK"

        stopping = server.stop()
        assert stopping.seconds < 5, f"docker stop took {stopping.seconds:.2f} s"
        assert server.wait() == 0
        assert greeting.encode() in server.read_file("/data/dump.rdb")
        the_reports_tell_the_story(server)

        server.start()
        server.wait_for_line("Ready to accept connections", times=2)
        assert redis.ask(server.address_of(6379), "GET", "greeting") == greeting
        server.stop()
        assert server.wait() == 0


def the_image_has_no_shell():
    files = images.files(images.REDIS)
    programs = {path for path in files if path.startswith(("/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/"))}
    assert programs == {"/usr/bin/redis-server"}, f"programs in the image: {programs}"
    assert "/onset" in files, files
    asked = docker.docker("run", "--rm", "--entrypoint", "/bin/sh", images.REDIS, "-c", "true", check=False)
    assert asked.status == 127, "the image has a shell"


def the_reports_tell_the_story(server):
    said = server.reports()
    events = [report["event"] for report in said]
    assert events == ["main_started", "signal_forwarded", "main_ended"], events
    started, forwarded, ended = said

    assert started["argv"] == ["/usr/bin/redis-server", "/etc/redis/redis.conf"], started
    assert started["level"] == "info" and started["startup_us"] > 0, started

    # The engine asks from outside the container's PID namespace, so its pid reads 0.
    assert forwarded["signal"] == "SIGTERM" and forwarded["signal_number"] == 15, forwarded
    assert (forwarded["sender_pid"], forwarded["sender_uid"], forwarded["code"]) == (0, 0, "SI_USER"), forwarded
    assert forwarded["target"] == "main" and forwarded["level"] == "info", forwarded

    assert (ended["status"], ended["exit_code"], ended["level"]) == (0, 0, "info"), ended
    assert ended["pid"] == started["pid"] and ended["max_rss_kib"] > 1000 and ended["uptime_ms"] > 0, ended

    took = server.finished_at() - moment(forwarded["time"])
    assert took < datetime.timedelta(seconds=1), f"it ended {took} after the stop signal"
