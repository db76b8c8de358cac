"""CRC-32C and CRC-64/NVME, which Python has not: clients with AWS's Common Runtime send them by default.

With the Common Runtime here too its C code is used. Without it, a long message is first folded to a short one that has
the same CRC, by shifts of one big integer, which is many times faster than a loop over its bytes.
"""

import importlib
import sys
from array import array
from collections.abc import Callable
from functools import lru_cache, partial

Step = Callable[[bytes, int], int]  # continues a CRC, as zlib.crc32 does

_POLYNOMIALS = {"crc32c": (0x82F63B78, 32), "crc64nvme": (0x9A6C9329AC4BC9B5, 64)}  # reflected: x^0 is the highest bit
_SHORT = 4096  # bits from which on folding pays


def step_of(name: str) -> Step:
    """The function that continues a CRC: `crc32c` or `crc64nvme`."""
    return _native(name) or partial(_continue, *_POLYNOMIALS[name])


@lru_cache(maxsize=2)
def _native(name: str) -> Step | None:
    try:
        step: Step | None = getattr(importlib.import_module("awscrt.checksums"), name, None)
    except ImportError:
        return None
    return step


def _continue(polynomial: int, width: int, data: bytes, value: int) -> int:
    mask = (1 << width) - 1
    crc = value ^ mask
    if len(data) * 8 > _SHORT + width:
        data, crc = _fold(polynomial, width, data, crc), 0
    return _by_words(polynomial, data, crc) ^ mask


def _by_words(polynomial: int, data: bytes, crc: int) -> int:
    """Two bytes at a step, through a table."""
    table = _table(polynomial)
    words = array("H", data[: len(data) & ~1])
    if sys.byteorder == "big":
        words.byteswap()
    for word in words:
        crc = table[(crc ^ word) & 0xFFFF] ^ (crc >> 16)
    if len(data) & 1:
        crc = _eight_steps(polynomial, (crc ^ data[-1]) & 0xFF) ^ (crc >> 8)
    return crc


def _fold(polynomial: int, width: int, data: bytes, crc: int) -> bytes:
    """A message of about `_SHORT` bits that leads to the same CRC.

    The first part of a message, as a polynomial, stands `keep` places above the rest; multiplied by x^keep modulo
    the CRC's polynomial instead, it can be added to the rest.
    """
    message, length = int.from_bytes(data, "little") ^ crc, len(data) * 8
    for keep in _lengths(length, width):
        drop = length - keep
        head, message = message & ((1 << drop) - 1), message >> drop
        for exponent in _power(polynomial, width, keep):
            message ^= head << (keep - drop - exponent)
        length = keep
    return message.to_bytes(length // 8, "little")


def _lengths(length: int, width: int) -> list[int]:
    """The lengths to fold to, so chosen that each part dropped fits, multiplied, into the one kept."""
    lengths, size = [], _SHORT
    while size + width < length:
        lengths.append(size + width)
        size *= 2
    return lengths[::-1]


@lru_cache(maxsize=128)
def _power(polynomial: int, width: int, exponent: int) -> tuple[int, ...]:
    """The exponents of the terms of x^exponent modulo the polynomial."""
    result, square = 1 << (width - 1), 1 << (width - 2)
    while exponent:
        if exponent & 1:
            result = _times(polynomial, width, result, square)
        square = _times(polynomial, width, square, square)
        exponent >>= 1
    return tuple(i for i in range(width) if result >> (width - 1 - i) & 1)


def _times(polynomial: int, width: int, left: int, right: int) -> int:
    product = 0
    for i in range(width):
        if left >> (width - 1 - i) & 1:
            product ^= right
        right = (right >> 1) ^ (polynomial if right & 1 else 0)
    return product


@lru_cache(maxsize=2)
def _table(polynomial: int) -> list[int]:
    bytewise = [_eight_steps(polynomial, byte) for byte in range(256)]
    first = [bytewise[word & 0xFF] ^ (word >> 8) for word in range(65536)]
    return [bytewise[crc & 0xFF] ^ (crc >> 8) for crc in first]


def _eight_steps(polynomial: int, crc: int) -> int:
    for _ in range(8):
        crc = (crc >> 1) ^ (polynomial if crc & 1 else 0)
    return crc
