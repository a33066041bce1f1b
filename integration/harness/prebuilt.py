"""What the compilers of the stand-in images hand out, and the runtimes in them: made here, with Debian's packages, once."""

import os
import shutil
from pathlib import Path

from harness import command, images

EXAMPLES = Path("examples/docker")
MADE = Path("target/docker-examples")


def everything():
    """/prebuilt, where the compilers find it; with the sources, which have to be those that were copied into the image."""
    programs = {"onset": images.ONSET, "probe": images.PROBE, "go-server": go_server(), "rust-server": rust_server()}
    sources = {"main.go": EXAMPLES / "go/main.go", "main.rs": EXAMPLES / "distroless-cc/src/main.rs"}
    others = sources | {"Server.java": EXAMPLES / "java/Server.java", "server.jar": server_jar()}
    _install("nginx-light")
    nginx = images.program("/usr/sbin/nginx")
    return {
        **{f"/prebuilt/{name}": (0o755, path.read_bytes()) for name, path in programs.items()},
        **{f"/prebuilt/{name}": (0o644, path.read_bytes()) for name, path in others.items()},
        **{f"/prebuilt/rootfs{path}": file for path, file in nginx.items()},
    }


def go_server():
    source = EXAMPLES / "go"
    built = MADE / "go-server"
    if _is_old(built, source / "main.go"):
        _install("golang-go")
        environment = os.environ | {"CGO_ENABLED": "0"}
        words = ["go", "build", "-trimpath", "-o", built.resolve(), "."]
        command.run(*words, cwd=source, env=environment, limit=images.BUILD_LIMIT)
    return built


def rust_server():
    source = EXAMPLES / "distroless-cc/src/main.rs"
    built = MADE / "rust-server"
    if _is_old(built, source):
        MADE.mkdir(parents=True, exist_ok=True)
        command.run("rustc", "--edition=2021", "-O", "-o", built, source, limit=images.BUILD_LIMIT)
    return built


def server_jar():
    source = EXAMPLES / "java/Server.java"
    built = MADE / "server.jar"
    if _is_old(built, source):
        _install("openjdk-17-jdk-headless")
        command.run("javac", "-d", MADE / "classes", source, limit=images.BUILD_LIMIT)
        command.run("jar", "--create", "--file", built, "--main-class", "Server", "-C", MADE / "classes", ".")
    return built


def java():
    """A runtime with the modules that the server needs, and /usr/bin/java."""
    runtime = MADE / "java"
    if not (runtime / "release").exists():
        _install("openjdk-17-jdk-headless")
        shutil.rmtree(runtime, ignore_errors=True)  # one that was broken off
        options = ["--add-modules", "java.base,jdk.httpserver", "--strip-java-debug-attributes"]
        command.run("jlink", *options, "--output", runtime, limit=images.BUILD_LIMIT)
    parts = [path for path in runtime.rglob("*") if path.is_file()]
    binaries = [path for path in parts if path.suffix == ".so" or path.parent.name == "bin"]
    needed = {name: file for binary in binaries for name, file in libraries(binary).items()}
    return {
        # Those of the runtime itself come with it.
        **{name: file for name, file in needed.items() if name.startswith(("/lib", "/usr"))},
        **{f"/java/{path.relative_to(runtime)}": (path.stat().st_mode & 0o777, path.read_bytes()) for path in parts},
        "/usr/bin/java": "/java/bin/java",
    }


def python():
    """/usr/bin/python3 and its library, without what no server needs."""
    _install("python3")
    interpreter = Path("/usr/bin/python3").resolve()
    library = Path("/usr/lib") / interpreter.name
    left_out = {"dist-packages", "test", "idlelib", "lib2to3", "ensurepip", "tkinter", "turtledemo", "pydoc_data"}
    parts = [path for path in library.rglob("*") if path.is_file() and not left_out & set(path.relative_to(library).parts)]
    return {
        **images.program(interpreter),
        "/usr/bin/python3": str(interpreter),
        **{str(path): (0o644, path.read_bytes()) for path in parts},
    }


def node():
    """/nodejs/bin/node."""
    _install("nodejs")
    return _moved("/usr/bin/node", "/nodejs/bin/node")


def _moved(program, place):
    """A program with its libraries, in another place."""
    files = images.program(program)
    return libraries(program) | {place: files[program]}


def libraries(program):
    """What it is linked with."""
    return {path: file for path, file in images.program(program).items() if path != str(program)}


def _is_old(built, source):
    return not built.exists() or built.stat().st_mtime < source.stat().st_mtime


def _install(package):
    command.run("integration/install-packages", package, limit=images.BUILD_LIMIT)
