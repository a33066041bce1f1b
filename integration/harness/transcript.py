"""What one scenario ran and saw, for the reader of a failure."""

_lines = []


def begin():
    """Forgets what the scenario before this one did."""
    _lines.clear()


def add(text):
    """Keeps `text`, indented where it goes over more than one line."""
    _lines.append(text.rstrip().replace("\n", "\n    "))


def text():
    """All of it, in the order in which it happened."""
    return "\n".join(_lines)
