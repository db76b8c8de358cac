"""Signature Version 4 for the agent's own requests (AWS: "Signing AWS API requests").

botocore has one, but importing it takes longer than everything else that the agent does at its start.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Credentials:
    """`ahead`: by how many seconds the cloud's clock is ahead of this machine's."""

    key: str
    secret: str
    token: str
    expires: float
    ahead: float = 0.0


def signed(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    scope: tuple[str, str],
    credentials: Credentials,
    now: float,
) -> dict[str, str]:
    """The headers of a request with its signature. `scope` is (region, service), `now` in seconds since 1970."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now + credentials.ahead))
    digest = hashlib.sha256(body).hexdigest()
    own = {
        "host": urlsplit(url).netloc,
        "x-amz-content-sha256": digest,
        "x-amz-date": moment,
        "x-amz-security-token": credentials.token,
    }
    every = {name.lower(): value.strip() for name, value in headers.items()} | own
    names = ";".join(sorted(every))
    place = "/".join((moment[:8], *scope, "aws4_request"))
    request = _canonical(method, url, every, names, digest)
    text = "\n".join((_ALGORITHM, moment, place, hashlib.sha256(request.encode()).hexdigest()))
    proof = hmac.digest(_key(credentials.secret, place), text.encode(), "sha256").hex()
    authorization = f"{_ALGORITHM} Credential={credentials.key}/{place}, SignedHeaders={names}, Signature={proof}"
    return {**every, "authorization": authorization}


def _canonical(method: str, url: str, headers: Mapping[str, str], names: str, digest: str) -> str:
    parts = urlsplit(url)
    path = quote(unquote(parts.path), safe="/~") or "/"
    pairs = sorted((quote(key, safe="~"), quote(value, safe="~")) for key, value in parse_qsl(parts.query, True))
    query = "&".join(f"{key}={value}" for key, value in pairs)
    lines = "".join(f"{name}:{headers[name]}\n" for name in names.split(";"))
    return "\n".join((method, path, query, lines, names, digest))


def _key(secret: str, place: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in place.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
