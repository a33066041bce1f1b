"""Three pages."""

import os
import time
from pathlib import Path

GREETING = Path("/app/greeting").read_text()
"""Read when a worker starts: a reload (SIGHUP) reads it anew."""


print("worker ready", flush=True)


def application(environ, start_response):
    status, lines = answer(environ["PATH_INFO"], environ.get("HTTP_AUTHORIZATION"))
    start_response(status, [("Content-Type", "text/plain")])
    return lines


def answer(path, authorization):
    if path == "/slow":
        return "200 OK", slow()
    if path == "/secret":
        if authorization != f"Bearer {os.environ['API_TOKEN']}":
            return "401 Unauthorized", [b"who are you?\n"]
        return "200 OK", [b"welcome\n"]
    return "200 OK", [GREETING.encode()]


def slow():
    yield b"begun\n"
    time.sleep(2)
    yield b"done\n"
