"""Objects' content at rest: AES-256-GCM in segments, so that a part can be read without the rest.

Every object has a data key of its own. A segment's nonce is its piece's random id and its number, so
no nonce is used twice under a key.
"""

import hashlib
import secrets
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from labsupport.cloud.core import vault
from labsupport.cloud.core.call import Call
from labsupport.cloud.services.s3.base import Bucket, Lock, Params, Piece

SEGMENT = 1 << 20  # bytes of plaintext
SMALL = 16 * 1024  # content up to this lies in the record itself
_TAG = 16


class Written(NamedTuple):
    piece: Piece
    md5: str


def new_lock(call: Call, bucket: Bucket, key: str, params: Params) -> tuple[Lock, bytes]:
    """How a new object is encrypted, as the request or the bucket's default says, and its data key."""
    rule = (bucket.encryption.get("Rules") or [{}])[0]
    default = rule.get("ApplyServerSideEncryptionByDefault", {})
    algorithm = params.get("ServerSideEncryption") or default.get("SSEAlgorithm", "AES256")
    if algorithm == "AES256":
        data_key = secrets.token_bytes(32)
        return Lock(sealed=vault.seal(call.cloud, data_key, bucket.name.encode())), data_key
    named = params.get("SSEKMSKeyId") or (default.get("KMSMasterKeyID") if not params.get("SSEKMSKeyId") else None)
    bucket_key = params.get("BucketKeyEnabled", rule.get("BucketKeyEnabled", False))
    context = {"aws:s3:arn": bucket.arn if bucket_key else f"{bucket.arn}/{key}"}
    answer = call.aws("kms").generate_data_key(
        KeyId=named or "alias/aws/s3", KeySpec="AES_256", EncryptionContext=context
    )
    lock = Lock(
        algorithm=algorithm,
        sealed=answer["CiphertextBlob"],
        key_arn=answer["KeyId"],
        context=context,
        bucket_key=bucket_key,
    )
    return lock, answer["Plaintext"]


def data_key(call: Call, lock: Lock, bucket: str) -> bytes:
    """An object's data key; for KMS the caller has to be allowed to decrypt it."""
    if lock.algorithm == "AES256":
        return vault.unseal(call.cloud, lock.sealed, bucket.encode())
    answer = call.aws("kms").decrypt(CiphertextBlob=lock.sealed, EncryptionContext=lock.context)
    found: bytes = answer["Plaintext"]
    return found


def folder(call: Call) -> Path:
    return call.cloud.home / "objects"


def path_of(call: Call, piece: Piece) -> Path:
    """Files are named by random ids: a key never becomes a file's name."""
    return folder(call) / piece.id[:2] / piece.id


async def write(call: Call, key: bytes, body: AsyncIterator[bytes] | bytes | None) -> Written:
    """Store content as a new piece. What was written before an error is removed."""
    piece, md5, cipher = Piece(id=secrets.token_hex(8), size=0), hashlib.md5(usedforsecurity=False), AESGCM(key)
    held = b""
    path = path_of(call, piece)
    file = None
    try:
        async for part in _parts(body):
            md5.update(part)
            piece.size += len(part)
            held += part
            if len(held) >= SEGMENT:
                if file is None:
                    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    file = path.open("xb")
                held = _write_segments(file, cipher, piece, held)
        if file is None and piece.size <= SMALL:
            piece.inline = cipher.encrypt(_nonce(piece, 0), held, None)
        else:
            if file is None:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                file = path.open("xb")
            if held:
                file.write(cipher.encrypt(_nonce(piece, (piece.size - 1) // SEGMENT), held, None))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        if file is not None:
            file.close()
    return Written(piece, md5.hexdigest())


async def _parts(body: AsyncIterator[bytes] | bytes | None) -> AsyncIterator[bytes]:
    if isinstance(body, bytes):
        yield body
    elif body is not None:
        async for part in body:
            yield part


def _write_segments(file: BinaryIO, cipher: AESGCM, piece: Piece, held: bytes) -> bytes:
    """Write the whole segments of what is held; the rest is given back."""
    done = (piece.size - len(held)) // SEGMENT
    count = len(held) // SEGMENT
    for number in range(count):
        part = held[number * SEGMENT : (number + 1) * SEGMENT]
        file.write(cipher.encrypt(_nonce(piece, done + number), part, None))
    return held[count * SEGMENT :]


def _nonce(piece: Piece, number: int) -> bytes:
    return bytes.fromhex(piece.id) + number.to_bytes(4, "big")


def read(call: Call, key: bytes, pieces: list[Piece], start: int, end: int) -> bytes | AsyncIterator[bytes]:
    """The bytes from `start` up to `end`; small content at once, the rest as it is asked for."""
    if len(pieces) == 1 and pieces[0].inline is not None:
        return AESGCM(key).decrypt(_nonce(pieces[0], 0), pieces[0].inline, None)[start:end]
    return _stream(call, AESGCM(key), list(_wanted(pieces, start, end)))


def _wanted(pieces: list[Piece], start: int, end: int) -> Iterator[tuple[Piece, int, int]]:
    """The stretch of each piece that lies in the range."""
    before = 0
    for piece in pieces:
        first, last = max(start - before, 0), min(end - before, piece.size)
        if first < last:
            yield piece, first, last
        before += piece.size


async def _stream(call: Call, cipher: AESGCM, wanted: list[tuple[Piece, int, int]]) -> AsyncIterator[bytes]:
    for piece, first, last in wanted:
        if piece.inline is not None:
            yield cipher.decrypt(_nonce(piece, 0), piece.inline, None)[first:last]
            continue
        with path_of(call, piece).open("rb") as file:
            for part in _segments(file, cipher, piece, first, last):
                yield part


def _segments(file: BinaryIO, cipher: AESGCM, piece: Piece, first: int, last: int) -> Iterator[bytes]:
    for number in range(first // SEGMENT, (last - 1) // SEGMENT + 1):
        file.seek(number * (SEGMENT + _TAG))
        part = cipher.decrypt(_nonce(piece, number), file.read(SEGMENT + _TAG), None)
        yield part[max(first - number * SEGMENT, 0) : last - number * SEGMENT]


def remove(call: Call, pieces: Iterable[Piece]) -> None:
    for piece in pieces:
        if piece.inline is None:
            path_of(call, piece).unlink(missing_ok=True)
