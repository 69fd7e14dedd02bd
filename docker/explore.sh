#!/bin/sh
# The result database as web pages: of a snapshot, so that nobody who reads keeps a run from writing.
set -eu
snapshot=$(mktemp -d)/harness.sqlite
case "${HARNESS_DATABASE_URL:-}" in
    postgresql*) harness db copy --to "sqlite:///$snapshot" ;;
    *) harness db backup "$snapshot" ;;
esac
exec datasette serve --immutable "$snapshot" --metadata /usr/local/share/harness/datasette.json \
    --host 0.0.0.0 --port 8001 --setting sql_time_limit_ms 10000
