"""Answers every request, and ends when it has answered the last one."""

import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello\n")


class Server(ThreadingHTTPServer):
    daemon_threads = False  # server_close waits for those that still answer


with Server(("", int(os.environ["PORT"])), Handler) as server:
    # From a thread of its own: `shutdown` waits for the loop that the handler interrupts.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
