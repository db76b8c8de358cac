"""AWS::Lambda::*"""

import io
import zipfile
from typing import Any

from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.cloudformation.records import Params
from labsupport.cloud.services.cloudformation.work import Made, Provider, Work, gone

_SETTINGS = {  # properties by the parameters that they become
    "Runtime": "Runtime",
    "Role": "Role",
    "Handler": "Handler",
    "Description": "Description",
    "Timeout": "Timeout",
    "MemorySize": "MemorySize",
    "Environment": "Environment",
    "KmsKeyArn": "KMSKeyArn",
    "DeadLetterConfig": "DeadLetterConfig",
    "EphemeralStorage": "EphemeralStorage",
    "LoggingConfig": "LoggingConfig",
    "TracingConfig": "TracingConfig",
}
_WITHOUT: Params = {  # what a setting is once its property has gone
    "Description": "",
    "Timeout": 3,
    "MemorySize": 128,
    "Environment": {"Variables": {}},
    "KmsKeyArn": "",
    "DeadLetterConfig": {"TargetArn": ""},
    "EphemeralStorage": {"Size": 512},
    "LoggingConfig": {"LogFormat": "Text"},
    "TracingConfig": {"Mode": "PassThrough"},
}
_FUNCTION = ("FunctionName", "Code", "PackageType", "Architectures", "ReservedConcurrentExecutions", "Tags", *_SETTINGS)
_PAUSE = 0.05


def _code(code: Params) -> Params:
    """Inline code is one file, index.py (User Guide: AWS::Lambda::Function Code)."""
    if "ZipFile" not in code:
        return code
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(zipfile.ZipInfo("index.py"), code["ZipFile"])
    return {"ZipFile": buffer.getvalue()}


def _settings(props: Params) -> Params:
    return {parameter: props[name] for name, parameter in _SETTINGS.items() if name in props}


async def _create_function(work: Work, props: Params) -> Made:
    functions, name = work.client("lambda"), work.name(props.get("FunctionName"))
    there = _there(functions, name)
    if there and not work.resource.physical:
        raise AwsError("AlreadyExists", f"{name} already exists", 400)
    if not there:
        work.called(name)
        tags = work.tags(props.get("Tags"))
        more: Params = {key: props[key] for key in ("PackageType", "Architectures") if key in props}
        more |= {"Tags": tags} if tags else {}
        await functions.create_function(FunctionName=name, Code=_code(props["Code"]), **_settings(props), **more)
    shown = await _ready(work, name)
    if "ReservedConcurrentExecutions" in props:
        wanted = props["ReservedConcurrentExecutions"]
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=wanted)
    return Made(name, {"Arn": shown["FunctionArn"]})


def _there(functions: Any, name: str) -> bool:
    try:
        functions.get_function_configuration(FunctionName=name)
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise
        return False
    return True


async def _ready(work: Work, name: str) -> Params:
    """A function takes its next change once it is made and the last change is done."""
    while True:
        found: Params = work.client("lambda").get_function_configuration(FunctionName=name)
        if found["State"] != "Pending" and found["LastUpdateStatus"] != "InProgress":
            return found
        await work.pause(_PAUSE)


async def _update_function(work: Work, name: str, old: Params, new: Params) -> Made:
    functions = work.client("lambda")
    if any(old.get(key) != new.get(key) for key in ("Code", "Architectures")):
        more = {"Architectures": new["Architectures"]} if "Architectures" in new else {}
        await functions.update_function_code(FunctionName=name, **_code(new["Code"]), **more)
        await _ready(work, name)
    changed = [key for key in _SETTINGS if old.get(key) != new.get(key)]
    if changed:
        wanted = {_SETTINGS[key]: new.get(key, _WITHOUT.get(key)) for key in changed}
        functions.update_function_configuration(FunctionName=name, **wanted)
    shown = await _ready(work, name)
    _reserve(functions, name, old, new)
    _retag(work, functions, shown["FunctionArn"], old, new)
    return Made(name, {"Arn": shown["FunctionArn"]})


def _reserve(functions: Any, name: str, old: Params, new: Params) -> None:
    before, after = old.get("ReservedConcurrentExecutions"), new.get("ReservedConcurrentExecutions")
    if after is None and before is not None:
        functions.delete_function_concurrency(FunctionName=name)
    elif after != before:
        functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=after)


def _retag(work: Work, functions: Any, arn: str, old: Params, new: Params) -> None:
    wanted, left = work.retag(old.get("Tags"), new.get("Tags"))
    if wanted:
        functions.tag_resource(Resource=arn, Tags=wanted)
    if left:
        functions.untag_resource(Resource=arn, TagKeys=left)


async def _delete_function(work: Work, name: str, props: Params) -> None:
    gone(work.client("lambda").delete_function, "ResourceNotFoundException", FunctionName=name)


# Versions and aliases


async def _create_version(work: Work, props: Params) -> Made:
    functions, function = work.client("lambda"), props["FunctionName"]
    asked = {key: props[key] for key in ("Description", "CodeSha256") if key in props}
    if not work.resource.physical:
        there = {one["Version"] for one in functions.list_versions_by_function(FunctionName=function)["Versions"]}
        with work.call.transaction():
            made = functions.publish_version(FunctionName=function, **asked)
            if made["Version"] in there:
                exists = f"A version for this Lambda function exists ( {made['Version']} )."
                raise AwsError("AlreadyExists", f"{exists} Modify the function to create a new version.", 400)
            work.called(made["FunctionArn"])
    arn = work.resource.physical
    return Made(arn, {"FunctionArn": arn, "Version": arn.rpartition(":")[2]})


async def _delete_version(work: Work, arn: str, props: Params) -> None:
    gone(work.client("lambda").delete_function, "ResourceNotFoundException", FunctionName=arn)


def _alias(props: Params) -> Params:
    weights = props.get("RoutingConfig", {}).get("AdditionalVersionWeights", [])
    shares = {one["FunctionVersion"]: one["FunctionWeight"] for one in weights}
    return {
        "FunctionName": props["FunctionName"],
        "Name": props["Name"],
        "FunctionVersion": props["FunctionVersion"],
        "Description": props.get("Description", ""),
        "RoutingConfig": {"AdditionalVersionWeights": shares},
    }


async def _create_alias(work: Work, props: Params) -> Made:
    work.once(work.client("lambda").create_alias, lambda made: str(made["AliasArn"]), **_alias(props))
    return Made(work.resource.physical, {"AliasArn": work.resource.physical})


async def _update_alias(work: Work, arn: str, old: Params, new: Params) -> Made:
    work.client("lambda").update_alias(**_alias(new))
    return Made(arn, {"AliasArn": arn})


async def _delete_alias(work: Work, arn: str, props: Params) -> None:
    function, _, name = arn.rpartition(":")
    gone(work.client("lambda").delete_alias, "ResourceNotFoundException", FunctionName=function, Name=name)


# Permissions

_PERMISSION = ("Action", "FunctionName", "Principal", "SourceArn", "SourceAccount", "PrincipalOrgID")


async def _create_permission(work: Work, props: Params) -> Made:
    name = work.name(longest=100)
    asked = {key: props[key] for key in _PERMISSION if key in props}
    work.once(work.client("lambda").add_permission, name, StatementId=name, **asked)
    return Made(name, {"Id": name})


async def _delete_permission(work: Work, name: str, props: Params) -> None:
    remove = work.client("lambda").remove_permission
    gone(remove, "ResourceNotFoundException", FunctionName=props["FunctionName"], StatementId=name)


PROVIDERS = {
    "AWS::Lambda::Function": Provider(_create_function, _delete_function, _update_function, _FUNCTION),
    "AWS::Lambda::Version": Provider(
        _create_version, _delete_version, None, ("FunctionName", "Description", "CodeSha256")
    ),
    "AWS::Lambda::Alias": Provider(
        _create_alias,
        _delete_alias,
        _update_alias,
        ("FunctionName", "FunctionVersion", "Name", "Description", "RoutingConfig"),
    ),
    "AWS::Lambda::Permission": Provider(_create_permission, _delete_permission, None, _PERMISSION),
}
