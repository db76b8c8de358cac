"""Filter patterns for text events (CloudWatch Logs User Guide: "Filter pattern syntax"). Pure."""

import re
from collections.abc import Callable

from labsupport.cloud.core.errors import AwsError, not_simulated

_TERM = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|(%)(.+?)%|([^\s"]+))')


def compiled(pattern: str) -> Callable[[str], bool]:
    """A test of a message: every term is required, `-term` excluded, `?term` one of them, `%…%` an expression."""
    text = pattern.strip()
    if text.startswith(("{", "[")):
        raise not_simulated("A filter pattern for JSON or space-delimited events")
    terms = _terms(text)
    required, excluded, optional = ([test for sign, test in terms if sign == wanted] for wanted in ("", "-", "?"))

    def matches(message: str) -> bool:
        if any(test(message) for test in excluded) or not all(test(message) for test in required):
            return False
        return not optional or bool(required) or any(test(message) for test in optional)

    return matches


def _terms(text: str) -> list[tuple[str, Callable[[str], bool]]]:
    found, position = [], 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None:
            raise AwsError("InvalidParameterException", "Invalid filter pattern")
        sign, quoted, percent, expression, word = match.groups()
        found.append((sign, _expression(expression) if percent else _contains(_unescaped(quoted, word))))
        position = match.end()
    return found


def _unescaped(quoted: str | None, word: str | None) -> str:
    return (word or "") if quoted is None else re.sub(r"\\(.)", r"\1", quoted)


def _contains(term: str) -> Callable[[str], bool]:
    return lambda message: term in message


def _expression(text: str) -> Callable[[str], bool]:
    try:
        found = re.compile(text)
    except re.error:
        raise AwsError("InvalidParameterException", "Invalid filter pattern") from None
    return lambda message: found.search(message) is not None
