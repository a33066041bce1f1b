"""docker run --init: onset is not PID 1, so it becomes a sub-reaper; orphans are reaped and a stop works."""

from harness import images, reports
from harness.docker import Container
from harness.processes import children, command_line, pid_inside, until

ORPHANS = 50


def scenario():
    options = ["--init", "--env", "ONSET_LOG_LEVEL=debug"]
    with Container(images.PROBES, "/probe", "orphans", ORPHANS, options=options) as main:
        main.wait_for_line("ready")
        docker_init = main.host_pid()
        (onset,) = children(docker_init)
        assert command_line(onset)[0] == "/onset"
        assert pid_inside(onset) != 1
        supervising = main.wait_for_report("supervising")
        assert supervising["sub_reaper"] is True and supervising["pid"] == pid_inside(onset), supervising

        until("onset to have reaped all", lambda: len(children(onset)) == 1)
        assert len(children(docker_init)) == 1, "an orphan went past onset"

        main.stop()
        assert main.wait() == 0
        assert len(reports.select(main.reports(), "orphan_reaped", exit_code=0)) == ORPHANS
