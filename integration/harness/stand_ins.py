"""Stand-ins for the public images that the Dockerfiles here start from, since those would have to be pulled.

Each has what a Dockerfile uses of it, in the same places. A builder has BusyBox as its shell, and compilers that hand out
what the real ones have made before; a base has the runtime, from Debian's packages. Every instruction is run as it is written.
"""

import os
import re
from pathlib import Path

from harness import command, images, prebuilt
from harness.docker import docker

APPLETS = ["sh", "chmod", "cmp", "cp", "dirname", "mkdir", "mv", "od", "touch", "tr", "uname", "wc"]

COMPILERS = {
    # Called as integration/build-static does, or for examples/docker/distroless-cc.
    "cargo": """
case "$*" in
*"--target "*)
    while [ "$1" != --target ]; do shift; done
    mkdir -p "$CARGO_TARGET_DIR/$2/release/examples"
    cp /prebuilt/onset "$CARGO_TARGET_DIR/$2/release/onset"
    cp /prebuilt/probe "$CARGO_TARGET_DIR/$2/release/examples/probe"
    ;;
"build --locked --release")
    cmp src/main.rs /prebuilt/main.rs
    mkdir -p target/release
    cp /prebuilt/rust-server target/release/server
    ;;
esac
""",
    "rustc": "echo /rust/lib\n",
    "go": 'cmp main.go /prebuilt/main.go\n[ "$1 $2 $3" = "build -trimpath -o" ]\ncp /prebuilt/go-server "$4"\n',
    "npm": '[ "$*" = "ci --omit=dev" ]\n[ -e package.json ]\n[ -e package-lock.json ]\n',
    "javac": 'cmp Server.java /prebuilt/Server.java\n[ "$1" = -d ]\nmkdir -p "$2"\n',
    "jar": '[ "$1 $2" = "--create --file" ]\n[ -d /classes ]\ncp /prebuilt/server.jar "$3"\n',
    "dotnet": '[ -e Server.csproj ]\n[ -e Program.cs ]\n[ "$4" = --output ]\nmkdir -p "$5"\ntouch "$5/Server.dll"\n',
    "dnf": 'for word; do\n    case "$word" in nginx-core) cp -a /prebuilt/rootfs /rootfs ;; esac\ndone\n',
}

NONROOT = {
    "/etc/passwd": (0o644, b"root:x:0:0:root:/root:/none\nnonroot:x:65532:65532:nonroot:/home/nonroot:/none\n"),
    "/tmp": (0o1777, None),
}

BUILDERS = [
    "rust:1-alpine",
    "rust:1-slim-bookworm",
    "golang:1.26-bookworm",
    "node:22-bookworm-slim",
    "eclipse-temurin:21-jdk-jammy",
    "mcr.microsoft.com/dotnet/sdk:8.0",
    "registry.access.redhat.com/ubi9/ubi:9.6",
]

BASES = {
    "gcr.io/distroless/static-debian12:nonroot": lambda: (NONROOT, ["USER 65532"]),
    "gcr.io/distroless/cc-debian12:nonroot": lambda: (NONROOT | prebuilt.libraries(prebuilt.rust_server()), ["USER 65532"]),
    "gcr.io/distroless/nodejs22-debian12:nonroot": lambda: (
        NONROOT | prebuilt.node(),
        ["USER 65532", 'ENTRYPOINT ["/nodejs/bin/node"]'],
    ),
    "gcr.io/distroless/python3-debian12:nonroot": lambda: (
        NONROOT | prebuilt.python(),
        ["USER 65532", 'ENTRYPOINT ["/usr/bin/python3"]'],
    ),
    "gcr.io/distroless/java21-debian12:nonroot": lambda: (
        NONROOT | prebuilt.java(),
        ["USER 65532", 'ENTRYPOINT ["/usr/bin/java", "-jar"]'],
    ),
    "cgr.dev/chainguard/redis:latest": lambda: (
        NONROOT | images.program("/usr/bin/redis-server") | {"/data": (0o755, None, 65532)},
        ["USER 65532", "WORKDIR /data", 'ENTRYPOINT ["/usr/bin/redis-server"]'],
    ),
    "registry.access.redhat.com/ubi9/ubi-micro:9.6": lambda: ({"/tmp": (0o1777, None)}, ['CMD ["/bin/sh"]']),
    # A server that takes its port from the same variable is the runtime; .NET is not among Debian's packages.
    "ubuntu/dotnet-aspnet:8.0-24.04_stable": lambda: (
        NONROOT | {"/usr/bin/dotnet": (0o755, prebuilt.go_server().read_bytes())},
        ['ENTRYPOINT ["dotnet"]'],
    ),
}


class StandIns:
    """The stand-ins that some Dockerfiles need, on the engine as long as the `with` lasts."""

    def __init__(self):
        self._made = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        docker("image", "rm", "--force", *set(self._made.values()), check=False)

    def in_place(self, dockerfile, others=None):
        """The text of the Dockerfile, with a stand-in for each public image; `others`: for further ones, by name."""
        text = Path(dockerfile).read_text()
        stages = re.findall(r"^FROM \S+ AS (\S+)$", text, re.MULTILINE)
        for name in re.findall(r"^FROM (\S+)", text, re.MULTILINE):
            if name != "scratch" and name not in stages:
                text = text.replace(f"FROM {name}", f"FROM {self._tag(name)}")
        for name, tag in (others or {}).items():
            assert f"--from={name} " in text, f"{dockerfile} does not copy from {name}"
            text = text.replace(f"--from={name} ", f"--from={tag} ")
        return text

    def _tag(self, name):
        if name not in self._made:
            is_builder = name in BUILDERS
            key = "builder" if is_builder else re.sub(r"\W+", "-", name)
            tag = f"onset-integration-{key}:{os.getpid()}"
            if tag not in self._made.values():
                files, instructions = (_builder(), ["ENV PATH=/bin"]) if is_builder else BASES[name]()
                images.scratch(tag, files, *instructions)
            self._made[name] = tag
        return self._made[name]


def _builder():
    busybox = Path("/bin/busybox")
    if not busybox.exists():
        command.run("integration/install-packages", "busybox-static", limit=images.BUILD_LIMIT)
    scripts = {name: f"#!/bin/sh\nset -eu\n{text.lstrip()}" for name, text in COMPILERS.items()}
    return {
        **images.program(busybox),
        **{f"/bin/{applet}": "/bin/busybox" for applet in APPLETS},
        **{f"/bin/{name}": (0o755, text.encode()) for name, text in scripts.items()},
        "/rust/lib/libstd-stand-in.rlib": (0o644, b""),
        "/tmp": (0o1777, None),
        **prebuilt.everything(),
    }
