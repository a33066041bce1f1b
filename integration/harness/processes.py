"""Processes as the host's /proc shows them (proc_pid_stat(5))."""

import time
from pathlib import Path

from harness import command, transcript


def until(what, look, limit=command.LIMIT):
    """Polls /proc and the like, where there is no event, until `look` finds something."""
    deadline = time.monotonic() + limit
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {limit} s in vain for {what}"
        time.sleep(0.01)
    return found


def children(parent):
    """The processes whose parent is `parent`: pid -> state ("R", "S", "T", "Z")."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in parentheses, may hold anything: read behind the last one.
            state, parent_pid, *_ = stat.read_text(errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent_pid) == parent:
            found[int(stat.parent.name)] = state
    return found


def command_line(pid):
    """The words that process was started with."""
    return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")


def pid_inside(pid):
    """Its pid in its own PID namespace, the innermost one."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("NSpid:"))
    transcript.add(f"/proc/{pid}/status {line}")
    return int(line.split()[-1])
