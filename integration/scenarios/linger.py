"""What the main process leaves running may finish its work if `linger` gives it the time, and is cut off without."""

from harness import images
from harness.docker import Container

COUNT = 3

FLUSH = 500
"""Milliseconds that each of them needs after SIGTERM."""


def scenario():
    assert flushed("", "--flush", FLUSH) == (0, [])
    assert flushed('[shutdown]\nlinger = "20s"', "--flush", FLUSH) == (COUNT, ["lingering"])
    assert flushed('[shutdown]\nlinger = "500ms"', "--deaf") == (0, ["lingering", "rest_killed"])


def flushed(policy, *manners):
    """How many finished, and what onset did about the rest. The main process ends at the stop signal, at once."""
    with Container(images.PROBES, "/probe", "heirs", COUNT, *manners, start=False) as main:
        main.write_file("/etc/onset/onset.toml", f"version = 1\n{policy}\n")
        main.start()
        main.wait_for_line("ready")
        stopping = main.stop()
        assert stopping.seconds < 5, f"it took {stopping.seconds} s"
        assert main.wait() == 0
        events = [report["event"] for report in main.reports()]
        return main.logs().stdout.count("flushed"), [event for event in events if event in ("lingering", "rest_killed")]
