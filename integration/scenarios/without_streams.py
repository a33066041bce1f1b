"""No terminal, no stdin, no reader of the log: main runs, and a stop works all the same."""

import json

from harness import docker, images, reports
from harness.docker import Container


def scenario():
    stdin_is_at_its_end()
    no_log_is_kept()
    nobody_reads_the_output()


def stdin_is_at_its_end():
    ended = docker.run(images.PROBES, "/probe", "cat")
    assert (ended.status, ended.stdout) == (0, ""), ended

    ended = docker.run(images.PROBES, "/probe", "cat", options=["--interactive"], stdin="hello\n")
    assert (ended.status, ended.stdout) == (0, "hello\n"), ended


def no_log_is_kept():
    options = ["--log-driver", "none"]
    with Container(images.PROBES, "/probe", "signals", options=options) as main:
        assert main.stop().seconds < 5
        assert main.wait() in (0, 143)  # the stop may have come before main had blocked the signal

    ended = docker.run(images.PROBES, "/probe", "print", options=options)
    assert ended.status == 0, ended
    assert json.loads(ended.stdout)["ppid"] == 1
    assert reports.only(reports.parse(ended.stderr), "main_ended")["exit_code"] == 0


def nobody_reads_the_output():
    # An attached client alone reads this output, and it ends: the pipes stay open and fill, or break.
    options = ["--log-driver", "none", "--env", "ONSET_LOG_LEVEL=debug"]
    with Container(images.PROBES, "/probe", "orphans", "2000", options=options) as main:
        assert main.stop().seconds < 5
        assert main.wait() in (0, 143)
