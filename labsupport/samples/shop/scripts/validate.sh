#!/usr/bin/env bash
# ValidateService: within 20 seconds the shop must answer, and be the release we meant.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

address="$(python3 "$revision/scripts/metadata.py" local-ipv4)"
url="http://$address:$port"
version="$(<"$revision/VERSION")"

until answer="$(python3 "$revision/scripts/probe.py" "$url" "$version" 2>&1)"; do
    if ! shop_is_running || (( SECONDS >= 20 )); then
        say "$answer" >&2
        say "the last lines of $log_file:" >&2
        tail -n 20 "$log_file" >&2 || true
        exit 1
    fi
    sleep 0.1
done
say "$answer"
