"""Parameters by path and by filter."""

from collections.abc import Callable

from labsupport.cloud.core import paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.services.ssm.base import Parameter, Params, arn_of, service, shown, time

_BAD_TOKEN = AwsError("InvalidNextToken", "The specified token isn't valid.")
_ATTRIBUTES: dict[str, Callable[[Parameter], str]] = {
    "Name": lambda parameter: parameter.name,
    "Type": lambda parameter: parameter.newest.type,
    "KeyId": lambda parameter: parameter.newest.key_id,
    "Tier": lambda parameter: parameter.newest.tier,
    "DataType": lambda parameter: parameter.newest.data_type,
    "Path": lambda parameter: parameter.name.rpartition("/")[0] or "/",
}


def _on_path(call: Call, params: Params) -> str:
    return arn_of(call, params["Path"].rstrip("/"))


def _context(call: Call, params: Params) -> Params:
    return {"ssm:recursive": str(params.get("Recursive", False)).lower()}


@service.operation(on=_on_path, context=_context)
def get_parameters_by_path(call: Call, params: Params) -> Params:
    path = params["Path"]
    if not path.startswith("/"):
        message = f"The parameter doesn't meet the parameter name requirements: {path} must begin with a forward slash."
        raise AwsError("ValidationException", message)
    below = path.rstrip("/") + "/"
    found = [one for one in _all(call) if _is_below(one.name, below, params.get("Recursive", False))]
    found = [one for one in found if _fits_all(one, params.get("ParameterFilters", []))]
    chosen, token = paging.page(
        found, lambda one: one.name, params.get("NextToken"), params.get("MaxResults", 10), _BAD_TOKEN
    )
    decrypt = params.get("WithDecryption", False)
    return {"Parameters": [shown(call, one, one.newest, decrypt) for one in chosen], "NextToken": token}


def _is_below(name: str, below: str, recursive: bool) -> bool:
    return name.startswith(below) and (recursive or "/" not in name.removeprefix(below))


@service.operation()
def describe_parameters(call: Call, params: Params) -> Params:
    old_style = [
        {"Key": one["Key"], "Option": "BeginsWith", "Values": one["Values"]} for one in params.get("Filters", [])
    ]
    filters = params.get("ParameterFilters", []) + old_style
    found = [one for one in _all(call) if _fits_all(one, filters)]
    chosen, token = paging.page(
        found, lambda one: one.name, params.get("NextToken"), params.get("MaxResults", 50), _BAD_TOKEN
    )
    return {"Parameters": [_described(call, one) for one in chosen], "NextToken": token}


def _all(call: Call) -> list[Parameter]:
    return list(call.store.list(Parameter, call.account, call.region))


def _described(call: Call, parameter: Parameter) -> Params:
    newest = parameter.newest
    return {
        "Name": parameter.name,
        "ARN": arn_of(call, parameter.name),
        "Type": newest.type,
        "KeyId": newest.key_id or None,
        "LastModifiedDate": time(newest.modified),
        "LastModifiedUser": newest.by,
        "Description": newest.description or None,
        "AllowedPattern": newest.pattern or None,
        "Version": newest.number,
        "Tier": newest.tier,
        "Policies": [],
        "DataType": newest.data_type,
    }


def _fits_all(parameter: Parameter, filters: list[Params]) -> bool:
    return all(_fits(parameter, one["Key"], one.get("Option"), one.get("Values", [])) for one in filters)


def _fits(parameter: Parameter, key: str, option: str | None, values: list[str]) -> bool:
    if key == "Path":
        return any(_is_below(parameter.name, value.rstrip("/") + "/", option == "Recursive") for value in values)
    if key == "Label":
        return any(value in version.labels for version in parameter.versions for value in values)
    if key.startswith("tag:"):
        return key[4:] in parameter.tags and (not values or parameter.tags[key[4:]] in values)
    if key not in _ATTRIBUTES:
        message = f"The following filter key is not valid: {key}. Valid filter keys include: [Path, Name, Type, KeyId]."
        raise AwsError("InvalidFilterKey", message)
    return any(_matches(_ATTRIBUTES[key](parameter), option or "Equals", value) for value in values)


def _matches(found: str, option: str, value: str) -> bool:
    if option == "Equals":
        return found == value
    if option == "BeginsWith":
        return found.startswith(value)
    if option == "Contains":
        return value in found
    raise not_simulated(f"The filter option {option}")
