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
    no_version,
    on_name,
    on_names,
    parameter_named,
    plain_name,
    selected,
    service,
    shown,
    validation,
)
from labsupport.cloud.services.ssm.sealing import sealed

MOST_LABELS = 10
_LABEL = re.compile(r"(?!aws|ssm)[a-z_][\w.\-]{0,99}", re.IGNORECASE | re.ASCII)


def _conditions(_: Call, params: Params) -> Params:
    """Systems Manager User Guide: "Preventing access to Parameter Store API operations"."""
    return {
        "ssm:overwrite": str(bool(params.get("Overwrite"))).lower(),
        "ssm:policies": str(bool(params.get("Policies"))).lower(),
    }


@service.operation(on=on_name, context=_conditions, tagging="ssm:AddTagsToResource")
def put_parameter(call: Call, params: Params) -> Params:
    """A new parameter, or a new version of an old one."""
    name = plain_name(params["Name"])
    check_name(name)
    _check_options(params)
    parameter = find(call, params["Name"])
    if parameter and not params.get("Overwrite"):
        message = (
            "The parameter already exists. To overwrite this value, set the overwrite option in the request to true."
        )
        raise AwsError("ParameterAlreadyExists", message)
    parameter = parameter or _new(call, name, params)
    version = _version(call, parameter, params)
    parameter.versions.append(version)
    _forget_oldest(parameter)
    call.store.put(parameter)
    _publish(call, parameter, "Create" if version.number == 1 else "Update")
    return {"Version": version.number, "Tier": version.tier}


def _check_options(params: Params) -> None:
    if params.get("Policies"):
        raise not_simulated("Parameter policies")
    if params.get("DataType", "text") != "text":
        raise not_simulated(f"A parameter of the data type {params['DataType']}")
    if params.get("Overwrite") and params.get("Tags"):
        raise validation(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please "
            "remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or "
            "RemoveTagsFromResource."
        )
    if not params["Value"]:
        raise validation("The parameter value must have a length greater than or equal to 1.")
    if re.search(r"\{\{.*\}\}", params["Value"], re.DOTALL):
        raise validation('Parameter value can\'t nest another parameter. Do not use "{{}}" in the value.')


def _new(call: Call, name: str, params: Params) -> Parameter:
    if "Type" not in params:
        raise validation("A parameter type is required when you create a parameter.")
    found = _checked(tags.from_list(params.get("Tags")))
    return Parameter(account=call.account, region=call.region, name=name, versions=[], tags=found)


def _forget_oldest(parameter: Parameter) -> None:
    """A parameter has a hundred versions; a labelled one is not let go."""
    if len(parameter.versions) <= MOST_VERSIONS:
        return
    oldest = parameter.versions.pop(0)
    if oldest.labels:
        message = (
            f"You attempted to create a new version of {parameter.name} by calling the PutParameter API with the "
            f"overwrite flag. Version {oldest.number}, the oldest version, can't be deleted because it has a label "
            "associated with it. Move the label to another version of the parameter, and try again."
        )
        raise AwsError("ParameterMaxVersionLimitExceeded", message)


def _version(call: Call, parameter: Parameter, params: Params) -> Version:
    before = parameter.versions[-1] if parameter.versions else None
    kind = params.get("Type") or (before.type if before else "String")
    version = Version(
        number=before.number + 1 if before else 1,
        value=params["Value"],
        type=kind,
        description=params.get("Description", before.description if before else ""),
        pattern=params.get("AllowedPattern", ""),
        tier=_tier(params, before),
        modified=call.epoch,
        by=call.caller.arn,
    )
    _check_value(version)
    if kind == "SecureString":
        version.key_id = params.get("KeyId", "alias/aws/ssm")
        arn = arn_of(call, parameter.name)
        version.value = sealed(call, arn, params["Value"], version.key_id, version.tier)
    elif "KeyId" in params:
        raise validation("KeyId can be used with parameters of the type SecureString only.")
    return version


def _tier(params: Params, before: Version | None) -> str:
    """The tier asked for, or the one it has; from Advanced there is no way back."""
    size = len(params["Value"].encode())
    was_advanced = before is not None and before.tier == "Advanced"
    tier = str(params.get("Tier", "Advanced" if was_advanced else "Standard"))
    if tier == "Intelligent-Tiering":
        tier = "Advanced" if size > STANDARD_BYTES or was_advanced else "Standard"
    if was_advanced and tier == "Standard":
        raise validation(
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the "
            "advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced "
            "parameter and recreate it as a standard parameter."
        )
    if size > (STANDARD_BYTES if tier == "Standard" else ADVANCED_BYTES):
        raise _too_long(tier)
    return tier


def _too_long(tier: str) -> AwsError:
    if tier == "Advanced":
        return validation(f"Advanced tier parameters support a maximum parameter value of {ADVANCED_BYTES} characters.")
    return validation(
        f"Standard tier parameters support a maximum parameter value of {STANDARD_BYTES} characters. To create a "
        "larger parameter value, upgrade the parameter to use the advanced-parameter tier."
    )


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
    _delete(call, parameter_named(call, params["Name"]))
    return {}


@service.operation(on=on_names)
def delete_parameters(call: Call, params: Params) -> Params:
    found = {name: find(call, name) for name in dict.fromkeys(params["Names"])}
    for parameter in found.values():
        if parameter:
            _delete(call, parameter)
    deleted = [name for name, parameter in found.items() if parameter]
    return {"DeletedParameters": deleted, "InvalidParameters": [name for name in found if name not in deleted]}


def _delete(call: Call, parameter: Parameter) -> None:
    call.store.delete(parameter)
    _publish(call, parameter, "Delete")


@service.operation(on=on_name)
def get_parameter_history(call: Call, params: Params) -> Params:
    """All versions, the oldest first."""
    parameter = parameter_named(call, params["Name"])
    bad = AwsError("InvalidNextToken", "The specified token isn't valid.")
    found, token = paging.page(
        parameter.versions, lambda one: f"{one.number:010d}", params.get("NextToken"), params.get("MaxResults", 50), bad
    )
    decrypt = params.get("WithDecryption", False)
    return {"Parameters": [_past(call, parameter, version, decrypt) for version in found], "NextToken": token}


def _past(call: Call, parameter: Parameter, version: Version, decrypt: bool) -> Params:
    value = shown(call, parameter, version, decrypt)
    kept = {name: value[name] for name in ("Name", "Type", "Value", "Version", "LastModifiedDate", "DataType")}
    more = {"KeyId": version.key_id or None, "LastModifiedUser": version.by, "Description": version.description or None}
    return {**kept, **more, "AllowedPattern": version.pattern or None, "Labels": version.labels, "Tier": version.tier}


@service.operation(on=on_name)
def label_parameter_version(call: Call, params: Params) -> Params:
    """Name a version; a label that another version has moves to this one."""
    parameter = parameter_named(call, params["Name"])
    target = _numbered(parameter, params.get("ParameterVersion", parameter.newest.number))
    good = [label for label in params["Labels"] if _LABEL.fullmatch(label)]
    if len({*target.labels, *good}) > MOST_LABELS:
        message = f"A parameter version can have a maximum of {MOST_LABELS} labels."
        raise AwsError("ParameterVersionLabelLimitExceeded", message)
    for version in parameter.versions:
        version.labels = [label for label in version.labels if label not in good]
    target.labels = sorted({*target.labels, *good})
    call.store.put(parameter)
    if good:
        _publish(call, parameter, "LabelParameterVersion")
    invalid = [label for label in params["Labels"] if label not in good]
    return {"InvalidLabels": invalid, "ParameterVersion": target.number}


@service.operation(on=on_name)
def unlabel_parameter_version(call: Call, params: Params) -> Params:
    parameter = parameter_named(call, params["Name"])
    target = _numbered(parameter, params["ParameterVersion"])
    removed = [label for label in params["Labels"] if label in target.labels]
    target.labels = [label for label in target.labels if label not in removed]
    call.store.put(parameter)
    return {"RemovedLabels": removed, "InvalidLabels": [one for one in params["Labels"] if one not in removed]}


def _numbered(parameter: Parameter, number: int) -> Version:
    for version in parameter.versions:
        if version.number == number:
            return version
    raise no_version(str(number), parameter.name)


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
    tags.check(found, too_many, validation("Tag keys that begin with aws: are reserved."))
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
    parameter = find(call, arn) if arn != "*" else None
    return parameter.tags if parameter else {}


service.resource_tags = _resource_tags


def _publish(call: Call, parameter: Parameter, operation: str) -> None:
    """EventBridge's "Parameter Store Change" (Systems Manager User Guide: "Reference: EventBridge event patterns")."""
    detail = {"operation": operation, "name": parameter.name, "type": parameter.newest.type}
    if parameter.newest.description:
        detail["description"] = parameter.newest.description
    call.emit("Parameter Store Change", detail, [arn_of(call, parameter.name)])
