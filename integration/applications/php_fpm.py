"""PHP-FPM, asked in FastCGI, and stopped by SIGQUIT with answers under way."""

from pathlib import Path

from harness import fastcgi, rootfs
from harness.application import Refusal, dpkg_version
from harness.pages import Pages

PAGE = Path("examples/applications/php/public/index.php")


class App(Pages):
    packages = ("php-fpm",)
    port = 9000
    ready = "ready to handle connections"
    environment = {"FPM_CHILDREN": "8"}
    refused = (Refusal(("--env", "API_TOKEN=x", "--env", "FPM_CHILDREN=many"), ("`FPM_CHILDREN` is not",)),)
    client = ("php-fpm", "-v", "(fpm-fcgi)")
    probe_words = ("tcp:127.0.0.1:${PORT}",)

    @property
    def title(self):
        return f"PHP-FPM {dpkg_version('php8.2-fpm')}"

    def files(self):
        program = max(Path("/usr/sbin").glob("php-fpm[0-9]*"))
        return rootfs.of() | rootfs.moved(program, "/usr/sbin/php-fpm") | {"/app/public/index.php": (0o644, PAGE)}

    def get(self, address, path, headers=None):
        return fastcgi.get(address, "/app/public/index.php", path, headers)

    def ask_slowly(self, address, begun):
        assert fastcgi.get(address, "/app/public/index.php", "/slow", begun=begun) == (200, "begun\ndone\n")

    def also_as_many_children_as_memory_allows(self):
        with self.started(options=[*self.options({}), "--memory", "320m"]) as server:
            assert b"pm.max_children = 5\n" in server.read_file("/tmp/php-fpm.conf")
