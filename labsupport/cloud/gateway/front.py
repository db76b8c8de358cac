"""A call over HTTP: identify -> authenticate -> parse -> (validate -> authorise -> run -> record) -> answer."""

import logging
from contextlib import suppress
from typing import Any

from labsupport.cloud.core import ids, model
from labsupport.cloud.core.call import Call
from labsupport.cloud.core.checksums import check_body
from labsupport.cloud.core.cloud import Cloud
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.http import HttpRequest, HttpResponse
from labsupport.cloud.core.identity import Caller
from labsupport.cloud.core.service import Service
from labsupport.cloud.gateway import bodies, sigv4
from labsupport.cloud.gateway.authenticate import authenticate
from labsupport.cloud.gateway.payload import open_payload
from labsupport.cloud.gateway.perform import perform
from labsupport.cloud.wire import identify, parse, protocol_used, serialize, serialize_error

log = logging.getLogger("labsupport.cloud.gateway")
# Operations that AWS answers without a signature.
_UNSIGNED = {
    ("sts", "AssumeRoleWithWebIdentity"),
    ("sts", "AssumeRoleWithSAML"),
    ("sns", "ConfirmSubscription"),
    ("sns", "Unsubscribe"),
}
_FAMILIES: dict[str, sigv4.Family] = {
    "json": "json",
    "rest-json": "json",
    "query": "query",
    "ec2": "ec2",
    "rest-xml": "s3",
}


async def answer(cloud: Cloud, request: HttpRequest) -> HttpResponse:
    """The response to any request for an AWS service. Errors of AWS's kind and ours alike get AWS's form."""
    request_id, service_name, operation = ids.request_id(), "", ""
    cloud.store.expect_no_transaction()
    try:
        claim = sigv4.credential_of(request)
        await bodies.read_unless_upload(request, claim.service if claim else None)
        service_name, operation = identify(request, claim.service if claim else None)
        service = _service(cloud, service_name, operation)
        caller, secret = authenticate(cloud, request, family_of(service_name), claim)
        _refuse_anonymous(cloud, caller, service_name, operation)
        shapes = model.operation(service_name, operation)
        params = parse(shapes, request)
        call = _call(cloud, service, operation, caller, claim, request, request_id)
        if request.is_upload:
            call.body = open_payload(request, claim, secret or None, trailers=call.headers)
        elif service_name == "s3" and (request.body or request.method == "PUT"):
            check_body(request.headers, request.body)
        result = await _run(call, operation, params)
        return serialize(shapes, result, request_id, protocol_used(shapes.service_model, request))
    except AwsError as error:
        return _failed(service_name, operation, error, request_id, request)
    except Exception:
        log.exception("%s:%s failed", service_name, operation)
        return _failed(service_name, operation, _internal(), request_id, request)


def lost(request: HttpRequest) -> HttpResponse:
    """The answer to a call that was answered already, to nobody's knowledge, when what it did could not be kept."""
    service_name, operation = "", ""
    with suppress(AwsError):
        claim = sigv4.credential_of(request)
        service_name, operation = identify(request, claim.service if claim else None)
    return _failed(service_name, operation, _internal(), ids.request_id(), request)


def _internal() -> AwsError:
    return AwsError("InternalFailure", "The lab failed at this call; its log says where.", 500)


def family_of(service: str) -> sigv4.Family:
    return _FAMILIES[model.protocol_of(service)]


def _service(cloud: Cloud, name: str, operation: str) -> Service:
    service = cloud.service(name)
    if service is None or operation not in service.operations:
        raise not_simulated(f"{name}:{operation}")
    return service


def _refuse_anonymous(cloud: Cloud, caller: Caller, service: str, operation: str) -> None:
    if caller.kind != "anonymous" or cloud.settings.open or service == "s3" or (service, operation) in _UNSIGNED:
        return
    raise sigv4.missing_token(family_of(service))


def _call(
    cloud: Cloud,
    service: Service,
    operation: str,
    caller: Caller,
    claim: sigv4.Claim | None,
    request: HttpRequest,
    request_id: str,
) -> Call:
    return Call(
        cloud=cloud,
        service=service,
        operation=operation,
        caller=caller,
        account=cloud.settings.account if caller.kind == "anonymous" else caller.account,
        region=claim.region if claim else cloud.settings.region,
        request_id=request_id,
        source_ip=request.client,
        user_agent=request.headers.get("user-agent", ""),
        secure=request.secure,
        tls=request.tls,
        host=request.headers.get("host", ""),
        headers=request.headers,
        method=request.method,
        path=request.raw_path,
        query=request.query,
        gone=request.gone,
    )


async def _run(call: Call, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    result = perform(call, operation, params)
    return result if isinstance(result, dict) else await result


def _failed(service: str, operation: str, error: AwsError, request_id: str, request: HttpRequest) -> HttpResponse:
    if not service:  # it was refused before it was known what it is for
        return serialize_error(None, None, error, request_id, request)
    known = model.operation(service, operation) if operation in model.operation_names(service) else None
    return serialize_error(model.load(service), known, error, request_id, request)
