"""Wildcards: of actions, of ARNs, of plain text. Each pattern becomes a test that is compiled once.

Patterns arrive as compiled text (see `variables`), so `*` and `?` are known from the characters of the same name. The
regular expressions use atomic groups, so that no pattern, however many wildcards it has, can take long.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from labsupport.cloud.policy.variables import ONE, STAR

Test = Callable[[str], object]
"""Takes the request's text; a true answer means that it matches."""

ARN_PARTS = 6
_HEAD = ARN_PARTS - 1


def never(_value: str) -> bool:
    """The test of a value that nothing can equal."""
    return False


def always(_value: str) -> bool:
    """The test of a lone `*`."""
    return True


@lru_cache(maxsize=8192)
def text_test(pattern: str) -> Test:
    """A test for plain text, as StringLike and actions use it: wildcards reach over any character."""
    return _simple(pattern) or re.compile(_pieces(pattern, ".", ".*"), re.DOTALL).fullmatch


@lru_cache(maxsize=8192)
def resource_test(pattern: str) -> Test:
    """A test for the ARN of a `Resource` element.

    Wildcards stay inside their part between colons, except in the last part (the resource itself) and except a `*`
    that ends a part, which may reach beyond the colon. Parts left out are `*`.
    AWS: "IAM JSON policy elements: Resource", using wildcards in resource ARNs.
    """
    parts = pattern.split(":", _HEAD)
    if pattern == STAR:
        return always
    parts += [STAR] * (ARN_PARTS - len(parts))
    if not _wild("".join(parts[:_HEAD])):
        return text_test(":".join(parts))
    return _arn_regex(parts, reaching=(3, 4))


@lru_cache(maxsize=8192)
def arn_test(pattern: str) -> Test:
    """A test for the ARN operators: each of the six parts is compared by itself. A lone `*` means any value."""
    if pattern == STAR:
        return always
    parts = pattern.split(":", _HEAD)
    if len(parts) < ARN_PARTS:
        return never
    if not _wild("".join(parts[:_HEAD])):
        return text_test(pattern)
    return _arn_regex(parts, reaching=())


def action_test(pattern: str) -> Test:
    """A test for a lower-cased action; actions are matched without regard to case."""
    return text_test(pattern.lower().replace("*", STAR).replace("?", ONE))


def _arn_regex(parts: list[str], reaching: tuple[int, ...]) -> Test:
    head = [_part(part, place in reaching) for place, part in enumerate(parts[:_HEAD])]
    return re.compile(":".join([*head, _pieces(parts[_HEAD], ".", ".*")]), re.DOTALL).fullmatch


def _part(part: str, reaches: bool) -> str:
    """One part of an ARN's head. Only region and account may reach further, so the cost stays bounded."""
    return _pieces(part, "[^:]", ".*?" if reaches and part.endswith(STAR) else "[^:]*")


def _pieces(pattern: str, one: str, last: str) -> str:
    """The regular expression of a pattern: `one` stands for a character, `last` for its last asterisk."""
    chunks = [_literal(chunk, one) for chunk in re.split(f"{STAR}+", pattern)]
    if len(chunks) == 1:
        return chunks[0]
    first, *middle, end = chunks
    return first + "".join(f"(?>{one}*?{chunk})" for chunk in middle) + last + end


def _literal(chunk: str, one: str) -> str:
    return one.join(re.escape(text) for text in chunk.split(ONE))


def _wild(text: str) -> bool:
    return STAR in text or ONE in text


def _simple(pattern: str) -> Test | None:
    """The common cases, without a regular expression: a fixed text, a fixed beginning, anything."""
    if not _wild(pattern):
        return pattern.__eq__
    beginning = pattern.rstrip(STAR)
    if _wild(beginning):
        return None
    return (lambda value: value.startswith(beginning)) if beginning else always
