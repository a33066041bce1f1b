"""What a kubelet does and sees, done by the engine: probes, preStop, stops, exit status, reason, termination message.

Every container is as Kubernetes' restricted profile has it: user 65532, no capability, a read-only root. The message file
is the kubelet's, on the host and writable for everybody
(https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/kubelet/kuberuntime/kuberuntime_container.go).
"""

import contextlib
import tempfile
import threading
import urllib.request
from pathlib import Path

from harness import images
from harness.docker import Container, docker

RESTRICTED = [
    *("--read-only", "--user", "65532:65532", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--tmpfs", "/tmp", "--no-healthcheck"),
]  # fmt: skip

AT_ONCE = 5
"""Seconds within which whatever does not wait for a time of its own has ended."""


def scenario():
    a_pod_is_deleted()
    for ending in ENDINGS:
        ends_as_kubernetes_shows_it(*ending)
    each_probe_finds_the_onset_of_its_container()


def a_pod_is_deleted():
    with container(images.WEB, options=["--env", "DRAIN=2s"]) as (server, message):
        server.wait_for_line("start worker process ")
        probes(server, {"started": 0, "live": 0, "ready": 0, "http://127.0.0.1:${PORT}/": 0})

        pre_stop = docker("exec", server.id, "/onset", "sleep", "300ms")
        assert pre_stop.seconds >= 0.3, pre_stop
        probes(server, {"ready": 0})
        stopping = threading.Thread(target=server.stop, args=[30])
        stopping.start()
        server.wait_for_report("draining")
        # Out of the Service, not to be restarted, and serving.
        probes(server, {"ready": 1, "live": 0})
        assert answers(server), "it does not serve while it drains"
        stopping.join()
        assert shown(server) == ("Completed", 0)
        assert "exited with status 0" in message.read_text(), message.read_text()


MISSING = """
version = 1
[env.DATABASE_URL]
required = true
"""

MAPPED = """
version = 1
[exit]
143 = 0
"""

IMPATIENT = """
version = 1
[shutdown]
grace = "1s"
"""

ENDINGS = [
    # What runs, with which configuration; the grace period, if it is stopped; reason, status, and a part of the message.
    (["/probe", "exit", "0"], None, None, ("Completed", 0), "main process exited with status 0"),
    (["/probe", "exit", "7"], None, None, ("Error", 7), "main process exited with status 7"),
    (["/probe", "signals"], None, 30, ("Completed", 0), "stopped by SIGTERM"),
    (["/probe", "sleep"], None, 30, ("Error", 143), "killed by signal SIGTERM (exit status 143)"),
    (["/probe", "sleep"], MAPPED, 30, ("Completed", 0), "killed by signal SIGTERM (onset's exit status 0)"),
    (["/probe", "ignore-term"], IMPATIENT, 30, ("Error", 137), "killed by signal SIGKILL (exit status 137)"),
    (["/probe", "ignore-term"], None, 1, ("Error", 137), ""),
    (["/probe", "burn", "60000", "400"], None, None, ("OOMKilled", 137), "because memory ran out"),
    (["/no-such-program"], None, None, ("Error", 127), "cannot start `/no-such-program`: no such file"),
    (["/plain"], None, None, ("Error", 126), "it is not executable"),
    (["/probe", "exit", "0"], MISSING, None, ("Error", 125), "`DATABASE_URL` is required and not set"),
]


def ends_as_kubernetes_shows_it(words, configuration, grace, expected, said):
    options = ["--memory", "64m", "--memory-swap", "64m"]
    with container(images.PROBES, *words, configuration=configuration, options=options) as (main, message):
        if grace is not None:
            main.wait_for_line("ready")
            stopping = main.stop(grace)
            assert stopping.seconds < AT_ONCE, f"{words}: {stopping.seconds} s"
        main.wait()
        what = f"{words} {configuration!r}: {shown(main)} {message.read_text()!r}"
        assert shown(main) == expected, what
        assert said in message.read_text() and bool(said) == bool(message.read_text()), what
        assert len(message.read_bytes()) <= 4096, what


def each_probe_finds_the_onset_of_its_container():
    """Two containers of a Pod with shareProcessNamespace: process 1 is the pause container's."""
    with Container(images.PROBES, "sleep", options=["--entrypoint", "/probe"]) as pause:
        shared = [f"--pid=container:{pause.id}", f"--network=container:{pause.id}"]
        first = container(images.WEB, options=[*shared, "--env", "DRAIN=60s"])
        second = container(images.WEB, options=[*shared, "--env", "PORT=9090"])
        with first as (draining, _), second as (serving, _):
            for server in (draining, serving):
                server.wait_for_line("start worker process ")
                probes(server, {"ready": 0, "http://127.0.0.1:${PORT}/": 0})
            draining.kill("TERM")
            draining.wait_for_report("draining")
            probes(draining, {"ready": 1, "live": 0})
            probes(serving, {"ready": 0, "live": 0})

            assert serving.stop(30).seconds < AT_ONCE
            assert shown(serving) == ("Completed", 0)
            probes(draining, {"live": 0, "http://127.0.0.1:${PORT}/": 0, "tcp:127.0.0.1:9090": 1})
            draining.kill("TERM")
            draining.wait()
            assert shown(draining) == ("Completed", 0)
        assert pause.state()["Running"], "somebody ended the pause container"


@contextlib.contextmanager
def container(image, *words, configuration=None, options=()):
    """A container as the kubelet makes one, and the file in which it looks for a message."""
    with tempfile.TemporaryDirectory() as folder:
        message = Path(folder) / "termination-log"
        message.touch()
        message.chmod(0o666)
        volumes = ["--volume", f"{message}:/dev/termination-log"]
        if configuration:
            text = Path(folder) / "onset.toml"
            text.write_text(configuration)
            volumes += ["--volume", f"{text}:/etc/onset/onset.toml:ro"]
        with Container(image, *words, options=[*RESTRICTED, *volumes, *options]) as main:
            yield main, message


def probes(server, expected):
    """Exec probes, as the kubelet runs them: in the container, with its user and its environment."""
    for question, status in expected.items():
        answer = docker("exec", server.id, "/onset", "probe", question, check=False)
        assert answer.status == status, f"probe {question}: {answer}"


def shown(main):
    """Reason and exit code, as `kubectl describe pod` shows them
    (https://github.com/containerd/containerd/blob/v2.1.0/internal/cri/server/events.go)."""
    state = main.state()
    reason = "OOMKilled" if state["OOMKilled"] else "Error" if state["ExitCode"] else "Completed"
    return reason, state["ExitCode"]


def answers(server):
    with urllib.request.urlopen(f"http://{server.address()}:8080/", timeout=10) as response:
        return response.status == 200
