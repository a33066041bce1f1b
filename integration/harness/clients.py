"""Many clients at once: requests that a server has begun to answer when it is told to stop."""

import http.client
import threading
import time

from harness import command, transcript

SLOW = 2
"""Seconds that a slow answer takes: it has to begin before the stop signal comes, and to end after it."""


def get(address, path="/", headers=None):
    """The status and the text of a page."""
    connection = http.client.HTTPConnection(*address, timeout=command.LIMIT)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    transcript.add(f"GET {path} -> {answer.status} {text[:200]!r}")
    return answer.status, text


def get_slowly(address, path, begun, headers=None):
    """The text of a page of which the first bytes come at once; `begun` is called when they are there."""
    connection = http.client.HTTPConnection(*address, timeout=command.LIMIT)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        first = answer.read(1)
        begun()
        text = (first + answer.read()).decode()
    finally:
        connection.close()
    assert answer.status == 200, f"GET {path} was answered with {answer.status} {text!r}"
    return text


class Crowd:
    """Clients that each do `request(begun)` in a thread of their own, for the length of a `with`."""

    def __init__(self, count, request):
        self._begun = threading.Semaphore(0)
        self._results = []
        self._threads = [threading.Thread(target=self._run, args=(request,), daemon=True) for _ in range(count)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        for _ in self._threads:
            assert self._begun.acquire(timeout=command.LIMIT), "a server does not begin to answer"
        self._raise_failures()
        return self

    def __exit__(self, *_):
        for thread in self._threads:
            thread.join(command.LIMIT)

    def finish(self):
        """What each of them returned and when (time.time), once all are done; raises what one of them raised."""
        for thread in self._threads:
            thread.join(command.LIMIT)
            assert not thread.is_alive(), f"a client still waits for its answer after {command.LIMIT} s"
        self._raise_failures()
        return [(result, at) for result, at in self._results]

    def _run(self, request):
        try:
            self._results.append((request(self._begun.release), time.time()))
        except Exception as error:  # it is told to whom waits for the result
            transcript.add(f"a client failed: {error!r}")
            self._results.append((error, time.time()))
            self._begun.release()

    def _raise_failures(self):
        for result, _ in self._results:
            if isinstance(result, Exception):
                raise AssertionError(f"a client was not served to the end: {result!r}") from result
