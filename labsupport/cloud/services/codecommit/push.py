"""A push: its references read and authorised before git sees any of it, its events published before git's answer
goes out."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pygit2

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codecommit import bodies, process, refs, storage, storing
from labsupport.cloud.services.codecommit.admission import Visit, admit
from labsupport.cloud.services.codecommit.base import HEADS, Repository
from labsupport.cloud.services.codecommit.pktline import Command, Malformed, Push, push_head, refusal
from labsupport.cloud.services.codecommit.refs import NOTHING, Change

MOST_REFERENCES = 4000  # in a push ("Quotas")
LONGEST_NAME = 256  # characters of a branch
LARGEST_HEAD = 4 * 1024 * 1024  # bytes of the commands of a push
LARGEST_ANSWER = 16 * 1024 * 1024  # bytes of git's report
_NOT_ALLOWED = "You don't have permission to push changes to this branch"
_TOGETHER = "nothing was pushed, since another reference of this push was refused"


async def receive(visit: Visit, body: AsyncIterator[bytes]) -> bytes:
    """git's report on a push. A push of which one reference is refused changes none."""
    repository = admit(visit, read_only=False)
    push, begun = await _head(body)
    visit.capabilities = push.capabilities
    if not push.commands:  # git asks in this way whether a large push would be let in
        await _throw_away(body)
        return b""
    refused = _refused(visit, repository, push)
    if refused is None:
        return await _received(visit, repository, push, bodies.then(begun, body))
    await _throw_away(body)
    reference, error, reason = refused
    visit.record(read_only=False, commands=push.commands, error=error)
    if not {"report-status", "report-status-v2"} & set(push.capabilities):
        raise error
    reasons = {command.ref: reason if command.ref == reference else _TOGETHER for command in push.commands}
    return refusal(push, reasons, error.message)


async def _head(body: AsyncIterator[bytes]) -> tuple[Push, bytes]:
    """The commands, and all that was read for them."""
    begun = b""
    async for part in body:
        begun += part
        push = push_head(begun)
        if push is not None:
            return push, begun
        if len(begun) > LARGEST_HEAD:
            raise bodies.bad(f"The list of references is larger than {LARGEST_HEAD} bytes.", 413)
    raise Malformed("The push ends in the middle of its list of references.")


def _refused(visit: Visit, repository: Repository, push: Push) -> tuple[str, AwsError, str] | None:
    """The first reference that may not be changed, the error, and the short reason for git's list."""
    if len(push.commands) > MOST_REFERENCES:
        message = f"A push can change at most {MOST_REFERENCES} references; this one changes {len(push.commands)}."
        return push.commands[0].ref, AwsError("MaximumReferencesExceeded", message, 403), "too many references"
    for command in push.commands:
        if len(command.ref.removeprefix(HEADS)) > LONGEST_NAME:
            message = f"The name of a branch can have at most {LONGEST_NAME} characters."
            return command.ref, AwsError("InvalidBranchNameException", message, 403), "the name is too long"
        if _deletes_default(command, repository):
            message = (
                f"{repository.default_branch} is the default branch of {repository.name} and can't be deleted: "
                "set another one first."
            )
            error = AwsError("DefaultBranchCannotBeDeletedException", message, 403)
            return command.ref, error, "the default branch can't be deleted"
        try:
            visit.authorise(command.ref)
        except AwsError as error:
            error.status = 403
            return command.ref, error, _NOT_ALLOWED
    return None


def _deletes_default(command: Command, repository: Repository) -> bool:
    is_default = bool(repository.default_branch) and command.ref == HEADS + repository.default_branch
    return is_default and command.new == NOTHING


async def _received(visit: Visit, repository: Repository, push: Push, body: AsyncIterator[bytes]) -> bytes:
    """Let git do it in a stage. Its answer is kept until what it did is stored and published."""
    call = visit.call
    working = await storage.ready(call, repository)
    try:
        with storage.staged(call, repository, working) as stage:
            answer = await _by_git(stage, body)
            made = _made(storage.git_at(stage), [_change(command) for command in push.commands])
            await storing.store(call, repository, working, stage, made)
    except AwsError as error:
        visit.record(read_only=False, commands=push.commands, error=error)
        if error.code != refs.CONCURRENT:
            raise
        return refusal(push, {command.ref: "it was changed meanwhile" for command in push.commands}, error.message)
    visit.record(read_only=False, transferred=True, commands=push.commands)
    return answer


async def _by_git(stage: Path, body: AsyncIterator[bytes]) -> bytes:
    async with process.git(["receive-pack", "--stateless-rpc", "."], folder=stage) as git:
        feeding = asyncio.create_task(git.feed(body))
        answer = await git.all_output(LARGEST_ANSWER)
        await feeding
    if not answer and git.process.returncode:
        raise bodies.bad(f"git could not read the push: {git.complaint.strip()}")
    return answer


def _made(stage: pygit2.Repository, changes: list[Change]) -> list[Change]:
    """Those of the changes that git has made."""
    found = []
    for change in changes:
        reference = storage.reference(stage, change.ref)
        if (str(reference.target) if reference else "") == change.new:
            found.append(change)
    return found


def _change(command: Command) -> Change:
    return Change(command.ref, command.old.replace(NOTHING, ""), command.new.replace(NOTHING, ""))


async def _throw_away(body: AsyncIterator[bytes]) -> None:
    """git reads no answer before it has sent all."""
    async for _ in body:
        pass
