#!/bin/sh
# Shows what onset does for a main process. On a machine with a shell, from the repository's root:
#
#     cargo run --release -- examples/demo.sh
#
# It ends by itself after some seconds, or at once on Ctrl-C or TERM. ONSET_LOG_LEVEL=debug shows every orphan reaped,
# ONSET_LOG_FORMAT=text makes the reports easier to read.
set -eu

say() { echo "demo: $*"; }

stop() {
    say "$1 arrived: tidying up, then ending with status $2"
    kill "$timer" 2>/dev/null || true
    exit "$2"
}
timer=
trap 'stop TERM 0' TERM
trap 'stop INT 130' INT

# A shell runs a trap only when its foreground command has ended, but breaks off `wait` for it.
pause() {
    sleep "$1" &
    timer=$!
    wait "$timer"
}

# The processes whose parent is onset, in state $1 ("Z": a zombie) or in any.
children_of_onset() {
    for stat in /proc/[0-9]*/stat; do
        # pid (name) state parent ...: proc_pid_stat(5). The name of ours holds no blank.
        read -r pid _ state parent _ <"$stat" 2>/dev/null || continue
        [ "$parent" = "$PPID" ] || continue
        case $state in ${1:-?}) echo "$pid" ;; esac
    done
}

say "I am the main process, pid $$; onset is my parent, pid $PPID"

# Each child's own parent ends at once, so that it becomes an orphan, and onset its parent.
for _ in 1 2 3 4 5; do
    (sleep 1 &)
done
say "five orphans run; onset's children now: $(children_of_onset | tr '\n' ' ')"

pause 2
say "they have ended; zombies left: $(children_of_onset Z | grep -c . || true); onset's children now: $(children_of_onset | tr '\n' ' ')"

say "ending in 3 seconds. Before that: press Ctrl-C here, or kill -TERM $PPID elsewhere (onset forwards it to me)"
pause 3
say "nobody stopped me: ending with status 0"
