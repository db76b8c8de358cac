"""Branches: create, get, list, delete, and which is the default."""

import pygit2

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codecommit import objects, storage, storing
from labsupport.cloud.services.codecommit.base import (
    HEADS,
    MOST_ON_PAGE,
    REPOSITORY,
    Params,
    branch_name,
    is_full_id,
    on_branch,
    service,
    wanted,
)
from labsupport.cloud.services.codecommit.refs import Change


def check_branch_name(name: str) -> None:
    """git's rules, and a few of CodeCommit's ("Quotas", branch names)."""
    if name == "@" or is_full_id(name) or not pygit2.reference_is_valid_name(HEADS + name):
        raise _invalid(f"The branch name {name} is not valid.")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidBranchNameException", message)


def no_such_branch(name: str) -> AwsError:
    return AwsError("BranchDoesNotExistException", f"Branch {name} does not exist")


@service.operation(on=REPOSITORY, context=on_branch)
async def create_branch(call: Call, params: Params) -> Params:
    repository, name, commit_id = wanted(call, params), branch_name(params), params["commitId"]
    check_branch_name(name)
    if not is_full_id(commit_id):
        raise AwsError("InvalidCommitIdException", f"{commit_id} is not a full commit id.")
    git = await storage.opened(call, repository)
    if objects.commit_by_id(git, commit_id) is None:
        raise AwsError("CommitDoesNotExistException", f"Commit {commit_id} does not exist")
    _refuse_in_the_way(objects.branches(git), name)
    await storing.move(call, repository, [Change(HEADS + name, "", commit_id)])
    return {}


def _refuse_in_the_way(there: list[str], name: str) -> None:
    """git keeps branches as files in folders: there can't be both `release` and `release/1`."""
    for other in there:
        if other == name:
            raise AwsError("BranchNameExistsException", f"Branch {name} already exists")
        if other.startswith(f"{name}/") or name.startswith(f"{other}/"):
            raise _invalid(f"There can't be both a branch {name} and a branch {other}.")


@service.operation(on=REPOSITORY)
async def get_branch(call: Call, params: Params) -> Params:
    repository, name = wanted(call, params), branch_name(params)
    tip = objects.branch_tip(await storage.opened(call, repository), name)
    if not tip:
        raise no_such_branch(name)
    return {"branch": {"branchName": name, "commitId": tip}}


@service.operation(on=REPOSITORY)
async def list_branches(call: Call, params: Params) -> Params:
    there = objects.branches(await storage.opened(call, wanted(call, params)))
    bad = AwsError("InvalidContinuationTokenException", "The continuation token is not valid.")
    found, token = paging.page(there, str, params.get("nextToken"), MOST_ON_PAGE, bad)
    return {"branches": found, "nextToken": token}


@service.operation(on=REPOSITORY, context=on_branch)
async def delete_branch(call: Call, params: Params) -> Params:
    """What was deleted; nothing where there was no such branch."""
    repository, name = wanted(call, params), branch_name(params)
    if name == repository.default_branch:
        message = f"{name} is the default branch of {repository.name} and can't be deleted: set another one first."
        raise AwsError("DefaultBranchCannotBeDeletedException", message)
    tip = objects.branch_tip(await storage.opened(call, repository), name)
    if not tip:
        return {}
    await storing.move(call, repository, [Change(HEADS + name, tip, "")])
    return {"deletedBranch": {"branchName": name, "commitId": tip}}


@service.operation(on=REPOSITORY)
async def update_default_branch(call: Call, params: Params) -> Params:
    repository, name = wanted(call, params), branch_name(params, "defaultBranchName")
    if not objects.branch_tip(await storage.opened(call, repository), name):
        raise no_such_branch(name)
    with call.transaction():
        repository = wanted(call, params)
        repository.default_branch, repository.modified = name, call.epoch
        call.store.put(repository)
    return {}
