"""Filter patterns for text events, by the user guide's examples."""

import pytest

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.logs.filters import compiled

LINES = [
    "[ERROR 400] BAD REQUEST",
    "[ERROR 401] UNAUTHORIZED REQUEST",
    "[ERROR 419] MISSING ARGUMENTS",
    "[ERROR 420] INVALID ARGUMENTS",
    "[WARN] retry, error=0",
]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("  ", [0, 1, 2, 3, 4]),
        ("ERROR", [0, 1, 2, 3]),
        ("error", [4]),
        ("ERROR ARGUMENTS", [2, 3]),
        ('"INVALID ARGUMENTS"', [3]),
        ('"REQUEST BAD"', []),
        ("?ERROR ?WARN", [0, 1, 2, 3, 4]),
        ("?400 ?420", [0, 3]),
        ("ERROR ?nothing", [0, 1, 2, 3]),
        ("ERROR -ARGUMENTS", [0, 1]),
        ('ERROR -"BAD REQUEST"', [1, 2, 3]),
        ("-ERROR", [4]),
        ("%4[02]0%", [0, 3]),
        ("%^.ERROR% REQUEST", [0, 1]),
        ("-%[A-Z]{5} 4% ", [4]),
        (r'"error=0"', [4]),
        ("UNAUTHORI", [1]),
    ],
)
def test_terms(pattern: str, found: list[int]) -> None:
    matches = compiled(pattern)
    assert [number for number, line in enumerate(LINES) if matches(line)] == found


def test_quotes_within_quotes() -> None:
    matches = compiled(r'"said \"no\""')
    assert matches('he said "no" twice')
    assert not matches("he said no twice")


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ('"open', "InvalidParameterException"),
        ('a "', "InvalidParameterException"),
        ("%(%", "InvalidParameterException"),
        ('{ $.level = "ERROR" }', "NotSimulated"),
        ("[ip, user, status = 4*]", "NotSimulated"),
    ],
)
def test_what_is_refused(pattern: str, code: str) -> None:
    with pytest.raises(AwsError) as caught:
        compiled(pattern)
    assert caught.value.code == code
