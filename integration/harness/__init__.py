"""What the scenarios are written with. Read docker.Container first.

Every call has a time limit, every wait is for an event (a log line, an end), and everything that was run is kept in
`transcript`, which integration/run shows when a scenario fails.
"""
