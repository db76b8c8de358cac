"""Repositories brought into better shape when they are first used: those that an older lab has left as plain folders
are encrypted, those of many packs get one."""

import asyncio
import shutil
from pathlib import Path

import pygit2

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codecommit import packs, process
from labsupport.cloud.services.codecommit.base import Repository
from labsupport.cloud.services.codecommit.refs import Ref, of

MOST = 50  # packs that a repository may have before they are joined


async def adopt(call: Call, repository: Repository, key: bytes) -> None:
    """Each step bears being repeated: the plain folder goes last."""
    plain = call.cloud.home / "git" / f"{repository.folder}.git"
    if not plain.is_dir():
        return
    if not of(call, repository):
        await _repack(plain)
        sealed = await asyncio.to_thread(packs.seal, call.cloud, repository, key, plain)
        with call.transaction():
            call.store.put(*sealed, *_references(plain, repository))
    await asyncio.to_thread(shutil.rmtree, plain)


async def join(call: Call, repository: Repository, key: bytes, many: list[packs.Pack], path: Path) -> list[packs.Pack]:
    """Let one pack take the place of many, in a working copy that nobody uses yet and at rest: git looks through all
    of them for each object. Those that there are then."""
    if len(many) <= MOST:
        return many
    await _repack(path)
    sealed = await asyncio.to_thread(packs.seal, call.cloud, repository, key, path)
    with call.transaction():
        for pack in many:
            call.store.delete(pack)
        call.store.put(*sealed)
    packs.drop(packs.folder(call.cloud, repository), many)
    return sealed


async def _repack(path: Path) -> None:
    """All objects in one pack, also those that no reference leads to."""
    async with process.git(["repack", "-a", "-d", "-k", "-n", "-q"], folder=path) as git:
        git.stdin.close()
        await git.all_output(process.CHUNK)
    if git.process.returncode:
        raise AwsError("InternalFailure", f"git could not pack a repository: {git.complaint.strip()}", 500)


def _references(plain: Path, repository: Repository) -> list[Ref]:
    git = pygit2.Repository(str(plain), pygit2.enums.RepositoryOpenFlag.BARE)
    return [
        Ref(repository=repository.id, name=name, target=str(git.references[name].target)) for name in git.references
    ]
