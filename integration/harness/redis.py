"""Talks to a Redis server in its own protocol (https://redis.io/docs/latest/develop/reference/protocol-spec/)."""

import socket

from harness import command, transcript


def ask(address, *words):
    """The answer to one command, as text."""
    with Session(address) as session:
        return session.ask(*words)


class Session:
    """A connection, for a `with`; its answers are texts."""

    def __init__(self, address, password=None):
        self._connection = socket.create_connection(address, timeout=command.LIMIT)
        self._answers = self._connection.makefile("rb")
        if password is not None:
            assert self.exchange("AUTH", password) == "OK"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._answers.close()
        self._connection.close()

    def ask(self, *words):
        """The answer to one command; ConnectionError when there is none."""
        text = self.exchange(*words)
        transcript.add(f"redis {' '.join(words)} -> {text}")
        return text

    def exchange(self, *words):
        """The same, without a word in the transcript: for those who ask a thousand times, or tell a secret."""
        self._connection.sendall(b"*%d\r\n" % len(words) + b"".join(_bulk(word.encode()) for word in words))
        return self._read()

    def _read(self):
        line = self._answers.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("the server ended the connection")
        line = line.decode().rstrip("\r\n")
        kind, rest = line[:1], line[1:]
        if kind == "$" and rest != "-1":
            return self._answers.read(int(rest) + 2)[:-2].decode()
        assert kind in "+:-$", f"redis answered {line!r}"
        return line if kind == "-" else rest


def _bulk(word):
    return b"$%d\r\n%s\r\n" % (len(word), word)
