"""Node, whose server knows nothing of signals: as PID 1 it would ignore SIGTERM, under onset it ends."""

from pathlib import Path

from harness import rootfs
from harness.application import Serving, dpkg_version
from harness.pages import Pages


class App(Pages):
    packages = ("nodejs",)
    environment = {"DRAIN": "4s"}
    client = ("node", "--print", "process.version + process.env.NODE_ENV", "production")
    stop_seconds = 8

    @property
    def title(self):
        return f"Node {dpkg_version('nodejs')}"

    def files(self):
        # Debian's own has parts of its library there.
        modules = rootfs.tree("/usr/share/nodejs") if Path("/usr/share/nodejs").is_dir() else {}
        return rootfs.of(programs=["/usr/bin/node"]) | modules | {"/app/server.js": (0o644, self.example / "server.js")}

    def also_as_PID_1_itself_it_ignores_SIGTERM(self):
        options = ["--env", "PORT=8080", "--env", "API_TOKEN=x", "--entrypoint", "node"]
        with Serving(self, ("/app/server.js",), options) as server:
            server.kill("TERM")
            assert self.get(self.address(server), "/") == (200, "hello from node\n")

    def also_without_a_drain_SIGTERM_ends_it_at_once(self):
        with self.started(options=self.options({"DRAIN": "0s"})) as server:
            stopping = server.stop(grace=30)
            assert server.wait() == 0 and stopping.seconds < 5, stopping
