"""examples/demo.sh, outside Docker: its orphans are reaped, it ends by itself, and on TERM at once."""

import os
import time

from harness import command, images, reports
from harness.docker import Follower

ENVIRONMENT = {**os.environ, "ONSET_LOG_LEVEL": "debug"}


def scenario():
    it_ends_by_itself()
    it_ends_on_term()


def it_ends_by_itself():
    ended = command.run(images.ONSET, "examples/demo.sh", env=ENVIRONMENT)
    assert "demo: they have ended; zombies left: 0;" in ended.stdout, ended.stdout
    said = reports.parse(ended.stderr)
    assert reports.only(said, "supervising")["sub_reaper"] is True
    assert len(reports.select(said, "orphan_reaped", exit_code=0)) == 5, said
    assert reports.only(said, "main_ended")["status"] == 0


def it_ends_on_term():
    demo = Follower(str(images.ONSET), "examples/demo.sh", env=ENVIRONMENT)
    try:
        demo.wait_for("the offer to stop", lambda line: "ending in 3 seconds" in line)
        begun = time.monotonic()
        demo.process.terminate()
        assert demo.process.wait(timeout=command.LIMIT) == 0
        assert time.monotonic() - begun < 2, "it did not end at once"
        demo.wait_for("the answer to TERM", lambda line: "demo: TERM arrived" in line)
        ended = reports.parse(demo.wait_for("the end", lambda line: '"main_ended"' in line))
        assert (ended[0]["status"], ended[0]["level"]) == (0, "info"), ended
    finally:
        demo.close()
