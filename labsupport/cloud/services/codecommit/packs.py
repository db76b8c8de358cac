"""What a repository consists of at rest: one encrypted pack for each push and each commit of the API.

A sealed file holds git's pack and after it the pack's index, so that a working copy is made by decrypting alone. It is
encrypted by AES-256-GCM in segments under the repository's data key; a segment's nonce is the file's random id and its
number, so none is used twice.
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec
import pygit2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codecommit.base import Repository
from labsupport.cloud.store.record import record

SEGMENT = 1 << 20  # bytes of plaintext
_TAG = 16


@record("codecommit.pack", key=("repository", "id"))
class Pack(msgspec.Struct, kw_only=True):
    """`id` names the sealed file, `name` git's pack; sizes are those of the plaintext."""

    repository: str  # id
    id: str
    name: str
    size: int
    index_size: int


def folder(cloud: Cloud, repository: Repository) -> Path:
    return cloud.home / "git" / repository.folder


def of(call: Call, repository: Repository) -> list[Pack]:
    return list(call.store.list(Pack, repository.id))


def gather_loose(path: Path) -> None:
    """Put the loose objects of a git folder into a pack of their own."""
    git = pygit2.Repository(str(path), pygit2.enums.RepositoryOpenFlag.BARE)
    builder = pygit2.PackBuilder(git)
    for file in (path / "objects").glob("[0-9a-f][0-9a-f]/*"):
        builder.add(pygit2.Oid(hex=file.parent.name + file.name))
    if len(builder):
        builder.write(path / "objects" / "pack")


def seal(cloud: Cloud, repository: Repository, key: bytes, path: Path) -> list[Pack]:
    """Store the packs of a git folder encrypted. They count once their records are put; what a process that is killed
    leaves here is swept when the repository is next made ready."""
    return [_sealed(folder(cloud, repository), repository, key, pack) for pack in _packs_in(path)]


def _packs_in(path: Path) -> list[Path]:
    return sorted((path / "objects" / "pack").glob("pack-*.pack"))


def _sealed(place: Path, repository: Repository, key: bytes, pack: Path) -> Pack:
    index = pack.with_suffix(".idx")
    made = Pack(
        repository=repository.id,
        id=secrets.token_hex(8),
        name=pack.stem,
        size=pack.stat().st_size,
        index_size=index.stat().st_size,
    )
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with ExitStack() as stack:
            files = [stack.enter_context(one.open("rb")) for one in (pack, index)]
            target = stack.enter_context((place / made.id).open("xb"))
            for number, part in enumerate(_segments(files)):
                target.write(AESGCM(key).encrypt(_nonce(made, number), part, repository.id.encode()))
    except BaseException:
        drop(place, [made])
        raise
    return made


def _segments(files: Iterable[BinaryIO]) -> Iterator[bytes]:
    """Both files' bytes, one after the other; the last segment of each may be short."""
    for file in files:
        while part := file.read(SEGMENT):
            yield part


def _nonce(pack: Pack, number: int) -> bytes:
    return bytes.fromhex(pack.id) + number.to_bytes(4, "big")


def unseal(place: Path, key: bytes, packs: list[Pack], path: Path) -> None:
    """Write packs in plain into a git folder."""
    target, cipher = path / "objects" / "pack", AESGCM(key)
    for pack in packs:
        try:
            with (place / pack.id).open("rb") as source:
                number = _write(source, cipher, pack, 0, target / f"{pack.name}.pack", pack.size)
                _write(source, cipher, pack, number, target / f"{pack.name}.idx", pack.index_size)
        except (InvalidTag, FileNotFoundError):
            raise _damaged(pack) from None


def _write(source: BinaryIO, cipher: AESGCM, pack: Pack, number: int, target: Path, size: int) -> int:
    """One of the two files, from segment `number` on; the number after its last. A file that was cut off or changed
    does not decrypt."""
    with target.open("wb") as file:
        for start in range(0, size, SEGMENT):
            part = source.read(min(SEGMENT, size - start) + _TAG)
            file.write(cipher.decrypt(_nonce(pack, number), part, pack.repository.encode()))
            number += 1
    return number


def _damaged(pack: Pack) -> AwsError:
    message = f"What is stored of the repository can't be decrypted: the file {pack.id} was changed or removed."
    return AwsError("EncryptionIntegrityChecksFailedException", message, 500)


def hand_over(stage: Path, path: Path) -> None:
    """Move plain packs from one git folder to another; an index comes after its pack, as git expects it."""
    for pack in _packs_in(stage):
        for file in (pack, pack.with_suffix(".idx")):
            file.rename(path / "objects" / "pack" / file.name)


def drop(place: Path, packs: list[Pack]) -> None:
    """Remove sealed files that no record names."""
    for pack in packs:
        with suppress(FileNotFoundError):
            (place / pack.id).unlink()


def sweep(place: Path, known: list[Pack]) -> None:
    """Remove what was sealed and never committed. Only while nobody writes to the repository."""
    names = {pack.id for pack in known}
    for path in place.glob("*"):
        if path.name not in names:
            path.unlink(missing_ok=True)
