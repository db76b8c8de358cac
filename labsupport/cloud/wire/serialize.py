"""A result as the response that a client of the service expects."""

import base64
import functools
from collections.abc import Callable
from typing import Any

from botocore.model import OperationModel, ServiceModel

from ..core.http import HttpResponse
from . import json_out, rest_out, xml_out
from .model import protocol_of

_TIMESTAMPS = {"ec2": "iso8601-millis", "rest-xml": "iso8601-millis", "query": "iso8601"}


def serialize(
    operation: OperationModel, result: dict[str, Any], request_id: str, protocol: str | None = None
) -> HttpResponse:
    """The response for a result. A member that is None is left out; one that the model hasn't is a KeyError.

    Timestamps may be datetimes or seconds since 1970. A streamed body (bytes or an async iterator) is passed
    through. `protocol` is what `protocol_used` says of the request, for services that speak several.
    """
    return _writer(operation, protocol or protocol_of(operation.service_model))(result, request_id)


@functools.cache
def _writer(operation: OperationModel, protocol: str) -> Callable[[dict[str, Any], str], HttpResponse]:
    known = known_structures(operation.service_model, protocol)
    if protocol == "json":
        return _json(operation, known)
    if protocol in ("query", "ec2"):
        return _xml(operation, known, protocol == "ec2")
    write = rest_out.writer(operation, known, protocol == "rest-xml")
    id_headers = s3_ids if operation.service_model.service_name == "s3" else request_ids

    def answer(result: dict[str, Any], request_id: str) -> HttpResponse:
        response = write(result)
        response.headers.update(id_headers(request_id))
        return response

    return answer


@functools.cache
def known_structures(_service: ServiceModel, protocol: str) -> Any:
    """Writers of structures already made, shared by a service's operations."""
    return xml_out.Style(_TIMESTAMPS[protocol]) if protocol in _TIMESTAMPS else {}


def request_ids(request_id: str) -> dict[str, str]:
    return {"x-amzn-requestid": request_id}


def s3_ids(request_id: str) -> dict[str, str]:
    return {"x-amz-request-id": request_id, "x-amz-id-2": s3_host_id(request_id)}


def s3_host_id(request_id: str) -> str:
    """S3's second id for a request, which its support asks for; here it follows from the first."""
    return base64.b64encode((request_id * 2).encode()).decode("ascii")


def json_type(service: ServiceModel) -> str:
    return f"application/x-amz-json-{service.metadata.get('jsonVersion', '1.1')}"


def _json(operation: OperationModel, known: Any) -> Callable[[dict[str, Any], str], HttpResponse]:
    shape = operation.output_shape
    content_type = json_type(operation.service_model)
    stream = shape.event_stream_name if shape else None
    write = json_out.writer(shape, known) if shape else None

    def answer(result: dict[str, Any], request_id: str) -> HttpResponse:
        headers = {"x-amzn-requestid": request_id, "content-type": content_type}
        if stream is not None:
            headers["content-type"] = "application/vnd.amazon.eventstream"
            return HttpResponse(200, headers, result[stream])
        if write is None:
            return HttpResponse(200, headers, _nothing(operation, result))
        return HttpResponse(200, headers, json_out.encode(write(result)))

    return answer


def _nothing(operation: OperationModel, result: dict[str, Any]) -> bytes:
    for name in result:
        raise KeyError(f"{name!r}: {operation.name} answers nothing")
    return b""


def _xml(operation: OperationModel, style: xml_out.Style, ec2: bool) -> Callable[[dict[str, Any], str], HttpResponse]:
    shape = operation.output_shape
    namespace = operation.service_model.metadata.get("xmlNamespace", "")
    start = f'<{operation.name}Response xmlns="{namespace}">' + ("<requestId>" if ec2 else "")
    end = f"</{operation.name}Response>"
    write = _xml_body(operation, style, ec2)
    content_type = "text/xml;charset=UTF-8" if ec2 else "text/xml"

    def answer(result: dict[str, Any], request_id: str) -> HttpResponse:
        out = [start]
        if ec2:
            out.append(f"{request_id}</requestId>")
        if shape is None:
            _nothing(operation, result)
        write(result, out)
        if not ec2:
            out.append(f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>")
        out.append(end)
        headers = {"x-amzn-requestid": request_id, "content-type": content_type}
        return HttpResponse(200, headers, "".join(out).encode())

    return answer


def _xml_body(operation: OperationModel, style: xml_out.Style, ec2: bool) -> xml_out.Writer:
    """The result within the response: under its wrapper, and `<return>true</return>` where EC2 has none."""
    shape = operation.output_shape
    if shape is None:
        return lambda result, out: out.append("<return>true</return>" if ec2 else "")
    write = xml_out.contents(shape, style)
    wrapper = shape.serialization.get("resultWrapper")
    if not wrapper:
        return write

    def write_wrapped(result: Any, out: list[str]) -> None:
        out.append(f"<{wrapper}>")
        write(result, out)
        out.append(f"</{wrapper}>")

    return write_wrapped
