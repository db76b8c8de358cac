"""Repositories: create, describe, list, change, delete."""

import asyncio
import secrets

from labsupport.cloud.core import ids, paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codecommit import keys, refs, storage
from labsupport.cloud.services.codecommit.base import (
    DEFAULT_KEY,
    MOST_ON_PAGE,
    REPOSITORY,
    Params,
    Repository,
    check_name,
    described,
    find,
    service,
    wanted,
)
from labsupport.cloud.services.codecommit.tagging import checked

MOST = 5000  # repositories of an account
MOST_IN_BATCH = 25


@service.operation(on=REPOSITORY)
def create_repository(call: Call, params: Params) -> Params:
    """The record of an empty repository; its folder is made when somebody first uses it."""
    name = params["repositoryName"]
    check_name(name)
    _refuse_taken(call, name)
    if call.store.reaches(MOST, Repository, call.account):
        message = f"The limit of {MOST} repositories in this account has been reached."
        raise AwsError("RepositoryLimitExceededException", message)
    repository = Repository(
        account=call.account,
        region=call.region,
        name=name,
        id=ids.uuid4(),
        folder=secrets.token_hex(16),
        description=params.get("repositoryDescription", ""),
        created=call.epoch,
        modified=call.epoch,
        kms_key=params.get("kmsKeyId", DEFAULT_KEY),
        tags=checked(params.get("tags", {})),
    )
    if params.get("kmsKeyId"):  # whether this key will do is told now; AWS's own is asked when there is content
        keys.renew(call, repository)
    call.store.put(repository)
    return {"repositoryMetadata": described(call, repository)}


def _refuse_taken(call: Call, name: str) -> None:
    if find(call, name):
        raise AwsError("RepositoryNameExistsException", f"Repository named {name} already exists")


@service.operation(on=REPOSITORY)
def get_repository(call: Call, params: Params) -> Params:
    return {"repositoryMetadata": described(call, wanted(call, params))}


def _on_each(call: Call, params: Params) -> list[str]:
    return [call.arn(name) for name in params["repositoryNames"]]


@service.operation(on=_on_each)
def batch_get_repositories(call: Call, params: Params) -> Params:
    names = list(dict.fromkeys(params["repositoryNames"]))
    if not names:
        raise AwsError("RepositoryNamesRequiredException", "At least one repository name is required.")
    if len(names) > MOST_IN_BATCH:
        message = f"At most {MOST_IN_BATCH} repository names can be given; there were {len(names)}."
        raise AwsError("MaximumRepositoryNamesExceededException", message)
    found = {name: repository for name in names if (repository := find(call, name))}
    return {
        "repositories": [described(call, repository) for repository in found.values()],
        "repositoriesNotFound": [name for name in names if name not in found],
    }


@service.operation()
def list_repositories(call: Call, params: Params) -> Params:
    """By name unless `sortBy` says lastModifiedDate."""
    repositories = list(call.store.list(Repository, call.account, call.region))
    bad = AwsError("InvalidContinuationTokenException", "The continuation token is not valid.")
    token, descending = params.get("nextToken"), params.get("order") == "descending"
    if params.get("sortBy") == "lastModifiedDate" or descending:
        if params.get("sortBy") == "lastModifiedDate":
            repositories.sort(key=lambda repository: (repository.modified, repository.name))
        ordered = repositories[::-1] if descending else repositories
        found, next_token = paging.page_of_list(ordered, token, MOST_ON_PAGE, bad)
    else:
        found, next_token = paging.page(repositories, lambda repository: repository.name, token, MOST_ON_PAGE, bad)
    shown = [{"repositoryName": one.name, "repositoryId": one.id} for one in found]
    return {"repositories": shown, "nextToken": next_token}


@service.operation(on=REPOSITORY)
def delete_repository(call: Call, params: Params) -> Params:
    """The repository's id, or none where it is gone already."""
    repository = find(call, params["repositoryName"])
    if repository is None:
        return {}
    call.store.delete(repository)
    refs.forget(call, repository)
    call.start("remove-folder", repository.folder)
    return {"repositoryId": repository.id}


@service.task("remove-folder")
async def remove_folder(call: Call, folder: str) -> None:
    """The files of a deleted repository go once its deletion is certain."""
    await asyncio.to_thread(storage.remove, call.cloud, folder)


@service.operation(on="arn:{partition}:codecommit:{region}:{account}:{oldName}")
def update_repository_name(call: Call, params: Params) -> Params:
    repository = wanted(call, params, "oldName")
    check_name(params["newName"])
    _refuse_taken(call, params["newName"])
    call.store.delete(repository)
    repository.name = params["newName"]
    _changed(call, repository)
    return {}


@service.operation(on=REPOSITORY)
def update_repository_description(call: Call, params: Params) -> Params:
    repository = wanted(call, params)
    repository.description = params.get("repositoryDescription", "")
    _changed(call, repository)
    return {}


@service.operation(on=REPOSITORY)
def update_repository_encryption_key(call: Call, params: Params) -> Params:
    repository = wanted(call, params)
    before = repository.kms_key
    keys.wrap_again(call, repository, params["kmsKeyId"])
    _changed(call, repository)
    return {"repositoryId": repository.id, "kmsKeyId": repository.kms_key, "originalKmsKeyId": before}


def _changed(call: Call, repository: Repository) -> None:
    repository.modified = call.epoch
    call.store.put(repository)
