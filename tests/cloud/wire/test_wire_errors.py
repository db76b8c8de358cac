"""Errors: every one that a model declares, read by botocore's parser, and the forms that have no model."""

from typing import Any

import pytest
from wire_client import SERVICES, read
from wire_random import Randomly, without_empty

from labsupport.cloud import wire
from labsupport.cloud.core.errors import AwsError, not_simulated
from labsupport.cloud.core.http import HttpRequest

REQUEST = HttpRequest("POST", "/some/where", headers={"x-amz-target": "Some.Thing"})
MESSAGE = 'Who said "<this>" & that?\n'


@pytest.mark.parametrize("service", SERVICES)
def test_every_declared_error_is_read_with_its_members(service: str) -> None:
    model = wire.load(service)
    operation = model.operation_model(sorted(wire.operation_names(service))[0])
    assert bool(model.error_shapes) == (service != "ec2")
    for shape in model.error_shapes:
        values = Randomly(f"{service} {shape.name}").value(shape)
        members = {name: item for name, item in values.items() if name.lower() != "message"}
        response = wire.serialize_error(model, operation, AwsError(shape.name, MESSAGE, **members), "id-1", REQUEST)
        found = read(operation, response, operation.output_shape)
        assert found["Error"]["Code"] == shape.error_code or model.is_query_compatible, shape
        assert found["Error"]["Message"] == MESSAGE, shape
        assert found["ResponseMetadata"]["RequestId"] == "id-1", shape
        assert response.status == expected_status(shape), shape
        if service != "ec2":
            extra = read(operation, response, shape)
            extra = {name: item for name, item in extra.items() if name.lower() != "message"}
            assert without_empty(extra) == without_empty(members), shape


def expected_status(shape: Any) -> int:
    error = shape.metadata.get("error", {})
    fault = shape._shape_model.get("fault") or error.get("fault")
    common = {"ServiceUnavailableException": 503, "InternalServerError": 500}
    return error.get("httpStatusCode") or common.get(shape.name) or (500 if fault else 400)


@pytest.mark.parametrize(
    ("service", "code", "on_the_wire", "status"),
    [
        ("iam", "NoSuchEntityException", "NoSuchEntity", 404),
        ("iam", "NoSuchEntity", "NoSuchEntity", 404),
        ("iam", "AccessDenied", "AccessDenied", 403),
        ("sts", "ExpiredToken", "ExpiredToken", 403),
        ("sts", "InternalFailure", "InternalFailure", 500),
        ("ec2", "InvalidInstanceID.NotFound", "InvalidInstanceID.NotFound", 400),
        ("codecommit", "RepositoryDoesNotExistException", "RepositoryDoesNotExistException", 400),
        ("codecommit", "AccessDeniedException", "AccessDeniedException", 400),
        ("kms", "KMSInternalException", "KMSInternalException", 500),
        ("lambda", "ResourceNotFoundException", "ResourceNotFoundException", 404),
        ("s3", "NoSuchKey", "NoSuchKey", 404),
        ("s3", "NoSuchBucketPolicy", "NoSuchBucketPolicy", 404),
        ("s3", "PreconditionFailed", "PreconditionFailed", 412),
        ("s3", "SlowDown", "SlowDown", 503),
    ],
)
def test_codes_and_statuses(service: str, code: str, on_the_wire: str, status: int) -> None:
    model = wire.load(service)
    response = wire.serialize_error(model, None, AwsError(code, "Said."), "id-1", REQUEST)
    operation = model.operation_model(min(wire.operation_names(service)))
    assert (response.status, read(operation, response, None)["Error"]["Code"]) == (status, on_the_wire)


def test_an_errors_own_status_comes_first() -> None:
    assert wire.serialize_error(wire.load("s3"), None, AwsError("NoSuchKey", "", 418), "id", REQUEST).status == 418


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_not_simulated_is_read_as_such(service: str) -> None:
    model = wire.load(service)
    operation = model.operation_model(min(wire.operation_names(service)))
    response = wire.serialize_error(model, operation, not_simulated(f"{service}:X"), "id", REQUEST)
    error = read(operation, response, None)["Error"]
    assert (response.status, error["Code"]) == (501, "NotSimulated")
    assert f"{service}:X exists at AWS" in error["Message"]


def test_services_that_were_query_once_send_the_old_code_too() -> None:
    model = wire.load("sqs")
    operation = model.operation_model("SendMessage")
    response = wire.serialize_error(model, operation, AwsError("QueueDoesNotExist", "Gone."), "id", REQUEST)
    assert response.headers["x-amzn-query-error"] == "AWS.SimpleQueueService.NonExistentQueue;Sender"
    assert read(operation, response, None)["Error"] == {
        "Code": "AWS.SimpleQueueService.NonExistentQueue",
        "Message": "Gone.",
        "QueryErrorCode": "QueueDoesNotExist",
        "Type": "Sender",
    }


def test_s3_names_the_resource_and_what_the_code_adds() -> None:
    request = HttpRequest("GET", "/bucket/a%20b")
    error = AwsError("NoSuchBucket", "The specified bucket does not exist", BucketName="buck<et", Ignored=None)
    response = wire.serialize_error(wire.load("s3"), None, error, "id", request)
    found = read(wire.operation("s3", "GetObject"), response, None)
    assert found["Error"] == {
        "Code": "NoSuchBucket",
        "Message": "The specified bucket does not exist",
        "BucketName": "buck<et",
        "Resource": "/bucket/a%20b",
    }
    assert found["ResponseMetadata"]["HostId"] == response.headers["x-amz-id-2"]


@pytest.mark.parametrize(("method", "status"), [("HEAD", 404), ("HEAD", 403), ("GET", 304)])
def test_some_answers_of_s3_have_no_body(method: str, status: int) -> None:
    error = AwsError("NoSuchKey" if status == 404 else "X", "said", status)
    response = wire.serialize_error(wire.load("s3"), None, error, "id", HttpRequest(method, "/b/k"))
    assert (response.status, response.body) == (status, b"")
    assert response.headers["x-amz-request-id"] == "id"


@pytest.mark.parametrize(
    ("request_", "service"),
    [
        (HttpRequest("POST", "/", headers={"x-amz-target": "Nobody.Nothing"}), "codecommit"),
        (HttpRequest("POST", "/", headers={"content-type": "application/x-www-form-urlencoded"}), "iam"),
        (HttpRequest("GET", "/", "Action=X&Version=Y"), "iam"),
        (HttpRequest("PATCH", "/bucket"), "s3"),
    ],
)
def test_a_request_that_names_no_service_is_answered_in_its_own_form(request_: HttpRequest, service: str) -> None:
    response = wire.serialize_error(None, None, AwsError("InvalidAction", "No <such> thing"), "id", request_)
    operation = wire.operation(service, min(wire.operation_names(service)))
    found = read(operation, response, None)
    assert (found["Error"]["Code"], found["Error"]["Message"]) == ("InvalidAction", "No <such> thing")
    assert response.status == 400
