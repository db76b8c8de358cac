"""Parameters: put, get, delete, history, labels, tags."""

import re

from labsupport.cloud.core import paging, tags
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.ssm.base import (
    ADVANCED_BYTES,
    MOST_VERSIONS,
    STANDARD_BYTES,
    Parameter,
    Params,
    Version,
    arn_of,
    check_name,
    find,
    not_found,
    on_name,
    on_names,
    plain_name,
    sealed,
    selected,
    service,
    shown,
)


@service.operation(on=on_name)
def put_parameter(call: Call, params: Params) -> Params:
    name = plain_name(params["Name"])
    check_name(name)
    if params.get("Policies"):
        raise not_simulated("Parameter policies")
    parameter = find(call, name)
    if parameter and not params.get("Overwrite"):
        message = (
            "The parameter already exists. To overwrite this value, set the overwrite option in the request to true."
        )
        raise AwsError("ParameterAlreadyExists", message)
    if parameter and params.get("Tags"):
        message = (
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please "
            "remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or "
            "RemoveTagsFromResource."
        )
        raise AwsError("ValidationException", message)
    if parameter is None:
        parameter = _new(call, name, params)
    version = _version(call, parameter, params)
    parameter.versions = [*parameter.versions, version][-MOST_VERSIONS:]
    call.store.put(parameter)
    _publish(call, parameter, "Create" if version.number == 1 else "Update")
    return {"Version": version.number, "Tier": version.tier}


def _new(call: Call, name: str, params: Params) -> Parameter:
    if "Type" not in params:
        message = "A parameter type is required when you create a parameter."
        raise AwsError("ValidationException", message)
    found = _checked(tags.from_list(params.get("Tags")))
    return Parameter(account=call.account, region=call.region, name=name, versions=[], tags=found)


def _version(call: Call, parameter: Parameter, params: Params) -> Version:
    before = parameter.versions[-1] if parameter.versions else None
    kind = params.get("Type") or (before.type if before else "String")
    version = Version(
        number=before.number + 1 if before else 1,
        value=params["Value"],
        type=kind,
        description=params.get("Description", before.description if before else ""),
        pattern=params.get("AllowedPattern", ""),
        data_type=params.get("DataType", "text"),
        tier=_tier(params),
        modified=call.epoch,
        by=call.caller.arn,
    )
    _check_value(version)
    if kind == "SecureString":
        version.key_id = params.get("KeyId", "alias/aws/ssm")
        version.value = sealed(call, parameter.name, params["Value"], version.key_id)
    return version


def _tier(params: Params) -> str:
    large = len(params["Value"].encode()) > STANDARD_BYTES
    tier = params.get("Tier", "Standard")
    if tier == "Intelligent-Tiering":
        return "Advanced" if large else "Standard"
    limit = STANDARD_BYTES if tier == "Standard" else ADVANCED_BYTES
    if len(params["Value"].encode()) > limit:
        message = (
            f"{tier} tier parameters support a maximum parameter value of {limit} characters. To create a larger "
            "parameter value, upgrade the parameter to use the advanced-parameter tier."
        )
        raise AwsError("ValidationException", message)
    return str(tier)


def _check_value(version: Version) -> None:
    if not version.pattern:
        return
    try:
        fits = re.fullmatch(version.pattern, version.value)
    except re.error:
        message = "The parameter's allowed pattern is not a valid regular expression."
        raise AwsError("InvalidAllowedPatternException", message) from None
    if not fits:
        message = f"Parameter value, cannot be validated against allowedPattern: {version.pattern}"
        raise AwsError("ParameterPatternMismatchException", message)


@service.operation(on=on_name)
def get_parameter(call: Call, params: Params) -> Params:
    parameter, version, selector = selected(call, params["Name"])
    return {"Parameter": shown(call, parameter, version, params.get("WithDecryption", False), selector)}


@service.operation(on=on_names)
def get_parameters(call: Call, params: Params) -> Params:
    found, invalid = [], []
    for name in dict.fromkeys(params["Names"]):
        try:
            parameter, version, selector = selected(call, name)
        except AwsError as error:
            if error.code not in ("ParameterNotFound", "ParameterVersionNotFound"):
                raise
            invalid.append(name)
        else:
            found.append(shown(call, parameter, version, params.get("WithDecryption", False), selector))
    return {"Parameters": found, "InvalidParameters": invalid}


@service.operation(on=on_name)
def delete_parameter(call: Call, params: Params) -> Params:
    parameter = find(call, plain_name(params["Name"]))
    if parameter is None:
        raise not_found()
    call.store.delete(parameter)
    _publish(call, parameter, "Delete")
    return {}


@service.operation(on=on_names)
def delete_parameters(call: Call, params: Params) -> Params:
    found = {name: find(call, plain_name(name)) for name in params["Names"]}
    for parameter in found.values():
        if parameter:
            call.store.delete(parameter)
            _publish(call, parameter, "Delete")
    deleted = [name for name, parameter in found.items() if parameter]
    return {"DeletedParameters": deleted, "InvalidParameters": [name for name in found if name not in deleted]}


@service.operation(on=on_name)
def get_parameter_history(call: Call, params: Params) -> Params:
    parameter = find(call, plain_name(params["Name"]))
    if parameter is None:
        raise not_found()
    bad = AwsError("InvalidNextToken", "The specified token isn't valid.")
    found, token = paging.page_of_list(parameter.versions, params.get("NextToken"), params.get("MaxResults", 50), bad)
    decrypt = params.get("WithDecryption", False)
    return {"Parameters": [_past(call, parameter, version, decrypt) for version in found], "NextToken": token}


def _past(call: Call, parameter: Parameter, version: Version, decrypt: bool) -> Params:
    value = shown(call, parameter, version, decrypt)
    kept = {name: value[name] for name in ("Name", "Type", "Value", "Version", "LastModifiedDate", "DataType")}
    more = {"KeyId": version.key_id or None, "LastModifiedUser": version.by, "Description": version.description or None}
    return {**kept, **more, "AllowedPattern": version.pattern or None, "Labels": version.labels, "Tier": version.tier}


@service.operation(on=on_name)
def label_parameter_version(call: Call, params: Params) -> Params:
    parameter = find(call, plain_name(params["Name"]))
    if parameter is None:
        raise not_found()
    number = params.get("ParameterVersion", parameter.newest.number)
    good = [label for label in params["Labels"] if re.fullmatch(r"(?!aws|ssm)[a-zA-Z_][\w.\-]*", label, re.IGNORECASE)]
    target = next((version for version in parameter.versions if version.number == number), None)
    if target is None:
        message = (
            f"Systems Manager could not find version {number} of {parameter.name}. Verify the version and try again."
        )
        raise AwsError("ParameterVersionNotFound", message)
    for version in parameter.versions:
        version.labels = [label for label in version.labels if label not in good]
    target.labels = sorted({*target.labels, *good})
    call.store.put(parameter)
    return {"InvalidLabels": [label for label in params["Labels"] if label not in good], "ParameterVersion": number}


# Tags


def _tagged(call: Call, params: Params) -> Parameter:
    if params["ResourceType"] != "Parameter":
        raise not_simulated(f"Tags of a {params['ResourceType']}")
    parameter = find(call, params["ResourceId"])
    if parameter is None:
        raise AwsError("InvalidResourceId", "The resource ID isn't valid. Verify that you entered the correct ID.")
    return parameter


def _on_tagged(call: Call, params: Params) -> str:
    return arn_of(call, params["ResourceId"])


def _checked(found: dict[str, str]) -> dict[str, str]:
    too_many = AwsError("TooManyTagsError", "The Targets parameter includes too many tags.")
    tags.check(found, too_many, AwsError("ValidationException", "Tag keys that begin with aws: are reserved."))
    return found


@service.operation(on=_on_tagged)
def add_tags_to_resource(call: Call, params: Params) -> Params:
    parameter = _tagged(call, params)
    parameter.tags = _checked(tags.merged(parameter.tags, tags.from_list(params["Tags"])))
    call.store.put(parameter)
    return {}


@service.operation(on=_on_tagged)
def remove_tags_from_resource(call: Call, params: Params) -> Params:
    parameter = _tagged(call, params)
    parameter.tags = tags.without(parameter.tags, params["TagKeys"])
    call.store.put(parameter)
    return {}


@service.operation(on=_on_tagged)
def list_tags_for_resource(call: Call, params: Params) -> Params:
    return {"TagList": tags.to_list(_tagged(call, params).tags)}


def _resource_tags(call: Call, arn: str) -> dict[str, str]:
    parameter = find(call, plain_name(arn)) if arn != "*" else None
    return parameter.tags if parameter else {}


service.resource_tags = _resource_tags


def _publish(call: Call, parameter: Parameter, operation: str) -> None:
    """EventBridge's "Parameter Store Change" (Systems Manager User Guide: "Reference: EventBridge event patterns")."""
    detail = {"operation": operation, "name": parameter.name, "type": parameter.newest.type}
    if parameter.newest.description:
        detail["description"] = parameter.newest.description
    call.emit("Parameter Store Change", detail, [arn_of(call, parameter.name)])
