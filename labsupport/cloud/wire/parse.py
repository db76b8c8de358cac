"""A request's parameters, as boto3's caller gave them."""

import functools
import zlib
from collections.abc import Callable
from typing import Any

from botocore.model import OperationModel, ServiceModel

from ..core.http import HttpRequest
from . import form_in, json_in, rest_in
from .identify import protocol_used
from .refusals import malformed
from .values import Malformed

Reader = Callable[[HttpRequest], dict[str, Any]]
_LARGEST_UNPACKED = 16 * 1024 * 1024


def parse(operation: OperationModel, request: HttpRequest) -> dict[str, Any]:
    """The parameters: timestamps as aware datetimes, blobs as bytes; a streamed body is not read and not in them.

    AwsError, with the code that the service's protocol has for it, if the bytes don't fit the model's types.
    Whether the values are allowed is for `validate`.
    """
    protocol = protocol_used(operation.service_model, request)
    try:
        return _reader(operation, protocol)(request)
    except Malformed as error:
        raise malformed(operation.service_model, protocol, str(error), error.place) from error
    except RecursionError as error:
        raise malformed(operation.service_model, protocol, "The request is nested too deeply") from error


@functools.cache
def _reader(operation: OperationModel, protocol: str) -> Reader:
    known = _known(operation.service_model, protocol)
    if protocol == "json":
        return _json(operation, known)
    if protocol in ("query", "ec2"):
        return _form(operation, known, protocol == "ec2")
    return rest_in.reader(operation, known, protocol == "rest-xml")


@functools.cache
def _known(_service: ServiceModel, _protocol: str) -> dict[str, Any]:
    """Readers of structures already made, shared by a service's operations."""
    return {}


def _json(operation: OperationModel, known: dict[str, Any]) -> Reader:
    if operation.input_shape is None:
        return lambda request: {}
    read = json_in.reader(operation.input_shape, known)
    return lambda request: read(json_in.decode(_unpacked(request)))


def _form(operation: OperationModel, known: dict[str, Any], ec2: bool) -> Reader:
    if operation.input_shape is None:
        return lambda request: {}
    read = form_in.reader(operation.input_shape, known, ec2)
    return lambda request: read(form_in.tree_of(form_in.fields_of(request.query, _unpacked(request))))


def _unpacked(request: HttpRequest) -> bytes:
    """The body, without the gzip that clients put around large metric data."""
    if request.headers.get("content-encoding") != "gzip":
        return request.body
    try:
        unpacker = zlib.decompressobj(wbits=31)
        body = unpacker.decompress(request.body, _LARGEST_UNPACKED)
    except zlib.error as error:
        raise Malformed("The request body is not valid gzip") from error
    if unpacker.unconsumed_tail:
        raise Malformed("The request body is too large")
    return body
