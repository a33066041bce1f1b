"""docker run -it: Ctrl-C ends the main process, Ctrl-Z hangs nothing, a new window size is told."""

import contextlib

from harness import images
from harness.docker import Container
from harness.terminal import Terminal

CTRL_C, CTRL_Z = "\x03", "\x1a"


def scenario():
    ctrl_c_ends_main()
    keys_and_sizes_reach_main()
    ctrl_z_does_not_hang_the_container()


def ctrl_c_ends_main():
    with on_terminal("/probe", "sleep") as (main, screen):
        screen.wait_for("ready")
        screen.press(CTRL_C)
        assert screen.wait() == 130
        assert main.wait() == 130


def keys_and_sizes_reach_main():
    with on_terminal("/probe", "signals") as (main, screen):
        screen.wait_for("ready")
        # The terminal signals the main process's group by itself, so onset has nothing to forward.
        screen.press(CTRL_C)
        screen.wait_for('"signo":2')
        screen.press(CTRL_Z)
        screen.wait_for('"signo":20')
        screen.resize(50, 132)
        screen.wait_for('"signo":28')
        # Docker's own first size may come before the terminal is main's: then it is onset that sends it on.
        for key in ("SIGINT", "SIGTSTP"):
            assert f"{key} forwarded" not in screen.text(), "a key arrived twice"
        main.stop()
        assert screen.wait() == 0


def ctrl_z_does_not_hang_the_container():
    # Nobody in the container could let a stopped main process go on, so onset does.
    for end_it, status in ((press_ctrl_c, 130), (stop, 143)):
        with on_terminal("/probe", "sleep") as (main, screen):
            screen.wait_for("ready")
            screen.press(CTRL_Z)
            screen.wait_for("main_stopped")
            end_it(main, screen)
            assert screen.wait() == status
            assert main.wait() == status


def press_ctrl_c(_, screen):
    screen.press(CTRL_C)


def stop(main, _):
    seconds = main.stop().seconds
    assert seconds < 5, f"docker stop took {seconds:.2f} s"


@contextlib.contextmanager
def on_terminal(*words):
    """The container, and the screen at which somebody sits (`docker run -it`, in the two steps it consists of)."""
    options = ["--interactive", "--tty", "--env", "ONSET_LOG_LEVEL=debug"]
    with Container(images.PROBES, *words, options=options, start=False) as main:
        with Terminal("docker", "start", "--attach", "--interactive", main.id) as screen:
            yield main, screen
