"""Pages of a sorted listing, in either direction, whose tokens hold while items come and go."""

from labsupport.cloud.core import paging
from labsupport.cloud.services.codebuild.base import PAGE, Params, invalid


def page(found: list[tuple[str, str]], params: Params, default_order: str) -> tuple[list[str], str | None]:
    """At most 100 of the items, and the next token. `found` are pairs of what sorts an item, unique, and the item."""
    descending = params.get("sortOrder", default_order) == "DESCENDING"
    after = paging.last_of(params.get("nextToken"), invalid("Invalid next token"))
    left = [pair for pair in found if after is None or (pair[0] < after if descending else pair[0] > after)]
    left.sort(reverse=descending)
    token = paging.token_for(left[PAGE - 1][0]) if len(left) > PAGE else None
    return [item for _, item in left[:PAGE]], token
