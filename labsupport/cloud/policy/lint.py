"""Warnings about a policy that AWS takes: actions that exist nowhere, resources that the actions don't take.

Such statements are legal and match nothing. AWS: "IAM Access Analyzer policy check reference".
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from labsupport.cloud.core import reference
from labsupport.cloud.policy.document import Document, Statement
from labsupport.cloud.policy.match import action_test

_PLACE = re.compile(r"\$\{[^{}]*\}")


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
                Remark(statement.index, "unknownService", written, f"No service's actions begin with {prefix}.")
            )
        elif not _matching(written):
            found.append(Remark(statement.index, "unknownAction", written, f"AWS has no action like {written}."))
    return found


def _resources_not_taken(statement: Statement) -> list[Remark]:
    """Patterns that fit no type of resource of any of the statement's actions."""
    arns = [arn for written in statement.actions for arn in _arns(written)]
    if None in arns or not arns:
        return []
    known = [arn for arn in arns if arn]
    return [
        Remark(statement.index, "resourceNotTaken", pattern.written, _not_taken(pattern.written, known))
        for pattern in statement.resources
        if pattern.written != "*" and not any(_overlap(_glob(pattern.written), _glob(arn)) for arn in known)
    ]


def _not_taken(written: str, known: list[str]) -> str:
    if not known:
        return f'The actions concern no single resource, so {written} matches nothing: they need "*".'
    return f"No action of the statement takes {written}; they take {', '.join(sorted(set(known))[:5])}."


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
