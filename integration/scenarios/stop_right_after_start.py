"""Stopped at any moment of its start, a container ends within two seconds, with 143 or main's own status.

20 times by `docker stop` as soon as `docker start` has come back, and 20 times by a signal sent as soon as the process
can be seen on the host, which is before `docker start` has come back.
"""

import threading
import time

from harness import images
from harness.docker import Container
from harness.processes import until

TIMES = 20
SECONDS = 2

# `sleep` dies of TERM: 143. `signals` answers it by an exit with 0.
MAINS = {"sleep": {143}, "signals": {0, 143}}


def scenario():
    for number in range(TIMES):
        main, statuses = list(MAINS.items())[number % len(MAINS)]
        stop_after_start(main, statuses)
        signal_while_starting(main, statuses)


def stop_after_start(main, statuses):
    with Container(images.PROBES, "/probe", main, start=False) as container:
        container.start()
        seconds = container.stop().seconds
        status = container.wait()
        assert seconds < SECONDS, f"{main}: docker stop took {seconds:.2f} s"
        assert status in statuses, f"{main}: status {status}"


def signal_while_starting(main, statuses):
    with Container(images.PROBES, "/probe", main, start=False) as container:
        starting = threading.Thread(target=container.start)
        starting.start()
        until("the container to run", container.host_pid)
        begun = time.monotonic()
        container.kill("TERM")
        status = container.wait()
        seconds = time.monotonic() - begun
        starting.join()
        assert seconds < SECONDS, f"{main}: it ended {seconds:.2f} s after TERM"
        assert status in statuses, f"{main}: status {status}"
