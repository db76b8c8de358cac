"""Warnings about a policy that AWS takes: actions that exist nowhere, resources that the actions don't take.

Such statements are legal and match nothing. AWS: "IAM Access Analyzer policy check reference".
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from labsupport.cloud.core import reference
from labsupport.cloud.policy.document import Document, Resource, Statement
from labsupport.cloud.policy.match import action_test

_PLACE = re.compile(r"\$\{[^{}]*\}")
_NAMED = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Remark:
    """`statement` counts from 0; `kind` is for programs, `message` for people."""

    statement: int
    kind: str
    written: str
    message: str

    def as_dict(self) -> dict[str, Any]:
        return {"statement": self.statement, "kind": self.kind, "written": self.written, "message": self.message}


def warnings(document: Document) -> list[Remark]:
    """What a reader of the document should look at, in its order."""
    found: list[Remark] = []
    for statement in document.statements:
        found += _unknown_actions(statement)
        found += [] if statement.not_action or statement.not_resource else _resources_not_taken(statement)
    return found


def _unknown_actions(statement: Statement) -> list[Remark]:
    found = []
    for written in statement.actions:
        prefix = written.partition(":")[0].lower()
        if written == "*" or "*" in prefix:
            continue
        if prefix not in reference.services():
            found.append(
                Remark(
                    statement.index,
                    "unknownService",
                    written,
                    f"No service's actions begin with {prefix}.{_hint(written)}",
                )
            )
        elif not _matching(written):
            message = f"AWS has no action like {written}.{_hint(written)}"
            found.append(Remark(statement.index, "unknownAction", written, message))
    return found


def _hint(written: str) -> str:
    found = _meant(written)
    return f" Perhaps {found} is meant." if found else ""


@lru_cache(maxsize=1024)
def _meant(written: str) -> str:
    """The action that a misspelt one comes closest to; nothing where none comes close."""
    prefix, _, name = written.partition(":")
    if "*" in written or "?" in written:
        return ""
    services = [prefix.lower()] if prefix.lower() in reference.services() else _closest(prefix, reference.services())
    actions = [f"{service}:{action}" for service in services for action in reference.actions_of(service)]
    return next(iter(_closest(f"{services[0]}:{name}", actions)), "") if services else ""


def _closest(written: str, known: Iterable[str]) -> list[str]:
    """The one of the known that is spelt most alike, capitals or not."""
    lower = {one.lower(): one for one in known}
    return [lower[one] for one in difflib.get_close_matches(written.lower(), lower, n=1, cutoff=0.75)]


def why_not(statement: Statement, action: str) -> list[Remark]:
    """What keeps a statement that was meant to allow an action from ever doing so."""
    if statement.deny or statement.not_action:
        return []
    if not statement.covers_action(action.lower()):
        return [one for one in _unknown_actions(statement) if _meant(one.written).lower() == action.lower()]
    arns = _arns(action)
    if (
        not statement.resources
        or statement.not_resource
        or None in arns
        or any(_taken(pattern, arns) for pattern in statement.resources)
    ):
        return []
    written = ", ".join(pattern.written for pattern in statement.resources)
    return [Remark(statement.index, "resourceNotTaken", written, _never(action, written, [arn for arn in arns if arn]))]


def _never(action: str, written: str, takes: list[str]) -> str:
    if not takes:
        return f'{action} concerns no single resource, so {written} never matches it: it needs "*".'
    return f"{action} never acts on {written}: it takes {' or '.join(_shown(takes))}."


def _shown(arns: Iterable[str]) -> list[str]:
    """A few ARNs for people, the plainest first: `arn:aws:s3:::BucketName/ObjectName`."""
    plain = {_NAMED.sub(r"\1", arn.replace("${Partition}", "aws")) for arn in arns}
    return sorted(plain, key=lambda arn: (len(arn), arn))[:5]


def _resources_not_taken(statement: Statement) -> list[Remark]:
    """Patterns that fit no type of resource of any of the statement's actions."""
    arns = [arn for written in statement.actions for arn in _arns(written)]
    if None in arns or not arns:
        return []
    known = [arn for arn in arns if arn]
    return [
        Remark(statement.index, "resourceNotTaken", pattern.written, _not_taken(pattern.written, known))
        for pattern in statement.resources
        if not _taken(pattern, known)
    ]


def _taken(pattern: Resource, arns: Iterable[str | None]) -> bool:
    """Whether a pattern fits one of the ARNs, or all there is."""
    written = _glob(pattern.written)
    return written == "*" or any(_fits(written, arn) for arn in arns if arn)


def _fits(written: str, arn: str) -> bool:
    """Field by field, for no place of an ARN holds a colon; as a whole where an asterisk may stand for several fields.

    A bucket's name holds no slash either, so a pattern of objects is none of buckets.
    """
    *head, last = written.split(":", 5)
    if len(head) < 5 or "*" in "".join(head):
        return _overlap(written, _glob(arn))
    if arn.endswith(":::${BucketName}") and "/" in last:
        return False
    return all(map(_overlap, [*head, last], _glob(arn).split(":", 5)))


def _not_taken(written: str, known: list[str]) -> str:
    if not known:
        return f'The actions concern no single resource, so {written} matches nothing: they need "*".'
    return f"No action of the statement takes {written}; they take {' or '.join(_shown(known))}."


def _arns(written: str) -> list[str | None]:
    """The ARNs of what the actions of a pattern take: empty texts for none, None where it isn't known."""
    prefix = written.partition(":")[0].lower()
    if written == "*" or "*" in prefix:
        return [None]
    found: list[str | None] = []
    for types in _matching(written).values():
        if types is None:
            return [None]
        found += [reference.arn_of(prefix, one) for one in types] or [""]
    return found


@lru_cache(maxsize=1024)
def _matching(written: str) -> dict[str, tuple[str, ...] | None]:
    prefix, _, name = written.partition(":")
    test = action_test(name)
    return {action: types for action, types in reference.actions_of(prefix.lower()).items() if test(action.lower())}


def _glob(text: str) -> str:
    """Variables and places may stand for anything."""
    return re.sub(r"\*+", "*", _PLACE.sub("*", text))


def _overlap(one: str, other: str) -> bool:
    """Whether some text fits both patterns: the places in `other` that are reached after each character of `one`."""
    reached = _skipped({0}, other)
    for character in one:
        if character == "*":
            reached = set(range(min(reached), len(other) + 1)) if reached else set()
            continue
        stays = {place for place in reached if place < len(other) and other[place] == "*"}
        moves = {
            place + 1
            for place in reached
            if place < len(other) and (character == "?" or other[place] in (character, "?")) and other[place] != "*"
        }
        reached = _skipped(stays | moves, other)
    return len(other) in reached


def _skipped(places: set[int], pattern: str) -> set[int]:
    """With those that an asterisk standing for nothing leads to."""
    found = set(places)
    for place in sorted(places):
        while place < len(pattern) and pattern[place] == "*":
            place += 1
            found.add(place)
    return found
