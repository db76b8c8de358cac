"""Every operation of every service, there and back, against botocore's own client.

Random parameters go through botocore's serializer and come back from `identify` and `parse`; random results
go through `serialize` and come back from botocore's parser. The values are drawn from the models with a fixed
seed, so a failure repeats. What can't come back the same is in the tables below, each with its reason.
"""

import pytest
from botocore.model import OperationModel
from wire_client import SERVICES, read, request_of
from wire_random import Randomly, streamed, without_empty

from labsupport.cloud import wire

# No request tells these apart: method, path and query are the same. The first is answered as the second.
TWINS = {
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
    "ListDirectoryBuckets": "ListBuckets",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
}

# Deprecated, and their models give one element, Event, to two members, Event and Events.
AMBIGUOUS = {"GetBucketNotification", "PutBucketNotification"}

# Answers that botocore's bare parser doesn't read as they are.
UNREADABLE = {
    "GetBucketLocation": "the root element is the text; a handler of botocore's S3 client reads it",
    "GetLogObject": "an event stream: messages in a framing of their own, passed through as they are",
    "InvokeWithResponseStream": "an event stream",
    "SelectObjectContent": "an event stream",
    "StartLiveTail": "an event stream",
}


def operations(service: str) -> list[OperationModel]:
    return [wire.operation(service, name) for name in sorted(wire.operation_names(service))]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("service", SERVICES)
def test_parameters_come_back_from_what_botocore_sends(service: str, seed: int) -> None:
    for operation in operations(service):
        values = Randomly(f"{service} {operation.name} {seed}")
        params = values.value(operation.input_shape) if operation.input_shape else {}
        request = request_of(operation, with_body(operation, params))
        identified = wire.identify(request, operation.service_model.signing_name)
        assert identified == (service, TWINS.get(operation.name, operation.name)), operation
        parsed = wire.parse(operation, request)
        if operation.name not in AMBIGUOUS:
            assert without_empty(parsed) == without_empty(params), operation
        wire.validate(operation, params)


def with_body(operation: OperationModel, params: dict[str, object]) -> dict[str, object]:
    """botocore's serializer insists on a required body, which is not among the parameters here."""
    shape = operation.input_shape
    needed = [n for n in shape.required_members if streamed(shape.members[n])] if shape else []
    return params | dict.fromkeys(needed, b"body")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("service", SERVICES)
def test_results_come_back_from_what_botocore_reads(service: str, seed: int) -> None:
    for operation in operations(service):
        if operation.name in UNREADABLE.keys() | AMBIGUOUS:
            continue
        shape = operation.output_shape
        result = Randomly(f"{operation.name} of {service} {seed}").value(shape) if shape else {}
        if operation.has_streaming_output:
            result[shape.serialization["payload"]] = b"some bytes"
        response = wire.serialize(operation, result, "request-1")
        found = read(operation, response, shape)
        assert found.pop("ResponseMetadata")["RequestId"] == "request-1", operation
        found = {name: item.read() if hasattr(item, "read") else item for name, item in found.items()}
        assert without_empty(found) == without_empty(result), operation


def test_exceptions_in_the_tables_are_real() -> None:
    """A line that no longer names an operation, or that isn't needed, would hide a fault."""
    names = {name for service in SERVICES for name in wire.operation_names(service)}
    assert names >= TWINS.keys() | set(TWINS.values()) | UNREADABLE.keys() | AMBIGUOUS
    for name in [name for name, reason in UNREADABLE.items() if reason.startswith("an event stream")]:
        service = next(service for service in SERVICES if name in wire.operation_names(service))
        assert wire.operation(service, name).has_event_stream_output


def test_bucket_location_is_the_root_elements_text() -> None:
    operation = wire.operation("s3", "GetBucketLocation")
    for region, text in (("eu-west-1", b">eu-west-1</LocationConstraint>"), (None, b"></LocationConstraint>")):
        assert wire.serialize(operation, {"LocationConstraint": region}, "r").body.endswith(text)
