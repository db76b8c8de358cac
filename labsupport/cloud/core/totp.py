"""Time-based one-time passwords (RFC 6238), as authenticator apps make them: SHA-1, six digits, every 30 seconds."""

import hashlib
import hmac
import struct

STEP = 30  # seconds
DIGITS = 6
AROUND = 1  # steps by which a device in step may be early or late
FAR = 40  # steps by which a device may be off when it is enabled or brought back into step


def code_at(seed: bytes, step: int) -> str:
    """The code of one step (RFC 4226, section 5.3)."""
    digest = hmac.new(seed, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_at(epoch: float) -> int:
    return int(epoch // STEP)


def find(seed: bytes, code: str, around: int, reach: int = AROUND) -> int | None:
    """The step, near `around`, that a code belongs to."""
    steps = sorted(range(around - reach, around + reach + 1), key=lambda step: abs(step - around))
    return next((step for step in steps if _same(seed, step, code)), None)


def find_pair(seed: bytes, first: str, second: str, around: int) -> int | None:
    """The step of the second of two codes that follow each other."""
    for step in sorted(range(around - FAR, around + FAR + 1), key=lambda step: abs(step - around)):
        if _same(seed, step - 1, first) and _same(seed, step, second):
            return step
    return None


def _same(seed: bytes, step: int, code: str) -> bool:
    return step >= 0 and hmac.compare_digest(code_at(seed, step), code)
