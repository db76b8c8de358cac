"""Java's regular expressions in Python: the difficult constructs, and every pattern of every service."""

import re
import time
from functools import cache

import pytest
from wire_client import SERVICES

from labsupport.cloud import wire
from labsupport.cloud.wire import patterns
from labsupport.cloud.wire.validate import LONGEST_UNBOUNDED

# Patterns that are not held against values, and why.
SKIPPED = {
    **dict.fromkeys(patterns.EXPLOSIVE, "takes exponential time"),
    r"^arn:aws([a-z-]+)?:ec2:[a-z\d-]+:\d{12}:placement-group/^.{1,255}$": "a start in the middle: matches nothing",
}


@cache
def all_patterns() -> dict[str, int]:
    """Every pattern with the longest value that it is tried on."""
    found: dict[str, int] = {}
    for service in SERVICES:
        model = wire.load(service)
        for name in model.shape_names:
            limits = model.shape_for(name).metadata
            if "pattern" in limits:
                longest = int(limits.get("max", LONGEST_UNBOUNDED))
                found[limits["pattern"]] = max(longest, found.get(limits["pattern"], 0))
    return found


def test_every_pattern_is_translated_but_those_listed() -> None:
    untranslated = {pattern for pattern in all_patterns() if patterns.compiled(pattern) is None}
    assert untranslated == SKIPPED.keys()


ATTACKS = ["a", "0", " ", "-", ".", ":", "/", "a-", "a.", "a:", "-a", "/a", "arn:aws:a:", ":000000000000:", "a ", "=a,"]


def test_no_pattern_hangs_on_a_hostile_value() -> None:
    """Each pattern on long repetitive values that nearly match; an exponential one would never come back."""
    slowest = (0.0, "")
    for pattern, longest in sorted(all_patterns().items()):
        expression = patterns.compiled(pattern)
        start = re.match(r"\^?\(?((?:[a-z:0-9-]|\\[/.])*)", pattern)[1].replace("\\", "")  # type: ignore[index]
        for unit in ATTACKS if expression else ():
            for prefix in {"", start, "arn:aws:codepipeline:"}:
                value = (prefix + unit * min(longest, 20000))[: longest - 1] + "\x01"
                began = time.process_time()
                expression.fullmatch(value)
                slowest = max(slowest, (time.process_time() - began, pattern))
    assert slowest[0] < 0.5, slowest


@pytest.mark.parametrize(
    ("pattern", "matching", "failing"),
    [
        (r"\w+", ["aZ_9"], ["é", "a b", "", "a\n"]),
        (r"[\w-_]*", ["a-_", ""], ["a.b"]),
        (r"[\w-\/.@+=,]{1,10}", ["a-/b"], ["é", "a:b"]),
        (r"\d{2}", ["12"], ["1", "١٢"]),
        (r"[^\d\s]+", ["ab"], ["a1", "a b"]),
        (r"\D\W\S", ["a-b"], ["1-b", "aab", "a- "]),
        (r".+", ["a\tb"], ["a\nb", "a\rb", "a\u2028b"]),
        (r"(?s).*", ["a\nb"], []),
        (r"^a$", ["a"], ["a\n", "ba"]),
        (r"(?i)all|[0-9]{2}", ["ALL", "all", "12"], ["al"]),
        (r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", ["é 日/x-9_²", "a\u00a0b"], ["a,b", "😀", "a\tb"]),
        (r"[\p{L}\p{M}]+", ["e\u0301é"], ["1", "_"]),
        (r"\p{Lu}\P{L}", ["A1", "É "], ["a1", "AA"]),
        (r"[\p{P}\p{S}]+", ["!+€"], ["a"]),
        (r"\p{Alpha}[\p{Digit}x]", ["a1", "ax"], ["é1", "a٣"]),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", ["a😀\t"], ["\x00", "a\n"]),
        (r"[\u0009\u000A\u000D\u0020-\u00FF]+", ["a\nÿ"], ["Ā", "\x01"]),
        (r"[0-9A-Za-z\.\-_]*(?<!\.)", ["a.b"], ["a."]),
        (r"(?<year>\d{4})", ["2024"], ["24"]),
        (r"[!#$%&'*+-.^_`|~]+", ["+,-."], ["a", "/"]),
        (r"[a-z&&[^b]]", [], []),
        (r"a*+b", ["aab", "b"], ["aa"]),
        (r"\x41\e\z", ["A\x1b"], ["A"]),
    ],
)
def test_javas_meaning(pattern: str, matching: list[str], failing: list[str]) -> None:
    expression = patterns.compiled(pattern)
    assert (expression is not None) == bool(matching or failing)
    for text in matching:
        assert expression.fullmatch(text), text  # type: ignore[union-attr]
    for text in failing:
        assert not expression.fullmatch(text), text  # type: ignore[union-attr]


@pytest.mark.parametrize("pattern", [r"\p{Nonsense}", r"\R", r"a\Qb\E", "[a", r"(", "a^b", "a$b", "[a[b]]"])
def test_what_has_no_faithful_counterpart_is_skipped(pattern: str) -> None:
    assert patterns.compiled(pattern) is None


def test_pythons_word_letters_are_unicodes_letters_and_numbers() -> None:
    """The short way to say [\\p{L}\\p{N}_], which nearly every tag's pattern has."""
    import unicodedata

    word = re.compile(r"\w")
    for code in range(0x110000):
        letter = chr(code)
        assert bool(word.match(letter)) == (letter == "_" or unicodedata.category(letter)[0] in "LN"), hex(code)


def test_separators_are_unicodes() -> None:
    import unicodedata

    expression = patterns.compiled(r"\p{Z}")
    found = [code for code in range(0x110000) if unicodedata.category(chr(code))[0] == "Z"]
    assert all(expression.fullmatch(chr(code)) for code in found)  # type: ignore[union-attr]
    assert not any(expression.fullmatch(chr(code)) for code in (*range(9, 14), 0x200B, 0x180E))  # type: ignore[union-attr]
