"""An error as the response that a client of the service expects."""

import functools
from typing import Any

from botocore.model import OperationModel, ServiceModel, Shape

from ..core.errors import AwsError
from ..core.http import HttpRequest, HttpResponse
from . import json_out, rest_out, xml_out
from .identify import protocol_used
from .querycodes import query_code
from .serialize import json_type, known_structures, request_ids, s3_host_id, s3_ids

# Codes that no model declares, with the status that AWS gives them. See "Common errors" in the services' API
# references and "Error responses" in S3's. json services answer 400 to what query and S3 answer 403 to.
_STATUS = {
    "AccessDenied": 403,
    "AllAccessDisabled": 403,
    "AuthFailure": 401,
    "BucketNotEmpty": 409,
    "ConditionalRequestConflict": 409,
    "EntityTooLarge": 400,
    "ExpiredToken": 403,
    "IncompleteSignature": 400,
    "InternalError": 500,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "InvalidAccessKeyId": 403,
    "InvalidBucketState": 409,
    "InvalidClientTokenId": 403,
    "InvalidRange": 416,
    "MethodNotAllowed": 405,
    "MissingAuthenticationToken": 403,
    "MissingContentLength": 411,
    "NoSuchBucketPolicy": 404,
    "NoSuchCORSConfiguration": 404,
    "NoSuchConfiguration": 404,
    "NoSuchLifecycleConfiguration": 404,
    "NoSuchPublicAccessBlockConfiguration": 404,
    "NoSuchTagSet": 404,
    "NoSuchVersion": 404,
    "NoSuchWebsiteConfiguration": 404,
    "NotImplemented": 501,
    "NotModified": 304,
    "NotSimulated": 501,
    "ObjectLockConfigurationNotFoundError": 404,
    "OperationAborted": 409,
    "OptInRequired": 403,
    "OwnershipControlsNotFoundError": 404,
    "PreconditionFailed": 412,
    "ReplicationConfigurationNotFoundError": 404,
    "RequestEntityTooLargeException": 413,
    "RequestExpired": 400,
    "RequestTimeTooSkewed": 403,
    "ServerSideEncryptionConfigurationNotFoundError": 404,
    "ServiceUnavailable": 503,
    "SignatureDoesNotMatch": 403,
    "SlowDown": 503,
}
_STATUS_JSON = {
    "InternalFailure": 500,
    "InternalServerError": 500,
    "InternalServiceError": 500,
    "NotSimulated": 501,
    "ServiceUnavailable": 503,
    "ServiceUnavailableException": 503,
}


def serialize_error(
    service: ServiceModel | None,
    operation: OperationModel | None,
    error: AwsError,
    request_id: str,
    request: HttpRequest,
) -> HttpResponse:
    """The response for an error. Without a service, where none was identified, the request's look decides its form.

    The error's code may be the model's name for it or the one on the wire; further members of the error's
    shape are taken from `error.members`, and the status from the error, the shape or AWS's common ones.
    """
    if service is None:
        return _unidentified(error, request_id, request)
    shape = _shape_of(service, operation, error.code)
    protocol = protocol_used(service, request)
    if protocol == "rest-xml":
        return _s3(service, shape, error, request_id, request)
    if protocol in ("query", "ec2"):
        return _query(service, shape, error, request_id, protocol)
    return _json(service, shape, error, request_id, protocol)


def _unidentified(error: AwsError, request_id: str, request: HttpRequest) -> HttpResponse:
    headers = request.headers
    if "x-amz-target" in headers or "json" in headers.get("content-type", ""):
        body = json_out.encode({"__type": error.code, "message": error.message})
        fields = request_ids(request_id) | {"content-type": "application/x-amz-json-1.1"}
        return HttpResponse(_status(None, error, _STATUS_JSON), fields, body)
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded") or "Action=" in request.query:
        return _error_response("", "", error.code, error, request_id, _status(None, error, _STATUS))
    return _s3_document(error, "", error.code, request_id, request, _status(None, error, _STATUS))


def _shape_of(service: ServiceModel, operation: OperationModel | None, code: str) -> Any:
    """The error's shape, by its name or its code on the wire; None for an error that the model doesn't declare."""
    for shape in operation.error_shapes if operation else ():
        if code in (shape.name, shape.error_code):
            return shape
    return _error_shapes(service).get(code)


@functools.cache
def _error_shapes(service: ServiceModel) -> dict[str, Any]:
    by_code = {shape.error_code: shape for shape in service.error_shapes}
    return by_code | {shape.name: shape for shape in service.error_shapes}


def _status(shape: Shape | None, error: AwsError, common: dict[str, int]) -> int:
    if error.status is not None:
        return error.status
    modelled = shape.metadata.get("error", {}).get("httpStatusCode") if shape is not None else None
    otherwise = 500 if shape is not None and _is_fault(shape) else 400
    return modelled or common.get(error.code, otherwise)


def _is_fault(shape: Shape) -> bool:
    return bool(shape._shape_model.get("fault") or shape.metadata.get("error", {}).get("fault"))


def _members(shape: Any, error: AwsError) -> dict[str, Any]:
    """The error's further members, those that its shape has; others are the code's own business."""
    return {} if shape is None else {name: item for name, item in error.members.items() if name in shape.members}


def _json(service: ServiceModel, shape: Any, error: AwsError, request_id: str, protocol: str) -> HttpResponse:
    code = shape.name if shape is not None else error.code
    members = _members(shape, error)
    fields = request_ids(request_id) | {"content-type": json_type(service)}
    body: dict[str, Any] = {"__type": code}
    if protocol == "rest-json":
        body = {}
        fields |= {"content-type": "application/json", "x-amzn-errortype": code}
    if shape is not None and members:
        fields |= rest_out.header_writer(shape)(members) if protocol == "rest-json" else {}
        write = json_out.writer(shape, known_structures(service, protocol))
        body |= {k: v for k, v in (write(members) if write else members).items() if k not in _header_names(shape)}
    status = _status(shape, error, _STATUS_JSON if protocol == "json" else _STATUS | _STATUS_JSON)
    body.setdefault(_message_name(shape), error.message)
    if service.is_query_compatible:
        wire = query_code(service.service_name, shape.error_code if shape is not None else code)
        fields["x-amzn-query-error"] = f"{wire};{'Receiver' if status >= 500 else 'Sender'}"
    return HttpResponse(status, fields, json_out.encode(body))


def _header_names(shape: Any) -> set[str]:
    return {
        member.serialization.get("name", name)
        for name, member in shape.members.items()
        if member.serialization.get("location") == "header"
    }


def _message_name(shape: Any) -> str:
    """Services write the message's name with or without a capital, as their model has it."""
    return next((name for name in shape.members if name.lower() == "message"), "message") if shape else "message"


def _query(service: ServiceModel, shape: Any, error: AwsError, request_id: str, protocol: str) -> HttpResponse:
    code = shape.error_code if shape is not None else query_code(service.service_name, error.code)
    status = _status(shape, error, _STATUS)
    if protocol == "ec2":
        return _ec2(code, error, request_id, status)
    extra = _xml_members(service, shape, error, protocol)
    return _error_response(service.metadata.get("xmlNamespace", ""), extra, code, error, request_id, status)


def _error_response(
    namespace: str, extra: str, code: str, error: AwsError, request_id: str, status: int
) -> HttpResponse:
    kind = "Receiver" if status >= 500 else "Sender"
    start = f'<ErrorResponse xmlns="{namespace}">' if namespace else "<ErrorResponse>"
    text = (
        f"{start}<Error><Type>{kind}</Type><Code>{xml_out.escape(code)}</Code>"
        f"<Message>{xml_out.escape(error.message)}</Message>{extra}</Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return HttpResponse(status, request_ids(request_id) | {"content-type": "text/xml"}, text.encode())


def _ec2(code: str, error: AwsError, request_id: str, status: int) -> HttpResponse:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>'
        f"<Code>{xml_out.escape(code)}</Code><Message>{xml_out.escape(error.message)}</Message>"
        f"</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    )
    headers = request_ids(request_id) | {"content-type": "text/xml;charset=UTF-8"}
    return HttpResponse(status, headers, text.encode())


def _xml_members(service: ServiceModel, shape: Any, error: AwsError, protocol: str) -> str:
    members = _members(shape, error)
    if not members:
        return ""
    out: list[str] = []
    xml_out.contents(shape, known_structures(service, protocol))(members, out)
    return "".join(out)


def _s3(service: ServiceModel, shape: Any, error: AwsError, request_id: str, request: HttpRequest) -> HttpResponse:
    """S3 adds members that no model has, such as the bucket's name or the argument's."""
    modelled = _members(shape, error)
    extra = _xml_members(service, shape, error, "rest-xml")
    for name, value in error.members.items():
        if name not in modelled and value is not None:
            extra += f"<{name}>{xml_out.escape(str(value))}</{name}>"
    code = shape.error_code if shape is not None else error.code
    return _s3_document(error, extra, code, request_id, request, _status(shape, error, _STATUS))


def _s3_document(
    error: AwsError, extra: str, code: str, request_id: str, request: HttpRequest, status: int
) -> HttpResponse:
    if request.method == "HEAD" or status == 304:
        return HttpResponse(status, s3_ids(request_id) | error.headers)
    resource = "" if "<Resource>" in extra else f"<Resource>{xml_out.escape(request.raw_path)}</Resource>"
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{xml_out.escape(code)}</Code>'
        f"<Message>{xml_out.escape(error.message)}</Message>{extra}{resource}"
        f"<RequestId>{request_id}</RequestId><HostId>{s3_host_id(request_id)}</HostId></Error>"
    )
    headers = s3_ids(request_id) | {"content-type": "application/xml"} | error.headers
    return HttpResponse(status, headers, text.encode())
