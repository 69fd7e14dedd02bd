#!/bin/sh
# `harness`, or `ray` and `explore` by name, as the user who owns the results folder: what it writes belongs to the host's user, whoever that is.
set -eu
case "${1:-}" in
    ray | explore) ;;
    *) set -- harness "$@" ;;
esac
owner=$(stat -c %u "$HARNESS_RESULTS_DIR")
group=$(stat -c %g "$HARNESS_RESULTS_DIR")
if [ "$(id -u)" = 0 ]; then
    exec setpriv --reuid "$owner" --regid "$group" --clear-groups "$@"
fi
if [ ! -w "$HARNESS_RESULTS_DIR" ]; then
    echo "note: user $(id -u) cannot write $HARNESS_RESULTS_DIR, which belongs to user $owner;" \
        "start the container with --user $owner:$group" >&2
fi
exec "$@"
