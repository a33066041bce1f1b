"""A JVM: the heap follows the container's limit, and the 143 that it ends with on SIGTERM counts as the success it is."""

import shutil
from pathlib import Path

from harness import clients, command, reports, rootfs
from harness.application import dpkg_version
from harness.pages import Pages

RUNTIME = "openjdk-17-jre-headless"
DESKTOP = r"/lib(awt|font|java2d|jawt|mlib|lcms|jsound|splash|freetype|javajpeg|saproc)\w*\.so"


class App(Pages):
    packages = (RUNTIME, "openjdk-17-jdk-headless")
    client = ("java", "--version", "OpenJDK Runtime Environment")
    stop_seconds = 10

    @property
    def title(self):
        return f"a JVM (OpenJDK {dpkg_version(RUNTIME)})"

    @property
    def home(self):
        return Path(shutil.which("javac", path="/usr/bin")).resolve().parent.parent

    @property
    def instructions(self):
        return (f"ENV PATH={self.home}/bin",)

    def files(self):
        classes = Path(self._folder) / "classes"
        command.run("/usr/bin/javac", "-d", classes, self.example / "Server.java")
        return rootfs.of([RUNTIME], [self.home / "bin/java"], f"{DESKTOP}|/legal/|/man/|/docs|/debug/") | rootfs.tree(classes, to="/app")

    def also_the_heap_is_three_quarters_of_the_limit(self):
        with self.started(options=[*self.options(), "--memory", "256m"]) as server:
            assert "-Xmx192m" in reports.only(server.reports(), "main_started")["argv"]
            status, text = clients.get(self.address(server), "/heap")
            assert status == 200 and 170 * 2**20 < int(text) <= 192 * 2**20, text
            server.stop(grace=20)
            ended = reports.only(server.reports(), "main_ended")
            assert (ended["exit_code"], server.wait()) == (143, 0), ended
