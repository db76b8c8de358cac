"""Pages of a listing. A token names the last item given, so it holds while items come and go."""

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from labsupport.cloud.core.errors import AwsError

T = TypeVar("T")


def token_for(last: str) -> str:
    return base64.urlsafe_b64encode(b"1:" + last.encode()).decode().rstrip("=")


def last_of(token: str | None, error: AwsError) -> str | None:
    """The key that a token names; `error` is raised for what no listing has given out."""
    if not token:
        return None
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise error from None
    if not text.startswith("1:"):
        raise error
    return text[2:]


def page(
    items: Iterable[T],
    key: Callable[[T], str],
    token: str | None,
    size: int,
    error: AwsError,
    descending: bool = False,
) -> tuple[list[T], str | None]:
    """At most `size` of the items after the token's, and the next token (`None` at the end).

    `items` come in the order of their keys, or in its reverse where `descending` (the newest first: what comes
    to be meanwhile is on no later page). `error` is the operation's own for a bad token.
    """
    after = last_of(token, error)
    found: list[T] = []
    for item in items:
        if after is not None and (key(item) >= after if descending else key(item) <= after):
            continue
        if len(found) == size:
            return found, token_for(key(found[-1]))
        found.append(item)
    return found, None


def page_of_list(items: list[T], token: str | None, size: int, error: AwsError) -> tuple[list[T], str | None]:
    """The same by position, for lists that have an order of their own (newest first)."""
    after = last_of(token, error)
    if after is not None and not re.fullmatch(r"[0-9]{1,18}", after):
        raise error
    start = int(after or 0)
    end = start + size
    return items[start:end], token_for(str(end)) if end < len(items) else None
