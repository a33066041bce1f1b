"""examples/kubernetes: objects are valid, each onset.toml in order, no Pod is killed before its policy is through.

`onset check --env` runs as the container would: with its variables, as its user, on volumes as the kubelet lays them out.
"""

import json
import os
import sys
import tempfile
import tomllib
from pathlib import Path

from harness import command, docker, images

FILES = sorted(Path("examples/kubernetes").glob("*.yaml"))

VALIDATOR = "kubernetes-validate==1.37.0"
VERSIONS = ["1.29", "1.37"]
"""From the first that knows sidecars without being asked to, to the latest the validator knows."""

ENVIRONMENT = Path("target/kubernetes-validate")
"""A Python environment with the validator and its YAML parser, made once."""

READ = f"""
import json, sys, yaml, kubernetes_validate
documents = [document for name in sys.argv[1:] for document in yaml.safe_load_all(open(name))]
for document in documents:
    for version in {VERSIONS}:
        kubernetes_validate.validate(document, version, strict=True)
json.dump(documents, sys.stdout)
"""

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


IN_ORDER = "/etc/onset/onset.toml: in order\n"


def scenario():
    objects = [thing for thing in documents() if thing]
    files = {(thing["kind"], thing["metadata"]["name"]): contents(thing) for thing in objects}
    pods = list(filter(None, map(pod, objects)))
    assert len(pods) == len(FILES), f"{len(pods)} kinds of Pod in {len(FILES)} files"
    for spec in pods:
        for container in containers(spec):
            found = check(spec, container, files)
            assert found.stdout == IN_ORDER, f"{container['name']}: {found}"
            its_probes_are_understood(container)
        its_time_is_enough(spec, files)
    a_stop_that_may_take_too_long_is_told(pods[0], files)


def documents():
    """All objects of all files, each valid for Kubernetes: no unknown field, no value of the wrong type."""
    python = ENVIRONMENT / "bin/python"
    if not (ENVIRONMENT / VALIDATOR).exists():
        command.run("integration/install-packages", "python3-venv", limit=images.BUILD_LIMIT)
        command.run(sys.executable, "-m", "venv", "--clear", ENVIRONMENT)
        command.run(python, "-m", "pip", "install", "--quiet", VALIDATOR, limit=images.BUILD_LIMIT)
        (ENVIRONMENT / VALIDATOR).touch()  # complete, and of this version
    return json.loads(command.run(python, "-c", READ, *FILES).stdout)


def contents(thing):
    """The files that a ConfigMap or a Secret consists of."""
    return {**thing.get("data", {}), **thing.get("stringData", {})} if thing["kind"] in ("ConfigMap", "Secret") else {}


def pod(thing):
    """The specification of a Pod, or of the Pods that this object makes; None for other objects."""
    spec = thing.get("spec", {})
    return spec if thing["kind"] == "Pod" else spec.get("template", {}).get("spec")


def containers(spec):
    return spec.get("initContainers", []) + spec["containers"]


def check(spec, container, files):
    """What `onset check --env` says in that container."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        mounts = [option for mount in container["volumeMounts"] for option in mounted(spec, mount, files, Path(folder))]
        variables = [f"--env={variable['name']}={variable['value']}" for variable in container.get("env", [])]
        security = spec["securityContext"]
        user = f"--user={security['runAsUser']}:{security['runAsGroup']}"
        options = ["--entrypoint=/onset", "--read-only", "--cap-drop=ALL", user, *variables, *mounts]
        return docker.run(images.PROBES, "check", "--env", options=options, check=True)


def its_probes_are_understood(container):
    """Nobody is there to be asked, so they fail (1); what onset does not understand it refuses (125)."""
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        if kind in container:
            onset, *words = container[kind]["exec"]["command"]
            failed = docker.run(images.PROBES, *words, options=["--entrypoint", onset])
            assert failed.status == 1 and failed.stdout.startswith("failed: "), f"{container['name']}, {kind}: {failed}"


def mounted(spec, mount, files, folder):
    """Options for `docker run` that mount the volume there."""
    volume = next(volume for volume in spec["volumes"] if volume["name"] == mount["name"])
    if "emptyDir" in volume:
        return [f"--tmpfs={mount['mountPath']}:mode=0777"]
    key = ("Secret", volume["secret"]["secretName"]) if "secret" in volume else ("ConfigMap", volume["configMap"]["name"])
    source = folder / mount["name"]
    lay_out(source, files[key])
    return [f"--volume={source.resolve()}:{mount['mountPath']}:ro"]


def lay_out(folder, files):
    """As the kubelet does it: links to links, so that all files change at once
    (https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/volume/util/atomic_writer.go)."""
    version = folder / "..2026_01_01_00_00_00.000000001"
    version.mkdir(parents=True)
    os.symlink(version.name, folder / "..data")
    for name, text in files.items():
        (version / name).write_text(text)
        os.symlink(f"..data/{name}", folder / name)


def a_stop_that_may_take_too_long_is_told(spec, files):
    """The check above would show it: with a second less than the policy takes there is a warning."""
    [container] = spec["containers"]
    policy = shutdown(spec, container, files)
    said, too_short = policy["budget"], f"{seconds(policy) - 1:.0f}s"
    cut = {
        key: {name: text.replace(f'budget = "{said}"', f'budget = "{too_short}"') for name, text in texts.items()}
        for key, texts in files.items()
    }
    found = check(spec, container, cut)
    assert f"`shutdown.budget` is {too_short}" in found.stdout, found


def its_time_is_enough(spec, files):
    """Sidecars are stopped when all others have ended, one after the other; the others together."""
    policies = {container["name"]: shutdown(spec, container, files) for container in containers(spec)}
    sidecars = {container["name"] for container in spec.get("initContainers", [])}
    longest = {name: seconds(policy) for name, policy in policies.items()}
    together = max(time for name, time in longest.items() if name not in sidecars)
    whole = together + sum(longest[name] for name in sidecars)
    given = spec["terminationGracePeriodSeconds"]
    assert whole <= given, f"{longest}: {whole} s of {given} s"
    for name, policy in policies.items():
        left = given - together if name in sidecars else given
        assert duration(policy["budget"]) <= left, f"{name}: budget {policy['budget']}, and {left} s are left for it"


def shutdown(spec, container, files):
    """The policy of its configuration."""
    mount = next(mount for mount in container["volumeMounts"] if mount["mountPath"] == "/etc/onset")
    volume = next(volume for volume in spec["volumes"] if volume["name"] == mount["name"])
    return tomllib.loads(files["ConfigMap", volume["configMap"]["name"]]["onset.toml"])["shutdown"]


def seconds(policy):
    """How long a stop takes at most."""
    times = [(run.get("timeout", "10s"), run.get("grace", "2s")) for run in policy.get("run", [])]
    commands = sum(duration(timeout) + duration(grace) for timeout, grace in times)
    rungs = [rung["wait"] for rung in policy["ladder"]] if "ladder" in policy else [policy["grace"]]
    drain = max(duration(policy.get("drain", "0s")), commands)
    return drain + sum(map(duration, rungs)) + duration(policy.get("linger", "0s"))


def duration(text):
    number = text.rstrip("hms")
    return float(number) * UNITS[text[len(number) :]]
