"""References, as the database keeps them, and the events of their changes.

A change is one transaction: the packs that it needs, the reference, the default branch and the events commit together,
so a process that is killed leaves all of it or nothing.
(CodeCommit User Guide: "Monitoring CodeCommit events in Amazon EventBridge".)
"""

from collections.abc import Iterable

import msgspec
import pygit2

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codecommit.base import HEADS, TAGS, Params, Repository
from labsupport.cloud.services.codecommit.packs import Pack
from labsupport.cloud.store.record import record

CONCURRENT = "ConcurrentReferenceUpdateException"
NOTHING = "0" * 40  # how git writes the id of an object that isn't there


@record("codecommit.ref", key=("repository", "name"))
class Ref(msgspec.Struct, kw_only=True):
    repository: str  # id
    name: str  # in full: refs/heads/main
    target: str  # object id


class Change(msgspec.Struct, frozen=True):
    """A reference's full name, the object that it named and the one that it shall name; empty where there is none."""

    ref: str
    old: str
    new: str


def of(call: Call, repository: Repository) -> dict[str, str]:
    """All references of a repository and what they name."""
    return {ref.name: ref.target for ref in call.store.list(Ref, repository.id)}


def settle(
    call: Call, repository: Repository, git: pygit2.Repository, changes: list[Change], packs: Iterable[Pack] = ()
) -> Repository:
    """Make changes and publish them, whole or not at all; the first branch becomes the default branch.

    `git` has the objects that they name. The repository is given as it is now: it may have been renamed meanwhile.
    """
    with call.transaction():
        current = _as_it_is(call, repository)
        for change in changes:
            _apply(call, current, change)
            _emit(call, git, current, change)
        call.store.put(*packs)
        current.default_branch = current.default_branch or _first_branch(changes)
        current.modified = call.epoch
        call.store.put(current)
    return current


def forget(call: Call, repository: Repository) -> None:
    """The records of a repository that is deleted."""
    for struct in (Ref, Pack):
        for one in call.store.list(struct, repository.id):
            call.store.delete(one)


def _as_it_is(call: Call, repository: Repository) -> Repository:
    found = call.store.get(Repository, repository.account, repository.region, repository.name)
    if found is None or found.id != repository.id:
        others = call.store.list(Repository, repository.account, repository.region)
        found = next((other for other in others if other.id == repository.id), None)
    if found is None:
        raise AwsError("RepositoryDoesNotExistException", f"{repository.name} does not exist", 404)
    return found


def _apply(call: Call, repository: Repository, change: Change) -> None:
    """Change a reference if it is still as it was, and no other has come in its way."""
    reference = call.store.get(Ref, repository.id, change.ref)
    if (reference.target if reference else "") != change.old or (
        not reference and _is_blocked(call, repository, change)
    ):
        raise _changed_meanwhile(change)
    if change.new:
        call.store.put(Ref(repository=repository.id, name=change.ref, target=change.new))
    elif reference is not None:
        call.store.delete(reference)


def _is_blocked(call: Call, repository: Repository, change: Change) -> bool:
    """There can't be both `release` and `release/1`."""
    parts = change.ref.split("/")
    above = ("/".join(parts[:length]) for length in range(3, len(parts)))
    below = call.store.list(Ref, repository.id, starting=f"{change.ref}/", limit=1)
    return any(call.store.get(Ref, repository.id, name) for name in above) or any(below)


def _changed_meanwhile(change: Change) -> AwsError:
    message = f"{change.ref} was changed by somebody else in the meantime: read it again and repeat the change."
    return AwsError(CONCURRENT, message)


def _first_branch(made: Iterable[Change]) -> str:
    """Of the branches that a first push brings, main or master where it is there."""
    names = [change.ref.removeprefix(HEADS) for change in made if change.new and change.ref.startswith(HEADS)]
    return next((name for name in ("main", "master") if name in names), names[0] if names else "")


def _emit(call: Call, git: pygit2.Repository, repository: Repository, change: Change) -> None:
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
    detail["callerUserArn"] = call.caller.arn
    tags = call.caller.session.tags if call.caller.session else {}
    detail |= {name: tags[name] for name in ("displayName", "emailAddress") if name in tags}
    call.emit("CodeCommit Repository State Change", detail, [repository.arn])


def _commit_id(git: pygit2.Repository, object_id: str) -> str:
    """The commit that an annotated tag stands for; of anything else the id itself."""
    found = git.get(object_id)
    try:
        return str(found.peel(pygit2.Commit).id) if found is not None else object_id
    except (pygit2.GitError, ValueError):
        return object_id
