"""Asks a FastCGI server for a page, as a web server does (https://fastcgi-archives.github.io/FastCGI_Specification.html)."""

import socket
import struct

from harness import command, transcript

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6
HEADER = struct.Struct(">BBHHBx")


def get(address, script, path, headers=None, begun=None):
    """The status and the text of a page; `begun` is called when its first bytes are there."""
    variables = {"REQUEST_METHOD": "GET", "SCRIPT_FILENAME": script, "REQUEST_URI": path}
    variables |= {f"HTTP_{name.upper()}": value for name, value in (headers or {}).items()}
    with socket.create_connection(address, timeout=command.LIMIT) as connection:
        connection.sendall(
            _record(BEGIN, struct.pack(">HB5x", 1, 0))  # as a responder, and the connection ends with the answer
            + _record(PARAMS, b"".join(_pair(name.encode(), value.encode()) for name, value in variables.items()))
            + _record(PARAMS, b"")
            + _record(STDIN, b"")
        )
        with connection.makefile("rb") as answer:
            text = _read(answer, begun).decode()
    head, _, body = text.partition("\r\n\r\n")
    status = next((int(line.split()[1]) for line in head.splitlines() if line.startswith("Status:")), 200)
    transcript.add(f"FastCGI GET {path} -> {status} {body!r}")
    return status, body


def _read(answer, begun):
    """All of stdout, until the server says that this was all; ConnectionError when it does not."""
    text = b""
    while True:
        header = answer.read(HEADER.size)
        if len(header) < HEADER.size:
            raise ConnectionError(f"the server ended the connection after {text!r}")
        _, kind, _, length, padding = HEADER.unpack(header)
        content = answer.read(length + padding)[:length]
        if kind == END:
            return text
        if kind == STDOUT:
            text += content
            if begun and text.partition(b"\r\n\r\n")[2]:
                begun()
                begun = None


def _record(kind, content):
    return HEADER.pack(1, kind, 1, len(content), 0) + content


def _pair(name, value):
    return struct.pack(">LL", len(name) | 1 << 31, len(value) | 1 << 31) + name + value
