"""From a stage into the repository: sealed, committed, and only then seen."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from labsupport.cloud.core.call import Call
from labsupport.cloud.services.codecommit import packs, refs, storage
from labsupport.cloud.services.codecommit.base import Repository
from labsupport.cloud.services.codecommit.refs import Change

T = TypeVar("T")


async def store(
    call: Call, repository: Repository, working: storage.Working, stage: Path, changes: list[Change]
) -> None:
    """Take over what a stage has got: its packs encrypted, its references changed, or nothing of it."""
    sealed = await asyncio.to_thread(packs.seal, call.cloud, repository, working.key, stage)
    _commit(call, repository, stage, changes, sealed)


async def store_made(call: Call, repository: Repository, make: Callable[[Path], tuple[list[Change], T]]) -> T:
    """Let a function make objects in a stage, in a thread, and take them over with the changes that it gives."""
    working = await storage.ready(call, repository)

    def made(stage: Path) -> tuple[list[Change], T, list[packs.Pack]]:
        changes, result = make(stage)
        packs.gather_loose(stage)
        return changes, result, packs.seal(call.cloud, repository, working.key, stage)

    with storage.staged(call, repository, working) as stage:
        changes, result, sealed = await asyncio.to_thread(made, stage)
        _commit(call, repository, stage, changes, sealed)
    return result


def _commit(call: Call, repository: Repository, stage: Path, changes: list[Change], sealed: list[packs.Pack]) -> None:
    try:
        current = refs.settle(call, repository, storage.git_at(stage), changes, sealed)
    except BaseException:
        packs.drop(packs.folder(call.cloud, repository), sealed)
        raise
    storage.show(call, current, stage)


async def move(call: Call, repository: Repository, changes: list[Change]) -> None:
    """Change references to objects that the repository has."""
    working = await storage.ready(call, repository)
    storage.show(call, refs.settle(call, repository, storage.git_at(working.path), changes), None)
