"""From the parameters of CreateFunction and UpdateFunctionConfiguration to a function's settings, with AWS's checks."""

import re
from typing import Any

from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.functions import sealing
from labsupport.cloud.services.functions.base import Params, Settings, invalid

LONGEST_TIMEOUT = 900
MOST_MEMORY = 10_240
_RUNNABLE = re.compile(r"python3\.(9|1[0-9])")
_GONE = ("python2.7", "python3.6", "python3.7", "python3.8", "nodejs", "go1.x", "java8", "provided")
_KEPT = ("DeadLetterConfig", "EphemeralStorage", "LoggingConfig", "TracingConfig", "Architectures")
_LACKING = {
    "Layers": "A layer",
    "FileSystemConfigs": "A file system of a function",
    "ImageConfig": "A function from a container image",
    "CodeSigningConfigArn": "Code signing",
    "TenancyConfig": "Tenant isolation",
    "CapacityProviderConfig": "A capacity provider",
    "DurableConfig": "A durable function",
    "RuntimeConfig": "A runtime of one's own choice of version",
    "AcceleratorConfig": "An accelerator",
    "PublishTo": "Publishing to $LATEST.PUBLISHED",
}


def refuse_lacking(params: Params) -> None:
    """What AWS has and this lab has not is said."""
    for name, what in _LACKING.items():
        if params.get(name):
            raise not_simulated(what)
    if params.get("PackageType", "Zip") != "Zip" or params.get("ImageUri") or params.get("Code", {}).get("ImageUri"):
        raise not_simulated("A function from a container image")
    if params.get("VpcConfig", {}).get("SubnetIds"):
        raise not_simulated("A function in a VPC")
    if params.get("SnapStart", {}).get("ApplyOn", "None") != "None":
        raise not_simulated("SnapStart")
    if params.get("TracingConfig", {}).get("Mode", "PassThrough") != "PassThrough":
        raise not_simulated("Tracing by X-Ray")
    if params.get("LoggingConfig", {}).get("LogFormat", "Text") != "Text":
        raise not_simulated("A log in JSON")
    if params.get("SourceKMSKeyArn") or params.get("Code", {}).get("SourceKMSKeyArn"):
        raise not_simulated("A key of one's own for a function's code")


def check_runtime(runtime: str) -> None:
    if runtime in _GONE or runtime.startswith(("nodejs4", "nodejs6", "nodejs8", "dotnetcore", "ruby2")):
        raise invalid(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )
    if not _RUNNABLE.fullmatch(runtime):
        raise not_simulated(f"The runtime {runtime}")


def check_role(call: Call, role: str) -> None:
    """The role has to let Lambda in (the caller's right to pass it is checked before)."""
    arn = parse(role)
    if arn is None or arn.account != call.account:
        message = "Cross-account pass role is not allowed."
        raise AwsError("AccessDeniedException", message, 403)
    try:
        call.aws("sts", role=role, session="lambda-check").caller()
    except AwsError as error:
        refused = invalid("The role defined for the function cannot be assumed by Lambda.")
        refused.decision = error.decision
        raise refused from None


def apply(call: Call, function: str, settings: Settings, params: Params) -> None:
    """Put what the parameters say into the settings of a function (its ARN); what they don't name stays."""
    refuse_lacking(params)
    variables = _variables(call, function, settings, params)
    if "Runtime" in params:
        check_runtime(params["Runtime"])
        settings.runtime = params["Runtime"]
    if "Role" in params:
        check_role(call, params["Role"])
        settings.role = params["Role"]
    settings.handler = params.get("Handler", settings.handler)
    settings.description = params.get("Description", settings.description)
    settings.timeout = _within(params, "Timeout", settings.timeout, LONGEST_TIMEOUT)
    settings.memory = _within(params, "MemorySize", settings.memory, MOST_MEMORY)
    settings.others = {**settings.others, **{name: params[name] for name in _KEPT if name in params}}
    _check_dead_letters(settings.others)
    if variables is not None:
        sealing.revoke(call, settings)
        settings.key = params.get("KMSKeyArn", settings.key)
        sealing.seal(call, function, settings, variables)


def _variables(call: Call, function: str, settings: Settings, params: Params) -> dict[str, str] | None:
    """The variables, if they have to be encrypted anew: because they, their key or who may use it has changed."""
    if "Environment" in params:
        given: dict[str, str] = params["Environment"].get("Variables", {})
        sealing.check(given)
        return given
    another_key = params.get("KMSKeyArn", settings.key) != settings.key
    if another_key or (settings.key and params.get("Role", settings.role) != settings.role):
        return sealing.opened(call, function, settings)
    return None


def _within(params: Params, name: str, current: int, most: int) -> int:
    value: int = params.get(name, current)
    if value > most:
        field = name[0].lower() + name[1:]
        raise AwsError(
            "ValidationException",
            f"1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: Member must have "
            f"value less than or equal to {most}",
        )
    return value


def _check_dead_letters(others: dict[str, Any]) -> None:
    target = others.get("DeadLetterConfig", {}).get("TargetArn", "")
    if target and ":sqs:" not in target and ":sns:" not in target:
        raise invalid(f"The provided target ARN {target} is neither a topic's nor a queue's.")
