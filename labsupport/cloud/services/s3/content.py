"""Objects' content at rest: AES-256-GCM in segments, so that a part can be read without the rest.

Every object has a data key of its own. A segment's nonce is its piece's random id and its number, so
no nonce is used twice under a key.
"""

import base64
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.checksums import Hasher, Whole, hasher
from labsupport.cloud.services.s3.base import Piece, service

SEGMENT = 1 << 20  # bytes of plaintext
SMALL = 16 * 1024  # content up to this lies in the record itself
_TAG = 16


class Written(NamedTuple):
    piece: Piece
    md5: str
    checksum: str = ""  # in base64, where one was asked for


# Files


def folder(home: Path) -> Path:
    return home / "objects"


def path_of(home: Path, piece: str) -> Path:
    """Files are named by random ids: a key never becomes a file's name."""
    return folder(home) / piece[:2] / piece


def fresh_path(home: Path, piece: str) -> Path:
    """Where a piece lies until its record has been committed: what a killed process leaves here is swept."""
    return folder(home) / "new" / piece


def kept_if_committed(call: Call, piece: Piece) -> AbstractContextManager[None]:
    """Let a new piece take its place once the block, which commits its record, has ended well; else it goes."""
    return _settled(call, piece.id) if piece.inline is None else nullcontext()


@contextmanager
def _settled(call: Call, piece: str) -> Iterator[None]:
    home = call.cloud.home
    try:
        yield
        if not call.store.group.commit():
            raise RuntimeError("The record of an object could not be committed.")
    except BaseException:
        fresh_path(home, piece).unlink(missing_ok=True)
        raise
    _settle(home, piece)


def _settle(home: Path, piece: str) -> None:
    path = path_of(home, piece)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with suppress(FileNotFoundError):  # it was replaced and removed meanwhile
        fresh_path(home, piece).rename(path)


def remove(call: Call, pieces: Iterable[Piece]) -> None:
    """Have files deleted once the transaction has committed, and not before; after a restart, too."""
    names = [piece.id for piece in pieces if piece.inline is None]
    if names:
        call.start("remove", ",".join(names))


@service.task("remove")
async def remove_files(call: Call, names: str) -> None:
    for name in names.split(","):
        path_of(call.cloud.home, name).unlink(missing_ok=True)
        fresh_path(call.cloud.home, name).unlink(missing_ok=True)


def sweep(home: Path, used: Callable[[], set[str]]) -> None:
    """At the start: pieces that were written and never committed are removed, the others take their places.

    `used` gives the ids that records name; it is asked only where something was left.
    """
    left = [path.name for path in (folder(home) / "new").glob("*")]
    known = used() if left else set()
    for name in left:
        if name in known:
            _settle(home, name)
        else:
            fresh_path(home, name).unlink()


# Writing


@dataclass(slots=True)
class _Writer:
    """A piece on its way to its file, or to its record while it is small."""

    home: Path
    cipher: AESGCM
    piece: Piece
    held: bytearray
    file: BinaryIO | None = None

    def add(self, part: bytes) -> None:
        self.piece.size += len(part)
        self.held += part
        while len(self.held) >= SEGMENT:
            self._put(self.held[:SEGMENT])
            del self.held[:SEGMENT]

    def end(self) -> None:
        if self.piece.size <= SMALL:
            self.piece.inline = self.cipher.encrypt(_nonce(self.piece, 0), bytes(self.held), None)
        elif self.held:
            self._put(self.held)

    def _put(self, segment: bytes | bytearray) -> None:
        file = self.file = self.file or _opened(fresh_path(self.home, self.piece.id))
        file.write(self.cipher.encrypt(_nonce(self.piece, file.tell() // (SEGMENT + _TAG)), segment, None))


def _opened(path: Path) -> BinaryIO:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path.open("xb")


async def write(
    call: Call, key: bytes, body: AsyncIterator[bytes] | Whole | bytes | None, algorithm: str | None = None
) -> Written:
    """Store content as a new piece, whose file `kept_if_committed` has to take over.

    What was written before an error is removed. `algorithm` (CRC32, …) asks for a checksum of the content.
    """
    writer = _Writer(call.cloud.home, AESGCM(key), Piece(id=os.urandom(8).hex(), size=0), bytearray())
    md5, running = hashlib.md5(usedforsecurity=False), hasher(algorithm) if algorithm else None
    hashers: list[Hasher] = [md5, running] if running else [md5]
    try:
        if isinstance(body, AsyncIterator):
            async for part in body:
                _add(writer, hashers, part)
        else:
            whole = body.checked() if isinstance(body, Whole) else body or b""
            for start in range(0, len(whole), SEGMENT):
                _add(writer, hashers, whole[start : start + SEGMENT])
        writer.end()
    except BaseException:
        fresh_path(writer.home, writer.piece.id).unlink(missing_ok=True)
        raise
    finally:
        if writer.file is not None:
            writer.file.close()
    checksum = base64.b64encode(running.digest()).decode() if running else ""
    return Written(writer.piece, md5.hexdigest(), checksum)


def _add(writer: _Writer, hashers: list[Hasher], part: bytes) -> None:
    for one in hashers:
        one.update(part)
    writer.add(part)


def _nonce(piece: Piece, number: int) -> bytes:
    return bytes.fromhex(piece.id) + number.to_bytes(4, "big")


# Reading


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
        with _found(call.cloud.home, piece.id) as file:
            for part in _segments(file, cipher, piece, first, last):
                yield part


def _segments(file: BinaryIO, cipher: AESGCM, piece: Piece, first: int, last: int) -> Iterator[bytes]:
    for number in range(first // SEGMENT, (last - 1) // SEGMENT + 1):
        file.seek(number * (SEGMENT + _TAG))
        part = cipher.decrypt(_nonce(piece, number), file.read(SEGMENT + _TAG), None)
        yield part[max(first - number * SEGMENT, 0) : last - number * SEGMENT]


def _found(home: Path, piece: str) -> BinaryIO:
    """A piece's file; for a moment after its commit it lies where it was written."""
    try:
        return path_of(home, piece).open("rb")
    except FileNotFoundError:
        return fresh_path(home, piece).open("rb")
