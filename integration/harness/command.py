"""Runs a program to its end, within a time limit, and keeps what it said."""

import subprocess
import time
from dataclasses import dataclass

from harness import transcript

LIMIT = 60
"""Seconds that any one call may take; only a failure ever reaches it."""


@dataclass(frozen=True)
class Result:
    """What a program that has ended left behind."""

    status: int
    stdout: str
    stderr: str
    seconds: float


def run(*words, check=True, stdin=None, limit=LIMIT, **options):
    """Runs `words`; `stdin` is text or bytes for it, nothing otherwise.

    Raises AssertionError when it fails and `check` is set, subprocess.TimeoutExpired after `limit` seconds.
    """
    words = [str(word) for word in words]
    data = stdin.encode() if isinstance(stdin, str) else stdin
    source = {"stdin": subprocess.DEVNULL} if data is None else {"input": data}
    begun = time.monotonic()
    try:
        done = subprocess.run(words, capture_output=True, timeout=limit, **source, **options)
    except subprocess.TimeoutExpired as error:
        transcript.add(f"$ {' '.join(words)}\n[still running after {limit} s]\n{_text(error.stdout)}{_text(error.stderr)}")
        raise
    result = Result(done.returncode, _text(done.stdout), _text(done.stderr), time.monotonic() - begun)
    transcript.add(
        f"$ {' '.join(words)}\n{result.stdout}{result.stderr}[status {result.status}, {result.seconds:.2f} s]"
    )
    assert not check or result.status == 0, f"`{' '.join(words)}` ended with {result.status}: {result.stderr}"
    return result


def _text(output):
    return (output or b"").decode(errors="replace")
