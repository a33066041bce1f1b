"""1,000 orphans at once, and no zombie is left in the container."""

from harness import images, reports
from harness.docker import Container
from harness.processes import children, until

ORPHANS = 1000


def scenario():
    with Container(images.PROBES, "/probe", "orphans", ORPHANS, options=["--env", "ONSET_LOG_LEVEL=debug"]) as main:
        main.wait_for_line("ready")
        onset = main.host_pid()
        until("all orphans to be reaped", lambda: len(children(onset)) == 1)

        main.stop()
        assert main.wait() == 0

        # So many lines at once may be more than the log's reader takes; what was dropped is counted.
        reaped = len(reports.select(main.reports(), "orphan_reaped", exit_code=0))
        dropped = sum(report["count"] for report in reports.select(main.reports(), "reports_dropped"))
        assert reaped + dropped >= ORPHANS, f"{reaped} orphans reported, {dropped} reports dropped"
