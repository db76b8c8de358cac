"""Random values of a model's shapes, valid by the model's own constraints, and what clients make of them."""

import random
import re._parser as regular  # the standard library's own reading of a pattern; there is no public one
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from botocore.model import Shape

from labsupport.cloud.wire import patterns

TEXT = "abcXYZ019-_./:=+@ ,;&<>\"'%é日😀\n\t"
PLAIN = "abcXYZ019-_./:=+@;&<>'%"  # for headers and paths
NUMBERS = {"integer": 2**31, "long": 2**63}


class Randomly:
    """A source of values; `deep` is how many structures may stand inside each other before only required ones do."""

    def __init__(self, seed: object, deep: int = 4) -> None:
        self.random = random.Random(str(seed))
        self.deep = deep

    def value(self, shape: Any, level: int = 0) -> Any:
        make = getattr(self, "_" + shape.type_name, None)
        return make(shape, level) if make else self._number(shape)

    def _structure(self, shape: Any, level: int) -> Any:
        if shape.is_document_type:
            return {"any": [1, "b", {"c": True}]}
        names = list(shape.members)
        if shape.is_tagged_union:
            flat = [n for n in names if shape.members[n].type_name not in ("structure", "list", "map")]
            chosen = {self.random.choice(flat if flat and level >= self.deep else names)}
        else:
            odds = 0.9 if level == 0 else 0.5 if level < self.deep else 0
            chosen = {n for n in names if n in shape.required_members or self.random.random() < odds}
        return {
            name: self.value(shape.members[name], level + 1)
            for name in names
            if name in chosen and not streamed(shape.members[name])
        }

    def _count(self, shape: Shape, level: int) -> int:
        least = max(int(shape.metadata.get("min", 0)), 1)
        most = int(shape.metadata.get("max", least + 2))
        return max(least, min(most, least + (0 if level >= self.deep else self.random.choice((0, 0, 1, 2)))))

    def _list(self, shape: Any, level: int) -> list[Any]:
        return [self.value(shape.member, level + 1) for _ in range(self._count(shape, level))]

    def _map(self, shape: Any, level: int) -> dict[str, Any]:
        if shape.serialization.get("location") == "headers":  # names of headers lose their case
            return {f"{letter}-{self.random.randrange(9)}": self._letters(PLAIN) for letter in "ab"}
        keys = {self.value(shape.key, level + 1) for _ in range(self._count(shape, level))}
        return {key: self.value(shape.value, level + 1) for key in sorted(keys)}

    def _string(self, shape: Any, _: int) -> str:
        limits = shape.metadata
        if limits.get("enum"):
            return self.random.choice(limits["enum"])
        least, most = int(limits.get("min", 0)), int(limits.get("max", 2000))
        if limits.get("pattern") and patterns.compiled(limits["pattern"]):
            return self.matching(limits["pattern"], least, most)
        letters = PLAIN if shape.serialization.get("location") else TEXT
        letters = "abc" if shape.serialization.get("hostLabel") else letters
        return self._letters(letters, least, most)

    def _letters(self, letters: str, least: int = 1, most: int = 12) -> str:
        return "".join(self.random.choices(letters, k=max(least, min(most, self.random.randrange(1, 12)))))

    def matching(self, pattern: str, least: int, most: int) -> str:
        """A text that the pattern and the limits allow."""
        expression, tree = patterns.compiled(pattern), regular.parse(patterns.translate(pattern))
        for attempt in range(200):
            wanted = least if attempt % 2 else 0
            text = "".join(self._piece(tree, max(wanted, 3), most))
            if least <= len(text) <= most and expression.fullmatch(text):
                return text
        raise AssertionError(f"Found no text of {least} to {most} letters for {pattern}")

    def _piece(self, tree: Any, wanted: int, most: int) -> Iterator[str]:
        for operator, argument in tree:
            name = str(operator)
            if name == "LITERAL":
                yield chr(argument)
            elif name == "IN":
                yield self._member(argument)
            elif name == "NOT_LITERAL":
                yield self.random.choice([letter for letter in PLAIN if ord(letter) != argument])
            elif name == "ANY":
                yield self.random.choice(PLAIN)
            elif name in ("MAX_REPEAT", "MIN_REPEAT"):
                low, high, inside = argument
                times = self.random.randint(low, min(int(high), max(low + 2, min(wanted, most))))
                if wanted > 3 and int(high) >= wanted:
                    times = max(times, wanted)
                for _ in range(times):
                    yield from self._piece(inside, 3, most)
            elif name == "SUBPATTERN":
                yield from self._piece(argument[3], wanted, most)
            elif name == "BRANCH":
                yield from self._piece(self.random.choice(argument[1]), wanted, most)
            elif name == "GROUPREF":
                yield "\0"  # not known here: another attempt will take another branch
            elif name not in ("AT", "ASSERT", "ASSERT_NOT"):
                raise AssertionError(f"The generator doesn't know {name}")

    def _member(self, items: list[Any]) -> str:
        items = list(items)
        if str(items[0][0]) == "NEGATE":
            allowed = [letter for letter in PLAIN if not any(_holds(item, letter) for item in items[1:])]
            return self.random.choice(allowed)
        operator, argument = self.random.choice([item for item in items if not _is_control(item)])
        if str(operator) == "RANGE":
            first, last = argument
            printable = range(max(first, 32), min(last, 126) + 1)
            return chr(self.random.choice(printable or (first, last)))
        return chr(argument) if str(operator) == "LITERAL" else self.random.choice("aZ9_")

    def _boolean(self, _shape: Shape, _: int) -> bool:
        return self.random.random() < 0.5

    def _blob(self, shape: Shape, _: int) -> bytes:
        return self.random.randbytes(max(int(shape.metadata.get("min", 1)), self.random.randrange(1, 9)))

    def _timestamp(self, shape: Shape, _: int) -> datetime:
        whole = shape.serialization.get("timestampFormat") == "rfc822" or shape.serialization.get("location")
        fraction = 0 if whole else self.random.choice((0, 0.25, 0.125, 0.5))
        return datetime.fromtimestamp(self.random.randrange(946684800, 2000000000) + fraction, UTC)

    def _number(self, shape: Shape) -> float:
        limit = NUMBERS.get(shape.type_name, 2**20)
        low = int(shape.metadata.get("min", max(-limit, -(10**6))))
        high = int(shape.metadata.get("max", min(limit - 1, max(low, 0) + 10**6)))
        if shape.serialization.get("location") == "statusCode":
            return 202
        if shape.type_name in NUMBERS:
            return self.random.randint(low, high)
        return self.random.randint(low, high - 1 if high > low else high) + (0.25 if high > low else 0.0)


def _holds(item: Any, letter: str) -> bool:
    operator, argument = str(item[0]), item[1]
    if operator == "RANGE":
        return argument[0] <= ord(letter) <= argument[1]
    return operator == "LITERAL" and argument == ord(letter)


def _is_control(item: Any) -> bool:
    """XML has no way to hold most control characters."""
    last = item[1][1] if str(item[0]) == "RANGE" else item[1]
    return isinstance(last, int) and last < 32 and last not in (9, 10)


def streamed(shape: Shape) -> bool:
    return bool(shape.serialization.get("streaming") or shape.serialization.get("eventstream"))


def without_empty(value: Any) -> Any:
    """A value without empty lists, maps and structures, which most protocols have no spelling for."""
    if isinstance(value, dict):
        kept = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in ({}, [])}
    if isinstance(value, list):
        return [item for item in map(without_empty, value) if item not in ({}, [])]
    return value
