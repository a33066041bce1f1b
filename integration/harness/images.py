"""The images the scenarios run: all FROM scratch, onset with one application each, and nothing else."""

import io
import os
import platform
import sys
import tarfile
from pathlib import Path

from harness import command
from harness.docker import OWNED, docker

ONSET = Path("target/static/onset")
PROBE = Path("target/static/probe")

REDIS = f"onset-integration-redis:{os.getpid()}"
"""examples/redis, as a user would build it."""

PROBES = f"onset-integration-probe:{os.getpid()}"
"""onset, the tests' probe, and some files that cannot be executed, each broken in its own way."""

CONFIGURED_REDIS = f"onset-integration-configured-redis:{os.getpid()}"
"""redis-server started by examples/entrypoints/redis/onset.toml, as root, with a volume that is root's."""

CONFIGURED_NGINX = f"onset-integration-configured-nginx:{os.getpid()}"
"""nginx started by examples/entrypoints/nginx/onset.toml."""

OTHER_MACHINE = {"x86_64": ("aarch64", 183), "aarch64": ("x86_64", 62)}[platform.machine()]
"""A machine this is not: its name, and its number in an ELF header (elf(5), e_machine)."""

BUILD_LIMIT = 600
"""Seconds; the first static build compiles std."""


def build():
    """Builds all of them, and the binaries that go in."""
    print(command.run("integration/build-static", "--with-probe", limit=BUILD_LIMIT).stdout, end="", flush=True)
    command.run("examples/redis/build", REDIS, limit=BUILD_LIMIT)
    scratch(PROBES, _probe_files(), 'ENTRYPOINT ["/onset", "--"]')
    command.run("integration/install-packages", "redis-server", "nginx-light", limit=BUILD_LIMIT)
    scratch(CONFIGURED_REDIS, _redis_files(), 'ENTRYPOINT ["/onset", "--"]', "VOLUME /data", "WORKDIR /data")
    scratch(CONFIGURED_NGINX, _nginx_files(), 'ENTRYPOINT ["/onset", "--"]')


def remove():
    """Takes them off the engine again, with what a build left on the way."""
    docker("image", "rm", "--force", REDIS, PROBES, CONFIGURED_REDIS, CONFIGURED_NGINX, check=False)
    docker("image", "prune", "--force", "--filter", f"label={OWNED}", check=False)


def scratch(tag, files, *instructions):
    """An image of these files only: path -> (mode, content), or path -> where a symbolic link points."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path, file in files.items():
            tar.addfile(*_member(path, file))
    changes = [word for instruction in [f"LABEL {OWNED}", *instructions] for word in ("--change", instruction)]
    docker("import", *changes, "-", tag, stdin=archive.getvalue())


def _member(path, file):
    member = tarfile.TarInfo(path.lstrip("/"))
    if isinstance(file, str):
        member.type, member.linkname = tarfile.SYMTYPE, file
        return member, None
    member.mode, member.size = file[0], len(file[1])
    return member, io.BytesIO(file[1])


def program(path):
    """A program of this machine with the libraries and the loader it needs, for `scratch`."""
    listing = command.run("ldd", path, check=False).stdout  # fails on a static one, which needs none
    needed = [word for line in listing.splitlines() for word in line.split() if word.startswith("/")]
    return {str(file): (0o755, Path(file).read_bytes()) for file in [path, *needed]}


def _configured(example, programs, passwd, group, files):
    text = Path(f"examples/entrypoints/{example}/onset.toml").read_bytes()
    described = {
        "/onset": (0o755, ONSET.read_bytes()),
        "/etc/onset/onset.toml": (0o644, text),
        "/etc/passwd": (0o644, f"root:x:0:0:root:/root:/none\n{passwd}\n".encode()),
        "/etc/group": (0o644, f"root:x:0:\n{group}\n".encode()),
        **{path: (0o644, content.encode()) for path, content in files.items()},
    }
    for path in programs:
        described.update(program(path))
    return described


def _redis_files():
    return _configured("redis", ["/usr/bin/redis-server", "/usr/bin/redis-cli"], "redis:x:999:999::/data:/none", "redis:x:999:", {})


NGINX_CONF = """
pid /tmp/nginx.pid;
error_log stderr notice;
events {}
http {
    access_log off;
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    include /etc/nginx/conf.d/*.conf;
}
"""

SITE = """
server {
    listen ${PORT};
    location / { return 200 "$uri for $arg_who: ${GREETING} at $host\n"; }
}
"""


def _nginx_files():
    files = {
        "/etc/nginx/nginx.conf": NGINX_CONF,
        "/etc/nginx/templates/site.conf.template": SITE,
        "/var/log/nginx/.keep": "",
    }
    return _configured("nginx", ["/usr/sbin/nginx"], "nobody:x:65534:65534::/:/none", "nogroup:x:65534:", files)


def _probe_files():
    onset, probe = ONSET.read_bytes(), PROBE.read_bytes()
    machine = OTHER_MACHINE[1].to_bytes(2, sys.byteorder)
    return {
        "/onset": (0o755, onset),
        "/probe": (0o755, probe),
        "/script": (0o755, b"echo a script without a first line\n"),
        "/foreign": (0o755, probe[:18] + machine + probe[20:]),
        "/plain": (0o644, probe),
        "/needs-interpreter": (0o755, b"#!/bin/sh\necho\n"),
        "/empty": (0o755, b""),
    }


def files(image):
    """The paths of all regular files and links in it."""
    container = docker("create", image, "none").stdout.strip()
    try:
        export = Path(command.run("mktemp").stdout.strip())
        docker("export", "--output", export, container)
        with tarfile.open(export) as tar:
            return sorted("/" + member.name for member in tar if not member.isdir())
    finally:
        docker("rm", "--volumes", container)
        export.unlink(missing_ok=True)
