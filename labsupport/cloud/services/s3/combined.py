"""The checksum of an object made of parts, from the parts' own (User Guide: "Checking object integrity").

COMPOSITE is the checksum of the parts' checksums and their number; FULL_OBJECT that of the content, which for a CRC
follows from the parts' CRCs and lengths.
"""

import base64

from labsupport.cloud.core.checksums import bad_checksum, checksum, hasher
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.s3.base import Params
from labsupport.cloud.services.s3.uploads import Part, Upload

# Reflected: the highest bit is x^0.
_POLYNOMIALS = {"CRC32": (0xEDB88320, 32), "CRC32C": (0x82F63B78, 32), "CRC64NVME": (0x9A6C9329AC4BC9B5, 64)}


def refuse_combination(algorithm: str, whole: bool, params: Params) -> None:
    """A full object's checksum is to be had for CRCs only, CRC64NVME's for nothing else."""
    if algorithm:
        hasher(algorithm)  # one that isn't simulated says so before any part has been sent
    if params.get("ChecksumType") and not algorithm:
        message = "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header."
        raise AwsError("InvalidRequest", message, 400)
    if (whole and algorithm not in _POLYNOMIALS) or (not whole and algorithm == "CRC64NVME"):
        kind = "FULL_OBJECT" if whole else "COMPOSITE"
        message = f"The {kind} checksum type cannot be used with the {algorithm.lower()} checksum algorithm."
        raise AwsError("InvalidRequest", message, 400)


def checksums_of(upload: Upload, parts: list[Part], params: Params) -> dict[str, str]:
    """The object's checksum and its kind; BadDigest if the request names another one."""
    name = f"Checksum{upload.algorithm}"
    if not upload.algorithm:
        return {}
    digests = [base64.b64decode(part.checksums[name]) for part in parts]
    if upload.whole:
        sizes = [part.piece.size for part in parts]
        found = base64.b64encode(combined(upload.algorithm, digests, sizes)).decode()
    else:
        found = f"{checksum(upload.algorithm, b''.join(digests))}-{len(parts)}"
    if params.get(name, found) not in (found, found.partition("-")[0]):
        raise bad_checksum(upload.algorithm.lower())
    return {name: found, "ChecksumType": "FULL_OBJECT" if upload.whole else "COMPOSITE"}


def combined(algorithm: str, digests: list[bytes], sizes: list[int]) -> bytes:
    """The CRC of contents one behind the other, from the CRC and the size of each."""
    polynomial, width = _POLYNOMIALS[algorithm]
    value = 0
    for digest, size in zip(digests, sizes, strict=True):
        shift = _power(8 * size, polynomial, width)
        value = _times(value, shift, polynomial, width) ^ int.from_bytes(digest, "big")
    return value.to_bytes(width // 8, "big")


def _times(one: int, other: int, polynomial: int, width: int) -> int:
    product, bit = 0, 1 << (width - 1)
    while bit:
        if one & bit:
            product ^= other
        other = (other >> 1) ^ (polynomial if other & 1 else 0)
        bit >>= 1
    return product


def _power(exponent: int, polynomial: int, width: int) -> int:
    """x to the power of `exponent`, by squaring."""
    result, square = 1 << (width - 1), 1 << (width - 2)
    while exponent:
        if exponent & 1:
            result = _times(result, square, polynomial, width)
        square = _times(square, square, polynomial, width)
        exponent >>= 1
    return result
