"""Functions, versions and aliases as AWS shows them."""

from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.functions import sealing
from labsupport.cloud.services.functions.base import LATEST, Alias, Function, Params, Settings, stamp

_CREATING = {"State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}


def log_group(function: Function, settings: Settings) -> str:
    return str(settings.others.get("LoggingConfig", {}).get("LogGroup") or f"/aws/lambda/{function.name}")


def configuration(
    call: Call, function: Function, settings: Settings, version: str = LATEST, qualified: str = "", brief: bool = False
) -> Params:
    """FunctionConfiguration; `qualified` is the qualifier that its ARN shows. Listings (`brief`) tell no states."""
    others = settings.others
    shown: Params = {
        "FunctionName": function.name,
        "FunctionArn": f"{function.arn}:{qualified}" if qualified else function.arn,
        "Runtime": settings.runtime,
        "Role": settings.role,
        "Handler": settings.handler,
        "CodeSize": settings.size,
        "Description": settings.description,
        "Timeout": settings.timeout,
        "MemorySize": settings.memory,
        "LastModified": stamp(settings.modified),
        "CodeSha256": settings.sha256,
        "Version": version,
        "TracingConfig": {"Mode": "PassThrough"},
        "RevisionId": settings.revision,
        "PackageType": "Zip",
        "Architectures": others.get("Architectures", ["x86_64"]),
        "EphemeralStorage": others.get("EphemeralStorage", {"Size": 512}),
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": log_group(function, settings)},
    }
    if settings.key:
        shown["KMSKeyArn"] = settings.key
    if others.get("DeadLetterConfig", {}).get("TargetArn"):
        shown["DeadLetterConfig"] = others["DeadLetterConfig"]
    if settings.variables:
        shown["Environment"] = _environment(call, function, settings)
    return shown if brief else {**shown, **_state(function, version)}


def _environment(call: Call, function: Function, settings: Settings) -> Params:
    try:
        return {"Variables": sealing.opened(call, function.arn, settings)}
    except AwsError as error:
        return {"Error": {"ErrorCode": error.code.removeprefix("KMS"), "Message": error.message}}


def _state(function: Function, version: str) -> Params:
    if not function.created:  # LastUpdateStatus is first set after the creation (the model's words)
        return _CREATING
    if function.updating and version == LATEST:
        return {"State": "Active", "LastUpdateStatus": "InProgress", "LastUpdateStatusReasonCode": "Creating",
                "LastUpdateStatusReason": "The function is being created."}  # fmt: skip
    return {"State": "Active", "LastUpdateStatus": "Successful"}


def alias(function: Function, one: Alias) -> Params:
    shown: Params = {
        "AliasArn": f"{function.arn}:{one.name}",
        "Name": one.name,
        "FunctionVersion": one.version,
        "Description": one.description,
        "RevisionId": one.revision,
    }
    return {**shown, "RoutingConfig": {"AdditionalVersionWeights": one.weights}} if one.weights else shown
