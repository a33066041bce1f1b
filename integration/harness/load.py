"""Clients that ask an HTTP server all the time, and count what became of it."""

import collections
import http.client
import threading
import time

from harness import transcript

PAUSE = 0.02
"""Seconds between two requests of one client."""

MOST = 10_000
"""Requests of one client, at most."""

LONGEST = 120
"""Seconds, at most."""


class Load:
    """Asks `address` for the length of a `with`: `fresh` clients with a connection for each request, `kept` ones on one
    connection, `slow` ones, on fresh connections, for `/slow`, whose answer takes its time.

    A request fails that is not answered by 200 with the whole content, or by none of the servers.
    """

    def __init__(self, address, fresh=4, kept=4, slow=4):
        self._address = address
        self._over = threading.Event()
        self._deadline = time.monotonic() + LONGEST
        kinds = [("/", False)] * fresh + [("/", True)] * kept + [("/slow", False)] * slow
        self._clients = [threading.Thread(target=self._ask_on, args=kind, daemon=True) for kind in kinds]
        self._results = []

    def __enter__(self):
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for client in self._clients:
            client.join()
        transcript.add(f"{self.requests()} requests, failed: {self.failures()}, by server: {self.answers()}")

    def requests(self):
        """How many requests there were so far."""
        return len(self._results)

    def failed(self):
        """How many of them failed."""
        return self.failures().total()

    def failures(self):
        """How many failed so, by what the client saw."""
        return collections.Counter(failure for failure, _ in list(self._results) if failure)

    def answers(self):
        """How many each server answered, by what it says of itself (the header `Server-Name`)."""
        return collections.Counter(server for failure, server in list(self._results) if not failure)

    def _ask_on(self, path, keep):
        connection = http.client.HTTPConnection(*self._address, timeout=30)
        for _ in range(MOST):
            self._results.append(_ask(connection, path, keep))
            if not keep:
                connection.close()
            if self._over.wait(PAUSE) or time.monotonic() > self._deadline:
                break
        connection.close()


def _ask(connection, path, keep):
    """What failed (None: nothing), and who answered."""
    try:
        connection.request("GET", path, headers={} if keep else {"Connection": "close"})
        response = connection.getresponse()
        response.read()  # raises IncompleteRead, if it is cut off
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return type(error).__name__, None
    name = response.getheader("Server-Name")
    if response.status != 200:
        return str(response.status), name
    # The address of a container that is gone may be another's by now.
    return (None if name else "an answer of somebody else"), name
