"""How a function is called asynchronously: how often it is tried, how old an event may get, and who hears of the end
(Lambda Developer Guide: "Configuring error handling settings for Lambda asynchronous invocations")."""

from datetime import UTC, datetime

from labsupport.cloud.core import paging
from labsupport.cloud.core.arn import parse
from labsupport.cloud.core.call import Call
from labsupport.cloud.services.functions.base import (
    LATEST,
    PAGE,
    Function,
    Name,
    Params,
    bad_marker,
    find_alias,
    find_version,
    function_named,
    function_of,
    invalid,
    named,
    not_found,
    on_function,
    on_qualified,
    service,
)

_SETTINGS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
_DESTINATIONS = ("sns", "sqs", "lambda", "events")


def _asked(call: Call, params: Params) -> tuple[Function, Name]:
    """The function, and the version or alias that is meant; none is $LATEST."""
    name = named(call, params)
    function, qualifier = function_named(call, name), name.qualifier or LATEST
    there = qualifier == LATEST or find_version(call, function, qualifier) or find_alias(call, function, qualifier)
    if not there:
        raise not_found(f"Function not found: {name.arn}")
    return function, name._replace(qualifier=qualifier)


def _check(params: Params) -> None:
    for kind in ("OnSuccess", "OnFailure"):
        target = params.get("DestinationConfig", {}).get(kind, {}).get("Destination")
        arn = parse(target) if target else None
        if target and (arn is None or arn.service not in _DESTINATIONS):
            raise invalid(f"The provided destination config DestinationConfig for {kind} is invalid: {target}")


def _keep(call: Call, params: Params, before: Params | None = None) -> Params:
    function, name = _asked(call, params)
    _check(params)
    given = {key: params[key] for key in _SETTINGS if key in params}
    kept = {**(before or {"DestinationConfig": {}}), **given, "modified": call.epoch}
    function.asynchronous[name.qualifier] = kept
    call.store.put(function)
    return _shown(name, kept)


def _shown(name: Name, kept: Params) -> Params:
    shown = {key: kept[key] for key in _SETTINGS if key in kept}
    destinations = {kind: kept.get("DestinationConfig", {}).get(kind, {}) for kind in ("OnSuccess", "OnFailure")}
    modified = datetime.fromtimestamp(kept["modified"], UTC)
    return {**shown, "DestinationConfig": destinations, "FunctionArn": name.arn, "LastModified": modified}


def _held(call: Call, params: Params) -> tuple[Function, Name, Params]:
    function, name = _asked(call, params)
    kept = function.asynchronous.get(name.qualifier)
    if kept is None:
        raise not_found(f"The function {name.arn} doesn't have an EventInvokeConfig")
    return function, name, kept


@service.operation(on=on_qualified)
def put_function_event_invoke_config(call: Call, params: Params) -> Params:
    return _keep(call, params)


@service.operation(on=on_qualified)
def update_function_event_invoke_config(call: Call, params: Params) -> Params:
    return _keep(call, params, _held(call, params)[2])


@service.operation(on=on_qualified)
def get_function_event_invoke_config(call: Call, params: Params) -> Params:
    _, name, kept = _held(call, params)
    return _shown(name, kept)


@service.operation(on=on_qualified)
def delete_function_event_invoke_config(call: Call, params: Params) -> Params:
    function, name, _ = _held(call, params)
    del function.asynchronous[name.qualifier]
    call.store.put(function)
    return {}


@service.operation(on=on_function)
def list_function_event_invoke_configs(call: Call, params: Params) -> Params:
    function = function_of(call, params)
    name = named(call, params)
    size = min(params.get("MaxItems", PAGE), PAGE)
    every = sorted(function.asynchronous.items())
    found, marker = paging.page(every, lambda one: one[0], params.get("Marker"), size, bad_marker())
    listed = [_shown(name._replace(qualifier=qualifier), kept) for qualifier, kept in found]
    return {"FunctionEventInvokeConfigs": listed, "NextMarker": marker}
