"""One-time codes, against the values of RFC 6238, appendix B (its last six digits of eight)."""

import pytest

from labsupport.cloud.core import totp

SEED = b"12345678901234567890"


@pytest.mark.parametrize(
    ("epoch", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_of_the_rfc(epoch: int, code: str) -> None:
    assert totp.code_at(SEED, totp.step_at(epoch)) == code


def test_a_code_is_found_near_its_step() -> None:
    for ahead in (-1, 0, 1):
        assert totp.find(SEED, totp.code_at(SEED, 1000 + ahead), 1000) == 1000 + ahead
    assert totp.find(SEED, totp.code_at(SEED, 1002), 1000) is None
    assert totp.find(SEED, "abcdef", 0) is None


def test_two_codes_have_to_follow_each_other() -> None:
    codes = [totp.code_at(SEED, step) for step in range(1000, 1003)]
    assert totp.find_pair(SEED, codes[0], codes[1], 1020) == 1001
    assert totp.find_pair(SEED, codes[0], codes[2], 1000) is None
    assert totp.find_pair(SEED, codes[1], codes[0], 1000) is None
    assert totp.find_pair(SEED, codes[0], codes[1], 1001 + totp.FAR + 1) is None
