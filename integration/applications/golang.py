"""A static Go server: its runtime is told the container's limits, and it waits for its answers itself."""

import os
from pathlib import Path

from harness import clients, command, images, rootfs
from harness.application import dpkg_version
from harness.pages import Pages


class App(Pages):
    packages = ("golang-go",)
    client = ("/server", "-version", "server 1.0, token known: true")

    @property
    def title(self):
        return f"a static Go program (Go {dpkg_version('golang-go').split('~')[0]})"

    def files(self):
        program = Path(self._folder) / "server"
        # Kept from run to run, as Go's own default is, but without a home directory too.
        cache = {"GOCACHE": str(Path("target/go-cache").absolute()), "GOPATH": str(Path("target/go").absolute())}
        alone = {"CGO_ENABLED": "0", "GOPROXY": "off", "GOFLAGS": "-mod=mod -buildvcs=false", "GOTOOLCHAIN": "local"}
        words = ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "."]
        command.run(*words, cwd=self.example, env=os.environ | cache | alone, limit=images.BUILD_LIMIT)
        return rootfs.of() | {"/server": (0o755, program)}

    def also_the_runtime_knows_the_limits_of_the_container(self):
        with self.started(options=[*self.options(), "--memory", "100m", "--cpus", "1"]) as server:
            assert clients.get(self.address(server), "/limits") == (200, f"{100 * 2**20 * 9 // 10} 1\n")
