"""docker run --pid=host: onset supervises its own main process, and signals nobody else."""

import json
import signal
import sys

from harness import images
from harness.docker import Container, Follower
from harness.processes import children, command_line, until

BYSTANDER = """
import signal
every = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
signal.pthread_sigmask(signal.SIG_BLOCK, every)
print("ready", flush=True)
while True:
    received = signal.sigwaitinfo(every)
    print("received", received.si_signo, flush=True)
    if received.si_signo == signal.SIGUSR2:
        break
"""
"""Says each signal it receives; USR2, which we send, ends it."""


def scenario():
    bystander = Follower(sys.executable, "-c", BYSTANDER)
    try:
        bystander.wait_for("ready", lambda line: line == "ready")
        # Another container of the same user in the same namespace is a bystander too.
        options = ["--pid=host", "--env", "ONSET_LOG_LEVEL=debug"]
        with Container(images.PROBES, "/probe", "signals", options=options) as other:
            other.wait_for_line("ready")
            the_stopped_one_ends_alone(options)
            assert other.state()["Running"] is True
            other.kill("TERM")
            assert other.wait() == 0
            signals = [json.loads(line)["signo"] for line in other.logs().stdout.splitlines() if line != "ready"]
            assert signals == [signal.SIGTERM], f"the other container received {signals}"
        bystander.process.send_signal(signal.SIGUSR2)
        bystander.process.wait(timeout=10)
    finally:
        bystander.close()
    received = [line for line in bystander.lines if line != "ready"]
    assert received == [f"received {int(signal.SIGUSR2)}"], f"a process outside received: {received}"


def the_stopped_one_ends_alone(options):
    with Container(images.PROBES, "/probe", "orphans", "10", options=options) as main:
        main.wait_for_line("ready")
        onset = main.host_pid()
        assert command_line(onset)[0] == "/onset"
        assert main.wait_for_report("supervising")["sub_reaper"] is True
        started = main.wait_for_report("main_started")
        until("only main to be left", lambda: list(children(onset)) == [started["pid"]])
        assert main.stop().seconds < 5
        assert main.wait() == 0
