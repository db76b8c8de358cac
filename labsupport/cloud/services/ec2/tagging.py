"""Tags of instances, by which deployments find them."""

from labsupport.cloud.core import tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.ec2.base import Instance, Params, instances_named, instances_of, operation
from labsupport.cloud.services.ec2.filters import filtered, paged


def checked_tags(given: dict[str, str]) -> dict[str, str]:
    """At most 50, and none of AWS's own; keys and values within EC2's lengths."""
    too_many = AwsError("TagLimitExceeded", "The maximum number of tags for the resource has been reached: 50", 400)
    reserved = "Tag keys starting with 'aws:' are reserved for internal use"
    tags.check(given, too_many, AwsError("InvalidParameterValue", reserved, 400))
    for key, value in given.items():
        if not 0 < len(key) <= 127:
            raise AwsError(
                "InvalidParameterValue", f"Tag key exceeds the maximum length of 127 characters: '{key}'", 400
            )
        if len(value) > 255:
            text = f"Tag value exceeds the maximum length of 255 characters. Value given: '{value}'"
            raise AwsError("InvalidParameterValue", text, 400)
    return given


def system_tags(call: Call, given: dict[str, str]) -> dict[str, str]:
    """Those by which CloudFormation, and nobody else, marks what it makes (CloudFormation User Guide: "Resource tags").

    They count for no limit, and no permission is asked for them.
    """
    if call.source_ip != "cloudformation.amazonaws.com":  # a client's own address is never a name
        return {}
    return {key: value for key, value in given.items() if key.startswith("aws:cloudformation:")}


def _on_resources(call: Call, params: Params) -> list[str]:
    return [call.arn(f"{_kind(one)}/{one}") for one in dict.fromkeys(params["Resources"])]


def _kind(resource: str) -> str:
    kinds = {"i": "instance", "vol": "volume", "sg": "security-group", "subnet": "subnet", "vpc": "vpc", "ami": "image"}
    return kinds.get(resource.partition("-")[0], "*")


def _tagged(call: Call, params: Params) -> list[Instance]:
    other = [one for one in params["Resources"] if not one.startswith("i-")]
    if other and "-" in other[0] and _kind(other[0]) != "*":
        raise not_simulated(f"Tags of {other[0]}, which is no instance")
    if other:
        raise AwsError("InvalidID", f"The ID '{other[0]}' is not valid", 400)
    return instances_named(call, params["Resources"])


@operation(on=_on_resources)
def create_tags(call: Call, params: Params) -> Params:
    given = tags.from_list(params["Tags"])
    for instance in _tagged(call, params):
        ours = {key: value for key, value in instance.tags.items() if key.startswith("aws:")}
        instance.tags = ours | checked_tags(tags.merged(tags.without(instance.tags, ours), given))
        call.store.put(instance)
    return {}


@operation(on=_on_resources)
def delete_tags(call: Call, params: Params) -> Params:
    """Without tags all go; a tag with a value goes only if it has that value."""
    chosen = params.get("Tags")
    checked_tags({one["Key"]: one.get("Value") or "" for one in chosen or []})
    for instance in _tagged(call, params):
        for one in chosen or []:
            if "Value" not in one or instance.tags.get(one["Key"]) == one["Value"]:
                instance.tags.pop(one["Key"], None)
        if not chosen:
            instance.tags = {key: value for key, value in instance.tags.items() if key.startswith("aws:")}
        call.store.put(instance)
    return {}


@operation()
def describe_tags(call: Call, params: Params) -> Params:
    found = [
        {"ResourceType": "instance", "ResourceId": instance.id, "Key": key, "Value": value}
        for instance in instances_of(call)
        for key, value in instance.tags.items()
    ]
    values = {
        "resource-id": lambda one: one["ResourceId"],
        "resource-type": lambda one: one["ResourceType"],
        "key": lambda one: one["Key"],
        "value": lambda one: one["Value"],
    }
    chosen = filtered(found, params, values, lambda one: {one["Key"]: one["Value"]})
    part, token = paged(chosen, lambda one: f"{one['ResourceId']}/{one['Key']}", params)
    return {"Tags": part, "NextToken": token}
