# shellcheck shell=bash disable=SC2034
# What the hooks share: where things are, and whether the shop is running. Read by `source`.

# Hooks don't run inside the unpacked revision, so find it from this file's own place.
revision="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# Everything lies below the instance's root. That is / on a real machine; an instance
# that is a folder of another machine says where its root is.
root="${INSTANCE_ROOT:-}"
root="${root%/}"
app="$root/srv/shop"
pid_file="$root/var/run/shop.pid"
log_file="$root/var/log/shop.log"
port=8080

export PYTHONDONTWRITEBYTECODE=1    # nothing lands in $app that wasn't installed there

say() { echo "${LIFECYCLE_EVENT:-shop}: $*"; }

# Is the process in the pid file the shop? After a restart of the machine the
# number may belong to another process, so look at what it was started with.
shop_is_running() {
    local pid command
    [[ -s "$pid_file" ]] || return 1
    pid="$(<"$pid_file")"
    if [[ -d /proc/self ]]; then
        command="$( (tr '\0' ' ' <"/proc/$pid/cmdline") 2>/dev/null)" || return 1
    else
        command="$(ps -p "$pid" -o command= 2>/dev/null)" || return 1
    fi
    [[ "$command " == *" -m shop.server --home $app "* ]]
}
