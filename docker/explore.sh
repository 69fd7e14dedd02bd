#!/bin/sh
# The result database as web pages: of a snapshot, so that nobody who reads keeps a run from writing.
set -eu
snapshot=$(mktemp -d)/harness.sqlite
harness db backup "$snapshot"
exec datasette serve --immutable "$snapshot" --metadata /usr/local/share/harness/datasette.json \
    --host 0.0.0.0 --port 8001 --setting sql_time_limit_ms 10000
