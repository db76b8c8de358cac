"""A request in the one spelling that both sides sign (AWS: "Create a signed AWS API request", step 1)."""

import re
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

_PLAIN_PATH = re.compile(r"(?:/[\w~-][\w.~-]*)+/?", re.ASCII)
_SIGNATURE = "X-Amz-Signature"


def canonical_request(
    method: str,
    path: str,
    query: str,
    headers: dict[str, str],
    signed_headers: str,
    payload: str,
) -> str:
    """The canonical request; `path` and `query` are already canonical, `signed_headers` is `a;b;c` in lower case.

    A header that the client says it signed and that didn't arrive counts as empty, so the signatures differ.
    """
    get = headers.get
    lines = "".join([f"{name}:{' '.join(get(name, '').split())}\n" for name in signed_headers.split(";")])
    return f"{method}\n{path}\n{query}\n{lines}\n{signed_headers}\n{payload}"


def signed_path(raw_path: str, s3: bool) -> str:
    """The path as botocore signs it: S3's as sent, others' without dot segments and encoded a second time."""
    if s3 or raw_path == "/":
        return raw_path
    if _PLAIN_PATH.fullmatch(raw_path):
        return raw_path
    return quote(_without_dots(raw_path), safe="/~")


def signed_query(query: str) -> str:
    """The pairs in order of their encoded names and values, without the signature itself, encoded as sent."""
    if not query:
        return ""
    pairs = [part.partition("=") for part in query.split("&")]
    return "&".join([f"{name}={value}" for name, _, value in sorted(pairs) if name != _SIGNATURE])


def respelt_path(raw_path: str) -> str:
    """An S3 path in AWS's own spelling, for clients that leave characters bare that AWS encodes."""
    return quote_from_bytes(unquote_to_bytes(raw_path), safe="/~")


def respelt_query(query: str) -> str:
    """A query in AWS's own spelling: each name and value decoded and encoded again, `+` being a space."""
    return "&".join(["=".join([_respelt(side) for side in part.split("=", 1)]) for part in query.split("&")])


def _respelt(text: str) -> str:
    return quote_from_bytes(unquote_to_bytes(text.replace("+", " ")), safe="~")


def _without_dots(path: str) -> str:
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    last = "/" if path.endswith("/") and kept else ""
    return "/" + "/".join(kept) + last
