"""onset's reports: the JSON lines among all that a container wrote to stderr."""

import json


def parse(text):
    """The reports in `text`, oldest first; lines of the application are left out."""
    found = []
    for line in text.splitlines():
        try:
            report = json.loads(line)
        except ValueError:
            continue
        if isinstance(report, dict) and report.get("logger") == "onset":
            found.append(report)
    return found


def select(reports, event, **fields):
    """The reports of that event whose fields have these values."""
    wanted = {"event": event, **fields}
    return [report for report in reports if all(report.get(key) == value for key, value in wanted.items())]


def only(reports, event, **fields):
    """The one report of that event; AssertionError when there is none, or another."""
    found = select(reports, event, **fields)
    assert len(found) == 1, f"{len(found)} reports {event} {fields}, expected one, among {reports}"
    return found[0]
