"""Python behind gunicorn: workers by the container's processors, and a reload of all of them by SIGHUP."""

from pathlib import Path

from harness import clients, processes, rootfs
from harness.application import dpkg_version
from harness.pages import Pages

STANDARD_LIBRARY = ["python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib"]
PACKAGES = ["python3-gunicorn", "python3-pkg-resources"]
WITHOUT = r"/(idlelib|lib2to3|ensurepip|pydoc_data|tkinter|turtle\w*|test)/"


class App(Pages):
    packages = ("gunicorn", *PACKAGES, *STANDARD_LIBRARY)
    environment = {"WEB_CONCURRENCY": "3"}
    ready = "worker ready"
    client = ("gunicorn", "--version", "gunicorn (version")
    stop_seconds = 10

    @property
    def title(self):
        return f"Python {dpkg_version('python3.11-minimal')}, gunicorn {dpkg_version('gunicorn')}"

    def files(self):
        files = rootfs.of([*STANDARD_LIBRARY, *PACKAGES], ["/usr/bin/python3", "/usr/bin/gunicorn"], WITHOUT)
        return files | {
            "/app/app.py": (0o644, self.example / "app.py"),
            "/app/greeting": (0o644, b"hello from gunicorn\n"),
        }

    def wait_ready(self, server, times=1):
        # A SIGTERM that reaches a worker before it has handlers of its own is lost, and gunicorn waits for it in vain.
        super().wait_ready(server, times * int(self.environment["WEB_CONCURRENCY"]))

    def also_SIGHUP_reloads_the_workers_and_cuts_nobody_off(self):
        greeting = self.host_file("greeting", "hello from gunicorn\n")
        with self.started(options=[*self.options(), "--volume", f"{greeting}:/app/greeting:ro"]) as server:
            address = self.address(server)
            self.ask(address)
            with clients.Crowd(self.crowd, lambda begun: self.ask_slowly(address, begun)) as crowd:
                Path(greeting).write_text("hello again\n")
                server.kill("HUP")
                processes.until("the new greeting", lambda: clients.get(address)[1] == "hello again\n")
                crowd.finish()
            server.stop(grace=20)
            assert server.wait() == 0
