#!/usr/bin/env bash
# ApplicationStop: ask the shop to stop, and insist after ten seconds.
# On the first deployment to an instance there is nothing to stop, and that is fine.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if ! shop_is_running; then
    say "the shop isn't running here, so there is nothing to stop."
    rm -f "$pid_file"
    exit 0
fi

pid="$(<"$pid_file")"
kill -TERM "$pid" || true           # it may just have ended by itself
for _ in {1..100}; do
    if ! shop_is_running; then
        rm -f "$pid_file"
        say "the shop (process $pid) has stopped."
        exit 0
    fi
    sleep 0.1
done

say "the shop (process $pid) didn't stop within 10 seconds and is ended now."
kill -KILL "$pid" || true
rm -f "$pid_file"
