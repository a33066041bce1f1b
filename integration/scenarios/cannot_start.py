"""A command that cannot be started: 127 when it is missing, 126 when it is no program, and one line that says why."""

import platform

from harness import docker, images, reports

NO_SHEBANG = (
    "it has no `#!` line, and onset runs no shell: name the interpreter in its first line, "
    "or start the interpreter with this file as argument"
)
FOREIGN = f"it is a program for {images.OTHER_MACHINE[0]}, this machine is {platform.machine()}"

FAILURES = {
    "/no-such-program": (127, "no such file"),
    "/no/such/program": (127, "the folder `/no` does not exist"),
    "redis": (127, "not found in PATH `/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`"),
    "": (127, "the command is empty"),
    "/needs-interpreter": (127, "its interpreter `/bin/sh` does not exist"),
    "/script": (126, NO_SHEBANG),
    "/foreign": (126, FOREIGN),
    "/plain": (126, "it is not executable (mode 0644, owner 0:0; running as 0:0)"),
    "/empty": (126, "the file is empty"),
    "/proc": (126, "it is a directory"),
}
"""What the image cannot run: the status, and the cause."""


EXEC_TOO = ["/no-such-program", "/script"]
"""Of these also without a supervisor, in onset's own process."""


def scenario():
    for command, (status, cause) in FAILURES.items():
        says_why(command, status, cause)
    for command in EXEC_TOO:
        says_why(command, *FAILURES[command], options=["--env", "ONSET_EXEC=1"])


def says_why(command, status, cause, options=()):
    ended = docker.run(images.PROBES, command, options=options)
    assert ended.status == status, f"{command!r}: status {ended.status}"
    assert ended.stdout == "", ended.stdout
    assert len(ended.stderr.splitlines()) == 1, f"more than the one line: {ended.stderr}"
    report = reports.only(reports.parse(ended.stderr), "start_failed")
    assert report["message"] == f"cannot start `{command}`: {cause}", report
    assert (report["status"], report["level"], report["argv"]) == (status, "error", [command]), report
