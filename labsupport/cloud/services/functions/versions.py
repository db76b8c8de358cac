"""Published versions, and aliases that point to them (Lambda Developer Guide: "Manage Lambda function versions")."""

import random

import msgspec

from labsupport.cloud.core import ids, paging
from labsupport.cloud.core.call import Call
from labsupport.cloud.services.functions import shown
from labsupport.cloud.services.functions.base import (
    LATEST,
    PAGE,
    Alias,
    Function,
    Params,
    Settings,
    Version,
    bad_marker,
    check_revision,
    conflict,
    find_alias,
    find_version,
    function_of,
    invalid,
    not_found,
    on_function,
    service,
    touched,
)


def publish(call: Call, function: Function, params: Params) -> tuple[str, Settings]:
    """A new version of what $LATEST is; where nothing has changed since the last one, that one again."""
    last = find_version(call, function, str(function.versions)) if function.versions else None
    description = params.get("Description") or function.settings.description
    if last and _same(last.settings, function.settings):
        return last.name, last.settings
    function.versions += 1
    settings = msgspec.structs.replace(function.settings, description=description)
    touched(call, settings)
    made = Version(
        account=function.account, region=function.region, function=function.name, number=f"{function.versions:012d}",
        settings=settings,
    )  # fmt: skip
    call.store.put(made, function)
    return made.name, settings


def _same(one: Settings, other: Settings) -> bool:
    return _what_counts(one) == _what_counts(other)


def _what_counts(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, description="", code="", modified=0.0, revision="")


@service.operation(on=on_function)
def publish_version(call: Call, params: Params) -> Params:
    function = function_of(call, params)
    check_revision(params, function.settings.revision)
    if params.get("CodeSha256", function.settings.sha256) != function.settings.sha256:
        raise invalid(
            f"CodeSHA256 ({params['CodeSha256']}) is different from current CodeSHA256 in $LATEST "
            f"({function.settings.sha256}). Please try again with the CodeSHA256 in $LATEST."
        )
    if function.updating or not function.created:
        message = (
            f"The operation cannot be performed at this time. An update is in progress for resource: {function.arn}"
        )
        raise conflict(message)
    version, settings = publish(call, function, params)
    return shown.configuration(call, function, settings, version, version)


@service.operation(on=on_function)
def list_versions_by_function(call: Call, params: Params) -> Params:
    function = function_of(call, params)
    published = [(one.name, one.settings) for one in call.store.list(Version, call.account, call.region, function.name)]
    size = min(params.get("MaxItems", PAGE), PAGE)
    every = [(LATEST, function.settings), *published]
    found, marker = paging.page_of_list(every, params.get("Marker"), size, bad_marker())
    listed = [shown.configuration(call, function, settings, name, name, brief=True) for name, settings in found]
    return {"Versions": listed, "NextMarker": marker}


# Aliases


def _check_target(call: Call, function: Function, version: str) -> None:
    if version != LATEST and find_version(call, function, version) is None:
        raise not_found(f"Function not found: {function.arn}:{version}")


def _routed(call: Call, function: Function, version: str, params: Params) -> dict[str, float]:
    """Of calls of the alias, the part that goes to another version."""
    weights: dict[str, float] = params.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    for other in weights:
        if version == LATEST or other == LATEST:
            raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
        if other == version:
            raise invalid(
                f"Invalid function version {other}. Function version {other} is already included in routing "
                "configuration."
            )
        _check_target(call, function, other)
    if len(weights) > 1:
        raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    return weights


def _alias_of(call: Call, params: Params) -> tuple[Function, Alias]:
    function = function_of(call, params)
    alias = find_alias(call, function, params["Name"])
    if alias is None:
        raise not_found(f"Cannot find alias arn: {function.arn}:{params['Name']}")
    return function, alias


@service.operation(on=on_function)
def create_alias(call: Call, params: Params) -> Params:
    function, name, version = function_of(call, params), params["Name"], params["FunctionVersion"]
    if find_alias(call, function, name):
        raise conflict(f"Alias already exists: {function.arn}:{name}")
    _check_target(call, function, version)
    made = Alias(
        account=function.account,
        region=function.region,
        function=function.name,
        name=name,
        version=version,
        description=params.get("Description", ""),
        weights=_routed(call, function, version, params),
        revision=ids.uuid4(),
    )
    call.store.put(made)
    return shown.alias(function, made)


@service.operation(on=on_function)
def get_alias(call: Call, params: Params) -> Params:
    return shown.alias(*_alias_of(call, params))


@service.operation(on=on_function)
def update_alias(call: Call, params: Params) -> Params:
    function, alias = _alias_of(call, params)
    check_revision(params, alias.revision)
    alias.version = params.get("FunctionVersion", alias.version)
    _check_target(call, function, alias.version)
    alias.description = params.get("Description", alias.description)
    given = params if "RoutingConfig" in params else {"RoutingConfig": {"AdditionalVersionWeights": alias.weights}}
    alias.weights = _routed(call, function, alias.version, given)
    alias.revision = ids.uuid4()
    call.store.put(alias)
    return shown.alias(function, alias)


@service.operation(on=on_function)
def delete_alias(call: Call, params: Params) -> Params:
    function = function_of(call, params)
    alias = find_alias(call, function, params["Name"])
    if alias:
        call.store.delete(alias)
        function.policies.pop(alias.name, None)
        function.asynchronous.pop(alias.name, None)
        call.store.put(function)
    return {}


@service.operation(on=on_function)
def list_aliases(call: Call, params: Params) -> Params:
    function = function_of(call, params)
    every = call.store.list(Alias, function.account, function.region, function.name)
    wanted = params.get("FunctionVersion")
    chosen = [one for one in every if wanted in (None, one.version, *one.weights)]
    size = min(params.get("MaxItems", PAGE), PAGE)
    found, marker = paging.page(chosen, lambda one: one.name, params.get("Marker"), size, bad_marker())
    return {"Aliases": [shown.alias(function, one) for one in found], "NextMarker": marker}


def chosen_version(call: Call, function: Function, qualifier: str) -> str:
    """The version that a call of this qualifier runs: an alias with weights draws one."""
    if qualifier in ("", LATEST) or qualifier.isdigit():
        return qualifier or LATEST
    alias = find_alias(call, function, qualifier)
    if alias is None:
        raise not_found(f"Function not found: {function.arn}:{qualifier}")
    others = list(alias.weights.items())
    if others and random.random() < others[0][1]:
        return others[0][0]
    return alias.version
