"""The images the scenarios run: all FROM scratch, onset with one application each, and nothing else."""

import io
import os
import platform
import sys
import tarfile
import tempfile
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

STEPS = f"onset-integration-steps:{os.getpid()}"
"""onset, the tests' probe, and a configuration with a step of every kind, all of them for a tmpfs at /run."""

WEB = f"onset-integration-web:{os.getpid()}"
"""nginx on ${PORT}, with a shutdown policy and a HEALTHCHECK; the header `Server-Name` of its answers says who it is."""

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
    scratch(STEPS, _steps_files(), 'ENTRYPOINT ["/onset", "--"]')
    scratch(CONFIGURED_NGINX, _nginx_files(), 'ENTRYPOINT ["/onset", "--"]')
    scratch(WEB, _web_files(), 'ENTRYPOINT ["/onset", "--"]', WEB_HEALTHCHECK)


def remove():
    """Takes them off the engine again, with what a build left on the way."""
    docker("image", "rm", "--force", REDIS, PROBES, CONFIGURED_REDIS, CONFIGURED_NGINX, STEPS, WEB, check=False)
    docker("image", "prune", "--force", "--filter", f"label={OWNED}", check=False)


def scratch(tag, files, *instructions):
    """An image of these files only.

    Path -> (mode, content) or (mode, content, owner); content is bytes, or a Path to take them from, or None for a
    folder. Or path -> where a symbolic link points.
    """
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for path, file in files.items():
                _add(tar, path, file)
        archive.flush()
        changes = [word for instruction in [f"LABEL {OWNED}", *instructions] for word in ("--change", instruction)]
        docker("import", *changes, archive.name, tag, limit=BUILD_LIMIT)


def _add(tar, path, file):
    member = tarfile.TarInfo(path.lstrip("/"))
    if isinstance(file, str):
        member.type, member.linkname = tarfile.SYMTYPE, file
        return tar.addfile(member)
    member.mode, content, *owner = file
    member.uid = member.gid = owner[0] if owner else 0
    if content is None:
        member.type = tarfile.DIRTYPE
        return tar.addfile(member)
    if isinstance(content, bytes):
        member.size = len(content)
        return tar.addfile(member, io.BytesIO(content))
    with content.open("rb") as source:
        # The time counts for Python, whose compiled modules name that of their source.
        status = os.stat(source.fileno())
        member.size, member.mtime = status.st_size, int(status.st_mtime)
        return tar.addfile(member, source)


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


WEB_HEALTHCHECK = (
    'HEALTHCHECK --interval=1s --timeout=10s --retries=1 CMD ["/onset", "probe", "http://127.0.0.1:${PORT}/", "ready"]'
)

WEB_CONFIGURATION = """
version = 1

[app]
command = ["/usr/sbin/nginx", "-e", "stderr", "-c", "/tmp/nginx.conf"]

[env.PORT]
default = "8080"
type = "port"

[[steps]]
template = { source = "/etc/onset/nginx.conf", target = "/tmp/nginx.conf" }

[shutdown]
drain = "${DRAIN:-0s}"
signal = "SIGQUIT"
grace = "20s"
"""

WEB_NGINX = """
daemon off;
pid /tmp/pid;
error_log stderr notice;
events { }
http {
    access_log off;
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    server {
        listen ${PORT};
        add_header Server-Name $hostname;
        location / { return 200 "hello\\n"; }
        # Takes one to two seconds.
        location /slow { root /srv; limit_rate 64k; }
    }
}
"""


def _web_files():
    return {
        "/onset": (0o755, ONSET.read_bytes()),
        "/etc/onset/onset.toml": (0o644, WEB_CONFIGURATION.encode()),
        "/etc/onset/nginx.conf": (0o644, WEB_NGINX.encode()),
        "/srv/slow": (0o644, bytes(128 * 1024)),
        **program("/usr/sbin/nginx"),
    }


STEPS_CONFIGURATION = """
version = 1
[app]
command = ["/probe", "exit", "7"]
[env.DB_PASSWORD]
required = true
secret = true
file = true
[[steps]]
name = "directory"
directory = { path = "/run/app", mode = "0750" }
[[steps]]
name = "template"
template = { content = "p=${DB_PASSWORD}", target = "/run/app/site" }
[[steps]]
name = "copy"
copy = { from = "/defaults", to = "/run/copied" }
[[steps]]
name = "symlink"
symlink = { path = "/run/link", target = "/run/copied" }
[[steps]]
name = "edit"
edit = { path = "/run/copied/app.properties", format = "properties", set = { port = "1" } }
[[steps]]
name = "read"
read = { path = "/run/copied/app.properties", format = "properties", key = "port", into = "READ_PORT" }
[[steps]]
name = "generate"
generate = { path = "/run/key", into = "KEY" }
[[steps]]
name = "lock"
lock = { path = "/run/lock" }
[[steps]]
name = "run"
run = { command = ["/probe", "exit", "${READ_PORT}"], success = [1] }
[[steps]]
name = "env"
env = { command = ["/bin/print"] }
[[steps]]
name = "hooks"
hooks = { directory = "/hooks" }
[[steps]]
name = "set"
set = { NAME = "${PRINTED} ${HOOKED}" }
[[steps]]
name = "wait"
wait = { file = ["/run/key"] }
[[steps]]
name = "check"
check = { path = "/run/app", is = ["dir", "writable"], that = "env.NAME == 'yes too'" }
[[steps]]
name = "passwd"
passwd = { name = "app", on_read_only = "skip" }
[[steps]]
name = "stdio"
stdio = { }
[[steps]]
name = "timezone"
timezone = { zone = "Etc/UTC", path = "/run/localtime" }
[[steps]]
name = "ca_bundle"
ca_bundle = { add = ["/certs/*.pem"], target = "/run/ca.pem" }
[[steps]]
name = "remove"
remove = { paths = ["/run/*.pid"] }
[[steps]]
name = "owner"
owner = { path = "/run/app", owner = "65532:65532" }
"""


def _steps_files():
    texts = {
        "/etc/onset/onset.toml": STEPS_CONFIGURATION,
        "/etc/onset/secret": "hunter2hunter2\n",
        "/etc/passwd": "root:x:0:0:root:/root:/none\n",
        "/etc/group": "root:x:0:\n",
        "/defaults/app.properties": "port=0\n",
        "/stubs/print": "stdout PRINTED=yes\n",
        "/hooks/1.env": "HOOKED=too\n",
        "/usr/share/zoneinfo/Etc/UTC": "TZif2",
        "/certs/own.pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    }
    programs = {"/onset": ONSET, "/probe": PROBE, "/bin/print": PROBE}
    return {
        **{path: (0o644, text.encode()) for path, text in texts.items()},
        **{path: (0o755, program.read_bytes()) for path, program in programs.items()},
    }


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
