"""Which service and operation a request is for."""

import functools
import re
from typing import Any

from botocore.model import OperationModel, ServiceModel

from ..core.errors import AwsError, not_simulated
from ..core.http import HttpRequest
from . import catalogue, model, uri
from .values import Malformed

_VERSIONED = re.compile(r"/20\d\d-\d\d-\d\d/")
_FORM = "application/x-www-form-urlencoded"


def identify(request: HttpRequest, signing_name: str | None = None) -> tuple[str, str]:
    """botocore's names of the service and the operation; `signing_name` is the scope's, None if unsigned.

    AwsError with the protocol's code, where the request names nothing that AWS has, and `NotSimulated`
    where it names a service that the lab knows nothing of.
    """
    service = catalogue.SIGNED_AS.get(signing_name or "", signing_name)
    if service is not None and service not in catalogue.SERVICES:
        raise not_simulated(f"The service {service[:60]}")
    target = request.headers.get("x-amz-target")
    if target is not None:
        return _by_target(target)
    if request.headers.get("smithy-protocol"):
        raise not_simulated("The protocol " + request.headers["smithy-protocol"][:40])
    if service not in catalogue.REST:
        if _has_action(request):
            return _by_action(request, service)
        if service is not None:
            raise AwsError("UnknownOperationException", "The request names no operation.", 404)
    return _by_path(request, service)


def protocol_used(service: ServiceModel, request: HttpRequest) -> str:
    """The protocol of this request; services that speak several are told apart by what the request carries."""
    protocols = service.metadata.get("protocols") or [service.metadata["protocol"]]
    if len(protocols) > 1 and "query" in protocols and "x-amz-target" not in request.headers:
        return "query"
    return model.protocol_of(service)


def _by_target(target: str) -> tuple[str, str]:
    prefix, _, operation = target.rpartition(".")
    service = catalogue.TARGETS.get(prefix)
    if service is None or operation not in model.operation_names(service):
        raise AwsError("UnknownOperationException", "", 400)
    return service, operation


def _has_action(request: HttpRequest) -> bool:
    return _field(request, "Action") is not None


def _by_action(request: HttpRequest, service: str | None) -> tuple[str, str]:
    action, version = _field(request, "Action") or "", _field(request, "Version") or ""
    named = (
        catalogue.VERSIONS.get(version) if service is None or service not in catalogue.VERSIONS.values() else service
    )
    if named is None:
        raise AwsError("InvalidAction", f"Could not find operation {action[:128]} for version {version[:32]}", 400)
    if action not in model.operation_names(named):
        raise AwsError("InvalidAction", f"Could not find operation {action[:128]} for version {version[:32]}", 400)
    return named, action


@functools.cache
def _finder(name: str) -> tuple[re.Pattern[str], re.Pattern[bytes]]:
    pattern = rf"(?:^|&){name}=([^&]*)"
    return re.compile(pattern), re.compile(pattern.encode())


def _field(request: HttpRequest, name: str) -> str | None:
    """One form field without taking the whole form apart."""
    in_query, in_body = _finder(name)
    found = in_query.search(request.query)
    if found:
        return found[1]
    if not request.body or not request.headers.get("content-type", "").startswith(_FORM):
        return None
    inside = in_body.search(request.body)
    return inside[1].decode("ascii", "replace") if inside else None


def _by_path(request: HttpRequest, service: str | None) -> tuple[str, str]:
    try:
        for candidate in [service] if service else _unsigned(request):
            operation = _route(candidate, request)
            if operation is not None:
                return candidate, operation
    except Malformed as error:
        raise AwsError("InvalidURI", str(error), 400) from error
    if service == "s3" or service is None:
        raise AwsError("MethodNotAllowed", "The specified method is not allowed against this resource.", 405)
    raise AwsError("UnknownOperationException", "", 404)


def _unsigned(request: HttpRequest) -> tuple[str, ...]:
    """S3 owns every path, but buckets aren't named like API versions."""
    return catalogue.REST if _VERSIONED.match(request.raw_path) else ("s3",)


def _route(service: str, request: HttpRequest) -> str | None:
    given: dict[str, str] = dict(uri.parameters(request.query)) if request.query else {}
    for pattern, routes in _routes(service).get(request.method, ()):
        if pattern.fullmatch(request.raw_path):
            for literals, choices in routes if given else routes[-1:]:  # those that need nothing stand last
                if literals.keys() <= given.keys() and _fits(literals, given):
                    return _choose(choices, given, request.headers)
    return None


def _fits(literals: dict[str, str], given: dict[str, str]) -> bool:
    return all(not value or given[name] == value for name, value in literals.items())


_Choice = tuple[frozenset[str], frozenset[str], str]  # query parameters and headers that it needs; operation
_Routes = list[tuple[dict[str, str], list[_Choice]]]


def _choose(choices: list[_Choice], given: dict[str, str], headers: dict[str, str]) -> str:
    """Operations of one path differ in what they require; the least demanding gets what is left over."""
    for query, header, operation in choices:
        if query <= given.keys() and header <= headers.keys():
            return operation
    return choices[-1][2]


@functools.cache
def _routes(service: str) -> dict[str, list[tuple[re.Pattern[str], _Routes]]]:
    """By method: path patterns, the most particular first, each with its operations grouped by fixed parameters."""
    grouped: dict[str, dict[str, dict[tuple[Any, ...], list[_Choice]]]] = {}
    loaded = model.load(service)
    for name in sorted(loaded.operation_names, key=lambda name: _preference(loaded, name)):
        operation = loaded.operation_model(name)
        path, literals = uri.split(operation.http["requestUri"])
        paths = grouped.setdefault(operation.http["method"], {})
        paths.setdefault(path, {}).setdefault(tuple(sorted(literals.items())), []).append(_choice(operation))
    return {method: _ordered(paths) for method, paths in grouped.items()}


def _preference(service: ServiceModel, name: str) -> tuple[bool, str]:
    """Of twins that no request can tell apart, the one that isn't deprecated, and then the first by name."""
    return service.operation_model(name).deprecated, name


def _choice(operation: OperationModel) -> _Choice:
    needed: dict[str, set[str]] = {"querystring": set(), "header": set()}
    shape = operation.input_shape
    for name in shape.required_members if shape else ():
        traits = shape.members[name].serialization
        if traits.get("location") in needed:
            needed[traits["location"]].add(traits.get("name", name))
    return frozenset(needed["querystring"]), frozenset(name.lower() for name in needed["header"]), operation.name


def _ordered(paths: dict[str, dict[tuple[Any, ...], list[_Choice]]]) -> list[tuple[re.Pattern[str], _Routes]]:
    ordered = []
    for path in sorted(paths, key=lambda path: (-uri.literal_parts(path), path)):
        routes: _Routes = [
            (dict(literals), sorted(choices, key=lambda choice: -len(choice[0] | choice[1])))
            for literals, choices in sorted(paths[path].items(), key=lambda item: -len(item[0]))
        ]
        ordered.append((uri.compile_path(path)[0], routes))
    return ordered
