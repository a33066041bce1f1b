"""A program on a terminal of its own, as a person at a keyboard would have it."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

from harness import command, transcript


class Terminal:
    """Runs `words` on a fresh pty, as leader of a fresh session, for the length of a `with`."""

    def __init__(self, *words, rows=24, columns=80):
        self._words = " ".join(words)
        self._shown = ""
        self._looked_at = 0
        self._keyboard, screen = pty.openpty()
        self.resize(rows, columns)
        self._process = subprocess.Popen(
            words,
            stdin=screen,
            stdout=screen,
            stderr=screen,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(screen)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        os.close(self._keyboard)
        transcript.add(f"$ {self._words}   # on a terminal\n{self._shown}\n[status {self._process.returncode}]")

    def press(self, keys):
        """Types these keys: "\\x03" is Ctrl-C, "\\x1a" Ctrl-Z."""
        os.write(self._keyboard, keys.encode())

    def resize(self, rows, columns):
        """The window gets another size; the kernel tells the foreground group by SIGWINCH."""
        fcntl.ioctl(self._keyboard, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait_for(self, text, limit=command.LIMIT):
        """Waits until `text` is shown, behind what was waited for before."""
        deadline = time.monotonic() + limit
        while (found := self._shown.find(text, self._looked_at)) < 0:
            assert self._read(deadline), f"no {text!r} on the terminal, which shows:\n{self._shown}"
        self._looked_at = found + len(text)

    def wait(self, limit=command.LIMIT):
        """The exit status of the program, once it has let go of the terminal."""
        deadline = time.monotonic() + limit
        while self._read(deadline):
            pass
        return self._process.wait(max(deadline - time.monotonic(), 0.1))

    def text(self):
        """All that was shown so far."""
        return self._shown

    def _read(self, deadline):
        ready, _, _ = select.select([self._keyboard], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            return False
        try:
            data = os.read(self._keyboard, 65536)
        except OSError:  # EIO: nobody has the other side open any more
            return False
        self._shown += data.decode(errors="replace")
        return bool(data)
