"""AWS::KMS::*, AWS::SSM::Parameter, AWS::Logs::LogGroup."""

import json
from typing import Any

from labsupport.cloud.core.tags import to_list
from labsupport.cloud.services.cloudformation.base import invalid
from labsupport.cloud.services.cloudformation.records import Params
from labsupport.cloud.services.cloudformation.work import Made, Provider, Work, gone


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


# Keys

_KIND = ("KeySpec", "KeyUsage", "Origin", "MultiRegion", "BypassPolicyLockoutSafetyCheck")  # for CreateKey as they are
_KEY = ("Description", "KeyPolicy", "Enabled", "Tags", "PendingWindowInDays", "EnableKeyRotation",
        "RotationPeriodInDays", *_KIND)  # fmt: skip


def _rotate(work: Work, key: str, old: Params, new: Params) -> None:
    kms, period = work.client("kms"), new.get("RotationPeriodInDays")
    if new.get("EnableKeyRotation"):
        if not old.get("EnableKeyRotation") or old.get("RotationPeriodInDays") != period:
            kms.enable_key_rotation(KeyId=key, **({"RotationPeriodInDays": int(period)} if period else {}))
    elif old.get("EnableKeyRotation"):
        kms.disable_key_rotation(KeyId=key)


async def _create_key(work: Work, props: Params) -> Made:
    kms = work.client("kms")
    optional = {key: props[key] for key in ("Description", *_KIND) if props.get(key)}
    policy = {"Policy": _text(props["KeyPolicy"])} if props.get("KeyPolicy") else {}
    tags = work.tags(props.get("Tags"))
    tagged = {"Tags": to_list(tags, "TagKey", "TagValue")} if tags else {}
    if not work.resource.physical:
        made = await kms.create_key(**optional, **policy, **tagged)
        work.called(str(made["KeyMetadata"]["KeyId"]))
    metadata = kms.describe_key(KeyId=work.resource.physical)["KeyMetadata"]
    _rotate(work, metadata["KeyId"], {}, props)
    if not props.get("Enabled", True):
        kms.disable_key(KeyId=metadata["KeyId"])
    return Made(metadata["KeyId"], {"Arn": metadata["Arn"], "KeyId": metadata["KeyId"]})


async def _update_key(work: Work, physical: str, old: Params, new: Params) -> Made:
    for fixed, usual in (("KeySpec", "SYMMETRIC_DEFAULT"), ("KeyUsage", "ENCRYPT_DECRYPT"), ("Origin", "AWS_KMS")):
        if old.get(fixed, usual) != new.get(fixed, usual):
            raise invalid(f"You cannot change the {fixed} value after the KMS key is created")
    kms = work.client("kms")
    if old.get("Description") != new.get("Description"):
        kms.update_key_description(KeyId=physical, Description=new.get("Description", ""))
    if old.get("KeyPolicy") != new.get("KeyPolicy") and new.get("KeyPolicy"):
        kms.put_key_policy(KeyId=physical, Policy=_text(new["KeyPolicy"]))
    was, shall_be = old.get("Enabled", True), new.get("Enabled", True)
    if shall_be and not was:
        kms.enable_key(KeyId=physical)
    _rotate(work, physical, old, new)  # of a key that is enabled: before it is disabled, after it was
    if was and not shall_be:
        kms.disable_key(KeyId=physical)
    wanted, left = work.retag(old.get("Tags"), new.get("Tags"))
    if wanted:
        kms.tag_resource(KeyId=physical, Tags=to_list(wanted, "TagKey", "TagValue"))
    if left:
        kms.untag_resource(KeyId=physical, TagKeys=left)
    arn = kms.describe_key(KeyId=physical)["KeyMetadata"]["Arn"]
    return Made(physical, {"Arn": arn, "KeyId": physical})


async def _delete_key(work: Work, physical: str, props: Params) -> None:
    days = int(props.get("PendingWindowInDays", 30))
    gone(
        work.client("kms").schedule_key_deletion, "NotFoundException", "KMSInvalidStateException",
        KeyId=physical, PendingWindowInDays=days,
    )  # fmt: skip


async def _create_alias(work: Work, props: Params) -> Made:
    params = {"AliasName": props["AliasName"], "TargetKeyId": props["TargetKeyId"]}
    work.once(work.client("kms").create_alias, props["AliasName"], **params)
    return Made(props["AliasName"], {})


async def _update_alias(work: Work, physical: str, old: Params, new: Params) -> Made:
    work.client("kms").update_alias(AliasName=physical, TargetKeyId=new["TargetKeyId"])
    return Made(physical, {})


async def _delete_alias(work: Work, physical: str, props: Params) -> None:
    gone(work.client("kms").delete_alias, "NotFoundException", AliasName=physical)


# Parameters and log groups

_PARAMETER = ("Name", "Type", "Value", "Description", "AllowedPattern", "Tier", "DataType", "Tags")
_LOG_GROUP = ("LogGroupName", "RetentionInDays", "KmsKeyId", "Tags")


async def _create_parameter(work: Work, props: Params) -> Made:
    ssm, name = work.client("ssm"), work.name(props.get("Name"), longest=1011)
    optional = ("Description", "AllowedPattern", "Tier", "DataType")
    params = {"Name": name, "Type": props["Type"], "Value": str(props["Value"])}
    params |= {key: props[key] for key in optional if props.get(key)}
    tags = work.tags(props.get("Tags"))
    tagged = {"Tags": to_list(tags)} if tags else {}
    work.once(ssm.put_parameter, name, **params, **tagged)
    return Made(name, {"Type": props["Type"], "Value": str(props["Value"])})


async def _update_parameter(work: Work, name: str, old: Params, new: Params) -> Made:
    optional = {key: new.get(key, "") for key in ("Description", "AllowedPattern") if new.get(key) or old.get(key)}
    optional |= {key: new[key] for key in ("Tier", "DataType") if new.get(key)}
    params = {"Name": name, "Type": new["Type"], "Value": str(new["Value"]), "Overwrite": True, **optional}
    ssm = work.client("ssm")
    if any(old.get(key) != new.get(key) for key in ("Type", "Value", *optional)):
        ssm.put_parameter(**params)
    wanted, left = work.retag(old.get("Tags"), new.get("Tags"))
    if wanted:
        ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId=name, Tags=to_list(wanted))
    if left:
        ssm.remove_tags_from_resource(ResourceType="Parameter", ResourceId=name, TagKeys=left)
    return Made(name, {"Type": new["Type"], "Value": str(new["Value"])})


async def _delete_parameter(work: Work, name: str, props: Params) -> None:
    gone(work.client("ssm").delete_parameter, "ParameterNotFound", Name=name)


def _log_arn(work: Work, name: str) -> str:
    return f"arn:aws:logs:{work.stack.region}:{work.stack.account}:log-group:{name}:*"


async def _create_log_group(work: Work, props: Params) -> Made:
    logs, name = work.client("logs"), work.name(props.get("LogGroupName"), longest=512)
    optional = {"kmsKeyId": props["KmsKeyId"]} if props.get("KmsKeyId") else {}
    tags = work.tags(props.get("Tags"))
    tagged = {"tags": tags} if tags else {}
    work.once(logs.create_log_group, name, logGroupName=name, **optional, **tagged)
    return _retained(work, name, {}, props)


async def _update_log_group(work: Work, name: str, old: Params, new: Params) -> Made:
    logs, arn = work.client("logs"), _log_arn(work, name).removesuffix(":*")
    if new.get("KmsKeyId") and old.get("KmsKeyId") != new["KmsKeyId"]:
        logs.associate_kms_key(logGroupName=name, kmsKeyId=new["KmsKeyId"])
    elif old.get("KmsKeyId") and not new.get("KmsKeyId"):
        logs.disassociate_kms_key(logGroupName=name)
    wanted, left = work.retag(old.get("Tags"), new.get("Tags"))
    if wanted:
        logs.tag_resource(resourceArn=arn, tags=wanted)
    if left:
        logs.untag_resource(resourceArn=arn, tagKeys=left)
    return _retained(work, name, old, new)


def _retained(work: Work, name: str, old: Params, new: Params) -> Made:
    logs = work.client("logs")
    if old.get("RetentionInDays") != new.get("RetentionInDays"):
        if new.get("RetentionInDays"):
            logs.put_retention_policy(logGroupName=name, retentionInDays=int(new["RetentionInDays"]))
        else:
            logs.delete_retention_policy(logGroupName=name)
    return Made(name, {"Arn": _log_arn(work, name)})


async def _delete_log_group(work: Work, name: str, props: Params) -> None:
    gone(work.client("logs").delete_log_group, "ResourceNotFoundException", logGroupName=name)


PROVIDERS = {
    "AWS::KMS::Key": Provider(_create_key, _delete_key, _update_key, _KEY),
    "AWS::KMS::Alias": Provider(_create_alias, _delete_alias, _update_alias),
    "AWS::SSM::Parameter": Provider(_create_parameter, _delete_parameter, _update_parameter, _PARAMETER),
    "AWS::Logs::LogGroup": Provider(_create_log_group, _delete_log_group, _update_log_group, _LOG_GROUP),
}
