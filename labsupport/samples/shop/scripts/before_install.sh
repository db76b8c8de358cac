#!/usr/bin/env bash
# BeforeInstall: make sure that the shop can run here, and clear the place for it.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))'; then
    say "the shop needs python3, version 3.9 or newer." >&2
    exit 1
fi

rm -rf "$app"                       # files that the new release no longer has must not stay behind
mkdir -p "$app" "$(dirname "$pid_file")" "$(dirname "$log_file")"
say "$app is ready for shop $(<"$revision/VERSION")."
