#!/usr/bin/python3
"""The entrypoint job of the benchmark; onset.toml has the same."""
import os
import re
import sys

REQUIRED = ["DB_HOST", "DB_NAME", "DB_USER", "SERVER_NAME", "DB_PASSWORD", "API_TOKEN"]
DEFAULTS = {
    "APP_ENV": "production",
    "LOG_LEVEL": "info",
    "PORT": "8080",
    "WORKERS": "4",
    "DB_PORT": "5432",
    "CACHE_SIZE": "64m",
}

env = os.environ
for name in ["DB_PASSWORD", "API_TOKEN"]:
    path = env.pop(name + "_FILE", None)
    if path:
        with open(path) as file:
            env[name] = file.read().rstrip("\n")
for name in REQUIRED:
    if not env.get(name):
        sys.exit(f"{name} is not set")
for name, value in DEFAULTS.items():
    env[name] = env.get(name) or value

reference = re.compile(r"\$\{(" + "|".join([*REQUIRED, *DEFAULTS]) + r")\}")


def render(source, target, mode):
    with open(source) as file:
        text = reference.sub(lambda found: env[found.group(1)], file.read())
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)


os.makedirs("run/conf", exist_ok=True)
render("templates/logging.conf.template", "run/conf/logging.conf", 0o644)
render("templates/settings.conf.template", "run/conf/settings.conf", 0o600)
render("templates/site.conf.template", "run/conf/site.conf", 0o644)

os.execvp(sys.argv[1], sys.argv[1:])
