#!/usr/bin/env bash
# ApplicationStart: start the shop in the background, on the instance's private address.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

bash "$revision/scripts/stop.sh"    # ApplicationStop may have been skipped
address="$(python3 "$revision/scripts/metadata.py" local-ipv4)"

# A session of its own keeps the shop alive when the hook's processes are ended; with its
# input and output elsewhere, the agent doesn't wait for it.
launch=(nohup)
if command -v setsid >/dev/null; then launch=(setsid nohup); fi
mkdir -p "$(dirname "$pid_file")" "$(dirname "$log_file")"
cd "$app"
"${launch[@]}" python3 -m shop.server --home "$app" --host "$address" --port "$port" </dev/null >>"$log_file" 2>&1 &
echo "$!" >"$pid_file"
while kill -0 "$!" 2>/dev/null && ! shop_is_running; do sleep 0.01; done   # until the new process has become the shop
say "shop $(<VERSION) starts at http://$address:$port (process $!, log $log_file)."
