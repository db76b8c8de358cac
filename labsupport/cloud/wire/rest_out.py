"""Results of the REST protocols: what goes into the status, the headers and the body."""

import base64
from collections.abc import Callable
from typing import Any

from botocore.model import OperationModel, Shape

from ..core.http import CONTROLS, HttpResponse
from . import json_out, xml_out
from .json_out import UnknownMember
from .values import text_writer

Writer = Callable[[dict[str, Any]], HttpResponse]
Body = Callable[[dict[str, Any]], tuple[Any, str]]  # the body and its content type
_ELSEWHERE = ("header", "headers", "statusCode")

# The root elements of S3's answers that carry no payload member. The models don't name them, and botocore
# doesn't look; clients in other languages may. See each operation's response syntax in S3's API reference.
_S3_ROOTS = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycle": "LifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotification": "NotificationConfiguration",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListDirectoryBuckets": "ListAllMyDirectoryBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
}


def writer(operation: OperationModel, known: Any, xml: bool) -> Writer:
    """What turns a result into a response; `known` holds the structures made so far (a Style for XML)."""
    shape = operation.output_shape
    status = operation.http.get("responseCode", 200)
    if shape is None:
        return lambda result: HttpResponse(status, _refuse_members(operation, result))
    headers = header_writer(shape)
    status_member = next((n for n, m in shape.members.items() if m.serialization.get("location") == "statusCode"), None)
    write_body = _body(operation, shape, known, xml)

    def write(result: dict[str, Any]) -> HttpResponse:
        fields = headers(result)
        body, content_type = write_body(result)
        if content_type and body != b"":
            fields.setdefault("content-type", content_type)
        code = result.get(status_member) if status_member else None
        if code is None:
            code = 206 if "content-range" in fields else status
        return HttpResponse(code, fields, body)

    return write


def _refuse_members(operation: OperationModel, result: dict[str, Any]) -> dict[str, str]:
    for name in result:
        raise KeyError(f"{name!r}: {operation.name} answers nothing")
    return {}


def header_writer(shape: Any) -> Callable[[dict[str, Any]], dict[str, str]]:
    """What takes a value's header members out as headers, lower case."""
    single: dict[str, tuple[str, Callable[[Any], str]]] = {}
    groups: dict[str, str] = {}
    for name, member in shape.members.items():
        traits = member.serialization
        if traits.get("location") == "header":
            single[name] = (traits.get("name", name).lower(), _header_text(member))
        elif traits.get("location") == "headers":
            groups[name] = traits.get("name", "").lower()

    def write(value: dict[str, Any]) -> dict[str, str]:
        fields = {}
        for name, item in value.items():
            if item is not None and name in single:
                header, to_text = single[name]
                fields[header] = to_text(item)
        for name, prefix in groups.items():
            for key, item in (value.get(name) or {}).items():
                fields[header_text(prefix + key.lower())] = header_text(item)
        return fields

    return write


def _header_text(shape: Any) -> Callable[[Any], str]:
    if shape.serialization.get("jsonvalue"):
        return lambda value: base64.b64encode(json_out.encode(value)).decode("ascii")
    if shape.type_name == "string":
        return header_text
    if shape.type_name != "list":
        return text_writer(shape, "rfc822")
    to_text = text_writer(shape.member, "rfc822")
    quoted = shape.member.type_name == "string"
    return lambda value: ",".join(_item(to_text(item)) if quoted else to_text(item) for item in value)


def header_text(value: Any) -> str:
    """Text as a header can carry it: one line of ISO-8859-1 without control characters."""
    text = str(value)
    if text.isascii() and text.isprintable():
        return text
    return CONTROLS.sub(" ", text).encode("latin-1", "replace").decode("latin-1")


def _item(text: str) -> str:
    if '"' not in text and "," not in text:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _body(operation: OperationModel, shape: Any, known: Any, xml: bool) -> Body:
    payload = shape.serialization.get("payload")
    if payload is None:
        return _whole(operation, shape, known, xml)
    member = shape.members[payload]
    names = shape.members.keys()

    def refuse_others(result: dict[str, Any]) -> None:
        if not result.keys() <= names:
            raise UnknownMember(shape, next(name for name in result if name not in names))

    if member.type_name in ("blob", "string") or member.serialization.get("eventstream"):
        return _raw(payload, member, refuse_others)
    return _payload(payload, member, known, xml, refuse_others)


def _raw(name: str, member: Shape, check: Callable[[dict[str, Any]], None]) -> Body:
    """A body of bytes, text or pieces that come one by one; of an event stream, its messages as they are."""
    content_type = "application/octet-stream" if member.type_name == "blob" else "text/plain"
    if member.serialization.get("eventstream"):
        content_type = "application/vnd.amazon.eventstream"

    def write(result: dict[str, Any]) -> tuple[Any, str]:
        check(result)
        body = result.get(name)
        return b"" if body is None else body.encode() if isinstance(body, str) else body, content_type

    return write


def _payload(name: str, member: Shape, known: Any, xml: bool, check: Callable[[dict[str, Any]], None]) -> Body:
    write_member = _document(xml_out.element(member, _root(member), known)) if xml else _json_document(member, known)

    def write(result: dict[str, Any]) -> tuple[bytes, str]:
        check(result)
        value = result.get(name)
        return (b"", "") if value is None else write_member(value)

    return write


def _whole(operation: OperationModel, shape: Any, known: Any, xml: bool) -> Body:
    outside = frozenset(n for n, m in shape.members.items() if m.serialization.get("location") in _ELSEWHERE)
    if xml and operation.name == "GetBucketLocation":
        return _bucket_location
    if not xml:
        return _json_whole(shape, outside, known)
    if outside == shape.members.keys():
        return _nothing(shape, outside)
    root = _S3_ROOTS.get(operation.name, shape.serialization.get("name", f"{operation.name}Result"))
    return _document(xml_out.structure(shape, root, known, outside, _namespace_of(operation)))


def _namespace_of(operation: OperationModel) -> str:
    if operation.service_model.service_name == "s3":
        return ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
    return ""


def _nothing(shape: Any, members: frozenset[str]) -> Body:
    def write(result: dict[str, Any]) -> tuple[bytes, str]:
        for name in result:
            if name not in members:
                raise UnknownMember(shape, name)
        return b"", ""

    return write


def _json_whole(shape: Any, outside: frozenset[str], known: Any) -> Body:
    write_value = json_out.writer(shape, known)

    def write(result: dict[str, Any]) -> tuple[bytes, str]:
        inside = {name: item for name, item in result.items() if name not in outside}
        return json_out.encode(write_value(inside) if write_value else inside), "application/json"

    return write


def _json_document(shape: Shape, known: Any) -> Callable[[Any], tuple[bytes, str]]:
    write_value = json_out.writer(shape, known)
    return lambda value: (json_out.encode(write_value(value) if write_value else value), "application/json")


def _document(write_root: xml_out.Writer) -> Callable[[Any], tuple[bytes, str]]:
    def write(value: Any) -> tuple[bytes, str]:
        out = ['<?xml version="1.0" encoding="UTF-8"?>\n']
        write_root(value, out)
        return "".join(out).encode(), "application/xml"

    return write


def _root(member: Shape) -> str:
    return member.serialization.get("name", member.name)


def _bucket_location(result: dict[str, Any]) -> tuple[bytes, str]:
    """The one answer of S3's whose root element is itself the text; us-east-1 is the empty text."""
    for name in result:
        if name != "LocationConstraint":
            raise KeyError(f"{name!r} is no member of GetBucketLocationOutput")
    region = xml_out.escape(result.get("LocationConstraint") or "")
    namespace = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint{namespace}>{region}</LocationConstraint>'
    return text.encode(), "application/xml"
