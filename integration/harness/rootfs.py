"""Root file systems laid out as distroless has them, from the Debian packages of this machine.

What is in them: the users root, nobody and nonroot (65532), certificates, time zones, C.UTF-8, /tmp, and of the
packages that are asked for their files, the programs that are named, and the libraries all of those need. No shell, no
coreutils: of a package's programs only those that are named come along, and no script that a shell would have to run.
"""

import os
import re
import subprocess
from pathlib import Path

from harness import command, images

NONROOT = 65532

PASSWD = f"""\
root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:{NONROOT}:{NONROOT}:nonroot:/home/nonroot:/sbin/nologin
"""

GROUP = f"""\
root:x:0:
nobody:x:65534:
tty:x:5:
staff:x:50:
nonroot:x:{NONROOT}:
"""

FOLDERS = {
    "/tmp": 0o1777,
    "/root": 0o700,
    "/run": 0o755,
    "/var/lib": 0o755,
    "/var/log": 0o755,
    "/var/tmp": 0o1777,
}

MERGED = ["bin", "sbin", "lib", "lib64"]
"""Folders that are links into /usr, as in Debian since 2023."""

BASE_PACKAGES = ["ca-certificates", "tzdata"]

LEFT_OUT = re.compile(
    r"/usr/share/(doc|man|locale|lintian|bug|info|bash-completion|menu|pixmaps|applications|gcc|gdb)/"
    r"|/usr/share/zoneinfo/(posix|right)/|/etc/(init\.d|default|logrotate\.d|rsyslog\.d|apache2|cron\.\w+)/"
    r"|/usr/lib/(systemd|tmpfiles\.d)/|/usr/include/|/s?bin/|\.a$"
)
"""What of a package an image does not need. Programs are named one by one."""

SHELL_SCRIPT = re.compile(rb"#! */(usr/)?bin/(env +)?(ba|da|k|z)?sh\b")


def base():
    """What every image has."""
    folders = {path: (mode, None) for path, mode in FOLDERS.items()}
    texts = {
        "/etc/passwd": PASSWD,
        "/etc/group": GROUP,
        "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        "/etc/os-release": 'ID=debian\nNAME="Debian GNU/Linux"\n',
    }
    return {
        **{f"/{name}": f"usr/{name}" for name in MERGED},
        **{f"/usr/{name}": (0o755, None) for name in MERGED},
        **folders,
        "/home/nonroot": (0o700, None, NONROOT),
        **{path: (0o644, text.encode()) for path, text in texts.items()},
        "/etc/ssl/certs/ca-certificates.crt": (0o644, Path("/etc/ssl/certs/ca-certificates.crt")),
        **tree("/usr/lib/locale/C.utf8"),
        **package_files("tzdata"),
        "/onset": (0o755, images.ONSET),
    }


def of(packages=(), programs=(), without=r"(?!)"):
    """`base`, with the files of these packages (but for those that match `without`) and these programs."""
    files = base() | package_files(*packages, without=without)
    for program in programs:
        files[_merged(str(program))] = (0o755, Path(program))
    return with_libraries(files)


def package_files(*packages, without=r"(?!)"):
    """The files of packages, where they are and what they are."""
    if not packages:
        return {}
    left_out = re.compile(without)
    found = {}
    for line in _said("dpkg", "--listfiles", *packages).splitlines():
        path = _merged(line)
        if not LEFT_OUT.search(path) and not left_out.search(path):
            found.update(_file(path))
    return found


def tree(top, to=None, owner=0):
    """A folder with all that is in it; at another place, if `to` says so."""
    top = Path(top)
    place = Path(to) if to else top
    found = {str(place): (top.stat().st_mode & 0o7777, None, owner)}
    for path in sorted(top.rglob("*")):
        inside = str(place / path.relative_to(top))
        if path.is_symlink():
            found[inside] = str(path.readlink())
        else:
            found[inside] = (path.stat().st_mode & 0o7777, None if path.is_dir() else path, owner)
    return found


def _file(path):
    source = Path(path)
    if source.is_symlink():
        return {path: str(source.readlink())}
    if not source.is_file() or _is_shell_script(source):
        return {}
    # What Python has compiled when the package was installed belongs to no package.
    compiled = source.parent.glob(f"__pycache__/{source.stem}.cpython-3?*[0-9].pyc") if source.suffix == ".py" else []
    return {str(file): (file.stat().st_mode & 0o777, file) for file in [source, *compiled]}


def _is_shell_script(path):
    with path.open("rb") as file:
        return SHELL_SCRIPT.match(file.read(40)) is not None


def with_libraries(files):
    """`files`, with the libraries and the loader that the programs and libraries among them need."""
    binaries = [file[1] for file in files.values() if not isinstance(file, str) and _is_elf(file[1])]
    listing = _said("ldd", *binaries) if binaries else ""
    needed = {word for line in listing.splitlines() for word in line.split() if word.startswith("/") and word[-1] != ":"}
    # Normal, because a library may name others from where it is: /usr/lib/jvm/bin/../lib.
    return files | {_merged(os.path.normpath(path)): (0o755, Path(path)) for path in sorted(needed)}


def _said(*words):
    """What a program prints; not for the transcript, where it would bury all else. ldd fails on static files."""
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=command.LIMIT).stdout


def _is_elf(content):
    if not isinstance(content, Path):
        return False
    with content.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _merged(path):
    top = path.lstrip("/").split("/")[0]
    return f"/usr{path}" if top in MERGED else path


def moved(program, place):
    """A program at another place, with the libraries it needs."""
    return with_libraries({str(place): (0o755, Path(program))})
