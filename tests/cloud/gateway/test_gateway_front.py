"""The way in over HTTP: what isn't there, what can't be read, what fails inside."""

import dataclasses
import itertools
import json
import logging
import socket
import time
from typing import Any

import boto3
import pytest
from botocore.config import Config
from gateway_http import FORM, refusal, send

from labsupport.cloud.core import model
from labsupport.cloud.core.http import HttpRequest
from labsupport.cloud.gateway import front

JSON = {"Content-Type": "application/x-amz-json-1.1"}
COMMIT = "CodeCommit_20150413."
GET = {**JSON, "X-Amz-Target": f"{COMMIT}GetRepository"}
NONSENSE = {**JSON, "X-Amz-Target": f"{COMMIT}Nonsense"}
FORMS = {"Content-Type": FORM}
BOMB = b"<!DOCTYPE a [<!ENTITY b 'c'>]><Tagging>&b;</Tagging>"


def missing(cloud: Any, service: str) -> str:
    """An operation that AWS has and the lab has not, and that needs no more than a bucket's name in its path."""
    found = cloud.on_loop(lambda running: running.service(service))
    for name in sorted(model.operation_names(service) - set(found.operations)):
        shape = model.load(service).operation_model(name).input_shape
        if shape is None or set(shape.required_members) <= {"Bucket"} or service != "s3":
            return name
    pytest.skip(f"every operation of {service} is there")


@pytest.mark.parametrize("service", ["codecommit", "events", "iam", "sns", "s3", "ec2", "lambda", "cloudwatch"])
def test_what_aws_has_and_the_lab_has_not(shared_cloud: Any, service: str) -> None:
    """Each protocol, and services that are not there at all (of Lambda an operation)."""
    there = service in ("lambda", "cloudwatch")
    name = {"lambda": "ListLayers", "cloudwatch": "ListMetrics"}.get(service)
    name = name if there else missing(shared_cloud, service)
    keys = shared_cloud.keys()
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    client = boto3.client(service, endpoint_url=shared_cloud.url, region_name="us-east-1", config=config, **keys)
    with pytest.raises(client.exceptions.ClientError) as caught:
        client._make_api_call(name, {"Bucket": "some-bucket"} if service == "s3" else {})
    error = caught.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == ("NotSimulated", 501)
    assert name in error["Error"]["Message"]


def code(body: bytes) -> str:
    """The error's code as each protocol writes it."""
    if body[:1] == b"{":
        return str(json.loads(body)["__type"]).rpartition("#")[2]
    text = body.decode()
    return text.partition("<Code>")[2].partition("</Code>")[0]


@pytest.mark.parametrize(
    ("service", "method", "path", "headers", "body", "expected"),
    [
        ("codecommit", "POST", "/", GET, b"{", ("SerializationException", 400)),
        ("codecommit", "POST", "/", GET, b"[]", ("SerializationException", 400)),
        ("codecommit", "POST", "/", GET, b"\xff", ("SerializationException", 400)),
        ("codecommit", "POST", "/", GET, b"[" * 90_000, ("SerializationException", 400)),
        ("codecommit", "POST", "/", GET, b"{}", ("RepositoryNameRequiredException", 400)),
        ("codecommit", "POST", "/", NONSENSE, b"{}", ("UnknownOperationException", 400)),
        ("codecommit", "POST", "/", {**JSON, "X-Amz-Target": "Nonsense"}, b"{}", ("UnknownOperationException", 400)),
        ("codecommit", "POST", "/", JSON, b"{}", ("UnknownOperationException", 404)),
        ("iam", "POST", "/", FORMS, b"Action=Nonsense&Version=2010-05-08", ("InvalidAction", 400)),
        ("iam", "POST", "/", FORMS, b"Action=CreateUser&Version=2010-05-08", ("ValidationError", 400)),
        ("iam", "POST", "/", FORMS, b"Action=CreateUser&Version=2010-05-08&UserName=%ff", ("MalformedInput", 400)),
        ("sts", "GET", "/?Action=Nonsense&Version=2011-06-15", {}, b"", ("InvalidAction", 400)),
        ("s3", "PUT", "/a-bucket?tagging", {}, b"<Tagging", ("MalformedXML", 400)),
        ("s3", "PUT", "/a-bucket?tagging", {}, BOMB, ("MalformedXML", 400)),
        ("s3", "PATCH", "/a-bucket", {}, b"", ("MethodNotAllowed", 405)),
        ("nonsense", "POST", "/", {}, b"", ("NotSimulated", 501)),
    ],
)  # fmt: skip
def test_what_cannot_be_read(
    shared_cloud: Any, service: str, method: str, path: str, headers: dict[str, str], body: bytes,
    expected: tuple[str, int],
) -> None:  # fmt: skip
    answer = send(shared_cloud, method, path, headers, body, sign=service)
    assert (code(answer.body), answer.status) == expected, answer.body[:300]
    assert b"Traceback" not in answer.body


def test_a_protocol_that_the_lab_does_not_speak_is_named(shared_cloud: Any) -> None:
    headers = {"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"}
    answer = send(shared_cloud, "POST", "/service/CodeBuild_20161006/operation/ListBuilds", headers, sign="codebuild")
    assert answer.status == 501
    assert b"rpc-v2-cbor" in answer.body


def test_a_body_that_is_too_large_is_not_read_to_its_end(shared_cloud: Any) -> None:
    headers = {**GET, "Connection": "close"}
    answer = send(shared_cloud, "POST", "/", headers, b" " * (9 * 1024 * 1024), sign="codecommit")
    assert (code(answer.body), answer.status) == ("RequestEntityTooLarge", 413)


@pytest.mark.parametrize(
    ("service", "operation", "call"),
    [
        ("codecommit", "ListRepositories", "list_repositories"),
        ("iam", "ListUsers", "list_users"),
        ("s3", "ListBuckets", "list_buckets"),
        ("ec2", "DescribeInstances", "describe_instances"),
    ],
)
def test_a_failure_inside_is_said_without_its_traceback(
    shared_cloud: Any, service: str, operation: str, call: str, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("a secret place")

    operations = shared_cloud.on_loop(lambda running: running.service(service)).operations
    monkeypatch.setitem(
        operations, operation, dataclasses.replace(operations[operation], handler=broken, is_async=False)
    )
    client = shared_cloud.client(service)
    with caplog.at_level(logging.ERROR), pytest.raises(client.exceptions.ClientError) as caught:
        getattr(client, call)()
    error = caught.value.response
    shown = "InternalError" if service in ("s3", "ec2") else "InternalFailure"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert error["Error"]["Code"] in (shown, "InternalFailure")
    assert "secret" not in json.dumps(error, default=str)
    assert "ZeroDivisionError: a secret place" in caplog.text
    monkeypatch.undo()
    getattr(client, call)()


def test_a_failed_call_leaves_nothing_but_its_trace(shared_cloud: Any, monkeypatch: Any, caplog: Any) -> None:
    operations = shared_cloud.on_loop(lambda running: running.service("codecommit")).operations
    whole = operations["CreateRepository"]

    def half(call: Any, params: Any) -> Any:
        whole.handler(call, params)
        raise ZeroDivisionError

    monkeypatch.setitem(operations, "CreateRepository", dataclasses.replace(whole, handler=half))
    client = shared_cloud.client("codecommit")
    assert refusal(client.create_repository, repositoryName="half") == ("InternalFailure", 500)
    monkeypatch.undo()
    assert refusal(client.get_repository, repositoryName="half") == ("RepositoryDoesNotExistException", 400)
    trail = shared_cloud.client("cloudtrail")
    looked_for = [{"AttributeKey": "EventName", "AttributeValue": "CreateRepository"}]
    event = json.loads(trail.lookup_events(LookupAttributes=looked_for)["Events"][0]["CloudTrailEvent"])
    assert (event["errorCode"], event["requestParameters"]["repositoryName"]) == ("InternalFailure", "half")


def test_all_that_a_call_notes_has_one_time(shared_cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, ticks = shared_cloud.cloud.clock, itertools.count(int(time.time()))
    client = shared_cloud.client("codecommit")
    monkeypatch.setattr(clock, "epoch", lambda: float(next(ticks)))  # each look at it is a second later
    made = client.create_repository(repositoryName="at-once")["repositoryMetadata"]
    monkeypatch.undo()
    assert made["creationDate"] == made["lastModifiedDate"]


@pytest.mark.parametrize(
    "raw", [b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"]
)
def test_what_is_no_http_does_no_harm(shared_cloud: Any, raw: bytes, caplog: Any) -> None:
    port = shared_cloud.settings.port
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.sendall(raw)
        assert wire.recv(200)[:12] in (b"", b"HTTP/1.1 400", b"HTTP/1.0 400")
    assert send(shared_cloud, "GET", "/_lab/health").status == 200


def test_no_call_begins_within_another_ones_transaction(shared_cloud: Any) -> None:
    """Calls are begun without a task of their own, by which the store would tell that one was left open."""

    async def inside(cloud: Any) -> None:
        with cloud.store.transaction():
            await front.answer(cloud, HttpRequest("GET", "/"))

    with pytest.raises(RuntimeError, match="across an await"):
        shared_cloud.on_loop(inside)
