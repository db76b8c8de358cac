"""Web pages that a learner's browser runs: what they may not reach, though they can send requests to this machine.

A call needs a signature, which a page doesn't have. Left are the lab's own pages, of which some ask for none, and all
of the cloud with `--auth open`. There a page of another site is told from a client by what its browser adds: the page's
Origin, or in the Host the name that the page was loaded from (DNS rebinding).
"""

import ipaddress
from urllib.parse import urlsplit

from labsupport.cloud.core.http import HttpRequest

# Domains that are nobody's (RFC 2606, RFC 6762, and the one that ICANN has set aside for private use).
_PRIVATE = (".localhost", ".test", ".local", ".internal")


def is_foreign(request: HttpRequest) -> bool:
    """Whether the request comes from a page of another site, or by a name that is not this machine's."""
    host, origin = request.headers.get("host", ""), request.headers.get("origin", "")
    return not (_is_here(f"//{host}") and (not origin or _is_here(origin)))


def _is_here(url: str) -> bool:
    """An address is one that somebody has typed in, and names without a domain or in one that nobody can register
    come from this machine or its network. Without a host (HTTP/1.0) there is no browser."""
    try:
        name = urlsplit(url).hostname or ""
    except ValueError:
        return False
    if url == "//" or (name and "." not in name and ":" not in name) or name.endswith(_PRIVATE):
        return True
    try:
        return bool(ipaddress.ip_address(name))
    except ValueError:
        return False
