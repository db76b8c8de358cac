"""Changes of branches and tags: noted, made, published.

A reference is changed by git or by libgit2 in the repository's folder, its event is published by the database. So that
a process killed between the two loses no event, a change is noted first; the note is taken off in the transaction that
publishes what came of it, and whatever is found at the next start is published then.
(CodeCommit User Guide: "Monitoring CodeCommit events in Amazon EventBridge".)
"""

import asyncio
import fcntl
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pygit2

from labsupport.cloud.core import ids
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codecommit import storage
from labsupport.cloud.services.codecommit.base import HEADS, TAGS, Params, Repository, service
from labsupport.cloud.store.record import record

log = logging.getLogger("labsupport.cloud.codecommit")
NOTHING = "0" * 40  # how git writes the id of an object that isn't there
_LOG_READ = 256 * 1024  # bytes at the end of a reference's log: more than a thousand changes
_LOOK_AGAIN = 0.5  # seconds, while git of a process that was killed is still at work


class Change(msgspec.Struct, frozen=True):
    """A reference's full name, the object that it named and the one that it shall name; empty where there is none."""

    ref: str
    old: str
    new: str


@record("codecommit.intent", key=("account", "region", "id"))
class Intent(msgspec.Struct, kw_only=True):
    """Changes about to be made to a repository, and by whom."""

    account: str
    region: str
    id: str
    repository: str  # name
    repository_id: str
    changes: list[Change]
    caller: str  # ARN
    tags: dict[str, str] = {}  # of the caller's session: displayName, emailAddress


def move(call: Call, repository: Repository, changes: list[Change]) -> None:
    """Make changes of the API's own; all of it happens without an await, so nobody sees them half done."""
    intent = note(call, repository, changes)
    try:
        git = storage.opened(call, repository)
        git.set_ident(*sign(intent))
        for change in changes:
            _apply(git, change)
    finally:
        publish(call, intent)


def note(call: Call, repository: Repository, changes: list[Change]) -> Intent:
    """Keep what is about to be done, and see that somebody looks what came of it."""
    session = call.caller.session
    intent = Intent(
        account=call.account,
        region=call.region,
        id=ids.uuid4(),
        repository=repository.name,
        repository_id=repository.id,
        changes=changes,
        caller=call.caller.arn,
        tags=session.tags if session else {},
    )
    with call.transaction():
        call.store.put(intent)
        call.start("publish", intent.id)
    return intent


def publish(call: Call, intent: Intent) -> list[Change]:
    """Publish those of the changes that were made, once; the first branch becomes the default branch."""
    with call.transaction():
        repository = _repository(call, intent)
        if call.store.get(Intent, intent.account, intent.region, intent.id) is None or repository is None:
            call.store.delete(intent)
            return []
        call.store.delete(intent)
        git = storage.opened(call, repository)
        made = [change for change in intent.changes if _was_made(git, intent, change)]
        for change in made:
            _emit(call, git, repository, intent, change)
        if made:
            repository.default_branch = repository.default_branch or _first_branch(made)
            repository.modified = call.epoch
            call.store.put(repository)
    return made


@service.task("publish")
async def publish_left(call: Call, key: str) -> float | None:
    """What a process that ended in between has left."""
    at_work = _at_work(call.cloud).get(key)
    if at_work is not None:
        await at_work.wait()
    intent = call.store.get(Intent, call.account, call.region, key)
    if intent is None:
        return None
    if _is_held(_hold_path(call.cloud, intent)):
        return _LOOK_AGAIN
    try:
        publish(call, intent)
    except pygit2.GitError:
        log.exception("The repository %s can't be read: changes of its references go unpublished.", intent.repository)
        with call.transaction():
            call.store.delete(intent)
    return None


@contextmanager
def held(cloud: Cloud, intent: Intent) -> Iterator[int]:
    """While git changes references: a locked file, which git inherits as the descriptor that is given.

    The lock ends with the last process that has it, so after a restart it tells whether git is still at work.
    """
    path, finished = _hold_path(cloud, intent), asyncio.Event()
    path.parent.mkdir(parents=True, exist_ok=True)
    _at_work(cloud)[intent.id] = finished
    try:
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file.fileno()
    finally:
        path.unlink(missing_ok=True)
        _at_work(cloud).pop(intent.id).set()


def _hold_path(cloud: Cloud, intent: Intent) -> Path:
    return cloud.home / "git" / ".pushes" / intent.id


def _is_held(path: Path) -> bool:
    try:
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    path.unlink(missing_ok=True)
    return False


def _at_work(cloud: Cloud) -> dict[str, asyncio.Event]:
    pushes: dict[str, asyncio.Event] = cloud.rooms.setdefault("codecommit", {}).setdefault("pushes", {})
    return pushes


def _apply(git: pygit2.Repository, change: Change) -> None:
    """Change a reference if it is still as it was."""
    reference = storage.reference(git, change.ref)
    if (str(reference.target) if reference else "") != change.old:
        raise _changed_meanwhile(change)
    try:
        if reference is None:
            git.references.create(change.ref, change.new)
        elif change.new:
            reference.set_target(change.new)
        else:
            reference.delete()
    except (pygit2.GitError, ValueError, OSError) as error:
        raise _changed_meanwhile(change) from error


def _changed_meanwhile(change: Change) -> AwsError:
    message = f"{change.ref} was changed by somebody else in the meantime: read it again and repeat the change."
    return AwsError("ConcurrentReferenceUpdateException", message)


def sign(intent: Intent) -> tuple[str, str]:
    """The name and the address under which these changes stand in the log of a reference."""
    return intent.caller.rpartition("/")[2] or "lab", f"{intent.id}@codecommit"


def _was_made(git: pygit2.Repository, intent: Intent, change: Change) -> bool:
    """A reference's log tells who changed it, however it was changed since. The log of a deleted one is gone too."""
    if not pygit2.reference_is_valid_name(change.ref):
        return False
    if not change.new:
        return storage.reference(git, change.ref) is None
    start, signature = f"{change.old or NOTHING} {change.new} ", f"<{sign(intent)[1]}>"
    return any(line.startswith(start) and signature in line for line in _log(Path(git.path) / "logs" / change.ref))


def _log(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LOG_READ))
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def _first_branch(made: Iterable[Change]) -> str:
    """Of the branches that a first push brings, main or master where it is there."""
    names = [change.ref.removeprefix(HEADS) for change in made if change.new and change.ref.startswith(HEADS)]
    return next((name for name in ("main", "master") if name in names), names[0] if names else "")


def _repository(call: Call, intent: Intent) -> Repository | None:
    """The intent's repository, which may have been renamed meanwhile."""
    repository = call.store.get(Repository, intent.account, intent.region, intent.repository)
    if repository is not None and repository.id == intent.repository_id:
        return repository
    others = call.store.list(Repository, intent.account, intent.region)
    return next((other for other in others if other.id == intent.repository_id), None)


def _emit(call: Call, git: pygit2.Repository, repository: Repository, intent: Intent, change: Change) -> None:
    """AWS tells of branches and tags, and of no other references."""
    kind = "branch" if change.ref.startswith(HEADS) else "tag" if change.ref.startswith(TAGS) else ""
    if not kind:
        return
    what = "Created" if not change.old else "Updated" if change.new else "Deleted"
    detail: Params = {
        "event": f"reference{what}",
        "repositoryName": repository.name,
        "repositoryId": repository.id,
        "referenceType": kind,
        "referenceName": change.ref.split("/", 2)[2],
        "referenceFullName": change.ref,
    }
    if change.new:
        detail["commitId"] = _commit_id(git, change.new)
    if change.old:
        detail["oldCommitId"] = _commit_id(git, change.old)
    detail["callerUserArn"] = intent.caller
    detail |= {name: intent.tags[name] for name in ("displayName", "emailAddress") if name in intent.tags}
    call.emit("CodeCommit Repository State Change", detail, [repository.arn])


def _commit_id(git: pygit2.Repository, object_id: str) -> str:
    """The commit that an annotated tag stands for; of anything else the id itself."""
    found = git.get(object_id)
    try:
        return str(found.peel(pygit2.Commit).id) if found is not None else object_id
    except (pygit2.GitError, ValueError):
        return object_id
