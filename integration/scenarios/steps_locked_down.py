"""Every kind of step works for user 65532 without a capability, in an image of onset, a program and a configuration, read-only."""

from harness import docker, images, reports

OPTIONS = [
    *["--read-only", "--user", "65532:65532", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
    *["--tmpfs", "/run:uid=65532,gid=65532,mode=0755", "--env", "DB_PASSWORD_FILE=/etc/onset/secret"],
]

KINDS = [
    *["`directory`", "`template`", "`copy`", "`symlink`", "`edit`", "`read`", "`generate`", "`lock`", "`run`", "`env`"],
    *["`hooks`", "`set`", "`wait`", "`check`", "`passwd`", "`stdio`", "`timezone`", "`ca_bundle`", "`remove`", "`owner`"],
]


def scenario():
    ended = docker.run(images.STEPS, options=OPTIONS)
    assert ended.status == 7, ended
    done = [report["step"] for report in reports.parse(ended.stderr) if report["event"] == "step_done"]
    assert done == KINDS, done
    assert "hunter2" not in ended.stderr, "a secret is shown"
