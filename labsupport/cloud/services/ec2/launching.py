"""RunInstances (API Reference: "RunInstances"; User Guide: "Run commands on your Linux instance at launch")."""

import base64
import binascii
import hashlib
import json
from typing import Any

from labsupport.cloud.core import ids, tags
from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.identity import InstanceProfile, Role
from labsupport.cloud.services.ec2.base import Instance, Params, Secret, change_state, invalid, operation
from labsupport.cloud.services.ec2.conditions import DEFAULT_TYPE
from labsupport.cloud.services.ec2.describing import reservation
from labsupport.cloud.services.ec2.images import image_named
from labsupport.cloud.services.ec2.places import Subnet, default_group, free_address, subnets
from labsupport.cloud.services.ec2.tagging import checked_tags, system_tags

# What is given beyond these would be a silent success: the lab says that it has no such thing.
_KNOWN = frozenset(
    ("ImageId", "InstanceType", "MinCount", "MaxCount", "IamInstanceProfile", "TagSpecifications", "UserData",
     "ClientToken", "MetadataOptions", "SubnetId", "SecurityGroupIds", "SecurityGroups", "Placement", "DryRun",
     "DisableApiTermination", "EbsOptimized", "Monitoring", "KeyName", "InstanceInitiatedShutdownBehavior")
)  # fmt: skip
_MOST = 20  # instances of one call: each is a process of this machine
_LARGEST_USER_DATA = 16_384  # bytes, before encoding


def _resources(call: Call, params: Params) -> list[str]:
    """What the call touches, each of which a policy has to allow."""
    subnet = params.get("SubnetId", "*")
    groups = params.get("SecurityGroupIds") or ["*"]
    return [
        f"arn:aws:ec2:{call.region}::image/{params.get('ImageId', '*')}",
        call.arn("instance/*"),
        call.arn("network-interface/*"),
        *(call.arn(f"security-group/{group}") for group in groups),
        call.arn(f"subnet/{subnet}"),
        call.arn("volume/*"),
    ]


def _conditions(call: Call, params: Params) -> Params:
    return _request_tags(_own(call, _tags_for(params, "instance")))


def _request_tags(given: dict[str, str]) -> Params:
    if not given:
        return {}
    return {"aws:tagkeys": list(given), **{f"aws:requesttag/{key.lower()}": value for key, value in given.items()}}


def _tags_for(params: Params, kind: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in params.get("TagSpecifications", []):
        if one.get("ResourceType") == kind:
            found |= tags.from_list(one.get("Tags"))
    return found


def _own(call: Call, given: dict[str, str]) -> dict[str, str]:
    """What the caller has asked for, without what CloudFormation adds."""
    return tags.without(given, system_tags(call, given))


@operation(on=_resources, context=_conditions)
def run_instances(call: Call, params: Params) -> Params:
    asked = _digest(params)
    before = _already_run(call, params.get("ClientToken", ""), asked)
    if before:
        return reservation(call, before)
    _check(params)
    image_named(call, params["ImageId"])
    profile = _profile(call, params)
    role = _role_of(call, profile)
    if role:
        call.authorise("iam:PassRole", role.arn, {"iam:passedtoservice": "ec2.amazonaws.com"})
    asked_for = _tags_for(params, "instance")
    given = checked_tags(_own(call, asked_for)) | system_tags(call, asked_for)
    _authorise_tags(call, params)
    subnet, groups = _network(call, params)
    reserved = ids.hex_id("r")
    made = [_instance(call, params, subnet, groups, reserved, at, given, profile) for at in range(params["MaxCount"])]
    for instance in made:
        instance.asked = asked
        call.store.put(Secret(secret=instance.secret, account=call.account, region=call.region, instance=instance.id))
        change_state(call, instance, "pending")
        call.start("advance", instance.id)
    return reservation(call, made)


def _digest(params: Params) -> str:
    return hashlib.sha256(json.dumps(params, sort_keys=True, default=str).encode()).hexdigest()


def _already_run(call: Call, token: str, asked: str) -> list[Instance]:
    found = [one for one in call.store.list(Instance, call.account, call.region) if token and one.token == token]
    if any(one.asked != asked for one in found):
        message = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."
        raise AwsError("IdempotentParameterMismatch", message, 400)
    return found


def _check(params: Params) -> None:
    unknown = [name for name, value in params.items() if name not in _KNOWN and value not in (None, [], {}, False)]
    if unknown:
        raise not_simulated(f"RunInstances with {unknown[0]}")
    if "ImageId" not in params:
        raise AwsError("MissingParameter", "The request must contain the parameter ImageId", 400)
    low, high = params["MinCount"], params["MaxCount"]
    if not 1 <= low <= high:
        raise invalid(
            f"Value ({low if low < 1 else high}) for parameter {'minCount' if low < 1 else 'maxCount'} is invalid."
        )
    if low > _MOST or high > _MOST:
        message = f"You have requested more instances ({high}) than your current instance limit of {_MOST} allows."
        raise AwsError("InstanceLimitExceeded", message, 400)
    if "KeyName" in params:
        raise AwsError("InvalidKeyPair.NotFound", f"The key pair '{params['KeyName']}' does not exist", 400)
    other = set(params.get("Placement", {})) - {"AvailabilityZone"}
    if other:
        raise not_simulated(f"RunInstances with Placement.{min(other)}")
    for one in params.get("TagSpecifications", []):
        if one.get("ResourceType") not in ("instance", "volume", "network-interface"):
            raise invalid(f"'{one.get('ResourceType')}' is not a valid taggable resource type for this operation.")
    user_data_of(params.get("UserData", ""))


def user_data_of(encoded: str) -> str:
    """The script that a first boot runs, or nothing (User Guide: "user data scripts must begin with #!")."""
    data = user_data_bytes(encoded)
    if len(data) > _LARGEST_USER_DATA:
        raise invalid(f"User data is limited to {_LARGEST_USER_DATA} bytes")
    text = data.decode("utf-8", "surrogateescape")
    if text.strip() and not text.startswith("#!"):
        raise not_simulated("User data that is no script (its first line does not begin with #!)")
    return text if text.strip() else ""


def user_data_bytes(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise AwsError("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.", 400) from None


def _profile(call: Call, params: Params) -> InstanceProfile | None:
    given = params.get("IamInstanceProfile") or {}
    if "Arn" in given and "Name" in given:
        message = "The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'"
        raise AwsError("InvalidParameterCombination", message, 400)
    if "Arn" in given:
        arn = parse(given["Arn"])
        found = call.store.get(InstanceProfile, call.account, given["Arn"].rsplit("/", 1)[-1]) if arn else None
        if found is None or found.arn != given["Arn"]:
            raise _bad_profile("arn", given["Arn"], "ARN")
        return found
    if "Name" in given:
        found = call.store.get(InstanceProfile, call.account, given["Name"])
        if found is None:
            raise _bad_profile("name", given["Name"], "name")
        return found
    return None


def _bad_profile(parameter: str, value: str, what: str) -> AwsError:
    text = f"Value ({value}) for parameter iamInstanceProfile.{parameter} is invalid."
    return invalid(f"{text} Invalid IAM Instance Profile {what}")


def _role_of(call: Call, profile: InstanceProfile | None) -> Role | None:
    return call.store.get(Role, call.account, profile.roles[0]) if profile and profile.roles else None


def _authorise_tags(call: Call, params: Params) -> None:
    """Tagging at birth needs ec2:CreateTags too; policies tell it apart by ec2:CreateAction."""
    for one in params.get("TagSpecifications", []):
        given = _own(call, tags.from_list(one.get("Tags")))
        if given:
            context = {"ec2:createaction": "RunInstances", **_request_tags(given)}
            call.authorise("ec2:CreateTags", call.arn(f"{one['ResourceType']}/*"), context)


def _network(call: Call, params: Params) -> tuple[Subnet, list[str]]:
    here = subnets(call.account, call.region)
    zone = params.get("Placement", {}).get("AvailabilityZone")
    named = params.get("SubnetId")
    if named and named not in {one.id for one in here}:
        raise AwsError("InvalidSubnetID.NotFound", f"The subnet ID '{named}' does not exist", 400)
    if zone and zone not in {one.zone.name for one in here}:
        raise invalid(f"Invalid availability zone: [{zone}]")
    chosen = [one for one in here if (not named or one.id == named) and (not zone or one.zone.name == zone)]
    if not chosen:
        raise invalid(f"The availability zone {zone} is not that of the subnet {named}")
    return chosen[0], _groups(call, params)


def _groups(call: Call, params: Params) -> list[str]:
    group = default_group(call.account, call.region)
    for one in params.get("SecurityGroupIds", []):
        if one != group:
            raise AwsError("InvalidGroup.NotFound", f"The security group '{one}' does not exist", 400)
    for one in params.get("SecurityGroups", []):
        if one != "default":
            message = f"The security group '{one}' does not exist in default VPC"
            raise AwsError("InvalidGroup.NotFound", message, 400)
    return [group]


def _instance(
    call: Call,
    params: Params,
    subnet: Subnet,
    groups: list[str],
    reserved: str,
    index: int,
    given: dict[str, str],
    profile: InstanceProfile | None,
) -> Instance:
    instance = Instance(
        account=call.account,
        region=call.region,
        id=ids.hex_id("i"),
        reservation=reserved,
        index=index,
        image=params["ImageId"],
        type=params.get("InstanceType", DEFAULT_TYPE),
        zone=subnet.zone.name,
        subnet=subnet.id,
        groups=groups,
        address=free_address(call, subnet),
        launched=call.epoch,
        profile=profile.arn if profile else "",
        profile_id=profile.id if profile else "",
        tags=given,
        user_data=params.get("UserData", ""),
        protected=params.get("DisableApiTermination", False),
        on_shutdown=params.get("InstanceInitiatedShutdownBehavior", "stop"),
        monitored=params.get("Monitoring", {}).get("Enabled", False),
        metadata=_metadata_options(params.get("MetadataOptions", {})),
        secret=ids.secret_key().translate(str.maketrans("/+", "-_")),
        token=params.get("ClientToken", ""),
    )
    call.store.put(instance)  # so that the next one gets another address
    return instance


def _metadata_options(given: dict[str, Any]) -> dict[str, Any]:
    return {
        "State": "applied",
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 2,
        "HttpEndpoint": "enabled",
        "HttpProtocolIpv6": "disabled",
        "InstanceMetadataTags": "disabled",
        **given,
    }
