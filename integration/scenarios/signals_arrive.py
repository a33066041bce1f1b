"""docker kill --signal reaches the main process: USR1, HUP, WINCH, and a real-time signal."""

import json

from harness import images
from harness.docker import Container

SIGNALS = {"USR1": (10, "SIGUSR1"), "HUP": (1, "SIGHUP"), "WINCH": (28, "SIGWINCH"), "RTMIN+3": (37, "37")}
"""What the engine is asked for: its number (34 is Docker's RTMIN), and onset's name for it."""


def scenario():
    with Container(images.PROBES, "/probe", "signals", options=["--env", "ONSET_LOG_LEVEL=debug"]) as main:
        main.wait_for_line("ready")
        for asked, (number, name) in SIGNALS.items():
            main.kill(asked)
            received = json.loads(main.wait_for_line(f'"signo":{number}'))
            assert received["code"] == 0, received
            report = main.wait_for_report("signal_forwarded", signal=name)
            assert (report["signal_number"], report["level"], report["target"]) == (number, "debug", "main"), report

        main.kill("TERM")
        assert main.wait() == 0
        received = [json.loads(line)["signo"] for line in main.logs().stdout.splitlines() if line != "ready"]
        assert received == [number for number, _ in SIGNALS.values()] + [15], received
