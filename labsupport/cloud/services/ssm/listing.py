"""Parameters by path and by filter."""

from collections.abc import Callable

from labsupport.cloud.core import images, paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.errors import AwsError
from labsupport.cloud.services.ssm.base import (
    PUBLIC_IMAGES,
    Parameter,
    Params,
    arn_of,
    public,
    service,
    shown,
    time,
    validation,
)

_ATTRIBUTES: dict[str, Callable[[Parameter], str]] = {
    "Name": lambda parameter: parameter.name,
    "Type": lambda parameter: parameter.newest.type,
    "KeyId": lambda parameter: parameter.newest.key_id,
    "Tier": lambda parameter: parameter.newest.tier,
    "DataType": lambda parameter: parameter.newest.data_type,
}
_OPTIONS = {
    "Name": ("Equals", "BeginsWith", "Contains"),
    "KeyId": ("Equals", "BeginsWith"),
    "Path": ("OneLevel", "Recursive"),
}
_BY_PATH = ("Type", "KeyId", "Label")  # what GetParametersByPath filters by


def _bad_token() -> AwsError:
    return AwsError("InvalidNextToken", "The specified token isn't valid.")


def _on_path(call: Call, params: Params) -> str:
    return arn_of(call, params["Path"].rstrip("/"))


def _context(_: Call, params: Params) -> Params:
    return {"ssm:recursive": str(params.get("Recursive", False)).lower()}


@service.operation(on=_on_path, context=_context)
def get_parameters_by_path(call: Call, params: Params) -> Params:
    path = params["Path"]
    if not path.startswith("/"):
        raise validation(
            "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward "
            'slash "/".'
        )
    filters = params.get("ParameterFilters", [])
    _check_filters(filters, _BY_PATH)
    below = path.rstrip("/") + "/"
    found = [one for one in _all(call) + _public(call) if _is_below(one.name, below, params.get("Recursive", False))]
    chosen, token = paging.page(
        [one for one in found if _fits_all(one, filters)],
        lambda one: one.name,
        params.get("NextToken"),
        params.get("MaxResults", 10),
        _bad_token(),
    )
    decrypt = params.get("WithDecryption", False)
    return {"Parameters": [shown(call, one, one.newest, decrypt) for one in chosen], "NextToken": token}


def _is_below(name: str, below: str, recursive: bool) -> bool:
    return name.startswith(below) and (recursive or "/" not in name.removeprefix(below))


@service.operation()
def describe_parameters(call: Call, params: Params) -> Params:
    if params.get("Filters") and params.get("ParameterFilters"):
        raise validation("You can use either Filters or ParameterFilters in a single request.")
    filters = [*params.get("ParameterFilters", []), *params.get("Filters", [])]
    _check_filters(filters, (*_ATTRIBUTES, "Path", "Label"))
    found = [] if params.get("Shared") else [one for one in _all(call) if _fits_all(one, filters)]
    chosen, token = paging.page(
        found, lambda one: one.name, params.get("NextToken"), params.get("MaxResults", 50), _bad_token()
    )
    return {"Parameters": [_described(call, one) for one in chosen], "NextToken": token}


def _all(call: Call) -> list[Parameter]:
    return list(call.store.list(Parameter, call.account, call.region))


def _public(call: Call) -> list[Parameter]:
    names = sorted(PUBLIC_IMAGES + alias for image in images.IMAGES for alias in image.aliases)
    return [found for name in names if (found := public(call, name))]


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


def _check_filters(filters: list[Params], known: tuple[str, ...]) -> None:
    for one in filters:
        key, option = one["Key"], one.get("Option")
        if key not in known and not (key.startswith("tag:") and "Path" in known):
            message = f"The following filter key is not valid: {key}. Valid filter keys include: [{', '.join(known)}]."
            raise AwsError("InvalidFilterKey", message)
        options = _OPTIONS.get(key, ("Equals",))
        if option is not None and option not in options:
            message = (
                f"The following filter option is not valid: {option}. Valid options include: [{', '.join(options)}]."
            )
            raise AwsError("InvalidFilterOption", message)
        if not one.get("Values") and not key.startswith("tag:"):
            raise AwsError("InvalidFilterValue", f"The filter {key} needs at least one value.")


def _fits_all(parameter: Parameter, filters: list[Params]) -> bool:
    return all(_fits(parameter, one["Key"], one.get("Option"), one.get("Values", [])) for one in filters)


def _fits(parameter: Parameter, key: str, option: str | None, values: list[str]) -> bool:
    if key == "Path":
        return any(_is_below(parameter.name, value.rstrip("/") + "/", option == "Recursive") for value in values)
    if key == "Label":
        return any(value in version.labels for version in parameter.versions for value in values)
    if key.startswith("tag:"):
        return key[4:] in parameter.tags and (not values or parameter.tags[key[4:]] in values)
    return any(_matches(_ATTRIBUTES[key](parameter), option, value) for value in values)


def _matches(found: str, option: str | None, value: str) -> bool:
    if option == "BeginsWith":
        return found.startswith(value)
    return value in found if option == "Contains" else found == value
