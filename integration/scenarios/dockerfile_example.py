"""Dockerfile.example builds, and what it builds starts, forwards and stops.

The images it names have to be pulled, so two stand-ins take their place: an Alpine-like builder with BusyBox as its
shell, whose `cargo` hands out what was built before, and an empty base. Every instruction is run as it is written.
"""

import json
import os
from pathlib import Path

from harness import command, docker, images, reports
from harness.docker import Container

BUILDER = f"onset-integration-builder:{os.getpid()}"
BASE = f"onset-integration-base:{os.getpid()}"
EXAMPLE = f"onset-integration-example:{os.getpid()}"

STAND_INS = {"rust:1-alpine": BUILDER, "gcr.io/distroless/static:nonroot": BASE}

CARGO = b"""#!/bin/sh
# Called as `cargo build ... --target TARGET ...`: the artefacts are there already.
while [ "$1" != --target ]; do shift; done
mkdir -p "$CARGO_TARGET_DIR/$2/release/examples"
cp /prebuilt/onset "$CARGO_TARGET_DIR/$2/release/onset"
cp /prebuilt/probe "$CARGO_TARGET_DIR/$2/release/examples/probe"
"""

RUSTC = b"""#!/bin/sh
echo /rust/lib
"""


APPLETS = ["sh", "cmp", "cp", "dirname", "mkdir", "mv", "od", "tr", "uname", "wc"]
"""What integration/build-static uses of BusyBox in rust:alpine."""


def scenario():
    try:
        images.scratch(BUILDER, builder_files(), "ENV PATH=/bin")
        images.scratch(BASE, {"/etc/passwd": (0o644, b"nonroot:x:65532:65532:nonroot:/:/none\n")})
        docker.docker("build", "--tag", EXAMPLE, "--file", "-", ".", stdin=recipe())
        the_example_works()
    finally:
        docker.docker("image", "rm", "--force", EXAMPLE, BUILDER, BASE, check=False)


def recipe():
    text = Path("Dockerfile.example").read_text()
    for public, stand_in in STAND_INS.items():
        assert text.count(f"FROM {public}") == 1, f"Dockerfile.example does not start from {public}"
        text = text.replace(f"FROM {public}", f"FROM {stand_in}")
    return text


def builder_files():
    busybox = Path("/bin/busybox")
    if not busybox.exists():
        command.run("integration/install-packages", "busybox-static", limit=images.BUILD_LIMIT)
    return images.program(busybox) | {f"/bin/{applet}": "/bin/busybox" for applet in APPLETS} | {
        "/bin/cargo": (0o755, CARGO),
        "/bin/rustc": (0o755, RUSTC),
        "/rust/lib/libstd-stand-in.rlib": (0o644, b""),
        "/prebuilt/onset": (0o755, images.ONSET.read_bytes()),
        "/prebuilt/probe": (0o755, images.PROBE.read_bytes()),
    }


def the_example_works():
    with Container(EXAMPLE) as main:
        main.wait_for_line("ready")
        assert main.stop().seconds < 5
        assert main.wait() == 0
        assert reports.only(main.reports(), "main_started")["argv"] == ["/app", "signals"]
        assert reports.only(main.reports(), "signal_forwarded")["signal"] == "SIGTERM"
    found = json.loads(docker.run(EXAMPLE, "/app", "print").stdout)
    assert (found["uid"], found["gid"]) == (65532, 65532), found
