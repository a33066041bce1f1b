"""Asks a Redis server one thing, in its own protocol (https://redis.io/docs/latest/develop/reference/protocol-spec/)."""

import socket

from harness import command, transcript


def ask(address, *words):
    """The answer to one command, as text."""
    with socket.create_connection(address, timeout=command.LIMIT) as connection:
        connection.sendall(b"*%d\r\n" % len(words) + b"".join(_bulk(word.encode()) for word in words))
        with connection.makefile("rb") as answer:
            text = _read(answer)
    transcript.add(f"redis {' '.join(words)} -> {text}")
    return text


def _bulk(word):
    return b"$%d\r\n%s\r\n" % (len(word), word)


def _read(answer):
    line = answer.readline().decode().rstrip("\r\n")
    kind, rest = line[:1], line[1:]
    if kind == "$" and rest != "-1":
        return answer.read(int(rest)).decode()
    assert kind == "+", f"redis answered {line!r}"
    return rest
