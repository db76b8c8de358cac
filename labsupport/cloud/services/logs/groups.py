"""Log groups."""

from labsupport.cloud.core import paging, tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.logs.base import (
    RETENTIONS,
    Group,
    Params,
    bad_token,
    group_arn,
    group_named,
    milliseconds,
    name_of,
    on_group,
    refused,
    service,
    streams_of,
)
from labsupport.cloud.services.logs.entries import delete_events, stored_bytes
from labsupport.cloud.services.logs.sealing import associate


@service.operation(on=on_group, tagging="logs:TagResource")
def create_log_group(call: Call, params: Params) -> Params:
    name = params["logGroupName"]
    _refuse_unknown(params)
    if call.store.get(Group, call.account, call.region, name):
        raise AwsError("ResourceAlreadyExistsException", "The specified log group already exists")
    group = Group(
        account=call.account,
        region=call.region,
        name=name,
        created=milliseconds(call),
        tags=_checked(params.get("tags", {})),
    )
    if params.get("kmsKeyId"):
        associate(call, group, params["kmsKeyId"])
    call.store.put(group)
    return {}


def _refuse_unknown(params: Params) -> None:
    if params.get("logGroupClass", "STANDARD") != "STANDARD":
        raise not_simulated(f"A log group of the class {params['logGroupClass']}")
    if params.get("deletionProtectionEnabled"):
        raise not_simulated("Deletion protection of a log group")


@service.operation(on=on_group)
def delete_log_group(call: Call, params: Params) -> Params:
    group = group_named(call, params["logGroupName"])
    for stream in streams_of(call, group.name):
        delete_events(call, stream)
        call.store.delete(stream)
    call.store.delete(group)
    return {}


@service.operation(on="arn:{partition}:logs:{region}:{account}:log-group::log-stream:")
def describe_log_groups(call: Call, params: Params) -> Params:
    prefix, pattern = params.get("logGroupNamePrefix", ""), params.get("logGroupNamePattern", "")
    if prefix and pattern:
        message = "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
        raise refused(message)
    found = [
        group for group in call.store.list(Group, call.account, call.region, starting=prefix) if pattern in group.name
    ]
    chosen, token = paging.page(
        found, lambda group: group.name, params.get("nextToken"), params.get("limit", 50), bad_token()
    )
    return {"logGroups": [_shown(call, group) for group in chosen], "nextToken": token}


def _shown(call: Call, group: Group) -> Params:
    return {
        "logGroupName": group.name,
        "creationTime": group.created,
        "retentionInDays": group.retention,
        "metricFilterCount": 0,
        "arn": group_arn(call, group.name) + ":*",
        "logGroupArn": group_arn(call, group.name),
        "storedBytes": stored_bytes(call, group.name),
        "kmsKeyId": group.kms_key or None,
        "logGroupClass": "STANDARD",
    }


# Encryption


def _on_encrypted(call: Call, params: Params) -> str:
    return on_group(call, {"logGroupIdentifier": params.get("logGroupName") or params.get("resourceIdentifier", "")})


def _encrypted(call: Call, params: Params) -> Group:
    name, resource = params.get("logGroupName"), params.get("resourceIdentifier")
    if bool(name) == bool(resource):
        raise refused("You must specify either logGroupName or resourceIdentifier, but not both.")
    if resource and ":query-result:" in resource:
        raise not_simulated("The encryption of query results")
    return group_named(call, name_of(call, {"logGroupIdentifier": name or resource}))


@service.operation(on=_on_encrypted)
def associate_kms_key(call: Call, params: Params) -> Params:
    """What comes in from now on is under this key; what is there stays as it is."""
    group = _encrypted(call, params)
    associate(call, group, params["kmsKeyId"])
    call.store.put(group)
    return {}


@service.operation(on=_on_encrypted)
def disassociate_kms_key(call: Call, params: Params) -> Params:
    group = _encrypted(call, params)
    group.kms_key = ""
    call.store.put(group)
    return {}


# Retention


@service.operation(on=on_group)
def put_retention_policy(call: Call, params: Params) -> Params:
    group = group_named(call, params["logGroupName"])
    if params["retentionInDays"] not in RETENTIONS:
        allowed = ", ".join(map(str, RETENTIONS))
        message = (
            f"1 validation error detected: Value '{params['retentionInDays']}' at 'retentionInDays' failed to satisfy "
            f"constraint: Member must satisfy enum value set: [{allowed}]"
        )
        raise refused(message)
    group.retention = params["retentionInDays"]
    call.store.put(group)
    return {}


@service.operation(on=on_group)
def delete_retention_policy(call: Call, params: Params) -> Params:
    group = group_named(call, params["logGroupName"])
    group.retention = None
    call.store.put(group)
    return {}


# Tags


def _tagged(call: Call, params: Params) -> Group:
    return group_named(call, name_of(call, {"logGroupIdentifier": params["resourceArn"]}))


def _checked(found: dict[str, str]) -> dict[str, str]:
    too_many = AwsError("TooManyTagsException", "A resource can have no more than 50 tags.")
    tags.check(found, too_many, refused("Tag keys that begin with aws: are reserved."))
    return found


@service.operation(on="{resourceArn}")
def tag_resource(call: Call, params: Params) -> Params:
    group = _tagged(call, params)
    group.tags = _checked(tags.merged(group.tags, params["tags"]))
    call.store.put(group)
    return {}


@service.operation(on="{resourceArn}")
def untag_resource(call: Call, params: Params) -> Params:
    group = _tagged(call, params)
    group.tags = tags.without(group.tags, params["tagKeys"])
    call.store.put(group)
    return {}


@service.operation(on="{resourceArn}")
def list_tags_for_resource(call: Call, params: Params) -> Params:
    return {"tags": _tagged(call, params).tags}


def _resource_tags(call: Call, arn: str) -> dict[str, str]:
    name = arn.split(":log-group:", 1)[-1].partition(":")[0]
    group = call.store.get(Group, call.account, call.region, name)
    return group.tags if group else {}


service.resource_tags = _resource_tags
