"""Filters and pages of the Describe operations (EC2 User Guide: "Filter your resources")."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, TypeVar

from labsupport.cloud.core import paging
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.ec2.base import Params, invalid

T = TypeVar("T")
Values = dict[str, Callable[[Any], Any]]  # a filter's name -> what it looks at: text, or a list of texts


def filtered(items: Iterable[T], params: Params, values: Values, tags: Callable[[T], dict[str, str]]) -> list[T]:
    """The items that pass every filter; `tag:KEY`, `tag-key` and `tag-value` look at their tags."""
    found = list(items)
    for one in params.get("Filters", []):
        look = _look(one.get("Name") or "", values, tags)
        wanted = one.get("Values", [])
        found = [item for item in found if _passes(look(item), wanted)]
    return found


def _look(name: str, values: Values, tags: Callable[[Any], dict[str, str]]) -> Callable[[Any], Any]:
    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return lambda item: [tags(item)[key]] if key in tags(item) else []
    if name == "tag-key":
        return lambda item: list(tags(item))
    if name == "tag-value":
        return lambda item: list(tags(item).values())
    if name not in values:
        raise invalid(f"The filter '{name}' is invalid")
    return values[name]


def _passes(seen: Any, wanted: list[str]) -> bool:
    texts = seen if isinstance(seen, list) else [seen]
    return any(_pattern(one).fullmatch(str(text)) for text in texts for one in wanted)


@lru_cache(maxsize=512)
def _pattern(text: str) -> re.Pattern[str]:
    """`*` is any text, `?` one character; a backslash takes that meaning from what follows."""
    parts = re.findall(r"\\.|[*?]|[^*?\\]+|\\", text, re.DOTALL)
    meaning = {"*": ".*", "?": "."}
    return re.compile("".join(meaning.get(part) or re.escape(_plain(part)) for part in parts), re.DOTALL)


def _plain(part: str) -> str:
    return part[1:] if len(part) == 2 and part[0] == "\\" else part


def paged(
    items: list[T], key: Callable[[T], str], params: Params, lowest: int = 5, default: int = 1000
) -> tuple[list[T], str | None]:
    size = params.get("MaxResults", default)
    if not lowest <= size <= 1000:
        raise invalid(
            f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value between {lowest} and 1000."
        )
    bad = AwsError("InvalidNextToken", "The specified NextToken is not valid.", 400)
    return paging.page(sorted(items, key=key), key, params.get("NextToken"), size, bad)
