"""PHP's own server, which finishes its answer on SIGINT."""

from harness import rootfs
from harness.application import dpkg_version
from harness.pages import Pages

KNOWS = "cli knows the token"


class App(Pages):
    packages = ("php-cli",)
    ready = "Development Server"
    client = ("php", "-r", "echo PHP_SAPI, strlen(getenv('API_TOKEN')) > 0 ? ' knows' : ' lacks', ' the token';", KNOWS)
    crowd = 1
    """It serves one after the other."""

    @property
    def title(self):
        return f"PHP {dpkg_version('php8.2-cli')}, its own server"

    def files(self):
        return rootfs.of(programs=["/usr/bin/php"]) | {
            "/app/public/index.php": (0o644, self.example / "public/index.php")
        }
