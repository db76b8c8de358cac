"""What a plain YAML scalar means, as AWS's parsers read it: YAML 1.1, with dates and `1:30` left as text."""

import re

_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE = {"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"}
_FALSE = {"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"}
_BASES = (
    (re.compile(r"([-+]?)0b([01_]+)$"), 2),
    (re.compile(r"([-+]?)0x([0-9a-fA-F_]+)$"), 16),
    (re.compile(r"([-+]?)0o?([0-7_]+)$"), 8),
    (re.compile(r"([-+]?)(0|[1-9][0-9_]*)$"), 10),
)
_FLOAT = re.compile(r"[-+]?(\d[\d_]*(\.[\d_]*([eE][-+]?\d+)?|[eE][-+]?\d+)|\.\d[\d_]*([eE][-+]?\d+)?)$")
_SPECIAL = re.compile(r"([-+]?)\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$")
# Python refuses to read longer numbers, and nobody means one.
_LONGEST_NUMBER = 1000

_KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "null": (type(None),),
}

Scalar = str | int | float | bool | None


def plain(text: str) -> Scalar:
    """The value of a scalar written without quotes."""
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if text[0] not in "+-.0123456789" or len(text) > _LONGEST_NUMBER:
        return text
    number = _number(text)
    return text if number is None else number


def _number(text: str) -> int | float | None:
    for pattern, base in _BASES:
        if match := pattern.match(text):
            digits = match[2].replace("_", "")
            return int(match[1] + digits, base) if digits else None
    if _FLOAT.match(text):
        return float(text.replace("_", ""))
    if match := _SPECIAL.match(text):
        return float("nan") if match[3] else float(match[1] + "inf")
    return None


def tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with one of YAML's own tags (`str`, `int`, …).

    Raises ValueError where the tag and the text do not fit, KeyError for a tag that is none of these.
    """
    kinds: tuple[type, ...] = _KINDS[tag]
    value: Scalar = text if tag == "str" else plain(text)
    # By exact type: a bool is an int to Python, and a truth value is no number to anybody else.
    if type(value) not in kinds:
        raise ValueError(f"{text!r} is not of the type {tag} that its tag gives it")
    return float(value) if tag == "float" and isinstance(value, int) else value
