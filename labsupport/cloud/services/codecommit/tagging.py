"""Tags of repositories, for policies and for people."""

from labsupport.cloud.core import tags
from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.codecommit.base import Params, Repository, service

_ARN = "{resourceArn}"


def checked(found: dict[str, str]) -> dict[str, str]:
    """Tags within CodeCommit's limits."""
    too_many = AwsError("TooManyTagsException", f"A repository can have at most {tags.MOST} tags.")
    reserved = AwsError("InvalidSystemTagUsageException", "Tag keys that begin with aws: are reserved for AWS.")
    tags.check(found, too_many, reserved)
    return found


@service.operation(on=_ARN)
def tag_resource(call: Call, params: Params) -> Params:
    repository = _tagged(call, params)
    repository.tags = checked(tags.merged(repository.tags, params["tags"]))
    call.store.put(repository)
    return {}


@service.operation(on=_ARN)
def untag_resource(call: Call, params: Params) -> Params:
    repository = _tagged(call, params)
    repository.tags = tags.without(repository.tags, params["tagKeys"])
    call.store.put(repository)
    return {}


@service.operation(on=_ARN)
def list_tags_for_resource(call: Call, params: Params) -> Params:
    return {"tags": _tagged(call, params).tags}


def _tagged(call: Call, params: Params) -> Repository:
    arn = parse(params["resourceArn"])
    if arn is None or (arn.service, arn.region) != ("codecommit", call.region):
        message = f"{params['resourceArn']} is not the ARN of a CodeCommit repository in {call.region}."
        raise AwsError("InvalidResourceArnException", message)
    repository = call.store.get(Repository, call.account, call.region, arn.resource)
    if repository is None or arn.account != call.account:
        raise AwsError("RepositoryDoesNotExistException", f"{arn.resource} does not exist")
    return repository


def _resource_tags(call: Call, resource: str) -> dict[str, str]:
    arn = parse(resource)
    repository = call.store.get(Repository, arn.account, arn.region, arn.resource) if arn else None
    return repository.tags if repository else {}


service.resource_tags = _resource_tags
