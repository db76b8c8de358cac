#!/usr/bin/env bash
# AfterInstall: everything has arrived if the shop can be loaded and is the release we meant.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cd "$app"
python3 -c 'import shop.server'
cmp "$revision/VERSION" "$app/VERSION"
say "shop $(<VERSION) is installed in $app."
